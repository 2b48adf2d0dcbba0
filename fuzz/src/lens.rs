//! The lens engine, with any fields between any documents.
//!
//! The loader would refuse most of these lenses. What must hold of those it could let through, which are the ones that do
//! not write one place twice, and of any document:
//!
//! - a run ends, and what it gives is JSON to the strict reader, or nothing, or is refused;
//! - the same run, told to somebody, gives the same bytes, look-ups, refusals and losses;
//! - a lens that says it is lossless tells what it told, if that is lifted and told once more, unless a field is read or
//!   told only sometimes: what is lost by that is for the loader to find.

use std::collections::BTreeMap;
use std::sync::Arc;

use interlingua::canonical::id::{IdCodec, IdForm};
use interlingua::json::{Document, Limits, Writer};
use interlingua::lens::op::Op;
use interlingua::lens::op::each::{Each, Item};
use interlingua::lens::op::fixed::Fixed;
use interlingua::lens::op::has::Has;
use interlingua::lens::op::id::{Id, Imported};
use interlingua::lens::op::label::Label;
use interlingua::lens::op::nested::Nested;
use interlingua::lens::op::prefix::Prefix;
use interlingua::lens::op::resolve::{Resolve, Resolver};
use interlingua::lens::op::table::{Landing, Row, Table, Word};
use interlingua::lens::path::{Address, Literal};
use interlingua::lens::{
    Direction, Field, Found, Input, Lens, Need, Parameters, Presence, Refusal, Resolutions, Run, Wrap,
};
use interlingua::problem::Root;

use super::choices::Choices;

const PLACES: [&str; 14] = [
    "a", "b", "c", "d", "e.a", "e.b", "e.c.a", "e.c.b", "f", "g", "$path.p", "$query.q", "$query.r", "$body",
];

const LITERALS: [&str; 12] = [
    "null",
    "true",
    "\"\"",
    "\"owner\"",
    "\"viewer\"",
    "0",
    "-0",
    "1.0",
    "1e400",
    "[]",
    "{\"a\": [1]}",
    "\"\\u0000\"",
];

const TEXTS: [&str; 10] = [
    "owner",
    "viewer",
    "",
    "3c90c3cc-0d44-4b50-8888-8dd25736052a",
    "CnEqURgZ3swzj528KMLvX5",
    "42",
    "user:42",
    "user:",
    "a\\u0000\\\"\\ud83d\\ude00",
    "zzzzzzzzzzzzzzzzzzzzzz",
];

/// Builds a lens and a document of the bytes, and runs the one on the other.
///
/// # Panics
///
/// If something does not hold.
pub fn check(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let lens = lens(&mut choices, 2);
    let parameters = |choices: &mut Choices<'_>, names: &[&str]| -> Parameters {
        names.iter().map(|name| ((*name).into(), choices.pick(&TEXTS).to_owned())).collect()
    };
    let path = parameters(&mut choices, &["p"]);
    let query = parameters(&mut choices, &["q", "r"]);
    let text = if choices.seldom(2) {
        String::from_utf8_lossy(choices.rest()).into_owned()
    } else {
        let mut text = String::new();
        document(&mut choices, 4, &mut text);
        text
    };
    let Ok(document) = Document::parse(text.into_bytes(), &Limits::default()) else { return };
    for direction in [Direction::Lift, Direction::Lower] {
        let input = Input { body: Some(document.root()), outer: None, path: &path, query: &query };
        run(&lens, direction, input);
    }
    if lens.is_lossless() && lens.fields().iter().all(is_always) {
        comes_back(&lens, &document, &path, &query);
    }
}

/// Whether a field is read from one place and told in one, whatever is there.
fn is_always(field: &Field) -> bool {
    let when = &field.when;
    let inner = match &field.op {
        Op::Nested(nested) => nested.lens.fields(),
        _ => &[],
    };
    when.fallback.is_none()
        && when.default.is_none()
        && when.instead.is_none()
        && when.lift_when.is_none()
        && when.tag.is_none()
        && inner.iter().all(is_always)
}

/// What came of a run.
#[derive(Debug, PartialEq)]
struct Outcome {
    body: Vec<u8>,
    path: Parameters,
    query: Parameters,
    refusals: Vec<Refusal>,
    ignored: u64,
    lost: Vec<(usize, u32)>,
}

