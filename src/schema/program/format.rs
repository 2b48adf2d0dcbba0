//! The keyword `format`: what is plainly fine is taken at once, and all else is the library's to say.
//!
//! The rules here take less than the library does, never more, and refuse nothing.

use std::sync::Arc;

use super::ask::Ask;

/// A format, with what answers for it.
pub(super) struct Format {
    is_plain: fn(&[u8]) -> bool,
    ask: Arc<Ask>,
}

impl Format {
    pub(super) fn of(name: &str, ask: Arc<Ask>) -> Format {
        let is_plain = match name {
            "uuid" => is_uuid,
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

/// Hexadecimal digits in groups of 8, 4, 4, 4 and 12, eight of them looked at together.
fn is_uuid(text: &[u8]) -> bool {
    let Ok(text) = <&[u8; 36]>::try_from(text) else { return false };
    let word = |first: usize, second: usize| {
        let mut word = [0; 8];
        word[..4].copy_from_slice(&text[first..first + 4]);
        word[4..].copy_from_slice(&text[second..second + 4]);
        u64::from_le_bytes(word)
    };
    let hyphens = [text[8], text[13], text[18], text[23]] == *b"----";
    hyphens && are_hexadecimal([word(0, 4), word(9, 14), word(19, 24), word(28, 32)])
}

/// Whether all bytes of all words are hexadecimal digits.
fn are_hexadecimal<const N: usize>(words: [u64; N]) -> bool {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const TOP: u64 = EACH * 0x80;
    // Sets the top bit of each byte that is `from` or more; right for bytes below 0x80.
    let reach = |word: u64, from: u8| word + EACH * u64::from(0x80 - from);
    if words.iter().fold(0, |any, word| any | word) & TOP != 0 {
        return false;
    }
    let digits_of = |word: &u64| {
        let small = word | (EACH * 0x20);
        let digits = reach(*word, b'0') & !reach(*word, b'9' + 1);
        let letters = reach(small, b'a') & !reach(small, b'f' + 1);
        digits | letters
    };
    words.iter().map(digits_of).fold(TOP, |all, digits| all & digits) == TOP
}

/// `2026-11-21T15:01:26Z`, with a fraction or without; neither a leap day nor a leap second.
fn is_date_time(text: &[u8]) -> bool {
    let Some((moment, rest)) = text.split_first_chunk::<19>() else { return false };
    let pair = |at: usize| {
        let (tens, ones) = (moment[at].wrapping_sub(b'0'), moment[at + 1].wrapping_sub(b'0'));
        if tens < 10 && ones < 10 { tens * 10 + ones } else { u8::MAX }
    };
    let marks = [moment[4], moment[7], moment[10], moment[13], moment[16]] == *b"--T::";
    let days = match pair(5) {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28,
        _ => 0,
    };
    let date = pair(0) < 100 && pair(2) < 100 && (1..=days).contains(&pair(8));
    let time = pair(11) < 24 && pair(14) < 60 && pair(17) < 60;
    let fraction = match rest {
        b"Z" => true,
        [b'.', digits @ .., b'Z'] => !digits.is_empty() && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    marks && date && time && fraction
}

/// Words of letters, digits, `_`, `+` and `-` with single dots between them, then a host with a dot in it.
fn is_email(text: &[u8]) -> bool {
    let Some(at) = text.iter().position(|byte| *byte == b'@') else { return false };
    // A word begins after a dot.
    let mut previous = b'.';
    for byte in &text[..at] {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'+' | b'-' => {}
            b'.' if previous != b'.' => {}
            _ => return false,
        }
        previous = *byte;
    }
    at <= 64 && previous != b'.' && labels(&text[at + 1..]).is_some_and(|labels| labels > 1)
}

fn is_host(text: &[u8]) -> bool {
    labels(text).is_some()
}

/// How many labels a host has, of letters and digits with single hyphens inside: two of them may mean another script.
fn labels(text: &[u8]) -> Option<usize> {
    // A label begins after a dot, and its length counts from there.
    let (mut previous, mut length, mut labels) = (b'.', 0, 1);
    for byte in text {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => length += 1,
            b'-' if previous != b'-' && previous != b'.' => length += 1,
            b'.' if previous != b'-' && previous != b'.' => (length, labels) = (0, labels + 1),
            _ => return None,
        }
        if length > 63 {
            return None;
        }
        previous = *byte;
    }
    (text.len() <= 253 && previous != b'-' && previous != b'.').then_some(labels)
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

        #[test]
        fn eight_bytes_are_hexadecimal_if_each_of_them_is(bytes in prop::array::uniform8(prop_oneof![
            4 => prop::sample::select(b"0123456789abcdefABCDEF".to_vec()), 1 => any::<u8>(),
        ])) {
            let all = bytes.iter().all(u8::is_ascii_hexdigit);
            prop_assert_eq!(are_hexadecimal([u64::from_le_bytes(bytes)]), all);
        }
    }
}
