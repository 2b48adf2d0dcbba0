//! From schemas to recipes.

use serde_json::Value as Tree;

use super::alternatives::{self, Alternative};
use super::budget::{Budget, Untried};
use super::number::Numbers;
use super::recipe::{Recipe, Source, quoted};
use super::text::Texts;
use super::{Step, Values};
use crate::json::{Kind, Value};
use crate::schema::keywords::listed;
use crate::schema::library::Node;
use crate::schema::types::{Type, Types};

mod object;

/// How deep instances go. What refers to itself for ever ends here.
const DEPTH_MAX: usize = 10;

/// What is said of a place besides its schemas.
pub(super) type Guides<'g> = Vec<(&'g [Step], &'g Values)>;

/// Where in a value a recipe is for.
#[derive(Clone, Copy)]
pub(super) struct Depth {
    /// How many steps from the root.
    pub(super) steps: usize,
    /// How long a text is made that nothing bounds.
    pub(super) long: usize,
}

impl Depth {
    fn below(self) -> Depth {
        Depth { steps: self.steps + 1, ..self }
    }
}

/// The recipe for the values of a schema, and what of it is left out. A schema that is too much of a tree is compiled as
/// deep as the budget lets it be, all its branches alike; what lies deeper is only what has to be there.
pub(super) fn within_budget(
    root: Node<'_>,
    guides: &Guides<'_>,
    long: usize,
) -> (Option<Recipe>, Vec<Untried>) {
    let to = |full| {
        let mut budget = Budget::to(full);
        let recipe = recipe(vec![root], guides, Depth { steps: 0, long }, &mut budget);
        (!budget.is_spent()).then(|| (recipe, budget.into_untried()))
    };
    if let Some(all) = to(DEPTH_MAX) {
        return all;
    }
    // Each level costs more than all above it together, so that beginning with the first costs little.
    let (recipe, mut untried) = (0..DEPTH_MAX).map_while(to).last().unwrap_or_default();
    let what = if recipe.is_some() { "what lies deep in so large a schema" } else { "so large a schema" };
    untried.push(Untried { at: root.file.span(root.schema), what });
    (recipe, untried)
}

/// The recipe for values that satisfy all of these schemas; none if nothing seems to.
pub(super) fn recipe(
    nodes: Vec<Node<'_>>,
    guides: &Guides<'_>,
    depth: Depth,
    budget: &mut Budget,
) -> Option<Recipe> {
    if depth.steps > DEPTH_MAX || budget.is_spent() {
        return None;
    }
    let is_full = budget.is_full_at(depth.steps);
    let mut ways: Vec<Recipe> = Vec::new();
    for way in alternatives::of(nodes, budget) {
        if !budget.take() {
            return None;
        }
        ways.extend(by_type(&way, guides, depth, budget));
        if !is_full && !ways.is_empty() {
            break;
        }
    }
    one_of(ways)
}

/// One recipe of several. Values that can be listed are listed together.
fn one_of(ways: Vec<Recipe>) -> Option<Recipe> {
    let mut joined: Vec<Recipe> = Vec::new();
    for way in ways {
        match (joined.last_mut(), way) {
            (
                Some(Recipe::Leaf { samples, source: Source::Samples }),
                Recipe::Leaf { samples: more, source: Source::Samples },
            ) => {
                let new: Vec<_> = more.into_iter().filter(|sample| !samples.contains(sample)).collect();
                samples.extend(new);
            }
            (_, way) => joined.push(way),
        }
    }
    if joined.len() > 1 { Some(Recipe::Any(joined)) } else { joined.pop() }
}

/// The recipes for the values of one alternative: one for each type they may have.
fn by_type(way: &Alternative<'_>, guides: &Guides<'_>, depth: Depth, budget: &mut Budget) -> Vec<Recipe> {
    let nodes = way.nodes.as_slice();
    let types = types(nodes);
    let here = guides.iter().filter(|(path, _)| path.is_empty()).map(|(_, values)| *values);
    let excluded = |value: &Tree| {
        here.clone().any(|values| matches!(values, Values::Without(without) if without.contains(value)))
    };
    let is_just = here.clone().any(|values| matches!(values, Values::Just(_)));
    let only = here.clone().find_map(|values| match values {
        Values::Only(only) | Values::Just(only) => Some(only),
        Values::Without(_) => None,
    });
    let listed = enumeration(nodes).map(|values| {
        let fits = |value: &&Tree| types.contains(Type::of(value)) && !excluded(value);
        values.iter().filter(fits).cloned().collect::<Vec<_>>()
    });
    match (listed, only) {
        (Some(listed), Some(only)) => {
            let is_meant = |value: &&Tree| (value.is_null() && !is_just) || only.contains(value);
            return leaf(listed.iter().filter(is_meant)).into_iter().collect();
        }
        (Some(listed), None) => return leaf(listed.iter()).into_iter().collect(),
        (None, Some(only)) => {
            let fitting = only.iter().filter(|value| types.contains(Type::of(value)) && !excluded(value));
            let null = (!is_just
                && !excluded(&Tree::Null)
                && types.contains(Type::Null)
                && !only.contains(&Tree::Null))
            .then_some(&Tree::Null);
            return leaf(fitting.chain(null)).into_iter().collect();
        }
        (None, None) => {}
    }
    let mut sorts = [Type::Object, Type::Array, Type::String, Type::Number, Type::Boolean, Type::Null];
    if !budget.is_full_at(depth.steps) {
        sorts.reverse();
    }
    let is_number = types.contains(Type::Integer) || types.contains(Type::Number);
    let of_sort = |sort: &Type| match sort {
        Type::Number => is_number,
        sort => types.contains(*sort),
    };
    let is_full = budget.is_full_at(depth.steps);
    let mut made = sorts.into_iter().filter(of_sort).filter_map(|sort| match sort {
        Type::Object => object::object(way, guides, depth, budget).map(Recipe::Object),
        Type::Array => array(nodes, guides, depth, budget),
        Type::String => {
            let texts = Texts::of(nodes, depth.long);
            if budget.is_too_long(texts.least(), nodes) {
                return None;
            }
            let samples = texts.samples().iter().map(|text| quoted(text)).collect();
            nonempty(samples, Source::Texts(texts))
        }
        Type::Integer | Type::Number => {
            let numbers = Numbers::of(nodes, types);
            let samples = numbers.samples().into_iter().map(String::into_boxed_str).collect();
            nonempty(samples, Source::Numbers(numbers))
        }
        Type::Boolean => leaf([Tree::Bool(false), Tree::Bool(true)].iter().filter(|value| !excluded(value))),
        Type::Null => leaf([Tree::Null].iter().filter(|value| !excluded(value))),
    });
    if is_full { made.collect() } else { made.next().into_iter().collect() }
}

