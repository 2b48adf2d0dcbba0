//! Who would notice if a part of a dialect went.

use std::collections::BTreeMap;

use crate::cli::{Failure, names, names::Unknown};
use crate::dialect::Registry;
use crate::limit::Principal;
use crate::usage::heavy::Use;
use crate::usage::{Kind, Part, Snapshot, UNCONFIRMED};

/// A part, and who uses it.
pub(super) struct Removal {
    /// The part, as it was asked for.
    pub(super) part: String,
    /// Who uses it, the most frequent first.
    pub(super) users: Vec<(Principal, Use<()>)>,
    /// In how many requests it was used of which nobody knows whose they are, if in any.
    pub(super) unconfirmed: Option<Use<()>>,
    /// How often somebody may have used it who is not there, at most.
    pub(super) missed: u64,
    /// Whether something was counted everywhere, were it nothing of this.
    pub(super) is_counted: bool,
}

/// What was asked for, taken apart.
struct Asked<'a> {
    dialect: &'a str,
    operation: Option<&'a str>,
    field: Option<&'a str>,
    value: Option<&'a str>,
}

impl Removal {
    /// Looks up what was asked for: it has to be something that the mappings know, or that was used.
    pub(super) fn of(asked: &str, counted: &Snapshot, registry: &Registry) -> Result<Removal, Failure> {
        let part = Asked::parse(asked);
        let mut users = users(counted, |used| part.is(used));
        if users.is_empty() {
            part.look_up(registry)?;
        }
        let unconfirmed = users.remove(&UNCONFIRMED);
        let mut users: Vec<_> = users.into_iter().collect();
        users.sort_by_key(|(_, known)| std::cmp::Reverse(known.count));
        let missed = counted.uses.missed.max(unread(counted, |used| part.may_be_in(used)));
        Ok(Removal { part: asked.to_owned(), users, unconfirmed, missed, is_counted: true })
    }

    /// Whether those who are known to use it are all there are.
    pub(super) fn is_certain(&self) -> bool {
        self.is_counted && self.unconfirmed.is_none() && self.missed == 0
    }
}

/// Who uses any of these parts, which are one part or its values.
pub(super) fn users(counted: &Snapshot, is_meant: impl Fn(&Part) -> bool) -> BTreeMap<Principal, Use<()>> {
    let mut rows: BTreeMap<Principal, Vec<(&Part, Use<()>)>> = BTreeMap::new();
    for ((who, used), known) in counted.uses.uses().filter(|((_, used), _)| is_meant(used)) {
        rows.entry(*who).or_default().push((used, *known));
    }
    rows.into_iter().map(|(who, rows)| (who, together(&rows))).collect()
}

/// How often one whose requests nobody has read may have used what could be in them, each time, at most.
pub(super) fn unread(counted: &Snapshot, may_be_in: impl Fn(&Part) -> bool) -> u64 {
    let unread = counted.uses.uses().filter(|((_, used), _)| may_be_in(used));
    unread.map(|(_, known)| known.count).max().unwrap_or_default()
}

/// In how many requests a principal used any of these rows: there are no more than that, and no less than the error says.
///
/// Operations are used in different requests, and a path has each of its parameters once, so that is their sum. A field is
/// used whenever one of its values is. Without a row for the field, several values may have been in one request.
fn together(rows: &[(&Part, Use<()>)]) -> Use<()> {
    let sum = |of: fn(&Use<()>) -> u64| rows.iter().map(|(_, known)| of(known)).sum::<u64>();
    // What another machine told may be wrong by more than there is.
    let sure = |known: &Use<()>| known.count.saturating_sub(known.error);
    let (count, surely) = match rows.iter().find(|(part, _)| part.kind == Kind::Field) {
        // A row of values can be surer than that of the field, where tables forget.
        Some((_, field)) => {
            (field.count, rows.iter().map(|(_, known)| sure(known)).max().unwrap_or_default())
        }
        None if rows.iter().all(|(part, _)| part.kind == Kind::Operation || part.field.starts_with('{')) => {
            (sum(|known| known.count), rows.iter().map(|(_, known)| sure(known)).sum())
        }
        None => {
            (sum(|known| known.count), rows.iter().map(|(_, known)| sure(known)).max().unwrap_or_default())
        }
    };
    let first = rows.iter().map(|(_, known)| known.first).min().unwrap_or_default();
    let last = rows.iter().map(|(_, known)| known.last).max().unwrap_or_default();
    Use { key: (), count, error: count.saturating_sub(surely), first, last }
}

