//! Answers that differ in known places.

use std::sync::Arc;

use http::StatusCode;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::diag::Sources;
use crate::json::{Document, Limits};
use crate::problem::{ErrorStatus, Place, Violation};
use crate::schema::{SchemaFile, Store};

const LIST: &str = r#"{
    "type": "object",
    "properties": {
        "items": {"type": "array", "items": {
            "type": "object",
            "properties": {
                "id": {"type": "string", "format": "uuid"},
                "owner_id": {"type": "string", "format": "uuid"},
                "role": {"enum": ["admin", "viewer"]},
                "note": {"type": ["string", "null"]},
                "made_at": {"type": "string", "format": "date-time"},
                "rank": {"type": "number"},
                "words": {"type": "array", "items": {"type": "string"}},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}}
            }
        }},
        "total": {"type": "integer"}
    }
}"#;

fn schema() -> Arc<Schema> {
    let source = Sources::default().add("list.json", LIST);
    let file = SchemaFile { source, folder: "canonical".into(), name: "list".into(), text: LIST.into() };
    let (store, found) = Store::load(vec![file]);
    assert_eq!(found, []);
    Arc::clone(store.schema("canonical", "list").unwrap())
}

fn document(value: &serde_json::Value) -> Document {
    Document::parse(value.to_string().into_bytes(), &Limits::default()).unwrap()
}

fn all(_: &[Segment]) -> bool {
    true
}

fn compared(one: &serde_json::Value, other: &serde_json::Value, pairs: &mut Pairs) -> Vec<String> {
    let (schema, masks) = (schema(), Masks::default());
    let by = By { schema: Some(&schema), tells: &all, list: List::default(), masks: &masks, most: 100 };
    let found = bodies(document(one).root(), document(other).root(), &by, pairs);
    assert_eq!(found.more, 0);
    found.found.iter().map(|one| format!("{} {}", one.place, one.what.name())).collect()
}

fn differences(one: &serde_json::Value, other: &serde_json::Value) -> Vec<String> {
    compared(one, other, &mut Pairs::default())
}

#[expect(clippy::needless_pass_by_value, reason = "it becomes a part")]
fn items(items: serde_json::Value) -> serde_json::Value {
    json!({"items": items, "total": 2})
}

#[test]
fn what_is_written_otherwise_and_means_the_same_is_the_same() {
    for (one, other) in [
        (json!({"rank": 1}), json!({"rank": 1.0})),
        (json!({"rank": 100}), json!({"rank": 1e2})),
        (json!({"note": null}), json!({})),
        (json!({"made_at": "2026-01-01T00:00:00Z"}), json!({"made_at": "2026-02-02T00:00:00Z"})),
        (json!({"id": "a"}), json!({"id": "b"})),
        (json!({"role": "admin", "rank": 1}), json!({"rank": 1, "role": "admin"})),
    ] {
        assert_eq!(differences(&items(json!([one])), &items(json!([other]))), [""; 0], "{one} and {other}");
    }
}

#[test]
fn what_means_something_else_is_told_by_its_place() {
    for (one, other, expected) in [
        (json!({"role": "admin"}), json!({"role": "viewer"}), "/items/*/role value"),
        (json!({"rank": 1}), json!({"rank": 2}), "/items/*/rank value"),
        (json!({"rank": 1}), json!({"rank": "1"}), "/items/*/rank kind"),
        (json!({"rank": null}), json!({}), "/items/*/rank missing"),
        (json!({}), json!({"note": "x"}), "/items/*/note extra"),
        (json!({"words": ["a", "b"]}), json!({"words": ["b", "a"]}), "/items/*/words/* value"),
        (json!({"labels": {"ada@example.com": "x"}}), json!({"labels": {}}), "/items/*/labels/* missing"),
        (json!({"new": 1}), json!({}), "/items/*/* missing"),
        (json!({"new": {"ada@example.com": 1}}), json!({}), "/items/*/*/* missing"),
        (
            json!({"made_at": "2026-01-01T00:00:00Z"}),
            json!({"made_at": "yesterday"}),
            "/items/*/made_at value",
        ),
        (json!({"owner_id": "a"}), json!({"owner_id": ""}), "/items/*/owner_id value"),
    ] {
        let (mut one, mut other) = (one, other);
        (one["id"], other["id"]) = (json!("a"), json!("a"));
        let found = differences(&items(json!([one])), &items(json!([other])));
        assert_eq!(found.first().map(String::as_str), Some(expected), "{one} and {other}");
    }
    assert_eq!(differences(&json!({"total": 1}), &json!({"total": 2})), ["/total value"]);
}

