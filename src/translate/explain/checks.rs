//! What is told of the phases before a request is lifted.

use std::sync::Arc;

use super::{Explanation, Phase, checked, whole};
use crate::diag::Span;
use crate::dialect::operation::RequestBody;
use crate::dialect::{Dialect, Operation};
use crate::lens::explain::{Outcome, Told};
use crate::lens::{Direction, Found, Lookup, Need};
use crate::problem::{Place, Root, Violation};
use crate::translate::Request;
use crate::translate::misfit::{AnswerCheck, Misfit};

impl Explanation {
    /// The operation a request is meant for.
    pub fn selected(&mut self, dialect: &Arc<Dialect>, operation: &Arc<Operation>) {
        (self.dialect, self.operation) = (Some(Arc::clone(dialect)), Some(Arc::clone(operation)));
        let sentence = format!("{} {}{}", operation.method, dialect.prefix, operation.template());
        let told = vec![checked(None, self.origin(&[]), sentence)];
        self.add(Phase::Select, &operation.name, told);
    }

    /// The quota was charged, and this is left.
    pub fn charged(&mut self, remaining: u64) {
        let told = vec![checked(None, None, format!("within it, {remaining} left"))];
        self.add(Phase::Check, "quota", told);
    }

    /// The case of the operation that its body asks for.
    pub(in crate::translate) fn chose_case(&mut self, request: &Request, whole: &Operation) {
        self.operation = Some(Arc::clone(&request.operation));
        let case = whole.cases.iter().find(|case| Arc::ptr_eq(&case.operation, &request.operation));
        let at = case.map(|case| Place { root: case.at.root, segments: case.at.segments() });
        let sentence = format!("decides that `{}` is called", request.operation.calls.name);
        let told = checked(at, self.origin_of_call(&["calls"]), sentence);
        self.add(Phase::Select, format!("case of {}", request.operation.name), vec![told]);
    }

    /// Query and body were looked at, and these violations found.
    pub(in crate::translate) fn looked_at(&mut self, request: &Request, violations: &[Violation]) {
        let mut told = Vec::new();
        let is_sound = |root: Root| {
            let is_there =
                |violation: &Violation| (violation.place.root == Root::Query) == (root == Root::Query);
            !violations.iter().any(is_there)
        };
        if let Some(shape) = &request.operation.parameters
            && is_sound(Root::Query)
        {
            let sentence = format!("fits the schema `{}`", shape.schema());
            told.push(checked(Some(whole(Root::Query)), self.origin(&["parameters"]), sentence));
        }
        if let RequestBody::One { schema } | RequestBody::Each { schema, .. } = &request.operation.body
            && is_sound(Root::Body)
            && request.body.is_some()
        {
            let sentence = format!("fits the schema `{schema}`");
            told.push(checked(Some(whole(Root::Body)), self.origin(&["body"]), sentence));
        }
        for violation in violations {
            let key = if violation.place.root == Root::Query { "parameters" } else { "body" };
            told.push(violated(violation, self.origin(&[key])));
        }
        if !told.is_empty() {
            self.add(Phase::Check, "schemas", told);
        }
    }

    /// The items of a bulk request were counted.
    pub(in crate::translate) fn counted(&mut self, list: &Place, items: usize, most: usize) {
        let origin = self.origin(&["each"]);
        let told = match items {
            _ if items <= most => checked(Some(list.clone()), origin, format!("{items} of at most {most}")),
            _ => {
                let (kind, message) = ("maxItems".into(), format!("{items}, and at most {most} are taken"));
                let outcome = Outcome::Refused { kind, message };
                Told { to: None, from: Some(list.clone()), origin, outcome, how: Vec::new() }
            }
        };
        self.add(Phase::Check, "items", vec![told]);
    }

    /// The backend's answers were looked at, or were not.
    pub fn answers_checked(&mut self, how: AnswerCheck, misfits: &[Misfit]) {
        let name = AnswerCheck::NAMES.iter().find(|(_, known)| *known == how).map_or("", |(name, _)| name);
        let sentence = match (how, misfits) {
            (AnswerCheck::Off, _) => "nobody looks".to_owned(),
            (AnswerCheck::Enforce | AnswerCheck::Report, []) => "none that does not fit".to_owned(),
            (AnswerCheck::Enforce | AnswerCheck::Report, [first, ..]) => first.text().to_owned(),
        };
        let told = vec![checked(None, None, format!("{name}: {sentence}"))];
        self.add(Phase::Check, "answers of the backend", told);
    }

    /// Something was looked up, and by whom it was answered.
    pub fn looked_up(&mut self, need: &Need, found: &Found, by: &str) {
        let dialect = self.dialect.clone();
        let (who, origin) = match &need.of {
            Lookup::Resolver(index) => {
                let resolver = dialect.as_ref().and_then(|dialect| dialect.resolvers.get(*index));
                let name = resolver.map_or("", |resolver| resolver.name.as_str());
                let origin = dialect.as_ref().and_then(|dialect| dialect.origins.of(&["resolver", name]));
                (format!("resolver `{name}`"), origin)
            }
            Lookup::Imported(kind) => (format!("imported ids of kind `{kind}`"), None),
        };
        let there = if *found == Found::Missing { "none" } else { "found" };
        let way = if need.direction == Direction::Lift { "the dialect's id" } else { "the canonical id" };
        self.add_line(
            Phase::LookUp,
            "ids",
            checked(None, origin, format!("{who}, from {way}: {there} ({by})")),
        );
    }

    /// The backend was called, or is said to have been.
    pub fn called(&mut self, operation: &str, line: &str, outcome: &str) {
        let origin = self.origin(&[operation, "calls"]);
        let told = checked(None, origin, format!("`{operation}`, {line}: {outcome}"));
        self.add_line(Phase::Call, "backend", told);
    }
}

/// A violation at its place.
pub(super) fn violated(violation: &Violation, origin: Option<Span>) -> Told {
    let outcome = Outcome::Refused { kind: violation.kind.clone(), message: violation.message.clone() };
    Told { to: None, from: Some(violation.place.clone()), origin, outcome, how: Vec::new() }
}
