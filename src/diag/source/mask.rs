//! What of a text must not be shown: lines are printed where something is wrong with them, and what is printed may be kept.
//!
//! What was written stays beside it, for whoever reads it again or takes its digest. No byte moves, so that every place is the
//! same in both.

use std::{collections::BTreeMap, ops::Range};

use super::{Source, SourceId, Sources, Span};
use crate::diag::{Code, Diagnostic, Diagnostics, code};

/// Parts of names of keys with secrets.
const SECRETS: [&str; 14] = [
    "api-key",
    "api_key",
    "apikey",
    "auth",
    "bearer",
    "cookie",
    "credential",
    "passphrase",
    "passw",
    "private-key",
    "private_key",
    "pwd",
    "secret",
    "token",
];

/// What is wrong with a line of settings of which no value is needed to see it, or the value may be a secret: no TOML, a key
/// that nobody knows, an address that is none.
const HIDE_ALL: [Code; 3] = [code::C0101, code::C0102, code::C0205];

/// Of a value that is hidden these stay, for what is wrong with it is mostly one of them.
const MARKS: [char; 8] = ['"', '\'', '[', ']', '{', '}', ',', '='];

/// Tables with keys that may be credentials in the wrong place.
const OF_PRINCIPALS: [&str; 2] = ["names", "principals"];

/// Where the first name of such a table ends that is in a text.
pub(in crate::diag) fn end_of_principals(text: &str) -> Option<usize> {
    let is_part = |one: char| one.is_ascii_alphanumeric() || "_-".contains(one);
    let found = OF_PRINCIPALS.iter().flat_map(|name| text.match_indices(name));
    let whole = found.filter(|(at, name)| {
        !text[..*at].ends_with(is_part) && !text[at + name.len()..].starts_with(is_part)
    });
    whole.map(|(at, name)| at + name.len()).min()
}

impl Sources {
    /// Hides in settings what may be a secret: users and passwords in addresses everywhere, what diagnostics say may be one,
    /// all values in some lines, and those in the lines of all other diagnostics of which a key says so.
    pub fn mask_settings(&mut self, settings: SourceId, found: &Diagnostics) {
        self.mask_what_hides(found);
        let of_settings = |one: &Diagnostic| {
            let places = one.labels.iter().map(|label| label.span).filter(|span| span.source == settings);
            // What stands between two labels may be printed with them.
            let whole = places
                .map(Span::range)
                .reduce(|one, other| one.start.min(other.start)..one.end.max(other.end))?;
            Some((whole, HIDE_ALL.contains(&one.code)))
        };
        let places: Vec<_> = found.iter().filter_map(of_settings).collect();
        let source = &mut self.0[settings.0 as usize];
        source.mask_values(&places);
        source.mask_users();
    }

    /// Hides in files that hold no secrets what looks like one all the same, in lines that cannot be read (`syntax`): whoever
    /// wrote it there may have meant another file.
    pub fn mask_unread(&mut self, found: &Diagnostics, syntax: Code) {
        let mut places: BTreeMap<SourceId, Vec<_>> = BTreeMap::new();
        for label in found.iter().filter(|one| one.code == syntax).flat_map(|one| &one.labels) {
            places.entry(label.span.source).or_default().push((label.span.range(), false));
        }
        for (source, places) in places {
            self.0[source.0 as usize].mask_values(&places);
        }
    }

    /// Hides whatever diagnostics say may be a secret.
    pub fn mask_what_hides(&mut self, found: &Diagnostics) {
        for one in found.iter().filter(|one| one.hides) {
            let Some(source) = one.primary().map(|span| span.source) else { continue };
            // What stands between two places may be printed with them.
            let places = one.labels.iter().map(|label| label.span).filter(|span| span.source == source);
            let whole = places
                .map(Span::range)
                .reduce(|one, other| one.start.min(other.start)..one.end.max(other.end));
            if let Some(whole) = whole {
                self.0[source.0 as usize].mask(whole);
            }
        }
    }
}

impl Source {
    /// Hides what stands there and in the rest of the line, where it may be a secret in the wrong place.
    fn mask(&mut self, range: Range<usize>) {
        // A key may have dots, and go on behind what is pointed at.
        let Some(rest) = self.text.get(range.end..) else { return };
        let range = range.start..range.end + rest.find('\n').unwrap_or(rest.len());
        if self.text.get(range.clone()).is_some() {
            self.hide(range, |one| one == '\n');
        }
    }

    /// Hides the users and passwords of all addresses.
    fn mask_users(&mut self) {
        for line in lines(&self.text) {
            self.hide(line.user, |_| false);
        }
    }

    /// Hides the values in the lines of places, all of them or those of keys with secrets, and who is a user there.
    fn mask_values(&mut self, places: &[(Range<usize>, bool)]) {
        let lines = lines(&self.text);
        let line_of = |byte: usize| lines.partition_point(|line| line.range.start <= byte).saturating_sub(1);
        // How many more places have a line than the line before. A file of thousands of faults is gone through once.
        let mut more = vec![[0_isize; 2]; lines.len() + 1];
        for (place, all) in places {
            more[line_of(place.start)][usize::from(*all)] += 1;
            more[line_of(place.end.max(place.start)) + 1][usize::from(*all)] -= 1;
        }
        let (mut some, mut all) = (0, 0);
        for (line, [more_some, more_all]) in lines.iter().zip(more) {
            (some, all) = (some + more_some, all + more_all);
            if some + all > 0 {
                let values = line.values(&self.text, all > 0);
                self.hide(values, |character| character.is_whitespace() || MARKS.contains(&character));
                self.hide(line.user.clone(), |_| false);
            }
        }
    }

