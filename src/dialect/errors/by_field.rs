//! Violations as a tree that mirrors the request, the way Django REST Framework writes them.
//!
//! A field has a list of messages; an object has its fields; a list of objects has an entry for each up to the last
//! that is wrong, and those that are right have `{}`; a list of plain values has only those that are wrong, by index.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Tree};

use crate::problem::{Problem, Segment};

/// An array is padded up to the element that is wrong, and the backend names places too: beyond so many elements that say
/// nothing, in all of the tree, elements are told as if they were members.
const PADDING_MAX: usize = 1_000;

#[derive(Default)]
struct Node {
    messages: Vec<String>,
    children: BTreeMap<Segment, Node>,
}

/// The tree of a problem; a problem without violations says its sentence under `other`.
pub(super) fn tree(problem: &Problem, other: &str) -> Tree {
    let mut root = Node::default();
    for violation in &problem.violations {
        let mut node = &mut root;
        for segment in &violation.place.segments {
            node = node.children.entry(segment.clone()).or_default();
        }
        node.messages.push(violation.message.clone());
    }
    if problem.violations.is_empty() {
        root.messages.push(problem.detail.to_string());
    }
    if root.children.is_empty() {
        Tree::Object(Map::from_iter([(other.to_owned(), root.messages.into())]))
    } else {
        // A request that is a list is told as one, whatever its elements are.
        let mut padding = PADDING_MAX;
        if root.is_list(&mut padding) {
            root.into_array(other, &mut padding)
        } else {
            root.into_tree(other, &mut padding)
        }
    }
}

impl Node {
    /// `padding` is how many elements that say nothing may still be told.
    fn into_tree(self, other: &str, padding: &mut usize) -> Tree {
        if self.children.is_empty() {
            return self.messages.into();
        }
        if self.is_list_of_objects() && self.is_list(padding) {
            return self.into_array(other, padding);
        }
        let mut members = Map::new();
        if !self.messages.is_empty() {
            members.insert(other.to_owned(), self.messages.into());
        }
        for (key, child) in self.children {
            members.insert(key.to_string(), child.into_tree(other, padding));
        }
        Tree::Object(members)
    }

    fn is_list_of_objects(&self) -> bool {
        self.children.values().any(|child| !child.children.is_empty())
    }

    /// Whether it is told as an array; then its padding is taken from what is left.
    fn is_list(&self, padding: &mut usize) -> bool {
        let is_index = |key: &Segment| matches!(key, Segment::Index(_));
        // Names come before indices, so that the greatest index is the last of all.
        let Some((Segment::Index(last), _)) = self.children.last_key_value() else { return false };
        let needed = last.saturating_sub(self.children.len() - 1);
        let fits = self.messages.is_empty() && self.children.keys().all(is_index) && needed <= *padding;
        *padding -= if fits { needed } else { 0 };
        fits
    }

    fn into_array(self, other: &str, padding: &mut usize) -> Tree {
        let mut elements = Vec::new();
        for (key, child) in self.children {
            if let Segment::Index(index) = key {
                elements.resize(index, Tree::Object(Map::new()));
                elements.push(if child.children.is_empty() {
                    Tree::Object(Map::from_iter([(other.to_owned(), child.messages.into())]))
                } else {
                    child.into_tree(other, padding)
                });
            }
        }
        Tree::Array(elements)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::problem::{Place, Violation};

    fn told(violations: &[(&str, &str)]) -> Tree {
        let violation = |(pointer, message): &(&str, &str)| Violation {
            place: Place::from_pointer(pointer).unwrap(),
            kind: "any".into(),
            message: (*message).to_owned(),
        };
        tree(&Problem::invalid(violations.iter().map(violation).collect()), "non_field_errors")
    }

    // The shapes are those of Django REST Framework's documentation, "Validation" under Serializers.
    #[test]
    fn fields_have_lists_of_messages() {
        let expected = json!({"email": ["is not an address", "is taken"], "role": ["is required"]});
        let violations = [("/email", "is not an address"), ("/role", "is required"), ("/email", "is taken")];
        assert_eq!(told(&violations), expected);
    }

    #[test]
    fn elements_that_are_right_are_empty_objects() {
        assert_eq!(told(&[("/1/email", "is taken")]), json!([{}, {"email": ["is taken"]}]));
    }

    #[test]
    fn a_request_that_is_a_list_is_told_as_one() {
        assert_eq!(
            told(&[("/1", "must be an object")]),
            json!([{}, {"non_field_errors": ["must be an object"]}])
        );
    }

    #[test]
    fn plain_elements_are_told_by_index() {
        assert_eq!(told(&[("/ids/1", "is no id")]), json!({"ids": {"1": ["is no id"]}}));
    }

    #[test]
    fn what_belongs_to_no_field_has_a_name_of_its_own() {
        assert_eq!(told(&[("", "is odd")]), json!({"non_field_errors": ["is odd"]}));
        assert_eq!(told(&[]), json!({"non_field_errors": ["the request is not valid"]}));
        let expected = json!({"a": {"non_field_errors": ["is odd"], "b": ["is required"]}});
        assert_eq!(told(&[("/a", "is odd"), ("/a/b", "is required")]), expected);
    }

    #[test]
    fn an_element_far_away_does_not_fill_memory() {
        assert_eq!(told(&[("/4000000000", "is odd")]), json!({"4000000000": ["is odd"]}));
        let far: Vec<_> = (0..32).map(|number| format!("/name/{number}{}", "/999".repeat(59))).collect();
        let violations: Vec<_> = far.iter().map(|pointer| (pointer.as_str(), "is odd")).collect();
        assert!(told(&violations).to_string().len() < 20_000);
    }
}
