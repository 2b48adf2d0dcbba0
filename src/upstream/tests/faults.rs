//! Backends that are away, slow, or talk nonsense.

use std::{net::TcpListener, time::Duration};

use http::{Method, StatusCode};

use super::backend::{Backend, OK, get, post, send, upstream};
use crate::{
    time::Deadline,
    upstream::{Broken, Config, Request, Stage, Upstream, UpstreamError},
};

const SHORT: Duration = Duration::from_millis(50);

#[tokio::test]
async fn a_backend_that_is_away_is_unreachable() {
    // On an address of its own, so that no other test is given the port.
    let address = TcpListener::bind("127.0.0.3:0").unwrap().local_addr().unwrap();
    let error =
        send(&upstream(Config::new(format!("http://{address}").parse().unwrap())), post()).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Unreachable(_)), "{error:?}");
}

async fn timed_out(upstream: &Upstream) -> Stage {
    let error = send(upstream, post()).await.unwrap_err();
    match error.root() {
        UpstreamError::TimedOut { stage } => *stage,
        _ => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn a_backend_that_does_not_answer_times_out() {
    let silent = Backend::start(|_, connection| connection.until_closed());
    let upstream = upstream(Config { timeout: SHORT, ..silent.config() });
    assert_eq!(timed_out(&upstream).await, Stage::Head);
}

#[tokio::test]
async fn a_backend_that_stops_within_its_answer_times_out() {
    let stalling = Backend::start(|_, connection| {
        connection.request();
        connection.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
        connection.until_closed();
    });
    let upstream = upstream(Config { timeout: SHORT, ..stalling.config() });
    assert_eq!(timed_out(&upstream).await, Stage::Body(StatusCode::OK));
}

#[tokio::test]
async fn a_backend_that_does_not_finish_its_handshake_times_out() {
    let silent = Backend::start(|_, connection| connection.until_closed());
    let config = Config { connect_timeout: SHORT, ..silent.config() };
    let base = format!("https://localhost:{}", silent.address.port()).parse().unwrap();
    assert_eq!(timed_out(&upstream(Config { base, ..config })).await, Stage::Connect);
}

#[tokio::test]
async fn the_requests_own_deadline_counts_when_it_is_sooner() {
    let silent = Backend::start(|_, connection| connection.until_closed());
    let error = silent.upstream().send(get(), Deadline::after(SHORT)).await.unwrap_err();
    assert!(matches!(error, UpstreamError::TimedOut { stage: Stage::Head }), "{error:?}");
}

#[tokio::test]
async fn an_answer_that_is_not_http_or_not_whole_is_broken() {
    for text in [
        "",
        "\r\n",
        "nonsense\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
        "HTTP/1.1 200 OK\r\nX-Half: ",
        "HTTP/1.1 999999 No\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
    ] {
        let backend = Backend::start(move |_, connection| {
            connection.request();
            connection.say(text);
        });
        let error = send(&backend.upstream(), post()).await.unwrap_err();
        assert!(matches!(error.root(), UpstreamError::Broken(Broken::Http(_))), "{text:?}: {error:?}");
        assert_eq!(backend.requests().len(), 1, "{text:?}");
    }
}

#[tokio::test]
async fn what_the_head_of_an_answer_says_is_known_whatever_becomes_of_the_rest() {
    for (text, status) in [
        ("", None),
        ("HTTP/1.1 201 Cre", None),
        ("HTTP/1.1 201 Created\r\nContent-Length: 2\r\n", None),
        ("HTTP/1.1 201 Created\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", None),
        ("HTTP/1.1 100 Continue\r\n\r\n", None),
        ("HTTP/1.1 201 Created\r\nContent-Length: 10\r\n\r\nhalf", Some(201)),
        ("HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Some(201)),
        ("HTTP/1.1 201 Created\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok", Some(201)),
        ("HTTP/1.1 201 Created\r\nContent-Length: 99999999\r\n\r\n", Some(201)),
        ("HTTP/1.1 409 Conflict\r\nContent-Length: 10\r\n\r\nhalf", Some(409)),
    ] {
        let backend = Backend::start(move |_, connection| {
            connection.request();
            connection.say(text);
        });
        let said = match send(&backend.upstream(), post()).await.unwrap_err() {
            UpstreamError::Unread { status, .. } => Some(status.as_u16()),
            _ => None,
        };
        assert_eq!((said, backend.requests().len()), (status, 1), "{text:?}");
    }
}

#[tokio::test]
async fn an_answer_in_an_encoding_nobody_asked_for_is_broken() {
    let gzip = Backend::answering("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok");
    let error = send(&gzip.upstream(), post()).await.unwrap_err();
    assert!(matches!(error.root(), UpstreamError::Broken(Broken::Encoded)), "{error:?}");
    let identity = "HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Length: 2\r\n\r\nok";
    assert_eq!(send(&Backend::answering(identity).upstream(), post()).await.unwrap().body, b"ok");
}

#[tokio::test]
async fn a_switch_of_protocols_is_broken() {
    let switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
    let backend = Backend::answering(switching);
    let upstream = backend.upstream();
    for _ in 0..2 {
        let error = send(&upstream, post()).await.unwrap_err();
        assert!(matches!(error, UpstreamError::Broken(_)), "{error:?}");
    }
    assert_eq!(upstream.metrics.connections.get(), 2, "never used again");
}

#[tokio::test]
async fn an_answer_larger_than_allowed_is_refused_announced_or_not() {
    for text in [
        "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n5\r\nghijk\r\n0\r\n\r\n",
    ] {
        let backend = Backend::answering(text);
        let upstream = upstream(Config { answer_bytes_max: 10, ..backend.config() });
        let error = send(&upstream, post()).await.unwrap_err();
        assert!(matches!(error.root(), UpstreamError::TooLarge { limit: 10 }), "{error:?}");
    }
    let backend = Backend::answering("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789");
    let upstream = upstream(Config { answer_bytes_max: 10, ..backend.config() });
    assert_eq!(send(&upstream, post()).await.unwrap().body.len(), 10);
}

#[tokio::test]
async fn the_length_of_what_a_head_request_would_have_got_is_not_held_against_it() {
    let backend = Backend::answering("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n");
    let head = Request { method: &Method::HEAD, ..get() };
    assert!(send(&backend.upstream(), head).await.unwrap().body.is_empty());
}

#[tokio::test]
async fn the_next_call_after_a_fault_is_served() {
    let backend = Backend::start(|number, connection| {
        while connection.request() {
            if number == 1 {
                connection.say("nonsense\r\n\r\n");
                return;
            }
            connection.say(OK);
        }
    });
    let upstream = backend.upstream();
    send(&upstream, post()).await.unwrap_err();
    assert_eq!(send(&upstream, post()).await.unwrap().body, b"ok");
}