fn leaf<'t>(values: impl Iterator<Item = &'t Tree>) -> Option<Recipe> {
    nonempty(values.map(|value| value.to_string().into_boxed_str()).collect(), Source::Samples)
}

fn nonempty(samples: Vec<Box<str>>, source: Source) -> Option<Recipe> {
    (!samples.is_empty()).then_some(Recipe::Leaf { samples, source })
}

/// The types the keywords allow. Where none is named, those that the other keywords are about.
fn types(nodes: &[Node<'_>]) -> Types {
    let mut types = Types::ALL;
    for node in nodes {
        if node.schema.kind() == Kind::False {
            return Types::NONE;
        }
        if let Some(names) = node.keyword("type") {
            let named = listed(names).filter_map(Value::as_str).map(|name| Types::named(&name));
            types = types.intersection(named.collect());
        }
    }
    let about = |keywords: &[&str]| {
        nodes.iter().any(|node| keywords.iter().any(|keyword| node.keyword(keyword).is_some()))
    };
    if types != Types::ALL {
        types
    } else if about(&["properties", "required", "additionalProperties", "patternProperties"]) {
        Types::only(Type::Object)
    } else if about(&["items", "prefixItems", "minItems", "maxItems"]) {
        Types::only(Type::Array)
    } else if about(&["pattern", "format", "minLength", "maxLength"]) {
        Types::only(Type::String)
    } else {
        types
    }
}

/// The values that all lists have in common.
fn enumeration(nodes: &[Node<'_>]) -> Option<Vec<Tree>> {
    let mut common: Option<Vec<Tree>> = None;
    for node in nodes {
        let own: Vec<Tree> = match (node.keyword("const"), node.keyword("enum")) {
            (Some(value), _) => vec![value.to_value()],
            (None, Some(values)) => values.elements().map(Value::to_value).collect(),
            (None, None) => continue,
        };
        common = Some(match common {
            Some(common) => common.into_iter().filter(|value| own.contains(value)).collect(),
            None => own,
        });
    }
    common
}

fn count(nodes: &[Node<'_>], keyword: &str) -> impl Iterator<Item = usize> {
    nodes.iter().filter_map(move |node| at_least_zero(node.keyword(keyword)?))
}

/// A number that is not negative. One too large for us is larger than anything that is counted.
pub(super) fn at_least_zero(value: Value<'_>) -> Option<usize> {
    match value.as_i64() {
        Some(number) => usize::try_from(number).ok(),
        None => value.raw().bytes().all(|byte| byte.is_ascii_digit()).then_some(usize::MAX),
    }
}

fn array(nodes: &[Node<'_>], guides: &Guides<'_>, depth: Depth, budget: &mut Budget) -> Option<Recipe> {
    let items: Vec<_> =
        nodes.iter().filter_map(|node| node.keyword("items").map(|schema| node.at(schema))).collect();
    let inner = guides.iter().filter_map(|(path, values)| match path.split_first() {
        Some((Step::Items, rest)) => Some((rest, *values)),
        Some((Step::Member(_), _)) | None => None,
    });
    let (min, max) = (count(nodes, "minItems").max().unwrap_or(0), count(nodes, "maxItems").min());
    let item = if items.is_empty() {
        Some(anything())
    } else if min == 0 && !budget.is_full_at(depth.steps) {
        None
    } else {
        recipe(items, &inner.collect(), depth.below(), budget)
    };
    if item.as_ref().is_some_and(|item| budget.is_too_many(min, item.weight(), nodes, "minItems")) {
        return None;
    }
    let unique =
        nodes.iter().any(|node| node.keyword("uniqueItems").is_some_and(|is| is.kind() == Kind::True));
    match item {
        Some(item) => Some(Recipe::Array { item: Box::new(item), min, max, unique }),
        // Nothing can be in it, so it can only be empty.
        None if min == 0 => Some(Recipe::Array { item: Box::new(anything()), min, max: Some(0), unique }),
        None => None,
    }
}

/// What stands where anything may.
fn anything() -> Recipe {
    let samples = ["\"x\"", "0", "true", "null", "[]", "{}"].map(Box::from).to_vec();
    Recipe::Leaf { samples, source: Source::Samples }
}
