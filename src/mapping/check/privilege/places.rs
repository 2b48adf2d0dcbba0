//! A role is written to the place that its client was shown it from.
//!
//! The other laws are about words, and words say nothing of places: who is shown what somebody may do in one space, and
//! writes it back, must not have written what they may do in the organization. So the canonical place that a request
//! writes a role to is the one that the views of the record show under the same name. Where the record has no such
//! place, because a request may call it by a shorter way, the view's ends with it.

use std::collections::HashSet;
use std::sync::Arc;

use crate::canonical::api;
use crate::diag::{Diagnostic, Span, code};
use crate::lens::flat::flat;
use crate::lens::op::Op;
use crate::lens::path::Address;
use crate::lens::{Field, Lens};
use crate::mapping::CANONICAL;
use crate::mapping::compile::Compiler;
use crate::mapping::file::{OperationPart, Reason, Text};
use crate::mapping::lenses::shape_at;
use crate::problem::Root;

/// Reports each role that is shown from one place and written to another. Returns the exceptions that were needed.
pub(in crate::mapping::check) fn check(compiler: &mut Compiler<'_>) -> HashSet<Span> {
    let (mut used, mut told, mut found) = (HashSet::new(), HashSet::new(), Vec::new());
    for part in compiler.file.parts() {
        let Some(calls) = compiler.canonical.api.operation(&part.calls.value) else { continue };
        let built = part.body.as_ref().and_then(|name| compiler.lenses.get(name.value.as_str()));
        let (Some(built), false) = (built, calls.is_safe()) else { continue };
        let Some(record) = record(compiler, calls) else { continue };
        let views: Vec<Field> = compiler.views(record).iter().flat_map(|view| flat(view.fields())).collect();
        for written in flat(built.lens.fields()).iter().filter(|field| is_written_role(compiler, field)) {
            let shown = views.iter().filter(|shown| is_role(compiler, shown));
            let elsewhere = shown.into_iter().find(|shown| {
                is_same_field(written, shown) && !is_same_place(compiler, record, written, shown)
            });
            let (Some(elsewhere), Some(at)) = (elsewhere, written.right.as_ref()) else { continue };
            let widens = part.widens.iter().chain(&built.part.widens);
            if let Some(excepted) = excepted(widens, at) {
                used.insert(excepted);
            } else if let Some(span) = written.origin.filter(|span| told.insert(*span)) {
                found.push(tell(written, elsewhere, at, span, part, &built.lens));
            }
        }
    }
    for diagnostic in found {
        compiler.report(diagnostic);
    }
    used
}

/// The schema of what a call changes or makes, as it can be shown.
fn record<'c>(compiler: &'c Compiler<'_>, calls: &'c Arc<api::Operation>) -> Option<&'c str> {
    let reads = calls.reads.as_ref().and_then(|name| compiler.canonical.api.operation(name));
    let answers = &reads.unwrap_or(calls).answers;
    answers.iter().find_map(|(_, schema)| schema.as_deref())
}

fn is_role(compiler: &Compiler<'_>, field: &Field) -> bool {
    match &field.op {
        Op::Row(_) => true,
        Op::Table(table) => compiler.roles.as_ref().is_some_and(|roles| Arc::ptr_eq(roles, table)),
        _ => false,
    }
}

fn is_written_role(compiler: &Compiler<'_>, field: &Field) -> bool {
    let writes = field.right.as_ref().is_some_and(|at| at.root == Root::Body);
    writes && !field.when.shown && is_role(compiler, field)
}

/// Whether the dialect calls both the same; what is around the items of a bulk request is sent for each of them.
fn is_same_field(written: &Field, shown: &Field) -> bool {
    match (&written.left, &shown.left) {
        (Some(one), Some(other)) => one.path == other.path,
        _ => false,
    }
}

fn is_same_place(compiler: &Compiler<'_>, record: &str, written: &Field, shown: &Field) -> bool {
    let (Some(written), Some(shown)) = (&written.right, &shown.right) else { return true };
    let schema = compiler.schemas.schema(CANONICAL, record);
    let is_of_record = schema.is_none_or(|schema| shape_at(schema.shape(), &written.path).is_ok());
    written.path == shown.path || !is_of_record && shown.path.ends_with(&written.path)
}

fn excepted<'w>(mut widens: impl Iterator<Item = &'w (Text, Reason)>, at: &Address) -> Option<Span> {
    let (path, _) = widens.find(|(path, _)| Address::parse(&path.value).as_ref() == Some(at))?;
    Some(path.span)
}

fn tell(
    written: &Field,
    shown: &Field,
    at: &Address,
    span: Span,
    part: &OperationPart,
    lens: &Lens,
) -> Diagnostic {
    let name = written.left.as_ref().map(Address::to_string).unwrap_or_default();
    let from = shown.right.as_ref().map(Address::to_string).unwrap_or_default();
    let message = format!(
        "`{name}` is shown from `{from}` and written to `{at}`: a role for one is given for the other"
    );
    let found = Diagnostic::error(code::M0611, message)
        .at(span, "written here")
        .also(shown.origin.unwrap_or(part.calls.span), "shown from there");
    let lens = lens.name();
    found.help(format!("write it to the place it is shown from, or say why under `[lens.{lens}.widens]`: `\"{at}\" = \"reason\"`"))
}