#[test]
fn the_order_of_what_has_ids_does_not_matter() {
    let (a, b) = (json!({"id": "a", "role": "admin"}), json!({"id": "b", "role": "viewer"}));
    assert_eq!(differences(&items(json!([a, b])), &items(json!([b, a]))), [""; 0]);
    // The ids were made anew, and the rest says which is which.
    let (x, y) = (json!({"id": "x", "role": "admin"}), json!({"id": "y", "role": "viewer"}));
    assert_eq!(differences(&items(json!([a, b])), &items(json!([y, x]))), [""; 0]);
    // One that changed is compared with the one that is most like it.
    let changed = json!({"id": "z", "role": "viewer", "rank": 3, "note": "n"});
    let before = json!({"id": "c", "role": "admin", "rank": 3, "note": "n"});
    assert_eq!(differences(&items(json!([a, before])), &items(json!([changed, x]))), ["/items/*/role value"]);
    assert_eq!(differences(&items(json!([a, b])), &items(json!([b]))), ["/items/* missing"]);
    assert_eq!(differences(&items(json!([b])), &items(json!([b, a]))), ["/items/* extra"]);
}

/// The differences, and how many items have no counterpart on a page.
fn listed(list: List<'_>, one: serde_json::Value, other: serde_json::Value) -> (Vec<String>, usize) {
    let (schema, masks) = (schema(), Masks::default());
    let by = By { schema: Some(&schema), tells: &all, list, masks: &masks, most: 100 };
    let [one, other] = [one, other].map(|list| document(&items(list)));
    let found = bodies(one.root(), other.root(), &by, &mut Pairs::default());
    let told = found.found.iter().map(|one| format!("{} {}", one.place, one.what.name())).collect();
    (told, found.apart)
}

#[test]
fn items_that_are_named_otherwise_are_two_and_those_that_are_named_alike_one() {
    let key = |at: &str, any_case| Key { at: vec![at.into()], any_case };
    let keys = [key("note", true), key("rank", false)];
    let whole = List { keys: &keys, ..List::default() };
    let ada = json!([{"id": "a", "role": "admin", "note": "ada@example.com", "words": ["x"]}]);
    let bob = json!([{"id": "b", "role": "viewer", "note": "bob@example.com", "words": ["x"]}]);
    let (missing, extra) = ("/items/* missing".to_owned(), "/items/* extra".to_owned());
    assert_eq!(listed(whole, ada.clone(), bob.clone()), (vec![missing.clone(), extra.clone()], 0));
    assert_eq!(listed(List::default(), ada.clone(), bob.clone()).0.len(), 2, "else they are compared");

    // Most of what she has is like Bob's now.
    let ada_now = json!([
        {"id": "y", "role": "admin", "note": "ADA@example.com"},
        {"id": "z", "role": "admin", "note": "cy@example.com", "words": ["x"]},
    ]);
    let found = listed(whole, ada.clone(), ada_now).0;
    assert_eq!(found, ["/items/*/note value", "/items/*/words/* missing", "/items/* extra"]);

    // The better name counts, and else the next that both have.
    let rank = |id: &str, rank: u32| json!([{"id": id, "role": "admin", "rank": rank}]);
    assert_eq!(listed(whole, rank("a", 1), rank("b", 2)).0, [missing, extra]);
    let same_id = json!([{"id": "a", "role": "admin", "note": "eve@example.com", "words": ["x"]}]);
    assert_eq!(
        listed(whole, ada, same_id),
        (vec!["/items/*/note value".to_owned()], 0),
        "one got another name"
    );
}

#[test]
fn what_is_on_one_page_alone_is_counted_and_no_difference() {
    let keys = [Key { at: vec!["note".into()], any_case: false }];
    let page = List { keys: &keys, is_page: true, is_cut: false };
    let on = |names: &[&str], role: &str| -> serde_json::Value {
        names.iter().map(|name| json!({"id": name, "note": name, "role": role})).collect()
    };
    assert_eq!(listed(page, on(&["a", "b"], "admin"), on(&["b", "c"], "admin")), (vec![], 2));
    let found = listed(page, on(&["a", "b"], "admin"), on(&["b", "c"], "viewer"));
    assert_eq!(found, (vec!["/items/*/role value".to_owned()], 2), "what both have is compared");
}

