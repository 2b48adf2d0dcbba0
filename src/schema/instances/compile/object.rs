//! From schemas to the recipe of an object.

use super::{Depth, Guides, anything, count, leaf, recipe};
use crate::json::{Kind, Value};
use crate::schema::instances::alternatives::Alternative;
use crate::schema::instances::budget::Budget;
use crate::schema::instances::recipe::{Member, Object, Recipe};
use crate::schema::instances::text::Texts;
use crate::schema::instances::{Step, Values};
use crate::schema::library::Node;

/// The recipe of the objects of one alternative; none if a member that is required cannot be made.
pub(super) fn object(
    way: &Alternative<'_>,
    guides: &Guides<'_>,
    depth: Depth,
    budget: &mut Budget,
) -> Option<Object> {
    let nodes = way.nodes.as_slice();
    let mut names: Vec<Box<str>> = Vec::new();
    let declared =
        nodes.iter().flat_map(|node| node.keyword("properties").into_iter().flat_map(Value::members));
    for name in declared.map(|(name, _)| name.as_str().into_owned().into_boxed_str()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let from_guides = guides.iter().filter_map(|(path, _)| match path.first() {
        Some(Step::Member(name)) => Some(name),
        Some(Step::Items) | None => None,
    });
    let known = names.len();
    for name in from_guides {
        if !names.contains(name) && is_open(nodes) {
            names.push(name.clone());
        }
    }
    let required: Vec<_> = nodes
        .iter()
        .flat_map(|node| node.keyword("required").into_iter().flat_map(Value::elements))
        .filter_map(Value::as_str)
        .collect();
    let mut object = Object {
        min: count(nodes, "minProperties").max().unwrap_or(0),
        max: count(nodes, "maxProperties").min(),
        together: together(nodes),
        ..Object::default()
    };
    let is_full = budget.is_full_at(depth.steps);
    for (index, name) in names.into_iter().enumerate() {
        let is_present = way.present.iter().any(|present| **present == *name);
        let is_just = guides.iter().filter_map(|guide| below(guide, &name)).any(is_just);
        let required = is_present || is_just || required.iter().any(|required| **required == *name);
        if !is_full && !required {
            continue;
        }
        let schemas =
            nodes.iter().filter_map(|node| Some(node.at(node.keyword("properties")?.member(&name)?)));
        let without: Vec<Values> = way
            .without
            .iter()
            .filter(|(member, _)| **member == *name)
            .map(|(_, values)| Values::Without(values.clone()))
            .collect();
        let mut inner: Guides<'_> = guides.iter().filter_map(|guide| below(guide, &name)).collect();
        inner.extend(without.iter().map(|values| (&[] as &[Step], values)));
        let recipe = if index < known {
            recipe(schemas.collect(), &inner, depth.below(), budget)
        } else {
            guided_only(&inner)
        };
        match recipe {
            Some(recipe) => object.members.push(Member { name, required, declared: index < known, recipe }),
            None if required => return None,
            None => {}
        }
    }
    if is_full || object.min > object.members.len() {
        object.free = free(nodes, known, depth, budget);
    }
    let missing = object.min.saturating_sub(object.members.len());
    if budget.is_too_many(
        missing,
        object.free.as_ref().map_or(1, |(_, free)| free.weight()),
        nodes,
        "minProperties",
    ) {
        return None;
    }
    Some(object)
}

/// Whether a guide says that something is there.
fn is_just((at, values): (&[Step], &Values)) -> bool {
    matches!(values, Values::Just(_)) && !at.contains(&Step::Items)
}

fn below<'g>((path, values): &(&'g [Step], &'g Values), name: &str) -> Option<(&'g [Step], &'g Values)> {
    match path.split_first() {
        Some((Step::Member(member), rest)) if **member == *name => Some((rest, values)),
        Some(_) | None => None,
    }
}

/// A member no schema speaks of: what the guides say of it.
fn guided_only(guides: &Guides<'_>) -> Option<Recipe> {
    let here = guides.iter().find_map(|(path, values)| match values {
        Values::Only(only) | Values::Just(only) if path.is_empty() => Some(only),
        Values::Only(_) | Values::Just(_) | Values::Without(_) => None,
    });
    if let Some(only) = here {
        return leaf(only.iter());
    }
    let mut object = Object::default();
    for (path, _) in guides {
        let Some(Step::Member(name)) = path.first() else { continue };
        if object.members.iter().any(|member| member.name == *name) {
            continue;
        }
        let inner: Guides<'_> = guides.iter().filter_map(|guide| below(guide, name)).collect();
        let recipe = guided_only(&inner);
        object.members.extend(recipe.map(|recipe| Member {
            name: name.clone(),
            required: false,
            declared: false,
            recipe,
        }));
    }
    (!object.members.is_empty()).then_some(Recipe::Object(object))
}

fn is_open(nodes: &[Node<'_>]) -> bool {
    let closes = |value: Option<Value<'_>>| value.is_some_and(|value| value.kind() == Kind::False);
    !nodes.iter().any(|node| {
        closes(node.keyword("additionalProperties")) || closes(node.keyword("unevaluatedProperties"))
    })
}

fn together(nodes: &[Node<'_>]) -> Vec<(Box<str>, Box<str>)> {
    let dependent =
        nodes.iter().flat_map(|node| node.keyword("dependentRequired").into_iter().flat_map(Value::members));
    let pairs = dependent.flat_map(|(name, needed)| {
        needed.elements().filter_map(Value::as_str).map(move |other| {
            (name.as_str().into_owned().into_boxed_str(), other.into_owned().into_boxed_str())
        })
    });
    pairs.collect()
}

/// Members of free names, where the schemas are about those: no others are declared, or they have a schema.
fn free(
    nodes: &[Node<'_>],
    known: usize,
    depth: Depth,
    budget: &mut Budget,
) -> Option<(Vec<Box<str>>, Box<Recipe>)> {
    let schemas: Vec<_> = nodes
        .iter()
        .filter_map(|node| node.keyword("additionalProperties").map(|schema| node.at(schema)))
        .filter(|node| node.schema.kind() == Kind::Object)
        .collect();
    let min = count(nodes, "minProperties").max().unwrap_or(0);
    if !is_open(nodes) || (schemas.is_empty() && known > 0 && min <= known) {
        return None;
    }
    let values =
        if schemas.is_empty() { anything() } else { recipe(schemas, &Vec::new(), depth.below(), budget)? };
    let rules: Vec<_> =
        nodes.iter().filter_map(|node| node.keyword("propertyNames").map(|schema| node.at(schema))).collect();
    let names = Texts::of(&rules, depth.long).samples().into_iter().map(String::into_boxed_str).collect();
    Some((names, Box::new(values)))
}
