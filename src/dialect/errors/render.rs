//! Filling the templates.

use std::time::SystemTime;

use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value as Tree, json};

use super::{ErrorShape, Slot, Template, ViolationSlot, Words, by_field};
use crate::json::Value;
use crate::lens::path::Address;
use crate::problem::{Problem, Violation};
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
        Rendered { status, content_type: self.content_type.clone(), body: body.to_string().into_bytes() }
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
        self.fill(template, &Context { problem, status, now: None, input }).to_string()
    }

    /// The status a refusal is told as.
    pub fn fold(&self, status: StatusCode, folds: &[(StatusCode, StatusCode)]) -> StatusCode {
        let told = folds.iter().chain(&self.folds).find(|(from, _)| *from == status);
        told.map_or(status, |(_, to)| *to)
    }

    fn fill(&self, template: &Template, context: &Context<'_>) -> Tree {
        let mut body = Tree::Object(Map::new());
        for (path, slot) in &template.fields {
            if let Some(value) = self.slot(slot, context) {
                put(&mut body, path, value);
            }
        }
        body
    }

    fn slot(&self, slot: &Slot, context: &Context<'_>) -> Option<Tree> {
        let Context { problem, status, now, input } = *context;
        let value = match slot {
            Slot::ByField { other } => by_field::tree(problem, other),
            Slot::Code => problem.code.as_ref().into(),
            Slot::Constant(literal) => literal.value().to_value(),
            Slot::Input(address) => sent(input?, address)?.to_value(),
            Slot::Message => problem.detail.as_ref().into(),
            Slot::MessageWithPlaces => message_with_places(problem).into(),
            Slot::RetryAfter => whole_seconds(problem.retry_after?).into(),
            Slot::Retryable => is_retryable(problem.status.get()).into(),
            Slot::Status => status.as_u16().into(),
            Slot::Time => rfc3339(now?).into(),
            Slot::Title => status.canonical_reason().unwrap_or("Error").into(),
            Slot::Violations(members) => {
                problem.violations.iter().map(|violation| self.violation(members, violation)).collect()
            }
            Slot::Word { prefix } => format!("{prefix}{}", self.words.of(status)).into(),
        };
        Some(value)
    }

    fn violation(&self, members: &[(String, ViolationSlot)], violation: &Violation) -> Tree {
        let value = |slot: ViolationSlot| match slot {
            ViolationSlot::Dotted => violation.place.dotted().into(),
            ViolationSlot::Kind => self.kind(&violation.kind).into(),
            ViolationSlot::Loc => loc(violation),
            ViolationSlot::Message => violation.message.as_str().into(),
            ViolationSlot::Pointer => violation.place.pointer().into(),
        };
        members.iter().map(|(name, slot)| (name.clone(), value(*slot))).collect()
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

/// Statuses after which the same request may succeed later.
fn is_retryable(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::REQUEST_TIMEOUT
            | StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
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
fn loc(violation: &Violation) -> Tree {
    let mut loc = vec![json!(violation.place.root.name())];
    loc.extend(violation.place.segments.iter().map(by_field::segment));
    Tree::Array(loc)
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
        let template = Template { fields: vec![(vec!["it".into()], slot)] };
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
    fn the_cause_is_never_told() {
        let problem = Problem::internal("the secret reason");
        let shape = ErrorShape::standard();
        assert!(!body(&shape, &problem).1.to_string().contains("secret"));
    }
}
