//! Headers that every dialect takes besides its own: the id of a request, and the key of one that may be sent twice.

use serde_json::{Value, json};

use crate::dialect::Operation;

/// What the documents call them.
const KEY: &str = "IdempotencyKey";
const ID: &str = "RequestId";

/// 1 to 255 visible characters: bare, or as a string of a structured field (RFC 9651, section 3.3.3).
const KEY_PATTERN: &str = r#"^([!#-+\-.\/0-:<-\[\]-~]{1,255}|"([!#-\[\]-~]|\\["\\]){1,255}")$"#;

/// The parameters that operations refer to.
pub(super) fn components() -> Value {
    json!({
        KEY: {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "The same for each attempt at one change. It goes on to the backend, which sees to it that the \
                            change is made once.",
            "schema": { "type": "string", "pattern": KEY_PATTERN },
        },
        ID: {
            "name": "X-Request-Id",
            "in": "header",
            "description": "By what the logs and the answer call the request. One is made where there is none, or none \
                            like that.",
            "schema": { "type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$" },
        },
    })
}

/// References to those that mean something to an operation.
pub(super) fn of(operation: &Operation) -> impl Iterator<Item = Value> {
    // Where nothing changes, a key is not read.
    let key = (!operation.is_safe()).then_some(KEY);
    key.into_iter().chain([ID]).map(|name| json!({ "$ref": format!("#/components/parameters/{name}") }))
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    fn pattern(of: &str) -> Regex {
        Regex::new(components()[of]["schema"]["pattern"].as_str().unwrap()).unwrap()
    }

    /// `gateway::key`, which has the other half of the rule, is tried on the same file.
    #[test]
    fn the_pattern_of_keys_is_the_rule_of_the_gateway() {
        let keys = pattern(KEY);
        let cases: Value =
            serde_json::from_str(include_str!("../../tests/fixtures/idempotency-keys.json")).unwrap();
        for key in cases["keys"].as_array().unwrap() {
            assert!(keys.is_match(key["sent"].as_str().unwrap()), "{key}");
        }
        for none in cases["none"].as_array().unwrap() {
            assert!(!keys.is_match(none.as_str().unwrap()), "{none}");
        }
    }

    #[test]
    fn the_pattern_of_ids_is_that_of_the_server() {
        let ids = pattern(ID);
        let longest = "x".repeat(64);
        for text in ["a", "A_b-9", &longest, "", "a b", "a.b", "\u{e9}", &format!("{longest}x")] {
            let accepted = crate::telemetry::RequestId::accept(&http::HeaderValue::from_str(text).unwrap());
            assert_eq!(ids.is_match(text), accepted.is_some(), "{text}");
        }
    }
}
