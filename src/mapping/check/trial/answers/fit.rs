//! Whether what a client gets is what the dialect's schema promises.

use std::sync::Arc;

use crate::diag::code;
use crate::dialect::Operation;
use crate::dialect::operation::AnswerPlan;
use crate::dialect::page::PageSlot;
use crate::lens::path::Literal;
use crate::lens::{Direction, Lens};
use crate::mapping::check::trial::Trial;
use crate::mapping::check::trial::finding::{At, Finding, field_at, named, nearest, shown};
use crate::problem::{Place, Segment};
use crate::schema::Schema;
use crate::schema::instances::parsed;
use crate::translate::lower::Lowered;

/// How many violations of one answer are looked at.
const VIOLATIONS_MAX: usize = 8;

impl Trial<'_> {
    /// An answer that is always the same is what the dialect's schema promises.
    pub(super) fn constant(
        &mut self,
        operation: &Operation,
        literal: Option<&Literal>,
        schema: Option<&Schema>,
    ) {
        let (Some(literal), Some(schema)) = (literal, schema) else { return };
        for violation in schema.violations(literal.value(), 1) {
            self.findings.tell(Finding {
                code: code::M0403,
                span: self.operation_span(&operation.name),
                rule: violation.keyword,
                message: format!(
                    "an answer of operation `{}` is always the same, and does not fit its schema: {} {}",
                    operation.name,
                    named(&violation.path),
                    violation.message
                ),
                label: "answered by this".to_owned(),
                help: format!("write what `schemas/{}/{}.json` allows", schema.folder(), schema.name()),
                instance: shown(Some(literal.value())),
            });
        }
    }

    /// What a client gets is what the dialect's schema promises.
    pub(super) fn fits(
        &mut self,
        operation: &Operation,
        lenses: &[&Arc<Lens>],
        schema: Option<&Schema>,
        lowered: &Lowered,
        canonical: &str,
    ) {
        let (Some(schema), Some(body)) = (schema, lowered.body.clone()) else { return };
        let Some(body) = parsed(body) else { return };
        if schema.is_valid(body.root()) {
            return;
        }
        for violation in schema.violations(body.root(), VIOLATIONS_MAX) {
            let inner = within(operation, &violation.path);
            let field =
                lenses.iter().find_map(|lens| field_at(lens, Direction::Lift, &Place::body(inner.clone())));
            if is_bound(violation.keyword) && field.as_ref().is_some_and(|at| self.exceeds(at)) {
                continue;
            }
            let help = way_out(schema, violation.keyword, field.as_ref());
            let value = nearest(body.root(), &violation.path);
            let instance = if violation.keyword == "required" {
                format!("the canonical {}", shown_text(canonical))
            } else {
                shown(Some(value))
            };
            self.findings.tell(Finding {
                code: code::M0403,
                span: field
                    .and_then(|at| at.field.origin)
                    .unwrap_or_else(|| self.operation_span(&operation.name)),
                rule: violation.keyword,
                message: format!(
                    "operation `{}` answers what its schema does not promise: {} {}",
                    operation.name,
                    named(&violation.path),
                    violation.message
                ),
                label: "told by this".to_owned(),
                help,
                instance,
            });
        }
    }

    /// Whether the mapping says that what a field tells may be more than its schema promises. Notes that it had to.
    fn exceeds(&mut self, at: &At<'_>) -> bool {
        let Some(left) = at.field.left.as_ref().map(ToString::to_string) else { return false };
        let named = self.file.lenses.iter().find(|lens| lens.name.value == at.lens.name());
        let part = named.and_then(|lens| lens.part.as_ref());
        let Some((path, _)) = part.and_then(|part| part.exceeds.iter().find(|(path, _)| path.value == left))
        else {
            return false;
        };
        self.exceeded.insert((path.span.source, path.span.start));
        true
    }
}

/// What to do about a rule that an answer breaks. Only a bound can be excepted.
fn way_out(schema: &Schema, keyword: &str, field: Option<&At<'_>>) -> String {
    let (folder, name) = (schema.folder(), schema.name());
    let widen = format!(
        "let `schemas/{folder}/{name}.json`, or what it refers to, allow what the canonical schema does"
    );
    if is_bound(keyword) {
        let lens = field.map_or("<name>", |at| at.lens.name());
        format!("{widen}, narrow that one, or say under `[lens.{lens}.exceeds]` why it is told all the same")
    } else if keyword == "required" {
        format!("{widen}, or fill it always: by a field, a `constant`, or a value for `absent`")
    } else {
        format!(
            "{widen}, or tell it by a step that makes what the schema promises; `exceeds` is for bounds alone"
        )
    }
}

/// Whether a rule says how much there may be. What breaks another one is no excess: a client cannot read it at all.
fn is_bound(keyword: &str) -> bool {
    matches!(
        keyword,
        "maxItems"
            | "maxLength"
            | "maxProperties"
            | "maximum"
            | "exclusiveMaximum"
            | "minItems"
            | "minLength"
            | "minProperties"
            | "minimum"
            | "exclusiveMinimum"
    )
}

/// The place within one item of a list, or of what was gathered.
fn within(operation: &Operation, path: &[Segment]) -> Vec<Segment> {
    let frame = match (&operation.answer, &operation.page) {
        (AnswerPlan::Collect(_), _) => 1,
        (AnswerPlan::One(_), Some(page)) => {
            page.fields.iter().find(|(_, slot)| *slot == PageSlot::Items).map_or(0, |(path, _)| path.len())
        }
        (AnswerPlan::One(_), None) => 0,
    };
    let is_list = operation.page.is_some() || operation.gather.is_some() || operation.is_bulk();
    match path.get(frame) {
        Some(Segment::Index(_)) if is_list => path[frame + 1..].to_vec(),
        Some(_) | None => path.to_vec(),
    }
}

fn shown_text(text: &str) -> String {
    parsed(text.as_bytes().to_vec()).map(|document| shown(Some(document.root()))).unwrap_or_default()
}
