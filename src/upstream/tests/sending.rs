//! What is sent, and answers as they should be.

use std::{fs, net::TcpStream, path::PathBuf, sync::Arc};

use http::{HeaderName, HeaderValue, Method, StatusCode};
use rcgen::CertifiedKey;
use rustls::{ServerConfig, ServerConnection, StreamOwned, crypto::aws_lc_rs, pki_types::PrivatePkcs8KeyDer};
use tempfile::TempDir;

use super::{
    backend::{Backend, OK, Stream, get, post, send, upstream},
    quiet::filling_the_buffer,
};
use crate::upstream::{Config, Request, Upstream, UpstreamError};

#[tokio::test]
async fn a_call_is_written_with_our_own_host_and_framing() {
    let backend = Backend::answering(OK);
    let mut config = backend.config();
    config.base = format!("http://{}/api/", backend.address).parse().unwrap();
    let headers = [
        ("authorization", "Bearer x"),
        ("connection", "authorization"),
        ("content-length", "7"),
        ("host", "elsewhere"),
        ("transfer-encoding", "chunked"),
        ("accept-encoding", "gzip"),
        ("expect", "100-continue"),
        ("upgrade", "websocket"),
        ("keep-alive", "timeout=1"),
        ("proxy-connection", "close"),
        ("te", "trailers"),
        ("trailer", "x"),
    ]
    .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.clone(), Some(value)))
        .chain([(HeaderName::from_static("if-match"), None)])
        .collect();
    let call = Request { headers: &headers, ..post() };
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
        send(&upstream, Request { method: &method, safe: false, ..get() }).await.unwrap();
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
        let answer = send(&backend.upstream(), post()).await.unwrap();
        assert_eq!(answer.status.as_u16(), status);
        assert_eq!(backend.requests().len(), 1);
    }
}

#[tokio::test]
async fn chunks_are_put_together_and_trailers_left_out() {
    let chunks = "2\r\nhe\r\n3\r\nllo\r\n0\r\nETag: 1\r\n\r\n";
    let backend = Backend::start(move |_, connection| {
        while connection.request() {
            connection.say(&format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"));
        }
    });
    let upstream = backend.upstream();
    for _ in 0..2 {
        let answer = send(&upstream, get()).await.unwrap();
        assert_eq!(answer.body, b"hello");
        assert_eq!(answer.etag, None, "a trailer is no header");
    }
    assert_eq!(upstream.metrics.connections.get(), 1);
}

#[tokio::test]
async fn a_malformed_target_is_not_sent() {
    let backend = Backend::answering(OK);
    for target in [
        "/v1/a b",
        "/v1/a\tb",
        "/v1/a\r\nHost: b",
        "/v1/\0",
        "/v1/\u{e9}",
        "/v1/a#b",
        "v1",
        "",
        "*",
        "http://b/",
    ] {
        let error = send(&backend.upstream(), Request { target, ..get() }).await.unwrap_err();
        assert!(matches!(error, UpstreamError::Target), "{target:?}: {error:?}");
    }
    assert!(backend.requests().is_empty());
}

/// A certificate for `localhost` in a file, and what a server needs to show it.
fn certificate(folder: &TempDir, name: &str) -> (PathBuf, Arc<ServerConfig>) {
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".into()]).unwrap();
    let file = folder.path().join(name);
    fs::write(&file, cert.pem()).unwrap();
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der()).into();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    (file, Arc::new(config))
}

/// What makes encrypted streams of plain ones.
fn secured(server: Arc<ServerConfig>) -> impl Fn(TcpStream) -> Box<dyn Stream> + Send {
    move |stream| Box::new(StreamOwned::new(ServerConnection::new(Arc::clone(&server)).unwrap(), stream))
}

fn trusting(backend: &Backend, authorities: PathBuf) -> Upstream {
    let base = format!("https://localhost:{}", backend.address.port()).parse().unwrap();
    upstream(Config { authorities: Some(authorities), ..Config::new(base) })
}

#[tokio::test]
async fn https_is_spoken_to_a_backend_with_a_certificate_we_trust_and_to_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (trusted, server) = certificate(&folder, "trusted.pem");
    let (other, _) = certificate(&folder, "other.pem");
    let backend = Backend::start_over(
        secured(server),
        |_, connection| {
            while connection.request() && connection.say(OK) {}
        },
    );

    let trusts_it = trusting(&backend, trusted);
    for _ in 0..2 {
        assert_eq!(send(&trusts_it, post()).await.unwrap().body, b"ok");
    }
    assert_eq!((trusts_it.metrics.connections.get(), trusts_it.metrics.reuses.get()), (1, 1));

    let error = send(&trusting(&backend, other), post()).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Unreachable(_)), "{error:?}");
    assert_eq!(backend.requests().len(), 2);
}

#[tokio::test]
async fn what_was_decrypted_and_not_read_is_not_taken_for_the_next_answer() {
    let folder = tempfile::tempdir().unwrap();
    let (trusted, server) = certificate(&folder, "trusted.pem");
    // All in one record, so that the system has nothing left to tell of.
    let answer = filling_the_buffer() + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    let backend = Backend::start_over(secured(server), move |number, connection| {
        while connection.request() {
            connection.say(if number == 1 { &answer } else { OK });
        }
    });
    let upstream = trusting(&backend, trusted);
    assert_eq!(send(&upstream, post()).await.unwrap().body.len(), 8000);
    assert_eq!(send(&upstream, post()).await.unwrap().body, b"ok");
    assert_eq!(upstream.metrics.connections.get(), 2);
}

#[tokio::test]
async fn neither_a_call_nor_an_answer_nor_a_connection_shows_what_it_carries() {
    let backend =
        Backend::answering("HTTP/1.1 200 OK\r\nETag: \"secret\"\r\nContent-Length: 6\r\n\r\nsecret");
    let upstream = backend.upstream();
    let value = HeaderValue::from_static("Bearer secret");
    let headers = [(HeaderName::from_static("authorization"), Some(&value))];
    let call = Request { headers: &headers, body: b"secret", target: "/secret", ..post() };
    let answer = send(&upstream, call).await.unwrap();
    assert_eq!(answer.body, b"secret");
    let connection = upstream.pool.take().unwrap();
    let shown = format!("{call:?} {answer:?} {connection:?} {upstream:?}");
    assert!(!shown.contains("secret") && !shown.contains("115, 101, 99"), "{shown}");
}
