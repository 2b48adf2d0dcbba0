//! `routes`: every operation that is served, and the canonical call behind it.

use std::sync::Arc;

use clap::Args;
use serde_json::{Map, Value, json};

use super::{
    Failure, Outcome,
    console::{Console, Format},
    files::Files,
    names,
};
use crate::dialect::Dialect;
use crate::dialect::retirement::Dates;
use crate::time::rfc3339;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Only this dialect
    dialect: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// One line of the list.
struct Route {
    dialect: String,
    /// What the dialect is a generation of.
    extends: Option<String>,
    /// The header and the pattern that choose the generation.
    select: Option<(String, String)>,
    operation: String,
    method: String,
    path: String,
    canonical: String,
    calls: String,
    /// When the operation retires, if it does.
    retires: Option<Dates>,
}

pub(super) fn run(
    arguments: &Arguments,
    files: &Files,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    let Some(loaded) = files.load(console)? else { return Ok(Outcome::Findings) };
    let dialects = match &arguments.dialect {
        Some(name) => std::slice::from_ref(names::dialect(&loaded.registry, name)?),
        None => loaded.registry.dialects(),
    };
    let routes = routes(dialects);
    match arguments.format {
        Format::Json => console.json(&routes.iter().map(Route::json).collect())?,
        Format::Text => {
            let lines = [text(&routes), dialects.iter().filter_map(generation).collect()].concat();
            lines.iter().try_for_each(|line| console.columns(&format!("{line}\n")))?;
        }
    }
    Ok(Outcome::Clean)
}

fn routes(dialects: &[Arc<Dialect>]) -> Vec<Route> {
    let of = |dialect: &Arc<Dialect>| {
        let dialect = Arc::clone(dialect);
        let operations = dialect.operations.clone();
        operations.into_iter().map(move |operation| Route {
            dialect: dialect.name.clone(),
            extends: dialect.extends.first().cloned(),
            select: dialect
                .select
                .as_ref()
                .map(|select| (select.header().to_string(), select.pattern().to_owned())),
            operation: operation.name.clone(),
            method: operation.method.to_string(),
            path: format!("{}{}", dialect.prefix, operation.template()),
            canonical: operation.calls.name.clone(),
            calls: operation.calls.to_string(),
            retires: operation.retirement.as_ref().map(|retirement| retirement.dates().clone()),
        })
    };
    dialects.iter().flat_map(of).collect()
}

impl Route {
    fn json(&self) -> Value {
        let mut shown = json!({
            "dialect": self.dialect,
            "operation": self.operation,
            "method": self.method,
            "path": self.path,
            "canonical": self.canonical,
            "calls": self.calls,
        });
        if let Some(base) = &self.extends {
            shown["extends"] = base.as_str().into();
        }
        if let Some((header, pattern)) = &self.select {
            shown["select"] = json!({ "header": header, "pattern": pattern });
        }
        if let Some(dates) = &self.retires {
            shown["retirement"] = dates_json(dates);
        }
        shown
    }
}

/// The dates of what retires, by name, in order.
fn told(dates: &Dates) -> impl Iterator<Item = (&'static str, String)> {
    let dates = [("deprecated", Some(dates.deprecated)), ("sunset", dates.sunset), ("gone", dates.gone)];
    dates.into_iter().filter_map(|(name, moment)| Some((name, rfc3339(moment?))))
}

fn dates_json(dates: &Dates) -> Value {
    let mut shown: Map<String, Value> =
        told(dates).map(|(name, moment)| (name.to_owned(), moment.into())).collect();
    let windows = dates.brown_outs.iter();
    let windows: Vec<_> =
        windows.map(|window| json!({ "from": rfc3339(window.start), "to": rfc3339(window.end) })).collect();
    if !windows.is_empty() {
        shown.insert("brown_outs".to_owned(), windows.into());
    }
    for (name, link) in [("docs", &dates.docs), ("successor", &dates.successor)] {
        shown.extend(link.as_ref().map(|link| (name.to_owned(), link.as_str().into())));
    }
    Value::Object(shown)
}

/// The same for people, who are not told of midnight.
fn dates_text(dates: &Dates) -> String {
    let told: Vec<_> = told(dates)
        .map(|(name, moment)| format!("{name} {}", moment.strip_suffix("T00:00:00Z").unwrap_or(&moment)))
        .collect();
    told.join(", ")
}

