//! What a client calls itself: the first product of its `User-Agent`, and nothing else of it.
//!
//! A header may hold anything, a key or a person's address too, so only what looks like the name of a program is kept:
//!
//! ```text
//! client  = product [ "/" version ]
//! product = word *( ( "-" / "_" / "." ) word )      ; 32 characters at most
//! word    = 1*20 letter *3 digit                    ; no more than 3 letters in a row change from small to capital
//! version = [ "v" ] number *2( "." number ) [ [ "-" / "." ] 1*5 letter *3 digit ]     ; before no letter or digit
//! number  = 1*8 digit
//! ```
//!
//! Of what does not begin with such a product nothing is kept, and of a version what there is of it, if both are no more than 47
//! characters. Keys have digits among
//! their letters, addresses have an `@` or four numbers: neither is a product, nor the whole of a version.

use std::fmt;

use http::HeaderMap;
use http::header::USER_AGENT;

/// Bytes of a name: a version with which it would have more is left out.
const BYTES_MAX: usize = 47;

const PRODUCT_MAX: usize = 32;
const WORD_LETTERS_MAX: usize = 20;
const WORD_DIGITS_MAX: usize = 3;
const RISES_MAX: usize = 3;
const NUMBERS_MAX: usize = 3;
const NUMBER_DIGITS_MAX: usize = 8;
const SUFFIX_LETTERS_MAX: usize = 5;

/// A product and its version, as RFC 9110, section 10.1.5, has them: two tokens with a slash between. Comments and further
/// products say where a client runs, which is nobody's business here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Client {
    bytes: [u8; BYTES_MAX],
    length: u8,
}

impl Client {
    /// Who says nothing of itself, or nothing that is the name of a program.
    pub const UNKNOWN: Client = Client { bytes: [0; BYTES_MAX], length: 0 };

    /// What the headers of a request say.
    pub fn of(headers: &HeaderMap) -> Client {
        headers.get(USER_AGENT).map_or(Client::UNKNOWN, |value| Client::read(value.as_bytes()))
    }

    /// What a text begins with.
    pub fn read(text: &[u8]) -> Client {
        let end = text.iter().position(|byte| *byte == b' ').unwrap_or(text.len());
        let (product, version) = match text[..end].iter().position(|byte| *byte == b'/') {
            Some(slash) => (&text[..slash], &text[slash + 1..end]),
            None => (&text[..end], &text[..0]),
        };
        if !is_product(product) {
            return Client::UNKNOWN;
        }
        let mut client = Client::UNKNOWN;
        client.push(product);
        let version = &version[..version_length(version)];
        if !version.is_empty() && product.len() + 1 + version.len() <= BYTES_MAX {
            client.push(b"/");
            client.push(version);
        }
        client
    }

    /// As text; empty if nothing is known.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).unwrap_or_default()
    }

    fn push(&mut self, more: &[u8]) {
        for byte in more {
            self.bytes[usize::from(self.length)] = *byte;
            self.length += 1;
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.as_str())
    }
}

/// Words with one sign between any two.
fn is_product(text: &[u8]) -> bool {
    let rises = text.windows(2).filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
    text.len() <= PRODUCT_MAX
        && rises.count() <= RISES_MAX
        && text.split(|byte| b"-_.".contains(byte)).all(|word| {
            let (letters, digits) = word.split_at(run(word, u8::is_ascii_alphabetic));
            (1..=WORD_LETTERS_MAX).contains(&letters.len())
                && digits.len() <= WORD_DIGITS_MAX
                && digits.iter().all(u8::is_ascii_digit)
        })
}

/// How much of a text is a version.
fn version_length(text: &[u8]) -> usize {
    let begin = usize::from(text.starts_with(b"v"));
    let mut end = 0;
    for numbers in 0..NUMBERS_MAX {
        let at = if numbers == 0 { begin } else { end + 1 };
        let is_next = numbers == 0 || text.get(end) == Some(&b'.');
        let digits = text.get(at..).map_or(0, |rest| run(rest, u8::is_ascii_digit));
        if !is_next || !(1..=NUMBER_DIGITS_MAX).contains(&digits) {
            break;
        }
        end = at + digits;
    }
    if end == 0 {
        return 0;
    }
    let rest = &text[end..];
    let sign = usize::from(rest.first().is_some_and(|byte| b"-.".contains(byte)));
    let letters = run(&rest[sign..], u8::is_ascii_alphabetic);
    let digits = run(&rest[sign + letters..], u8::is_ascii_digit);
    let is_suffix = (1..=SUFFIX_LETTERS_MAX).contains(&letters) && digits <= WORD_DIGITS_MAX;
    let end = end + if is_suffix { sign + letters + digits } else { 0 };
    // What goes on with letters or digits is something else.
    if text.get(end).is_some_and(u8::is_ascii_alphanumeric) { 0 } else { end }
}

