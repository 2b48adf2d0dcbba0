//! Asking a side: a request as often as it is needed, and what is answered in canonical words.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, IF_MODIFIED_SINCE, IF_NONE_MATCH, RANGE, RETRY_AFTER};
use http::request::Parts;
use http::{Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Collected, Full};
use tokio::task::yield_now;

use super::{ANSWER_MAX, Shadow};
use crate::dialect;
use crate::dialect::page::Wanted;
use crate::dialect::url::Url;
use crate::gateway::admit::{Admitted, Credential};
use crate::gateway::fetch::is_no_answer;
use crate::gateway::mode::{Left, Plan, Side};
use crate::gateway::select::Selected;
use crate::gateway::{BoxError, Exchange, Gateway, legacy};
use crate::json::{Document, Limits};
use crate::lens::Resolutions;
use crate::problem::{Blame, Problem};
use crate::telemetry::ShadowOutcome;
use crate::translate::reverse::told::{self, Asked, Heard, Outcome, Reader};
use crate::translate::{self, Step};

/// A request, as far as it is needed to ask it again.
pub(super) struct Again {
    pub(super) target: dialect::Selected,
    pub(super) url: Url,
    pub(super) head: Parts,
    pub(super) body: Bytes,
    pub(super) credential: Credential,
}

/// What one side answered, in the words of the dialect.
pub(super) struct Answered {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
    /// Whether it is all of what was asked for, and can be read.
    pub(super) is_plain: bool,
}

/// What a side has to say to a request.
pub(super) enum Said {
    /// It answered.
    Told(Answered),
    /// It is the canonical side, and gave an answer that no client can be told. This is told instead.
    Failed(Box<Problem>),
}

/// What a side answered: in canonical words, and as it came.
pub(super) struct Told {
    pub(super) outcome: Outcome,
    pub(super) document: Option<Document>,
}

/// What the side came to that answers the client, as far as it is worth comparing.
pub(super) enum First {
    Told {
        status: StatusCode,
        body: Full<Bytes>,
        is_plain: bool,
        is_busy: bool,
    },
    /// It did not, and why. How that is told is found out beside the client.
    Refused(Box<Problem>),
}

impl First {
    /// Whether what came of a request says anything of the side. What the proxy itself could not do says nothing of either.
    pub(super) fn says_something(side: Side, outcome: &Result<Response<Full<Bytes>>, Box<Problem>>) -> bool {
        let refused = outcome.as_ref().err();
        refused.is_none_or(|problem| problem.blame == Blame::Downstream || has_failed(side, problem))
    }

    /// What came of a request.
    pub(super) fn of(outcome: &Result<Response<Full<Bytes>>, Box<Problem>>) -> First {
        match outcome {
            Ok(response) => {
                let status = response.status();
                let is_whole = !matches!(status, StatusCode::NOT_MODIFIED | StatusCode::PARTIAL_CONTENT);
                let is_plain = is_whole && !response.headers().contains_key(CONTENT_ENCODING);
                let is_busy = is_busy(status, response.headers().contains_key(RETRY_AFTER));
                First::Told { status, body: response.body().clone(), is_plain, is_busy }
            }
            Err(problem) => First::Refused(problem.clone()),
        }
    }

    /// How many bytes of an answer are kept. A refusal is short.
    pub(super) fn bytes(outcome: &Result<Response<Full<Bytes>>, Box<Problem>>) -> usize {
        let bytes = outcome.as_ref().map_or(0, |response| response.body().size_hint().lower());
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }
}

/// What came of a request tells of what is left for its client at the side that was asked. The headers of the canonical side's
/// answers speak of our own quotas, which nothing is charged to that is asked besides.
pub(super) fn left(side: Side, outcome: &Result<Response<Full<Bytes>>, Box<Problem>>) -> Left {
    match (side, outcome) {
        (Side::Legacy, Ok(response)) => Left::told(response.status(), response.headers()),
        (Side::Canonical, Err(problem)) => Left::refused(problem.status.get(), problem.retry_after),
        // Ours is what is said where there was no answer.
        (Side::Canonical, Ok(_)) | (Side::Legacy, Err(_)) => Left::default(),
    }
}

/// Asks one side.
pub(super) async fn asked<B: Body<Data = Bytes, Error: Into<BoxError>>>(
    gateway: &Gateway,
    plan: &Plan,
    side: Side,
    admitted: Admitted<B>,
    exchange: &mut Exchange,
) -> Result<Response<Full<Bytes>>, Box<Problem>> {
    match side {
        Side::Canonical => Box::pin(gateway.translate((admitted, plan.cursors()), exchange)).await,
        Side::Legacy => Box::pin(legacy::pass(gateway, plan, admitted, exchange)).await,
    }
}

