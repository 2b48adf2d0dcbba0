//! Filling the templates.

use std::time::SystemTime;

use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value as Tree};

use super::{ErrorShape, Slot, Template, ViolationSlot, Words, by_field};
use crate::json::{Document, Limits, Value, Writer};
use crate::lens::path::Address;
use crate::problem::{Problem, Segment, Violation};
use crate::time::{rfc3339, whole_seconds};

/// An error as it goes to the client.
#[derive(Debug)]
pub struct Rendered {
    /// The status, folded.
    pub status: StatusCode,
    /// The media type.
    pub content_type: HeaderValue,
    /// The body.
    pub body: Vec<u8>,
}

/// What a slot may be filled from.
struct Context<'a> {
    problem: &'a Problem,
    status: StatusCode,
    now: Option<SystemTime>,
    input: Option<Value<'a>>,
}

impl ErrorShape {
    /// Writes a problem. The folds of the operation come before the dialect's own.
    pub fn render(&self, problem: &Problem, folds: &[(StatusCode, StatusCode)], now: SystemTime) -> Rendered {
        let status = self.fold(problem.status.get(), folds);
        let (_, template) = self.template(problem);
        let body = self.fill(template, &Context { problem, status, now: Some(now), input: None });
        Rendered { status, content_type: self.content_type.clone(), body }
    }

    /// The template a problem is written with, and its name.
    pub fn template(&self, problem: &Problem) -> (&'static str, &Template) {
        match &self.invalid {
            Some(invalid) if !problem.violations.is_empty() => ("invalid", invalid),
            Some(_) | None => ("plain", &self.plain),
        }
    }

    /// Writes why one item of a bulk request failed.
    pub fn render_item(&self, template: &Template, problem: &Problem, input: Option<Value<'_>>) -> String {
        let status = self.fold(problem.status.get(), &[]);
        let body = self.fill(template, &Context { problem, status, now: None, input });
        String::from_utf8(body).expect("names and messages are UTF-8")
    }

    /// The status a refusal is told as.
    pub fn fold(&self, status: StatusCode, folds: &[(StatusCode, StatusCode)]) -> StatusCode {
        let told = folds.iter().chain(&self.folds).find(|(from, _)| *from == status);
        told.map_or(status, |(_, to)| *to)
    }

    /// Writes a body. It is written as it goes along if the template allows that: to put it together first, as a tree,
    /// was a quarter of what a refusal cost.
    fn fill(&self, template: &Template, context: &Context<'_>) -> Vec<u8> {
        let mut out = Writer::with_capacity(BODY_ROOM);
        if let [(path, slot)] = template.fields.as_slice()
            && path.is_empty()
        {
            if self.slot(slot, context, &mut out).is_none() {
                out.raw("{}");
            }
        } else if template.is_orderly {
            self.object(&template.fields, 0, context, &mut out);
        } else {
            out.raw(&self.tree(template, context).to_string());
        }
        out.into_vec()
    }

    /// Writes the object whose members are at that depth of the ways.
    fn object(
        &self,
        fields: &[(Vec<Box<str>>, Slot)],
        depth: usize,
        context: &Context<'_>,
        out: &mut Writer,
    ) -> bool {
        let mut is_written = false;
        out.object_begin();
        for group in same_names(fields, depth) {
            let before = out.len();
            out.key(&group[0].0[depth]);
            let is_told = match group {
                [(path, slot)] if path.len() == depth + 1 => self.slot(slot, context, out).is_some(),
                inner => self.object(inner, depth + 1, context, out),
            };
            if is_told {
                is_written = true;
            } else {
                out.truncate(before);
            }
        }
        out.object_end();
        is_written
    }

    /// The body as a tree, whatever the ways to its slots are.
    fn tree(&self, template: &Template, context: &Context<'_>) -> Tree {
        let mut body = Tree::Object(Map::new());
        for (path, slot) in &template.fields {
            let mut value = Writer::new();
            if self.slot(slot, context, &mut value).is_some() {
                let text = value.into_vec();
                // It is ours, and no deeper than places are.
                let limits = Limits { depth_max: u16::MAX, bytes_max: text.len(), nodes_max: usize::MAX };
                let value = Document::parse(text, &limits).expect("a slot is filled with JSON");
                put(&mut body, path, value.root().to_value());
            }
        }
        body
    }

    /// Writes what fills a slot, if anything does.
    fn slot(&self, slot: &Slot, context: &Context<'_>, out: &mut Writer) -> Option<()> {
        let Context { problem, status, now, input } = *context;
        match slot {
            Slot::ByField { other } => out.raw(&by_field::tree(problem, other).to_string()),
            Slot::Code => out.string(&problem.code),
            Slot::Constant(literal) => out.raw(&literal.value().to_value().to_string()),
            Slot::Input(address) => out.raw(&sent(input?, address)?.to_value().to_string()),
            Slot::Message => out.string(&problem.detail),
            Slot::MessageWithPlaces => out.string(&message_with_places(problem)),
            Slot::RetryAfter => {
                out.integer(whole_seconds(problem.retry_after?).try_into().unwrap_or(i64::MAX));
            }
            Slot::Retryable => out.bool(is_retryable(problem)),
            Slot::Status => out.integer(status.as_u16().into()),
            Slot::Time => out.string(&rfc3339(now?)),
            Slot::Title => out.string(status.canonical_reason().unwrap_or("Error")),
            Slot::Violations(members) => {
                out.array_begin();
                for violation in &problem.violations {
                    self.violation(members, violation, out);
                }
                out.array_end();
            }
            Slot::Word { prefix } => out.string(&[prefix, self.words.of(status)].concat()),
        }
        Some(())
    }

