//! Null is told only where null may be.
//!
//! The trials make one place null at a time, and know nothing of places that are free. What is missing there is seen in
//! the text: what is told instead of null may be null itself, and where everything may be, so may null.

use std::collections::BTreeSet;

use crate::diag::{Diagnostic, code};
use crate::lens::path::Address;
use crate::mapping::compile::Compiler;
use crate::mapping::file::{OpPart, OperationPart, Text};
use crate::mapping::lenses::{BuiltLens, Line, shape_at};
use crate::problem::Root;
use crate::schema::{Schema, Shape};

/// Reports every field of an answer that is null where its schema does not allow that.
pub(super) fn check(compiler: &mut Compiler<'_>) {
    let told = told(compiler);
    let mut found = Vec::new();
    for built in compiler.lenses.values().filter(|built| told.contains(built.name.value.as_str())) {
        let (Some(left), Some(right)) = (&built.left, &built.right) else { continue };
        for line in &built.lines {
            let shown = line.left.at.as_ref().and_then(|at| known(left, at));
            let Some(shown) = shown.filter(|shown| !shown.nullable() && says_nothing_of_null(line)) else {
                continue;
            };
            found.extend(instead(line, &shown, right).or_else(|| free(line, &shown, right)));
        }
    }
    for diagnostic in found {
        compiler.report(diagnostic);
    }
}

/// The lenses of answers, with those inside them.
pub(super) fn told<'c>(compiler: &'c Compiler<'_>) -> BTreeSet<&'c str> {
    let cases = |whole: &'c OperationPart| whole.cases.iter().map(|case| &case.operation);
    let parts = compiler.file.operations.iter().flat_map(|whole| std::iter::once(whole).chain(cases(whole)));
    let mut open: Vec<&Text> = Vec::new();
    for part in parts {
        open.extend(part.answers.iter().flat_map(|(_, answer)| answer.body.iter().chain(&answer.items)));
        let gathered = part.collect.iter().flat_map(|collect| &collect.fields);
        open.extend(gathered.filter_map(|(_, gather)| gather.body.as_ref()));
    }
    let mut told = BTreeSet::new();
    while let Some(name) = open.pop() {
        if told.insert(name.value.as_str()) {
            let built = compiler.lenses.get(name.value.as_str());
            open.extend(built.iter().flat_map(|built| inner(built)));
        }
    }
    told
}

fn inner<'b>(built: &'b BuiltLens<'_>) -> impl Iterator<Item = &'b Text> {
    built.lines.iter().filter_map(|line| match &line.part.op {
        Some(OpPart::Lens(name) | OpPart::EachLens(name)) => Some(name),
        _ => None,
    })
}

fn says_nothing_of_null(line: &Line<'_>) -> bool {
    line.part.absent.is_none() && !line.part.optional
}

fn known<'s>(schema: &'s Schema, at: &Address) -> Option<Shape<'s>> {
    let in_body = at.root == Root::Body && !at.path.is_empty();
    in_body.then(|| shape_at(schema.shape(), &at.path).ok().flatten()).flatten()
}

/// What is told instead of null may be null itself.
fn instead(line: &Line<'_>, shown: &Shape<'_>, canonical: &Schema) -> Option<Diagnostic> {
    let path = line.part.instead.as_ref()?;
    let is_needed =
        line.right.at.as_ref().and_then(|at| known(canonical, at)).is_none_or(|own| own.nullable());
    let other =
        known(canonical, &Address::parse(&path.value)?).filter(|other| is_needed && other.nullable())?;
    let (field, place) = (&line.part.left.value, &path.value);
    let message = format!("`{field}` is never null, and `{place}`, which is told instead, may be");
    let found = Diagnostic::error(code::M0403, message)
        .at(path.span, "may be null itself")
        .also(other.span(), "what its canonical schema says")
        .also(shown.span(), "what the dialect's schema says");
    Some(found.help("tell a place that is never null, or say `absent` for when both are"))
}

/// Where everything may be, null may be too.
fn free(line: &Line<'_>, shown: &Shape<'_>, canonical: &Schema) -> Option<Diagnostic> {
    let part = line.part;
    let at = line.right.at.as_ref().filter(|at| at.root == Root::Body && !at.path.is_empty())?;
    let is_free = matches!(shape_at(canonical.shape(), &at.path), Ok(None));
    if !is_free || part.instead.is_some() || part.tag.is_some() {
        return None;
    }
    let message = format!("`{}` is never null, and `{at}`, where everything may be, may be", part.left.value);
    let found = Diagnostic::error(code::M0403, message)
        .at(part.span, "says nothing of null")
        .also(shown.span(), "what the dialect's schema says");
    Some(found.help("say `optional = true`, or what is told for null with `absent`"))
}
