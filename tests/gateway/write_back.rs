//! The law that reading and writing back changes nothing, for all that ships, against the reference backend.
//!
//! For every dialect, every update that is told ambiguously somewhere, and every canonical value the backend can hold
//! there: the record is read through the dialect, what was read is written back, each field alone and all together, and
//! the canonical record is the same as before, its `ETag` included. Nothing here names a dialect or one of its fields:
//! the cases come from the registry.

mod world;

use std::collections::{BTreeMap, BTreeSet};

use interlingua::dialect::operation::{Guard, RequestBody};
use interlingua::dialect::{Dialect, Operation};
use interlingua::json::{Document, Limits};
use interlingua::lens::op::Op;
use interlingua::lens::op::table::{Table, Word};
use interlingua::lens::{Field, Wrap};
use interlingua::problem::Root;
use serde_json::{Value, json};

use self::world::{Record, World};
use crate::support;

/// Places in a dialect's document, each with what a client was told there.
type Told = BTreeMap<String, Value>;

#[tokio::test]
async fn what_is_read_and_written_back_changes_nothing() {
    let dialects = support::shipped();
    let (mut failures, mut lines, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for dialect in dialects.registry.dialects() {
        for operation in &dialect.operations {
            // Commands that a field says would have to be asked for here.
            assert!(operation.cases.iter().all(|case| case.operation.guard.is_none()), "{dialect}");
            let Some(guard) = &operation.guard else { continue };
            // A generation that changes nothing here would only show the same again.
            if !seen.insert(format!(
                "{} {:?} {:?} {guard:?}",
                dialect.family(),
                operation.path,
                operation.request
            )) {
                continue;
            }
            let tried = try_all(dialect, operation, guard, &mut failures).await;
            let fields: BTreeSet<_> = guard.keep.places().flat_map(|(names, _)| names).cloned().collect();
            assert_eq!(
                tried.written, fields,
                "{dialect} {}: not all of its fields were written",
                operation.name
            );
            lines.push(format!(
                "{dialect} {}: {} records, {} writes",
                operation.name, tried.records, tried.writes
            ));
        }
    }
    let families: BTreeSet<_> = dialects.registry.dialects().iter().map(|dialect| dialect.family()).collect();
    assert!(lines.len() >= families.len(), "each of them can change a role: {lines:?}");
    println!("{}", lines.join("\n"));
    assert!(failures.is_empty(), "{} records changed:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn every_canonical_role_is_among_what_is_tried() {
    let registry = &support::shipped().registry;
    let roles = &registry.api().roles;
    let all: BTreeSet<_> = roles.all().map(|role| roles.name(role).to_owned()).collect();
    let guarded = registry.dialects().iter().flat_map(|dialect| &dialect.operations);
    let guarded = guarded.filter(|operation| operation.guard.is_some());
    let tables = guarded.flat_map(|operation| operation.request.fields()).filter_map(table);
    let mut seen = 0;
    for table in tables.filter(|table| table.noun == "role") {
        let tried: BTreeSet<_> = words(table).map(|word| word.text().into_owned()).collect();
        assert_eq!(tried, all);
        seen += 1;
    }
    assert!(seen > 0);
}

#[derive(Default)]
struct Tried {
    records: usize,
    writes: usize,
    /// The fields that were written.
    written: BTreeSet<String>,
}

/// Every record of an update in every state.
async fn try_all(
    dialect: &Dialect,
    operation: &Operation,
    guard: &Guard,
    failures: &mut Vec<String>,
) -> Tried {
    let mut tried = Tried::default();
    for record in Record::all(&guard.reads) {
        let mut world = World::start().await;
        for state in states(dialect, operation, guard) {
            world.forget();
            if !world.set(&operation.calls, &record, &state).await {
                continue; // no record of this kind can be in that state
            }
            tried.records += 1;
            let told = told(&world, dialect, operation, guard, &record).await;
            for body in bodies(&world, operation, guard, &record, &told).await {
                let before = world.read(guard, &record).await;
                let answer = world.write(dialect, operation, &record, &body).await;
                let after = world.read(guard, &record).await;
                let case = format!("{dialect} {} {state}: {body}", operation.name);
                // An answer may lack words for what is there; what was asked for was done all the same.
                if !(answer.status.is_success() || answer.status == 409) {
                    failures.push(format!("{case}: answered {} {:?}", answer.status, answer.json()));
                }
                if before != after {
                    failures.push(format!("{case}: {}", difference(&before.1, &after.1)));
                }
                tried.writes += 1;
                tried.written.extend(names(operation, guard).filter(|name| at(&body, name).is_some()));
            }
        }
    }
    tried
}

/// What can be at the guarded places of the canonical record, each as a change to it.
fn states(dialect: &Dialect, operation: &Operation, guard: &Guard) -> Vec<Value> {
    let mut states = vec![json!({})];
    let guarded: BTreeSet<_> = names(operation, guard).collect();
    for field in operation.request.fields() {
        let (Some(left), Some(right)) = (&field.left, &field.right) else { continue };
        if !guarded.contains(&left.to_string()) || right.root != Root::Body {
            continue;
        }
        let mut values: Vec<Value> =
            table(field).into_iter().flat_map(words).map(|word| word.value().to_value()).collect();
        // What a view shows where there is nothing may also be there.
        let lenses = dialect.lenses.values().flat_map(|shaped| shaped.lens.fields());
        let shown = lenses.filter(|shown| shown.left == field.left);
        values.extend(shown.filter_map(|shown| Some(shown.when.absent.as_ref()?.value().to_value())));
        for value in values {
            let state = right.path.iter().rev().fold(value, |value, name| json!({ &**name: value }));
            if !states.contains(&state) {
                states.push(state);
            }
        }
    }
    states
}

/// What a client of the dialect is told of a record, by the places it writes to. What no operation shows is what the
/// request's own lens would tell.
async fn told(
    world: &World,
    dialect: &Dialect,
    operation: &Operation,
    guard: &Guard,
    record: &Record,
) -> Told {
    let mut told = Told::new();
    let shown = world.shown(dialect, operation, guard, record).await;
    let own = world.lowered(operation, guard, record).await;
    for name in writable(operation) {
        let value = if shown.places.contains(&name) {
            shown.documents.iter().find_map(|shown| at(shown, &name))
        } else {
            at(&own, &name)
        };
        told.extend(value.map(|value| (name.clone(), value.clone())));
    }
    told
}

/// What is written back: each guarded field alone, and everything together; as far as the operation takes it.
async fn bodies(
    world: &World,
    operation: &Operation,
    guard: &Guard,
    record: &Record,
    told: &Told,
) -> Vec<Value> {
    let RequestBody::One { schema } = &operation.body else { return Vec::new() };
    let canonical = world.read(guard, record).await.1;
    let shape = schema.shape();
    let required: Vec<_> = shape.properties().into_iter().filter(|name| shape.is_required(name)).collect();
    let mut bodies = Vec::new();
    let alone =
        names(operation, guard).filter_map(|name| Some(vec![(name.clone(), told.get(&name)?.clone())]));
    for fields in alone.chain([told.clone().into_iter().collect()]) {
        let mut body = json!({});
        for name in &required {
            let value = told.get(name).or_else(|| canonical.get(name));
            body[name.as_str()] = value.cloned().unwrap_or_default();
        }
        for (name, value) in fields {
            put(&mut body, &name, value);
        }
        let document = Document::parse(body.to_string().into_bytes(), &Limits::default()).unwrap();
        if schema.is_valid(document.root()) && !bodies.contains(&body) {
            bodies.push(body);
        }
    }
    bodies
}

/// The places an operation writes to.
fn writable(operation: &Operation) -> impl Iterator<Item = String> {
    assert_eq!(operation.request.wrap(), Wrap::Object, "{}", operation.name);
    let fields = operation.request.fields().iter().filter(|field| field.right.is_some());
    let left = fields.filter_map(|field| field.left.as_ref());
    left.filter(|left| left.root == Root::Body).map(ToString::to_string)
}

/// The guarded ones of them.
fn names<'o>(operation: &'o Operation, guard: &'o Guard) -> impl Iterator<Item = String> {
    let guarded: BTreeSet<_> = guard.keep.places().flat_map(|(names, _)| names).collect();
    writable(operation).filter(move |name| guarded.contains(name))
}

fn table(field: &Field) -> Option<&Table> {
    match &field.op {
        Op::Table(table) => Some(table),
        Op::Row(row) => Some(&row.table),
        _ => None,
    }
}

/// Every canonical word of a table, also those it refuses to tell.
fn words(table: &Table) -> impl Iterator<Item = &Word> {
    table.rows.iter().map(|row| &row.is).chain(table.lands.iter().map(|(word, _)| word))
}

fn at<'v>(document: &'v Value, name: &str) -> Option<&'v Value> {
    name.split('.').try_fold(document, |value, name| value.get(name))
}

fn put(document: &mut Value, name: &str, value: Value) {
    let place = name.split('.').fold(document, |place, name| &mut place[name]);
    *place = value;
}

/// The members that differ, for a message.
fn difference(before: &Value, after: &Value) -> String {
    let members = before.as_object().into_iter().flatten();
    let changed = members.filter(|(name, value)| after.get(name.as_str()) != Some(value));
    let changed = changed.map(|(name, value)| format!("{name} was {value} and is {}", after[name.as_str()]));
    changed.collect::<Vec<_>>().join(", ")
}
