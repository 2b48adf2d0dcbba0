//! What is told of errors: how their places got the client's names, and how they were put into the dialect's words.

use std::borrow::Cow;

use http::StatusCode;

use super::checks::violated;
use super::{Explanation, Phase, checked};
use crate::dialect::errors::{Rendered, Slot};
use crate::dialect::{Dialect, ErrorShape};
use crate::json::{Document, Limits};
use crate::lens::explain::{How, Outcome, Sort, Told};
use crate::problem::{Place, Problem, Segment, Violation};

impl Explanation {
    /// Violations of the backend got the client's names.
    pub fn renamed(&mut self, canonical: &[Violation], told: &[Violation]) {
        let request = self.operation.as_ref().map(|operation| operation.request.clone());
        let pairs = canonical.iter().zip(told);
        let lines = pairs.map(|(canonical, told)| {
            let field = request.as_ref().and_then(|lens| lens.field_of(&canonical.place));
            let how = match field {
                Some(_) => "is named by this field",
                None => "no field has to do with it",
            };
            Told {
                to: Some(told.place.clone()),
                from: Some(canonical.place.clone()),
                origin: field.and_then(|field| field.origin),
                outcome: Outcome::Checked,
                how: vec![How::Said(how.to_owned())],
            }
        });
        let lines: Vec<_> = lines.collect();
        if !lines.is_empty() {
            self.add(Phase::Backwards, "places of the backend's errors", lines);
        }
    }

    /// A problem was put into the words of a dialect, or of none if none is known yet.
    pub fn refused(
        &mut self,
        problem: &Problem,
        dialect: Option<&Dialect>,
        shape: &ErrorShape,
        rendered: &Rendered,
    ) {
        let mut told = vec![self.folded(problem.status.get(), rendered.status, dialect)];
        // It is written for logs, and repeats no value either.
        told.extend(problem.cause.iter().map(|cause| checked(None, None, format!("cause: {cause}"))));
        // What the backend says in words of its own may say anything.
        let is_backends = matches!(problem.code, Cow::Owned(_));
        for violation in &problem.violations {
            let mut line = violated(violation, None);
            if let Outcome::Refused { kind, message } = &mut line.outcome
                && is_backends
            {
                *kind = "backend".into();
                *message = format!("as the backend says it, {}", Sort::text(message));
            }
            told.push(line);
        }
        if let Ok(body) = parsed(&rendered.body) {
            let (name, template) = shape.template(problem);
            for (path, slot) in template.fields() {
                let value = path.iter().try_fold(body.root(), |value, member| value.member(member));
                let how = match slot {
                    Slot::Constant(literal) => How::Constant(literal.json().to_owned()),
                    slot => How::Said(format!("slot `{}`", slot.name())),
                };
                let outcome = value
                    .map_or(Outcome::LeftOut("holds nothing"), |value| Outcome::Written(Sort::of(value)));
                told.push(Told {
                    to: Some(Place::body(path.iter().map(|name| Segment::Name(name.to_string())).collect())),
                    from: None,
                    origin: dialect.and_then(|one| one.origins.of(&["errors", name, &path.join(".")])),
                    outcome,
                    how: vec![how],
                });
            }
        }
        self.add(Phase::Refuse, problem.label(), told);
    }

    /// The status that is told, and the line that folds it, if one does.
    fn folded(&self, status: StatusCode, told: StatusCode, dialect: Option<&Dialect>) -> Told {
        if status == told {
            return checked(None, None, format!("{} is told as it is", status.as_u16()));
        }
        let from = status.as_u16().to_string();
        let general = || dialect?.origins.of(&["errors", "folds", &from]);
        let origin = self.origin(&["folds", &from]).or_else(general);
        checked(None, origin, format!("{from} is told as {}", told.as_u16()))
    }
}

fn parsed(body: &[u8]) -> Result<Document, crate::json::ReadError> {
    Document::parse(body.to_vec(), &Limits { bytes_max: body.len(), ..Limits::default() })
}
