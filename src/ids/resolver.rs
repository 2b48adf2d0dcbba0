//! What resolvers found, so that the backend is not asked the same question over and over.
//!
//! A question is asked once however many requests wait for its answer; where something is written meanwhile that may change
//! it, once more for all that have waited. Each answer has a life of its own: that of a find, or the shorter one of a miss.
//! Answers belong to the principal that asked, for another may not see the same things. An error is passed on to everyone
//! who waits, and not remembered; but that whoever asked had no time left, or no calls, is nobody else's error.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant as StdInstant};

use futures_util::future::ready;
use moka::Expiry;
use moka::future::Cache;
use moka::ops::compute::Op;
use tokio::time::Instant;

use super::writes::Writes;
use crate::canonical::api::Call;
use crate::dialect::Resolver;
use crate::lens::{Direction, Found, Need};
use crate::limit::Principal;
use crate::problem::Problem;

/// Pairs remembered at once, those of all dialects together; an answer without any counts as one.
const PAIRS_MAX: u64 = 100_000;

/// How often who waits for somebody else's question is woken before it waits anew. Each time whoever asked may have left; the
/// cache counts that for each who waits, and panics at 200.
const WAKES_MAX: u32 = 100;

/// The pairs in one answer: the dialect's id and the canonical one.
pub type Pairs = Vec<(String, String)>;

/// What all resolvers of all dialects found; clones share it.
#[derive(Clone, Debug)]
pub struct Resolvers {
    cache: Cache<Key, Arc<Loaded>>,
    /// Collections that were written to, by their paths; and operations whose answers a write changed, by their names:
    /// to whomever, for who joined is now found by everybody.
    writes: Arc<Writes>,
}

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// The backend was asked for it now.
    Loaded,
    /// It was there, or someone else was asking already.
    Remembered,
}

/// A question: two that are equal have the same answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    dialect: Box<str>,
    resolver: Box<str>,
    scope: Vec<String>,
    /// The id asked for; none for the question after every pair there is.
    asked: Option<String>,
    principal: Principal,
}

/// An answer.
#[derive(Debug)]
struct Loaded {
    pairs: Pairs,
    at: Instant,
    life: Duration,
}

/// Why there is no answer.
#[derive(Debug)]
struct Failed {
    problem: Box<Problem>,
    /// Whether whoever asked had had all that a request may have, which need not be so for those who wait.
    was_spent: bool,
}

/// The id that `need` makes `resolver` ask for; none if it has to ask for all pairs and look among them.
pub fn asked<'a>(resolver: &Resolver, need: &'a Need) -> Option<&'a str> {
    match need.direction {
        Direction::Lift => resolver.find.as_ref().map(|_parameter| need.key.as_str()),
        // The query takes the dialect's id, which is what is not known here.
        Direction::Lower => None,
    }
}

impl Default for Resolvers {
    fn default() -> Resolvers {
        Resolvers::with(Arc::new(Writes::new()))
    }
}

impl Resolvers {
    fn with(writes: Arc<Writes>) -> Resolvers {
        let weigh = |_: &Key, loaded: &Arc<Loaded>| {
            u32::try_from(loaded.pairs.len()).map_or(u32::MAX, |pairs| pairs.max(1))
        };
        let cache = Cache::builder().max_capacity(PAIRS_MAX).weigher(weigh).expire_after(OwnLife).build();
        Resolvers { cache, writes }
    }

    /// Some that remember nothing, for other mappings of the same backend. They hear of the writes of those that still
    /// use these.
    #[must_use]
    pub fn renewed(&self) -> Resolvers {
        Resolvers::with(Arc::clone(&self.writes))
    }

    /// Notes that a call was made that is not safe: what was found before where it may have changed something
    /// is looked up anew.
    pub fn wrote(&self, call: &Call) {
        let now = Instant::now();
        self.writes.note(call.operation.collection(|name| call.parameter(name)), now);
        for operation in &call.operation.changes {
            self.writes.note(operation, now);
        }
    }

    /// Whether something was written since that may have changed the answer to a question.
    fn is_written_since(&self, resolver: &Resolver, scope: &[String], moment: Instant) -> bool {
        let value = |name: &str| {
            let mut known = resolver.scope.iter().zip(scope);
            known.find(|(parameter, _)| *parameter == name).map(|(_, value)| value.as_str())
        };
        self.writes.is_written_since(resolver.calls.collection(value), moment)
            || self.writes.is_written_since(&resolver.calls.name, moment)
    }

