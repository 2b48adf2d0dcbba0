//! A list is told or refused as a whole, unless items without words are left out of it.
//!
//! Where the mapping refuses a word that an item may hold, and says nothing of such items, one of them takes the list away from
//! everybody who asks for it. That may be meant, so it is doubtful and no fault. Only words that the canonical schema lists are
//! looked at: what it leaves open, the mapping cannot have listed either.

use crate::diag::{Diagnostic, code};
use crate::lens::Lens;
use crate::lens::op::Op;
use crate::lens::op::table::{Landing, Table};
use crate::lens::path::Address;
use crate::mapping::compile::Compiler;
use crate::mapping::file::AnswerPart;
use crate::mapping::lenses::shape_at;
use crate::problem::Root;

/// How deep lenses are looked into: one that contains itself is reported elsewhere.
const DEPTH_MAX: usize = 8;

/// Reports lists that one item may take away.
pub(super) fn check(compiler: &mut Compiler<'_>) {
    let mut found = Vec::new();
    for operation in &compiler.file.operations {
        for (_, answer) in &operation.answers {
            let (Some(items), None) = (&answer.items, &answer.omits) else { continue };
            let Some(built) = compiler.lenses.get(items.value.as_str()) else { continue };
            let Some(word) = refused(compiler, &built.lens, answer, (&[], DEPTH_MAX)) else { continue };
            let message = format!("an item that holds {word} makes all of `{}` a 409", operation.name.value);
            found.push(
                Diagnostic::warning(code::M0314, message)
                    .at(items.span, "told as a whole, and that word is refused")
                    .help(
                        "say `omits = \"reason\"` to leave such items out, or let the word land on another",
                    ),
            );
        }
    }
    for diagnostic in found {
        compiler.report(diagnostic);
    }
}

/// A word that an item may hold and that the lens, which reads what is there at `around`, refuses, as JSON.
fn refused(
    compiler: &Compiler<'_>,
    lens: &Lens,
    answer: &AnswerPart,
    (around, depth): (&[Box<str>], usize),
) -> Option<String> {
    let schema = compiler.lenses.get(lens.name()).and_then(|built| built.right.clone());
    lens.fields().iter().filter(|field| field.when.tag.is_none()).find_map(|field| {
        let right = field.right.as_ref().filter(|right| right.root == Root::Body)?;
        let place = [around, &right.path].concat();
        let table = match &field.op {
            Op::Nested(nested) if depth > 0 => {
                return refused(compiler, &nested.lens, answer, (&place, depth - 1));
            }
            Op::Table(table) => table,
            Op::Label(label) => &label.0,
            _ => return None,
        };
        // Of which items are asked for, those words are chosen.
        let mut chosen = answer.only.iter().filter_map(|(path, _)| Address::parse(&path.value));
        if chosen.any(|only| only.root == Root::Body && only.path == place) {
            return None;
        }
        let shape = shape_at(schema.as_ref()?.shape(), &right.path).ok().flatten()?;
        refused_of(table, &shape.enumeration()?)
    })
}

fn refused_of(table: &Table, known: &[serde_json::Value]) -> Option<String> {
    let refusals = table.lands.iter().filter(|(_, landing)| matches!(landing, Landing::Refuse(_)));
    let mut words = refusals.map(|(word, _)| word);
    words.find(|word| known.contains(&word.value().to_value())).map(|word| word.json().to_owned())
}
