//! Which records the lists of a dialect tell, by which ids, and by which keys they are known besides: enough to find out
//! which record of one side is which of another, where each side made ids of its own.
//!
//! Of an item only that is read. An id of a kind that may have been imported is read as it is told, whatever it looks like:
//! what it stands for is what somebody wants to find out.

use std::sync::Arc;

use http::StatusCode;
use http::uri::PathAndQuery;
use percent_encoding::utf8_percent_encode;
use uuid::Uuid;

use super::column::{Column, items_of};
use super::told::{Reader, Telling, list_at, value_at};
use crate::canonical::api::{Api, Call, PathPart, RESERVED};
use crate::canonical::id::CanonicalId;
use crate::dialect::operation::{AnswerBody, AnswerPlan};
use crate::dialect::page::Cursors;
use crate::dialect::url::Url;
use crate::dialect::{Dialect, Operation};
use crate::json::{Kind, Value};
use crate::lens::op::Op;
use crate::lens::op::id::Id;
use crate::lens::path::{Address, Literal};
use crate::lens::{Field, Found, Lens, Lookup, Resolutions, Wrap, flat};
use crate::problem::{Problem, Root, Segment};
use crate::translate::explain::Narrator;
use crate::translate::lift::lift;
use crate::translate::{Request, Step, Wrote, check};

mod turn;

pub use self::turn::Turn;

/// A list of a dialect that tells records.
#[derive(Debug)]
pub struct List {
    dialect: Arc<Dialect>,
    /// The operation that is asked.
    pub operation: Arc<Operation>,
    /// What each item tells.
    pub records: Vec<Record>,
    /// The record that the list lies in, if it lies in one.
    pub within: Option<Within>,
    /// The canonical path parameter that stands for a record of this list, and which of `records` that is.
    pub names: Option<(String, usize)>,
    /// What an item holds that is told at all.
    only: Vec<(Address, Literal)>,
}

/// The one path parameter of a list.
#[derive(Clone, Debug)]
pub struct Within {
    /// Its name in the dialect.
    parameter: Box<str>,
    /// The canonical parameter it stands for.
    pub canonical: String,
    /// How the dialect spells it.
    pub id: Id,
}

/// A record that an item tells: itself, or one inside it.
#[derive(Debug)]
pub struct Record {
    /// Its canonical schema.
    pub schema: String,
    /// How the dialect spells its id.
    pub id: Id,
    id_at: Told,
    key: Option<(Told, bool)>,
}

/// A field as the dialect tells it, and as the canonical API does.
#[derive(Debug)]
struct Told {
    column: Column,
    at: Address,
}

/// What one item tells of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its id, as that side tells it.
    pub id: String,
    /// What it is known by besides, if that is told.
    pub key: Option<String>,
}

/// What an answer tells: of each item, each of the list's records if it tells it.
pub type Items = Vec<Vec<Option<Seen>>>;

/// The lists of a dialect that tell records with ids, in the order of its mapping.
pub fn lists(api: &Api, dialect: &Arc<Dialect>) -> Vec<List> {
    dialect.operations.iter().filter_map(|operation| List::of(api, dialect, operation)).collect()
}

impl List {
    fn of(api: &Api, dialect: &Arc<Dialect>, operation: &Arc<Operation>) -> Option<List> {
        let calls = &operation.calls;
        let takes = |name: &str| calls.query.iter().any(|known| known == name);
        if !(operation.is_safe() && takes(&api.page.limit) && takes(&api.page.offset)) {
            return None;
        }
        let within = match Within::all(operation)?.as_slice() {
            [] => None,
            [within] => Some(within.clone()),
            _ => return None,
        };
        let (status, only) = plan_of(operation)?;
        let reader = Reader::offline(api, dialect, operation);
        let telling = |at: &Address| {
            let item = [Segment::Name(api.page.items.clone()), Segment::Name("*".to_owned())];
            reader.tells(status, &[&item[..], &at.segments()].concat())
        };
        let lens = items_of(operation)?;
        let mut records = Vec::new();
        Finding { api, dialect, fields: &flat::flat(lens.fields()), telling: &telling }.within(
            lens,
            &Address::whole(),
            &mut records,
        );
        let id = api.page.id.as_deref()?;
        let own = records.iter().position(|record| record.id_at.at.path == [Box::from(id)]);
        let names = api.names_record_of(calls).map(str::to_owned).zip(own);
        (!records.is_empty()).then(|| List {
            dialect: Arc::clone(dialect),
            operation: Arc::clone(operation),
            records,
            within,
            names,
            only,
        })
    }

    /// Whether anything in it can be known by its key.
    pub fn has_keys(&self) -> bool {
        self.records.iter().any(|record| record.key.is_some())
    }

