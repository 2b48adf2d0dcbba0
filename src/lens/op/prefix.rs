//! A text with something before it, such as an id that a dialect shows as an address.
//!
//! Law: `lift ∘ lower` is the identity; lift refuses a text that does not begin as it should.

use super::id::{Id, in_room};
use crate::json::Writer;
use crate::lens::explain::How;
use crate::lens::run::{Run, Source, Stop};

/// What stands before the canonical text.
#[derive(Clone, Debug)]
pub struct Prefix {
    /// The text before.
    pub before: Box<str>,
    /// The spellings of what comes after it, if that is an id.
    pub id: Option<Id>,
}

impl Prefix {
    pub(super) fn lift(
        &self,
        source: Source<'_>,
        run: &mut Run<'_, '_>,
        out: &mut Writer,
    ) -> Result<(), Stop> {
        let Some(text) = source.string()? else {
            out.null();
            return Ok(());
        };
        run.say(|| How::Prefix(self.before.to_string()));
        let Some(rest) = text.strip_prefix(&*self.before) else {
            return Err(Stop::refused("pattern", format!("must begin with `{}`", self.before)));
        };
        match &self.id {
            Some(id) => return id.lift(Source::Text(rest), run, out),
            None => out.string(rest),
        }
        Ok(())
    }

    pub(super) fn lower(
        &self,
        source: Source<'_>,
        run: &mut Run<'_, '_>,
        out: &mut Writer,
    ) -> Result<(), Stop> {
        let Some(text) = source.string()? else {
            out.null();
            return Ok(());
        };
        run.say(|| How::Prefix(self.before.to_string()));
        in_room(run, |run, whole| {
            whole.push_str(&self.before);
            match &self.id {
                Some(id) => drop(id.lowered(&text, run, whole)?),
                None => whole.push_str(&text),
            }
            out.string(whole);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Prefix;
    use crate::canonical::id::{IdCodec, IdForm};
    use crate::lens::op::Op;
    use crate::lens::op::id::Id;
    use crate::lens::support::{Became, lift, lower, only};

    #[test]
    fn a_text_that_begins_otherwise_is_refused() {
        let lens = only(Op::Prefix(Prefix { before: "https://a.example/".into(), id: None }));
        assert_eq!(lift(&lens, r#"{"l":"https://a.example/x"}"#), Became::body(r#"{"r":"x"}"#));
        assert_eq!(lift(&lens, r#"{"l":"https://b.example/x"}"#).refusal(), ("/l".to_owned(), "pattern"));
        assert_eq!(lift(&lens, r#"{"l":7}"#).refusal(), ("/l".to_owned(), "type"));
        assert_eq!(lift(&lens, r#"{"l":null}"#), Became::body(r#"{"r":null}"#));
    }

    #[test]
    fn an_id_is_spelt_as_the_dialect_spells_it() {
        let codec = |form| IdCodec { written: form, accepted: vec![form] };
        let id = Id::computed(codec(IdForm::ShortUuid), codec(IdForm::Uuid));
        let lens = only(Op::Prefix(Prefix { before: "https://a.example/".into(), id: Some(id) }));
        let left = r#"{"l":"https://a.example/CnEqURgZ3swzj528KMLvX5"}"#;
        let right = r#"{"r":"3c90c3cc-0d44-4b50-8888-8dd25736052a"}"#;
        assert_eq!(lower(&lens, right), Became::body(left));
        assert_eq!(lift(&lens, left), Became::body(right));
        assert_eq!(lift(&lens, r#"{"l":"https://a.example/0"}"#).refusal(), ("/l".to_owned(), "id"));
    }

    proptest! {
        #[test]
        fn what_was_put_before_is_taken_away_again(prefix in "\\PC{0,9}", text in "\\PC*") {
            let lens = only(Op::Prefix(Prefix { before: prefix.into(), id: None }));
            let right = serde_json::json!({"r": text}).to_string();
            let Became::Body(left) = lower(&lens, &right) else { panic!("every text can be lowered") };
            let Became::Body(again) = lift(&lens, &left) else { panic!("what was lowered can be lifted") };
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&again).unwrap(), serde_json::json!({"r": text}));
        }
    }
}
