//! What of all that somebody uses is gone, or ends, as the mappings declare it.
//!
//! The canonical side refuses what is gone. Where requests are handed on nobody looks at their parts, unless it is asked for, so
//! that its users may notice nothing until they move.

use std::collections::{HashMap, HashSet};

use super::{Moving, Verdict};
use crate::cli::usage::ending::{Ending, Place};
use crate::usage::heavy::Use;
use crate::usage::{Kind, Part};

/// What retires, by the parts that are used with it.
pub(super) struct Retiring<'e> {
    by_part: HashMap<&'e Part, Vec<Declared<'e>>>,
}

/// What a declaration says of a part.
struct Declared<'e> {
    ending: &'e Ending,
    place: &'e Place,
    /// Whether whoever uses the part uses what retires, for certain.
    is_it: bool,
}

impl<'e> Retiring<'e> {
    /// Of those that can be used.
    pub(super) fn of(endings: &'e [Ending], parts: &'e HashSet<Part>) -> Retiring<'e> {
        let mut by_part: HashMap<&Part, Vec<Declared<'_>>> = HashMap::new();
        for (ending, place) in
            endings.iter().flat_map(|ending| ending.places.iter().map(move |at| (ending, at)))
        {
            let is_it = place.is_told_apart(parts);
            let asked = if is_it { place } else { &place.of_any_value() };
            for part in parts.iter().filter(|part| asked.is(part)) {
                by_part.entry(part).or_default().push(Declared { ending, place, is_it });
            }
        }
        Retiring { by_part }
    }

    /// Says of a part that a principal uses how it retires, if it does.
    pub(super) fn judge(&self, part: &Part, known: &Use<()>, verdict: &mut Verdict) {
        for Declared { ending, place, is_it } in self.by_part.get(part).into_iter().flatten() {
            let Some(since) = ending.gone_since() else {
                if ending.has_an_end() {
                    verdict.remarks.insert(format!("{place} retires: {}", ending.when()));
                }
                continue;
            };
            if *is_it {
                let why = format!("the {} is gone since {since}", part.kind.name());
                verdict.hinders(part, (Moving::Blocked, why), known, true);
            } else if part.kind == Kind::Field {
                let values = place.values.join(" or ");
                let why =
                    format!("{values} is gone since {since}, and nobody knows in which requests it was");
                verdict.hinders(part, (Moving::Unknown, why), known, false);
            }
        }
    }
}
