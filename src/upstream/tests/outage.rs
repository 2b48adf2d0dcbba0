//! A backend that goes away and comes back: what is tried again.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join;
use http::{HeaderName, HeaderValue, StatusCode};
use socket2::{Domain, Socket, Type};
use tokio::{
    task::yield_now,
    time::{advance, pause, resume},
};

use super::backend::{Backend, Connection, OK, get, post, send, upstream};
use crate::{
    telemetry::Metrics,
    time::Deadline,
    upstream::{Answer, Config, Keys, Request, Upstream, UpstreamError, breaker, retry},
};

pub(super) const AWAY: &str = "HTTP/1.1 503 Away\r\nContent-Length: 0\r\n\r\n";

/// Answers the first `failures` requests with `failure` (with nothing but the end of the connection if that is empty) and
/// all others well.
pub(super) fn recovering(failures: usize, failure: &'static str) -> Backend {
    let asked = Arc::new(AtomicUsize::new(0));
    Backend::start(move |_, connection| {
        while connection.request() {
            let is_failure = asked.fetch_add(1, Ordering::SeqCst) < failures;
            if is_failure && failure.is_empty() {
                return;
            }
            connection.say(if is_failure { failure } else { OK });
        }
    })
}

fn keyed() -> Request<'static> {
    Request { is_keyed: true, ..post() }
}

fn honouring(backend: &Backend) -> Upstream {
    upstream(Config { idempotency_keys: Keys::Honoured, ..backend.config() })
}

pub(super) fn status(outcome: Result<Answer, UpstreamError>) -> u16 {
    outcome.map_or(0, |answer| answer.status.as_u16())
}

pub(super) async fn is_refused(upstream: &Upstream) -> bool {
    matches!(send(upstream, post()).await, Err(UpstreamError::Refused { .. }))
}

/// Lets so much time pass for what waits by the clock, and none for sockets.
pub(super) async fn over(time: Duration) {
    pause();
    advance(time).await;
    resume();
}

/// An address that refuses connections and that nobody else can have: bound, and not listening.
pub(super) fn nobody() -> (Socket, Config) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 3], 0)).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, Config::new(format!("http://{address}").parse().unwrap()))
}

/// Statuses, 0 for none, and how many requests came, of `call` to backends that fail once.
async fn after_one_failure(call: Request<'_>, keys: Keys) -> [(u16, usize); 4] {
    let mut all = [(0, 0); 4];
    let wait = "HTTP/1.1 503 Away\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";
    let broken = "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n";
    for (failure, told) in ["", AWAY, wait, broken].into_iter().zip(&mut all) {
        let backend = recovering(1, failure);
        let upstream = upstream(Config { idempotency_keys: keys, ..backend.config() });
        *told = (status(send(&upstream, call).await), backend.requests().len());
    }
    all
}

#[tokio::test]
async fn what_may_be_repeated_is_where_that_may_help() {
    let expected = [(200, 2), (200, 2), (503, 1), (0, 1)];
    assert_eq!(after_one_failure(get(), Keys::Ignored).await, expected);
    assert_eq!(after_one_failure(keyed(), Keys::Honoured).await, expected);
}

#[tokio::test]
async fn what_may_have_been_done_is_not_repeated() {
    let expected = [(0, 1), (503, 1), (503, 1), (0, 1)];
    assert_eq!(after_one_failure(post(), Keys::Honoured).await, expected, "without a key");
    assert_eq!(after_one_failure(keyed(), Keys::Ignored).await, expected, "with a key that nobody looks at");
}

#[tokio::test]
async fn a_call_is_repeated_once_and_not_past_its_deadline() {
    let backend = recovering(2, AWAY);
    assert_eq!(status(send(&backend.upstream(), get()).await), 503);
    assert_eq!(backend.requests().len(), 2);
    let backend = recovering(1, AWAY);
    let soon = Deadline::after(retry::PAUSE);
    assert_eq!(status(backend.upstream().send(get(), soon).await), 503);
    assert_eq!(backend.requests().len(), 1);
    let backend = recovering(1, AWAY);
    let never = retry::Config { retries_max: 0, ..retry::Config::default() };
    assert_eq!(status(send(&upstream(Config { retry: never, ..backend.config() }), get()).await), 503);
}

#[tokio::test]
async fn a_call_that_a_closed_connection_had_sent_again_is_not_sent_a_third_time() {
    let backend = Backend::start(|number, connection| {
        while connection.request() {
            if number > 1 || connection.served() == 2 {
                return;
            }
            connection.say(OK);
        }
    });
    let upstream = backend.upstream();
    send(&upstream, get()).await.unwrap();
    send(&upstream, get()).await.unwrap_err();
    assert_eq!(backend.requests().len(), 3);
}

/// A backend whose first connection answers once, and does that with the second request. All others answer well.
fn dying(last: fn(&mut Connection)) -> Backend {
    Backend::start(move |number, connection| {
        while connection.request() {
            if number == 1 && connection.served() == 2 {
                return last(connection);
            }
            connection.say(OK);
        }
    })
}

