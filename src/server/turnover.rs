//! A listener that nobody can fill: where all places are taken, who came first makes way for who comes.
//!
//! It is for the admin listener. A probe has to be answered whoever else holds connections, from whatever address, for a process
//! that does not answer it is taken out, or killed. A bound for each address would be no help: who probes mostly has the address
//! of others, and would be the one who is refused. So a connection has its place for as long as nobody needs it, and a
//! probe has one for as long as it takes that many others to come. Somebody who asked for something and waits for the answer
//! can be [kept](Stay::keep).

use std::{
    cell::RefCell,
    collections::VecDeque,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use http::Extensions;
use tokio::sync::Notify;

/// The connections of one entrance, in the order in which they came. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Turnover(Rc<RefCell<VecDeque<Stay>>>);

impl Turnover {
    /// A place for one more, behind all others, until it is dropped.
    pub(super) fn seat(&self) -> Seat {
        Seat { turnover: self.clone(), stay: self.enter() }
    }

    fn enter(&self) -> Stay {
        let stay = Stay::default();
        self.0.borrow_mut().push_back(stay.clone());
        stay
    }

    /// Has the first go that nobody keeps.
    pub(super) fn make_way(&self) {
        let mut stays = self.0.borrow_mut();
        let first = stays.iter().position(|stay| !stay.is_kept());
        if let Some(stay) = first.and_then(|first| stays.remove(first)) {
            stay.0.told_to_go.notify_one();
        }
    }

    /// One has ended.
    fn leave(&self, stay: &Stay) {
        self.0.borrow_mut().retain(|other| !Arc::ptr_eq(&other.0, &stay.0));
    }
}

/// The place of a connection in the row. However that ends, it leaves: one that is in the row and not there would be told to go,
/// and nobody would.
#[derive(Debug)]
pub(super) struct Seat {
    turnover: Turnover,
    stay: Stay,
}

impl Seat {
    /// What its requests are told of it.
    pub(super) fn stay(&self) -> Stay {
        self.stay.clone()
    }

    /// Completes when somebody needs the place.
    pub(super) async fn told_to_go(&self) {
        self.stay.0.told_to_go.notified().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.turnover.leave(&self.stay);
    }
}

/// One connection's place, until it is told to go; among the extensions of its requests. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Stay(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    told_to_go: Notify,
    /// How many of its requests are not to be lost.
    kept: AtomicUsize,
}

impl Stay {
    /// Has the connection of a request stay, whoever comes, until this is dropped. There must never be as many of these as there
    /// are places.
    pub fn keep(extensions: &Extensions) -> Option<Kept> {
        let stay: &Stay = extensions.get()?;
        stay.0.kept.fetch_add(1, Relaxed);
        Some(Kept(stay.clone()))
    }

    fn is_kept(&self) -> bool {
        self.0.kept.load(Relaxed) > 0
    }
}

/// Keeps a connection for as long as it is held.
#[derive(Debug)]
#[must_use = "the connection is kept until this is dropped"]
pub struct Kept(Stay);

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.0.kept.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn went(stays: &[Stay]) -> Vec<bool> {
        stays.iter().map(|stay| stay.0.told_to_go.notified().now_or_never().is_some()).collect()
    }

    #[test]
    fn who_came_first_goes_first_unless_it_is_kept_or_gone() {
        let turnover = Turnover::default();
        turnover.make_way();
        let stays: Vec<_> = (0..5).map(|_| turnover.enter()).collect();
        let mut of_the_first = Extensions::new();
        assert!(Stay::keep(&of_the_first).is_none(), "of a listener where nobody makes way");
        of_the_first.insert(stays[0].clone());
        let kept = [Stay::keep(&of_the_first), Stay::keep(&of_the_first)];
        turnover.leave(&stays[1]);
        turnover.make_way();
        assert_eq!(went(&stays), [false, false, true, false, false]);
        turnover.make_way();
        assert_eq!(went(&stays), [false, false, false, true, false]);
        let [one, other] = kept;
        drop(one);
        turnover.make_way();
        assert_eq!(went(&stays), [false, false, false, false, true]);
        turnover.make_way();
        assert_eq!(went(&stays), [false; 5], "it is kept still");
        drop(other);
        turnover.make_way();
        assert_eq!(went(&stays), [true, false, false, false, false]);
        drop(turnover.seat());
        assert!(turnover.0.borrow().is_empty(), "whoever had it, and however that ended");
    }
}
