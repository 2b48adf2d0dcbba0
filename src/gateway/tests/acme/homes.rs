//! Adding a home, which is told with the organization it is in and changes the list of those, and adding a thing to an
//! organization that is found in the same list.

use std::sync::Arc;

use http::{Method, StatusCode};

use super::{add_thing, by_slug, copied, parts};
use crate::canonical::api;
use crate::dialect::operation::{Answer, AnswerBody, AnswerPlan};
use crate::dialect::{Operation, Resolver};
use crate::lens::{Lens, Wrap};

/// The second of its dialect: it finds slugs in the list of all organizations, in either direction.
pub(super) fn resolver(first: &Resolver) -> Resolver {
    Resolver {
        name: "listed_organization".to_owned(),
        calls: Arc::clone(&first.calls),
        scope: Vec::new(),
        find: None,
        rows: first.rows.clone(),
        left: first.left.clone(),
        right: first.right.clone(),
        remember: first.remember,
        misses: first.misses,
    }
}

/// The operation of the canonical API that adds a home.
pub(super) fn canonical() -> Arc<api::Operation> {
    Arc::new(api::Operation {
        name: "homes.add".to_owned(),
        method: Method::POST,
        path: parts(&["v1", "organizations", "{organization_id}", "homes"]),
        query: Vec::new(),
        body: Some("thing".to_owned()),
        reads: None,
        changes: vec!["organizations.list".to_owned()],
        answers: vec![(StatusCode::CREATED, None)],
    })
}

/// `POST /orgs/{org}/homes`, which looks into the list to tell what was made, and `POST /homes/{org}/things`, which does so
/// before anything is made.
pub(super) fn operations(add: &Arc<api::Operation>, homes: &Arc<api::Operation>) -> [Operation; 2] {
    let told = vec![copied("key", "id"), by_slug(1, "org", "organization_id")];
    let answer = Answer {
        from: StatusCode::CREATED,
        status: StatusCode::CREATED,
        body: AnswerBody::Lens(Arc::new(Lens::new("home", Wrap::Object, told))),
        reads: None,
        otherwise: None,
        location: None,
        schema: None,
        canonical: None,
    };
    let request = vec![by_slug(1, "$path.org", "$path.organization_id"), copied("name", "title")];
    [
        Operation {
            name: "add_home".to_owned(),
            path: parts(&["orgs", "{org}", "homes"]),
            answer: AnswerPlan::One(vec![answer]),
            ..add_thing(homes)
        },
        Operation {
            name: "add_listed".to_owned(),
            path: parts(&["homes", "{org}", "things"]),
            request: Arc::new(Lens::new("add_listed", Wrap::Object, request)),
            ..add_thing(add)
        },
    ]
}
