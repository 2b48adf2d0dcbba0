//! Conflicts, in words: ids are told as they are, and of keys a digest.

use std::fmt::Display;

use uuid::Uuid;

use crate::diag::{Diagnostic, code};
use crate::ids::embedded::matching::{Conflict, Why};

/// A conflict as people read it.
pub(super) fn conflict(Conflict { kind, organization, why }: &Conflict) -> Diagnostic {
    let found = match why {
        Why::Shared { schema, tag, theirs, ours } => {
            let message = format!("one key ({tag}) is that of several `{schema}`");
            let told = |(ids, count): (&[String], usize), side: &str| {
                let more = if count > ids.len() {
                    format!(" and {} more", count - ids.len())
                } else {
                    String::new()
                };
                format!("{side}: {}{more}", ids.join(", "))
            };
            let own: Vec<_> = ours.0.iter().map(quoted).collect();
            let old: Vec<_> = theirs.0.iter().map(quoted).collect();
            let note = [
                told((&old, theirs.1), "at the old upstream"),
                told((&own, ours.1), "at the canonical side"),
            ];
            Diagnostic::error(code::V0201, message).note(note.join("; "))
        }
        Why::Claimed { pair: (external, canonical), other } => {
            let message =
                format!("`{external}` would be {canonical}, and {}", claim(external, "would be", other));
            Diagnostic::error(code::V0202, message)
        }
        Why::Mapped { pair: (external, canonical), other } => {
            let claim = claim(external, "is", other);
            let message = format!("`{external}` would be {canonical}, and in the id map {claim}");
            Diagnostic::error(code::V0203, message)
        }
        Why::Spelt { pair: (external, canonical), other } => {
            let message = format!("`{external}` would be {canonical}, and is how {other} is spelt");
            Diagnostic::error(code::V0204, message)
        }
    };
    let place = organization.map_or_else(String::new, |place| format!(", organization {place}"));
    found.note(format!("ids of kind `{kind}`{place}"))
}

/// What contradicts a pair with that half.
fn claim(external: &str, verb: &str, (other, canonical): &(String, Uuid)) -> String {
    if other == external { format!("{verb} {canonical}") } else { format!("{canonical} {verb} `{other}`") }
}

fn quoted<T: Display>(id: &T) -> String {
    format!("`{id}`")
}