    /// Finds the counterpart of `need.key`; `load` asks the backend, for the id that [`asked`] says or for all. `is_spent` says
    /// whether it has had all the time and all the calls that it may have. It is not ended then, nor is waiting for somebody
    /// else's.
    ///
    /// What is remembered of all pairs may be older than a miss is believed. An id that is not among them may have
    /// come into being since, so they are loaded once more before it is called missing.
    pub async fn find(
        &self,
        dialect: &str,
        resolver: &Resolver,
        need: &Need,
        principal: Principal,
        is_spent: impl Fn() -> bool,
        load: impl AsyncFn() -> Result<Pairs, Box<Problem>>,
    ) -> Result<(Found, Answered), Box<Problem>> {
        let key = Key {
            dialect: dialect.into(),
            resolver: resolver.name.as_str().into(),
            scope: need.scope.clone(),
            asked: asked(resolver, need).map(str::to_owned),
            principal,
        };
        let fresh = async || {
            // What is written while the answer is under way may or may not be in it.
            let at = Instant::now();
            let pairs = load().await;
            let pairs = pairs.map_err(|problem| Failed { problem, was_spent: is_spent() })?;
            Ok(Arc::new(Loaded::new(pairs, resolver, key.asked.as_deref(), at)))
        };

        let begun = Instant::now();
        // What somebody has begun to ask for since is as new as what would be asked for now, whatever was written meanwhile.
        let is_new = |loaded: &Loaded| loaded.at > begun;
        let is_good = |loaded: &Loaded| {
            is_new(loaded) || loaded.is_alive() && !self.is_written_since(resolver, &need.scope, loaded.at)
        };
        let (loaded, answered) = self.loaded(&key, is_good, &fresh).await?;
        let found = loaded.counterpart(need);
        let is_doubtful = matches!(found, Found::Missing)
            && answered == Answered::Remembered
            && !is_new(&loaded)
            && key.asked.is_none()
            && loaded.at.elapsed() >= resolver.misses;
        if !is_doubtful {
            return Ok((found, answered));
        }
        let is_newer = |other: &Loaded| is_good(other) && other.at > loaded.at;
        let (loaded, answered) = self.loaded(&key, is_newer, &fresh).await?;
        Ok((loaded.counterpart(need), answered))
    }

    /// The answer that is remembered, if it is `good` enough; else a fresh one, whoever asks for it.
    async fn loaded(
        &self,
        key: &Key,
        good: impl Fn(&Loaded) -> bool,
        fresh: &impl AsyncFn() -> Result<Arc<Loaded>, Failed>,
    ) -> Result<(Arc<Loaded>, Answered), Box<Problem>> {
        loop {
            if let Some(loaded) = self.cache.get(key).await {
                if good(&loaded) {
                    return Ok((loaded, Answered::Remembered));
                }
                self.forget(key, &loaded).await;
            }
            // Atomic only because requests may be answered on any thread.
            let is_ours = AtomicBool::new(false);
            let ours = async {
                is_ours.store(true, Ordering::Relaxed);
                fresh().await
            };
            let mut waiting = pin!(self.cache.entry_by_ref(key).or_try_insert_with(ours));
            let mut wakes = 0;
            let outcome = poll_fn(|cx| {
                wakes += 1;
                match waiting.as_mut().poll(cx) {
                    Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
                    Poll::Pending if wakes >= WAKES_MAX && !is_ours.load(Ordering::Relaxed) => {
                        Poll::Ready(None)
                    }
                    Poll::Pending => Poll::Pending,
                }
            });
            let Some(outcome) = outcome.await else { continue };
            match outcome {
                Ok(entry) if entry.is_fresh() => return Ok((entry.into_value(), Answered::Loaded)),
                Err(failed) if is_ours.load(Ordering::Relaxed) || !failed.was_spent => {
                    return Err(failed.problem.clone());
                }
                // Someone else was asking already. If since before a write of ours, the answer may be older than that: it is
                // judged like any other that is remembered. And if they had nothing left to ask with, we may: whoever waits
                // sees to how long that may go on.
                Ok(_) | Err(_) => {}
            }
        }
    }

    /// Forgets `old`, but not what another worker may have put in its place meanwhile.
    async fn forget(&self, key: &Key, old: &Arc<Loaded>) {
        let is_old = |loaded: &Arc<Loaded>| Arc::ptr_eq(loaded, old);
        self.cache
            .entry_by_ref(key)
            .and_compute_with(|entry| {
                let remove = entry.is_some_and(|entry| is_old(entry.value()));
                ready(if remove { Op::Remove } else { Op::Nop })
            })
            .await;
    }
}

impl Loaded {
    fn new(pairs: Pairs, resolver: &Resolver, asked: Option<&str>, at: Instant) -> Loaded {
        let has_found = match asked {
            Some(asked) => pairs.iter().any(|(left, _)| left == asked),
            None => !pairs.is_empty(),
        };
        let life = if has_found { resolver.remember } else { resolver.misses };
        Loaded { pairs, at, life }
    }

    /// Whether it may still be believed. Asked on tokio's clock, as all time is here; moka's own only frees memory.
    fn is_alive(&self) -> bool {
        self.at.elapsed() < self.life
    }

    fn counterpart(&self, need: &Need) -> Found {
        let found = self.pairs.iter().find_map(|(left, right)| match need.direction {
            Direction::Lift => (*left == need.key).then_some(right),
            Direction::Lower => (*right == need.key).then_some(left),
        });
        found.map_or(Found::Missing, |value| Found::Value(value.clone()))
    }
}

/// Lets moka drop each answer when its own life is over.
struct OwnLife;

impl Expiry<Key, Arc<Loaded>> for OwnLife {
    fn expire_after_create(&self, _: &Key, loaded: &Arc<Loaded>, _: StdInstant) -> Option<Duration> {
        Some(loaded.life)
    }

    fn expire_after_update(
        &self,
        _: &Key,
        loaded: &Arc<Loaded>,
        _: StdInstant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(loaded.life)
    }
}

#[cfg(test)]
mod tests;
