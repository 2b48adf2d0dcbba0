//! What a side is asked besides its clients' own calls, in their names: to confirm a difference, to see whether the side differs
//! from itself, and to read what a change did.
//!
//! Such a call has the credential of a client, and so it spends what that client may ask. Each principal has an account with each
//! side, to which its own calls bring a share of a call. What is begun is ended on credit, and paid off before anything is begun
//! again: in the long run there are no more such calls than the share says. And none is made while the side says that it has
//! little left for the principal, or has just refused it: then its client needs the rest.
//!
//! Law: whoever has no account is asked nothing for.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

use super::Side;
use crate::gateway::fetch::seconds;
use crate::limit::Principal;

/// How many accounts there may be.
const ACCOUNTS_MAX: usize = 1 << 16;

/// What a call costs, in the unit of accounts: a hundredth of a call.
const CALL: i32 = 100;

/// How many calls an account may save up: as many as one change takes at most, whose record lies on the last page of a list.
pub(in crate::gateway) const SAVED_MAX: u16 = 16;

/// How long a principal is left alone whose quota is not plentiful: longer than the minute that most quotas are for.
const QUIET: Duration = Duration::from_mins(10);

/// The longest wait that is honoured; and how long an account is kept that has nothing to say.
const DAY: Duration = Duration::from_hours(24);

/// Headers that say how many calls are left, each with that which says of how many.
const FAMILIES: [[&str; 2]; 3] = [
    ["ratelimit-remaining", "ratelimit-limit"],
    ["x-ratelimit-remaining", "x-ratelimit-limit"],
    ["x-rate-limit-remaining", "x-rate-limit-limit"],
];

/// The accounts of the principals of one dialect, and its generations.
#[derive(Debug, Default)]
pub(in crate::gateway) struct Budget {
    accounts: Mutex<HashMap<(Principal, Side), Account>>,
}

/// What is known of one principal at one side.
#[derive(Clone, Copy, Debug)]
struct Account {
    /// Below zero while something is to be paid off.
    credit: i32,
    /// The most that the side has told to be left, where it does not tell of how many.
    most: u64,
    quiet_until: Option<Instant>,
    used: Instant,
}

/// What an answer tells of what is left for its client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::gateway) struct Left {
    /// Whether some of a quota has been used up that its client may need.
    is_little: bool,
    /// How many calls, where it is not told of how many.
    calls: Option<u64>,
    /// How long to leave the side alone, if it had enough of its client.
    wait: Option<Duration>,
    /// Whether the side does not know whom it answered: whoever makes up credentials opens no accounts.
    is_of_a_stranger: bool,
}

impl Left {
    /// What an answer of that status and with these headers tells, in any of the forms that are in use.
    pub(in crate::gateway) fn told(status: StatusCode, headers: &HeaderMap) -> Left {
        let number = |name: &str| leading_number(headers.get(name)?.to_str().ok()?);
        let families = FAMILIES.into_iter();
        let families = families.filter_map(|[remaining, limit]| Some((number(remaining)?, number(limit))));
        let is_of_a_stranger = is_of_a_stranger(status);
        let mut left = Left { wait: wait(status, headers), is_of_a_stranger, ..Left::default() };
        for (calls, of) in families.chain(structured(headers)).chain(listed(headers)) {
            match of {
                Some(of) => left.is_little |= is_little(calls, of),
                None => left.calls = Some(left.calls.map_or(calls, |fewer| fewer.min(calls))),
            }
        }
        left
    }

    /// What a refusal of the canonical side tells, of whose quotas nothing else is known.
    pub(in crate::gateway) fn refused(status: StatusCode, retry_after: Option<Duration>) -> Left {
        let is_of_a_stranger = is_of_a_stranger(status);
        Left { wait: wait_for(status, retry_after), is_of_a_stranger, ..Left::default() }
    }

    /// Whether there is anything to be noted of whom nothing is known.
    fn opens(&self) -> bool {
        !self.is_of_a_stranger || self.wait.is_some()
    }
}

