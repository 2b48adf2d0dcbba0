//! The phases that are functions of their own: select, admit, decode, check, lift, lower, and the headers of encode.

use std::error::Error;
use std::hint::black_box;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

use interlingua::canonical::api::Api;
use interlingua::dialect::{Registry, Selected, url::Url};
use interlingua::gateway::AnswerCheck;
use interlingua::json::{Document, Limits};
use interlingua::lens::Resolutions;
use interlingua::limit::{Decision, Headers, Limiter, Principal};
use interlingua::translate::answer::{Answer, answered};
use interlingua::translate::lift::{Lifted, lift};
use interlingua::translate::lower::lower;
use interlingua::translate::{self, Request, Step, misfit};

use super::case::Case;
use super::{Phase, document};

/// A short exchange, and two long ones.
const CASES: [(&str, u32); 3] = [("invite", 200), ("list-100", 8), ("bulk-100-array", 4)];

pub(crate) fn phases(registry: &Registry, cases: &[Case]) -> Result<Vec<Phase>, Box<dyn Error>> {
    let mut phases = admit(registry, Case::named(cases, "invite")?)?;
    for (name, rounds) in CASES {
        phases.extend(of_case(registry, Case::named(cases, name)?, rounds)?);
    }
    let refused = Case::named(cases, "refused-schema")?;
    let request = request(registry, refused)?;
    phases.push(Phase::new("check/refused-schema", 100, move || {
        let outcome = translate::check(black_box(&request));
        assert!(outcome.is_err(), "the schema takes it");
        drop(black_box(outcome));
    }));
    phases.push(yardstick(Case::named(cases, "list-100")?));
    Ok(phases)
}

/// Everything between a request and its answer that is known.
struct Scene {
    api: Arc<Api>,
    request: Request,
    lifted: Lifted,
    resolutions: Resolutions,
}

fn of_case(registry: &Registry, case: &Case, rounds: u32) -> Result<Vec<Phase>, Box<dyn Error>> {
    let scene = scene(registry, case)?;
    let name = |phase: &str| format!("{phase}/{}", case.name);
    let mut phases = Vec::new();
    if !case.body.is_empty() {
        phases.push(decode(name("decode-request"), rounds, case.body.to_vec()));
        let same = Rc::clone(&scene);
        phases.push(Phase::new(name("check"), rounds, move || {
            let outcome = translate::check(black_box(&same.request));
            assert!(outcome.is_ok(), "the schema refuses it");
        }));
    }
    let same = Rc::clone(&scene);
    phases.push(Phase::new(name("lift"), rounds, move || {
        let outcome = lift(&same.api, black_box(&same.request), &same.resolutions);
        drop(black_box(outcome));
    }));
    phases.push(decode(name("decode-answer"), rounds, case.backend_body.to_vec()));
    let mut answers = answers(case, &scene.lifted);
    let same = Rc::clone(&scene);
    phases.push(Phase::new(name("check-answer"), rounds, move || {
        let misfits = misfit::check(
            AnswerCheck::Enforce,
            &same.request.operation,
            &same.lifted,
            black_box(&mut answers),
        );
        assert!(misfits.is_empty(), "the answer does not fit");
    }));
    let answers = self::answers(case, &scene.lifted);
    phases.push(Phase::new(name("lower"), rounds, move || {
        let outcome =
            lower(&scene.api, &scene.request, &scene.lifted, black_box(&answers), &scene.resolutions);
        assert!(matches!(outcome, Ok(Step::Done(_))), "the answer cannot be told");
        drop(black_box(outcome));
    }));
    Ok(phases)
}

fn scene(registry: &Registry, case: &Case) -> Result<Rc<Scene>, Box<dyn Error>> {
    let (api, resolutions) = (Arc::clone(registry.api()), Resolutions::default());
    let mut request = request(registry, case)?;
    translate::check(&request).map_err(|problem| format!("{}: {problem:?}", case.name))?;
    request.choose_case();
    match lift(&api, &request, &resolutions) {
        Ok(Step::Done(lifted)) => Ok(Rc::new(Scene { api, request, lifted, resolutions })),
        other => Err(format!("`{}` is not lifted without lookups: {other:?}", case.name).into()),
    }
}

fn request(registry: &Registry, case: &Case) -> Result<Request, Box<dyn Error>> {
    let selected = selected(registry, case)?;
    let target = case.target.path_and_query().cloned().ok_or("a target without a path")?;
    let url = Url { mount: selected.mount, ..Url::of(target) };
    let body = if case.body.is_empty() { None } else { Some(document(&case.body)?) };
    Ok(Request::new(selected, url, body).map_err(|problem| format!("{problem:?}"))?)
}

fn selected(registry: &Registry, case: &Case) -> Result<Selected, String> {
    let selected = registry.select(&case.method, Some("127.0.0.1"), case.target.path(), &case.headers);
    selected.map_err(|unselected| format!("`{}` selects nothing: {:?}", case.name, unselected.problem))
}

/// What the backend is said to have answered to each call.
fn answers(case: &Case, lifted: &Lifted) -> Vec<Result<Answer, Box<interlingua::problem::Problem>>> {
    let calls = lifted.calls.iter();
    calls.map(|call| answered(call, case.backend_status, None, case.backend_body.to_vec())).collect()
}

/// Select and admit, as far as they are functions of their own; that of the credential is its pattern.
fn admit(registry: &Registry, case: &Case) -> Result<Vec<Phase>, Box<dyn Error>> {
    let dialect = selected(registry, case)?.dialect;
    let mut phases = vec![super::whole::select("select", registry, registry.dialects().to_vec(), case)];
    let form = dialect.credentials.first().cloned().ok_or("a dialect without a credential")?;
    let value = case.headers[&form.header].to_str()?.to_owned();
    let digested = value.clone();
    phases.push(Phase::new("admit/pattern", 1000, move || {
        assert!(form.pattern.is_match(black_box(&value)), "it is no credential");
    }));
    let windows = dialect.quota.windows.clone();
    let limiter = Limiter::new(&windows, 100_000).ok_or("a dialect without a quota")?;
    let principal = Principal::of(digested.as_bytes());
    let Decision::Admitted(standing) = limiter.admit(principal, NonZeroU32::MIN) else {
        return Err("the quota is spent at once".into());
    };
    let headers = Headers::new(&dialect.quota.headers, &windows);
    phases.push(Phase::new("admit/quota", 1000, move || {
        black_box(limiter.admit_within(&windows, principal, NonZeroU32::MIN));
    }));
    phases.push(Phase::new("encode/quota-headers", 200, move || {
        drop(black_box(headers.of(&standing, SystemTime::UNIX_EPOCH)));
    }));
    Ok(phases)
}

fn decode(name: String, rounds: u32, text: Vec<u8>) -> Phase {
    let limits = Limits::default();
    Phase::new(name, rounds, move || {
        let document = Document::parse(text.clone(), &limits);
        assert!(document.is_ok(), "it is no JSON");
        drop(black_box(document));
    })
}

/// What the translation of a list is compared with: its body parsed to a tree of `serde_json` and printed again.
fn yardstick(case: &Case) -> Phase {
    let text = case.backend_body.clone();
    Phase::new("yardstick/serde-json-list-100", 8, move || {
        let tree: serde_json::Value = serde_json::from_slice(black_box(&text)).expect("it is JSON");
        drop(black_box(serde_json::to_vec(&tree)));
    })
}
