//! In the place of phases 3 to 8: a request is handed on to the old upstream as it is, and its answer back as it comes.
//!
//! Nothing is translated: method, path below the mount, query, headers and body are the client's, but for what belongs to
//! one connection, what hops say of their clients, which is ours to say, and ids in path and query that only the canonical side
//! gives, where the id map knows what the old upstream calls the same. A HEAD is a GET here as everywhere. Only failing to get
//! an answer is told in the words of the dialect, and that a request has come back.

use std::pin::pin;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, LINK};
use http::{HeaderMap, HeaderName, Response, StatusCode};
use http_body::Body;
use http_body_util::Full;

use super::admit::Admitted;
use super::fetch::{Counting, Made, counted, share_of, unanswered, unanswered_change};
use super::key::{IDEMPOTENCY_KEY, Key};
use super::mode::Plan;
use super::select::Selected;
use super::{BoxError, Exchange, Gateway, Shared, decode, retirement};
use crate::dialect::operation::AnswerPlan;
use crate::dialect::retirement::{DEPRECATION, SUNSET};
use crate::dialect::url::Url;
use crate::dialect::{self, Operation};
use crate::json::{Document, Limits};
use crate::problem::Problem;
use crate::schema::Schema;
use crate::translate::{self, lift};
use crate::upstream::{self, Keys};

mod address;
mod onward;

use address::readdressed;
pub(super) use onward::Alias;
use onward::{is_decisive, onward, tell, without_those_of_one_connection};

/// What answers may say of all that there is at a host, and so of what others serve there.
const OF_THE_WHOLE_HOST: [HeaderName; 2] =
    [HeaderName::from_static("alt-svc"), HeaderName::from_static("clear-site-data")];

/// Hands a request on, and its answer back.
pub(super) async fn pass<B: Body<Data = Bytes, Error: Into<BoxError>>>(
    gateway: &Gateway,
    plan: &Plan,
    admitted: Admitted<B>,
    exchange: &mut Exchange,
) -> Result<Response<Full<Bytes>>, Box<Problem>> {
    let Admitted { selected, credential } = admitted;
    let Selected { target, url, head, body } = *selected;
    let shared = &*gateway.shared;
    let upstream = plan.upstream(&gateway.legacies);
    let upstream = upstream.ok_or_else(|| Box::new(Problem::internal("a mode has no old upstream")))?;
    let is_decisive = |name: &HeaderName| is_decisive(&shared.registry, &target.dialect, name);
    if shared.alias.is_in(&head.headers) {
        let cause = "what was handed on to the old upstream has come back: its `base` leads here";
        return Err(Box::new(Problem::bad_gateway("loop-detected", cause)));
    }
    let mut headers = onward(&head.headers, is_decisive)?;
    tell(&mut headers, &url, |host| plan.is_at(host), head.version, &shared.alias, exchange);
    // What is no text in a path, or ends lines there, is read in as many ways as there are readers.
    translate::decode_path(target.path.clone())?;
    let key = Key::of(&target.operation, &head.headers)?;
    let body = decode::bytes(&shared.config, pin!(body)).await?;
    gateway.find_passed(&target, &url, &body, exchange);
    if plan.validates() {
        heed_what_retires(shared, &target, &url, &body, exchange)?;
    }
    let readdressed = readdressed(&gateway.lookups, &target, &url, exchange).await?;
    let onward_keyed = headers.contains_key(IDEMPOTENCY_KEY);
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.clone(), Some(value))).collect();
    let is_keyed = key.is_some() && onward_keyed;
    let call = upstream::Request {
        method: &head.method,
        target: readdressed.as_deref().unwrap_or(&url.target.as_str()[url.mount..]),
        headers: &headers,
        body: &body,
        safe: target.operation.is_safe(),
        is_keyed,
        follows: false,
        share: Some(share_of(credential.principal())),
        passes: true,
    };
    if exchange.deadline.has_passed() {
        return Err(Box::new(Problem::not_begun()));
    }
    exchange.count_call();
    let counting = Counting::begin(|outcome| shared.meters.passed(&target.dialect.name, outcome));
    let outcome = upstream.send(call, exchange.deadline).await;
    counting.end(counted(&outcome));
    let answer = outcome.map_err(|error| {
        let is_known_again = is_keyed && upstream.keys() == Keys::Honoured;
        let of_change = || unanswered_change(&error, Made::by, is_known_again);
        Box::new(if target.operation.is_safe() { unanswered(&error) } else { of_change() })
    })?;
    exchange.is_answered(answer.status);
    if plan.validates() {
        validate(shared, target, url, &body, &answer);
    }
    Ok(back(answer, exchange))
}

/// Notes what of a request retires, and refuses it as the canonical side would. What cannot be read uses nothing of it, and
/// what is not sound otherwise is for the old upstream to judge.
fn heed_what_retires(
    shared: &Shared,
    target: &dialect::Selected,
    url: &Url,
    body: &Bytes,
    exchange: &mut Exchange,
) -> Result<(), Box<Problem>> {
    if target.operation.with_cases().all(|operation| operation.watches.is_empty()) {
        return Ok(());
    }
    let document = if body.is_empty() { None } else { parsed(shared, body) };
    let Ok(mut request) = translate::Request::new(target.clone(), url.clone(), document) else {
        return Ok(());
    };
    let is_sound = translate::check(&request).is_ok();
    request.choose_case();
    retirement::note(&request, exchange);
    if is_sound { retirement::refuse_parts(&shared.clock, &request, exchange) } else { Ok(()) }
}

