//! A filter by a word of a table: it asks for everything that is told as that word.
//!
//! Law: a canonical word is among those asked for exactly if its table lowers it to the word of the filter. A dialect
//! that tells an owner as an administrator lists owners, too, when administrators are asked for.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::table::{Landing, Table};
use crate::json::Writer;
use crate::lens::explain::How;
use crate::lens::run::{Run, Source, Stop};

/// A filter by a word; it is lifted to canonical words with commas between, and lowered to the word that stands for just
/// those.
#[derive(Clone, Debug)]
pub struct Filter(pub Arc<Table>);

impl Filter {
    pub(super) fn lift(
        &self,
        source: Source<'_>,
        run: &mut Run<'_, '_>,
        out: &mut Writer,
    ) -> Result<(), Stop> {
        let Filter(table) = self;
        let Some(index) = table.index_of(source) else {
            return Err(Stop::refused("enum", table.expected()));
        };
        let words: Vec<_> = self.told_as(index).collect();
        let words = words.join(",");
        run.say(|| How::Filter(words.clone()));
        out.string(&words);
        Ok(())
    }

    /// Fewer words than the dialect's word stands for would be more than was asked for, and more words less.
    pub(super) fn lower(
        &self,
        source: Source<'_>,
        run: &mut Run<'_, '_>,
        out: &mut Writer,
    ) -> Result<(), Stop> {
        let Filter(table) = self;
        let text = source.text().ok_or_else(|| Stop::refused("type", "must be a string"))?;
        let asked: BTreeSet<&str> = text.split(',').collect();
        let is_it = |index: &usize| {
            let told: Vec<_> = self.told_as(*index).collect();
            told.iter().map(|word| &**word).collect::<BTreeSet<_>>() == asked
        };
        let Some(index) = (0..table.rows.len()).find(is_it) else {
            let message = format!("is not all that one of {} stands for", table.words());
            return Err(Stop::refused("unrepresentable", message));
        };
        let row = &table.rows[index];
        run.say(|| row.word.told(&row.is, false, row.origin));
        out.raw(row.word.json());
        Ok(())
    }

    /// The canonical words that are told as the word of a row.
    fn told_as(&self, index: usize) -> impl Iterator<Item = Cow<'_, str>> {
        let Filter(table) = self;
        let landed = table.lands.iter().filter_map(move |(word, landing)| match landing {
            Landing::Row(row) if *row == index => Some(word),
            Landing::Row(_) | Landing::Refuse(_) => None,
        });
        std::iter::once(&table.rows[index].is).chain(landed).map(|word| word.text())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Filter;
    use crate::lens::op::Op;
    use crate::lens::support::{Became, lift, lower, only, roles};

    #[test]
    fn what_is_asked_for_is_what_is_told_as_the_word() {
        let (filter, table) =
            (only(Op::Filter(Filter(Arc::new(roles())))), only(Op::Table(Arc::new(roles()))));
        for left in ["2", "0", "null"] {
            let Became::Body(asked) = lift(&filter, &format!(r#"{{"l":{left}}}"#)) else { panic!("{left}") };
            let asked = asked.trim_start_matches(r#"{"r":""#).trim_end_matches(r#""}"#);
            for canonical in ["admin", "viewer", "guest", "manager", "owner"] {
                let told = lower(&table, &format!(r#"{{"r":"{canonical}"}}"#));
                let is_told_so = told == Became::Body(format!(r#"{{"l":{left}}}"#));
                assert_eq!(asked.split(',').any(|word| word == canonical), is_told_so, "{left}: {canonical}");
            }
        }
    }

    #[test]
    fn what_is_asked_for_is_asked_for_by_the_word_that_stands_for_just_that() {
        let filter = only(Op::Filter(Filter(Arc::new(roles()))));
        for left in ["2", "0", "null"] {
            let left = format!(r#"{{"l":{left}}}"#);
            let Became::Body(asked) = lift(&filter, &left) else { panic!("{left}") };
            assert_eq!(lower(&filter, &asked), Became::Body(left));
        }
        // The word for viewers is that for managers, too.
        assert_eq!(lower(&filter, r#"{"r":"manager,viewer"}"#), Became::body(r#"{"l":0}"#));
        for other in ["viewer", "manager", "viewer,manager,admin", "owner", "", "viewer,manager,"] {
            let refusal = lower(&filter, &format!(r#"{{"r":"{other}"}}"#)).refusal();
            assert_eq!(refusal, ("/r".to_owned(), "unrepresentable"), "{other}");
        }
    }

    #[test]
    fn a_word_nobody_knows_is_refused() {
        let filter = only(Op::Filter(Filter(Arc::new(roles()))));
        assert_eq!(lift(&filter, r#"{"l":"king"}"#).refusal(), ("/l".to_owned(), "enum"));
    }
}
