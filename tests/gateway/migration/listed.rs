//! A record that the dialect tells in a list alone is found there after a change, on whichever page it is.

use std::sync::Arc;
use std::time::Duration;

use interlingua::gateway::mode::{self, Legacies, Mode, Modes};
use interlingua::gateway::{self, Aside, Gateway, Shadows};
use interlingua::telemetry::Metrics;
use interlingua::{limit, upstream};
use serde_json::{Value, json};

use crate::support::backend::{Backend, Line, Reply, nobody};
use crate::support::client::Ask;
use crate::support::shipped;

const ORGANIZATION: &str = "e8e912b6-ba9b-4c3a-bb4f-d04bdc370843";
const ADA: &str = "2222222222222222222223";
const BO: &str = "2222222222222222222224";

/// Ada, as a UUID: the first after none.
const ADA_AS_UUID: &str = "00000000-0000-0000-0000-000000000001";

fn member(id: &str, role: &str) -> Value {
    let label = format!("{}{}", role[..1].to_uppercase(), &role[1..]);
    json!({
        "id": id, "user_email": "a@example.com", "user_name": "A", "user_metadata": {}, "role": role,
        "role_display": label,
    })
}

fn line(call: &str, body: Option<Value>, status: u16, answer: &Value) -> Line {
    let reply = Reply::Answer { status, headers: Vec::new(), body: answer.to_string().into_bytes() };
    Line { call: format!("{call} /account/api/v1/organizations/{ORGANIZATION}/members"), body, reply }
}

fn page(number: u32, of: &[(&str, &str)], total: u32) -> Line {
    let data: Vec<_> = of.iter().map(|(id, role)| member(id, role)).collect();
    let pagination = json!({
        "page": number, "page_size": 100, "total_count": total, "total_pages": total.div_ceil(100),
        "has_next": number * 100 < total, "has_previous": number > 1,
    });
    let Line { call, body, reply } = line("GET", None, 200, &json!({"data": data, "pagination": pagination}));
    let query = if number == 1 { "page_size=100".to_owned() } else { format!("page={number}&page_size=100") };
    Line { call: format!("{call}?{query}"), body, reply }
}

/// What looking after a change of Ada came to, at an old side that says all of this.
async fn looked_after(method: &str, body: Option<Value>, status: u16, reads: Vec<Line>) -> String {
    looked_after_at(ADA, method, body, status, reads).await
}

/// The same, if a client spells her so.
async fn looked_after_at(
    ada: &str,
    method: &str,
    body: Option<Value>,
    status: u16,
    reads: Vec<Line>,
) -> String {
    let answer = if status == 204 { String::new() } else { member(ADA, "editor").to_string() };
    answered_so(ada, (method, body), (status, &answer), reads).await
}

/// The same, if the change is answered so.
async fn answered_so(
    ada: &str,
    (method, body): (&str, Option<Value>),
    (status, answer): (u16, &str),
    reads: Vec<Line>,
) -> String {
    let Line { call, body, .. } = line(method, body, status, &Value::Null);
    let reply = Reply::Answer { status, headers: Vec::new(), body: answer.as_bytes().to_vec() };
    let change = Line { call: format!("{call}/{ada}"), body, reply };
    let key = ("x-api-key".to_owned(), format!("csb_{}_00000000", "a".repeat(32)));
    came_to("closient", "www.closient.com", key, change, reads).await
}

/// What looking after a change came to that an old side was asked for which answers so, and its reads afterwards.
async fn came_to(
    dialect: &str,
    host: &str,
    credential: (String, String),
    change: Line,
    reads: Vec<Line>,
) -> String {
    let Reply::Answer { status, .. } = change.reply else { panic!("it answers") };
    let (method, path) = change.call.split_once(' ').unwrap();
    let ask = Ask {
        line: format!("{method} http://{host}{path}"),
        headers: vec![credential],
        body: change.body.as_ref().map(|body| body.to_string().into_bytes()),
    };
    let old = Backend::start([vec![change], reads].concat()).await;

    let metrics = Metrics::new();
    let (config, limit) = (gateway::Config::default(), limit::Config::default());
    let registry = Arc::clone(&shipped().registry);
    let shared = gateway::Shared::new(registry, config, &limit, Duration::from_secs(5), metrics.clone());
    let to = |base| upstream::Upstream::new(Arc::new(upstream::Config::new(base))).unwrap();
    let shared = Arc::new(shared);
    let gateway = Gateway::new(Arc::clone(&shared), to(nobody().await));
    let legacies: Legacies = [(dialect.to_owned(), to(old.base()))].into_iter().collect();
    let config =
        mode::Config { mode: Mode::Shadow, extra: mode::Config::EXTRA_MAX, ..mode::Config::default() };
    let modes = Modes::new(&shipped().registry, &[(dialect.to_owned(), config)].into(), &legacies);
    let (shadows, work) = Shadows::new();
    let asks = Gateway::for_shadows(shared, gateway.upstream(), &legacies, None);
    let aside = Aside { shadows, asks: Arc::new(asks) };
    let gateway = gateway.with_modes(Arc::new(modes), legacies).with_aside(Some(aside));

    assert_eq!(ask.of(&gateway).await.status, status);
    drop(gateway);
    work.run().await;
    assert_eq!(old.unplayed().len(), 0, "{:?}", old.unplayed());
    let page = metrics.render();
    let lines = page.lines().filter(|line| {
        line.starts_with("gateway_shadow_requests_total{")
            || line.starts_with("gateway_shadow_differences_total{")
    });
    let label = |line: &str, name: &str| {
        let rest = line.split_once(&format!("{name}=\""))?.1;
        Some(rest.split_once('"')?.0.to_owned())
    };
    let mut told: Vec<_> =
        lines.filter_map(|line| label(line, "outcome").or_else(|| label(line, "place"))).collect();
    told.sort();
    told.join(" ")
}