    /// Shows stars in the place of characters, as many as they have bytes.
    fn hide(&mut self, range: Range<usize>, stays: impl Fn(char) -> bool) {
        if range.is_empty() {
            return;
        }
        let shown = self.shown.get_or_insert_with(|| self.text.clone());
        let mut masked = String::with_capacity(range.len());
        for character in shown[range.clone()].chars() {
            if stays(character) {
                masked.push(character);
            } else {
                masked.extend(std::iter::repeat_n('*', character.len_utf8()));
            }
        }
        shown.replace_range(range, &masked);
    }
}

/// A line, and what of the lines before it says how to read it.
struct Line {
    range: Range<usize>,
    /// What an address in it says of a user.
    user: Range<usize>,
    is_in_text: bool,
    is_of_principals: bool,
}

fn lines(text: &str) -> Vec<Line> {
    let (mut begins, mut quotes, mut is_of_principals) = (0, [0; 2], false);
    let line = |line: &str| {
        let range = begins..begins + line.len();
        let is_in_text = quotes.iter().any(|count| count % 2 == 1);
        let user = user(line);
        let found = Line {
            user: begins + user.start..begins + user.end,
            range: range.clone(),
            is_in_text,
            is_of_principals,
        };
        for (count, quote) in quotes.iter_mut().zip([r#"""""#, "'''"]) {
            *count += line.matches(quote).count();
        }
        if line.trim_start().starts_with('[') {
            is_of_principals = end_of_principals(line).is_some();
        }
        begins = range.end + 1;
        found
    };
    text.split('\n').map(line).collect()
}

impl Line {
    /// Where in it the values are that have to be hidden.
    fn values(&self, text: &str, all: bool) -> Range<usize> {
        let (begins, end, here) = (self.range.start, self.range.end, &text[self.range.clone()]);
        if !self.is_in_text && here.trim_start().starts_with('[') && !here.contains('=') {
            // Behind that name stands who it is.
            let names = end_of_principals(here).filter(|_| all).map(|at| begins + at);
            return names.unwrap_or(end)..end;
        }
        if !all {
            return value_of_a_secret(here).map_or(end, |at| begins + at)..end;
        }
        let key = here.split_once('=').map(|(key, _)| key);
        let is_key =
            |key: &&str| key.trim().chars().all(|c| c.is_ascii_alphanumeric() || "_-.\"' ".contains(c));
        let key = key.filter(is_key).filter(|_| !self.is_in_text && !self.is_of_principals);
        begins + key.map_or(0, |key| end_of_principals(key).unwrap_or(key.len()))..end
    }
}

/// Where the value of the first key begins that names a secret, in a table within the line, too.
fn value_of_a_secret(line: &str) -> Option<usize> {
    let line = line.to_ascii_lowercase();
    let name = SECRETS.iter().filter_map(|part| line.find(part)).min()?;
    line[name..].find('=').map(|at| name + at)
}

/// What an address in a line says of a user.
fn user(line: &str) -> Range<usize> {
    let Some(begins) = line.find("//").map(|at| at + 2) else { return 0..0 };
    let rest = &line[begins..];
    // Who writes the sign as an escape hides it from us, too.
    let escape = rest.contains('\\').then(|| rest.trim_end().len());
    begins..begins + rest.rfind('@').max(escape).unwrap_or_default()
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
        sources.mask_settings(source, &found);
        assert_eq!(sources.shown(source).len(), text.len(), "no byte moves");
        assert_eq!(sources.text(source), text, "what was written stays");
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
            ("base = \"me:hunter2@backend:8080\"\n", code::C0205, "\"me"),
            ("base = \"http:/me:hunter2@b\"\n", code::C0205, "\"http"),
            ("base = \"http:\\u002f\\u002fme:hunter2@b\"\n", code::C0205, "\"http"),
            ("base = \"http://me:token=hunter2@b\"\n", code::C0103, "base"),
            ("tls = { certificate = \"a\", passphrase = \"hunter2\" }\n", code::C0102, "passphrase"),
            ("tls = { key = 1, Authorization = \"hunter2\" }\n", code::C0103, "1"),
            ("a = { base = \"http://b\", token = \"@hunter2\" }\n", code::C0103, "base"),
            ("base = \"http://hunter2\n", code::C0101, "2\n"),
            ("hunter2\n", code::C0101, "hunter2"),
            ("a = \"\"\"\nmore=hunter2=\n\"\"\n", code::C0101, "more"),
            ("base = \"\"\"\n[hunter2\n\"\"\"\n", code::C0205, "[hunter2"),
            ("[mode.acme.principals]\nhunter2 = \"legacy\n", code::C0101, "legacy"),
            ("[mode.acme.principals.hunter2\n", code::C0101, "mode"),
            ("a = 1\nb = \"hunter2\nc = \"hunter2\n", code::C0101, "\"hunter2\nc"),
            ("[usage.names]\nhunter2 = \"me\n", code::C0101, "me"),
            ("[usage]\nnames.hunter2 = \"me\n", code::C0101, "me"),
            ("[mode.acme]\nprincipals.hunter2 = \"legacy\n", code::C0101, "legacy"),
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
        assert_eq!(sources.shown(source), "from = role\ninvite_token = *******\n");
    }

    #[test]
    fn a_secret_between_two_places_is_not_shown() {
        let text = "a = 1\npassword = \"hunter2\"\na = 2\n";
        let mut sources = Sources::default();
        let source = sources.add("config.toml", text);
        let twice = Diagnostic::error(code::C0105, "wrong").at(Span::new(source, 29..30), "");
        let mut found = Diagnostics::default();
        found.push(twice.also(Span::new(source, 0..1), ""));
        sources.mask_settings(source, &found);
        let shown = render::text(&found.into_vec(), &sources, false);
        assert!(shown.contains("a = 2") && shown.contains("a = 1"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
