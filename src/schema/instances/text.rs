//! Texts of a schema: of the least and the greatest length, of its format, of its pattern.

use super::budget::TEXT_MAX;
use super::compile::at_least_zero;
use super::pattern::{Pattern, Wanted};
use super::random::Random;
use crate::schema::library::Node;

/// The length of a text that nothing bounds, where nobody says what would be long: more than the bounds people write.
pub(super) const UNBOUNDED: usize = 2_100;

/// What schemas that hold together say about a text.
#[derive(Clone, Debug)]
pub(super) struct Texts {
    min: usize,
    max: Option<usize>,
    format: Option<String>,
    /// The pattern as it is written, and as it was read, if it could be.
    pattern: Option<(String, Option<Pattern>)>,
    /// How long a text is made that nothing bounds.
    long: usize,
}

impl Texts {
    pub(super) fn of(nodes: &[Node<'_>], long: usize) -> Texts {
        let counts = |keyword: &'static str| {
            nodes.iter().filter_map(move |node| at_least_zero(node.keyword(keyword)?))
        };
        let text =
            |keyword: &str| nodes.iter().find_map(|node| Some(node.keyword(keyword)?.as_str()?.into_owned()));
        Texts {
            min: counts("minLength").max().unwrap_or(0),
            max: counts("maxLength").min(),
            format: text("format"),
            pattern: text("pattern").map(|text| {
                let read = Pattern::read(&text);
                (text, read)
            }),
            long,
        }
    }

    /// How long each is at least.
    pub(super) fn least(&self) -> usize {
        self.min
    }

    /// How long one is made at most. A bound that is too great to be met is none.
    fn most(&self) -> usize {
        let bound = self.max.filter(|max| *max <= TEXT_MAX);
        bound.unwrap_or(self.long.max(self.min).max(16))
    }

    /// One of each sort: the shortest first, the longest last.
    pub(super) fn samples(&self) -> Vec<String> {
        let most = self.most();
        let mut samples = match (&self.pattern, &self.format) {
            (Some((text, pattern)), _) => {
                let mut random = Random::of(0, text);
                let wanted = [Wanted::Shortest, Wanted::Some(&mut random), Wanted::Longest(most)];
                wanted.into_iter().filter_map(|mut wanted| pattern.as_ref()?.text(&mut wanted)).collect()
            }
            (None, Some(format)) => formatted(format, most),
            (None, None) => {
                let typical = "Zoë \"Q\" O'Neil".chars().take(self.max.unwrap_or(usize::MAX)).collect();
                vec![letters(self.min), typical, letters(most)]
            }
        };
        samples.retain(|text| self.bears(text));
        samples.dedup();
        samples
    }

    /// Any text.
    pub(super) fn any(&self, random: &mut Random) -> Option<String> {
        let most = self.most();
        let text = match (&self.pattern, &self.format) {
            (Some((_, pattern)), _) => pattern.as_ref()?.any(random)?,
            (None, Some(format)) if format == "uuid" => uuid(random.bits()),
            (None, Some(format)) => random.pick(&formatted(format, most.min(UNBOUNDED)))?.clone(),
            (None, None) => {
                let span = most.saturating_sub(self.min).min(12);
                let length = self.min + random.below(span + 1);
                let character = |_| random.pick(&ALPHABET).copied().unwrap_or('a');
                (0..length).map(character).collect()
            }
        };
        self.bears(&text).then_some(text)
    }

    fn bears(&self, text: &str) -> bool {
        let length = text.chars().count();
        length >= self.min && self.max.is_none_or(|max| length <= max)
    }
}

/// What texts nobody restricts are made of: more than one byte, more than one unit of UTF-16, and what JSON escapes.
const ALPHABET: [char; 16] =
    ['a', 'b', 'c', 'x', 'Y', 'Z', '0', '9', ' ', '-', '_', '.', 'é', '"', '\\', '😀'];

fn letters(length: usize) -> String {
    ('a'..='z').cycle().take(length).collect()
}

