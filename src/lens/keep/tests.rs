//! What is kept, and what is written although it looks alike.

use std::sync::Arc;

use proptest::prelude::*;

use super::{Keep, Update};
use crate::json::{Document, Limits, Writer};
use crate::lens::op::each::{Each, Item};
use crate::lens::op::nested::Nested;
use crate::lens::op::row::Row;
use crate::lens::op::{Op, resolve};
use crate::lens::support::*;
use crate::lens::{Direction, Field, Found, Input, Lens, Lookup, Need, Presence, Resolutions, Run, Wrap};

fn document(text: &str) -> Document {
    Document::parse(text.as_bytes().to_vec(), &Limits::default()).unwrap()
}

fn role(left: &str, right: &str) -> Field {
    field(left, right, Op::Table(Arc::new(roles())))
}

fn lens(fields: Vec<Field>) -> Lens {
    Lens::new("test", Wrap::Object, fields)
}

fn with(field: Field, when: Presence) -> Field {
    Field { when, ..field }
}

/// The fields that are kept when `sent` meets `record`.
fn kept(request: &Lens, views: &[&Lens], sent: &str, record: &str) -> Vec<String> {
    let keep = Keep::new(request, views, |at| at.path[0].as_ref() != "of");
    let (sent, record, known) = (document(sent), document(record), Resolutions::default());
    let sent = Input { body: Some(sent.root()), ..Input::default() };
    let update = Update { sent, path: &[], known: &known };
    let kept = keep.kept(&update, record.root()).unwrap();
    let written: Vec<_> = keep.written(&update).concat();
    let kept: Vec<_> = kept.into_iter().flat_map(|kept| kept.names.to_vec()).collect();
    assert!(kept.iter().all(|name| written.contains(name)), "only what is written can be kept");
    kept
}

