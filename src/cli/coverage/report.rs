//! What traffic used of each mapping, for people and for programs.

use std::{collections::BTreeMap, fmt::Write};

use serde_json::{Value, json};

use crate::{
    diag::Lines,
    translate::coverage::{Coverage, Kind, Line},
};

/// What was used of one mapping.
pub(super) struct Mapping<'c> {
    pub(super) path: String,
    /// In the order of the file.
    lines: Vec<(usize, &'c Line)>,
}

/// The mappings, in the order of their paths.
pub(super) fn mappings<'c>(coverage: &'c Coverage, lines: &Lines) -> Vec<Mapping<'c>> {
    let mut by_path: BTreeMap<String, Vec<(usize, &Line)>> = BTreeMap::new();
    for line in coverage.lines() {
        let Some(name) = lines.name(line.span) else { continue };
        let Some((path, number)) = name.rsplit_once(':') else { continue };
        by_path.entry(path.to_owned()).or_default().push((number.parse().unwrap_or_default(), line));
    }
    let mapping = |(path, mut lines): (String, Vec<(usize, &'c Line)>)| {
        lines.sort_by_key(|(_, line)| (line.kind, line.span.start));
        Mapping { path, lines }
    };
    by_path.into_iter().map(mapping).collect()
}

impl Mapping<'_> {
    fn count(&self, is_meant: impl Fn(&Line) -> bool) -> (usize, usize) {
        let meant = self.lines.iter().filter(|(_, line)| is_meant(line));
        meant.fold((0, 0), |(used, all), (_, line)| (used + usize::from(line.used > 0), all + 1))
    }

    /// Whether any traffic came.
    pub(super) fn is_used(&self) -> bool {
        self.lines.iter().any(|(_, line)| line.used > 0)
    }

    /// How much of it was used: whole percents, rounded down, so that 100 are all.
    pub(super) fn percent(&self) -> usize {
        let (used, all) = self.count(|_| true);
        (used * 100).checked_div(all).unwrap_or(100)
    }

    pub(super) fn text(&self) -> String {
        let (used, all) = self.count(|_| true);
        let mut text = format!("{}: {} %, {used} of {all}\n", self.path, self.percent());
        for kind in Kind::ALL {
            let (used, all) = self.count(|line| line.kind == kind);
            if all > 0 {
                put(&mut text, format_args!("  {:<22}{used:>5} of {all}\n", kind.name()));
            }
        }
        let missing: Vec<_> = self.lines.iter().filter(|(_, line)| line.used == 0).collect();
        if !missing.is_empty() {
            text.push_str("  never used:\n");
        }
        for (number, line) in missing {
            let place = format!("{}:{number}", self.path);
            put(&mut text, format_args!("    {place}  {}: {}\n", line.kind.name(), line.what));
        }
        text
    }

    pub(super) fn json(&self) -> Value {
        let (used, all) = self.count(|_| true);
        let kinds = Kind::ALL.iter().map(|kind| {
            let (used, all) = self.count(|line| line.kind == *kind);
            json!({ "kind": kind.name(), "used": used, "of": all })
        });
        let missing = self.lines.iter().filter(|(_, line)| line.used == 0).map(
            |(number, line)| json!({ "kind": line.kind.name(), "what": line.what, "file": self.path, "line": number }),
        );
        json!({
            "mapping": self.path,
            "percent": self.percent(),
            "used": used,
            "of": all,
            "kinds": kinds.collect::<Vec<_>>(),
            "missing": missing.collect::<Vec<_>>(),
        })
    }
}

fn put(text: &mut String, more: std::fmt::Arguments<'_>) {
    text.write_fmt(more).expect("writing to a string never fails");
}
