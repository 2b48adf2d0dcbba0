//! A change with an `Idempotency-Key`, from a client to the reference backend, over a network that loses the answer: it is
//! made again and done once. Without a key, or where nobody says that keys are honoured, nothing is made again.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use http::Method;
use interlingua::{
    backend,
    gateway::{self, Gateway},
    limit,
    telemetry::Metrics,
    upstream::{self, Keys, Upstream},
};
use serde_json::json;

use crate::support::{
    self,
    client::{Ask, Told},
};

const MEMBERS: &str = "http://127.0.0.1/closient/account/api/v1/organizations/CnEqURgZ3swzj528KMLvX5/members";

/// A gateway to the reference backend, over a network that loses the first `lost` answers to a POST.
struct World {
    gateway: Gateway,
    backend: backend::Backend,
}

impl World {
    async fn new(keys: Keys, lost: usize) -> World {
        let backend = backend::Backend::open(&backend::Config { database: None, seed: true }).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let network = network(listener.local_addr().unwrap(), lost);
        tokio::spawn(backend.clone().serve(listener, std::future::pending()));
        let base = format!("http://{network}").parse().unwrap();
        let config = upstream::Config { idempotency_keys: keys, ..upstream::Config::new(base) };
        let shared = gateway::Shared::new(
            Arc::clone(&support::shipped().registry),
            gateway::Config::default(),
            &limit::Config::default(),
            Duration::from_secs(20),
            Metrics::new(),
        );
        World { gateway: Gateway::new(Arc::new(shared), Upstream::new(Arc::new(config)).unwrap()), backend }
    }

    async fn invite(&self, email: &str, key: Option<&str>) -> Told {
        let mut headers = vec![credential()];
        headers.extend(key.map(|key| ("idempotency-key".to_owned(), key.to_owned())));
        let body = Some(json!({ "email": email, "role": "editor" }).to_string().into_bytes());
        Ask { line: format!("POST {MEMBERS}"), headers, body }.of(&self.gateway).await
    }

    /// How many members have that address.
    async fn count(&self, email: &str) -> usize {
        let line = format!("GET {MEMBERS}?page_size=100");
        let told = Ask { line, headers: vec![credential()], body: None }.of(&self.gateway).await;
        let list = told.json().unwrap();
        let members = list.as_object().unwrap().values().find_map(|one| one.as_array()).expect("a page");
        members.iter().filter(|member| member["user_email"] == email).count()
    }

    /// How many changes the backend was asked for.
    fn asked(&self) -> usize {
        self.backend.calls().iter().filter(|(method, _)| *method == Method::POST).count()
    }
}

fn credential() -> (String, String) {
    ("x-api-key".to_owned(), "csb_DemoOwnerNorthwind00000000000000_eda246cf".to_owned())
}

#[tokio::test]
async fn a_change_whose_answer_was_lost_is_made_again_and_done_once() {
    let world = World::new(Keys::Honoured, 1).await;
    let told = world.invite("new@example.com", Some("k")).await;
    assert_eq!(told.status, 200, "{:?}", told.body);
    assert_eq!((world.asked(), world.count("new@example.com").await), (2, 1));
}

#[tokio::test]
async fn without_a_key_or_a_backend_that_honours_them_nothing_is_made_again() {
    for (keys, key) in [(Keys::Honoured, None), (Keys::Ignored, Some("k"))] {
        let world = World::new(keys, 1).await;
        let told = world.invite("new@example.com", key).await;
        assert_eq!((told.status.as_u16(), world.asked()), (502, 1));
        assert_eq!(told.json().unwrap()["retryable"], false, "nobody knows whether it was made");
    }
}

#[tokio::test]
async fn a_client_that_was_not_told_may_ask_again_with_its_key() {
    // The answer is lost as often as the gateway tries.
    let world = World::new(Keys::Honoured, 2).await;
    let told = world.invite("new@example.com", Some("k")).await;
    assert_eq!((told.status.as_u16(), told.json().unwrap()["retryable"].as_bool()), (502, Some(true)));
    let told = world.invite("new@example.com", Some("\"k\"")).await;
    assert_eq!(told.status, 200, "{:?}", told.body);
    assert_eq!((world.asked(), world.count("new@example.com").await), (3, 1));
    // For something else the key is spent.
    let told = world.invite("other@example.com", Some("k")).await;
    assert_eq!(told.status, 422, "{:?}", told.body);
    assert_eq!(world.count("other@example.com").await, 0);
}

/// Passes on what comes, and closes the connection instead of passing on the first `lost` answers to a POST.
fn network(to: SocketAddr, lost: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let left = Arc::new(AtomicUsize::new(lost));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut client, mut server) =
                (Side::of(stream.unwrap()), Side::of(TcpStream::connect(to).unwrap()));
            let left = Arc::clone(&left);
            thread::spawn(move || {
                while let Some(request) = client.message() {
                    server.0.get_mut().write_all(&request).unwrap();
                    let Some(answer) = server.message() else { return };
                    let less = |left: usize| left.checked_sub(1);
                    let is_lost = request.starts_with(b"POST ")
                        && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok();
                    if is_lost || client.0.get_mut().write_all(&answer).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

struct Side(BufReader<TcpStream>);

impl Side {
    fn of(stream: TcpStream) -> Side {
        Side(BufReader::new(stream))
    }

    /// A head and a body of the length it says.
    fn message(&mut self) -> Option<Vec<u8>> {
        let mut message = Vec::new();
        while !message.ends_with(b"\r\n\r\n") {
            if self.0.read_until(b'\n', &mut message).ok()? == 0 {
                return None;
            }
        }
        let head = String::from_utf8(message.clone()).unwrap().to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        self.0.read_exact(&mut body).ok()?;
        message.extend(body);
        Some(message)
    }
}
