//! `validate`: do these documents fit what an operation takes, or what it answers?

use std::{path::PathBuf, sync::Arc};

use clap::Args;

use super::{
    Failure, Outcome,
    console::Console,
    document,
    files::{Files, Loaded},
    names::{self, Unknown},
    report::{Format, Reporter},
};
use crate::{
    canonical::api::Api,
    config::Config,
    diag::{Diagnostic, Diagnostics, SourceId, Sources, Span, code, render::Case},
    dialect::{
        Operation,
        operation::{AnswerPlan, RequestBody},
    },
    json::{Kind, Limits, Value},
    mapping::CANONICAL,
    problem::Segment,
    schema::{Schema, Store, Violation},
};

/// More than a person reads about one document.
const VIOLATIONS_MAX: usize = 100;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The dialect, or `canonical` for the operations of the backend
    dialect: String,
    /// The operation
    operation: String,
    /// JSON files; `-` is standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The documents are answers, not requests
    #[arg(long)]
    answer: bool,
    /// How to print what was found
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(
    arguments: &Arguments,
    files: &Files,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    let Some(loaded) = files.load(console)? else { return Ok(Outcome::Findings) };
    let schemas = schemas(arguments, &loaded)?;
    let limits = limits(&loaded.config, arguments.answer);

    let mut reporter = Reporter::new(arguments.format, "validate", console);
    let mut fitting = 0;
    // A file that cannot be read is no reason to be silent about the others.
    let mut unread = None;
    for (path, bytes) in arguments.files.iter().zip(document::read_each(&arguments.files)) {
        let bytes = match bytes {
            Ok(bytes) => bytes,
            Err(failure) => {
                unread = unread.or(Some(failure));
                continue;
            }
        };
        let mut sources = Sources::default();
        let mut found = Diagnostics::default();
        match document::parse(path, bytes, &limits, &mut sources) {
            Ok((source, document)) => found.extend(misfits(&schemas, document.root(), source)),
            Err(diagnostic) => found.push(diagnostic),
        }
        let found = found.into_vec();
        fitting += usize::from(found.is_empty());
        let suite = sources.ids().next().map_or("document", |id| sources.path(id));
        let case = Case { suite, name: &arguments.operation, found: &found, skipped: None };
        reporter.case(&case, &sources, console)?;
    }

    reporter.finish(console)?;
    let all = arguments.files.len();
    if arguments.format == Format::Text {
        let documents = if all == 1 { "document fits" } else { "documents fit" };
        console.line(&format!("{fitting} of {all} {documents}"))?;
    }
    match unread {
        Some(failure) => Err(failure),
        None if fitting == all => Ok(Outcome::Clean),
        None => Ok(Outcome::Findings),
    }
}

/// What a document may cost: a request as much as on the wire, an answer whatever its file is worth.
fn limits(config: &Config, answer: bool) -> Limits {
    if answer {
        return Limits { bytes_max: usize::MAX, nodes_max: usize::MAX, ..Limits::default() };
    }
    Limits { bytes_max: config.body.bytes_max, depth_max: config.body.depth_max, ..Limits::default() }
}

/// The schemas a document may fit: one for a request, one for each kind of answer that has a body.
fn schemas(arguments: &Arguments, loaded: &Loaded) -> Result<Vec<Arc<Schema>>, Failure> {
    let Loaded { registry, schemas, .. } = loaded;
    let found = if arguments.dialect == CANONICAL && registry.dialect(CANONICAL).is_none() {
        of_canonical(registry.api(), schemas, arguments)?
    } else {
        let operation =
            names::operation(names::dialect(registry, &arguments.dialect)?, &arguments.operation)?;
        if arguments.answer { of_answers(operation) } else { of_request(operation) }
    };
    let operation = arguments.operation.clone();
    match (found.is_empty(), arguments.answer) {
        (false, _) => Ok(found),
        (true, true) => Err(Failure::NoAnswerSchema { operation }),
        (true, false) => Err(Failure::NoRequestSchema { operation }),
    }
}

