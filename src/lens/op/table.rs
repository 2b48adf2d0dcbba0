//! A word of a table: roles, statuses, whatever both sides enumerate in words of their own.
//!
//! Laws: lift of a row's word is the row's canonical word, and lower of that is the row's word again. A canonical word
//! without a row lands on a row it was declared to land on, or is refused for a declared reason; the loader sees to it
//! that no word is left over on either side.

use std::borrow::Cow;

use crate::diag::Span;
use crate::json::{Kind, Value, Writer};
use crate::lens::explain::How;
use crate::lens::path::Literal;
use crate::lens::run::{Run, Source, Stop};

/// Words of a dialect and what they are in the canonical form.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its name in the mapping; `role` for that of roles.
    pub name: String,
    /// What the words are: `role` or `value`.
    pub noun: &'static str,
    /// The pairs.
    pub rows: Vec<Row>,
    /// Where canonical words without a row end.
    pub lands: Vec<(Word, Landing)>,
    /// Where the mapping says each of those.
    pub lands_at: Vec<Span>,
    /// The number of the loss that each of those is.
    pub lands_lost: Vec<usize>,
}

/// A pair of words.
#[derive(Clone, Debug)]
pub struct Row {
    /// The word the dialect writes.
    pub word: Word,
    /// Other spellings it reads.
    pub also: Vec<Word>,
    /// The canonical word.
    pub is: Word,
    /// What the dialect calls it when it shows it to people.
    pub label: Option<String>,
    /// Where the mapping says so.
    pub origin: Option<Span>,
}

/// What becomes of a canonical word that has no row.
#[derive(Clone, Debug)]
pub enum Landing {
    /// It cannot be told in the dialect, for this reason.
    Refuse(String),
    /// It is told as the row of this index.
    Row(usize),
}

/// A scalar that means something: a string, a number, a truth value or null.
#[derive(Clone, Debug, PartialEq)]
pub struct Word(Literal);

impl Word {
    /// The word, if the literal is a scalar.
    pub fn new(literal: Literal) -> Option<Word> {
        let scalar = !matches!(literal.value().kind(), Kind::Array | Kind::Object);
        scalar.then_some(Word(literal))
    }

    /// As JSON.
    pub fn json(&self) -> &str {
        self.0.json()
    }

    /// As plain text: a string without its quotes, anything else as JSON.
    pub fn text(&self) -> Cow<'_, str> {
        self.0.value().as_str().unwrap_or(Cow::Borrowed(self.json()))
    }

    /// As a value.
    pub fn value(&self) -> Value<'_> {
        self.0.value()
    }

    fn is(&self, source: Source<'_>) -> bool {
        self.0.is(source)
    }
}

impl Table {
    pub(super) fn lift(
        &self,
        source: Source<'_>,
        run: &mut Run<'_, '_>,
        out: &mut Writer,
    ) -> Result<(), Stop> {
        let row = self.row_of(source).ok_or_else(|| Stop::refused("enum", self.expected()))?;
        run.say(|| row.word.told(&row.is, false, row.origin));
        out.raw(row.is.json());
        Ok(())
    }

    pub(super) fn lower(
        &self,
        source: Source<'_>,
        run: &mut Run<'_, '_>,
        out: &mut Writer,
    ) -> Result<(), Stop> {
        let row = self.land(source, run)?;
        self.count(source, row, run);
        out.raw(row.word.json());
        Ok(())
    }

    /// Whether lifting what a canonical word is told as gives that word again, for all that can be told. There are few
    /// enough to go through them.
    pub(super) fn is_lossless(&self) -> bool {
        let words = self.rows.iter().map(|row| &row.is).chain(self.lands.iter().map(|(word, _)| word));
        words.into_iter().all(|word| {
            let back = self.told(word).and_then(|row| self.row_of(Source::Json(row.word.value())));
            back.is_none_or(|row| row.is == *word)
        })
    }

    /// Every word that is read, with the row that it is shown as when it is read back, and whether that is its own row: the
    /// same word, if perhaps in another spelling.
    pub fn read_back(&self) -> impl Iterator<Item = (&Word, &Row, bool)> {
        self.rows.iter().enumerate().flat_map(|(index, row)| {
            let earlier = self.rows[..index].iter().find(|earlier| earlier.is == row.is);
            let words = std::iter::once(&row.word).chain(&row.also);
            words.map(move |word| (word, earlier.unwrap_or(row), earlier.is_none()))
        })
    }

