//! A GET that adds something: nobody asks for it twice, and nobody for its head alone.

use std::sync::Arc;

use http::{Method, StatusCode};

use super::{add_thing, copied, parts};
use crate::canonical::api;
use crate::dialect::Operation;
use crate::dialect::operation::{Answer, AnswerBody, AnswerPlan, RequestBody};
use crate::lens::{Lens, Wrap};

/// `GET /visits/{org}`, which adds a thing to the organization of that id.
pub(super) fn operation(add: &Arc<api::Operation>) -> Operation {
    let request = vec![copied("$path.org", "$path.organization_id")];
    let told = Lens::new("visit", Wrap::Object, vec![copied("key", "id"), copied("name", "title")]);
    let answer = Answer {
        from: StatusCode::CREATED,
        status: StatusCode::OK,
        body: AnswerBody::Lens(Arc::new(told)),
        reads: None,
        otherwise: None,
        location: None,
        schema: None,
        canonical: None,
    };
    Operation {
        name: "visit".to_owned(),
        method: Method::GET,
        path: parts(&["visits", "{org}"]),
        body: RequestBody::None,
        request: Arc::new(Lens::new("visit", Wrap::Object, request)),
        answer: AnswerPlan::One(vec![answer]),
        ..add_thing(add)
    }
}
