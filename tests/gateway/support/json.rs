//! Expected JSON with markers for what nobody can know beforehand, and documents that are like others.
//!
//! | marker | stands for |
//! | --- | --- |
//! | `"<any>"` | anything |
//! | `"<boolean>"` | true or false |
//! | `"<number>"` | an integer, in a header its digits |
//! | `"<optional>"` | anything, or nothing at all |
//! | `"<text>"` | a text that is not empty |
//! | `"<text with a, b>"` | a text in which `a` and `b` occur |
//! | `"<text without a>"` | a text in which `a` does not occur |
//! | `"<timestamp>"` | a moment in UTC, as RFC 3339 writes it |

use serde_json::Value;

/// Says where a value differs from what is expected.
pub(crate) fn differences(expected: &Value, found: &Value) -> Vec<String> {
    let mut differences = Vec::new();
    compare("", expected, Some(found), &mut differences);
    differences
}

/// Replaces `{"$like": name, …}` by the document of that name with the members given instead of its own.
pub(crate) fn expanded(value: &Value, document: &dyn Fn(&str) -> Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| expanded(item, document)).collect(),
        Value::Object(members) => {
            let mut object =
                match members.get("$like").map(|name| name.as_str().expect("`$like` names a document")) {
                    Some(name) => match expanded(&document(name), document) {
                        Value::Object(object) => object,
                        other => panic!("`{name}` is no object: {other}"),
                    },
                    None => serde_json::Map::new(),
                };
            for (name, member) in members.iter().filter(|(name, _)| *name != "$like") {
                object.insert(name.clone(), expanded(member, document));
            }
            Value::Object(object)
        }
        scalar => scalar.clone(),
    }
}

fn compare(place: &str, expected: &Value, found: Option<&Value>, differences: &mut Vec<String>) {
    let Some(found) = found else {
        if expected != "<optional>" {
            differences.push(format!("{place}: missing, expected {expected}"));
        }
        return;
    };
    match (expected, found) {
        (Value::Object(wanted), Value::Object(given)) => {
            for (name, value) in wanted {
                compare(&format!("{place}/{name}"), value, given.get(name), differences);
            }
            let extra = given.iter().filter(|(name, _)| !wanted.contains_key(*name));
            differences
                .extend(extra.map(|(name, value)| format!("{place}/{name}: not expected, found {value}")));
        }
        (Value::Array(wanted), Value::Array(given)) if wanted.len() == given.len() => {
            for (index, (wanted, given)) in wanted.iter().zip(given).enumerate() {
                compare(&format!("{place}/{index}"), wanted, Some(given), differences);
            }
        }
        (Value::String(wanted), found) if is_marked(wanted, found) => {}
        (wanted, given) if wanted == given => {}
        _ => differences.push(format!("{place}: expected {expected}, found {found}")),
    }
}

/// Whether a text is a marker that stands for what was found.
fn is_marked(marker: &str, found: &Value) -> bool {
    let text = found.as_str();
    match marker {
        "<any>" | "<optional>" => true,
        "<boolean>" => found.is_boolean(),
        "<number>" => found.is_u64() || text.is_some_and(|text| text.parse::<u64>().is_ok()),
        "<text>" => text.is_some_and(|text| !text.is_empty()),
        "<timestamp>" => text.is_some_and(is_moment),
        _ => {
            let inner = |start| marker.strip_prefix(start).and_then(|rest| rest.strip_suffix('>'));
            match (inner("<text with "), inner("<text without ")) {
                (Some(parts), _) => {
                    text.is_some_and(|text| parts.split(", ").all(|part| text.contains(part)))
                }
                (_, Some(part)) => text.is_some_and(|text| !text.is_empty() && !text.contains(part)),
                (None, None) => false,
            }
        }
    }
}

/// `2023-11-07T05:31:56Z`, with or without a fraction.
fn is_moment(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let Some(rest) = shape.strip_prefix("0000-00-00T00:00:00") else { return false };
    rest == "Z" || rest.strip_prefix('.').is_some_and(|rest| rest.trim_start_matches('0') == "Z")
}

mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_marker_stands_for_its_kind_and_for_nothing_else() {
        let cases = [
            ("<text>", json!("a"), json!("")),
            ("<text with a, b>", json!("bca"), json!("a")),
            ("<text without secret>", json!("a"), json!("a secret")),
            ("<boolean>", json!(true), json!("true")),
            ("<number>", json!(7), json!(-7)),
            ("<number>", json!("7"), json!("7.0")),
            ("<timestamp>", json!("2023-11-07T05:31:56Z"), json!("2023-11-07T05:31:56")),
            ("<timestamp>", json!("2023-11-07T05:31:56.123Z"), json!("2023-11-07 05:31:56Z")),
            ("<something else>", json!("<something else>"), json!("a")),
        ];
        for (marker, good, bad) in cases {
            assert!(differences(&json!(marker), &good).is_empty(), "{marker} {good}");
            assert_eq!(differences(&json!(marker), &bad).len(), 1, "{marker} {bad}");
        }
    }

    #[test]
    fn what_is_missing_and_what_is_too_much_are_told_with_their_places() {
        let expected = json!({"a": [{"b": 1}], "c": "<optional>", "d": null});
        assert!(differences(&expected, &json!({"a": [{"b": 1}], "d": null})).is_empty());
        let found = differences(&expected, &json!({"a": [{"b": 2}], "e": 0}));
        assert_eq!(
            found,
            ["/a/0/b: expected 1, found 2", "/d: missing, expected null", "/e: not expected, found 0"]
        );
    }

    #[test]
    fn a_document_is_like_another_but_for_the_members_given() {
        let documents = |name: &str| match name {
            "inner" => json!({"a": 1, "b": 2}),
            _ => json!({"inner": {"$like": "inner"}, "c": 3}),
        };
        let value = json!([{"$like": "outer", "c": null}, {"$like": "inner", "b": {}}]);
        let expected = json!([{"inner": {"a": 1, "b": 2}, "c": null}, {"a": 1, "b": {}}]);
        assert_eq!(expanded(&value, &documents), expected);
    }
}