#[test]
fn a_page_that_is_empty_or_shorter_or_has_an_item_twice_is_a_difference() {
    let keys = [Key { at: vec!["note".into()], any_case: false }];
    let page = List { keys: &keys, is_page: true, is_cut: false };
    let on = |names: &str| -> serde_json::Value {
        names.chars().map(|name| json!({"id": name, "note": name, "role": "admin"})).collect()
    };
    let (missing, extra) = ("/items/* missing", "/items/* extra");
    for (one, other, expected, apart) in [
        ("abc", "cba", vec![], 0),
        ("abc", "bcd", vec![], 2),
        ("abc", "", vec![missing, missing, missing], 0),
        ("", "ab", vec![extra, extra], 0),
        // One of the two may be elsewhere, but not both.
        ("abc", "ad", vec![missing], 2),
        ("abc", "abcd", vec![extra], 0),
        ("abb", "abc", vec![missing, extra], 0),
        ("abb", "ab", vec![missing], 0),
        ("abc", "dee", vec![extra, missing], 4),
        ("abb", "cbb", vec![], 2),
    ] {
        let (found, found_apart) = listed(page, on(one), on(other));
        assert_eq!(
            (found, found_apart),
            (expected.into_iter().map(str::to_owned).collect(), apart),
            "{one} {other}"
        );
    }
    // Where items are left out, a page may be as short as that makes it; but none stands on it twice.
    let cut = List { is_cut: true, ..page };
    assert_eq!(listed(cut, on("abc"), on("a")), (vec![], 2));
    assert_eq!(listed(cut, on("abb"), on("ac")), (vec![missing.to_owned()], 2));
    assert_eq!(listed(cut, on("a"), on("")), (vec![missing.to_owned()], 0), "but not empty");
}

#[test]
fn items_without_ids_stand_twice_on_a_page_if_all_that_is_told_of_them_does() {
    let page = List { is_page: true, ..List::default() };
    let on =
        |ranks: &[u32]| -> serde_json::Value { ranks.iter().map(|rank| json!({"rank": rank})).collect() };
    assert_eq!(listed(page, on(&[1, 2]), on(&[2, 1])), (vec![], 0));
    assert_eq!(listed(page, on(&[1, 2, 2]), on(&[1, 2])), (vec!["/items/* missing".to_owned()], 0));
}

#[test]
fn of_a_long_list_in_another_order_each_item_is_compared_with_its_namesake() {
    let keys = [Key { at: vec!["note".into()], any_case: false }];
    let list = |ids: &str, role: &str, numbers: &mut dyn Iterator<Item = u32>| -> serde_json::Value {
        numbers
            .map(|number| json!({"id": format!("{ids}{number}"), "note": format!("n{number}"), "role": role}))
            .collect()
    };
    for is_page in [false, true] {
        let one = list("a", "admin", &mut (0..1000));
        let other = list("b", "viewer", &mut (0..1000).rev());
        let (found, apart) = listed(List { keys: &keys, is_page, is_cut: false }, one, other);
        assert!(found.iter().all(|one| one == "/items/*/role value"), "{found:?}");
        assert_eq!((found.is_empty(), apart), (false, 0));
    }
}

#[test]
fn an_id_stands_for_one_id_all_along() {
    let mut pairs = Pairs::default();
    let one = items(json!([{"id": "a", "owner_id": "a"}]));
    assert_eq!(compared(&one, &items(json!([{"id": "x", "owner_id": "x"}])), &mut pairs), [""; 0]);
    let other = items(json!([{"id": "x", "owner_id": "y"}]));
    assert_eq!(compared(&one, &other, &mut pairs), ["/items/*/owner_id id"]);
    let taken = items(json!([{"id": "b", "owner_id": "x"}]));
    let found = compared(&items(json!([{"id": "b", "owner_id": "b"}])), &taken, &mut pairs);
    assert_eq!(found, ["/items/*/owner_id id"], "`x` stands for `a`");
}

