//! A canonical role is written by the table of roles and by nothing else: that table is what the proof of privilege
//! is about.
//!
//! A place is one of a role if its schema lists nothing but names of `[roles]`. Each call is followed into its body,
//! through the lenses inside lenses; what is only shown is never written, and therefore free.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value as Tree;

use crate::canonical::role::Roles;
use crate::diag::{Diagnostic, Span, code};
use crate::lens::path::Address;
use crate::mapping::CANONICAL;
use crate::mapping::compile::Compiler;
use crate::mapping::file::{OpPart, OperationPart, Text};
use crate::mapping::lenses::{Built, Line, shape_at};
use crate::problem::Root;
use crate::schema::Shape;

/// How deep a role is looked for inside a value that is written as a whole.
const DEPTH_MAX: u8 = 8;

/// Reports every role that is written past the table of roles, and every exception that is none. Returns where the
/// first are.
pub(super) fn check(compiler: &mut Compiler<'_>) -> HashSet<Span> {
    if !compiler.canonical.knows_roles {
        return HashSet::new();
    }
    let mut search = Search {
        roles: &compiler.canonical.api.roles,
        lenses: &compiler.lenses,
        told: HashSet::new(),
        used: HashSet::new(),
        found: Vec::new(),
    };
    let file = compiler.file;
    let operations = || {
        file.operations
            .iter()
            .flat_map(|whole| std::iter::once(whole).chain(whole.cases.iter().map(|case| &case.operation)))
    };
    for operation in operations() {
        let Some(calls) = compiler.canonical.api.operation(&operation.calls.value) else { continue };
        let schema = calls.body.as_deref().and_then(|body| compiler.schemas.schema(CANONICAL, body));
        if let Some(schema) = schema {
            search.operation(operation, &schema.shape());
        }
    }
    let Search { told, used, mut found, .. } = search;
    let of_lenses = compiler.lenses.values().flat_map(|built| &built.part.widens);
    for (path, _) in operations().flat_map(|operation| &operation.widens).chain(of_lenses) {
        if compiler.saw_all && !used.contains(&path.span) {
            let message =
                format!("`widens` excepts `{}`, which is no role written past its table", path.value);
            found.push(Diagnostic::error(code::M0603, message).at(path.span, "matches nothing"));
        }
    }
    for diagnostic in found {
        compiler.report(diagnostic);
    }
    told
}

struct Search<'s, 'a> {
    roles: &'s Roles,
    lenses: &'s BTreeMap<&'a str, Built<'a>>,
    /// What was reported: lenses are used by several operations.
    told: HashSet<Span>,
    /// The exceptions that were needed.
    used: HashSet<Span>,
    found: Vec<Diagnostic>,
}

impl Search<'_, '_> {
    fn operation(&mut self, part: &OperationPart, body: &Shape<'_>) {
        for (path, _) in &part.sets {
            if let Some(at) = Address::parse(&path.value) {
                self.written(&at, path.span, body, &part.widens);
            }
        }
        if let Some(lens) = part.body.as_ref().and_then(|name| self.lenses.get(name.value.as_str())) {
            self.lens(lens, body, DEPTH_MAX);
        }
    }

    /// What a lens writes into a value of that shape.
    fn lens(&mut self, built: &Built<'_>, shape: &Shape<'_>, depth: u8) {
        for (path, at) in &built.sets {
            self.written(at, path.span, shape, &built.part.widens);
        }
        let is_read = |line: &&Line<'_>| line.field.as_ref().is_some_and(|field| !field.when.shown);
        for line in built.lines.iter().filter(is_read) {
            let tag = line.part.tag.as_ref().filter(|(_, value)| value.value.json() != "null");
            if let Some(at) = tag.and_then(|(path, _)| Address::parse(&path.value)) {
                self.written(&at, line.part.span, shape, &built.part.widens);
            }
            let Some(at) = &line.right.at else { continue };
            match &line.part.op {
                Some(OpPart::Role | OpPart::Row(_)) => {}
                Some(OpPart::Filter(table)) if table.value == "role" => {}
                Some(OpPart::Lens(name)) => self.inner(name, shape_of(shape, at), depth),
                Some(OpPart::EachLens(name)) => {
                    let items = shape_of(shape, at).and_then(|shape| shape.items());
                    self.inner(name, items, depth);
                }
                _ => self.written(at, line.part.span, shape, &built.part.widens),
            }
        }
    }

    fn inner(&mut self, name: &Text, shape: Option<Shape<'_>>, depth: u8) {
        if let (Some(built), Some(shape), 1..) = (self.lenses.get(name.value.as_str()), shape, depth) {
            self.lens(built, &shape, depth - 1);
        }
    }

    /// Something other than the table of roles writes this place.
    fn written(&mut self, at: &Address, span: Span, shape: &Shape<'_>, widens: &[(Text, Text)]) {
        if !shape_of(shape, at).is_some_and(|shape| self.holds_role(&shape, DEPTH_MAX)) {
            return;
        }
        let excepted = widens.iter().find(|(path, _)| Address::parse(&path.value).as_ref() == Some(at));
        if let Some((path, _)) = excepted {
            self.used.insert(path.span);
        } else if self.told.insert(span) {
            let message = format!("`{at}` holds a role, and the table of roles does not write it");
            let way_out = format!("use `role = true`, or add `\"{at}\" = \"reason\"` under `widens`");
            let found = Diagnostic::error(code::M0604, message);
            self.found.push(found.at(span, "goes past `[[role.row]]`").help(way_out));
        }
    }

    /// Whether a value of that shape is a role, or has one in it.
    fn holds_role(&self, shape: &Shape<'_>, depth: u8) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        let holds = |inner: Option<Shape<'_>>| inner.is_some_and(|inner| self.holds_role(&inner, depth));
        is_role(self.roles, shape)
            || shape.properties().iter().any(|name| holds(shape.property(name)))
            || holds(shape.items())
    }
}

/// Whether a place of the canonical schema holds a role and nothing else.
pub(super) fn is_role_at(roles: &Roles, shape: &Shape<'_>, at: &Address) -> bool {
    shape_of(shape, at).is_some_and(|shape| is_role(roles, &shape))
}

/// Whether all values of a shape are roles, or none.
pub(super) fn is_role(roles: &Roles, shape: &Shape<'_>) -> bool {
    let words = shape.enumeration().unwrap_or_default();
    let is_known = |word: &Tree| word.as_str().is_some_and(|word| roles.role(word).is_some());
    let mut words = words.iter().filter(|word| !word.is_null()).peekable();
    words.peek().is_some() && words.all(is_known)
}

/// What the schema says about a place of the body.
fn shape_of<'s>(shape: &Shape<'s>, at: &Address) -> Option<Shape<'s>> {
    // `$outer` is none of a call's places, and is refused elsewhere; here it is as good as the body.
    let in_body = matches!(at.root, Root::Body | Root::Outer);
    in_body.then(|| shape_at(shape.clone(), &at.path).ok().flatten()).flatten()
}
