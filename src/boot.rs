//! Puts the program together: from files to a [`Registry`], and from that and a [`Config`] to a server.
//!
//! This is the only place where components meet that do not know each other. [`load`] is all there is between a file
//! and a registry, for `serve` as for every other command; [`serve`] asks for a registry, so nothing listens before
//! every file was found good.

use std::{io, net::SocketAddr, rc::Rc, sync::Arc};

use bytes::Bytes;
use http::uri::Scheme;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;

mod embedded;
pub mod explain;
pub mod files;

pub use self::{
    embedded::EmbeddedError,
    files::{DataFiles, FileError},
};

use self::embedded::Embedded;
use crate::{
    admin::Admin,
    config::Config,
    diag::{Diagnostics, Sources},
    dialect::Registry,
    gateway::{self, Gateway, explain::Explainer},
    ids::{self, map::IdMap},
    mapping::{self, Compiled, Proof, Trials},
    schema::Store,
    server::{BindError, Drain, Handler, MakeHandler, Peer, RunOutcome, Server},
    telemetry::Metrics,
    upstream::{self, Upstream},
};

/// What the files say, and what is wrong with them.
pub struct Loaded {
    /// Every dialect, compiled; none if there is any error.
    pub registry: Option<Registry>,
    /// The schemas that were found good.
    pub schemas: Store,
    /// How much of each dialect was proved, and how much tried.
    pub proofs: Vec<Proof>,
    /// Everything that is wrong, and what is doubtful.
    pub diagnostics: Diagnostics,
}

