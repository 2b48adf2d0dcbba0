//! What the tests of the backend share: a seeded backend with a clock to set, and answers held against
//! the schemas.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Builder;
use http::{HeaderMap, Request, StatusCode};
use jsonschema::{Registry, Validator};
use rusqlite::Transaction;
use serde_json::Value;
use tower::ServiceExt;

use super::moment::Moment;
use super::operation::OPERATIONS;
use super::store::Access;
use super::{Backend, Config};

pub(super) const NORTHWIND: &str = "/v1/organizations/3c90c3cc-0d44-4b50-8888-8dd25736052a";
pub(super) const EXAMPLE: &str = "/v1/organizations/e8e912b6-ba9b-4c3a-bb4f-d04bdc370843";
pub(super) const TINY: &str = "/v1/organizations/7b1e4a90-52c6-4d3f-9a18-6f0c2d8e5b47";
/// Ada's too. Kira and Hugo are in it, and whoever is at example.org may join.
pub(super) const HARBOR: &str = "/v1/organizations/5d2f7c18-93b4-4e6a-8f01-2c7a9be4d350";

/// Tokens of Northwind's people, and of the owners of the other two.
pub(super) const ADA_OWNER: &str = "pat_DemoOwnerNorthwind00000000000000";
pub(super) const BORIS_ADMIN: &str = "pat_DemoAdminNorthwind00000000000000";
pub(super) const CARLA_MANAGER: &str = "pat_DemoManagerNorthwind000000000000";
pub(super) const HUGO_VIEWER: &str = "pat_DemoViewerNorthwind0000000000000";
pub(super) const INES_BILLING: &str = "pat_DemoBillingNorthwind000000000000";
pub(super) const JONAS_GUEST: &str = "pat_DemoGuestNorthwind00000000000000";
pub(super) const KIRA_ELSEWHERE: &str = "pat_DemoOwnerExample0000000000000000";
pub(super) const LIAM_ELSEWHERE: &str = "pat_DemoAdminExample0000000000000000";
pub(super) const UMA_TINY: &str = "pat_DemoOwnerTiny0000000000000000000";

/// A backend in memory with the demonstration data. Its clock stands at 2025-03-01T12:00:00Z until told.
pub(super) struct Fixture {
    pub(super) backend: Backend,
    clock: Arc<AtomicU64>,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// Null when there was no body.
    pub(super) body: Value,
}

impl Fixture {
    pub(super) fn new() -> Self {
        let clock = Arc::new(AtomicU64::new(1_740_830_400));
        let hands = Arc::clone(&clock);
        let now = move || Moment::from_unix(Duration::from_secs(hands.load(Ordering::Relaxed)));
        let config = Config { database: None, seed: true };
        Fixture { backend: Backend::open_at(&config, Box::new(now)).unwrap(), clock }
    }

    /// Sets the clock forward.
    pub(super) fn pass(&self, seconds: u64) {
        self.clock.fetch_add(seconds, Ordering::Relaxed);
    }

    pub(super) async fn get(&self, token: &str, target: &str) -> Reply {
        self.send(request("GET", token, target).body(Body::empty()).unwrap()).await
    }

    pub(super) async fn post(&self, token: &str, target: &str, body: Value) -> Reply {
        let request = request("POST", token, target).header(CONTENT_TYPE, "application/json");
        self.send(request.body(body.to_string().into()).unwrap()).await
    }

    pub(super) async fn patch(&self, token: &str, target: &str, body: Value) -> Reply {
        let request = request("PATCH", token, target).header(CONTENT_TYPE, "application/merge-patch+json");
        self.send(request.body(body.to_string().into()).unwrap()).await
    }

    pub(super) async fn delete(&self, token: &str, target: &str) -> Reply {
        self.send(request("DELETE", token, target).body(Body::empty()).unwrap()).await
    }

    /// Sends a request. Whatever comes back must be what the schemas say.
    pub(super) async fn send(&self, request: Request<Body>) -> Reply {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = self.backend.router().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };

        let operation = OPERATIONS.iter().find(|it| it.method == method && is_at(it.path, &path));
        let answers = operation.map(|operation| &CANONICAL.answers[operation.name]);
        let schema = match answers {
            Some(answers) if head.status.is_success() => {
                answers.get(head.status.as_str()).unwrap_or_else(|| panic!("undeclared {}", head.status))
            }
            _ => "problem",
        };
        assert_eq!(schema.is_empty(), body.is_null(), "{body}");
        if !schema.is_empty() {
            let errors: Vec<String> =
                CANONICAL.schemas[schema].iter_errors(&body).map(|it| it.to_string()).collect();
            assert!(errors.is_empty(), "{method} {path}: {errors:#?}\n{body:#}");
        }
        Reply { status: head.status, headers: head.headers, body }
    }

    /// Works on the tables directly.
    pub(super) async fn sql<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> T {
        self.backend.shared.store.transact(Access::Write, |tx| Ok(work(tx)?)).await.unwrap()
    }
}

impl Reply {
    /// Status and code of a problem.
    pub(super) fn problem(&self) -> (u16, &str) {
        (self.status.as_u16(), self.body["code"].as_str().unwrap())
    }

    /// Pointer and code of every fault, sorted.
    pub(super) fn faults(&self) -> Vec<(&str, &str)> {
        let faults = self.body["errors"].as_array().unwrap().iter();
        let mut faults: Vec<_> = faults
            .map(|fault| (fault["pointer"].as_str().unwrap(), fault["code"].as_str().unwrap()))
            .collect();
        faults.sort_unstable();
        faults
    }

    /// One member of each item of a list.
    pub(super) fn each(&self, pointer: &str) -> Vec<&Value> {
        self.body["items"].as_array().unwrap().iter().map(|item| item.pointer(pointer).unwrap()).collect()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

pub(super) fn request(method: &str, token: &str, target: &str) -> Builder {
    Request::builder().method(method).uri(target).header(AUTHORIZATION, format!("Bearer {token}"))
}

/// What `mappings/canonical.toml` and `schemas/canonical/` promise.
struct Canonical {
    /// Schema by status by operation.
    answers: HashMap<String, HashMap<String, String>>,
    schemas: HashMap<String, Validator>,
}

static CANONICAL: LazyLock<Canonical> = LazyLock::new(|| {
    let file: toml::Table = include_str!("../../mappings/canonical.toml").parse().unwrap();
    let answers = file["operation"].as_array().unwrap().iter().map(|operation| {
        let answers = operation["answers"].as_table().unwrap().iter();
        let answers = answers.map(|(status, schema)| (status.clone(), schema.as_str().unwrap().to_owned()));
        (operation["name"].as_str().unwrap().to_owned(), answers.collect())
    });
    Canonical { answers: answers.collect(), schemas: schemas() }
});

fn schemas() -> HashMap<String, Validator> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/canonical");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let documents: Vec<(String, Value)> = files
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
        })
        .collect();
    let uri = |name: &str| format!("canonical:/{name}.json");
    let entries = documents.iter().map(|(name, document)| (uri(name), document));
    let registry = Registry::new().extend(entries).unwrap().prepare().unwrap();
    let compile = |(name, document): &(String, Value)| {
        let options = jsonschema::options().with_base_uri(uri(name)).with_registry(&registry);
        (name.clone(), options.should_validate_formats(true).build(document).unwrap())
    };
    documents.iter().map(compile).collect()
}

fn is_at(template: &str, path: &str) -> bool {
    let (template, path) = (template.split('/'), path.split('/'));
    template.clone().count() == path.clone().count()
        && template.zip(path).all(|(wanted, found)| wanted.starts_with('{') || wanted == found)
}
