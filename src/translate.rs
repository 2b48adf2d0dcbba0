//! Whole requests and answers, outside HTTP: from a dialect's request to canonical calls, and from the answers to the
//! dialect's.
//!
//! Nothing here waits or looks anything up. [`lift::lift`] and [`lower::lower`] either finish or say what has to be
//! looked up first; the caller finds it and asks again. The gateway does so over the network, the command line from
//! its arguments.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use percent_encoding::percent_decode_str;

use crate::dialect::operation::RequestBody;
use crate::dialect::page::Cursors;
use crate::dialect::url::Url;
use crate::dialect::{Dialect, Operation, Selected};
use crate::json::{Document, Kind, Value};
use crate::lens::{Need, Parameters};
use crate::problem::{Place, Problem, Root, Segment, Violation};

pub mod answer;
pub mod compare;
pub mod coverage;
pub mod effect;
pub mod explain;
pub mod gather;
mod items;
pub mod keep;
pub mod lift;
pub mod lower;
pub mod misfit;
pub mod reverse;
pub mod withhold;

use self::explain::Narrator;
use self::items::member_at;
pub use self::items::{ItemPlace, Items};
use self::withhold::Wrote;

/// Up to how many parameters of a query are compared with each other, one by one.
const COMPARED_MAX: usize = 16;

/// How many violations a client is told of at once.
pub const VIOLATIONS_MAX: usize = 32;

/// A dialect's request, decoded.
pub struct Request {
    /// Its dialect.
    pub dialect: Arc<Dialect>,
    /// The operation it is meant for.
    pub operation: Arc<Operation>,
    /// The address the client used.
    pub url: Url,
    /// The path parameters.
    pub path: Parameters,
    /// The query parameters.
    pub query: Parameters,
    /// The body.
    pub body: Option<Document>,
    /// How cursors are written in its answer.
    pub cursors: Cursors,
    /// Who is told what is done with it.
    pub narrator: Narrator,
    /// What its client may hear of again.
    pub wrote: Wrote,
}

/// Shows what it is for, and sizes: parameters are what a client wrote.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("dialect", &self.dialect.name)
            .field("operation", &self.operation.name)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

/// How far a translation came.
#[derive(Debug)]
pub enum Step<T> {
    /// To its end.
    Done(T),
    /// To ids that must be looked up first.
    Needs(Vec<Need>),
}

impl Request {
    /// Decodes the parameters, once.
    ///
    /// # Errors
    ///
    /// 400 for escapes that are none, for control characters, and for a query parameter given twice: two readers
    /// would not agree on which one counts.
    pub fn new(selected: Selected, url: Url, body: Option<Document>) -> Result<Request, Box<Problem>> {
        let Selected { dialect, operation, mount: _, path } = selected;
        let path = decode_path(path)?;
        let query = decode_query(url.query())?;
        Ok(Request {
            dialect,
            operation,
            url,
            path,
            query,
            body,
            cursors: Cursors::default(),
            narrator: Narrator::default(),
            wrote: Wrote::default(),
        })
    }

    /// The same request, with somebody to whom it is told what is done with it.
    #[must_use]
    pub fn told_to(self, narrator: Narrator) -> Request {
        Request { narrator, ..self }
    }

    /// Goes on with the case of the operation that the body asks for, if it has any.
    pub fn choose_case(&mut self) {
        let body = self.body.as_ref().map(Document::root);
        let Some(body) = body else { return };
        let chosen = self.operation.case(body).cloned();
        if let Some(case) = chosen {
            let whole = std::mem::replace(&mut self.operation, case);
            self.narrator.tell(|story| story.chose_case(self, &whole));
        }
    }

    /// What the backend refuses of the call of that index, in the places as the client names them.
    pub fn told(&self, problem: Problem, index: usize) -> Box<Problem> {
        let canonical = if self.narrator.is_heard() { problem.violations.clone() } else { Vec::new() };
        let (sent, place) = self.item(index);
        let told = Box::new(told(problem, &self.operation, &place, sent));
        self.narrator.tell(|story| story.renamed(&canonical, &told.violations));
        told
    }

    /// The parts of the body that become one call each.
    pub fn items(&self) -> Items<'_> {
        let root = self.body.as_ref().map(Document::root);
        let RequestBody::Each { over, one, .. } = &self.operation.body else {
            return Items::alone(&[], root);
        };
        let over = over.path.as_slice();
        match root.and_then(|root| member_at(root, over)) {
            Some(list) if list.kind() == Kind::Array => Items::of(over, list),
            Some(alone) if *one => Items::alone(over, Some(alone)),
            Some(_) | None => Items::none(),
        }
    }

    /// The part of the body that the call of that index is made of, and its place in it; nothing if there is none.
    pub fn item(&self, index: usize) -> (Option<Value<'_>>, Vec<Segment>) {
        match self.items().nth(index) {
            Some((value, place)) => (value, place.segments()),
            None => (None, Vec::new()),
        }
    }
}

