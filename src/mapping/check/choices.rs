//! A generation that is chosen by a header can be chosen.

use crate::diag::{Diagnostic, Diagnostics, Span, code};
use crate::mapping::file::MappingFile;
use crate::mapping::generations::Generation;

/// A mapping says by which header it is chosen.
pub(in crate::mapping) struct Choice {
    dialect: String,
    /// The mapping at the end of what it extends: that of all its generations.
    family: String,
    header: String,
    pattern: String,
    span: Span,
}

/// What a mapping says, if it extends another at all.
pub(in crate::mapping) fn choice(one: &Generation<'_>, file: &MappingFile) -> Option<Choice> {
    let select = file.dialect.as_ref()?.select.as_ref()?;
    Some(Choice {
        dialect: one.text.name.clone(),
        family: one.bases.last()?.name.clone(),
        header: select.header.value.to_ascii_lowercase(),
        pattern: select.pattern.value.clone(),
        span: select.pattern.span,
    })
}

/// Reports generations that an equal one stands before.
pub(in crate::mapping) fn check(mut choices: Vec<Choice>, found: &mut Diagnostics) {
    choices.sort_by(|one, other| one.dialect.cmp(&other.dialect));
    for (index, choice) in choices.iter().enumerate() {
        let is_same = |first: &&Choice| {
            (&first.family, &first.header, &first.pattern)
                == (&choice.family, &choice.header, &choice.pattern)
        };
        let Some(first) = choices[..index].iter().find(is_same) else { continue };
        let message = format!("`{}` is never chosen: `{}` comes first", choice.dialect, first.dialect);
        found.push(
            Diagnostic::error(code::M0705, message)
                .at(choice.span, "this pattern")
                .help(
                    "let each pattern match clients that no other one does, or take one of the mappings away",
                )
                .also(first.span, "is the same as this one"),
        );
    }
}
