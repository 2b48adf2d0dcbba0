//! Part of phase 6 where the backend speaks a dialect: each call is asked in the dialect's words, and what is answered is
//! told in canonical ones. All other phases are what they are with any backend.
//!
//! A call that the dialect has no words for is refused with the reason, and nothing reaches the backend.

use std::collections::HashMap;
use std::sync::Arc;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, StatusCode};

use super::admit::Credential;
use super::fetch::{Caller, JSON, Made, after_a_change, seconds};
use super::key::IDEMPOTENCY_KEY;
use super::resolve::ROUNDS_MAX;
use crate::canonical::api::Call;
use crate::dialect::{Dialect, Registry};
use crate::json::{Document, Limits};
use crate::lens::Resolutions;
use crate::problem::Problem;
use crate::telemetry::{RequestId, X_REQUEST_ID};
use crate::translate::answer::Answer;
use crate::translate::reverse::ask::{Asked, Latitude, Ways, ask};
use crate::translate::reverse::lacks::{lacks, list_of};
use crate::translate::reverse::own::refuse_query;
use crate::translate::reverse::told::{Asked as For, Heard};
use crate::translate::{Request, Step};
use crate::upstream;

mod look;
mod record;

use self::look::Trail;

/// What a backend speaks that does not speak canonical.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The name of the dialect.
    pub dialect: String,
    /// Whether a list may come in the dialect's own order, where that wanted cannot be asked for.
    pub any_order: bool,
}

/// A backend that speaks a dialect.
#[derive(Debug)]
pub struct Reverse {
    ways: Ways,
    latitude: Latitude,
    /// By dialect and operation, why it cannot be answered.
    lacking: HashMap<(String, String), String>,
}

impl Reverse {
    /// Everything for asking a backend; none if there is no such dialect.
    pub fn of(registry: &Registry, config: &Config) -> Option<Reverse> {
        let dialect = registry.dialect(&config.dialect)?;
        let latitude = Latitude { any_order: config.any_order, any_part: false };
        let ways = Ways::new(registry.api(), dialect);
        let lacking = lacking(registry, &ways).into_iter();
        let lacking = lacking.map(|Lacking { dialect, operation, reason }| ((dialect, operation), reason));
        let lacking = lacking.collect();
        Some(Reverse { ways, latitude, lacking })
    }

    /// The dialect.
    pub fn dialect(&self) -> &Arc<Dialect> {
        self.ways.dialect()
    }
}

/// An operation that cannot be answered where the backend speaks a certain dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lacking {
    /// The dialect of the client.
    pub dialect: String,
    /// Its operation.
    pub operation: String,
    /// Why.
    pub reason: String,
}

/// What clients lack, whatever they write, those who speak canonical among them; nothing if there is no dialect of that name.
pub fn lacking_with(registry: &Registry, config: &Config) -> Vec<Lacking> {
    let ways = registry.dialect(&config.dialect).map(|dialect| Ways::new(registry.api(), dialect));
    ways.map_or_else(Vec::new, |ways| lacking(registry, &ways))
}

fn lacking(registry: &Registry, ways: &Ways) -> Vec<Lacking> {
    let of = |dialect: &Arc<Dialect>| {
        let own = dialect.operations.iter().filter_map(|operation| {
            let reason = lacks(registry.api(), ways, dialect, operation)?;
            Some(Lacking { dialect: dialect.name.clone(), operation: operation.name.clone(), reason })
        });
        own.collect::<Vec<_>>()
    };
    registry.with_canonical().flat_map(of).collect()
}

/// Refuses what cannot be answered, before anybody is asked.
pub(super) fn refuse(registry: &Registry, reverse: &Reverse, request: &Request) -> Result<(), Box<Problem>> {
    if registry.is_canonical(&request.dialect) {
        refuse_query(registry.api(), request)?;
    }
    if reverse.lacking.is_empty() {
        return Ok(());
    }
    let name = (request.dialect.name.clone(), request.operation.name.clone());
    match reverse.lacking.get(&name) {
        Some(reason) if !is_case(request) => {
            Err(Box::new(Problem::inexpressible(format!("the backend's API: {reason}"))))
        }
        Some(_) | None => Ok(()),
    }
}

/// Whether the body made it a case of its operation, which may be answered otherwise.
fn is_case(request: &Request) -> bool {
    !request.dialect.operations.iter().any(|operation| Arc::ptr_eq(operation, &request.operation))
}

/// A header of a call, with its value.
type Header = (HeaderName, HeaderValue);

/// Makes one call of the client's.
pub(super) async fn send(
    caller: &Caller<'_>,
    reverse: &Reverse,
    call: &Call,
    key: Option<&HeaderValue>,
    is_reduced: bool,
) -> Result<Answer, Box<Problem>> {
    let api = caller.shared().registry.api();
    // An update of which nothing is left is the record as it is. One that never said anything is for the backend to judge.
    let reads = call.operation.reads.as_deref().and_then(|name| api.operation(name));
    if let Some(reads) = reads.filter(|_| is_reduced && call.body.as_deref() == Some(b"{}")) {
        let read =
            Call { operation: Arc::clone(reads), body: None, query: Vec::new(), path: call.path.clone() };
        return send_as(caller, reverse, &read, None, Trail::begin()).await;
    }
    send_as(caller, reverse, call, key, Trail::begin()).await
}

