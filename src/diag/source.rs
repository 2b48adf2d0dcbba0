//! Files as people wrote them, and places in them.
//!
//! A [`Span`] is small and copied freely; whoever wants a line and a column asks [`Sources`], which keeps the
//! text. Of a file that is too long to keep there are excerpts, which know where they were taken from. This module
//! never reads a file: text is handed to it.

use std::{fmt, ops::Range};

mod mask;

pub(super) use self::mask::end_of_principals;

/// Names one text held by [`Sources`]; ordered as the texts were added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(u32);

/// A stretch of one text, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// Which text.
    pub source: SourceId,
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// A value and where it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spanned<T> {
    /// What was written.
    pub value: T,
    /// Where.
    pub span: Span,
}

impl Span {
    /// The bytes `range` of the text `source`.
    ///
    /// Positions past four gibibytes are cut to that; such a file has other problems.
    pub fn new(source: SourceId, range: Range<usize>) -> Self {
        let narrow = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Self { source, start: narrow(range.start), end: narrow(range.end) }
    }

    /// The bytes it covers.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl<T> Spanned<T> {
    /// A value and where it was written.
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }

    /// Changes the value and keeps the place.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned { value: change(self.value), span: self.span }
    }

    /// Borrows the value, with its place.
    pub fn as_ref(&self) -> Spanned<&T> {
        Spanned { value: &self.value, span: self.span }
    }
}

/// Every text that a diagnostic may point into.
#[derive(Clone, Debug, Default)]
pub struct Sources(Vec<Source>);

#[derive(Clone)]
struct Source {
    path: String,
    text: String,
    /// The text without what must not be shown; none if all of it may be.
    shown: Option<String>,
    start: Start,
    /// Where its lines end. A file of thousands of faults is asked for as many places.
    line_ends: Vec<u32>,
}

/// Shows no more than may be shown.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.shown.as_ref().unwrap_or(&self.text);
        f.debug_struct("Source").field("path", &self.path).field("shown", shown).finish_non_exhaustive()
    }
}

/// Where in its file a text begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// How many bytes come before.
    pub byte: u64,
    /// The line, from one.
    pub line: usize,
    /// The column in characters, from one.
    pub column: usize,
    /// The column in units of UTF-16, from one.
    pub column_utf16: usize,
}

impl Start {
    /// The beginning of a file.
    pub const OF_FILE: Start = Start { byte: 0, line: 1, column: 1, column_utf16: 1 };
}

impl Sources {
    /// Keeps a text under the path that messages will show for it.
    pub fn add(&mut self, path: impl Into<String>, text: impl Into<String>) -> SourceId {
        self.add_excerpt(path, text, Start::OF_FILE)
    }

    /// Keeps a part of the file of that path, and where the part begins.
    pub fn add_excerpt(
        &mut self,
        path: impl Into<String>,
        text: impl Into<String>,
        start: Start,
    ) -> SourceId {
        let id = u32::try_from(self.0.len()).expect("fewer than four thousand million files are loaded");
        let text = text.into();
        let line_ends = line_ends(&text);
        self.0.push(Source { path: path.into(), text, shown: None, start, line_ends });
        SourceId(id)
    }

    /// The text as it was written.
    pub fn text(&self, id: SourceId) -> &str {
        &self.source(id).text
    }

    /// What may be shown of the text: it has stars where there may be a secret, and each byte is where it was.
    pub fn shown(&self, id: SourceId) -> &str {
        let Source { text, shown, .. } = self.source(id);
        shown.as_ref().unwrap_or(text)
    }

    /// The path as it was given.
    pub fn path(&self, id: SourceId) -> &str {
        &self.source(id).path
    }

    /// Every text, in the order they were added.
    pub fn ids(&self) -> impl Iterator<Item = SourceId> {
        (0..).map(SourceId).take(self.0.len())
    }

    /// The line and column of a byte, as people count: both start at one, and a column is a character.
    ///
    /// An offset past the end, or inside a character, counts as the nearest place before it.
    pub fn line_column(&self, id: SourceId, offset: u32) -> (usize, usize) {
        self.position(id, offset, self.start(id).column, |before| before.chars().count())
    }

    /// The same, but a column is a unit of UTF-16: what editors count in.
    pub fn line_column_utf16(&self, id: SourceId, offset: u32) -> (usize, usize) {
        self.position(id, offset, self.start(id).column_utf16, |before| before.encode_utf16().count())
    }

    /// Where in the file of the text a byte of it stands: how many bytes come before.
    pub fn byte(&self, id: SourceId, offset: u32) -> u64 {
        self.start(id).byte + u64::from(offset)
    }