/// Looks whether query and body are what the operation takes.
///
/// # Errors
///
/// 400 if there is no body and one is needed, 422 with the violations if something does not fit.
pub fn check(request: &Request) -> Result<(), Box<Problem>> {
    let parameters = request.operation.parameters.as_ref();
    let mut violations =
        parameters.map_or_else(Vec::new, |shape| shape.violations(&request.query, VIOLATIONS_MAX));
    if let RequestBody::One { schema } | RequestBody::Each { schema, .. } = &request.operation.body {
        let Some(body) = &request.body else {
            return Err(malformed("missing-body", "this request needs a JSON body"));
        };
        if !schema.is_valid(body.root()) {
            let in_body = schema.violations(body.root(), VIOLATIONS_MAX - violations.len());
            violations.extend(in_body.into_iter().map(Violation::from));
        }
    }
    request.narrator.tell(|story| story.looked_at(request, &violations));
    if violations.is_empty() { Ok(()) } else { Err(Box::new(Problem::invalid(violations))) }
}

/// Looks whether a bulk request has at most `most` items, and no more than its operation takes. Gives how many it has;
/// none if it is no bulk request.
///
/// # Errors
///
/// 422 at the list of the items.
pub fn fan_out(request: &Request, most: usize) -> Result<Option<usize>, Box<Problem>> {
    let RequestBody::Each { over, limit, .. } = &request.operation.body else { return Ok(None) };
    let (items, most) = (request.items().left(), most.min(*limit));
    let place = Place::body(over.segments());
    request.narrator.tell(|story| story.counted(&place, items, most));
    if items <= most {
        return Ok(Some(items));
    }
    let noun = if most == 1 { "item" } else { "items" };
    let message = format!("must hold at most {most} {noun}");
    Err(Box::new(Problem::invalid(vec![Violation { place, kind: "maxItems".into(), message }])))
}

/// Gives the places of the backend's violations the names the client knows. `at` is where the item lies that the
/// call was made of, and `sent` the item. What the client has no name for is said of the whole, in the name of the
/// operation. What is said begins with a verb, so that it goes with whatever the place is called: a canonical name in front
/// of it is left out.
pub fn told(mut problem: Problem, operation: &Operation, at: &[Segment], sent: Option<Value<'_>>) -> Problem {
    for violation in &mut problem.violations {
        let place = operation.request.backwards(&violation.place, sent);
        let said = without_subject(&violation.message, &violation.place).to_owned();
        violation.message = if place.is_none() && !violation.place.segments.is_empty() {
            let said = if begins_with_a_verb(&said) { &said } else { answer::IS_REFUSED };
            format!("something `{}` asks for {said}", operation.name)
        } else {
            said
        };
        violation.place = absolute(place.unwrap_or_else(|| Place::body(Vec::new())), at);
    }
    problem
}

/// A sentence about a place without the name of the place, if that is its subject: `` `/domains/0`: domains is bad`` is `is bad`.
fn without_subject<'s>(said: &'s str, place: &Place) -> &'s str {
    let Some((subject, rest)) = said.split_once(' ').filter(|(_, rest)| begins_with_a_verb(rest)) else {
        return said;
    };
    let subject = subject.trim_matches(['`', '\'', '"']);
    let is_name = |segment: &Segment| matches!(segment, Segment::Name(name) if name == subject);
    let is_place =
        place.segments.iter().any(is_name) || subject == place.dotted() || subject == place.pointer();
    if is_place { rest } else { said }
}

/// Whether what is said of something goes behind its name.
fn begins_with_a_verb(said: &str) -> bool {
    const VERBS: [&str; 16] = [
        "are", "can", "cannot", "contains", "does", "exceeds", "has", "is", "lacks", "may", "must", "needs",
        "should", "was", "were", "will",
    ];
    said.split(' ').next().is_some_and(|first| VERBS.contains(&first))
}

/// The place in the whole request of a place in the item at `at`.
fn absolute(place: Place, at: &[Segment]) -> Place {
    match place.root {
        Root::Body => Place::body(at.iter().cloned().chain(place.segments).collect()),
        Root::Outer => Place::body(place.segments),
        Root::Path | Root::Query => place,
    }
}

fn malformed(code: &'static str, detail: &'static str) -> Box<Problem> {
    Box::new(Problem::bad_request(code, detail))
}

