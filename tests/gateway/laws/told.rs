//! What a dialect's answer tells: what was lowered and told is what it was, wherever the reader says that it tells it
//! exactly, and what was told and is lowered again is told as it was.
//!
//! The answers are made from the canonical schemas, and those of the golden cases.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use http::StatusCode;
use interlingua::canonical::api::Call;
use interlingua::problem::{ErrorStatus, Place, Problem, Segment, Violation};
use interlingua::translate::answer::{Answer, answered};
use interlingua::translate::compare::Masks;
use interlingua::translate::lift::Lifted;
use interlingua::translate::lower::lower;
use interlingua::translate::reverse::told::{Asked, Heard, Outcome, Reader, Telling};

use super::backwards::operations;
use super::*;
use crate::golden::case::{self, Case};
use crate::support;
use crate::support::backend::Backend;

/// What look-ups found so far, for both ways.
#[derive(Default)]
struct Known {
    world: World,
    resolutions: Resolutions,
}

impl Known {
    /// Goes on until nothing has to be looked up any more.
    fn complete<T, E>(
        &mut self,
        dialect: &Dialect,
        step: impl Fn(&Resolutions) -> Result<Step<T>, E>,
    ) -> Result<T, E> {
        for _ in 0..6 {
            match step(&self.resolutions)? {
                Step::Done(done) => return Ok(done),
                Step::Needs(needs) => {
                    for need in needs {
                        let found = self.world.answer(dialect, &need);
                        self.resolutions.insert(need, found);
                    }
                }
            }
        }
        panic!("look-ups without an end");
    }
}

fn document(value: &Value) -> Document {
    Document::parse(value.to_string().into_bytes(), &Limits::default()).unwrap()
}

/// What the client gets; none if it is refused, or if items were left out.
fn lowered(
    dialect: &Dialect,
    request: &Request,
    lifted: &Lifted,
    answer: Answer,
    known: &mut Known,
) -> Option<(StatusCode, Option<Document>)> {
    let answers = [Ok(answer)];
    let api = shipped().registry.api();
    let lowered = known.complete(dialect, |known| lower(api, request, lifted, &answers, known)).ok()?;
    let body = lowered.body.map(|body| Document::parse(body, &Limits::default()).unwrap());
    (lowered.omitted == 0).then_some((lowered.status, body))
}

fn told(
    reader: &Reader,
    lifted: &Lifted,
    (status, body): &(StatusCode, Option<Document>),
    known: &mut Known,
) -> Result<Option<Outcome>, String> {
    let asked = Asked { path: &lifted.calls[0].path, page: lifted.page, items: &[] };
    let heard = Heard { status: *status, retry_after: None, body: body.as_ref().map(Document::root) };
    let told = known.complete(reader.dialect(), |known| reader.told(&asked, &heard, known));
    let told = told.map_err(|problem| format!("{}: {:?}", problem.code, problem.cause))?;
    let [outcome] = <[_; 1]>::try_from(told.outcomes).expect("one call has one outcome");
    Ok(outcome)
}

/// Every value of a document that is no object and no list, by its place; empty ones count as values.
fn leaves(value: &Value, at: &mut Vec<Segment>, found: &mut Vec<(Vec<Segment>, Value)>) {
    let is_leaf = value.as_object().is_none_or(Map::is_empty) && value.as_array().is_none_or(Vec::is_empty);
    if is_leaf {
        found.push((at.clone(), value.clone()));
    }
    for (name, member) in value.as_object().into_iter().flatten() {
        at.push(Segment::Name(name.clone()));
        leaves(member, at, found);
        at.pop();
    }
    for (index, element) in value.as_array().into_iter().flatten().enumerate() {
        at.push(Segment::Index(index));
        leaves(element, at, found);
        at.pop();
    }
}

fn at<'v>(value: &'v Value, place: &[Segment]) -> Option<&'v Value> {
    place.iter().try_fold(value, |value, segment| match segment {
        Segment::Name(name) => value.get(name),
        Segment::Index(index) => value.get(index),
    })
}

