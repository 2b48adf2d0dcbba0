//! What the tests of whole requests share: the dialects that ship, a backend that plays a script, and a client that
//! looks at every header.

pub(crate) mod backend;
pub(crate) mod client;
pub(crate) mod json;
pub(crate) mod links;

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use http::Uri;
use interlingua::{
    boot::{self, DataFiles},
    diag::Sources,
    dialect::Registry,
    gateway::{self, Gateway},
    limit,
    schema::Store,
    telemetry::Metrics,
    upstream::{self, Upstream},
};

/// A set of dialects with all of their schemas.
pub(crate) struct Dialects {
    pub(crate) registry: Arc<Registry>,
    pub(crate) schemas: Store,
}

/// What ships, compiled once for all tests.
pub(crate) fn shipped() -> &'static Dialects {
    static SHIPPED: LazyLock<Dialects> = LazyLock::new(|| load(&DataFiles::default()));
    &SHIPPED
}

/// Loads files that are sound.
pub(crate) fn load(files: &DataFiles) -> Dialects {
    let mut sources = Sources::default();
    let loaded = boot::load(files, &mut sources).expect("the files can be read");
    let found: Vec<_> =
        loaded.diagnostics.iter().map(|found| format!("{}: {}", found.code, found.message)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
    Dialects { registry: Arc::new(loaded.registry.expect("nothing is wrong")), schemas: loaded.schemas }
}

/// A gateway that nobody has asked anything yet. `patience` is how long it waits for one answer of the backend.
pub(crate) fn gateway(dialects: &Dialects, base: Uri, patience: Duration) -> Gateway {
    gateway_with(dialects, base, patience, |shared| shared)
}

/// The same, with more than usual.
pub(crate) fn gateway_with(
    dialects: &Dialects,
    base: Uri,
    patience: Duration,
    more: impl FnOnce(gateway::Shared) -> gateway::Shared,
) -> Gateway {
    let (config, limit) = (gateway::Config::default(), limit::Config::default());
    let registry = Arc::clone(&dialects.registry);
    let shared = gateway::Shared::new(registry, config, &limit, Duration::from_secs(30), Metrics::new());
    // What is scripted is said once.
    let retry = upstream::retry::Config { retries_max: 0, ..upstream::retry::Config::default() };
    let upstream = upstream::Config { timeout: patience, retry, ..upstream::Config::new(base) };
    Gateway::new(Arc::new(more(shared)), Upstream::new(Arc::new(upstream)).expect("plain HTTP needs nothing"))
}
