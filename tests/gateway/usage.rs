//! Who uses what: what is counted of requests, what it takes of memory, and what reports say of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use interlingua::dialect::ledger::{Crossing, Crossings};
use interlingua::gateway::{self, Gateway};
use interlingua::lens::Tally;
use interlingua::limit::{self, Principal};
use interlingua::telemetry::Metrics;
use interlingua::upstream::{self, Upstream};
use interlingua::usage::store::Store;
use interlingua::usage::{Book, Client, Config, Counter, Kind, Met, Part, UNCONFIRMED, Watches};
use serde_json::{Value, json};

use crate::golden::case;
use crate::support::backend::{Backend, nobody};
use crate::support::client::Ask;
use crate::support::shipped;

mod compared;
mod counting;
mod memory;
mod reports;
mod requests;
mod retiring;

/// A member is looked up by the id of the user, which may be spelt in two ways, as the mapping's `[id.user]` says.
#[tokio::test]
async fn the_spelling_of_an_id_that_is_looked_up_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let now = SystemTime::now();
    let (mut store, book) = Store::open(&folder.path().join("usage.sqlite"), Config::default(), now).unwrap();
    let book = Arc::new(book);
    let shared = Arc::new(counting(&book, &Metrics::new()));
    let upstream = Upstream::new(Arc::new(upstream::Config::new(nobody().await))).unwrap();
    let gateway = Gateway::new(shared, upstream);
    let organization = "/v1/orgs/3c90c3cc-0d44-4b50-8888-8dd25736052a";
    for member in ["3c90c3cc-0d44-4b50-8888-8dd25736052a", "CnEqURgZ3swzj528KMLvX5", "CnEqURgZ3swzj528KMLvX5"]
    {
        let ask = Ask {
            line: format!("GET http://api.gitbook.com{organization}/members/{member}"),
            headers: vec![(
                "authorization".to_owned(),
                "Bearer gb_api_DemoOwnerNorthwind0000000000000000000000".to_owned(),
            )],
            body: None,
        };
        ask.of(&gateway).await;
    }
    drop(gateway);
    store.write(&book, now).unwrap();
    let counted = store.read().unwrap();
    let of_member = counted.uses.uses().filter(|((_, part), _)| part.field == "{userId}");
    let forms: Vec<_> = of_member.map(|((_, part), known)| (part.value.as_str(), known.count)).collect();
    assert_eq!(forms, [("shortuuid", 2), ("uuid", 1)]);
}

/// What answers requests in the dialects that ship, and counts into that book.
fn counting(book: &Arc<Book>, metrics: &Metrics) -> gateway::Shared {
    let (config, limit) = (gateway::Config::default(), limit::Config::default());
    let registry = Arc::clone(&shipped().registry);
    let metrics = metrics.clone();
    let shared = gateway::Shared::new(registry, config, &limit, Duration::from_secs(30), metrics);
    shared.with_usage(Arc::clone(book))
}

