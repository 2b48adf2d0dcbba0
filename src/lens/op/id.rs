//! An id in another spelling, or the one it was imported with.
//!
//! Law: `lift ∘ lower` is the identity on ids the dialect's form can write, and `lower ∘ lift` gives the spelling the
//! dialect writes, whichever accepted one was sent. Null is no id and stays null.
//!
//! An id that was imported from an older system wins both ways: it is written instead of the computed one, and what was
//! imported means what it was imported for, also if it happens to be spelt like a computed id. The computed spelling of
//! an imported id is read all the same. An id whose computed spelling was imported for another cannot be told.

use std::borrow::Cow;
use std::sync::Arc;

use crate::canonical::id::{IdCodec, IdError, IdForm, is_external};
use crate::json::{Kind, Writer};
use crate::lens::run::{Direction, Found, Lookup, Need, Run, Source, Stop};

/// The spellings of an id on both sides.
#[derive(Clone, Debug)]
pub struct Id {
    /// The dialect's.
    pub dialect: IdCodec,
    /// The canonical one.
    pub canonical: IdCodec,
    /// Where an imported one is found, if ids of this kind are.
    pub imported: Option<Imported>,
}

/// A kind of id of which some follow no rule: they were imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The kind's name in the mapping.
    pub kind: Arc<str>,
    /// The path parameter of the canonical call in whose scope ids of this kind may lie too.
    pub within: Option<String>,
}

impl Id {
    /// An id that is always computed.
    pub fn computed(dialect: IdCodec, canonical: IdCodec) -> Id {
        Id { dialect, canonical, imported: None }
    }

    pub(super) fn lift(
        &self,
        source: Source<'_>,
        run: &mut Run<'_, '_>,
        out: &mut Writer,
    ) -> Result<(), Stop> {
        let Some(text) = text(source)? else {
            out.null();
            return Ok(());
        };
        let scope = self.scope(run)?;
        if let Some(found) = self.ask(Direction::Lift, &text, scope, run)? {
            write(self.canonical.written, found, out);
            return Ok(());
        }
        let spelling = convert(&self.dialect, &self.canonical, &text)?;
        write(self.canonical.written, &spelling, out);
        Ok(())
    }

    pub(super) fn lower(
        &self,
        source: Source<'_>,
        run: &mut Run<'_, '_>,
        out: &mut Writer,
    ) -> Result<(), Stop> {
        let Some(text) = text(source)? else {
            out.null();
            return Ok(());
        };
        let spelling = convert(&self.canonical, &self.dialect, &text)?;
        let canonical = convert(&self.canonical, &self.canonical, &text)?;
        let scope = self.scope(run)?;
        // Both questions go out together, before either is answered.
        let own = self.ask(Direction::Lower, &canonical, scope.clone(), run);
        let others = self.ask(Direction::Lift, &spelling, scope, run);
        if let Some(found) = own? {
            out.string(found);
            return Ok(());
        }
        if others?.is_some_and(|other| other != canonical) {
            return Err(Stop::refused("unrepresentable", "is spelt as another id that was imported"));
        }
        write(self.dialect.written, &spelling, out);
        Ok(())
    }

    /// The value of the parameter in whose scope the id may lie; nothing if the call has no such parameter.
    fn scope(&self, run: &Run<'_, '_>) -> Result<Vec<String>, Stop> {
        let Some(Imported { within, .. }) = &self.imported else { return Ok(Vec::new()) };
        let lifting = run.direction() == Direction::Lift;
        match run.scope(within.as_slice()) {
            Some(scope) => Ok(scope),
            // The parameter may be awaited itself, or was refused and noted.
            None if lifting && !(run.needs().is_empty() && run.refusals().is_empty()) => Err(Stop::Awaited),
            None => Ok(Vec::new()),
        }
    }

    /// The imported counterpart of `key`, if there is one.
    fn ask<'r>(
        &self,
        direction: Direction,
        key: &str,
        scope: Vec<String>,
        run: &mut Run<'_, 'r>,
    ) -> Result<Option<&'r str>, Stop> {
        let Some(Imported { kind, .. }) = &self.imported else { return Ok(None) };
        if !run.has_id_map() || !is_external(key) {
            return Ok(None);
        }
        let need = Need { of: Lookup::Imported(Arc::clone(kind)), direction, scope, key: key.to_owned() };
        Ok(match run.ask(need)? {
            Found::Value(value) => Some(value),
            Found::Missing => None,
        })
    }
}

fn text(source: Source<'_>) -> Result<Option<Cow<'_, str>>, Stop> {
    if source.is_null() {
        return Ok(None);
    }
    match source {
        Source::Json(value) if value.kind() == Kind::Integer => Ok(Some(value.raw().into())),
        Source::Json(_) | Source::Text(_) => {
            source.text().ok_or_else(|| refused(IdError::Malformed)).map(Some)
        }
    }
}

fn convert(read: &IdCodec, write: &IdCodec, text: &str) -> Result<String, Stop> {
    let id = read.read(text).map_err(refused)?;
    let mut spelling = String::with_capacity(36);
    write.write(&id, &mut spelling).map_err(refused)?;
    Ok(spelling)
}

fn write(form: IdForm, spelling: &str, out: &mut Writer) {
    match form {
        IdForm::Integer => out.raw(spelling),
        IdForm::Uuid | IdForm::ShortUuid | IdForm::Opaque => out.string(spelling),
    }
}

fn refused(error: IdError) -> Stop {
    Stop::refused("id", error.to_string())
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
        Op::Id(Id::computed(codec(written, accepted), codec(canonical, &[canonical])))
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
