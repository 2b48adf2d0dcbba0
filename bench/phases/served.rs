//! Whole requests over a client's connection: what the server does with one, besides what the gateway does.

use std::error::Error;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode, Uri};
use interlingua::boot;
use interlingua::config::Config;
use interlingua::dialect::Registry;
use interlingua::server::{Drain, ListenerConfig};
use interlingua::upstream;

use super::Phase;
use super::backend::Child;
use super::case::Case;

/// What is asked, and how often.
const CASES: [(&str, u32); 3] = [("invite", 100), ("refused-schema", 100), ("refused-quota", 100)];

/// How long the client takes before it asks again: the server has gone to sleep by then, as it has to be woken for each
/// request.
const PAUSE: Duration = Duration::from_millis(1);

/// Larger than any answer.
const ROOM: usize = 8 * 1024;

pub(crate) fn phases(
    registry: &Registry,
    cases: &[Case],
    backend: &Child,
) -> Result<Vec<Phase>, Box<dyn Error>> {
    let phase = |(name, rounds): (&str, u32)| {
        let case = Case::named(cases, name)?;
        let port = backend.port(cases.iter().position(|one| one.name == name).unwrap_or_default());
        let config = config(port)?;
        let registry = Registry::new(Arc::clone(registry.api()), registry.dialects().to_vec());
        Ok(asked(format!("server/{name}"), rounds, (config, registry), case))
    };
    CASES.into_iter().map(phase).collect()
}

/// As the program has it by default, with one worker and nothing but what answers clients.
fn config(backend: u16) -> Result<Config, Box<dyn Error>> {
    let mut config = Config::default();
    config.server.listeners = vec![ListenerConfig { address: ([127, 0, 0, 1], 0).into(), tls: None }];
    config.server.workers = Some(1);
    config.admin.address = None;
    config.upstream = Some(upstream::Config::new(Uri::try_from(format!("http://127.0.0.1:{backend}"))?));
    // For dialects that name no quota: as in the mappings, one that nobody spends.
    config.limit.windows = vec!["100000000/minute".parse()?];
    Ok(config)
}

/// A case asked of a server, which is started when it is asked for the first time: others must not be counted with it. The
/// client writes a text and reads one; that is counted, too, and next to nothing.
fn asked(name: String, rounds: u32, serving: (Config, Registry), case: &Case) -> Phase {
    let (request, expected) = (request(case), status_line(case.status));
    // A quota is spent after the first.
    let mut is_spent = case.status != StatusCode::TOO_MANY_REQUESTS;
    let (mut serving, mut client) = (Some(serving), None);
    let mut answer = vec![0; ROOM];
    Phase::new(name, rounds, move || {
        if let Some(serving) = serving.take() {
            client = Some(started(serving).expect("the server starts"));
        }
        let client = client.as_mut().expect("it was started");
        let read = ask(client, &request, &mut answer).expect("the server answers");
        let is_so = answer[..read].starts_with(expected.as_bytes());
        assert!(is_so || !is_spent, "not answered with `{expected}`");
        is_spent = true;
        thread::sleep(PAUSE);
    })
}

/// A connection to a server on a thread of its own, which ends with the process.
fn started((config, registry): (Config, Registry)) -> Result<TcpStream, Box<dyn Error>> {
    let (sender, receiver) = mpsc::channel::<SocketAddr>();
    let ready = move |addresses: &[SocketAddr]| {
        sender.send(addresses[0]).ok();
    };
    thread::spawn(move || boot::serve(config, registry, &Drain::new(), ready).map(drop));
    let client = TcpStream::connect(receiver.recv()?)?;
    client.set_nodelay(true)?;
    Ok(client)
}

/// Asks once. An answer is written in one piece, and comes in one.
fn ask(client: &mut TcpStream, request: &[u8], answer: &mut [u8]) -> io::Result<usize> {
    client.write_all(request)?;
    client.read(answer)
}

fn request(case: &Case) -> Vec<u8> {
    let line = format!("{} {} HTTP/1.1\r\nhost: 127.0.0.1\r\n", case.method, case.target);
    let header = |(name, value): (&HeaderName, &HeaderValue)| {
        format!("{name}: {}\r\n", value.to_str().unwrap_or_default())
    };
    let headers: String = case.headers.iter().map(header).collect();
    let length =
        if case.body.is_empty() { String::new() } else { format!("content-length: {}\r\n", case.body.len()) };
    [line.as_bytes(), headers.as_bytes(), length.as_bytes(), b"\r\n", &case.body].concat()
}

fn status_line(status: StatusCode) -> String {
    format!("HTTP/1.1 {} ", status.as_str())
}
