//! Lenses of answers, backwards: what of the canonical document can be read off what a dialect tells, and how surely.
//!
//! A lens of answers is written to be lowered. Lifted as it stands it would say too much: a default would be read out of
//! nothing, a view would be read, and of two fields that share a place one would be taken for the other.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::lens::op::Op;
use crate::lens::op::each::{Each, Item};
use crate::lens::op::nested::Nested;
use crate::lens::path::{Address, Literal};
use crate::lens::{Direction, Field, Lens, Presence};
use crate::problem::{Root, Segment};

/// How surely a canonical place can be read off a dialect's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Telling {
    /// Not at all.
    Nothing,
    /// What is read is what the dialect has words for: one word may stand for several, and what is only told sometimes may
    /// be missing. Two answers of one dialect can be compared there, an answer and the canonical document cannot.
    Roughly,
    /// As the canonical document has it. What is null may be missing.
    Exactly,
}

/// A place in a canonical document, and how surely it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) at: Vec<Way>,
    pub(super) telling: Telling,
    /// Whether everything below it is told alike.
    pub(super) whole: bool,
}

/// A step on the way to a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// To the member of that name.
    Name(Box<str>),
    /// To every element.
    Each,
}

/// A lens to read answers with, and what it reads.
pub(super) fn reading(lens: &Lens, looks_up: bool) -> (Arc<Lens>, Vec<Spot>) {
    let mut spots = Vec::new();
    let mut fields: Vec<Field> =
        lens.fields().iter().map(|field| read(lens, field, looks_up, &mut spots)).collect();
    // An item of a list may be a scope of its own: then its parameter is read where its field is.
    for (name, at) in lens.scope() {
        let from = fields.iter().find(|field| field.right.as_ref() == Some(at));
        if let Some((left, op)) = from.map(|field| (field.left.clone(), field.op.clone())) {
            let right = Some(Address { root: Root::Path, path: vec![name.as_str().into()] });
            fields.push(Field { left, right, op, when: Presence::default(), origin: None });
        }
    }
    // What is declared as lost sometimes is not to be relied upon.
    let lost: Vec<Vec<Way>> = lens
        .losses()
        .iter()
        .filter(|loss| loss.direction == Direction::Lower && loss.at.root == Root::Body)
        .map(|loss| way(&loss.at))
        .collect();
    for spot in &mut spots {
        if lost.iter().any(|lost| spot.at.starts_with(lost) || lost.starts_with(&spot.at)) {
            spot.telling = Telling::Roughly;
        }
    }
    (Arc::new(Lens::new(lens.name(), lens.wrap(), fields)), spots)
}

/// The same for items that are only told if they hold these values: that they do is told by their being there.
pub(super) fn holding(
    (lens, mut spots): (Arc<Lens>, Vec<Spot>),
    only: &[(Address, Literal)],
) -> (Arc<Lens>, Vec<Spot>) {
    if only.is_empty() {
        return (lens, spots);
    }
    let mut fields = lens.fields().to_vec();
    for (at, is) in only {
        let (right, op) = (Some(at.clone()), Op::Constant(is.clone()));
        fields.push(Field { left: None, right, op, when: Presence::default(), origin: None });
        spots.push(Spot { at: way(at), telling: Telling::Exactly, whole: true });
    }
    (Arc::new(Lens::new(lens.name(), lens.wrap(), fields)), spots)
}

/// Finds where answers show what nobody reads, in the dialect's words, below a place of theirs.
pub(super) fn unread(lens: &Lens, below: &str, found: &mut BTreeSet<String>) {
    for field in lens.fields() {
        let Some(left) = field.left.as_ref().filter(|left| left.root == Root::Body) else { continue };
        let path = left.path.join(".");
        let at = if below.is_empty() || path.is_empty() {
            format!("{below}{path}")
        } else {
            format!("{below}.{path}")
        };
        if !is_read(lens.fields(), field, true) {
            found.insert(at);
        } else if let Op::Nested(nested) = &field.op {
            unread(&nested.lens, &at, found);
        } else if let Op::Each(Each { item: Item::Lens(lens), .. }) = &field.op {
            unread(lens, &format!("{at}[]"), found);
        }
    }
}

/// Whether what a field shows is read: not if it only shows something, or if another may have written there.
pub(super) fn is_read(fields: &[Field], field: &Field, looks_up: bool) -> bool {
    let (Some(left), Some(right)) = (&field.left, &field.right) else { return false };
    let is_two_way = match &field.op {
        Op::Constant(_) | Op::Filter(_) | Op::Fixed(_) | Op::Has(_) | Op::Label(_) => false,
        Op::Resolve(_) | Op::Row(_) => looks_up,
        Op::Copy | Op::Each(_) | Op::Id(_) | Op::Nested(_) | Op::Prefix(_) | Op::Table(_) => true,
    };
    let in_body = left.root == Root::Body && right.root == Root::Body;
    is_two_way && in_body && !field.when.shown && !is_shared(fields, field, left)
}

