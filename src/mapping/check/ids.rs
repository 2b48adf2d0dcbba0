//! An id that clients are shown is one that they can send.
//!
//! Answers tell the id of a record, and paths name the record by it. How it is spelt stands in two places of a mapping,
//! and clients take the one to the other: what a path reads has to be among the spellings that answers show. Nothing is
//! said of what is looked up, for that is no spelling, nor of records whose ids no answer shows.

use std::collections::HashSet;

use http::StatusCode;

use super::nulls;
use crate::canonical::api::{Api, PathPart};
use crate::canonical::id::IdForm;
use crate::diag::{Diagnostic, code};
use crate::lens::op::id::Id;
use crate::mapping::compile::Compiler;
use crate::mapping::file::{FieldPart, OpPart, OperationPart};
use crate::problem::Root;

/// Reports each path that reads none of the spellings in which answers show the ids it stands for.
pub(super) fn check(compiler: &mut Compiler<'_>) {
    // What could not be read may be the spelling that fits.
    if !compiler.saw_all {
        return;
    }
    let shown = shown(compiler);
    let (mut told, mut found) = (HashSet::new(), Vec::new());
    for part in compiler.file.parts() {
        for field in &part.path {
            let Some((parameter, read)) = parameter(field).zip(Spelling::of(compiler, field)) else {
                continue;
            };
            let mut of_record = shown.iter().filter(|one| one.parameter == parameter).peekable();
            let Some(first) = of_record.peek().copied() else { continue };
            if !of_record.any(|one| read.takes(&one.spelling)) && told.insert(field.span) {
                let other = shown.iter().find(|one| read.takes(&one.spelling));
                found.push(untaken(part, field, first, other));
            }
        }
    }
    for diagnostic in found {
        compiler.report(diagnostic);
    }
}

/// An id that answers show.
struct Shown<'a> {
    /// The canonical parameter that it fills.
    parameter: &'a str,
    field: &'a FieldPart,
    spelling: Spelling<'a>,
}

/// How an id is spelt at a place of the dialect.
struct Spelling<'a> {
    /// What stands before it.
    before: &'a str,
    /// Its kind; none if it is spelt as the backend spells it.
    kind: Option<&'a Id>,
}

impl<'a> Spelling<'a> {
    /// None if the field has no spelling of its own: the id is looked up, or it is none.
    fn of(compiler: &'a Compiler<'_>, field: &'a FieldPart) -> Option<Self> {
        let (before, kind) = match field.op.as_ref()? {
            OpPart::Copy => ("", None),
            OpPart::Id(kind) => ("", Some(kind)),
            OpPart::IdAfter(kind, before) => (before.value.as_str(), Some(kind)),
            OpPart::Prefix(before) => (before.value.as_str(), None),
            _ => return None,
        };
        let kind = match kind {
            // What a kind itself gets wrong is told of the kind.
            Some(kind) => {
                let reads_itself = |kind: &&Id| kind.dialect.accepted.contains(&kind.dialect.written);
                Some(compiler.ids.get(kind.value.as_str()).filter(reads_itself)?)
            }
            None => None,
        };
        Some(Self { before, kind })
    }

    /// Whether an id that is shown so is read here, and as the same id. Of an address clients take what ends it.
    fn takes(&self, shown: &Spelling<'_>) -> bool {
        let is_before = shown.before.rsplit('/').next() == Some(self.before);
        let Some(read) = self.kind else {
            // It goes to the backend as it is.
            return is_before && shown.kind.is_none_or(is_plain);
        };
        let accepts = |form| read.dialect.accepted.contains(&form);
        let is_read = match shown.kind {
            // One that was imported is known by its kind alone.
            Some(shown) if shown.imported.is_some() && shown.imported != read.imported => false,
            Some(shown) if shown.dialect.written != IdForm::Opaque && accepts(shown.dialect.written) => true,
            Some(shown) if accepts(IdForm::Opaque) => is_plain(shown),
            Some(shown) if shown.dialect.written != IdForm::Opaque => false,
            // It is shown as the backend spells it, which is taken to be what this kind stands for.
            Some(_) | None => accepts(read.canonical.written),
        };
        is_before && is_read
    }
}

/// Whether clients are shown what the backend spells.
fn is_plain(kind: &Id) -> bool {
    kind.dialect.written == kind.canonical.written
}

/// The ids of records that answers show, each with the parameters by which paths name the record.
fn shown<'c>(compiler: &'c Compiler<'_>) -> Vec<Shown<'c>> {
    let told = nulls::told(compiler);
    let records = records(&compiler.canonical.api);
    let id = compiler.canonical.api.page.id.as_deref();
    let mut shown = Vec::new();
    for built in compiler.lenses.values().filter(|built| told.contains(built.name.value.as_str())) {
        let schema = built.part.canonical.value.as_str();
        for line in &built.lines {
            let Some(path) = line.right.at.as_ref().filter(|at| at.root == Root::Body).map(|at| &at.path)
            else {
                continue;
            };
            let is_id = |record: &&Record<'_>| match path.as_slice() {
                [name] if id == Some(&**name) => record.schema == schema,
                // A reference to a record is called as the parameter that names it.
                [.., name] => **name == *record.parameter,
                [] => false,
            };
            for record in records.iter().filter(is_id) {
                let spelling = Spelling::of(compiler, line.part);
                shown.extend(spelling.map(|spelling| Shown {
                    parameter: record.parameter,
                    field: line.part,
                    spelling,
                }));
            }
        }
    }
    shown
}

