//! Lenses and documents, as the bytes of a fuzzer choose them.

use std::collections::BTreeMap;
use std::sync::Arc;

use interlingua::canonical::id::{IdCodec, IdForm};
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
use interlingua::lens::{Field, Lens, Presence, Wrap};
use interlingua::problem::Root;

use super::super::choices::Choices;

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

pub(super) const TEXTS: [&str; 10] = [
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

/// A lens with fields for as many places as the bytes want, none of them in another.
pub(super) fn lens(choices: &mut Choices<'_>, depth: u8) -> Lens {
    let (mut lefts, mut rights) = (Vec::new(), Vec::new());
    let mut fields = Vec::new();
    for _ in 0..=choices.below(6) {
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
    for _ in 0..=choices.below(3) {
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
pub(super) fn document(choices: &mut Choices<'_>, depth: u8, out: &mut String) {
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
                out.extend(["\"", name, "\": "]);
                document(choices, depth - 1, out);
            }
            out.push('}');
        }
    }
}
