//! A filter by a word of a table: it asks for everything that is told as that word.
//!
//! Law: a canonical word is among those asked for exactly if its table lowers it to the word of the filter. A dialect
//! that tells an owner as an administrator lists owners, too, when administrators are asked for.

use std::sync::Arc;

use super::table::{Landing, Table};
use crate::json::Writer;
use crate::lens::explain::How;
use crate::lens::run::{Run, Source, Stop};

/// A filter by a word; it is lifted only, to canonical words with commas between.
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
        let row = std::iter::once(&table.rows[index].is);
        let landed = table.lands.iter().filter_map(|(word, landing)| match landing {
            Landing::Row(row) if *row == index => Some(word),
            Landing::Row(_) | Landing::Refuse(_) => None,
        });
        let words: Vec<_> = row.chain(landed).map(|word| word.text()).collect();
        let words = words.join(",");
        run.say(|| How::Filter(words.clone()));
        out.string(&words);
        Ok(())
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
    fn a_word_nobody_knows_is_refused() {
        let filter = only(Op::Filter(Filter(Arc::new(roles()))));
        assert_eq!(lift(&filter, r#"{"l":"king"}"#).refusal(), ("/l".to_owned(), "enum"));
    }
}
