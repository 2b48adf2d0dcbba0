//! What retires, through all phases: who is told so, and when it is refused.
//!
//! The dialect is `tests/fixtures/retiring`. Its clock is set; where it has to go on, it goes with tokio's, which is
//! paused, and then the requests are such that no backend is asked.

use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};

use http::header::{LINK, RETRY_AFTER};
use http::{HeaderMap, HeaderValue};
use interlingua::boot::DataFiles;
use interlingua::gateway::mode::{self, Legacies, Mode, Modes};
use interlingua::gateway::{self, Aside, Gateway, Shadows};
use interlingua::telemetry::Metrics;
use interlingua::time::Clock;
use interlingua::{limit, openapi, upstream};
use serde_json::{Value, json};
use sfv::{BareItem, Item, Parser};
use tokio::time::advance;

use crate::support::backend::{Backend, Line, Reply, nobody};
use crate::support::client::{Ask, Told};
use crate::support::links::{self, Link};
use crate::support::{Dialects, gateway_with, load};

fn dialects() -> &'static Dialects {
    static LOADED: LazyLock<Dialects> = LazyLock::new(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/retiring");
        load(&DataFiles { mappings: Some(folder.join("mappings")), schemas: Some(folder.join("schemas")) })
    });
    &LOADED
}

fn moment(text: &str) -> SystemTime {
    httpdate::parse_http_date(text).expect("a test writes dates as headers do")
}

/// A gateway whose clock shows that moment now, before a backend that nobody has to ask.
async fn gateway_on(date: &str) -> Gateway {
    let clock = Clock::set_to(moment(date));
    gateway_with(dialects(), nobody().await, Duration::from_secs(5), |shared| shared.with_clock(clock))
}

fn ask(line: &str, body: Option<&Value>) -> Ask {
    let (method, path) = line.split_once(' ').unwrap();
    Ask {
        line: format!("{method} http://bureau.example/api{path}"),
        headers: vec![("authorization".to_owned(), "Bearer canary".to_owned())],
        body: body.map(|body| body.to_string().into_bytes()),
    }
}

async fn told(gateway: &Gateway, line: &str, body: Option<&Value>) -> Told {
    let told = ask(line, body).of(gateway).await;
    assert_eq!(told.stray_headers(), Vec::<&str>::new());
    told
}

/// Unix seconds of `Deprecation` and the text of `Sunset`, as parsers of others read them.
fn dates(headers: &HeaderMap) -> (Option<i64>, Option<String>) {
    let deprecation = headers.get("deprecation").map(|value| {
        let item: Item = Parser::new(value.as_bytes()).parse().expect("an item of RFC 9651");
        let BareItem::Date(date) = item.bare_item else { panic!("{item:?}") };
        i64::from(date.unix_seconds())
    });
    let sunset = headers.get("sunset").map(|value| {
        let value = value.to_str().unwrap();
        moment(value);
        value.to_owned()
    });
    (deprecation, sunset)
}

/// The links of the one line, by the grammar of RFC 8288.
fn links(headers: &HeaderMap) -> Vec<Link> {
    assert!(headers.get_all(LINK).iter().count() <= 1, "{headers:?}");
    let read = |line: &HeaderValue| {
        links::links(line.to_str().unwrap()).unwrap_or_else(|wrong| panic!("{wrong}: {line:?}"))
    };
    headers.get(LINK).map_or_else(Vec::new, read)
}

fn link(target: &str, relation: &str) -> Link {
    Link { target: target.to_owned(), relation: relation.to_owned() }
}

/// 2026-03-01T00:00:00Z, as `date -u -d 2026-03-01 +%s` says, and so on.
const MARCH: i64 = 1_772_323_200;
const MAY: i64 = 1_777_593_600;
const JULY: i64 = 1_782_864_000;

const QUIET: &str = "Mon, 01 Jun 2026 12:00:00 GMT";

#[tokio::test(start_paused = true)]
async fn a_brown_out_begins_and_ends_on_the_clock() {
    let gateway = gateway_on("Thu, 01 Oct 2026 08:59:59 GMT").await;
    let status = async || told(&gateway, "POST /people", Some(&json!({}))).await;
    assert_eq!(status().await.status, 422, "a second before, it is served as ever");

    advance(Duration::from_secs(1)).await;
    let first = status().await;
    assert_eq!((first.status.as_u16(), &first.headers[RETRY_AFTER]), (503, &"3600".parse().unwrap()));
    let expected = json!({"word": "closed-for-now", "text": "this operation is switched off until \
        2026-10-01T10:00:00Z, because it ends on 2027-03-01T00:00:00Z: see https://bureau.example/docs/v2#people"});
    assert_eq!(first.json(), Some(expected));

    advance(Duration::from_millis(3_598_500)).await;
    let last = status().await;
    assert_eq!((last.status.as_u16(), &last.headers[RETRY_AFTER]), (503, &"2".parse().unwrap()));

    advance(Duration::from_millis(1_500)).await;
    let after = status().await;
    assert_eq!((after.status.as_u16(), after.headers.get(RETRY_AFTER)), (422, None));
}

