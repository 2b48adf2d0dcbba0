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
use crate::lens::explain::How;
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
        in_room(run, |run, spelling| {
            let form = self.lifted(&text, run, spelling)?;
            write(form, spelling, out);
            Ok(())
        })
    }

    /// Appends the canonical spelling to `spelling`, and gives its form.
    pub(super) fn lifted(
        &self,
        text: &str,
        run: &mut Run<'_, '_>,
        spelling: &mut String,
    ) -> Result<IdForm, Stop> {
        let scope = self.scope(run)?;
        if let Some(found) = self.ask(Direction::Lift, text, scope, run)? {
            self.say_imported(run);
            spelling.push_str(found);
            return Ok(IdForm::Opaque);
        }
        say_converted(&self.dialect, &self.canonical, text, run);
        self.dialect.convert(text, &self.canonical, spelling).map_err(refused)?;
        Ok(self.canonical.written)
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
        in_room(run, |run, spelling| {
            let form = self.lowered(&text, run, spelling)?;
            write(form, spelling, out);
            Ok(())
        })
    }

    /// Appends the dialect's spelling to `spelling`, and gives its form: one that was imported has none of its own.
    pub(super) fn lowered(
        &self,
        text: &str,
        run: &mut Run<'_, '_>,
        spelling: &mut String,
    ) -> Result<IdForm, Stop> {
        let start = spelling.len();
        self.canonical.convert(text, &self.dialect, spelling).map_err(refused)?;
        if self.imported.is_some() && run.has_id_map() {
            let mut canonical = String::new();
            self.canonical.convert(text, &self.canonical, &mut canonical).map_err(refused)?;
            let scope = self.scope(run)?;
            // Both questions go out together, before either is answered.
            let own = self.ask(Direction::Lower, &canonical, scope, run);
            let others = self.ask(Direction::Lift, &spelling[start..], scope, run);
            if let Some(found) = own? {
                self.say_imported(run);
                spelling.truncate(start);
                spelling.push_str(found);
                return Ok(IdForm::Opaque);
            }
            if others?.is_some_and(|other| other != canonical) {
                return Err(Stop::refused("id-taken", "is spelt as another id that was imported"));
            }
        }
        say_converted(&self.canonical, &self.dialect, text, run);
        Ok(self.dialect.written)
    }

    fn say_imported(&self, run: &mut Run<'_, '_>) {
        let Some(Imported { kind, .. }) = &self.imported else { return };
        run.say(|| How::Imported(kind.to_string()));
    }

    /// The name of the parameter in whose scope the id lies; nothing if the call has no such parameter.
    fn scope(&self, run: &Run<'_, '_>) -> Result<Option<&str>, Stop> {
        let Some(Imported { within: Some(within), .. }) = &self.imported else { return Ok(None) };
        let lifting = run.direction() == Direction::Lift;
        match run.param(within) {
            Some(_) => Ok(Some(within)),
            // The parameter may be awaited itself, or was refused and noted.
            None if lifting && !(run.needs().is_empty() && run.refusals().is_empty()) => Err(Stop::Awaited),
            None => Ok(None),
        }
    }

    /// The imported counterpart of `key`, if there is one.
    fn ask<'r>(
        &self,
        direction: Direction,
        key: &str,
        scope: Option<&str>,
        run: &mut Run<'_, 'r>,
    ) -> Result<Option<&'r str>, Stop> {
        let Some(Imported { kind, .. }) = &self.imported else { return Ok(None) };
        if !run.has_id_map() || !is_external(key) {
            return Ok(None);
        }
        let scope = scope.and_then(|name| run.param(name)).map(str::to_owned).into_iter().collect();
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

/// Does something with the run's room for a spelling, which is empty: ids are many, and one buffer is enough for all.
pub(super) fn in_room<'a, 'r, T>(
    run: &mut Run<'a, 'r>,
    what: impl FnOnce(&mut Run<'a, 'r>, &mut String) -> Result<T, Stop>,
) -> Result<T, Stop> {
    let mut spelling = std::mem::take(&mut run.spelling);
    spelling.clear();
    let outcome = what(run, &mut spelling);
    run.spelling = spelling;
    outcome
}

