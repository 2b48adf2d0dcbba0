//! A GET that adds something: nobody asks for it twice, and nobody for its head alone. And things of which only lamps can be
//! told: added one by one and several at once, and read.

use std::sync::Arc;

use http::{Method, StatusCode};

use super::{add_thing, add_things, copied, list_things, parts};
use crate::canonical::api;
use crate::dialect::Operation;
use crate::dialect::operation::{Answer, AnswerBody, AnswerPlan, Collect, Gather, RequestBody};
use crate::lens::op::Op;
use crate::lens::op::table::{Landing, Row, Table, Word};
use crate::lens::path::Literal;
use crate::lens::{Field, Lens, Wrap};

/// `GET /visits/{org}`, which adds a thing to the organization of that id; `POST /orgs/{org}/lamps`, which adds several to
/// that of a slug; and `GET /lamps/{org}`, which lists them.
pub(super) fn operations(add: &Arc<api::Operation>, list: &Arc<api::Operation>) -> [Operation; 3] {
    let request =
        Arc::new(Lens::new("visit", Wrap::Object, vec![copied("$path.org", "$path.organization_id")]));
    let told = Arc::new(Lens::new("lamp", Wrap::Object, vec![copied("key", "id"), lamp()]));
    let answer = |from, body| {
        AnswerPlan::One(vec![Answer {
            from,
            status: StatusCode::OK,
            body,
            reads: None,
            otherwise: None,
            location: None,
            schema: None,
            canonical: None,
        }])
    };
    let items =
        AnswerBody::Items { lens: Arc::clone(&told), under: Vec::new(), omits: None, only: Vec::new() };
    let collect = Collect {
        fields: vec![("lamps".to_owned(), Gather::Lens(Arc::clone(&told)))],
        all: StatusCode::CREATED,
        some: StatusCode::MULTI_STATUS,
        none: None,
        schema: None,
        canonical: None,
    };
    [
        Operation {
            name: "visit".to_owned(),
            method: Method::GET,
            path: parts(&["visits", "{org}"]),
            body: RequestBody::None,
            request: Arc::clone(&request),
            answer: answer(StatusCode::CREATED, AnswerBody::Lens(told)),
            ..add_thing(add)
        },
        Operation {
            name: "add_lamps".to_owned(),
            path: parts(&["orgs", "{org}", "lamps"]),
            answer: AnswerPlan::Collect(collect),
            ..add_things(add)
        },
        Operation {
            name: "list_lamps".to_owned(),
            path: parts(&["lamps", "{org}"]),
            request,
            answer: answer(StatusCode::OK, items),
            ..list_things(Arc::clone(list))
        },
    ]
}

/// The title of a thing, which has no word if it is a desk.
fn lamp() -> Field {
    let word = |json: &str| Word::new(Literal::parse(json).unwrap()).unwrap();
    let row =
        Row { word: word("\"Lamp\""), also: Vec::new(), is: word("\"Lamp\""), label: None, origin: None };
    let table = Table {
        name: "lamp".to_owned(),
        noun: "value",
        rows: vec![row],
        lands: vec![(word("\"Desk\""), Landing::Refuse("it gives no light".to_owned()))],
        lands_at: Vec::new(),
        lands_lost: Vec::new(),
    };
    Field { op: Op::Table(Arc::new(table)), ..copied("name", "title") }
}
