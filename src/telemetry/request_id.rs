//! The id under which the logs, and the client, speak of one request.

use std::{
    cell::Cell,
    fmt,
    hash::{BuildHasher, RandomState},
    time::{SystemTime, UNIX_EPOCH},
};

use http::{HeaderName, HeaderValue};
use uuid::Uuid;

/// The header that carries the id, both ways.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id taken from a client.
const LENGTH_MAX: usize = 64;

/// An id of 1 to 64 letters, digits, `_` or `-`. Clones share its text.
#[derive(Clone, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// The id a client chose, if it is one that can be written into a log line without harm.
    pub fn accept(chosen: &HeaderValue) -> Option<RequestId> {
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let text = chosen.as_bytes();
        let is_id = (1..=LENGTH_MAX).contains(&text.len()) && text.iter().all(is_plain);
        is_id.then(|| RequestId(chosen.clone()))
    }

    /// A new id: a UUID of version 7, so that ids sort by time.
    pub fn make() -> RequestId {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let millis = u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX);
        let id = uuid::Builder::from_unix_timestamp_millis(millis, &noise()).into_uuid();
        let mut text = Uuid::encode_buffer();
        let text = id.hyphenated().encode_lower(&mut text);
        RequestId(HeaderValue::from_str(text).expect("a UUID is visible ASCII"))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().expect("only visible ASCII gets in")
    }

    /// The id as a header value.
    pub fn to_header(&self) -> HeaderValue {
        self.0.clone()
    }
}

/// Ten bytes that have not been seen before. Ids must be unique, not secret, and asking the system for randomness would
/// cost a system call per request: a counter, scrambled with keys random to this thread, is as good.
fn noise() -> [u8; 10] {
    thread_local! {
        static KEYS: RandomState = RandomState::new();
        static COUNT: Cell<u64> = const { Cell::new(0) };
    }
    let count = COUNT.replace(COUNT.get().wrapping_add(1));
    let high = KEYS.with(|keys| keys.hash_one(count)).to_be_bytes();
    let low = KEYS.with(|keys| keys.hash_one((count, ()))).to_be_bytes();
    std::array::from_fn(|at| if at < high.len() { high[at] } else { low[at - high.len()] })
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, thread};

    use super::*;

    fn accepted(text: &str) -> bool {
        RequestId::accept(&HeaderValue::from_bytes(text.as_bytes()).unwrap()).is_some()
    }

    #[test]
    fn an_id_is_1_to_64_plain_characters() {
        assert!(accepted("a"));
        assert!(accepted("0194-AbC_z"));
        assert!(accepted(&"x".repeat(64)));
        for text in ["", "a b", "a\tb", "a;b", "a\"b", "é", "a.b", &"x".repeat(65)] {
            assert!(!accepted(text), "{text:?}");
        }
    }

    #[test]
    fn a_made_id_is_a_uuid_of_version_7_and_would_be_accepted() {
        let id = RequestId::make();
        let uuid = Uuid::parse_str(id.as_str()).unwrap();
        assert_eq!(uuid.get_version_num(), 7);
        assert_eq!(uuid.get_variant(), uuid::Variant::RFC4122);
        assert_eq!(RequestId::accept(&id.to_header()), Some(id));
    }

    #[test]
    fn made_ids_differ_within_and_across_threads() {
        let make = || (0..1000).map(|_| RequestId::make().to_string()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| thread::spawn(make)).collect();
        let ids: HashSet<String> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(ids.len(), 4000);
    }
}
