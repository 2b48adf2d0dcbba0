//! What `translate` prints, for the dialect of the fixture.

use std::process::ExitCode;

use super::super::testing::{NamedFile, Ran, file, ran_in_acme};

const PEOPLE: &str = "POST /api/orgs/CnEqURgZ3swzj528KMLvX5/people";

fn body() -> NamedFile {
    file("body.json", r#"{"email": "a@example.com", "role": "chief", "shoe_size": 44}"#)
}

/// Translates a request with a body, and answers to the calls.
fn translated(request: &str, body: &NamedFile, answers: &[&NamedFile], more: &[&str]) -> Ran {
    let mut arguments = vec!["translate", "acme", request, "--body", body.path_text()];
    for answer in answers {
        arguments.extend(["--answer", answer.path_text()]);
    }
    arguments.extend(more);
    ran_in_acme(&arguments)
}

#[test]
fn the_calls_of_a_request_are_shown_as_they_would_be_sent() {
    let ran = translated(PEOPLE, &body(), &[], &[]);
    let expected = r#"{
  "calls": [
    {
      "operation": "members.add",
      "method": "POST",
      "target": "/v1/organizations/3c90c3cc-0d44-4b50-8888-8dd25736052a/members",
      "body": {
        "email": "a@example.com",
        "role": "owner"
      }
    }
  ],
  "ignored_fields": 1
}
"#;
    assert_eq!((ran.out.as_str(), ran.err.as_str()), (expected, ""));
    assert_eq!(ran.status, ExitCode::SUCCESS);
}

#[test]
fn a_call_without_a_body_shows_none() {
    let ran = ran_in_acme(&["translate", "acme", "GET /api/orgs/CnEqURgZ3swzj528KMLvX5/links?page=3&size=2"]);

    assert!(ran.out.contains("invite-links?limit=2&offset=4\"\n"), "{}", ran.out);
    assert!(!ran.out.contains("body"), "{}", ran.out);
}

#[test]
fn with_answers_the_client_s_is_shown() {
    let answer = file(
        "answer.json",
        r#"{"id": "3c90c3cc-0d44-4b50-8888-8dd25736052a", "email": "a@example.com", "role": "owner"}"#,
    );
    let ran = translated(PEOPLE, &body(), &[&answer], &[]);
    let expected = r#"{
  "status": 200,
  "body": {
    "id": "CnEqURgZ3swzj528KMLvX5",
    "email": "a@example.com",
    "role": "chief"
  }
}
"#;
    assert_eq!((ran.out.as_str(), ran.err.as_str()), (expected, ""));
}

#[test]
fn a_refusal_is_shown_as_the_client_would_get_it() {
    let ran =
        translated(PEOPLE, &file("body.json", r#"{"email": "a@example.com", "role": "king"}"#), &[], &[]);
    let expected = r#"{
  "status": 422,
  "body": {
    "error": "client",
    "fields": [
      {
        "name": "role",
        "reason": "must be one of `chief`, `hand`"
      }
    ]
  }
}
"#;
    assert_eq!((ran.out.as_str(), ran.err.as_str()), (expected, ""));
    assert_eq!(ran.status, ExitCode::from(1));
}

#[test]
fn what_the_backend_refuses_is_told_in_the_dialect_s_places() {
    let problem = file(
        "problem.json",
        r#"{"title": "Invalid", "status": 422, "code": "invalid", "detail": "not valid",
            "errors": [{"pointer": "/email", "code": "taken", "detail": "is taken"}]}"#,
    );
    let ran = translated(PEOPLE, &body(), &[&problem], &["--status", "422"]);

    assert!(ran.out.contains("\"status\": 422"), "{}", ran.out);
    assert!(ran.out.contains("\"name\": \"email\""), "{}", ran.out);
    assert_eq!(ran.status, ExitCode::from(1));
}

#[test]
fn an_answer_that_is_none_to_a_change_is_a_500_and_its_cause_is_for_us() {
    let ran = translated(PEOPLE, &body(), &[&file("answer.json", "{}")], &[]);

    assert!(ran.out.contains("\"status\": 500"), "{}", ran.out);
    assert!(ran.err.starts_with("cause: "), "{}", ran.err);
}

#[test]
fn what_a_resolver_would_find_is_asked_for_and_used() {
    let ran = translated("POST /api/by-slug/north", &body(), &[], &[]);
    assert_eq!(
        ran.err,
        "interlingua: an id is looked up: say what would be found with `--resolve organization:north=RIGHT`\n"
    );
    assert_eq!(ran.status, ExitCode::from(2));

    let found = "organization:north=3c90c3cc-0d44-4b50-8888-8dd25736052a";
    let ran = translated("POST /api/by-slug/north", &body(), &[], &["--resolve", found]);
    assert!(
        ran.out.contains("/v1/organizations/3c90c3cc-0d44-4b50-8888-8dd25736052a/members"),
        "{}",
        ran.out
    );

    let ran = translated("POST /api/by-slug/north", &body(), &[], &["--resolve", "organization:north="]);
    assert!(ran.out.contains("\"status\": 404"), "{}", ran.out);
}

#[test]
fn a_path_nobody_knows_is_refused_in_the_dialect_s_words() {
    let ran = ran_in_acme(&["translate", "acme", "GET /api/nowhere"]);

    assert_eq!(
        ran.out,
        "{\n  \"status\": 404,\n  \"body\": {\n    \"error\": \"client\",\n    \"reason\": \"no such path\"\n  }\n}\n"
    );
    assert_eq!(ran.status, ExitCode::from(1));
}

#[test]
fn a_body_that_is_no_json_is_pointed_at() {
    let ran = translated(PEOPLE, &file("body.json", "{\"email\": }"), &[], &[]);

    assert!(ran.err.contains("error[V0101]: not strict JSON: unexpected character"), "{}", ran.err);
    assert_eq!(ran.status, ExitCode::from(1));
}

#[test]
fn a_body_nobody_reads_is_mentioned() {
    let body = body();
    let links = "GET /api/orgs/CnEqURgZ3swzj528KMLvX5/links";
    let ran = translated(links, &body, &[], &[]);

    assert_eq!(ran.err, format!("`list_links` takes no body: `{}` is not read\n", body.path_text()));
    assert_eq!(ran.status, ExitCode::SUCCESS);
}

#[test]
fn what_is_not_enough_to_translate_is_status_2() {
    let body = body();
    for (ran, reason) in [
        (
            ran_in_acme(&["translate", "acme", PEOPLE]),
            "`add_member` takes a body: say which with `--body FILE`",
        ),
        (
            ran_in_acme(&["translate", "acme", "POST"]),
            "a request is a method and an address, as in 'POST /v1/things'",
        ),
        (
            translated(PEOPLE, &body, &[&body, &body], &[]),
            "the request becomes 1 call, but `--answer` is given 2 times",
        ),
        (
            translated(PEOPLE, &body, &[], &["--resolve", "nope:a=b"]),
            "`acme` has no resolver `nope`; there is organization",
        ),
        (ran_in_acme(&["translate", "acne", PEOPLE]), "there is no dialect `acne`; did you mean `acme`?"),
    ] {
        assert_eq!(ran.err, format!("interlingua: {reason}\n"));
        assert_eq!(ran.status, ExitCode::from(2));
    }
}
