//! Whole requests through a gateway, from select to encode, with a backend behind a loopback socket.

use std::error::Error;
use std::hint::black_box;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::Full;
use interlingua::dialect::{Dialect, Registry};
use interlingua::gateway::{self, Gateway};
use interlingua::limit;
use interlingua::telemetry::{Metrics, RequestId};
use interlingua::upstream::{self, Upstream};
use interlingua::usage;
use tokio::runtime::{self, Runtime};

use super::Phase;
use super::backend::Child;
use super::case::Case;

/// How many dialects are many.
const MANY: usize = 200;

/// What is asked of a gateway, and how often.
const CASES: [(&str, u32); 6] = [
    ("invite", 100),
    ("list-100", 8),
    ("bulk-100-array", 3),
    ("bulk-100-emails", 3),
    ("refused-schema", 100),
    ("refused-quota", 100),
];

pub(crate) fn phases(
    registry: Registry,
    cases: &[Case],
    backend: &Child,
) -> Result<Vec<Phase>, Box<dyn Error>> {
    let runtime = Rc::new(runtime::Builder::new_current_thread().enable_all().build()?);
    let registry = Arc::new(registry);
    let mut phases = Vec::new();
    for (name, rounds) in CASES {
        let case = Case::named(cases, name)?;
        let port = backend.port(cases.iter().position(|one| one.name == name).unwrap_or_default());
        let gateway = gateway(Arc::clone(&registry), port)?;
        phases.push(asked(format!("request/{name}"), rounds, gateway, case, &runtime));
    }
    let invite = Case::named(cases, "invite")?;
    let port = backend.port(cases.iter().position(|one| one.name == "invite").unwrap_or_default());
    let counting = counting(Arc::clone(&registry), port)?;
    phases.push(asked("request/invite-with-usage".to_owned(), CASES[0].1, counting, invite, &runtime));
    let dialects = crowd(registry.dialects(), invite);
    let crowded = Arc::new(Registry::new(Arc::clone(registry.api()), dialects.clone()));
    let gateway = gateway(Arc::clone(&crowded), port)?;
    phases.push(asked(format!("request/invite-among-{MANY}"), CASES[0].1, gateway, invite, &runtime));
    phases.push(select(&format!("select-among-{MANY}"), &registry, dialects, invite));
    Ok(phases)
}

/// Select alone, among some dialects.
pub(crate) fn select(name: &str, registry: &Registry, dialects: Vec<Arc<Dialect>>, case: &Case) -> Phase {
    let registry = Registry::new(Arc::clone(registry.api()), dialects);
    let case = case.clone();
    Phase::new(format!("{name}/{}", case.name), 500, move || {
        let selected = registry.select(&case.method, Some("127.0.0.1"), case.target.path(), &case.headers);
        assert!(selected.is_ok(), "it selects nothing");
        drop(black_box(selected));
    })
}

/// The dialects behind a crowd of others, copies of those that the case is not about. Compiling so many would take
/// callgrind longer than all the rest.
fn crowd(dialects: &[Arc<Dialect>], case: &Case) -> Vec<Arc<Dialect>> {
    let mount = case.target.path().split('/').nth(1).unwrap_or_default();
    let others = dialects.iter().filter(|one| one.family() != mount).cycle();
    others.take(MANY - dialects.len()).chain(dialects).cloned().collect()
}

fn gateway(registry: Arc<Registry>, port: u16) -> Result<Gateway, Box<dyn Error>> {
    gateway_with(registry, port, |shared| shared)
}

/// One that counts who uses what.
fn counting(registry: Arc<Registry>, port: u16) -> Result<Gateway, Box<dyn Error>> {
    let book = Arc::new(usage::Book::empty(usage::Config::default()));
    gateway_with(registry, port, |shared| shared.with_usage(book))
}

fn gateway_with(
    registry: Arc<Registry>,
    port: u16,
    more: impl FnOnce(gateway::Shared) -> gateway::Shared,
) -> Result<Gateway, Box<dyn Error>> {
    // For dialects that name no quota: as in the mappings, one that nobody spends.
    let windows = vec!["100000000/minute".parse()?];
    let (config, limit) = (gateway::Config::default(), limit::Config { windows, ..limit::Config::default() });
    let base = Uri::try_from(format!("http://127.0.0.1:{port}"))?;
    let metrics = Metrics::new();
    let upstream = Upstream::new(Arc::new(upstream::Config::new(base)))?.count_into(metrics.backend());
    let shared = gateway::Shared::new(registry, config, &limit, Duration::from_mins(10), metrics);
    Ok(Gateway::new(Arc::new(more(shared)), upstream))
}

/// A case asked of a gateway. Its request is a copy, made in about as many instructions as a server needs for what it puts
/// into one.
fn asked(name: String, rounds: u32, gateway: Gateway, case: &Case, runtime: &Rc<Runtime>) -> Phase {
    let mut request = Request::new(Full::new(case.body.clone()));
    *request.method_mut() = case.method.clone();
    *request.uri_mut() = case.target.clone();
    *request.headers_mut() = case.headers.clone();
    request.headers_mut().insert(header::HOST, HeaderValue::from_static("127.0.0.1"));
    request.extensions_mut().insert(RequestId::make());
    let (status, runtime) = (case.status, Rc::clone(runtime));
    let mut asked = 0_u32;
    Phase::new(name, rounds, move || {
        let answer = runtime.block_on(gateway.answer::<Full<Bytes>>(request.clone()));
        // A quota is spent after the first.
        let is_quota = status == StatusCode::TOO_MANY_REQUESTS && asked == 0;
        assert!(answer.status() == status || is_quota, "answered with {}, not {status}", answer.status());
        asked += 1;
        drop(black_box(answer));
    })
}
