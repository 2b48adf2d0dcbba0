//! Who would notice if a part of a dialect went.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::cli::{Failure, names, names::Unknown};
use crate::dialect::Registry;
use crate::usage::heavy::Use;
use crate::usage::{Book, Config, Kind, Part, Snapshot, Watches, Who};

/// A part, and who uses it.
pub(super) struct Removal {
    /// The part, as it was asked for.
    pub(super) part: String,
    /// Who uses it, the most frequent first. A field that has several kinds of uses counts as the most frequent of them.
    pub(super) users: Vec<(Who, Use<()>)>,
    /// How often somebody may have used it who is not there, at most.
    pub(super) missed: u64,
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
        let mut users: BTreeMap<Who, Use<()>> = BTreeMap::new();
        let mut is_known = false;
        for ((who, used), known) in counted.uses.uses().filter(|((_, used), _)| part.is(used)) {
            is_known = true;
            let user = users.entry(*who).or_insert(Use { count: 0, error: 0, ..*known });
            user.first = user.first.min(known.first);
            user.last = user.last.max(known.last);
            if part.adds_up(used) {
                user.count += known.count;
                user.error += known.error;
            } else if user.count < known.count {
                (user.count, user.error) = (known.count, known.error);
            }
        }
        if !is_known {
            part.look_up(registry)?;
        }
        let mut users: Vec<_> = users.into_iter().collect();
        users.sort_by_key(|(_, known)| std::cmp::Reverse(known.count));
        // Who was never read may have used it each time.
        let unread = counted.uses.uses().filter(|((_, used), _)| part.may_be_in(used));
        let unread = unread.map(|(_, known)| known.count).max().unwrap_or_default();
        Ok(Removal { part: asked.to_owned(), users, missed: counted.uses.missed.max(unread) })
    }
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
            (Some(_), None) => used.kind != Kind::Operation,
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

    /// Operations of a dialect are used in different requests; a field and its values in the same.
    fn adds_up(&self, used: &Part) -> bool {
        self.operation.is_none() && used.kind == Kind::Operation
    }

    /// Whether the mappings know it; a slip of the pen must not pass for something that nobody uses.
    fn look_up(&self, registry: &Registry) -> Result<(), Failure> {
        let dialect = names::dialect(registry, self.dialect)?;
        let Some(operation) = self.operation else { return Ok(()) };
        names::operation(dialect, operation)?;
        let Some(field) = self.field else { return Ok(()) };
        let book = Arc::new(Book::empty(Config { entries: 1, ..Config::default() }));
        let _watches = Watches::of(registry, Arc::clone(&book));
        let parts = book.parts().since(0);
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
