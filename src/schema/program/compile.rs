//! Schema documents to programs.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value as Tree};

use super::super::library::{File, Library, Node as Schema};
use super::ask::Ask;
use super::{ALWAYS, Check, Index, Kinds, NEVER, Node, Part, Program, reach};
use crate::json::{Kind, Value};

mod array;
mod object;
mod scalar;

/// Through how many references that stand alone one is followed at once; more are made of by nobody.
const HOPS_MAX: u8 = 16;

/// Keywords that ask nothing of a value by themselves.
const SILENT: &[&str] = &[
    "$anchor",
    "$comment",
    "$defs",
    "$dynamicAnchor",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
    "default",
    "deprecated",
    "description",
    "examples",
    "readOnly",
    "title",
    "writeOnly",
];

/// The programs of files that refer to each other and to nobody else, in their order; none where only the library can
/// answer.
pub(in crate::schema) fn of_folder(
    library: &Library,
    files: &[&File],
    asks: &mut Asks,
) -> Vec<Option<Check>> {
    let nodes = vec![Some(Node::of(Kinds::ALL)), Some(Node::of(Kinds::NONE))];
    let mut compiler = Compiler { nodes, known: HashMap::new(), asks };
    let roots: Vec<_> = files.iter().map(|file| compiler.schema(library.root(file))).collect();
    let sound = reach::sound(&compiler.nodes);
    // Nobody comes by the others.
    let nodes = compiler.nodes.into_iter().map(|node| node.unwrap_or_else(|| Node::of(Kinds::NONE)));
    let program = Arc::new(Program(nodes.collect()));
    let check = |root: Index| {
        let check = Check { program: Arc::clone(&program), root };
        sound[root as usize].then_some(check)
    };
    roots.into_iter().map(check).collect()
}

/// What the library is asked, by its text. It refers to no schema, so all folders ask the same.
#[derive(Default)]
pub(in crate::schema) struct Asks(HashMap<String, Arc<Ask>>);

struct Compiler<'a> {
    /// None for what is being compiled, and for what cannot be.
    nodes: Vec<Option<Node>>,
    /// The schemas that have a node, by file and offset.
    known: HashMap<(&'a str, usize), Index>,
    asks: &'a mut Asks,
}

impl<'a> Compiler<'a> {
    /// The number of a schema's node; compiled now, unless it is known.
    fn schema(&mut self, schema: Schema<'a>) -> Index {
        let schema = followed(schema);
        match schema.schema.kind() {
            Kind::True => return ALWAYS,
            Kind::False => return NEVER,
            Kind::Object if schema.schema.is_empty() => return ALWAYS,
            Kind::Null | Kind::Integer | Kind::Number | Kind::String | Kind::Array | Kind::Object => {}
        }
        let place = (schema.file.name.as_str(), schema.schema.offset());
        if let Some(index) = self.known.get(&place) {
            return *index;
        }
        let index = Index::try_from(self.nodes.len()).expect("a text has fewer values");
        self.nodes.push(None);
        self.known.insert(place, index);
        self.nodes[index as usize] = self.node(schema);
        index
    }

    /// Compiles a schema, if there is a rule for each of its keywords.
    fn node(&mut self, schema: Schema<'a>) -> Option<Node> {
        if schema.schema.kind() != Kind::Object {
            return None;
        }
        let mut node = Node::of(Kinds::ALL);
        let mut parts = Vec::new();
        for (keyword, value) in schema.schema.members() {
            match keyword.as_str().as_ref() {
                "type" => node.kinds = node.kinds.both(scalar::kinds(value)?),
                "$ref" => parts.push(Part::All([self.schema(schema.referent()?)].into())),
                "allOf" => parts.push(Part::All(self.schemas(schema, value))),
                "anyOf" => parts.push(Part::Any(self.schemas(schema, value))),
                "oneOf" => parts.push(Part::One(self.schemas(schema, value))),
                "not" => parts.push(Part::Not(self.schema(schema.at(value)))),
                "if" => parts.push(Part::If {
                    condition: self.schema(schema.at(value)),
                    then: self.part(schema, "then"),
                    otherwise: self.part(schema, "else"),
                }),
                "then" | "else" => {}
                "$schema" if value.as_str().is_some_and(|draft| draft == super::super::lint::DRAFT) => {}
                name if is_ruled(name) || SILENT.contains(&name) => {}
                _ => return None,
            }
        }
        self.scalars(schema, &mut node, &mut parts)?;
        if has(schema, array::KEYWORDS) {
            node.array = Some(Box::new(self.array(schema)?));
        }
        if has(schema, object::KEYWORDS) {
            node.object = Some(Box::new(self.object(schema)?));
        }
        node.parts = parts.into();
        Some(node.finished())
    }

    /// The schemas in a list.
    fn schemas(&mut self, schema: Schema<'a>, list: Value<'a>) -> Box<[Index]> {
        list.elements().map(|element| self.schema(schema.at(element))).collect()
    }

    /// The schema under a keyword, or the one that takes everything.
    fn part(&mut self, schema: Schema<'a>, keyword: &str) -> Index {
        schema.keyword(keyword).map_or(ALWAYS, |part| self.schema(schema.at(part)))
    }

    /// Some of a schema's keywords, for the library.
    fn ask(&mut self, schema: Schema<'a>, keywords: &[&str]) -> Arc<Ask> {
        let keyword = |name: &&str| Some(((*name).to_owned(), schema.keyword(name)?.to_value()));
        let keywords = Tree::Object(keywords.iter().filter_map(keyword).collect::<Map<_, _>>());
        self.ask_tree(keywords)
    }

    fn ask_tree(&mut self, keywords: Tree) -> Arc<Ask> {
        let ask = self.asks.0.entry(keywords.to_string()).or_insert_with(|| Arc::new(Ask::of(keywords)));
        Arc::clone(ask)
    }
}

/// Whether there are rules for the keyword in one of the files below.
fn is_ruled(keyword: &str) -> bool {
    [scalar::KEYWORDS, array::KEYWORDS, object::KEYWORDS].iter().any(|keywords| keywords.contains(&keyword))
}

/// Whether the schema has one of the keywords.
fn has(schema: Schema<'_>, keywords: &[&str]) -> bool {
    keywords.iter().any(|keyword| schema.keyword(keyword).is_some())
}

/// A bound on lengths or counts, or what holds without one; none if it is not written plainly.
fn bound(schema: Schema<'_>, keyword: &str, without: usize) -> Option<usize> {
    match schema.keyword(keyword) {
        None => Some(without),
        Some(value) => usize::try_from(value.as_i64()?).ok(),
    }
}

/// The schema that one refers to, when it says nothing else.
fn followed(mut schema: Schema<'_>) -> Schema<'_> {
    for _ in 0..HOPS_MAX {
        let is_silent = |name: &str| name == "$ref" || SILENT.contains(&name);
        if !schema.schema.members().all(|(keyword, _)| is_silent(&keyword.as_str())) {
            break;
        }
        let Some(referent) = schema.referent() else { break };
        schema = referent;
    }
    schema
}
