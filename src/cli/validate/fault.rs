//! What is wrong with a document, and where in the piece of its file.

use std::ops::Range;

use super::excerpt::is_word;
use crate::{
    cli::traffic::{Body, Misshapen, extent},
    diag::{Code, Diagnostic, Severity, Span, code},
    json::{Kind, ReadError, Value},
    problem::{Problem, Root, Segment, place::pointer},
    schema::Violation,
};

/// More than a person reads about one document.
const FAULTS_MAX: usize = 100;

/// So many are looked for, to say how many more there are.
pub(super) const VIOLATIONS_MAX: usize = 10_000;

/// One thing that is wrong.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) code: Code,
    pub(super) severity: Severity,
    pub(super) message: String,
    pub(super) label: String,
    pub(super) notes: Vec<String>,
    /// The bytes of the piece it is about.
    pub(super) place: Range<usize>,
}

impl Fault {
    pub(super) fn new(code: Code, message: impl Into<String>, place: Range<usize>) -> Fault {
        Fault {
            code,
            severity: Severity::Error,
            message: one_line(&message.into()),
            label: String::new(),
            notes: Vec::new(),
            place,
        }
    }

    pub(super) fn label(mut self, label: impl Into<String>) -> Fault {
        self.label = label.into();
        self
    }

    /// A fact the reader may need.
    pub(super) fn note(mut self, note: impl Into<String>) -> Fault {
        self.notes.push(note.into());
        self
    }

    /// One that is no reason to fail.
    pub(super) fn warning(mut self) -> Fault {
        self.severity = Severity::Warning;
        self
    }

    /// The same with the place it is shown at.
    pub(super) fn diagnostic(self, span: Span) -> Diagnostic {
        let Fault { code, severity, message, label, notes, place: _ } = self;
        let diagnostic = match severity {
            Severity::Error => Diagnostic::error(code, message),
            Severity::Note => Diagnostic::notice(code, message),
            Severity::Warning => Diagnostic::warning(code, message),
        };
        notes.into_iter().fold(diagnostic.at(span, label), Diagnostic::note)
    }

    /// A text that is no strict JSON; `locate` finds the place of its bytes in the piece.
    pub(super) fn unread(error: ReadError, locate: impl Fn(Range<usize>) -> Range<usize>) -> Fault {
        let message = format!("not strict JSON: {}", error.kind.message());
        Fault::new(code::V0101, message, locate(error.offset..error.offset + 1)).label("here")
    }

    /// What a document violates, `noun` being what it is called.
    pub(super) fn violation(
        violation: &Violation,
        root: Value<'_>,
        noun: &str,
        locate: impl Fn(Range<usize>) -> Range<usize>,
    ) -> Fault {
        let subject = match told(&violation.path) {
            pointer if pointer.is_empty() => noun.to_owned(),
            pointer => format!("`{pointer}`"),
        };
        let message = format!("{subject} {}", violation.message);
        let place = locate(place(&violation.path, root));
        let fault = Fault::new(code::V0102, message, place).label(violation.keyword);
        violation.forms.iter().fold(fault, Fault::note)
    }
}

/// A place as a JSON Pointer, with `*` for names that are no words: a map may be keyed by anything, and what CI prints many
/// can read.
fn told(path: &[Segment]) -> String {
    let told = |segment: &Segment| match segment {
        Segment::Name(name) if !is_word(name) => Segment::Name("*".to_owned()),
        known => known.clone(),
    };
    pointer(&path.iter().map(told).collect::<Vec<_>>())
}

/// A message with its control characters escaped: the names in it are those of whoever wrote the document, and a line of
/// their own, or a command to a terminal, is not for them to add.
fn one_line(message: &str) -> String {
    let mut line = String::with_capacity(message.len());
    for character in message.chars() {
        if character.is_control() { line.extend(character.escape_default()) } else { line.push(character) }
    }
    line
}

impl From<Misshapen> for Fault {
    fn from(misshapen: Misshapen) -> Fault {
        Fault::new(code::V0106, misshapen.message, misshapen.place)
    }
}

/// The faults a problem tells of. `url` is where the parameters stand, `body` the document and the recorded body.
pub(super) fn of_problem(
    code: Code,
    problem: &Problem,
    url: &Range<usize>,
    body: Option<(Value<'_>, Body<'_>)>,
) -> Vec<Fault> {
    if problem.violations.is_empty() {
        let status = problem.status.get().as_u16();
        let message = format!("the request is refused with {status}: {}", problem.detail);
        return vec![Fault::new(code, message, url.clone())];
    }
    let fault = |violation: &crate::problem::Violation| {
        let segments = &violation.place.segments;
        match (violation.place.root, body) {
            (Root::Body | Root::Outer, Some((root, body))) => {
                let subject = match told(segments) {
                    pointer if pointer.is_empty() => "the body".to_owned(),
                    pointer => format!("`{pointer}`"),
                };
                let at = body.place(place(segments, root));
                Fault::new(code, format!("{subject} {}", violation.message), at).label(&*violation.kind)
            }
            (root, _) => {
                let parameter = violation.place.dotted();
                let message = format!("the {} parameter `{parameter}` {}", root.name(), violation.message);
                Fault::new(code, message, url.clone()).label(&*violation.kind)
            }
        }
    };
    problem.violations.iter().map(fault).collect()
}

/// So many faults as a person reads about one document, the last of them with the number of the others.
pub(super) fn capped(mut faults: Vec<Fault>) -> Vec<Fault> {
    let more = faults.len().saturating_sub(FAULTS_MAX);
    faults.truncate(FAULTS_MAX);
    if let Some(last) = faults.last_mut().filter(|_| more > 0) {
        last.notes.push(format!("{more} more of this document are not shown"));
    }
    faults
}

/// Where to look: the value itself, or the first character of a long one; the name of a member that is too many; the
/// beginning of the object that lacks one.
fn place(path: &[Segment], root: Value<'_>) -> Range<usize> {
    let mut value = root;
    let mut name = None;
    for segment in path {
        let next = match segment {
            Segment::Index(index) => value.elements().nth(*index).map(|element| (None, element)),
            Segment::Name(wanted) => {
                value.members().find(|(key, _)| key.is(wanted)).map(|(key, member)| (Some(key), member))
            }
        };
        let Some((key, inner)) = next else { return value.offset()..value.offset() + 1 };
        (name, value) = (key, inner);
    }
    match (value.kind(), name) {
        (Kind::Array | Kind::Object, Some(key)) => key.offset()..key.offset() + key.raw().len(),
        (Kind::Array | Kind::Object, None) => value.offset()..value.offset() + 1,
        (Kind::False | Kind::Integer | Kind::Null | Kind::Number | Kind::String | Kind::True, _) => {
            extent(value)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_begin_a_line_of_its_own() {
        let fault = Fault::new(code::V0102, "`/a\n::error::\u{1b}[31m` is too much – für alle", 0..0);
        assert_eq!(fault.message, r"`/a\n::error::\u{1b}[31m` is too much – für alle");
    }
}
