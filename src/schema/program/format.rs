//! The keyword `format`: what is plainly fine is taken at once, and all else is the library's to say.
//!
//! The rules here take less than the library does, never more, and refuse nothing.

use std::sync::Arc;

use super::ask::Ask;
use crate::canonical::id::is_hyphenated;

/// A format, with what answers for it.
pub(super) struct Format {
    is_plain: fn(&[u8]) -> bool,
    ask: Arc<Ask>,
}

impl Format {
    pub(super) fn of(name: &str, ask: Arc<Ask>) -> Format {
        let is_plain = match name {
            "uuid" => is_hyphenated,
            "date-time" => is_date_time,
            "email" => is_email,
            "hostname" => is_host,
            "uri" => is_http_uri,
            "uri-reference" => is_path_or_http_uri,
            _ => |_: &[u8]| false,
        };
        Format { is_plain, ask }
    }

    /// Whether a text has the format; `asked` puts what is not plainly fine to the library.
    pub(super) fn accepts(&self, text: &[u8], asked: impl FnOnce(&Ask) -> bool) -> bool {
        (self.is_plain)(text) || asked(&self.ask)
    }
}

/// `2026-11-21T15:01:26Z`, with a fraction or without; neither a leap day nor a leap second.
fn is_date_time(text: &[u8]) -> bool {
    let Some((moment, rest)) = text.split_first_chunk::<19>() else { return false };
    let digits = (
        digits_of(word(moment, 0), *b"0000-00-"),
        digits_of(word(moment, 8), *b"00T00:00"),
        // The last eight bytes, of which the seconds are new.
        digits_of(word(moment, 11), *b"00:00:00"),
    );
    let (Some(month), Some(day), Some(time)) = digits else { return false };
    let days = match pair(month, 5) {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28,
        _ => 0,
    };
    let fraction = match rest {
        b"Z" => true,
        [b'.', digits @ .., b'Z'] => !digits.is_empty() && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    (1..=days).contains(&pair(day, 0))
        && pair(time, 0) < 24
        && pair(time, 3) < 60
        && pair(time, 6) < 60
        && fraction
}

/// Eight bytes of a moment.
fn word(moment: &[u8; 19], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&moment[at..at + 8]);
    u64::from_le_bytes(word)
}

/// The digits of a word, each in its byte, if the word has digits where `form` has a zero, and the bytes of the form elsewhere.
#[inline]
fn digits_of(word: u64, form: [u8; 8]) -> Option<u64> {
    let of_zeros = |byte: u8| u64::from_le_bytes(form.map(|own| if own == b'0' { byte } else { 0 }));
    let digits = word ^ u64::from_le_bytes(form);
    // Above nine, six more lead beyond the lower half of a byte. Where no digit is due there is nothing.
    let beyond = (digits | digits.wrapping_add(of_zeros(6))) & !of_zeros(0x0f);
    (beyond == 0).then_some(digits)
}

/// The number that two digits of a word are.
fn pair(digits: u64, at: usize) -> u64 {
    let digit = |at: usize| digits >> (8 * at) & 0x0f;
    digit(at) * 10 + digit(at + 1)
}

/// What a byte is in an address or a host.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// A letter or a digit.
    Word,
    Hyphen,
    Dot,
    At,
    /// What stands between letters in front of an `@`.
    Mark,
    Other,
}

/// The class of each byte: to look it up takes less than to compare the byte with one range after another.
static CLASSES: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    let mut byte = 0;
    while byte < 128 {
        classes[byte as usize] = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => Class::Word,
            b'-' => Class::Hyphen,
            b'.' => Class::Dot,
            b'@' => Class::At,
            b'_' | b'+' => Class::Mark,
            _ => Class::Other,
        };
        byte += 1;
    }
    classes
};

fn class(byte: u8) -> Class {
    CLASSES[usize::from(byte)]
}

/// Words of letters, digits, `_`, `+` and `-` with single dots between them, then a host with a dot in it.
fn is_email(text: &[u8]) -> bool {
    // A word begins after a dot.
    let mut previous = Class::Dot;
    for (at, byte) in text.iter().enumerate() {
        let class = class(*byte);
        if class == Class::At {
            let is_word = at <= 64 && previous != Class::Dot;
            return is_word && labels(&text[at + 1..]).is_some_and(|labels| labels > 1);
        }
        if class == Class::Other || class == Class::Dot && previous == Class::Dot {
            return false;
        }
        previous = class;
    }
    false
}

fn is_host(text: &[u8]) -> bool {
    labels(text).is_some()
}

/// How many labels a host has, of letters and digits with single hyphens inside: two of them may mean another script.
fn labels(text: &[u8]) -> Option<usize> {
    // A label begins after a dot.
    let (mut previous, mut begin, mut labels) = (Class::Dot, 0, 1);
    for (at, byte) in text.iter().enumerate() {
        let class = class(*byte);
        let follows_word = previous == Class::Word;
        if class == Class::Dot && follows_word && at - begin <= 63 {
            (begin, labels) = (at + 1, labels + 1);
        } else if class != Class::Word && !(class == Class::Hyphen && follows_word) {
            return None;
        }
        previous = class;
    }
    let is_bounded = text.len() <= 253 && text.len() - begin <= 63;
    (is_bounded && previous == Class::Word).then_some(labels)
}

