//! A canonical role is written by the table of roles and by nothing else: that table is what the proof of privilege
//! is about.
//!
//! A place is one of a role if its schema lists names of `[roles]`, and a text or a parameter if it is called as such
//! places are. Each call is followed into its body, through the lenses inside lenses; what is only shown is never
//! written, and therefore free.

mod holds;

use std::collections::{BTreeMap, HashSet};

use super::role_names::{RoleNames, Written, needless, past};
use crate::canonical::role::Roles;
use crate::diag::{Diagnostic, Span};
use crate::lens::path::Address;
use crate::mapping::CANONICAL;
use crate::mapping::compile::Compiler;
use crate::mapping::file::{FieldPart, OpPart, OperationPart, Reason, Text};
use crate::mapping::lenses::{BuiltLens, Line, shape_at};
use crate::problem::Root;
use crate::schema::Shape;

use holds::held;
pub(super) use holds::{is_only_role, is_role};

/// Reports every role that is written past the table of roles, and every exception that is none, but for `used` ones.
/// Returns where the first are.
pub(super) fn check(compiler: &mut Compiler<'_>, used: HashSet<Span>) -> HashSet<Span> {
    if !compiler.canonical.knows_roles {
        return HashSet::new();
    }
    let mut search = Search {
        roles: &compiler.canonical.api.roles,
        lenses: &compiler.lenses,
        names: RoleNames::default(),
        told: HashSet::new(),
        used,
        found: Vec::new(),
    };
    for built in compiler.lenses.values() {
        search.names.names.extend(built.lines.iter().filter_map(role_name));
    }
    for operation in compiler.file.parts() {
        let Some(calls) = compiler.canonical.api.operation(&operation.calls.value) else { continue };
        let schema = calls.body.as_deref().and_then(|body| compiler.schemas.schema(CANONICAL, body));
        search.operation(operation, schema.map(|schema| schema.shape()).as_ref());
        if !calls.is_safe() {
            search.parameters(operation);
        }
    }
    let Search { names, told, used, mut found, .. } = search;
    let of_lenses = compiler.lenses.values().flat_map(|built| &built.part.widens);
    for (path, _) in compiler.file.parts().flat_map(|operation| &operation.widens).chain(of_lenses) {
        if compiler.saw_all && !used.contains(&path.span) {
            found.push(needless(&path.value, path.span));
        }
    }
    for diagnostic in found {
        compiler.report(diagnostic);
    }
    compiler.role_names = names;
    told
}

/// The name of a canonical place that is shown or written by the table of roles.
fn role_name(line: &Line<'_>) -> Option<String> {
    let at = line.right.at.as_ref().filter(|_| is_by_roles(line.part))?;
    at.path.last().map(ToString::to_string)
}

fn is_by_roles(part: &FieldPart) -> bool {
    match &part.op {
        Some(OpPart::Role | OpPart::Row(_)) => true,
        Some(OpPart::Filter(table)) => table.value == "role",
        _ => false,
    }
}

struct Search<'s, 'a> {
    roles: &'s Roles,
    lenses: &'s BTreeMap<&'a str, BuiltLens<'a>>,
    names: RoleNames,
    /// What was reported: lenses are used by several operations.
    told: HashSet<Span>,
    /// The exceptions that were needed, or may be.
    used: HashSet<Span>,
    found: Vec<Diagnostic>,
}

impl Search<'_, '_> {
    fn operation(&mut self, part: &OperationPart, body: Option<&Shape<'_>>) {
        for (path, _) in &part.sets {
            if let Some(at) = Address::parse(&path.value) {
                self.written(&at, path.span, body, &part.widens);
            }
        }
        if let Some(lens) = part.body.as_ref().and_then(|name| self.lenses.get(name.value.as_str())) {
            self.lens(lens, body);
        }
    }

    /// What is written beside the body of a call that changes something. No schema says anything of parameters.
    fn parameters(&mut self, part: &OperationPart) {
        for field in part.path.iter().chain(&part.query).filter(|field| !is_by_roles(field)) {
            if let Some(at) = &field.at {
                let names = vec![at.value.strip_prefix("$query.").unwrap_or(&at.value).to_owned()];
                self.claim(at.value.clone(), names, field.span, &part.widens);
            }
        }
        for (path, _) in &part.sets {
            let at = Address::parse(&path.value).filter(|at| matches!(at.root, Root::Path | Root::Query));
            let Some(name) = at.and_then(|at| at.path.first().map(ToString::to_string)) else { continue };
            self.claim(path.value.clone(), vec![name], path.span, &part.widens);
        }
    }

    /// What a lens writes into a value of that shape; none if everything may be there. Lenses never contain themselves.
    fn lens(&mut self, built: &BuiltLens<'_>, shape: Option<&Shape<'_>>) {
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
                _ if is_by_roles(line.part) => {}
                Some(OpPart::Lens(name)) => self.inner(name, shape_of(shape, at).as_ref()),
                Some(OpPart::EachLens(name)) => {
                    let items = shape_of(shape, at).and_then(|shape| shape.items());
                    self.inner(name, items.as_ref());
                }
                _ => self.written(at, line.part.span, shape, &built.part.widens),
            }
        }
    }

    fn inner(&mut self, name: &Text, shape: Option<&Shape<'_>>) {
        if let Some(built) = self.lenses.get(name.value.as_str()) {
            self.lens(built, shape);
        }
    }

    /// Something other than the table of roles writes this place.
    fn written(&mut self, at: &Address, span: Span, shape: Option<&Shape<'_>>, widens: &[(Text, Reason)]) {
        if !matches!(at.root, Root::Body | Root::Outer) {
            return;
        }
        let name = at.path.last().map(ToString::to_string).unwrap_or_default();
        let Some(shape) = shape_of(shape, at) else {
            // Where everything may be, a role may be.
            self.claim(at.to_string(), vec![name], span, widens);
            return;
        };
        let held = held(self.roles, &name, &shape);
        if !held.role {
            self.claim(at.to_string(), held.texts, span, widens);
        } else if let Some(excepted) = excepted(at, widens) {
            self.used.insert(excepted);
        } else if self.told.insert(span) {
            self.found.push(past(&at.to_string(), span));
        }
    }

    /// What may be a role by its name, which is found out once all mappings are known.
    fn claim(&mut self, place: String, names: Vec<String>, span: Span, widens: &[(Text, Reason)]) {
        let widens = Address::parse(&place).and_then(|at| excepted(&at, widens));
        self.used.extend(widens);
        if !names.is_empty() {
            self.names.written.push(Written { place, names, span, widens });
        }
    }
}

/// The exception of a place.
fn excepted(at: &Address, widens: &[(Text, Reason)]) -> Option<Span> {
    let (path, _) = widens.iter().find(|(path, _)| Address::parse(&path.value).as_ref() == Some(at))?;
    Some(path.span)
}

/// Whether a place of the canonical schema holds a role.
pub(super) fn is_role_at(roles: &Roles, shape: &Shape<'_>, at: &Address) -> bool {
    shape_of(Some(shape), at).is_some_and(|shape| is_role(roles, &shape))
}

/// What the schema says about a place of the body.
fn shape_of<'s>(shape: Option<&Shape<'s>>, at: &Address) -> Option<Shape<'s>> {
    // `$outer` is none of a call's places, and is refused elsewhere; here it is as good as the body.
    let in_body = matches!(at.root, Root::Body | Root::Outer);
    in_body.then(|| shape_at(shape?.clone(), &at.path).ok().flatten()).flatten()
}
