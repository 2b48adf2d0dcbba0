//! A small API of its own, a backend that is told what to answer, and a gateway between the two.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Builder;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use regex::Regex;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

use crate::canonical::api::{self, Api, PageNames, PathPart};
use crate::canonical::role::Roles;
use crate::diag::Sources;
use crate::dialect::errors::{ErrorShape, Slot, Template};
use crate::dialect::operation::{Answer, AnswerBody, AnswerPlan, Collect, Gather, RequestBody};
use crate::dialect::{Credential, Dialect, Operation, Quota, Registry, Resolver};
use crate::gateway::{Config, Gateway, Shared};
use crate::lens::op::{Op, resolve};
use crate::lens::path::Address;
use crate::lens::{Field, Lens, Presence, Wrap};
use crate::limit;
use crate::schema::{Schema, SchemaFile, Store};
use crate::telemetry::Metrics;
use crate::upstream::{self, Upstream};

/// A call as the backend saw it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    line: String,
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
    /// In front of a backend that answers each call, given its request line and body, with status and body.
    pub(super) async fn start(answer: fn(&str, &str) -> (u16, String)) -> TestGateway {
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
            (StatusCode::from_u16(status).unwrap(), told)
        });
        tokio::spawn(axum::serve(listener, app).into_future());
        TestGateway::before(&format!("http://{address}"), seen)
    }

    /// In front of a port where nobody listens.
    pub(super) fn without_a_backend() -> TestGateway {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        TestGateway::before(&format!("http://{free}"), Arc::default())
    }

    fn before(base: &str, seen: Arc<Mutex<Vec<Seen>>>) -> TestGateway {
        let metrics = Metrics::new();
        let shared = Shared::new(
            Arc::new(registry()),
            Config { fan_out_max: 3, ..Config::default() },
            &limit::Config::default(),
            Duration::from_secs(30),
            metrics.clone(),
        );
        let upstream = Upstream::new(Arc::new(upstream::Config::new(base.parse().unwrap()))).unwrap();
        TestGateway { gateway: Gateway::new(Arc::new(shared), upstream), metrics, seen }
    }

    pub(super) async fn answer(&self, request: TestRequest) -> Told {
        let request = request.head.body(request.body).unwrap();
        let (head, body) = self.gateway.answer(request).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (head.status.as_u16(), head.headers, String::from_utf8(body.to_vec()).unwrap())
    }

    pub(super) async fn post(&self, path: &str, body: &str) -> Told {
        self.answer(request("POST", &format!("/acme/api{path}"), body)).await
    }

    pub(super) fn calls(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.calls().into_iter().map(|call| call.line).collect()
    }

    pub(super) fn metrics(&self) -> String {
        self.metrics.render()
    }
}

/// A request of the one principal there is.
pub(super) fn request(method: &str, path: &str, body: &str) -> TestRequest {
    let head = Request::builder()
        .method(method)
        .uri(path)
        .header(AUTHORIZATION, "Bearer canary-key")
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
        let text = Text::default();
        let subscriber = tracing_subscriber::fmt().json().with_writer(text.clone()).finish();
        Events { text, _guard: tracing::subscriber::set_default(subscriber) }
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let text = self.text.0.lock().unwrap();
        String::from_utf8(text.clone()).unwrap().lines().map(str::to_owned).collect()
    }
}

/// One dialect, with an operation for one thing and one for several, in an organization that is named by its slug.
fn registry() -> Registry {
    let organizations = Arc::new(api::Operation {
        name: "organizations.list".to_owned(),
        method: Method::GET,
        path: parts(&["v1", "organizations"]),
        query: vec!["slug".to_owned()],
        body: None,
        answers: vec![(StatusCode::OK, None)],
    });
    let add = Arc::new(api::Operation {
        name: "things.add".to_owned(),
        method: Method::POST,
        path: parts(&["v1", "organizations", "{organization_id}", "things"]),
        query: Vec::new(),
        body: Some("thing".to_owned()),
        answers: vec![(StatusCode::CREATED, None)],
    });
    let api = Api {
        title: "Things".to_owned(),
        page: PageNames::usual(),
        roles: Arc::new(Roles::new()),
        operations: vec![Arc::clone(&organizations), Arc::clone(&add)],
    };
    let dialect = dialect(organizations, &add);
    Registry::new(Arc::new(api), vec![Arc::new(dialect)])
}

