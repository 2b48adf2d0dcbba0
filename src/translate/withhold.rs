//! What the backend says of a refusal, and a client must not hear.
//!
//! The sentence of a refusal is the backend's, and goes to the client as it is. A backend that quotes what it was asked can
//! quote too much: so no sentence goes on in which the credential of the request stands, nor one with an e-mail address
//! that the request itself does not have. Such a sentence is taken for one that was not said.

use std::borrow::Cow;
use std::collections::HashSet;

use percent_encoding::percent_decode_str;

use super::Request;
use super::answer::{BACKEND_ERROR, IS_REFUSED, REFUSED, reason};
use crate::json::{Kind, Value};
use crate::problem::Problem;

/// Takes out of a problem what whoever sent `request` with the credential `secret` must not hear. Words of our own stay: they
/// repeat nothing.
pub fn withhold(mut problem: Box<Problem>, secret: &str, request: &Request) -> Box<Problem> {
    if !matches!(problem.code, Cow::Owned(_)) {
        return problem;
    }
    let mut listener = Listener { secret: secret.to_ascii_lowercase(), request, wrote: None };
    if !listener.may_hear(&problem.code) {
        problem.code = Cow::Owned(BACKEND_ERROR.to_owned());
    }
    if !listener.may_hear(&problem.detail) {
        problem.detail = reason(problem.status).into();
    }
    for violation in &mut problem.violations {
        if !listener.may_hear(&violation.kind) {
            violation.kind = REFUSED.into();
        }
        if !listener.may_hear(&violation.message) {
            IS_REFUSED.clone_into(&mut violation.message);
        }
    }
    problem
}

/// Who is told.
struct Listener<'a> {
    /// In lower case, as some write what they quote.
    secret: String,
    request: &'a Request,
    /// The addresses in the request, once anybody has asked for them.
    wrote: Option<HashSet<String>>,
}

impl Listener<'_> {
    fn may_hear(&mut self, text: &str) -> bool {
        readings(text).all(|text| {
            !text.to_ascii_lowercase().contains(&self.secret)
                && addresses(&text).all(|address| self.wrote(&address))
        })
    }

    /// Whether the address is in the request.
    fn wrote(&mut self, address: &str) -> bool {
        let request = self.request;
        let wrote = self.wrote.get_or_insert_with(|| {
            let mut wrote = HashSet::new();
            for (_, text) in request.path.iter().chain(&request.query) {
                wrote.extend(addresses(text));
            }
            if let Some(body) = &request.body {
                collect(body.root(), &mut wrote);
            }
            wrote
        });
        wrote.contains(address)
    }
}

/// A text as it is written, and as it is meant where it is a part of an address of the web.
fn readings(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let decoded = text.contains('%').then(|| percent_decode_str(text).decode_utf8_lossy());
    [Cow::Borrowed(text)].into_iter().chain(decoded)
}

/// The addresses in all texts of a value, names of members included.
fn collect(value: Value<'_>, wrote: &mut HashSet<String>) {
    match value.kind() {
        Kind::String => wrote.extend(value.as_str().iter().flat_map(|text| addresses(text))),
        Kind::Array => value.elements().for_each(|element| collect(element, wrote)),
        Kind::Object => {
            for (name, value) in value.members() {
                wrote.extend(addresses(&name.as_str()));
                collect(value, wrote);
            }
        }
        Kind::Null | Kind::False | Kind::True | Kind::Integer | Kind::Number => {}
    }
}

/// The e-mail addresses in a text, in lower case: what stands around each `@` without a break. Quotes and what encloses are
/// breaks, though an address may have them: what counts is that both sides are read alike.
fn addresses(text: &str) -> impl Iterator<Item = String> {
    text.match_indices('@').filter_map(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + 1..]);
        let begin = before.char_indices().rev().take_while(|(_, c)| is_local(*c)).last()?.0;
        let local = before[begin..].trim_start_matches('.');
        let end = after.find(|c: char| !is_of_host(c)).unwrap_or(after.len());
        let host = after[..end].trim_end_matches(['.', '-']);
        let is_one = !local.is_empty() && !host.is_empty();
        is_one.then(|| format!("{local}@{host}").to_lowercase())
    })
}

fn is_local(c: char) -> bool {
    c.is_alphanumeric() || "!#$%*+^_~.-".contains(c)
}

fn is_of_host(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_what_stands_around_the_sign_without_a_break() {
        let found = |text: &str| addresses(text).collect::<Vec<_>>();
        for text in [
            "Ann.Lee+x@Example.org",
            "`ann.lee+x@example.org` is taken",
            "taken: <ann.lee+x@example.org>.",
            "mailto:ann.lee+x@example.org?subject=no",
            "\"email\":\"ann.lee+x@example.org\"",
            "email=ann.lee+x@example.org.",
        ] {
            assert_eq!(found(text), ["ann.lee+x@example.org"], "{text}");
        }
        assert_eq!(found("ä@ö.example and b@c"), ["ä@ö.example", "b@c"]);
        for text in ["", "@", "a@", "@b", " @ ", "a @b", "a@ b", ".@.", "none at all"] {
            assert!(found(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn a_text_is_read_as_it_is_and_decoded() {
        let all = |text: &'static str| readings(text).map(Cow::into_owned).collect::<Vec<_>>();
        assert_eq!(all("a%40b"), ["a%40b", "a@b"]);
        assert_eq!(all("100 %"), ["100 %", "100 %"]);
        assert_eq!(all("plain"), ["plain"]);
    }
}