/// Makes one call, for itself or on the way to another.
async fn send_as(
    caller: &Caller<'_>,
    reverse: &Reverse,
    call: &Call,
    key: Option<&HeaderValue>,
    trail: Trail<'_>,
) -> Result<Answer, Box<Problem>> {
    let api = caller.shared().registry.api();
    if reverse.ways.to(&call.operation.name).is_empty()
        && let Some(list) = list_of(api, &reverse.ways, &call.operation)
    {
        return Box::pin(record::find(caller, reverse, call, list, trail)).await;
    }
    let mut known = caller.shared().resolutions();
    for _round in 0..=ROUNDS_MAX {
        match ask(api, &reverse.ways, call, &known, reverse.latitude)? {
            Step::Done(asked) => {
                let answer = exchange(caller, call, &asked, key).await?;
                return told(caller, reverse, (call, key.is_some()), &asked, answer, known, trail).await;
            }
            Step::Needs(needs) => Box::pin(look::up(caller, reverse, needs, &mut known, trail)).await?,
        }
    }
    Err(Box::new(Problem::internal("the call needs more rounds of lookups than any mapping should")))
}

/// Sends what is asked, and gives what was answered, whatever its status.
async fn exchange(
    caller: &Caller<'_>,
    call: &Call,
    asked: &Asked<'_>,
    key: Option<&HeaderValue>,
) -> Result<upstream::Answer, Box<Problem>> {
    let (name, credential) = carried(&asked.request.dialect, caller.credential())?;
    let key = key.filter(|_| !call.operation.is_safe());
    let request_id = caller.request_id().map(RequestId::to_header);
    let body = asked.request.body.as_ref().map(Document::text);
    let request = upstream::Request {
        method: &asked.way.whole.method,
        target: &asked.target,
        headers: &[
            (name, Some(&credential)),
            (ACCEPT, Some(&JSON)),
            (CONTENT_TYPE, body.map(|_| &JSON)),
            (IDEMPOTENCY_KEY, key),
            (X_REQUEST_ID, request_id.as_ref()),
        ],
        body: body.unwrap_or_default().as_bytes(),
        safe: call.operation.is_safe() && asked.way.whole.is_safe(),
        is_keyed: key.is_some(),
        follows: caller.follows(),
        share: Some(caller.share()),
        passes: false,
    };
    caller.transmit(call, request, |status| made(asked, status)).await
}

/// The header that carries the credential in a dialect: as the first of its forms that it has.
fn carried(dialect: &Dialect, credential: &Credential) -> Result<Header, Box<Problem>> {
    let refused = || Box::new(Problem::unauthenticated("the credential is none of the backend's API"));
    let secret = credential.secret().ok_or_else(refused)?;
    let form = dialect.credentials.iter().find(|form| form.pattern.is_match(secret)).ok_or_else(refused)?;
    let value = match &form.scheme {
        Some(scheme) => format!("{scheme} {secret}"),
        None => secret.to_owned(),
    };
    let mut value = HeaderValue::try_from(value).map_err(|_| refused())?;
    value.set_sensitive(true);
    Ok((form.header.clone(), value))
}

/// What a status of the dialect says of a change. Where one tells of items that were refused as well, nobody knows what became
/// of this one until the rest is read.
fn made(asked: &Asked<'_>, status: StatusCode) -> Made {
    let is_sure = !status.is_success() || asked.way.reader().says_done(status);
    if is_sure { Made::by(status) } else { Made::Unknown }
}

/// What an answer says in canonical words.
async fn told(
    caller: &Caller<'_>,
    reverse: &Reverse,
    (call, is_keyed): (&Call, bool),
    asked: &Asked<'_>,
    answer: upstream::Answer,
    mut known: Resolutions,
    trail: Trail<'_>,
) -> Result<Answer, Box<Problem>> {
    let upstream::Answer { status, retry_after, body, .. } = answer;
    let was_changed = !call.operation.is_safe() && status.is_success();
    let caller = if was_changed { caller.following() } else { *caller };
    let unread = |problem| if was_changed { after_a_change(problem) } else { problem };
    let untold = |problem| caller.of_answer(problem, call, made(asked, status), is_keyed);
    let limits = Limits { bytes_max: body.len(), ..Limits::default() };
    let body = if body.is_empty() { None } else { Document::parse(body, &limits).ok() };
    let heard = Heard {
        status,
        retry_after: retry_after.as_ref().and_then(seconds),
        body: body.as_ref().map(Document::root),
    };
    let items: Vec<_> =
        asked.request.items().map(|(item, _)| item).collect::<Option<_>>().unwrap_or_default();
    let page = asked.window.and_then(|window| window.page);
    let about = For { path: &call.path, page, items: &items };
    for round in 0..=ROUNDS_MAX {
        let step = asked.way.reader().told(&about, &heard, &known);
        // By the second round it is what was looked up that cannot be told.
        match step.map_err(|problem| if round > 0 { unread(problem) } else { untold(problem) })? {
            Step::Done(told) => {
                let outcome = told.outcomes.into_iter().next().flatten();
                let outcome = outcome.ok_or_else(|| {
                    Problem::done_and_unread("the answer does not say what became of the call")
                })?;
                // What a success tells of an item that was refused is sure.
                let answer =
                    outcome.map_err(|problem| if status.is_success() { problem } else { untold(problem) })?;
                return Ok(match asked.window {
                    Some(window) => window.cut(&caller.shared().registry.api().page, answer)?,
                    None => answer,
                });
            }
            Step::Needs(needs) => {
                let found = Box::pin(look::up(&caller, reverse, needs, &mut known, trail)).await;
                found.map_err(unread)?;
            }
        }
    }
    let cause = "the answer needs more rounds of lookups than any mapping should";
    Err(unread(Box::new(Problem::internal(cause))))
}
