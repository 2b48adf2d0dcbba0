//! An update writes what its client named: what the client left out stays as it is.
//!
//! A `default` is what a field becomes when nothing was sent. Of something new it says what that begins as; in an update
//! it would overwrite what is there, for everybody who only wanted to change something else. Roles are told apart, since
//! whoever is touched would rise: no call that changes one record may have a default for those, whatever its method. Of
//! other fields a PUT may have one, since it replaces what it does not name anyway.

use std::collections::HashSet;

use http::Method;

use crate::diag::{Diagnostic, Span, Spanned, code};
use crate::lens::path::Literal;
use crate::mapping::compile::Compiler;
use crate::mapping::file::{FieldPart, OpPart, Text};
use crate::mapping::lenses::BuiltLens;

/// Reports every default of a field that an update writes.
pub(super) fn check(compiler: &mut Compiler<'_>) {
    let mut search = Search { told: HashSet::new(), found: Vec::new() };
    for operation in compiler.file.parts() {
        let calls =
            compiler.canonical.api.operation(&operation.calls.value).filter(|calls| calls.is_update());
        let lens = operation.body.as_ref().and_then(|name| compiler.lenses.get(name.value.as_str()));
        if let (Some(calls), Some(lens)) = (calls, lens) {
            search.lens(compiler, lens, &operation.calls, calls.method == Method::PATCH);
        }
    }
    for diagnostic in search.found {
        compiler.report(diagnostic);
    }
}

struct Search {
    /// What was reported: lenses are used by several operations.
    told: HashSet<Span>,
    found: Vec<Diagnostic>,
}

impl Search {
    /// Lenses never contain themselves. The elements of an array are written whole, so that what their fields begin as may
    /// be said; who has a role there may have been in the array before.
    fn lens(&mut self, compiler: &Compiler<'_>, built: &BuiltLens<'_>, calls: &Text, merges: bool) {
        for line in built.lines.iter().filter(|line| line.right.at.is_some()) {
            let inner = match &line.part.op {
                Some(OpPart::Lens(name)) => Some((name, merges)),
                Some(OpPart::EachLens(name)) => Some((name, false)),
                _ => None,
            };
            let inner =
                inner.and_then(|(name, merges)| Some((compiler.lenses.get(name.value.as_str())?, merges)));
            if let Some((inner, merges)) = inner {
                self.lens(compiler, inner, calls, merges);
            }
            let Some(default) = &line.part.default else { continue };
            let is_role = matches!(line.part.op, Some(OpPart::Role | OpPart::Row(_)));
            if (is_role || merges) && self.told.insert(default.span) {
                self.found.push(overwrites(line.part, default, calls, is_role));
            }
        }
    }
}

fn overwrites(part: &FieldPart, default: &Spanned<Literal>, calls: &Text, is_role: bool) -> Diagnostic {
    let (field, value) = (&part.left.value, default.value.json());
    let (code, message) = if is_role {
        (code::M0610, format!("whoever is changed without a word about `{field}` becomes {value}"))
    } else {
        (code::M0310, format!("what is changed without a word about `{field}` gets {value} there"))
    };
    Diagnostic::error(code, message)
        .at(default.span, "written when nothing was sent")
        .also(calls.span, "of this update")
        .help("take the default away: what a client leaves out of an update stays as it is")
}
