//! Lookups in the middle of a phase: what a lens needs to know, found in the id map, asked of the backend or remembered.

use std::borrow::Cow;
use std::error::Error;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use tokio::time::timeout_at;

use super::Lookups;
use super::fetch::{CONCURRENT_MAX, Caller, without_places};
use crate::canonical::api::Call;
use crate::dialect::{Dialect, Resolver};
use crate::ids::resolver::{Answered, Pairs, asked};
use crate::json::{Kind, Value};
use crate::lens::{Found, Lookup, Need, Resolutions};
use crate::problem::Problem;
use crate::telemetry::ResolverOutcome;
use crate::time::Deadline;

/// How often the answers to lookups may lead to further lookups: an organization, a role in it, and some to spare.
pub(super) const ROUNDS_MAX: usize = 4;

/// How many rows are asked for at a time, of lists that are paged.
pub(super) const PAGE_ROWS: usize = 1000;

/// The most rows a list may have that is looked through.
pub(super) const ROWS_MAX: usize = 20_000;

/// Answers `needs` and puts the answers into `resolutions`: those of the id map together, the others several at once.
pub(super) async fn resolve(
    caller: &Caller<'_>,
    dialect: &Dialect,
    needs: Vec<Need>,
    resolutions: &mut Resolutions,
) -> Result<(), Box<Problem>> {
    let (imported, others): (Vec<_>, Vec<_>) =
        needs.into_iter().partition(|need| matches!(need.of, Lookup::Imported(_)));
    if !imported.is_empty() {
        let found = look_up_imported(caller.lookups(), caller.deadline(), dialect, &imported).await?;
        for (need, found) in imported.into_iter().zip(found) {
            caller.narrator().tell(|story| story.looked_up(&need, &found, "from the id map"));
            resolutions.insert(need, found);
        }
    }
    let answers = stream::iter(others).map(async |need| {
        let found = look_up(caller, dialect, &need).await?;
        Ok::<_, Box<Problem>>((need, found))
    });
    let found: Vec<_> = answers.buffered(CONCURRENT_MAX).try_collect().await?;
    for (need, found) in found {
        resolutions.insert(need, found);
    }
    Ok(())
}

/// Asks the id map, for all ids at once.
pub(super) async fn look_up_imported(
    lookups: &Lookups,
    deadline: Deadline,
    dialect: &Dialect,
    needs: &[Need],
) -> Result<Vec<Found>, Box<Problem>> {
    let Some(ids) = &lookups.ids else {
        return Ok(vec![Found::Missing; needs.len()]);
    };
    match timeout_at(deadline.instant(), ids.look_up(dialect.family(), needs)).await {
        Ok(found) => found.map_err(|error| {
            // The chain says which file and what is wrong with it.
            let cause = error.source().map_or_else(String::new, |source| format!(": {source}"));
            Box::new(Problem::ids_away(format!("{error}{cause}")))
        }),
        Err(_elapsed) => Err(Box::new(Problem::ids_away("the id map did not answer in time"))),
    }
}

async fn look_up(caller: &Caller<'_>, dialect: &Dialect, need: &Need) -> Result<Found, Box<Problem>> {
    let resolver = match need.of {
        Lookup::Resolver(index) => dialect.resolvers.get(index),
        Lookup::Imported(_) => None,
    };
    let resolver =
        resolver.ok_or_else(|| Problem::internal("a lens names a resolver its dialect does not have"))?;
    let load = async || load(caller, resolver, need).await;
    let (found, by) = find(caller, dialect, resolver, need, load).await?;
    caller.narrator().tell(|story| story.looked_up(need, &found, in_words(by)));
    Ok(found)
}

