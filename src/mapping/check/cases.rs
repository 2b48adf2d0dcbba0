//! A case of an operation loses no more of the body than it says.
//!
//! Its request is that of the operation, whose lens reads the body as its clients write it. What the case does not read
//! is lost whenever it applies, so it is declared: by the lens of the case, by that of the operation, which loses it in
//! any case, or under `ignores` of the case.

use crate::diag::{Diagnostic, code};
use crate::lens::path::Address;
use crate::mapping::compile::Compiler;
use crate::mapping::file::{CasePart, Reason, Text};
use crate::mapping::lenses::{BuiltLens, shape_at};

use super::ledger::{NO_LOSS, dialect_paths, is_covered, uncovered};

/// Reports what a case loses in silence, or says to lose and does not.
pub(super) fn check(compiler: &mut Compiler<'_>) {
    let mut found = Vec::new();
    for whole in &compiler.file.operations {
        let lens = |name: &Option<Text>| compiler.lenses.get(name.as_ref()?.value.as_str());
        for case in &whole.cases {
            ledger(lens(&whole.body), lens(&case.operation.body), case, &mut found);
        }
    }
    for diagnostic in found {
        compiler.report(diagnostic);
    }
}

fn ledger(
    whole: Option<&BuiltLens<'_>>,
    own: Option<&BuiltLens<'_>>,
    case: &CasePart,
    found: &mut Vec<Diagnostic>,
) {
    let declared = &case.operation.unread;
    let Some((whole, schema)) = whole.and_then(|whole| Some((whole, whole.left.as_ref()?))) else { return };
    let paths = |losses: &[(Text, Reason)]| -> Vec<Vec<Box<str>>> {
        losses.iter().filter_map(|(path, _)| Address::parse(&path.value)).map(|at| at.path).collect()
    };
    // What the operation loses sometimes, a case that does not read it loses always.
    let (lost, read) = (paths(&whole.part.ignores), dialect_paths(whole));
    let mut covered: Vec<Vec<Box<str>>> = lost.into_iter().filter(|path| !is_covered(path, &read)).collect();
    covered.extend(own.map(dialect_paths).unwrap_or_default());
    covered.extend(own.map(|own| paths(&own.part.ignores)).unwrap_or_default());
    for (path, _) in declared {
        let at = Address::parse(&path.value).map(|at| at.path).unwrap_or_default();
        let exists = !at.is_empty() && shape_at(schema.shape(), &at).is_ok();
        if !exists || is_covered(&at, &covered) {
            let label = if exists { "it is read, or lost by a lens" } else { "no such field" };
            let message = format!("`{}` is declared as lost and is not", path.value);
            found.push(Diagnostic::error(code::M0503, message).at(path.span, label).help(NO_LOSS));
        }
    }
    covered.extend(paths(declared));
    if !whole.knows_left() || own.is_some_and(|own| !own.knows_left()) {
        return;
    }
    let mut lost = Vec::new();
    uncovered(&schema.shape(), &mut Vec::new(), &covered, &mut lost);
    if lost.is_empty() {
        return;
    }
    let (name, calls) = (&case.operation.name.value, &case.operation.calls);
    let all = lost.join("`, `");
    let reasons: Vec<_> = lost.iter().map(|path| format!("\"{path}\" = \"reason\"")).collect();
    let message = format!("this case of `{name}` neither reads `{all}` nor says why not");
    let found_here = Diagnostic::error(code::M0502, message).at(calls.span, "called with nothing of that");
    found.push(
        found_here.help(format!("read them by a `body`, or add `ignores = {{ {} }}`", reasons.join(", "))),
    );
}
