//! What a dialect calls a word when it shows it to people.
//!
//! One way only: a label is shown beside the word it belongs to, and never read. Law: two values with the same word
//! have the same label.

use std::sync::Arc;

use super::table::Table;
use crate::json::Writer;
use crate::lens::explain::How;
use crate::lens::run::{Run, Source, Stop};

/// The label of the word a value lands on.
#[derive(Clone, Debug)]
pub struct Label(pub Arc<Table>);

impl Label {
    pub(super) fn lower(
        &self,
        source: Source<'_>,
        run: &mut Run<'_, '_>,
        out: &mut Writer,
    ) -> Result<(), Stop> {
        match &self.0.land(source, run)?.label {
            Some(label) => {
                run.say(|| How::Label(label.clone()));
                out.string(label);
            }
            None => out.null(),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Label;
    use crate::lens::op::Op;
    use crate::lens::support::{Became, lower, only, roles};

    #[test]
    fn a_label_is_that_of_the_word_the_value_lands_on() {
        let lens = only(Op::Label(Label(Arc::new(roles()))));
        assert_eq!(lower(&lens, r#"{"r":"admin"}"#), Became::body(r#"{"l":"Boss"}"#));
        assert_eq!(lower(&lens, r#"{"r":"manager"}"#), Became::body(r#"{"l":"Reader"}"#));
        assert_eq!(lower(&lens, r#"{"r":"owner"}"#).refusal().1, "unrepresentable");
    }
}
