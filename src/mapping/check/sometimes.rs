//! What crosses only sometimes is lost the other times, and that has its reason like any other loss.
//!
//! A field with `when` is lifted only where another field says so, one with `tag` is told only where the canonical
//! document does, and of a list with `where` only elements that hold something. If the ways to fill one place answer together
//! for every value of what decides, nothing is lost; else the lens declares it, under `ignores` for what clients send and
//! under `drops` for what they are not told.

use serde_json::Value as Tree;

use crate::diag::{Span, Spanned};
use crate::lens::path::{Address, Literal};
use crate::mapping::lenses::{BuiltLens, Line, shape_at};
use crate::problem::Root;
use crate::schema::{Schema, Shape, Type};

/// A place that is lost sometimes.
pub(super) struct Sometimes {
    pub(super) path: Vec<Box<str>>,
    /// The line that says when it is not.
    pub(super) span: Span,
    /// What decides.
    pub(super) by: String,
}

/// A way across, and the values of another place that open it; none if it is always open.
struct Way<'l> {
    at: &'l Address,
    span: Span,
    open: Option<Open<'l>>,
}

/// What opens a way.
struct Open<'l> {
    /// A place of the document, or of an element of the list.
    by: Address,
    in_element: bool,
    values: Vec<&'l Literal>,
}

impl<'l> Open<'l> {
    fn new(path: &str, values: impl IntoIterator<Item = &'l Spanned<Literal>>) -> Option<Open<'l>> {
        let values = values.into_iter().map(|value| &value.value).collect();
        Some(Open { by: Address::parse(path)?, in_element: false, values })
    }
}

/// What a client may send and is lost sometimes.
pub(super) fn lifted(built: &BuiltLens<'_>, schema: &Schema) -> Vec<Sometimes> {
    let is_read = |line: &&Line<'_>| line.field.as_ref().is_some_and(|field| !field.when.shown);
    let lines = built.lines.iter().filter(is_read);
    let ways = lines.filter_map(|line| {
        let open = match &line.part.when {
            Some((path, values)) => Some(Open::new(&path.value, values)?),
            None => None,
        };
        Some(Way { at: line.left.at.as_ref()?, span: line.part.span, open })
    });
    let missing = |by: &Address| {
        let owner = built.lines.iter().find(|line| line.left.at.as_ref() == Some(by)).map(|line| line.part);
        let default = owner.and_then(|part| part.default.as_ref());
        let is_known = owner.is_none_or(|part| part.from.is_none());
        is_known.then(|| default.map_or(Tree::Null, |default| default.value.value().to_value()))
    };
    lost(&ways.collect::<Vec<_>>(), schema, &missing)
}

/// What the canonical document may hold and is not told sometimes.
pub(super) fn lowered(built: &BuiltLens<'_>, schema: &Schema) -> Vec<Sometimes> {
    let ways = built.lines.iter().flat_map(|line| {
        let at = line.right.at.as_ref();
        let tag = line.part.tag.as_ref().and_then(|(path, value)| Open::new(&path.value, [value]));
        let only =
            line.part.only.iter().filter_map(|(path, value)| {
                Some(Open { in_element: true, ..Open::new(&path.value, [value])? })
            });
        // A way with several conditions is as narrow as each of them.
        let mut opens: Vec<_> = tag.into_iter().chain(only).map(Some).collect();
        if opens.is_empty() && line.part.tag.is_none() {
            opens.push(None);
        }
        opens.into_iter().filter_map(move |open| Some(Way { at: at?, span: line.part.span, open }))
    });
    lost(&ways.collect::<Vec<_>>(), schema, &|_| Some(Tree::Null))
}

fn lost(ways: &[Way<'_>], schema: &Schema, missing: &dyn Fn(&Address) -> Option<Tree>) -> Vec<Sometimes> {
    let mut lost: Vec<Sometimes> = Vec::new();
    for way in ways.iter().filter(|way| way.at.root == Root::Body && !way.at.path.is_empty()) {
        let Some(open) = &way.open else { continue };
        let of_place = || ways.iter().filter(|other| other.at == way.at);
        let is_told = lost.iter().any(|known| known.path == way.at.path);
        if is_told || of_place().any(|other| other.open.is_none()) {
            continue;
        }
        let is_same = |other: &&Open<'_>| other.by == open.by && other.in_element == open.in_element;
        let same = of_place().filter_map(|other| other.open.as_ref()).filter(is_same);
        let values: Vec<Tree> =
            same.flat_map(|same| &same.values).map(|value| value.value().to_value()).collect();
        let elements =
            open.in_element.then(|| shape_at(schema.shape(), &way.at.path).ok().flatten()).flatten();
        let around =
            if open.in_element { elements.and_then(|all| all.items()) } else { Some(schema.shape()) };
        let is_all = around.is_some_and(|around| is_all(&open.by, &values, around, missing));
        if !is_all {
            let of = if open.in_element { "of its elements" } else { "" };
            let by = [&format!("`{}`", open.by), of].join(" ");
            lost.push(Sometimes { path: way.at.path.clone(), span: way.span, by: by.trim_end().to_owned() });
        }
    }
    lost
}

/// Whether these are all values of a place; `missing` is what counts where there is none, if that can be told.
fn is_all(
    by: &Address,
    values: &[Tree],
    around: Shape<'_>,
    missing: &dyn Fn(&Address) -> Option<Tree>,
) -> bool {
    let in_body = by.root == Root::Body && !by.path.is_empty();
    let shape = in_body.then(|| shape_at(around.clone(), &by.path).ok().flatten()).flatten();
    let Some(mut all) = shape.as_ref().and_then(words) else { return false };
    // A value that never occurs was told where it is named, and nobody knows which one was meant.
    if values.iter().any(|value| !value.is_null() && !all.contains(value)) {
        return true;
    }
    if !is_always_there(by, around) {
        let Some(missing) = missing(by) else { return false };
        all.push(missing);
    }
    all.iter().all(|value| values.contains(value))
}

/// All values of a shape, if they can be listed.
fn words(shape: &Shape<'_>) -> Option<Vec<Tree>> {
    let both = || vec![Tree::Bool(false), Tree::Bool(true)];
    shape.enumeration().or_else(|| shape.types().is_only(Type::Boolean).then(both))
}

fn is_always_there(by: &Address, around: Shape<'_>) -> bool {
    let mut here = Some(around);
    by.path.iter().all(|name| {
        let is_there = here.as_ref().is_some_and(|shape| shape.is_required(name));
        here = here.as_ref().and_then(|shape| shape.property(name));
        is_there
    })
}
