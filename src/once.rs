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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;

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
