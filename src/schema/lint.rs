//! What is wrong with a schema file although it is JSON: said once each, at its place in the file.
//!
//! The standard lets a schema say things that mean nothing: a misspelt keyword, an unknown format, a
//! required property that no one declared. Each of them makes a check that does not happen.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::draft202012;

use super::keywords::{self, FORMER, Holds, KEYWORDS};
use super::library::{Dangling, File, Library, Node};
use super::shape::Shape;
use super::store::FileName;
use super::{checks, violation};
use crate::diag::suggest::did_you_mean;
use crate::diag::{Diagnostic, Diagnostics, code};
use crate::json::{Key, Value};
use crate::problem::Segment;

pub(super) mod endless;

use endless::Whole;

/// The one draft schemas are written in.
pub(super) const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// What was found out about a file.
pub(super) struct Outcome {
    pub(super) found: Diagnostics,
    /// The other files it refers to, whether these are good or not.
    pub(super) uses: BTreeSet<FileName>,
    /// What to say of the first schema without an end, if nobody says where that comes from.
    pub(super) endless: Option<Diagnostic>,
}

/// The patterns that were looked at so far, and whether they can be used. Files say the same ones again and again.
pub(super) type Patterns = BTreeMap<String, bool>;

/// Checks one file. `unread` are the files that are no JSON: references to them stay quiet, because that
/// was reported.
pub(super) fn check(
    library: &Library,
    file: &File,
    unread: &BTreeSet<FileName>,
    patterns: &mut Patterns,
) -> Outcome {
    let root = library.root(file);
    let meta_schema = draft202012::meta::validator();
    // To look for what is wrong takes much longer than to see that nothing is.
    let violations = if meta_schema.is_valid(&file.tree) {
        Vec::new()
    } else {
        violation::from_errors(meta_schema.iter_errors(&file.tree), root.schema, usize::MAX, None)
    };
    let mut outcome = Outcome { found: Diagnostics::default(), uses: BTreeSet::new(), endless: None };
    for violation in &violations {
        let subject = match violation.path.last() {
            Some(Segment::Name(name)) => format!("`{name}`"),
            Some(Segment::Index(index)) => format!("element {index}"),
            None => "a schema".to_owned(),
        };
        outcome.found.push(
            Diagnostic::error(code::S0102, format!("{subject} {}", violation.message))
                .at(file.span(violation.nearest(root.schema)), "not a valid schema"),
        );
    }
    if violations.is_empty() {
        Lint { unread, patterns, outcome: &mut outcome }.schema(root, &[]);
    }
    outcome
}

struct Lint<'l> {
    unread: &'l BTreeSet<FileName>,
    patterns: &'l mut Patterns,
    outcome: &'l mut Outcome,
}

