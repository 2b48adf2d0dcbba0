//! The operations of the canonical API, and the routes that lead to them.
//!
//! Each is a plain function over a transaction and an [`Exchange`]; HTTP stays outside. The table below is
//! `mappings/canonical.toml` in Rust, which a test compares it with.

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
use super::exchange::{Exchange, Request};
use super::problem::{Code, Problem};
use super::store::Access;

mod invitations;
mod invite_links;
mod members;
mod organizations;
mod roles;
mod users;

/// One thing a caller can ask for.
pub(super) struct Operation {
    /// The name in `canonical.toml`.
    pub(super) name: &'static str,
    pub(super) method: Method,
    pub(super) path: &'static str,
    /// The query parameters it understands.
    pub(super) query: &'static [&'static str],
    run: fn(&Transaction<'_>, &Exchange) -> Result<Answer, Problem>,
}

pub(super) static OPERATIONS: [Operation; 16] = [
    Operation {
        name: "organizations.list",
        method: Method::GET,
        path: "/v1/organizations",
        query: &["slug", "limit", "offset"],
        run: organizations::list,
    },
    Operation {
        name: "organizations.get",
        method: Method::GET,
        path: "/v1/organizations/{organization_id}",
        query: &[],
        run: organizations::one,
    },
    Operation {
        name: "roles.list",
        method: Method::GET,
        path: "/v1/organizations/{organization_id}/roles",
        query: &[],
        run: roles::list,
    },
    Operation {
        name: "members.list",
        method: Method::GET,
        path: "/v1/organizations/{organization_id}/members",
        query: &["role", "status", "q", "email", "user_id", "sort", "order", "limit", "offset"],
        run: members::list,
    },
    Operation {
        name: "members.add",
        method: Method::POST,
        path: "/v1/organizations/{organization_id}/members",
        query: &[],
        run: members::add,
    },
    Operation {
        name: "members.get",
        method: Method::GET,
        path: "/v1/organizations/{organization_id}/members/{member_id}",
        query: &[],
        run: members::one,
    },
    Operation {
        name: "invitations.list",
        method: Method::GET,
        path: "/v1/organizations/{organization_id}/invitations",
        query: &["email", "status", "token", "limit", "offset"],
        run: invitations::list,
    },
    Operation {
        name: "invitations.create",
        method: Method::POST,
        path: "/v1/organizations/{organization_id}/invitations",
        query: &[],
        run: invitations::create,
    },
    Operation {
        name: "invitations.get",
        method: Method::GET,
        path: "/v1/invitations/{invitation_id}",
        query: &[],
        run: invitations::one,
    },
    Operation {
        name: "invite_links.list",
        method: Method::GET,
        path: "/v1/organizations/{organization_id}/invite-links",
        query: &["limit", "offset"],
        run: invite_links::list,
    },
    Operation {
        name: "invite_links.create",
        method: Method::POST,
        path: "/v1/organizations/{organization_id}/invite-links",
        query: &[],
        run: invite_links::create,
    },
    Operation {
        name: "invite_links.get",
        method: Method::GET,
        path: "/v1/organizations/{organization_id}/invite-links/{link_id}",
        query: &[],
        run: invite_links::one,
    },
    Operation {
        name: "invite_links.update",
        method: Method::PATCH,
        path: "/v1/organizations/{organization_id}/invite-links/{link_id}",
        query: &[],
        run: invite_links::update,
    },
    Operation {
        name: "invite_links.remove",
        method: Method::DELETE,
        path: "/v1/organizations/{organization_id}/invite-links/{link_id}",
        query: &[],
        run: invite_links::remove,
    },
    Operation {
        name: "invite_links.join",
        method: Method::POST,
        path: "/v1/organizations/{organization_id}/invite-links/{link_id}/join",
        query: &[],
        run: invite_links::join,
    },
    Operation { name: "users.me", method: Method::GET, path: "/v1/users/me", query: &[], run: users::me },
];

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
        let work = move |tx: &Transaction<'_>| {
            let caller = Caller::authenticate(tx, request.credential)?;
            (self.run)(tx, &request.from(caller, now))
        };
        shared.store.transact(access, work).await
    }
}

async fn note(State(shared): State<Arc<Shared>>, request: axum::extract::Request) -> axum::extract::Request {
    shared.calls.note(request.method(), request.uri());
    request
}