/// A kind of record, and the parameter by which its own path names it.
struct Record<'a> {
    schema: &'a str,
    parameter: &'a str,
}

/// The records that are read below where they are listed or made: by their ids. What is read elsewhere may be named by
/// something else.
fn records(api: &Api) -> Vec<Record<'_>> {
    let reads = api.operations.iter().filter(|reads| reads.is_safe());
    let records = reads.filter_map(|reads| {
        let (PathPart::Parameter(parameter), around) = reads.path.split_last()? else { return None };
        let is_below = api.operations.iter().any(|operation| operation.path == around);
        let schema = reads.answer(StatusCode::OK).flatten().filter(|_| is_below)?;
        Some(Record { schema, parameter })
    });
    records.collect()
}

/// The canonical parameter that a field of the path fills.
fn parameter(field: &FieldPart) -> Option<&str> {
    let at = field.at.as_ref()?.value.as_str();
    let name = at.strip_prefix("$path.").unwrap_or(at);
    (!name.starts_with('$')).then_some(name)
}

/// What a path does not take, with whose ids it takes, if they are known.
fn untaken(
    part: &OperationPart,
    field: &FieldPart,
    shown: &Shown<'_>,
    other: Option<&Shown<'_>>,
) -> Diagnostic {
    let (name, parameter) = (&field.left.value, shown.parameter);
    let message =
        format!("`{name}` of `{}` does not read the `{parameter}` that answers show", part.name.value);
    let label = other.map_or_else(
        || "no id that is shown is spelt so".to_owned(),
        |other| format!("`{}` is spelt so", other.parameter),
    );
    let spelt = written(shown.field);
    Diagnostic::error(code::M0905, message)
        .at(field.span, label)
        .also(shown.field.span, "shown so here")
        .help(format!(
            "read it as it is shown, `{name} = {{ at = \"{parameter}\"{spelt} }}`, or show it as it is read"
        ))
}

/// The step of a field, as it is written beside `at`.
fn written(field: &FieldPart) -> String {
    match &field.op {
        Some(OpPart::Id(kind)) => format!(", id = \"{}\"", kind.value),
        Some(OpPart::IdAfter(kind, before)) => {
            format!(", id = \"{}\", prefix = \"{}\"", kind.value, before.value)
        }
        Some(OpPart::Prefix(before)) => format!(", prefix = \"{}\"", before.value),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::canonical::id::IdCodec;
    use crate::lens::op::id::Imported;

    fn kind(written: IdForm, accepted: &[IdForm], canonical: IdForm) -> Id {
        let codec = |written, accepted: &[IdForm]| IdCodec { written, accepted: accepted.to_vec() };
        Id::computed(codec(written, accepted), codec(canonical, &[canonical]))
    }

    fn spelt<'a>(before: &'a str, kind: Option<&'a Id>) -> Spelling<'a> {
        Spelling { before, kind }
    }

    #[test]
    fn a_path_takes_what_it_reads_as_the_same_id_and_nothing_else() {
        use IdForm::{Integer, Opaque, ShortUuid, Uuid};
        let uuid = kind(Uuid, &[Uuid], Uuid);
        let short = kind(ShortUuid, &[ShortUuid], Uuid);
        let both = kind(ShortUuid, &[ShortUuid, Uuid], Uuid);
        let number = kind(Integer, &[Integer], Integer);
        let opaque = kind(Opaque, &[Opaque], Opaque);
        for (shown, read, is_taken) in [
            (spelt("", Some(&uuid)), spelt("", Some(&both)), true),
            (spelt("", Some(&both)), spelt("", Some(&uuid)), false),
            (spelt("", Some(&number)), spelt("", Some(&uuid)), false),
            (spelt("m-", Some(&uuid)), spelt("m-", Some(&uuid)), true),
            (spelt("m-", Some(&uuid)), spelt("", Some(&uuid)), false),
            // The end of an address is what a client takes out of it.
            (spelt("https://a.example/members/", Some(&uuid)), spelt("", Some(&uuid)), true),
            (spelt("https://a.example/members/m-", Some(&uuid)), spelt("m-", Some(&uuid)), true),
            (spelt("https://a.example/members/", Some(&short)), spelt("", Some(&uuid)), false),
            // What is shown or read as it is, is what the backend spells.
            (spelt("", None), spelt("", None), true),
            (spelt("", None), spelt("", Some(&both)), true),
            (spelt("", None), spelt("", Some(&short)), false),
            (spelt("", Some(&uuid)), spelt("", None), true),
            (spelt("", Some(&short)), spelt("", None), false),
            (spelt("", Some(&short)), spelt("", Some(&opaque)), false),
            (spelt("", Some(&uuid)), spelt("", Some(&opaque)), true),
            (spelt("", Some(&opaque)), spelt("", Some(&uuid)), true),
        ] {
            assert_eq!(
                read.takes(&shown),
                is_taken,
                "{:?} of {:?}",
                (read.before, read.kind),
                (shown.before, shown.kind)
            );
        }
    }

    #[test]
    fn an_id_that_was_imported_is_known_by_its_own_kind_alone() {
        let plain = kind(IdForm::Uuid, &[IdForm::Uuid], IdForm::Uuid);
        let imported = Imported { kind: Arc::from("member"), within: None };
        let imported = Id { imported: Some(imported), ..plain.clone() };
        assert!(spelt("", Some(&imported)).takes(&spelt("", Some(&imported))));
        assert!(spelt("", Some(&imported)).takes(&spelt("", Some(&plain))));
        assert!(!spelt("", Some(&plain)).takes(&spelt("", Some(&imported))));
    }
}
