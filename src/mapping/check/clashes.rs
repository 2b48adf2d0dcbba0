//! No two fields write to one place, or one of them into what the other writes: one would be lost without a word.

use std::collections::HashSet;
use std::sync::Arc;

use crate::diag::{Diagnostic, Span, code};
use crate::dialect::Operation;
use crate::dialect::operation::{AnswerBody, AnswerPlan, Gather};
use crate::lens::op::Op;
use crate::lens::op::each::Item;
use crate::lens::path::{Address, Literal};
use crate::lens::{Direction, Field, Lens};
use crate::mapping::compile::Compiler;
use crate::mapping::file::{OperationPart, Text};

/// Checks every lens in the directions in which it is used.
pub(in crate::mapping) fn check(
    compiler: &mut Compiler<'_>,
    operations: &[(&OperationPart, Arc<Operation>)],
) {
    let mut search = Search::default();
    for (_, whole) in operations {
        let cases = whole.cases.iter().map(|case| &case.operation);
        for operation in std::iter::once(whole).chain(cases) {
            search.operation(operation);
        }
    }
    for diagnostic in search.found {
        compiler.report(diagnostic);
    }
}

/// Checks the members of a body that is put together from slots.
pub(in crate::mapping) fn members(compiler: &mut Compiler<'_>, members: &[(&Text, &[Box<str>])]) {
    for (index, (name, path)) in members.iter().enumerate() {
        let other =
            members[..index].iter().find(|(_, other)| path.starts_with(other) || other.starts_with(path));
        if let Some((other, _)) = other {
            compiler.report(clash(&name.value, name.span, other.span));
        }
    }
}

#[derive(Default)]
struct Search {
    /// The lenses inside others that were looked at, by name.
    seen: HashSet<(Direction, String)>,
    /// What was reported: a lens is used by several operations.
    told: HashSet<(Span, Span)>,
    found: Vec<Diagnostic>,
}

impl Search {
    fn operation(&mut self, operation: &Operation) {
        self.fields(operation.request.fields(), Direction::Lift);
        match &operation.answer {
            AnswerPlan::One(answers) => {
                for answer in answers {
                    if let AnswerBody::Lens(lens) | AnswerBody::Items { lens, .. } = &answer.body {
                        self.lens(lens, Direction::Lower);
                    }
                }
            }
            AnswerPlan::Collect(collect) => {
                for (_, gather) in &collect.fields {
                    if let Gather::Lens(lens) = gather {
                        self.lens(lens, Direction::Lower);
                    }
                }
            }
        }
    }

    fn lens(&mut self, lens: &Lens, direction: Direction) {
        if self.seen.insert((direction, lens.name().to_owned())) {
            self.fields(lens.fields(), direction);
        }
    }

    fn fields(&mut self, fields: &[Field], direction: Direction) {
        let mut written: Vec<Written<'_>> = Vec::new();
        for field in fields {
            if direction == Direction::Lift && field.when.shown {
                continue;
            }
            for next in Written::by(field, direction) {
                if let Some(first) = written.iter().find(|first| first.clashes(&next, direction)) {
                    self.tell(first, &next);
                }
                written.push(next);
            }
            match &field.op {
                Op::Nested(nested) => self.lens(&nested.lens, direction),
                Op::Each(each) => {
                    if let Item::Lens(lens) = &each.item {
                        self.lens(lens, direction);
                    }
                }
                _ => {}
            }
        }
    }

    fn tell(&mut self, first: &Written<'_>, next: &Written<'_>) {
        if let (Some(one), Some(other)) = (next.field.origin, first.field.origin)
            && self.told.insert((one, other))
        {
            self.found.push(clash(&next.at.to_string(), one, other));
        }
    }
}

/// A place that a field writes to.
struct Written<'f> {
    at: &'f Address,
    field: &'f Field,
    /// Whether it is the field's tag that lives there.
    is_tag: bool,
}

impl<'f> Written<'f> {
    fn by(field: &'f Field, direction: Direction) -> impl Iterator<Item = Written<'f>> {
        let (own, tag) = match direction {
            Direction::Lift => (&field.right, field.when.tag.as_ref()),
            Direction::Lower => (&field.left, None),
        };
        let tag = tag.filter(|(_, value)| !value.value().is_null()).map(|(at, _)| at);
        let own = own.iter().map(move |at| Written { at, field, is_tag: false });
        own.chain(tag.map(move |at| Written { at, field, is_tag: true }))
    }

    fn clashes(&self, other: &Written<'_>, direction: Direction) -> bool {
        if self.at.root != other.at.root {
            return false;
        }
        if self.at.path == other.at.path {
            // Several tags tell what is in one place, and of the ways to fill a dialect's place the first counts.
            return direction == Direction::Lift
                && !self.is_tag
                && !other.is_tag
                && !exclude(self.field, other.field, direction);
        }
        self.at.path.starts_with(&other.at.path) || other.at.path.starts_with(&self.at.path)
    }
}

/// Whether never more than one of the two is there.
fn exclude(one: &Field, other: &Field, direction: Direction) -> bool {
    let by_tag = match (&one.when.tag, &other.when.tag) {
        (Some((one, this)), Some((other, that))) => one == other && !this.value().same(that.value()),
        _ => false,
    };
    let by_condition = match (&one.when.lift_when, &other.when.lift_when) {
        (Some((one, values)), Some((other, others))) => {
            let is_among = |value: &Literal| others.iter().any(|that| that.value().same(value.value()));
            one == other && !values.iter().any(is_among)
        }
        _ => false,
    };
    by_tag || direction == Direction::Lift && by_condition
}

fn clash(place: &str, at: Span, first: Span) -> Diagnostic {
    Diagnostic::error(code::M0220, format!("two fields write to `{place}`, or one into the other"))
        .at(at, "this one")
        .also(first, "and this one")
        .help("give each a place of its own, or tags or conditions that exclude each other")
}
