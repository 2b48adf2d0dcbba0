//! The reference backend with a gateway in front of it, asked on both sides by the owner of the demonstration data.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::header::{AUTHORIZATION, CONTENT_TYPE, ETAG};
use http::{Request, Uri};
use http_body_util::BodyExt;
use interlingua::backend::{Backend, Config, demo};
use interlingua::canonical::api::{self, Call};
use interlingua::dialect::operation::{AnswerBody, AnswerPlan, Guard};
use interlingua::dialect::{Dialect, Operation};
use interlingua::gateway::Gateway;
use interlingua::json::{Document, Limits, Writer};
use interlingua::lens::{
    Direction, Field, Found, Input, Lens, Lookup, Parameters, Presence, Resolutions, Run, Wrap,
};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tower::ServiceExt;

use crate::support;
use crate::support::client::{Ask, Told};

/// Canonical parameters, and records of the demonstration data that they name: of each kind one without and one with
/// something in it.
const RECORDS: [(&str, &[&str]); 4] = [
    ("organization_id", &["3c90c3cc-0d44-4b50-8888-8dd25736052a"]),
    ("member_id", &["20000000-0000-4000-8000-000000000104", "20000000-0000-4000-8000-000000000110"]),
    ("invitation_id", &["30000000-0000-4000-8000-000000000101"]),
    ("link_id", &["50000000-0000-4000-8000-000000000101", "50000000-0000-4000-8000-000000000102"]),
];

/// The path parameters of one canonical record.
pub(super) struct Record(Parameters);

impl Record {
    /// The records that an operation reads.
    pub(super) fn all(reads: &api::Operation) -> Vec<Record> {
        let mut all = vec![Record(Vec::new())];
        for parameter in reads.parameters() {
            let known = RECORDS.iter().find(|(name, _)| *name == parameter);
            let (name, ids) = known.unwrap_or_else(|| panic!("no record is named by `{parameter}`"));
            let with = |record: &Record| {
                let with = |id: &&str| [record.0.clone(), vec![((*name).into(), (*id).to_owned())]].concat();
                ids.iter().map(with).map(Record).collect::<Vec<_>>()
            };
            all = all.iter().flat_map(with).collect();
        }
        all
    }

    fn call(&self, operation: &Arc<api::Operation>) -> String {
        let (operation, path) = (Arc::clone(operation), self.0.clone());
        Call { operation, path, query: Vec::new(), body: None }.target().expect("its parameters are known")
    }
}

/// What clients see of a record.
#[derive(Default)]
pub(super) struct Shown {
    /// Each operation's document of it, if it has words for it.
    pub(super) documents: Vec<Value>,
    /// The places in such documents.
    pub(super) places: BTreeSet<String>,
}

