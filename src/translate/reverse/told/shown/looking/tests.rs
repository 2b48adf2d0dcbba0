//! Which places are told of an answer, and by which names.

use std::collections::BTreeMap;

use serde_json::{Map, json};

use super::*;
use crate::json::{Document, Limits};

fn object<'n>(members: impl IntoIterator<Item = (&'n str, Part)>, is_map: bool) -> Part {
    let known = members.into_iter().map(|(name, part)| (name.into(), part)).collect::<BTreeMap<_, _>>();
    Part::Object(Members { known, is_map })
}

/// The places that are told of an answer, and of what the mapping would answer.
fn places(part: &Part, heard: &serde_json::Value, again: &serde_json::Value, known: &[&str]) -> Vec<String> {
    let parsed = |value: &serde_json::Value| {
        Document::parse(value.to_string().into_bytes(), &Limits::default()).unwrap()
    };
    let (heard, again) = (parsed(heard), parsed(again));
    let masks = Masks::default();
    let is_known = |place: &str| known.contains(&place);
    let mut looking = Looking::begin(&masks, &is_known);
    looking.at(part, Some(heard.root()), Some(again.root()));
    looking.end().found.into_iter().map(|found| found.place).collect()
}

#[test]
fn no_more_unknown_names_of_an_answer_are_told_than_that() {
    let part = object([("items", Part::Each(Box::new(object([("kind", Part::Shown)], false))))], false);
    let letters: Vec<_> = ('a'..='z').collect();
    let name = |number: usize| format!("n{}{}", letters[number / 26], letters[number % 26]);
    let item = |names: std::ops::Range<usize>| -> serde_json::Value {
        let unknown = names.map(|number| (name(number), json!(1)));
        unknown.chain([("kind".to_owned(), json!("old"))]).collect::<Map<_, _>>().into()
    };
    let again = json!({"items": [{"kind": "new"}, {"kind": "new"}]});
    let all: Vec<_> = (0..UNKNOWN_MAX).map(|number| format!("dialect:/items/*/{}", name(number))).collect();
    let kind = "dialect:/items/*/kind".to_owned();

    // Each place once, though it is in both items.
    let heard = json!({"items": [item(0..UNKNOWN_MAX), item(0..UNKNOWN_MAX)]});
    assert_eq!(places(&part, &heard, &again, &[]), [&all[..], std::slice::from_ref(&kind)].concat());

    // One more, and no room for its name; what was told before is not told again by that.
    let heard = json!({"items": [item(0..UNKNOWN_MAX + 9), item(0..UNKNOWN_MAX)]});
    let any = "dialect:/items/*/*".to_owned();
    assert_eq!(places(&part, &heard, &again, &[]), [&all[..], &[any], std::slice::from_ref(&kind)].concat());

    // What is known takes no room.
    let known: Vec<_> = (0..9).map(|number| format!("dialect:/items/*/{}", name(number))).collect();
    let known: Vec<_> = known.iter().map(String::as_str).chain([&*kind]).collect();
    let rest: Vec<_> =
        (9..UNKNOWN_MAX + 9).map(|number| format!("dialect:/items/*/{}", name(number))).collect();
    assert_eq!(places(&part, &heard, &again, &known), rest);
}

#[test]
fn what_is_read_is_told_only_where_it_is_missing_and_the_mapping_tells_it() {
    let item = || Part::Each(Box::new(object([("links", Part::Read)], false)));
    let part = object(
        [("links", Part::Read), ("rules", object([("type", Part::Read)], false)), ("list", item())],
        false,
    );
    let again = json!({"links": true, "rules": {"type": "none"}, "list": []});
    let all = ["dialect:/links", "dialect:/list", "dialect:/rules"];
    for (heard, told) in [
        (json!({"links": false, "rules": {"type": "all"}, "list": []}), &all[..0]),
        (json!({}), &all),
        (json!({"links": null, "rules": null, "list": []}), &[all[0], all[2]]),
        (json!({"links": true, "rules": {}, "list": []}), &["dialect:/rules/type"]),
    ] {
        assert_eq!(places(&part, &heard, &again, &[]), told, "{heard}");
        assert_eq!(places(&part, &heard, &json!({"links": null}), &[]), [""; 0], "neither tells it: {heard}");
    }
}

#[test]
fn names_of_what_may_be_a_map_are_not_told() {
    let heard = json!({"kind": "a", "jane_doe": 1, "ada": 2});
    let again = json!({"kind": "a"});
    let told = |part: &Part, heard| places(part, heard, &again, &[]);
    let [record, map] = [false, true].map(|is_map| object([("kind", Part::Shown)], is_map));
    assert_eq!(told(&record, &heard), ["dialect:/jane_doe", "dialect:/ada"]);
    assert_eq!(told(&map, &heard), ["dialect:/*"]);
    // Nothing in it says that it is a record.
    assert_eq!(told(&record, &json!({"jane_doe": 1})), ["dialect:/*", "dialect:/kind"]);
}
