//! Explanations of single requests, kept for a while for those who run the proxy.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::RequestId;

/// How many are kept.
const KEPT_MAX: usize = 256;

/// How many bytes all of them have together.
const BYTES_MAX: usize = 16 << 20;

/// The newest explanations by request. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Explanations(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    /// The oldest first.
    entries: VecDeque<(RequestId, Bytes)>,
    bytes: usize,
}

impl Explanations {
    /// Keeps one, instead of the oldest if there are too many. One that is larger than all may be together is not kept.
    pub fn keep(&self, of: RequestId, json: Bytes) {
        if json.len() > BYTES_MAX {
            return;
        }
        let mut kept = self.lock();
        kept.bytes += json.len();
        kept.entries.push_back((of, json));
        while kept.entries.len() > KEPT_MAX || kept.bytes > BYTES_MAX {
            let Some((_, oldest)) = kept.entries.pop_front() else { return };
            kept.bytes -= oldest.len();
        }
    }

    /// That of a request; the newest, if its client used an id again.
    pub fn find(&self, request: &str) -> Option<Bytes> {
        let kept = self.lock();
        kept.entries.iter().rev().find(|(of, _)| of.as_str() == request).map(|(_, json)| json.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn id(text: &str) -> RequestId {
        RequestId::accept(&HeaderValue::from_str(text).unwrap()).unwrap()
    }

    #[test]
    fn the_newest_are_kept_and_no_more() {
        let kept = Explanations::default();
        for number in 0..=KEPT_MAX {
            kept.keep(id(&format!("r{number}")), Bytes::from_static(b"{}"));
        }
        assert_eq!(kept.find("r0"), None);
        assert!(kept.find("r1").is_some() && kept.find(&format!("r{KEPT_MAX}")).is_some());
        assert_eq!(kept.lock().bytes, 2 * KEPT_MAX);
    }

    #[test]
    fn their_memory_is_bounded() {
        let kept = Explanations::default();
        let third = Bytes::from(vec![b' '; BYTES_MAX / 3]);
        for name in ["a", "b", "c", "d"] {
            kept.keep(id(name), third.clone());
        }
        assert!(kept.find("a").is_none() && kept.find("b").is_some());
        kept.keep(id("huge"), Bytes::from(vec![b' '; BYTES_MAX + 1]));
        assert!(
            kept.find("huge").is_none() && kept.find("d").is_some(),
            "nobody makes room for what cannot stay"
        );
    }

    #[test]
    fn an_id_that_is_used_again_means_the_newest() {
        let kept = Explanations::default();
        for json in ["1", "2"] {
            kept.keep(id("same"), Bytes::from(json));
        }
        assert_eq!(kept.find("same").as_deref(), Some(&b"2"[..]));
    }
}
