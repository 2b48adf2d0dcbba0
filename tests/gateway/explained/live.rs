//! The live form, against the started program with its reference backend.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, SystemTime},
};

use interlingua::{
    boot::DataFiles,
    config::Config,
    gateway::{explain::Explainer, reverse},
    upstream,
};
use serde_json::Value;
use tempfile::TempDir;

use super::{KEY, LOSSES};
use crate::program::{Answer, Program};

/// An address of their own for these tests, so that no other is given a port that is free again.
const ADMIN: &str = "127.0.0.6:0";

/// A program whose requests may be explained.
struct Explained {
    program: Program,
    admin: SocketAddr,
    _folder: TempDir,
}

/// A request of an owner for the members of the demonstration's organization.
const MEMBERS: &str = "/gitbook/v1/orgs/3c90c3cc-0d44-4b50-8888-8dd25736052a/members?limit=2";
const CREDENTIAL: (&str, &str) = ("authorization", "Bearer gb_api_DemoOwnerNorthwind0000000000000000000000");

impl Explained {
    fn start(has_key: bool) -> Explained {
        Explained::start_with(has_key, |_| {})
    }

    /// The same, with other settings.
    fn start_with(has_key: bool, change: impl FnOnce(&mut Config)) -> Explained {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("explain.key");
        std::fs::write(&key, KEY).unwrap();
        let admin = std::net::TcpListener::bind(ADMIN).unwrap().local_addr().unwrap();
        let program = Program::start_with(&DataFiles::default(), |config| {
            config.admin.address = Some(admin);
            config.explain.key = has_key.then_some(key);
            change(config);
        });
        Explained { program, admin, _folder: folder }
    }

    /// Asks for the members, with these headers besides.
    fn members(&self, id: &str, more: &[(&str, &str)]) -> Answer {
        let answer =
            self.program.send("GET", MEMBERS, &[&[CREDENTIAL, ("x-request-id", id)], more].concat(), None);
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer
    }

    /// What the admin listener says.
    fn admin(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.admin).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// What the admin listener knows of a request.
    fn explanation(&self, id: &str) -> Option<Value> {
        let answer = self.admin(&format!("/explain/{id}"));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        if head.starts_with("HTTP/1.1 404") {
            return None;
        }
        assert!(head.starts_with("HTTP/1.1 200") && head.contains("application/json"), "{head}");
        Some(serde_json::from_str(body).unwrap())
    }
}

fn token(key: &[u8], valid_until: SystemTime) -> String {
    Explainer::new(key).unwrap().token(valid_until)
}

fn soon() -> SystemTime {
    SystemTime::now() + Duration::from_mins(5)
}

