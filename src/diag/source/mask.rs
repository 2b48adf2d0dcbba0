//! What of a text must not be shown: lines are printed where something is wrong with them, and what is printed may be kept.
//!
//! No byte moves, so that every place stays where it was.

use std::ops::Range;

use super::{Sources, Span};
use crate::diag::{Code, Diagnostic, Diagnostics, SourceId};

/// Parts of names of keys with secrets.
const SECRETS: [&str; 7] = ["api-key", "api_key", "apikey", "passphrase", "passw", "secret", "token"];

/// Of a value that is hidden these stay, for what is wrong with it is mostly one of them.
const MARKS: [char; 8] = ['"', '\'', '[', ']', '{', '}', ',', '='];

/// A table with keys that may be credentials in the wrong place.
const PRINCIPALS: &str = "principals";

impl Sources {
    /// Hides in settings what may be a secret: users and passwords in addresses everywhere, what diagnostics say may be one,
    /// values in lines that cannot be read (`syntax`), and those in the lines of all other diagnostics of which the key says
    /// so.
    pub fn mask_settings(&mut self, settings: SourceId, found: &Diagnostics, syntax: Code) {
        self.mask_users(settings);
        self.mask_what_hides(found);
        for one in found.iter() {
            for label in &one.labels {
                self.mask_values(label.span, one.code == syntax);
            }
        }
    }

    /// Hides in files that hold no secrets what looks like one all the same, in lines that cannot be read: whoever wrote it
    /// there may have meant another file.
    pub fn mask_unread(&mut self, found: &Diagnostics, syntax: Code) {
        for label in found.iter().filter(|one| one.code == syntax).flat_map(|one| &one.labels) {
            self.mask_values(label.span, false);
        }
    }

    /// Hides whatever diagnostics say may be a secret.
    pub fn mask_what_hides(&mut self, found: &Diagnostics) {
        for span in found.iter().filter(|one| one.hides).filter_map(Diagnostic::primary) {
            self.mask(span);
        }
    }

    /// Hides what stands in a line from there on, where it may be a secret in the wrong place.
    fn mask(&mut self, span: Span) {
        let (text, range) = (&mut self.0[span.source.0 as usize].text, span.range());
        let Some(rest) = text.get(range.start..) else { return };
        // A key may have dots, and go on behind what is pointed at.
        let length = rest.find('\n').unwrap_or(rest.len()).max(range.len());
        if text.get(range.start..range.start + length).is_some() {
            text.replace_range(range.start..range.start + length, &"*".repeat(length));
        }
    }

    /// Hides the users and passwords of all addresses.
    fn mask_users(&mut self, source: SourceId) {
        let text = &mut self.0[source.0 as usize].text;
        let masked: String = text.split_inclusive('\n').map(without_user).collect();
        *text = masked;
    }

    /// Hides the values in the lines of a span: all of them, or those of keys with secrets.
    fn mask_values(&mut self, span: Span, all: bool) {
        let text = &mut self.0[span.source.0 as usize].text;
        for line in lines_of(text, span.range()) {
            let hidden = values(text, line.clone(), all);
            let masked: String = text[hidden.clone()].chars().map(masked).collect();
            text.replace_range(hidden, &masked);
            let without = without_user(&text[line.clone()]);
            text.replace_range(line, &without);
        }
    }
}

/// A character of a value, or as many stars as it has bytes.
fn masked(character: char) -> String {
    if character.is_whitespace() || MARKS.contains(&character) {
        return character.to_string();
    }
    "*".repeat(character.len_utf8())
}

/// The lines of which a span has something.
fn lines_of(text: &str, span: Range<usize>) -> Vec<Range<usize>> {
    let (start, end) = (text.floor_char_boundary(span.start), text.floor_char_boundary(span.end));
    let first = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let last = text[end.max(start)..].find('\n').map_or(text.len(), |newline| end.max(start) + newline);
    let mut begins = first;
    let line = |line: &str| {
        let range = begins..begins + line.len();
        begins = range.end + 1;
        range
    };
    text[first..last].split('\n').map(line).collect()
}

