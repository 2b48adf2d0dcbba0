//! The built-in backend beside the proxy: on a loopback port of its own, with a thread and a runtime of its own.
//!
//! The proxy talks to it as it would to any other backend, so that what is tried out with it is what will run.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    panic::resume_unwind,
    thread::{self, JoinHandle},
};

use http::Uri;
use tokio::{runtime, sync::oneshot};

use crate::{
    backend::{self, Backend, OpenError},
    server::Drain,
};

/// The built-in backend at work.
#[derive(Debug)]
pub(super) struct Embedded {
    address: SocketAddr,
    /// Dropping it stops the backend, too.
    stop: oneshot::Sender<()>,
    thread: JoinHandle<io::Result<()>>,
}

/// Why the built-in backend cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// Its database cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is no port, thread or runtime to be had.
    #[error("cannot start the built-in backend")]
    Start(#[from] io::Error),
}

impl Embedded {
    /// Opens the database and starts to serve it. Should it ever end by itself, `drain` begins: a proxy with no backend
    /// is of no use to anyone.
    pub(super) fn start(config: &backend::Config, drain: &Drain) -> Result<Embedded, EmbeddedError> {
        let backend = Backend::open(config)?;
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let (proxy, drain) = (BeginOnDrop(drain.clone()), drain.clone());
        let serve = async move {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let stopped = async { stopped.await.unwrap_or_default() };
            tokio::select! {
                // Who asks a second time for the end does not wait for a query.
                () = drain.ended() => Ok(()),
                served = backend.serve(listener, stopped) => served,
            }
        };
        let thread = thread::Builder::new().name("backend".into()).spawn(move || {
            let _ends_too = proxy;
            runtime.block_on(serve)
        })?;
        Ok(Embedded { address, stop, thread })
    }

    /// Where the proxy finds it.
    pub(super) fn base(&self) -> Uri {
        let authority = self.address.to_string();
        let parts = Uri::builder().scheme("http").authority(authority).path_and_query("/").build();
        parts.expect("a socket address is an authority")
    }

    /// Waits until the requests in flight are answered and it is gone.
    pub(super) fn stop(self) -> io::Result<()> {
        // It may be gone already; then nobody hears, and the thread says why.
        self.stop.send(()).ok();
        self.thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    }
}

/// The proxy, as far as its backend is concerned.
struct BeginOnDrop(Drain);

impl Drop for BeginOnDrop {
    fn drop(&mut self) {
        self.0.begin();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpStream,
    };

    use super::*;

    fn start(drain: &Drain) -> Embedded {
        Embedded::start(&backend::Config::default(), drain).unwrap()
    }

    #[test]
    fn it_answers_where_it_says_until_it_is_stopped() {
        let drain = Drain::new();
        let embedded = start(&drain);
        let address = embedded.address;
        assert_eq!(embedded.base().to_string(), format!("http://{address}/"));

        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET /v1/users/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
        assert!(!drain.has_begun());

        embedded.stop().unwrap();
        assert!(TcpStream::connect(address).is_err());
    }

    #[test]
    fn the_proxy_does_not_outlive_it() {
        let drain = Drain::new();
        let embedded = start(&drain);
        drain.end_now();

        embedded.stop().unwrap();
        assert!(drain.has_begun());
    }

    #[test]
    fn a_database_that_cannot_be_opened_is_said_at_once() {
        let database = Some("/dev/null/database".into());
        let config = backend::Config { database, seed: false };

        let error = Embedded::start(&config, &Drain::new()).unwrap_err();
        assert_eq!(error.to_string(), "database `/dev/null/database` cannot be used");
    }
}
