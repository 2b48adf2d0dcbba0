//! One server takes the place of another on the same address, while clients connect as fast as they can.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
};

use super::support::{TestServer, config, get};
use crate::server::{Config, ListenerConfig, RunOutcome};

/// How often the place is taken: each time takes a second, for a client that is turned away comes again after that.
/// Without the filter, one in some 150 handovers resets somebody: `INTERLINGUA_HANDOVERS=all` asks for enough to see it.
fn handovers() -> usize {
    if std::env::var("INTERLINGUA_HANDOVERS").is_ok_and(|asked| asked == "all") { 300 } else { 3 }
}

/// How many requests each server answers at least.
const EACH: usize = 50;

#[test]
fn nobody_who_connects_meanwhile_is_refused_or_reset() {
    let first = server(([127, 0, 0, 1], 0).into());
    let address = first.address;
    let (stop, (answered, answers)) = (AtomicBool::new(false), mpsc::channel());
    let mut all = 0;
    let failures = thread::scope(|scope| {
        let client = |answered: mpsc::Sender<()>| {
            let mut failures = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                failures.extend(ask(address).err());
                answered.send(()).unwrap();
            }
            failures
        };
        let clients: Vec<_> =
            (0..4).map(|_| answered.clone()).map(|one| scope.spawn(move || client(one))).collect();
        let mut serving = first;
        for _ in 0..handovers() {
            all += answers.iter().take(EACH).count();
            let next = server(address);
            assert_eq!(serving.stop(), RunOutcome::Drained);
            serving = next;
        }
        stop.store(true, Ordering::Relaxed);
        let failures: Vec<_> = clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
        assert_eq!(serving.stop(), RunOutcome::Drained);
        failures
    });
    all += answers.try_iter().count();
    println!("{all} connections, {} handovers", handovers());
    assert!(failures.is_empty(), "{} of {all}, such as {:?}", failures.len(), failures[0]);
}

fn server(address: SocketAddr) -> TestServer {
    let listeners = vec![ListenerConfig { address, tls: None }];
    TestServer::start(Config { listeners, workers: Some(2), share_port: true, ..config() })
}

/// One request on a connection of its own.
fn ask(address: SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(get("/").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if answer.ends_with("hello") { Ok(()) } else { Err(io::Error::other(answer)) }
}
