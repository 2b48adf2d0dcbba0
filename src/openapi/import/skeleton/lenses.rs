//! `[lens.x]`: every field of a body on the left, and on the right what a person has to say.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::Value;

use super::words::Words;
use super::{Skeleton, WRITES};
use crate::openapi::import::names::snake;
use crate::openapi::import::schemas::Way;
use crate::openapi::import::toml::{TODO, aligned, inline, key, literal, quoted};

/// How deep objects without a file of their own are written into the lens around them.
const DEPTH_MAX: usize = 3;

/// The lenses that something uses, in the order in which that was found out.
#[derive(Default)]
pub(super) struct Lenses {
    /// By the file each is about, with the way it is used first.
    wanted: Vec<(String, Way)>,
    /// Which lies directly in which.
    inside: BTreeSet<(String, String)>,
}

impl Lenses {
    /// Notes that a lens is used; it is called like its file.
    pub(super) fn want(&mut self, file: &str, way: Way) {
        if !self.wanted.iter().any(|(known, _)| known == file) {
            self.wanted.push((file.to_owned(), way));
        }
    }

    /// Notes that a lens is used inside another, unless it would contain itself then.
    fn want_inside(&mut self, file: &str, outer: &str, way: Way) -> bool {
        if file == outer || self.leads(file, outer) {
            return false;
        }
        self.inside.insert((outer.to_owned(), file.to_owned()));
        self.want(file, way);
        true
    }

    /// Whether following the lenses inside `from` leads to `to`.
    fn leads(&self, from: &str, to: &str) -> bool {
        let (mut open, mut seen) = (vec![from], BTreeSet::new());
        while let Some(here) = open.pop() {
            if here == to {
                return true;
            }
            if seen.insert(here) {
                open.extend(
                    self.inside.iter().filter(|(outer, _)| outer == here).map(|(_, inner)| inner.as_str()),
                );
            }
        }
        false
    }
}

/// A lens being written.
struct Lens<'l> {
    file: &'l str,
    way: Way,
    fields: Vec<(String, String)>,
}

impl Skeleton<'_> {
    /// All of them, with those inside them.
    pub(super) fn lenses(&mut self, mut lenses: Lenses) -> String {
        let mut out = String::new();
        let mut next = 0;
        while let Some((file, way)) = lenses.wanted.get(next).cloned() {
            next += 1;
            let mut lens = Lens { file: &file, way, fields: Vec::new() };
            let schema = self.plan.shapes.file(&file);
            self.fields(schema, "", 0, &mut lens, &mut lenses);
            let name = key(&file);
            let head = [("schema".to_owned(), quoted(&file)), ("canonical".to_owned(), TODO.to_owned())];
            write!(out, "\n[lens.{name}]\n{}", aligned(&head)).expect(WRITES);
            write!(out, "\n[lens.{name}.fields]\n{}", aligned(&lens.fields)).expect(WRITES);
        }
        out
    }

    fn fields(
        &mut self,
        schema: &Value,
        before: &str,
        depth: usize,
        lens: &mut Lens<'_>,
        lenses: &mut Lenses,
    ) {
        let plan = self.plan;
        for (name, property) in plan.shapes.properties(schema) {
            if name.is_empty() || name.contains('.') || name.starts_with('$') {
                let at = format!("/{}/{name}", lens.file);
                self.notes.push(&at, "left out: a mapping cannot name a member with this name");
                continue;
            }
            let place = format!("{before}{name}");
            let about = plan.shapes.about(property);
            let is_list = about.types.contains(&"array");
            let is_object = !is_list && !plan.shapes.properties(property).is_empty();
            if is_object && about.file.is_none() && depth < DEPTH_MAX {
                self.fields(property, &format!("{place}."), depth + 1, lens, lenses);
                continue;
            }
            let mut entries = vec![("at".to_owned(), TODO.to_owned())];
            let mut step = |name: &str, value: String| entries.push((name.to_owned(), value));
            if let Some(file) = about.file.filter(|_| is_object) {
                if lenses.want_inside(file, lens.file, lens.way) {
                    step("lens", quoted(file));
                }
            } else if let Some(items) = about.items.filter(|_| is_list) {
                let of = plan.shapes.about(items).file;
                if let Some(file) = of.filter(|file| lenses.want_inside(file, lens.file, lens.way)) {
                    step("each", quoted(file));
                }
            } else if let Some(values) = about.values.filter(|_| !is_list && !is_object) {
                if let [only] = values.as_slice() {
                    // There is nothing to decide about what is always the same.
                    let sort = if lens.way == Way::Answer { "constant" } else { "fixed" };
                    entries = vec![(sort.to_owned(), literal(only))];
                } else if Words::is_role(name, &values) {
                    self.words.add_roles(&values, &format!("{}.{place}", lens.file));
                    step("role", "true".to_owned());
                } else if values.iter().all(|value| value.is_string() || value.is_null()) {
                    let words: Vec<_> = values.into_iter().filter(|value| !value.is_null()).collect();
                    step("table", quoted(&self.words.table(&snake(name), &words)));
                }
            } else if about.format == Some("uuid") {
                self.ids.insert("uuid");
                step("id", quoted("uuid"));
            }
            let text =
                if entries.len() == 1 && entries[0].1 == TODO { TODO.to_owned() } else { inline(&entries) };
            lens.fields.push((place, text));
        }
    }
}
