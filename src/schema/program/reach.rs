//! Which schemas lead to which, and so which of them a program may answer for.

use super::object::ObjectRules;
use super::{Index, Node, Part};

/// Which nodes answer as the library does, given which were compiled at all.
///
/// A schema may contain itself, since the value ends some day. But a schema that does so and is come by on two ways for
/// one value would be run over it twice, its parts four times, and so on; and one that asks for itself about the same
/// value would never end. The library keeps books against that, so it is asked about these, and about all that lead
/// there.
pub(super) fn sound(nodes: &[Option<Node>]) -> Vec<bool> {
    // Whether the way down from a node ends, whatever the value.
    let ends = grown(nodes, |edges, ends| edges.iter().all(|edge| ends[*edge as usize]));
    let is_fit =
        |(node, ends): (&Option<Node>, &bool)| node.as_ref().is_some_and(|node| *ends || !looks_twice(node));
    let fit: Vec<bool> = nodes.iter().zip(&ends).map(is_fit).collect();
    let unsound = grown(nodes, |edges, unsound| {
        edges.iter().any(|edge| !fit[*edge as usize] || unsound[*edge as usize])
    });
    fit.into_iter().zip(unsound).map(|(fit, unsound)| fit && !unsound).collect()
}

/// The nodes that a rule about what they lead to holds for, found by asking again until there is nothing new. What
/// was not compiled leads nowhere and has no part in it.
fn grown(nodes: &[Option<Node>], rule: impl Fn(&[Index], &[bool]) -> bool) -> Vec<bool> {
    let edges: Vec<Option<Vec<Index>>> = nodes.iter().map(|node| node.as_ref().map(edges)).collect();
    let mut holds = vec![false; nodes.len()];
    loop {
        let mut is_new = false;
        // What a schema leads to was mostly compiled after it.
        for place in (0..nodes.len()).rev() {
            let Some(edges) = &edges[place] else { continue };
            if !holds[place] && rule(edges, &holds) {
                holds[place] = true;
                is_new = true;
            }
        }
        if !is_new {
            return holds;
        }
    }
}

/// Whether a value, or a part of it, may be looked at through more than one schema of the node, or the value itself
/// again.
fn looks_twice(node: &Node) -> bool {
    let is_mixed = |rules: &ObjectRules| !rules.patterns.is_empty() || !rules.dependents.is_empty();
    !node.parts.is_empty()
        || node.object.as_ref().is_some_and(|rules| is_mixed(rules))
        || node.array.as_ref().is_some_and(|rules| rules.contains.is_some())
}

/// All schemas a node leads to.
fn edges(node: &Node) -> Vec<Index> {
    let mut edges = Vec::new();
    for part in &node.parts {
        match part {
            Part::All(schemas) | Part::Any(schemas) | Part::One(schemas) => edges.extend(schemas),
            Part::Not(schema) => edges.push(*schema),
            Part::If { condition, then, otherwise } => edges.extend([condition, then, otherwise]),
            Part::Ask(_) => {}
        }
    }
    if let Some(rules) = &node.array {
        edges.extend(&rules.first);
        edges.push(rules.rest);
        edges.extend(rules.contains.as_ref().map(|contains| contains.schema));
    }
    if let Some(rules) = &node.object {
        edges.extend(rules.names.schemas());
        edges.extend(rules.patterns.iter().map(|(_, schema)| schema));
        edges.extend(rules.dependents.iter().map(|(_, schema)| schema));
        edges.extend([rules.rest, rules.name]);
    }
    edges
}