#[test]
fn a_request_with_a_token_is_told_its_losses_and_explained_to_the_operator() {
    let explained = Explained::start(true);
    let token = token(KEY, soon());
    let plain = explained.members("plain", &[]);
    let answer = explained.members("asked", &[("x-interlingua-explain", &token)]);
    assert_eq!(plain.body, answer.body);
    assert_eq!(plain.header(LOSSES), None);
    // Two members are shown, of whom both have what the mapping says is not shown here.
    let losses = answer.header(LOSSES).expect("members have more than this API shows");
    assert!(losses.split(", ").any(|loss| loss == "member.updated_at;n=2"), "{losses}");

    let explanation = explained.explanation("asked").expect("it is kept");
    assert_eq!(explanation["operation"], "listMembersInOrganizationById");
    assert_eq!(explanation["sections"][1]["title"], "quota");
    let named: Vec<String> = explanation["losses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|loss| format!("{};n={}", loss["name"].as_str().unwrap(), loss["count"]))
        .collect();
    assert_eq!(named.join(", "), losses, "header and explanation agree");
    assert!(!explanation.to_string().contains("example.com"), "{explanation}");
    assert_eq!(explained.explanation("plain"), None);
    assert_eq!(explained.explanation("nobody"), None);
}

#[test]
fn losses_are_counted_as_they_are_told() {
    let explained = Explained::start(true);
    let token = token(KEY, soon());
    explained.members("plain", &[]);
    let answer = explained.members("asked", &[("x-interlingua-explain", &token)]);
    let losses: Vec<(&str, u64)> = answer
        .header(LOSSES)
        .unwrap()
        .split(", ")
        .map(|loss| {
            let (name, count) = loss.split_once(";n=").unwrap();
            (name, count.parse().unwrap())
        })
        .collect();

    let page = explained.admin("/metrics");
    let operation = r#"dialect="gitbook",operation="listMembersInOrganizationById""#;
    for (name, count) in &losses {
        let counted = format!(r#"gateway_declared_losses_total{{{operation},field="{name}"}} {}"#, 2 * count);
        assert!(page.lines().any(|line| line == counted), "{counted}\n{page}");
    }
    let lines = page.lines().filter(|line| line.starts_with("gateway_declared_losses_total{"));
    let of_words = lines.clone().filter(|line| line.contains("field=\"role."));
    assert_eq!(lines.count(), losses.len() + of_words.count(), "{page}");
    assert!(losses.len() > 5, "{losses:?}");
}

#[test]
fn lookups_in_the_words_of_the_backends_dialect_are_told_and_counted() {
    let behind = Program::start(&DataFiles::default());
    let base = format!("http://{}/letpiper", behind.address).parse().unwrap();
    let explained = Explained::start_with(true, |config| {
        config.upstream = Some(upstream::Config::new(base));
        config.reverse = Some(reverse::Config { dialect: "letpiper".to_owned(), any_order: true });
    });
    let token = token(KEY, soon());
    let member = "/canonical/v1/organizations/3c90c3cc-0d44-4b50-8888-8dd25736052a/members/\
                  20000000-0000-4000-8000-000000000106";
    let headers = [
        ("authorization", "Bearer pat_DemoOwnerNorthwind00000000000000"),
        ("content-type", "application/json"),
        ("x-request-id", "asked"),
        ("x-interlingua-explain", token.as_str()),
    ];
    let answer = explained.program.send("PATCH", member, &headers, Some(r#"{"role":"creator"}"#));
    assert_eq!(answer.status, 200, "{}", answer.body);
    let explanation = explained.explanation("asked").expect("it is kept").to_string();
    let page = explained.admin("/metrics");
    for resolver in ["member_of_user", "role_row"] {
        let told =
            format!("resolver `{resolver}` of the backend's `letpiper`, from the canonical id: found (asked");
        assert!(explanation.contains(&told), "{told}: {explanation}");
        let counted = format!(r#"gateway_resolver_lookups_total{{resolver="{resolver}",outcome="loaded"}} "#);
        let line = page.lines().find(|line| line.starts_with(&counted));
        assert!(line.is_some_and(|line| !line.ends_with(" 0")), "{counted}\n{page}");
    }
}

#[test]
fn a_token_that_is_not_good_is_as_good_as_none() {
    let explained = Explained::start(true);
    let late = token(KEY, SystemTime::now() - Duration::from_secs(1));
    let foreign = token(b"another key that is as long as the first one", soon());
    let good = token(KEY, soon());
    let longer_lived = format!("9{good}");
    let plain = explained.members("plain", &[]);
    for (id, token) in [("late", &late), ("foreign", &foreign), ("changed", &longer_lived)] {
        let answer = explained.members(id, &[("x-interlingua-explain", token)]);
        assert_eq!(answer.header(LOSSES), None, "{id}");
        assert_eq!(names(&answer), names(&plain), "{id}");
        assert_eq!(answer.body, plain.body, "{id}");
        assert_eq!(explained.explanation(id), None, "{id}");
    }
}

#[test]
fn without_a_key_nothing_is_explained() {
    let explained = Explained::start(false);
    let answer = explained.members("asked", &[("x-interlingua-explain", &token(KEY, soon()))]);
    assert_eq!(answer.header(LOSSES), None);
    assert_eq!(explained.explanation("asked"), None);
}

#[test]
fn a_refusal_is_explained_too() {
    let explained = Explained::start(true);
    let token = token(KEY, soon());
    let headers = [("x-request-id", "refused"), ("x-interlingua-explain", token.as_str())];
    let answer = explained.program.send("GET", MEMBERS, &headers, None);
    assert_eq!(answer.status, 401);
    let explanation = explained.explanation("refused").expect("it is kept");
    let phases: Vec<_> =
        explanation["sections"].as_array().unwrap().iter().map(|section| &section["phase"]).collect();
    assert_eq!(phases, ["select", "refuse"]);
    assert_eq!(explanation["sections"][1]["title"], "unauthenticated");
}

fn names(answer: &Answer) -> Vec<&str> {
    answer.headers.iter().map(|(name, _)| name.as_str()).collect()
}
