//! Which fields of an update are told ambiguously, and how its record is read to leave them alone.

use std::sync::Arc;

use http::{Method, StatusCode};

use crate::canonical::api;
use crate::diag::{Diagnostic, code};
use crate::dialect::operation::Guard;
use crate::lens::Lens;
use crate::lens::keep::Keep;
use crate::lens::path::Address;
use crate::mapping::compile::Compiler;
use crate::mapping::file::OperationPart;
use crate::mapping::lenses::shape_at;

impl Compiler<'_> {
    /// What an operation that calls an update has to leave as it is, where nothing of it was changed.
    pub(super) fn guard(
        &mut self,
        part: &OperationPart,
        calls: &Arc<api::Operation>,
        request: &Lens,
    ) -> Option<Guard> {
        if !calls.may_be_update() || part.body.is_none() {
            return None;
        }
        let api = Arc::clone(&self.canonical.api);
        // Of a PATCH alone something can be left out.
        let reads = calls.reads.as_ref().filter(|_| calls.method == Method::PATCH);
        let reads = reads.map(|name| api.operation(name));
        let record = reads.flatten().unwrap_or(calls).answer(StatusCode::OK).flatten();
        let views = record.map_or_else(Vec::new, |record| self.views(record));
        let views: Vec<&Lens> = views.iter().map(Arc::as_ref).collect();
        let schema = record.and_then(|record| self.schemas.schema(super::CANONICAL, record));
        let is_told = |at: &Address| schema.is_none_or(|schema| shape_at(schema.shape(), &at.path).is_ok());
        let keep = Keep::new(request, &views, is_told);
        if keep.is_empty() {
            return None;
        }
        let Some(reads) = reads else {
            self.report_unread(part, calls, &keep);
            return None;
        };
        // One that does not exist was told where it is named.
        reads.map(|reads| Guard { reads: Arc::clone(reads), keep })
    }

    /// The lenses by which clients of this dialect are shown documents of a canonical schema.
    pub(in crate::mapping) fn views(&self, record: &str) -> Vec<Arc<Lens>> {
        let mut views: Vec<Arc<Lens>> = Vec::new();
        for operation in &self.file.operations {
            let parts = std::iter::once(operation).chain(operation.cases.iter().map(|case| &case.operation));
            let answers = parts
                .flat_map(|part| &part.answers)
                .flat_map(|(_, answer)| answer.body.iter().chain(&answer.items));
            let gathered = operation.collect.iter().flat_map(|collect| &collect.fields);
            let gathered = gathered.filter_map(|(_, gather)| gather.body.as_ref());
            for name in answers.chain(gathered) {
                let built = self.lenses.get(name.value.as_str());
                let Some(built) = built.filter(|built| built.part.canonical.value == record) else {
                    continue;
                };
                if !views.iter().any(|known| Arc::ptr_eq(known, &built.lens)) {
                    views.push(Arc::clone(&built.lens));
                }
            }
        }
        views
    }

    fn report_unread(&mut self, part: &OperationPart, calls: &api::Operation, keep: &Keep) {
        // An operation that was read before says what is wrong with its own.
        if !self.canonical.knows_operations {
            return;
        }
        for (names, origin) in keep.places() {
            let names = names.join("` or `");
            let message = format!("writing `{names}` back as it was read could change it");
            let warned = |help: &str| (Diagnostic::warning(code::M0306, message.clone()), help.to_owned());
            let (found, help) = match calls.method {
                Method::PATCH => {
                    let help = format!(
                        "say `reads = \"...\"` of `{}` in canonical.toml: the GET of what it changes",
                        calls.name
                    );
                    (Diagnostic::error(code::M0306, message), help)
                }
                Method::PUT => warned(
                    "a PUT replaces everything, so nothing can be left out of it; a PATCH with `reads` could be",
                ),
                _ => warned(
                    "of a POST nobody knows what becomes of what is left out; a PATCH with `reads` could be sent without",
                ),
            };
            let label = "several canonical values are told as one here";
            let found = found.at(origin.unwrap_or(part.calls.span), label);
            self.report(found.also(part.calls.span, "and this call is sent without a look").help(help));
        }
    }
}
