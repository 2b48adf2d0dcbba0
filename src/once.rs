//! What is made when it is first needed, by threads that do not wait for one another.
//!
//! A thread may lose its processor for a second while it makes something. Whoever waited for it would stand still that
//! long, and with a worker all its clients: so whoever needs it meanwhile makes another.

use std::sync::OnceLock;

/// What is there, or else what `make` makes. Several threads may make one at the same time: the first that has one sets the
/// cell, and what the others made is dropped.
pub fn made<T>(cell: &OnceLock<T>, make: impl FnOnce() -> T) -> &T {
    if let Some(known) = cell.get() {
        return known;
    }
    let own = make();
    // Only to move it there can be waited for.
    cell.get_or_init(|| own)
}

/// Things that are told apart by a number, each made when it is first needed. Without any there is room for none.
#[derive(Debug)]
pub struct Each<T> {
    count: usize,
    cells: OnceLock<Box<[OnceLock<T>]>>,
}

impl<T> Each<T> {
    /// Room for the numbers below `count`.
    pub fn below(count: usize) -> Each<T> {
        Each { count, cells: OnceLock::new() }
    }

    /// The one of that number, or else what `make` makes; none if there is no such number.
    pub fn made(&self, number: usize, make: impl FnOnce() -> T) -> Option<&T> {
        let cells = made(&self.cells, || (0..self.count).map(|_| OnceLock::new()).collect());
        Some(made(cells.get(number)?, make))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_is_made_once_and_none_beyond_the_last() {
        let each = Each::below(2);
        assert_eq!(each.made(1, || "one"), Some(&"one"));
        assert_eq!(each.made(1, || unreachable!("it is there")), Some(&"one"));
        assert_eq!(each.made(0, || "none"), Some(&"none"));
        assert_eq!(each.made(2, || unreachable!("there is no room for it")), None);
    }

    #[test]
    fn nobody_waits_for_whoever_makes_the_same() {
        let cell = OnceLock::new();
        let (begun, has_begun) = mpsc::channel();
        let (go_on, may_go_on) = mpsc::channel::<()>();
        let late = move || {
            begun.send(()).unwrap();
            may_go_on.recv_timeout(Duration::from_mins(1)).expect("the other did not wait for this");
            "late"
        };
        let cell = &cell;
        thread::scope(|scope| {
            let stopped = scope.spawn(move || *made(cell, late));
            has_begun.recv().unwrap();
            assert_eq!(*made(cell, || "soon"), "soon");
            go_on.send(()).unwrap();
            assert_eq!(stopped.join().unwrap(), "soon", "there is one");
        });
        assert_eq!(*made(cell, || unreachable!("it is there")), "soon");
    }
}
