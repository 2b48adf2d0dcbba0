//! Schemas taken apart: which keywords hold together, and which are alternatives.

use std::collections::VecDeque;

use serde_json::Value as Tree;

use super::budget::Budget;
use crate::json::Value;
use crate::schema::library::Node;

/// How many schemas may hold together.
const TOGETHER_MAX: usize = 64;

/// How many alternatives there may be.
const WAYS_MAX: usize = 128;

/// How many schemas are looked at for one place.
const LOOKS_MAX: usize = 1 << 12;

/// Schemas that hold together, all their combinations taken apart.
#[derive(Clone, Default)]
pub(super) struct Alternative<'a> {
    /// The schemas, each for its own keywords only.
    pub(super) nodes: Vec<Node<'a>>,
    /// Values that a member must not have, because a condition says what holds then.
    pub(super) without: Vec<(String, Vec<Tree>)>,
    /// Members that must be there, because a condition is met without them.
    pub(super) present: Vec<String>,
}

/// The ways in which a value can satisfy all of these schemas; the first of them, where there are more than are tried.
pub(super) fn of<'a>(nodes: Vec<Node<'a>>, budget: &mut Budget) -> Vec<Alternative<'a>> {
    let span = nodes.first().map(|node| node.file.span(node.schema));
    let mut open = VecDeque::from([(VecDeque::from(nodes), Alternative::default())]);
    let mut done = Vec::new();
    let (mut looks, mut is_cut) = (0, false);
    while let Some((mut todo, mut taken)) = open.pop_front() {
        let Some(node) = todo.pop_front() else {
            done.push(taken);
            continue;
        };
        looks += 1;
        if looks > LOOKS_MAX || taken.nodes.len() + todo.len() > TOGETHER_MAX {
            is_cut = true;
            continue;
        }
        // What holds anyway is not looked at twice.
        if taken.nodes.iter().any(|known| known.is_at(node)) {
            open.push_front((todo, taken));
            continue;
        }
        taken.nodes.push(node);
        todo.extend(node.referent());
        todo.extend(listed(node, "allOf"));
        // Those of the first choice come first, so that all are in the order of the text.
        let mut ways = vec![(todo, taken)];
        for choice in choices(node) {
            let all = ways.iter().flat_map(|one| choice.iter().map(move |way| with(one, way)));
            // One more than there may be, to see that there are more.
            ways = all.take(WAYS_MAX + 1).collect();
        }
        ways.into_iter().rev().for_each(|way| open.push_front(way));
        is_cut |= open.len() + done.len() > WAYS_MAX;
        open.truncate(WAYS_MAX.saturating_sub(done.len()));
    }
    if let Some(at) = span.filter(|_| is_cut) {
        budget.tell(at, "what is beyond the first of so many alternatives");
    }
    done
}

/// Schemas that are still to be looked at, and what was taken on the way there.
type Way<'a> = (VecDeque<Node<'a>>, Alternative<'a>);

fn with<'a>((todo, taken): &Way<'a>, choice: &Alternative<'a>) -> Way<'a> {
    let mut taken = taken.clone();
    taken.without.extend(choice.without.iter().cloned());
    taken.present.extend(choice.present.iter().cloned());
    (todo.iter().chain(&choice.nodes).copied().collect(), taken)
}

fn listed<'a>(node: Node<'a>, keyword: &str) -> impl Iterator<Item = Node<'a>> {
    node.keyword(keyword).into_iter().flat_map(Value::elements).map(move |schema| node.at(schema))
}

/// The choices a schema leaves: of each, one is taken.
fn choices(node: Node<'_>) -> Vec<Vec<Alternative<'_>>> {
    let alone = |node| Alternative { nodes: vec![node], ..Alternative::default() };
    let mut choices: Vec<Vec<_>> = ["anyOf", "oneOf"]
        .into_iter()
        .map(|keyword| listed(node, keyword).map(alone).collect::<Vec<_>>())
        .filter(|choice| !choice.is_empty())
        .collect();
    if let Some(condition) = node.keyword("if") {
        let outcome = |keyword| node.keyword(keyword).map(|schema| node.at(schema));
        let met = Alternative {
            nodes: std::iter::once(node.at(condition)).chain(outcome("then")).collect(),
            ..Alternative::default()
        };
        let contradicted = contradicted(node.at(condition));
        let required = condition.member("required").into_iter().flat_map(Value::elements);
        let required: Vec<_> = required.filter_map(Value::as_str).collect();
        let is_met_without = |name: &String| !required.iter().any(|required| **required == **name);
        let unmet = Alternative {
            nodes: outcome("else").into_iter().collect(),
            present: contradicted.iter().map(|(name, _)| name.clone()).filter(is_met_without).collect(),
            without: contradicted.into_iter().collect(),
        };
        let mut ways = vec![unmet, met];
        if is_more(node.at(condition)) {
            // Whether it is met is seen when the value is there.
            ways.push(Alternative { nodes: outcome("else").into_iter().collect(), ..Alternative::default() });
        }
        choices.push(ways);
    }
    choices
}

/// Whether a condition is about more than members and their values.
fn is_more(condition: Node<'_>) -> bool {
    let known = ["description", "properties", "required", "title", "type"];
    condition.schema.members().any(|(keyword, _)| !known.iter().any(|known| keyword.is(known)))
}

/// The values of one member that a condition lists, if that is all it is about.
fn contradicted(condition: Node<'_>) -> Option<(String, Vec<Tree>)> {
    let properties = condition.keyword("properties").filter(|properties| properties.len() == 1)?;
    let (name, schema) = properties.members().next()?;
    let values = match (schema.member("enum"), schema.member("const")) {
        (Some(values), _) => values.elements().map(Value::to_value).collect(),
        (None, Some(value)) => vec![value.to_value()],
        (None, None) => return None,
    };
    Some((name.as_str().into_owned(), values))
}
