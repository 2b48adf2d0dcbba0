//! Diagnostics as text for people and as JSON for tools.

use annotate_snippets::{Annotation, AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};
use serde_json::{Value, json};

use crate::diag::{Diagnostic, Label, Severity, SourceId, Sources};

/// Renders diagnostics the way compilers do: headline, the lines concerned, carets under the exact characters,
/// notes, and the way out.
///
/// With `colour` the text carries terminal escapes; write it through `anstream`, which removes them again when
/// nobody is looking.
pub fn text(found: &[Diagnostic], sources: &Sources, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    for diagnostic in found {
        out.push_str(&renderer.render(&[group(diagnostic, sources)]));
        out.push_str("\n\n");
    }
    out
}

/// Renders diagnostics as one JSON array.
///
/// Lines and columns count from one, columns in characters; `end` stands one past the last character.
pub fn json(found: &[Diagnostic], sources: &Sources) -> String {
    let array: Vec<Value> = found.iter().map(|diagnostic| object(diagnostic, sources)).collect();
    Value::Array(array).to_string()
}

/// Counts diagnostics in words, such as `2 errors and 1 warning`.
pub fn summary(found: &[Diagnostic]) -> String {
    let count = |severity: Severity| {
        let number = found.iter().filter(|diagnostic| diagnostic.severity == severity).count();
        let plural = if number == 1 { "" } else { "s" };
        (number, format!("{number} {}{plural}", severity.name()))
    };
    match (count(Severity::Error), count(Severity::Warning)) {
        ((_, errors), (0, _)) => errors,
        ((0, _), (_, warnings)) => warnings,
        ((_, errors), (_, warnings)) => format!("{errors} and {warnings}"),
    }
}

