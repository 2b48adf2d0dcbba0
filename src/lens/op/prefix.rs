//! A text with something before it, such as an id that a dialect shows as an address.
//!
//! Law: `lift ∘ lower` is the identity; lift refuses a text that does not begin as it should.

use crate::json::Writer;
use crate::lens::run::{Source, Stop};

/// What stands before the canonical text.
#[derive(Clone, Debug)]
pub struct Prefix(pub Box<str>);

impl Prefix {
    pub(super) fn lift(&self, source: Source<'_>, out: &mut Writer) -> Result<(), Stop> {
        if source.is_null() {
            out.null();
            return Ok(());
        }
        let text = source.text().ok_or_else(|| Stop::refused("type", "must be a string"))?;
        match text.strip_prefix(&*self.0) {
            Some(rest) => out.string(rest),
            None => return Err(Stop::refused("pattern", format!("must begin with `{}`", self.0))),
        }
        Ok(())
    }

    pub(super) fn lower(&self, source: Source<'_>, out: &mut Writer) -> Result<(), Stop> {
        if source.is_null() {
            out.null();
            return Ok(());
        }
        let text = source.text().ok_or_else(|| Stop::refused("type", "must be a string"))?;
        out.string(&format!("{}{text}", self.0));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Prefix;
    use crate::lens::op::Op;
    use crate::lens::support::{Became, lift, lower, only};

    #[test]
    fn a_text_that_begins_otherwise_is_refused() {
        let lens = only(Op::Prefix(Prefix("https://a.example/".into())));
        assert_eq!(lift(&lens, r#"{"l":"https://a.example/x"}"#), Became::body(r#"{"r":"x"}"#));
        assert_eq!(lift(&lens, r#"{"l":"https://b.example/x"}"#).refusal(), ("/l".to_owned(), "pattern"));
        assert_eq!(lift(&lens, r#"{"l":7}"#).refusal(), ("/l".to_owned(), "type"));
        assert_eq!(lift(&lens, r#"{"l":null}"#), Became::body(r#"{"r":null}"#));
    }

    proptest! {
        #[test]
        fn what_was_put_before_is_taken_away_again(prefix in "\\PC{0,9}", text in "\\PC*") {
            let lens = only(Op::Prefix(Prefix(prefix.into())));
            let right = serde_json::json!({"r": text}).to_string();
            let Became::Body(left) = lower(&lens, &right) else { panic!("every text can be lowered") };
            let Became::Body(again) = lift(&lens, &left) else { panic!("what was lowered can be lifted") };
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&again).unwrap(), serde_json::json!({"r": text}));
        }
    }
}
