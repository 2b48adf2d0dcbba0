//! The headers of a request on their way to the backend, and those of the answer, over real connections.
//!
//! What must hold of any headers:
//!
//! - the backend hears whole requests, with one each of the few headers that a call may have, and nothing else;
//! - their credential is one that the client showed, and their key of repetition one that it gave;
//! - their length is that of the body, and the body is JSON or not there;
//! - the answer has none but listed headers, and no credential in it but one that the client wrote elsewhere, too.

use std::io;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, Request, Uri};
use http_body_util::{BodyExt, Full};
use interlingua::boot::{self, DataFiles};
use interlingua::diag::Sources;
use interlingua::dialect::Registry;
use interlingua::gateway::{self, Gateway};
use interlingua::telemetry::Metrics;
use interlingua::{limit, upstream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;

use super::listener;
use super::request::{self, Parsed};

/// What is shown where the input shows nothing: a word that no input has by chance, in the forms of the dialects.
const CANARY: &str = "Cq7Zr2Lm9Xw4Tn6B";

/// All that a call may have.
const HEARD: [&str; 8] = [
    "accept",
    "authorization",
    "content-length",
    "content-type",
    "host",
    "idempotency-key",
    "if-match",
    "x-request-id",
];

/// All that an answer may have, besides those of quotas.
const ANSWERED: [&str; 7] = [
    "allow",
    "cache-control",
    "content-type",
    "location",
    "retry-after",
    "www-authenticate",
    "x-interlingua-losses",
];

/// Far more than any request takes.
const PATIENCE: Duration = Duration::from_secs(20);

static SHIPPED: LazyLock<Arc<Registry>> = LazyLock::new(|| {
    let loaded = boot::load(&DataFiles::default(), &mut Sources::default()).expect("nothing is read");
    Arc::new(loaded.registry.expect("what ships is sound"))
});

/// Those of all gateways: there are some hundred of them, and no answer says anything of them.
static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

/// Looks at any bytes as a request, written as `request` has it.
///
/// # Panics
///
/// If something does not hold.
pub fn check(bytes: &[u8]) {
    let Some(Parsed { method, target, host, headers, body }) = request::parse(bytes) else { return };
    let Ok(host) = HeaderValue::from_str(host.unwrap_or("localhost")) else { return };
    let mut request = Request::new(Full::new(Bytes::copy_from_slice(body)));
    *request.method_mut() = method;
    *request.uri_mut() = Uri::from(target);
    *request.headers_mut() = headers;
    // Over HTTP/1.1, whoever names two hosts is refused; so that the rest is looked at, too, the input names one.
    request.headers_mut().insert(HOST, host);
    show_credentials(request.headers_mut());
    let told = request.headers().clone();
    let (calls, answer) = answered(request);
    for call in &calls {
        check_call(call, &told);
    }
    for name in answer.headers().keys().map(http::HeaderName::as_str) {
        assert!(ANSWERED.contains(&name) || name.contains("ratelimit"), "an answer has the header {name}");
    }
    // Who writes it elsewhere, too, may be told what they wrote.
    if !is_written(bytes, body) {
        let shown = format!("{:?} {}", answer.headers(), String::from_utf8_lossy(answer.body()));
        assert!(!shown.contains(CANARY), "an answer has a credential: {shown}");
    }
}

/// Whether the input has the credential in it, as it stands or as JSON spells it.
fn is_written(bytes: &[u8], body: &[u8]) -> bool {
    let read = serde_json::from_slice::<serde_json::Value>(body).unwrap_or_default().to_string();
    String::from_utf8_lossy(bytes).contains(CANARY) || read.contains(CANARY)
}

/// Shows one in each place where a dialect has it, unless the input does.
fn show_credentials(headers: &mut HeaderMap) {
    for form in SHIPPED.dialects().iter().flat_map(|dialect| &dialect.credentials) {
        if headers.contains_key(&form.header) {
            continue;
        }
        let scheme = form.scheme.as_ref().map(|scheme| format!("{scheme} ")).unwrap_or_default();
        let prefix = if scheme.is_empty() { "csb_Cq7Zr2Lm_" } else { "" };
        let text = format!("{scheme}{prefix}{CANARY}");
        headers.insert(form.header.clone(), HeaderValue::try_from(text).expect("visible ASCII"));
    }
    headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
}

type Calls = Arc<Mutex<Vec<Vec<u8>>>>;

/// What the backend heard, and what the client was told.
fn answered(request: Request<Full<Bytes>>) -> (Vec<Vec<u8>>, http::Response<Bytes>) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let calls = Calls::default();
    let answer = runtime.block_on(async {
        let (listener, base) = listener::of_this_thread();
        let upstream = upstream::Config::new(base);
        let upstream = upstream::Upstream::new(Arc::new(upstream)).expect("plain HTTP needs nothing");
        let (config, limit) = (gateway::Config::default(), limit::Config::default());
        let shared = gateway::Shared::new(Arc::clone(&SHIPPED), config, &limit, PATIENCE, METRICS.clone());
        tokio::spawn(backend(listener, Arc::clone(&calls)));
        let answer = Gateway::new(Arc::new(shared), upstream).answer(request).await;
        let (head, body) = answer.into_parts();
        let body = body.collect().await.expect("it is there").to_bytes();
        http::Response::from_parts(head, body)
    });
    let calls = std::mem::take(&mut *calls.lock().unwrap_or_else(PoisonError::into_inner));
    (calls, answer)
}