fn of_request(operation: &Operation) -> Vec<Arc<Schema>> {
    match &operation.body {
        RequestBody::None => Vec::new(),
        RequestBody::Each { schema, .. } | RequestBody::One { schema } => vec![Arc::clone(schema)],
    }
}

fn of_answers(operation: &Operation) -> Vec<Arc<Schema>> {
    match &operation.answer {
        AnswerPlan::Collect(collect) => collect.schema.iter().cloned().collect(),
        AnswerPlan::One(answers) => answers.iter().filter_map(|answer| answer.schema.clone()).collect(),
    }
}

fn of_canonical(api: &Api, schemas: &Store, arguments: &Arguments) -> Result<Vec<Arc<Schema>>, Unknown> {
    let name = arguments.operation.as_str();
    let known = api.operations.iter().map(|operation| operation.name.as_str());
    let operation = api
        .operation(name)
        .ok_or_else(|| Unknown::new(format!("`{CANONICAL}` has no operation"), name, known))?;
    let names: Vec<_> = if arguments.answer {
        operation.answers.iter().filter_map(|(_, schema)| schema.as_deref()).collect()
    } else {
        operation.body.as_deref().into_iter().collect()
    };
    Ok(names.into_iter().filter_map(|name| schemas.schema(CANONICAL, name).cloned()).collect())
}

/// What keeps the document from fitting: nothing if it fits one of the schemas, else what the one it comes closest to
/// has against it.
fn misfits(schemas: &[Arc<Schema>], root: Value<'_>, source: SourceId) -> Vec<Diagnostic> {
    let violations = schemas.iter().map(|schema| schema.violations(root, VIOLATIONS_MAX));
    let closest = violations.min_by_key(Vec::len).unwrap_or_default();
    closest.iter().map(|violation| misfit(violation, root, source)).collect()
}

fn misfit(violation: &Violation, root: Value<'_>, source: SourceId) -> Diagnostic {
    let subject = match violation.pointer() {
        pointer if pointer.is_empty() => "the document".to_owned(),
        pointer => format!("`{pointer}`"),
    };
    Diagnostic::error(code::V0102, format!("{subject} {}", violation.message))
        .at(place(&violation.path, root, source), violation.keyword)
}