fn group<'a>(diagnostic: &'a Diagnostic, sources: &'a Sources) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
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
        .flat_map(|file| {
            let here = || labels.iter().filter(|label| label.span.source == file);
            let start = sources.start(file);
            let snippet = Snippet::source(sources.text(file)).line_start(start.line);
            let (snippet, origin) = match here().find(|label| label.primary).or_else(|| here().next()) {
                // The column of a place is more than the excerpt shows.
                Some(label) if start.column > 1 => {
                    let (line, column) = sources.line_column(file, label.span.start);
                    (snippet, Some(Origin::path(sources.path(file)).line(line).char_column(column)))
                }
                Some(_) | None => (snippet.path(sources.path(file)), None),
            };
            let snippet = snippet.annotations(here().map(|label| annotation(label, sources)));
            origin.map(Element::from).into_iter().chain([Element::from(snippet)])
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

fn object(diagnostic: &Diagnostic, sources: &Sources) -> Value {
    let labels: Vec<Value> = diagnostic.labels.iter().map(|label| place(label, sources)).collect();
    json!({
        "code": diagnostic.code.as_str(),
        "severity": diagnostic.severity.name(),
        "message": diagnostic.message,
        "labels": labels,
        "notes": diagnostic.notes,
        "help": diagnostic.help,
    })
}

fn place(label: &Label, sources: &Sources) -> Value {
    let position = |offset| {
        let (line, column) = sources.line_column(label.span.source, offset);
        json!({ "line": line, "column": column, "byte": sources.byte(label.span.source, offset) })
    };
    json!({
        "file": sources.path(label.span.source),
        "start": position(label.span.start),
        "end": position(label.span.end),
        "text": label.text,
        "primary": label.primary,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{Span, Start, code};

    const MAPPING: &str = "[roles]\nowner = \"owner\"\nmaintainer = \"maintainer\"\n";
    const SCHEMA: &str = "{\n  \"enum\": [\"owner\", \"maintainer\"]\n}\n";

    fn conflict() -> (Diagnostic, Sources) {
        let mut sources = Sources::default();
        let mut span = |path: &str, text: &str, at: &str| {
            let start = text.find(at).expect("the text contains it");
            Span::new(sources.add(path, text), start..start + at.len())
        };
        let mapped = span("mappings/acme.toml", MAPPING, "\"maintainer\"");
        let allowed = span("schemas/acme/role.json", SCHEMA, "\"maintainer\"");
        let diagnostic = Diagnostic::error(code::M0103, "role `maintainer` has no canonical counterpart")
            .at(mapped, "mapped here")
            .also(allowed, "allowed here")
            .note("canonical roles are `owner` and `admin`")
            .help("map it under `[roles]`, or declare it `reject = true`");
        (diagnostic, sources)
    }

    #[test]
    fn text_puts_carets_under_the_exact_characters_of_every_file_concerned() {
        let (diagnostic, sources) = conflict();

        let expected = "\
error[M0103]: role `maintainer` has no canonical counterpart
 --> mappings/acme.toml:3:14
  |
3 | maintainer = \"maintainer\"
  |              ^^^^^^^^^^^^ mapped here
  |
 ::: schemas/acme/role.json:2:21
  |
2 |   \"enum\": [\"owner\", \"maintainer\"]
  |                     ------------ allowed here
  |
  = note: canonical roles are `owner` and `admin`
  = help: map it under `[roles]`, or declare it `reject = true`

";
        assert_eq!(text(&[diagnostic], &sources, false), expected);
    }

    #[test]
    fn text_is_coloured_only_when_asked() {
        let (diagnostic, sources) = conflict();
        let found = [diagnostic];

        assert!(text(&found, &sources, true).contains('\x1b'));
        assert!(!text(&found, &sources, false).contains('\x1b'));
    }

    #[test]
    fn a_place_outside_its_text_is_shown_as_the_nearest_one() {
        let mut sources = Sources::default();
        let file = sources.add("a.toml", "größe\n");
        let inside_a_character = Diagnostic::error(code::C0104, "odd").at(Span::new(file, 3..4), "here");
        let past_the_end = Diagnostic::error(code::C0104, "odd").at(Span::new(file, 90..95), "here");

        assert!(text(&[inside_a_character], &sources, false).contains("a.toml:1:3"));
        assert!(text(&[past_the_end], &sources, false).contains("a.toml:1"));
    }

    #[test]
    fn an_excerpt_is_shown_with_the_place_it_has_in_its_file() {
        let mut sources = Sources::default();
        let start = Start { byte: 5000, line: 12, column: 301 };
        let file = sources.add_excerpt("day.har", "\"role\": \"****\"", start);
        let found = [Diagnostic::error(code::V0102, "`/role` is wrong").at(Span::new(file, 8..14), "enum")];

        let expected = "\
error[V0102]: `/role` is wrong
   --> day.har:12:309
   |
12 | \"role\": \"****\"
   |         ^^^^^^ enum

";
        assert_eq!(text(&found, &sources, false), expected);
        let parsed: Value = serde_json::from_str(&json(&found, &sources)).unwrap();
        assert_eq!(parsed[0]["labels"][0]["start"], json!({ "line": 12, "column": 309, "byte": 5008 }));
    }

    #[test]
    fn json_gives_every_place_by_line_and_column() {
        let (diagnostic, sources) = conflict();

        let parsed: Value = serde_json::from_str(&json(&[diagnostic], &sources)).unwrap();

        assert_eq!(
            parsed,
            json!([{
                "code": "M0103",
                "severity": "error",
                "message": "role `maintainer` has no canonical counterpart",
                "labels": [
                    {
                        "file": "mappings/acme.toml",
                        "start": { "line": 3, "column": 14, "byte": 37 },
                        "end": { "line": 3, "column": 26, "byte": 49 },
                        "text": "mapped here",
                        "primary": true,
                    },
                    {
                        "file": "schemas/acme/role.json",
                        "start": { "line": 2, "column": 21, "byte": 22 },
                        "end": { "line": 2, "column": 33, "byte": 34 },
                        "text": "allowed here",
                        "primary": false,
                    },
                ],
                "notes": ["canonical roles are `owner` and `admin`"],
                "help": "map it under `[roles]`, or declare it `reject = true`",
            }])
        );
    }

    #[test]
    fn the_summary_counts_in_words() {
        let error = || Diagnostic::error(code::C0101, "wrong");
        let warning = || Diagnostic::warning(code::C0101, "doubtful");

        assert_eq!(summary(&[]), "0 errors");
        assert_eq!(summary(&[error()]), "1 error");
        assert_eq!(summary(&[warning(), warning()]), "2 warnings");
        assert_eq!(summary(&[error(), warning(), error()]), "2 errors and 1 warning");
    }
}
