//! An API of the tests' own: one operation for one thing and one for several, in an organization that is named by its
//! slug.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderValue, Method, StatusCode};
use regex::Regex;

use crate::canonical::api::{self, Api, PageNames, PathPart};
use crate::canonical::id::{IdCodec, IdForm};
use crate::canonical::role::Roles;
use crate::diag::Sources;
use crate::dialect::errors::{ErrorShape, Slot, Template};
use crate::dialect::operation::{Answer, AnswerBody, AnswerPlan, Collect, Gather, RequestBody, Settled};
use crate::dialect::{Credential, Dialect, Operation, Quota, Registry, Resolver};
use crate::lens::op::id::{Id, Imported};
use crate::lens::op::{Op, resolve};
use crate::lens::path::Address;
use crate::lens::{Field, Lens, Presence, Wrap};
use crate::limit;
use crate::schema::{Schema, SchemaFile, Store};

mod homes;
mod update;
mod visits;

/// The one dialect there is, and what it is a dialect of.
pub(super) fn registry() -> Registry {
    with_generations(&[])
}

/// The same, and older generations of those names.
pub(super) fn with_generations(names: &[&str]) -> Registry {
    let organizations = Arc::new(api::Operation {
        name: "organizations.list".to_owned(),
        method: Method::GET,
        path: parts(&["v1", "organizations"]),
        query: vec!["slug".to_owned()],
        body: None,
        reads: None,
        changes: Vec::new(),
        answers: vec![(StatusCode::OK, None)],
    });
    let add = Arc::new(api::Operation {
        name: "things.add".to_owned(),
        method: Method::POST,
        path: parts(&["v1", "organizations", "{organization_id}", "things"]),
        query: Vec::new(),
        body: Some("thing".to_owned()),
        reads: None,
        changes: Vec::new(),
        answers: vec![(StatusCode::CREATED, None)],
    });
    let list = Arc::new(api::Operation {
        name: "things.list".to_owned(),
        method: Method::GET,
        path: parts(&["v1", "organizations", "{organization_id}", "things"]),
        query: Vec::new(),
        reads: None,
        changes: Vec::new(),
        body: None,
        answers: vec![(StatusCode::OK, None)],
    });
    let homes = homes::canonical();
    let api = Api {
        title: "Things".to_owned(),
        page: PageNames::usual(),
        roles: Arc::new(Roles::new()),
        operations: vec![Arc::clone(&organizations), Arc::clone(&add), Arc::clone(&list), Arc::clone(&homes)],
        keys: std::collections::BTreeMap::new(),
    };
    let dialect = || {
        let mut dialect = dialect(Arc::clone(&organizations), &add, Arc::clone(&list));
        dialect.resolvers.push(Arc::new(homes::resolver(&dialect.resolvers[0])));
        dialect.operations.extend(homes::operations(&add, &homes).map(Arc::new));
        dialect.operations.extend(update::operations(&update::canonical()).map(Arc::new));
        dialect.operations.extend(visits::operations(&add, &list).map(Arc::new));
        dialect
    };
    let generation =
        |name: &&str| Dialect { name: (*name).to_owned(), extends: vec!["acme".to_owned()], ..dialect() };
    let generations = names.iter().map(generation);
    Registry::new(Arc::new(api), std::iter::once(dialect()).chain(generations).map(Arc::new).collect())
}

fn dialect(
    organizations: Arc<api::Operation>,
    add: &Arc<api::Operation>,
    list: Arc<api::Operation>,
) -> Dialect {
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
        extends: Vec::new(),
        select: None,
        hosts: Vec::new(),
        prefix: "/api".to_owned(),
        wrong_slash: None,
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
        operations: vec![Arc::new(add_thing(add)), Arc::new(add_things(add)), Arc::new(list_things(list))],
        ids: BTreeMap::new(),
        roles: None,
        losses: Vec::new(),
        exceptions: Vec::new(),
        untold: Vec::new(),
        retirement: None,
        origins: crate::dialect::Origins::default(),
        lenses: BTreeMap::new(),
    }
}

fn add_thing(add: &Arc<api::Operation>) -> Operation {
    let thing = Lens::new("thing", Wrap::Object, vec![copied("key", "id"), copied("name", "title")]);
    Operation {
        name: "add_thing".to_owned(),
        method: Method::POST,
        path: parts(&["orgs", "{org}", "things"]),
        parameters: None,
        body: RequestBody::One { schema: schema("thing") },
        request: to_call(),
        calls: Arc::clone(add),
        guard: None,
        answer: AnswerPlan::One(vec![Answer {
            from: StatusCode::CREATED,
            status: StatusCode::CREATED,
            body: AnswerBody::Lens(Arc::new(thing)),
            reads: None,
            otherwise: None,
            location: None,
            schema: None,
            canonical: Some(schema("canonical")),
        }]),
        page: None,
        gather: None,
        cases: Vec::new(),
        settled: vec![Settled { from: StatusCode::LOCKED, status: StatusCode::NO_CONTENT }],
        folds: Vec::new(),
        retirement: None,
        watches: Vec::new(),
    }
}

