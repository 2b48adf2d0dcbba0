//! What is asked again and what is not, on a clock that stands still until it is moved.

use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;

use futures_util::future::{join, join_all};
use http::{Method, StatusCode};
use tokio::task::{LocalSet, spawn_local, yield_now};
use tokio::time::{advance, timeout};

use super::*;
use crate::canonical::api::{self, PathPart};
use crate::lens::Lookup;

const ADA: &[u8] = b"ada";

/// Of whoever has all the time and calls that it takes.
fn never() -> bool {
    false
}

/// A resolver that remembers for a minute what it found, and for five seconds what it did not.
fn resolver(find: Option<&str>) -> Resolver {
    Resolver {
        name: "slug".to_owned(),
        calls: Arc::new(api::Operation {
            name: "things.list".to_owned(),
            method: Method::GET,
            path: Vec::new(),
            query: Vec::new(),
            body: None,
            reads: None,
            changes: Vec::new(),
            answers: vec![(StatusCode::OK, None)],
        }),
        scope: Vec::new(),
        find: find.map(str::to_owned),
        rows: "items".to_owned(),
        left: "slug".to_owned(),
        right: "id".to_owned(),
        remember: Duration::from_mins(1),
        misses: Duration::from_secs(5),
    }
}

fn need(key: &str) -> Need {
    Need { of: Lookup::Resolver(0), direction: Direction::Lift, scope: Vec::new(), key: key.to_owned() }
}

/// A backend that knows some pairs and counts how often it is asked.
#[derive(Default)]
struct Backend {
    pairs: Vec<(&'static str, &'static str)>,
    hits: Cell<u32>,
}

impl Backend {
    fn knowing(pairs: &[(&'static str, &'static str)]) -> Backend {
        Backend { pairs: pairs.to_vec(), hits: Cell::new(0) }
    }

    /// Answers after others had a chance to ask too.
    async fn list(&self) -> Result<Pairs, Box<Problem>> {
        self.hits.set(self.hits.get() + 1);
        yield_now().await;
        Ok(self.pairs.iter().map(|(left, right)| ((*left).to_owned(), (*right).to_owned())).collect())
    }
}

async fn find(
    resolvers: &Resolvers,
    resolver: &Resolver,
    need: &Need,
    backend: &Backend,
) -> (Option<String>, Answered) {
    let load = async || backend.list().await;
    let (found, answered) =
        resolvers.find("d", resolver, need, Principal::of(ADA), never, load).await.unwrap();
    let found = match found {
        Found::Missing => None,
        Found::Value(value) => Some(value),
    };
    (found, answered)
}

