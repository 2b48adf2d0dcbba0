//! The operations of the canonical API, and the routes that lead to them.
//!
//! Each is a plain function over a transaction and an exchange; HTTP stays outside.

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawPathParams, State};
use axum::middleware;
use axum::routing::{MethodFilter, MethodRouter, on};
use http::Method;
use rusqlite::Transaction;

use super::Shared;
use super::access::Caller;
use super::answer::Answer;
use super::exchange::Request;
use super::problem::{Code, Problem};
use super::store::Access;

mod invitations;
mod invite_links;
mod members;
mod organizations;
mod roles;
mod table;
mod users;

pub(super) use table::OPERATIONS;
use table::Operation;

/// Leads every request to its operation, or to a problem that says why there is none.
pub(super) fn router(shared: &Arc<Shared>) -> Router {
    let routes = OPERATIONS.iter().fold(Router::new(), |router, operation| {
        router.route(operation.path, operation.route(Arc::clone(shared)))
    });
    routes
        .fallback(async || Problem::not_found())
        // The router adds `Allow` to whatever this answers.
        .method_not_allowed_fallback(async || {
            Problem::new(Code::MethodNotAllowed, "this resource does not take that method")
        })
        // Outermost, so that requests without an operation are noted too.
        .layer(middleware::map_request_with_state(Arc::clone(shared), note))
}

impl Operation {
    fn route(&'static self, shared: Arc<Shared>) -> MethodRouter {
        let method = MethodFilter::try_from(self.method.clone()).expect("the table has common methods only");
        on(method, async move |path: RawPathParams, request: axum::extract::Request| {
            self.answer(&shared, &path, request).await
        })
    }

    async fn answer(
        &'static self,
        shared: &Shared,
        path: &RawPathParams,
        request: axum::extract::Request,
    ) -> Result<Answer, Problem> {
        tracing::debug!(operation = self.name, "backend operation");
        let (head, body) = request.into_parts();
        let request = Request::read(&head, path, body, self.query).await?;
        let now = (shared.clock)();
        let access = if self.method == Method::GET { Access::Read } else { Access::Write };
        let key = request.key.clone();
        let in_use = key.as_ref().map(|key| shared.in_use.begin(&request.credential, key)).transpose();
        let in_use = match in_use {
            Ok(in_use) => in_use,
            Err(refusal) => {
                // Told only to whom we know: of two calls with a token that is none, neither is answered otherwise.
                let credential = request.credential;
                let known =
                    shared.store.transact(Access::Read, move |tx| Caller::authenticate(tx, credential));
                return Err(known.await.err().unwrap_or(refusal));
            }
        };
        let work = move |tx: &Transaction<'_>| {
            // As long as the work, which goes on when the caller leaves.
            let _in_use = in_use;
            let caller = Caller::authenticate(tx, request.credential)?;
            let exchange = request.from(caller, now);
            match key {
                Some(key) => key.once(tx, &exchange.caller, now, || (self.run)(tx, &exchange)),
                None => (self.run)(tx, &exchange),
            }
        };
        shared.store.transact(access, work).await
    }
}

