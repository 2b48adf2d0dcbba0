//! Listening sockets, one per worker and address, and taking connections from them.
//!
//! Closing a listening socket resets the connections that the system has completed for it and that nobody has taken
//! yet. What has to be done about that depends on who else listens there: [`Ending`] says it.

use std::{
    io,
    net::{SocketAddr, TcpListener as StdListener},
};

use socket2::{Domain, Protocol, SockFilter, SockRef, Socket, Type};

use crate::server::{BindError, ListenerConfig, tls::Tls};

/// Connections the system completes for us before we take them.
const BACKLOG: i32 = 1024;

/// The most that wait on a socket: the system lets one more in than it was told.
pub(super) const QUEUE_MAX: i32 = BACKLOG + 1;

/// One configured address with a socket for each worker.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) address: SocketAddr,
    pub(super) sockets: Vec<StdListener>,
    pub(super) tls: Option<Tls>,
    pub(super) ending: Ending,
}

/// How a worker parts with its socket when the drain begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Nobody else has it: it goes [deaf](deafen), what waits there is taken, then it is closed.
    Close,
    /// Others listen on the address with sockets of their own: it goes deaf for a while, so that newcomers go to them, then as
    /// above.
    Deafen,
    /// Others hold the same socket, and serve whatever waits there: it is let go of at once.
    LetGo,
}

impl Listener {
    /// Binds `workers` sockets to the address.
    pub(super) fn bind(
        config: &ListenerConfig,
        workers: usize,
        share_port: bool,
    ) -> Result<Listener, BindError> {
        let tls = tls(config)?;
        let sockets = sockets(config.address, workers, share_port)
            .map_err(|source| BindError::Listen { address: config.address, source });
        let (address, sockets) = sockets?;
        let ending = if share_port { Ending::Deafen } else { Ending::Close };
        Ok(Listener { address, sockets, tls, ending })
    }

    /// The same with a socket that listens already: all workers take from that one.
    pub(super) fn of(
        config: &ListenerConfig,
        socket: &StdListener,
        workers: usize,
    ) -> Result<Listener, BindError> {
        let tls = tls(config)?;
        let copies = || -> io::Result<(SocketAddr, Vec<StdListener>)> {
            socket.set_nonblocking(true)?;
            let copies = (0..workers).map(|_| socket.try_clone()).collect::<io::Result<_>>()?;
            Ok((socket.local_addr()?, copies))
        };
        let (address, sockets) =
            copies().map_err(|source| BindError::Inherited { address: config.address, source })?;
        Ok(Listener { address, sockets, tls, ending: Ending::LetGo })
    }
}

fn tls(config: &ListenerConfig) -> Result<Option<Tls>, BindError> {
    Ok(config.tls.as_ref().map(Tls::load).transpose()?)
}

/// Makes a listening socket hear no newcomers any more, without closing it.
///
/// A filter drops their first packet (SYN without ACK), which they send again a second later; by then this socket is
/// closed, and the system gives them to another one on the same address, or refuses them if there is none. Whoever is
/// past the first packet is not concerned. Without this, who came between our last look into the queue and the close would be
/// reset.
pub(super) fn deafen(socket: &impl std::os::fd::AsFd) -> io::Result<()> {
    // Classic BPF over the TCP header: the code of the instruction, where to jump if true and if false, the operand.
    const LOAD_BYTE: u16 = 0x30;
    const AND: u16 = 0x54;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    const FLAGS_AT: u32 = 13;
    const SYN: u32 = 0x02;
    const SYN_AND_ACK: u32 = 0x12;
    SockRef::from(socket).attach_filter(&[
        SockFilter::new(LOAD_BYTE, 0, 0, FLAGS_AT),
        SockFilter::new(AND, 0, 0, SYN_AND_ACK),
        SockFilter::new(JUMP_IF_EQUAL, 0, 1, SYN),
        SockFilter::new(RETURN, 0, 0, 0),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
    ])
}

fn sockets(
    mut address: SocketAddr,
    workers: usize,
    share_port: bool,
) -> io::Result<(SocketAddr, Vec<StdListener>)> {
    let shares = workers > 1 || share_port;
    if shares && !share_port && address.port() != 0 {
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
        Listener::bind(&ListenerConfig { address, tls: None }, workers, false)
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
    fn an_address_that_is_shared_can_be_bound_by_others_that_share_it_only() {
        let config = ListenerConfig { address: anywhere(), tls: None };
        let first = Listener::bind(&config, 1, true).unwrap();
        let config = ListenerConfig { address: first.address, tls: None };
        assert_eq!(Listener::bind(&config, 2, true).unwrap().address, first.address);
        assert!(matches!(Listener::bind(&config, 1, false), Err(BindError::Listen { .. })));
        assert!(matches!(Listener::bind(&config, 2, false), Err(BindError::Listen { .. })));
    }

    #[test]
    fn a_deaf_socket_keeps_whom_it_has_and_leaves_newcomers_to_others() {
        let config = ListenerConfig { address: anywhere(), tls: None };
        let old = Listener::bind(&config, 1, true).unwrap();
        let connect = || std::net::TcpStream::connect(old.address).unwrap();
        let before: Vec<_> = (0..8).map(|_| connect()).collect();
        deafen(&old.sockets[0]).unwrap();
        let new = Listener::bind(&ListenerConfig { address: old.address, tls: None }, 1, true).unwrap();
        // Those whom the system would give to the deaf one come through when it is closed.
        let address = old.address;
        let late: Vec<_> = (0..8)
            .map(|_| std::thread::spawn(move || std::net::TcpStream::connect(address).unwrap()))
            .collect();
        let taken = std::iter::from_fn(|| old.sockets[0].accept().ok()).count();
        assert_eq!(taken, before.len());
        drop(old);
        let late: Vec<_> = late.into_iter().map(|one| one.join().unwrap()).collect();
        let taken = std::iter::from_fn(|| new.sockets[0].accept().ok()).count();
        assert_eq!(taken, late.len());
    }

    #[test]
    fn an_address_can_be_bound_again_after_it_was_given_up() {
        // An address of its own: on the usual one, another test might be given the port meanwhile.
        let address = listen(([127, 0, 0, 2], 0).into(), 2).unwrap().address;
        assert_eq!(listen(address, 2).unwrap().address, address);
    }
}
