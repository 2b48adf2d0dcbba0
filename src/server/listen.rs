//! Listening sockets, one per worker and address, and taking connections from them.

use std::{
    io,
    net::{SocketAddr, TcpListener as StdListener},
};

use socket2::{Domain, Protocol, Socket, Type};
use tokio_rustls::TlsAcceptor;

use crate::server::{BindError, ListenerConfig, tls};

/// Connections the system completes for us before we take them.
const BACKLOG: i32 = 1024;

/// One configured address with a socket for each worker.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) address: SocketAddr,
    pub(super) sockets: Vec<StdListener>,
    pub(super) tls: Option<Tls>,
}

/// [`TlsAcceptor`] with a `Debug` that shows nothing of the key.
#[derive(Clone)]
pub(super) struct Tls(pub(super) TlsAcceptor);

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

impl Listener {
    /// Binds `workers` sockets to the address.
    pub(super) fn bind(config: &ListenerConfig, workers: usize) -> Result<Listener, BindError> {
        let tls = config.tls.as_ref().map(tls::acceptor).transpose()?.map(Tls);
        let sockets = sockets(config.address, workers)
            .map_err(|source| BindError::Listen { address: config.address, source });
        let (address, sockets) = sockets?;
        Ok(Listener { address, sockets, tls })
    }
}

fn sockets(mut address: SocketAddr, workers: usize) -> io::Result<(SocketAddr, Vec<StdListener>)> {
    let shares = workers > 1;
    if shares && address.port() != 0 {
        // `SO_REUSEPORT` lets a second process of ours share the port unnoticed. An unshared bind notices.
        drop(bind(address, false)?);
    }
    let mut sockets = Vec::with_capacity(workers);
    for _ in 0..workers {
        let socket = bind(address, shares)?;
        socket.listen(BACKLOG)?;
        let socket = StdListener::from(socket);
        // Port 0 took a free port; the others share it.
        address = socket.local_addr()?;
        sockets.push(socket);
    }
    Ok((address, sockets))
}

fn bind(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if shared {
        socket.set_reuse_port(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listen(address: SocketAddr, workers: usize) -> Result<Listener, BindError> {
        Listener::bind(&ListenerConfig { address, tls: None }, workers)
    }

    fn anywhere() -> SocketAddr {
        ([127, 0, 0, 1], 0).into()
    }

    #[test]
    fn every_worker_gets_a_socket_on_the_same_port() {
        let listener = listen(anywhere(), 3).unwrap();
        let addresses: Vec<_> = listener.sockets.iter().map(|socket| socket.local_addr().unwrap()).collect();
        assert_eq!(addresses, [listener.address; 3]);
    }

    #[test]
    fn a_taken_address_is_refused_even_when_it_could_be_shared() {
        for workers in [1, 2] {
            let first = listen(anywhere(), workers).unwrap();
            let error = listen(first.address, workers).unwrap_err();
            assert!(matches!(error, BindError::Listen { .. }), "{error:?}");
        }
    }

    #[test]
    fn an_address_can_be_bound_again_after_it_was_given_up() {
        // An address of its own: on the usual one, another test might be given the port meanwhile.
        let address = listen(([127, 0, 0, 2], 0).into(), 2).unwrap().address;
        assert_eq!(listen(address, 2).unwrap().address, address);
    }
}
