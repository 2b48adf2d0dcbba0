//! An id that no rule can compute: it is looked up with a call of its own.
//!
//! Law: as the backend's answers: within one scope a pair is found from either of its halves.

use std::borrow::Cow;

use regex::Regex;

use super::id::Id;
use crate::canonical::id::{IdCodec, IdForm};
use crate::json::Writer;
use crate::lens::explain::How;
use crate::lens::run::{Direction, Found, Lookup, Need, Run, Source, Stop};

/// A field that is looked up.
#[derive(Clone, Debug)]
pub struct Resolve(pub Resolver);

/// Which look-up, and what is worth asking.
#[derive(Clone, Debug)]
pub struct Resolver {
    /// Index of the resolver in its dialect.
    pub index: usize,
    /// The path parameters it needs too.
    pub scope: Vec<String>,
    /// What the dialect's ids look like; what does not, and was not imported, is known not to exist without asking.
    pub pattern: Option<Regex>,
    /// How the dialect spells the keys, if they are ids that the canonical form spells otherwise.
    pub id: Option<Id>,
    /// Spellings of the canonical id itself that are taken as well. They come first: a name that looks like one of
    /// them is not looked up.
    pub accepted: Vec<IdForm>,
}

impl Resolver {
    /// The canonical spelling of a key that is the canonical id already.
    fn canonical(&self, key: &str, direction: Direction) -> Option<String> {
        let mut forms = self.accepted.iter().filter(|_| direction == Direction::Lift);
        let id = forms.find_map(|form| form.read(key).ok())?;
        let codec = IdCodec { written: IdForm::Uuid, accepted: Vec::new() };
        let mut spelling = String::new();
        codec.write(&id, &mut spelling).ok()?;
        Some(spelling)
    }

    /// The other half of the pair `key` belongs to.
    pub(super) fn ask<'r>(&self, key: &str, run: &mut Run<'_, 'r>) -> Result<Cow<'r, str>, Stop> {
        let missing = || Stop::Refused { kind: "id", message: "does not exist".to_owned(), missing: true };
        let direction = run.direction();
        let lifting = direction == Direction::Lift;
        let is_none = lifting && self.pattern.as_ref().is_some_and(|pattern| !pattern.is_match(key));
        let key = match &self.id {
            // Imported ids follow no pattern, so that is looked at last.
            Some(id) if lifting => {
                let mut canonical = String::new();
                match id.lifted(key, run, &mut canonical) {
                    Err(Stop::Refused { .. }) if is_none => return Err(missing()),
                    lifted => drop(lifted?),
                }
                canonical
            }
            Some(_) | None if is_none => return Err(missing()),
            Some(_) | None => key.to_owned(),
        };
        let Some(scope) = run.scope(&self.scope) else {
            // A parameter of the scope that was refused, or is itself awaited, has been noted where it stands. One
            // that is nowhere must not make the field disappear.
            let noted = !run.needs().is_empty() || !run.refusals().is_empty();
            return Err(if noted { Stop::Awaited } else { Stop::refused("id", "cannot be looked up here") });
        };
        let of = Lookup::Resolver(self.index);
        let need = Need { of: of.clone(), direction, scope, key };
        let value = match run.opposite(&need) {
            Some(value) => value,
            None => match run.ask(need)? {
                Found::Value(value) => value,
                Found::Missing => {
                    run.say(|| How::LookedUp { of, found: false });
                    return Err(missing());
                }
            },
        };
        run.say(|| How::LookedUp { of, found: true });
        match &self.id {
            Some(id) if !lifting => {
                let mut spelling = String::new();
                id.lowered(value, run, &mut spelling)?;
                Ok(Cow::Owned(spelling))
            }
            Some(_) | None => Ok(Cow::Borrowed(value)),
        }
    }
}

