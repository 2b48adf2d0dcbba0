//! Clients that take their time to read an answer, or do not read it: a connection without sockets, and time that is stopped.

use std::{rc::Rc, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full};
use hyper::{
    body::Incoming,
    client::conn::http2::{self, SendRequest},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::Semaphore,
    task::{JoinHandle, LocalSet, spawn_local},
    time::{Instant, sleep, timeout},
};

use super::support::{config, get};
use crate::{
    server::{
        Body, Config, Drain, Handler, Peer, Shared, addresses::Addresses, connection::Connections,
        in_flight::InFlight,
    },
    telemetry::Metrics,
    time::Deadline,
};

/// Longer than anything here is kept.
const LONG: Duration = Duration::from_hours(1);
/// Less than a client may take until it reads on, and far from what it may take in all.
const PAUSE: Duration = Duration::from_secs(50);
/// What a client may take, at most: two rounds.
const TWO_ROUNDS: Duration = Duration::from_mins(2);

/// Answers with as many bytes as the path says.
#[derive(Clone)]
struct Tells;

impl Handler for Tells {
    async fn handle(&self, request: Request<Incoming>, _peer: Peer) -> Response<Body> {
        let length = request.uri().path()[1..].parse().unwrap();
        Response::new(Body::from(Full::from(vec![b'x'; length])))
    }
}

/// A connection, and the server behind it.
struct Connected {
    /// What the client reads and writes; the way between has room for that many bytes.
    client: DuplexStream,
    drain: Drain,
    metrics: Metrics,
    /// Ends with the connection.
    served: JoinHandle<()>,
}

fn connect(config: Config, room: usize) -> Connected {
    let (drain, metrics) = (Drain::new(), Metrics::new());
    let shared = Shared {
        slots: Arc::new(Semaphore::new(1)),
        addresses: Arc::new(Addresses::new(&config)),
        in_flight: Arc::new(InFlight::new(&config)),
        metrics: metrics.clone(),
        drain: drain.clone(),
        config,
    };
    let connections = Rc::new(Connections::new(Tells, Arc::new(shared)));
    let (client, ours) = duplex(room);
    let served = spawn_local(async move {
        let peer = Peer::new(([192, 0, 2, 1], 1).into(), false);
        connections.open(ours, Deadline::after(PAUSE), peer).await;
    });
    Connected { client, drain, metrics, served }
}

/// Opens HTTP/2 with windows of that many bytes.
async fn open(client: DuplexStream, window: u32) -> SendRequest<Empty<Bytes>> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder.initial_stream_window_size(window);
    let (sender, connection) = builder.handshake(TokioIo::new(client)).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// Asks for so many bytes, and waits for the head of the answer.
async fn ask(sender: &mut SendRequest<Empty<Bytes>>, length: usize) -> Response<Incoming> {
    let request = Request::get(format!("http://test/{length}")).body(Empty::new()).unwrap();
    sender.send_request(request).await.unwrap()
}

/// Reads it frame by frame, with a pause before each; how many bytes came.
async fn read_slowly(answer: Response<Incoming>) -> usize {
    let (mut body, mut length) = (answer.into_body(), 0);
    loop {
        sleep(PAUSE).await;
        match body.frame().await {
            Some(frame) => length += frame.unwrap().into_data().unwrap().len(),
            None => return length,
        }
    }
}

/// The same of the bytes of a connection.
async fn read_bytes_slowly(client: &mut DuplexStream) -> usize {
    let (mut some, mut length) = ([0; 700], 0);
    loop {
        match client.read(&mut some).await.unwrap() {
            0 => return length,
            read => length += read,
        }
        sleep(PAUSE).await;
    }
}

/// In a place for tasks that stay on this thread, and not for ever.
async fn run(test: impl Future<Output = ()>) {
    LocalSet::new().run_until(timeout(LONG, test)).await.expect("it hangs");
}

