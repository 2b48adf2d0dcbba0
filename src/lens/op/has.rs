//! Whether a list holds a word, such as a permission that is told as `true` or `false`.
//!
//! One way only: it is shown, and never read. Law: true exactly if one of the elements is the word.

use crate::json::{Kind, Writer};
use crate::lens::explain::How;
use crate::lens::path::Literal;
use crate::lens::run::{Run, Source, Stop};

/// The word that is looked for.
#[derive(Clone, Debug)]
pub struct Has(pub Literal);

impl Has {
    pub(super) fn lower(
        &self,
        source: Source<'_>,
        run: &mut Run<'_, '_>,
        out: &mut Writer,
    ) -> Result<(), Stop> {
        run.say(|| How::Has(self.0.json().to_owned()));
        let list = match source {
            Source::Json(value) if value.kind() == Kind::Array => value,
            Source::Json(_) | Source::Text(_) => return Err(Stop::refused("type", "must be an array")),
        };
        out.bool(list.elements().any(|element| self.0.is(Source::Json(element))));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Has;
    use crate::lens::op::Op;
    use crate::lens::support::{Became, literal, lower, only};

    #[test]
    fn it_is_true_if_the_word_is_in_the_list() {
        let lens = only(Op::Has(Has(literal("\"billing\""))));
        for (list, told) in [
            (r#"["org.update","billing"]"#, "true"),
            (r#"["billing.see","Billing",["billing"]]"#, "false"),
            ("[]", "false"),
        ] {
            let right = format!("{{\"r\":{list}}}");
            assert_eq!(lower(&lens, &right), Became::Body(format!("{{\"l\":{told}}}")), "{list}");
        }
    }

    #[test]
    fn what_is_no_list_is_refused() {
        let lens = only(Op::Has(Has(literal("\"billing\""))));
        for value in ["\"billing\"", "{\"billing\":true}", "null"] {
            let refusal = lower(&lens, &format!("{{\"r\":{value}}}")).refusal();
            assert_eq!(refusal, ("/r".to_owned(), "type"), "{value}");
        }
    }
}
