//! What was counted, by names: as a file has it, as the admin page tells it, and as a report puts several together.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value as Tree, json};
use thiserror::Error;

use super::heavy::Use;
use super::met::Met;
use super::part::{Kind, Part};
use super::sheet::DAY;
use super::summary::Summary;
use crate::limit::Principal;
use crate::time::rfc3339;

/// What was counted until a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Since when it is counted, in seconds since 1970.
    pub since: u64,
    /// When it was written down.
    pub written: u64,
    /// Whom operators call how.
    pub names: BTreeMap<Principal, String>,
    /// Who used what.
    pub uses: Summary<(Principal, Part)>,
    /// What the programs call themselves, by principal and dialect.
    pub clients: Summary<(Principal, String, String)>,
    /// Who asked in which dialect, by day since 1970.
    pub days: BTreeMap<u64, Summary<(Principal, String)>>,
    /// What was met, by day since 1970.
    pub met: Met,
}

/// A text is not what the admin page tells.
#[derive(Debug, Error)]
#[error("this is not what `/usage` of an admin listener answers")]
pub struct Unreadable;

impl Snapshot {
    /// Adds what another replica counted.
    pub fn merge(&mut self, other: &Snapshot) {
        self.since = if self.since == 0 { other.since } else { self.since.min(other.since) };
        self.written = self.written.max(other.written);
        self.names.extend(other.names.iter().map(|(who, name)| (*who, name.clone())));
        self.uses.merge(&other.uses);
        self.clients.merge(&other.clients);
        for (day, more) in &other.days {
            self.days.entry(*day).or_default().merge(more);
        }
        self.met.merge(&other.met);
    }

    /// Whether nothing was ever counted into it: it was made, and no more.
    pub fn is_untouched(&self) -> bool {
        self.written == self.since && self.clients.total == 0 && self.uses.total == 0
    }

    /// As JSON.
    pub fn to_json(&self) -> Tree {
        let part = |part: &Part| {
            json!({"dialect": part.dialect, "operation": part.operation, "kind": part.kind.name(), "field": part.field,
                "value": part.value})
        };
        let client = |dialect: &str, client: &str| json!({"dialect": dialect, "client": client});
        let days = self.days.iter().map(|(day, table)| {
            let mut told = self.table(table, |(who, dialect)| (*who, json!({"dialect": dialect})));
            told["day"] = date(day * DAY).into();
            told
        });
        json!({
            "since": moment(self.since),
            "written": moment(self.written),
            "uses": self.table(&self.uses, |(who, used)| (*who, part(used))),
            "clients": self.table(&self.clients, |(who, dialect, name)| (*who, client(dialect, name))),
            "days": days.collect::<Vec<_>>(),
            "met": self.met.to_json(),
        })
    }

    fn table<K: Ord + Clone>(&self, table: &Summary<K>, key: impl Fn(&K) -> (Principal, Tree)) -> Tree {
        let entries = table.uses().map(|(of, known)| {
            let (who, mut entry) = key(of);
            entry["principal"] = who.to_string().into();
            entry["name"] = self.names.get(&who).map_or(Tree::Null, |name| name.as_str().into());
            entry["count"] = known.count.into();
            entry["error"] = known.error.into();
            entry["first"] = moment(known.first).into();
            entry["last"] = moment(known.last).into();
            entry
        });
        let entries: Vec<_> = entries.collect();
        json!({"total": table.total, "missed": table.missed, "entries": entries, "exact": table.is_exact()})
    }

    /// Reads JSON that [`Snapshot::to_json`] made.
    ///
    /// # Errors
    ///
    /// When it is something else.
    pub fn from_json(told: &Tree) -> Result<Snapshot, Unreadable> {
        let mut snapshot = Snapshot {
            since: seconds(&told["since"])?,
            written: seconds(&told["written"])?,
            ..Snapshot::default()
        };
        let names = &mut snapshot.names;
        snapshot.uses = summary(&told["uses"], names, |who, entry| {
            let kind = Kind::named(entry["kind"].as_str().unwrap_or_default()).ok_or(Unreadable)?;
            let (dialect, operation) = (text(&entry["dialect"])?, text(&entry["operation"])?);
            let (field, value) = (text(&entry["field"])?, text(&entry["value"])?);
            Ok((who, Part { dialect, operation, kind, field, value }))
        })?;
        snapshot.clients = summary(&told["clients"], names, |who, entry| {
            Ok((who, text(&entry["dialect"])?, text(&entry["client"])?))
        })?;
        for day in told["days"].as_array().ok_or(Unreadable)? {
            let at = format!("{}T00:00:00Z", text(&day["day"])?);
            let table = summary(day, names, |who, entry| Ok((who, text(&entry["dialect"])?)))?;
            snapshot.days.insert(seconds(&at.into())? / DAY, table);
        }
        snapshot.met = Met::from_json(&told["met"])?;
        Ok(snapshot)
    }
}

fn summary<K: Ord + Clone>(
    told: &Tree,
    names: &mut BTreeMap<Principal, String>,
    key: impl Fn(Principal, &Tree) -> Result<K, Unreadable>,
) -> Result<Summary<K>, Unreadable> {
    let number = |tree: &Tree| tree.as_u64().ok_or(Unreadable);
    let (total, missed) = (number(&told["total"])?, number(&told["missed"])?);
    let mut summary = Summary::new(total, missed);
    for entry in told["entries"].as_array().ok_or(Unreadable)? {
        let who: Principal = text(&entry["principal"])?.parse().map_err(|_| Unreadable)?;
        names.extend(entry["name"].as_str().map(|name| (who, name.to_owned())));
        let (count, error) = (number(&entry["count"])?, number(&entry["error"])?);
        let (first, last) = (seconds(&entry["first"])?, seconds(&entry["last"])?);
        summary.insert(key(who, entry)?, &Use { key: (), count, error, first, last });
    }
    Ok(summary)
}

pub(super) fn text(told: &Tree) -> Result<String, Unreadable> {
    told.as_str().map(str::to_owned).ok_or(Unreadable)
}

pub(super) fn seconds(told: &Tree) -> Result<u64, Unreadable> {
    let moment = humantime::parse_rfc3339(told.as_str().ok_or(Unreadable)?).map_err(|_| Unreadable)?;
    Ok(crate::time::unix_seconds(moment))
}

/// A moment as RFC 3339 has it.
pub fn moment(seconds: u64) -> String {
    rfc3339(UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).unwrap_or(SystemTime::UNIX_EPOCH))
}

/// The day of a moment, such as `2027-03-01`.
pub fn date(seconds: u64) -> String {
    moment(seconds).chars().take(10).collect()
}
