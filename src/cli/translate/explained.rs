//! What `translate --explain` prints, to the letter. Files are named as tests find them, from the root of the package.

use std::process::ExitCode;

use serde_json::Value;

use super::super::testing::{NamedFile, Ran, file, ran};

const PEOPLE: &str = "POST /api/orgs/CnEqURgZ3swzj528KMLvX5/people";
const LINKS: &str = "GET /api/orgs/CnEqURgZ3swzj528KMLvX5/links?page=3&size=99&who=me";

fn explained(request: &str, body: Option<&NamedFile>, more: &[&str]) -> Ran {
    let folders = ["--mappings", "tests/fixtures/acme/mappings", "--schemas", "tests/fixtures/acme/schemas"];
    let body: Vec<_> = body.iter().flat_map(|body| ["--body", body.path_text()]).collect();
    ran(&[&["translate", "acme", request, "--explain"], &folders[..], &body, more].concat())
}

fn body() -> NamedFile {
    file("body.json", r#"{"email": "a@example.com", "role": "chief", "shoe_size": 44}"#)
}

#[test]
fn both_ways_are_told_step_by_step_with_the_line_that_says_so() {
    let answer = r#"{"id": "3c90c3cc-0d44-4b50-8888-8dd25736052a", "email": "a@example.com", "role": "owner", "note": "likes tea"}"#;
    let answer = file("answer.json", answer);
    let ran = explained(PEOPLE, Some(&body()), &["--answer", answer.path_text()]);
    let expected = r#"select: add_member
  POST /api/orgs/{org}/people  tests/fixtures/acme/mappings/acme.toml:87

check: schemas
  $body  fits the schema `acme/person_add`  tests/fixtures/acme/mappings/acme.toml:89

lift: call 1, members.add
  $path.organization_id  ← $path.org  id, from shortuuid to uuid, string(36)                          tests/fixtures/acme/mappings/acme.toml:88
  email                  ← email      as it is, string(13)                                            tests/fixtures/acme/mappings/acme.toml:57
  role                   ← role       "chief" is "owner" (tests/fixtures/acme/mappings/acme.toml:34)  tests/fixtures/acme/mappings/acme.toml:58
                           shoe_size  ignored: nothing reads it

call: backend
  `members.add`, POST /v1/organizations/{organization_id}/members: 201  tests/fixtures/acme/mappings/acme.toml:90

check: answers of the backend
  enforce: none that does not fit

lower: answer 200
                  201 of the backend is told as 200                               tests/fixtures/acme/mappings/acme.toml:91
  id     ← id     id, from uuid to shortuuid, string(22)                          tests/fixtures/acme/mappings/acme.toml:65
  email  ← email  as it is, string(13)                                            tests/fixtures/acme/mappings/acme.toml:66
  role   ← role   "owner" is "chief" (tests/fixtures/acme/mappings/acme.toml:34)  tests/fixtures/acme/mappings/acme.toml:67
           note   lost as `person.note`: not shown                                tests/fixtures/acme/mappings/acme.toml:110

losses:
  person.note  1 × not shown  tests/fixtures/acme/mappings/acme.toml:110

{
  "status": 200,
  "body": {
    "id": "CnEqURgZ3swzj528KMLvX5",
    "email": "a@example.com",
    "role": "chief"
  }
}
"#;
    assert_eq!((ran.out.as_str(), ran.err.as_str()), (expected, ""));
    assert_eq!(ran.status, ExitCode::SUCCESS);
}

#[test]
fn a_refusal_is_explained_with_the_check_that_fired() {
    let ran =
        explained(PEOPLE, Some(&file("body.json", r#"{"email": "a@example.com", "role": "king"}"#)), &[]);
    let expected = "select: add_member
  POST /api/orgs/{org}/people  tests/fixtures/acme/mappings/acme.toml:87

check: schemas
  role  refused (enum): must be one of `chief`, `hand`  tests/fixtures/acme/mappings/acme.toml:89

refuse: invalid-request
                  422 is told as it is
            role  refused (enum): must be one of `chief`, `hand`
  error           slot `word`, string(6)                          tests/fixtures/acme/mappings/acme.toml:25
  fields          slot `violations`, array(1)                     tests/fixtures/acme/mappings/acme.toml:26
";
    assert!(ran.out.starts_with(&format!("{expected}\n{{\n")), "{}", ran.out);
    assert_eq!(ran.status, ExitCode::from(1));
}

#[test]
fn the_backends_places_are_told_backwards_and_its_words_are_masked() {
    let problem = file(
        "problem.json",
        r#"{"title": "Invalid", "status": 422, "code": "taken", "detail": "no",
            "errors": [{"pointer": "/email", "code": "taken", "detail": "a@example.com is taken"}]}"#,
    );
    let answer = ["--answer", problem.path_text(), "--status", "422"];
    let ran = explained(PEOPLE, Some(&body()), &answer);
    let expected = "backwards: places of the backend's errors
  email  ← email  is named by this field  tests/fixtures/acme/mappings/acme.toml:57

check: answers of the backend
  enforce: none that does not fit

lower: no answer
  422 of the backend is told as an error

refuse: backend
                   422 is told as it is
            email  refused (backend): as the backend says it, string(22)
";
    assert!(ran.out.contains(expected), "{}", ran.out);
}

#[test]
fn pages_and_lookups_say_what_decided() {
    let ran = explained(LINKS, None, &[]);
    let expected = "lift: call 1, invite_links.list
  $path.organization_id  ← $path.org    id, from shortuuid to uuid, string(36)     tests/fixtures/acme/mappings/acme.toml:104
                           $query.who   ignored: nothing reads it
  $query.limit           ← $query.size  cut to the most there may be, 50, integer  tests/fixtures/acme/mappings/acme.toml:79
  $query.offset          ← $query.page  as asked, integer                          tests/fixtures/acme/mappings/acme.toml:78
";
    assert!(ran.out.contains(expected), "{}", ran.out);

    let found = "organization:north=3c90c3cc-0d44-4b50-8888-8dd25736052a";
    let ran = explained("POST /api/by-slug/north", Some(&body()), &["--resolve", found]);
    let expected = "look-up: ids
  resolver `organization`, from the dialect's id: found (as `--resolve` says)  tests/fixtures/acme/mappings/acme.toml:43
";
    assert!(ran.out.contains(expected), "{}", ran.out);
    assert!(ran.out.contains("← $path.org  resolver `organization`: found, string(36)"), "{}", ran.out);
}

#[test]
fn for_programs_the_explanation_is_a_member_of_the_result_which_is_the_same() {
    for (request, body) in [(PEOPLE, Some(body())), (LINKS, None)] {
        let plain = explained(request, body.as_ref(), &[]);
        let plain: Value = serde_json::from_str(&plain.out[plain.out.find("\n{").unwrap()..]).unwrap();
        let ran = explained(request, body.as_ref(), &["--format", "json"]);
        let mut result: Value = serde_json::from_str(&ran.out).unwrap();
        let explanation = result.as_object_mut().unwrap().remove("explanation").unwrap();
        assert_eq!(result, plain);
        assert_eq!(explanation["dialect"], "acme");
        let phases: Vec<_> =
            explanation["sections"].as_array().unwrap().iter().map(|section| &section["phase"]).collect();
        assert!(phases.iter().any(|phase| *phase == "lift"), "{phases:?}");
    }
}

#[test]
fn a_step_for_programs_names_rule_row_and_lines() {
    let ran = explained(PEOPLE, Some(&body()), &["--format", "json"]);
    let result: Value = serde_json::from_str(&ran.out).unwrap();
    let sections = result["explanation"]["sections"].as_array().unwrap();
    let lift = sections.iter().find(|section| section["phase"] == "lift").unwrap();
    let role = lift["steps"].as_array().unwrap().iter().find(|step| step["to"] == "role").unwrap();
    let expected = serde_json::json!({
        "to": "role",
        "from": "role",
        "outcome": "written",
        "value": "string(5)",
        "how": "\"chief\" is \"owner\" (tests/fixtures/acme/mappings/acme.toml:34)",
        "rules": ["table"],
        "at": "tests/fixtures/acme/mappings/acme.toml:58",
        "row": {
            "dialect": "\"chief\"",
            "canonical": "\"owner\"",
            "landed": false,
            "at": "tests/fixtures/acme/mappings/acme.toml:34",
        },
    });
    assert_eq!(role, &expected);
}
