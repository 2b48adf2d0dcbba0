//! Diagnostics as text for people.

use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Element, Group, Level, Renderer, Snippet};

use super::{Case, Sink};
use crate::diag::{Diagnostic, Label, Severity, SourceId, Sources, Span};

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
            let lines = lines(here.clone(), sources.shown(file));
            let (line, _) = sources.line_column(file, Span::new(file, lines.clone()).start);
            let snippet = Snippet::source(&sources.shown(file)[lines.clone()]).line_start(line);
            let snippet = snippet.path(sources.path(file));
            Element::from(snippet.annotations(here.map(|label| annotation(label, sources, lines.start))))
        })
        .collect()
}

/// The lines that labels are about, from the first to the last: the renderer looks at all that it is given, and would read
/// the whole file for each of its faults.
fn lines<'a>(labels: impl Iterator<Item = &'a Label>, text: &str) -> Range<usize> {
    let places = labels.map(|label| within(label, text));
    let Some(all) = places.reduce(|one, other| one.start.min(other.start)..one.end.max(other.end)) else {
        return 0..text.len();
    };
    // What is behind the last line end is shown with that line.
    let first = all.start.min(text.trim_end_matches('\n').len());
    let start = text[..first].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[all.end..].find('\n').map_or(text.len(), |newline| all.end + newline + 1);
    start..end
}

/// Where a label is. A span that is not of this text must not bring down the message that was to report it.
fn within(label: &Label, text: &str) -> Range<usize> {
    let start = text.floor_char_boundary(label.span.range().start);
    start..text.floor_char_boundary(label.span.range().end).max(start)
}

fn annotation<'a>(label: &'a Label, sources: &Sources, from: usize) -> Annotation<'a> {
    let kind = if label.primary { AnnotationKind::Primary } else { AnnotationKind::Context };
    let place = within(label, sources.shown(label.span.source));
    let annotation = kind.span(place.start - from..place.end - from);
    if label.text.is_empty() { annotation } else { annotation.label(&label.text) }
}