#[tokio::test]
async fn brown_outs_come_again_until_the_sunset() {
    for (date, status) in [
        ("Mon, 01 Feb 2027 00:09:59 GMT", 503),
        ("Mon, 01 Feb 2027 00:10:00 GMT", 422),
        ("Mon, 22 Feb 2027 00:00:00 GMT", 503),
        ("Mon, 01 Mar 2027 00:00:00 GMT", 422),
    ] {
        let gateway = gateway_on(date).await;
        assert_eq!(told(&gateway, "POST /people", Some(&json!({}))).await.status, status, "{date}");
    }
}

#[tokio::test]
async fn what_is_gone_is_gone_for_everybody_and_in_the_dialects_words() {
    let gateway = gateway_on("Mon, 31 May 2027 22:00:00 GMT").await;
    let told = Ask { headers: Vec::new(), ..ask("POST /people", None) }.of(&gateway).await;
    assert_eq!((told.status.as_u16(), told.json().unwrap()["word"].clone()), (410, json!("closed-for-good")));
    assert_eq!(dates(&told.headers).1.as_deref(), Some("Mon, 01 Mar 2027 00:00:00 GMT"));
    assert!(told.headers.get(RETRY_AFTER).is_none());
    let gateway = gateway_on("Mon, 31 May 2027 21:59:59 GMT").await;
    let told = Ask { headers: Vec::new(), ..ask("POST /people", None) }.of(&gateway).await;
    assert_eq!(told.status, 401);
}

#[tokio::test]
async fn every_refusal_and_redirect_tells_how_the_dialect_retires() {
    let gateway = gateway_on(QUIET).await;
    let anonymous = Ask { headers: Vec::new(), ..ask("POST /people", None) }.of(&gateway).await;
    let malformed = Ask { body: Some(b"{".to_vec()), ..ask("POST /people", None) }.of(&gateway).await;
    for (answer, status) in [
        (anonymous, 401),
        (malformed, 400),
        (told(&gateway, "GET /nowhere", None).await, 404),
        (told(&gateway, "PUT /people", None).await, 405),
        (told(&gateway, "POST /people/", None).await, 307),
        (told(&gateway, "POST /people", Some(&json!({}))).await, 422),
        (told(&gateway, "POST /people", Some(&json!({"mail": "a@b.example"}))).await, 503),
    ] {
        assert_eq!(answer.status, status);
        let expected = (Some(MARCH), Some("Mon, 01 Mar 2027 00:00:00 GMT".to_owned()));
        assert_eq!(dates(&answer.headers), expected, "{status}");
        assert_eq!(
            links(&answer.headers),
            [
                link("https://bureau.example/docs/the-end", "deprecation"),
                link("https://bureau.example/docs/the-end", "sunset"),
                link("https://bureau.example/docs/v2#people", "successor-version"),
            ],
            "{status}"
        );
    }
}

#[tokio::test]
async fn an_answer_tells_it_too() {
    let person = json!({"id": "10000000-0000-4000-8000-000000000001", "email": "a@b.example"});
    let reply = Reply::Answer {
        status: 201,
        headers: vec![("sunset".to_owned(), "of the backend".to_owned())],
        body: person.to_string().into_bytes(),
    };
    let body = Some(json!({"email": "a@b.example", "role": "viewer"}));
    let backend = Backend::start(vec![Line { call: "POST /v1/people".to_owned(), body, reply }]).await;
    let clock = Clock::set_to(moment(QUIET));
    let gateway =
        gateway_with(dialects(), backend.base(), Duration::from_secs(5), |shared| shared.with_clock(clock));
    let answer = told(&gateway, "POST /people", Some(&json!({"mail": "a@b.example"}))).await;
    assert_eq!(answer.status, 201);
    assert_eq!(dates(&answer.headers), (Some(MARCH), Some("Mon, 01 Mar 2027 00:00:00 GMT".to_owned())));
}

