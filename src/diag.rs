//! Diagnostics: what is wrong with a file someone wrote, where it is wrong, and the way out.
//!
//! A loader pushes into a [`Diagnostics`] sink and keeps going, so that one run says everything. Nothing here
//! prints, reads a file or ends the program: [`render`] makes text or JSON of what was found, and the caller
//! decides what becomes of it.
//!
//! ```
//! use interlingua::diag::{Diagnostic, Diagnostics, Sources, Span, code, render};
//!
//! let mut sources = Sources::default();
//! let file = sources.add("config.toml", "workers = \"two\"\n");
//!
//! let mut found = Diagnostics::default();
//! found.push(
//!     Diagnostic::error(code::C0103, "`workers` is a string, expected an integer")
//!         .at(Span::new(file, 10..15), "expected an integer")
//!         .help("write the number without quotes"),
//! );
//!
//! assert!(found.has_errors());
//! assert!(render::text(&found.into_vec(), &sources, false).contains("config.toml:1:11"));
//! ```

pub mod alike;
pub mod code;
pub mod reader;
pub mod render;
pub mod source;
pub mod suggest;

pub use self::code::Code;
pub use self::source::{Lines, SourceId, Sources, Span, Spanned, Start};

/// One thing that is wrong, or doubtful, in a file someone wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a diagnostic says nothing until it is pushed"]
pub struct Diagnostic {
    /// The stable name `interlingua explain` answers to.
    pub code: Code,
    /// Whether the program may start all the same.
    pub severity: Severity,
    /// The headline: a lowercase fragment that can stand alone.
    pub message: String,
    /// The places it is about; the first one given by [`Diagnostic::at`] is the primary one.
    pub labels: Vec<Label>,
    /// Facts the reader may need.
    pub notes: Vec<String>,
    /// The way out.
    pub help: Option<String>,
    /// Whether what stands at the primary place may be a secret, so that the line must not be shown from there on.
    pub hides: bool,
}

/// How much a diagnostic matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The program will not start.
    Error,
    /// Nothing is wrong; something is as it was declared to be, and that is worth to be seen.
    Note,
    /// The program starts, but somebody probably meant something else.
    Warning,
}

/// A place in a file and what there is to say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Which characters.
    pub span: Span,
    /// What about them; may be empty.
    pub text: String,
    /// Whether this is the place to change, rather than the other half of a conflict.
    pub primary: bool,
}

impl Diagnostic {
    /// Starts a diagnostic that keeps the program from starting.
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Error, message.into())
    }

    /// Starts a diagnostic that only warns.
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Warning, message.into())
    }

    /// Starts a diagnostic about what is right, and only told.
    pub fn notice(code: Code, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Note, message.into())
    }

    /// Points at a place: the primary one if it is the first to be given, another one otherwise.
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        let primary = self.labels.iter().all(|label| !label.primary);
        self.labels.push(Label { span, text: text.into(), primary });
        self
    }

    /// Says that a secret may stand at the primary place.
    pub fn hiding(self) -> Self {
        Self { hides: true, ..self }
    }

    /// Points at the other half of a conflict.
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into(), primary: false });
        self
    }

    /// Adds a fact.
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Says the way out.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// The place to change, if the diagnostic is about one.
    pub fn primary(&self) -> Option<Span> {
        self.labels.iter().find(|label| label.primary).map(|label| label.span)
    }

    fn new(code: Code, severity: Severity, message: String) -> Self {
        Self { code, severity, message, labels: Vec::new(), notes: Vec::new(), help: None, hides: false }
    }
}

impl Severity {
    /// The word shown to people and written to JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Note => "note",
            Self::Warning => "warning",
        }
    }
}

/// The sink that loaders push into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Whether any of them keeps the program from starting.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are so far.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// In the order they were pushed.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }

    /// Hands them over in reading order: by file, then by position, what was said twice only once.
    ///
    /// Diagnostics about no place in particular come first.
    pub fn into_vec(self) -> Vec<Diagnostic> {
        let mut found = self.0;
        found.sort_by_key(|diagnostic| diagnostic.primary().map(|span| (span.source, span.start)));
        found.dedup();
        found
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, more: I) {
        self.0.extend(more);
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn somewhere(source: SourceId, start: usize) -> Diagnostic {
        Diagnostic::error(code::C0102, format!("at {start}")).at(Span::new(source, start..start + 1), "")
    }

    #[test]
    fn diagnostics_come_out_by_file_and_then_by_position_whatever_order_they_went_in() {
        let mut sources = Sources::default();
        let first = sources.add("a.toml", "xxxxxxxxxx");
        let second = sources.add("b.toml", "xxxxxxxxxx");
        let mut found = Diagnostics::default();
        found.push(somewhere(second, 0));
        found.push(somewhere(first, 7));
        found.push(somewhere(first, 3));
        found.push(Diagnostic::warning(code::C0101, "about nothing"));

        let messages: Vec<String> = found.into_vec().into_iter().map(|found| found.message).collect();

        assert_eq!(messages, ["about nothing", "at 3", "at 7", "at 0"]);
    }

    #[test]
    fn the_same_thing_said_twice_is_shown_once() {
        let source = Sources::default().add("a.toml", "xxxxxxxxxx");
        let mut found = Diagnostics::default();
        found.push(somewhere(source, 3));
        found.push(somewhere(source, 1));
        found.push(somewhere(source, 3));

        assert_eq!(found.into_vec().len(), 2);
    }

    #[test]
    fn only_errors_keep_the_program_from_starting() {
        let mut found = Diagnostics::default();
        found.push(Diagnostic::warning(code::C0102, "doubtful"));
        assert!(!found.has_errors());

        found.push(Diagnostic::error(code::C0102, "wrong"));
        assert!(found.has_errors());
    }

    #[test]
    fn the_first_place_pointed_at_is_the_primary_one() {
        let source = Sources::default().add("a.toml", "xxxxxxxxxx");
        let found = Diagnostic::error(code::C0105, "twice")
            .also(Span::new(source, 0..1), "first here")
            .at(Span::new(source, 4..5), "again here")
            .at(Span::new(source, 8..9), "and here");

        assert_eq!(found.primary(), Some(Span::new(source, 4..5)));
        assert_eq!(found.labels.iter().filter(|label| label.primary).count(), 1);
    }
}
