//! Restarts: one process takes the place of another while clients go on.

use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Socket, Type};

use super::backend::Backend;
use super::files::{Edition, Files};
use super::load::{Load, assert_once_each};
use super::process::Process;
use super::rounds;

/// How many requests each process answers at least before it is replaced.
const EACH: usize = 60;

#[test]
fn the_next_process_shares_the_port_and_nothing_is_lost() {
    let backend = Backend::start();
    // The port is ours as long as we have it, though nobody is served here.
    let reserved = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    reserved.set_reuse_address(true).unwrap();
    reserved.set_reuse_port(true).unwrap();
    reserved.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let address = reserved.local_addr().unwrap().as_socket().unwrap();
    let files = Files::new(backend.address, &settings(address, "share_port = true\n"));

    let mut process = Process::start(&files);
    let load = Load::start(address);
    let restarts = rounds(3, 10);
    for _ in 0..restarts {
        load.wait_for(EACH);
        let next = Process::start(&files);
        process.stop();
        process = next;
    }
    load.wait_for(EACH);
    let sent = load.stop();
    assert_once_each(&sent, &backend.calls(), &[Edition::First.word()]);
    println!("{} requests, {restarts} restarts with a shared port", sent.len());
    process.stop();
}

#[test]
fn a_socket_of_the_service_manager_outlives_every_process_and_nothing_is_lost() {
    let backend = Backend::start();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let files = Files::new(backend.address, &settings(address, ""));

    let mut process = Process::start_with(&files, Some(&socket), &[]);
    let load = Load::start(address);
    let restarts = rounds(3, 10);
    for _ in 0..restarts {
        load.wait_for(EACH);
        // Meanwhile whoever comes waits at the socket.
        process.stop();
        process = Process::start_with(&files, Some(&socket), &[]);
    }
    load.wait_for(EACH);
    let sent = load.stop();
    assert_once_each(&sent, &backend.calls(), &[Edition::First.word()]);
    println!("{} requests, {restarts} restarts with a kept socket", sent.len());
    process.stop();
}

fn settings(address: SocketAddr, more: &str) -> String {
    format!(
        "[server]\nworkers = 2\n{more}[[server.listener]]\naddress = \"{address}\"\n\
         [admin]\naddress = \"127.0.0.1:0\"\n[limit]\nwindows = []\n[telemetry]\nformat = \"json\"\n"
    )
}
