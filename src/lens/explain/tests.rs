//! What a traced run tells, a line for each step.

use std::sync::Arc;

use super::{How, Loss, Outcome, Told};
use crate::json::Writer;
use crate::lens::op::Op;
use crate::lens::op::each::{Each, Item};
use crate::lens::op::fixed::Fixed;
use crate::lens::op::nested::Nested;
use crate::lens::path::Address;
use crate::lens::support::{address, field, literal, roles};
use crate::lens::{Direction, Field, Input, Lens, Presence, Resolutions, Run, Wrap};
use crate::problem::Place;

/// A line, as in `role ← rank: table, written`.
fn line(told: &Told) -> String {
    let place = |place: &Option<Place>| place.as_ref().map(Place::dotted).unwrap_or_default();
    let rules: Vec<_> = told.how.iter().map(How::rule).collect();
    let outcome = match &told.outcome {
        Outcome::Written(sort) => sort.to_string(),
        Outcome::Kept(sort) => format!("kept {sort}"),
        Outcome::Around(sort) => format!("around {sort}"),
        Outcome::Refused { kind, .. } => format!("refused {kind}"),
        Outcome::LeftOut(reason) => (*reason).to_owned(),
        Outcome::Awaited => "awaited".to_owned(),
        Outcome::Checked => "checked".to_owned(),
        Outcome::Ignored => "ignored".to_owned(),
        Outcome::Lost => "lost".to_owned(),
    };
    format!("{} ← {}: {}, {outcome}", place(&told.to), place(&told.from), rules.join(" "))
}

fn told(lens: &Lens, direction: Direction, body: &str) -> Vec<String> {
    let (known, body) = (Resolutions::default(), literal(body));
    let mut run = Run::new(direction, &known).traced(Vec::new(), Vec::new());
    let input = Input { body: Some(body.value()), ..Input::default() };
    let output = lens.run(input, &mut run, Writer::new());
    let mut plain = Run::new(direction, &known);
    let silent = lens.run(input, &mut plain, Writer::new());
    assert_eq!(output.body.as_bytes(), silent.body.as_bytes(), "who listens changes nothing");
    assert_eq!(run.refusals(), plain.refusals());
    assert!(plain.take_told().is_empty());
    run.take_told().iter().map(line).collect()
}

fn with(field: Field, when: Presence) -> Field {
    Field { when, ..field }
}

fn lens(fields: Vec<Field>) -> Lens {
    Lens::new("test", Wrap::Object, fields)
}

fn role() -> Op {
    Op::Table(Arc::new(roles()))
}

