//! What is looked up can be what is looked for: a column of ids holds ids, and one that names roles holds roles.

use std::collections::BTreeMap;

use crate::diag::{Diagnostic, code};
use crate::mapping::CANONICAL;
use crate::mapping::check::role_places;
use crate::mapping::compile::Compiler;
use crate::mapping::file::{FieldPart, OpPart, ResolverPart, Text};
use crate::schema::{Shape, Type};

/// What a resolver is used for.
#[derive(Clone, Copy, Default)]
struct Uses {
    /// Some field looks up an id.
    ids: bool,
    /// Some field looks up a role.
    roles: bool,
}

/// Reports every column that can hold nothing of what is looked for in it.
pub(super) fn check(compiler: &mut Compiler<'_>) {
    let mut found = Vec::new();
    let uses = uses(compiler);
    for resolver in &compiler.file.resolvers {
        let Some(part) = &resolver.part else { continue };
        let uses = uses.get(resolver.name.value.as_str()).copied().unwrap_or_default();
        found.extend(columns(compiler, part, uses));
    }
    for diagnostic in found {
        compiler.report(diagnostic);
    }
}

fn uses<'c>(compiler: &'c Compiler<'_>) -> BTreeMap<&'c str, Uses> {
    let file = compiler.file;
    let lenses = file.lenses.iter().filter_map(|lens| lens.part.as_ref()).flat_map(|part| &part.fields);
    let operations =
        file.operations.iter().flat_map(|operation| operation.path.iter().chain(&operation.query));
    let mut uses: BTreeMap<&str, Uses> = BTreeMap::new();
    for FieldPart { op, .. } in lenses.chain(operations) {
        match op {
            Some(OpPart::Resolve(name)) => uses.entry(&name.value).or_default().ids = true,
            Some(OpPart::Row(name)) => uses.entry(&name.value).or_default().roles = true,
            _ => {}
        }
    }
    uses
}

fn columns(compiler: &Compiler<'_>, part: &ResolverPart, uses: Uses) -> Vec<Diagnostic> {
    let api = &compiler.canonical.api;
    let calls = api.operation(&part.calls.value);
    let answer = calls.and_then(|calls| calls.answers.iter().find_map(|(_, schema)| schema.as_deref()));
    let Some(answer) = answer.and_then(|name| compiler.schemas.schema(CANONICAL, name)) else {
        return Vec::new();
    };
    let rows = answer.shape().property(&part.rows.value).and_then(|rows| rows.items());
    let shape = |column: &Text| rows.as_ref()?.property(&column.value);
    let mut found = Vec::new();
    if let Some(left) = shape(&part.left).filter(|left| !is_key(left)) {
        found.push(told(&part.left, &left, "an id"));
    }
    let Some(right) = shape(&part.right) else { return found };
    if uses.roles && !role_places::is_only_role(&api.roles, &right) {
        found.push(told(&part.right, &right, "a role"));
    } else if uses.ids && !is_key(&right) {
        found.push(told(&part.right, &right, "an id"));
    }
    found
}

/// Whether a place can hold ids or names of something: many different ones.
fn is_key(shape: &Shape<'_>) -> bool {
    let types = shape.types();
    (types.contains(Type::String) || types.contains(Type::Integer)) && shape.enumeration().is_none()
}

fn told(column: &Text, shape: &Shape<'_>, what: &str) -> Diagnostic {
    let message = format!("the column `{}` is looked up as {what}, and holds none", column.value);
    Diagnostic::error(code::M0222, message)
        .at(column.span, "this column")
        .also(shape.span(), "what its canonical schema says")
        .help(format!("name a column that holds {what}, and another one in each row"))
}
