//! A backend that is told what to answer, and a gateway in front of it.

use std::io;
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, ETAG, HOST, RETRY_AFTER};
use http::request::{Builder, Parts};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

use super::acme;
use crate::gateway::mode::{self, Legacies};
use crate::gateway::{
    AnswerCheck, AnswerChecks, Aside, Called, Config, Gateway, ShadowWork, Shadows, Shared,
};
use crate::ids::map::IdMap;
use crate::limit;
use crate::problem::Problem;
use crate::telemetry::Metrics;
use crate::time::Deadline;
use crate::upstream::{self, Upstream};
use crate::usage::{Book, Counter};

/// A call as the backend saw it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) line: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

/// A gateway, the backend behind it, and what that was asked.
pub(super) struct TestGateway {
    gateway: Gateway,
    metrics: Metrics,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// Status, headers and body.
type Told = (u16, HeaderMap, String);

impl TestGateway {
    /// In front of a backend that answers each call, given its request line and body, with status and body. A body with a
    /// member `tag` goes with an `ETag`.
    pub(super) async fn start(answer: fn(&str, &str) -> (u16, String)) -> TestGateway {
        TestGateway::start_with(None, answer).await
    }

    /// The same, with ids that were imported.
    pub(super) async fn start_with(
        ids: Option<IdMap>,
        answer: fn(&str, &str) -> (u16, String),
    ) -> TestGateway {
        let (base, seen) = backend(answer).await;
        TestGateway::before(&base, seen, ids)
    }

    /// The same, where there is an old upstream that answers like `old`; what that was asked is the second.
    pub(super) async fn start_moving(
        answer: fn(&str, &str) -> (u16, String),
        old: fn(&str, &str) -> (u16, String),
        mode: mode::Config,
    ) -> (TestGateway, Arc<Mutex<Vec<Seen>>>) {
        let (base, seen) = backend(old).await;
        (TestGateway::start(answer).await.moving(&base, mode), seen)
    }

    /// The same, with an old upstream there. Of one that was moving already it is known what it was asked.
    pub(super) fn moving(self, base: &str, mode: mode::Config) -> TestGateway {
        let old = Upstream::new(Arc::new(upstream::Config::new(base.parse().unwrap()))).unwrap();
        let legacies: Legacies = [("acme".to_owned(), old)].into_iter().collect();
        let configs = [("acme".to_owned(), mode)].into();
        let modes = self.gateway.modes.followed_by(&self.gateway.shared.registry, &configs, &legacies);
        TestGateway { gateway: self.gateway.with_modes(Arc::new(modes), legacies), ..self }
    }

    /// The same, with the answers of the backend checked in this way.
    pub(super) async fn checking(check: AnswerCheck, answer: fn(&str, &str) -> (u16, String)) -> TestGateway {
        let gateway = TestGateway::start(answer).await;
        let checks = AnswerChecks { usual: check, dialects: Vec::new() };
        let shared = Arc::into_inner(gateway.gateway.shared).unwrap().with_answer_checks(checks);
        TestGateway { gateway: Gateway::new(Arc::new(shared), gateway.gateway.upstream), ..gateway }
    }

    /// The same, where a request may become so many calls.
    pub(super) fn with_calls_max(self, calls_max: usize) -> TestGateway {
        let shared = Arc::into_inner(self.gateway.shared).unwrap();
        let shared = Shared { config: Config { calls_max, ..shared.config.clone() }, ..shared };
        TestGateway { gateway: Gateway::new(Arc::new(shared), self.gateway.upstream), ..self }
    }

    /// The same, with who uses what and what is met counted in that book.
    pub(super) fn counting(self, book: &Arc<Book>) -> TestGateway {
        let shared = Arc::into_inner(self.gateway.shared).unwrap().with_usage(Arc::clone(book));
        let counter = Some(Arc::new(Counter::new(Arc::clone(book))));
        TestGateway { gateway: Gateway { shared: Arc::new(shared), counter, ..self.gateway }, ..self }
    }

    /// In front of a port where nobody listens.
    pub(super) fn without_a_backend() -> TestGateway {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        TestGateway::before(&format!("http://{free}"), Arc::default(), None)
    }

    pub(super) fn before(base: &str, seen: Arc<Mutex<Vec<Seen>>>, ids: Option<IdMap>) -> TestGateway {
        TestGateway::calling(upstream::Config::new(base.parse().unwrap()), seen, ids)
    }

    /// The same, where the backend is called so.
    pub(super) fn calling(
        config: upstream::Config,
        seen: Arc<Mutex<Vec<Seen>>>,
        ids: Option<IdMap>,
    ) -> TestGateway {
        let metrics = Metrics::new();
        let shared = Shared::new(
            Arc::new(acme::registry()),
            Config { fan_out_max: 3, ..Config::default() },
            &limit::Config::default(),
            Duration::from_secs(30),
            metrics.clone(),
        );
        let shared = match ids {
            Some(ids) => shared.with_ids(ids),
            None => shared,
        };
        let upstream = Upstream::new(Arc::new(config)).unwrap();
        TestGateway { gateway: Gateway::new(Arc::new(shared), upstream), metrics, seen }
    }

    pub(super) async fn answer(&self, request: TestRequest) -> Told {
        let request = request.head.body(request.body).unwrap();
        let (head, body) = self.gateway.answer(request).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (head.status.as_u16(), head.headers, String::from_utf8(body.to_vec()).unwrap())
    }

    pub(super) async fn read(&self, path: &str) -> Told {
        self.answer(request("GET", &format!("/acme/api{path}"), "")).await
    }

