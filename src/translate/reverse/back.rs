//! Reading back: which operation of a dialect reads what another has changed, and how it is asked for.
//!
//! Nothing new has to be said in a mapping for that. The canonical API says which record a call is about: the one that
//! `reads` names, else the one of its own path, else the one that is made below it. An operation of the dialect that
//! becomes the GET of that record reads it, or one that becomes the list it lies in; what they need is what the client wrote
//! in its path, or what it was told of what was made. Nothing is looked up for it, so that it can be asked of a side whose
//! ids nobody else knows.

use std::borrow::Cow;
use std::sync::Arc;

use http::StatusCode;

use crate::canonical::api::{self, Api, PathPart};
use crate::canonical::id::IdCodec;
use crate::dialect::operation::{AnswerBody, AnswerPlan};
use crate::dialect::{Dialect, Operation};
use crate::json::Value;
use crate::lens::op::Op;
use crate::lens::path::Address;
use crate::lens::{Field, Lens, Parameters};
use crate::problem::Root;

mod item;

use self::item::text_at;

pub use self::item::Item;

/// How a record is read that an operation has changed.
#[derive(Debug)]
pub struct Back {
    /// The operation that reads it.
    pub reads: Arc<Operation>,
    /// What fills its path, in the order of its parameters.
    parameters: Vec<(Box<str>, Source)>,
    /// By what the record is known among the items, if it is read from a list.
    item: Option<KnownBy>,
}

/// By what a record is known in a list.
#[derive(Debug)]
struct KnownBy {
    /// Where it stands in an item.
    at: Address,
    /// Where the same stands in the change.
    source: Source,
    /// How the change and the items spell it; what is no id is spelt in one way.
    spelt: [Option<IdCodec>; 2],
}

/// Where the text of a parameter stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    /// In the path of the change, under that name.
    Sent(Box<str>),
    /// In the answer to it.
    Told(Address),
}

/// What a read is asked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sought {
    /// The parameters of its path, decoded.
    pub path: Parameters,
    /// Which of the items it is, in a list.
    pub item: Option<Item>,
}

impl Sought {
    /// What the record is named by, in the order of the path that names it.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let path = self.path.iter().map(|(_, value)| value.as_str());
        path.chain(self.item.iter().map(Item::text))
    }
}

impl Back {
    /// How what that operation changes is read; none if no operation of the dialect does, or it changes several.
    pub fn of(api: &Api, dialect: &Dialect, operation: &Operation) -> Option<Back> {
        if operation.is_bulk() {
            return None;
        }
        let record = Record::of(api, &operation.calls);
        let finding = Finding { api, dialect, operation, record };
        let safe = || dialect.operations.iter().filter(|one| one.is_safe());
        let mut alone = safe().filter(|one| finding.record.is_read_by(&one.calls));
        let mut listed = safe().filter(|one| finding.record.is_listed_by(&one.calls));
        alone.find_map(|one| finding.alone(one)).or_else(|| listed.find_map(|one| finding.listed(one)))
    }

    /// What the read is asked with, after a change with that path which was answered so; none if the answer does not tell
    /// it.
    pub fn sought(&self, sent: &Parameters, told: Option<Value<'_>>) -> Option<Sought> {
        let text = |source: &Source| source.text(sent, told);
        let path = self.parameters.iter().map(|(name, source)| Some((name.clone(), text(source)?)));
        let path = path.collect::<Option<_>>()?;
        let item = match &self.item {
            Some(KnownBy { at, source, spelt: [sent, listed] }) => {
                let text = text(source)?;
                Some(Item::new(at.clone(), text, [sent.as_ref(), listed.as_ref()]))
            }
            None => None,
        };
        Some(Sought { path, item })
    }
}

impl Source {
    fn text(&self, sent: &Parameters, told: Option<Value<'_>>) -> Option<String> {
        match self {
            Source::Sent(name) => {
                sent.iter().find(|(given, _)| given == name).map(|(_, value)| value.clone())
            }
            Source::Told(at) => text_at(told?, at).map(Cow::into_owned),
        }
    }
}

