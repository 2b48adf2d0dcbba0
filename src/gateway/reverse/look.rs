//! Lookups where the backend speaks a dialect: the pairs are read from a list of the dialect that tells both halves.

use std::collections::HashSet;

use super::{Reverse, exchange};
use crate::canonical::api::Call;
use crate::dialect::{Dialect, Resolver};
use crate::gateway::fetch::{Caller, without_places};
use crate::gateway::resolve::{PAGE_ROWS, ROUNDS_MAX, ROWS_MAX, find, in_words, invalid, look_up_imported};
use crate::ids::resolver::{Answered, Pairs};
use crate::json::{Document, Limits};
use crate::lens::explain::{How, Outcome, Told};
use crate::lens::{Direction, Found, Lookup, Need, Resolutions};
use crate::problem::{ErrorStatus, Problem};
use crate::translate::Step;
use crate::translate::explain::{Explanation, Phase};
use crate::translate::reverse::ask::pairs::Rows;
use crate::translate::reverse::ask::{Asked, Latitude, ask_by};

/// Which lookups are under way, the last one first: one that needs itself would wait for itself.
#[derive(Clone, Copy)]
pub(super) struct Trail<'t>(Option<(usize, &'t Trail<'t>)>);

impl Trail<'_> {
    pub(super) fn begin() -> Trail<'static> {
        Trail(None)
    }

    fn has(&self, resolver: usize) -> bool {
        self.0.is_some_and(|(last, before)| last == resolver || before.has(resolver))
    }
}

/// Answers `needs` and puts the answers into `known`.
pub(super) async fn up(
    caller: &Caller<'_>,
    reverse: &Reverse,
    needs: Vec<Need>,
    known: &mut Resolutions,
    trail: Trail<'_>,
) -> Result<(), Box<Problem>> {
    let dialect = reverse.dialect();
    let (imported, others): (Vec<_>, Vec<_>) =
        needs.into_iter().partition(|need| matches!(need.of, Lookup::Imported(_)));
    if !imported.is_empty() {
        let found = look_up_imported(caller.lookups(), caller.deadline(), dialect, &imported).await?;
        for (need, found) in imported.into_iter().zip(found) {
            caller.narrator().tell(|story| story.looked_up(&need, &found, "from the id map"));
            known.insert(need, found);
        }
    }
    for need in others {
        let Lookup::Resolver(index) = need.of else { continue };
        let resolver = dialect.resolvers.get(index);
        let resolver =
            resolver.ok_or_else(|| Problem::internal("a lens names a resolver its dialect does not have"))?;
        if trail.has(index) {
            let name = &resolver.name;
            return Err(Box::new(Problem::inexpressible(format!(
                "to look up `{name}`, it has to be known already"
            ))));
        }
        let within = Trail(Some((index, &trail)));
        let load = async || load(caller, reverse, resolver, &need, within).await;
        let (found, by) = Box::pin(find(caller, dialect, resolver, &need, load)).await?;
        caller.narrator().tell(|story| tell(story, dialect, resolver, &need, &found, by));
        known.insert(need, found);
    }
    Ok(())
}

/// Tells of a lookup that the backend's dialect has, which is another than that of the request.
fn tell(
    story: &mut Explanation,
    dialect: &Dialect,
    resolver: &Resolver,
    need: &Need,
    found: &Found,
    by: Answered,
) {
    let there = if *found == Found::Missing { "none" } else { "found" };
    let way = if need.direction == Direction::Lift { "its own id" } else { "the canonical id" };
    let (name, by) = (&resolver.name, in_words(by));
    let sentence = format!("resolver `{name}` of the backend's `{dialect}`, from {way}: {there} ({by})");
    let origin = dialect.origins.of(&["resolver", name]);
    let how = vec![How::Said(sentence)];
    let told = Told { to: None, from: None, origin, outcome: Outcome::Checked, how };
    story.add(Phase::LookUp, "ids", vec![told]);
}