    /// The row that a canonical word is told as, if it can be told.
    fn told(&self, canonical: &Word) -> Option<&Row> {
        let own = self.rows.iter().find(|row| row.is == *canonical);
        own.or_else(|| match self.lands.iter().find(|(word, _)| word == canonical)? {
            (_, Landing::Row(index)) => Some(&self.rows[*index]),
            (_, Landing::Refuse(_)) => None,
        })
    }

    /// Counts a word that is told as another. Its label beside it is no second loss.
    pub(super) fn count(&self, source: Source<'_>, told: &Row, run: &mut Run<'_, '_>) {
        if told.is.is(source) {
            return;
        }
        let landed = self.lands.iter().zip(&self.lands_lost).find(|((word, _), _)| word.is(source));
        if let Some((_, number)) = landed {
            run.lost.add(*number);
        }
    }

    /// The row a canonical word is told as.
    pub(super) fn land(&self, source: Source<'_>, run: &mut Run<'_, '_>) -> Result<&Row, Stop> {
        if let Some(row) = self.rows.iter().find(|row| row.is.is(source)) {
            run.say(|| row.word.told(&row.is, false, row.origin));
            return Ok(row);
        }
        let landed = self.lands.iter().position(|(word, _)| word.is(source));
        match landed.map(|at| (at, &self.lands[at])) {
            Some((at, (canonical, Landing::Row(index)))) => {
                let row = &self.rows[*index];
                run.say(|| row.word.told(canonical, true, self.lands_at.get(at).copied()));
                Ok(row)
            }
            Some((at, (canonical, Landing::Refuse(reason)))) => {
                let canonical = canonical.json().to_owned();
                run.say(|| How::Nowhere { canonical, origin: self.lands_at.get(at).copied() });
                Err(Stop::refused("unrepresentable", reason))
            }
            None => Err(Stop::refused("unknown", format!("is a {} nobody has placed", self.noun))),
        }
    }

    /// The row of a word of the dialect.
    fn row_of(&self, source: Source<'_>) -> Option<&Row> {
        self.index_of(source).map(|index| &self.rows[index])
    }

    /// The index of that row.
    pub(super) fn index_of(&self, source: Source<'_>) -> Option<usize> {
        let has = |row: &Row| row.word.is(source) || row.also.iter().any(|also| also.is(source));
        self.rows.iter().position(has)
    }

    /// What a client is told that sent something else.
    pub(super) fn expected(&self) -> String {
        format!("must be one of {}", self.words())
    }

    /// The dialect's words, for a message.
    pub(super) fn words(&self) -> String {
        let words: Vec<_> = self.rows.iter().map(|row| format!("`{}`", row.word.text())).collect();
        words.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::lens::op::Op;
    use crate::lens::support::{Became, lift, lower, only, roles};

    #[test]
    fn a_row_is_the_same_there_and_back() {
        let lens = only(Op::Table(Arc::new(roles())));
        for (left, right) in [("2", "\"admin\""), ("0", "\"viewer\""), ("null", "\"guest\"")] {
            let (left, right) = (format!("{{\"l\":{left}}}"), format!("{{\"r\":{right}}}"));
            assert_eq!(lift(&lens, &left), Became::Body(right.clone()));
            assert_eq!(lower(&lens, &right), Became::Body(left));
        }
    }

    #[test]
    fn other_spellings_are_read_and_never_written() {
        let lens = only(Op::Table(Arc::new(roles())));
        assert_eq!(lift(&lens, r#"{"l":"0"}"#), Became::body(r#"{"r":"viewer"}"#));
        assert_eq!(
            lift(&lens, r#"{"l":"2"}"#).refusal(),
            ("/l".to_owned(), "enum"),
            "not declared for this row"
        );
        for other in ["1", "0.0", "-0", "\"Admin\"", "true", "{}", "[]"] {
            assert_eq!(lift(&lens, &format!("{{\"l\":{other}}}")).refusal().1, "enum", "{other}");
        }
    }

    #[test]
    fn words_without_a_row_land_or_are_refused() {
        let lens = only(Op::Table(Arc::new(roles())));
        assert_eq!(lower(&lens, r#"{"r":"manager"}"#), Became::body(r#"{"l":0}"#));
        assert_eq!(lower(&lens, r#"{"r":"owner"}"#).refusal().1, "unrepresentable");
        assert_eq!(lower(&lens, r#"{"r":"emperor"}"#).refusal().1, "unknown");
    }
}