/// Which record a call is about, by the path that reads it.
struct Record<'a> {
    /// Without its last parameter, if it ends with one.
    around: &'a [PathPart],
    /// Its last parameter, if it has one; of what is made, only that there is one.
    id: Option<Id<'a>>,
}

enum Id<'a> {
    /// The parameter of the call.
    Given(&'a str),
    /// The id of what was made.
    Made,
}

impl<'a> Record<'a> {
    fn of(api: &'a Api, calls: &'a api::Operation) -> Record<'a> {
        let reads = calls.reads.as_ref().and_then(|name| api.operation(name));
        let path = reads.map_or(&calls.path, |reads| &reads.path);
        let is_given = |name: &str| calls.parameters().any(|known| known == name);
        match path.as_slice() {
            // A record of that name is read there; one that nobody has named was made.
            [around @ .., PathPart::Parameter(name)] => {
                let id = if is_given(name) { Id::Given(name) } else { Id::Made };
                Record { around, id: Some(id) }
            }
            around if reads.is_none() && calls.answer(StatusCode::CREATED).is_some() => {
                Record { around, id: Some(Id::Made) }
            }
            around => Record { around, id: None },
        }
    }

    fn is_read_by(&self, reads: &api::Operation) -> bool {
        if !matches!(reads.answer(StatusCode::OK), Some(Some(_))) {
            return false;
        }
        match (&self.id, reads.path.as_slice()) {
            (None, path) => path == self.around,
            (Some(Id::Given(id)), [around @ .., PathPart::Parameter(name)]) => {
                around == self.around && name == id
            }
            (Some(Id::Made), [around @ .., PathPart::Parameter(_)]) => around == self.around,
            (Some(_), _) => false,
        }
    }

    fn is_listed_by(&self, reads: &api::Operation) -> bool {
        self.id.is_some() && reads.path == self.around
    }
}

struct Finding<'a> {
    api: &'a Api,
    dialect: &'a Dialect,
    operation: &'a Operation,
    record: Record<'a>,
}