#[tokio::test]
async fn only_a_kept_connection_that_closes_at_once_and_without_a_byte_costs_nothing() {
    for (last, is_free) in [
        ((|_| {}) as fn(&mut Connection), true),
        (|connection| _ = connection.say("H"), false),
        (|connection| _ = connection.say("HTTP/1.1 100 Continue\r\n\r\n"), false),
    ] {
        // There is nothing to pay with.
        let (backend, metrics) = (dying(last), Metrics::new().backend());
        let retry = retry::Config { share_percent: 0, floor_per_second: 0, ..retry::Config::default() };
        let config = Config { retry, breaker: None, ..backend.config() };
        let poor = upstream(config).count_into(metrics.clone());
        assert_eq!(status(send(&poor, get()).await), 200);
        assert_eq!(status(send(&poor, get()).await), if is_free { 200 } else { 0 });
        let counted = (metrics.retries.get(), metrics.retries_refused.get());
        assert_eq!(counted, if is_free { (1, 0) } else { (0, 1) });

        // One of two failed, if that was a failure.
        let backend = dying(last);
        let retry = retry::Config { retries_max: 0, ..retry::Config::default() };
        let breaker = Some(breaker::Config { calls_min: 2, ..breaker::Config::default() });
        let breaking = upstream(Config { breaker, retry, ..backend.config() });
        assert_eq!(status(send(&breaking, get()).await), 200);
        assert_eq!(status(send(&breaking, get()).await), 0);
        assert_eq!(is_refused(&breaking).await, !is_free);
    }
}

#[tokio::test]
async fn a_kept_connection_that_closes_when_the_call_has_been_there_for_a_while_is_a_failure() {
    let (go, gone) = std::sync::mpsc::channel::<()>();
    let gone = std::sync::Mutex::new(gone);
    let backend = Backend::start(move |_, connection| {
        while connection.request() {
            if connection.served() == 2 {
                gone.lock().unwrap().recv().ok();
                return;
            }
            connection.say(OK);
        }
    });
    let retry = retry::Config { retries_max: 0, ..retry::Config::default() };
    let breaker = Some(breaker::Config { calls_min: 2, ..breaker::Config::default() });
    let upstream = upstream(Config { breaker, retry, ..backend.config() });
    assert_eq!(status(send(&upstream, get()).await), 200);
    let heard = async {
        while backend.requests().len() < 2 {
            yield_now().await;
        }
        over(Duration::from_secs(1)).await;
        go.send(()).unwrap();
    };
    let (outcome, ()) = join(send(&upstream, get()), heard).await;
    assert_eq!(status(outcome), 0);
    assert!(is_refused(&upstream).await);
}

#[tokio::test]
async fn a_post_that_was_never_written_is_tried_again() {
    let (_socket, config) = nobody();
    let metrics = Metrics::new().backend();
    let away = upstream(config).count_into(metrics.clone());
    let error = send(&away, post()).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Unreachable(_)), "{error:?}");
    assert_eq!(metrics.retries.get(), 1);
}

#[tokio::test]
async fn a_conflict_with_what_may_still_be_under_way_is_not_told() {
    let answers = ["", "HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n"];
    let backend = Backend::start(move |number, connection| {
        connection.request();
        connection.say(answers[number - 1]);
    });
    let error = send(&honouring(&backend), keyed()).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Broken(_)), "{error:?}");
    assert_eq!(backend.requests().len(), 2);
    // The same, where the first was written to a connection that was kept.
    let backend = Backend::start(move |number, connection| {
        let answers = [&[OK, ""][..], &["HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n"]];
        for answer in answers[number - 1] {
            connection.request();
            connection.say(answer);
        }
    });
    let upstream = honouring(&backend);
    send(&upstream, get()).await.unwrap();
    let error = send(&upstream, keyed()).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Broken(_)), "{error:?}");
    assert_eq!(backend.requests().len(), 3);
}

#[tokio::test]
async fn a_change_that_was_lost_is_not_told_as_one_that_was_never_sent() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let config = Config::new(format!("http://{}", listener.local_addr().unwrap()).parse().unwrap());
    // It takes one request, and is gone.
    let dying = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        std::io::Read::read(&mut stream, &mut [0; 4096]).unwrap()
    });
    let upstream = upstream(Config { idempotency_keys: Keys::Honoured, ..config });
    let error = send(&upstream, keyed()).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Broken(_)), "{error:?}");
    assert!(dying.join().unwrap() > 0);
}

#[tokio::test]
async fn nothing_is_repeated_where_that_is_turned_off() {
    // Each connection closes as it is used again.
    let backend = Backend::start(|_, connection| {
        connection.request();
        connection.say(OK);
        connection.request();
    });
    let never = retry::Config { retries_max: 0, ..retry::Config::default() };
    let upstream = upstream(Config { retry: never, breaker: None, ..backend.config() });
    for _ in 0..5 {
        send(&upstream, get()).await.unwrap();
        send(&upstream, get()).await.unwrap_err();
    }
    assert_eq!(backend.requests().len(), 10);
}

#[tokio::test]
async fn a_backend_that_is_down_is_asked_a_fifth_more_often_and_no_more() {
    let backend = recovering(usize::MAX, AWAY);
    let metrics = Metrics::new().backend();
    let config = Config {
        breaker: None,
        retry: retry::Config { floor_per_second: 0, ..retry::Config::default() },
        ..backend.config()
    };
    let upstream = upstream(config).count_into(metrics.clone());
    for _ in 0..50 {
        assert_eq!(status(send(&upstream, get()).await), 503);
    }
    assert_eq!(backend.requests().len(), 60);
    assert_eq!((metrics.retries.get(), metrics.retries_refused.get()), (10, 40));
}

#[tokio::test]
async fn a_key_is_a_header_like_any_other() {
    let backend = Backend::answering(OK);
    let value = HeaderValue::from_static("\"abc\"");
    let headers = [(HeaderName::from_static("idempotency-key"), Some(&value))];
    let answer = send(&backend.upstream(), Request { headers: &headers, ..keyed() }).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK);
    assert!(backend.requests()[0].contains("\r\nidempotency-key: \"abc\"\r\n"));
}