#[tokio::test]
async fn an_operation_says_what_is_different_of_it() {
    let gateway = gateway_on(QUIET).await;
    let drop = told(&gateway, "DELETE /people/x", None).await;
    assert_eq!(dates(&drop.headers), (Some(MARCH), Some("Tue, 01 Dec 2026 00:00:00 GMT".to_owned())));
    assert_eq!(links(&drop.headers).len(), 3, "the links are the dialect's");
    let find = told(&gateway, "GET /people", None).await;
    assert_eq!((dates(&find.headers), links(&find.headers)), ((None, None), vec![]), "it does not retire");

    let gateway = gateway_on("Thu, 01 Oct 2026 09:30:00 GMT").await;
    let all = told(&gateway, "POST /people/all", Some(&json!({}))).await;
    assert_eq!(all.status, 422, "it has no brown-outs");
    let gateway = gateway_on("Tue, 01 Dec 2026 00:00:00 GMT").await;
    assert_eq!(told(&gateway, "DELETE /people/x", None).await.status, 410);
    assert_eq!(told(&gateway, "POST /people", Some(&json!({}))).await.status, 422);
}

#[tokio::test]
async fn a_parameter_is_told_to_those_who_send_it() {
    let gateway = gateway_on(QUIET).await;
    let told_of = async |target: &str| told(&gateway, target, None).await.headers;
    let headers = told_of("GET /people?named=ada").await;
    assert_eq!(dates(&headers), (Some(JULY), None));
    assert_eq!(links(&headers), [link("https://bureau.example/docs/search", "successor-version")]);
    assert_eq!(dates(&told_of("GET /people?search=ada").await), (None, None));
    assert_eq!(dates(&told_of("GET /people?named=ada&other=1").await).0, Some(JULY), "also with a refusal");
}

#[tokio::test]
async fn fields_values_and_words_are_told_to_those_who_send_them() {
    let gateway = gateway_on(QUIET).await;
    let sunset = async |body: &Value| dates(&told(&gateway, "POST /people/new", Some(body)).await.headers).1;
    for (body, expected) in [
        (json!({"mail": "a"}), None),
        (json!({"mail": "a", "role": "guest"}), None),
        (json!({"mail": "a", "role": "clerk"}), Some("Tue, 01 Dec 2026 00:00:00 GMT")),
        (json!({"mail": "a", "role": "CLERK"}), Some("Tue, 01 Dec 2026 00:00:00 GMT")),
        (json!({"mail": "a", "shown": ""}), Some("Thu, 24 Dec 2026 00:00:00 GMT")),
        (json!({"mail": "a", "shown": "", "role": "clerk"}), Some("Tue, 01 Dec 2026 00:00:00 GMT")),
        (json!({"mail": 7, "role": "clerk"}), Some("Tue, 01 Dec 2026 00:00:00 GMT")),
        (json!({"mail": "a", "hours": 20}), None),
    ] {
        assert_eq!(sunset(&body).await.as_deref(), expected, "{body}");
    }
    // All of the links; the end is that of the operation, which has one of its own.
    let body = json!({"mail": "a", "shown": "", "role": "clerk"});
    let headers = told(&gateway, "POST /people", Some(&body)).await.headers;
    let expected = (Some(MARCH), Some("Mon, 01 Mar 2027 00:00:00 GMT".to_owned()));
    assert_eq!((dates(&headers), links(&headers).len()), (expected, 5));
}

#[tokio::test]
async fn a_field_that_is_gone_is_refused_at_its_place_and_nothing_else_is() {
    let gateway = gateway_on("Thu, 24 Dec 2026 00:00:00 GMT").await;
    let body =
        json!({"people": ["a", {"mail": "b", "shown": "B"}, {"mail": "c"}, {"mail": "d", "shown": "D"}]});
    let refused = told(&gateway, "POST /people/all", Some(&body)).await;
    assert_eq!(refused.status, 422);
    let text = "is gone since 2026-12-24T00:00:00Z: see https://bureau.example/docs/shown";
    let expected = json!([
        {"at": "/people/1/shown", "kind": "gone", "text": text},
        {"at": "/people/3/shown", "kind": "gone", "text": text},
    ]);
    assert_eq!(refused.json().unwrap()["places"], expected);
    let served = told(&gateway, "POST /people", Some(&json!({"mail": "b"}))).await;
    assert_eq!(served.status, 503, "nobody listens there");
    assert!(!String::from_utf8_lossy(&served.body).contains("switched off"));
}

