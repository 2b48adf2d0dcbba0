//! Clients that take their time to read an answer, or do not read it, in the clear and over TLS, and time that is stopped.

use std::time::Duration;

use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, sleep, timeout},
};

use super::support::{config, get};
use super::ways::{ClientEnd, Connected, Flow, PAUSE, Way, ask, connect, open, run};
use crate::server::Config;

/// What a client may take, at most: two rounds.
const TWO_ROUNDS: Duration = Duration::from_mins(2);

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

/// Reads to the end of a connection; how many bytes came.
async fn read_all(client: &mut ClientEnd) -> usize {
    let mut all = Vec::new();
    client.read_to_end(&mut all).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn who_reads_on_is_not_cut_off_however_long_it_takes() {
    for way in Way::ALL {
        run(async {
            let Connected { mut client, flow, end, served, .. } = connect(config(), way, 1000).await;
            flow.set(Flow::Slow);
            client.write_all(get("/20000").as_bytes()).await.unwrap();
            let start = Instant::now();
            let length = read_all(&mut client).await;
            assert!(length > 20_000, "{way:?}: {length} bytes");
            assert!(start.elapsed() > 20 * PAUSE);
            drop(client);
            served.await.unwrap();
            assert!(!end.was_reset());
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_stops_reading_is_cut_off() {
    for (way, length) in Way::ALL.into_iter().flat_map(|way| [(way, "/20000"), (way, "/200000")]) {
        run(async {
            let Connected { mut client, flow, end, served, .. } = connect(config(), way, 1000).await;
            client.write_all(get(length).as_bytes()).await.unwrap();
            client.read_exact(&mut [0; 1500]).await.unwrap();
            flow.set(Flow::Shut);
            let start = Instant::now();
            served.await.unwrap();
            let elapsed = start.elapsed();
            assert!(elapsed >= config().idle_timeout && elapsed <= TWO_ROUNDS, "{way:?}: {elapsed:?}");
            assert!(end.was_reset(), "the system keeps what nobody takes");
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_has_its_time_once() {
    for way in Way::ALL {
        run(async {
            let Connected { mut client, end, served, .. } = connect(config(), way, 1_000_000).await;
            let start = Instant::now();
            client.write_all(b"GET /0 HTTP/1.1\r\nHost: ").await.unwrap();
            served.await.unwrap();
            let elapsed = start.elapsed();
            let most = config().header_timeout + Duration::from_secs(1);
            assert!(elapsed >= config().header_timeout && elapsed <= most, "{way:?}: {elapsed:?}");
            assert!(!end.was_reset(), "its answer may be on its way");
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_not_read_is_reset_and_its_connection_lives() {
    let cases = [(0, 1), (0, 100_000), (1000, 20_000), (1000, 100_000), (65_535, 65_536)];
    for (way, (window, length)) in Way::ALL.into_iter().flat_map(|way| cases.map(|case| (way, case))) {
        run(async {
            let Connected { client, .. } = connect(config(), way, 1_000_000).await;
            let mut sender = open(client, window).await;
            let unread = ask(&mut sender, length).await;
            // Who asks for something small now and then is not idle.
            for _ in 0..100 {
                sleep(Duration::from_secs(1)).await;
                assert_eq!(ask(&mut sender, 0).await.status(), StatusCode::OK);
            }
            assert!(
                unread.into_body().collect().await.is_err(),
                "{way:?}: {length} bytes, a window of {window}"
            );
            assert_eq!(ask(&mut sender, 0).await.status(), StatusCode::OK);
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_short_answer_that_is_begun_and_not_read_on_ends_its_connection() {
    for way in Way::ALL {
        run(async {
            let Connected { client, mut served, .. } = connect(config(), way, 1_000_000).await;
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
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_read_slowly_is_read_to_its_end() {
    for (way, length) in Way::ALL.into_iter().flat_map(|way| [(way, 10_000), (way, 20_000)]) {
        run(async {
            let Connected { client, .. } = connect(config(), way, 1_000_000).await;
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
    for way in Way::ALL {
        run(async {
            let config = Config { in_flight_per_address_max: 3, ..config() };
            let Connected { client, metrics, .. } = connect(config, way, 1_000_000).await;
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
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_an_answer_that_is_being_read() {
    for way in Way::ALL {
        run(async {
            let Connected { mut client, flow, drain, served, .. } = connect(config(), way, 1000).await;
            client.write_all(get("/20000").as_bytes()).await.unwrap();
            client.read_exact(&mut [0; 1500]).await.unwrap();
            flow.set(Flow::Slow);
            drain.begin();
            let length = read_all(&mut client).await;
            assert!(length > 18_500, "{way:?}: {length} bytes");
            // Nothing says `close` in it, but it is the last all the same.
            let read = Instant::now();
            drop(client);
            served.await.unwrap();
            assert!(read.elapsed() <= Duration::from_secs(1));
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_a_stream_that_is_being_read() {
    for (way, length) in Way::ALL.into_iter().flat_map(|way| [(way, 10_000), (way, 20_000)]) {
        run(async {
            let Connected { client, drain, served, .. } = connect(config(), way, 1_000_000).await;
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
    let said = [http2, get("/20000").into_bytes()];
    for (way, said) in Way::ALL.into_iter().flat_map(|way| said.each_ref().map(|said| (way, said))) {
        run(async {
            let Connected { mut client, flow, drain, end, served, .. } = connect(config(), way, 1000).await;
            client.write_all(said).await.unwrap();
            // Something of the answer is there by then.
            client.read_exact(&mut [0; 500]).await.unwrap();
            flow.set(Flow::Shut);
            drain.begin();
            let start = Instant::now();
            served.await.unwrap();
            let elapsed = start.elapsed();
            assert!(elapsed >= config().idle_timeout && elapsed <= TWO_ROUNDS, "{elapsed:?}");
            assert!(end.was_reset());
        })
        .await;
    }
}
