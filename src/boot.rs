//! Puts the program together: from files to a [`Registry`], and from that and a [`Config`] to a server.
//!
//! This is the only place where components meet that do not know each other. [`load`] is all there is between a file
//! and a registry, for `serve` as for every other command; [`serve`] asks for a registry, so nothing listens before
//! every file was found good.

use std::{io, net::SocketAddr, sync::Arc, time::SystemTime};

mod certificates;
pub mod cores;
mod descriptors;
mod embedded;
pub mod explain;
pub mod files;
mod loaded;
mod modes;
pub mod named;
mod parts;
pub mod reload;
mod service;
mod shadows;
mod supervisor;
#[cfg(test)]
mod tests;
pub mod undeclared;
mod workers;

pub use self::{
    embedded::EmbeddedError,
    files::{DataFiles, FileError},
    loaded::{Loaded, load, load_and_try},
    modes::KeptError,
    supervisor::Hangups,
};

use self::{
    embedded::Embedded,
    modes::{Keeper, Said},
    parts::{Parts, Surroundings},
    reload::{Reloader, Reread},
    shadows::ShadowThread,
    supervisor::Supervisor,
    workers::Workers,
};
use crate::{
    admin::{Admin, Pages, modes::Modes, reload::Reloads},
    config::Config,
    diag::{Sources, code},
    dialect::Registry,
    ids,
    server::{BindError, Drain, Inherited, InheritedError, RunOutcome, Server},
    telemetry::{Explanations, Metrics, UsageLost, names::field},
    upstream,
    usage::{self, keeper::KeepError},
};

