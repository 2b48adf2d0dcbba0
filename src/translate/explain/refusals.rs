//! What is told of errors: how their places got the client's names, and how they were put into the dialect's words.

use http::StatusCode;

use super::{Explanation, Phase, checked};
use crate::dialect::Dialect;
use crate::dialect::errors::{Rendered, Slot};
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
                Some(_) => "the field that reaches furthest towards it",
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
    pub fn refused(&mut self, problem: &Problem, dialect: Option<&Dialect>, rendered: &Rendered) {
        let mut told = vec![self.folded(problem.status.get(), rendered.status, dialect)];
        for violation in &problem.violations {
            told.push(super::checks::violated(violation, None));
        }
        if let (Some(dialect), Ok(body)) = (dialect, parsed(&rendered.body)) {
            let (name, template) = dialect.errors.template(problem);
            for (path, slot) in &template.fields {
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
                    origin: dialect.origins.of(&["errors", name, &path.join(".")]),
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
