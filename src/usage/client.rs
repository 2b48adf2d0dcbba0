//! What a client calls itself: the first product of its `User-Agent`, and nothing else of it.

use std::fmt;

use http::HeaderMap;
use http::header::USER_AGENT;

/// Bytes of a name: what is longer is cut.
const BYTES_MAX: usize = 47;

/// A product and its version, as RFC 9110, section 10.1.5, has them: two tokens with a slash between. Comments and further
/// products say where a client runs, which is nobody's business here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Client {
    bytes: [u8; BYTES_MAX],
    length: u8,
}

impl Client {
    /// Who says nothing of itself.
    pub const UNKNOWN: Client = Client { bytes: [0; BYTES_MAX], length: 0 };

    /// What the headers of a request say.
    pub fn of(headers: &HeaderMap) -> Client {
        headers.get(USER_AGENT).map_or(Client::UNKNOWN, |value| Client::read(value.as_bytes()))
    }

    /// What a text begins with.
    pub fn read(text: &[u8]) -> Client {
        let mut client = Client::UNKNOWN;
        let mut has_version = false;
        for &byte in text.iter().take(BYTES_MAX) {
            let begins_version = byte == b'/' && !has_version && client.length > 0;
            if !begins_version && !is_token(byte) {
                break;
            }
            has_version |= begins_version;
            client.bytes[usize::from(client.length)] = byte;
            client.length += 1;
        }
        client
    }

    /// As text; empty if nothing is known.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).unwrap_or_default()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.as_str())
    }
}

/// RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
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
            ("Mozilla/5.0 (X11; Linux x86_64)", "Mozilla/5.0"),
            ("curl", "curl"),
            ("a/1/2", "a/1"),
            ("(comment) a/1", ""),
            ("/1", ""),
            ("a\"<script>", "a"),
            ("", ""),
        ] {
            assert_eq!(Client::read(text.as_bytes()).as_str(), expected, "{text}");
        }
        assert_eq!(Client::read(&[b'x'; 100]).as_str().len(), BYTES_MAX);
    }

    proptest! {
        #[test]
        fn whatever_it_is_only_tokens_are_kept(text in proptest::collection::vec(any::<u8>(), 0..80)) {
            let client = Client::read(&text);
            prop_assert!(client.as_str().bytes().all(|byte| is_token(byte) || byte == b'/'));
            prop_assert!(text.starts_with(client.as_str().as_bytes()));
        }
    }
}