impl Shadow {
    /// What the client was told, unless that says nothing of what it asked for.
    pub(super) async fn answered_first(&self) -> Result<Said, ShadowOutcome> {
        let (status, body, is_plain) = match &self.first {
            First::Told { is_busy: true, .. } => return Err(ShadowOutcome::Busy),
            First::Refused(problem) if is_busy_problem(problem) => return Err(ShadowOutcome::Busy),
            First::Refused(problem) if is_away_problem(problem) => return Err(ShadowOutcome::Unanswered),
            First::Refused(problem) if has_failed(self.side, problem) => {
                return Ok(Said::Failed(problem.clone()));
            }
            First::Told { status, .. } if is_away(*status) => return Err(ShadowOutcome::Unanswered),
            First::Told { status, body, is_plain, is_busy: false } => (*status, body.clone(), *is_plain),
            First::Refused(problem) => {
                let response = self.asks.refuse(problem, &self.of);
                (response.status(), response.into_body(), true)
            }
        };
        let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
        Ok(Said::Told(Answered { status, body, is_plain }))
    }

    /// Asks a side: what it says, in canonical words.
    pub(super) async fn ask(&self, reader: &Reader, side: Side) -> Result<Outcome, ShadowOutcome> {
        Ok(self.ask_to_see(reader, side).await?.outcome)
    }

    /// The same, with what it says in its own words.
    pub(super) async fn ask_to_see(&self, reader: &Reader, side: Side) -> Result<Told, ShadowOutcome> {
        match self.answered(side, &self.again).await? {
            Said::Told(answered) => self.told(reader, &self.again, &answered).await,
            Said::Failed(problem) => Ok(Told { outcome: Err(problem), document: None }),
        }
    }

    /// What a side answers to a request. Of the side that answered the client it is asked besides.
    pub(super) async fn answered(&self, side: Side, again: &Again) -> Result<Said, ShadowOutcome> {
        let is_besides = side == self.side;
        if is_besides {
            self.pay()?;
        }
        let gateway = &*self.asks;
        let mut exchange = self.of.copy();
        exchange.deadline = self.due;
        exchange.operation = Some(Arc::clone(&again.target.operation));
        let mut admitted = again.admitted();
        for name in [ACCEPT_ENCODING, IF_NONE_MATCH, IF_MODIFIED_SINCE, RANGE] {
            admitted.selected.head.headers.remove(name);
        }
        let outcome = asked(gateway, &self.plan, side, admitted, &mut exchange).await;
        if is_besides {
            self.plan.note_besides(self.who(), left(side, &outcome));
        }
        let response = match outcome {
            Ok(response) if is_busy(response.status(), response.headers().contains_key(RETRY_AFTER)) => {
                return Err(ShadowOutcome::Busy);
            }
            Ok(response) if is_away(response.status()) => return Err(ShadowOutcome::Unanswered),
            Ok(response) => response,
            Err(problem) if is_busy_problem(&problem) => return Err(ShadowOutcome::Busy),
            Err(problem) if is_away_problem(&problem) => return Err(ShadowOutcome::Unanswered),
            Err(problem) if has_failed(side, &problem) => return Ok(Said::Failed(problem)),
            Err(problem) if problem.blame == Blame::Downstream => gateway.refuse(&problem, &exchange),
            Err(_) => return Err(ShadowOutcome::Unanswered),
        };
        let (head, body) = response.into_parts();
        let is_plain = !head.headers.contains_key(CONTENT_ENCODING);
        let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
        let answered = Answered { status: head.status, body, is_plain };
        if is_plain { Ok(Said::Told(answered)) } else { Err(ShadowOutcome::Unanswered) }
    }

    /// What an answer to a request says, in canonical words.
    pub(super) async fn told(
        &self,
        reader: &Reader,
        again: &Again,
        answer: &Answered,
    ) -> Result<Told, ShadowOutcome> {
        let document = self.parsed(answer).await?;
        let outcome = read(reader, again, answer.status, document.as_ref());
        Ok(Told { outcome: outcome.ok_or(ShadowOutcome::Unreadable)?, document })
    }

