//! The parts of an operation, out of its schemas and lenses.

use std::collections::HashSet;

use serde_json::Value as Tree;

use super::{Node, Watch};
use crate::canonical::id::{IdCodec, IdForm};
use crate::dialect::Operation;
use crate::dialect::operation::RequestBody;
use crate::lens::op::Op;
use crate::lens::op::each::Item;
use crate::lens::op::fixed::Fixed;
use crate::lens::op::resolve::{Resolve, Resolver};
use crate::lens::op::table::Table;
use crate::lens::path::Literal;
use crate::lens::{Lens, Wrap};
use crate::problem::Root;
use crate::schema::Shape;
use crate::usage::part::{Kind, Part};

/// Deeper in a request nothing is noted.
const DEPTH_MAX: usize = 8;

/// More parts of one operation are not told apart.
const PARTS_MAX: usize = 1024;

/// More values of one field are not told apart.
const VALUES_MAX: usize = 64;

impl Watch {
    /// That of an operation and of all its cases; `number` knows the number of each part.
    pub(in crate::usage) fn of(dialect: &str, operation: &Operation, number: &dyn Fn(&Part) -> u32) -> Watch {
        let whole = Part::operation(dialect, &operation.name);
        let parts = vec![number(&whole), number(&whole.unread())];
        let mut making = Making { whole, number, parts };
        let mut watch =
            Watch { parts: Vec::new(), body: Node::default(), path: Vec::new(), query: Vec::new() };
        if let RequestBody::One { schema } | RequestBody::Each { schema, .. } = &operation.body {
            making.shape(&mut watch.body, &schema.shape(), "", 0);
        }
        if let Some(parameters) = &operation.parameters {
            let shape = parameters.schema().shape();
            for name in shape.properties() {
                let node = making.parameter(&mut watch.query, Root::Query, &name);
                if let Some(shape) = shape.property(&name) {
                    making.values_of(node, &shape, &parameter(Root::Query, &name));
                }
            }
        }
        for operation in operation.with_cases() {
            let (mut node, mut at) = (&mut watch.body, String::new());
            if let RequestBody::Each { over, .. } = &operation.body {
                (node, at) = making.descend(node, &over.path, at);
                (node, at) = elements(node, &at);
            }
            making.lens(node, &operation.request, &at, 0);
            for field in operation.request.fields() {
                let Some(left) = &field.left else { continue };
                match (left.root, left.path.as_slice()) {
                    (Root::Outer, path) => {
                        let (node, at) = making.descend(&mut watch.body, path, String::new());
                        making.op(node, &field.op, &at, 0);
                    }
                    (root @ (Root::Path | Root::Query), [name]) => {
                        let known = if root == Root::Path { &mut watch.path } else { &mut watch.query };
                        let node = making.parameter(known, root, name);
                        making.op(node, &field.op, &parameter(root, name), 0);
                    }
                    (Root::Body | Root::Path | Root::Query, _) => {}
                }
            }
        }
        Watch { parts: making.parts, ..watch }
    }
}

/// What a parameter is called.
fn parameter(root: Root, name: &str) -> String {
    if root == Root::Path { format!("{{{name}}}") } else { format!("?{name}") }
}

/// The node of the elements of a list.
fn elements<'n>(node: &'n mut Node, at: &str) -> (&'n mut Node, String) {
    (&mut **node.elements.get_or_insert_default(), format!("{at}[]"))
}

struct Making<'m> {
    whole: Part,
    number: &'m dyn Fn(&Part) -> u32,
    parts: Vec<u32>,
}