    /// The kinds of ids that it tells together with a key.
    pub fn keyed_kinds(&self) -> impl Iterator<Item = &str> {
        self.records.iter().filter(|record| record.key.is_some()).filter_map(Record::kind)
    }

    /// The path and query that ask the dialect's own upstream for a page. `inside` is the id of what the list lies in.
    pub fn target(&self, inside: Option<&str>, turn: &Turn) -> String {
        let encoded = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
        let mut target = self.dialect.prefix.clone();
        for part in &self.operation.path {
            target.push('/');
            match part {
                PathPart::Literal(text) => target.push_str(text),
                PathPart::Parameter(_) => target.push_str(&encoded(inside.unwrap_or_default())),
            }
        }
        for (index, (name, value)) in turn.query(self.operation.page.as_deref()).iter().enumerate() {
            target.push(if index == 0 { '?' } else { '&' });
            target.push_str(&encoded(name));
            target.push('=');
            target.push_str(&encoded(value));
        }
        target
    }

    /// The canonical call for the same list: what a request of the dialect without any wishes becomes. `inside` is what the
    /// list lies in.
    ///
    /// # Errors
    ///
    /// 422 if the dialect asks for more than a path; whatever else keeps the request from being lifted.
    pub fn call(&self, api: &Api, inside: Option<Uuid>) -> Result<Call, Box<Problem>> {
        let path = match (&self.within, inside) {
            (Some(within), Some(uuid)) => vec![(within.parameter.clone(), within.spelt(uuid))],
            _ => Vec::new(),
        };
        let url = Url::of(PathAndQuery::from_static("/"));
        let request = Request {
            dialect: Arc::clone(&self.dialect),
            operation: Arc::clone(&self.operation),
            url,
            path,
            query: Vec::new(),
            body: None,
            cursors: Cursors::default(),
            narrator: Narrator::default(),
            wrote: Wrote::default(),
        };
        check(&request)?;
        // Nothing was imported here: the path is in a spelling that is computed.
        match lift(api, &request, &Resolutions::default())? {
            Step::Done(lifted) => lifted.calls.into_iter().next(),
            Step::Needs(_) => None,
        }
        .ok_or_else(|| Box::new(Problem::internal("a list becomes a call without look-ups")))
    }

    /// What a page of the dialect's own upstream tells; nothing if it is no list.
    pub fn told(&self, answer: Value<'_>) -> Option<Items> {
        let list = value_at(answer, list_at(&self.operation)?).filter(|list| list.kind() == Kind::Array)?;
        let item = |item| self.records.iter().map(|record| record.told(item)).collect();
        Some(list.elements().map(item).collect())
    }

    /// What a page of the canonical API tells; nothing if it is no list. Items that the dialect would not tell have nothing.
    pub fn told_by_canonical(&self, api: &Api, answer: Value<'_>) -> Option<Items> {
        let list = answer.member(&api.page.items).filter(|list| list.kind() == Kind::Array)?;
        let is_meant = |item: Value<'_>| {
            let mut all = self.only.iter();
            all.all(|(at, is)| value_at(item, &at.path).is_some_and(|held| held.same(is.value())))
        };
        let item = |item| {
            let records = self.records.iter().filter(|_| is_meant(item));
            records.map(|record| record.told_by_canonical(item)).collect()
        };
        Some(list.elements().map(item).collect())
    }
}

impl Within {
    /// The path parameters of an operation; nothing if one of them is anything but an id.
    fn all(operation: &Operation) -> Option<Vec<Within>> {
        let of = |name: &str| {
            let fields = operation.request.fields().iter();
            let mut own = fields.filter(|field| is_parameter(field.left.as_ref(), Root::Path, name));
            let field = own.next()?;
            let (Op::Id(id), Some(right)) = (&field.op, &field.right) else { return None };
            let canonical = right.path.first().filter(|_| right.root == Root::Path)?.to_string();
            Some(Within { parameter: name.into(), canonical, id: id.clone() })
        };
        operation.parameters().map(of).collect()
    }

    /// An id as the dialect spells it where nobody gave it another.
    pub fn spelt(&self, uuid: Uuid) -> String {
        let mut spelling = String::new();
        // Every kind that names a record of ours can spell it; else it would be asked for in vain, and not found.
        self.id.dialect.write(&CanonicalId::Uuid(uuid), &mut spelling).ok();
        spelling
    }
}

impl Record {
    /// The kind of its id, if it may have been imported.
    pub fn kind(&self) -> Option<&str> {
        self.id.imported.as_ref().map(|imported| &*imported.kind)
    }

    /// The canonical id that an id of the dialect spells by itself, whatever it was imported for.
    pub fn computed(&self, id: &str) -> Option<Uuid> {
        match self.id.dialect.read(id).or_else(|_| self.id.canonical.read(id)) {
            Ok(CanonicalId::Uuid(uuid)) => Some(uuid),
            Ok(CanonicalId::Text(_) | CanonicalId::Integer(_)) | Err(_) => None,
        }
    }

