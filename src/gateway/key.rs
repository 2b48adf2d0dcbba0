//! Part of phases 3 and 6: the key by which a client says that a request is the same as one it sent before
//! (`Idempotency-Key`, draft-ietf-httpapi-idempotency-key-header).
//!
//! A request that becomes one call hands its key on. One that becomes several makes a key for each, for a backend must not
//! take the second item of a bulk request for the first one sent again.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest, Sha256};

use crate::dialect::Operation;
use crate::limit::Principal;
use crate::problem::Problem;

/// The header that carries the key, both ways.
pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The longest key that is taken.
const LENGTH_MAX: usize = 255;

/// What all digests begin with: another way of making them will have another.
const FORMULA: &[u8] = b"interlingua-idempotency-1";

/// The same for what requests are known again by, which never leaves the process.
const NAME_FORMULA: &[u8] = b"interlingua-key-name-1";

/// A client's key. People put addresses into them, so debug output shows none.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Key {
    /// Without what it is quoted with.
    text: String,
    /// As it is handed on.
    header: HeaderValue,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").finish_non_exhaustive()
    }
}

impl Key {
    /// The one key of a request for that operation, if it has any and may change something. It may be repeated, but not differ.
    pub(super) fn of(operation: &Operation, headers: &HeaderMap) -> Result<Option<Box<Key>>, Box<Problem>> {
        if !headers.contains_key(IDEMPOTENCY_KEY) || operation.is_safe() {
            return Ok(None);
        }
        Key::read(headers).map(Some)
    }

    /// The one key that these headers have.
    fn read(headers: &HeaderMap) -> Result<Box<Key>, Box<Problem>> {
        let refused = |why| Box::new(Problem::bad_request("invalid-idempotency-key", why));
        let mut texts = headers.get_all(IDEMPOTENCY_KEY).iter().map(parse);
        let first = texts.next().flatten().ok_or_else(|| refused(MALFORMED))?;
        for other in texts {
            if other.ok_or_else(|| refused(MALFORMED))? != first {
                return Err(refused("the request has more than one `Idempotency-Key`"));
            }
        }
        let mut header = HeaderValue::try_from(quoted(&first)).map_err(|_| refused(MALFORMED))?;
        header.set_sensitive(true);
        Ok(Box::new(Key { text: first, header }))
    }

    /// The key itself, for a request that becomes one call.
    pub(super) fn header(&self) -> &HeaderValue {
        &self.header
    }

    /// The key of one of several calls.
    pub(super) fn of_item(&self, whose: Principal, operation: &str, index: usize) -> HeaderValue {
        self.derived(&[whose.as_bytes(), operation.as_bytes(), index.to_string().as_bytes()])
    }

    /// The key of an update that depends on what was read before: asked for once more it may have become another.
    pub(super) fn of_update(
        &self,
        whose: Principal,
        operation: &str,
        index: usize,
        only_if: Option<&HeaderValue>,
        body: &[u8],
    ) -> HeaderValue {
        let index = index.to_string();
        let only_if = only_if.map_or(&b""[..], HeaderValue::as_bytes);
        self.derived(&[whose.as_bytes(), operation.as_bytes(), index.as_bytes(), only_if, body])
    }

    /// By what a request is known again that has the key: half of a digest, which tells nothing of it.
    pub(super) fn name(&self, parts: &[&[u8]]) -> [u8; 16] {
        let digest = self.digest(NAME_FORMULA, parts);
        *digest.first_chunk().expect("it is half of a digest")
    }

