//! `[page.x]`: how lists are paged, by the names of parameters and of the members around the list.

use std::fmt::Write;

use serde_json::Value;

use super::lists::List;
use super::{Skeleton, WRITES};
use crate::openapi::import::names::{Names, snake};
use crate::openapi::import::operation::{Operation, Parameter};
use crate::openapi::import::toml::{TODO, aligned, inline, quoted};

const CURSOR: [&str; 9] = [
    "after",
    "continuation_token",
    "cursor",
    "next_page_token",
    "next_token",
    "page_cursor",
    "page_token",
    "start_cursor",
    "starting_after",
];
const NUMBER: [&str; 5] = ["current_page", "page", "page_index", "page_no", "page_number"];
const OFFSET: [&str; 3] = ["offset", "skip", "start"];
const LIMIT: [&str; 9] = [
    "count",
    "limit",
    "max_results",
    "page_limit",
    "page_size",
    "per_page",
    "results_per_page",
    "size",
    "take",
];

/// The ways of paging that were met so far.
#[derive(Default)]
pub(in crate::openapi::import) struct Pages {
    /// By name.
    found: Vec<(String, Page)>,
    names: Names,
}

#[derive(PartialEq)]
struct Page {
    style: &'static str,
    start: String,
    limit: Vec<(String, String)>,
    fields: Vec<(String, String)>,
}

impl Pages {
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        for (name, page) in &self.found {
            let head = [
                ("style".to_owned(), quoted(page.style)),
                ("start".to_owned(), quoted(&page.start)),
                ("limit".to_owned(), inline(&page.limit)),
            ];
            write!(out, "\n[page.{name}]\n{}", aligned(&head)).expect(WRITES);
            write!(out, "\n[page.{name}.fields]\n{}", aligned(&page.fields)).expect(WRITES);
        }
        out
    }
}

/// What says where a page starts, and in which style.
pub(super) fn start<'o>(operation: &'o Operation<'_>) -> Option<(&'o Parameter<'o>, &'static str)> {
    let find = |names: &[&str]| {
        let query = operation.parameters.iter().filter(|parameter| !parameter.in_path);
        query.into_iter().find(|parameter| names.contains(&snake(&parameter.name).as_str()))
    };
    let is_text = |parameter: &Parameter<'_>| {
        let schema = parameter.schema.as_ref();
        schema.and_then(|schema| schema.text("type")) == Some("string")
    };
    if let Some(number) = find(&NUMBER) {
        return Some((number, if is_text(number) { "cursor" } else { "number" }));
    }
    find(&OFFSET).map(|offset| (offset, "offset")).or_else(|| find(&CURSOR).map(|cursor| (cursor, "cursor")))
}

/// What says how many items a page may have.
pub(super) fn limit<'o>(operation: &'o Operation<'_>) -> Option<&'o Parameter<'o>> {
    let mut query = operation.parameters.iter().filter(|parameter| !parameter.in_path);
    query.find(|parameter| LIMIT.contains(&snake(&parameter.name).as_str()))
}

impl Skeleton<'_> {
    /// The name of the page of an operation that answers a list, if it is paged.
    pub(super) fn page(&mut self, operation: &Operation<'_>, file: &str, list: &List<'_>) -> Option<String> {
        let (start, style) = start(operation)?;
        let limit = limit(operation);
        let mut entries =
            vec![("query".to_owned(), limit.map_or_else(|| TODO.to_owned(), |limit| quoted(&limit.name)))];
        let schema = limit.and_then(|limit| limit.schema.as_ref());
        for (ours, theirs) in [("default", "default"), ("max", "maximum")] {
            let number = schema.and_then(|schema| schema.value.get(theirs)?.as_u64());
            entries.extend(
                number.filter(|number| *number > 0).map(|number| (ours.to_owned(), number.to_string())),
            );
        }
        let mut fields = Vec::new();
        if let Some(under) = list.under {
            self.members(self.plan.shapes.file(file), "", under, style, &mut fields);
        }
        let page = Page { style, start: start.name.clone(), limit: entries, fields };
        if let Some((name, _)) = self.pages.found.iter().find(|(_, known)| *known == page) {
            return Some(name.clone());
        }
        let name = self.pages.names.give("list");
        self.pages.found.push((name.clone(), page));
        Some(name)
    }

    /// The members around a list, and what each says about the page.
    fn members(
        &self,
        schema: &Value,
        before: &str,
        under: &str,
        style: &str,
        fields: &mut Vec<(String, String)>,
    ) {
        let shapes = &self.plan.shapes;
        let required = schema.get("required").and_then(Value::as_array);
        for (name, property) in shapes.properties(schema) {
            let place = format!("{before}{name}");
            if before.is_empty() && name == under {
                fields.push((place, quoted("items")));
            } else if before.is_empty() && !shapes.properties(property).is_empty() {
                self.members(property, &format!("{place}."), under, style, fields);
            } else if let Some(slot) = slot(&snake(name), style, shapes.about(property).format) {
                fields.push((place, quoted(slot)));
            } else if required.is_some_and(|required| required.iter().any(|known| known == name)) {
                fields.push((place, TODO.to_owned()));
            }
        }
    }
}

/// What a member says about the page, by its name.
fn slot(name: &str, style: &str, format: Option<&str>) -> Option<&'static str> {
    let is_address = format == Some("uri") || name.ends_with("_url");
    Some(match name {
        "next" | "next_url" if is_address || style != "cursor" => "next_url",
        "previous" | "prev" | "previous_url" | "prev_url" => "previous_url",
        "cursor" | "end_cursor" | "next" | "next_cursor" | "next_offset" | "next_page"
        | "next_page_token" | "next_token" => "next",
        "has_more" | "has_next" | "has_next_page" | "more" => "has_next",
        "has_prev" | "has_previous" | "has_previous_page" => "has_previous",
        "count" | "total" | "total_count" | "total_elements" | "total_items" | "total_records"
        | "total_results" => "total",
        "last_page" | "page_count" | "pages" | "total_pages" => "pages",
        own if NUMBER.contains(&own) => "number",
        own if LIMIT.contains(&own) => "limit",
        _ => return None,
    })
}
