//! A lens that shows what it likes stands inside another, which answers for the rest.
//!
//! `shows = true` takes a lens out of the ledger of losses, and out of what is read back. That is sound only for a view of
//! all that the lens around it is about: anywhere else nobody would answer for what the view leaves out.

use crate::diag::{Diagnostic, code};
use crate::mapping::compile::Compiler;
use crate::mapping::file::{OpPart, Text};
use crate::problem::Root;

/// Reports every view that is used where no lens around it answers for what it leaves out.
pub(super) fn check(compiler: &mut Compiler<'_>) {
    let mut alone: Vec<&Text> = Vec::new();
    for part in compiler.file.parts() {
        alone.extend(&part.body);
        alone.extend(part.answers.iter().flat_map(|(_, answer)| answer.body.iter().chain(&answer.items)));
        let gathered = part.collect.iter().flat_map(|collect| &collect.fields);
        alone.extend(gathered.filter_map(|(_, gather)| gather.body.as_ref()));
    }
    for line in compiler.lenses.values().flat_map(|built| &built.lines) {
        let is_whole = line.right.at.as_ref().is_some_and(|at| at.root == Root::Body && at.path.is_empty());
        match &line.part.op {
            Some(OpPart::Lens(name)) if !is_whole => alone.push(name),
            Some(OpPart::EachLens(name)) => alone.push(name),
            _ => {}
        }
    }
    let is_view =
        |name: &&&Text| compiler.lenses.get(name.value.as_str()).is_some_and(|built| built.part.shows);
    let found: Vec<Diagnostic> = alone.iter().filter(is_view).map(|name| answers_for_nothing(name)).collect();
    for diagnostic in found {
        compiler.report(diagnostic);
    }
}

fn answers_for_nothing(name: &Text) -> Diagnostic {
    let message = format!("lens `{}` is a view, and nothing answers for what it leaves out", name.value);
    Diagnostic::error(code::M0120, message).at(name.span, "used here").help(
        "take `shows` from it and say what it drops, or use it at `$body` inside a lens of the same document",
    )
}