/// The text of a UUID with these bits, as one of version 4.
pub fn uuid(bits: u128) -> String {
    uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid().to_string()
}

/// How long an address may be (RFC 5321, section 4.5.3.1.3, without the brackets).
const EMAIL_MAX: usize = 254;

/// How long the name of a host may be (RFC 1035, section 2.3.4, as text).
const HOSTNAME_MAX: usize = 253;

/// An address of that length.
fn address(length: usize) -> String {
    let local = letters((length.saturating_sub(10) / 2).clamp(1, 60));
    let rest = length.saturating_sub(local.len() + 1);
    format!("{local}@{}", domain(rest))
}

/// The name of a host, of that length. A label has at most 63 letters.
fn domain(length: usize) -> String {
    let room = length.saturating_sub(".example".len()).max(1);
    let labels: String = letters(room)
        .char_indices()
        .map(|(index, letter)| if index % 61 == 60 && index + 1 < room { '.' } else { letter })
        .collect();
    format!("{labels}.example")
}

/// Texts of a format, one as long as it may be.
fn formatted(format: &str, most: usize) -> Vec<String> {
    let fixed: &[&str] = match format {
        "date" => &["2026-01-31", "2024-02-29"],
        "date-time" => &["2026-01-31T08:00:00Z", "2026-01-31T08:00:00.123456Z", "2026-01-31T08:00:00+05:30"],
        "duration" => &["P1D", "PT36H30M"],
        "hostname" => &["a.example", "xn--bcher-kva.example"],
        "email" => &["a@b.example", "first.last+tag@sub.example.com"],
        "ipv4" => &["192.0.2.1"],
        "ipv6" => &["2001:db8::1", "::"],
        "iri" => &["https://a.example/é"],
        "iri-reference" => &["", "/é"],
        "json-pointer" => &["", "/a/0/b~1c"],
        "regex" => &["^a+$"],
        "relative-json-pointer" => &["0", "1/a"],
        "time" => &["08:00:00Z", "08:00:00.5+05:30"],
        "uri" => &["https://a.example/", "urn:example:a:1"],
        "uri-reference" => &["", "/a?b=c#d"],
        "uri-template" => &["/things/{id}"],
        "uuid" => &["10000000-0000-4000-8000-000000000001", "01a1fea0-638d-7f44-aac2-bcc9d4889f44"],
        _ => &[],
    };
    let longest = match format {
        "email" => Some(address(most.min(EMAIL_MAX))),
        "hostname" => Some(domain(most.min(HOSTNAME_MAX))),
        "uri" | "uri-reference" => {
            let before = "https://a.example/";
            Some(format!("{before}{}", letters(most.saturating_sub(before.len()))))
        }
        _ => None,
    };
    fixed.iter().map(|text| (*text).to_owned()).chain(longest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::checks::FORMATS;
    use crate::schema::support::{document, schema};

    #[test]
    fn every_format_that_is_checked_has_texts_and_all_of_them_pass_the_check() {
        for format in FORMATS {
            let text = serde_json::json!({"type": "string", "format": format}).to_string();
            let schema = schema(&text);
            let texts = formatted(format, UNBOUNDED);
            assert!(!texts.is_empty(), "{format}");
            for text in texts {
                let document = document(&serde_json::json!(text).to_string());
                assert!(schema.is_valid(document.root()), "{format}: {text}");
            }
        }
    }

    #[test]
    fn a_long_address_is_longer_than_most_bounds_and_not_longer_than_addresses_are() {
        let longest = |format: &str| formatted(format, UNBOUNDED).pop().unwrap().len();
        assert_eq!((longest("email"), longest("hostname")), (EMAIL_MAX, HOSTNAME_MAX));
        for most in 12..EMAIL_MAX {
            let schema =
                schema(&format!(r#"{{"format": "email", "maxLength": {most}, "minLength": {most}}}"#));
            let document = document(&serde_json::json!(address(most)).to_string());
            assert!(schema.is_valid(document.root()), "{}", address(most));
        }
        assert_eq!(longest("uri"), UNBOUNDED);
    }
}
