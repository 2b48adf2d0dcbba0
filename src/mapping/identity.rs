//! The canonical API as a dialect: for clients that speak canonical already, in front of a backend that does not yet.
//!
//! There is no mapping of it, since everything is what it is. Its answers promise nothing of their own: they say what the
//! backend's API tells.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use http::header::AUTHORIZATION;
use regex::Regex;

use super::CANONICAL;
use crate::canonical::api::{self, Api};
use crate::canonical::id::{IdCodec, IdForm};
use crate::dialect::operation::{Answer, AnswerBody, AnswerPlan, RequestBody};
use crate::dialect::{Credential, Dialect, ErrorShape, Operation, Origins, Quota};
use crate::lens::op::Op;
use crate::lens::op::id::Id;
use crate::lens::path::Address;
use crate::lens::{Field, Lens, Presence, Wrap};
use crate::problem::Root;
use crate::schema::Store;

/// What RFC 6750 lets a token be, in section 2.1. Compiled once: its thousands of states take as long as all else that
/// a small mapping is loaded with.
static TOKEN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("^[0-9A-Za-z._~+/-]{1,4096}=*$").ok());

/// The dialect; none if a schema is missing, which is told elsewhere.
pub(super) fn dialect(api: &Api, schemas: &Store) -> Option<Dialect> {
    let operations = api.operations.iter().map(|calls| operation(calls, schemas).map(Arc::new));
    let credential =
        Credential { header: AUTHORIZATION, scheme: Some("Bearer".to_owned()), pattern: TOKEN.clone()? };
    Some(Dialect {
        name: CANONICAL.to_owned(),
        title: api.title.clone(),
        extends: Vec::new(),
        select: None,
        hosts: Vec::new(),
        prefix: String::new(),
        wrong_slash: None,
        credentials: vec![credential],
        quota: Quota::default(),
        retirement: None,
        errors: ErrorShape::standard(),
        resolvers: Vec::new(),
        operations: operations.collect::<Option<_>>()?,
        ids: BTreeMap::new(),
        roles: None,
        lenses: BTreeMap::new(),
        losses: Vec::new(),
        exceptions: Vec::new(),
        untold: Vec::new(),
        origins: Origins::default(),
    })
}

fn operation(calls: &Arc<api::Operation>, schemas: &Store) -> Option<Operation> {
    let body = match &calls.body {
        Some(name) => RequestBody::One { schema: Arc::clone(schemas.schema(CANONICAL, name)?) },
        None => RequestBody::None,
    };
    let uuid = || IdCodec { written: IdForm::Uuid, accepted: vec![IdForm::Uuid] };
    let id = || Op::Id(Id::computed(uuid(), uuid()));
    let parameter = |root, name: &str| Address { root, path: vec![name.into()] };
    let path = calls.parameters().map(|name| same(parameter(Root::Path, name), id()));
    let query = calls.query.iter().map(|name| same(parameter(Root::Query, name), Op::Copy));
    let whole = calls.body.iter().map(|_| same(Address::whole(), Op::Copy));
    let lens = |fields: Vec<Field>| Arc::new(Lens::new(calls.name.as_str(), Wrap::Object, fields));
    let answers = calls.answers.iter().map(|(status, schema)| Answer {
        from: *status,
        status: *status,
        reads: None,
        body: match schema {
            Some(_) => AnswerBody::Lens(lens(vec![same(Address::whole(), Op::Copy)])),
            None => AnswerBody::Empty,
        },
        otherwise: None,
        location: None,
        schema: None,
        canonical: schema.as_deref().and_then(|name| schemas.schema(CANONICAL, name)).map(Arc::clone),
    });
    Some(Operation {
        name: calls.name.clone(),
        method: calls.method.clone(),
        path: calls.path.clone(),
        parameters: None,
        body,
        request: lens(whole.chain(path).chain(query).collect()),
        calls: Arc::clone(calls),
        guard: None,
        answer: AnswerPlan::One(answers.collect()),
        page: None,
        gather: None,
        cases: Vec::new(),
        settled: Vec::new(),
        folds: Vec::new(),
        retirement: None,
        watches: Vec::new(),
    })
}

fn same(at: Address, op: Op) -> Field {
    Field { left: Some(at.clone()), right: Some(at), op, when: Presence::default(), origin: None }
}