/// Says in which form a text was read and in which the id is written, if it is one.
fn say_converted(read: &IdCodec, write: &IdCodec, text: &str, run: &mut Run<'_, '_>) {
    if run.trace.is_some()
        && let Some(form) =
            IdForm::ALL.into_iter().find(|form| read.accepted.contains(form) && form.read(text).is_ok())
    {
        run.say(|| How::Id { read: form, written: write.written });
    }
}

fn write(form: IdForm, spelling: &str, out: &mut Writer) {
    match form {
        IdForm::Integer => out.raw(spelling),
        // We spelt it ourselves, in letters, digits and hyphens.
        IdForm::Uuid | IdForm::ShortUuid => out.plain_string(spelling),
        // It may have been imported, and hold anything.
        IdForm::Opaque => out.string(spelling),
    }
}

fn refused(error: IdError) -> Stop {
    Stop::refused("id", error.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::{Id, IdCodec, IdForm, Imported};
    use crate::canonical::id::CanonicalId;
    use crate::json::{Document, Limits, Writer};
    use crate::lens::op::Op;
    use crate::lens::support::{Became, field, lift, lower, only};
    use crate::lens::{Direction, Found, Input, Lens, Lookup, Resolutions, Run, Wrap};

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

    /// A field whose ids may have been imported, in an organization too.
    fn imported() -> Lens {
        let codec = |written, accepted: &[IdForm]| IdCodec { written, accepted: accepted.to_vec() };
        let id = |within: Option<&str>| Id {
            dialect: codec(IdForm::ShortUuid, &[IdForm::ShortUuid, IdForm::Uuid]),
            canonical: codec(IdForm::Uuid, &[IdForm::Uuid]),
            imported: Some(Imported { kind: "user".into(), within: within.map(str::to_owned) }),
        };
        let organization = field("$path.org", "$path.organization_id", Op::Copy);
        let fields = vec![organization, field("l", "r", Op::Id(id(Some("organization_id"))))];
        Lens::new("imported", Wrap::Object, fields)
    }

    /// Runs the lens with a map of `(external, canonical)`, as often as it asks for more.
    fn mapped(lens: &Lens, direction: Direction, body: &str, map: &[(String, String)]) -> Became {
        let document = Document::parse(body.into(), &Limits::default()).unwrap();
        let mut resolutions = Resolutions::with_id_map();
        for _round in 0..3 {
            let mut run = Run::new(direction, &resolutions);
            let input = Input { body: Some(document.root()), ..Input::default() };
            let output = lens.run(input, &mut run, Writer::new());
            let needs = run.needs().to_vec();
            let refusals = run.into_refusals();
            if needs.is_empty() && refusals.is_empty() {
                return Became::Body(String::from_utf8(output.body.into_vec()).unwrap());
            }
            if needs.is_empty() {
                return Became::Refused(refusals);
            }
            for need in needs {
                assert_eq!(need.of, Lookup::Imported("user".into()));
                let found = map.iter().find_map(|(left, right)| match need.direction {
                    Direction::Lift => (*left == need.key).then_some(right),
                    Direction::Lower => (*right == need.key).then_some(left),
                });
                let found = found.map_or(Found::Missing, |found| Found::Value(found.clone()));
                resolutions.insert(need, found);
            }
        }
        panic!("one round of look-ups is enough");
    }

    const UUID: &str = "3c90c3cc-0d44-4b50-8888-8dd25736052a";
    const SHORT: &str = "CnEqURgZ3swzj528KMLvX5";

    #[test]
    fn an_imported_id_wins_and_the_computed_one_is_still_read() {
        let map = [("u-1".to_owned(), UUID.to_owned())];
        let right = format!(r#"{{"r":"{UUID}"}}"#);
        for left in ["u-1", SHORT, UUID] {
            let left = format!(r#"{{"l":"{left}"}}"#);
            assert_eq!(mapped(&imported(), Direction::Lift, &left, &map), Became::body(&right));
        }
        assert_eq!(mapped(&imported(), Direction::Lower, &right, &map), Became::body(r#"{"l":"u-1"}"#));
        let upper = right.to_uppercase().replace("\"R\"", "\"r\"");
        assert_eq!(mapped(&imported(), Direction::Lower, &upper, &map), Became::body(r#"{"l":"u-1"}"#));
        assert_eq!(mapped(&imported(), Direction::Lift, r#"{"l":"u-2"}"#, &map).refusal().1, "id");
    }

    #[test]
    fn an_id_whose_spelling_was_imported_for_another_cannot_be_told() {
        let other = "00000000-0000-4000-8000-000000000001";
        let map = [(SHORT.to_owned(), other.to_owned())];
        let right = format!(r#"{{"r":"{UUID}"}}"#);
        assert_eq!(mapped(&imported(), Direction::Lower, &right, &map).refusal().1, "id-taken");
        let left = format!(r#"{{"l":"{SHORT}"}}"#);
        let theirs = format!(r#"{{"r":"{other}"}}"#);
        assert_eq!(mapped(&imported(), Direction::Lift, &left, &map), Became::Body(theirs));
    }

    #[test]
    fn without_a_map_nothing_is_asked_and_every_id_is_computed() {
        let left = format!(r#"{{"l":"{SHORT}"}}"#);
        assert_eq!(lift(&imported(), &left), Became::Body(format!(r#"{{"r":"{UUID}"}}"#)));
        assert_eq!(lower(&imported(), &format!(r#"{{"r":"{UUID}"}}"#)), Became::Body(left));
    }

    #[test]
    fn an_id_is_asked_for_in_its_organization_if_the_call_names_one() {
        let resolutions = Resolutions::with_id_map();
        let document = Document::parse(br#"{"l":"u-1","r":null}"#.to_vec(), &Limits::default()).unwrap();
        for (path, scope) in [(vec![("org".into(), "o-1".to_owned())], vec!["o-1"]), (Vec::new(), vec![])] {
            let mut run = Run::new(Direction::Lift, &resolutions);
            let input = Input { body: Some(document.root()), path: &path, ..Input::default() };
            imported().run(input, &mut run, Writer::new());
            let asked: Vec<_> = run.needs().iter().map(|need| need.scope.clone()).collect();
            assert_eq!(asked, [scope]);
        }
    }

    proptest! {
        #[test]
        fn what_is_told_is_read_back_whatever_was_imported(
            pairs in proptest::collection::vec((0_u128..4, 0_u128..4, any::<bool>()), 0..4),
            asked in 0_u128..4,
        ) {
            let spelt = |bits| {
                let mut text = String::new();
                IdForm::ShortUuid.write(&CanonicalId::Uuid(Uuid::from_u128(bits)), &mut text).unwrap();
                text
            };
            // External ids that look like computed ones, of their own entity or of another, or like nothing.
            let mut map: Vec<(String, String)> = Vec::new();
            for (external, canonical, looks_computed) in pairs {
                let external = if looks_computed { spelt(external) } else { format!("u-{external}") };
                let canonical = Uuid::from_u128(canonical).to_string();
                if map.iter().all(|(left, right)| *left != external && *right != canonical) {
                    map.push((external, canonical));
                }
            }
            let right = format!(r#"{{"r":"{}"}}"#, Uuid::from_u128(asked));
            match mapped(&imported(), Direction::Lower, &right, &map) {
                Became::Body(left) => {
                    prop_assert_eq!(mapped(&imported(), Direction::Lift, &left, &map), Became::Body(right));
                }
                refused => {
                    prop_assert_eq!(refused.refusal().1, "id-taken");
                    prop_assert!(map.iter().any(|(left, _)| *left == spelt(asked)));
                }
            }
        }
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
