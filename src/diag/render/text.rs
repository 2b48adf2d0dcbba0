//! Diagnostics as text for people.

use annotate_snippets::{Annotation, AnnotationKind, Element, Group, Level, Renderer, Snippet};

use super::{Case, Sink};
use crate::diag::{Diagnostic, Label, Severity, SourceId, Sources};

/// Text, case by case.
pub(super) struct Text {
    pub(super) colour: bool,
}

impl Sink for Text {
    fn case(&mut self, case: &Case<'_>, sources: &Sources, out: &mut String) {
        out.push_str(&text(case.found, sources, self.colour));
    }

    fn finish(&mut self, _out: &mut String) {}
}

/// Renders diagnostics the way compilers do: headline, the lines concerned, carets under the exact characters,
/// notes, and the way out.
///
/// With `colour` the text carries terminal escapes; write it through `anstream`, which removes them again when
/// nobody is looking.
pub fn text(found: &[Diagnostic], sources: &Sources, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    for diagnostic in found {
        let shown = renderer.render(&[group(diagnostic, sources)]);
        out.push_str(&in_its_file(shown, diagnostic, sources));
        out.push_str("\n\n");
    }
    out
}

/// Tells the column that a place has in its file. The renderer counts from where the text begins that it is given, and
/// has no word for one that begins in the middle of a line.
fn in_its_file(shown: String, diagnostic: &Diagnostic, sources: &Sources) -> String {
    let Some(span) = diagnostic.primary().filter(|span| sources.start(span.source).column > 1) else {
        return shown;
    };
    let (line, column) = sources.line_column(span.source, span.start);
    let counted = (column + 1).saturating_sub(sources.start(span.source).column);
    let place = |column: usize| format!("{}:{line}:{column}", sources.path(span.source));
    shown.replacen(&place(counted), &place(column), 1)
}

fn group<'a>(diagnostic: &'a Diagnostic, sources: &'a Sources) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Note => Level::NOTE,
        Severity::Warning => Level::WARNING,
    };
    let notes = diagnostic.notes.iter().map(|note| Level::NOTE.message(note));
    let help = diagnostic.help.iter().map(|help| Level::HELP.message(help));
    level
        .primary_title(&diagnostic.message)
        .id(diagnostic.code.as_str())
        .elements(snippets(&diagnostic.labels, sources))
        .elements(notes)
        .elements(help)
}

/// One snippet for each file, the primary label's file first.
fn snippets<'a>(labels: &'a [Label], sources: &'a Sources) -> Vec<Element<'a>> {
    let primary_first = labels.iter().filter(|label| label.primary).chain(labels);
    let mut files: Vec<SourceId> = Vec::new();
    for label in primary_first {
        if !files.contains(&label.span.source) {
            files.push(label.span.source);
        }
    }

    files
        .into_iter()
        .map(|file| {
            let here = labels.iter().filter(|label| label.span.source == file);
            let snippet = Snippet::source(sources.text(file)).line_start(sources.start(file).line);
            let snippet = snippet.path(sources.path(file));
            Element::from(snippet.annotations(here.map(|label| annotation(label, sources))))
        })
        .collect()
}

fn annotation<'a>(label: &'a Label, sources: &Sources) -> Annotation<'a> {
    let kind = if label.primary { AnnotationKind::Primary } else { AnnotationKind::Context };
    let text = sources.text(label.span.source);
    // A span that is not of this text must not bring down the message that was to report it.
    let start = text.floor_char_boundary(label.span.range().start);
    let end = text.floor_char_boundary(label.span.range().end).max(start);
    let annotation = kind.span(start..end);
    if label.text.is_empty() { annotation } else { annotation.label(&label.text) }
}