    fn violation(&self, members: &[(String, ViolationSlot)], violation: &Violation, out: &mut Writer) {
        out.object_begin();
        for (name, slot) in members {
            out.key(name);
            match slot {
                ViolationSlot::Dotted => out.string(&violation.place.dotted()),
                ViolationSlot::Kind => out.string(self.kind(&violation.kind)),
                ViolationSlot::Loc => write_loc(violation, out),
                ViolationSlot::Message => out.string(&violation.message),
                ViolationSlot::Pointer => out.string(&violation.place.pointer()),
            }
        }
        out.object_end();
    }

    fn kind<'a>(&'a self, kind: &'a str) -> &'a str {
        let known = self.kinds.iter().find(|(ours, _)| ours == kind);
        known.map(|(_, theirs)| theirs).or(self.other_kind.as_ref()).map_or(kind, String::as_str)
    }
}

impl Words {
    fn of(&self, status: StatusCode) -> &str {
        if let Some((_, word)) = self.exact.iter().find(|(exact, _)| *exact == status) {
            return word;
        }
        self.client.as_deref().filter(|_| status.is_client_error()).unwrap_or(&self.other)
    }
}

/// Whether the same request may succeed later, and does nothing twice if it does.
fn is_retryable(problem: &Problem) -> bool {
    let may_pass = matches!(
        problem.status.get(),
        StatusCode::REQUEST_TIMEOUT
            | StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    );
    may_pass && !problem.is_in_doubt
}

/// Room for the body of an error, so that it does not grow while it is written.
const BODY_ROOM: usize = 512;

/// Fields one after another that have the same name at that depth.
fn same_names(
    fields: &[(Vec<Box<str>>, Slot)],
    depth: usize,
) -> impl Iterator<Item = &[(Vec<Box<str>>, Slot)]> {
    fields.chunk_by(move |(one, _), (other, _)| one.get(depth) == other.get(depth))
}

/// Whether the members of every object come one after another, each once, so that they can be written in their order.
pub(super) fn is_orderly(fields: &[(Vec<Box<str>>, Slot)], depth: usize) -> bool {
    let mut before: &[(Vec<Box<str>>, Slot)] = &[];
    same_names(fields, depth).all(|group| {
        let name = group[0].0.get(depth);
        let is_new = name.is_some() && !before.iter().any(|(path, _)| path.get(depth) == name);
        before = &fields[..before.len() + group.len()];
        let is_slot = matches!(group, [(path, _)] if path.len() == depth + 1);
        is_new && (is_slot || is_orderly(group, depth + 1))
    })
}

/// Puts a value at the end of a way through objects, which are made as needed.
fn put(body: &mut Tree, path: &[Box<str>], value: Tree) {
    let Some((name, rest)) = path.split_first() else {
        *body = value;
        return;
    };
    if let Tree::Object(members) = body {
        put(members.entry(&**name).or_insert_with(|| Tree::Object(Map::new())), rest, value);
    }
}

/// A value the client sent, if it did.
fn sent<'a>(input: Value<'a>, address: &Address) -> Option<Value<'a>> {
    address.path.iter().try_fold(input, |value, name| value.member(name))
}

/// As `FastAPI` writes places: `["body", "emails", 0]`.
fn write_loc(violation: &Violation, out: &mut Writer) {
    out.array_begin();
    out.string(violation.place.root.name());
    for segment in &violation.place.segments {
        match segment {
            Segment::Name(name) => out.string(name),
            Segment::Index(index) => out.integer(i64::try_from(*index).unwrap_or(i64::MAX)),
        }
    }
    out.array_end();
}