    /// Counts where the old side shows something that nobody reads, and that the mapping would show otherwise or not at
    /// all. It takes no second answer to know that, so nothing has to be asked again.
    pub(super) async fn see(&self, reader: &Reader, outcome: Option<&Outcome>, document: Option<&Document>) {
        let (Some(Ok(answer)), Some(document), Some(masks)) = (outcome, document, self.plan.masks()) else {
            return;
        };
        yield_now().await;
        self.tell(&reader.shown(answer, document.root(), masks, &|place| self.plan.is_known(place)));
    }

    /// The body of an answer, if it has one that is JSON. Others have their turn before.
    pub(super) async fn parsed(&self, answer: &Answered) -> Result<Option<Document>, ShadowOutcome> {
        if answer.body.len() > ANSWER_MAX {
            return Err(ShadowOutcome::TooLarge);
        }
        yield_now().await;
        let depth_max = self.asks.shared.config.depth_max;
        let limits = Limits { bytes_max: ANSWER_MAX, depth_max, ..Limits::default() };
        Ok(Document::parse(answer.body.to_vec(), &limits).ok())
    }
}

/// Whether a status says that a side had no time for its client, and nothing of what was asked for.
fn is_busy(status: StatusCode, says_when: bool) -> bool {
    match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY => true,
        StatusCode::SERVICE_UNAVAILABLE => says_when,
        _ => false,
    }
}

/// The same of what a backend refused. What we refuse ourselves, such as in a brown-out, is what clients would be told.
fn is_busy_problem(problem: &Problem) -> bool {
    matches!(problem.code, Cow::Owned(_)) && is_busy(problem.status.get(), problem.retry_after.is_some())
}

/// Whether a status is one that is said in the place of a side which is not there, for as long as it is started anew.
fn is_away(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT)
}

/// The same of what was answered in the place of a backend. Such a status of our own says something else: that an answer cannot
/// be told.
fn is_away_problem(problem: &Problem) -> bool {
    matches!(problem.code, Cow::Owned(_)) && is_away(problem.status.get())
}

/// Whether the canonical side had an answer, and none that a client can be told.
fn has_failed(side: Side, problem: &Problem) -> bool {
    side == Side::Canonical && problem.blame == Blame::Upstream && !is_no_answer(problem)
}

/// Which page of a list a request asks for, if it does for one.
pub(super) fn wanted(again: &Again) -> Option<Wanted> {
    let Again { target, url, .. } = again;
    let page = target.operation.page.as_ref()?;
    let request = translate::Request::new(target.clone(), url.clone(), None).ok()?;
    page.wanted(&request.query).ok()
}

/// How a request ended, in canonical words; none if what was answered is no answer to it.
pub(super) fn read(
    reader: &Reader,
    again: &Again,
    status: StatusCode,
    body: Option<&Document>,
) -> Option<Outcome> {
    match told(reader, again, status, body) {
        Ok(Step::Done(told)) => told.outcomes.into_iter().next().flatten(),
        Ok(Step::Needs(_)) | Err(_) => None,
    }
}

/// Whether what was answered is an answer to a request, though nobody may know without looking something up what it says.
pub(super) fn is_readable(
    reader: &Reader,
    again: &Again,
    status: StatusCode,
    body: Option<&Document>,
) -> bool {
    told(reader, again, status, body).is_ok()
}

fn told(
    reader: &Reader,
    again: &Again,
    status: StatusCode,
    body: Option<&Document>,
) -> Result<Step<told::Told>, Box<Problem>> {
    let asked = Asked { page: wanted(again), ..Asked::default() };
    let heard = Heard { status, retry_after: None, body: body.map(Document::root) };
    reader.told(&asked, &heard, &Resolutions::default())
}

impl Again {
    /// Its dialect and its operation.
    pub(super) fn names(&self) -> (&str, &str) {
        (&self.target.dialect.name, &self.target.operation.name)
    }

    /// How many bytes of the request are kept: of what the client sent as it came, and of what was read of its target as much
    /// again.
    pub(super) fn bytes(&self) -> usize {
        let fields = self.head.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
        let target = self.head.uri.path_and_query().map_or(0, |target| target.as_str().len());
        self.body.len() + fields.sum::<usize>() + 2 * target
    }

    pub(super) fn admitted(&self) -> Admitted<Full<Bytes>> {
        let Again { target, url, head, body, credential } = self;
        let body = Full::new(body.clone());
        let selected = Selected { target: target.clone(), url: url.clone(), head: head.clone(), body };
        Admitted { selected: Box::new(selected), credential: credential.clone() }
    }
}