#[test]
fn each_step_tells_where_it_read_and_wrote_and_how() {
    let rank =
        with(field("rank", "role", role()), Presence { default: Some(literal("0")), ..Presence::default() });
    let lens = lens(vec![field("name", "user.name", Op::Copy), rank]);
    let lifted = told(&lens, Direction::Lift, r#"{"name": "Ada", "rank": 2}"#);
    assert_eq!(lifted, ["user.name ← name: copy, string(3)", "role ← rank: table, string(5)"]);
    let lifted = told(&lens, Direction::Lift, "{}");
    assert_eq!(lifted, ["user.name ← name: , holds nothing", "role ← : default, string(6)"]);
    let lowered = told(&lens, Direction::Lower, r#"{"role": "manager"}"#);
    assert_eq!(lowered, ["name ← user.name: , holds nothing", "rank ← role: table, integer"]);
}

#[test]
fn what_stands_for_none_or_is_read_elsewhere_is_told_so() {
    let none = Presence { absent: Some(literal("\"\"")), ..Presence::default() };
    let instead = Presence { instead: Some(address("mail")), ..Presence::default() };
    let lens = lens(vec![
        with(field("note", "note", Op::Copy), none),
        with(field("shown", "name", Op::Copy), instead),
    ]);
    let lifted = told(&lens, Direction::Lift, r#"{"note": ""}"#);
    assert_eq!(lifted[0], "note ← note: blank, holds nothing");
    let lowered = told(&lens, Direction::Lower, r#"{"note": null, "name": null, "mail": "a@b.example"}"#);
    assert_eq!(lowered, ["note ← note: blank absent, string(0)", "shown ← mail: fallback copy, string(11)"]);
}

#[test]
fn fields_that_are_not_meant_say_why() {
    let tagged = |name: &str| {
        let tag = Some((address("thing.type"), literal(&format!("\"{name}\""))));
        with(field(name, "thing.id", Op::Copy), Presence { tag, ..Presence::default() })
    };
    let condition = Some((address("kind"), vec![literal("1")]));
    let when = Presence { lift_when: condition, ..Presence::default() };
    let lens = lens(vec![tagged("space"), tagged("book"), with(field("ids", "ids", Op::Copy), when)]);
    let lifted = told(&lens, Direction::Lift, r#"{"book": "b", "ids": [7], "kind": 0}"#);
    let expected = [
        "thing.id ← space: , holds nothing",
        "thing.id ← book: copy, string(1)",
        "thing.type ← : , what it goes with is not there",
        "thing.type ← : constant, string(4)",
        "ids ← ids: , another field decides against it",
    ];
    assert_eq!(lifted, expected);
}

#[test]
fn what_is_inside_comes_after_what_it_is_in() {
    let user = Arc::new(lens(vec![field("mail", "email", Op::Copy)]));
    let item = Arc::new(lens(vec![field("id", "resource_id", Op::Copy)]));
    let only = vec![(address("type"), literal("\"a\""))];
    let lens = lens(vec![
        field("person", "user", Op::Nested(Nested { lens: user })),
        field("ids", "grants", Op::Each(Each { item: Item::Lens(item), only })),
    ]);
    let right = r#"{"user": {"email": "a@b"}, "grants": [{"type": "b", "resource_id": "1"}, {"type": "a", "resource_id": "22"}]}"#;
    let expected = [
        "person ← user: lens, around object(1)",
        "person.mail ← user.email: copy, string(3)",
        "ids ← grants: each, around array(1)",
        // The first of those that are told, and the second of those there are.
        "ids.0.id ← grants.1.resource_id: copy, string(2)",
        " ← grants.1.type: , ignored",
    ];
    assert_eq!(told(&lens, Direction::Lower, right), expected);
}

#[test]
fn what_is_lost_this_time_is_told_with_its_reason() {
    let loss = |at: &str| Loss {
        number: 0,
        name: format!("test.{at}"),
        at: Address::parse(at).unwrap(),
        direction: Direction::Lower,
        reason: "of no other kind".to_owned(),
        origin: None,
    };
    let only = vec![(address("type"), literal("\"a\""))];
    let grants = field("ids", "grants", Op::Each(Each { item: Item::Copy, only }));
    let lens = lens(vec![grants]).with_losses(vec![loss("grants")]);
    let lowered = |right: &str| told(&lens, Direction::Lower, right);
    let all = lowered(r#"{"grants": [{"type": "a"}]}"#);
    assert_eq!(all, ["ids ← grants: each, array(1)"]);
    let some = lowered(r#"{"grants": [{"type": "a"}, {"type": "b"}]}"#);
    assert_eq!(some, ["ids ← grants: each, array(1)", " ← grants: lost, lost"]);
}

#[test]
fn refusals_are_told_where_they_stand() {
    let item = Arc::new(lens(vec![field("rank", "role", role())]));
    let lens = lens(vec![field("all", "all", Op::Each(Each { item: Item::Lens(item), only: Vec::new() }))]);
    let lifted = told(&lens, Direction::Lift, r#"{"all": [{"rank": 7}]}"#);
    assert_eq!(lifted, ["all ← all: each, refused inside", "all.0.role ← all.0.rank: , refused enum"]);
}

#[test]
fn what_nothing_is_made_of_is_told_with_its_reason_if_it_has_one() {
    let loss = |direction, at: &str| Loss {
        number: 0,
        name: format!("test.{at}"),
        at: Address::parse(at).unwrap(),
        direction,
        reason: "no words for it".to_owned(),
        origin: None,
    };
    let shown = with(field("label", "label", Op::Copy), Presence { shown: true, ..Presence::default() });
    let fixed = field("status", "", Op::Fixed(Fixed(literal("0"))));
    let losses = vec![
        loss(Direction::Lift, "photo"),
        loss(Direction::Lower, "user.zone"),
        loss(Direction::Lower, "note"),
    ];
    let lens = lens(vec![field("name", "user.name", Op::Copy), shown, fixed]).with_losses(losses);
    let lifted =
        told(&lens, Direction::Lift, r#"{"name": "Ada", "photo": "x", "label": 1, "status": 0, "shoe": 44}"#);
    let expected = [
        "user.name ← name: copy, string(3)",
        " ← status: fixed, checked",
        " ← label: , is shown, and never read",
        " ← photo: lost, lost",
        " ← shoe: , ignored",
    ];
    assert_eq!(lifted, expected);
    let lowered =
        told(&lens, Direction::Lower, r#"{"user": {"name": "Ada", "zone": "UTC", "age": 7}, "note": null}"#);
    let expected = [
        "name ← user.name: copy, string(3)",
        "label ← label: , holds nothing",
        "status ← : constant, integer",
        " ← user.zone: lost, lost",
        " ← user.age: , ignored",
    ];
    assert_eq!(lowered, expected, "what holds nothing is no loss");
}
