//! What a trial found: told once for each line of the mapping and each rule, with what it was found on.

use std::collections::BTreeSet;

use crate::diag::{Code, Diagnostic, Diagnostics, SourceId, Span};
use crate::json::Value;
use crate::lens::op::Op;
use crate::lens::op::each::Item;
use crate::lens::{Direction, Field, Lens, Wrap};
use crate::problem::{Place, Root, Segment};

/// How much of an instance is shown.
const SHOWN_MAX: usize = 120;

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    found: Diagnostics,
    told: BTreeSet<(Code, SourceId, u32, String)>,
}

/// A finding, before it is told.
pub(super) struct Finding<'f> {
    pub(super) code: Code,
    /// The line it is about.
    pub(super) span: Span,
    /// The rule that is broken, such as `maxLength`.
    pub(super) rule: &'f str,
    pub(super) message: String,
    pub(super) label: String,
    pub(super) help: String,
    /// What it was found on.
    pub(super) instance: String,
}

impl Findings {
    pub(super) fn tell(&mut self, finding: Finding<'_>) {
        let Finding { code, span, rule, message, label, help, instance } = finding;
        if self.told.insert((code, span.source, span.start, rule.to_owned())) {
            let found = Diagnostic::error(code, message).at(span, label);
            self.found.push(found.note(format!("found on {instance}")).help(help));
        }
    }

    /// Tells something that is not about an instance.
    pub(super) fn warn(&mut self, code: Code, span: Span, message: String, help: &str) {
        if self.told.insert((code, span.source, span.start, message.clone())) {
            self.found.push(Diagnostic::warning(code, message).at(span, "not tried").help(help));
        }
    }

    pub(super) fn into_diagnostics(self) -> Diagnostics {
        self.found
    }
}

/// A value as a finding shows it: what is made up may be shown, but not at any length.
pub(super) fn shown(value: Option<Value<'_>>) -> String {
    let Some(value) = value else { return "what is not there".to_owned() };
    let raw = value.raw();
    if raw.chars().count() <= SHOWN_MAX {
        return format!("`{raw}`");
    }
    let beginning: String = raw.chars().take(SHOWN_MAX / 2).collect();
    format!("`{beginning}…`, {} characters", raw.chars().count())
}

/// The value at a place of a document; of one that is missing, what it is missing in.
pub(super) fn nearest<'v>(root: Value<'v>, place: &[Segment]) -> Value<'v> {
    let step = |value: Value<'v>, segment: &Segment| match segment {
        Segment::Name(name) => value.member(name),
        Segment::Index(index) => value.elements().nth(*index),
    };
    let mut value = root;
    for segment in place {
        match step(value, segment) {
            Some(next) => value = next,
            None => break,
        }
    }
    value
}

/// A line of a lens.
#[derive(Clone, Copy)]
pub(super) struct At<'l> {
    pub(super) lens: &'l Lens,
    pub(super) field: &'l Field,
}

/// The field of a lens that is about a place on one of its sides: the one that reaches furthest towards it.
pub(super) fn field_at<'l>(lens: &'l Lens, side: Direction, place: &Place) -> Option<At<'l>> {
    let mut best: Option<(usize, At<'l>)> = None;
    for (index, field) in lens.fields().iter().enumerate() {
        let at = match side {
            Direction::Lift => field.left.as_ref(),
            Direction::Lower => field.right.as_ref(),
        };
        let Some(at) = at.filter(|at| at.root == place.root) else { continue };
        let is_alone = side == Direction::Lift
            && at.root == Root::Body
            && matches!(lens.wrap(), Wrap::Scalar(alone) | Wrap::Bare(alone) if alone == index);
        let (own, here) = (at.segments(), At { lens, field });
        let below = place.segments.strip_prefix(own.as_slice());
        let found = match below {
            Some(below) => {
                let inner = inside(&field.op, side, below);
                Some((own.len() + 1 + usize::from(inner.is_some()), inner.unwrap_or(here)))
            }
            None if is_alone && place.segments.is_empty() => Some((1, here)),
            // Something above the field is wrong, and this is what it is made of.
            None if own.starts_with(&place.segments) && !place.segments.is_empty() => Some((0, here)),
            None => None,
        };
        if let Some(found) = found
            && best.is_none_or(|best| found.0 > best.0)
        {
            best = Some(found);
        }
    }
    best.map(|(_, at)| at)
}

fn inside<'l>(op: &'l Op, side: Direction, below: &[Segment]) -> Option<At<'l>> {
    match (op, below) {
        (Op::Nested(nested), _) => field_at(&nested.lens, side, &Place::body(below.to_vec())),
        (Op::Each(each), [Segment::Index(_), rest @ ..]) => match &each.item {
            Item::Lens(lens) => field_at(lens, side, &Place::body(rest.to_vec())),
            Item::Copy | Item::Id(_) => None,
        },
        _ => None,
    }
}

/// A place in words: `role`, or `the body` for all of it.
pub(super) fn named(place: &[Segment]) -> String {
    let names: Vec<String> = place
        .iter()
        .map(|segment| match segment {
            Segment::Name(name) => name.clone(),
            Segment::Index(_) => "*".to_owned(),
        })
        .collect();
    if names.is_empty() { "all of it".to_owned() } else { format!("`{}`", names.join(".")) }
}
