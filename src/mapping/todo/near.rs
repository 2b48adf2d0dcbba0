//! The canonical operations, schemas and places that are likeliest meant, best first.
//!
//! Names count by the words they share, then what can be told without them: methods, bodies, types and formats.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use http::Method;
use serde_json::Value as Tree;

use crate::canonical::api::{Api, Operation, PathPart};
use crate::diag::alike::{shared, words};
use crate::mapping::CANONICAL;
use crate::mapping::canonical::request_line;
use crate::mapping::file::OperationPart;
use crate::schema::{Schema, Shape, Store, Type};

/// How many are told.
const MOST: usize = 3;
/// How alike something has to be to be told at all.
const LEAST: u32 = 25;
/// How deep places are looked for in a canonical schema.
const DEPTH_MAX: usize = 3;

/// The best of them, by their points.
pub(super) fn best<T>(scored: impl IntoIterator<Item = (u32, T)>) -> Vec<T> {
    let mut scored: Vec<_> = scored.into_iter().filter(|(points, _)| *points >= LEAST).collect();
    // Sorting is stable: of those with as many points the first stays the first.
    scored.sort_by_key(|(points, _)| std::cmp::Reverse(*points));
    scored.into_iter().take(MOST).map(|(_, one)| one).collect()
}

/// Canonical operations like one of the dialect.
pub(super) fn operations(api: &Api, part: &OperationPart) -> Vec<String> {
    let Some((method, path)) = request_line(&part.request.value) else { return Vec::new() };
    let own = [words(&part.name.value), path_words(&path)].concat();
    let ends_in_one = matches!(path.last(), Some(PathPart::Parameter(_)));
    let is_list = part.answers.iter().any(|(_, answer)| answer.items.is_some());
    best(api.operations.iter().map(|known| {
        let theirs = [words(&known.name), path_words(&known.path)].concat();
        let is_same = |yes: bool, points: u32| if yes { points } else { 0 };
        let known_ends_in_one = matches!(known.path.last(), Some(PathPart::Parameter(_)));
        let points = shared(&own, &theirs)
            + same_method(&method, &known.method)
            + is_same(known.body.is_some() == part.body.is_some(), 8)
            + is_same(known_ends_in_one == ends_in_one, 8)
            + is_same(known.query.contains(&api.page.limit) == is_list, 12);
        // Without a word in common nothing else counts.
        (if shared(&own, &theirs) == 0 { 0 } else { points }, known.name.clone())
    }))
}

fn same_method(one: &Method, other: &Method) -> u32 {
    let is_change = |method: &Method| *method == Method::PUT || *method == Method::PATCH;
    if one == other || is_change(one) && is_change(other) { 25 } else { 0 }
}

fn path_words(path: &[PathPart]) -> Vec<String> {
    let literals = path.iter().filter_map(|part| match part {
        PathPart::Literal(text) => Some(text.as_str()),
        PathPart::Parameter(_) => None,
    });
    literals.flat_map(words).collect()
}

/// Canonical schemas like one of the dialect, among `known`.
pub(super) fn schemas<'k>(
    (places, store): (&Places, &Store),
    name: &str,
    left: Option<&Schema>,
    known: impl IntoIterator<Item = &'k str>,
) -> Vec<String> {
    let own = left.map(|left| left.shape().properties()).unwrap_or_default();
    let own: Vec<_> = own.iter().map(|name| words(name)).collect();
    let mut seen: Vec<&str> = Vec::new();
    let known = known.into_iter().filter(|known| {
        let is_new = !seen.contains(known);
        seen.push(known);
        is_new
    });
    best(known.filter_map(|known| {
        let schema = store.schema(CANONICAL, known)?;
        let places = places.of(schema);
        let has = |own: &&Vec<String>| places.iter().any(|place| shared(own, &place.words) >= 60);
        let found = own.iter().filter(has).count();
        let part =
            if own.is_empty() { 0 } else { u32::try_from(found * 100 / own.len()).unwrap_or_default() };
        // Of two that have everything the smaller one is meant.
        let size = u32::try_from(places.len()).unwrap_or(u32::MAX).min(20);
        Some((part / 2 + shared(&words(name), &words(known)) / 2 + (20 - size) / 4, known.to_owned()))
    }))
}

/// A place of a canonical schema.
pub(super) struct Place {
    path: String,
    words: Vec<String>,
    types: Vec<&'static str>,
    /// Whether its values are listed.
    is_listed: bool,
}

/// The places of canonical schemas, found once each.
#[derive(Default)]
pub(super) struct Places(RefCell<BTreeMap<String, Rc<Vec<Place>>>>);

impl Places {
    /// The places of a schema, a few levels deep.
    fn of(&self, schema: &Schema) -> Rc<Vec<Place>> {
        let known = self.0.borrow().get(schema.name()).cloned();
        known.unwrap_or_else(|| {
            let mut found = Vec::new();
            collect(&schema.shape(), "", 0, &mut found);
            let found = Rc::new(found);
            self.0.borrow_mut().insert(schema.name().to_owned(), Rc::clone(&found));
            found
        })
    }
}

fn collect(shape: &Shape<'_>, before: &str, depth: usize, found: &mut Vec<Place>) {
    for name in shape.properties() {
        let Some(inner) = shape.property(&name) else { continue };
        let path = format!("{before}{name}");
        found.push(Place {
            words: words(&path),
            types: inner.types().names(),
            is_listed: inner.enumeration().is_some(),
            path: path.clone(),
        });
        if depth + 1 < DEPTH_MAX && inner.types().contains(Type::Object) {
            collect(&inner, &format!("{path}."), depth + 1, found);
        }
    }
}

/// Places of a canonical schema like one of the dialect's.
pub(super) fn fields(places: &Places, schema: &Schema, left: &str, shape: Option<&Shape<'_>>) -> Vec<String> {
    let own = words(left);
    let types = shape.map(|shape| shape.types().names());
    let is_listed = shape.is_some_and(|shape| shape.enumeration().is_some());
    let places = places.of(schema);
    let scored = places.iter().map(|place| {
        let alike = shared(&own, &place.words);
        let fits = types
            .as_ref()
            .is_none_or(|types| types.iter().any(|name| *name != "null" && place.types.contains(name)));
        let same_end = if own.last() == place.words.last() { 15 } else { 0 };
        let same_sort = if is_listed && place.is_listed { 10 } else { 0 };
        // A little less for every level, so that what is near is told before what is far.
        let depth = u32::try_from(place.path.matches('.').count()).unwrap_or_default();
        let points = if alike == 0 || !fits { 0 } else { alike + same_end + same_sort };
        (points.saturating_sub(2 * depth), place.path.as_str())
    });
    best(scored).into_iter().map(str::to_owned).collect()
}

/// The file that a list's schema has its elements in.
pub(super) fn items_of(store: &Store, list: &str, items: &str) -> Option<String> {
    let document = store.schema(CANONICAL, list)?.document();
    let reference =
        document.get("properties")?.get(items)?.get("items")?.get("$ref").and_then(Tree::as_str)?;
    reference.strip_suffix(".json").map(str::to_owned)
}

/// The first success of an operation that has a body, by the name of its schema.
pub(super) fn answer_of(operation: &Operation) -> Option<&str> {
    operation.answers.iter().find_map(|(_, schema)| schema.as_deref())
}