fn add_things(add: &Arc<api::Operation>) -> Operation {
    let failed = Gather::Failed(Template::new(vec![(vec!["code".into()], Slot::Code)]));
    Operation {
        name: "add_things".to_owned(),
        method: Method::POST,
        path: parts(&["orgs", "{org}", "things", "bulk"]),
        parameters: None,
        body: RequestBody::Each {
            schema: schema("things"),
            over: Address::parse("things").unwrap(),
            one: false,
            limit: 100,
            otherwise: None,
        },
        request: to_call(),
        calls: Arc::clone(add),
        guard: None,
        answer: AnswerPlan::Collect(Collect {
            fields: vec![("made".to_owned(), Gather::Count), ("failed".to_owned(), failed)],
            all: StatusCode::CREATED,
            some: StatusCode::MULTI_STATUS,
            none: None,
            schema: None,
            canonical: Some(schema("canonical")),
        }),
        page: None,
        gather: None,
        cases: Vec::new(),
        settled: Vec::new(),
        folds: Vec::new(),
        retirement: None,
        watches: Vec::new(),
    }
}

/// The things of an organization that is named by its id. Ids of either kind may have been imported.
fn list_things(list: Arc<api::Operation>) -> Operation {
    let id = |left: &str, right: &str, kind: &str, within: Option<&str>| Field {
        left: Address::parse(left),
        right: Address::parse(right),
        op: Op::Id(Id {
            dialect: IdCodec { written: IdForm::ShortUuid, accepted: vec![IdForm::ShortUuid, IdForm::Uuid] },
            canonical: IdCodec { written: IdForm::Uuid, accepted: vec![IdForm::Uuid] },
            imported: Some(Imported { kind: kind.into(), within: within.map(str::to_owned) }),
        }),
        when: Presence::default(),
        origin: None,
    };
    let thing = vec![id("key", "id", "thing", Some("organization_id")), copied("name", "title")];
    let request = vec![
        id("$path.org", "$path.organization_id", "organization", None),
        id("$query.after", "$query.after_id", "thing", Some("organization_id")),
    ];
    Operation {
        name: "list_things".to_owned(),
        method: Method::GET,
        path: parts(&["lists", "{org}", "things"]),
        parameters: None,
        body: RequestBody::None,
        request: Arc::new(Lens::new("list_things", Wrap::Object, request)),
        calls: list,
        guard: None,
        answer: AnswerPlan::One(vec![Answer {
            from: StatusCode::OK,
            status: StatusCode::OK,
            body: AnswerBody::Items {
                lens: Arc::new(Lens::new("thing", Wrap::Object, thing)),
                under: Vec::new(),
                omits: None,
                only: Vec::new(),
            },
            reads: None,
            otherwise: None,
            location: None,
            schema: None,
            canonical: None,
        }]),
        page: None,
        gather: None,
        cases: Vec::new(),
        settled: Vec::new(),
        folds: Vec::new(),
        retirement: None,
        watches: Vec::new(),
    }
}

/// The organization by its slug, and the thing's name.
fn to_call() -> Arc<Lens> {
    let organization = by_slug(0, "$path.org", "$path.organization_id");
    Arc::new(Lens::new("add_thing", Wrap::Object, vec![organization, copied("name", "title")]))
}

/// An organization that is named by its slug, which the resolver of that index finds.
fn by_slug(index: usize, left: &str, right: &str) -> Field {
    let resolver =
        resolve::Resolver { index, scope: Vec::new(), pattern: None, id: None, accepted: Vec::new() };
    Field { op: Op::Resolve(resolve::Resolve(resolver)), ..copied(left, right) }
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

const CANONICAL: &str = r#"{"type": "object", "required": ["id", "title"], "properties": {"id": {"type": "string"},
    "title": {"enum": ["Lamp", "Desk"]}, "labels": {"additionalProperties": {"type": "string"}}}}"#;
const ANYTHING: &str = r#"{"type": "object"}"#;

fn schema(name: &str) -> Arc<Schema> {
    let mut sources = Sources::default();
    let file = |(name, text): (&str, &str)| SchemaFile {
        source: sources.add(name, text),
        folder: "acme".to_owned(),
        name: name.to_owned(),
        text: text.to_owned(),
    };
    let (store, found) = Store::load(
        [("anything", ANYTHING), ("canonical", CANONICAL), ("thing", THING), ("things", THINGS)]
            .map(file)
            .into(),
    );
    assert_eq!(found, []);
    Arc::clone(store.schema("acme", name).unwrap())
}