/// Finds the counterpart of one id, remembered or with `load`, and counts how.
pub(super) async fn find(
    caller: &Caller<'_>,
    dialect: &Dialect,
    resolver: &Resolver,
    need: &Need,
    load: impl AsyncFn() -> Result<Pairs, Box<Problem>>,
) -> Result<(Found, Answered), Box<Problem>> {
    let (principal, deadline) = (caller.principal(), caller.deadline());
    let found =
        caller.lookups().resolvers.find(&dialect.name, resolver, need, principal, || caller.is_spent(), load);
    // Someone else may be asking, whose deadline is later than ours.
    let outcome = timeout_at(deadline.instant(), found).await.unwrap_or_else(|_elapsed| {
        Err(Box::new(Problem::gateway_timeout("a lookup was not answered in time")))
    });
    caller.shared().meters.looked_up(
        &resolver.name,
        match &outcome {
            Ok((_, Answered::Remembered)) => ResolverOutcome::Hit,
            Ok((Found::Value(_), Answered::Loaded)) => ResolverOutcome::Loaded,
            Ok((Found::Missing, Answered::Loaded)) => ResolverOutcome::Miss,
            Err(_) => ResolverOutcome::Failed,
        },
    );
    outcome
}

/// Where an answer came from, as an explanation says it.
pub(super) fn in_words(by: Answered) -> &'static str {
    match by {
        Answered::Loaded => "asked of the backend",
        Answered::Remembered => "remembered",
    }
}

/// Asks the backend, for the one id or for all rows there are.
async fn load(caller: &Caller<'_>, resolver: &Resolver, need: &Need) -> Result<Pairs, Box<Problem>> {
    let names = &caller.shared().registry.api().page;
    let takes = |name: &str| resolver.calls.query.iter().any(|known| known == name);
    // A backend that speaks a dialect does not find things by what they are called in another: all pairs are read.
    let speaks_another = caller.shared().reverse.is_some();
    let asked = asked(resolver, need).filter(|_| !speaks_another);
    let is_paged = asked.is_none() && takes(&names.limit) && takes(&names.offset);

    let (mut pairs, mut rows_seen) = (Pairs::new(), 0);
    loop {
        let mut query: Vec<(Box<str>, String)> = Vec::new();
        if let (Some(parameter), Some(key)) = (&resolver.find, asked) {
            query.push((parameter.as_str().into(), key.to_owned()));
        }
        if asked.is_none() && takes(&names.limit) {
            query.push((names.limit.as_str().into(), PAGE_ROWS.to_string()));
        }
        if rows_seen > 0 {
            query.push((names.offset.as_str().into(), rows_seen.to_string()));
        }
        let answer = caller.send(&call(resolver, need, query)).await.map_err(without_places)?;
        let document = answer.body.ok_or_else(|| invalid("the answer to a lookup has no body"))?;
        let (page, rows) = read(resolver, document.root())?;
        if speaks_another && !tells_pairs(resolver, document.root()) {
            let Resolver { name, left, right, .. } = resolver;
            return Err(Box::new(Problem::inexpressible(format!(
                "`{name}` cannot be looked up: the backend's API does not tell `{left}` beside `{right}`"
            ))));
        }
        pairs.extend(page);
        rows_seen += rows;

        let total = document.root().member(&names.total).and_then(Value::as_i64);
        // A dialect need not say how many there are: then only an empty page is the end.
        let unsaid = if speaks_another { usize::MAX } else { rows_seen };
        let total = total.and_then(|total| usize::try_from(total).ok()).unwrap_or(unsaid);
        if !is_paged || rows == 0 || rows_seen >= total {
            return Ok(pairs);
        }
        if rows_seen >= ROWS_MAX {
            return Err(Box::new(Problem::internal("a list is too long to be looked through")));
        }
    }
}

fn call(resolver: &Resolver, need: &Need, query: Vec<(Box<str>, String)>) -> Call {
    let path = resolver.scope.iter().zip(&need.scope);
    let path = path.map(|(name, value)| (name.as_str().into(), value.clone())).collect();
    Call { operation: resolver.calls.clone(), path, query, body: None }
}

