//! Schemas whose parts for one and the same value have no end, or too many: `{"$ref": "#"}`, or alternatives of alternatives of
//! alternatives. Whoever looks at such a value looks at all of them, at start and with each request.

use crate::diag::{Diagnostic, code};
use crate::json::Value;
use crate::schema::keywords::{self, Holds};
use crate::schema::library::Node;

/// How many schemas may be for one value, each counted as often as it is referred to. People write tens.
const PARTS_MAX: usize = 4096;

/// How deep references and combinations may lie inside each other.
pub(in crate::schema) const DEPTH_MAX: u8 = 64;

/// What a schema says for its own value, as a whole.
pub(super) enum Whole {
    /// It has an end.
    Fine,
    /// It has none, because of this schema or of one it leads to; is it at this one, what to say.
    Endless(Option<Diagnostic>),
}

pub(super) fn check(node: Node<'_>) -> Whole {
    let walk = |node| Walk { left: PARTS_MAX, way: Vec::new() }.through(node);
    let told = match walk(node) {
        Ok(()) => return Whole::Fine,
        Err(Fault::Round(at)) => node.keyword("$ref").filter(|_| at.is_at(node)).map(|reference| {
            Diagnostic::error(code::S0111, "a schema refers to itself for the same value")
                .at(node.file.span(reference), "leads back to here")
                .help("let it refer to itself from a part of the value, such as a property or the elements")
        }),
        Err(Fault::Many) => {
            // Whoever leads to too many has too many; it is told of the first.
            let is_first = parts(node).into_iter().all(|part| !matches!(walk(part), Err(Fault::Many)));
            is_first.then(|| many(node))
        }
    };
    Whole::Endless(told)
}

/// What to say of a schema that is or leads to one without an end.
pub(super) fn many(node: Node<'_>) -> Diagnostic {
    let label = format!("over {PARTS_MAX} schemas, or over {DEPTH_MAX} inside each other");
    Diagnostic::error(code::S0112, "too many schemas are for one value")
        .at(node.file.span(node.schema), label)
        .help("say the same with fewer references and alternatives")
}

#[derive(Clone, Copy)]
enum Fault<'a> {
    /// It comes back to this.
    Round(Node<'a>),
    /// It does not, but there are too many.
    Many,
}

struct Walk<'a> {
    left: usize,
    /// The schemas that lead to the one that is looked at.
    way: Vec<Node<'a>>,
}

impl<'a> Walk<'a> {
    fn through(&mut self, node: Node<'a>) -> Result<(), Fault<'a>> {
        if self.way.iter().any(|known| known.is_at(node)) {
            return Err(Fault::Round(node));
        }
        self.left = self.left.saturating_sub(1);
        if self.left == 0 || self.way.len() >= usize::from(DEPTH_MAX) {
            return Err(Fault::Many);
        }
        self.way.push(node);
        parts(node).into_iter().try_for_each(|part| self.through(part))?;
        self.way.pop();
        Ok(())
    }
}

/// The schemas a schema asks of its own value.
fn parts(node: Node<'_>) -> Vec<Node<'_>> {
    let mut parts = Vec::new();
    for (keyword, value) in node.schema.members() {
        if keyword.is("$ref") || keyword.is("$dynamicRef") {
            let reference = value.as_str().unwrap_or_default();
            parts.extend(node.library.resolve(node.file, &reference));
        } else if keywords::holds(keyword) == Some(Holds::InPlace) {
            let schemas = keywords::schemas(Holds::InPlace, keyword, value);
            parts.extend(schemas.into_iter().map(|schema: Value<'_>| node.at(schema)));
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use crate::schema::support::load;

    fn codes(text: &str) -> Vec<String> {
        let neighbour = ("back", r#"{"anyOf": [{"type": "null"}, {"$ref": "file.json"}]}"#);
        let (_, found, _) = load(&[("file", text), neighbour]);
        found.into_iter().map(|diagnostic| diagnostic.code.to_string()).collect()
    }

    #[test]
    fn what_leads_back_for_the_same_value_is_told() {
        for text in [
            r##"{"$ref": "#"}"##,
            r##"{"anyOf": [{"$ref": "#"}, {"$ref": "#"}, {"$ref": "#"}, {"$ref": "#"}]}"##,
            r##"{"not": {"if": {"dependentSchemas": {"a": {"$ref": "#"}}}}}"##,
            r##"{"items": {"$ref": "#/$defs/a"}, "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}"##,
            r#"{"oneOf": [{"$ref": "back.json"}, {"type": "string"}]}"#,
        ] {
            let codes = codes(text);
            let references = text.matches("$ref").count();
            assert_eq!(
                codes.iter().filter(|code| *code == "S0111").count(),
                codes.len(),
                "{text}: {codes:?}"
            );
            assert!((1..=references + 1).contains(&codes.len()), "{text}: {codes:?}");
        }
    }

    #[test]
    fn what_leads_back_from_a_part_of_the_value_is_fine() {
        for text in [
            r##"{"properties": {"a": {"$ref": "#"}}, "additionalProperties": {"$ref": "#"}}"##,
            r##"{"anyOf": [{"type": "string"}, {"items": {"$ref": "#"}}]}"##,
            r##"{"$ref": "#/$defs/a", "$defs": {"a": {"properties": {"next": {"$ref": "#"}}}}}"##,
            r##"{"allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}], "$defs": {"a": {"type": "string"}}}"##,
        ] {
            assert_eq!(codes(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn alternatives_of_alternatives_may_be_so_many() {
        let ladder = |steps: usize| {
            let step = |index: usize| {
                let next = format!("{{\"$ref\": \"#/$defs/s{}\"}}", index + 1);
                format!("\"s{index}\": {{\"anyOf\": [{next}, {next}]}}")
            };
            let all: Vec<String> = (0..steps).map(step).collect();
            format!("{{\"$defs\": {{{}, \"s{steps}\": true}}}}", all.join(", "))
        };
        assert_eq!(codes(&ladder(6)), [""; 0]);
        let deep = codes(&ladder(30));
        assert_eq!(deep, ["S0112"]);
        let hidden = r##"{"$ref": "#/x-a", "x-a": {"$ref": "#/x-b"}, "x-b": {"$ref": "#/x-a"}}"##;
        assert_eq!(codes(hidden), ["S0112"], "where nobody looks for schemas");
    }
}