/// Knows of nothing, whatever it is asked.
async fn backend(listener: TcpListener, calls: Calls) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(hear(stream, Arc::clone(&calls)));
    }
}

/// Reads calls and answers each. What breaks off is kept as it is, so that it is looked at like the others.
async fn hear(mut stream: TcpStream, calls: Calls) -> io::Result<()> {
    // Clients close first. Their ports are free at once if they are told that the connection is no more.
    stream.set_zero_linger()?;
    let keep = |call| calls.lock().unwrap_or_else(PoisonError::into_inner).push(call);
    let mut heard = Vec::new();
    loop {
        let body = heard.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
        let whole = body.map(|body| body + length(&heard[..body]));
        let Some(whole) = whole.filter(|whole| heard.len() >= *whole) else {
            if stream.read_buf(&mut heard).await? == 0 {
                if !heard.is_empty() {
                    keep(heard);
                }
                return Ok(());
            }
            continue;
        };
        let rest = heard.split_off(whole);
        keep(std::mem::replace(&mut heard, rest));
        let body = r#"{"status":404,"code":"nothing","detail":"there is nothing"}"#;
        let (kind, length) = ("application/problem+json", body.len());
        let answer = format!(
            "HTTP/1.1 404 Not Found\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(answer.as_bytes()).await?;
    }
}

/// The length that a head says, as plainly as can be: whoever says it otherwise has no body here.
fn length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head).to_lowercase();
    let mut lines = head.lines();
    lines.find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or_default()
}

fn check_call(call: &[u8], told: &HeaderMap) {
    let text = std::str::from_utf8(call).expect("a call is text");
    let (head, body) = text.split_once("\r\n\r\n").expect("it is whole");
    let mut lines = head.split("\r\n");
    let line: Vec<_> = lines.next().expect("there is one").split(' ').collect();
    assert!(matches!(line.as_slice(), [_, target, "HTTP/1.1"] if target.starts_with('/')), "{head}");
    let mut seen: Vec<String> = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("no header: {line:?} of {head}"));
        let name = name.to_ascii_lowercase();
        assert!(HEARD.contains(&name.as_str()), "a call has the header {name}: {head}");
        assert!(!seen.contains(&name), "a call has {name} twice: {head}");
        assert!(value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()), "{line:?}");
        let is_said = |said: &str| told.values().any(|value| has(value, said.as_bytes()));
        match name.as_str() {
            "authorization" => {
                let credential = value.strip_prefix("Bearer ").expect("it is shown so");
                assert!(is_said(credential), "nobody showed {credential:?}");
            }
            "content-length" => assert_eq!(value, body.len().to_string(), "{head}"),
            "idempotency-key" => {
                let inside = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
                let inside = inside.unwrap_or_else(|| panic!("a key without quotes: {value:?}"));
                // Those of items are made of the client's.
                let is_made = inside.len() == 64 && inside.bytes().all(|byte| byte.is_ascii_hexdigit());
                assert!(is_made || is_said(&inside.replace('\\', "")) || is_said(inside), "{value:?}");
                assert!(told.contains_key("idempotency-key"), "a key that nobody gave");
            }
            _ => {}
        }
        seen.push(name);
    }
    assert!(seen.iter().any(|name| name == "host"), "{head}");
    let is_json = serde_json::from_str::<serde::de::IgnoredAny>(body).is_ok();
    assert!(body.is_empty() || is_json, "no JSON: {body:?}");
}

fn has(value: &HeaderValue, part: &[u8]) -> bool {
    value.as_bytes().windows(part.len().max(1)).any(|window| window == part)
}