/// The pairs of an answer, and how many rows it had. A row without one of the two has no pair.
fn read(resolver: &Resolver, answer: Value<'_>) -> Result<(Pairs, usize), Box<Problem>> {
    let rows = answer.member(&resolver.rows).filter(|rows| rows.kind() == Kind::Array);
    let rows = rows.ok_or_else(|| invalid("the answer to a lookup has no list of rows"))?;
    let pairs =
        rows.elements().filter_map(|row| Some((text(row, &resolver.left)?, text(row, &resolver.right)?)));
    Ok((pairs.collect(), rows.len()))
}

/// Whether every row tells both halves of its pair, be it that it has none. What is not told is not missing.
fn tells_pairs(resolver: &Resolver, answer: Value<'_>) -> bool {
    let tells = |row: Value<'_>, field: &str| field.split('.').try_fold(row, Value::member).is_some();
    let rows = answer.member(&resolver.rows).into_iter().flat_map(Value::elements);
    rows.into_iter().all(|row| tells(row, &resolver.left) && tells(row, &resolver.right))
}

/// A field of a row, with dots between the names of nested ones. An id may be a number.
fn text(row: Value<'_>, field: &str) -> Option<String> {
    let value = field.split('.').try_fold(row, Value::member)?;
    match value.kind() {
        Kind::String => value.as_str().map(Cow::into_owned),
        Kind::Integer => Some(value.raw().to_owned()),
        Kind::Null | Kind::False | Kind::True | Kind::Number | Kind::Array | Kind::Object => None,
    }
}

pub(super) fn invalid(cause: &'static str) -> Box<Problem> {
    Box::new(Problem::bad_gateway("invalid-answer", cause))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use http::Method;

    use super::*;
    use crate::canonical::api;
    use crate::json::{Document, Limits};

    fn resolver(left: &str, right: &str) -> Resolver {
        Resolver {
            name: "thing".to_owned(),
            calls: Arc::new(api::Operation {
                name: "things.list".to_owned(),
                method: Method::GET,
                path: Vec::new(),
                query: Vec::new(),
                body: None,
                reads: None,
                changes: Vec::new(),
                answers: Vec::new(),
            }),
            scope: vec!["place_id".to_owned()],
            find: None,
            rows: "items".to_owned(),
            left: left.to_owned(),
            right: right.to_owned(),
            remember: Duration::ZERO,
            misses: Duration::ZERO,
        }
    }

    fn pairs(resolver: &Resolver, answer: &str) -> Result<(Pairs, usize), Box<Problem>> {
        let document = Document::parse(answer.as_bytes().to_vec(), &Limits::default()).unwrap();
        read(resolver, document.root())
    }

    #[test]
    fn pairs_are_the_two_fields_of_each_row() {
        let answer =
            r#"{"items":[{"n":1,"owner":{"id":"x"}},{"n":2,"owner":null},{"n":3,"owner":{"id":"z"}}]}"#;
        let pair = |left: &str, right: &str| (left.to_owned(), right.to_owned());
        let (pairs, rows) = pairs(&resolver("n", "owner.id"), answer).unwrap();
        assert_eq!((pairs, rows), (vec![pair("1", "x"), pair("3", "z")], 3));
    }

    #[test]
    fn an_answer_without_rows_is_the_backends_fault() {
        for answer in ["{}", "[]", r#"{"items":{}}"#, r#"{"items":null}"#] {
            let problem = pairs(&resolver("a", "b"), answer).unwrap_err();
            assert_eq!((problem.status.get().as_u16(), problem.code.as_ref()), (502, "invalid-answer"));
        }
    }

    #[test]
    fn the_scope_fills_the_path_of_the_call() {
        let need = Need {
            of: Lookup::Resolver(0),
            direction: crate::lens::Direction::Lift,
            scope: vec!["7".to_owned()],
            key: "acme".to_owned(),
        };
        let call = call(&resolver("a", "b"), &need, Vec::new());
        assert_eq!(call.path, [("place_id".into(), "7".to_owned())]);
    }
}
