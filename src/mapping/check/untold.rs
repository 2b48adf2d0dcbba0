//! What a call answers is told by a lens, or there is a reason why not.
//!
//! A lens answers for every field of its schema. An answer without a body, one that is always the same, and one that only
//! counts what was done have none, so all that was answered would be gone without a word.

use super::ledger::{NO_LOSS, uncovered};
use crate::canonical::api;
use crate::diag::{Diagnostic, Span, code};
use crate::dialect::ledger::Untold;
use crate::lens::Direction;
use crate::lens::path::Address;
use crate::mapping::CANONICAL;
use crate::mapping::compile::Compiler;
use crate::mapping::file::{CollectPart, OperationPart, Reason, Text};
use crate::mapping::lenses::loss;
use crate::schema::Schema;

/// Reports what nobody gives a reason for. Returns what there is one for.
pub(in crate::mapping) fn check(compiler: &mut Compiler<'_>) -> Vec<Untold> {
    let (mut untold, mut found) = (Vec::new(), Vec::new());
    for part in compiler.file.parts() {
        let Some(calls) = compiler.canonical.api.operation(&part.calls.value) else { continue };
        for one in answers(compiler, part, calls) {
            match (one.lost.as_slice(), one.drops) {
                ([], None) => {}
                ([], Some(drops)) => found.push(
                    Diagnostic::error(code::M0503, "an answer is declared as lost and is not")
                        .at(drops.span(), "nothing was answered here, or it is told")
                        .help(NO_LOSS),
                ),
                (lost, None) => found.push(silent(part, &one, lost)),
                (lost, Some(drops)) => untold.extend(lost.iter().filter_map(|place| {
                    let at = Address::parse(place)?;
                    let path = Text { value: place.clone(), span: drops.span() };
                    Some(Untold {
                        operation: part.name.value.clone(),
                        calls: part.calls.value.clone(),
                        loss: loss(&part.name.value, &path, at, Direction::Lower, drops),
                    })
                })),
            }
        }
    }
    for diagnostic in found {
        compiler.report(diagnostic);
    }
    untold
}

/// An answer, and the places of it that no lens tells.
struct One<'a> {
    /// Where it is written.
    span: Span,
    lost: Vec<String>,
    drops: Option<&'a Reason>,
    /// How it could be told.
    way_out: &'static str,
}

fn answers<'a>(compiler: &Compiler<'_>, part: &'a OperationPart, calls: &api::Operation) -> Vec<One<'a>> {
    let schema = |name: Option<&str>| compiler.schemas.schema(CANONICAL, name?);
    if let Some(collect) = &part.collect {
        let success = calls.answers.first().and_then(|(_, answer)| answer.as_deref());
        return vec![One {
            span: collect.header,
            lost: schema(success).map(|schema| ungathered(collect, schema)).unwrap_or_default(),
            drops: collect.drops.as_ref(),
            way_out: "gather them by a lens, `{ of = \"succeeded\", body = \"...\" }`, or say under \
                      `[operation.collect]` why not: `drops = \"reason\"`",
        }];
    }
    let answers = part.answers.iter().filter_map(|(status, answer)| {
        let own = calls.answers.iter().find(|(from, _)| from.as_str() == status.value);
        let is_told = answer.body.is_some() || answer.items.is_some();
        let own = own.and_then(|(_, answer)| answer.as_deref()).filter(|_| !is_told);
        // Of a schema that is not there it is told elsewhere.
        let lost = if own.is_some() { places(schema(own)?, &[]) } else { Vec::new() };
        Some(One {
            span: status.span,
            lost,
            drops: answer.drops.as_ref(),
            way_out: "tell them by a lens, `body = \"...\"`, or say beside the status why not: `drops = \"reason\"`",
        })
    });
    answers.collect()
}

/// What of an answer nothing gathers.
fn ungathered(collect: &CollectPart, schema: &Schema) -> Vec<String> {
    if collect.fields.iter().any(|(_, gather)| gather.body.is_some()) {
        return Vec::new();
    }
    let gathered = collect.fields.iter().filter_map(|(_, gather)| Address::parse(&gather.at.as_ref()?.value));
    places(schema, &gathered.map(|at| at.path).collect::<Vec<_>>())
}

/// The places of an answer beside those that are told; all of it, if nobody knows what is in it.
fn places(schema: &Schema, told: &[Vec<Box<str>>]) -> Vec<String> {
    let mut lost = Vec::new();
    uncovered(&schema.shape(), &mut Vec::new(), told, &mut lost);
    if lost.is_empty() && told.is_empty() {
        lost.push("$body".to_owned());
    }
    lost
}

fn silent(part: &OperationPart, one: &One<'_>, lost: &[String]) -> Diagnostic {
    let message = format!(
        "operation `{}` tells nothing of `{}` that `{}` answers, nor says why not",
        part.name.value,
        lost.join("`, `"),
        part.calls.value
    );
    Diagnostic::error(code::M0504, message).at(one.span, "no lens tells this").help(one.way_out)
}
