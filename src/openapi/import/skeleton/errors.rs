//! `[errors]`: what the bodies of refusals look like, as far as their names say it.

use std::fmt::Write;

use serde_json::Value;

use super::{Skeleton, WRITES};
use crate::openapi::import::names::snake;
use crate::openapi::import::toml::{TODO, aligned, inline, key, quoted};

/// Names of members that hold the sentence.
const MESSAGE: [&str; 8] =
    ["message", "detail", "error_description", "error_message", "description", "msg", "reason", "error"];
const STATUS: [&str; 4] = ["status", "status_code", "http_status", "statuscode"];
const CODE: [&str; 5] = ["code", "error_code", "key", "type", "error_type"];
const TITLE: [&str; 1] = ["title"];
const TIME: [&str; 2] = ["timestamp", "time"];
/// Names of members that hold what is wrong where.
const PLACES: [&str; 6] = ["errors", "details", "violations", "issues", "invalid_params", "fields"];

impl Skeleton<'_> {
    pub(super) fn errors(&mut self) -> String {
        let media = self.plan.refusal.as_ref().map_or("application/json", |refusal| refusal.media.as_str());
        let mut out =
            "\n# What refusals look like, as far as the names of their members tell. Look at real ones.\n"
                .to_owned();
        write!(out, "[errors]\ncontent_type = {}\n", quoted(media)).expect(WRITES);
        out += &self.folds();
        let Some(refusal) = &self.plan.refusal else {
            write!(out, "\n# The document does not describe them.\n[errors.plain]\nTODO = {TODO}\n")
                .expect(WRITES);
            return out;
        };
        let schema = self.plan.shapes.file(&refusal.file);
        let (mut plain, mut places) = (Vec::new(), Vec::new());
        if self.plan.shapes.about(schema).is_only("string") {
            plain.push((String::new(), quoted("message")));
        } else {
            self.slots(schema, "", true, &mut plain, &mut places);
        }
        if plain.is_empty() {
            plain.push(("TODO".to_owned(), TODO.to_owned()));
        }
        write!(out, "\n[errors.plain]\n{}", aligned(&plain)).expect(WRITES);
        if !places.is_empty() {
            let invalid = [plain, places].concat();
            write!(out, "\n[errors.invalid]\n{}", aligned(&invalid)).expect(WRITES);
        }
        out
    }

    /// Who never says 422 calls a body that does not fit a bad request.
    fn folds(&self) -> String {
        let refusals = || self.plan.operations.iter().flat_map(|planned| &planned.operation.refusals);
        let says = |status: u16| refusals().any(|(known, _)| *known == status);
        if says(400) && !says(422) { "folds        = { 422 = 400 }\n".to_owned() } else { String::new() }
    }

    fn slots(
        &self,
        schema: &Value,
        before: &str,
        is_outer: bool,
        plain: &mut Vec<(String, String)>,
        places: &mut Vec<(String, String)>,
    ) {
        let shapes = &self.plan.shapes;
        let properties = shapes.properties(schema);
        let is_there = |name: &str| properties.iter().any(|(known, _)| snake(known) == name);
        for (name, property) in &properties {
            let own = snake(name);
            let about = shapes.about(property);
            let place = format!("{before}{name}");
            let is = |names: &[&str]| names.contains(&own.as_str());
            let members = shapes.properties(property);
            let slot = if is(&STATUS) {
                "status"
            } else if is(&CODE) || own == "error" && is_there("message") {
                if about.types.contains(&"integer") { "status" } else { "code" }
            } else if is_outer && !members.is_empty() && (is(&PLACES) || is(&MESSAGE)) {
                self.slots(property, &format!("{place}."), false, plain, places);
                continue;
            } else if is(&PLACES) {
                places.extend(self.violations(property).map(|slot| (place, slot)));
                continue;
            } else if is(&MESSAGE) && !about.types.contains(&"array") {
                "message"
            } else if is(&TITLE) {
                "title"
            } else if is(&TIME) {
                "time"
            } else {
                let required = schema.get("required").and_then(Value::as_array);
                if required.is_some_and(|required| required.iter().any(|known| known == name)) {
                    plain.push((place, TODO.to_owned()));
                }
                continue;
            };
            plain.push((place, quoted(slot)));
        }
    }

    /// A list of what is wrong where, if its elements say that.
    fn violations(&self, property: &Value) -> Option<String> {
        let shapes = &self.plan.shapes;
        let items = shapes.about(property).items?;
        let mut item = Vec::new();
        for (name, _) in shapes.properties(items) {
            let slot = match snake(name).as_str() {
                "pointer" => "pointer",
                "loc" => "loc",
                "field" | "path" | "property" | "param" | "parameter" | "attribute" | "name" => "dotted",
                "code" | "type" | "kind" | "rule" => "kind",
                own if MESSAGE.contains(&own) => "message",
                _ => continue,
            };
            if item.iter().all(|(_, known)| *known != quoted(slot)) {
                item.push((name.to_owned(), quoted(slot)));
            }
        }
        let item = (!item.is_empty()).then(|| inline(&item))?;
        Some(format!("{{ slot = \"violations\", {} = {item} }}", key("item")))
    }
}
