//! What instances may cost. A schema may ask for texts, lists and nesting of any size; what it asks for beyond the budget is
//! not tried, and that is said.

use super::compile::at_least_zero;
use crate::diag::Span;
use crate::schema::library::Node;

/// The longest text that is made: as long as a whole document may be that nobody set another limit for. It takes a start
/// seconds, and only where a bound is as long.
pub(super) const TEXT_MAX: usize = 1 << 20;

/// How many values a list or a map may need for the sake of a least length.
const VALUES_MAX: usize = 1 << 14;

/// How many places an instance may have that are chosen for.
const PLACES_MAX: usize = 1 << 12;

/// Something that a schema allows or asks for and that no instance shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untried {
    /// Where the schema is written.
    pub at: Span,
    /// What is beyond the budget, as the subject of a sentence.
    pub what: &'static str,
}

/// What is left of the budget while a schema is compiled.
pub(super) struct Budget {
    left: usize,
    /// So many steps from the root every choice is made; below, only the smallest.
    full: usize,
    untried: Vec<Untried>,
}

impl Budget {
    pub(super) fn to(full: usize) -> Budget {
        Budget { left: PLACES_MAX, full, untried: Vec::new() }
    }

    /// Takes a place from the budget; false if there is none left.
    pub(super) fn take(&mut self) -> bool {
        self.left = self.left.saturating_sub(1);
        !self.is_spent()
    }

    pub(super) fn is_spent(&self) -> bool {
        self.left == 0
    }

    pub(super) fn is_full_at(&self, steps: usize) -> bool {
        steps <= self.full
    }

    /// Whether a text of that length is not made; says so.
    pub(super) fn is_too_long(&mut self, length: usize, nodes: &[Node<'_>]) -> bool {
        self.is_over(length > TEXT_MAX, nodes, "minLength", "a text of so many characters")
    }

    /// Whether so many values of a weight are not made for the sake of a keyword; says so.
    pub(super) fn is_too_many(
        &mut self,
        count: usize,
        weight: usize,
        nodes: &[Node<'_>],
        keyword: &str,
    ) -> bool {
        let is_over = count.saturating_mul(weight) > VALUES_MAX;
        self.is_over(is_over, nodes, keyword, "a value with so many inside")
    }

    fn is_over(&mut self, is_over: bool, nodes: &[Node<'_>], keyword: &str, what: &'static str) -> bool {
        let written = nodes.iter().filter_map(|node| {
            let value = node.keyword(keyword)?;
            Some((at_least_zero(value)?, node.file.span(value)))
        });
        if let Some((_, at)) = written.max_by_key(|(number, _)| *number).filter(|_| is_over) {
            self.tell(at, what);
        }
        is_over
    }

    pub(super) fn tell(&mut self, at: Span, what: &'static str) {
        let untried = Untried { at, what };
        if !self.untried.contains(&untried) {
            self.untried.push(untried);
        }
    }

    pub(super) fn into_untried(self) -> Vec<Untried> {
        self.untried
    }
}

#[cfg(test)]
mod tests {
    use crate::schema::instances::Instances;
    use crate::schema::support::schema;

    /// The instances of a schema, and the texts that are said to be beyond the budget.
    fn tried(text: &str) -> (Vec<String>, Vec<String>) {
        let schema = schema(text);
        let instances = Instances::of(&schema, &[]);
        let untried = instances.untried().iter().map(|untried| text[untried.at.range()].to_owned()).collect();
        let all = instances.systematic().chain(instances.others(1, 5));
        (all.map(|one| one.text().to_owned()).collect(), untried)
    }

    #[test]
    fn what_asks_for_more_than_can_be_made_is_told_and_all_else_is_tried() {
        for (part, told) in [
            (r#"{"type": "array", "minItems": 100000000}"#, "100000000"),
            (r#"{"type": "array", "minItems": 18446744073709551615}"#, "18446744073709551615"),
            (r#"{"type": "array", "minItems": 20000, "uniqueItems": true}"#, "20000"),
            (r#"{"type": "array", "minItems": 200, "items": {"type": "array", "minItems": 200}}"#, "200"),
            (r#"{"type": "object", "minProperties": 9223372036854775807}"#, "9223372036854775807"),
            (r#"{"type": "string", "minLength": 100000000}"#, "100000000"),
            (r#"{"type": "string", "minLength": 18446744073709551616}"#, "18446744073709551616"),
        ] {
            let text = format!(r#"{{"properties": {{"a": {part}, "b": {{"const": 7}}}}}}"#);
            let (instances, untried) = tried(&text);
            assert_eq!(untried, [told], "{part}");
            assert!(instances.iter().any(|one| one == r#"{"b":7}"#), "{part}: {instances:?}");
            assert!(!instances.iter().any(|one| one.contains("\"a\"")), "{part}: {instances:?}");
        }
    }

    #[test]
    fn what_is_within_the_budget_is_not_told() {
        for text in [
            r#"{"type": "array", "minItems": 1000, "uniqueItems": true, "items": {"type": "object"}}"#,
            r#"{"type": "object", "minProperties": 100}"#,
            r#"{"type": "string", "minLength": 1000000, "maxLength": 18446744073709551616}"#,
            r##"{"properties": {"a": {"$ref": "#"}, "b": {"items": {"$ref": "#"}}}}"##,
        ] {
            assert_eq!(tried(text).1, [""; 0], "{text}");
        }
    }

    #[test]
    fn a_tree_of_many_branches_is_tried_as_deep_as_it_can_be_in_each_of_them() {
        for branches in [4, 6, 60] {
            let branch = |index| format!(r##""p{index}": {{"$ref": "#"}}"##);
            let all: Vec<String> = (0..branches).map(branch).collect();
            let text =
                format!(r#"{{"type": "object", "properties": {{{}, "z": {{"const": 7}}}}}}"#, all.join(", "));
            let (instances, untried) = tried(&text);
            assert_eq!(untried, [text.as_str()], "{branches}");
            let last = format!(r#""p{}":{{"#, branches - 1);
            assert!(instances.iter().any(|one| one.contains(&last)), "{branches}");
            assert!(instances.iter().any(|one| one.contains(r#""z":7"#)), "{branches}");
        }
    }

    #[test]
    fn below_what_the_budget_reaches_all_is_there_that_has_to_be() {
        let branch = |index| format!(r##""p{index}": {{"$ref": "#"}}"##);
        let all: Vec<String> = (0..6).map(branch).collect();
        let text = format!(
            r#"{{"type": "object", "properties": {{{}, "kind": {{"enum": ["leaf", "node"]}}}}, "required": ["kind"], "additionalProperties": false}}"#,
            all.join(", ")
        );
        let (instances, untried) = tried(&text);
        assert_eq!(untried.len(), 1);
        assert!(instances.iter().any(|one| one.starts_with(r#"{"p0":{"p0":{"p0":{"#)), "{instances:?}");
        assert!(instances.iter().all(|one| one.matches("kind").count() == one.matches('{').count()));
    }

    #[test]
    fn the_first_of_very_many_alternatives_are_tried() {
        let ways: Vec<String> = (0..300).map(|way| format!(r#"{{"required": ["a{way}"]}}"#)).collect();
        let text = format!(r#"{{"type": "object", "anyOf": [{}]}}"#, ways.join(", "));
        let (_, untried) = tried(&text);
        assert_eq!(untried, [text.as_str()]);
        let few = format!(r#"{{"type": "object", "anyOf": [{}]}}"#, ways[..60].join(", "));
        assert_eq!(tried(&few).1, [""; 0]);
    }
}