/// Why the proxy cannot be started, or ended otherwise than it should.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The proxy's or the admin page's address cannot be had.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The built-in backend cannot be started.
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
    /// The built-in backend ended by itself.
    #[error("the built-in backend ended")]
    Ended(#[source] io::Error),
    /// The key of explanations cannot be used.
    #[error(transparent)]
    Explain(#[from] explain::KeyError),
    /// The map of imported ids cannot be used.
    #[error(transparent)]
    Ids(#[from] ids::embedded::StoreError),
    /// A worker or the admin page could not be started, or could not go on.
    #[error("cannot serve requests")]
    Run(#[source] io::Error),
    /// The backend that is configured cannot be called.
    #[error("cannot use the configured backend")]
    Upstream(#[from] upstream::ConfigError),
}

/// Reads, checks and compiles every mapping and schema. What is built into the program is not tried anew: nobody can
/// have changed it since the tests of this very build did.
///
/// # Errors
///
/// When a file cannot be read. What is wrong *in* the files is no error here: it is among the diagnostics.
pub fn load(files: &DataFiles, sources: &mut Sources) -> Result<Loaded, FileError> {
    let trials = (*files != DataFiles::default()).then(Trials::default);
    load_and_try(files, sources, trials)
}

/// The same, with as many trials as are asked for.
///
/// # Errors
///
/// When a file cannot be read.
pub fn load_and_try(
    files: &DataFiles,
    sources: &mut Sources,
    trials: Option<Trials>,
) -> Result<Loaded, FileError> {
    let texts = files.read(sources)?;
    let mut diagnostics = Diagnostics::default();
    let (schemas, found) = Store::load(texts.schemas);
    diagnostics.extend(found);
    let Compiled { registry, proofs, found } =
        mapping::load_and_try(&texts.mappings, sources, &schemas, trials);
    diagnostics.extend(found);
    let registry = registry.filter(|_| !diagnostics.has_errors());
    Ok(Loaded { registry, schemas, proofs, diagnostics })
}

/// Serves the dialects of `registry` until `drain` has begun and everything in flight is answered; blocks the calling
/// thread. When the addresses are bound, `ready` is told which they are.
///
/// What can fail is done before the first address is bound, and what was started is stopped whatever happens.
pub fn serve(
    config: Config,
    registry: Registry,
    drain: &Drain,
    ready: impl FnOnce(&[SocketAddr]),
) -> Result<RunOutcome, ServeError> {
    let metrics = Metrics::new();
    let (upstream, embedded) = if let Some(config) = config.upstream {
        (config, None)
    } else {
        let embedded = Embedded::start(&config.backend, drain)?;
        (upstream::Config::new(embedded.base()), Some(embedded))
    };
    let upstream = Upstream::new(Arc::new(upstream))?
        .count_into(metrics.upstream_connections(), metrics.upstream_reuses());
    let deadline = config.server.request_deadline;
    let ids = config.ids.store.map(|path| ids::embedded::Store::open(&path)).transpose()?;
    let shared =
        gateway::Shared::new(Arc::new(registry), config.body, &config.limit, deadline, metrics.clone());
    let shared = shared.with_answer_checks(config.answers);
    let shared = match ids {
        Some(store) => shared.with_ids(IdMap::new(store)),
        None => shared,
    };
    let explainer = config.explain.key.as_deref().map(explain::explainer).transpose()?;
    let explanations = explainer.as_ref().map(Explainer::kept);
    let shared = match explainer {
        Some(explainer) => shared.with_explainer(explainer),
        None => shared,
    };
    let workers = Workers { shared: Arc::new(shared), upstream };

    let server = Server::bind(config.server)?.count_into(&metrics);
    let admin = config.admin.address.map(Admin::bind).transpose()?;
    let running = admin
        .map(|admin| admin.start(metrics, explanations, drain.clone()))
        .transpose()
        .map_err(ServeError::Run)?;
    ready(server.addresses());
    let outcome = server.run(&workers, drain);

    // First the backend, whose end explains why the server ended; the admin page is there to the last.
    embedded.map(Embedded::stop).transpose().map_err(ServeError::Ended)?;
    drop(running);
    outcome.map_err(ServeError::Run)
}

/// Gives each worker a gateway with connections of its own.
struct Workers {
    shared: Arc<gateway::Shared>,
    upstream: Upstream,
}

impl MakeHandler for Workers {
    type Handler = Worker;

    fn make(&self, _worker: usize) -> Worker {
        Worker(Rc::new(Gateway::new(Arc::clone(&self.shared), self.upstream.sibling())))
    }
}

/// The gateway as the server knows it. It is cloned for each request, and counting those clones must not make processors
/// wait for one another.
#[derive(Clone)]
struct Worker(Rc<Gateway>);

impl Handler for Worker {
    async fn handle(&self, mut request: Request<Incoming>, peer: Peer) -> Response<Full<Bytes>> {
        if peer.tls {
            request.extensions_mut().insert(Scheme::HTTPS);
        }
        self.0.answer(request).await
    }
}

#[cfg(test)]
mod tests {
    use std::{
        error::Error,
        io::{Read, Write},
        net::{TcpListener, TcpStream},
        sync::mpsc,
        thread,
    };

    use super::*;
    use crate::{
        canonical::{
            api::{Api, PageNames},
            role::Roles,
        },
        server::{self, ListenerConfig},
    };

    /// No dialect at all: enough to be answered 404.
    fn registry() -> Registry {
        let api = Api {
            title: "None".to_owned(),
            page: PageNames::usual(),
            roles: Arc::new(Roles::new()),
            operations: Vec::new(),
        };
        Registry::new(Arc::new(api), Vec::new())
    }

    /// An address of their own for these tests, so that no other is given a port that is free again.
    fn config() -> Config {
        let address = ([127, 0, 0, 5], 0).into();
        let listeners = vec![ListenerConfig { address, tls: None }];
        let mut config = Config::default();
        config.server = server::Config { listeners, workers: 2, ..config.server };
        config.admin.address = Some(address);
        config
    }

    #[test]
    fn it_serves_where_it_says_until_it_is_drained() {
        let drain = Drain::new();
        let (ready, addresses) = mpsc::channel();
        let begun = drain.clone();
        let serving = thread::spawn(move || {
            serve(config(), registry(), &begun, |addresses| ready.send(addresses.to_vec()).unwrap())
        });
        let address = addresses.recv().unwrap()[0];

        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
        assert!(answer.contains("\r\ncontent-type: application/problem+json\r\n"), "{answer}");

        drain.begin();
        assert_eq!(serving.join().unwrap().unwrap(), RunOutcome::Drained);
        assert!(TcpStream::connect(address).is_err());
    }

    #[test]
    fn an_address_that_is_taken_is_named() {
        let taken = TcpListener::bind("127.0.0.5:0").unwrap();
        let address = taken.local_addr().unwrap();
        let mut config = config();
        config.server.listeners[0].address = address;
        let error = serve(config, registry(), &Drain::new(), |_| panic!("nothing is ready")).unwrap_err();

        assert_eq!(error.to_string(), format!("cannot listen on {address}"));
        assert!(error.source().is_some());
    }

    #[test]
    fn a_backend_that_cannot_be_called_is_said_before_anything_is_bound() {
        let taken = TcpListener::bind("127.0.0.5:0").unwrap();
        let mut config = config();
        config.server.listeners[0].address = taken.local_addr().unwrap();
        config.upstream = Some(upstream::Config::new("ftp://backend.example/".parse().unwrap()));
        let error = serve(config, registry(), &Drain::new(), |_| panic!("nothing is ready")).unwrap_err();

        assert_eq!(error.to_string(), "cannot use the configured backend");
    }

    #[test]
    fn one_error_anywhere_and_there_is_no_registry() {
        let fixture = format!("{}/tests/fixtures/acme", env!("CARGO_MANIFEST_DIR"));
        let schemas = tempfile::tempdir().unwrap();
        for folder in ["acme", "canonical", "unused"] {
            std::fs::create_dir(schemas.path().join(folder)).unwrap();
        }
        for folder in ["acme", "canonical"] {
            for entry in std::fs::read_dir(format!("{fixture}/schemas/{folder}")).unwrap() {
                let path = entry.unwrap().path();
                let copy = schemas.path().join(folder).join(path.file_name().unwrap());
                std::fs::copy(path, copy).unwrap();
            }
        }
        let files = DataFiles {
            mappings: Some(format!("{fixture}/mappings").into()),
            schemas: Some(schemas.path().to_owned()),
        };
        assert!(load(&files, &mut Sources::default()).unwrap().registry.is_some());

        std::fs::write(schemas.path().join("unused/broken.json"), "{").unwrap();
        let loaded = load(&files, &mut Sources::default()).unwrap();
        assert!(loaded.registry.is_none());
        assert_eq!(loaded.diagnostics.len(), 1);
    }
}