#[tokio::test(start_paused = true)]
async fn requests_that_wait_for_the_same_answer_cost_one_call() {
    let (resolvers, resolver, backend) =
        (Resolvers::default(), resolver(None), Backend::knowing(&[("acme", "1"), ("bolt", "2")]));
    let needs = [need("acme"), need("bolt"), need("acme"), need("acme")];
    let found = join_all(needs.iter().map(|need| find(&resolvers, &resolver, need, &backend))).await;
    assert_eq!(backend.hits.get(), 1);
    let values: Vec<_> = found.iter().map(|(value, _)| value.as_deref()).collect();
    assert_eq!(values, [Some("1"), Some("2"), Some("1"), Some("1")]);
    assert_eq!(found.iter().filter(|(_, answered)| *answered == Answered::Loaded).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_find_is_remembered_for_its_time_and_no_longer() {
    let (resolvers, resolver, backend) =
        (Resolvers::default(), resolver(Some("slug")), Backend::knowing(&[("acme", "1")]));
    let found = |value: &str, answered| (Some(value.to_owned()), answered);
    let ask = async || find(&resolvers, &resolver, &need("acme"), &backend).await;
    assert_eq!(ask().await, found("1", Answered::Loaded));
    advance(Duration::from_secs(59)).await;
    assert_eq!(ask().await, found("1", Answered::Remembered));
    advance(Duration::from_secs(1)).await;
    assert_eq!(ask().await, found("1", Answered::Loaded));
    assert_eq!(backend.hits.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_miss_is_remembered_for_a_shorter_time() {
    let (resolvers, resolver, backend) =
        (Resolvers::default(), resolver(Some("slug")), Backend::knowing(&[]));
    let ask = async || find(&resolvers, &resolver, &need("acme"), &backend).await;
    assert_eq!(ask().await, (None, Answered::Loaded));
    advance(Duration::from_millis(4999)).await;
    assert_eq!(ask().await, (None, Answered::Remembered));
    advance(Duration::from_millis(1)).await;
    assert_eq!(ask().await, (None, Answered::Loaded));
}

#[tokio::test(start_paused = true)]
async fn a_row_that_was_not_asked_for_is_no_find() {
    let (resolvers, resolver, backend) =
        (Resolvers::default(), resolver(Some("slug")), Backend::knowing(&[("bolt", "2")]));
    let ask = async || find(&resolvers, &resolver, &need("acme"), &backend).await;
    assert_eq!(ask().await.0, None);
    advance(Duration::from_secs(5)).await;
    assert_eq!(ask().await, (None, Answered::Loaded), "it lived as long as a miss");
}

#[tokio::test(start_paused = true)]
async fn a_table_is_loaded_again_for_an_id_that_may_be_newer_than_it() {
    let (resolvers, resolver, mut backend) =
        (Resolvers::default(), resolver(None), Backend::knowing(&[("acme", "1")]));
    assert_eq!(find(&resolvers, &resolver, &need("acme"), &backend).await.1, Answered::Loaded);
    backend.pairs.push(("bolt", "2"));
    let missing = find(&resolvers, &resolver, &need("bolt"), &backend).await;
    assert_eq!(missing, (None, Answered::Remembered), "the table is younger than a miss is believed");
    advance(Duration::from_secs(5)).await;
    let found = find(&resolvers, &resolver, &need("bolt"), &backend).await;
    assert_eq!(found, (Some("2".to_owned()), Answered::Loaded));
    let absent = find(&resolvers, &resolver, &need("coil"), &backend).await;
    assert_eq!(absent, (None, Answered::Remembered), "it was loaded a moment ago");
    assert_eq!(backend.hits.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_table_answers_in_both_directions() {
    let (resolvers, resolver, backend) =
        (Resolvers::default(), resolver(None), Backend::knowing(&[("acme", "1")]));
    let back = Need { direction: Direction::Lower, ..need("1") };
    find(&resolvers, &resolver, &need("acme"), &backend).await;
    let found = find(&resolvers, &resolver, &back, &backend).await;
    assert_eq!(found, (Some("acme".to_owned()), Answered::Remembered));
}

#[tokio::test(start_paused = true)]
async fn principals_and_scopes_do_not_share_answers() {
    let (resolvers, resolver, backend) =
        (Resolvers::default(), resolver(None), Backend::knowing(&[("acme", "1")]));
    let load = async || backend.list().await;
    let elsewhere = Need { scope: vec!["7".to_owned()], ..need("acme") };
    let (ada, bob) = (Principal::of(ADA), Principal::of(b"bob"));
    for (dialect, need, principal) in
        [("d", need("acme"), ada), ("d", need("acme"), bob), ("d", elsewhere, ada), ("e", need("acme"), ada)]
    {
        let (_, answered) = resolvers.find(dialect, &resolver, &need, principal, never, load).await.unwrap();
        assert_eq!(answered, Answered::Loaded);
    }
    assert_eq!(backend.hits.get(), 4);
}

#[tokio::test(start_paused = true)]
async fn an_error_is_told_and_not_remembered() {
    let (resolvers, resolver) = (Resolvers::default(), resolver(None));
    let (need, ada) = (need("acme"), Principal::of(ADA));
    let broken = async || Err(Box::new(Problem::gateway_timeout("slow")));
    let problem = resolvers.find("d", &resolver, &need, ada, never, broken).await.err().unwrap();
    assert_eq!(problem.code, "upstream-timeout");
    let backend = Backend::knowing(&[("acme", "1")]);
    assert_eq!(find(&resolvers, &resolver, &need, &backend).await.1, Answered::Loaded);
}

#[tokio::test(start_paused = true)]
async fn a_write_of_ours_makes_what_was_found_before_doubtful() {
    let (resolvers, resolver) = (Resolvers::default(), resolver(Some("slug")));
    let backend = Backend::knowing(&[("acme", "7")]);
    let find = async |key: &str| {
        let (need, ada) = (need(key), Principal::of(ADA));
        resolvers.find("d", &resolver, &need, ada, never, async || backend.list().await).await.unwrap().1
    };
    let write = |name: &str, path: Vec<PathPart>, changes: &[&str]| {
        let operation = api::Operation {
            name: name.to_owned(),
            method: Method::POST,
            path,
            query: Vec::new(),
            body: None,
            reads: None,
            changes: changes.iter().map(|name| (*name).to_owned()).collect(),
            answers: Vec::new(),
        };
        let call = Call { operation: Arc::new(operation), path: Vec::new(), query: Vec::new(), body: None };
        resolvers.wrote(&call);
    };
    assert_eq!(find("acme").await, Answered::Loaded);
    advance(Duration::from_secs(1)).await;
    assert_eq!(find("acme").await, Answered::Remembered);

    write("others.add", vec![PathPart::Literal("others".to_owned())], &[]);
    advance(Duration::from_secs(1)).await;
    assert_eq!(find("acme").await, Answered::Remembered, "of another collection");

    write("things.rename", vec![PathPart::Parameter("thing_id".to_owned())], &[]);
    advance(Duration::from_secs(1)).await;
    assert_eq!(find("acme").await, Answered::Loaded, "one of the things was changed");
    advance(Duration::from_secs(1)).await;
    assert_eq!(find("acme").await, Answered::Remembered);

    write("others.join", vec![PathPart::Literal("others".to_owned())], &["things.list"]);
    advance(Duration::from_secs(1)).await;
    assert_eq!(find("acme").await, Answered::Loaded, "declared to change things");
}

#[tokio::test(start_paused = true)]
async fn that_whoever_asked_had_nothing_left_to_ask_with_is_nobody_elses_error() {
    let (resolvers, resolver, need) = (Resolvers::default(), resolver(None), need("acme"));
    let backend = Backend::knowing(&[("acme", "1")]);
    for (time, outcome) in [(Duration::ZERO, None), (Duration::from_secs(1), Some("upstream-timeout"))] {
        let late = async || {
            yield_now().await;
            Err(Box::new(Problem::gateway_timeout("slow")))
        };
        let (ada, begun) = (Principal::of(ADA), Instant::now());
        let first = resolvers.find("d", &resolver, &need, ada, || begun.elapsed() >= time, late);
        let load = async || backend.list().await;
        let second = resolvers.find("d", &resolver, &need, ada, never, load);
        let (first, second) = join(first, second).await;
        assert_eq!(first.unwrap_err().code, "upstream-timeout");
        let told = second.as_ref().err().map(|problem| &*problem.code);
        assert_eq!(told, outcome, "who asked had {time:?}");
        assert_eq!(backend.hits.get(), 1, "once in both rounds");
        advance(Duration::from_mins(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn requests_that_wait_while_others_write_cost_two_calls() {
    let (resolvers, resolver, need, hits) =
        (Resolvers::default(), resolver(None), need("acme"), Cell::new(0));
    let operation = api::Operation { method: Method::POST, ..Arc::into_inner(resolver.calls).unwrap() };
    let write = Call { operation: Arc::new(operation), path: Vec::new(), query: Vec::new(), body: None };
    let resolver = Resolver { calls: Arc::clone(&write.operation), ..resolver };
    let load = async || {
        hits.set(hits.get() + 1);
        for _ in 0..2 {
            advance(Duration::from_millis(1)).await;
            resolvers.wrote(&write);
        }
        Ok(vec![("acme".to_owned(), hits.get().to_string())])
    };
    let find = async || {
        let found = resolvers.find("d", &resolver, &need, Principal::of(ADA), never, load).await;
        let (Found::Value(value), _) = found.unwrap() else { panic!("it is there") };
        value
    };
    let told = join_all((0..8).map(|_| find())).await;
    assert_eq!(told, ["1", "2", "2", "2", "2", "2", "2", "2"]);
    // Who comes later was not among those that waited.
    assert_eq!(find().await, "3");
}

#[tokio::test(start_paused = true)]
async fn however_many_leave_that_had_begun_to_ask_the_last_is_answered() {
    const CLIENTS: usize = 300;
    let resolvers = Resolvers::default();
    let (asking, is_there) = (Rc::new(Cell::new(None)), Rc::new(Cell::new(false)));
    let ask = |client: usize| {
        let (resolvers, asking, is_there) = (resolvers.clone(), Rc::clone(&asking), Rc::clone(&is_there));
        spawn_local(async move {
            let load = async || {
                asking.set(Some(client));
                while !is_there.get() {
                    pending::<()>().await;
                }
                Ok(vec![("acme".to_owned(), "1".to_owned())])
            };
            let (ada, need) = (Principal::of(ADA), need("acme"));
            resolvers.find("d", &resolver(None), &need, ada, never, load).await.unwrap().0
        })
    };
    let all = async {
        let mut clients: Vec<_> = (0..CLIENTS).map(ask).map(Some).collect();
        for left in (0..CLIENTS).rev() {
            // Each of those who wait hears that who asked has left, one after another.
            for _ in 0..=left {
                yield_now().await;
            }
            let gone = clients[asking.take().unwrap()].take().unwrap();
            // Whoever asks next is told.
            is_there.set(left == 1);
            gone.abort();
            assert!(gone.await.unwrap_err().is_cancelled());
            if left == 1 {
                break;
            }
        }
        let last = clients.into_iter().flatten().next().unwrap();
        assert_eq!(last.await.unwrap(), Found::Value("1".to_owned()));
    };
    LocalSet::new().run_until(timeout(Duration::from_mins(1), all)).await.expect("nobody asks any more");
}