/// What is told otherwise than it is, of what is told exactly; and how many values that were.
fn differences(reader: &Reader, status: StatusCode, was: &Value, told: &Value) -> (Vec<String>, usize) {
    let (mut wrong, mut exact) = (Vec::new(), 0);
    let (mut own, mut read) = (Vec::new(), Vec::new());
    leaves(was, &mut Vec::new(), &mut own);
    leaves(told, &mut Vec::new(), &mut read);
    for (place, value) in own {
        if reader.tells(status, &place) != Telling::Exactly {
            continue;
        }
        exact += 1;
        let is_same = match at(told, &place) {
            Some(told) => *told == value,
            // Within what is null there is nothing, and what is null may be left out.
            None => value.is_null(),
        };
        if !is_same {
            wrong.push(format!("{:?} is {value} and told as {:?}", place, at(told, &place)));
        }
    }
    for (place, value) in read {
        if reader.tells(status, &place) == Telling::Nothing && !value.as_object().is_some_and(Map::is_empty) {
            wrong.push(format!("{place:?} is told as {value}, which nobody announced"));
        }
    }
    (wrong, exact)
}

/// Looks at one answer of the backend, told and told again. How many values were told exactly.
fn look(
    reader: &Reader,
    request: &Request,
    lifted: &Lifted,
    (status, canonical): (StatusCode, &Value),
) -> Result<Option<usize>, String> {
    let (dialect, name) = (reader.dialect(), &reader.operation().name);
    let mut known = Known::default();
    let answer = Answer { status, body: Some(document(canonical)) };
    let Some(shown) = lowered(dialect, request, lifted, answer, &mut known) else { return Ok(None) };
    let shown_text = shown.1.as_ref().map_or("", |body| body.text()).to_owned();
    let others = shown_otherwise(dialect, reader.operation(), lifted, &shown);
    if !others.is_empty() {
        return Err(format!("{dialect} {name}: shows {others:?} in {shown_text}"));
    }
    let first = told(reader, lifted, &shown, &mut known);
    let first = first.map_err(|why| format!("{dialect} {name}: {why} of {shown_text}"))?;
    let Some(first) = first else { return Ok(None) }; // several outcomes are told so
    let first =
        first.map_err(|problem| format!("{dialect} {name}: a refusal, {problem:?}, of {shown_text}"))?;
    let Some(body) = &first.body else { return Ok(None) };
    if first.status != status {
        return Err(format!("{dialect} {name}: {status} is told as {}", first.status));
    }
    let read = body.root().to_value();
    let length = |list: &Value| list.get("items").and_then(Value::as_array).map(Vec::len);
    let items = [Segment::Name("items".to_owned())];
    if length(canonical) != length(&read) && reader.tells(status, &items) == Telling::Roughly {
        return Ok(None); // only some items are told, as the mapping says
    }
    let (wrong, exact) = differences(reader, status, canonical, &read);
    if !wrong.is_empty() {
        return Err(format!("{dialect} {name}: {}\n  in {shown_text}\n  of {canonical}", wrong.join(", ")));
    }
    // A list that does not say how long it is cannot be lowered again, so it is told how long it was.
    let mut again = read.clone();
    if let Some(total) = canonical.get("total")
        && again.get("total").is_none()
    {
        again["total"] = total.clone();
    }
    let answer = Answer { status, body: Some(document(&again)) };
    if let Some(shown) = lowered(dialect, request, lifted, answer, &mut known) {
        let second = told(reader, lifted, &shown, &mut known)?.expect("it was told before");
        let second = second.map_err(|problem| format!("{problem:?}"))?;
        let second = second.body.expect("it was told before").root().to_value();
        if second != read {
            return Err(format!("{dialect} {name}: told as {read}, and then as {second}"));
        }
    }
    Ok(Some(exact))
}

/// Where an answer shows something else than the mapping that made it would: as somebody reads it who looks nothing up.
fn shown_otherwise(
    dialect: &Arc<Dialect>,
    operation: &Arc<Operation>,
    lifted: &Lifted,
    shown: &(StatusCode, Option<Document>),
) -> Vec<String> {
    let reader = Reader::offline(shipped().registry.api(), dialect, operation);
    let Some(body) = &shown.1 else { return Vec::new() };
    let Ok(Some(Ok(answer))) = told(&reader, lifted, shown, &mut Known::default()) else { return Vec::new() };
    let found = reader.shown(&answer, body.root(), &Masks::shown(), &|_| false);
    found.found.into_iter().map(|found| format!("{found:?}")).collect()
}

