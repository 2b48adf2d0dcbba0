//! `[[role.row]]` and `[table.x]`: the words of a dialect, each waiting for what it means.

use std::fmt::Write;

use serde_json::Value;

use super::WRITES;
use crate::openapi::import::names::{Names, snake};
use crate::openapi::import::toml::{TODO, key, literal};

/// Names of members that hold a role.
const ROLE: [&str; 4] = ["access_level", "membership_type", "permission_level", "role"];

/// Words that mean a role wherever they stand together.
const USUAL: [&str; 14] = [
    "admin",
    "administrator",
    "billing",
    "collaborator",
    "commenter",
    "contributor",
    "editor",
    "guest",
    "maintainer",
    "manager",
    "member",
    "owner",
    "reader",
    "viewer",
];

/// The words that were met so far.
#[derive(Default)]
pub(in crate::openapi::import) struct Words {
    /// The roles, and where each was met first.
    roles: Vec<(Value, String)>,
    tables: Vec<(String, Vec<Value>)>,
    names: Names,
}

impl Words {
    /// Whether a member of that name with those values holds a role.
    pub(super) fn is_role(name: &str, values: &[Value]) -> bool {
        let name = snake(name);
        let is_usual = |value: &&Value| {
            let word = value.as_str().unwrap_or_default().to_ascii_lowercase();
            USUAL.contains(&word.rsplit([':', '.', '_']).next().unwrap_or_default())
        };
        let is_scalar = |value: &Value| !value.is_array() && !value.is_object();
        values.len() > 1
            && values.iter().all(is_scalar)
            && (ROLE.contains(&name.as_str())
                || name.ends_with("_role")
                || values.iter().filter(is_usual).count() > 1)
    }

    /// Notes the words of a role.
    pub(super) fn add_roles(&mut self, values: &[Value], place: &str) {
        for value in values {
            if !self.roles.iter().any(|(known, _)| known == value) {
                self.roles.push((value.clone(), place.to_owned()));
            }
        }
    }

    /// The name of the table with those words.
    pub(super) fn table(&mut self, name: &str, values: &[Value]) -> String {
        if let Some((name, _)) = self.tables.iter().find(|(_, known)| known == values) {
            return name.clone();
        }
        let name = self.names.give(&snake(name));
        self.tables.push((name.clone(), values.to_vec()));
        name
    }

    pub(super) fn roles(&self) -> String {
        let mut out = String::new();
        if !self.roles.is_empty() {
            out += "\n# What each word promises (`may`) decides what it can be (`is`). Read what the API says about it.\n";
        }
        for (word, place) in &self.roles {
            let word = literal(word);
            write!(out, "\n[[role.row]]    # in `{place}`\nword = {word}\nis   = {TODO}\nmay  = [{TODO}]\n")
                .expect(WRITES);
        }
        out
    }

    pub(super) fn tables(&self) -> String {
        let mut out = String::new();
        for (name, values) in &self.tables {
            // A list in a row is one value after the other, so every row is readable alone.
            let rows: Vec<_> =
                values.iter().map(|value| format!("    [{}, {TODO}],\n", literal(value))).collect();
            write!(out, "\n[table.{}]\nrows = [\n{}]\n", key(name), rows.concat()).expect(WRITES);
        }
        out
    }
}
