//! How `translate` shows what it found out, with the explanation that was asked for.

use std::time::SystemTime;

use http::StatusCode;
use serde_json::{Value, json};

use super::super::{
    Failure, Outcome,
    console::{Console, Format},
};
use crate::{
    diag::Lines,
    dialect::Dialect,
    json::{Document, Limits},
    problem::Problem,
    translate::explain::Narrator,
};

/// How results are shown, and what is told of them.
pub(super) struct Shown<'s> {
    pub(super) dialect: &'s Dialect,
    pub(super) narrator: &'s Narrator,
    pub(super) format: Format,
    pub(super) lines: &'s Lines,
}

impl Shown<'_> {
    /// Prints a result: after its explanation, or with it inside, if there is one.
    pub(super) fn print(&self, mut result: Value, console: &mut Console<'_>) -> Result<(), Failure> {
        match (self.narrator.take(), self.format) {
            (None, _) => {}
            (Some(explanation), Format::Text) => console.columns(&explanation.text(self.lines))?,
            (Some(explanation), Format::Json) => result["explanation"] = explanation.json(self.lines),
        }
        Ok(console.json(&result)?)
    }

    /// Prints what the client would get, and what only the log would know.
    pub(super) fn refused(
        &self,
        problem: &Problem,
        folds: &[(StatusCode, StatusCode)],
        console: &mut Console<'_>,
    ) -> Result<Outcome, Failure> {
        let rendered = self.dialect.errors.render(problem, folds, SystemTime::now());
        self.narrator
            .tell(|story| story.refused(problem, Some(self.dialect), &self.dialect.errors, &rendered));
        let mut shown = json!({ "status": rendered.status.as_u16() });
        if !rendered.body.is_empty() {
            shown["body"] = tree(&rendered.body);
        }
        self.print(shown, console)?;
        if let Some(cause) = &problem.cause {
            console.note(&format!("cause: {cause}"))?;
        }
        Ok(Outcome::Findings)
    }
}

/// JSON as a tree. What is none is shown as the text it is.
pub(super) fn tree(bytes: &[u8]) -> Value {
    match Document::parse(
        bytes.to_vec(),
        &Limits { bytes_max: usize::MAX, nodes_max: usize::MAX, ..Limits::default() },
    ) {
        Ok(document) => document.root().to_value(),
        Err(_) => String::from_utf8_lossy(bytes).into(),
    }
}
