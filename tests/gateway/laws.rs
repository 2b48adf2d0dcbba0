//! The laws of the shipped mappings, tried on documents nobody thought of.
//!
//! A law that fails names the seed of the document it failed on.

use std::collections::HashMap;
use std::sync::Arc;

use http::HeaderMap;
use http::uri::PathAndQuery;
use interlingua::dialect::operation::{AnswerBody, AnswerPlan, RequestBody};
use interlingua::dialect::url::Url;
use interlingua::dialect::{Dialect, Operation, Registry, ShapedLens};
use interlingua::json::{Document, Limits, Writer};
use interlingua::lens::op::Op;
use interlingua::lens::op::each::Item;
use interlingua::lens::op::table::Table;
use interlingua::lens::path::Address;
use interlingua::lens::{Direction, Field, Found, Input, Lens, Lookup, Need, Resolutions, Run, Wrap};
use interlingua::problem::Root;
use interlingua::schema::Schema;
use interlingua::translate::{self, Request, Step};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use self::documents::{canonical, left_document, put, tree, valid_body, valid_request};
use self::instances::{Node, Random};
use crate::support::{Dialects, shipped};

mod asked;
mod back;
mod backwards;
mod documents;
mod heard;
mod instances;
mod kept;
mod shown;
mod told;

pub(crate) use kept::kept_and_told;

/// Every lens of every dialect that has a schema on both sides.
fn lenses(dialects: &Dialects) -> impl Iterator<Item = (&Dialect, &str, &ShapedLens)> {
    dialects.registry.dialects().iter().flat_map(|dialect| {
        dialect.lenses.iter().map(move |(name, shaped)| (&**dialect, name.as_str(), shaped))
    })
}

/// What look-ups give: every organization has a row for each word, and every slug an organization.
#[derive(Default)]
struct World {
    known: HashMap<(Lookup, String), String>,
}

fn row_id(word: &str) -> String {
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, word.as_bytes()).to_string()
}

impl World {
    fn answer(&mut self, dialect: &Dialect, need: &Need) -> Found {
        let words = dialect.roles.iter().flat_map(|table| &table.rows).map(|row| row.is.text().into_owned());
        let rows: HashMap<_, _> = words.map(|word| (row_id(&word), word)).collect();
        Found::Value(match need.direction {
            Direction::Lift => {
                if let Some(word) = rows.get(&need.key) {
                    word.clone()
                } else {
                    let id = row_id(&need.key);
                    self.known.insert((need.of.clone(), id.clone()), need.key.clone());
                    id
                }
            }
            Direction::Lower => {
                let known = self.known.get(&(need.of.clone(), need.key.clone())).cloned();
                known.unwrap_or_else(|| row_id(&need.key))
            }
        })
    }
}

/// The lens with the path parameter that its look-ups lie in, which an operation would give it.
fn scoped(lens: &Lens) -> Lens {
    let organization = Address::parse("$path.organization_id");
    let scope = Field {
        left: organization.clone(),
        right: organization,
        op: Op::Copy,
        when: interlingua::lens::Presence::default(),
        origin: None,
    };
    let fields = lens.fields().iter().cloned().chain([scope]).collect();
    Lens::new(lens.name(), lens.wrap(), fields)
}

/// Runs a lens to its end; None if it refuses.
fn run(
    dialect: &Dialect,
    lens: &Lens,
    direction: Direction,
    body: &Value,
    world: &mut World,
) -> Option<Value> {
    let document = Document::parse(body.to_string().into_bytes(), &Limits::default()).unwrap();
    let path = [("organization_id".into(), "3c90c3cc-0d44-4b50-8888-8dd25736052a".to_owned())];
    let lens = scoped(lens);
    let mut resolutions = Resolutions::default();
    for _ in 0..4 {
        let mut run = Run::new(direction, &resolutions);
        let input = Input { body: Some(document.root()), path: &path, ..Input::default() };
        let output = lens.run(input, &mut run, Writer::new());
        if !run.refusals().is_empty() {
            return None;
        }
        if run.needs().is_empty() {
            let body = output.body.into_vec();
            return Some(if body.is_empty() { json!({}) } else { serde_json::from_slice(&body).unwrap() });
        }
        let needs = run.needs().to_vec();
        for need in needs {
            let found = world.answer(dialect, &need);
            resolutions.insert(need, found);
        }
    }
    panic!("a run without an end");
}

fn get<'v>(value: &'v Value, path: &[Box<str>]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, name| value.get(&**name))
}

