//! More answers that nobody takes than there is room for: from many addresses, in the clear and over TLS.

use futures_util::future::join;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::yield_now,
    time::{Duration, Instant, sleep},
};

use super::support::{config, get};
use super::ways::{Connected, Flow, Way, Worker, ask, open, run};
use crate::server::{Config, backlog::PATIENCE};

const MIB: usize = 1024 * 1024;

/// A worker with room for so many bytes of answers, and nothing else that could be too much.
fn worker(most: usize) -> Worker {
    Worker::new(Config { untaken_bytes_max: most, in_flight_per_address_max: 1000, ..config() })
}

/// Every other bound is by address or by time, and neither comes into play here: each client has an address of its own, and all of
/// it takes less than `idle_timeout`.
#[tokio::test(start_paused = true)]
async fn many_addresses_that_take_nothing_do_not_add_up() {
    for way in Way::ALL {
        run(async {
            let (worker, start) = (worker(3 * MIB), Instant::now());
            let mut served = Vec::new();
            let mut clients = Vec::new();
            for host in 0..12 {
                // Over HTTP/1.1 and over HTTP/2, where the way lets nothing through.
                let Connected { mut client, flow, served: one, .. } = worker.connect(way, host, 1000).await;
                if host % 2 == 0 {
                    client.write_all(get("/1000000").as_bytes()).await.unwrap();
                    client.read_exact(&mut [0; 500]).await.unwrap();
                    clients.push((Some(client), None));
                } else {
                    let mut sender = open(client, 1_000_000).await;
                    let unread = ask(&mut sender, MIB).await;
                    clients.push((None, Some((sender, unread))));
                }
                flow.set(Flow::Shut);
                served.push(one);
                sleep(PATIENCE).await;
            }
            assert!(start.elapsed() < config().idle_timeout);
            let left: Vec<_> = served.iter().map(|one| !one.is_finished()).collect();
            let kept = left.iter().filter(|is_left| **is_left).count();
            assert!((1..=3).contains(&kept), "{way:?}: {left:?}");
            assert!(left.ends_with(&[true]) && left.starts_with(&[false; 8]), "{way:?}: {left:?}");
            // Whoever reads is answered, while the others hold what they may.
            let Connected { client, .. } = worker.connect(way, 100, 1000).await;
            let answer = ask(&mut open(client, 1_000_000).await, MIB).await;
            assert_eq!(answer.into_body().collect().await.unwrap().to_bytes().len(), MIB);
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_stream_that_takes_nothing_gives_way_and_its_connection_lives() {
    for way in Way::ALL {
        run(async {
            let worker = worker(MIB);
            let Connected { client, served, .. } = worker.connect(way, 1, MIB).await;
            // Its window is a tenth of an answer: what is read moves on, and what is not read does not.
            let mut sender = open(client, 60_000).await;
            let unread = ask(&mut sender, 600_000).await;
            sleep(2 * PATIENCE).await;
            let mut read = ask(&mut sender, 400_000).await.into_body();
            assert_eq!(read.frame().await.unwrap().unwrap().into_data().unwrap().len(), 16_384);
            sleep(2 * PATIENCE).await;
            let other = ask(&mut sender, 200_000).await;
            assert_eq!(other.status(), StatusCode::OK);
            assert!(unread.into_body().collect().await.is_err(), "{way:?}");
            assert_eq!(other.into_body().collect().await.unwrap().to_bytes().len(), 200_000, "{way:?}");
            assert_eq!(read.collect().await.unwrap().to_bytes().len(), 400_000 - 16_384, "{way:?}");
            assert!(!served.is_finished());
        })
        .await;
    }
}

/// At the moment in which it is seen that there is too much, the connection takes nothing: that says little of one that is read.
#[tokio::test(start_paused = true)]
async fn a_connection_that_takes_nothing_just_then_lives_if_it_goes_on_soon_and_else_ends() {
    // TLS takes more than the way has room for: there the library lets go of the stream in any case.
    for (way, goes_on) in [(Way::Plain, true), (Way::Tls, true), (Way::Plain, false)] {
        run(async {
            let (worker, start) = (worker(MIB), Instant::now());
            let Connected { client, flow, served, .. } = worker.connect(way, 1, 10_000).await;
            let mut sender = open(client, 60_000).await;
            let unread = ask(&mut sender, 600_000).await;
            sleep(2 * PATIENCE).await;
            let mut read = ask(&mut sender, 400_000).await.into_body();
            sleep(PATIENCE).await;
            flow.set(Flow::Held);
            // With every frame that it reads it opens the window, and the server writes until the way is full.
            for _ in 0..3 {
                assert!(read.frame().await.unwrap().unwrap().is_data());
            }
            sleep(PATIENCE / 2).await;
            let other = ask(&mut sender, 200_000);
            if goes_on {
                let later = async {
                    sleep(PATIENCE / 2).await;
                    flow.set(Flow::Free);
                };
                let (other, ()) = join(other, later).await;
                assert!(unread.into_body().collect().await.is_err(), "{way:?}");
                assert_eq!(other.into_body().collect().await.unwrap().to_bytes().len(), 200_000, "{way:?}");
                assert!(read.collect().await.is_ok() && !served.is_finished(), "{way:?}");
            } else {
                tokio::select! {
                    _ = other => panic!("nothing flows"),
                    ended = served => ended.unwrap(),
                }
                assert!(start.elapsed() < config().idle_timeout, "{way:?}");
            }
        })
        .await;
    }
}

/// The library has all of a short answer, and no task is left that could be ended.
#[tokio::test(start_paused = true)]
async fn short_answers_that_are_begun_and_not_read_on_cost_their_connection() {
    run(async {
        let (worker, start) = (worker(MIB), Instant::now());
        let Connected { client, served, .. } = worker.connect(Way::Plain, 1, MIB).await;
        let mut sender = open(client, 1000).await;
        let mut unread = Vec::new();
        for _ in 0..80 {
            unread.push(ask(&mut sender, 10_000).await);
        }
        sleep(PATIENCE / 2).await;
        assert_eq!(ask(&mut sender, 10_000).await.status(), StatusCode::OK);
        sleep(PATIENCE).await;
        let Connected { client, .. } = worker.connect(Way::Plain, 2, MIB).await;
        let mut other = open(client, 1_000_000).await;
        assert_eq!(ask(&mut other, 400_000).await.status(), StatusCode::OK);
        served.await.unwrap();
        assert!(start.elapsed() < config().idle_timeout);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn where_nobody_gives_way_new_requests_are_refused_until_there_is_room() {
    run(async {
        let worker = worker(MIB);
        let Connected { client, metrics, .. } = worker.connect(Way::Plain, 1, 10 * MIB).await;
        let mut sender = open(client, 1000).await;
        let unread = [ask(&mut sender, 700_000).await, ask(&mut sender, 700_000).await];
        // Both came just now.
        let refused = ask(&mut sender, 0).await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(refused.headers()["retry-after"], "1");
        assert!(refused.into_body().collect().await.is_ok());
        let refused = ask(&mut sender, 10_001).await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(refused.into_body().collect().await.unwrap().to_bytes(), "in other words");
        let page = metrics.render();
        let line = r#"gateway_refusals_total{dialect="",code="answers-untaken",blame="internal"} 2"#;
        assert!(page.contains(line) && page.contains("gateway_answers_given_up_total 0"), "{page}");
        drop(unread);
        sleep(Duration::from_millis(1)).await;
        assert_eq!(ask(&mut sender, 0).await.status(), StatusCode::OK);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_at_once_leaves_nothing_behind() {
    for way in Way::ALL {
        run(async {
            let worker = worker(MIB);
            for host in 0..10 {
                let Connected { client, .. } = worker.connect(way, host, MIB).await;
                let mut sender = open(client, 1_000_000).await;
                for length in [0, 1, 20_000, 500_000] {
                    let request = Request::get(format!("http://test/{length}")).body(Empty::new()).unwrap();
                    let answer = sender.send_request(request).await.unwrap();
                    assert_eq!(answer.status(), StatusCode::OK);
                    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes().len(), length);
                }
                yield_now().await;
                assert_eq!(worker.untaken(), 0);
            }
        })
        .await;
    }
}
