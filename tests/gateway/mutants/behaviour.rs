//! How a mutant that loads behaves, compared with what ships: on generated documents, and on the golden cases.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use interlingua::dialect::operation::{AnswerBody, AnswerPlan, Gather};
use interlingua::dialect::{Dialect, Operation, ShapedLens};
use interlingua::lens::op::Op;
use interlingua::lens::op::each::{Each, Item};
use serde_json::Value;

use super::files::SchemaName;
use crate::golden;
use crate::golden::case::{Case, Exchange};
use crate::laws;
use crate::support::Dialects;

/// How many documents each part is tried on.
const TRIES: u64 = 12;

/// What is compared of two dialects, part by part.
pub(super) struct Print {
    /// What all of its operations share.
    head: String,
    operations: BTreeMap<String, String>,
    lenses: BTreeMap<String, String>,
}

impl Print {
    pub(super) fn of(dialect: &Dialect) -> Print {
        let shared: [&dyn Debug; 9] = [
            &dialect.select,
            &dialect.hosts,
            &dialect.prefix,
            &dialect.wrong_slash,
            &dialect.credentials,
            &dialect.quota,
            &dialect.errors,
            &dialect.resolvers,
            &dialect.ids,
        ];
        let named = |operation: &Arc<Operation>| (operation.name.clone(), print(operation));
        Print {
            head: print(&shared),
            operations: dialect.operations.iter().map(named).collect(),
            lenses: dialect.lenses.iter().map(|(name, shaped)| (name.clone(), print(&shaped))).collect(),
        }
    }
}

/// A value with everything but the places it was written at.
fn print(value: &dyn Debug) -> String {
    let text = format!("{value:?}");
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find("Span {") {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        rest = &rest[rest.find('}').map_or(rest.len(), |end| end + 1)..];
    }
    out + rest
}

/// What is different in a dialect.
pub(super) struct Differences {
    head: bool,
    operations: BTreeSet<String>,
    lenses: BTreeSet<String>,
}

impl Differences {
    /// Compares a mutant's dialect with the one that ships; `touched` are schemas that mean something else now.
    pub(super) fn between(clean: &Print, mutant: &Print, touched: &[SchemaName]) -> Self {
        let mentions = |print: &String| {
            touched.iter().any(|(folder, name)| {
                print.contains(&format!("Schema({folder}/{name})"))
                    || folder == "canonical" && print.contains(&format!("body: Some(\"{name}\")"))
            })
        };
        let changed = |clean: &BTreeMap<String, String>, mutant: &BTreeMap<String, String>| {
            let names: BTreeSet<_> = clean.keys().chain(mutant.keys()).cloned().collect();
            let is_other = |name: &String| {
                clean.get(name) != mutant.get(name) || mutant.get(name).is_some_and(&mentions)
            };
            names.into_iter().filter(is_other).collect()
        };
        Self {
            head: clean.head != mutant.head,
            operations: changed(&clean.operations, &mutant.operations),
            lenses: changed(&clean.lenses, &mutant.lenses),
        }
    }

    pub(super) fn is_none(&self) -> bool {
        !self.head && self.operations.is_empty() && self.lenses.is_empty()
    }

    /// Whether a case may show them.
    pub(super) fn concern(&self, case: &Case) -> bool {
        self.head || self.operations.contains(&case.operation)
    }
}

/// What generated documents show.
pub(super) enum Tried {
    /// Nothing is otherwise.
    Same,
    /// Something is, and every law that held still holds.
    Other,
    /// A law that held for what ships is broken.
    Broken(String),
}

/// Tries a mutant's dialect and the one that ships on the same documents; `sent` are the lenses of requests.
pub(super) fn tried(
    clean: &Dialects,
    mutant: &Dialects,
    name: &str,
    differences: &Differences,
    sent: &BTreeSet<String>,
) -> Tried {
    let (Some(was), Some(is)) = (clean.registry.dialect(name), mutant.registry.dialect(name)) else {
        return Tried::Other;
    };
    let mut other = false;
    for seed in 0..TRIES {
        let seed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        // A lens inside others is run by them, with what their schemas say.
        let own = |lens: &&String| is_for_answers(is, lens) || !is_inside(is, lens);
        for lens in differences.lenses.iter().filter(own) {
            let (Some(before), Some(after)) = (was.lenses.get(lens), is.lenses.get(lens)) else {
                other = true;
                continue;
            };
            let mut trials = vec![
                trial(
                    || laws::told_and_told_again(clean, was, before, seed),
                    || laws::told_and_told_again(mutant, is, after, seed),
                ),
                trial(|| answer_fits(clean, was, before, seed), || answer_fits(mutant, is, after, seed)),
            ];
            // What is only told is never sent.
            if sent.contains(lens) {
                trials.push(trial(
                    || laws::there_and_home(clean, was, before, seed),
                    || laws::there_and_home(mutant, is, after, seed),
                ));
            }
            for trial in trials {
                match trial {
                    Tried::Same => {}
                    Tried::Other => other = true,
                    broken @ Tried::Broken(_) => return broken,
                }
            }
        }
        // What one operation writes another tells.
        for before in &was.operations {
            let Some(after) = is.operations.iter().find(|one| one.name == before.name) else { continue };
            let trial = trial(
                || laws::kept_and_told(clean, was, before, seed),
                || laws::kept_and_told(mutant, is, after, seed),
            );
            match trial {
                Tried::Same => {}
                Tried::Other => other = true,
                broken @ Tried::Broken(_) => return broken,
            }
        }
        for operation in &differences.operations {
            let of = |dialect: &Arc<Dialect>| {
                dialect.operations.iter().find(|one| one.name == *operation).map(Arc::clone)
            };
            let (Some(before), Some(after)) = (of(was), of(is)) else {
                other = true;
                continue;
            };
            let trial = trial(
                || laws::calls_that_fit(clean, was, &before, seed),
                || laws::calls_that_fit(mutant, is, &after, seed),
            );
            match trial {
                Tried::Same => {}
                Tried::Other => other = true,
                broken @ Tried::Broken(_) => return broken,
            }
        }
    }
    if other { Tried::Other } else { Tried::Same }
}

