//! Whether everything that goes out is accounted for, once.

use serde_json::Value;

use crate::support::{backend::Call, client::Told};

/// The steps of a section.
pub(super) fn steps(section: &Value) -> Vec<&Value> {
    section["steps"].as_array().unwrap().iter().collect()
}

/// What goes out and is not accounted for by exactly one step, or is accounted for and does not go out.
pub(super) fn faults(explanation: &Value, heard: &[Call], told: &Told) -> Vec<String> {
    let mut found = Vec::new();
    let sections = |phase: &str| -> Vec<&Value> {
        let all = explanation["sections"].as_array().unwrap().iter();
        all.filter(|section| section["phase"] == phase).collect()
    };
    let lifts: Vec<_> =
        sections("lift").into_iter().filter(|one| one["title"] != "around the items").collect();
    // A call with a part that was refused, or is awaited, is none yet.
    let is_whole = |section: &&Value| {
        steps(section).iter().all(|step| step["outcome"] != "refused" && step["outcome"] != "awaited")
    };
    let mut open: Vec<_> = lifts.iter().copied().filter(is_whole).collect();
    for call in heard.iter().filter(|call| call.body.is_some()) {
        let body = call.body.as_ref().unwrap();
        if let Some(index) = open.iter().position(|section| unaccounted(section, body).is_empty()) {
            let section = open.remove(index);
            found.extend(parameters(section, &call.line));
        } else {
            let nearest = lifts.iter().map(|section| unaccounted(section, body)).min_by_key(Vec::len);
            found.push(format!("{} {body}: {}", call.line, nearest.unwrap_or_default().join("; ")));
        }
    }
    // What is left has no body. Lookups have none either, but no lookup is told as a call that was made of the request.
    for section in open.into_iter().filter(|_| !heard.is_empty()) {
        let others = heard.iter().filter(|call| call.body.is_none());
        let wrong = others.map(|call| parameters(section, &call.line)).min_by_key(Vec::len);
        found.extend(wrong.unwrap_or_else(|| vec![format!("{} was not made", section["title"])]));
    }
    let Some(body) = told.json() else { return found };
    let phase = if sections("refuse").is_empty() { "lower" } else { "refuse" };
    match sections(phase).as_slice() {
        [section] => found.extend(unaccounted(section, &body).into_iter().map(|one| format!("answer {one}"))),
        several => found.push(format!("{} sections tell of the answer", several.len())),
    }
    found
}

/// The query of a call is what was told of it.
fn parameters(section: &Value, line: &str) -> Vec<String> {
    let query = line.split_once('?').map_or("", |(_, query)| query);
    let mut given: Vec<&str> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split('=').next().unwrap())
        .collect();
    let mut told: Vec<&str> =
        places(section, "written").into_iter().filter_map(|to| to.strip_prefix("$query.")).collect();
    given.sort_unstable();
    told.sort_unstable();
    if given == told { Vec::new() } else { vec![format!("{line}: query {given:?}, told {told:?}")] }
}

/// Leaves of a body that not exactly one step accounts for, and steps that wrote what is not there.
fn unaccounted(section: &Value, body: &Value) -> Vec<String> {
    let written: Vec<&str> = in_body(places(section, "written"));
    let around: Vec<&str> = in_body(places(section, "around"));
    let mut found = Vec::new();
    let mut all = Vec::new();
    leaves(body, &mut Vec::new(), &mut all);
    for (path, is_empty) in &all {
        let count = written.iter().filter(|to| is_within(path, to)).count();
        let is_frame = *is_empty && (path.is_empty() || around.contains(&path.as_str()));
        if count != 1 && !(count == 0 && is_frame) {
            found.push(format!("`{path}` is told {count} times"));
        }
    }
    for to in &written {
        if !all.iter().any(|(path, _)| is_within(path, to)) {
            found.push(format!("`{to}` is told and is not there"));
        }
    }
    found
}

fn places<'e>(section: &'e Value, outcome: &str) -> Vec<&'e str> {
    let steps = steps(section).into_iter().filter(|step| step["outcome"] == outcome);
    steps.filter_map(|step| step["to"].as_str()).collect()
}

fn in_body(places: Vec<&str>) -> Vec<&str> {
    places.into_iter().filter(|to| !to.starts_with("$path.") && !to.starts_with("$query.")).collect()
}

fn is_within(path: &str, to: &str) -> bool {
    to == "$body" || path == to || path.strip_prefix(to).is_some_and(|rest| rest.starts_with('.'))
}

/// Every scalar and every empty container, by the way to it.
fn leaves(value: &Value, at: &mut Vec<String>, found: &mut Vec<(String, bool)>) {
    match value {
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                at.push(index.to_string());
                leaves(item, at, found);
                at.pop();
            }
        }
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                at.push(name.clone());
                leaves(member, at, found);
                at.pop();
            }
        }
        leaf => found.push((at.join("."), leaf.is_array() || leaf.is_object())),
    }
}

mod laws_can_fail {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_nobody_told_or_two_did_or_is_not_there_is_found() {
        let told = |places: &[&str]| {
            let steps: Vec<_> = places.iter().map(|to| json!({"to": to, "outcome": "written"})).collect();
            json!({"steps": steps})
        };
        let body = json!({"a": 1, "b": {"c": [2]}});
        assert!(unaccounted(&told(&["a", "b.c"]), &body).is_empty());
        assert_eq!(unaccounted(&told(&["a"]), &body), ["`b.c.0` is told 0 times"]);
        assert_eq!(unaccounted(&told(&["a", "b", "b.c.0"]), &body), ["`b.c.0` is told 2 times"]);
        assert_eq!(unaccounted(&told(&["a", "b", "d"]), &body), ["`d` is told and is not there"]);
    }
}
