//! An id in another spelling.
//!
//! Law: `lift ∘ lower` is the identity on ids the dialect's form can write, and `lower ∘ lift` gives the spelling the
//! dialect writes, whichever accepted one was sent. Null is no id and stays null.

use crate::canonical::id::{IdCodec, IdError, IdForm};
use crate::json::{Kind, Writer};
use crate::lens::run::{Source, Stop};

/// The spellings of an id on both sides.
#[derive(Clone, Debug)]
pub struct Id {
    /// The dialect's.
    pub dialect: IdCodec,
    /// The canonical one.
    pub canonical: IdCodec,
}

impl Id {
    pub(super) fn lift(&self, source: Source<'_>, out: &mut Writer) -> Result<(), Stop> {
        convert(&self.dialect, &self.canonical, source, out)
    }

    pub(super) fn lower(&self, source: Source<'_>, out: &mut Writer) -> Result<(), Stop> {
        convert(&self.canonical, &self.dialect, source, out)
    }

    /// The canonical spelling, as text.
    pub(super) fn lifted(&self, source: Source<'_>) -> Result<String, Stop> {
        spelling(&self.dialect, &self.canonical, source)
    }

    /// The dialect's spelling, as text.
    pub(super) fn lowered(&self, source: Source<'_>) -> Result<String, Stop> {
        spelling(&self.canonical, &self.dialect, source)
    }
}

fn convert(read: &IdCodec, write: &IdCodec, source: Source<'_>, out: &mut Writer) -> Result<(), Stop> {
    if source.is_null() {
        out.null();
        return Ok(());
    }
    let spelling = spelling(read, write, source)?;
    match write.written {
        IdForm::Integer => out.raw(&spelling),
        IdForm::Uuid | IdForm::ShortUuid | IdForm::Opaque => out.string(&spelling),
    }
    Ok(())
}

/// The other spelling of an id, as text.
fn spelling(read: &IdCodec, write: &IdCodec, source: Source<'_>) -> Result<String, Stop> {
    let refused = |error: IdError| Stop::refused("id", error.to_string());
    let text = match source {
        Source::Json(value) if value.kind() == Kind::Integer => value.raw().into(),
        Source::Json(_) | Source::Text(_) => source.text().ok_or_else(|| refused(IdError::Malformed))?,
    };
    let id = read.read(&text).map_err(refused)?;
    let mut spelling = String::with_capacity(36);
    write.write(&id, &mut spelling).map_err(refused)?;
    Ok(spelling)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::{Id, IdCodec, IdForm};
    use crate::lens::op::Op;
    use crate::lens::support::{Became, lift, lower, only};

    fn id(written: IdForm, accepted: &[IdForm], canonical: IdForm) -> Op {
        let codec = |written, accepted: &[IdForm]| IdCodec { written, accepted: accepted.to_vec() };
        Op::Id(Id { dialect: codec(written, accepted), canonical: codec(canonical, &[canonical]) })
    }

    // The pair is the one `dialects/real-clients.md` was checked with: Python's shortuuid 1.0.13.
    #[test]
    fn either_accepted_spelling_is_the_same_canonical_id() {
        let lens = only(id(IdForm::ShortUuid, &[IdForm::ShortUuid, IdForm::Uuid], IdForm::Uuid));
        let right = Became::body(r#"{"r":"3c90c3cc-0d44-4b50-8888-8dd25736052a"}"#);
        for spelling in ["CnEqURgZ3swzj528KMLvX5", "3c90c3cc-0d44-4b50-8888-8dd25736052a"] {
            assert_eq!(lift(&lens, &format!(r#"{{"l":"{spelling}"}}"#)), right);
        }
        let left = Became::body(r#"{"l":"CnEqURgZ3swzj528KMLvX5"}"#);
        assert_eq!(lower(&lens, r#"{"r":"3c90c3cc-0d44-4b50-8888-8dd25736052a"}"#), left);
    }

    #[test]
    fn what_is_no_id_is_refused_and_null_is_kept() {
        let lens = only(id(IdForm::Uuid, &[IdForm::Uuid], IdForm::Uuid));
        for value in ["\"x\"", "7", "true", "{}", "\"\""] {
            assert_eq!(
                lift(&lens, &format!(r#"{{"l":{value}}}"#)).refusal(),
                ("/l".to_owned(), "id"),
                "{value}"
            );
        }
        assert_eq!(lift(&lens, r#"{"l":null}"#), Became::body(r#"{"r":null}"#));
    }

    proptest! {
        #[test]
        fn an_id_comes_back_as_it_went(bits in any::<u128>()) {
            let lens = only(id(IdForm::ShortUuid, &[IdForm::ShortUuid], IdForm::Uuid));
            let right = format!(r#"{{"r":"{}"}}"#, Uuid::from_u128(bits));
            let Became::Body(left) = lower(&lens, &right) else { panic!("every UUID can be written") };
            prop_assert_eq!(lift(&lens, &left), Became::Body(right));
        }

        #[test]
        fn an_integer_is_an_id_without_quotes(number in 0_i64..) {
            let lens = only(id(IdForm::Integer, &[IdForm::Integer], IdForm::Integer));
            let (left, right) = (format!(r#"{{"l":{number}}}"#), format!(r#"{{"r":{number}}}"#));
            prop_assert_eq!(lift(&lens, &left), Became::body(&right));
            prop_assert_eq!(lower(&lens, &right), Became::Body(left));
        }
    }
}