/// What a field must be after there and back; None if the mapping declares that it does not come back.
#[expect(clippy::option_option, reason = "what is expected may be that it is absent")]
fn expected(field: &Field, sent: Option<&Value>) -> Option<Option<Value>> {
    let when = &field.when;
    if when.shown
        || when.lift_when.is_some()
        || matches!(field.op, Op::Constant(_) | Op::Fixed(_) | Op::Label(_))
    {
        return None;
    }
    if field.right.as_ref()?.root != Root::Body || field.left.as_ref()?.root != Root::Body {
        return None;
    }
    let Some(sent) = sent else {
        let told = when.default.as_ref().or(when.absent.as_ref());
        return Some(told.map(|literal| literal.value().to_value()));
    };
    Some(Some(sent.clone()))
}

/// The parts of a document that must come back, without those only shown.
fn lossless(lens: &Lens, document: &Value) -> Value {
    let mut kept = json!({});
    for field in lens.fields() {
        let Some(left) = field.left.as_ref().filter(|left| left.root == Root::Body) else { continue };
        if let Some(Some(value)) = expected(field, get(document, &left.path)) {
            let value = match &field.op {
                Op::Nested(nested) if value.is_object() => lossless(&nested.lens, &value),
                Op::Each(each) => match (&each.item, value.as_array()) {
                    (Item::Lens(lens), Some(items)) if lens.wrap() == Wrap::Object => {
                        items.iter().map(|item| lossless(lens, item)).collect()
                    }
                    _ => value,
                },
                _ => value,
            };
            put(&mut kept, &left.path, value);
        }
    }
    kept
}

/// What is said of a request that is refused for the spelling of its ids and for nothing else: a schema seldom says all
/// about ids.
pub(crate) const REFUSED_IDS: &str = "refuses the ids of a request";

/// What a lens makes of a dialect's document and back; none if it has no such document.
///
/// # Errors
///
/// What does not come back, or is refused on the way.
pub(crate) fn there_and_home(
    dialects: &Dialects,
    dialect: &Dialect,
    shaped: &ShapedLens,
    seed: u64,
) -> Result<Option<Value>, String> {
    let lens = &shaped.lens;
    let Some(sent) = left_document(dialects, dialect, lens, seed) else { return Ok(None) };
    let mut world = World::default();
    let lifted = run(dialect, lens, Direction::Lift, &sent, &mut world);
    let lifted = lifted.ok_or_else(|| format!("{dialect}.{} refuses {sent}", lens.name()))?;
    let lowered = run(dialect, lens, Direction::Lower, &lifted, &mut world);
    let lowered = lowered.ok_or_else(|| format!("{dialect}.{} cannot lower {lifted}", lens.name()))?;
    let (came, went) = (lossless(lens, &lowered), lossless(lens, &sent));
    if came != went {
        return Err(format!("{dialect}.{}: {went} comes back as {came}, by way of {lifted}", lens.name()));
    }
    Ok(Some(lifted))
}

/// What a lens tells of a canonical document; none if it refuses to, or has no schema of one.
///
/// # Errors
///
/// What was told cannot be read, or is told otherwise when it was.
pub(crate) fn told_and_told_again(
    dialects: &Dialects,
    dialect: &Dialect,
    shaped: &ShapedLens,
    seed: u64,
) -> Result<Option<Value>, String> {
    let lens = &shaped.lens;
    let Some(told) = told(dialects, dialect, shaped, seed) else { return Ok(None) };
    let (told, mut world) = told;
    let lifted = run(dialect, lens, Direction::Lift, &told, &mut world);
    let lifted = lifted.ok_or_else(|| format!("{dialect}.{} tells {told} and refuses it", lens.name()))?;
    let again = run(dialect, lens, Direction::Lower, &lifted, &mut world);
    let again = again.ok_or_else(|| format!("{dialect}.{} cannot lower {lifted}", lens.name()))?;
    let (first, second) = (lossless(lens, &told), lossless(lens, &again));
    if first != second {
        return Err(format!("{dialect}.{} tells {first}, and then {second}", lens.name()));
    }
    Ok(Some(told))
}

