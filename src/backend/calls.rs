//! The last requests that came in, for tests that count them.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use http::{Method, Uri};

const CALLS_MAX: usize = 1000;

/// The last thousand requests, oldest first.
#[derive(Default)]
pub(super) struct Calls {
    calls: Mutex<VecDeque<(Method, String)>>,
}

impl Calls {
    pub(super) fn note(&self, method: &Method, uri: &Uri) {
        let target = uri.path_and_query().map_or("", |target| target.as_str());
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        if calls.len() == CALLS_MAX {
            calls.pop_front();
        }
        calls.push_back((method.clone(), target.to_owned()));
    }

    pub(super) fn all(&self) -> Vec<(Method, String)> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_thousand_calls_are_kept() {
        let calls = Calls::default();
        for number in 0..1001 {
            calls.note(&Method::GET, &format!("/{number}?q=a").parse().unwrap());
        }
        let calls = calls.all();
        assert_eq!(calls.len(), 1000);
        assert_eq!(calls[0], (Method::GET, "/1?q=a".to_owned()));
        assert_eq!(calls[999].1, "/1000?q=a");
    }
}