/// Runs the lens to its end; none if it refuses.
fn run(lens: &Lens, direction: Direction, input: Input<'_>) -> Option<Outcome> {
    let mut resolutions = Resolutions::with_id_map();
    for _ in 0..8 {
        let mut plain = Run::new(direction, &resolutions);
        let output = lens.run(input, &mut plain, Writer::new());
        let needs = plain.needs().to_vec();
        let outcome = outcome(output, plain);

        let mut told = Run::new(direction, &resolutions).traced(Vec::new(), Vec::new());
        let output = lens.run(input, &mut told, Writer::new());
        assert_eq!(told.needs(), needs, "{:?}", lens.fields());
        let _told = told.take_told();
        assert_eq!(self::outcome(output, told), outcome, "{:?}", lens.fields());

        if needs.is_empty() {
            let is_refused = !outcome.refusals.is_empty();
            let text = String::from_utf8_lossy(&outcome.body).into_owned();
            let read = Document::parse(outcome.body.clone(), &Limits::default());
            assert!(
                is_refused || text.is_empty() || read.is_ok(),
                "{:#?} gives {text}: {:?}",
                lens.fields(),
                read.err()
            );
            return (!is_refused).then_some(outcome);
        }
        for need in needs {
            let found = found(&need);
            resolutions.insert(need, found);
        }
    }
    panic!("look-ups without an end: {:?}", lens.fields());
}

fn outcome(output: interlingua::lens::Output, mut run: Run<'_, '_>) -> Outcome {
    let lost = run.take_lost().met().collect();
    let ignored = run.ignored();
    let refusals = run.into_refusals();
    Outcome { body: output.body.into_vec(), path: output.path, query: output.query, refusals, ignored, lost }
}

/// There and back is where one was; what ends in nothing is not known.
fn found(need: &Need) -> Found {
    if need.key.is_empty() || need.key.ends_with("none") {
        return Found::Missing;
    }
    Found::Value(match need.direction {
        Direction::Lift => "3c90c3cc-0d44-4b50-8888-8dd25736052a".to_owned(),
        Direction::Lower => "CnEqURgZ3swzj528KMLvX5".to_owned(),
    })
}

fn comes_back(lens: &Lens, document: &Document, path: &Parameters, query: &Parameters) {
    let lower = |document: &Document| {
        let input = Input { body: Some(document.root()), outer: None, path, query };
        run(lens, Direction::Lower, input).and_then(read)
    };
    let Some(told) = lower(document) else { return };
    let input = Input { body: Some(told.root()), outer: None, path, query };
    let Some(lifted) = run(lens, Direction::Lift, input).and_then(read) else { return };
    let Some(again) = lower(&lifted) else { return };
    assert!(again.root().same(told.root()), "{:?}: {} and then {}", lens.fields(), told.text(), again.text());
}

fn read(outcome: Outcome) -> Option<Document> {
    Document::parse(outcome.body, &Limits::default()).ok()
}

/// A lens with fields for as many places as the bytes want, none of them in another.
fn lens(choices: &mut Choices<'_>, depth: u8) -> Lens {
    let (mut lefts, mut rights) = (Vec::new(), Vec::new());
    let mut fields = Vec::new();
    for _ in 0..1 + choices.below(6) {
        let left = place(choices, &mut lefts);
        let right = place(choices, &mut rights);
        let op = op(choices, depth);
        let when = if choices.seldom(2) { presence(choices) } else { Presence::default() };
        fields.push(Field { left, right, op, when, origin: None });
    }
    let bare = fields.iter().position(|field| {
        field.left.as_ref().is_some_and(|left| left.root == Root::Body && left.path.len() == 1)
    });
    let wrap = match (choices.below(6), bare) {
        (4, Some(field)) => Wrap::Bare(field),
        (5, Some(field)) => Wrap::Scalar(field),
        _ => Wrap::Object,
    };
    Lens::new("fuzz", wrap, fields)
}

/// A place that is in no other, and that no other is in.
fn place(choices: &mut Choices<'_>, taken: &mut Vec<Address>) -> Option<Address> {
    if choices.seldom(8) {
        return None;
    }
    let place = Address::parse(choices.pick(&PLACES)).expect("it is an address");
    let meets = |other: &Address| {
        other.root == place.root
            && (other.path.starts_with(&place.path) || place.path.starts_with(&other.path))
    };
    if taken.iter().any(meets) {
        return None;
    }
    taken.push(place.clone());
    Some(place)
}

fn literal(choices: &mut Choices<'_>) -> Literal {
    Literal::parse(choices.pick(&LITERALS)).expect("it is JSON")
}