/// How many bytes of a text are of a kind before another comes.
fn run(text: &[u8], is: fn(&u8) -> bool) -> usize {
    text.iter().take_while(|byte| is(byte)).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_product_and_its_version_are_read_and_nothing_else() {
        for (text, expected) in [
            // The example of RFC 9110, section 10.1.5.
            ("CERN-LineMode/2.15 libwww/2.17b3", "CERN-LineMode/2.15"),
            ("libwww/2.17b3", "libwww/2.17b3"),
            ("Mozilla/5.0 (X11; Linux x86_64)", "Mozilla/5.0"),
            ("acme-api/0.181.0", "acme-api/0.181.0"),
            ("python-requests/2.32.3", "python-requests/2.32.3"),
            ("Go-http-client/1.1", "Go-http-client/1.1"),
            ("PostmanRuntime/7.43.0", "PostmanRuntime/7.43.0"),
            ("Apache-HttpClient/4.5.14 (Java/17.0.9)", "Apache-HttpClient/4.5.14"),
            ("node-fetch/1.0 (+https://github.com/bitinn/node-fetch)", "node-fetch/1.0"),
            ("go-resty/v2.1.0-rc1", "go-resty/v2.1.0-rc1"),
            ("py3/20240131", "py3/20240131"),
            ("curl", "curl"),
            ("a/1/2", "a/1"),
            ("a/1.2.3.4", "a/1.2.3"),
            ("a/1.2.3-rc1.20240131", "a/1.2.3-rc1"),
            ("a/1.2.3-SNAPSHOT", "a/1.2.3"),
            ("a/1.2.3+5114f85", "a/1.2.3"),
            ("a/1x2y3z", "a"),
            ("a/123456789", "a"),
            ("a/latest", "a"),
            ("abcdefghijklmnop.abcdefghijklmno/1.2.34567890-ab", "abcdefghijklmnop.abcdefghijklmno"),
            (
                "abcdefghijklmnop.abcdefghijklmno/1.2.34567890",
                "abcdefghijklmnop.abcdefghijklmno/1.2.34567890",
            ),
            ("a/", "a"),
            ("(comment) a/1", ""),
            ("/1", ""),
            ("a\"<script>", ""),
            ("", ""),
        ] {
            assert_eq!(Client::read(text.as_bytes()).as_str(), expected, "{text}");
        }
    }

    #[test]
    fn what_may_be_a_key_or_an_address_is_not_kept() {
        for text in [
            // As people make them up, and `openssl rand -hex 20`, `openssl rand -base64 24` and `uuidgen` do.
            "alice@corp.example/1",
            "10.0.0.7",
            "2001:db8::7/1",
            "+49-30-123456/1",
            "5f1c0d3b9a7e4c2d8f6b1a0e3c5d7f9b2a4c6e80",
            "a/5f1c0d3b9a7e4c2d8f6b1a0e3c5d7f9b2a4c6e80",
            "dGhpcyBpcyBhIHNlY3JldCBrZXku",
            "qX7vT2mL9pR4sW8zK3nB6yD1hF5jG0cA/1",
            "pat_q7vt2ml9pr4sw8zk",
            "sk-live-Zk3nB6yD1hF5",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
            "8c14e0b2-51f7-40dd-9a3b-0123456789ab",
            "Bearer:abc",
            "abcdefghijklmnopqrstuvwxyzabcdef",
        ] {
            let kept = Client::read(text.as_bytes());
            assert!(matches!(kept.as_str(), "" | "a"), "{text}: {kept:?}");
        }
        // Who has an address for a version keeps the network alone.
        assert_eq!(Client::read(b"tool/203.0.113.77").as_str(), "tool/203.0.113");
    }

    proptest! {
        #[test]
        fn whatever_it_is_only_such_a_name_is_kept_and_is_read_again(
            text in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..80),
                "[ -~]{0,80}".prop_map(String::into_bytes),
                "[a-zA-Z0-9._-]{1,12}/[v0-9.a-z-]{0,40}".prop_map(String::into_bytes),
            ],
        ) {
            let client = Client::read(&text);
            let name = regex::Regex::new(
                r"^([A-Za-z]{1,20}[0-9]{0,3}([-_.][A-Za-z]{1,20}[0-9]{0,3})*(/v?[0-9]{1,8}(\.[0-9]{1,8}){0,2}([-.]?[A-Za-z]{1,5}[0-9]{0,3})?)?)?$",
            );
            prop_assert!(name.unwrap().is_match(client.as_str()), "{client:?}");
            prop_assert!(text.starts_with(client.as_str().as_bytes()));
            prop_assert_eq!(Client::read(client.as_str().as_bytes()), client);
        }
    }
}
