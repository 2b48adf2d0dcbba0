//! How many connections one address may have, on all workers together.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
};

use socket2::{Domain, Socket, Type};

use super::support::{TestServer, config, get};
use crate::server::Config;

/// A connection from an address of this machine.
fn from(host: [u8; 4], to: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((host, 0)).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    socket.into()
}

/// Whether a request is answered there.
fn is_served(stream: &mut TcpStream) -> bool {
    let ask = |stream: &mut TcpStream| -> io::Result<usize> {
        stream.write_all(get("/").as_bytes())?;
        stream.read(&mut [0; 4096])
    };
    ask(stream).is_ok_and(|length| length > 0)
}

#[test]
fn a_connection_too_many_of_an_address_is_reset_and_others_are_served() {
    let server = TestServer::start(Config { connections_per_address_max: 4, workers: Some(2), ..config() });
    let (one, other) = ([127, 0, 0, 1], [127, 0, 0, 2]);
    let mut first: Vec<_> = (0..4).map(|_| from(one, server.address)).collect();
    assert!(first.iter_mut().all(is_served), "wherever the system dealt them");
    for _ in 0..8 {
        assert!(!is_served(&mut from(one, server.address)));
    }
    assert_eq!(server.metrics.connections_refused().get(), 8);
    assert!(is_served(&mut from(other, server.address)));
    assert!(first.iter_mut().all(is_served), "they have theirs");

    // Whoever closes one may open another, once we have heard of it.
    drop(first.pop());
    while server.metrics.connections_open().get() > 3 {
        std::thread::yield_now();
    }
    assert!(is_served(&mut from(one, server.address)));
    drop(first);
}

#[test]
fn who_has_too_many_is_told_before_there_is_a_slot() {
    let server = TestServer::start(Config { connections_max: 2, connections_per_address_max: 1, ..config() });
    let mut first = from([127, 0, 0, 1], server.address);
    assert!(is_served(&mut first));
    for _ in 0..8 {
        assert!(!is_served(&mut from([127, 0, 0, 1], server.address)));
    }
    assert!(is_served(&mut from([127, 0, 0, 2], server.address)));
}