/// What a lens tells of a canonical document; none if it refuses to, or has no schema of one.
///
/// # Errors
///
/// What it tells is not what its schema allows.
pub(crate) fn told_as_it_should(
    dialects: &Dialects,
    dialect: &Dialect,
    shaped: &ShapedLens,
    seed: u64,
) -> Result<Option<Value>, String> {
    let (Some(schema), Some(right)) = (&shaped.left, &shaped.right) else { return Ok(None) };
    let canonical = canonical(dialects, right, seed);
    let document =
        Document::parse(canonical.to_string().into_bytes(), &Limits::default()).expect("it is JSON");
    let may_be = right.is_valid(document.root()) && may_come(dialect, &shaped.lens, &canonical);
    let told = told(dialects, dialect, shaped, seed).filter(|_| may_be);
    let Some((told, _)) = told else { return Ok(None) };
    let document = Document::parse(told.to_string().into_bytes(), &Limits::default()).expect("it is JSON");
    let violations = schema.violations(document.root(), 3);
    if violations.is_empty() {
        return Ok(Some(told));
    }
    Err(format!("{dialect}.{} tells {told}: {violations:?}", shaped.lens.name()))
}

/// Whether what a lens tells of may come to it: a list may promise more of each element than the schema of one does.
fn may_come(dialect: &Dialect, lens: &Lens, canonical: &Value) -> bool {
    let text = json!({"items": [canonical]}).to_string();
    let list = Document::parse(text.into_bytes(), &Limits::default()).expect("it is JSON");
    let plans = dialect.operations.iter().filter_map(|operation| match &operation.answer {
        AnswerPlan::One(plans) => Some(plans),
        AnswerPlan::Collect(_) => None,
    });
    let comes = plans.flatten().filter_map(|plan| match &plan.body {
        AnswerBody::Items { lens: own, .. } if own.name() == lens.name() => {
            let violations = plan.canonical.as_ref()?.violations(list.root(), 50);
            Some(violations.iter().all(|violation| violation.path.len() < 2))
        }
        AnswerBody::Lens(own) if own.name() == lens.name() => Some(true),
        AnswerBody::Constant(_) | AnswerBody::Empty | AnswerBody::Items { .. } | AnswerBody::Lens(_) => None,
    });
    let comes: Vec<bool> = comes.collect();
    comes.is_empty() || comes.contains(&true)
}

/// What a lens tells of some canonical document, with what was looked up for it.
fn told(dialects: &Dialects, dialect: &Dialect, shaped: &ShapedLens, seed: u64) -> Option<(Value, World)> {
    let canonical = canonical(dialects, shaped.right.as_ref()?, seed);
    let mut world = World::default();
    let told = run(dialect, &shaped.lens, Direction::Lower, &canonical, &mut world)?;
    Some((told, world))
}

/// The bodies of the calls that a request becomes; none if there is no such request.
///
/// # Errors
///
/// A call that has no target, or a body its schema does not allow.
pub(crate) fn calls_that_fit(
    dialects: &Dialects,
    dialect: &Arc<Dialect>,
    operation: &Arc<Operation>,
    seed: u64,
) -> Result<Option<Vec<String>>, String> {
    let Some(request) = valid_request(dialects, dialect, operation, seed) else { return Ok(None) };
    let Some(lifted) = complete(&dialects.registry, dialect, &request)? else { return Ok(None) };
    let mut calls = Vec::new();
    for call in lifted.calls {
        let target = call.target().ok_or_else(|| format!("{dialect}.{}: no target", operation.name))?;
        let mut told = target;
        if let Some(schema) = &call.operation.body {
            let body = String::from_utf8(call.body.unwrap_or_default()).expect("a body is text");
            let document = Document::parse(body.clone().into_bytes(), &Limits::default());
            let document = document.map_err(|error| format!("{dialect}.{}: {error}", operation.name))?;
            let schema = dialects.schemas.schema("canonical", schema).expect("a call has a schema");
            let violations = schema.violations(document.root(), 3);
            if !violations.is_empty() {
                return Err(format!("{dialect}.{}: {body}: {violations:?}", operation.name));
            }
            told = format!("{told} {body}");
        }
        calls.push(told);
    }
    Ok(Some(calls))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_lifted_is_lowered_to_what_was_sent(seed: u64) {
        for (dialect, _, shaped) in lenses(shipped()) {
            let outcome = there_and_home(shipped(), dialect, shaped, seed);
            prop_assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
        }
    }

    #[test]
    fn what_was_lowered_once_is_lowered_the_same_again(seed: u64) {
        for (dialect, _, shaped) in lenses(shipped()) {
            let outcome = told_and_told_again(shipped(), dialect, shaped, seed);
            prop_assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
        }
    }

    #[test]
    fn a_valid_request_becomes_calls_the_canonical_api_accepts(seed: u64) {
        for dialect in shipped().registry.dialects() {
            for operation in &dialect.operations {
                let outcome = calls_that_fit(shipped(), dialect, operation, seed);
                prop_assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
            }
        }
    }

    #[test]
    fn no_request_panics(seed: u64, noise in "\\PC{0,40}", query in "\\PC{0,20}") {
        let shipped = shipped();
        for dialect in shipped.registry.dialects() {
            for operation in &dialect.operations {
                let body = match Random::new(seed).below(3) {
                    0 => noise.clone(),
                    1 => json!({"emails": [noise, {"email": 7}], "role": noise, "email": [noise]}).to_string(),
                    _ => match valid_body(shipped, operation, seed) {
                        Some(body) => body.to_string().replacen('"', &noise, 1),
                        None => continue,
                    },
                };
                let path = operation.template().replace('{', "").replace('}', &noise);
                let path = format!("/{dialect}{}{path}", dialect.prefix);
                let Ok(selected) = shipped.registry.select(&operation.method, None, &path, &HeaderMap::new())
                else { continue };
                let body = Document::parse(body.into_bytes(), &Limits::default()).ok();
                let target = PathAndQuery::try_from(format!("/?{query}"));
                let url = Url::of(target.unwrap_or(PathAndQuery::from_static("/")));
                let Ok(request) = Request::new(selected, url, body) else { continue };
                let _checked = translate::check(&request);
                let _lifted = translate::lift::lift(shipped.registry.api(), &request, &Resolutions::default());
            }
        }
    }
}

