//! What is wrong with a schema file although it is JSON: said once each, at its place in the file.
//!
//! The standard lets a schema say things that mean nothing: a misspelt keyword, an unknown format, a
//! required property that no one declared. Each of them makes a check that does not happen.

use std::collections::BTreeSet;

use jsonschema::draft202012;

use super::keywords::{self, FORMER, Holds, KEYWORDS};
use super::library::{Dangling, File, Library, Node};
use super::shape::Shape;
use super::store::FileName;
use super::{Segment, checks, violation};
use crate::diag::suggest::did_you_mean;
use crate::diag::{Diagnostic, Diagnostics, code};
use crate::json::{Key, Value};

/// The one draft schemas are written in.
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// What was found out about a file.
pub(super) struct Outcome {
    pub(super) found: Diagnostics,
    /// The other files it refers to, whether these are good or not.
    pub(super) uses: BTreeSet<FileName>,
}

/// Checks one file. `unread` are the files that are no JSON: references to them stay quiet, because that
/// was reported.
pub(super) fn check(library: &Library, file: &File, unread: &BTreeSet<FileName>) -> Outcome {
    let root = library.root(file);
    let meta_schema = draft202012::meta::validator();
    let violations = violation::from_errors(meta_schema.iter_errors(&file.tree), root.schema);
    let mut outcome = Outcome { found: Diagnostics::default(), uses: BTreeSet::new() };
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
        Lint { unread, outcome: &mut outcome }.schema(root, &[]);
    }
    outcome
}

struct Lint<'l> {
    unread: &'l BTreeSet<FileName>,
    outcome: &'l mut Outcome,
}

impl Lint<'_> {
    /// Checks a schema and all inside it. `known` are the properties that the schemas around it declare for
    /// the same value.
    fn schema(&mut self, node: Node<'_>, known: &[String]) {
        let known = [known, &Shape::of(node).properties()].concat();
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
        if checks::is_pattern(pattern) {
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