    pub(super) async fn post(&self, path: &str, body: &str) -> Told {
        self.answer(request("POST", &format!("/acme/api{path}"), body)).await
    }

    pub(super) async fn patch(&self, path: &str, body: &str) -> Told {
        self.answer(request("PATCH", &format!("/acme/api{path}"), body)).await
    }

    /// What somebody who refuses a request with this head tells, where it has the words of a dialect.
    pub(super) fn refuse_unread(&self, head: &Parts, problem: &Problem) -> Option<Response<Full<Bytes>>> {
        self.gateway.refuse_unread(head, Called::default(), problem)
    }

    pub(super) fn is_secret(&self, headers: &HeaderMap, text: &str) -> bool {
        self.gateway.is_secret(headers, text)
    }

    pub(super) fn calls(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.calls().into_iter().map(|call| call.line).collect()
    }

    /// The same, and what it leaves to be compared.
    pub(super) fn shadowing(self) -> (TestGateway, ShadowWork) {
        let (shadows, work) = Shadows::new();
        let asks = Arc::new(self.asking().gateway);
        (TestGateway { gateway: self.gateway.with_aside(Some(Aside { shadows, asks })), ..self }, work)
    }

    /// The one that asks other sides for shadows of this one.
    pub(super) fn asking(&self) -> TestGateway {
        let Gateway { shared, upstream, legacies, .. } = &self.gateway;
        let gateway = Gateway::for_shadows(Arc::clone(shared), upstream, legacies, None);
        TestGateway { gateway, metrics: self.metrics.clone(), seen: Arc::clone(&self.seen) }
    }

    /// What was counted when nobody leaves any more work, and all of it is done.
    pub(super) async fn metrics_when_dropped(self, work: impl Future<Output = ()>) -> String {
        let metrics = self.metrics.clone();
        drop(self);
        work.await;
        metrics.render()
    }

    pub(super) fn metrics(&self) -> String {
        self.metrics.render()
    }
}

/// A backend that answers so, with `ETag` and `Retry-After` where a body has `tag` or `wait`: where it is, and what it was asked.
pub(super) async fn backend(answer: fn(&str, &str) -> (u16, String)) -> (String, Arc<Mutex<Vec<Seen>>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
    let log = Arc::clone(&seen);
    let app = Router::new().fallback(async move |request: axum::extract::Request| {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        let line = format!("{} {}", head.method, head.uri);
        let (status, told) = answer(&line, &body);
        log.lock().unwrap().push(Seen { line, headers: head.headers, body });
        (StatusCode::from_u16(status).unwrap(), headers_of(&told), told)
    });
    tokio::spawn(axum::serve(listener, app).into_future());
    (format!("http://{address}"), seen)
}

fn headers_of(text: &str) -> HeaderMap {
    let body: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let headers = [("tag", ETAG), ("wait", RETRY_AFTER)].into_iter();
    let headers = headers.filter_map(|(member, name)| Some((name, body[member].as_str()?.parse().unwrap())));
    // What is said to be JSON may be anything; a whole page says that it is one.
    let kind = if text.starts_with("<!doctype") { "text/html" } else { "application/json" };
    headers.chain([(CONTENT_TYPE, HeaderValue::from_static(kind))]).collect()
}

/// A request of the one principal there is.
pub(super) fn request(method: &str, path: &str, body: &str) -> TestRequest {
    request_of("canary-key", method, path, body)
}

/// That of another.
pub(super) fn request_of(key: &str, method: &str, path: &str, body: &str) -> TestRequest {
    let head = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, "localhost")
        .header(AUTHORIZATION, format!("Bearer {key}"))
        .header(CONTENT_TYPE, "application/json");
    TestRequest { head, body: Full::from(body.to_owned()) }
}

/// A request that can be given more headers.
pub(super) struct TestRequest {
    head: Builder,
    body: Full<Bytes>,
}

impl TestRequest {
    pub(super) fn header(self, name: &str, value: &str) -> TestRequest {
        TestRequest { head: self.head.header(name, value), ..self }
    }

    /// The server gave it a deadline, so long from now.
    pub(super) fn due_in(self, allowance: Duration) -> TestRequest {
        TestRequest { head: self.head.extension(Deadline::after(allowance)), ..self }
    }
}

/// How the backend refuses.
pub(super) fn backend_problem(status: u16, code: &str) -> (u16, String) {
    (status, format!(r#"{{"status":{status},"code":"{code}","detail":"no"}}"#))
}

/// The events of this thread, as lines of JSON, for as long as this lives.
pub(super) struct Events {
    text: Text,
    _guard: DefaultGuard,
}

#[derive(Clone, Default)]
struct Text(Arc<Mutex<Vec<u8>>>);

impl io::Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Text {
    type Writer = Text;

    fn make_writer(&'a self) -> Text {
        self.clone()
    }
}

impl Events {
    pub(super) fn capture() -> Events {
        // Whether anybody listens to an event is found out once for all threads. Without a listener everywhere, a test
        // that has none of its own could find out that nobody does while this one begins to.
        static EVERYWHERE: Once = Once::new();
        EVERYWHERE.call_once(|| {
            let set = tracing::subscriber::set_global_default(tracing_subscriber::registry());
            set.expect("nobody else sets one in tests");
        });
        let text = Text::default();
        let subscriber = tracing_subscriber::fmt().json().with_writer(text.clone()).finish();
        Events { text, _guard: tracing::subscriber::set_default(subscriber) }
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let text = self.text.0.lock().unwrap();
        String::from_utf8(text.clone()).unwrap().lines().map(str::to_owned).collect()
    }
}
