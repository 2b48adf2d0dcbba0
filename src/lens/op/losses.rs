//! The law of losses: an op that says it loses nothing gives every canonical value back that it can tell.

use std::sync::Arc;

use proptest::prelude::*;

use super::Op;
use super::each::{Each, Item};
use super::id::Id;
use super::nested::Nested;
use super::prefix::Prefix;
use super::table::{Landing, Row, Table};
use crate::canonical::id::{IdCodec, IdForm};
use crate::lens::support::{Became, address, field, lift, literal, lower, only, roles, word};
use crate::lens::{Field, Lens, Presence, Wrap};

/// What a canonical value is after it was told and written back; none if it cannot be told.
fn back(lens: &Lens, value: &str) -> Option<String> {
    let Became::Body(told) = lower(lens, &format!("{{\"r\":{value}}}")) else { return None };
    let Became::Body(written) = lift(lens, &told) else { panic!("{told} was told, and is refused") };
    Some(written)
}

/// Tables of a few words on either side, some of which stand for several: sound ones, and such as no loader lets pass.
fn tables() -> impl Strategy<Value = Table> {
    let row = (0..4u8, proptest::option::of(0..4u8), 0..4u8);
    let landing = (0..6u8, proptest::option::of(0..4usize));
    (proptest::collection::vec(row, 1..4), proptest::collection::vec(landing, 0..4)).prop_map(
        |(rows, lands)| {
            let count = rows.len();
            let row = |(text, also, is): (u8, Option<u8>, u8)| Row {
                word: word(&text.to_string()),
                also: also.iter().map(|also| word(&also.to_string())).collect(),
                is: word(&format!("\"c{is}\"")),
                label: None,
                origin: None,
            };
            let landing = |(canonical, row): (u8, Option<usize>)| {
                let landing =
                    row.map_or(Landing::Refuse("no word".to_owned()), |row| Landing::Row(row % count));
                (word(&format!("\"c{canonical}\"")), landing)
            };
            Table {
                name: "words".to_owned(),
                noun: "value",
                rows: rows.into_iter().map(row).collect(),
                lands: lands.into_iter().map(landing).collect(),
                lands_at: Vec::new(),
                lands_lost: Vec::new(),
            }
        },
    )
}

proptest! {
    #[test]
    fn a_table_is_lossless_exactly_if_every_word_it_tells_comes_back(table in tables()) {
        let canonical: Vec<_> = table.rows.iter().map(|row| &row.is).chain(table.lands.iter().map(|(word, _)| word))
            .map(|word| word.json().to_owned()).collect();
        let op = Op::Table(Arc::new(table));
        let lens = only(op.clone());
        let comes_back = |value: &String| {
            back(&lens, value).is_none_or(|written| written == format!("{{\"r\":{value}}}"))
        };
        prop_assert_eq!(op.is_lossless(), canonical.iter().all(comes_back));
    }

    #[test]
    fn other_lossless_ops_give_every_value_back(number in any::<u128>(), text in "[ -~]*", many in any::<Vec<u8>>()) {
        let id = || Id::computed(
            IdCodec { written: IdForm::ShortUuid, accepted: vec![IdForm::ShortUuid, IdForm::Uuid] },
            IdCodec { written: IdForm::Uuid, accepted: vec![IdForm::Uuid] },
        );
        let uuid = format!("\"{}\"", uuid::Uuid::from_u128(number));
        let text = serde_json::Value::from(text).to_string();
        let list = serde_json::Value::from(many).to_string();
        let prefix = |id| Op::Prefix(Prefix { before: "https://a.example/".into(), id });
        for (op, value) in [
            (Op::Copy, text.clone()),
            (Op::Id(id()), uuid.clone()),
            (prefix(None), text),
            (prefix(Some(id())), uuid.clone()),
            (Op::Each(Each { item: Item::Copy, only: Vec::new() }), list),
            (Op::Each(Each { item: Item::Id(id()), only: Vec::new() }), format!("[{uuid}]")),
        ] {
            prop_assert!(op.is_lossless(), "{op:?}");
            prop_assert_eq!(back(&only(op), &value), Some(format!("{{\"r\":{value}}}")));
        }
    }
}

#[test]
fn arrays_are_lossy_where_they_are_told_in_part() {
    let lens = || Arc::new(Lens::new("id", Wrap::Scalar(0), vec![field("id", "id", Op::Copy)]));
    let part = Each { item: Item::Copy, only: vec![(address("kind"), literal("1"))] };
    let ids = Each { item: Item::Lens(lens()), only: Vec::new() };
    for (each, value) in [(part, r#"[{"kind":1},{"kind":2}]"#), (ids, r#"[{"id":1,"level":2}]"#)] {
        let op = Op::Each(each);
        assert!(!op.is_lossless());
        assert_ne!(back(&only(op), value).unwrap(), format!("{{\"r\":{value}}}"), "and rightly so");
    }
}

#[test]
fn an_object_is_as_lossy_as_its_fields() {
    let nested = |op| {
        Op::Nested(Nested { lens: Arc::new(Lens::new("inner", Wrap::Object, vec![field("a", "b", op)])) })
    };
    assert!(nested(Op::Copy).is_lossless());
    assert!(!nested(Op::Table(Arc::new(roles()))).is_lossless());
}

#[test]
fn a_value_that_stands_for_none_is_lossy_only_beside_a_default() {
    let blank = Presence { absent: Some(literal("\"\"")), ..Presence::default() };
    let field = Field { when: blank.clone(), ..field("l", "r", Op::Copy) };
    assert!(field.is_lossless(), "written back, it writes nothing");
    let lens = Lens::new("test", Wrap::Object, vec![field.clone()]);
    assert_eq!(back(&lens, "null").unwrap(), "{}");

    let field = Field { when: Presence { default: Some(literal("\"x\"")), ..blank }, ..field };
    assert!(!field.is_lossless());
    let lens = Lens::new("test", Wrap::Object, vec![field]);
    assert_eq!(back(&lens, "null").unwrap(), r#"{"r":"x"}"#);
}