    fn told(&self, item: Value<'_>) -> Option<Seen> {
        let id = as_told(&self.id_at.column, item)?;
        let key = self.key.as_ref().and_then(|(told, _)| as_told(&told.column, item));
        Some(Seen { id, key: self.folded(key) })
    }

    fn told_by_canonical(&self, item: Value<'_>) -> Option<Seen> {
        let text = |at: &Address| {
            let value = value_at(item, &at.path)?;
            match value.kind() {
                Kind::String => value.as_str().map(std::borrow::Cow::into_owned),
                Kind::Integer => Some(value.raw().to_owned()),
                _ => None,
            }
        };
        let key = self.key.as_ref().and_then(|(told, _)| text(&told.at));
        Some(Seen { id: text(&self.id_at.at)?, key: self.folded(key) })
    }

    fn folded(&self, key: Option<String>) -> Option<String> {
        let any_case = self.key.as_ref().is_some_and(|(_, any_case)| *any_case);
        let key = key.filter(|key| !key.is_empty());
        if any_case { key.map(|key| key.to_lowercase()) } else { key }
    }
}

/// Looks for records in the lens of an item.
struct Finding<'f> {
    api: &'f Api,
    dialect: &'f Dialect,
    /// Those of the whole item, said flat.
    fields: &'f [Field],
    telling: &'f dyn Fn(&Address) -> Telling,
}

impl Finding<'_> {
    fn within(&self, lens: &Lens, around: &Address, records: &mut Vec<Record>) {
        let schema = self.dialect.lenses.get(lens.name()).and_then(|shaped| shaped.right.as_ref());
        records.extend(schema.and_then(|schema| self.record(schema.name(), around)));
        for field in lens.fields() {
            let (Op::Nested(nested), Some(right)) = (&field.op, &field.right) else { continue };
            if nested.lens.wrap() == Wrap::Object && right.root == Root::Body && !right.path.is_empty() {
                self.within(&nested.lens, &below(around, &right.path), records);
            }
        }
    }

    /// The record at a place of the item, if its id is told.
    fn record(&self, schema: &str, around: &Address) -> Option<Record> {
        let id = [self.api.page.id.as_deref()?.into()];
        let at = below(around, &id);
        let field = self.fields.iter().find(|field| {
            let when = &field.when;
            let is_always = when.tag.is_none() && !when.shown;
            is_always && field.right.as_ref() == Some(&at) && matches!(field.op, Op::Id(_))
        })?;
        let Op::Id(id) = &field.op else { return None };
        let id_at = Told { column: Column::of(std::slice::from_ref(field), &at)?, at };
        // Who is only known by a computed id is the same on both sides.
        let keys = self.api.keys.get(schema).filter(|_| id.imported.is_some());
        let key = keys.into_iter().flatten().find_map(|key| {
            let at = below(around, &key.at);
            let is_told = (self.telling)(&at) == Telling::Exactly;
            let column = Column::of(self.fields, &at).filter(|_| is_told)?;
            Some((Told { column, at }, key.any_case))
        });
        Some(Record { schema: schema.to_owned(), id: id.clone(), id_at, key })
    }
}

/// The success of a list, and what its items hold to be told.
fn plan_of(operation: &Operation) -> Option<(StatusCode, Vec<(Address, Literal)>)> {
    let AnswerPlan::One(plans) = &operation.answer else { return None };
    plans.iter().find_map(|plan| match &plan.body {
        AnswerBody::Items { only, .. } => Some((plan.from, only.clone())),
        AnswerBody::Constant(_) | AnswerBody::Empty | AnswerBody::Lens(_) => None,
    })
}

/// What a column tells. Imported ids stand for themselves here.
fn as_told(column: &Column, item: Value<'_>) -> Option<String> {
    let mut known = Resolutions::with_id_map();
    match column.read(item, &known) {
        Step::Done(text) => text,
        Step::Needs(needs) => {
            for need in needs {
                let itself = match need.of {
                    Lookup::Imported(_) => Found::Value(need.key.clone()),
                    Lookup::Resolver(_) => Found::Missing,
                };
                known.insert(need, itself);
            }
            match column.read(item, &known) {
                Step::Done(text) => text,
                Step::Needs(_) => None,
            }
        }
    }
}

fn below(around: &Address, path: &[Box<str>]) -> Address {
    Address { root: Root::Body, path: [&around.path, path].concat() }
}

fn is_parameter(address: Option<&Address>, root: Root, name: &str) -> bool {
    address.is_some_and(|at| at.root == root && matches!(at.path.as_slice(), [own] if **own == *name))
}
