//! What `validate` says.

use std::process::ExitCode;

use super::super::testing::{file, ran_in_acme};

mod cases;
mod seeded;

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
    let (out, err, status) = validated(&["{\n  \"email\": \"a@example.com\",\n  \"role\": \"king\"\n}"], &[]);
    let expected = "\
error[V0102]: `/role` must be one of `chief`, `hand`
 --> body.json:3:11
  |
3 |   \"role\": \"****\"
  |           ^^^^^^ enum

1 error
";
    assert_eq!((err.as_str(), out.as_str()), (expected, "0 of 1 document fits\n"));
    assert_eq!(status, ExitCode::from(1));
}

#[test]
fn where_no_file_can_be_read_that_is_all_that_is_said() {
    let ran =
        ran_in_acme(&["validate", "acme", "add_member", "/nowhere/missing.json", "/nowhere/either.json"]);
    assert!(ran.err.contains("cannot read `/nowhere/missing.json`"), "{}", ran.err);
    assert_eq!(ran.out, "");
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
    assert!(err.starts_with("error[V0102]: the document must be an object\n --> body.json:1:1\n"), "{err}");
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