/// An answer as the client gets it, and besides what retires.
fn back(answer: upstream::Answer, exchange: &Exchange) -> Response<Full<Bytes>> {
    let upstream::Answer { status, headers, body, .. } = answer;
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    *response.headers_mut() =
        without_those_of_one_connection(headers.map_or_else(HeaderMap::new, |all| *all));
    for name in &OF_THE_WHOLE_HOST {
        response.headers_mut().remove(name);
    }
    // The length is said by whoever writes the answer.
    response.headers_mut().remove(CONTENT_LENGTH);
    let mut retires = HeaderMap::new();
    retirement::write_headers(exchange, &mut retires);
    if !retires.is_empty() {
        // One of its own beside one of ours could be the end of what is not deprecated yet (RFC 9745, section 4).
        response.headers_mut().remove(DEPRECATION);
        response.headers_mut().remove(SUNSET);
    }
    for (name, value) in &retires {
        // Its own links stay.
        if *name == LINK {
            response.headers_mut().append(name, value.clone());
        } else {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

/// Looks whether request and answer are what the mapping takes them for, and counts what is not.
fn validate(shared: &Shared, target: dialect::Selected, url: Url, body: &Bytes, answer: &upstream::Answer) {
    let (dialect, operation) = (target.dialect.clone(), target.operation.clone());
    if answer_fits(shared, &operation, answer) == Some(false) {
        shared.meters.passed_misfit(&dialect.name, &operation.name, "answer");
    }
    // What the old upstream refuses need not be right.
    if answer.status.is_success() && fitting(shared, target, url, body).is_none() {
        shared.meters.passed_misfit(&dialect.name, &operation.name, "request");
    }
}

/// A request that could be lifted, as far as that is known without asking anybody.
pub(super) fn fitting(
    shared: &Shared,
    target: dialect::Selected,
    url: Url,
    body: &Bytes,
) -> Option<translate::Request> {
    let document = if body.is_empty() { None } else { Some(parsed(shared, body)?) };
    let mut request = translate::Request::new(target, url, document).ok()?;
    translate::check(&request).ok()?;
    request.choose_case();
    translate::fan_out(&request, shared.config.fan_out_max).ok()?;
    lift::lift(shared.registry.api(), &request, &shared.resolutions()).ok()?;
    Some(request)
}

/// Whether an answer is one that the mapping says the dialect has. Of refusals, and of what is encoded, nobody knows.
fn answer_fits(shared: &Shared, operation: &Operation, answer: &upstream::Answer) -> Option<bool> {
    let is_encoded = answer.headers.as_ref().is_some_and(|headers| headers.contains_key(CONTENT_ENCODING));
    if !answer.status.is_success() || is_encoded {
        return None;
    }
    let mut fits = None;
    for schema in operation.with_cases().filter_map(|one| shape_of(one, answer.status)) {
        let fits_this = match schema {
            Shape::Any => true,
            Shape::Of(schema) => {
                parsed(shared, &answer.body).is_some_and(|body| schema.is_valid(body.root()))
            }
        };
        fits = Some(fits.unwrap_or(false) || fits_this);
    }
    // A success that no mapping speaks of is none that clients of the dialect know.
    Some(fits.unwrap_or(false))
}

/// What a body must look like.
enum Shape<'o> {
    Any,
    Of(&'o Schema),
}

/// What a body must look like that comes with a status, if there is such an answer.
fn shape_of(operation: &Operation, status: StatusCode) -> Option<Shape<'_>> {
    if operation.settled.iter().any(|refusal| refusal.status == status) {
        return Some(Shape::Any);
    }
    let schema = match &operation.answer {
        AnswerPlan::One(answers) => answers.iter().find(|answer| answer.status == status)?.schema.as_ref(),
        AnswerPlan::Collect(collect) => {
            let is_known = [Some(collect.all), Some(collect.some), collect.none].contains(&Some(status));
            if !is_known {
                return None;
            }
            collect.schema.as_ref()
        }
    };
    Some(schema.map_or(Shape::Any, |schema| Shape::Of(schema)))
}

pub(super) fn parsed(shared: &Shared, bytes: &[u8]) -> Option<Document> {
    let limits = Limits { depth_max: shared.config.depth_max, bytes_max: usize::MAX, ..Limits::default() };
    Document::parse(bytes.to_vec(), &limits).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::dialect::retirement::{Dates, Retirement};

    #[test]
    fn what_retires_is_told_by_us_alone_where_we_tell_anything() {
        let dates = Dates {
            deprecated: UNIX_EPOCH + Duration::from_hours(24),
            sunset: None,
            gone: None,
            brown_outs: Vec::new(),
            docs: None,
            successor: None,
        };
        let mut exchange = Exchange::of(&http::Request::new(()), Duration::from_secs(1));
        let told = |exchange: &Exchange| {
            let mut headers = HeaderMap::new();
            headers.insert(DEPRECATION, "true".parse().unwrap());
            headers.insert(SUNSET, "Thu, 01 Jan 1970 00:00:00 GMT".parse().unwrap());
            let (etag, retry_after, body) = (None, None, Vec::new());
            let headers = Some(Box::new(headers));
            let (status, media) = (StatusCode::OK, upstream::Media::Unsaid);
            let answer = upstream::Answer { status, media, etag, retry_after, headers, body };
            let back = back(answer, exchange);
            let text = |name| back.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
            (text(DEPRECATION), text(SUNSET))
        };
        assert_eq!(told(&exchange).1.as_deref(), Some("Thu, 01 Jan 1970 00:00:00 GMT"));
        exchange.retiring.push(Arc::new(Retirement::new(dates, None)));
        assert_eq!(told(&exchange), (Some("@86400".to_owned()), None));
    }
}