pub(super) struct World {
    backend: Backend,
    base: Uri,
    gateway: Gateway,
    serving: JoinHandle<()>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl World {
    pub(super) async fn start() -> World {
        let backend = Backend::open(&Config::default()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base: Uri = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let serving = backend.clone().serve(listener, std::future::pending());
        let serving = tokio::spawn(async move { serving.await.unwrap() });
        World { backend, gateway: fresh(&base), base, serving }
    }

    /// Goes on with a gateway that has counted and remembered nothing: neither is what is tried here.
    pub(super) fn forget(&mut self) {
        self.gateway = fresh(&self.base);
    }

    /// Changes the canonical record, if it can be so.
    pub(super) async fn set(&self, calls: &Arc<api::Operation>, record: &Record, state: &Value) -> bool {
        let (status, _, _) = self.canonical("PATCH", &record.call(calls), Some(state)).await;
        status == 200
    }

    /// The canonical record, with its tag.
    pub(super) async fn read(&self, guard: &Guard, record: &Record) -> (String, Value) {
        let (status, tag, document) = self.canonical("GET", &record.call(&guard.reads), None).await;
        assert_eq!(status, 200);
        (tag, document)
    }

    async fn canonical(&self, method: &str, target: &str, body: Option<&Value>) -> (u16, String, Value) {
        let token = &demo().tokens[0];
        let body = body.map(ToString::to_string).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .unwrap();
        let (head, body) = self.backend.router().oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let tag = head.headers.get(ETAG).map_or("", |tag| tag.to_str().unwrap()).to_owned();
        (head.status.as_u16(), tag, serde_json::from_slice(&body).unwrap_or_default())
    }

    /// Asks in a dialect.
    async fn ask(&self, dialect: &Dialect, operation: &Operation, path: &str, body: Option<&Value>) -> Told {
        let tokens = demo().tokens;
        let credential = dialect.credentials.iter().find_map(|credential| {
            let token = tokens.iter().find(|token| credential.pattern.is_match(token))?;
            let scheme = credential.scheme.as_ref().map(|scheme| format!("{scheme} ")).unwrap_or_default();
            Some((credential.header.to_string(), format!("{scheme}{token}")))
        });
        let Dialect { name, prefix, .. } = dialect;
        let ask = Ask {
            line: format!("{} http://localhost/{name}{prefix}{path}", operation.method),
            headers: vec![credential.expect("the owner has a token for every dialect")],
            body: body.map(|body| body.to_string().into_bytes()),
        };
        ask.of(&self.gateway).await
    }

    pub(super) async fn write(
        &self,
        dialect: &Dialect,
        operation: &Operation,
        record: &Record,
        body: &Value,
    ) -> Told {
        let (path, _) = self.path(dialect, operation, record).await;
        self.ask(dialect, operation, &path, Some(body)).await
    }

    /// What operations of the dialect show of a record: alone, or in a list.
    pub(super) async fn shown(
        &self,
        dialect: &Dialect,
        update: &Operation,
        guard: &Guard,
        record: &Record,
    ) -> Shown {
        let (_, subject) = self.path(dialect, update, record).await;
        let collection = guard.reads.collection(|_| Some("one"));
        let mut shown = Shown::default();
        for operation in &dialect.operations {
            let AnswerPlan::One(answers) = &operation.answer else { continue };
            let lenses = answers.iter().filter_map(|answer| match &answer.body {
                AnswerBody::Items { lens, .. } | AnswerBody::Lens(lens) => Some(lens),
                AnswerBody::Constant(_) | AnswerBody::Empty => None,
            });
            let places = lenses.flat_map(|lens| lens.fields()).filter_map(|field| field.left.as_ref());
            let places = places.map(ToString::to_string);
            let is_list = answers.iter().any(|answer| matches!(answer.body, AnswerBody::Items { .. }));
            let all = operation.calls.collection(|_| Some("one"));
            if operation.calls.name == guard.reads.name {
                let (path, _) = self.path(dialect, operation, record).await;
                let told = self.ask(dialect, operation, &path, None).await;
                shown.documents.extend(told.json().filter(|_| told.status.is_success()));
                shown.places.extend(places);
            } else if is_list && operation.calls.is_safe() && all == collection {
                let (path, _) = self.path(dialect, operation, record).await;
                let told = self.ask(dialect, operation, &path, None).await;
                assert!(told.status.is_success(), "{dialect} {}: {:?}", operation.name, told.json());
                let list = told.json().unwrap_or_default();
                let arrays =
                    std::iter::once(&list).chain(list.as_object().into_iter().flatten().map(|(_, it)| it));
                let items = arrays.filter_map(Value::as_array).flatten();
                shown.documents.extend(items.filter(|item| mentions(item, &subject)).cloned());
                shown.places.extend(places);
            }
        }
        shown
    }

    /// What the update's own fields tell of the record.
    pub(super) async fn lowered(&self, operation: &Operation, guard: &Guard, record: &Record) -> Value {
        let (_, canonical) = self.read(guard, record).await;
        let document = document(&canonical);
        // Which part of a list is written is no part of the record.
        let untagged =
            |field: &Field| Field { when: Presence { tag: None, ..field.when.clone() }, ..field.clone() };
        let fields = operation.request.fields().iter().map(untagged).collect();
        let lens = Lens::new("own", Wrap::Object, fields);
        let known = Resolutions::default();
        let mut run = Run::new(Direction::Lower, &known);
        let input = Input { body: Some(document.root()), path: &record.0, ..Input::default() };
        let body = lens.run(input, &mut run, Writer::new()).body.into_vec();
        serde_json::from_slice(&body).unwrap_or_default()
    }

    /// The path of an operation that is about a record, and what the dialect calls that.
    async fn path(&self, dialect: &Dialect, operation: &Operation, record: &Record) -> (String, String) {
        let mut known = Resolutions::default();
        let parameters = loop {
            let mut run = Run::new(Direction::Lower, &known);
            let input = Input { path: &record.0, ..Input::default() };
            let output = operation.request.run(input, &mut run, Writer::new());
            let needs = run.needs().to_vec();
            if needs.is_empty() {
                break output.path;
            }
            for need in needs {
                let Lookup::Resolver(index) = need.of else { panic!("nothing was imported") };
                let resolver = &dialect.resolvers[index];
                let target = format!("{}?limit=1000", record.call(&resolver.calls));
                let (_, _, list) = self.canonical("GET", &target, None).await;
                let rows = list[&resolver.rows].as_array().unwrap();
                let row = rows.iter().find(|row| row[&resolver.right] == need.key.as_str());
                let left = row.and_then(|row| row[&resolver.left].as_str()).expect("there is such a row");
                known.insert(need, Found::Value(left.to_owned()));
            }
        };
        let mut path = operation.template();
        for (name, value) in &parameters {
            path = path.replace(&format!("{{{name}}}"), value);
        }
        let subject = parameters.iter().find(|(name, _)| operation.subject() == Some(name));
        (path, subject.map(|(_, value)| value.clone()).unwrap_or_default())
    }
}

fn fresh(base: &Uri) -> Gateway {
    support::gateway(support::shipped(), base.clone(), Duration::from_secs(20))
}

fn document(value: &Value) -> Document {
    Document::parse(value.to_string().into_bytes(), &Limits::default()).unwrap()
}

/// Whether one of the texts of an item, at whatever depth, is `text`.
fn mentions(item: &Value, text: &str) -> bool {
    match item {
        Value::String(own) => own == text,
        Value::Array(items) => items.iter().any(|item| mentions(item, text)),
        Value::Object(members) => members.values().any(|member| mentions(member, text)),
        _ => false,
    }
}
