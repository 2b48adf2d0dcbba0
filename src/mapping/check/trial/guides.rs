//! What a lens knows of its places that their schemas do not say: which texts are ids, which names can be looked up,
//! which values are refused for a declared reason.

use std::mem::discriminant;

use serde_json::Value as Tree;

use super::world::Columns;
use crate::canonical::id::{IdCodec, IdForm};
use crate::json::{Document, Value};
use crate::lens::op::Op;
use crate::lens::op::each::Item;
use crate::lens::op::id::Id;
use crate::lens::op::table::{Landing, Table};
use crate::lens::path::{Address, Literal};
use crate::lens::{Direction, Field, Lens, Wrap};
use crate::problem::Root;
use crate::schema::Schema;
use crate::schema::instances::random::Random;
use crate::schema::instances::{Guide, Instances, Step, Values, uuid};

/// The seed of ids: they are the same in every run, for no mapping depends on which they are.
const IDS: u64 = 57;

/// How many values of what is only kept are tried.
const KEPT_MAX: usize = 24;

/// What a lens knows of the documents that go into it in one direction. `below` is where in the whole they lie.
pub(super) fn of(lens: &Lens, direction: Direction, below: &[Step], columns: &Columns) -> Vec<Guide> {
    let mut guides = Vec::new();
    for (index, field) in lens.fields().iter().enumerate() {
        let place = match direction {
            Direction::Lift => field.left.as_ref(),
            Direction::Lower => field.right.as_ref(),
        };
        let Some(place) = place.filter(|place| place.root == Root::Body) else { continue };
        let is_alone = |of: Wrap| matches!(of, Wrap::Bare(alone) | Wrap::Scalar(alone) if alone == index);
        let path = place.path.iter().map(|name| Step::Member(name.clone()));
        let at: Vec<Step> = below.iter().cloned().chain(path).collect();
        let mut places = vec![at];
        if direction == Direction::Lift && is_alone(lens.wrap()) {
            places.push(below.to_vec());
        }
        for at in places {
            inside(&field.op, direction, at, columns, &mut guides);
        }
    }
    guides
}

fn inside(op: &Op, direction: Direction, at: Vec<Step>, columns: &Columns, guides: &mut Vec<Guide>) {
    let items = || at.iter().cloned().chain([Step::Items]).collect::<Vec<_>>();
    match op {
        Op::Nested(nested) => {
            guides.extend(of(&nested.lens, direction, &at, columns));
            return;
        }
        Op::Each(each) => match &each.item {
            Item::Copy => return,
            Item::Id(id) => {
                let at = items();
                guides.push(Guide { at, values: ids(id, direction, "") });
                return;
            }
            Item::Lens(lens) => {
                guides.extend(of(lens, direction, &items(), columns));
                return;
            }
        },
        _ => {}
    }
    let values = match op {
        Op::Id(id) => Some(ids(id, direction, "")),
        Op::Prefix(prefix) => prefix.id.as_ref().map(|id| ids(id, direction, &prefix.before)),
        Op::Fixed(fixed) => Some(Values::Only(vec![fixed.0.value().to_value()])),
        Op::Resolve(resolve) => keys(&columns.keys(&resolve.0, IDS), direction),
        Op::Row(row) => match direction {
            Direction::Lift => keys(&columns.keys(&row.resolver, IDS), direction),
            Direction::Lower => refused(&row.table),
        },
        Op::Table(table) if direction == Direction::Lower => refused(table),
        Op::Label(label) if direction == Direction::Lower => refused(&label.0),
        Op::Constant(_)
        | Op::Copy
        | Op::Each(_)
        | Op::Filter(_)
        | Op::Has(_)
        | Op::Label(_)
        | Op::Nested(_)
        | Op::Table(_) => None,
    };
    guides.extend(values.map(|values| Guide { at, values }));
}

fn keys(keys: &[String], direction: Direction) -> Option<Values> {
    (direction == Direction::Lift)
        .then(|| Values::Only(keys.iter().map(|key| Tree::from(key.as_str())).collect()))
}

/// Words that a table does not tell, as it says.
fn refused(table: &Table) -> Option<Values> {
    let refused = table.lands.iter().filter(|(_, landing)| matches!(landing, Landing::Refuse(_)));
    let words: Vec<Tree> = refused.map(|(word, _)| word.value().to_value()).collect();
    (!words.is_empty()).then_some(Values::Without(words))
}

fn ids(id: &Id, direction: Direction, before: &str) -> Values {
    let mut random = Random::new(IDS);
    let (codec, before) = match direction {
        Direction::Lift => (&id.dialect, before),
        Direction::Lower => (&id.canonical, ""),
    };
    let tree = |text: String| match text.parse::<i64>() {
        Ok(number) if before.is_empty() && codec.written == IdForm::Integer => Tree::from(number),
        _ => Tree::from(format!("{before}{text}")),
    };
    Values::Only(spellings(codec, &mut random).into_iter().map(tree).collect())
}

