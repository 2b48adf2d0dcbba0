//! Writes `docs/conformance.md`: for each documented operation and status, the cases of `tests/golden/` that show it.
//!
//! What is documented stands in `tests/conformance.json`, apart from the mappings, so that an operation nobody mapped
//! is missed. The document is compared with what would be written; to write it, set `INTERLINGUA_BLESS=1`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

use interlingua::dialect::{Dialect, Operation};
use serde::Deserialize;

use crate::golden::case::{self, Case};
use crate::reverse::matrix;
use crate::support;

/// How many cases a cell names before it only counts them.
const NAMED_MAX: usize = 3;

/// What one dialect's documentation says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Documented {
    /// Where it says so.
    documentation: String,
    /// Statuses that any operation may have.
    everywhere: BTreeSet<u16>,
    /// By method and path, the statuses it documents for that operation.
    operations: BTreeMap<String, BTreeSet<u16>>,
}

#[test]
fn every_documented_operation_is_served_and_shown() {
    let cases = case::all();
    let mut missing = Vec::new();
    for (name, documented) in documented() {
        let dialect = support::shipped().registry.dialect(&name).expect("a documented dialect is served");
        for (request, statuses) in &documented.operations {
            let Some(operation) = served(dialect, request) else {
                missing.push(format!("{name} does not serve `{request}`"));
                continue;
            };
            for status in statuses {
                if shown(&cases, dialect, operation, *status).next().is_none() {
                    missing.push(format!("{name}: no case shows {status} of `{request}`"));
                }
            }
        }
        for status in &documented.everywhere {
            if !cases.iter().any(|case| case.dialect == name && case.response.status == *status) {
                missing.push(format!("{name}: no case shows {status}"));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn the_table_of_conformance_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/conformance.md");
    let table = table();
    if std::env::var_os("INTERLINGUA_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &table).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == table,
        "docs/conformance.md is stale: INTERLINGUA_BLESS=1 cargo test --test gateway conformance"
    );
}

fn documented() -> BTreeMap<String, Documented> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The operation that answers a documented request.
fn served<'d>(dialect: &'d Dialect, request: &str) -> Option<&'d Operation> {
    let (method, path) = request.split_once(' ').expect("a request is a method and a path");
    let own = path.strip_prefix(dialect.prefix.as_str())?;
    let is_it = |operation: &&std::sync::Arc<Operation>| {
        operation.method.as_str() == method && operation.template() == own
    };
    dialect.operations.iter().find(is_it).map(|operation| &**operation)
}

/// The cases that show a status of an operation.
fn shown<'c>(
    cases: &'c [Case],
    dialect: &'c Dialect,
    operation: &'c Operation,
    status: u16,
) -> impl Iterator<Item = &'c Case> {
    cases.iter().filter(move |case| {
        (&case.dialect, &case.operation) == (&dialect.name, &operation.name) && case.response.status == status
    })
}

fn table() -> String {
    let cases = case::all();
    let mut out = String::from(
        "# Conformance\n\n\
         What each dialect's documentation promises, and the cases in [`tests/golden`](../tests/golden) that show it: a\n\
         request of a client, the canonical calls it becomes, and the answer. Every case is run on every change. A status\n\
         in bold is documented for the operation; the others are documented for the whole API, or are how it would refuse.\n\n\
         This file is written by `INTERLINGUA_BLESS=1 cargo test --test gateway conformance`.\n",
    );
    let documented = documented();
    for dialect in support::shipped().registry.dialects() {
        let own = documented.get(&dialect.name);
        write!(out, "\n## {}\n\n", dialect.title).unwrap();
        if let Some(own) = own {
            write!(out, "Documentation: <{}>\n\n", own.documentation).unwrap();
        }
        out.push_str("| operation | request | status | shown by |\n| --- | --- | --- | --- |\n");
        for operation in &dialect.operations {
            let request = format!("{} {}{}", operation.method, dialect.prefix, operation.template());
            let promised = own.and_then(|own| own.operations.get(&request)).cloned().unwrap_or_default();
            let of_it = |case: &&Case| (&case.dialect, &case.operation) == (&dialect.name, &operation.name);
            let told = cases.iter().filter(of_it).map(|case| case.response.status);
            let statuses: BTreeSet<u16> = told.chain(promised.iter().copied()).collect();
            for (row, status) in statuses.into_iter().enumerate() {
                let (name, request) = if row == 0 {
                    (format!("`{}`", operation.name), format!("`{request}`"))
                } else {
                    (String::new(), String::new())
                };
                let status_cell =
                    if promised.contains(&status) { format!("**{status}**") } else { status.to_string() };
                let shown_by = links(&shown(&cases, dialect, operation, status).collect::<Vec<_>>());
                writeln!(out, "| {name} | {request} | {status_cell} | {shown_by} |").unwrap();
            }
        }
    }
    out += &matrix::written();
    out
}

/// The first cases by name, and how many more there are.
fn links(cases: &[&Case]) -> String {
    let link = |case: &&Case| {
        let name = case.name();
        let label = name.rsplit('/').next().unwrap_or_default();
        format!("[{label}](../tests/golden/{name}.json)")
    };
    let mut links: Vec<String> = cases.iter().take(NAMED_MAX).map(link).collect();
    if cases.len() > NAMED_MAX {
        links.push(format!("and {} more", cases.len() - NAMED_MAX));
    }
    links.join(", ")
}
