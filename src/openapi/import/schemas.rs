//! Schema files from the schemas of a document: a file for each body and for each schema that is referred to.
//!
//! Our files refer to each other by name, so every reference becomes one to a file, wherever in the document it led.
//! What is told apart by direction (`readOnly`, `writeOnly`) and used in both becomes two files.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use serde_json::{Map, Value};

use super::convert::Inside;
use super::document::{Document, Spot};
use super::names::{Names, snake};
use super::notes::Notes;
use super::operation::Body;

/// How many files one import may write.
const MOST: usize = 10_000;

/// Through how many references and combinations the members of an object are looked for.
const HOPS_MAX: usize = 16;

/// How many places are searched for a part that is told in one direction only.
const SEARCHED_MAX: usize = 20_000;

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Which way a body goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Way {
    Answer,
    Request,
}

/// The files so far.
pub(super) struct Files<'n, 'd> {
    pub(super) document: Document<'d>,
    pub(super) notes: &'n mut Notes,
    /// The file of a place in the document.
    given: HashMap<(String, Way), String>,
    names: Names,
    /// Whether something in a place is told in one direction only, as far as that was asked.
    split: HashMap<String, bool>,
    waiting: VecDeque<(Spot<'d>, Way, String)>,
    done: BTreeMap<String, Value>,
}

impl<'n, 'd> Files<'n, 'd> {
    pub(super) fn new(document: Document<'d>, notes: &'n mut Notes) -> Self {
        let (given, split) = (HashMap::new(), HashMap::new());
        let (names, waiting, done) = (Names::default(), VecDeque::new(), BTreeMap::new());
        Self { document, notes, given, names, split, waiting, done }
    }

    /// The file of a body: that of the schema it refers to, or one of its own.
    pub(super) fn body(&mut self, body: &Body<'d>, way: Way, wished: &str) -> String {
        let schema = &body.schema;
        // In 3.0 a reference has nothing beside it.
        let is_reference =
            self.document.is_old || schema.value.as_object().is_some_and(|members| members.len() == 1);
        let referred = schema.text("$ref").filter(|_| is_reference).and_then(|_| self.reference(schema, way));
        let file = referred.unwrap_or_else(|| self.place(schema, way, wished));
        self.convert_waiting();
        file
    }

    /// Keeps a name from being given.
    pub(super) fn reserve(&mut self, name: &str) {
        self.names.give(name);
    }

    /// A file that is put together here.
    pub(super) fn made(&mut self, wished: &str, schema: Map<String, Value>) -> String {
        let name = self.names.give(wished);
        self.done.insert(name.clone(), headed(Value::Object(schema)));
        name
    }

    /// A schema that stands alone, for a file that is put together by the caller.
    pub(super) fn inline(&mut self, schema: &Spot<'d>, file: &str) -> Value {
        let converted = self.convert(schema, Inside { way: Way::Request, file, known: &[], depth: 0 });
        self.convert_waiting();
        converted
    }

    /// The file of what a reference names; none if it leads nowhere.
    pub(super) fn reference(&mut self, schema: &Spot<'d>, way: Way) -> Option<String> {
        let reference = schema.text("$ref");
        let Some(target) = reference.and_then(|reference| self.document.target(reference)) else {
            self.notes.push(
                &schema.at,
                "the reference leads out of the document, or nowhere; anything is allowed there",
            );
            return None;
        };
        let wished = name_of(&target.at);
        Some(self.place(&target, way, &wished))
    }

    /// The file of a place, which is converted later.
    pub(super) fn place(&mut self, spot: &Spot<'d>, way: Way, wished: &str) -> String {
        let differs = match self.split.get(&spot.at) {
            Some(known) => *known,
            None => self.differs(spot),
        };
        self.split.insert(spot.at.clone(), differs);
        let way = if differs { way } else { Way::Answer };
        let key = (spot.at.clone(), way);
        if let Some(file) = self.given.get(&key) {
            return file.clone();
        }
        let has_answer = self.given.contains_key(&(spot.at.clone(), Way::Answer));
        let wished =
            if way == Way::Request && has_answer { format!("{wished}_request") } else { wished.to_owned() };
        let name = self.names.give(&wished);
        self.given.insert(key, name.clone());
        if self.given.len() > MOST {
            self.notes.push(&spot.at, format!("more than {MOST} schemas; anything is allowed from here on"));
            self.done.insert(name.clone(), headed(Value::Object(Map::new())));
        } else {
            self.waiting.push_back((spot.clone(), way, name.clone()));
        }
        name
    }

    fn convert_waiting(&mut self) {
        while let Some((spot, way, file)) = self.waiting.pop_front() {
            let converted = self.convert(&spot, Inside { way, file: &file, known: &[], depth: 0 });
            self.done.insert(file, headed(converted));
        }
    }

    /// Whether something in a schema is told in one direction only. Of a schema without end it is taken to be so:
    /// two files where one would do are right, too.
    fn differs(&self, spot: &Spot<'d>) -> bool {
        let (mut open, mut seen) = (vec![spot.clone()], HashSet::new());
        while let Some(here) = open.pop() {
            if !seen.insert(here.at.clone()) {
                continue;
            }
            if here.flag("readOnly") || here.flag("writeOnly") || seen.len() > SEARCHED_MAX {
                return true;
            }
            let data = ["const", "default", "enum", "example", "examples"];
            open.extend(here.members().filter(|(name, _)| !data.contains(name)).map(|(_, member)| member));
            open.extend(here.elements());
            open.extend(here.text("$ref").and_then(|reference| self.document.target(reference)));
        }
        false
    }

    /// The names of the members that a schema declares for its own value, through references and combinations.
    pub(super) fn declared(&self, spot: &Spot<'d>) -> Vec<String> {
        let mut names = Vec::new();
        self.declare(spot, HOPS_MAX, &mut names);
        names
    }

    fn declare(&self, spot: &Spot<'d>, hops: usize, names: &mut Vec<String>) {
        let Some(hops) = hops.checked_sub(1) else { return };
        for (name, _) in spot.get("properties").iter().flat_map(Spot::members) {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        if let Some(target) = spot.text("$ref").and_then(|reference| self.document.target(reference)) {
            self.declare(&target, hops, names);
        }
        for list in ["allOf", "anyOf", "oneOf"].iter().filter_map(|name| spot.get(name)) {
            for schema in list.elements() {
                self.declare(&schema, hops, names);
            }
        }
    }

    pub(super) fn into_done(self) -> BTreeMap<String, Value> {
        self.done
    }
}

/// The schema as a file begins.
fn headed(schema: Value) -> Value {
    let mut file = Map::from_iter([("$schema".to_owned(), Value::from(DRAFT))]);
    match schema {
        Value::Object(members) => file.extend(members),
        Value::Bool(false) => file.extend([("not".to_owned(), Value::Object(Map::new()))]),
        _ => {}
    }
    Value::Object(file)
}

/// What a file is called by where its schema stands.
fn name_of(at: &str) -> String {
    const SORTS: [&str; 8] = [
        "components",
        "schemas",
        "$defs",
        "definitions",
        "properties",
        "schema",
        "content",
        "application~1json",
    ];
    let parts: Vec<_> = at.split('/').filter(|part| !part.is_empty() && !SORTS.contains(part)).collect();
    let last = &parts[parts.len().saturating_sub(3)..];
    snake(&last.join("_"))
}