impl Budget {
    /// A principal's own call was answered so, which brings so many hundredths of another; whether that was noted. Whoever
    /// answers clients waits for nobody here, and makes no room.
    pub(in crate::gateway) fn note_at_once(&self, who: (Principal, Side), share: u16, left: Left) -> bool {
        let mut accounts = match self.accounts.try_lock() {
            Ok(accounts) => accounts,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        let now = Instant::now();
        if !accounts.contains_key(&who) {
            if !left.opens() {
                return true;
            }
            if accounts.len() >= ACCOUNTS_MAX {
                return false;
            }
        }
        accounts.entry(who).or_insert_with(|| Account::opened(now)).note(share, left, now);
        true
    }

    /// The same, by somebody whom no client waits for: where there is no room, it is made if it can be.
    pub(in crate::gateway) fn note(&self, who: (Principal, Side), share: u16, left: Left) {
        let (mut accounts, now) = (self.accounts(), Instant::now());
        if !accounts.contains_key(&who) && !left.opens() {
            return;
        }
        if !accounts.contains_key(&who) && accounts.len() >= ACCOUNTS_MAX {
            accounts.retain(|_, account| account.has_something_to_say(now));
            if accounts.len() >= ACCOUNTS_MAX {
                return;
            }
        }
        accounts.entry(who).or_insert_with(|| Account::opened(now)).note(share, left, now);
    }

    /// Takes a call from an account, if the side is not to be left alone; one that begins something only where a whole call has
    /// been saved up.
    pub(in crate::gateway) fn take(&self, who: (Principal, Side), begins: bool) -> bool {
        let (mut accounts, now) = (self.accounts(), Instant::now());
        let account = accounts.get_mut(&who).filter(|account| !account.is_quiet(now));
        let Some(account) = account.filter(|account| !begins || account.credit >= CALL) else { return false };
        account.credit = account.credit.saturating_sub(CALL);
        true
    }

    /// A panic while the lock was held cannot have left half of an account, so poison is ignored.
    fn accounts(&self) -> MutexGuard<'_, HashMap<(Principal, Side), Account>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Account {
    fn opened(now: Instant) -> Account {
        Account { credit: 0, most: 0, quiet_until: None, used: now }
    }

    fn note(&mut self, share: u16, left: Left, now: Instant) {
        self.used = now;
        self.credit = self.credit.saturating_add(share.into()).min(i32::from(SAVED_MAX) * CALL);
        let mut wait = left.wait;
        self.most = self.most.max(left.calls.unwrap_or(0));
        if left.is_little || left.calls.is_some_and(|calls| is_little(calls, self.most)) {
            wait = wait.max(Some(QUIET));
        }
        // Later answers may have come before this one is noted: the longest wait counts.
        let until = wait.and_then(|wait| now.checked_add(wait.min(DAY)));
        self.quiet_until = self.quiet_until.max(until);
    }

    fn is_quiet(&self, now: Instant) -> bool {
        self.quiet_until.is_some_and(|until| now < until)
    }

    fn has_something_to_say(&self, now: Instant) -> bool {
        self.is_quiet(now) || now.duration_since(self.used) < DAY && self.credit != 0
    }
}

/// Whether less than three quarters are left: a client that has used one may need the others.
fn is_little(calls: u64, of: u64) -> bool {
    calls.saturating_mul(4) < of.saturating_mul(3)
}

fn is_of_a_stranger(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

fn wait(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    // A date is one by the clock of whoever wrote it.
    let said = headers.get(RETRY_AFTER).map(|said| seconds(said).unwrap_or(QUIET));
    wait_for(status, said)
}

fn wait_for(status: StatusCode, retry_after: Option<Duration>) -> Option<Duration> {
    match status {
        StatusCode::TOO_MANY_REQUESTS => Some(retry_after.unwrap_or_default().max(QUIET)),
        StatusCode::SERVICE_UNAVAILABLE => retry_after,
        _ => None,
    }
}

/// What the structured header tells, for each policy that it names: `"name";r=5;t=1`, and `"name";q=60;w=60` of its policy.
fn structured(headers: &HeaderMap) -> impl Iterator<Item = (u64, Option<u64>)> {
    let items = |name: &str| {
        let lines = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
        let items = lines.flat_map(|line| line.split(','));
        items.map(|item| item.split(';').map(|part| part.trim().to_owned()).collect()).collect()
    };
    let number =
        |item: &[String], key: &str| item.iter().find_map(|part| leading_number(part.strip_prefix(key)?));
    let (standings, policies): (Vec<Vec<String>>, Vec<Vec<String>>) =
        (items("ratelimit"), items("ratelimit-policy"));
    standings.into_iter().filter_map(move |standing| {
        let policy = policies.iter().find(|policy| policy.first() == standing.first());
        Some((number(&standing, "r=")?, policy.and_then(|policy| number(policy, "q="))))
    })
}

/// What the header of earlier drafts tells: `limit=100, remaining=50, reset=5`.
fn listed(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let line = headers.get("ratelimit")?.to_str().ok()?;
    let number = |key: &str| line.split(',').find_map(|part| leading_number(part.trim().strip_prefix(key)?));
    Some((number("remaining=")?, number("limit=")))
}

/// The number that a text begins with, as in `100, 100;w=60`.
fn leading_number(text: &str) -> Option<u64> {
    let digits = text.trim_start();
    let end = digits.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use proptest::prelude::*;
    use tokio::time::advance;

    use super::*;

    fn who() -> (Principal, Side) {
        (Principal::of(b"ada"), Side::Legacy)
    }

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let line = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        lines.iter().map(line).collect()
    }

    fn told(status: u16, lines: &[(&'static str, &'static str)]) -> Left {
        Left::told(StatusCode::from_u16(status).unwrap(), &headers(lines))
    }

    proptest! {
        #[test]
        fn no_more_is_asked_than_the_share_of_own_calls(
            share in 0_u16..=100,
            calls in proptest::collection::vec((any::<bool>(), 0_u8..4), 0..200),
        ) {
            let (budget, mut own, mut besides) = (Budget::default(), 0_u64, 0_u64);
            for (is_own, wanted) in calls {
                if is_own {
                    budget.note(who(), share, Left::default());
                    own += 1;
                }
                // What was begun is ended, however little was saved up.
                if budget.take(who(), true) {
                    besides += 1;
                    besides += (0..wanted).filter(|_| budget.take(who(), false)).count() as u64;
                }
            }
            prop_assert!(besides * 100 <= own * u64::from(share) + 300, "{besides} besides {own}");
        }

        #[test]
        fn no_header_panics(text in "\\PC*") {
            for name in ["ratelimit", "ratelimit-policy", "x-ratelimit-remaining", "x-ratelimit-limit"] {
                if let Ok(value) = HeaderValue::from_str(&text) {
                    let _left = Left::told(StatusCode::OK, &HeaderMap::from_iter([(HeaderName::from_static(name), value)]));
                }
            }
        }
    }

    #[test]
    fn each_principal_pays_for_itself_at_each_side_and_who_is_unknown_for_nothing() {
        let budget = Budget::default();
        budget.note(who(), 100, Left::default());
        assert!(!budget.take((Principal::of(b"bob"), Side::Legacy), true));
        assert!(!budget.take((who().0, Side::Canonical), true));
        assert!(!budget.take((Principal::of(b"bob"), Side::Legacy), false), "nobody knows how it stands");
        assert!(budget.take(who(), true) && !budget.take(who(), true));
    }

    #[test]
    fn whoever_the_side_does_not_know_opens_no_account() {
        let budget = Budget::default();
        budget.note(who(), 100, Left::told(StatusCode::UNAUTHORIZED, &HeaderMap::new()));
        assert!(budget.note_at_once(who(), 100, Left::refused(StatusCode::UNAUTHORIZED, None)));
        assert!(!budget.take(who(), true));
        budget.note(who(), 100, Left::told(StatusCode::OK, &HeaderMap::new()));
        budget.note(who(), 100, Left::told(StatusCode::FORBIDDEN, &HeaderMap::new()));
        assert!(budget.take(who(), true) && budget.take(who(), true), "what is open is kept");
    }

    #[test]
    fn not_more_is_saved_up_than_one_change_takes() {
        let budget = Budget::default();
        for _ in 0..1000 {
            budget.note(who(), 100, Left::default());
        }
        assert_eq!((0..100).filter(|_| budget.take(who(), true)).count(), usize::from(SAVED_MAX));
    }

    #[tokio::test(start_paused = true)]
    async fn a_side_that_says_that_little_is_left_is_left_alone_for_a_while() {
        for little in [
            told(200, &[("ratelimit-limit", "60"), ("ratelimit-remaining", "44")]),
            told(200, &[("x-ratelimit-limit", "60"), ("x-ratelimit-remaining", "0")]),
            told(200, &[("ratelimit-limit", "60, 60;w=60"), ("ratelimit-remaining", "7")]),
            told(
                200,
                &[("ratelimit", "\"m\";r=40;t=1"), ("ratelimit-policy", "\"d\";q=9;w=9, \"m\";q=60;w=60")],
            ),
            told(200, &[("ratelimit", "limit=60, remaining=40, reset=7")]),
            // The scarcer of two counts.
            told(
                200,
                &[
                    ("ratelimit", "\"m\";r=60, \"d\";r=900"),
                    ("ratelimit-policy", "\"m\";q=60, \"d\";q=10000"),
                ],
            ),
            told(429, &[]),
            told(429, &[("retry-after", "1")]),
            told(429, &[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")]),
        ] {
            let budget = Budget::default();
            budget.note(who(), 1000, little);
            assert!(!budget.take(who(), true), "{little:?}");
            // That much is left a moment later says nothing of what the client does next.
            budget.note(who(), 1000, told(200, &[("ratelimit-limit", "60"), ("ratelimit-remaining", "60")]));
            assert!(!budget.take(who(), true) && !budget.take(who(), false), "{little:?}");
            advance(QUIET).await;
            assert!(budget.take(who(), true), "{little:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn how_long_it_wants_to_be_left_alone_is_heeded() {
        for status in [429, 503] {
            let budget = Budget::default();
            budget.note(who(), 1000, told(status, &[("retry-after", "3600")]));
            advance(Duration::from_secs(3599)).await;
            assert!(!budget.take(who(), true), "{status}");
            advance(Duration::from_secs(1)).await;
            assert!(budget.take(who(), true), "{status}");
        }
    }

    #[test]
    fn where_much_is_left_or_nothing_is_told_the_share_alone_counts() {
        for plenty in [
            told(200, &[]),
            told(200, &[("ratelimit-limit", "60"), ("ratelimit-remaining", "45")]),
            told(404, &[("x-ratelimit-limit", "5000"), ("x-ratelimit-remaining", "4999")]),
            told(200, &[("x-ratelimit-remaining", "12")]),
            told(200, &[("ratelimit-remaining", "none")]),
            told(503, &[]),
        ] {
            let budget = Budget::default();
            budget.note(who(), 100, plenty);
            assert!(budget.take(who(), true), "{plenty:?}");
        }
        // Of how many is not told: of as many as there were.
        let budget = Budget::default();
        budget.note(who(), 100, told(200, &[("x-ratelimit-remaining", "100")]));
        budget.note(who(), 100, told(200, &[("x-ratelimit-remaining", "50")]));
        assert!(!budget.take(who(), true));
    }

    #[tokio::test(start_paused = true)]
    async fn who_makes_up_credentials_makes_no_more_accounts_than_there_may_be() {
        let budget = Budget::default();
        let known = |number: usize| (Principal::of(&number.to_be_bytes()), Side::Legacy);
        for number in 0..ACCOUNTS_MAX + 10 {
            budget.note(known(number), 100, Left::default());
        }
        assert_eq!(budget.accounts().len(), ACCOUNTS_MAX);
        assert!(budget.take(known(0), true), "whoever was known is");
        assert!(!budget.take(known(ACCOUNTS_MAX + 9), true));
        assert!(!budget.note_at_once(known(ACCOUNTS_MAX + 9), 100, Left::default()));
        advance(DAY).await;
        budget.note(known(ACCOUNTS_MAX + 9), 100, Left::default());
        assert_eq!(budget.accounts().len(), 1, "the others have been silent for a day");
    }
}
