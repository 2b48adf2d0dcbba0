//! The codecs of ids, both ways, and what telling principals apart costs.

use std::hint::black_box;

use interlingua::canonical::id::IdForm;
use interlingua::limit::Principal;

use super::Phase;

const ROUNDS: u32 = 1000;

pub(crate) fn phases() -> Vec<Phase> {
    let mut phases = Vec::new();
    let spellings = [
        ("uuid", IdForm::Uuid, "3c90c3cc-0d44-4b50-8888-8dd25736052a"),
        ("shortuuid", IdForm::ShortUuid, "CnEqURgZ3swzj528KMLvX5"),
    ];
    for (name, form, text) in spellings {
        let id = form.read(text).expect("it is spelt in that form");
        phases.push(Phase::new(format!("id/{name}/read"), ROUNDS, move || {
            drop(black_box(form.read(black_box(text))));
        }));
        let mut out = String::with_capacity(64);
        phases.push(Phase::new(format!("id/{name}/write"), ROUNDS, move || {
            out.clear();
            form.write(black_box(&id), &mut out).expect("a UUID can be written so");
            black_box(&out);
        }));
    }
    let key = b"csb_AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEf_84041098";
    phases.push(Phase::new("admit/principal", ROUNDS, move || {
        black_box(Principal::of(black_box(key)));
    }));
    phases
}
