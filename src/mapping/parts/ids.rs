//! Kinds of ids: how they are spelt on both sides, and whether some were imported.

use std::sync::Arc;

use crate::canonical::api::PathPart;
use crate::canonical::id::{IdCodec, IdForm};
use crate::diag::{Diagnostic, code};
use crate::lens::op::id::{Id, Imported};
use crate::mapping::canonical::suggest;
use crate::mapping::compile::{Compiler, Kind};
use crate::mapping::file::{IdPart, Text};

impl Compiler<'_> {
    pub(in crate::mapping) fn build_ids(&mut self) {
        let file = self.file;
        for id in &file.ids {
            let Some(part) = &id.part else { continue };
            let forms = IdForm::ALL.map(|form| (form.name(), form));
            let written = self.word("id form", &part.form, &forms);
            let accepted: Vec<_> =
                part.accept.iter().map(|form| self.word("id form", form, &forms)).collect();
            if let (Some(written), Some(mut accepted)) =
                (written, accepted.into_iter().collect::<Option<Vec<_>>>())
            {
                if accepted.is_empty() {
                    accepted.push(written);
                }
                self.check_forms(&id.name, part, written, &accepted);
                let dialect = IdCodec { written, accepted };
                let canonical = canonical_codec(&dialect);
                let imported = self.imported(&id.name, part, canonical.written);
                self.ids.insert(&id.name.value, Id { dialect, canonical, imported });
            }
        }
    }

    /// What is written can be read again, and what is read can be written to the backend.
    fn check_forms(&mut self, name: &Text, part: &IdPart, written: IdForm, accepted: &[IdForm]) {
        if !accepted.contains(&written) {
            let message = format!("ids of kind `{}` are written as `{written}` and not read so", name.value);
            let found =
                Diagnostic::error(code::M0901, message).at(part.form.span, "a client sends what it is shown");
            self.report(found.help(format!("add `\"{written}\"` to `accept`")));
        }
        let canonical = canonical_form(written);
        for (form, text) in accepted.iter().zip(&part.accept) {
            if canonical == IdForm::Opaque && *form != IdForm::Opaque {
                let message = format!(
                    "ids of kind `{}` are kept as they are, and one that is spelt as `{form}` is read as another",
                    name.value
                );
                let found =
                    Diagnostic::error(code::M0901, message).at(text.span, "reads what is taken as it is");
                let found = found.also(part.form.span, "what ids of this kind are");
                self.report(found.help("leave it out: every id is read as `\"opaque\"`"));
            }
            if canonical != IdForm::Opaque && canonical_form(*form) != canonical {
                let message = format!(
                    "ids of kind `{}` are `{canonical}` to the backend, and `{form}` stands for none",
                    name.value
                );
                let found =
                    Diagnostic::error(code::M0221, message).at(text.span, "every id of this form is refused");
                let found = found.also(part.form.span, "what ids of this kind are");
                self.report(found.help("leave it out of `accept`"));
            }
        }
    }

    /// The kind of id of that name.
    pub(in crate::mapping) fn id_kind(&mut self, name: &Text) -> Option<Id> {
        self.refer(Kind::Id, name).then(|| self.ids.get(name.value.as_str()).cloned()).flatten()
    }

    fn imported(&mut self, name: &Text, part: &IdPart, canonical: IdForm) -> Option<Imported> {
        if let Some(within) = &part.within {
            self.check_within(within);
        }
        let is_imported = part.imported.as_ref().filter(|imported| imported.value);
        let Some(imported) = is_imported else {
            if let Some(within) = &part.within {
                let message =
                    format!("id kind `{}` has a scope, but none of its ids is imported", name.value);
                let found = Diagnostic::error(code::M0106, message);
                self.report(found.at(within.span, "has a meaning only beside `imported = true`"));
            }
            return None;
        };
        if canonical != IdForm::Uuid {
            let message = format!("ids of kind `{}` cannot be imported", name.value);
            self.report(
                Diagnostic::error(code::M0106, message)
                    .at(imported.span, "needs a form that stands for a UUID")
                    .also(part.form.span, "this one does not"),
            );
            return None;
        }
        let within = part.within.as_ref().map(|within| within.value.clone());
        Some(Imported { kind: Arc::from(name.value.as_str()), within })
    }

    /// A parameter that no canonical path has would never hold anything.
    fn check_within(&mut self, within: &Text) {
        let operations = &self.canonical.api.operations;
        let parts = operations.iter().flat_map(|operation| &operation.path);
        let known: Vec<_> = parts
            .filter_map(|part| match part {
                PathPart::Literal(_) => None,
                PathPart::Parameter(name) => Some(name.as_str()),
            })
            .collect();
        if known.contains(&within.value.as_str()) || !self.canonical.knows_operations {
            return;
        }
        let message = format!("no canonical path has a parameter `{}`", within.value);
        let found = Diagnostic::error(code::M0218, message).at(within.span, "not a parameter");
        let found = suggest(found, &within.value, known);
        self.report(found);
    }
}

/// What an id is in the canonical form: a UUID, unless the dialect has ids of another sort and they are kept.
fn canonical_codec(dialect: &IdCodec) -> IdCodec {
    let form = canonical_form(dialect.written);
    IdCodec { written: form, accepted: vec![form] }
}

/// What an id of that form is in the canonical form.
fn canonical_form(form: IdForm) -> IdForm {
    match form {
        IdForm::Opaque | IdForm::Integer => form,
        IdForm::ShortUuid | IdForm::Uuid => IdForm::Uuid,
    }
}