impl<'a> Asked<'a> {
    fn parse(text: &'a str) -> Asked<'a> {
        let mut parts = text.splitn(3, '/');
        let (dialect, operation, rest) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        let (field, value) = match rest.map(|rest| rest.split_once('=').unwrap_or((rest, ""))) {
            Some((field, "")) => (Some(field), None),
            Some((field, value)) => (Some(field), Some(value)),
            None => (None, None),
        };
        Asked { dialect, operation, field, value }
    }

    /// Whether requests that nobody has read may have had it.
    fn may_be_in(&self, used: &Part) -> bool {
        let is_of = used.dialect == self.dialect && Some(used.operation.as_str()) == self.operation;
        used.kind == Kind::Unread && self.field.is_some() && is_of
    }

    /// Whether that goes with it.
    fn is(&self, used: &Part) -> bool {
        let kind = match (self.operation, self.value) {
            (None, _) => return used.dialect == self.dialect && used.kind == Kind::Operation,
            (Some(_), Some(_)) => used.kind == Kind::Value || used.kind == Kind::Id,
            (Some(_), None) if self.field.is_none() => used.kind == Kind::Operation,
            (Some(_), None) => matches!(used.kind, Kind::Field | Kind::Value | Kind::Id),
        };
        let is_there =
            used.dialect == self.dialect && self.operation.is_none_or(|name| name == used.operation);
        let is_value = |value: &str| {
            let quoted = serde_json::Value::from(value).to_string();
            used.value == value || used.value == quoted
        };
        kind && is_there
            && self.field.is_none_or(|field| field == used.field)
            && self.value.is_none_or(is_value)
    }

    /// Whether the mappings know it; a slip of the pen must not pass for something that nobody uses.
    fn look_up(&self, registry: &Registry) -> Result<(), Failure> {
        let dialect = names::dialect(registry, self.dialect)?;
        let Some(operation) = self.operation else { return Ok(()) };
        names::operation(dialect, operation)?;
        let Some(field) = self.field else { return Ok(()) };
        let parts = super::verdict::parts(registry);
        if parts.iter().any(|part| self.is(part)) {
            return Ok(());
        }
        let own = parts.iter().filter(|part| part.dialect == self.dialect && part.operation == operation);
        let (lacks, name, known): (_, _, Vec<_>) = match self.value {
            Some(value) if own.clone().any(|part| part.field == field) => {
                let known = own.filter(|part| part.field == field && !part.value.is_empty());
                (
                    format!("`{field}` of `{operation}` has no known value"),
                    value,
                    known.map(|part| part.value.trim_matches('"')).collect(),
                )
            }
            _ => {
                let known = own.filter(|part| part.kind == Kind::Field);
                (format!("`{operation}` has no field"), field, known.map(|part| &*part.field).collect())
            }
        };
        Err(Unknown::new(lacks, name, known).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(count: u64, error: u64, first: u64, last: u64) -> Use<()> {
        Use { key: (), count, error, first, last }
    }

    #[test]
    fn rows_together_have_the_bounds_and_the_dates_of_all() {
        let get = Part::operation("a", "get");
        let (role, id) = (get.field("role"), get.field("{id}"));
        let (admin, guest) = (role.value(Kind::Value, "\"admin\""), role.value(Kind::Value, "\"guest\""));
        let (uuid, short) = (id.value(Kind::Id, "uuid"), id.value(Kind::Id, "shortuuid"));
        for (rows, expected, why) in [
            ([(&role, used(9, 4, 3, 8)), (&admin, used(7, 0, 2, 9))], used(9, 2, 2, 9), "seven are sure"),
            ([(&uuid, used(5, 1, 3, 8)), (&short, used(3, 0, 1, 4))], used(8, 1, 1, 8), "a path has one id"),
            (
                [(&admin, used(5, 0, 3, 8)), (&guest, used(3, 0, 1, 4))],
                used(8, 3, 1, 8),
                "a list may have both",
            ),
            ([(&get, used(5, 2, 3, 8)), (&get, used(3, 0, 1, 4))], used(8, 2, 1, 8), "operations add up"),
            (
                [(&get, used(1, 5, 1, 1)), (&get, used(3, 0, 1, 4))],
                used(4, 1, 1, 4),
                "nobody is sure of less than none",
            ),
        ] {
            assert_eq!(together(&rows), expected, "{why}");
        }
    }
}