fn dialect(organizations: Arc<api::Operation>, add: &Arc<api::Operation>) -> Dialect {
    let resolver = Resolver {
        name: "organization".to_owned(),
        calls: organizations,
        scope: Vec::new(),
        find: Some("slug".to_owned()),
        rows: "items".to_owned(),
        left: "slug".to_owned(),
        right: "id".to_owned(),
        remember: Duration::from_mins(1),
        misses: Duration::from_secs(5),
    };
    Dialect {
        name: "acme".to_owned(),
        title: "Acme".to_owned(),
        hosts: Vec::new(),
        prefix: "/api".to_owned(),
        credentials: vec![Credential {
            header: AUTHORIZATION,
            scheme: Some("Bearer".to_owned()),
            pattern: Regex::new("^[a-z-]+$").unwrap(),
        }],
        quota: Quota {
            windows: vec!["10/hour".parse().unwrap()],
            headers: vec![limit::HeaderFamily::RateLimit],
        },
        errors: ErrorShape {
            content_type: HeaderValue::from_static("application/json"),
            ..ErrorShape::standard()
        },
        resolvers: vec![Arc::new(resolver)],
        operations: vec![Arc::new(add_thing(add)), Arc::new(add_things(add))],
        roles: None,
        lenses: std::collections::BTreeMap::new(),
    }
}

fn add_thing(add: &Arc<api::Operation>) -> Operation {
    let thing = Lens::new("thing", Wrap::Object, vec![copied("key", "id"), copied("name", "title")]);
    Operation {
        name: "add_thing".to_owned(),
        method: Method::POST,
        path: parts(&["orgs", "{org}", "things"]),
        body: RequestBody::One { schema: schema("thing") },
        request: to_call(),
        calls: Arc::clone(add),
        answer: AnswerPlan::One(vec![Answer {
            from: StatusCode::CREATED,
            status: StatusCode::CREATED,
            body: AnswerBody::Lens(Arc::new(thing)),
            schema: None,
            canonical: None,
        }]),
        page: None,
        folds: Vec::new(),
    }
}

fn add_things(add: &Arc<api::Operation>) -> Operation {
    let failed = Gather::Failed(Template { fields: vec![(vec!["code".into()], Slot::Code)] });
    Operation {
        name: "add_things".to_owned(),
        method: Method::POST,
        path: parts(&["orgs", "{org}", "things", "bulk"]),
        body: RequestBody::Each {
            schema: schema("things"),
            over: Address::parse("things").unwrap(),
            one: false,
            limit: 100,
        },
        request: to_call(),
        calls: Arc::clone(add),
        answer: AnswerPlan::Collect(Collect {
            fields: vec![("made".to_owned(), Gather::Count), ("failed".to_owned(), failed)],
            all: StatusCode::CREATED,
            some: StatusCode::MULTI_STATUS,
            none: None,
            schema: None,
            canonical: None,
        }),
        page: None,
        folds: Vec::new(),
    }
}

/// The organization by its slug, and the thing's name.
fn to_call() -> Arc<Lens> {
    let by_slug = resolve::Resolver { index: 0, scope: Vec::new(), pattern: None };
    let organization =
        Field { op: Op::Resolve(resolve::Resolve(by_slug)), ..copied("$path.org", "$path.organization_id") };
    Arc::new(Lens::new("add_thing", Wrap::Object, vec![organization, copied("name", "title")]))
}

fn copied(left: &str, right: &str) -> Field {
    Field {
        left: Address::parse(left),
        right: Address::parse(right),
        op: Op::Copy,
        when: Presence::default(),
        origin: None,
    }
}

fn parts(segments: &[&str]) -> Vec<PathPart> {
    let part = |segment: &&str| match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(name) => PathPart::Parameter(name.to_owned()),
        None => PathPart::Literal((*segment).to_owned()),
    };
    segments.iter().map(part).collect()
}

const THING: &str = r#"{"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}"#;

const THINGS: &str = r#"{"type": "object", "required": ["things"],
    "properties": {"things": {"type": "array", "items": {"$ref": "thing.json"}}}}"#;

fn schema(name: &str) -> Arc<Schema> {
    let mut sources = Sources::default();
    let file = |(name, text): (&str, &str)| SchemaFile {
        source: sources.add(name, text),
        folder: "acme".to_owned(),
        name: name.to_owned(),
        text: text.to_owned(),
    };
    let (store, found) = Store::load([("thing", THING), ("things", THINGS)].map(file).into());
    assert_eq!(found, []);
    Arc::clone(store.schema("acme", name).unwrap())
}
