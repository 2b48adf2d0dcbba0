//! Nothing is lost in silence: every property of both schemas of a lens is mapped, or declared as lost with a reason.

use super::nulls;
use super::sometimes::{self, Sometimes};
use crate::diag::{Code, Diagnostic, code};
use crate::lens::path::Address;
use crate::mapping::compile::Compiler;
use crate::mapping::file::{OpPart, Reason, Text};
use crate::mapping::lenses::{BuiltLens, shape_at};
use crate::problem::Root;
use crate::schema::{Schema, Shape};

/// The way out where something is declared as lost and is not.
pub(in crate::mapping) const NO_LOSS: &str = "take the line away, or name what is lost";

/// Reports what is lost without a word, and what is declared as lost and is not.
pub(super) fn check(compiler: &mut Compiler<'_>) {
    let mut found = Vec::new();
    let told = nulls::told(compiler);
    for built in compiler.lenses.values() {
        let lens = &built.name.value;
        let inside = |name: &Text| compiler.lenses.get(name.value.as_str());
        // A view shows what it likes: the lens around it answers for the rest.
        if let Some(schema) = built.right.as_ref().filter(|_| !built.part.shows) {
            let side = Ledger {
                code: code::M0501,
                lens: built.name,
                key: "drops",
                losses: &built.part.drops,
                mapped: canonical_paths(built),
                views: view_paths(built, &inside),
                sometimes: if told.contains(lens.as_str()) {
                    sometimes::lowered(built, schema)
                } else {
                    Vec::new()
                },
                is_known: built.knows_right(),
            };
            side.check(schema, &mut found);
        }
        if let Some(schema) = &built.left {
            let side = Ledger {
                code: code::M0502,
                lens: built.name,
                key: "ignores",
                losses: &built.part.ignores,
                mapped: dialect_paths(built),
                views: Vec::new(),
                sometimes: sometimes::lifted(built, schema),
                is_known: built.knows_left(),
            };
            side.check(schema, &mut found);
        } else if let Some((path, _)) = built.part.ignores.first().filter(|_| built.part.schema.is_none()) {
            let message = format!("`{}` is declared as lost and is not", path.value);
            let label = format!("lens `{lens}` names no schema to lose it from");
            found.push(Diagnostic::error(code::M0503, message).at(path.span, label).help(NO_LOSS));
        }
    }
    for diagnostic in found {
        compiler.report(diagnostic);
    }
}

/// One side of a lens.
struct Ledger<'l> {
    /// The code of a silent loss.
    code: Code,
    lens: &'l Text,
    /// The table that declares losses.
    key: &'static str,
    losses: &'l [(Text, Reason)],
    /// What is mapped.
    mapped: Vec<Vec<Box<str>>>,
    /// What lenses for all of the same body show of it.
    views: Vec<Vec<Box<str>>>,
    /// What is mapped, and lost sometimes.
    sometimes: Vec<Sometimes>,
    /// Whether that is all.
    is_known: bool,
}

impl Ledger<'_> {
    fn check(&self, schema: &Schema, found: &mut Vec<Diagnostic>) {
        let mut covered = [self.mapped.as_slice(), &self.views].concat();
        for (path, _) in self.losses {
            let in_body = Address::parse(&path.value).filter(|address| address.root == Root::Body);
            let declared = in_body.map(|address| address.path).filter(|path| !path.is_empty());
            let exists = declared.as_ref().is_some_and(|path| shape_at(schema.shape(), path).is_ok());
            let is_lost_sometimes =
                |path: &Vec<Box<str>>| self.sometimes.iter().any(|lost| lost.path == *path);
            let is_mapped = declared.as_ref().is_some_and(|path| is_covered(path, &self.mapped))
                && !declared.as_ref().is_some_and(is_lost_sometimes);
            if !exists || is_mapped {
                let label = if exists { "but it is mapped" } else { "no such field" };
                let message = format!("`{}` is declared as lost and is not", path.value);
                found.push(Diagnostic::error(code::M0503, message).at(path.span, label).help(NO_LOSS));
            }
            covered.extend(declared);
        }
        if !self.is_known {
            return;
        }
        for lost in &self.sometimes {
            self.tell_sometimes(lost, found);
        }
        let mut lost = Vec::new();
        uncovered(&schema.shape(), &mut Vec::new(), &covered, &mut lost);
        let lens = &self.lens.value;
        for path in lost {
            let message = format!("lens `{lens}` neither maps `{path}` nor says why not");
            let way_out =
                format!("map it, or add `\"{path}\" = \"reason\"` under `[lens.{lens}.{}]`", self.key);
            found
                .push(Diagnostic::error(self.code, message).at(self.lens.span, "in this lens").help(way_out));
        }
    }
}

