//! The map of imported ids as requests use it: many ids in one trip to the disk, off the async threads, and remembered.
//!
//! A pair never changes, so it is remembered until others are wanted more. That there is none is believed for a few
//! seconds only: another process may be importing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::future::Cache;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use uuid::Uuid;

use super::embedded::{Question, Store, StoreError};
use crate::lens::{Found, Lookup, Need};

/// Answers remembered at once, those of all dialects together: some 30 MiB.
const ANSWERS_MAX: u64 = 100_000;

/// How long it is believed that an id was not imported.
const MISSES: Duration = Duration::from_secs(5);

/// How many trips are made at the same time; the next waits its turn.
const TRIPS_MAX: usize = 4;

/// The imported ids; clones share what they remember.
#[derive(Clone, Debug)]
pub struct IdMap {
    store: Arc<Store>,
    answers: Cache<Key, Answer>,
    turns: Arc<Semaphore>,
    trips: Arc<AtomicU64>,
}

/// The dialect, and what is asked about it.
type Key = (Arc<str>, Question);

#[derive(Clone, Debug)]
struct Answer {
    found: Option<Arc<str>>,
    at: Instant,
}

/// Why ids could not be looked up.
#[derive(Debug, thiserror::Error)]
pub enum LookUpError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The reading thread ended early.
    #[error("the id map's thread ended early")]
    Thread,
}

impl IdMap {
    /// Looks things up in `store`.
    pub fn new(store: Store) -> IdMap {
        IdMap {
            store: Arc::new(store),
            answers: Cache::new(ANSWERS_MAX),
            turns: Arc::new(Semaphore::new(TRIPS_MAX)),
            trips: Arc::default(),
        }
    }

    /// The same for those that nobody waits for: it has turns of its own.
    #[must_use]
    pub fn aside(&self) -> IdMap {
        IdMap { turns: Arc::new(Semaphore::new(TRIPS_MAX)), ..self.clone() }
    }

    /// How often the disk was asked.
    pub fn trips(&self) -> u64 {
        self.trips.load(Ordering::Relaxed)
    }

    /// Finds the counterparts of all `needs` of a dialect, in their order, with one trip at most.
    pub async fn look_up(&self, dialect: &str, needs: &[Need]) -> Result<Vec<Found>, LookUpError> {
        let dialect: Arc<str> = dialect.into();
        let keys: Vec<Key> = needs.iter().map(|need| (Arc::clone(&dialect), question(need))).collect();
        let mut answers = Vec::with_capacity(keys.len());
        for key in &keys {
            let known = self.answers.get(key).await;
            answers.push(known.filter(|known| known.found.is_some() || known.at.elapsed() < MISSES));
        }
        let unknown = keys.iter().zip(&answers).filter(|(_, answer)| answer.is_none());
        let unknown: Vec<Question> = unknown.map(|((_, question), _)| question.clone()).collect();
        if !unknown.is_empty() {
            let mut fetched = self.fetch(Arc::clone(&dialect), unknown).await?.into_iter();
            for (key, answer) in keys.into_iter().zip(&mut answers) {
                if answer.is_none() {
                    let found = fetched.next().flatten().map(Arc::from);
                    let fresh = Answer { found, at: Instant::now() };
                    self.answers.insert(key, fresh.clone()).await;
                    *answer = Some(fresh);
                }
            }
        }
        let found = |answer: Option<Answer>| answer.and_then(|answer| answer.found);
        let told = |found: Option<Arc<str>>| {
            found.map_or(Found::Missing, |found| Found::Value(String::from(&*found)))
        };
        Ok(answers.into_iter().map(|answer| told(found(answer))).collect())
    }

    async fn fetch(
        &self,
        dialect: Arc<str>,
        questions: Vec<Question>,
    ) -> Result<Vec<Option<String>>, LookUpError> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_closed| LookUpError::Thread)?;
        self.trips.fetch_add(1, Ordering::Relaxed);
        let store = Arc::clone(&self.store);
        let read = spawn_blocking(move || {
            // Its turn is over when it is, even if whoever asked has gone away.
            let _turn = turn;
            store.look_up(&dialect, &questions)
        });
        Ok(read.await.map_err(|_panicked| LookUpError::Thread)??)
    }
}

/// The same without a runtime and without remembering, for tools.
pub fn look_up_now(store: &Store, dialect: &str, needs: &[Need]) -> Result<Vec<Found>, StoreError> {
    let questions: Vec<_> = needs.iter().map(question).collect();
    let answers = store.look_up(dialect, &questions)?;
    Ok(answers.into_iter().map(|answer| answer.map_or(Found::Missing, Found::Value)).collect())
}

fn question(need: &Need) -> Question {
    let kind = match &need.of {
        Lookup::Imported(kind) => kind.to_string(),
        // Nobody's kind has no name.
        Lookup::Resolver(_) => String::new(),
    };
    // What is no UUID has no ids of its own.
    let organization = need.scope.first().and_then(|scope| Uuid::try_parse(scope).ok());
    Question { kind, direction: need.direction, organization, key: need.key.clone() }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;
    use crate::ids::embedded::{Pair, Position};
    use crate::lens::Direction;

    const ADA: Uuid = Uuid::from_u128(0xada);

    fn imported(store: &Store, external: &str, canonical: Uuid) {
        let mut import = store.import("acme", "user").unwrap();
        let pair = Pair { external: external.to_owned(), canonical, organization: None };
        import.stage(Position { file: 0, row: 1 }, &pair).unwrap();
        import.finish().unwrap();
    }

    fn need(direction: Direction, key: &str) -> Need {
        Need { of: Lookup::Imported("user".into()), direction, scope: Vec::new(), key: key.to_owned() }
    }

    #[tokio::test(start_paused = true)]
    async fn many_are_one_trip_and_a_miss_is_believed_for_a_while() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ids.sqlite");
        let store = Store::open(&path).unwrap();
        imported(&store, "u-1", ADA);
        let map = IdMap::new(store);
        let found = |text: &str| Found::Value(text.to_owned());
        let needs = [
            need(Direction::Lift, "u-1"),
            need(Direction::Lower, &ADA.to_string()),
            need(Direction::Lift, "u-2"),
        ];

        let expected = vec![found(&ADA.to_string()), found("u-1"), Found::Missing];
        assert_eq!(map.look_up("acme", &needs).await.unwrap(), expected);
        assert_eq!(map.look_up("acme", &needs).await.unwrap(), expected);
        assert_eq!(map.trips(), 1);
        assert_eq!(map.look_up("other", &needs).await.unwrap(), vec![Found::Missing; 3]);
        assert_eq!(map.trips(), 2);

        let other = Uuid::from_u128(2);
        imported(&Store::open(&path).unwrap(), "u-2", other);
        assert_eq!(map.look_up("acme", &needs).await.unwrap(), expected, "too early to ask again");
        advance(MISSES).await;
        assert_eq!(map.look_up("acme", &needs).await.unwrap()[2], found(&other.to_string()));
        assert_eq!(map.trips(), 3);
    }
}
