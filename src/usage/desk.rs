//! Where one worker counts: on the sheet that is open, beside which lies another, to be changed for it when it is full.
//!
//! A worker never waits here. A full sheet is taken in by somebody else, while the worker goes on with the empty one. If
//! that is full, too, before the first one is back, requests are not counted until it is; how many, the sheet says.

use std::sync::{Arc, Mutex};

use super::book::locked;
use super::client::Client;
use super::known::Known;
use super::sheet::{self, Sheet};
use crate::limit::Principal;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noted {
    /// It is counted.
    Counted,
    /// It is counted, and there is a full sheet to be taken in.
    Full,
    /// It is not counted: both sheets are full.
    Lost,
}

/// The two sheets.
#[derive(Debug)]
pub(super) struct Desk(Mutex<Sheets>);

#[derive(Debug)]
struct Sheets {
    open: Sheet,
    other: Other,
    /// Who is known, whoever is on a sheet among them.
    known: Arc<Known>,
    /// Whether its worker is gone.
    is_left: bool,
}

/// The sheet that nobody counts on.
#[derive(Debug)]
enum Other {
    Empty(Sheet),
    Full(Sheet),
    /// Somebody is taking it in.
    Away,
}

impl Desk {
    /// As many can be on its sheets.
    pub(super) const PRINCIPALS_MAX: usize = 2 * sheet::CLIENTS_MAX;

    pub(super) fn new(known: Arc<Known>) -> Desk {
        let (open, other) = (Sheet::new(), Other::Empty(Sheet::new()));
        Desk(Mutex::new(Sheets { open, other, known, is_left: false }))
    }

    /// Counts a request of that second. Whose it is, every worker knows from then on.
    pub(super) fn note(
        &self,
        whose: Principal,
        client: Client,
        parts: impl Iterator<Item = u32> + Clone,
        now: u64,
    ) -> Noted {
        let mut sheets = locked(&self.0);
        let Sheets { open, other, known, .. } = &mut *sheets;
        let mut noted = Noted::Counted;
        if !open.has_room(now, parts.clone().count()) {
            match std::mem::replace(other, Other::Away) {
                Other::Empty(empty) => {
                    *other = Other::Full(std::mem::replace(open, empty));
                    noted = Noted::Full;
                }
                busy @ (Other::Full(_) | Other::Away) => {
                    *other = busy;
                    open.lose(now);
                    return Noted::Lost;
                }
            }
        }
        if open.count(whose, client, parts, now) {
            known.add(&whose);
        }
        noted
    }

    /// Whether that principal is known.
    pub(super) fn knows(&self, principal: &Principal) -> bool {
        locked(&self.0).known.has(principal)
    }

    /// Adds to a set whoever is on a sheet that lies here.
    pub(super) fn add_all_to(&self, known: &Known) {
        let sheets = locked(&self.0);
        let full = match &sheets.other {
            Other::Full(full) => Some(full),
            Other::Empty(_) | Other::Away => None,
        };
        let on_sheets = std::iter::once(&sheets.open).chain(full).flat_map(Sheet::principals);
        on_sheets.for_each(|who| known.add(who));
    }

    /// Goes by that set from now on.
    pub(super) fn go_by(&self, known: &Arc<Known>) {
        locked(&self.0).known = Arc::clone(known);
    }

    /// The full sheet, if there is one. Whoever has it puts it back, empty.
    pub(super) fn lift_full(&self) -> Option<Sheet> {
        let mut sheets = locked(&self.0);
        match std::mem::replace(&mut sheets.other, Other::Away) {
            Other::Full(full) => Some(full),
            other => {
                sheets.other = other;
                None
            }
        }
    }

    /// The full sheet, or else the open one, if there is anything on it.
    pub(super) fn lift(&self) -> Option<Sheet> {
        let mut sheets = locked(&self.0);
        let Sheets { open, other, .. } = &mut *sheets;
        match std::mem::replace(other, Other::Away) {
            Other::Full(full) => Some(full),
            Other::Empty(empty) if !open.is_empty() => Some(std::mem::replace(open, empty)),
            untouched => {
                *other = untouched;
                None
            }
        }
    }

    /// Puts back a sheet that was taken in.
    pub(super) fn put_back(&self, empty: Sheet) {
        locked(&self.0).other = Other::Empty(empty);
    }

    /// Says that nobody counts here any more.
    pub(super) fn leave(&self) {
        locked(&self.0).is_left = true;
    }

    /// Whether that was said.
    pub(super) fn is_left(&self) -> bool {
        locked(&self.0).is_left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Notes that many requests, each of another principal; says how many were counted and lost, and how often a sheet was
    /// full.
    fn note(desk: &Desk, principals: std::ops::Range<u32>) -> [usize; 3] {
        let mut found = [0; 3];
        for principal in principals {
            let whose = Principal::of(&principal.to_be_bytes());
            match desk.note(whose, Client::UNKNOWN, [1, 2].into_iter(), 0) {
                Noted::Counted => found[0] += 1,
                Noted::Full => (found[0], found[2]) = (found[0] + 1, found[2] + 1),
                Noted::Lost => found[1] += 1,
            }
        }
        found
    }

    #[test]
    fn what_does_not_fit_on_two_sheets_is_lost_and_said_to_be() {
        let desk = Desk::new(Arc::new(Known::with_room(1000)));
        // Room for 256 programs on each.
        assert_eq!(note(&desk, 0..512), [512, 0, 1]);
        assert_eq!(note(&desk, 512..600), [0, 88, 0]);
        // While the first is away, nothing more is counted; then there is room again.
        let mut first = desk.lift_full().unwrap();
        assert_eq!((first.clients.len(), first.lost), (256, 0));
        assert_eq!(note(&desk, 600..602), [0, 2, 0]);
        assert!(desk.lift_full().is_none() && desk.lift().is_none());
        first.clear();
        desk.put_back(first);
        assert_eq!(note(&desk, 602..603), [1, 0, 1]);
        let second = desk.lift().unwrap();
        assert_eq!((second.clients.len(), second.lost), (256, 90));
    }
}