/// A field as it is read; one that cannot be keeps its place in the lens and writes nothing.
fn read(lens: &Lens, field: &Field, looks_up: bool, spots: &mut Vec<Spot>) -> Field {
    let Some(right) = field.right.as_ref().filter(|_| is_read(lens.fields(), field, looks_up)) else {
        return silent(field);
    };
    // A tag says when the field is there, a value that stands for none that it may have been itself, and another place
    // may have been shown in its stead.
    let when = &field.when;
    let is_sure = when.tag.is_none() && when.absent.is_none() && when.instead.is_none();
    let usual = if is_sure && is_exact(&field.op) { Telling::Exactly } else { Telling::Roughly };
    let at = way(right);
    let mut own = Vec::new();
    let op = match &field.op {
        Op::Nested(nested) => {
            let (lens, inner) = reading(&nested.lens, looks_up);
            // Whether there is such an object at all.
            own.push(Spot { at: Vec::new(), telling: usual, whole: false });
            own.extend(inner);
            Op::Nested(Nested { lens })
        }
        Op::Each(each) => {
            // Whether there is anything in it.
            own.push(Spot { at: Vec::new(), telling: usual, whole: false });
            let item = match &each.item {
                Item::Lens(lens) => {
                    let (lens, inner) = holding(reading(lens, looks_up), &each.only);
                    own.extend(inner.into_iter().map(|spot| spot.below(&[Way::Each])));
                    Item::Lens(lens)
                }
                Item::Copy | Item::Id(_) => {
                    own.push(Spot {
                        at: vec![Way::Each],
                        telling: usual,
                        whole: matches!(each.item, Item::Copy),
                    });
                    each.item.clone()
                }
            };
            Op::Each(Each { item, only: each.only.clone() })
        }
        op => {
            own.push(Spot { at: Vec::new(), telling: usual, whole: matches!(op, Op::Copy) });
            op.clone()
        }
    };
    spots.extend(own.into_iter().map(|spot| {
        let telling = spot.telling.min(usual);
        Spot { telling, ..spot.below(&at) }
    }));
    if let Some((tag, _)) = &when.tag {
        spots.push(Spot { at: way(tag), telling: Telling::Roughly, whole: false });
    }
    let when = Presence { absent: when.absent.clone(), tag: when.tag.clone(), ..Presence::default() };
    Field { op, when, ..field.clone() }
}

/// Whether another field may write what stands there: then nobody knows which of them did.
fn is_shared(fields: &[Field], field: &Field, left: &Address) -> bool {
    let others = fields.iter().filter(|other| !std::ptr::eq(*other, field));
    let mut lefts = others.filter_map(|other| other.left.as_ref()).filter(|other| other.root == left.root);
    lefts.any(|other| other.path == left.path)
}

/// Whether the op itself tells apart whatever it tells. What is in an object or in a list says so itself.
fn is_exact(op: &Op) -> bool {
    match op {
        Op::Nested(_) => true,
        Op::Each(each) => each.only.is_empty(),
        op => op.is_lossless(),
    }
}

fn silent(field: &Field) -> Field {
    Field { right: None, op: Op::Copy, when: Presence::default(), ..field.clone() }
}

fn way(address: &Address) -> Vec<Way> {
    address.path.iter().cloned().map(Way::Name).collect()
}

impl Way {
    pub(super) fn segment(&self) -> Segment {
        Segment::Name(match self {
            Way::Name(name) => name.to_string(),
            Way::Each => "*".to_owned(),
        })
    }
}

impl Spot {
    pub(super) fn below(mut self, at: &[Way]) -> Spot {
        self.at.splice(0..0, at.iter().cloned());
        self
    }

    /// How surely it tells of a place.
    pub(super) fn tells(&self, place: &[Segment]) -> Telling {
        let fits = |(way, segment): (&Way, &Segment)| match (way, segment) {
            (Way::Name(name), Segment::Name(given)) => **name == **given,
            (Way::Each, Segment::Index(_)) => true,
            (Way::Each, Segment::Name(name)) => name == "*",
            (Way::Name(_), Segment::Index(_)) => false,
        };
        let reaches = place.len() == self.at.len() || place.len() > self.at.len() && self.whole;
        if reaches && self.at.iter().zip(place).all(fits) { self.telling } else { Telling::Nothing }
    }
}
