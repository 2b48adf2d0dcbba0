//! The reference backend: the canonical API over `SQLite`, so that `serve` has something to talk to.
//!
//! It is what the tests run against and what a newcomer tries first, not the product; nothing but the
//! wiring may import it. It speaks the operations of `mappings/canonical.toml` with the bodies of
//! `schemas/canonical/` and knows nothing of dialects.
//!
//! One request is one transaction: its operation either does all that it says or leaves no trace.

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::serve::ListenerExt;
use http::Method;
use tokio::net::TcpListener;

mod access;
mod answer;
mod body;
mod calls;
mod changes;
mod email;
mod exchange;
mod grant;
mod id;
mod keys;
mod list;
mod moment;
mod operation;
mod problem;
mod query;
mod resource;
mod role;
mod row;
mod seed;
mod store;
#[cfg(test)]
mod testing;

pub use seed::{Demo, demo};
pub use store::{OpenError, reads};

use calls::Calls;
use keys::InUse;
use moment::Moment;
use store::Store;

/// Where the data is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The database file, made if it is not there. None keeps everything in memory.
    pub database: Option<PathBuf>,
    /// Whether a database without organizations gets the demonstration data.
    pub seed: bool,
}

/// Memory with the demonstration data: what a newcomer wants to look at.
impl Default for Config {
    fn default() -> Config {
        Config { database: None, seed: true }
    }
}

/// The backend with its database open. Clones share it.
#[derive(Clone)]
pub struct Backend {
    shared: Arc<Shared>,
}

/// What every request may use.
struct Shared {
    store: Store,
    clock: Clock,
    calls: Calls,
    in_use: InUse,
}

/// Tells the time; an argument, so that tests can tell it too.
type Clock = Box<dyn Fn() -> Moment + Send + Sync>;

impl Backend {
    /// Opens the database and, if asked to, fills an empty one with the demonstration data.
    ///
    /// # Errors
    ///
    /// Fails when the file cannot be used, or was written by another version of this program.
    pub fn open(config: &Config) -> Result<Self, OpenError> {
        Backend::open_at(config, Box::new(Moment::now))
    }

    fn open_at(config: &Config, clock: Clock) -> Result<Self, OpenError> {
        let shared =
            Shared { store: Store::open(config)?, clock, calls: Calls::default(), in_use: InUse::default() };
        Ok(Backend { shared: Arc::new(shared) })
    }

    /// The canonical API as a service, to be called directly or served.
    pub fn router(&self) -> Router {
        operation::router(&self.shared)
    }

    /// Serves the API until `shutdown` is over and the requests in flight are answered.
    ///
    /// # Errors
    ///
    /// Fails when the listener does.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        // Answers are written at once: waiting to fill a packet costs a caller up to 40 ms.
        let listener = listener.tap_io(|connection| {
            if let Err(error) = connection.set_nodelay(true) {
                tracing::debug!(%error, "backend connection keeps Nagle's algorithm");
            }
        });
        axum::serve(listener, self.router()).with_graceful_shutdown(shutdown).await
    }

    /// Method and target of the last thousand requests, oldest first. For tests.
    pub fn calls(&self) -> Vec<(Method, String)> {
        self.shared.calls.all()
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::sync::oneshot;

    use super::*;

    async fn exchange(address: SocketAddr, request: &str) -> String {
        let mut connection = TcpStream::connect(address).await.unwrap();
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn it_answers_over_a_socket_until_it_is_told_to_stop() {
        let backend = Backend::open(&Config { database: None, seed: true }).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async move { stopped.await.unwrap_or_default() };
        let server = tokio::spawn(backend.clone().serve(listener, stopped));

        let request = "GET /v1/users/me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
                       Authorization: Bearer pat_DemoOwnerNorthwind00000000000000\r\n\r\n";
        let answer = exchange(address, request).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("\r\ncontent-type: application/json\r\n"), "{answer}");
        assert!(answer.contains(r#""email":"ada@example.com""#), "{answer}");
        assert_eq!(backend.calls(), [(Method::GET, "/v1/users/me".to_owned())]);

        stop.send(()).unwrap();
        server.await.unwrap().unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }
}