impl Lint<'_> {
    /// Checks a schema and all inside it. `known` are the properties that the schemas around it declare for
    /// the same value.
    fn schema(&mut self, node: Node<'_>, known: &[String]) {
        let own = match endless::check(node) {
            Whole::Fine => Shape::of(node).properties(),
            // What a schema without an end declares is not asked for.
            Whole::Endless(told) => {
                self.outcome.endless.get_or_insert_with(|| endless::many(node));
                self.outcome.found.extend(told);
                Vec::new()
            }
        };
        let known = [known, &own].concat();
        for (keyword, value) in node.schema.members() {
            let Some(holds) = keywords::holds(keyword) else {
                self.unknown_keyword(node, keyword);
                continue;
            };
            self.keyword(node, keyword, value, &known);
            for schema in keywords::schemas(holds, keyword, value) {
                let known = if holds == Holds::InPlace { &known[..] } else { &[] };
                self.schema(node.at(schema), known);
            }
        }
    }

    fn keyword(&mut self, node: Node<'_>, keyword: Key<'_>, value: Value<'_>, known: &[String]) {
        match keyword.as_str().as_ref() {
            "$id" => self.outcome.found.push(
                Diagnostic::error(code::S0109, "a schema file cannot have an `$id`")
                    .at(node.file.key_span(keyword), "would change what references mean")
                    .help("remove it: a schema is known by its folder and file name"),
            ),
            "$schema" if value.as_str().is_none_or(|draft| draft != DRAFT) => self.outcome.found.push(
                Diagnostic::error(code::S0110, "schemas are written in draft 2020-12")
                    .at(node.file.span(value), "another draft")
                    .help(format!("write `{DRAFT}`, or leave `$schema` out")),
            ),
            "$ref" | "$dynamicRef" => self.reference(node, value),
            "format" => self.format(node, value),
            "pattern" => self.pattern(node, value, &value.as_str().unwrap_or_default()),
            "patternProperties" => {
                for (pattern, _) in value.members() {
                    self.pattern(node, value, &pattern.as_str());
                }
            }
            "required" => self.required(node, value, known),
            "enum" if value.is_empty() => self.outcome.found.push(
                Diagnostic::error(code::S0113, "an enumeration without members")
                    .at(node.file.span(value), "no value satisfies it")
                    .help("list what is allowed, or write `false` where nothing is"),
            ),
            _ => {}
        }
    }

    fn unknown_keyword(&mut self, node: Node<'_>, keyword: Key<'_>) {
        let name = keyword.as_str();
        if name.starts_with("x-") {
            return;
        }
        let former =
            FORMER.iter().find(|(former, _)| *former == name).map(|(_, instead)| (*instead).to_owned());
        let meant = || did_you_mean(&name, KEYWORDS.iter().map(|(known, _)| *known));
        let help = former.or_else(|| meant().map(|known| format!("did you mean `{known}`?")));
        let diagnostic = Diagnostic::error(code::S0105, format!("unknown keyword `{name}`"))
            .at(node.file.key_span(keyword), "would be ignored");
        self.outcome.found.push(match help {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        });
    }

    fn reference(&mut self, node: Node<'_>, value: Value<'_>) {
        let reference = value.as_str().unwrap_or_default();
        let in_folder = |name: &str| (node.file.folder.clone(), name.to_owned());
        let dangling = match node.library.resolve(node.file, &reference) {
            Ok(referent) => {
                self.outcome.uses.insert(in_folder(&referent.file.name));
                return;
            }
            Err(Dangling::NoFile(name)) if self.unread.contains(&in_folder(&name)) => {
                self.outcome.uses.insert(in_folder(&name));
                return;
            }
            Err(dangling) => dangling,
        };
        let at = node.file.span(value);
        self.outcome.found.push(match dangling {
            Dangling::Remote => Diagnostic::error(code::S0104, "a reference leaves the schema files")
                .at(at, "nothing is fetched")
                .help("put the schema into a file of this folder and refer to it by its name"),
            Dangling::OtherFolder => Diagnostic::error(code::S0103, "a reference leaves its folder")
                .at(at, "only files of the same folder can be referred to"),
            Dangling::NoFile(name) => {
                let diagnostic =
                    Diagnostic::error(code::S0103, format!("there is no schema `{name}.json` here"))
                        .at(at, format!("no such file in `{}`", node.file.folder));
                match did_you_mean(&name, node.library.names(&node.file.folder)) {
                    Some(known) => diagnostic.help(format!("did you mean `{known}.json`?")),
                    None => diagnostic,
                }
            }
            Dangling::NoPlace => Diagnostic::error(code::S0103, "a reference leads nowhere")
                .at(at, "the file has no such place"),
        });
    }

    fn format(&mut self, node: Node<'_>, value: Value<'_>) {
        let name = value.as_str().unwrap_or_default();
        if checks::is_format(&name) {
            return;
        }
        let diagnostic = Diagnostic::error(code::S0106, format!("unknown format `{name}`"))
            .at(node.file.span(value), "would not be checked");
        self.outcome.found.push(match did_you_mean(&name, checks::FORMATS.iter().copied()) {
            Some(known) => diagnostic.help(format!("did you mean `{known}`?")),
            None => diagnostic.note(format!("known formats are {}", checks::FORMATS.join(", "))),
        });
    }

    fn pattern(&mut self, node: Node<'_>, value: Value<'_>, pattern: &str) {
        let usable = self.patterns.get(pattern).copied().unwrap_or_else(|| {
            let usable = checks::is_pattern(pattern);
            self.patterns.insert(pattern.to_owned(), usable);
            usable
        });
        if usable {
            return;
        }
        self.outcome.found.push(
            Diagnostic::error(code::S0108, "a pattern cannot be used")
                .at(node.file.span(value), "not a regular expression of the linear sort")
                .note("patterns take time in proportion to the text: no look-around, no references back"),
        );
    }

    /// Asks that a required property be declared, where any are. A schema that declares none is free-form,
    /// or a fragment meant to be combined.
    fn required(&mut self, node: Node<'_>, value: Value<'_>, known: &[String]) {
        if known.is_empty() || node.keyword("patternProperties").is_some() {
            return;
        }
        for element in value.elements() {
            let name = element.as_str().unwrap_or_default();
            if known.iter().any(|known| *known == name) {
                continue;
            }
            let diagnostic =
                Diagnostic::error(code::S0107, format!("required property `{name}` is not declared"))
                    .at(node.file.span(element), "no such property here");
            self.outcome.found.push(match did_you_mean(&name, known.iter().map(String::as_str)) {
                Some(known) => diagnostic.help(format!("did you mean `{known}`?")),
                None => diagnostic.help("declare it under `properties`"),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::support::load;

    /// Code, message and text pointed at of each diagnostic about the file.
    fn found(text: &str) -> Vec<(String, String, String)> {
        let neighbour = ("member", r#"{"$defs": {"role": {"$anchor": "here", "enum": ["a"]}}}"#);
        let (_, diagnostics, sources) = load(&[("file", text), neighbour, ("broken", "{")]);
        let about_broken = |place| sources.path(place) == "broken.json";
        diagnostics
            .into_iter()
            .map(|diagnostic| (diagnostic.primary().unwrap(), diagnostic))
            .filter(|(span, _)| !about_broken(span.source))
            .map(|(span, diagnostic)| {
                let pointed_at = sources.text(span.source)[span.range()].to_owned();
                let message = diagnostic
                    .help
                    .map_or(diagnostic.message.clone(), |help| format!("{}; {help}", diagnostic.message));
                (diagnostic.code.to_string(), message, pointed_at)
            })
            .collect()
    }

    fn assert_found(text: &str, expected: [&str; 3]) {
        let [code, message, pointed_at] = expected.map(str::to_owned);
        assert_eq!(found(text), [(code, message, pointed_at)], "{text}");
    }

    #[test]
    fn good_schemas_are_quiet() {
        for text in [
            "true",
            r#"{"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "t", "x-note": {"nullable": true}}"#,
            r##"{"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"$anchor": "c", "items": {"$ref": "#c"}}}}"##,
            r#"{"properties": {"role": {"$ref": "member.json#/$defs/role"}, "more": {"$ref": "./member.json#here"}}}"#,
            r#"{"const": {"nullable": 1, "$ref": "x"}, "default": {"format": "x"}, "enum": [{"required": ["x"]}]}"#,
            r#"{"properties": {"nullable": {"type": "string"}, "format": {"pattern": "^a"}}}"#,
            r#"{"required": ["anything"]}"#,
            r#"{"$ref": "broken.json"}"#,
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn s0101_is_text_that_is_not_json() {
        assert_found("{\"a\": 1,}", ["S0101", "the schema is not JSON: unexpected character", "}"]);
        assert_found(
            "{\"type\": \"string\", \"type\": \"null\"}",
            ["S0101", "the schema is not JSON: duplicate member name", "\""],
        );
        assert_found("", ["S0101", "the schema is not JSON: no value", ""]);
    }

    #[test]
    fn s0102_is_a_keyword_with_an_impossible_value() {
        let types = "`array`, `boolean`, `integer`, `null`, `number`, `object`, `string`";
        let message = format!("`type` must be one of {types}");
        assert_found(r#"{"type": "strnig"}"#, ["S0102", &message, "\"strnig\""]);
        assert_found(
            r#"{"properties": {"a": {"minLength": -1}}}"#,
            ["S0102", "`minLength` must be at least 0", "-1"],
        );
        assert_found(r#"{"allOf": []}"#, ["S0102", "`allOf` must not be empty", "[]"]);
        assert_found("[]", ["S0102", "a schema must be a boolean or an object", "[]"]);
    }

    #[test]
    fn s0103_is_a_reference_to_nothing() {
        assert_found(r##"{"$ref": "#/$defs/x"}"##, ["S0103", "a reference leads nowhere", "\"#/$defs/x\""]);
        assert_found(
            r#"{"items": {"$ref": "member.json#there"}}"#,
            ["S0103", "a reference leads nowhere", "\"member.json#there\""],
        );
        let meant = "there is no schema `membre.json` here; did you mean `member.json`?";
        assert_found(r#"{"$ref": "membre.json"}"#, ["S0103", meant, "\"membre.json\""]);
        assert_found(
            r#"{"$ref": "../other/user.json"}"#,
            ["S0103", "a reference leaves its folder", "\"../other/user.json\""],
        );
    }

    #[test]
    fn s0104_is_a_reference_to_another_server() {
        for url in
            ["https://example.com/user.json", "//example.com/user.json", "file:/etc/passwd", "urn:uuid:x"]
        {
            let text = format!(r#"{{"$ref": "{url}"}}"#);
            assert_eq!(found(&text)[0].0, "S0104", "{url}");
        }
    }

    #[test]
    fn s0105_is_a_keyword_that_does_not_exist() {
        assert_found(
            r#"{"properites": {}}"#,
            ["S0105", "unknown keyword `properites`; did you mean `properties`?", "\"properites\""],
        );
        assert_found(
            r#"{"items": {"type": "string", "nullable": true}}"#,
            [
                "S0105",
                "unknown keyword `nullable`; write the type as a list: `[\"string\", \"null\"]`",
                "\"nullable\"",
            ],
        );
        assert_eq!(found(r#"{"$defs": {"a": {"anyOf": [{"wat": 1}]}}}"#)[0].0, "S0105");
    }

    #[test]
    fn s0106_is_a_format_nobody_checks() {
        assert_found(
            r#"{"format": "datetime"}"#,
            ["S0106", "unknown format `datetime`; did you mean `date-time`?", "\"datetime\""],
        );
    }

    #[test]
    fn s0107_is_a_required_property_that_is_not_declared() {
        assert_found(
            r#"{"properties": {"email": {}}, "required": ["emial"]}"#,
            ["S0107", "required property `emial` is not declared; did you mean `email`?", "\"emial\""],
        );
        for declared_elsewhere in [
            r#"{"properties": {"a": {}, "b": {}}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}"#,
            r##"{"allOf": [{"$ref": "#/$defs/base"}], "required": ["a"], "$defs": {"base": {"properties": {"a": {}}}}}"##,
            r#"{"properties": {"b": {}}, "patternProperties": {"^a": {}}, "required": ["a"]}"#,
        ] {
            assert_eq!(found(declared_elsewhere), [], "{declared_elsewhere}");
        }
        let of_another_value = r#"{"properties": {"a": {"properties": {"b": {}}, "required": ["a"]}}}"#;
        assert_eq!(found(of_another_value)[0].0, "S0107");
    }

    #[test]
    fn s0108_is_a_pattern_the_engine_does_not_take() {
        assert_found(r#"{"pattern": "^(?!x)"}"#, ["S0108", "a pattern cannot be used", "\"^(?!x)\""]);
        assert_eq!(found(r#"{"patternProperties": {"(": {}}}"#)[0].0, "S0108");
        let help = "an enumeration without members; list what is allowed, or write `false` where nothing is";
        assert_found(r#"{"items": {"enum": []}}"#, ["S0113", help, "[]"]);
    }

    #[test]
    fn s0109_is_a_schema_that_names_itself() {
        let help =
            "a schema file cannot have an `$id`; remove it: a schema is known by its folder and file name";
        assert_found(r#"{"$id": "https://example.com/x.json"}"#, ["S0109", help, "\"$id\""]);
    }

    #[test]
    fn s0110_is_a_schema_of_another_draft() {
        let seventh = "http://json-schema.org/draft-07/schema#";
        assert_eq!(found(&format!(r#"{{"$schema": "{seventh}"}}"#))[0].0, "S0110");
    }

    #[test]
    fn everything_that_is_wrong_is_said_in_one_run() {
        let codes: Vec<_> =
            found(r#"{"format": "x", "properites": {}, "items": {"pattern": "("}, "$ref": "none.json"}"#)
                .into_iter()
                .map(|(code, ..)| code)
                .collect();
        assert_eq!(codes, ["S0106", "S0105", "S0108", "S0103"]);
    }
}