    /// The digest of the formula's name, the client's key and these, each behind its length so that no two lists of parts
    /// are one text.
    fn digest(&self, formula: &[u8], parts: &[&[u8]]) -> [u8; 32] {
        let mut digest = Sha256::new();
        for part in [formula, self.text.as_bytes()].iter().chain(parts) {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        digest.finalize().into()
    }

    fn derived(&self, parts: &[&[u8]]) -> HeaderValue {
        let digest = self.digest(FORMULA, parts);
        let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let text: String = digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect();
        HeaderValue::try_from(quoted(&text)).expect("digits and quotes are visible ASCII")
    }
}

const MALFORMED: &str = "`Idempotency-Key` must be 1 to 255 visible ASCII characters, in quotes if `\"`, `\\`, `,` or `;` is one of them";

/// Reads a key: a string of a structured field (RFC 9651, section 3.3.3), or its characters alone, as most clients send it.
fn parse(value: &HeaderValue) -> Option<String> {
    let text = value.to_str().ok()?;
    let text = match text.strip_prefix('"') {
        Some(rest) => unquoted(rest.strip_suffix('"')?)?,
        // What could be taken for a list or for parameters has two readings.
        None if text.contains(['"', '\\', ',', ';']) => return None,
        None => text.to_owned(),
    };
    let is_key = (1..=LENGTH_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_key.then_some(text)
}

/// The inside of a string without its backslashes.
fn unquoted(inside: &str) -> Option<String> {
    let mut text = String::with_capacity(inside.len());
    let mut characters = inside.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => return None,
            '\\' => text.push(characters.next().filter(|escaped| matches!(escaped, '"' | '\\'))?),
            other => text.push(other),
        }
    }
    Some(text)
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(values: &[&str]) -> Result<Key, (u16, String)> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(IDEMPOTENCY_KEY, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let read = Key::read(&headers).map(|key| *key);
        read.map_err(|problem| (problem.status.get().as_u16(), problem.code.into_owned()))
    }

    fn key(value: &str) -> Key {
        read(&[value]).unwrap()
    }

    /// Texts with what they mean and how they are handed on, the first two of which are the draft's examples (section 2), and
    /// texts that are no keys. The pattern in `openapi::headers` is tried on the same file.
    fn cases() -> serde_json::Value {
        serde_json::from_str(include_str!("../../tests/fixtures/idempotency-keys.json")).unwrap()
    }

    #[test]
    fn a_key_is_read_with_and_without_quotes_and_handed_on_with_them() {
        for case in cases()["keys"].as_array().unwrap() {
            let key = key(case["sent"].as_str().unwrap());
            assert_eq!(key.text, case["text"], "{case}");
            assert_eq!(key.header.to_str().unwrap(), case["header"], "{case}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for none in cases()["none"].as_array().unwrap() {
            let refused = Err((400, "invalid-idempotency-key".to_owned()));
            assert_eq!(read(&[none.as_str().unwrap()]), refused, "{none}");
        }
    }

    #[test]
    fn one_key_may_be_said_twice_and_two_may_not() {
        assert_eq!(read(&["abc", r#""abc""#]).unwrap(), key("abc"));
        for values in [["abc", "abd"], ["abc", ""], ["", "abc"]] {
            assert!(read(&values).is_err(), "{values:?}");
        }
    }

    /// The value was computed with Python's `hashlib` and `struct`, from the formula in `docs/security.md`.
    #[test]
    fn the_formula_is_what_is_documented() {
        let whose = Principal::of(b"abcd1234");
        let derived = key("abc").of_item(whose, "members.add", 1);
        assert_eq!(derived, "\"c95f34c18389303c58921b778c423671759fab08925b275a9c8f96c5a70853da\"");
    }

    proptest! {
        #[test]
        fn a_key_is_the_same_for_the_same_call_and_another_for_any_other(
            one in ("[a-z\"\\\\;]{1,3}", "[ab]{1,2}", "[a-c.]{1,2}", 0..3_usize),
            two in ("[a-z\"\\\\;]{1,3}", "[ab]{1,2}", "[a-c.]{1,2}", 0..3_usize),
        ) {
            let derived = |(key, whose, operation, index): &(String, String, String, usize)| {
                read(&[&quoted(key)]).unwrap().of_item(Principal::of(whose.as_bytes()), operation, *index)
            };
            prop_assert_eq!(one == two, derived(&one) == derived(&two));
            prop_assert!(parse(&derived(&one)).is_some(), "it is a key itself");
        }

        #[test]
        fn an_update_has_another_key_when_it_is_another(
            one in (proptest::option::of("[ab]{0,2}"), "[ab]{0,2}"),
            two in (proptest::option::of("[ab]{0,2}"), "[ab]{0,2}"),
        ) {
            let key = key("abc");
            let derived = |(tag, body): &(Option<String>, String)| {
                let tag = tag.as_ref().map(|tag| HeaderValue::from_str(tag).unwrap());
                key.of_update(Principal::of(b"a"), "o", 0, tag.as_ref(), body.as_bytes())
            };
            let told = |(tag, body): &(Option<String>, String)| (tag.clone().unwrap_or_default(), body.clone());
            prop_assert_eq!(told(&one) == told(&two), derived(&one) == derived(&two));
            prop_assert_ne!(derived(&one), key.of_item(Principal::of(b"a"), "o", 0));
        }
    }
}