/// Reads all rows there are.
async fn load(
    caller: &Caller<'_>,
    reverse: &Reverse,
    resolver: &Resolver,
    need: &Need,
    trail: Trail<'_>,
) -> Result<Pairs, Box<Problem>> {
    let rows = Rows::of(&reverse.ways, resolver)?;
    let names = &caller.shared().registry.api().page;
    let path = resolver.scope.iter().zip(&need.scope);
    let path: Vec<_> = path.map(|(name, value)| (name.as_str().into(), value.clone())).collect();
    let takes = |name: &str| resolver.calls.query.iter().any(|known| known == name);
    let (mut pairs, mut seen) = (Pairs::new(), 0);
    loop {
        let query = [(names.limit.as_str(), PAGE_ROWS), (names.offset.as_str(), seen)];
        let query = query.into_iter().filter(|(name, _)| takes(name));
        let query = query.map(|(name, number)| (name.into(), number.to_string())).collect();
        let call = Call { operation: resolver.calls.clone(), path: path.clone(), query, body: None };
        let page = page(caller, reverse, &rows, &call, trail).await?;
        pairs.extend(page.pairs);
        seen += page.rows;
        if page.rows == 0 || page.is_last {
            let Resolver { name, left, right, .. } = resolver;
            return one_to_one(pairs).ok_or_else(|| {
                Box::new(Problem::inexpressible(format!(
                    "`{name}` cannot be looked up: in the backend's list one `{left}` stands beside several `{right}`, or the \
                     other way round"
                )))
            });
        }
        if seen >= ROWS_MAX {
            return Err(Box::new(Problem::internal("a list is too long to be looked through")));
        }
    }
}

/// The pairs, if each half of one is in no other: else nobody knows which is meant.
fn one_to_one(mut pairs: Pairs) -> Option<Pairs> {
    pairs.sort_unstable();
    pairs.dedup();
    let is_once = |halves: Vec<&str>| {
        let count = halves.len();
        halves.into_iter().collect::<HashSet<_>>().len() == count
    };
    let lefts = pairs.iter().map(|(left, _)| left.as_str()).collect();
    let rights = pairs.iter().map(|(_, right)| right.as_str()).collect();
    (is_once(lefts) && is_once(rights)).then_some(pairs)
}

/// A part of a list.
struct Page {
    pairs: Pairs,
    rows: usize,
    is_last: bool,
}

async fn page(
    caller: &Caller<'_>,
    reverse: &Reverse,
    rows: &Rows<'_>,
    call: &Call,
    trail: Trail<'_>,
) -> Result<Page, Box<Problem>> {
    let api = caller.shared().registry.api();
    let looked_through = Latitude { any_order: true, any_part: true };
    let mut known = caller.shared().resolutions();
    let mut heard: Option<(Asked<'_>, Document)> = None;
    for _round in 0..=2 * ROUNDS_MAX {
        let needs = if let Some((asked, document)) = &heard {
            let (read, count) = rows
                .read(document.root(), &known)
                .ok_or_else(|| invalid("the answer to a lookup has no list of rows"))?;
            match read {
                Step::Done(pairs) => {
                    let skip = asked.window.map_or(0, |window| window.skip);
                    let count = count.saturating_sub(usize::try_from(skip).unwrap_or(usize::MAX));
                    let wanted = asked.window.and_then(|window| window.page);
                    let is_last = wanted.is_none_or(|wanted| {
                        let end = wanted.offset + skip + count as u64;
                        rows.total(document.root(), wanted).is_some_and(|total| end >= total)
                    });
                    return Ok(Page { pairs, rows: count, is_last });
                }
                Step::Needs(needs) => needs,
            }
        } else {
            match ask_by(api, &reverse.ways, rows.way, call, &known, looked_through)? {
                Step::Done(asked) => {
                    let answer = exchange(caller, call, &asked, None).await?;
                    heard = Some((asked, list(answer)?));
                    continue;
                }
                Step::Needs(needs) => needs,
            }
        };
        Box::pin(up(caller, reverse, needs, &mut known, trail)).await?;
    }
    Err(Box::new(Problem::internal("a lookup needs more rounds of lookups than any mapping should")))
}

/// The list in an answer. A refusal is one to look, and stands nowhere in the client's request.
fn list(answer: crate::upstream::Answer) -> Result<Document, Box<Problem>> {
    if let Some(status) = ErrorStatus::new(answer.status) {
        let refused = Problem::from_backend(
            status,
            "backend-error".to_owned(),
            "the backend refused a lookup",
            Vec::new(),
        );
        return Err(without_places(Box::new(refused)));
    }
    let limits = Limits { bytes_max: answer.body.len(), nodes_max: usize::MAX, ..Limits::default() };
    Document::parse(answer.body, &limits).map_err(|_| invalid("the answer to a lookup is no JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_pair_is_taken_where_two_could_be_meant() {
        let pairs = |pairs: &[(&str, &str)]| {
            one_to_one(pairs.iter().map(|(left, right)| ((*left).to_owned(), (*right).to_owned())).collect())
        };
        assert_eq!(pairs(&[("a", "x"), ("b", "y"), ("a", "x")]).map(|pairs| pairs.len()), Some(2));
        assert_eq!(pairs(&[("a", "x"), ("b", "x")]), None);
        assert_eq!(pairs(&[("a", "x"), ("a", "y")]), None);
    }
}
