//! A record that the dialect tells in a list alone is found there after a change, on whichever page it is.

use std::sync::Arc;
use std::time::Duration;

use interlingua::gateway::mode::{self, Legacies, Mode, Modes};
use interlingua::gateway::{self, Gateway};
use interlingua::telemetry::Metrics;
use interlingua::{limit, upstream};
use serde_json::{Value, json};

use crate::support::backend::{Backend, Line, Reply, nobody};
use crate::support::client::Ask;
use crate::support::shipped;

const ORGANIZATION: &str = "e8e912b6-ba9b-4c3a-bb4f-d04bdc370843";
const ADA: &str = "2222222222222222222223";
const BO: &str = "2222222222222222222224";

fn member(id: &str, role: &str) -> Value {
    json!({
        "id": id, "user_email": "a@example.com", "user_name": "A", "user_metadata": {}, "role": role,
        "role_display": "Any",
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

/// What looking after one change came to, at an old side that says all of this.
async fn looked_after(method: &str, body: Option<Value>, status: u16, reads: Vec<Line>) -> String {
    let answer = if status == 204 { json!(null) } else { member(ADA, "editor") };
    let change = line(method, body.clone(), status, &answer);
    let mut script = vec![Line { call: format!("{}/{ADA}", change.call), ..change }];
    script.extend(reads);
    let old = Backend::start(script).await;

    let metrics = Metrics::new();
    let (config, limit) = (gateway::Config::default(), limit::Config::default());
    let registry = Arc::clone(&shipped().registry);
    let shared = gateway::Shared::new(registry, config, &limit, Duration::from_secs(5), metrics.clone());
    let to = |base| upstream::Upstream::new(Arc::new(upstream::Config::new(base))).unwrap();
    let gateway = Gateway::new(Arc::new(shared), to(nobody().await));
    let legacies: Legacies = [("closient".to_owned(), to(old.base()))].into_iter().collect();
    let config = mode::Config { mode: Mode::Shadow, ..mode::Config::default() };
    let modes = Modes::new(&shipped().registry, &[("closient".to_owned(), config)].into(), &legacies);
    let gateway = gateway.with_modes(Arc::new(modes), legacies);
    let work = gateway.shadow_work().unwrap();

    let path = format!("/account/api/v1/organizations/{ORGANIZATION}/members/{ADA}");
    let ask = Ask {
        line: format!("{method} http://www.closient.com{path}"),
        headers: vec![("x-api-key".to_owned(), format!("csb_{}_00000000", "a".repeat(32)))],
        body: body.map(|body| body.to_string().into_bytes()),
    };
    assert_eq!(ask.of(&gateway).await.status, status);
    drop(gateway);
    work.await;
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