impl Resolve {
    pub(super) fn both(
        &self,
        source: Source<'_>,
        run: &mut Run<'_, '_>,
        out: &mut Writer,
    ) -> Result<(), Stop> {
        let Some(key) = source.string()? else {
            out.null();
            return Ok(());
        };
        let Resolve(resolver) = self;
        match resolver.canonical(&key, run.direction()) {
            Some(spelling) => {
                run.say(|| How::Said("is the canonical id already".to_owned()));
                out.string(&spelling);
            }
            None => out.string(&resolver.ask(&key, run)?),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::{Id, IdCodec, IdForm, Resolve, Resolver};
    use crate::lens::op::Op;
    use crate::lens::support::{Became, only, run_with};
    use crate::lens::{Direction, Lens, Lookup, Need};

    fn slug(scope: &[&str]) -> Lens {
        let scope = scope.iter().map(|name| (*name).to_owned()).collect();
        let pattern = Some(Regex::new("^[a-z]+$").unwrap());
        only(Op::Resolve(Resolve(Resolver {
            index: 0,
            scope,
            pattern,
            id: None,
            accepted: vec![IdForm::Uuid],
        })))
    }

    #[test]
    fn what_cannot_be_an_id_is_not_asked_for() {
        let outcome = run_with(&slug(&[]), Direction::Lift, r#"{"l":"no slug"}"#, &[]);
        let Became::Refused(refusals) = outcome else { panic!("it is known without asking") };
        assert!(refusals[0].missing);
    }

    #[test]
    fn a_field_whose_scope_is_unknown_does_not_disappear() {
        let outcome = run_with(&slug(&["organization_id"]), Direction::Lift, r#"{"l":"acme"}"#, &[]);
        assert_eq!(outcome.refusal(), ("/l".to_owned(), "id"));
    }

    #[test]
    fn a_canonical_id_needs_no_look_up() {
        let outcome =
            run_with(&slug(&[]), Direction::Lift, r#"{"l":"3C90C3CC-0D44-4B50-8888-8DD25736052A"}"#, &[]);
        assert_eq!(outcome, Became::body(r#"{"r":"3c90c3cc-0d44-4b50-8888-8dd25736052a"}"#));
    }

    #[test]
    fn keys_that_are_ids_are_looked_up_in_the_canonical_spelling() {
        let codec = |form| IdCodec { written: form, accepted: vec![form] };
        let id = Id::computed(codec(IdForm::ShortUuid), codec(IdForm::Uuid));
        let pattern = Some(Regex::new("^[0-9A-Za-z]{22}$").unwrap());
        let resolver = Resolver { index: 0, scope: Vec::new(), pattern, id: Some(id), accepted: Vec::new() };
        let lens = only(Op::Resolve(Resolve(resolver)));
        let key = "3c90c3cc-0d44-4b50-8888-8dd25736052a".to_owned();
        let need = |direction, key: &str| Need {
            of: Lookup::Resolver(0),
            direction,
            scope: Vec::new(),
            key: key.to_owned(),
        };
        let (left, right) = (r#"{"l":"CnEqURgZ3swzj528KMLvX5"}"#, r#"{"r":"7"}"#);
        let lifted = need(Direction::Lift, &key);
        assert_eq!(run_with(&lens, Direction::Lift, left, &[(&lifted, "7")]), Became::body(right));
        let lowered = need(Direction::Lower, "7");
        assert_eq!(run_with(&lens, Direction::Lower, right, &[(&lowered, &*key)]), Became::body(left));
        let nobodys = run_with(&lens, Direction::Lift, r#"{"l":"ada"}"#, &[]);
        let Became::Refused(refusals) = nobodys else { panic!("the pattern comes first") };
        assert!(refusals[0].missing);
        let beyond = run_with(&lens, Direction::Lift, r#"{"l":"zzzzzzzzzzzzzzzzzzzzzz"}"#, &[]);
        let Became::Refused(refusals) = beyond else { panic!("no id is as large") };
        assert!(!refusals[0].missing);
    }

    #[test]
    fn a_pair_is_found_from_either_of_its_halves() {
        let need = |direction, key: &str| Need {
            of: Lookup::Resolver(0),
            direction,
            scope: Vec::new(),
            key: key.to_owned(),
        };
        let lifted = need(Direction::Lift, "acme");
        let outcome = run_with(&slug(&[]), Direction::Lower, r#"{"r":"7"}"#, &[(&lifted, "7")]);
        assert_eq!(outcome, Became::body(r#"{"l":"acme"}"#));
        let outcome = run_with(&slug(&[]), Direction::Lower, r#"{"r":"8"}"#, &[(&lifted, "7")]);
        assert_eq!(outcome, Became::Awaits(vec![need(Direction::Lower, "8")]));
    }

    #[test]
    fn what_is_known_is_written() {
        let need = Need {
            of: Lookup::Resolver(0),
            direction: Direction::Lift,
            scope: Vec::new(),
            key: "acme".to_owned(),
        };
        let outcome = run_with(&slug(&[]), Direction::Lift, r#"{"l":"acme"}"#, &[(&need, "7")]);
        assert_eq!(outcome, Became::body(r#"{"r":"7"}"#));
        let outcome = run_with(&slug(&[]), Direction::Lift, r#"{"l":"acme"}"#, &[]);
        assert_eq!(outcome, Became::Awaits(vec![need]));
    }
}
