//! Errors walk the lens backwards: whatever place of a call the backend complains of, the client is told a place of the
//! request it sent.
//!
//! The places are all that the canonical schemas can name, for every operation of every dialect and each of its cases;
//! the oracle is the dialect's own schema and its parameters.

use std::time::SystemTime;

use interlingua::canonical::api::PathPart;
use interlingua::dialect::errors::{Slot, Template, ViolationSlot};
use interlingua::dialect::operation::{AnswerPlan, Gather};
use interlingua::problem::{ErrorStatus, Place, Problem, Segment, Violation};
use interlingua::schema::Shape;
use interlingua::translate::withhold::Wrote;

use super::*;

/// How deep places are looked for; nothing that ships nests deeper.
const DEPTH: usize = 5;

/// What the backend says is wrong.
const COMPLAINT: &str = "is refused by the backend";

#[test]
fn every_place_of_a_call_is_told_as_a_place_of_the_request() {
    let shipped = shipped();
    let mut seen = 0;
    let mut wrong = Vec::new();
    for (dialect, operation) in operations(shipped) {
        for place in canonical_places(shipped, operation) {
            for at in item_places(operation) {
                let told = tell(operation, &place, &at, None);
                seen += 1;
                if let Err(why) = is_right(dialect, operation, &place, &at, &told) {
                    wrong.push(why);
                }
            }
        }
    }
    assert!(seen > 500, "only {seen} places: the law has lost its subject");
    assert!(wrong.is_empty(), "{} of {seen}:\n{}", wrong.len(), wrong.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_sent_has_the_place_that_is_told(seed: u64) {
        let shipped = shipped();
        for (dialect, operation) in operations(shipped) {
            let Some(request) = valid_request(shipped, dialect, operation, seed) else { continue };
            let Ok(Some(lifted)) = complete(&shipped.registry, dialect, &request) else { continue };
            let whole = request.body.as_ref().map(|body| body.root().to_value());
            for ((sent, at), call) in request.items().zip(&lifted.calls) {
                let at = at.segments();
                let body = call.body.as_ref().map(|body| serde_json::from_slice(body).unwrap());
                let mut places = Vec::new();
                if let Some(body) = &body {
                    places_of(body, &mut Vec::new(), &mut places);
                }
                let known = canonical_places(shipped, operation);
                places.extend(known.into_iter().filter(|place| could_be_about(place, body.as_ref())));
                for place in places {
                    let told = tell(operation, &place, &at, sent);
                    prop_assert_eq!(is_right(dialect, operation, &place, &at, &told), Ok(()));
                    if let (Root::Body, Some(whole)) = (told.violations[0].place.root, &whole) {
                        let told = &told.violations[0].place.segments;
                        prop_assert!(leads_through(whole, told), "{dialect} {}: {told:?} in {whole}", operation.name);
                    }
                }
            }
        }
    }

    #[test]
    fn the_place_that_is_told_is_what_the_value_comes_from(seed: u64) {
        let shipped = shipped();
        for (dialect, operation) in operations(shipped) {
            let Some(request) = valid_request(shipped, dialect, operation, seed) else { continue };
            let Some(whole) = request.body.as_ref().map(|body| body.root().to_value()) else { continue };
            let Some(calls) = bodies(shipped, dialect, &request) else { continue };
            for (index, (sent, at)) in request.items().enumerate() {
                let at = at.segments();
                let mut places = Vec::new();
                places_of(&calls[index], &mut Vec::new(), &mut places);
                for place in places.iter().filter(|place| !place.segments.is_empty()) {
                    let before = calls[index].pointer(&place.pointer());
                    let told = tell(operation, place, &at, sent).violations.remove(0).place;
                    // Without a counterpart nothing that was sent may have to do with it; otherwise what is told has.
                    let is_without = told.segments == at;
                    if told.root != Root::Body || is_without && is_a_field(operation) {
                        continue;
                    }
                    let members = if is_without { members_of(&whole, &at) } else { vec![told.segments.clone()] };
                    for member in members.iter().filter(|member| is_there(&whole, member)) {
                        let after = changed(&whole, member).into_iter().map(|body| {
                            let calls = bodies(shipped, dialect, &with_body(&request, &body));
                            calls.and_then(|calls| calls.get(index)?.pointer(&place.pointer()).cloned())
                        });
                        let has_to_do = after.into_iter().any(|after| after.as_ref() != before);
                        prop_assert_eq!(
                            has_to_do, !is_without,
                            "{} {}: {:?} is told as {:?}, and {:?} changes it: {}",
                            dialect, operation.name, place.pointer(), told, member, has_to_do
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_looked_up_is_refused_at_a_place_of_the_request(seed: u64) {
        let shipped = shipped();
        for (dialect, operation) in operations(shipped) {
            let Some(request) = valid_request(shipped, dialect, operation, seed) else { continue };
            let Some(problem) = without_a_world(&shipped.registry, &request) else { continue };
            for violation in &problem.violations {
                let fits = exists(dialect, operation, &violation.place);
                prop_assert!(fits, "{dialect} {}: {:?}", operation.name, violation.place);
            }
        }
    }
}

#[test]
fn every_shape_of_an_error_says_the_place_and_nothing_canonical() {
    let shipped = shipped();
    for (dialect, operation) in operations(shipped) {
        for place in canonical_places(shipped, operation) {
            for at in item_places(operation) {
                let told = tell(operation, &place, &at, None);
                let rendered = dialect.errors.render(&told, &operation.folds, SystemTime::UNIX_EPOCH);
                let template = dialect.errors.invalid.as_ref().unwrap_or(&dialect.errors.plain);
                let body: Value = serde_json::from_slice(&rendered.body).unwrap();
                shows(template, &body, &told.violations[0]);
            }
        }
        let AnswerPlan::Collect(collect) = &operation.answer else { continue };
        for (_, gather) in &collect.fields {
            let Gather::Failed(template) = gather else { continue };
            // An item is told of its own places, without where it lies.
            for place in canonical_places(shipped, operation) {
                let told = tell(operation, &place, &[], None);
                let item = dialect.errors.render_item(template, &told, None);
                shows(template, &serde_json::from_str(&item).unwrap(), &told.violations[0]);
            }
        }
    }
}

/// Every operation, and each case of one.
pub(super) fn operations(
    shipped: &'static Dialects,
) -> impl Iterator<Item = (&'static Arc<Dialect>, &'static Arc<Operation>)> {
    shipped.registry.dialects().iter().flat_map(|dialect| {
        dialect.operations.iter().flat_map(move |operation| {
            let cases = operation.cases.iter().map(|case| &case.operation);
            std::iter::once(operation).chain(cases).map(move |operation| (dialect, operation))
        })
    })
}

/// Every place the backend can name of the call an operation becomes.
fn canonical_places(shipped: &Dialects, operation: &Operation) -> Vec<Place> {
    let calls = &operation.calls;
    let mut places = vec![Place::body(Vec::new())];
    if let Some(schema) = calls.body.as_ref().and_then(|name| shipped.schemas.schema("canonical", name)) {
        walk(&schema.shape(), &mut Vec::new(), &mut places);
    }
    let in_path = calls.path.iter().filter_map(|part| match part {
        PathPart::Parameter(name) => Some(Place::parameter(Root::Path, name)),
        PathPart::Literal(_) => None,
    });
    places.extend(in_path);
    places.extend(calls.query.iter().map(|name| Place::parameter(Root::Query, name)));
    places
}

fn walk(shape: &Shape<'_>, at: &mut Vec<Segment>, places: &mut Vec<Place>) {
    if at.len() == DEPTH {
        return;
    }
    let mut enter = |segment: Segment, inner: Option<Shape<'_>>| {
        at.push(segment);
        places.push(Place::body(at.clone()));
        if let Some(inner) = inner {
            walk(&inner, at, places);
        }
        at.pop();
    };
    let names = shape.properties();
    for name in &names {
        enter(Segment::Name(name.clone()), shape.property(name));
    }
    if names.is_empty() && shape.types().names().contains(&"object") {
        enter(Segment::Name("of_no_schema".to_owned()), None);
    }
    if let Some(items) = shape.items() {
        enter(Segment::Index(0), Some(items.clone()));
        enter(Segment::Index(7), Some(items));
    }
}

/// Where in the request the item may lie that a call was made of.
fn item_places(operation: &Operation) -> Vec<Vec<Segment>> {
    let RequestBody::Each { over, one, .. } = &operation.body else { return vec![Vec::new()] };
    let list = over.segments();
    let item = |index| list.iter().cloned().chain([Segment::Index(index)]).collect();
    let mut places: Vec<_> = [0, 1, 99].map(item).into();
    places.extend(one.then_some(list));
    places
}

fn tell(
    operation: &Operation,
    place: &Place,
    at: &[Segment],
    sent: Option<interlingua::json::Value<'_>>,
) -> Problem {
    let violations =
        vec![Violation { place: place.clone(), kind: "refused".into(), message: COMPLAINT.to_owned() }];
    let status = ErrorStatus::new(http::StatusCode::UNPROCESSABLE_ENTITY).unwrap();
    let problem = Problem::from_backend(status, "invalid-body".to_owned(), "no", violations);
    translate::told(problem, operation, at, sent)
}

/// Whether the place told is one of the request; if it is all of it, that the sentence then says of which operation.
fn is_right(
    dialect: &Dialect,
    operation: &Operation,
    place: &Place,
    at: &[Segment],
    told: &Problem,
) -> Result<(), String> {
    let [violation] = &told.violations[..] else { return Err(format!("{told:?} has not one violation")) };
    let said = format!("{dialect} {}: {place:?} is told as {violation:?}", operation.name);
    if !exists(dialect, operation, &violation.place) {
        return Err(format!("{said}, which is no place of the request"));
    }
    let is_whole = violation.place == Place::body(at.to_vec()) && !is_a_field(operation);
    let is_named = violation.message.contains(&format!("`{}`", operation.name));
    let about_all = place == &Place::body(Vec::new());
    if is_whole && !about_all && !is_named {
        return Err(format!("{said}, which does not say of which operation"));
    }
    if !violation.message.ends_with(COMPLAINT) {
        return Err(format!("{said}, which does not say what is wrong"));
    }
    Ok(())
}

/// Whether an item can be a field alone, so that the place of the item may be that of the field.
fn is_a_field(operation: &Operation) -> bool {
    operation.request.wrap() != Wrap::Object
}

/// Whether the dialect's request has such a place.
fn exists(dialect: &Dialect, operation: &Operation, place: &Place) -> bool {
    let name = |name: &str| place.segments == [Segment::Name(name.to_owned())];
    match place.root {
        Root::Body => match &operation.body {
            RequestBody::None => place.segments.is_empty(),
            RequestBody::One { schema } | RequestBody::Each { schema, .. } => {
                has(Some(schema.shape()), &place.segments)
            }
        },
        Root::Outer => panic!("{dialect} {}: a client knows of one body", operation.name),
        Root::Path => operation.parameters().any(name),
        Root::Query => {
            let mapped = operation.request.fields().iter().filter_map(|field| field.left.as_ref());
            let mut mapped = mapped.filter(|left| left.root == Root::Query).map(|left| &*left.path[0]);
            let page = operation.page.as_ref();
            mapped.any(name) || page.is_some_and(|page| name(&page.start) || name(&page.limit))
        }
    }
}

/// Whether values of that shape may have a place. Of a map everything is a place.
fn has(shape: Option<Shape<'_>>, segments: &[Segment]) -> bool {
    let Some((segment, rest)) = segments.split_first() else { return true };
    let Some(shape) = shape else { return true };
    match segment {
        Segment::Name(name) => match shape.property(name) {
            Some(inner) => has(Some(inner), rest),
            None => shape.properties().is_empty() && shape.types().names().contains(&"object"),
        },
        Segment::Index(_) => match shape.items() {
            Some(items) => has(Some(items), rest),
            // Nothing is said of what may be an array of anything.
            None => shape.properties().is_empty() && shape.types().names().contains(&"array"),
        },
    }
}

/// Every place a document has.
fn places_of(value: &Value, at: &mut Vec<Segment>, places: &mut Vec<Place>) {
    places.push(Place::body(at.clone()));
    let members = value.as_object().into_iter().flatten();
    let members = members.map(|(name, member)| (Segment::Name(name.clone()), member));
    let elements = value.as_array().into_iter().flatten().enumerate();
    let elements = elements.map(|(index, element)| (Segment::Index(index), element));
    for (segment, inner) in members.chain(elements) {
        at.push(segment);
        places_of(inner, at, places);
        at.pop();
    }
}

/// Whether a backend that looks at the body may speak of the place: elements that are not there have none.
fn could_be_about(place: &Place, body: Option<&Value>) -> bool {
    let mut at = body;
    for segment in &place.segments {
        at = match segment {
            Segment::Name(name) => at.and_then(|value| value.get(name)),
            Segment::Index(index) => match at.and_then(|value| value.get(index)) {
                Some(element) => Some(element),
                None => return false,
            },
        };
    }
    true
}

/// Whether the way leads through objects and arrays as far as the document goes.
fn leads_through(value: &Value, segments: &[Segment]) -> bool {
    let Some((segment, rest)) = segments.split_first() else { return true };
    match (segment, value) {
        (Segment::Name(name), Value::Object(members)) => {
            members.get(name).is_none_or(|member| leads_through(member, rest))
        }
        (Segment::Index(index), Value::Array(elements)) => {
            elements.get(*index).is_some_and(|element| leads_through(element, rest))
        }
        (_, Value::Null) => true,
        _ => false,
    }
}

/// The bodies of a request's calls; none if it is refused.
fn bodies(shipped: &Dialects, dialect: &Dialect, request: &Request) -> Option<Vec<Value>> {
    let mut world = World::default();
    let mut resolutions = Resolutions::default();
    for _ in 0..4 {
        match translate::lift::lift(shipped.registry.api(), request, &resolutions).ok()? {
            Step::Done(lifted) => {
                let bodies = lifted.calls.iter().map(|call| call.body.as_deref().unwrap_or(b"null"));
                return Some(bodies.map(|body| serde_json::from_slice(body).unwrap()).collect());
            }
            Step::Needs(needs) => {
                for need in needs {
                    let role = dialect
                        .roles
                        .as_ref()
                        .map(|table| table.rows[need.key.len() % table.rows.len()].is.text());
                    let Lookup::Resolver(resolver) = need.of else { panic!("no id map was promised") };
                    let found = match role.filter(|_| dialect.resolvers[resolver].right == "role") {
                        Some(role) => Found::Value(role.into_owned()),
                        None => world.answer(dialect, &need),
                    };
                    resolutions.insert(need, found);
                }
            }
        }
    }
    panic!("a request without an end");
}

/// The same request with another body, which nobody checks.
fn with_body(request: &Request, body: &Value) -> Request {
    Request {
        dialect: Arc::clone(&request.dialect),
        operation: Arc::clone(&request.operation),
        url: request.url.clone(),
        path: request.path.clone(),
        query: request.query.clone(),
        body: Some(Document::parse(body.to_string().into_bytes(), &Limits::default()).unwrap()),
        cursors: request.cursors,
        narrator: request.narrator.clone(),
        wrote: Wrote::default(),
    }
}

/// The places of the members of an item.
fn members_of(whole: &Value, at: &[Segment]) -> Vec<Vec<Segment>> {
    let item = whole.pointer(&Place::body(at.to_vec()).pointer());
    let names = item.and_then(Value::as_object).into_iter().flat_map(Map::keys);
    names.map(|name| at.iter().cloned().chain([Segment::Name(name.clone())]).collect()).collect()
}

fn is_there(whole: &Value, at: &[Segment]) -> bool {
    whole.pointer(&Place::body(at.to_vec()).pointer()).is_some()
}

/// The document without what is at a place, and with something else there. Of a list what follows goes too, or it
/// would be taken for what was there.
fn changed(whole: &Value, at: &[Segment]) -> Vec<Value> {
    let other = |value: Value| {
        let mut other = whole.clone();
        *other.pointer_mut(&Place::body(at.to_vec()).pointer()).unwrap() = value;
        other
    };
    let mut all = vec![other(json!({"of_nobody": 1})), other(json!("of nobody"))];
    let Some((last, parent)) = at.split_last() else { return all };
    let mut without = whole.clone();
    match (last, without.pointer_mut(&Place::body(parent.to_vec()).pointer()).unwrap()) {
        (Segment::Name(name), Value::Object(members)) => drop(members.remove(name)),
        (Segment::Index(index), Value::Array(elements)) => elements.truncate(*index),
        (segment, _) => panic!("{segment} is in no {whole}"),
    }
    all.push(without);
    all
}

/// What a request is refused with when nothing that is looked up exists.
fn without_a_world(registry: &Registry, request: &Request) -> Option<Box<Problem>> {
    let mut resolutions = Resolutions::default();
    for _ in 0..4 {
        match translate::lift::lift(registry.api(), request, &resolutions) {
            Ok(Step::Done(_)) => return None,
            Ok(Step::Needs(needs)) => {
                for need in needs {
                    resolutions.insert(need, Found::Missing);
                }
            }
            Err(problem) => return Some(problem),
        }
    }
    panic!("a request without an end");
}

/// Whether the body says where and what, in each slot that speaks of places.
fn shows(template: &Template, body: &Value, violation: &Violation) {
    let (place, message) = (&violation.place, json!(violation.message));
    for (path, slot) in template.fields() {
        let shown = path.iter().fold(body, |body, name| &body[&**name]);
        match slot {
            Slot::ByField { other } => {
                let at = |tree: &Value, segment: &Segment| match segment {
                    Segment::Index(index) if tree.is_array() => tree[*index].clone(),
                    segment => tree[segment.to_string()].clone(),
                };
                let found = place.segments.iter().fold(shown.clone(), |tree, segment| at(&tree, segment));
                let found = if found.is_array() { found } else { found[other].clone() };
                assert_eq!(found, json!([message]), "{place:?} in {shown}");
            }
            Slot::Violations(members) => {
                for (name, slot) in members {
                    let shown = &shown[0][name];
                    let names = place.segments.iter().map(ToString::to_string);
                    match slot {
                        ViolationSlot::Dotted => assert_eq!(*shown, names.collect::<Vec<_>>().join(".")),
                        ViolationSlot::Loc => {
                            let shown: Vec<_> = shown.as_array().unwrap()[1..]
                                .iter()
                                .map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned))
                                .collect();
                            assert_eq!(shown, names.collect::<Vec<_>>());
                        }
                        ViolationSlot::Message => assert_eq!(*shown, message),
                        ViolationSlot::Pointer => assert_eq!(*shown, json!(place.pointer())),
                        ViolationSlot::Kind => {}
                    }
                }
            }
            Slot::MessageWithPlaces => {
                let sentence = shown.as_str().unwrap();
                let names: Vec<_> = place.segments.iter().map(ToString::to_string).collect();
                let end = format!("{} {}", names.join("."), violation.message);
                assert!(sentence.ends_with(end.trim()), "{sentence} / {end}");
            }
            Slot::Code
            | Slot::Constant(_)
            | Slot::Input(_)
            | Slot::Message
            | Slot::RetryAfter
            | Slot::Retryable
            | Slot::Status
            | Slot::Time
            | Slot::Title
            | Slot::Word { .. } => {}
        }
    }
}
