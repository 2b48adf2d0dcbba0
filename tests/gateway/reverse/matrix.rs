//! Each dialect's clients against a backend that speaks each other dialect: a part of `docs/conformance.md`.
//!
//! `tests/reverse.json` has a request for each operation. Everybody changes somebody else, so that what one was refused
//! changes nothing for the next.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::{Files, World, ask};
use crate::program::Answer;

/// How many places a cell names before it only counts them.
const NAMED_MAX: usize = 3;

/// A request of a client.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asking {
    operation: String,
    /// Method and path, below the mount of the dialect.
    line: String,
    body: Option<Value>,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Cell {
    /// The same as in front of the canonical API.
    Same,
    /// The same status, and something in the body that is told otherwise: where.
    Otherwise(Vec<String>),
    /// Refused, for that reason.
    Refused(String),
}

/// By the client's dialect and the operation, what becomes of it in front of each dialect.
type Matrix = BTreeMap<(String, usize, String), BTreeMap<String, Cell>>;

fn requests() -> BTreeMap<String, Vec<Asking>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reverse.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn matrix() -> Matrix {
    let (files, requests) = (Files::new(), requests());
    let mut matrix = Matrix::new();
    for backend in requests.keys() {
        let world = World::start(&files, backend);
        // Who reads comes before who writes.
        for reads in [true, false] {
            for (dialect, own) in &requests {
                let own = own.iter().enumerate().filter(|(_, one)| one.line.starts_with("GET ") == reads);
                for (index, asking) in own {
                    let (method, path) = asking.line.split_once(' ').expect("a method and a path");
                    let path = format!("/{dialect}{path}");
                    let expected = ask(&world.plain, method, &path, asking.body.as_ref());
                    let told = ask(&world.front, method, &path, asking.body.as_ref());
                    let cell = cell(method, &expected, &told).unwrap_or_else(|wrong| {
                        panic!("{dialect} in front of {backend}: {}: {wrong}", asking.line)
                    });
                    let row = (dialect.clone(), index, asking.operation.clone());
                    matrix.entry(row).or_default().insert(backend.clone(), cell);
                }
            }
        }
    }
    matrix
}

fn cell(method: &str, expected: &Answer, told: &Answer) -> Result<Cell, String> {
    if told.status == 501 {
        let body = told.json();
        let places = ["/detail", "/error/message"].into_iter().find_map(|at| body.pointer(at)?.as_str());
        return Ok(Cell::Refused(places.ok_or("a refusal says why")?.to_owned()));
    }
    if told.status != expected.status {
        return Err(format!("{} instead of {}: {}", told.status, expected.status, told.body));
    }
    if told.body == expected.body {
        return Ok(Cell::Same);
    }
    let mut places = Vec::new();
    differ(&expected.json(), &told.json(), method == "POST", "", &mut places);
    places.sort();
    places.dedup();
    Ok(if places.is_empty() { Cell::Same } else { Cell::Otherwise(places) })
}

/// The places where two documents differ. What is made differs each time where something is `made`.
fn differ(left: &Value, right: &Value, made: bool, at: &str, places: &mut Vec<String>) {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => {
            for name in left.keys().chain(right.keys()) {
                let [one, other] = [left, right].map(|side| side.get(name).unwrap_or(&Value::Null));
                let dot = if at.is_empty() { "" } else { "." };
                differ(one, other, made, &format!("{at}{dot}{name}"), places);
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            left.iter().zip(right).for_each(|(left, right)| differ(left, right, made, at, places));
        }
        (Value::Array(left), Value::Array(right)) => {
            panic!(
                "{} items instead of {} at `{at}`: part of a list is told as all of it",
                right.len(),
                left.len()
            );
        }
        (Value::String(left), Value::String(right)) if made && is_made(left) && is_made(right) => {}
        _ if left == right => {}
        _ => places.push(if at.is_empty() { "all of it".to_owned() } else { format!("`{at}`") }),
    }
}

/// Whether a text is an id, a time, or an address that may have an id in it.
fn is_made(text: &str) -> bool {
    let is_id = [22, 36].contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    is_id || text.starts_with("https://") || text.ends_with('Z') && text.contains('T')
}

/// The part of the document.
pub(crate) fn written() -> String {
    let matrix = matrix();
    let backends: Vec<_> = requests().into_keys().collect();
    let mut out = String::from(
        "\n## In front of a backend that speaks a dialect\n\n\
         The [other way round](migration.md#the-other-way-round): a request for each operation, in front of the reference\n\
         backend that a proxy makes speak each dialect. *yes*: answered as in front of the canonical API; *yes, but*: answered\n\
         alike, with what follows told otherwise, because the backend's dialect says it otherwise or not at all; *no*: refused\n\
         with 501, and the backend not asked, for the reason below the table.\n",
    );
    for dialect in &backends {
        write!(out, "\n### Clients of `{dialect}`\n\n| operation |").unwrap();
        for backend in &backends {
            write!(out, " `{backend}` |").unwrap();
        }
        write!(out, "\n| --- |{}\n", " --- |".repeat(backends.len())).unwrap();
        let mut reasons: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
        for ((_, _, operation), cells) in matrix.iter().filter(|((of, ..), _)| of == dialect) {
            write!(out, "| `{operation}` |").unwrap();
            for backend in &backends {
                let cell = match &cells[backend] {
                    Cell::Same => "yes".to_owned(),
                    Cell::Otherwise(places) => format!("yes, but {}", named(places)),
                    Cell::Refused(reason) => {
                        reasons.entry((backend, reason)).or_default().push(operation);
                        "no".to_owned()
                    }
                };
                write!(out, " {cell} |").unwrap();
            }
            out.push('\n');
        }
        out.push('\n');
        for ((backend, reason), operations) in reasons {
            let operations: Vec<_> = operations.iter().map(|name| format!("`{name}`")).collect();
            writeln!(out, "- in front of `{backend}`, {}: {reason}", operations.join(", ")).unwrap();
        }
    }
    out
}

fn named(places: &[String]) -> String {
    let shown = places.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
    match places.len().saturating_sub(NAMED_MAX) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