/// Why the proxy cannot be started, or ended otherwise than it should.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The proxy's or the admin page's address cannot be had.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The backend is said to speak a dialect that there is not.
    #[error("there is no dialect `{name}` for the backend to speak")]
    Dialect {
        /// Its name.
        name: String,
    },
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
    /// A socket that the program was started with cannot be used.
    #[error(transparent)]
    Inherited(#[from] InheritedError),
    /// What was said of modes cannot be kept, or what is kept cannot be used.
    #[error(transparent)]
    Modes(#[from] KeptError),
    /// A worker or the admin page could not be started, or could not go on.
    #[error("cannot serve requests")]
    Run(#[source] io::Error),
    /// It cannot be written down who uses what.
    #[error(transparent)]
    Usage(#[from] KeepError),
    /// The backend that is configured cannot be called.
    #[error("cannot use the configured backend")]
    Upstream(#[from] upstream::ConfigError),
}

/// Serves the dialects of `registry` until `drain` has begun and everything in flight is answered; blocks the calling
/// thread. When all workers serve, `ready` is told at which addresses.
pub fn serve(
    config: Config,
    registry: Registry,
    drain: &Drain,
    ready: impl FnOnce(&[SocketAddr]),
) -> Result<RunOutcome, ServeError> {
    Start::new(config, registry).serve(drain, |addresses, _admin| ready(addresses))
}

/// A proxy that is about to be started.
pub struct Start {
    config: Config,
    registry: Registry,
    digest: String,
    reread: Option<(Reread, Hangups)>,
    inherited: Inherited,
}

impl Start {
    /// One that has no files and binds its own sockets.
    pub fn new(config: Config, registry: Registry) -> Start {
        let (digest, inherited) = (reload::digest(&Sources::default()), Inherited::default());
        Start { config, registry, digest, reread: None, inherited }
    }

    /// The same, from files of that digest, which may be read anew, also at a signal.
    #[must_use]
    pub fn from_files(self, digest: String, reread: Option<(Reread, Hangups)>) -> Start {
        Start { digest, reread, ..self }
    }

    /// The same, with sockets that the program was started with.
    #[must_use]
    pub fn with_sockets(self, inherited: Inherited) -> Start {
        Start { inherited, ..self }
    }

    /// Serves until `drain` has begun and everything in flight is answered; blocks the calling thread. When all workers serve,
    /// `ready` is told where, the addresses of the listeners and that of the admin page; not if `drain` has begun by then.
    ///
    /// What can fail is done before the first address is bound, but for taking over the usage file, which is handed back if
    /// a worker cannot start; and what was started is stopped whatever happens. The file that keeps modes is claimed when it is
    /// read, and its own when all workers serve.
    pub fn serve(
        self,
        drain: &Drain,
        ready: impl FnOnce(&[SocketAddr], Option<SocketAddr>),
    ) -> Result<RunOutcome, ServeError> {
        let Start { config, registry, digest, reread, mut inherited } = self;
        let embedded = match config.upstream {
            Some(_) => None,
            None => Some(Embedded::start(&config.backend, drain)?),
        };
        let built_in = embedded.as_ref().map(Embedded::base);
        let (metrics, explanations) = (Metrics::new(), Explanations::default());
        let strayed = metrics.usage_lost(UsageLost::NotOwner);
        let open = |path| usage::keeper::Opened::open(path, config.usage.clone());
        let opened = config.usage.file.as_deref().map(open).transpose().map_err(KeepError::from)?;
        let opened = opened.map(|opened| opened.straying(strayed));
        let (metered, explained) = (metrics.clone(), explanations.clone());
        let around = Surroundings {
            metrics: metered,
            explanations: explained,
            usage: None,
            built_in,
            drain: drain.clone(),
        };
        // Who cannot keep a step back is to hear of it now, and not when it is said.
        let read = |path| Said::read(path, &config, &registry);
        let (said, kept) = config.modes_file.as_deref().map(read).transpose()?.unzip();
        let said = said.unwrap_or_default();
        if config.modes_file.is_some() && config.admin.address.is_none() {
            tracing::warn!(
                "`admin.modes_file` keeps modes that nobody can take back: there is no admin listener"
            );
        }
        for doubt in said.doubts(&config, &registry) {
            tracing::warn!({ field::DIAGNOSTIC_CODE } = doubt.code.as_str(), "{}", doubt.message);
        }
        let parts = match Parts::make(&said.over(&config), registry, &around, None) {
            // Another process had the id map. Nobody was served by then.
            Err(ServeError::Ids(_)) if drain.is_leaving() => return Ok(RunOutcome::Drained),
            made => made?,
        };

        let server_config = descriptors::with_room_for(&config);
        let server = Server::bind_or_take(server_config, &mut inherited)?.count_into(&metrics);
        let admin = config.admin.address.map(|address| Admin::bind_or_take(address, &mut inherited));
        let admin = admin.transpose()?;
        inherited.finish()?;
        // Last of what is known to fail: another process loses the file by it. Whatever fails before it is settled hands it back.
        let keeper = opened.map(usage::keeper::Opened::take_over).transpose()?;
        let usage = keeper.as_ref().map(|keeper| Arc::clone(keeper.book()));
        let around = Surroundings { usage, ..around };
        let parts = parts.counting(&config, &around);
        let shadows = ShadowThread::new(config.server.shadows_give_way);
        let workers = Arc::new(Workers::new(&parts, config.telemetry.addresses, shadows));

        for (doubt, help) in certificates::doubts(server.certificates().doubts(), &config) {
            let code = code::C0302.as_str();
            tracing::warn!({ field::DIAGNOSTIC_CODE } = code, "{}: {help}", doubt.text);
        }
        metrics.loads().expire(server.certificates().expiry(), certificates::expiry(&config));
        metrics.loads().loaded(&digest, SystemTime::now());
        let (reloads, asks) = Reloads::channel();
        let (modes, mode_asks) = Modes::channel();
        let reloads = reread.is_some().then_some(reloads.with_modes(modes));
        let modes_keeper = kept.map(|kept| Keeper::start(said.clone(), kept).map(Arc::new));
        let modes_keeper = modes_keeper.transpose().map_err(ServeError::Run)?;
        let reloader = |reread| {
            let (loaded, certificates) = ((parts, digest.clone(), said), server.certificates());
            let (workers, keeper) = (Arc::clone(&workers), modes_keeper.clone());
            Reloader::new(reread, config.clone(), around, workers, certificates, loaded, keeper)
        };
        let reloader = reread.map(|(reread, hangups)| (reloader(reread), hangups));
        let supervisor = Supervisor::start(reloader, (asks, mode_asks), Arc::clone(&workers), drain.clone());
        let mut supervisor = supervisor.map_err(ServeError::Run)?;
        let admin_address = admin.as_ref().map(Admin::address);
        let running = admin
            .map(|admin| {
                let (explanations, drain) = (Some(explanations), drain.clone());
                let usage = keeper.as_ref().map(usage::keeper::Keeper::asker);
                admin.start_with(Pages { metrics, explanations, reloads, usage, drain })
            })
            .transpose()
            .map_err(ServeError::Run)?;
        let addresses = server.addresses().to_vec();
        let started = || {
            // Whoever is told to end by now never served: what was taken over is handed back.
            if drain.has_begun() {
                return;
            }
            keeper.as_ref().inspect(|keeper| keeper.settle());
            // Nothing was dropped from it before: a start that fails is none.
            if let Some(Err(cause)) = modes_keeper.as_ref().map(|keeper| keeper.settle()) {
                tracing::error!("what is said of modes will not outlive the process: {cause}");
            }
            // The disk may have taken its time.
            if drain.has_begun() {
                return;
            }
            ready(&addresses, admin_address);
            service::ready(&format!("serving files of digest {digest}"));
            supervisor.started();
        };
        let outcome = server.run_and_tell(&*workers, drain, started);
        workers.end_shadows();

        // First the backend, whose end explains why the server ended; the admin page is there to the last.
        embedded.map(Embedded::stop).transpose().map_err(ServeError::Ended)?;
        drop(supervisor);
        drop(running);
        // By now every worker has handed in what it counted.
        drop(keeper);
        outcome.map_err(ServeError::Run)
    }
}