    /// Where in its file the text begins.
    pub fn start(&self, id: SourceId) -> Start {
        self.source(id).start
    }

    fn position(
        &self,
        id: SourceId,
        offset: u32,
        column: usize,
        count: impl Fn(&str) -> usize,
    ) -> (usize, usize) {
        let Source { text, start, line_ends, .. } = self.source(id);
        let before = &text[..text.floor_char_boundary(offset as usize)];
        let lines = line_ends.partition_point(|end| (*end as usize) < before.len());
        let last_end = lines.checked_sub(1).map(|last| line_ends[last] as usize);
        let (line_start, column) = last_end.map_or((0, column), |end| (end + 1, 1));
        (start.line + lines, column + count(&before[line_start..]))
    }

    /// What is left of the texts when only lines are asked for.
    pub fn lines(&self) -> Lines {
        Lines(self.0.iter().map(|source| (source.path.clone(), source.line_ends.clone())).collect())
    }

    fn source(&self, id: SourceId) -> &Source {
        self.0.get(id.0 as usize).expect("an id is only made by adding a text, and texts are never removed")
    }
}

fn line_ends(text: &str) -> Vec<u32> {
    text.bytes().zip(0..).filter(|(byte, _)| *byte == b'\n').map(|(_, end)| end).collect()
}

/// The paths of texts and where their lines end: what is needed to name the line of a span, without the texts.
#[derive(Clone, Debug, Default)]
pub struct Lines(Vec<(String, Vec<u32>)>);

impl Lines {
    /// The path and the line a span begins in, as in `mappings/acme.toml:7`. None if its text is not known here.
    pub fn name(&self, span: Span) -> Option<String> {
        let (path, ends) = self.0.get(span.source.0 as usize)?;
        let line = ends.partition_point(|end| *end < span.start) + 1;
        Some(format!("{path}:{line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line_column(text: &str, offset: u32) -> (usize, usize) {
        let mut sources = Sources::default();
        let id = sources.add("file.toml", text);
        sources.line_column(id, offset)
    }

    #[test]
    fn lines_and_columns_start_at_one() {
        assert_eq!(line_column("a\nbc\n", 0), (1, 1));
        assert_eq!(line_column("a\nbc\n", 1), (1, 2));
        assert_eq!(line_column("a\nbc\n", 2), (2, 1));
        assert_eq!(line_column("a\nbc\n", 3), (2, 2));
    }

    #[test]
    fn a_line_is_the_same_without_the_text() {
        let mut sources = Sources::default();
        let id = sources.add("a.toml", "one\ntwo\n\nfour");
        let lines = sources.lines();
        for offset in 0..=15 {
            let (line, _) = sources.line_column(id, offset);
            let named = lines.name(Span::new(id, offset as usize..offset as usize));
            assert_eq!(named, Some(format!("a.toml:{line}")), "{offset}");
        }
        assert_eq!(Lines::default().name(Span::new(id, 0..1)), None);
    }

    #[test]
    fn a_column_counts_characters_and_not_bytes() {
        assert_eq!(line_column("größe = 1", "größe".len().try_into().unwrap()), (1, 6));
    }

    #[test]
    fn an_offset_past_the_end_is_the_end() {
        assert_eq!(line_column("a\nbc", 99), (2, 3));
        assert_eq!(line_column("", 1), (1, 1));
    }

    #[test]
    fn an_offset_inside_a_character_is_the_place_before_it() {
        assert_eq!(line_column("ö", 1), (1, 1));
    }

    #[test]
    fn an_excerpt_counts_from_where_it_begins() {
        let mut sources = Sources::default();
        let id = sources.add_excerpt(
            "day.har",
            "ö, x\ny",
            Start { byte: 1000, line: 7, column: 50, column_utf16: 60 },
        );

        assert_eq!((sources.line_column(id, 4), sources.byte(id, 4)), ((7, 53), 1004));
        assert_eq!((sources.line_column(id, 6), sources.byte(id, 6)), ((8, 1), 1006));
        assert_eq!((sources.line_column_utf16(id, 4), sources.line_column_utf16(id, 6)), ((7, 63), (8, 1)));
    }

    #[test]
    fn an_id_finds_the_path_and_text_it_was_made_for() {
        let mut sources = Sources::default();
        let first = sources.add("a.toml", "one");
        let second = sources.add("b.toml", "two");

        assert_eq!((sources.path(first), sources.text(first)), ("a.toml", "one"));
        assert_eq!((sources.path(second), sources.text(second)), ("b.toml", "two"));
    }
}
