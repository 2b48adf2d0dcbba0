//! What a lens knows of its places that their schemas do not say: which texts are ids, which names can be looked up,
//! which values are refused for a declared reason.

use serde_json::Value as Tree;

use super::world::Columns;
use crate::canonical::id::{IdCodec, IdForm};
use crate::json::{Kind, Value};
use crate::lens::op::Op;
use crate::lens::op::each::Item;
use crate::lens::op::id::Id;
use crate::lens::op::table::{Landing, Table};
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

/// Something that clients write of a record: a lens of requests, and the schema of what it reads.
pub(super) struct Written<'d> {
    /// The lens.
    pub(super) lens: &'d Lens,
    /// What clients send.
    pub(super) schema: &'d Schema,
    /// Where in it the items are that the lens reads one by one; empty if it reads the whole.
    pub(super) over: &'d [Box<str>],
}

/// What a dialect stores and the canonical model has no schema for is what the dialect's schema says of it, and whatever
/// clients write there: what they are told of it has to be what they were promised.
pub(super) fn kept(
    lens: &Lens,
    left: &Schema,
    right: &Schema,
    written: &[Written<'_>],
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
    let of_schema = |schema: &Schema| Instances::up_to(schema, &[], long).systematic().collect::<Vec<_>>();
    let told = of_schema(left);
    let sent: Vec<_> = written.iter().map(|written| (written, of_schema(written.schema))).collect();
    let guide = |field: &Field| {
        let (from, to) = (field.left.as_ref()?, field.right.as_ref()?);
        let mut values: Vec<Tree> = Vec::new();
        let mut add = |found: &mut dyn Iterator<Item = Value<'_>>| {
            let most = values.len() + KEPT_MAX;
            for value in found.map(Value::to_value) {
                if values.len() < most && !values.contains(&value) {
                    values.push(value);
                }
            }
        };
        add(&mut told.iter().filter_map(|document| below(document.root(), &from.path)));
        for (written, documents) in &sent {
            let same = |field: &&Field| matches!(field.op, Op::Copy) && field.right.as_ref() == Some(to);
            for field in written.lens.fields().iter().filter(same) {
                let Some(from) = field.left.as_ref().filter(|from| from.root == Root::Body) else { continue };
                let items = documents.iter().flat_map(|document| items(document.root(), written.over));
                add(&mut items.filter_map(|item| below(item, &from.path)));
            }
        }
        let at = to.path.iter().map(|name| Step::Member(name.clone())).collect();
        (!values.is_empty()).then_some(Guide { at, values: Values::Only(values) })
    };
    fields.into_iter().filter_map(guide).collect()
}

fn below<'v>(value: Value<'v>, path: &[Box<str>]) -> Option<Value<'v>> {
    path.iter().try_fold(value, |value, name| value.member(name))
}

/// What a lens reads of a request, one by one.
fn items<'v>(root: Value<'v>, over: &[Box<str>]) -> Vec<Value<'v>> {
    match below(root, over) {
        Some(list) if !over.is_empty() && list.kind() == Kind::Array => list.elements().collect(),
        one => one.into_iter().collect(),
    }
}