/// How requests get to a generation of another dialect.
fn generation(dialect: &Arc<Dialect>) -> Option<String> {
    let base = dialect.extends.first()?;
    let mut ways = vec![format!("mount /{dialect}/…")];
    ways.extend(dialect.hosts.iter().map(|host| format!("host {host}")));
    ways.extend(dialect.select.as_ref().map(|select| format!("header {select}")));
    Some(format!("{dialect} is a generation of {base}: {}", ways.join(", or ")))
}

/// One line each, in columns.
fn text(routes: &[Route]) -> Vec<String> {
    let width =
        |column: fn(&Route) -> &str| routes.iter().map(|route| column(route).len()).max().unwrap_or(0);
    let dialect = width(|route| &route.dialect);
    let operation = width(|route| &route.operation);
    let method = width(|route| &route.method);
    let path = width(|route| &route.path);
    let line = |route: &Route| {
        let retires = route.retires.as_ref().map(|dates| format!("  ({})", dates_text(dates)));
        format!(
            "{:dialect$}  {:operation$}  {:method$} {:path$}  → {}{}",
            route.dialect,
            route.operation,
            route.method,
            route.path,
            route.calls,
            retires.unwrap_or_default()
        )
    };
    routes.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use std::process::ExitCode;

    use super::super::testing::{ran_in, ran_in_acme};

    #[test]
    fn routes_stand_in_columns() {
        let ran = ran_in_acme(&["routes"]);
        let expected = "\
acme  add_member   POST /api/orgs/{org}/people  → POST /v1/organizations/{organization_id}/members
acme  add_by_slug  POST /api/by-slug/{org}      → POST /v1/organizations/{organization_id}/members
acme  list_links   GET  /api/orgs/{org}/links   → GET /v1/organizations/{organization_id}/invite-links
";
        assert_eq!((ran.out.as_str(), ran.err.as_str()), (expected, ""));
    }

    #[test]
    fn programs_get_every_part_by_name() {
        let ran = ran_in_acme(&["routes", "acme", "--format", "json"]);
        let routes: serde_json::Value = serde_json::from_str(&ran.out).unwrap();

        assert_eq!(routes.as_array().unwrap().len(), 3);
        let expected = serde_json::json!({
            "dialect": "acme",
            "operation": "add_member",
            "method": "POST",
            "path": "/api/orgs/{org}/people",
            "canonical": "members.add",
            "calls": "POST /v1/organizations/{organization_id}/members",
        });
        assert_eq!(routes[0], expected);
    }

    #[test]
    fn dates_stand_beside_what_retires() {
        let ran = ran_in("retiring", &["routes"]);
        let lines: Vec<_> = ran.out.lines().collect();
        let dates = "(deprecated 2026-03-01, sunset 2027-03-01, gone 2027-05-31T22:00:00Z)";
        assert!(lines[0].ends_with(&format!("→ POST /v1/people  {dates}")), "{}", ran.out);
        assert!(lines[2].ends_with("→ GET /v1/people"), "{}", ran.out);
        assert!(
            lines[3].ends_with("(deprecated 2026-03-01, sunset 2026-12-01, gone 2026-12-01)"),
            "{}",
            ran.out
        );

        let ran = ran_in("retiring", &["routes", "--format", "json"]);
        let routes: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        let all = &routes[0]["retirement"];
        assert_eq!(all["docs"], "https://bureau.example/docs/the-end");
        let windows = all["brown_outs"].as_array().unwrap();
        // One, and then every Monday of February.
        assert_eq!(windows.len(), 5);
        let last = serde_json::json!({ "from": "2027-02-22T00:00:00Z", "to": "2027-02-22T00:10:00Z" });
        assert_eq!(windows[4], last);
        assert_eq!(routes[2].get("retirement"), None);
    }

    #[test]
    fn a_dialect_nobody_knows_is_status_2() {
        let ran = ran_in_acme(&["routes", "acne"]);

        assert_eq!(ran.err, "interlingua: there is no dialect `acne`; did you mean `acme`?\n");
        assert_eq!(ran.status, ExitCode::from(2));
    }
}