#[tokio::test]
async fn a_role_that_lands_elsewhere_is_found_on_the_page_it_is_on() {
    let body = Some(json!({"role": "editor"}));
    let same = vec![page(1, &[(BO, "owner"), (ADA, "editor")], 2)];
    assert_eq!(looked_after("PUT", body.clone(), 200, same).await, "effect_same");
    let second = || [page(1, &[(BO, "editor")], 101), page(2, &[(ADA, "billing")], 101)];
    let twice = [second(), second()].into_iter().flatten().collect();
    assert_eq!(looked_after("PUT", body.clone(), 200, twice).await, "/role effect_different");
    let changed = vec![page(1, &[(ADA, "billing")], 1), page(1, &[(ADA, "editor")], 1)];
    assert_eq!(looked_after("PUT", body.clone(), 200, changed).await, "effect_unsteady");
    // Whoever has a role without a word is left out of the list, so nobody can say that it is not there.
    assert_eq!(looked_after("PUT", body, 200, vec![page(1, &[(BO, "editor")], 2)]).await, "effect_unread");
}

#[tokio::test]
async fn what_is_deleted_and_still_listed_is_found() {
    let there = || page(1, &[(ADA, "editor")], 1);
    assert_eq!(looked_after("DELETE", None, 204, vec![there(), there()]).await, "effect_different status");
}

#[tokio::test]
async fn a_record_is_found_however_its_id_is_spelt() {
    let body = Some(json!({"role": "editor"}));
    let same = vec![page(1, &[(BO, "owner"), (ADA, "editor")], 2)];
    assert_eq!(looked_after_at(ADA_AS_UUID, "PUT", body, 200, same).await, "effect_same");
    let there = || page(1, &[(ADA, "editor")], 1);
    let still = looked_after_at(ADA_AS_UUID, "DELETE", None, 204, vec![there(), there()]).await;
    assert_eq!(still, "effect_different status");
}

