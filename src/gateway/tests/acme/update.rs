//! Changing a thing, and several: whose it is is told in two words, and there are three.

use std::sync::Arc;

use http::{Method, StatusCode};

use super::{copied, parts, schema};
use crate::canonical::api;
use crate::dialect::Operation;
use crate::dialect::operation::{Answer, AnswerBody, AnswerPlan, Collect, Gather, Guard, RequestBody};
use crate::lens::keep::Keep;
use crate::lens::op::Op;
use crate::lens::op::table::{Landing, Row, Table, Word};
use crate::lens::path::{Address, Literal};
use crate::lens::{Field, Lens, Wrap};

/// The operations of the canonical API that change a thing and read it.
pub(super) fn canonical() -> [Arc<api::Operation>; 2] {
    let operation = |name: &str, method: Method, reads: Option<&str>| {
        Arc::new(api::Operation {
            name: name.to_owned(),
            method,
            path: parts(&["v1", "things", "{thing_id}"]),
            query: Vec::new(),
            body: reads.map(str::to_owned),
            reads: reads.map(str::to_owned),
            changes: Vec::new(),
            answers: vec![(StatusCode::OK, None)],
        })
    };
    [
        operation("things.update", Method::PATCH, Some("things.get")),
        operation("things.get", Method::GET, None),
    ]
}

/// `PATCH /things/{key}` for one, `PATCH /things` for several.
pub(super) fn operations([update, get]: &[Arc<api::Operation>; 2]) -> [Operation; 2] {
    let one = Answer {
        from: StatusCode::OK,
        status: StatusCode::OK,
        body: AnswerBody::Lens(Arc::new(Lens::new(
            "thing",
            Wrap::Object,
            vec![copied("name", "title"), whose()],
        ))),
        reads: None,
        otherwise: None,
        location: None,
        schema: None,
        canonical: None,
    };
    let many = Collect {
        fields: vec![("changed".to_owned(), Gather::Count)],
        all: StatusCode::OK,
        some: StatusCode::MULTI_STATUS,
        none: None,
        schema: None,
        canonical: None,
    };
    let each = RequestBody::Each {
        schema: schema("anything"),
        over: Address::parse("things").unwrap(),
        one: false,
        limit: 100,
        otherwise: None,
    };
    let operation = |name: &str, path: &[&str], key: &str, body, answer| {
        let fields = vec![copied(key, "$path.thing_id"), copied("name", "title"), whose()];
        let request = Lens::new(name, Wrap::Object, fields);
        let keep = Keep::new(&request, &[], |_| true);
        Operation {
            name: name.to_owned(),
            method: Method::PATCH,
            path: parts(path),
            parameters: None,
            body,
            request: Arc::new(request),
            calls: Arc::clone(update),
            guard: Some(Guard { reads: Arc::clone(get), keep }),
            answer,
            page: None,
            gather: None,
            cases: Vec::new(),
            settled: Vec::new(),
            folds: Vec::new(),
            retirement: None,
            watches: Vec::new(),
        }
    };
    let body = RequestBody::One { schema: schema("anything") };
    [
        operation("update_thing", &["things", "{key}"], "$path.key", body, AnswerPlan::One(vec![one])),
        operation("update_things", &["things"], "key", each, AnswerPlan::Collect(many)),
    ]
}

/// `mine` or `1`, and `ours`; what is lent is told as `ours`.
fn whose() -> Field {
    let word = |json: &str| Word::new(Literal::parse(json).unwrap()).unwrap();
    let row = |text: &str, also: &[&str], is: &str| Row {
        word: word(text),
        also: also.iter().copied().map(word).collect(),
        is: word(is),
        label: None,
        origin: None,
    };
    let table = Table {
        name: "whose".to_owned(),
        noun: "value",
        rows: vec![row("\"mine\"", &["1"], "\"own\""), row("\"ours\"", &["2"], "\"shared\"")],
        lands: vec![(word("\"lent\""), Landing::Row(1))],
        lands_at: Vec::new(),
        lands_lost: Vec::new(),
    };
    Field { op: Op::Table(Arc::new(table)), ..copied("whose", "owner.kind") }
}
