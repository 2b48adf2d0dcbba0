//! What is sent, and answers as they should be.

use std::fs;

use http::{HeaderValue, Method, StatusCode};
use rcgen::CertifiedKey;

use super::backend::{Backend, OK, get, post, send, upstream};
use crate::{
    server::{self, Drain, ListenerConfig, Server, TlsConfig},
    upstream::{Config, Request, UpstreamError},
};

#[tokio::test]
async fn a_call_is_written_with_our_own_host_and_framing() {
    let backend = Backend::answering(OK);
    let mut config = backend.config();
    config.base = format!("http://{}/api/", backend.address).parse().unwrap();
    let mut call = post();
    for (name, value) in [
        ("authorization", "Bearer x"),
        ("connection", "authorization"),
        ("content-length", "7"),
        ("host", "elsewhere"),
        ("transfer-encoding", "chunked"),
        ("accept-encoding", "gzip"),
        ("expect", "100-continue"),
        ("upgrade", "websocket"),
    ] {
        call.headers.insert(name, HeaderValue::from_static(value));
    }
    let answer = send(&upstream(config), call).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (StatusCode::OK, &b"ok"[..]));

    let request = backend.requests().pop().unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let mut lines: Vec<&str> = head.lines().collect();
    lines[1..].sort_unstable();
    let host = format!("host: {}", backend.address);
    assert_eq!(
        lines,
        ["post /api/v1/members?limit=1 http/1.1", "authorization: bearer x", "content-length: 2", &host]
    );
    assert_eq!(body, "{}");
}

#[tokio::test]
async fn an_empty_body_has_a_length_where_one_is_expected() {
    let backend = Backend::answering(OK);
    let upstream = backend.upstream();
    for (method, says_length) in
        [(Method::POST, true), (Method::PATCH, true), (Method::GET, false), (Method::DELETE, false)]
    {
        send(&upstream, Request { method, safe: false, ..get() }).await.unwrap();
        let request = backend.requests().pop().unwrap();
        assert_eq!(request.contains("content-length: 0\r\n"), says_length, "{request}");
    }
}

#[tokio::test]
async fn any_status_is_an_answer_and_no_redirect_is_followed() {
    for (text, status) in [
        ("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", 302),
        ("HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n", 503),
        ("HTTP/1.1 204 No Content\r\n\r\n", 204),
        ("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200),
    ] {
        let backend = Backend::answering(text);
        let answer = send(&backend.upstream(), get()).await.unwrap();
        assert_eq!(answer.status.as_u16(), status);
        assert_eq!(backend.requests().len(), 1);
    }
}

#[tokio::test]
async fn chunks_are_put_together_and_trailers_left_out() {
    let chunks = "2\r\nhe\r\n3\r\nllo\r\n0\r\nX-Trailer: 1\r\n\r\n";
    let backend = Backend::start(move |_, connection| {
        while connection.request() {
            connection.say(&format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"));
        }
    });
    let upstream = backend.upstream();
    for _ in 0..2 {
        let answer = send(&upstream, get()).await.unwrap();
        assert_eq!(answer.body, b"hello");
        assert!(!answer.headers.contains_key("x-trailer"));
    }
    assert_eq!(upstream.opened.get(), 1);
}

#[tokio::test]
async fn a_malformed_target_is_not_sent() {
    let backend = Backend::answering(OK);
    let call = Request { target: "/v1/a b".into(), ..get() };
    let error = send(&backend.upstream(), call).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Target(_)), "{error:?}");
    assert!(backend.requests().is_empty());
}

#[tokio::test]
async fn https_is_spoken_to_a_backend_with_a_certificate_we_trust() {
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".into()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    fs::write(file("certificate.pem"), cert.pem()).unwrap();
    fs::write(file("key.pem"), signing_key.serialize_pem()).unwrap();
    let tls = TlsConfig { certificate: file("certificate.pem"), key: file("key.pem") };
    let listener = ListenerConfig { address: ([127, 0, 0, 1], 0).into(), tls: Some(tls) };
    let server =
        Server::bind(server::Config { listeners: vec![listener], workers: 1, ..Default::default() }).unwrap();
    let base = format!("https://localhost:{}", server.addresses()[0].port());
    let drain = Drain::new();
    let running = drain.clone();
    let thread = std::thread::spawn(move || server.run(&hello::Make, &running).unwrap());

    let trusting =
        Config { authorities: Some(file("certificate.pem")), ..Config::new(base.parse().unwrap()) };
    let upstream = upstream(trusting);
    for _ in 0..2 {
        assert_eq!(send(&upstream, get()).await.unwrap().body, b"hello");
    }
    assert_eq!(upstream.opened.get(), 1);

    let other = rcgen::generate_simple_self_signed(["localhost".into()]).unwrap();
    fs::write(file("other.pem"), other.cert.pem()).unwrap();
    let wary = Config { authorities: Some(file("other.pem")), ..Config::new(base.parse().unwrap()) };
    let error = send(&super::backend::upstream(wary), get()).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Unreachable(_)), "{error:?}");

    drop(upstream);
    drain.begin();
    thread.join().unwrap();
}

/// A server that says hello.
mod hello {
    use bytes::Bytes;
    use http::{Request, Response};
    use http_body_util::Full;
    use hyper::body::Incoming;

    use crate::server::{Handler, MakeHandler, Peer};

    pub(super) struct Make;

    impl MakeHandler for Make {
        type Handler = Hello;

        fn make(&self, _worker: usize) -> Hello {
            Hello
        }
    }

    #[derive(Clone)]
    pub(super) struct Hello;

    impl Handler for Hello {
        async fn handle(&self, _request: Request<Incoming>, _peer: Peer) -> Response<Full<Bytes>> {
            Response::new(Full::from("hello"))
        }
    }
}