impl Ledger<'_> {
    /// Reports what is lost sometimes, and nobody says why.
    fn tell_sometimes(&self, lost: &Sometimes, found: &mut Vec<Diagnostic>) {
        let declared =
            |(path, _): &(Text, Reason)| Address::parse(&path.value).is_some_and(|at| at.path == lost.path);
        if self.losses.iter().any(declared) {
            return;
        }
        let (path, by, lens) = (lost.path.join("."), &lost.by, &self.lens.value);
        let message = format!("`{path}` is lost for some values of {by}, and lens `{lens}` does not say why");
        let way_out = format!(
            "answer for the other values, too, or add `\"{path}\" = \"reason\"` under `[lens.{lens}.{}]`",
            self.key
        );
        found.push(
            Diagnostic::error(self.code, message).at(lost.span, "crosses only sometimes").help(way_out),
        );
    }
}

/// The places of the body on the dialect's side that a lens knows.
pub(super) fn dialect_paths(built: &BuiltLens<'_>) -> Vec<Vec<Box<str>>> {
    let places = built.lines.iter().flat_map(|line| line.left.at.iter().chain(&line.left.besides));
    body_paths(places)
}

/// The places of the body on the canonical side that a lens knows.
fn canonical_paths(built: &BuiltLens<'_>) -> Vec<Vec<Box<str>>> {
    let places = built.lines.iter().flat_map(|line| line.right.at.iter().chain(&line.right.besides));
    body_paths(places.chain(built.sets.iter().map(|(_, at)| at)))
}

/// The places known to the lenses that a lens applies to all of the same body. One that only applies where a tag says
/// so answers for the object the tag is in, and for nothing else.
fn view_paths<'b>(
    built: &BuiltLens<'_>,
    inside: &dyn Fn(&Text) -> Option<&'b BuiltLens<'b>>,
) -> Vec<Vec<Box<str>>> {
    let is_whole = |at: &Address| at.root == Root::Body && at.path.is_empty();
    let mut paths = Vec::new();
    for line in built.lines.iter().filter(|line| line.right.at.as_ref().is_some_and(is_whole)) {
        let Some(OpPart::Lens(name)) = &line.part.op else { continue };
        let shown = inside(name).map(canonical_paths).unwrap_or_default();
        let objects = line.right.besides.iter().filter_map(|tag| tag.path.split_last());
        let objects: Vec<&[Box<str>]> = objects.map(|(_, object)| object).collect();
        let answers_for =
            |path: &[Box<str>]| objects.iter().all(|object| !object.is_empty() && path.starts_with(object));
        paths.extend(shown.into_iter().filter(|path| answers_for(path)));
    }
    paths
}

fn body_paths<'p>(places: impl Iterator<Item = &'p Address>) -> Vec<Vec<Box<str>>> {
    let in_body = places.filter(|at| at.root == Root::Body && !at.path.is_empty());
    in_body.map(|at| at.path.clone()).collect()
}

/// Whether a path or something it lies in is among the covered ones.
pub(super) fn is_covered(path: &[Box<str>], covered: &[Vec<Box<str>>]) -> bool {
    covered.iter().any(|covered| path.starts_with(covered))
}

/// Collects the properties that nothing covers; of an object that is covered in part, those inside it.
pub(super) fn uncovered(
    shape: &Shape<'_>,
    at: &mut Vec<Box<str>>,
    covered: &[Vec<Box<str>>],
    lost: &mut Vec<String>,
) {
    for name in shape.properties() {
        at.push(name.as_str().into());
        if !is_covered(at, covered) {
            let is_covered_in_part = covered.iter().any(|covered| covered.starts_with(at));
            match shape.property(&name).filter(|_| is_covered_in_part) {
                Some(inner) => uncovered(&inner, at, covered, lost),
                None => lost.push(at.join(".")),
            }
        }
        at.pop();
    }
}