/// What a lens for answers tells fits its schema.
fn answer_fits(
    dialects: &Dialects,
    dialect: &Arc<Dialect>,
    shaped: &ShapedLens,
    seed: u64,
) -> Result<Option<Value>, String> {
    if !is_for_answers(dialect, shaped.lens.name()) {
        return Ok(None);
    }
    laws::told_as_it_should(dialects, dialect, shaped, seed)
}

fn is_for_answers(dialect: &Dialect, lens: &str) -> bool {
    let cases =
        dialect.operations.iter().flat_map(|operation| operation.cases.iter().map(|case| &case.operation));
    dialect.operations.iter().chain(cases).any(|operation| match &operation.answer {
        AnswerPlan::One(answers) => answers.iter().any(|answer| match &answer.body {
            AnswerBody::Lens(own) | AnswerBody::Items { lens: own, .. } => own.name() == lens,
            AnswerBody::Constant(_) | AnswerBody::Empty => false,
        }),
        AnswerPlan::Collect(collect) => collect.fields.iter().any(|(_, gather)| match gather {
            Gather::Lens(own) => own.name() == lens,
            _ => false,
        }),
    })
}

/// Whether some other lens has this one in a field.
fn is_inside(dialect: &Dialect, lens: &str) -> bool {
    let fields = dialect.lenses.values().flat_map(|shaped| shaped.lens.fields());
    fields.into_iter().any(|field| match &field.op {
        Op::Nested(nested) => nested.lens.name() == lens,
        Op::Each(Each { item: Item::Lens(inner), .. }) => inner.name() == lens,
        _ => false,
    })
}

/// One law on one document, before and after.
fn trial<T: PartialEq>(
    before: impl FnOnce() -> Result<Option<T>, String>,
    after: impl FnOnce() -> Result<Option<T>, String>,
) -> Tried {
    // What a law cannot be asked about ends with a panic.
    let quiet = |law: &mut dyn FnMut() -> Result<Option<T>, String>| {
        catch_unwind(AssertUnwindSafe(law)).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Err(format!("panics: {}", text.unwrap_or_default()))
        })
    };
    let (mut before, mut after) = (Some(before), Some(after));
    let before = quiet(&mut || before.take().expect("asked once")());
    let after = quiet(&mut || after.take().expect("asked once")());
    match (before, after) {
        (Ok(before), Ok(after)) if before == after => Tried::Same,
        // How ids are spelt is no matter of the generated documents: what reads other ids is another dialect.
        (Ok(_), Err(why)) if why.contains(laws::REFUSED_IDS) => Tried::Other,
        (Ok(_), Err(why)) => Tried::Broken(why),
        _ => Tried::Other,
    }
}

/// What the golden cases show: the first that differs, and what it says if an answer breaks its own schema.
pub(super) struct Shown {
    pub(super) case: String,
    pub(super) unsound: Option<String>,
}

/// The first golden case that shows a difference; those that wait or ask many times are left out.
pub(super) fn shown(
    mutant: &Dialects,
    cases: &[Case],
    differences: &BTreeMap<String, Differences>,
) -> Option<Shown> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let concerned = cases.iter().filter(|case| {
        case.quota.is_none()
            && mutant.registry.dialect(&case.dialect).is_some()
            && !case.calls.iter().any(Exchange::is_silent)
            && differences.get(&case.dialect).is_some_and(|differences| differences.concern(case))
    });
    let play = |case: &Case| {
        let outcome = catch_unwind(AssertUnwindSafe(|| runtime.block_on(golden::run(mutant, case))));
        outcome.unwrap_or_else(|_| vec!["cannot be run".to_owned()])
    };
    // A canonical document of a case may be none any more; then what is told of it proves nothing.
    let unsound = |found: &[String]| {
        let is_about = |what: &str| found.iter().find(|one| one.starts_with(what));
        is_about("the answer breaks").filter(|_| is_about("the backend's").is_none()).cloned()
    };
    for case in concerned {
        let found = play(case);
        if found.is_empty() {
            continue;
        }
        // Nor does what the case has the backend keep, which clients of this mutant may never write: that what they do write
        // is told as promised is a law of its own.
        let unsound = unsound(&found).filter(|_| unsound(&play(&case.without_kept())).is_some());
        return Some(Shown { case: case.name(), unsound });
    }
    None
}
