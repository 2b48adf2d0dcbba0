//! What the backend says of a refusal, and a client must not hear.
//!
//! The sentence of a refusal is the backend's, and goes to the client as it is. A backend that quotes what it was asked can
//! quote too much: so no sentence goes on in which the credential of the request stands, nor one with an e-mail address
//! that the request itself does not have. Such a sentence is taken for one that was not said, and a place that names either for
//! the whole body.

use std::borrow::Cow;
use std::sync::OnceLock;

use percent_encoding::percent_decode_str;

use super::Request;
use super::answer::{BACKEND_ERROR, IS_REFUSED, REFUSED, reason};
use crate::json::{Kind, Value};
use crate::problem::{Place, Problem, Segment};

/// Takes out of a problem what whoever sent `request` with the credential `secret` must not hear. Words of our own stay: they
/// repeat nothing.
pub fn withhold(mut problem: Box<Problem>, secret: &str, request: &Request) -> Box<Problem> {
    if !matches!(problem.code, Cow::Owned(_)) {
        return problem;
    }
    let listener = Listener { secret: secret.to_ascii_lowercase(), request };
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
        let is_heard = |segment: &Segment| match segment {
            Segment::Name(name) => listener.may_hear(name),
            Segment::Index(_) => true,
        };
        if !violation.place.segments.iter().all(is_heard) {
            violation.place = Place::body(Vec::new());
        }
    }
    problem
}

/// Who is told.
struct Listener<'a> {
    /// In lower case, as some write what they quote.
    secret: String,
    request: &'a Request,
}

impl Listener<'_> {
    fn may_hear(&self, text: &str) -> bool {
        readings(text).all(|text| {
            !text.to_ascii_lowercase().contains(&self.secret)
                && addresses(&text).all(|address| {
                    address.is_some_and(|address| self.request.wrote.has(self.request, &address))
                })
        })
    }
}

/// What a request has in which there may be addresses, once anybody has asked for them. Collected once: of a bulk request each item
/// may be refused with a sentence of its own.
#[derive(Default)]
pub struct Wrote(OnceLock<String>);

impl Wrote {
    /// Whether an address, in lower case, is in the request, or a part of something that is: then its client knows it.
    fn has(&self, request: &Request, address: &str) -> bool {
        self.0.get_or_init(|| texts_of(request)).contains(address)
    }
}

/// The texts of a request that have an `@`, in lower case and one below the other.
fn texts_of(request: &Request) -> String {
    let mut texts = String::new();
    for (_, text) in request.path.iter().chain(&request.query) {
        add(text, &mut texts);
    }
    if let Some(body) = &request.body {
        collect(body.root(), &mut texts);
    }
    texts
}

fn add(text: &str, texts: &mut String) {
    if text.contains('@') {
        texts.push_str(&text.to_lowercase());
        texts.push('\n');
    }
}

/// A text as it is written, and as it is meant where it is a part of an address of the web.
fn readings(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let decoded = text.contains('%').then(|| percent_decode_str(text).decode_utf8_lossy());
    [Cow::Borrowed(text)].into_iter().chain(decoded)
}

/// All texts of a value, names of members included.
fn collect(value: Value<'_>, texts: &mut String) {
    match value.kind() {
        Kind::String => value.as_str().iter().for_each(|text| add(text, texts)),
        Kind::Array => value.elements().for_each(|element| collect(element, texts)),
        Kind::Object => {
            for (name, value) in value.members() {
                add(&name.as_str(), texts);
                collect(value, texts);
            }
        }
        Kind::Null | Kind::False | Kind::True | Kind::Integer | Kind::Number => {}
    }
}

/// The e-mail address at each `@` of a text, in lower case: what stands around it without a break. None if that is no address
/// that could be read, as a quoted one cannot, nor one with a number for a host: then it may be anybody's.
fn addresses(text: &str) -> impl Iterator<Item = Option<String>> {
    text.match_indices('@').map(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + 1..]);
        let begin = before.char_indices().rev().take_while(|(_, c)| is_local(*c)).last()?.0;
        let local = before[begin..].trim_start_matches(['.', '\'']);
        let end = after.find(|c: char| !is_of_host(c)).unwrap_or(after.len());
        let host = after[..end].trim_end_matches(['.', '-']);
        let is_one = !local.is_empty() && !host.is_empty();
        is_one.then(|| format!("{local}@{host}").to_lowercase())
    })
}

fn is_local(c: char) -> bool {
    c.is_alphanumeric() || "!#$%*+^_~.-'".contains(c)
}

fn is_of_host(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_what_stands_around_the_sign_without_a_break() {
        let found = |text: &str| addresses(text).flatten().collect::<Vec<_>>();
        for text in [
            "Ann.Lee+x@Example.org",
            "`ann.lee+x@example.org` is taken",
            "taken: <ann.lee+x@example.org>.",
            "mailto:ann.lee+x@example.org?subject=no",
            "\"email\":\"ann.lee+x@example.org\"",
            "email=ann.lee+x@example.org.",
            "'ann.lee+x@example.org' is taken",
        ] {
            assert_eq!(found(text), ["ann.lee+x@example.org"], "{text}");
        }
        assert_eq!(found("ä@ö.example and b@c"), ["ä@ö.example", "b@c"]);
        assert_eq!(found("o'brien@example.org"), ["o'brien@example.org"]);
        for text in ["@", "a@", "@b", " @ ", "a @b", "a@ b", ".@.", "\"a b\"@c", "a@[192.0.2.1]"] {
            assert_eq!(addresses(text).collect::<Vec<_>>(), [None], "{text}");
        }
        assert_eq!(addresses("none at all").count(), 0);
    }

    #[test]
    fn a_text_is_read_as_it_is_and_decoded() {
        let all = |text: &'static str| readings(text).map(Cow::into_owned).collect::<Vec<_>>();
        assert_eq!(all("a%40b"), ["a%40b", "a@b"]);
        assert_eq!(all("100 %"), ["100 %", "100 %"]);
        assert_eq!(all("plain"), ["plain"]);
    }
}
