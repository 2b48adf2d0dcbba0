//! Texts that match a regular expression, made from its parts.

use regex_syntax::hir::{Class, ClassUnicodeRange, Hir, HirKind};

use super::random::Random;

/// Which of the texts that match is wanted.
pub(super) enum Wanted<'r> {
    /// As short as can be.
    Shortest,
    /// As long as can be, but of about so many characters at most.
    Longest(usize),
    /// Any.
    Some(&'r mut Random),
}

/// A pattern whose parts are known.
#[derive(Clone, Debug)]
pub struct Pattern(Hir);

impl Pattern {
    /// Reads a pattern; none if it cannot be read.
    pub fn read(pattern: &str) -> Option<Pattern> {
        regex_syntax::parse(pattern).ok().map(Pattern)
    }

    /// Some text that matches, if there is one. Whoever asks for more than one way of matching at once (anchors in the
    /// middle, borders of words) has to look whether it does.
    pub fn any(&self, random: &mut Random) -> Option<String> {
        self.text(&mut Wanted::Some(random))
    }

    pub(super) fn text(&self, wanted: &mut Wanted<'_>) -> Option<String> {
        let mut text = String::new();
        write(&self.0, wanted, &mut text, &mut 0)?;
        Some(text)
    }
}

/// Adds what matches to a text, and its characters to `length`: to count them anew each time would take the square of it.
fn write(hir: &Hir, wanted: &mut Wanted<'_>, text: &mut String, length: &mut usize) -> Option<()> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => {
            let literal = std::str::from_utf8(&literal.0).ok()?;
            text.push_str(literal);
            *length += literal.chars().count();
        }
        HirKind::Class(class) => {
            text.push(character(class, wanted)?);
            *length += 1;
        }
        HirKind::Capture(capture) => write(&capture.sub, wanted, text, length)?,
        HirKind::Concat(parts) => parts.iter().try_for_each(|part| write(part, wanted, text, length))?,
        HirKind::Repetition(repetition) => {
            let min = repetition.min as usize;
            let max = repetition.max.map_or(usize::MAX, |max| max as usize);
            let times = match wanted {
                Wanted::Shortest => min,
                Wanted::Longest(_) => max,
                Wanted::Some(random) => min + random.below(max.saturating_sub(min).min(12) + 1),
            };
            for time in 0..times {
                if matches!(wanted, Wanted::Longest(most) if time >= min && *length >= *most) {
                    break;
                }
                let before = text.len();
                write(&repetition.sub, wanted, text, length)?;
                // What was nothing once is nothing each time, unless it is drawn.
                if text.len() == before && !matches!(wanted, Wanted::Some(_)) {
                    break;
                }
            }
        }
        HirKind::Alternation(branches) => {
            let branch = match wanted {
                Wanted::Shortest => branches.first(),
                Wanted::Longest(_) => branches
                    .iter()
                    .max_by_key(|branch| branch.properties().maximum_len().unwrap_or(usize::MAX)),
                Wanted::Some(random) => random.pick(branches),
            };
            write(branch?, wanted, text, length)?;
        }
    }
    Some(())
}

/// A character of a class; one that can be read where there is one.
fn character(class: &Class, wanted: &mut Wanted<'_>) -> Option<char> {
    let holds = |c: &char| match class {
        Class::Unicode(class) => class.ranges().iter().any(|range| (range.start()..=range.end()).contains(c)),
        Class::Bytes(class) => {
            let byte = u8::try_from(*c).ok();
            byte.is_some_and(|c| {
                class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&c))
            })
        }
    };
    let mut plain = ('0'..='9').chain('a'..='z').chain('A'..='Z').filter(holds);
    let found = match wanted {
        Wanted::Shortest => plain.next(),
        Wanted::Longest(_) => plain.next_back(),
        Wanted::Some(random) => random.pick(&plain.collect::<Vec<_>>()).copied(),
    };
    found.or_else(|| match class {
        Class::Unicode(class) => class.ranges().first().map(ClassUnicodeRange::start),
        Class::Bytes(class) => class.ranges().first().map(|range| char::from(range.start().min(0x7f))),
    })
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    fn text(pattern: &str, wanted: &mut Wanted<'_>) -> Option<String> {
        Pattern::read(pattern)?.text(wanted)
    }

    /// The patterns the shipped schemas and mappings use, and what others do.
    const PATTERNS: [&str; 12] = [
        "^[a-z0-9-]{1,128}$",
        "^[A-Z]{2}$",
        "^[a-z]+(_[a-z]+)*$",
        "^[23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz]{22}$",
        "^(csb|csu|cpk)_[0-9A-Za-z]{32}_[0-9a-f]{8}$",
        "^([2-9A-HJ-NP-Za-km-z]{22}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})$",
        r"^\d{3}\s\w+$",
        "^https?://[^/ ]+/$",
        "a.c",
        "^(?i:abc)+$",
        "^[^a-zA-Z0-9]$",
        "",
    ];

    #[test]
    fn every_text_matches_its_pattern() {
        for pattern in PATTERNS {
            let regex = Regex::new(pattern).unwrap();
            let mut random = Random::new(1);
            let mut found = vec![
                text(pattern, &mut Wanted::Shortest).unwrap(),
                text(pattern, &mut Wanted::Longest(300)).unwrap(),
            ];
            found.extend((0..50).map(|_| text(pattern, &mut Wanted::Some(&mut random)).unwrap()));
            for text in found {
                assert!(regex.is_match(&text), "{pattern}: {text:?}");
            }
        }
    }

    #[test]
    fn the_shortest_and_the_longest_are_what_they_are_called() {
        let lengths = |pattern: &str| {
            let length = |mut wanted: Wanted<'_>| text(pattern, &mut wanted).unwrap().chars().count();
            (length(Wanted::Shortest), length(Wanted::Longest(300)))
        };
        assert_eq!(lengths("^[a-z0-9-]{1,128}$"), (1, 128));
        assert_eq!(lengths("^[a-z]*$"), (0, 300));
        assert_eq!(lengths("^(a|bcd)$"), (1, 3));
    }

    #[test]
    fn what_is_no_pattern_has_no_text() {
        assert_eq!(text("(", &mut Wanted::Shortest), None);
        assert_eq!(text("[^\\x{0}-\\x{10FFFF}]", &mut Wanted::Shortest), None, "nothing matches");
    }
}