#[test]
fn an_id_that_both_have_stands_for_itself_whatever_was_met_before() {
    let mut pairs = Pairs::default();
    let of = |owner: &str| json!({"owner_id": owner});
    assert_eq!(compared(&items(json!([of("a")])), &items(json!([of("b")])), &mut pairs), [""; 0]);
    for same in ["a", "b", "a"] {
        assert_eq!(
            compared(&items(json!([of(same)])), &items(json!([of(same)])), &mut pairs),
            [""; 0],
            "{same}"
        );
    }
    let mut pairs = Pairs::of_records();
    let of = |owner: &str| items(json!([{"id": "m", "owner_id": owner}]));
    assert_eq!(compared(&of("a"), &of("b"), &mut pairs), ["/items/*/owner_id id"]);
    assert_eq!(compared(&of("b"), &of("b"), &mut pairs), [""; 0]);
}

#[test]
fn a_failure_of_one_side_is_no_noise() {
    let masks = Masks::default();
    let by = By { schema: None, tells: &all, list: List::default(), masks: &masks, most: 10 };
    let answer = |status| Ok(Answer { status, body: None });
    let sides = [answer(StatusCode::OK), answer(StatusCode::ACCEPTED)];
    let between = outcomes([&sides[0], &sides[1]], &by, &mut Pairs::default());
    let mut noise = Noise::default();
    noise.learn(&between);
    assert!(!noise.without(between).is_empty());
}

#[test]
fn what_is_no_noise_is_told_however_much_noise_there_is() {
    let (schema, masks) = (schema(), Masks::default());
    let by = By { schema: Some(&schema), tells: &all, list: List::default(), masks: &masks, most: 2 };
    let of = |rank: usize, role: &str| {
        let rows = (0..30).map(|row| json!({"id": format!("{row}"), "rank": rank + row}));
        let last = json!({"id": "last", "role": role});
        document(&items(rows.chain([last]).collect()))
    };
    let compare =
        |one: &Document, other: &Document| bodies(one.root(), other.root(), &by, &mut Pairs::default());
    let mut noise = Noise::default();
    noise.learn(&compare(&of(0, "admin"), &of(100, "admin")));
    assert!(noise.without(compare(&of(0, "admin"), &of(100, "admin"))).is_empty());
    let left = noise.without(compare(&of(0, "admin"), &of(100, "viewer")));
    assert_eq!((left.found.len(), left.more), (1, 0));
    assert_eq!(left.found[0].place, "/items/*/role");
}

#[test]
fn names_that_may_be_anybodys_are_not_told_of_refusals() {
    let place = Place::from_pointer("/metadata/ada@example.com").unwrap();
    let violation = Violation { place, kind: "enum".into(), message: "for people".to_owned() };
    let status = ErrorStatus::new(StatusCode::UNPROCESSABLE_ENTITY).unwrap();
    let refusal =
        |violations| Err(Box::new(Problem::from_backend(status, "x".to_owned(), "for people", violations)));
    let masks = Masks::default();
    let by = By { schema: None, tells: &all, list: List::default(), masks: &masks, most: 10 };
    let found = outcomes([&refusal(vec![violation]), &refusal(Vec::new())], &by, &mut Pairs::default());
    assert_eq!(found.found[0].place, "errors/metadata/*");
}

#[test]
fn only_what_both_sides_tell_is_compared() {
    let (schema, masks) = (schema(), Masks::default());
    let tells = |place: &[Segment]| !matches!(place.last(), Some(Segment::Name(name)) if name == "role");
    let by = By { schema: Some(&schema), tells: &tells, list: List::default(), masks: &masks, most: 10 };
    let one = document(&items(json!([{"id": "a", "role": "admin", "rank": 1}])));
    let other = document(&items(json!([{"id": "a", "rank": 2}])));
    let found = bodies(one.root(), other.root(), &by, &mut Pairs::default());
    assert_eq!(found.found.len(), 1);
    assert_eq!(found.found[0].place, "/items/*/rank");
}

#[test]
fn nothing_of_the_values_is_told_and_no_more_than_asked_for() {
    let (schema, masks) = (schema(), Masks::default());
    let by = By { schema: Some(&schema), tells: &all, list: List::default(), masks: &masks, most: 2 };
    let of = |text: &str| {
        let rows = (0..5).map(|row| json!({"id": format!("{row}"), "note": format!("{text}{row}")}));
        document(&items(rows.collect()))
    };
    let (one, other) = (of("hunter2"), of("grace@example.com"));
    let found = bodies(one.root(), other.root(), &by, &mut Pairs::default());
    assert_eq!((found.found.len(), found.more), (2, 3));
    let said = format!("{found:?}");
    assert!(!said.contains("hunter2") && !said.contains("example.com"), "{said}");
    let again = bodies(one.root(), other.root(), &by, &mut Pairs::default());
    assert_eq!(found, again, "the same value has the same digest");
    let elsewhere = Masks::default();
    let by = By { masks: &elsewhere, ..by };
    assert_ne!(
        found,
        bodies(one.root(), other.root(), &by, &mut Pairs::default()),
        "in another run it has another"
    );
}