/// An id in each of the spellings that are read; the one that is written comes first.
pub(super) fn spellings(codec: &IdCodec, random: &mut Random) -> Vec<String> {
    let mut forms = codec.accepted.clone();
    forms.sort_by_key(|form| *form != codec.written);
    forms.into_iter().filter_map(|form| spelling(form, random)).collect()
}

/// Some id in one spelling.
pub(super) fn spelling(form: IdForm, random: &mut Random) -> Option<String> {
    let read = match form {
        IdForm::Uuid | IdForm::ShortUuid => IdForm::Uuid.read(&uuid(random.bits())),
        IdForm::Integer => IdForm::Integer.read(&random.below(100_000).to_string()),
        IdForm::Opaque => IdForm::Opaque.read(&format!("x-{}_Y", random.below(100_000))),
    };
    let mut text = String::new();
    form.write(&read.ok()?, &mut text).ok()?;
    Some(text)
}

/// A place of a record, and what has to be there.
pub(super) type Holds = (Address, Literal);

/// What a dialect stores and the canonical model has no schema for is what the dialect's schema says of it, and whatever
/// clients write there: what they are told of it has to be what they were promised. `sent` are the bodies of calls by which
/// such records are written, and `only` what all records hold that are told.
///
/// Records of several kinds may lie in one list, told apart by a constant that is written with them. What is written of one kind
/// need not fit what is told of another, if the mapping says which are told: by `where`, or of a single field by its
/// `tag`. Where it says neither, nothing keeps a record of another kind from being told, whatever the query asked for or
/// the dialect's schema calls constant; that is found, and rightly so. So is an answer that requires what a change leaves out:
/// the record may be one that nobody made as this dialect does. What is not looked at: that a change makes a record one of
/// another kind, and leaves there what was written of it before.
pub(super) fn kept(
    lens: &Lens,
    (left, right): (&Schema, &Schema),
    (sent, only): (&[Sent], &[Holds]),
    long: usize,
) -> Vec<Guide> {
    let is_free = |field: &&Field| {
        let place = field.right.as_ref().filter(|place| place.root == Root::Body && place.path.len() > 1);
        place.is_some_and(|place| {
            let mut shape = Some(right.shape());
            for name in &place.path {
                shape = shape.and_then(|shape| shape.property(name));
            }
            shape.is_none()
        })
    };
    let fields: Vec<_> =
        lens.fields().iter().filter(|field| matches!(field.op, Op::Copy)).filter(is_free).collect();
    if fields.is_empty() {
        return Vec::new();
    }
    let documents: Vec<_> = Instances::up_to(left, &[], long).systematic().collect();
    let guide = |field: &Field| {
        let (from, to) = (field.left.as_ref()?, field.right.as_ref()?);
        let told = documents.iter().filter_map(|document| below(document.root(), &from.path));
        let mut values = few(told.map(Value::to_value));
        let is_told = |sent: &&Sent| only.iter().chain(&field.when.tag).all(|what| sent.may_hold(what));
        let written = sent.iter().filter(is_told).filter_map(|sent| sent.left_at(&to.path));
        values.extend(few(written.filter(|value| !values.contains(value))));
        let at = to.path.iter().map(|name| Step::Member(name.clone())).collect();
        (!values.is_empty()).then_some(Guide { at, values: Values::Only(values) })
    };
    fields.into_iter().filter_map(guide).collect()
}

/// The body of a call that makes or changes a record.
pub(super) struct Sent {
    pub(super) body: Document,
    /// Whether it is a merge patch, in which null takes a member away (RFC 7396).
    pub(super) is_patch: bool,
}

impl Sent {
    /// Whether a record may hold that once this was sent. Of what it says nothing, nothing is known: it may be there from before.
    fn may_hold(&self, (at, is): &Holds) -> bool {
        let value = below(self.body.root(), &at.path).filter(|_| at.root == Root::Body);
        value.is_none_or(|value| value.same(is.value()))
    }

    /// What is left at a place once it was sent, if anything is.
    fn left_at(&self, path: &[Box<str>]) -> Option<Tree> {
        let mut value = below(self.body.root(), path)?.to_value();
        if self.is_patch {
            merge(&mut value);
        }
        (!self.is_patch || !value.is_null()).then_some(value)
    }
}

/// What a patch leaves behind where nothing was before.
fn merge(value: &mut Tree) {
    if let Tree::Object(members) = value {
        members.retain(|_, member| !member.is_null());
        members.values_mut().for_each(merge);
    }
}

fn below<'v>(value: Value<'v>, path: &[Box<str>]) -> Option<Value<'v>> {
    path.iter().try_fold(value, |value, name| value.member(name))
}

/// A few different values, of each type first.
fn few(values: impl Iterator<Item = Tree>) -> Vec<Tree> {
    let mut found: Vec<Tree> = Vec::new();
    let mut more: Vec<Tree> = Vec::new();
    for value in values {
        let is_new_type = !found.iter().any(|known| discriminant(known) == discriminant(&value));
        let to = if is_new_type { &mut found } else { &mut more };
        if to.len() < KEPT_MAX && !to.contains(&value) {
            to.push(value);
        }
    }
    more.retain(|value| !found.contains(value));
    found.extend(more);
    found.truncate(KEPT_MAX);
    found
}