impl Making<'_> {
    fn add(&mut self, part: &Part) -> Option<usize> {
        if self.parts.len() >= PARTS_MAX {
            return None;
        }
        self.parts.push((self.number)(part));
        Some(self.parts.len() - 1)
    }

    /// The node of a member, which is made if it is not there.
    fn member<'n>(&mut self, node: &'n mut Node, name: &str, at: &str) -> (&'n mut Node, String) {
        let at = if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
        let place = node.members.iter().position(|(known, _)| **known == *name);
        let place = place.unwrap_or_else(|| {
            let part = self.add(&self.whole.field(&at));
            node.members.push((name.into(), Node { part, ..Node::default() }));
            node.members.len() - 1
        });
        (&mut node.members[place].1, at)
    }

    fn descend<'n>(&mut self, node: &'n mut Node, path: &[Box<str>], at: String) -> (&'n mut Node, String) {
        path.iter().fold((node, at), |(node, at), name| self.member(node, name, &at))
    }

    fn parameter<'n>(
        &mut self,
        known: &'n mut Vec<(Box<str>, Node)>,
        root: Root,
        name: &str,
    ) -> &'n mut Node {
        let place = known.iter().position(|(known, _)| **known == *name).unwrap_or_else(|| {
            // That a path has its parameters says nothing.
            let part =
                if root == Root::Path { None } else { self.add(&self.whole.field(&parameter(root, name))) };
            known.push((name.into(), Node { part, ..Node::default() }));
            known.len() - 1
        });
        &mut known[place].1
    }

    /// Everything a schema says.
    fn shape(&mut self, node: &mut Node, shape: &Shape<'_>, at: &str, depth: usize) {
        self.values_of(node, shape, at);
        if depth >= DEPTH_MAX {
            return;
        }
        for name in shape.properties() {
            if let Some(shape) = shape.property(&name) {
                let (node, at) = self.member(node, &name, at);
                self.shape(node, &shape, &at, depth + 1);
            }
        }
        if let Some(shape) = shape.items() {
            let (node, at) = elements(node, at);
            self.shape(node, &shape, &at, depth + 1);
        }
    }

    /// The values that a schema lists, unless there is only one.
    fn values_of(&mut self, node: &mut Node, shape: &Shape<'_>, at: &str) {
        let listed = shape.enumeration().filter(|values| (2..=VALUES_MAX).contains(&values.len()));
        for value in
            listed.into_iter().flatten().filter(|value| !matches!(value, Tree::Array(_) | Tree::Object(_)))
        {
            self.value(node, &value.to_string(), at);
        }
    }

    fn value(&mut self, node: &mut Node, json: &str, at: &str) {
        let Some(literal) = Literal::parse(json) else { return };
        let is_known = node.values.iter().any(|(known, _)| known.value().same(literal.value()));
        if is_known || node.values.len() >= VALUES_MAX {
            return;
        }
        if let Some(place) = self.add(&self.whole.field(at).value(Kind::Value, json)) {
            node.values.push((literal, place));
        }
    }

    /// What a lens says of the body.
    fn lens(&mut self, node: &mut Node, lens: &Lens, at: &str, depth: usize) {
        if depth >= DEPTH_MAX {
            return;
        }
        if let Wrap::Bare(field) | Wrap::Scalar(field) = lens.wrap() {
            let left = lens.fields().get(field).and_then(|field| field.left.as_ref());
            node.bare = left.and_then(|left| left.path.first()).cloned();
        }
        for field in lens.fields().iter().filter(|field| !field.when.shown) {
            for left in field.left.iter().chain(&field.when.fallback).filter(|left| left.root == Root::Body) {
                let (node, at) = self.descend(node, &left.path, at.to_owned());
                self.op(node, &field.op, &at, depth);
            }
        }
    }

    fn op(&mut self, node: &mut Node, op: &Op, at: &str, depth: usize) {
        match op {
            Op::Each(each) => {
                let (node, at) = elements(node, at);
                match &each.item {
                    Item::Copy => {}
                    Item::Id(id) => self.forms(node, &id.dialect, &at),
                    Item::Lens(lens) => self.lens(node, lens, &at, depth + 1),
                }
            }
            Op::Fixed(Fixed(only)) => {
                self.value(node, only.json(), at);
                // Of two values the other one is known, too: who sends it is in nobody's doubt.
                match only.json() {
                    "true" => self.value(node, "false", at),
                    "false" => self.value(node, "true", at),
                    _ => {}
                }
            }
            Op::Filter(filter) => self.words(node, &filter.0, at),
            Op::Id(id) => self.forms(node, &id.dialect, at),
            Op::Resolve(Resolve(resolver)) => self.resolved_forms(node, resolver, at),
            Op::Nested(nested) => self.lens(node, &nested.lens, at, depth + 1),
            Op::Table(table) => self.words(node, table, at),
            Op::Constant(_) | Op::Copy | Op::Has(_) | Op::Label(_) | Op::Prefix(_) | Op::Row(_) => {}
        }
    }

    fn words(&mut self, node: &mut Node, table: &Table, at: &str) {
        for row in &table.rows {
            for word in std::iter::once(&row.word).chain(&row.also) {
                self.value(node, word.json(), at);
            }
        }
    }

    /// The forms of an id, if there are several.
    fn forms(&mut self, node: &mut Node, codec: &IdCodec, at: &str) {
        if codec.accepted.len() >= 2 {
            self.forms_of(node, &codec.accepted, at);
        }
    }

    /// The forms of an id that is looked up: those of its key, and those of the canonical id itself, which are taken as well.
    /// What has none of them is a name, and what else clients write is never kept.
    fn resolved_forms(&mut self, node: &mut Node, resolver: &Resolver, at: &str) {
        let keys = resolver.id.iter().flat_map(|id| &id.dialect.accepted);
        let forms: HashSet<IdForm> = keys.chain(&resolver.accepted).copied().collect();
        // A name, or an id of the one form: those are two spellings as well.
        if forms.len() >= 2 || resolver.id.is_none() {
            let forms: Vec<_> = forms.into_iter().collect();
            self.forms_of(node, &forms, at);
        }
    }

    fn forms_of(&mut self, node: &mut Node, accepted: &[IdForm], at: &str) {
        if !node.forms.is_empty() {
            return;
        }
        for form in IdForm::ALL.into_iter().filter(|form| accepted.contains(form)) {
            if let Some(place) = self.add(&self.whole.field(at).value(Kind::Id, form.name())) {
                node.forms.push((form, place));
            }
        }
    }
}