/// Decodes the parameters of a path, once.
///
/// # Errors
///
/// 400 for escapes that are none, or of what is no text, and for control characters.
pub fn decode_path(raw: Parameters) -> Result<Parameters, Box<Problem>> {
    let decoded = |(name, raw): (Box<str>, String)| {
        if is_plain(&raw) {
            return Ok((name, raw));
        }
        let value =
            decode(&raw).ok_or_else(|| malformed("malformed-path", "the path is not percent-encoded UTF-8"));
        value.map(|value| (name, value))
    };
    raw.into_iter().map(decoded).collect()
}

/// Decodes the parameters of a query, once.
///
/// # Errors
///
/// 400 for escapes that are none, for control characters, and for a parameter given twice.
pub fn decode_query(raw: &str) -> Result<Parameters, Box<Problem>> {
    let mut seen = HashSet::new();
    let mut query = Parameters::new();
    for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        // A plus is a space in queries, as HTML forms write them.
        let part = |text: &str| {
            if text.contains('+') { decode(&text.replace('+', " ")) } else { decode(text) }
        };
        let (Some(name), Some(value)) = (part(name), part(value)) else {
            return Err(malformed("malformed-query", "the query is not percent-encoded UTF-8"));
        };
        // Who sends many parameters does not choose how long they are compared.
        let is_repeated = if query.len() < COMPARED_MAX {
            query.iter().any(|(given, _)| **given == *name)
        } else {
            if seen.is_empty() {
                seen.extend(query.iter().map(|(given, _)| given.clone()));
            }
            !seen.insert(name.clone().into_boxed_str())
        };
        if is_repeated {
            return Err(malformed("duplicate-parameter", "a query parameter is given twice"));
        }
        query.push((name.into_boxed_str(), value));
    }
    Ok(query)
}

/// Whether decoding changes nothing, as nearly always.
fn is_plain(raw: &str) -> bool {
    raw.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'%')
}

/// Decodes percent-encoded UTF-8 without control characters.
fn decode(raw: &str) -> Option<String> {
    if is_plain(raw) {
        return Some(raw.to_owned());
    }
    let escapes_are_whole = raw.split('%').skip(1).all(|rest| {
        let digits = rest.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    let text = percent_decode_str(raw).decode_utf8().ok().filter(|_| escapes_are_whole)?;
    (!text.chars().any(char::is_control)).then(|| Cow::into_owned(text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn queries_are_decoded_once() {
        let query = decode_query("a=1&b=x%20y&c=%2520&d&e=+&").unwrap();
        let query: Vec<_> = query.iter().map(|(name, value)| (&**name, value.as_str())).collect();
        assert_eq!(query, [("a", "1"), ("b", "x y"), ("c", "%20"), ("d", ""), ("e", " ")]);
    }

    #[test]
    fn what_two_readers_would_read_differently_is_refused() {
        let code = |raw| decode_query(raw).map_err(|problem| problem.code.into_owned()).unwrap_err();
        assert_eq!(code("a=1&a=2"), "duplicate-parameter");
        assert_eq!(code("a=1&%61=2"), "duplicate-parameter");
        for raw in ["a=%", "a=%4", "a=%zz", "a=%ff", "a=%00", "%0d%0aX: y=1"] {
            assert_eq!(code(raw), "malformed-query", "{raw}");
        }
    }

    #[test]
    fn what_is_said_of_a_place_does_not_name_it() {
        let place = Place::from_pointer("/domains/0").unwrap();
        for (said, expected) in [
            ("domains is bad", "is bad"),
            ("`domains` must be short", "must be short"),
            ("/domains/0 is bad", "is bad"),
            ("domains.0 is bad", "is bad"),
            ("must be short", "must be short"),
            ("domain is bad", "domain is bad"),
            ("domains of others", "domains of others"),
            ("is", "is"),
            ("", ""),
        ] {
            assert_eq!(without_subject(said, &place), expected, "{said}");
        }
        assert!(begins_with_a_verb("must be short") && begins_with_a_verb("is"));
        assert!(
            !begins_with_a_verb("domains")
                && !begins_with_a_verb("no seat is left")
                && !begins_with_a_verb("")
        );
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded_again(text in "[^\\p{Cc}]*") {
            let raw = percent_encoding::utf8_percent_encode(&text, percent_encoding::NON_ALPHANUMERIC).to_string();
            prop_assert_eq!(decode(&raw), Some(text));
        }

        #[test]
        fn no_query_panics(raw in "\\PC*") {
            let _outcome = decode_query(&raw);
        }
    }
}