/// What a request becomes; none if the mapping declares that it is refused.
fn complete(
    registry: &Registry,
    dialect: &Dialect,
    request: &Request,
) -> Result<Option<translate::lift::Lifted>, String> {
    let mut world = World::default();
    let mut resolutions = Resolutions::default();
    for _ in 0..4 {
        match translate::lift::lift(registry.api(), request, &resolutions) {
            Ok(Step::Done(lifted)) => return Ok(Some(lifted)),
            Ok(Step::Needs(needs)) => {
                for need in needs {
                    let rows = dialect.roles.as_ref().map_or(1, |table| table.rows.len());
                    let Lookup::Resolver(resolver) = need.of else { panic!("no id map was promised") };
                    let role = dialect.resolvers[resolver].right == "role";
                    let found = match (role, &dialect.roles) {
                        // Any row of the organization: the generated id is nobody's.
                        (true, Some(table)) => {
                            Found::Value(table.rows[need.key.len() % rows].is.text().into_owned())
                        }
                        _ => world.answer(dialect, &need),
                    };
                    resolutions.insert(need, found);
                }
            }
            // Declared by `fixed`: the schema knows more values than a client may send.
            Err(problem) if problem.violations.iter().all(|violation| violation.kind == "const") => {
                return Ok(None);
            }
            Err(problem) => {
                let is_id =
                    problem.violations.iter().all(|violation| matches!(&*violation.kind, "id" | "const"));
                let what = if is_id { REFUSED_IDS } else { "refuses a valid request" };
                return Err(format!("{dialect}.{} {what}: {problem:?}", request.operation.name));
            }
        }
    }
    Err(format!("{dialect}.{}: a request without an end", request.operation.name))
}

#[test]
fn every_canonical_role_has_a_word_or_a_reason_in_every_dialect() {
    let shipped = shipped();
    let roles = &shipped.registry.api().roles;
    for dialect in shipped.registry.dialects() {
        let Some(table) = &dialect.roles else { continue };
        for role in roles.all() {
            let name = roles.name(role);
            let row = table.rows.iter().any(|row| row.is.text() == name);
            let landed = table.lands.iter().any(|(word, _)| word.text() == name);
            assert!(row != landed, "{dialect}: {name} must have a row or a landing, and not both");
        }
    }
}

#[test]
fn every_word_of_a_table_comes_back_as_itself() {
    let shipped = shipped();
    for (dialect, name, shaped) in lenses(shipped) {
        for field in shaped.lens.fields() {
            let Op::Table(table) = &field.op else { continue };
            there_and_back(dialect, name, table);
        }
    }
}

fn there_and_back(dialect: &Dialect, name: &str, table: &Arc<Table>) {
    let address = Address::parse("w").unwrap();
    let field = Field {
        left: Some(address.clone()),
        right: Some(address),
        op: Op::Table(Arc::clone(table)),
        when: interlingua::lens::Presence::default(),
        origin: None,
    };
    let lens = Lens::new("word", Wrap::Object, vec![field]);
    for row in &table.rows {
        let sent = json!({"w": tree(&row.word)});
        let lifted = run(dialect, &lens, Direction::Lift, &sent, &mut World::default()).unwrap();
        assert_eq!(lifted, json!({"w": tree(&row.is)}), "{dialect}.{name}");
        assert_eq!(run(dialect, &lens, Direction::Lower, &lifted, &mut World::default()), Some(sent));
    }
}
