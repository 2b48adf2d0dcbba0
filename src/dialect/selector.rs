//! How a request says that it is meant for another generation of a dialect than it came to.

use std::fmt;

use http::{HeaderMap, HeaderName};
use regex::Regex;

/// A header and what has to stand in it.
#[derive(Clone, Debug)]
pub struct Selector {
    header: HeaderName,
    /// As it was written, for people.
    pattern: String,
    whole: Regex,
}

impl Selector {
    /// Requests whose header is matched by the pattern from its first character to its last.
    ///
    /// # Errors
    ///
    /// When the pattern is none, alone or as the whole of a value.
    pub fn new(header: HeaderName, pattern: &str) -> Result<Selector, regex::Error> {
        // Alone first: what is wrong must not come right by what is put around it.
        Regex::new(pattern)?;
        let whole = Regex::new(&format!(r"\A(?:{pattern})\z"))?;
        Ok(Selector { header, pattern: pattern.to_owned(), whole })
    }

    /// Whether a request with these headers is meant. A header that comes more than once, or is no text, says nothing.
    pub fn is_match(&self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(&self.header).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return false };
        value.to_str().is_ok_and(|text| self.whole.is_match(text))
    }

    /// The header.
    pub fn header(&self) -> &HeaderName {
        &self.header
    }

    /// The pattern, as it was written.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.header, self.pattern)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::USER_AGENT;

    use super::*;

    fn is_match(pattern: &str, values: &[&[u8]]) -> bool {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(USER_AGENT, HeaderValue::from_bytes(value).unwrap());
        }
        Selector::new(USER_AGENT, pattern).unwrap().is_match(&headers)
    }

    #[test]
    fn the_whole_value_has_to_match() {
        assert!(is_match("thing/0[.].*", &[b"thing/0.9"]));
        assert!(!is_match("thing/0[.].*", &[b"my-thing/0.9"]));
        assert!(!is_match("thing/0[.]9", &[b"thing/0.91"]));
        assert!(!is_match("a|thing", &[b"thing/2"]), "either branch has to match the whole");
        assert!(is_match("a|ab", &[b"ab"]), "the longer branch counts as well");
    }

    #[test]
    fn a_header_that_is_absent_repeated_or_no_text_says_nothing() {
        assert!(!is_match(".*", &[]));
        assert!(!is_match(".*", &[b"a", b"a"]));
        assert!(!is_match("(?s:.*)", &[b"\xff"]));
        assert!(is_match(".*", &[b""]));
    }

    #[test]
    fn what_is_no_pattern_alone_is_none_as_the_whole() {
        for pattern in ["a)|(b", "(", "(?=a)", "(?x)a # b"] {
            assert!(Selector::new(USER_AGENT, pattern).is_err(), "{pattern}");
        }
    }
}
