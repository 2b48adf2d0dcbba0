//! Which answers are checked how: by dialect, from the text of a `config.toml`, and by what is told of them.

use http::{HeaderMap, Method, StatusCode, uri::PathAndQuery};
use interlingua::{
    config::{Config, Known},
    diag::{Diagnostics, Sources},
    dialect::url::Url,
    gateway::AnswerCheck,
    json::{Document, Limits},
    lens::Resolutions,
    translate::{Request, Step, answer::Answer, lift::lift, misfit},
};

use crate::support;

const TEXT: &str = "\
[answers]
check = \"report\"

[answers.dialects]
gitbook = \"off\"
gitbook-0-146 = \"enforce\"
";

#[test]
fn a_generation_is_checked_as_what_it_extends_unless_something_is_said_of_it() {
    let mut found = Diagnostics::default();
    let config = Config::parse(Sources::default().add("config.toml", TEXT), TEXT, &mut found).unwrap();
    let dialects = support::shipped().registry.dialects();
    let known: Vec<_> = dialects.iter().map(|dialect| Known::from(&**dialect)).collect();
    assert!(config.strangers(&known).is_empty());
    for dialect in dialects {
        let expected = match dialect.name.as_str() {
            "gitbook-0-146" => AnswerCheck::Enforce,
            name if name == "gitbook" || dialect.extends.iter().any(|base| base == "gitbook") => {
                if dialect.extends.iter().any(|base| base == "gitbook-0-146") {
                    AnswerCheck::Enforce
                } else {
                    AnswerCheck::Off
                }
            }
            _ => AnswerCheck::Report,
        };
        assert_eq!(config.answers.of(dialect), expected, "{dialect}");
    }
    assert!(dialects.iter().any(|dialect| dialect.extends.first().is_some_and(|base| base == "gitbook")));
}

/// How many of the answers to a request of a shipped dialect do not fit, if the backend says `{}` with `status`.
fn misfits(method: &Method, host: &str, path: &str, status: StatusCode) -> usize {
    let registry = &support::shipped().registry;
    let selected = registry.select(method, Some(host), path, &HeaderMap::new()).unwrap();
    let request = Request::new(selected, Url::of(PathAndQuery::from_static("/")), None).unwrap();
    let Step::Done(lifted) = lift(registry.api(), &request, &Resolutions::default()).unwrap() else {
        panic!("nothing is to be looked up");
    };
    let body = Document::parse(b"{}".to_vec(), &Limits::default()).ok();
    let mut answers = [Ok(Answer { status, body })];
    let found = misfit::check(AnswerCheck::Enforce, &request.operation, &lifted, &mut answers);
    assert_eq!(answers[0].is_err(), !found.is_empty());
    found.len()
}

#[test]
fn what_no_client_is_told_of_need_not_fit() {
    let organization = "/account/api/v1/organizations/3c90c3cc-0d44-4b50-8888-8dd25736052a";
    let member = format!("{organization}/members/3c90c3cc-0d44-4b50-8888-8dd25736052a");
    let host = "www.closient.com";
    assert_eq!(misfits(&Method::GET, host, organization, StatusCode::OK), 1);
    assert_eq!(misfits(&Method::DELETE, host, &member, StatusCode::OK), 0, "answered with nothing");
    assert_eq!(
        misfits(&Method::GET, host, organization, StatusCode::CREATED),
        0,
        "undeclared, which is told later"
    );
}