/// The sentence, and what is wrong where.
fn message_with_places(problem: &Problem) -> String {
    let told = |violation: &Violation| match violation.place.dotted() {
        place if place.is_empty() => violation.message.clone(),
        place => format!("{place} {}", violation.message),
    };
    let told: Vec<_> = problem.violations.iter().map(told).collect();
    if told.is_empty() {
        problem.detail.to_string()
    } else {
        format!("{}: {}", problem.detail, told.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::problem::{Place, Root};

    fn violation(pointer: &str, kind: &'static str, message: &str) -> Violation {
        let place = Place::from_pointer(pointer).unwrap();
        Violation { place, kind: kind.into(), message: message.to_owned() }
    }

    fn body(shape: &ErrorShape, problem: &Problem) -> (u16, Tree) {
        let rendered = shape.render(problem, &[], SystemTime::UNIX_EPOCH);
        (rendered.status.as_u16(), serde_json::from_slice(&rendered.body).unwrap())
    }

    fn one(slot: Slot) -> ErrorShape {
        let template = Template::new(vec![(vec!["it".into()], slot)]);
        ErrorShape { plain: template, invalid: None, ..ErrorShape::standard() }
    }

    #[test]
    fn without_a_dialect_errors_are_problem_details() {
        let problem = Problem::invalid(vec![violation("/emails/0", "type", "must be a string")]);
        let expected = json!({
            "title": "Unprocessable Entity",
            "status": 422,
            "code": "invalid-request",
            "detail": "the request is not valid",
            "errors": [{"pointer": "/emails/0", "code": "type", "detail": "must be a string"}],
        });
        assert_eq!(body(&ErrorShape::standard(), &problem), (422, expected));
    }

    #[test]
    fn folds_of_the_operation_come_first() {
        let fold =
            |from: u16, to: u16| (StatusCode::from_u16(from).unwrap(), StatusCode::from_u16(to).unwrap());
        let shape = ErrorShape { folds: vec![fold(404, 400), fold(422, 400)], ..one(Slot::Status) };
        let problem = Problem::not_found("no such thing");
        let rendered = shape.render(&problem, &[fold(404, 410)], SystemTime::UNIX_EPOCH);
        assert_eq!((rendered.status.as_u16(), rendered.body.as_slice()), (410, br#"{"it":410}"#.as_slice()));
        assert_eq!(body(&shape, &problem).0, 400);
    }

    #[test]
    fn words_go_from_the_exact_status_to_the_class_to_the_rest() {
        let exact = vec![(StatusCode::NOT_FOUND, "nothing".to_owned())];
        let words = Words { exact, client: Some("yours".to_owned()), other: "ours".to_owned() };
        let word = |status| words.of(status).to_owned();
        assert_eq!(word(StatusCode::NOT_FOUND), "nothing");
        assert_eq!(word(StatusCode::GONE), "yours");
        assert_eq!(word(StatusCode::BAD_GATEWAY), "ours");
    }

    #[test]
    fn places_are_lists_and_sentences_where_a_dialect_wants_them_so() {
        let mut problem = Problem::invalid(vec![violation("/emails/0/role", "enum", "must be `read`")]);
        let query = Place::parameter(Root::Query, "limit");
        problem.violations.push(Violation {
            place: query,
            kind: "type".into(),
            message: "is odd".to_owned(),
        });
        let members = vec![("loc".to_owned(), ViolationSlot::Loc)];
        let (_, told) = body(&one(Slot::Violations(members)), &problem);
        assert_eq!(told["it"], json!([{"loc": ["body", "emails", 0, "role"]}, {"loc": ["query", "limit"]}]));
        let (_, told) = body(&one(Slot::MessageWithPlaces), &problem);
        assert_eq!(told["it"], "the request is not valid: emails.0.role must be `read`; limit is odd");
    }

    #[test]
    fn what_nobody_knows_is_left_out() {
        assert_eq!(body(&one(Slot::RetryAfter), &Problem::not_found("gone")).1, json!({}));
        let limited = Problem::rate_limited(Duration::from_millis(1_200));
        assert_eq!(
            body(&one(Slot::RetryAfter), &limited).1,
            json!({"it": 2}),
            "rounded up: earlier is too early"
        );
    }

    #[test]
    fn nobody_is_told_to_send_again_what_may_have_been_done() {
        let retryable = |problem: Problem| body(&one(Slot::Retryable), &problem).1["it"].as_bool().unwrap();
        let broken = || Problem::bad_gateway("malformed-answer", "closed");
        let late = || Problem::gateway_timeout("silent");
        assert!(retryable(broken()) && retryable(late()) && retryable(Problem::overloaded()));
        assert!(!retryable(broken().in_doubt()) && !retryable(late().in_doubt()));
        assert!(!retryable(broken().after_a_change()));
    }

    #[test]
    fn the_cause_is_never_told() {
        let problem = Problem::internal("the secret reason");
        let shape = ErrorShape::standard();
        assert!(!body(&shape, &problem).1.to_string().contains("secret"));
    }

    /// Ways that run together, overtake and contradict each other, to slots of which some have nothing to tell.
    fn templates() -> impl Strategy<Value = Template> {
        let name = prop::sample::select(vec!["a", "b", "c"]).prop_map(Box::from);
        let slot = prop::sample::select(vec![Slot::Code, Slot::RetryAfter, Slot::Status]);
        let path = prop_oneof![
            9 => prop::collection::vec(name.clone(), 1..4),
            1 => prop::collection::vec(name, 0..2),
        ];
        prop::collection::vec((path, slot), 0..5).prop_map(Template::new)
    }

    proptest! {
        #[test]
        fn what_is_written_as_it_goes_along_is_what_the_tree_is(template in templates()) {
            let shape = ErrorShape::standard();
            let problem = Problem::not_found("gone");
            let context = Context { problem: &problem, status: StatusCode::GONE, now: None, input: None };
            let body = String::from_utf8(shape.fill(&template, &context)).unwrap();
            prop_assert_eq!(body, shape.tree(&template, &context).to_string());
        }
    }
}