/// `http` or `https`, a host, and a path of what needs no encoding, perhaps with a query of it.
fn is_http_uri(text: &[u8]) -> bool {
    let Some(rest) = text.strip_prefix(b"https://").or_else(|| text.strip_prefix(b"http://")) else {
        return false;
    };
    let host = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    is_host(&rest[..host]) && is_path(&rest[host..])
}

fn is_path_or_http_uri(text: &[u8]) -> bool {
    let is_local = matches!(text, [b'/'] | [b'/', b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z', ..]);
    if is_local { is_path(text) } else { is_http_uri(text) }
}

fn is_path(text: &[u8]) -> bool {
    text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"/?-._~=&".contains(byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::super::checks;
    use super::*;
    use crate::schema::tape::Place;

    fn format(name: &str) -> Format {
        Format::of(name, Arc::new(Ask::of(json!({ "format": name }))))
    }

    fn accepts(format: &Format, text: &str) -> bool {
        format.accepts(text.as_bytes(), |ask| ask.accepts_text(text))
    }

    /// Texts that are fine, for each format that has a rule.
    const FINE: &[(&str, &[&str])] = &[
        ("uuid", &["3c90c3cc-0d44-4b50-8888-8dd25736052a", "3C90C3CC-0D44-4B50-8888-8DD25736052A"]),
        ("date-time", &["2026-11-21T15:01:26Z", "2026-12-31T23:59:59.123456Z"]),
        ("email", &["frida@example.com", "a.b+c_d-e@x-y.example.co"]),
        ("hostname", &["example.com", "a-b.c1", "localhost"]),
        ("uri", &["https://example.com", "http://a.example/b/c_d~e.png?f=g&h=1", "https://example.com?q"]),
        ("uri-reference", &["/", "/a/b?c=d", "https://example.com/a"]),
    ];

    #[test]
    fn what_is_common_is_taken_without_asking() {
        for (name, texts) in FINE {
            for text in *texts {
                assert!((format(name).is_plain)(text.as_bytes()), "{name}: {text}");
            }
        }
    }

    #[test]
    fn what_has_no_plain_form_is_asked_about() {
        for (name, text) in [
            ("date-time", "2028-02-29T00:00:00Z"),
            ("date-time", "2026-11-21t15:01:26+01:00"),
            ("email", "\"a b\"@example.com"),
            ("uri", "urn:x:y"),
            ("uri-reference", "//host/path"),
            ("json-pointer", "/a~1b"),
        ] {
            let format = format(name);
            assert!(!(format.is_plain)(text.as_bytes()) && accepts(&format, text), "{name}: {text}");
        }
        for (name, text) in
            [("date-time", "2026-02-29T00:00:00Z"), ("email", "a@b"), ("hostname", "xn--a"), ("uri", "/a")]
        {
            assert!(!accepts(&format(name), text), "{name}: {text}");
        }
    }

    #[test]
    fn a_rule_ends_at_the_lengths_where_the_library_does() {
        let mut plain = [0, 0];
        let mut compare = |name: &str, text: &str| {
            let format = format(name);
            let (own, theirs) = ((format.is_plain)(text.as_bytes()), format.ask.accepts_text(text));
            assert!(theirs || !own, "{name}: {text}");
            plain[usize::from(own)] += 1;
        };
        for length in 50..70 {
            let (label, labels) = ("a".repeat(length), "a.".repeat(length + 60));
            for host in
                [format!("{label}.co"), format!("b.{label}"), format!("{labels}aaa"), format!("{labels}aaaa")]
            {
                compare("hostname", &host);
                compare("email", &format!("a@{host}"));
                compare("uri", &format!("https://{host}/"));
            }
            compare("email", &format!("{label}@example.com"));
        }
        assert!(plain[0] > 50 && plain[1] > 50, "both sides of each limit were tried: {plain:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// Texts that are fine, with a few bytes put elsewhere: most mistakes are near what is right.
        #[test]
        fn a_rule_takes_nothing_that_the_library_refuses(
            (place, text) in (0..FINE.len()).prop_flat_map(|place| (Just(place), prop::sample::select(FINE[place].1))),
            changes in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..3, prop::sample::select(vec![
                "-", "--", ".", "..", "@", "0", "3", "9", "a", "g", "G", "_", ":", "/", "//", "?", "#", "%", "%41", " ", "+", "T", "Z", "é",
                "xn--", "60", "29", "31", "\u{7f}", "[", "~", "`",
            ])), 0..3),
        ) {
            let mut text: Vec<char> = text.chars().collect();
            for (at, change, piece) in changes {
                let at = at.index(text.len() + 1);
                let end = (at + usize::from(change)).min(text.len());
                text.splice(at..end, piece.chars());
            }
            let text: String = text.into_iter().collect();
            let name = FINE[place].0;
            let format = format(name);
            let theirs = checks::compile(&json!({ "format": name })).unwrap().is_valid(Place::Name(&text));
            prop_assert!(theirs || !(format.is_plain)(text.as_bytes()), "{}: {:?}", name, text);
            prop_assert_eq!(accepts(&format, &text), theirs);
        }
    }
}