#[test]
fn noise_is_subtracted() {
    let (schema, masks) = (schema(), Masks::default());
    let by = By { schema: Some(&schema), tells: &all, list: List::default(), masks: &masks, most: 10 };
    let of = |rank: i32, role: &str| document(&items(json!([{"id": "a", "rank": rank, "role": role}])));
    let compare =
        |one: &Document, other: &Document| bodies(one.root(), other.root(), &by, &mut Pairs::default());
    let mut noise = Noise::default();
    noise.learn(&compare(&of(1, "admin"), &of(2, "admin")));
    assert_eq!(noise.places().collect::<Vec<_>>(), ["/items/*/rank"]);
    let left = noise.without(compare(&of(3, "admin"), &of(4, "viewer")));
    assert_eq!(left.found.iter().map(|one| one.place.as_str()).collect::<Vec<_>>(), ["/items/*/role"]);
}

#[test]
fn refusals_differ_in_status_word_and_places() {
    let refusal = |status: u16, code: &str, pointer: &str| {
        let status = ErrorStatus::new(StatusCode::from_u16(status).unwrap()).unwrap();
        let place = Place::from_pointer(pointer).unwrap();
        let violation = Violation { place, kind: "enum".into(), message: "for people".to_owned() };
        Err(Box::new(Problem::from_backend(status, code.to_owned(), "for people", vec![violation])))
    };
    let masks = Masks::default();
    let by = By { schema: None, tells: &all, list: List::default(), masks: &masks, most: 10 };
    let told = |one, other| {
        let found = outcomes([&one, &other], &by, &mut Pairs::default());
        found.found.into_iter().map(|one| one.place).collect::<Vec<_>>()
    };
    let same = || refusal(422, "invalid-request", "/emails/1/role");
    assert_eq!(told(same(), same()), [""; 0]);
    assert_eq!(told(same(), refusal(422, "invalid-request", "/emails/4/role")), [""; 0]);
    assert_eq!(told(same(), refusal(422, "other", "/emails/1/role")), ["code"]);
    let places = told(same(), refusal(422, "invalid-request", "/email"));
    assert_eq!(places, ["errors/emails/*/role", "errors/email"]);
    assert_eq!(told(same(), refusal(404, "not-found", "")), ["status"]);
    let success = Ok(Answer { status: StatusCode::OK, body: None });
    assert_eq!(told(success, same()), ["status"]);
}

/// Lists of a few kinds of items.
fn lists() -> impl Strategy<Value = serde_json::Value> {
    let id = prop::sample::select(vec!["a", "b", "c", "d"]);
    let role = prop::sample::select(vec![json!("admin"), json!("viewer"), json!(null), json!(7)]);
    let words = prop::collection::vec(prop::sample::select(vec!["x", "y"]), 0..3);
    let item =
        (id, role, words).prop_map(|(id, role, words)| json!({"id": id, "role": role, "words": words}));
    prop::collection::vec(item, 0..5).prop_map(|list| items(list.into()))
}

proptest! {
    #[test]
    fn every_answer_is_like_itself(list in lists()) {
        prop_assert_eq!(differences(&list, &list), [""; 0]);
    }

    #[test]
    fn two_answers_are_alike_whichever_comes_first(one in lists(), other in lists()) {
        prop_assert_eq!(differences(&one, &other).is_empty(), differences(&other, &one).is_empty());
    }

    #[test]
    fn what_is_learnt_as_noise_is_never_told(one in lists(), other in lists()) {
        let (schema, masks) = (schema(), Masks::default());
        let by = By { schema: Some(&schema), tells: &all, list: List::default(), masks: &masks, most: 100 };
        let found = bodies(document(&one).root(), document(&other).root(), &by, &mut Pairs::default());
        let mut noise = Noise::default();
        noise.learn(&found);
        prop_assert!(noise.without(found).is_empty());
    }
}
