//! The query of an operation: what its schema knows is read by something, and the other way round.

use std::sync::Arc;

use crate::diag::{Diagnostic, Spanned, code};
use crate::dialect::parameters::QueryShape;
use crate::lens::path::{Address, Literal};
use crate::mapping::canonical::suggest;
use crate::mapping::check::ledger::NO_LOSS;
use crate::mapping::compile::Compiler;
use crate::mapping::file::{OperationPart, Text};
use crate::mapping::lenses::Schemas;
use crate::problem::Root;

impl Compiler<'_> {
    pub(super) fn parameters(&mut self, part: &OperationPart) -> Option<QueryShape> {
        let shape = self.query_shape(part);
        self.conditions(part, shape.as_ref());
        shape
    }

    fn query_shape(&mut self, part: &OperationPart) -> Option<QueryShape> {
        let Some(name) = &part.parameters else {
            for (ignored, _) in &part.ignores {
                let message = format!("`{}` is declared as lost and is not", ignored.value);
                let label = "this operation has no `parameters` to lose it from";
                self.report(Diagnostic::error(code::M0503, message).at(ignored.span, label).help(NO_LOSS));
            }
            return None;
        };
        let shape = QueryShape::new(self.schema(name)?);
        let known = shape.schema().shape().properties();
        let paged = self.paged(part);
        let mapped: Vec<&Text> = part.query.iter().map(|field| &field.left).collect();
        for parameter in mapped.iter().copied().chain(part.ignores.iter().map(|(ignored, _)| ignored)) {
            if !known.contains(&parameter.value) {
                let message = format!("the dialect's schema has no parameter `{}`", parameter.value);
                let found = Diagnostic::error(code::M0201, message).at(parameter.span, "not in `parameters`");
                self.report(suggest(found, &parameter.value, known.iter().map(String::as_str)));
            }
        }
        for (ignored, _) in &part.ignores {
            if paged.contains(&ignored.value) || mapped.iter().any(|mapped| mapped.value == ignored.value) {
                let message = format!("`{}` is declared as lost and is not", ignored.value);
                self.report(
                    Diagnostic::error(code::M0503, message).at(ignored.span, "it is mapped").help(NO_LOSS),
                );
            }
        }
        for parameter in known {
            let is_read = paged.contains(&parameter)
                || mapped.iter().any(|mapped| mapped.value == parameter)
                || part.ignores.iter().any(|(ignored, _)| ignored.value == parameter);
            if !is_read {
                let message = format!("parameter `{parameter}` of `{}` is lost silently", part.name.value);
                let found = Diagnostic::error(code::M0502, message).at(name.span, "known to this schema");
                self.report(found.help(format!(
                    "map it under `query`, or say why not: `ignores = {{ {parameter} = \"reason\" }}`"
                )));
            }
        }
        Some(shape)
    }

    /// Parameters are read beside values that requests of the operation can have.
    fn conditions(&mut self, part: &OperationPart, shape: Option<&QueryShape>) {
        let body = part.body.as_ref().and_then(|name| self.lenses.get(name.value.as_str()));
        let body = body.and_then(|built| built.left.clone());
        let fields = part.path.iter().chain(&part.query);
        for (path, values) in fields.filter_map(|field| field.when.as_ref()) {
            // What is no path was told.
            let Some(at) = Address::parse(&path.value) else { continue };
            match at.root {
                Root::Body if part.body.is_none() => {
                    let message = format!("operation `{}` has no body", part.name.value);
                    let found = Diagnostic::error(code::M0201, message)
                        .at(path.span, "can be nowhere else")
                        .help(format!("a parameter of the query is `$query.{}`", path.value));
                    self.report(found);
                }
                Root::Body if self.check_path(path, &at, body.as_deref(), Schemas::Dialect) => {
                    for value in values {
                        self.check_met(value, &at, body.as_deref());
                    }
                }
                Root::Query => self.parameter_met(path, values, &at, shape),
                Root::Body | Root::Outer | Root::Path => {}
            }
        }
    }

    /// A condition on a parameter is one on a parameter that is known, and on values that it can have.
    fn parameter_met(
        &mut self,
        path: &Text,
        values: &[Spanned<Literal>],
        at: &Address,
        shape: Option<&QueryShape>,
    ) {
        let (Some(shape), Some(name)) = (shape, at.path.first()) else { return };
        let known = shape.schema().shape();
        let Some(parameter) = known.property(name) else {
            let message = format!("the dialect's schema has no parameter `{name}`");
            let found = Diagnostic::error(code::M0201, message).at(path.span, "not in `parameters`");
            let known = known.properties();
            return self.report(suggest(found, name, known.iter().map(String::as_str)));
        };
        for value in values {
            self.check_met_by(value, at, &parameter);
        }
    }

    /// The parameters that say which page is wanted.
    fn paged(&self, part: &OperationPart) -> Vec<String> {
        let page = part.page.as_ref().and_then(|page| self.pages.get(page.value.as_str()));
        let page = page.map(Arc::as_ref);
        page.map(|page| vec![page.start.clone(), page.limit.clone()]).unwrap_or_default()
    }
}