/// Where in a line the values are that have to be hidden.
fn values(text: &str, line: Range<usize>, all: bool) -> Range<usize> {
    let (before, here) = (&text[..line.start], &text[line.clone()]);
    let nothing = line.end..line.end;
    if here.trim_start().starts_with('[') && !here.contains('=') {
        // Behind that name stands whose mode it is.
        let names = here.find(PRINCIPALS).filter(|_| all).map(|at| line.start + at + PRINCIPALS.len());
        return names.map_or(nothing, |begins| begins..line.end);
    }
    let table = before.lines().rfind(|line| line.trim_start().starts_with('[')).unwrap_or_default();
    let is_in_text = [r#"""""#, "'''"].iter().any(|quotes| before.matches(quotes).count() % 2 == 1);
    let key = here.split_once('=').map(|(key, _)| key);
    let is_key = |key: &&str| key.trim().chars().all(|c| c.is_ascii_alphanumeric() || "_-.\"' ".contains(c));
    match key.filter(is_key).filter(|_| !is_in_text && !table.contains(PRINCIPALS)) {
        Some(key) if all || names_a_secret(key) => line.start + key.len()..line.end,
        None if all => line,
        Some(_) | None => nothing,
    }
}

fn names_a_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    SECRETS.iter().any(|part| key.contains(part))
}

/// A line in which no address names a user.
fn without_user(line: &str) -> String {
    let Some(begins) = line.find("//").map(|at| at + 2) else { return line.to_owned() };
    let rest = &line[begins..];
    // Who writes the sign as an escape hides it from us, too.
    let escape = rest.contains('\\').then(|| rest.trim_end().len());
    let ends = rest.rfind('@').max(escape).unwrap_or_default();
    [&line[..begins], &"*".repeat(ends), &rest[ends..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{code, render};

    /// What is shown of a diagnostic about a place in settings.
    fn shown(text: &str, code: Code, at: &str) -> String {
        let mut sources = Sources::default();
        let source = sources.add("config.toml", text);
        let start = text.find(at).unwrap();
        let one = Diagnostic::error(code, "wrong").at(Span::new(source, start..start + at.len()), "");
        let mut found = Diagnostics::default();
        found.push(one);
        sources.mask_settings(source, &found, code::C0101);
        assert_eq!(sources.text(source).len(), text.len(), "no byte moves");
        render::text(&found.into_vec(), &sources, false)
    }

    #[test]
    fn of_a_line_that_cannot_be_read_the_key_and_the_marks_stay() {
        let shown = shown("[upstream]\nbase = \"http://me:hunter2@b, [x\n", code::C0101, "b, [x");
        assert!(shown.contains("config.toml:2:27"), "{shown}");
        assert!(shown.contains("base = \"*****************"), "{shown}");
        assert!(shown.contains(", [*\n"), "{shown}");
    }

    #[test]
    fn a_secret_is_not_shown_wherever_it_stands() {
        for (text, code, at) in [
            ("base = \"http://me:hunter2@b\"\n", code::C0102, "base"),
            ("base = \"http://me:hunter2\\u0040b\"\n", code::C0102, "base"),
            ("password = \"hunter2\"\n", code::C0102, "password"),
            ("base = \"http://hunter2\n", code::C0101, "2\n"),
            ("hunter2\n", code::C0101, "hunter2"),
            ("a = \"\"\"\nmore=hunter2=\n\"\"\n", code::C0101, "more"),
            ("[mode.acme.principals]\nhunter2 = \"legacy\n", code::C0101, "legacy"),
            ("[mode.acme.principals.hunter2\n", code::C0101, "mode"),
            ("a = 1\nb = \"hunter2\nc = \"hunter2\n", code::C0101, "\"hunter2\nc"),
        ] {
            assert!(!shown(text, code, at).contains("hunter2"), "{text}: {}", shown(text, code, at));
        }
    }

    #[test]
    fn what_is_no_secret_is_shown() {
        let text = "# https://example.org/a@b\n[server]\nworkers = \"two\"\n";
        assert!(shown(text, code::C0103, "\"two\"").contains("workers = \"two\""));
        let mut sources = Sources::default();
        let source = sources.add("acme.toml", "from = role\ninvite_token = hunter2\n");
        let mut found = Diagnostics::default();
        for place in [7..11, 27..34] {
            found.push(Diagnostic::error(code::M0101, "wrong").at(Span::new(source, place), ""));
        }
        sources.mask_unread(&found, code::M0101);
        assert_eq!(sources.text(source), "from = role\ninvite_token = *******\n");
    }
}
