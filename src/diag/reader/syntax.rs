//! What the TOML parser complained about, as diagnostics.

use std::ops::Range;

use toml::de::Error;

use crate::diag::reader::Codes;
use crate::diag::source::end_of_principals;
use crate::diag::{Diagnostic, Diagnostics, SourceId, Span};

/// How the TOML parser words the one error that leaves the rest of the text intact.
const DUPLICATE: &str = "duplicate key";
/// How it words both text without quotes and no value at all.
const NOT_QUOTED: &str = "string values must be quoted";

/// What a broken line leaves in doubt.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken {
    /// What could not be read: the line, or the whole table when it is the header that is broken.
    pub(super) unread: Range<usize>,
    /// What it may have belonged to, so that nobody can tell what is missing there.
    pub(super) hides: Range<usize>,
}

/// Turns parser errors into diagnostics, and says what they leave in doubt.
///
/// One mistake often draws several errors from the parser; only the first on each line is worth reading.
pub(super) fn diagnose(
    source: SourceId,
    text: &str,
    errors: &[Error],
    codes: &Codes,
) -> (Vec<Broken>, Diagnostics) {
    let mut broken: Vec<Broken> = Vec::new();
    let mut found = Diagnostics::default();

    for error in errors {
        let place = error.span().unwrap_or(text.len()..text.len());
        if error.message() == DUPLICATE {
            found.push(duplicate(source, text, place, codes));
            continue;
        }

        let doubt = Broken::around(text, place.start);
        if !broken.contains(&doubt) {
            broken.push(doubt);
            found.push(syntax(source, place, error.message(), codes));
        }
    }

    (broken, found)
}

/// The parser says what is wrong, and after a comma what it would have taken instead.
fn syntax(source: SourceId, place: Range<usize>, message: &str, codes: &Codes) -> Diagnostic {
    let (message, expected) = match message.split_once(", ") {
        Some((NOT_QUOTED, _)) if place.is_empty() => ("a value is missing", "expected a value"),
        Some((NOT_QUOTED, _)) => ("text has to be quoted", "expected quotes around this"),
        Some((message, "expected nothing")) => (message, "one too many"),
        Some(parts) => parts,
        None => (message, ""),
    };
    Diagnostic::error(codes.syntax, message).at(Span::new(source, place), expected)
}

fn duplicate(source: SourceId, text: &str, place: Range<usize>, codes: &Codes) -> Diagnostic {
    let hides = may_be_a_credential(text, &place);
    let message = match &text[place.clone()] {
        _ if hides => "a key is set twice".to_owned(),
        name => format!("`{name}` is set twice"),
    };
    let diagnostic = Diagnostic::error(codes.duplicate_key, message)
        .at(Span::new(source, place.clone()), "set again here")
        .help("remove one of the two");
    let diagnostic = if hides { diagnostic.hiding() } else { diagnostic };
    match first_occurrence(text, place) {
        Some(first) => diagnostic.also(Span::new(source, first), "first set here"),
        None => diagnostic,
    }
}

/// Whether a key is of a table of principals, and no digest of one. The table is named in the last header, or in a line
/// since then.
fn may_be_a_credential(text: &str, key: &Range<usize>) -> bool {
    let name = text[key.clone()].trim_matches(['"', '\'']);
    let is_digest = name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_digest {
        return false;
    }
    let line_start = line_around(text, key.start).start;
    for line in [&text[line_start..key.start]].into_iter().chain(text[..line_start].lines().rev()) {
        if end_of_principals(line).is_some() {
            return true;
        }
        if line.trim_start().starts_with('[') {
            return false;
        }
    }
    false
}

/// Finds the line that set the key, or opened the table, before the one at `again` did.
///
/// The parser does not tell. Two such lines begin alike, and a key's first line follows the same table header;
/// where that does not find it, as inside an inline table, the diagnostic makes do with one place.
fn first_occurrence(text: &str, again: Range<usize>) -> Option<Range<usize>> {
    let line_start = line_around(text, again.start).start;
    let opening = text[line_start..again.end].trim_start();
    let is_header = opening.starts_with('[');

    let mut offset = 0;
    let mut first = None;
    for line in text[..line_start].split_inclusive('\n') {
        let trimmed = line.trim_start();
        if trimmed.starts_with('[') && !is_header {
            first = None;
        }
        let rest = trimmed.strip_prefix(opening).map(str::trim_start);
        if first.is_none() && rest.is_some_and(|rest| rest.starts_with(['=', ']'])) {
            let end = offset + (line.len() - trimmed.len()) + opening.len();
            first = Some(end - again.len()..end);
        }
        offset += line.len();
    }
    first
}

impl Broken {
    fn around(text: &str, offset: usize) -> Self {
        let line = line_around(text, offset);
        let table_end = text[line.end..].find("\n[").map_or(text.len(), |newline| line.end + newline);
        let is_header = text[line.clone()].trim_start().starts_with('[');
        if is_header {
            return Self { unread: line.start..table_end, hides: 0..text.len() };
        }
        let table_start = text[..line.start].rfind("\n[").map_or(0, |newline| newline + 1);
        Self { unread: line, hides: table_start..table_end }
    }
}

