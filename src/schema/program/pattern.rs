//! The keyword `pattern`: simple ones run over bytes, all others are the library's.

use std::sync::Arc;

use super::ask::Ask;

/// A regular expression.
pub(super) enum Pattern {
    Simple(Simple),
    Ask(Arc<Ask>),
}

/// `^`, then runs of characters out of a set, then `$`, such as `^per_[0-9a-f-]{36}$`.
///
/// Only ASCII is in the sets, so a byte is a character, and only the last run may have several lengths, so there is
/// one way to read a text. Nothing a simple pattern is written with means anything else in ECMA's expressions.
pub(super) struct Simple(Box<[Run]>);

struct Run {
    set: Box<[bool; 256]>,
    least: usize,
    most: usize,
}

impl Pattern {
    /// Reads a pattern; `ask` is what answers if it is not simple.
    pub(super) fn of(pattern: &str, ask: impl FnOnce() -> Arc<Ask>) -> Pattern {
        simple(pattern).map_or_else(|| Pattern::Ask(ask()), Pattern::Simple)
    }

    /// Whether a text matches; `asked` puts what is not simple to the library.
    pub(super) fn accepts(&self, text: &[u8], asked: impl FnOnce(&Ask) -> bool) -> bool {
        match self {
            Pattern::Simple(simple) => simple.accepts(text),
            Pattern::Ask(ask) => asked(ask),
        }
    }
}

impl Simple {
    fn accepts(&self, mut bytes: &[u8]) -> bool {
        for run in &self.0 {
            let longest = bytes.len().min(run.most);
            let length = bytes[..longest].iter().take_while(|byte| run.set[usize::from(**byte)]).count();
            if length < run.least {
                return false;
            }
            bytes = &bytes[length..];
        }
        bytes.is_empty()
    }
}

fn simple(pattern: &str) -> Option<Simple> {
    let mut rest = pattern.strip_prefix('^')?.strip_suffix('$')?;
    let mut runs: Vec<Run> = Vec::new();
    while !rest.is_empty() {
        if runs.last().is_some_and(|run| run.least != run.most) {
            return None;
        }
        let (set, after) = set(rest)?;
        let (least, most, after) = times(after)?;
        runs.push(Run { set, least, most });
        rest = after;
    }
    Some(Simple(runs.into()))
}

/// Reads one letter or a class of them.
fn set(rest: &str) -> Option<(Box<[bool; 256]>, &str)> {
    let mut set = Box::new([false; 256]);
    let Some(class) = rest.strip_prefix('[') else {
        let letter = *rest.as_bytes().first()?;
        set[usize::from(letter)] = true;
        return is_literal(letter).then(|| (set, &rest[1..]));
    };
    let (class, after) = class.split_once(']')?;
    // A hyphen means itself where no range can be.
    let (class, has_hyphen) = class.strip_suffix('-').map_or((class, false), |class| (class, true));
    set[usize::from(b'-')] = has_hyphen;
    let mut bytes = class.as_bytes();
    if bytes.is_empty() {
        return None;
    }
    while let Some((&first, after)) = bytes.split_first() {
        let (last, after) = match after {
            [b'-', last, after @ ..] => (*last, after),
            _ => (first, after),
        };
        let is_range = first <= last && is_in_class(first) && is_in_class(last);
        if !is_range {
            return None;
        }
        set[usize::from(first)..=usize::from(last)].fill(true);
        bytes = after;
    }
    Some((set, after))
}

fn is_literal(letter: u8) -> bool {
    is_in_class(letter) || b"-/:@ ".contains(&letter)
}

fn is_in_class(letter: u8) -> bool {
    letter.is_ascii_alphanumeric() || letter == b'_'
}

/// Reads how often the set occurs.
fn times(rest: &str) -> Option<(usize, usize, &str)> {
    match rest.as_bytes().first() {
        Some(b'+') => unrepeated(1, usize::MAX, &rest[1..]),
        Some(b'*') => unrepeated(0, usize::MAX, &rest[1..]),
        Some(b'?') => unrepeated(0, 1, &rest[1..]),
        Some(b'{') => {
            let (bounds, after) = rest[1..].split_once('}')?;
            let number = |digits: &str| {
                let is_plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
                if is_plain { digits.parse().ok() } else { None }
            };
            let (least, most) = match bounds.split_once(',') {
                None => (number(bounds)?, number(bounds)?),
                Some((least, "")) => (number(least)?, usize::MAX),
                Some((least, most)) => (number(least)?, number(most)?),
            };
            if least > most { None } else { unrepeated(least, most, after) }
        }
        _ => Some((1, 1, rest)),
    }
}

/// A second sign after the first one would make it lazy, or repeat what is repeated.
fn unrepeated(least: usize, most: usize, after: &str) -> Option<(usize, usize, &str)> {
    (!after.starts_with(['+', '*', '?', '{'])).then_some((least, most, after))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::super::checks;
    use super::*;
    use crate::schema::tape::Place;

    #[test]
    fn the_patterns_people_write_for_ids_are_simple() {
        for pattern in
            ["^[a-z0-9-]{1,128}$", "^[A-Z]{2}$", "^per_[0-9a-f-]{36}$", "^[A-Za-z0-9_-]+$", "^a?$", "^$"]
        {
            assert!(simple(pattern).is_some(), "{pattern}");
        }
        for pattern in [
            "a",
            "^a",
            "a$",
            "^a+b$",
            "^(a|b)$",
            r"^\S$",
            "^.$",
            "^[^a]$",
            "^[a-]-[b]+?$",
            "^[]a]$",
            "^[a-é]$",
            "^é$",
            "^a{,2}$",
            "^a{2,1}$",
            "^[a&&b]$",
            "^[--a]$",
            "^[-a]$",
            "^[z-a]$",
            "^[a$",
            "^a|b$",
            "^^$",
            "^$$",
            "^a++$",
            "^a{1}{2}$",
        ] {
            assert!(simple(pattern).is_none(), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn a_simple_pattern_takes_what_the_library_takes(
            parts in prop::collection::vec((
                prop::sample::select(vec!["a", "b", "_", "-", "[ab]", "[a-c]", "[a-]", "[b_-]", "[A-Za-z0-9_-]", "[0-9a-f-]"]),
                prop::sample::select(vec!["", "", "?", "+", "*", "{2}", "{1,3}", "{2,}", "{0}"]),
            ), 0..4),
            texts in prop::collection::vec("[abcz_é\n-]{0,6}", 1..12),
        ) {
            let parts: Vec<String> = parts.into_iter().map(|(set, times)| [set, times].concat()).collect();
            let pattern = format!("^{}$", parts.concat());
            let Some(simple) = simple(&pattern) else { return Ok(()) };
            let theirs = checks::compile(&json!({ "pattern": pattern })).unwrap();
            for text in texts {
                prop_assert_eq!(simple.accepts(text.as_bytes()), theirs.is_valid(Place::Name(&text)), "{} {:?}", pattern, text);
            }
        }
    }
}