/// Every golden case once: each operation is used as often as there are cases of it, and each member that a schema names as
/// often as bodies have it. Who is not known to anybody uses nothing.
#[tokio::test]
async fn the_golden_cases_use_what_their_files_say() {
    let folder = tempfile::tempdir().unwrap();
    let now = SystemTime::now();
    let (mut store, book) = Store::open(&folder.path().join("usage.sqlite"), Config::default(), now).unwrap();
    let book = Arc::new(book);
    let metrics = Metrics::new();
    let mut expected: BTreeMap<(String, String, String), u64> = BTreeMap::new();
    // One for a few cases at a time: a dialect's quota is spent by all of them.
    let mut last: Option<(String, usize, Arc<gateway::Shared>)> = None;
    for case in case::all().into_iter().filter(|case| case.quota.is_none()) {
        let is_silent = case.calls.iter().any(case::Exchange::is_silent);
        // Their files say that they are meant for no operation.
        let misses = ["wrong-method", "unknown-path", "trailing-slash", "hyphen-in-the-path"];
        if is_silent || misses.iter().any(|name| case.name().ends_with(name)) {
            continue;
        }
        let backend = Backend::start(case.calls.iter().map(case::Exchange::line).collect()).await;
        let base = if case.has_backend() { backend.base() } else { nobody().await };
        let shared = match last.take().filter(|(known, asked, _)| *known == case.dialect && *asked < 40) {
            Some((_, asked, shared)) => (asked, shared),
            None => (0, Arc::new(counting(&book, &metrics))),
        };
        let (asked, shared) = shared;
        let upstream = Upstream::new(Arc::new(upstream::Config::new(base))).unwrap();
        let gateway = Gateway::new(Arc::clone(&shared), upstream);
        last = Some((case.dialect.clone(), asked + 1, shared));
        let ask = case.request.ask();
        let told = ask.of(&gateway).await;
        if told.status == 401 {
            continue;
        }
        let mut expect = |field: &str| {
            *expected.entry((case.dialect.clone(), case.operation.clone(), field.to_owned())).or_default() +=
                1;
        };
        expect("");
        // Refused for its key, before anybody looked at the body.
        if case.name().ends_with("one-key-twice") {
            continue;
        }
        let body = ask.body.as_deref().and_then(|body| serde_json::from_slice::<Value>(body).ok());
        for (name, _) in body.as_ref().and_then(Value::as_object).into_iter().flatten() {
            expect(name);
        }
    }

    // A worker hands in what it has when it ends.
    drop(last);
    store.write(&book, now).unwrap();
    let counted = store.read().unwrap();
    assert_eq!(lost(&counted.met), lost_by_metrics(&metrics.render()), "losses are those of the metrics");
    let mut found: BTreeMap<(String, String, String), u64> = BTreeMap::new();
    for ((_, part), known) in counted.uses.uses() {
        let is_top = part.kind == Kind::Operation
            || part.kind == Kind::Field && !part.field.contains(['.', '[', '?', '{']);
        if is_top {
            *found.entry((part.dialect.clone(), part.operation.clone(), part.field.clone())).or_default() +=
                known.count;
        }
    }
    assert!(found.len() > 100, "{found:?}");
    let others: Vec<_> = found
        .iter()
        .filter(|(what, count)| expected.get(*what) != Some(*count))
        .map(|(what, count)| (what, count, expected.get(what)))
        .collect();
    assert!(others.is_empty(), "{others:#?}");
    let missing: Vec<_> =
        expected.iter().filter(|(what, _)| what.2.is_empty() && !found.contains_key(*what)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Declared losses by dialect, operation and name.
type Losses = BTreeMap<[String; 3], u64>;

fn lost(met: &Met) -> Losses {
    let mut losses = Losses::new();
    for (_, part, count) in met.of(Kind::Loss) {
        *losses.entry([part.dialect.clone(), part.operation.clone(), part.field.clone()]).or_default() +=
            count;
    }
    losses
}

fn lost_by_metrics(page: &str) -> Losses {
    let lines = page.lines().filter_map(|line| line.strip_prefix("gateway_declared_losses_total{"));
    let losses = lines.map(|line| {
        let (labels, count) = line.rsplit_once("} ").unwrap();
        let label = |name: &str| {
            let (_, rest) = labels.split_once(&format!("{name}=\"")).unwrap();
            rest.split('"').next().unwrap().to_owned()
        };
        (["dialect", "operation", "field"].map(label), count.parse().unwrap())
    });
    let losses: Losses = losses.collect();
    assert!(losses.len() > 20, "{losses:?}");
    losses
}

/// The loader proves that each field of a schema is mapped or declared as lost; so nothing that can be counted is left of
/// which the ledger would not say what becomes of it.
#[test]
fn of_every_part_of_the_dialects_that_ship_the_ledger_says_what_becomes_of_it() {
    let registry = &shipped().registry;
    let book = Arc::new(Book::empty(Config::default()));
    let _watches = Watches::of(registry, Arc::clone(&book));
    let (mut unknown, mut crossing) = (Vec::new(), 0);
    for part in book.parts().since(0) {
        let Some(dialect) = registry.dialect(&part.dialect) else { panic!("{part}") };
        let Some(operation) = dialect.operations.iter().find(|one| one.name == part.operation) else {
            continue;
        };
        let crossings = Crossings::of(operation);
        let found = match part.kind {
            Kind::Field => crossings.field(&part.field),
            Kind::Id => crossings.id(&part.field),
            Kind::Value => crossings.value(&part.field, &part.value),
            _ => continue,
        };
        crossing += usize::from(found == Crossing::Whole);
        if found == Crossing::Unknown {
            unknown.push(part.to_string());
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
    assert!(crossing > 200, "{crossing}");
}