fn line_around(text: &str, offset: usize) -> Range<usize> {
    let offset = text.floor_char_boundary(offset);
    let start = text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[offset..].find('\n').map_or(text.len(), |newline| offset + newline);
    start..end
}

#[cfg(test)]
mod tests {
    use crate::diag::reader::{Codes, Reader};
    use crate::diag::{Diagnostic, Sources, code};

    const CODES: Codes = Codes {
        syntax: code::M0101,
        unknown_key: code::M0102,
        wrong_type: code::M0103,
        missing_key: code::M0104,
        duplicate_key: code::M0105,
    };

    fn faults(text: &str) -> Vec<Diagnostic> {
        let file = Sources::default().add("file.toml", text);
        Reader::parse(file, text, &CODES).into_diagnostics().into_vec()
    }

    fn pointed_at<'t>(text: &'t str, diagnostic: &Diagnostic) -> Vec<(usize, &'t str)> {
        let labels = diagnostic.labels.iter();
        labels.map(|label| (label.span.start as usize, &text[label.span.range()])).collect()
    }

    #[test]
    fn every_broken_line_is_reported_and_each_only_once() {
        let found = faults("a = 10s\nb = 1 c = 2 d = 3\ne = [1, 2\n");

        let places: Vec<_> = found.iter().map(|one| (one.code, one.labels[0].span.start)).collect();
        assert_eq!(places, [(code::M0101, 4), (code::M0101, 16), (code::M0101, 35)]);
    }

    #[test]
    fn a_key_set_twice_points_at_both_places() {
        let text = "[a]\nx = 1\n[b]\nx = 2\n  x = 3\n";
        let found = faults(text);

        assert_eq!(found.len(), 1);
        assert_eq!(found[0].message, "`x` is set twice");
        assert_eq!(pointed_at(text, &found[0]), [(22, "x"), (14, "x")]);
    }

    #[test]
    fn a_table_opened_twice_points_at_both_headers() {
        let text = "[a.b]\nx = 1\n[c]\n[a.b]\ny = 2\n";
        let found = faults(text);

        assert_eq!(found[0].code, code::M0105);
        assert_eq!(pointed_at(text, &found[0]), [(19, "b"), (3, "b")]);
    }

    #[test]
    fn a_key_set_twice_inside_an_inline_table_makes_do_with_one_place() {
        let text = "a = { x = 1, x = 2 }\n";

        assert_eq!(pointed_at(text, &faults(text)[0]), [(13, "x")]);
    }

    #[test]
    fn a_key_that_may_be_a_credential_is_not_repeated() {
        let digest = "9f86d081884c7d659a2feaa0c55ad015";
        for (text, message) in [
            ("[usage.names]\nx = 'a'\nx = 'b'\n", "a key is set twice"),
            ("[usage]\nnames = { x = 'a', x = 'b' }\n", "a key is set twice"),
            ("[usage]\nnames.x = 'a'\nnames.x = 'b'\n", "a key is set twice"),
            ("[mode.acme.principals.x]\n[mode.acme.principals.x]\n", "a key is set twice"),
            ("[usage.names]\na = 1\n[usage.hostnames]\nx = 1\nx = 2\n", "`x` is set twice"),
        ] {
            let found = faults(text);
            assert_eq!((found.len(), &*found[0].message), (1, message), "{text}");
            assert_eq!(found[0].hides, message.starts_with("a key"), "{text}");
        }
        let of_digest = faults(&format!("[usage.names]\n{digest} = 'a'\n{digest} = 'b'\n"));
        assert_eq!(of_digest[0].message, format!("`{digest}` is set twice"));
    }

    #[test]
    fn a_longer_key_is_not_taken_for_the_first_place() {
        let text = "timeouts = 1\n\"timeout\" = 2\ntimeout = 3\n";

        assert_eq!(pointed_at(text, &faults(text)[0]).len(), 1);
    }

    #[test]
    fn a_sign_too_many_is_said_to_be_that() {
        let found = faults("x = = 1\n");
        assert_eq!(found[0].labels[0].text, "one too many");
    }

    #[test]
    fn a_missing_value_and_missing_quotes_are_told_apart() {
        let found = faults("a =\nb = words\n");

        assert_eq!(found[0].message, "a value is missing");
        assert_eq!(found[1].message, "text has to be quoted");
    }

    #[test]
    fn a_broken_line_hides_what_is_missing_from_its_own_table_only() {
        let text = "[a]\nx = oops\n[b]\n";
        let file = Sources::default().add("file.toml", text);
        let reader = Reader::parse(file, text, &CODES);
        reader.root().read(|root| {
            for name in ["a", "b"] {
                root.table(name).unwrap().required_text("x");
            }
        });

        let found = reader.into_diagnostics().into_vec();
        assert_eq!(found[1].message, "missing key `b.x`");
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn the_keys_under_a_broken_header_are_not_taken_for_keys_of_the_table_above() {
        let text = "[a\nx = 1\n[b]\n";
        let file = Sources::default().add("file.toml", text);
        let reader = Reader::parse(file, text, &CODES);
        let mut root = reader.root();
        root.table("b");
        root.finish();

        let codes: Vec<_> = reader.into_diagnostics().into_vec().into_iter().map(|one| one.code).collect();
        assert_eq!(codes, [code::M0101]);
    }
}