/// Where to look: the value itself, or the first character of a long one; the name of a member that is too many; the
/// beginning of the object that lacks one.
fn place(path: &[Segment], root: Value<'_>, source: SourceId) -> Span {
    let mut value = root;
    let mut name = None;
    for segment in path {
        let next = match segment {
            Segment::Index(index) => value.elements().nth(*index).map(|element| (None, element)),
            Segment::Name(wanted) => {
                value.members().find(|(key, _)| key.is(wanted)).map(|(key, member)| (Some(key), member))
            }
        };
        let Some((key, inner)) = next else {
            return Span::new(source, value.offset()..value.offset() + 1);
        };
        (name, value) = (key, inner);
    }
    match (value.kind(), name) {
        (Kind::Array | Kind::Object, Some(key)) => {
            Span::new(source, key.offset()..key.offset() + key.raw().len())
        }
        (Kind::Array | Kind::Object, None) => Span::new(source, value.offset()..value.offset() + 1),
        (Kind::False | Kind::Integer | Kind::Null | Kind::Number | Kind::String | Kind::True, _) => {
            Span::new(source, value.offset()..value.offset() + value.raw().len())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::ExitCode;

    use super::super::testing::{file, ran_in_acme};

    /// Validates these texts as bodies of the fixture's `add_member`.
    fn validated(texts: &[&str], more: &[&str]) -> (String, String, ExitCode) {
        let files: Vec<_> = texts.iter().map(|text| file("body.json", text)).collect();
        let paths: Vec<_> = files.iter().map(|file| file.path().display().to_string()).collect();
        let mut arguments = vec!["validate", "acme", "add_member"];
        arguments.extend(paths.iter().map(String::as_str));
        arguments.extend(more);
        let ran = ran_in_acme(&arguments);
        let err = paths.iter().fold(ran.err, |err, path| err.replace(path, "body.json"));
        (ran.out, err, ran.status)
    }

    #[test]
    fn documents_that_fit_are_counted() {
        let fits = r#"{"email": "a@example.com", "role": "chief"}"#;
        let (out, err, status) = validated(&[fits, fits], &[]);

        assert_eq!((out.as_str(), err.as_str()), ("2 of 2 documents fit\n", ""));
        assert_eq!(status, ExitCode::SUCCESS);
    }

    #[test]
    fn what_does_not_fit_is_pointed_at_in_its_file() {
        let (out, err, status) =
            validated(&["{\n  \"email\": \"a@example.com\",\n  \"role\": \"king\"\n}"], &[]);
        let expected = "\
error[V0102]: `/role` must be one of `chief`, `hand`
 --> body.json:3:11
  |
3 |   \"role\": \"king\"
  |           ^^^^^^ enum

1 error
";
        assert_eq!((err.as_str(), out.as_str()), (expected, "0 of 1 document fits\n"));
        assert_eq!(status, ExitCode::from(1));
    }

    #[test]
    fn a_file_that_cannot_be_read_does_not_silence_the_others() {
        let file = file("body.json", r#"{"role": "hand"}"#);
        let ran = ran_in_acme(&["validate", "acme", "add_member", file.path_text(), "/nowhere/missing.json"]);

        assert!(ran.err.contains("`/email` is required"), "{}", ran.err);
        assert!(ran.err.contains("cannot read `/nowhere/missing.json`"), "{}", ran.err);
        assert_eq!(ran.status, ExitCode::from(2));
    }

    #[test]
    fn a_missing_member_is_pointed_at_where_it_should_be() {
        let (_, err, _) = validated(&["\n  {\"role\": \"hand\"}"], &[]);
        assert!(err.starts_with("error[V0102]: `/email` is required\n --> body.json:2:3\n"), "{err}");
    }

    #[test]
    fn a_document_of_another_kind_is_named_as_a_whole() {
        let (_, err, _) = validated(&["[]"], &[]);
        assert!(
            err.starts_with("error[V0102]: the document must be an object\n --> body.json:1:1\n"),
            "{err}"
        );
    }

    #[test]
    fn every_document_is_looked_at() {
        let (out, err, status) = validated(&["{", r#"{"email": "a@example.com"}"#, "[]"], &[]);

        assert!(err.contains("error[V0101]") && err.contains("error[V0102]"), "{err}");
        assert_eq!(out, "1 of 3 documents fit\n");
        assert_eq!(status, ExitCode::from(1));
    }

    #[test]
    fn answers_have_a_schema_of_their_own() {
        let (_, err, _) = validated(&[r#"{"email": "a@example.com"}"#], &["--answer"]);
        assert!(err.contains("error[V0102]: `/id` is required"), "{err}");
    }

    #[test]
    fn canonical_operations_can_be_asked_about_too() {
        let body = file("body.json", r#"{"email": "a@example.com", "role": "king"}"#);
        let path = body.path().display().to_string();
        let ran = ran_in_acme(&["validate", "canonical", "members.add", &path]);

        assert!(ran.err.contains("error[V0102]: `/role` must be one of `owner`"), "{}", ran.err);
    }

    #[test]
    fn what_cannot_be_asked_is_status_2() {
        for (arguments, reason) in [
            (["acme", "add_membr"], "`acme` has no operation `add_membr`; did you mean `add_member`?"),
            (["acme", "list_links"], "`list_links` takes no body"),
            (["acne", "add_member"], "there is no dialect `acne`; did you mean `acme`?"),
            (
                ["canonical", "members.ad"],
                "`canonical` has no operation `members.ad`; did you mean `members.add`?",
            ),
        ] {
            let [dialect, operation] = arguments;
            let ran = ran_in_acme(&["validate", dialect, operation, "/dev/null"]);
            assert_eq!(ran.err, format!("interlingua: {reason}\n"));
            assert_eq!(ran.status, ExitCode::from(2));
        }
    }
}
