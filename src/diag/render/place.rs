//! Where a label points, as tools want to be told: paths relative to a folder, lines, and columns in UTF-16 units.

use std::borrow::Cow;
use std::path::{Component, Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::diag::{Sources, Span};

/// What stands for itself in a segment of a URI (RFC 3986, section 2.3). A colon does not: the first segment of a
/// relative reference could be taken for a scheme.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The folder that paths are told from.
#[derive(Clone, Debug)]
pub(super) struct Folder(Option<PathBuf>);

/// A stretch of a text, with lines and columns from one; it ends before `end_column`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) start_line: usize,
    pub(super) start_column: usize,
    pub(super) end_line: usize,
    pub(super) end_column: usize,
}

impl Folder {
    pub(super) fn new(folder: Option<&str>) -> Self {
        Self(folder.map(PathBuf::from))
    }

    /// The path from this folder if it lies below, else as it is; with slashes in any case.
    pub(super) fn seen(&self, path: &str) -> String {
        let path = Path::new(path);
        let below = self.0.as_ref().and_then(|folder| path.strip_prefix(folder).ok());
        let seen = below.filter(|path| path.components().next().is_some()).unwrap_or(path);
        let mut text = String::new();
        for part in seen.components().filter(|part| *part != Component::CurDir) {
            if !text.is_empty() && !text.ends_with('/') {
                text.push('/');
            }
            match part {
                Component::RootDir => text.push('/'),
                part => text.push_str(&part.as_os_str().to_string_lossy()),
            }
        }
        text
    }

    /// The same as a URI reference, and whether it is relative.
    pub(super) fn uri(&self, path: &str) -> (String, bool) {
        let seen = self.seen(path);
        let segments: Vec<Cow<'_, str>> =
            seen.split('/').map(|segment| utf8_percent_encode(segment, SEGMENT).into()).collect();
        let uri = segments.join("/");
        if seen.starts_with('/') { (format!("file://{uri}"), false) } else { (uri, true) }
    }
}

impl Region {
    /// Where the characters are, counted in characters.
    pub(super) fn in_characters(span: Span, sources: &Sources) -> Self {
        Self::new(span, |offset| sources.line_column(span.source, offset))
    }

    /// Where the characters are, counted in UTF-16 units.
    pub(super) fn in_utf16(span: Span, sources: &Sources) -> Self {
        Self::new(span, |offset| sources.line_column_utf16(span.source, offset))
    }

    fn new(span: Span, position: impl Fn(u32) -> (usize, usize)) -> Self {
        let (start_line, start_column) = position(span.start);
        let (end_line, end_column) = position(span.end.max(span.start));
        Self { start_line, start_column, end_line, end_column }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_below_the_folder_is_told_from_there() {
        let folder = Folder::new(Some("/srv/build"));
        for (path, seen) in [
            ("/srv/build/mappings/a.toml", "mappings/a.toml"),
            ("mappings/a.toml", "mappings/a.toml"),
            ("./mappings//a.toml", "mappings/a.toml"),
            ("../shared/a.toml", "../shared/a.toml"),
            ("/etc/a.toml", "/etc/a.toml"),
            ("/srv/builder/a.toml", "/srv/builder/a.toml"),
            ("standard input", "standard input"),
        ] {
            assert_eq!(folder.seen(path), seen);
        }
        assert_eq!(Folder::new(None).seen("/srv/build/a.toml"), "/srv/build/a.toml");
    }

    #[test]
    fn a_uri_is_relative_where_the_path_is() {
        let folder = Folder::new(Some("/srv/build"));
        assert_eq!(folder.uri("/srv/build/a b/c:d.toml"), ("a%20b/c%3Ad.toml".to_owned(), true));
        assert_eq!(folder.uri("/etc/größe.toml"), ("file:///etc/gr%C3%B6%C3%9Fe.toml".to_owned(), false));
        assert_eq!(folder.uri("100%.toml"), ("100%25.toml".to_owned(), true));
    }

    #[test]
    fn utf_16_counts_a_character_beyond_the_first_plane_as_two() {
        let mut sources = Sources::default();
        let source = sources.add("a.toml", "x\nö𝄞 = 1");
        let span = Span::new(source, 4..8);
        let characters = Region::in_characters(span, &sources);
        assert_eq!((characters.start_line, characters.start_column), (2, 2));
        assert_eq!((characters.end_line, characters.end_column), (2, 3));
        let units = Region::in_utf16(span, &sources);
        assert_eq!((units.start_column, units.end_column), (2, 4));
    }
}
