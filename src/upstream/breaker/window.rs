//! How the last calls ended, a bit each.

/// The most calls it can hold.
pub(super) const SIZE: u32 = u128::BITS;

/// The last calls; the newest is the lowest bit, and is set if it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    failed: u128,
    calls: u32,
}

impl Window {
    /// No call at all.
    pub(super) const NONE: Window = Window { failed: 0, calls: 0 };

    /// Takes up `count` more calls that ended well; of all, the last `size` are kept.
    pub(super) fn succeeded(&mut self, count: u32, size: u32) {
        self.failed = self.failed.checked_shl(count).unwrap_or(0);
        self.keep(self.calls.saturating_add(count), size);
    }

    /// Takes up one that failed.
    pub(super) fn failed(&mut self, size: u32) {
        self.failed = self.failed << 1 | 1;
        self.keep(self.calls + 1, size);
    }

    fn keep(&mut self, calls: u32, size: u32) {
        self.calls = calls.min(size);
        if size < SIZE {
            self.failed &= (1 << size) - 1;
        }
    }

    /// How many there are.
    pub(super) fn calls(self) -> u32 {
        self.calls
    }

    /// How many of them failed.
    pub(super) fn failures(self) -> u32 {
        self.failed.count_ones()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The obvious way to do it: a queue.
        #[test]
        fn it_holds_what_a_queue_of_that_size_would(
            size in 1..=SIZE,
            calls in proptest::collection::vec(prop_oneof![Just(None), (0_u32..300).prop_map(Some)], 0..200),
        ) {
            let (mut window, mut queue) = (Window::NONE, VecDeque::new());
            for call in calls {
                match call {
                    None => {
                        window.failed(size);
                        queue.push_back(true);
                    }
                    Some(count) => {
                        window.succeeded(count, size);
                        queue.extend((0..count).map(|_| false));
                    }
                }
                while queue.len() > size as usize {
                    queue.pop_front();
                }
                let failures = queue.iter().filter(|failed| **failed).count();
                prop_assert_eq!((window.calls() as usize, window.failures() as usize), (queue.len(), failures));
            }
        }
    }
}
