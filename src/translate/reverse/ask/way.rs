//! Which operations of a dialect a canonical call can become, and what is prepared of them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::canonical::api::Api;
use crate::dialect::{Dialect, Operation};
use crate::lens::path::{Address, Literal};
use crate::lens::{Field, Lens, Wrap};
use crate::problem::{Problem, Root};
use crate::translate::reverse::told::Reader;

/// One way to make a canonical call: an operation of the dialect that becomes it, or a case of one.
#[derive(Debug)]
pub struct Way {
    /// The operation that requests lead to.
    pub whole: Arc<Operation>,
    /// That, or the case of it.
    pub operation: Arc<Operation>,
    /// The field of the body that asks for the case, and with which value.
    pub(super) says: Option<(Address, Literal)>,
    /// Of a bulk request: the lens of an item, and the one of what is around the items.
    parts: Option<(Lens, Lens)>,
    /// What reads the answers.
    reader: Reader,
}

/// How a dialect is asked for what the canonical API offers: prepared once.
pub struct Ways {
    dialect: Arc<Dialect>,
    /// By the name of the canonical operation, in the order of the mapping.
    by_call: BTreeMap<String, Vec<Way>>,
    /// What the canonical schemas say is meant where a member is not there.
    defaults: BTreeMap<String, Vec<(String, Literal)>>,
}

impl Way {
    fn new(
        api: &Api,
        dialect: &Arc<Dialect>,
        whole: &Arc<Operation>,
        operation: &Arc<Operation>,
        says: Option<(Address, Literal)>,
    ) -> Way {
        let parts = operation.is_bulk().then(|| in_parts(&operation.request));
        let reader = Reader::new(api, dialect, operation);
        Way { whole: Arc::clone(whole), operation: Arc::clone(operation), says, parts, reader }
    }

    /// What reads the answers.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// From a call to the body, or to the one item of it.
    pub(super) fn item(&self) -> &Lens {
        self.parts.as_ref().map_or(&self.operation.request, |(item, _)| item)
    }

    /// From a call to what is around the item.
    pub(super) fn around(&self) -> Option<&Lens> {
        self.parts.as_ref().map(|(_, around)| around)
    }
}

/// The fields of an item, and those around the items as if they were a body of their own.
fn in_parts(lens: &Lens) -> (Lens, Lens) {
    let is_around = |field: &&Field| field.left.as_ref().is_some_and(|left| left.root == Root::Outer);
    let (around, item): (Vec<&Field>, Vec<&Field>) = lens.fields().iter().partition(is_around);
    let around = around.into_iter().map(|field| {
        let left = field.left.clone().map(|left| Address { root: Root::Body, ..left });
        Field { left, ..field.clone() }
    });
    // What is around is told at the end, so an item that is one value alone stays the field of its index.
    let alone = |index: usize| {
        let before = lens.fields()[..index].iter().filter(is_around).count();
        index - before
    };
    let wrap = match lens.wrap() {
        Wrap::Object => Wrap::Object,
        Wrap::Bare(index) => Wrap::Bare(alone(index)),
        Wrap::Scalar(index) => Wrap::Scalar(alone(index)),
    };
    let around = Lens::new(lens.name(), Wrap::Object, around.collect());
    (Lens::new(lens.name(), wrap, item.into_iter().cloned().collect()), around)
}

impl Ways {
    /// Prepares all ways there are.
    pub fn new(api: &Api, dialect: &Arc<Dialect>) -> Ways {
        let mut by_call: BTreeMap<String, Vec<Way>> = BTreeMap::new();
        for whole in &dialect.operations {
            let cases = whole.cases.iter().flat_map(|case| {
                let says = case.values.iter().map(|value| Some((case.at.clone(), value.clone())));
                says.map(|says| Way::new(api, dialect, whole, &case.operation, says))
            });
            for way in std::iter::once(Way::new(api, dialect, whole, whole, None)).chain(cases) {
                by_call.entry(way.operation.calls.name.clone()).or_default().push(way);
            }
        }
        let schemas = dialect.lenses.values().filter_map(|shaped| shaped.right.as_ref());
        let defaults = schemas.map(|schema| (schema.name().to_owned(), defaults(schema.document())));
        Ways { dialect: Arc::clone(dialect), by_call, defaults: defaults.collect() }
    }

    /// The dialect.
    pub fn dialect(&self) -> &Arc<Dialect> {
        &self.dialect
    }

    /// The ways to that canonical operation.
    pub fn to(&self, name: &str) -> &[Way] {
        self.by_call.get(name).map_or(&[], Vec::as_slice)
    }

    /// Says that there is none.
    pub(super) fn without(&self, name: &str) -> Problem {
        Problem::inexpressible(format!(
            "the backend's API, `{}`, has no operation for `{name}`",
            self.dialect.name
        ))
    }

    /// What is meant where a member of a body of that canonical schema is not there.
    pub(super) fn default(&self, schema: &str, member: &str) -> Option<&Literal> {
        let known = self.defaults.get(schema)?;
        known.iter().find(|(name, _)| name == member).map(|(_, value)| value)
    }
}

impl fmt::Debug for Ways {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ways").field("dialect", &self.dialect.name).finish_non_exhaustive()
    }
}

/// The `default` of each property.
fn defaults(schema: &serde_json::Value) -> Vec<(String, Literal)> {
    let properties = schema.get("properties").and_then(serde_json::Value::as_object);
    let default = |(name, schema): (&String, &serde_json::Value)| {
        let json = schema.get("default")?.to_string();
        Some((name.clone(), Literal::parse(&json)?))
    };
    properties.into_iter().flatten().filter_map(default).collect()
}