/// What is lifted of `sent` without its fields of these names.
fn without(request: &Lens, names: &[&str], sent: &str) -> String {
    let is_named = |field: &&Field| field.left.as_ref().is_some_and(|at| names.contains(&&*at.to_string()));
    let indices =
        request.fields().iter().enumerate().filter(|(_, field)| is_named(field)).map(|(index, _)| index);
    match lift(&request.without(&indices.collect::<Vec<_>>()), sent) {
        Became::Body(body) => body,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_told_is_kept_in_every_spelling_and_nothing_else() {
    let request = lens(vec![role("role", "role"), field("name", "name", Op::Copy)]);
    for (sent, record, expected) in [
        (r#"{"role":0}"#, r#"{"role":"manager"}"#, true),
        (r#"{"role":"0"}"#, r#"{"role":"manager"}"#, true),
        (r#"{"role":0}"#, r#"{"role":"viewer"}"#, true),
        (r#"{"role":2}"#, r#"{"role":"manager"}"#, false),
        (r#"{"role":null}"#, r#"{"role":"guest"}"#, true),
        (r#"{"role":null}"#, r#"{"role":"manager"}"#, false),
        // Nobody was told that.
        (r#"{"role":2}"#, r#"{"role":"owner"}"#, false),
        (r#"{"role":0}"#, "{}", false),
        (r#"{"name":"Ada"}"#, r#"{"name":"Ada","role":"manager"}"#, false),
    ] {
        assert_eq!(!kept(&request, &[], sent, record).is_empty(), expected, "{sent} {record}");
    }
}

#[test]
fn a_request_without_losses_keeps_nothing() {
    let request = lens(vec![field("name", "name", Op::Copy), field("shown", "", Op::Constant(literal("1")))]);
    assert!(Keep::new(&request, &[], |_| true).is_empty());
    let view = lens(vec![field("name", "name", Op::Copy), field("other", "role", Op::Copy)]);
    assert!(Keep::new(&request, &[&view], |_| true).is_empty());
}

#[test]
fn what_a_view_shows_counts_and_not_what_the_request_would_show() {
    let request = lens(vec![field("links", "links", Op::Copy)]);
    let absent = Presence { absent: Some(literal("true")), ..Presence::default() };
    let view = lens(vec![with(field("links", "links", Op::Copy), absent)]);
    assert_eq!(kept(&request, &[&view], r#"{"links":true}"#, "{}"), ["links"], "shown where nothing is");
    assert!(kept(&request, &[&view], r#"{"links":true}"#, r#"{"links":false}"#).is_empty());
    assert!(kept(&request, &[&view], r#"{"links":false}"#, "{}").is_empty());

    let request = lens(vec![field("name", "name", Op::Copy)]);
    let instead = Presence { instead: Some(address("email")), shown: true, ..Presence::default() };
    let view = lens(vec![with(field("name", "name", Op::Copy), instead)]);
    let record = r#"{"name":null,"email":"a@example.com"}"#;
    assert_eq!(kept(&request, &[&view], r#"{"name":"a@example.com"}"#, record), ["name"]);

    let request = lens(vec![role("level", "level")]);
    let view = lens(vec![role("level", "resource.level")]);
    let record = r#"{"resource":{"level":"manager"}}"#;
    assert_eq!(kept(&request, &[&view], r#"{"level":0}"#, record), ["level"], "read elsewhere than written");

    let tag = Presence { tag: Some((address("resource"), literal("null"))), ..Presence::default() };
    let view = lens(vec![with(role("role", "role"), tag)]);
    let request = lens(vec![role("role", "role")]);
    let record = r#"{"role":"guest","resource":{"level":"manager"}}"#;
    assert!(kept(&request, &[&view], r#"{"role":null}"#, record).is_empty(), "not shown of this one");
}

fn nested(left: &str, right: &str, fields: Vec<Field>) -> Field {
    let inner = Lens::new("inner", Wrap::Object, fields);
    field(left, right, Op::Nested(Nested { lens: Arc::new(inner) }))
}

#[test]
fn a_view_may_say_by_a_lens_of_its_own_what_the_request_says_flat_and_the_other_way_round() {
    let instead = || Presence { instead: Some(address("name")), shown: true, ..Presence::default() };
    let title = |left: &str| with(field(left, "text", Op::Copy), instead());
    let (flat_view, nested_view) =
        (lens(vec![title("info.title")]), lens(vec![nested("info", "$body", vec![title("title")])]));
    let deep_view = lens(vec![nested("info", "$body", vec![nested("deep", "$body", vec![title("title")])])]);
    let flat = lens(vec![field("info.title", "text", Op::Copy)]);
    let inside = lens(vec![nested("info", "$body", vec![field("title", "text", Op::Copy)])]);
    let deep = lens(vec![field("info.deep.title", "text", Op::Copy)]);
    let record = r#"{"text":null,"name":"Northwind"}"#;
    let sent = |text: &str| format!(r#"{{"info":{{"title":"{text}"}}}}"#);
    for (request, view, name) in [
        (&flat, &flat_view, "info.title"),
        (&flat, &nested_view, "info.title"),
        (&inside, &flat_view, "info"),
        (&inside, &nested_view, "info"),
    ] {
        assert_eq!(kept(request, &[view], &sent("Northwind"), record), [name], "{view:?}");
        assert!(kept(request, &[view], &sent("Southwind"), record).is_empty());
    }
    let sent = r#"{"info":{"deep":{"title":"Northwind"}}}"#;
    assert_eq!(kept(&deep, &[&deep_view], sent, record), ["info.deep.title"]);
}

#[test]
fn what_is_shown_as_a_whole_and_as_it_is_is_shown_in_its_parts() {
    let absent = Presence { absent: Some(literal(r#"{"title":"none"}"#)), ..Presence::default() };
    let view = lens(vec![with(field("info", "info", Op::Copy), absent)]);
    let request = lens(vec![field("info.title", "info.title", Op::Copy)]);
    let sent = r#"{"info":{"title":"none"}}"#;
    assert_eq!(kept(&request, &[&view], sent, "{}"), ["info.title"], "shown where nothing is");
    assert!(kept(&request, &[&view], sent, r#"{"info":{"title":"some"}}"#).is_empty());
}

#[test]
fn what_is_read_elsewhere_than_it_is_written_to_is_compared() {
    let request = lens(vec![field("name", "nick", Op::Copy)]);
    let view = lens(vec![field("name", "name", Op::Copy)]);
    assert_eq!(kept(&request, &[&view], r#"{"name":"Ada"}"#, r#"{"name":"Ada"}"#), ["name"]);
}

#[test]
fn a_list_that_is_told_in_part_is_kept_if_that_part_is_the_same() {
    let part = |only| Op::Each(Each { item: Item::Lens(Arc::new(grant())), only });
    let of = Presence { tag: Some((address("of"), literal("1"))), ..Presence::default() };
    let request = lens(vec![with(field("ids", "grants", part(vec![(address("kind"), literal("1"))])), of)]);
    let record = r#"{"grants":[{"id":7,"kind":1,"level":"x"},{"id":8,"kind":2}]}"#;
    assert_eq!(kept(&request, &[], r#"{"ids":[7]}"#, record), ["ids"]);
    assert!(kept(&request, &[], r#"{"ids":[8]}"#, record).is_empty());
    assert_eq!(without(&request, &["ids"], r#"{"ids":[7]}"#), "", "the tag goes with it");
}

fn grant() -> Lens {
    let kind = Field { left: None, ..field("", "kind", Op::Constant(literal("1"))) };
    Lens::new("grant", Wrap::Scalar(0), vec![field("id", "id", Op::Copy), kind])
}

#[test]
fn fields_that_share_a_place_are_kept_together() {
    let one = Presence { tag: Some((address("kind"), literal("1"))), ..Presence::default() };
    let two = Presence { tag: Some((address("kind"), literal("2"))), ..Presence::default() };
    let request = lens(vec![with(role("a", "role"), one), with(role("b", "role"), two)]);
    let record = r#"{"kind":1,"role":"manager"}"#;
    assert_eq!(kept(&request, &[], r#"{"a":0}"#, record), ["a", "b"]);
    assert!(kept(&request, &[], r#"{"b":0}"#, record).is_empty(), "it is no `b`");
    assert_eq!(without(&request, &["a", "b"], r#"{"a":0,"b":2}"#), "");
}

#[test]
fn what_is_kept_still_decides_about_what_is_not() {
    let when = Presence { lift_when: Some((address("role"), vec![literal("0")])), ..Presence::default() };
    let request = lens(vec![role("role", "role"), with(field("ids", "grants", Op::Copy), when)]);
    let sent = r#"{"role":0,"ids":[1]}"#;
    assert_eq!(kept(&request, &[], sent, r#"{"role":"manager"}"#), ["role"]);
    assert_eq!(without(&request, &["role"], sent), r#"{"grants":[1]}"#);
}

#[test]
fn what_the_client_did_not_say_was_not_read() {
    let when = Presence { default: Some(literal("0")), ..Presence::default() };
    let request = lens(vec![with(role("role", "role"), when)]);
    assert!(kept(&request, &[], "{}", r#"{"role":"manager"}"#).is_empty(), "a default is a wish");
    let when = Presence { fallback: Some(address("all")), ..Presence::default() };
    let request = lens(vec![with(role("role", "role"), when)]);
    assert_eq!(
        kept(&request, &[], r#"{"all":0}"#, r#"{"role":"manager"}"#),
        ["role"],
        "it is said elsewhere"
    );
}

#[test]
fn what_has_to_be_looked_up_is_asked_for_in_the_scope_of_the_call() {
    let resolver = resolve::Resolver {
        index: 3,
        scope: vec!["place_id".to_owned()],
        pattern: None,
        id: None,
        accepted: Vec::new(),
    };
    let row = Op::Row(Row { resolver, table: Arc::new(roles()) });
    let request = lens(vec![field("row", "role", row)]);
    let keep = Keep::new(&request, &[], |_| true);
    let need = |direction, key: &str| Need {
        of: Lookup::Resolver(3),
        direction,
        scope: vec!["p-1".to_owned()],
        key: key.to_owned(),
    };
    let (lifted, lowered) = (need(Direction::Lift, "r-0"), need(Direction::Lower, "admin"));
    let (sent, record) = (document(r#"{"row":"r-0"}"#), document(r#"{"role":"manager"}"#));
    let other = document(r#"{"role":"admin"}"#);
    let mut known = Resolutions::default();
    known.insert(lifted, Found::Value("viewer".to_owned()));
    let sent = Input { body: Some(sent.root()), ..Input::default() };
    let path = [("place_id".into(), "p-1".to_owned())];
    let update = Update { sent, path: &path, known: &known };
    assert_eq!(keep.kept(&update, record.root()).unwrap().len(), 1, "the pair is known by its other half");
    assert_eq!(keep.kept(&update, other.root()).unwrap_err(), std::slice::from_ref(&lowered));

    let mut more = known.clone();
    more.insert(lowered, Found::Value("r-2".to_owned()));
    let update = Update { known: &more, ..update };
    assert!(keep.kept(&update, other.root()).unwrap().is_empty());
}

#[test]
fn what_is_around_the_items_is_compared_with_the_record_of_each() {
    let request = lens(vec![role("$outer.role", "role")]);
    let keep = Keep::new(&request, &[], |_| true);
    let (item, outer, record) =
        (document("{}"), document(r#"{"role":0}"#), document(r#"{"role":"manager"}"#));
    let known = Resolutions::default();
    let sent = Input { body: Some(item.root()), outer: Some(outer.root()), ..Input::default() };
    let kept = keep.kept(&Update { sent, path: &[], known: &known }, record.root()).unwrap();
    assert_eq!(kept[0].names, ["$outer.role"]);
}

proptest! {
    /// Whatever is written, the client is told afterwards what it wrote; and if it was told so before, nothing changed.
    #[test]
    fn afterwards_the_client_is_told_what_it_wrote(before in 0..4usize, said in 0..4usize) {
        let canonical = ["admin", "viewer", "guest", "manager"];
        let told = [r#"{"role":2}"#, r#"{"role":0}"#, r#"{"role":null}"#, r#"{"role":0}"#];
        let request = lens(vec![role("role", "role")]);
        let record = format!(r#"{{"role":"{}"}}"#, canonical[before]);
        let after = match kept(&request, &[], told[said], &record).as_slice() {
            [] => lift(&request, told[said]),
            _ => Became::Body(record.clone()),
        };
        let Became::Body(after) = after else { panic!("{after:?}") };
        prop_assert_eq!(lower(&request, &after), Became::body(told[said]));
        if told[said] == told[before] {
            prop_assert_eq!(after, record);
        }
    }
}

#[test]
fn a_lens_without_all_of_its_fields_writes_nothing() {
    let request = lens(vec![role("role", "role"), field("name", "name", Op::Copy)]);
    let known = Resolutions::default();
    let sent = document(r#"{"role":0,"name":"Ada"}"#);
    let mut run = Run::new(Direction::Lift, &known);
    let input = Input { body: Some(sent.root()), ..Input::default() };
    assert!(request.without(&[0, 1]).run(input, &mut run, Writer::new()).body.is_empty());
    assert_eq!(run.ignored(), 0, "somebody reads them all the same");
}