#[tokio::test]
async fn an_answer_to_a_change_that_no_mapping_knows_is_a_difference_whatever_was_done() {
    let right = member(ADA, "editor").to_string();
    let unknown_role = right.replace("editor", "wizard");
    let with_more = right.replacen('{', r#"{"phone":"0123","#, 1);
    for (status, answer, expected) in [
        (200, right.as_str(), "effect_same"),
        (201, &right, "answer/status effect_different"),
        (202, &right, "answer/status effect_different"),
        (204, "", "answer/status effect_different"),
        (200, "", "answer/body effect_different"),
        (200, "<html>", "answer/body effect_different"),
        // It has no role, and is no object, either.
        (200, "[]", "/role dialect: effect_different"),
        (200, &unknown_role, "answer/body effect_different"),
        // Of what nobody has a name for its own place is told, as of reads.
        (200, &with_more, "dialect:/phone effect_same"),
    ] {
        let reads = if status == 202 { Vec::new() } else { vec![page(1, &[(ADA, "editor")], 1)] };
        let change = ("PUT", Some(json!({"role": "editor"})));
        assert_eq!(answered_so(ADA, change, (status, answer), reads).await, expected, "{status} {answer}");
    }
    let removed = answered_so(ADA, ("DELETE", None), (200, "{}"), Vec::new()).await;
    assert_eq!(removed, "answer/status effect_different");
}

#[tokio::test]
async fn an_answer_to_a_change_that_tells_another_record_is_a_difference_though_it_was_done_rightly() {
    let [editor, billing] = ["editor", "billing"].map(|role| member(ADA, role).to_string());
    let there = |role: &str| page(1, &[(ADA, role)], 1);
    let unread = || page(1, &[(BO, "editor")], 2);
    for (answer, reads, expected) in [
        (&editor, vec![there("editor")], "effect_same"),
        (&billing, vec![there("editor")], "/role effect_different"),
        // Both say so, and it is told once.
        (&billing, vec![there("billing"), there("billing")], "/role effect_different"),
        (&billing, vec![unread()], "/role effect_different"),
        (&editor, vec![unread()], "effect_unread"),
    ] {
        let change = ("PUT", Some(json!({"role": "editor"})));
        assert_eq!(answered_so(ADA, change, (200, answer), reads).await, expected, "{answer}");
    }
}

#[tokio::test]
async fn what_was_done_to_many_is_answered_in_a_form_that_the_mapping_knows() {
    let invites = format!("/v1/orgs/{ORGANIZATION}/invites");
    for (answer, expected) in [
        (json!({"users": [], "invited": 0}), "dry_fits"),
        (json!({"users": [], "invited": 0, "phone": 1}), "dry_fits"),
        (json!({"done": 1}), "answer/body effect_different"),
    ] {
        let reply = Reply::Answer { status: 200, headers: Vec::new(), body: answer.to_string().into_bytes() };
        let body = json!({"emails": ["jo@example.com"], "role": "read"});
        let change = Line { call: format!("POST {invites}"), body: Some(body), reply };
        let token = ("authorization".to_owned(), format!("Bearer gb_api_{}", "a".repeat(40)));
        assert_eq!(
            came_to("gitbook", "api.gitbook.com", token, change, Vec::new()).await,
            expected,
            "{answer}"
        );
    }
}

const INVITATION: &str = "3c90c3cc-0d44-4b50-8888-8dd25736052a";

/// The end of a list that leaves nothing out, after an invitation was renamed by a client that spells its id so.
async fn renamed(id: &str, listed: &[&str]) -> String {
    let invitation = |id: &str| {
        json!({
            "id": id, "token": "fbf04763-4a4d-4d41-ba34-3f8dfa057b26", "expiry_date": "2023-11-14T05:31:56Z", "status": 0,
            "organization": {"id": ORGANIZATION, "name": "Northwind"}, "inviter_member": null, "email": "jo@example.com",
            "first_name": "Jo", "last_name": null, "email_sent": true, "role": 2, "accessible_portfolios": [],
        })
    };
    let list = "/api/v1/organization-invitations/";
    let body = json!({
        "organization_id": ORGANIZATION, "email": "jo@example.com", "first_name": "Jo", "last_name": null, "role": 2,
    });
    let answer = |body: &Value| Reply::Answer {
        status: 200,
        headers: Vec::new(),
        body: body.to_string().into_bytes(),
    };
    let change =
        Line { call: format!("PUT {list}{id}/"), body: Some(body), reply: answer(&invitation(INVITATION)) };
    let results: Vec<_> = listed.iter().map(|id| invitation(id)).collect();
    let page = json!({"count": results.len(), "next": null, "previous": null, "results": results});
    let read = || Line { call: format!("GET {list}?page_size=1000"), body: None, reply: answer(&page) };
    // What is not there is looked for twice.
    let reads = if listed.contains(&INVITATION) || listed.contains(&"i-1") {
        vec![read()]
    } else {
        vec![read(), read()]
    };
    let key = ("authorization".to_owned(), "Bearer ax_0123456789abcdef".to_owned());
    came_to("apexscore", "api.main.apexscore.ai", key, change, reads).await
}

#[tokio::test]
async fn what_is_missing_from_a_whole_list_is_gone_unless_an_item_may_be_it() {
    let other = "fbf04763-4a4d-4d41-ba34-3f8dfa057b26";
    assert_eq!(renamed(INVITATION, &[other, INVITATION]).await, "effect_same");
    assert_eq!(renamed(&INVITATION.to_uppercase(), &[other, INVITATION]).await, "effect_same");
    assert_eq!(renamed(INVITATION, &[other]).await, "effect_different status");
    assert_eq!(renamed(INVITATION, &["i-1"]).await, "effect_unread");
}

#[tokio::test]
async fn what_was_made_is_not_known_of_an_answer_that_came_compressed() {
    let list = "/account/api/v1/organizations";
    let made = json!({"name": "Northwind", "country": "DE"});
    let headers = vec![("content-encoding".to_owned(), "gzip".to_owned())];
    let reply = Reply::Answer { status: 200, headers, body: b"\x1f\x8b, so to speak".to_vec() };
    let change = Line { call: format!("POST {list}"), body: Some(made), reply };
    let key = ("x-api-key".to_owned(), format!("csb_{}_00000000", "a".repeat(32)));
    assert_eq!(came_to("closient", "www.closient.com", key, change, Vec::new()).await, "effect_unread");
}