fn presence(choices: &mut Choices<'_>) -> Presence {
    let other =
        |choices: &mut Choices<'_>| Address::parse(choices.pick(&PLACES[..10])).expect("it is an address");
    let mut when = Presence::default();
    match choices.below(8) {
        0 => when.fallback = Some(other(choices)),
        1 => when.default = Some(literal(choices)),
        2 => when.absent = Some(literal(choices)),
        3 => when.instead = Some(other(choices)),
        4 => when.optional = true,
        5 => when.lift_when = Some((other(choices), vec![literal(choices), literal(choices)])),
        6 => when.shown = true,
        _ => (when.default, when.absent) = (Some(literal(choices)), Some(literal(choices))),
    }
    when
}

fn id(choices: &mut Choices<'_>) -> Id {
    let codec = |choices: &mut Choices<'_>| {
        let written = choices.pick(&IdForm::ALL);
        let also = choices.pick(&IdForm::ALL);
        IdCodec { written, accepted: vec![written, also] }
    };
    let imported = choices.seldom(3).then(|| Imported { kind: "user".into(), within: None });
    Id { imported, ..Id::computed(codec(choices), codec(choices)) }
}

fn table(choices: &mut Choices<'_>) -> Arc<Table> {
    // One canonical word for each row, and one row for each word, as the loader has it.
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for _ in 0..1 + choices.below(3) {
        let (Some(word), Some(is)) = (Word::new(literal(choices)), Word::new(literal(choices))) else {
            continue;
        };
        let is_new = rows.values().all(|row| row.word != word);
        if is_new {
            let label = Some(word.json().to_owned());
            rows.entry(is.json().to_owned()).or_insert(Row {
                word,
                also: Vec::new(),
                is,
                label,
                origin: None,
            });
        }
    }
    let rows: Vec<_> = rows.into_values().collect();
    let mut lands = Vec::new();
    if let Some(word) = Word::new(literal(choices))
        && rows.iter().all(|row| row.is != word)
    {
        let landing = if rows.is_empty() { Landing::Refuse("no".to_owned()) } else { Landing::Row(0) };
        lands.push((word, landing));
    }
    Arc::new(Table {
        name: "role".to_owned(),
        noun: "role",
        rows,
        lands,
        lands_at: Vec::new(),
        lands_lost: Vec::new(),
    })
}

fn op(choices: &mut Choices<'_>, depth: u8) -> Op {
    match choices.below(if depth > 0 { 12 } else { 10 }) {
        0 | 1 => Op::Copy,
        2 => Op::Id(id(choices)),
        3 => Op::Table(table(choices)),
        4 => Op::Constant(literal(choices)),
        5 => Op::Fixed(Fixed(literal(choices))),
        6 => Op::Has(Has(literal(choices))),
        7 => Op::Label(Label(table(choices))),
        8 => {
            let id = choices.seldom(2).then(|| id(choices));
            Op::Prefix(Prefix { before: "user:".into(), id })
        }
        9 => {
            let id = choices.seldom(2).then(|| id(choices));
            Op::Resolve(Resolve(Resolver {
                index: 0,
                scope: Vec::new(),
                pattern: None,
                id,
                accepted: Vec::new(),
            }))
        }
        10 => Op::Nested(Nested { lens: Arc::new(lens(choices, depth - 1)) }),
        _ => {
            let item = match choices.below(3) {
                0 => Item::Copy,
                1 => Item::Id(id(choices)),
                _ => Item::Lens(Arc::new(lens(choices, depth - 1))),
            };
            let only = choices.seldom(4).then(|| (Address::parse("a").expect("one"), literal(choices)));
            Op::Each(Each { item, only: only.into_iter().collect() })
        }
    }
}

/// Any document, with the names that lenses look for.
fn document(choices: &mut Choices<'_>, depth: u8, out: &mut String) {
    match choices.below(if depth > 0 { 10 } else { 5 }) {
        0 | 1 => out.push_str(choices.pick(&LITERALS)),
        2..=4 => {
            out.push('"');
            out.push_str(choices.pick(&TEXTS));
            out.push('"');
        }
        5 => {
            out.push('[');
            for at in 0..choices.below(4) {
                out.push_str(if at > 0 { "," } else { "" });
                document(choices, depth - 1, out);
            }
            out.push(']');
        }
        _ => {
            out.push('{');
            let mut names: Vec<_> = ["a", "b", "c", "d", "e", "f", "g"].into();
            for at in 0..choices.below(7) {
                let name = names.remove(choices.below(names.len()));
                out.push_str(if at > 0 { "," } else { "" });
                out.push_str(&format!("\"{name}\": "));
                document(choices, depth - 1, out);
            }
            out.push('}');
        }
    }
}