#[tokio::test(start_paused = true)]
async fn who_reads_on_is_not_cut_off_however_long_it_takes() {
    run(async {
        let Connected { mut client, served, .. } = connect(config(), 1000);
        client.write_all(get("/20000").as_bytes()).await.unwrap();
        let start = Instant::now();
        let length = read_bytes_slowly(&mut client).await;
        assert!(length > 20_000, "{length} bytes");
        assert!(start.elapsed() > 20 * PAUSE);
        served.await.unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_stops_reading_is_cut_off() {
    run(async {
        let Connected { mut client, served, .. } = connect(config(), 1000);
        client.write_all(get("/20000").as_bytes()).await.unwrap();
        client.read_exact(&mut [0; 1500]).await.unwrap();
        let start = Instant::now();
        served.await.unwrap();
        let elapsed = start.elapsed();
        assert!(elapsed >= config().idle_timeout && elapsed <= TWO_ROUNDS, "{elapsed:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_not_read_is_reset_and_its_connection_lives() {
    for (window, length) in [(0, 1), (0, 100_000), (1000, 20_000), (1000, 100_000), (65_535, 65_536)] {
        run(async {
            let Connected { client, .. } = connect(config(), 1_000_000);
            let mut sender = open(client, window).await;
            let unread = ask(&mut sender, length).await;
            // Who asks for something small now and then is not idle.
            for _ in 0..100 {
                sleep(Duration::from_secs(1)).await;
                assert_eq!(ask(&mut sender, 0).await.status(), StatusCode::OK);
            }
            assert!(unread.into_body().collect().await.is_err(), "{length} bytes, a window of {window}");
            assert_eq!(ask(&mut sender, 0).await.status(), StatusCode::OK);
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_short_answer_that_is_begun_and_not_read_on_ends_its_connection() {
    run(async {
        let Connected { client, mut served, .. } = connect(config(), 1_000_000);
        let mut sender = open(client, 1000).await;
        let (start, _unread) = (Instant::now(), ask(&mut sender, 10_000).await);
        while timeout(Duration::from_secs(1), &mut served).await.is_err() {
            let request = Request::get("http://test/0").body(Empty::new()).unwrap();
            // Its last moment may be this one.
            sender.send_request(request).await.ok();
        }
        let elapsed = start.elapsed();
        assert!(elapsed >= config().idle_timeout && elapsed <= TWO_ROUNDS, "{elapsed:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_read_slowly_is_read_to_its_end() {
    for length in [10_000, 20_000] {
        run(async {
            let Connected { client, .. } = connect(config(), 1_000_000);
            let mut sender = open(client, 1000).await;
            let start = Instant::now();
            let answer = ask(&mut sender, length).await;
            assert_eq!(read_slowly(answer).await, length);
            assert!(start.elapsed() > 10 * PAUSE);
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_reads_has_its_place_among_those_of_its_address() {
    run(async {
        let Connected { client, metrics, .. } =
            connect(Config { in_flight_per_address_max: 3, ..config() }, 1_000_000);
        let mut sender = open(client, 100).await;
        // One that waits for its window, one that has begun, and a short one that has.
        let mut unread = Vec::new();
        for length in [100_000, 20_000, 1000] {
            unread.push(ask(&mut sender, length).await);
        }
        assert_eq!(ask(&mut sender, 0).await.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(metrics.requests_in_flight().get(), 0, "whoever else asks is not kept out");
        // Read, or given up by the client, or by us: each place is free again.
        let short = unread.pop().unwrap().into_body().collect().await.unwrap();
        assert_eq!(short.to_bytes().len(), 1000);
        assert_eq!(ask(&mut sender, 0).await.status(), StatusCode::OK);
        let _another = ask(&mut sender, 100_000).await;
        assert_eq!(ask(&mut sender, 0).await.status(), StatusCode::TOO_MANY_REQUESTS);
        drop(unread.pop());
        sleep(Duration::from_secs(1)).await;
        assert_eq!(ask(&mut sender, 0).await.status(), StatusCode::OK);
        sleep(2 * PAUSE).await;
        for _ in 0..3 {
            unread.push(ask(&mut sender, 100_000).await);
        }
        assert!(unread.iter().skip(1).all(|answer| answer.status() == StatusCode::OK));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_an_answer_that_is_being_read() {
    run(async {
        let Connected { mut client, drain, served, .. } = connect(config(), 1000);
        client.write_all(get("/20000").as_bytes()).await.unwrap();
        client.read_exact(&mut [0; 1500]).await.unwrap();
        drain.begin();
        let length = read_bytes_slowly(&mut client).await;
        assert!(length > 18_500, "{length} bytes");
        // Nothing says `close` in it, but it is the last all the same.
        let read = Instant::now();
        drop(client);
        served.await.unwrap();
        assert!(read.elapsed() <= Duration::from_secs(1));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_a_stream_that_is_being_read() {
    for length in [10_000, 20_000] {
        run(async {
            let Connected { client, drain, served, .. } = connect(config(), 1_000_000);
            let mut sender = open(client, 1000).await;
            let answer = ask(&mut sender, length).await;
            drain.begin();
            assert_eq!(read_slowly(answer).await, length);
            let read = Instant::now();
            served.await.unwrap();
            assert!(read.elapsed() <= Duration::from_secs(1));
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_takes_nothing_while_we_leave_is_cut_off_as_ever() {
    // The beginning of HTTP/2, large windows for streams and connection, and a GET of 20,000 bytes.
    let http2 = [
        &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..],
        b"\0\0\x06\x04\0\0\0\0\0\0\x04\0\x10\0\0",
        b"\0\0\x04\x08\0\0\0\0\0\0\x10\0\0",
        b"\0\0\x10\x01\x05\0\0\0\x01\x82\x86\x04\x06/20000\x41\x04test",
    ]
    .concat();
    for said in [http2, get("/20000").into_bytes()] {
        run(async {
            let Connected { mut client, drain, served, .. } = connect(config(), 1000);
            client.write_all(&said).await.unwrap();
            // Something of the answer is there by then.
            client.read_exact(&mut [0; 500]).await.unwrap();
            drain.begin();
            let start = Instant::now();
            served.await.unwrap();
            let elapsed = start.elapsed();
            assert!(elapsed >= config().idle_timeout && elapsed <= TWO_ROUNDS, "{elapsed:?}");
        })
        .await;
    }
}