fn plans(operation: &Operation) -> impl Iterator<Item = (StatusCode, &Arc<Schema>)> {
    let plans = match &operation.answer {
        AnswerPlan::One(plans) => plans.as_slice(),
        AnswerPlan::Collect(_) => &[],
    };
    plans.iter().filter_map(|plan| Some((plan.from, plan.canonical.as_ref()?)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_told_exactly_is_what_it_was(seed: u64) {
        let shipped = shipped();
        let mut exact = 0;
        for (dialect, operation) in operations(shipped) {
            let reader = Reader::new(shipped.registry.api(), dialect, operation);
            let Some(request) = valid_request(shipped, dialect, operation, seed) else { continue };
            let Ok(Some(lifted)) = complete(&shipped.registry, dialect, &request) else { continue };
            for (status, schema) in plans(operation) {
                let mut canonical = canonical(shipped, schema, seed);
                // A list that was asked for from its beginning, and is short enough to be there as a whole.
                if let Some(length) = canonical.get("items").and_then(Value::as_array).map(Vec::len) {
                    canonical["total"] = json!(length);
                }
                if !schema.is_valid(document(&canonical).root()) {
                    continue;
                }
                let looked = look(&reader, &request, &lifted, (status, &canonical));
                prop_assert!(looked.is_ok(), "{}", looked.unwrap_err());
                exact += looked.unwrap().unwrap_or_default();
            }
        }
        prop_assert!(exact > 20, "only {} values: the law has lost its subject", exact);
    }
}

/// The canonical places of the golden answers that each dialect tells exactly: what a mapping loses by mistake shows here.
#[tokio::test]
async fn golden_answers_are_told_as_the_backend_gave_them() {
    let dialects = support::shipped();
    let (mut wrong, mut looked_at, mut exact, mut shown) = (Vec::new(), 0, 0, 0);
    for case in case::all() {
        let Some((status, canonical)) = only_answer(&case) else { continue };
        let (dialect, operation) = meant(dialects, &case);
        let is_told = plans(&operation).any(|(from, _)| from == status);
        if !is_told || operation.gather.is_some() {
            continue;
        }
        let backend = Backend::start(case.calls.iter().map(case::Exchange::line).collect()).await;
        let gateway = support::gateway(dialects, backend.base(), Duration::from_secs(20));
        let told = case.request.ask().of(&gateway).await;
        let body = told.json().map(|body| document(&body));
        let reader = Reader::offline(dialects.registry.api(), &dialect, &operation);
        let heard = Heard { status: told.status, retry_after: None, body: body.as_ref().map(Document::root) };
        let read = match reader.told(&Asked::default(), &heard, &Resolutions::default()) {
            Ok(Step::Done(mut read)) => match read.outcomes.remove(0) {
                Some(outcome) => outcome,
                None => continue, // several outcomes are told so
            },
            Ok(Step::Needs(_)) => panic!("{}: nothing can be looked up", case.name()),
            Err(problem) => panic!("{}: {problem:?}", case.name()),
        };
        let Ok(answer) = read else { continue };
        if let Some(body) = &body {
            let found = reader.shown(&answer, body.root(), &Masks::shown(), &|_| false);
            shown += found.compared;
            wrong.extend(found.found.into_iter().map(|found| format!("{}: {found:?}", case.name())));
        }
        let Some(read) = answer.body.map(|body| body.root().to_value()) else { continue };
        let is_list = canonical.get("items").is_some();
        if is_list && canonical["items"].as_array().map(Vec::len) != read["items"].as_array().map(Vec::len) {
            continue; // items were left out, as the mapping says
        }
        looked_at += 1;
        let (found, count) = differences(&reader, status, &canonical, &read);
        exact += count;
        wrong.extend(found.into_iter().map(|found| format!("{}: {found}", case.name())));
    }
    assert!(looked_at > 40 && exact > 300, "{looked_at} cases and {exact} values: no subject");
    assert!(shown > 100, "only {shown} values that are only shown: no subject");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The only answer of the backend in a case, if it is a success.
fn only_answer(case: &Case) -> Option<(StatusCode, Value)> {
    let [call] = case.calls.as_slice() else { return None };
    let (status, _) = call.promised()?;
    let status = StatusCode::from_u16(status).ok().filter(StatusCode::is_success)?;
    Some((status, call.answer_body()?))
}

fn meant(dialects: &Dialects, case: &Case) -> (Arc<Dialect>, Arc<Operation>) {
    let dialect = dialects.registry.dialect(&case.dialect).expect("a folder is named after a dialect");
    let operation = dialect.operations.iter().find(|operation| operation.name == case.operation);
    (Arc::clone(dialect), Arc::clone(operation.expect("a folder is named after an operation")))
}

#[test]
fn a_refusal_is_told_with_its_status_and_its_places() {
    let shipped = shipped();
    let mut seen = 0;
    for (dialect, operation) in operations(shipped) {
        let reader = Reader::new(shipped.registry.api(), dialect, operation);
        for (status, place) in refusals(operation) {
            let error = ErrorStatus::new(StatusCode::from_u16(status).unwrap()).unwrap();
            let violations = place.iter().map(|place| Violation {
                place: place.clone(),
                kind: "enum".into(),
                message: "must be something else".to_owned(),
            });
            let problem = Problem::from_backend(error, "some-code".to_owned(), "no", violations.collect());
            let item = [Segment::Index(0)];
            let each = match &operation.body {
                RequestBody::Each { over, .. } => [over.segments(), item.to_vec()].concat(),
                RequestBody::None | RequestBody::One { .. } => Vec::new(),
            };
            let problem = translate::told(problem, operation, &each, None);
            let shown_place = problem.violations.first().map(|violation| violation.place.clone());
            let rendered = dialect.errors.render(&problem, &operation.folds, SystemTime::now());
            let body = Document::parse(rendered.body, &Limits::default()).unwrap();
            let heard = Heard { status: rendered.status, retry_after: None, body: Some(body.root()) };
            let told = reader.told(&Asked::default(), &heard, &Resolutions::default()).unwrap();
            let Step::Done(mut told) = told else { panic!("an error needs no look-up") };
            if operation.is_bulk() && told.outcomes.is_empty() {
                continue;
            }
            let Some(Err(read)) = told.outcomes.remove(0) else {
                panic!("{dialect} {}: no refusal", operation.name)
            };
            seen += 1;
            let statuses = dialect.errors.unfold(rendered.status, &operation.folds);
            assert!(
                statuses.contains(&error.get()),
                "{dialect} {}: {status} is among {statuses:?}",
                operation.name
            );
            assert!(statuses.contains(&read.status.get()));
            if statuses.len() == 1 {
                assert_eq!(read.status, error, "{dialect} {}", operation.name);
            }
            let is_known = shown_place.is_some_and(|shown| shown.segments != each);
            if let (Some(place), true, true) = (&place, dialect.errors.tells_places(), is_known) {
                let read: BTreeSet<_> = read.violations.iter().map(|one| one.place.pointer()).collect();
                let shown = body.text();
                assert_eq!(read, BTreeSet::from([place.pointer()]), "{dialect} {}: {shown}", operation.name);
            }
        }
    }
    assert!(seen > 300, "only {seen} refusals: the law has lost its subject");
}

/// Refusals of an operation: statuses alone, and 422 at each canonical place that a client writes.
fn refusals(operation: &Operation) -> Vec<(u16, Option<Place>)> {
    let plain = [401, 403, 404, 409, 422, 429].map(|status| (status, None));
    let written = operation.request.fields().iter().filter_map(|field| {
        let is_plain =
            !field.when.shown && field.when.tag.is_none() && field.left.as_ref()?.root == Root::Body;
        let right = field.right.as_ref().filter(|right| is_plain && right.root == Root::Body)?;
        Some((422, Some(Place::body(right.segments()))))
    });
    plain.into_iter().chain(written).collect()
}

/// What is read as the same whatever its spelling was.
#[test]
fn an_answer_that_is_no_json_is_none_of_the_operations() {
    let shipped = shipped();
    for operation in &shipped.registry.api().operations {
        let call = Call { operation: operation.clone(), path: Vec::new(), query: Vec::new(), body: None };
        let unread = answered(&call, StatusCode::OK, None, b"<html>".to_vec()).unwrap_err();
        let code = if operation.is_safe() { "invalid-answer" } else { "done-and-unread" };
        assert_eq!(unread.code, code, "{}", operation.name);
    }
    for (dialect, operation) in operations(shipped) {
        let reader = Reader::new(shipped.registry.api(), dialect, operation);
        let heard = Heard { status: StatusCode::IM_A_TEAPOT, retry_after: None, body: None };
        let told = reader.told(&Asked::default(), &heard, &Resolutions::default());
        assert!(told.is_ok(), "a refusal is a refusal, whatever it says");
        let heard = Heard { status: StatusCode::FOUND, ..heard };
        let told = reader.told(&Asked::default(), &heard, &Resolutions::default());
        assert_eq!(told.unwrap_err().code, "unexpected-status", "{dialect} {}", operation.name);
    }
}
