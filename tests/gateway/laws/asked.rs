//! The law of asking a backend that speaks a dialect: what is asked of it lifts to the call that was to be made, also to
//! whoever reads the request as it is sent; and what a dialect's own clients ask can be asked again.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::HeaderMap;
use http::uri::PathAndQuery;
use interlingua::canonical::api::Call;
use interlingua::dialect::Registry;
use interlingua::dialect::url::Url;
use interlingua::json::{Document, Limits};
use interlingua::lens::{Found, Lookup, Need, Resolutions};
use interlingua::problem::Problem;
use interlingua::translate::reverse::ask::{Asked, Latitude, Ways, ask};
use interlingua::translate::{self, Request, Step};
use proptest::prelude::*;
use serde_json::Value;

use super::{World, complete, valid_request};
use crate::support::{Dialects, shipped};

/// The answers that a look-up would give: rows for words, and anything for anything else, each with its other half.
fn found(ways: &Ways, world: &mut World, need: &Need) -> Found {
    assert!(matches!(need.of, Lookup::Resolver(_)), "no id map was promised");
    world.answer(ways.dialect(), need)
}

/// What becomes of a call, with everything looked up.
fn asked<'w>(
    registry: &Registry,
    ways: &'w Ways,
    call: &Call,
    known: &mut Resolutions,
) -> Result<Asked<'w>, Box<Problem>> {
    let mut world = World::default();
    for _ in 0..6 {
        match ask(registry.api(), ways, call, known, Latitude::default())? {
            Step::Done(asked) => return Ok(asked),
            Step::Needs(needs) => {
                for need in needs {
                    let found = found(ways, &mut world, &need);
                    known.insert(need, found);
                }
            }
        }
    }
    panic!("a call without an end");
}

/// What a server makes of the request that was sent.
fn heard(registry: &Registry, asked: &Asked<'_>, known: &Resolutions) -> Call {
    let dialect = &asked.request.dialect;
    let body = asked.request.body.as_ref();
    let body = body.map(|body| Document::parse(body.text().as_bytes().to_vec(), &Limits::default()).unwrap());
    let target = format!("/{dialect}{}", asked.target);
    let (path, _) = target.split_once('?').unwrap_or((&target, ""));
    let selected = registry.select(&asked.way.whole.method, None, path, &HeaderMap::new());
    let selected = selected.expect("the path is one of the dialect's");
    assert!(Arc::ptr_eq(&selected.operation, &asked.way.whole));
    let url = Url::of(PathAndQuery::try_from(&target).unwrap());
    let mut request = Request::new(selected, url, body).expect("it can be decoded");
    translate::check(&request).expect("the dialect takes it");
    request.choose_case();
    match translate::lift::lift(registry.api(), &request, known).expect("it can be lifted") {
        Step::Done(lifted) => lifted.calls.into_iter().next().expect("it is a call"),
        Step::Needs(needs) => panic!("everything was looked up: {needs:?}"),
    }
}

/// A call as it could be compared by anybody: defaults of the canonical schema are filled in.
fn plainly(shipped: &Dialects, call: &Call) -> (String, BTreeMap<String, String>, Value) {
    let mut body: Value =
        call.body.as_ref().map_or(Value::Null, |body| serde_json::from_slice(body).expect("it is JSON"));
    let schema = call.operation.body.as_deref().and_then(|name| shipped.schemas.schema("canonical", name));
    let properties = schema.and_then(|schema| schema.document()["properties"].as_object());
    for (name, property) in properties.into_iter().flatten() {
        if let (Some(default), Some(members)) = (property.get("default"), body.as_object_mut()) {
            members.entry(name).or_insert_with(|| default.clone());
        }
    }
    // Where a list begins, how long it is and how it is arranged is not asked of every dialect.
    let names = &shipped.registry.api().page;
    let is_asked = |name: &str| name != names.limit && name != names.offset && !names.is_arranging(name);
    let query = call.query.iter().filter(|(name, _)| is_asked(name));
    let query = query.map(|(name, value)| (name.to_string(), value.clone())).collect();
    let path = Call { query: Vec::new(), ..call.clone() };
    (format!("{} {}", call.operation.name, path.target().expect("it has a path")), query, body)
}

/// What is asked of each dialect for what a client of one asks; gives how many calls there were, and how many the client's
/// own dialect could be asked for.
fn asked_again(shipped: &Dialects, all: &[Ways], seed: u64, done: &mut BTreeMap<String, (u32, u32)>) {
    let registry = &shipped.registry;
    for dialect in registry.dialects() {
        for operation in &dialect.operations {
            let Some(request) = valid_request(shipped, dialect, operation, seed) else { continue };
            let Ok(Some(lifted)) = complete(registry, dialect, &request) else { continue };
            for call in lifted.calls.iter().filter(|_| !lifted.is_probe) {
                for ways in all {
                    let own = ways.dialect().name == dialect.name;
                    let mut known = Resolutions::default();
                    let outcome = asked(registry, ways, call, &mut known);
                    if own {
                        let counts = done.entry(format!("{dialect} {}", operation.name)).or_default();
                        counts.0 += 1;
                        counts.1 += u32::from(outcome.is_ok());
                    }
                    match outcome {
                        Ok(asked) => {
                            let heard = heard(registry, &asked, &known);
                            assert_eq!(
                                plainly(shipped, &heard),
                                plainly(shipped, call),
                                "{dialect}: {asked:?}"
                            );
                        }
                        Err(problem) => {
                            let code = problem.code.as_ref();
                            assert!(["inexpressible", "not-found"].contains(&code), "{problem:?}");
                        }
                    }
                }
            }
        }
    }
}

fn all(shipped: &Dialects) -> Vec<Ways> {
    shipped.registry.dialects().iter().map(|dialect| Ways::new(shipped.registry.api(), dialect)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_asked_of_a_dialect_is_the_call(seed: u64) {
        asked_again(shipped(), &all(shipped()), seed, &mut BTreeMap::new());
    }
}

/// Operations whose own requests cannot be made again from the calls they become, each with the reason.
const NOT_AGAIN: [(&str, &str); 1] = [(
    "apexscore update_organization_invitation",
    "requires the organization and the address, which the call does not say: no invitation moves",
)];

#[test]
fn what_a_client_of_a_dialect_asks_can_be_asked_of_it_again() {
    let (shipped, mut done) = (shipped(), BTreeMap::new());
    let all = all(shipped);
    for seed in 0..40 {
        asked_again(shipped, &all, seed, &mut done);
    }
    let never: Vec<_> =
        done.iter().filter(|(_, (_, again))| *again == 0).map(|(name, _)| name.as_str()).collect();
    let declared: Vec<_> = NOT_AGAIN.iter().map(|(name, _)| *name).collect();
    assert_eq!(never, declared, "{done:#?}");
}
