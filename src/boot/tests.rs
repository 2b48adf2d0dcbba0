//! A proxy that is started with nothing to serve: where it says it is, and what keeps it from starting.

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
        keys: std::collections::BTreeMap::new(),
    };
    Registry::new(Arc::new(api), Vec::new())
}

/// An address of their own for these tests, so that no other is given a port that is free again.
fn config() -> Config {
    let address = ([127, 0, 0, 5], 0).into();
    let listeners = vec![ListenerConfig { address, tls: None }];
    let mut config = Config::default();
    config.server = server::Config { listeners, workers: Some(2), ..config.server };
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
fn a_start_that_is_told_to_end_leaves_the_usage_file_to_whoever_had_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage");
    let mut config = config();
    config.usage.file = Some(path.clone());
    let opened = usage::keeper::Opened::open(&path, config.usage.clone()).unwrap();
    let owner = opened.take_over().unwrap();
    owner.settle();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let is_its = || matches!(runtime.block_on(owner.asker().ask()), Some(Ok(_)));
    assert!(is_its());

    let drain = Drain::new();
    drain.begin();
    let outcome = serve(config.clone(), registry(), &drain, |_| panic!("nobody is served"));
    assert_eq!(outcome.unwrap(), RunOutcome::Drained);
    assert!(is_its());

    // One that serves takes it.
    let drain = Drain::new();
    serve(config, registry(), &drain, |_| drain.begin()).unwrap();
    assert!(!is_its());
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