async fn note(State(shared): State<Arc<Shared>>, request: axum::extract::Request) -> axum::extract::Request {
    shared.calls.note(request.method(), request.uri());
    request
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::Request;
    use http::header::CONTENT_TYPE;
    use serde_json::json;

    use crate::backend::testing::{self, ADA_OWNER, Fixture, HUGO_VIEWER, NORTHWIND};

    use super::*;

    #[tokio::test]
    async fn unknown_paths_and_malformed_ids_are_not_found() {
        let fixture = Fixture::new();
        for target in [
            "/",
            "/v1",
            "/v2/users/me",
            "/v1/users/me/",
            "/v1/organizations/northwind",
            "/v1/organizations/3c90c3cc0d444b5088888dd25736052a",
            "/v1/invitations/1",
        ] {
            assert_eq!(fixture.get(ADA_OWNER, target).await.problem(), (404, "not-found"), "{target}");
        }
    }

    #[tokio::test]
    async fn ids_in_upper_case_are_the_same_ids() {
        let target = NORTHWIND.to_uppercase().replace("V1/ORGANIZATIONS", "v1/organizations");
        assert_eq!(Fixture::new().get(ADA_OWNER, &target).await.body["slug"], "northwind");
    }

    #[tokio::test]
    async fn wrong_methods_are_told_the_right_ones() {
        let fixture = Fixture::new();
        for (target, allow) in [
            ("/v1/users/me".to_owned(), vec!["GET", "HEAD"]),
            (format!("{NORTHWIND}/members"), vec!["GET", "HEAD", "POST"]),
            (format!("{NORTHWIND}/invite-links/{}", "5".repeat(36)), vec!["DELETE", "GET", "HEAD", "PATCH"]),
            (format!("{NORTHWIND}/invite-links/{}/join", "5".repeat(36)), vec!["POST"]),
        ] {
            let request = testing::request("PUT", ADA_OWNER, &target).body(Body::empty()).unwrap();
            let reply = fixture.send(request).await;
            assert_eq!(reply.problem(), (405, "method-not-allowed"));
            let mut allowed: Vec<_> = reply.header("allow").split(',').map(str::trim).collect();
            allowed.sort_unstable();
            assert_eq!(allowed, allow, "{target}");
        }
    }

    #[tokio::test]
    async fn callers_must_say_who_they_are() {
        let fixture = Fixture::new();
        let anonymous = Request::get("/v1/users/me").body(Body::empty()).unwrap();
        let reply = fixture.send(anonymous).await;
        assert_eq!(reply.problem(), (401, "unauthorized"));
        assert_eq!(reply.header("www-authenticate"), "Bearer");
        let unknown = &ADA_OWNER[..ADA_OWNER.len() - 1];
        assert_eq!(fixture.get(unknown, "/v1/users/me").await.problem(), (401, "unauthorized"));
    }

    #[tokio::test]
    async fn suspended_accounts_may_do_nothing() {
        let fixture = Fixture::new();
        fixture
            .sql(|tx| tx.execute("UPDATE users SET status = 'suspended' WHERE name LIKE 'Hugo %'", []))
            .await;
        assert_eq!(fixture.get(HUGO_VIEWER, "/v1/users/me").await.problem(), (403, "forbidden"));
        assert_eq!(fixture.get(ADA_OWNER, "/v1/users/me").await.status, 200);
    }

    #[tokio::test]
    async fn a_body_may_have_a_mebibyte_and_no_byte_more() {
        let fixture = Fixture::new();
        for (length, problem) in
            [(1 << 20, (400, "invalid-json")), ((1 << 20) + 1, (413, "payload-too-large"))]
        {
            let request = testing::request("POST", ADA_OWNER, &format!("{NORTHWIND}/members"));
            let reply = fixture.send(request.body(" ".repeat(length).into()).unwrap()).await;
            assert_eq!(reply.problem(), problem);
        }
    }

    #[tokio::test]
    async fn a_body_that_is_not_said_to_be_json_is_not_read() {
        let request = testing::request("POST", ADA_OWNER, &format!("{NORTHWIND}/members"));
        let request = request.header(CONTENT_TYPE, "text/plain").body("{}".into()).unwrap();
        assert_eq!(Fixture::new().send(request).await.problem(), (415, "unsupported-media-type"));
    }

    #[tokio::test]
    async fn a_body_that_says_something_twice_is_not_json_to_us() {
        let request = testing::request("POST", ADA_OWNER, &format!("{NORTHWIND}/members"));
        let body = r#"{"email":"new@example.com","role":"guest","r\u006fle":"owner"}"#;
        let request = request.header(CONTENT_TYPE, "application/json").body(body.into()).unwrap();
        assert_eq!(Fixture::new().send(request).await.problem(), (400, "invalid-json"));
    }

    #[tokio::test]
    async fn every_request_is_noted_with_its_query() {
        let fixture = Fixture::new();
        fixture.get(ADA_OWNER, "/v1/organizations?slug=northwind").await;
        fixture.get(ADA_OWNER, "/nowhere").await;
        fixture.post("nobody", &format!("{NORTHWIND}/members"), json!({})).await;
        let expected = [
            (Method::GET, "/v1/organizations?slug=northwind".to_owned()),
            (Method::GET, "/nowhere".to_owned()),
            (Method::POST, format!("{NORTHWIND}/members")),
        ];
        assert_eq!(fixture.backend.calls(), expected);
    }
}
