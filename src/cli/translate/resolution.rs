//! What resolvers would find, said on the command line.

use std::str::FromStr;

use super::super::names::Unknown;
use super::{Stop, asked::Misasked};
use crate::{
    dialect::Dialect,
    ids::{embedded::Store, map::look_up_now},
    lens::{Direction, Found, Lookup, Need, Resolutions},
    problem::Problem,
    translate::{Request, Step},
};

/// One pair that a resolver would find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resolution {
    resolver: String,
    left: String,
    right: String,
}

impl FromStr for Resolution {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Resolution, &'static str> {
        let parts = text.split_once(':').and_then(|(resolver, pair)| Some((resolver, pair.split_once('=')?)));
        let (resolver, (left, right)) = parts.ok_or("a resolution is NAME:LEFT=RIGHT")?;
        Ok(Resolution { resolver: resolver.to_owned(), left: left.to_owned(), right: right.to_owned() })
    }
}

impl Resolution {
    /// What this says about a need, if it is about that.
    fn answer(&self, resolver: &str, need: &Need) -> Option<Found> {
        let (key, found) = match need.direction {
            Direction::Lift => (&self.left, &self.right),
            Direction::Lower => (&self.right, &self.left),
        };
        let is_about_it = self.resolver == resolver && *key == need.key;
        is_about_it.then(|| if found.is_empty() { Found::Missing } else { Found::Value(found.clone()) })
    }
}

/// Looks whether the dialect has the resolvers that something is said of.
pub(super) fn check(dialect: &Dialect, said: &[Resolution]) -> Result<(), Unknown> {
    let known = || dialect.resolvers.iter().map(|resolver| resolver.name.as_str());
    match said.iter().find(|resolution| !known().any(|name| name == resolution.resolver)) {
        Some(strange) => {
            Err(Unknown::new(format!("`{dialect}` has no resolver"), &strange.resolver, known()))
        }
        None => Ok(()),
    }
}

/// Runs a step until it needs nothing more.
pub(super) fn complete<T>(
    request: &Request,
    ids: Option<&Store>,
    said: &[Resolution],
    known: &mut Resolutions,
    mut step: impl FnMut(&Resolutions) -> Result<Step<T>, Box<Problem>>,
) -> Result<T, Stop> {
    let (dialect, narrator) = (&request.dialect, &request.narrator);
    loop {
        let needs = match step(known)? {
            Step::Done(done) => return Ok(done),
            Step::Needs(needs) => needs,
        };
        let (imported, needs): (Vec<_>, Vec<_>) =
            needs.into_iter().partition(|need| matches!(need.of, Lookup::Imported(_)));
        if let Some(store) = ids.filter(|_| !imported.is_empty()) {
            let found =
                look_up_now(store, &dialect.name, &imported).map_err(|error| Stop::Failure(error.into()))?;
            for (need, found) in imported.into_iter().zip(found) {
                narrator.tell(|story| story.looked_up(&need, &found, "from the id map"));
                known.insert(need, found);
            }
        }
        let mut unsaid = Vec::new();
        for need in needs {
            let resolver = match need.of {
                Lookup::Resolver(index) => dialect.resolvers.get(index),
                Lookup::Imported(_) => None,
            };
            let resolver = resolver.map_or("", |resolver| resolver.name.as_str());
            match said.iter().find_map(|resolution| resolution.answer(resolver, &need)) {
                Some(found) => {
                    narrator.tell(|story| story.looked_up(&need, &found, "as `--resolve` says"));
                    known.insert(need, found);
                }
                None => unsaid.push(argument(resolver, &need)),
            }
        }
        if !unsaid.is_empty() {
            unsaid.sort();
            unsaid.dedup();
            return Err(Misasked::Unresolved(unsaid).into());
        }
    }
}

/// The argument that would tell.
fn argument(resolver: &str, need: &Need) -> String {
    match need.direction {
        Direction::Lift => format!("{resolver}:{}=RIGHT", need.key),
        Direction::Lower => format!("{resolver}:LEFT={}", need.key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(direction: Direction, key: &str) -> Need {
        Need { of: Lookup::Resolver(0), direction, scope: Vec::new(), key: key.to_owned() }
    }

    #[test]
    fn a_pair_is_found_from_either_half() {
        let pair: Resolution = "organization:north=3c90".parse().unwrap();

        let lifted = pair.answer("organization", &need(Direction::Lift, "north"));
        assert!(matches!(lifted, Some(Found::Value(right)) if right == "3c90"));
        let lowered = pair.answer("organization", &need(Direction::Lower, "3c90"));
        assert!(matches!(lowered, Some(Found::Value(left)) if left == "north"));
        assert!(pair.answer("organization", &need(Direction::Lift, "3c90")).is_none());
        assert!(pair.answer("user", &need(Direction::Lift, "north")).is_none());
    }

    #[test]
    fn an_empty_half_says_that_there_is_no_pair() {
        let pair: Resolution = "organization:south=".parse().unwrap();
        let found = pair.answer("organization", &need(Direction::Lift, "south"));
        assert!(matches!(found, Some(Found::Missing)));
    }

    #[test]
    fn a_resolution_has_three_parts() {
        for text in ["", "organization", "organization:north", "north=3c90"] {
            assert_eq!(text.parse::<Resolution>(), Err("a resolution is NAME:LEFT=RIGHT"));
        }
    }
}
