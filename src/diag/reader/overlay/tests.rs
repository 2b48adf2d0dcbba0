//! Where keys and values of two texts end up, and what is known of their places.

use super::*;
use crate::diag::reader::Codes;
use crate::diag::{SourceId, Sources, code};

static CODES: Codes = Codes {
    syntax: code::M0101,
    unknown_key: code::M0102,
    wrong_type: code::M0103,
    missing_key: code::M0104,
    duplicate_key: code::M0105,
};

static ENTRIES: Keys = Keys::all(Rule::Replace);
static ROW: Keys = Keys::all(Rule::Replace);
static LAYOUT: Layout = Layout {
    root: Keys {
        named: &[("entries", Rule::Keys(&ENTRIES)), ("row", Rule::Rows("name", &ROW)), ("own", Rule::Own)],
        ..Keys::all(Rule::Replace)
    },
    absent: code::M0703,
    fixed: code::M0704,
};

fn laid<T>(base: &str, own: &str, read: impl FnOnce(&Reader<'_>, SourceId, SourceId) -> T) -> T {
    let mut sources = Sources::default();
    let (below, above) = (sources.add("base.toml", base), sources.add("own.toml", own));
    let base = Reader::parse(below, sources.text(below), &CODES);
    let reader = Reader::parse(above, sources.text(above), &CODES).over(base, &LAYOUT);
    read(&reader, below, above)
}

#[test]
fn a_key_that_is_said_again_keeps_its_turn_and_has_its_new_place() {
    let base = "[entries]\nsecond = 1\nfirst = 2\nthird = 3\n";
    laid(base, "[entries]\nfirst = 9\nlast = 4\n", |reader, below, above| {
        let entries = reader.root().table("entries").unwrap().entries();
        let found: Vec<_> = entries
            .iter()
            .map(|(key, node)| (key.value.as_str(), node.as_integer().unwrap().value, key.span.source))
            .collect();
        assert_eq!(
            found,
            [("second", 1, below), ("first", 9, above), ("third", 3, below), ("last", 4, above)]
        );
        assert_eq!(entries[1].0.span.range(), 10..15);
        assert_eq!(entries[2].1.span().range(), 39..40);
    });
}

#[test]
fn rows_are_told_apart_by_their_name() {
    let base = "[[row]]\nname = 1\nkey = \"one\"\n[[row]]\nname = { json = \"null\" }\nkey = \"null\"\n";
    let own = "[[row]]\nname = { json = \"null\" }\nmore = true\n[[row]]\nname = \"1\"\n";
    laid(base, own, |reader, _, _| {
        let mut rows = reader.root().tables("row");
        let keys: Vec<_> = rows.iter_mut().map(|row| row.text("key").map(|key| key.value)).collect();
        assert_eq!(keys, [Some("one".to_owned()), Some("null".to_owned())]);
        assert_eq!(rows[1].boolean("more").map(|more| more.value), Some(true));
    });
}

#[test]
fn what_is_a_texts_own_is_not_taken_from_below() {
    laid("own = 1\nother = 2\n", "", |reader, below, _| {
        let mut root = reader.root();
        assert!(root.node("own").is_none());
        assert_eq!(root.integer("other").unwrap().span.source, below);
    });
}

#[test]
fn what_lacks_in_both_lacks_in_the_one_above() {
    laid("", "\n", |reader, _, above| {
        assert_eq!(reader.root().span().source, above);
        assert!(reader.root().required_text("title").is_none());
        let found = reader.context.found.borrow();
        assert_eq!(found.iter().next().unwrap().primary().unwrap().source, above);
    });
}

#[test]
fn faults_below_are_not_told_again() {
    let found = |base, own| {
        let mut sources = Sources::default();
        let (below, above) = (sources.add("base.toml", base), sources.add("own.toml", own));
        let base = Reader::parse(below, sources.text(below), &CODES);
        let reader = Reader::parse(above, sources.text(above), &CODES).over(base, &LAYOUT);
        reader
            .into_diagnostics()
            .into_vec()
            .into_iter()
            .map(|one| one.primary().unwrap().source == above)
            .collect()
    };
    let told: Vec<bool> = found("a = oops\n", "b = oops\n");
    assert_eq!(told, [true]);
}
