//! A request that a newcomer can try at once, made of the demonstration data and of whatever dialects are loaded.

use std::{fmt::Write, sync::Arc};

use crate::{
    backend::{Demo, demo},
    canonical::api::PathPart,
    dialect::{Dialect, Operation, Registry, operation::RequestBody},
    lens::op::Op,
    problem::Root,
};

/// A request that the demo backend answers with a success.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Hint {
    header: String,
    path: String,
}

impl Hint {
    /// The line to type, for a proxy at that URL.
    pub(super) fn curl(&self, url: &str) -> String {
        format!("curl -i -H '{}' {url}{}", self.header, self.path)
    }
}

/// The first request that only reads, and needs no more than what the demonstration data names.
pub(super) fn of(registry: &Registry) -> Option<Hint> {
    let demo = demo();
    registry.dialects().iter().find_map(|dialect| {
        let header = header(registry, dialect, &demo)?;
        let path = dialect.operations.iter().find_map(|operation| path(dialect, operation, &demo))?;
        Some(Hint { header, path })
    })
}

fn header(registry: &Registry, dialect: &Dialect, demo: &Demo) -> Option<String> {
    // A token that few dialects would take is the one that was made for this one.
    let takers = |token: &str| {
        let is_taker =
            |dialect: &&Arc<Dialect>| dialect.credentials.iter().any(|one| one.pattern.is_match(token));
        registry.dialects().iter().filter(is_taker).count()
    };
    dialect.credentials.iter().find_map(|credential| {
        let fitting = demo.tokens.iter().filter(|token| credential.pattern.is_match(token));
        let token = fitting.min_by_key(|token| takers(token))?;
        let scheme = credential.scheme.as_ref().map(|scheme| format!("{scheme} ")).unwrap_or_default();
        Some(format!("{}: {scheme}{token}", credential.header))
    })
}

fn path(dialect: &Dialect, operation: &Operation, demo: &Demo) -> Option<String> {
    if !operation.is_safe() || !matches!(operation.body, RequestBody::None) {
        return None;
    }
    let mut path = format!("/{dialect}{}", dialect.prefix);
    for part in &operation.path {
        let segment = match part {
            PathPart::Literal(text) => text.clone(),
            PathPart::Parameter(name) => parameter(operation, name, demo)?,
        };
        write!(path, "/{segment}").expect("writing to a string never fails");
    }
    Some(path)
}

/// How the dialect spells the demo's value for what becomes the canonical parameter.
fn parameter(operation: &Operation, name: &str, demo: &Demo) -> Option<String> {
    let is_it = |segments: &[Box<str>]| matches!(segments, [segment] if **segment == *name);
    let field =
        operation.request.fields().iter().find(|field| {
            field.left.as_ref().is_some_and(|left| left.root == Root::Path && is_it(&left.path))
        })?;
    let right = field.right.as_ref().filter(|right| right.root == Root::Path)?;
    let [canonical] = right.path.as_slice() else { return None };
    let (_, value) = demo.parameters.iter().find(|(known, _)| **known == **canonical)?;
    match &field.op {
        Op::Copy => Some(value.clone()),
        Op::Id(id) => {
            let mut spelling = String::new();
            id.dialect.write(&id.canonical.read(value).ok()?, &mut spelling).ok()?;
            Some(spelling)
        }
        Op::Constant(_)
        | Op::Each(_)
        | Op::Filter(_)
        | Op::Fixed(_)
        | Op::Has(_)
        | Op::Label(_)
        | Op::Nested(_)
        | Op::Prefix(_)
        | Op::Resolve(_)
        | Op::Row(_)
        | Op::Table(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        boot::{self, DataFiles},
        cli::testing::acme,
        diag::Sources,
    };

    #[test]
    fn the_hint_is_spelt_as_the_dialect_spells_it() {
        let files =
            DataFiles { mappings: Some(acme("mappings").into()), schemas: Some(acme("schemas").into()) };
        let registry = boot::load(&files, &mut Sources::default()).unwrap().registry.unwrap();

        assert_eq!(
            of(&registry).unwrap().curl("http://127.0.0.1:8080"),
            "curl -i -H 'authorization: Token pat_DemoOwnerNorthwind00000000000000' \
             http://127.0.0.1:8080/acme/api/orgs/CnEqURgZ3swzj528KMLvX5/links"
        );
    }

    #[test]
    fn a_dialect_that_takes_every_token_is_shown_with_one_that_others_do_not_take() {
        let registry = boot::load(&DataFiles::default(), &mut Sources::default()).unwrap().registry.unwrap();
        for dialect in registry.dialects() {
            let Some(header) = header(&registry, dialect, &demo()) else { continue };
            let is_taken = |token: &String| dialect.credentials.iter().any(|one| one.pattern.is_match(token));
            let takers = |token: &str| {
                let dialects = registry.dialects().iter();
                dialects.filter(|one| one.credentials.iter().any(|one| one.pattern.is_match(token))).count()
            };
            let fewest =
                demo().tokens.iter().filter(|token| is_taken(token)).map(|token| takers(token)).min();
            let chosen = header.rsplit(' ').next().unwrap();
            assert_eq!(Some(takers(chosen)), fewest, "{dialect}: {header}");
        }
    }
}