#[tokio::test]
async fn a_value_in_a_brown_out_is_refused_for_a_while() {
    let gateway = gateway_on("Sat, 01 Aug 2026 01:00:00 GMT").await;
    for hours in [json!(0), json!("none")] {
        let body = json!({"mail": "a", "hours": hours});
        let refused = told(&gateway, "POST /people", Some(&body)).await;
        assert_eq!((refused.status.as_u16(), &refused.headers[RETRY_AFTER]), (503, &"3600".parse().unwrap()));
        let place = json!({"at": "/hours", "kind": "brown-out", "text": "is switched off until 2026-08-01T02:00:00Z"});
        assert_eq!(refused.json().unwrap()["places"], json!([place]));
    }
    let other = told(&gateway, "POST /people", Some(&json!({"mail": "a", "hours": 20}))).await;
    assert_eq!(other.headers[RETRY_AFTER], "1", "nobody listens there");
}

#[tokio::test]
async fn where_requests_are_handed_on_parts_are_refused_if_anybody_looks() {
    let sound = json!({"mail": "a", "hours": 0});
    // What is not sound otherwise is for the old upstream to judge, and one who does not look sees nothing.
    for (body, validate, status) in
        [(&sound, true, 503), (&json!({"mail": 7, "hours": 0}), true, 200), (&sound, false, 200)]
    {
        let reply = Reply::Answer { status: 200, headers: Vec::new(), body: b"{}".to_vec() };
        let call = Line { call: "POST /api/people".to_owned(), body: Some(body.clone()), reply };
        let old = Backend::start(vec![call]).await;
        let upstream = upstream::Upstream::new(Arc::new(upstream::Config::new(old.base()))).unwrap();
        let legacies: Legacies = [("bureau".to_owned(), upstream)].into_iter().collect();
        let config = mode::Config { mode: Mode::Legacy, validate, ..mode::Config::default() };
        let modes = Modes::new(&dialects().registry, &[("bureau".to_owned(), config)].into(), &legacies);
        let gateway = gateway_on("Sat, 01 Aug 2026 01:00:00 GMT").await.with_modes(Arc::new(modes), legacies);
        let told = ask("POST /people", Some(body)).of(&gateway).await;
        assert_eq!(told.status, status, "{body} {validate}");
        assert_eq!(old.heard().len(), usize::from(status == 200), "{body} {validate}");
        if status == 503 {
            assert_eq!(told.json().unwrap()["places"][0]["at"], "/hours");
        }
    }
}

/// How looking after a change in shadow ended, which the old upstream has made.
async fn shadowed(date: &str, body: &Value) -> String {
    let reply = Reply::Answer { status: 201, headers: Vec::new(), body: Vec::new() };
    let call = Line { call: "POST /api/people/new".to_owned(), body: Some(body.clone()), reply };
    let old = Backend::start(vec![call]).await;
    let upstream = |base| upstream::Upstream::new(Arc::new(upstream::Config::new(base))).unwrap();
    let legacies: Legacies = [("bureau".to_owned(), upstream(old.base()))].into_iter().collect();
    let config = mode::Config { mode: Mode::Shadow, read_back: false, ..mode::Config::default() };
    let modes = Modes::new(&dialects().registry, &[("bureau".to_owned(), config)].into(), &legacies);

    let (metrics, patience) = (Metrics::new(), Duration::from_secs(5));
    let (config, limit) = (gateway::Config::default(), limit::Config::default());
    let registry = Arc::clone(&dialects().registry);
    let shared = gateway::Shared::new(registry, config, &limit, patience, metrics.clone())
        .with_clock(Clock::set_to(moment(date)));
    let (shared, canonical) = (Arc::new(shared), upstream(nobody().await));
    let (shadows, work) = Shadows::new();
    let asks = Arc::new(Gateway::for_shadows(Arc::clone(&shared), &canonical, &legacies, None));
    let gateway = Gateway::new(shared, canonical).with_aside(Some(Aside { shadows, asks }));
    let gateway = gateway.with_modes(Arc::new(modes), legacies);
    let told = ask("POST /people/new", Some(body)).of(&gateway).await;
    assert_eq!(told.status, 201, "{body}: the old side takes it");
    drop(gateway);
    work.run().await;
    let page = metrics.render();
    let lines = page
        .lines()
        .filter_map(|line| line.strip_prefix("gateway_shadow_requests_total{")?.strip_suffix("} 1"));
    let outcomes = lines.filter_map(|labels| labels.split_once("outcome=\"")?.1.strip_suffix('"'));
    let outcomes: Vec<_> = outcomes.collect();
    let [outcome] = outcomes.as_slice() else { panic!("{outcomes:?}\n{page}") };
    (*outcome).to_owned()
}