impl Finding<'_> {
    /// How the record is read by an operation that reads it alone.
    fn alone(&self, reads: &Arc<Operation>) -> Option<Back> {
        let (_, AnswerBody::Lens(_)) = told_by(reads, StatusCode::OK)? else { return None };
        let own = match reads.calls.path.last() {
            Some(PathPart::Parameter(name)) if self.record.id.is_some() => Some(name.as_str()),
            _ => None,
        };
        let parameters = self.parameters(reads, own)?;
        Some(Back { reads: Arc::clone(reads), parameters, item: None })
    }

    /// How the record is found by an operation that reads the list it lies in.
    fn listed(&self, reads: &Arc<Operation>) -> Option<Back> {
        let (_, AnswerBody::Items { lens, .. }) = told_by(reads, StatusCode::OK)? else { return None };
        let parameters = self.parameters(reads, None)?;
        let item = match &self.record.id {
            Some(Id::Given(id)) => {
                let given = Address { root: Root::Path, path: vec![(*id).into()] };
                let named = fields(&self.operation.request, Root::Path, &given).next()?;
                let known_by = self.known_by(named, &reads.calls)?;
                let shown = fields(lens, Root::Body, &known_by).next()?;
                // The half of a pair that clients write is spelt as clients are told it.
                let written = if matches!(named.op, Op::Resolve(_)) { shown } else { named };
                let spelt = [written, shown].map(|field| codec(&field.op));
                KnownBy { at: shown.left.clone()?, source: sent(named)?, spelt }
            }
            Some(Id::Made) => {
                let id = own_id(self.api)?;
                let shown = fields(lens, Root::Body, &id).next()?;
                let made =
                    fields(self.answer()?, Root::Body, &id).find(|one| is_alike(&one.op, &shown.op))?;
                let spelt = [made, shown].map(|field| codec(&field.op));
                KnownBy { at: shown.left.clone()?, source: Source::Told(made.left.clone()?), spelt }
            }
            None => return None,
        };
        Some(Back { reads: Arc::clone(reads), parameters, item: Some(item) })
    }

    /// What fills the path of a read; none if anything of it is neither sent nor told. `own` is the parameter of the
    /// canonical call that names the record.
    fn parameters(&self, reads: &Operation, own: Option<&str>) -> Option<Vec<(Box<str>, Source)>> {
        let one = |name: &str| -> Option<(Box<str>, Source)> {
            let left = Address { root: Root::Path, path: vec![name.into()] };
            let mut own_fields = reads.request.fields().iter();
            let field = own_fields.find(|field| field.left.as_ref() == Some(&left))?;
            let right = field.right.as_ref()?;
            let is_made = matches!(self.record.id, Some(Id::Made))
                && own.is_some_and(|own| right.path.iter().map(|name| &**name).eq([own]));
            let source = if is_made {
                self.made(field)?
            } else {
                let mut written = fields(&self.operation.request, Root::Path, right);
                sent(written.find(|one| is_alike(&one.op, &field.op))?)?
            };
            Some((name.into(), source))
        };
        reads.parameters().map(one).collect()
    }

    /// Where the answer tells what a field of a path takes, of what was made.
    fn made(&self, field: &Field) -> Option<Source> {
        let known_by = match &field.op {
            Op::Resolve(resolve) => place_of(&self.dialect.resolvers.get(resolve.0.index)?.left),
            _ => own_id(self.api)?,
        };
        let mut told = fields(self.answer()?, Root::Body, &known_by);
        let told = match &field.op {
            // The half of a pair that clients write is spelt as clients are told it.
            Op::Resolve(_) => told.next()?,
            op => told.find(|one| is_alike(&one.op, op))?,
        };
        told.left.clone().map(Source::Told)
    }

    /// The canonical place in an item by which a client knows it that names it so.
    fn known_by(&self, named: &Field, calls: &api::Operation) -> Option<Address> {
        let Op::Resolve(resolve) = &named.op else { return own_id(self.api) };
        let resolver = self.dialect.resolvers.get(resolve.0.index)?;
        (resolver.calls.name == calls.name).then(|| place_of(&resolver.left))
    }

    /// What tells of what was made.
    fn answer(&self) -> Option<&Lens> {
        match told_by(self.operation, StatusCode::CREATED)? {
            (true, AnswerBody::Lens(lens)) => Some(lens),
            _ => None,
        }
    }
}

/// How an operation answers a canonical status, and whether it does so with what the call itself was answered with.
fn told_by(operation: &Operation, status: StatusCode) -> Option<(bool, &AnswerBody)> {
    let AnswerPlan::One(plans) = &operation.answer else { return None };
    let plan = plans.iter().find(|plan| plan.from == status)?;
    Some((plan.reads.is_none(), &plan.body))
}

/// The fields of a lens that a canonical place is told by, on that side of the dialect.
fn fields<'l>(lens: &'l Lens, root: Root, right: &Address) -> impl Iterator<Item = &'l Field> {
    let is_so = move |field: &&Field| {
        field.right.as_ref() == Some(right) && field.left.as_ref().is_some_and(|left| left.root == root)
    };
    lens.fields().iter().filter(is_so)
}

/// How the dialect spells what that tells, if it is an id.
fn codec(op: &Op) -> Option<IdCodec> {
    if let Op::Id(id) = op { Some(id.dialect.clone()) } else { None }
}

fn sent(field: &Field) -> Option<Source> {
    let [name] = field.left.as_ref()?.path.as_slice() else { return None };
    Some(Source::Sent(name.clone()))
}

/// The member of a canonical record that holds its id.
fn own_id(api: &Api) -> Option<Address> {
    api.page.id.as_deref().map(place_of)
}

fn place_of(text: &str) -> Address {
    Address { root: Root::Body, path: text.split('.').map(Box::from).collect() }
}

/// Whether what one writes, the other reads.
fn is_alike(one: &Op, other: &Op) -> bool {
    match (one, other) {
        (Op::Copy, Op::Copy) => true,
        (Op::Id(one), Op::Id(other)) => {
            one.dialect == other.dialect && one.canonical == other.canonical && one.imported == other.imported
        }
        (Op::Resolve(one), Op::Resolve(other)) => one.0.index == other.0.index,
        _ => false,
    }
}