#[tokio::test]
async fn what_the_old_side_still_takes_and_the_canonical_one_refuses_is_told_by_a_shadow() {
    let (mail, shown, hours) =
        (json!({"mail": "a"}), json!({"mail": "a", "shown": ""}), json!({"mail": "a", "hours": 0}));
    for (date, body, outcome) in [
        ("Thu, 24 Dec 2026 03:00:00 GMT", &shown, "dry_gone"),
        ("Thu, 24 Dec 2026 03:00:00 GMT", &json!({"mail": "a", "shown": "", "role": "head"}), "dry_gone"),
        ("Thu, 24 Dec 2026 03:00:00 GMT", &mail, "dry_fits"),
        ("Wed, 23 Dec 2026 23:59:59 GMT", &shown, "dry_fits"),
        // In its brown-out, and after it.
        ("Thu, 24 Dec 2026 01:00:00 GMT", &hours, "dry_gone"),
        ("Thu, 24 Dec 2026 03:00:00 GMT", &hours, "dry_fits"),
    ] {
        assert_eq!(shadowed(date, body).await, outcome, "{date} {body}");
    }
}

#[tokio::test]
async fn a_case_of_an_operation_is_no_way_round_what_retires() {
    let gateway = gateway_on("Thu, 24 Dec 2026 03:00:00 GMT").await;
    for role in ["guest", "head"] {
        let body = json!({"mail": "a", "shown": "", "role": role});
        let refused = told(&gateway, "POST /people/new", Some(&body)).await;
        assert_eq!(refused.status, 422, "{role}");
        assert_eq!(refused.json().unwrap()["places"][0]["at"], "/shown", "{role}");
        let expected = (Some(MAY), Some("Thu, 24 Dec 2026 00:00:00 GMT".to_owned()));
        assert_eq!(dates(&refused.headers), expected, "{role}");
    }
}

#[tokio::test]
async fn of_several_parts_the_gravest_decides_and_all_of_its_kind_are_told() {
    let refused = async |date: &str| {
        let gateway = gateway_on(date).await;
        let body = json!({"mail": "a", "hours": 0, "shown": "", "role": "guest"});
        let refused = told(&gateway, "POST /people", Some(&body)).await;
        let places = refused.json().unwrap()["places"].clone();
        let places: Vec<_> = places.as_array().unwrap().iter().map(|one| one["at"].clone()).collect();
        (refused.status.as_u16(), refused.headers.contains_key(RETRY_AFTER), places)
    };
    assert_eq!(refused("Sat, 01 Aug 2026 01:00:00 GMT").await, (503, true, vec![json!("/hours")]));
    assert_eq!(refused("Thu, 24 Dec 2026 01:00:00 GMT").await, (422, false, vec![json!("/shown")]));
}

#[tokio::test]
async fn requests_that_use_what_retires_are_counted_and_others_are_not() {
    let metrics = Metrics::new();
    let (config, limit) = (gateway::Config::default(), limit::Config::default());
    let (registry, patience) = (Arc::clone(&dialects().registry), Duration::from_secs(5));
    let shared = gateway::Shared::new(registry, config, &limit, patience, metrics.clone())
        .with_clock(Clock::set_to(moment(QUIET)));
    let upstream = upstream::Upstream::new(Arc::new(upstream::Config::new(nobody().await))).unwrap();
    let gateway = Gateway::new(Arc::new(shared), upstream);
    for line in ["POST /people", "POST /people", "GET /people?search=a", "GET /people?named=a"] {
        told(&gateway, line, Some(&json!({}))).await;
    }
    let page = metrics.render();
    for (operation, count) in [("add", 2), ("find", 1)] {
        let line =
            format!(r#"gateway_retiring_requests_total{{dialect="bureau",operation="{operation}"}} {count}"#);
        assert!(page.lines().any(|written| written == line), "{line}\n{page}");
    }
}

#[test]
fn the_document_for_clients_marks_what_is_deprecated() {
    let dialects = dialects();
    let document = openapi::document(dialects.registry.dialect("bureau").unwrap(), &dialects.schemas);
    let paths = &document["paths"];
    assert_eq!(paths["/people"]["post"]["deprecated"], true);
    assert_eq!(paths["/people/{id}"]["delete"]["deprecated"], true);
    assert_eq!(paths["/people"]["get"].get("deprecated"), None, "it does not retire");
    let parameters = paths["/people"]["get"]["parameters"].as_array().unwrap();
    let marked: Vec<_> = parameters.iter().filter(|one| one["deprecated"] == true).collect();
    assert_eq!(marked.iter().map(|one| &one["name"]).collect::<Vec<_>>(), ["named"]);
    let properties = &document["components"]["schemas"]["entry"]["properties"];
    assert_eq!(properties["shown"]["deprecated"], true);
    for whole in ["mail", "role", "hours"] {
        assert_eq!(properties[whole].get("deprecated"), None, "not all of {whole} retires");
    }
}
