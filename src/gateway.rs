//! The request path: a request of some dialect in, the dialect's answer out.
//!
//! `Gateway::enter` and `Gateway::handle` are the life of a request, eight phases in one direction. Each takes what the one
//! before it made, so that a body nobody checked cannot be lifted, nor a request nobody admitted be read:
//!
//! | phase | from | to | may refuse with |
//! | --- | --- | --- | --- |
//! | `select` | the head of the request | dialect and operation | 400, 404, 405 |
//! | `admit` | its credential | a principal within its quota | 401, 410, 429, 503 |
//! | `decode` | its bytes | a document | 400, 408, 413, 415, 503 |
//! | `check` | the document | one that the operation takes | 400, 422, 503 |
//! | `lift` | the dialect's request | canonical calls | 404, 422, 429, and as a call does |
//! | `fetch` | the calls | the backend's answers | 409, and as a call does |
//! | `lower` | the answers | the dialect's | 409, 500, 502, and as a call does |
//! | `encode` | the dialect's answer | a response | – |
//!
//! A call, be it a lookup that lifting or lowering needs, ends with what the backend refuses, with 502, 503 or 504 where
//! that has no answer, with 501 where it speaks a dialect without words for it, and with 503 where an id map cannot be read.
//! Once something was changed, no client hears that it was refused: what has no words in its dialect, and the lookups of
//! lowering, end with 500 alone.
//!
//! [`Gateway::answer`] goes around it: a refusal of any phase is told in the words of the dialect, and each request leaves
//! one event.
//!
//! This module never opens a socket or reads a file, and knows no dialect by name.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::Full;

use crate::dialect::page::Cursors;
use crate::problem::{NO_SUCH_RESOURCE, Problem};
use crate::telemetry::{ShadowOutcome, UsageLost};
use crate::translate;
use crate::upstream::Upstream;
use crate::usage;

pub use crate::translate::misfit::{AnswerCheck, AnswerChecks};

mod admit;
mod check;
mod decode;
mod encode;
mod exchange;
pub mod explain;
mod fetch;
mod keep;
mod key;
mod legacy;
mod lift;
mod lower;
mod met;
pub mod mode;
mod quota;
mod record;
mod resolve;
mod retirement;
pub mod reverse;
mod select;
mod shadow;
mod shared;
#[cfg(test)]
mod tests;
mod used;

use self::admit::Admitted;
use self::check::Checked;
use self::decode::Decoded;
use self::exchange::Exchange;
use self::fetch::Caller;
use self::mode::{Chosen, Held, Legacies, Mode, Modes, Plan, Side};
use self::record::Record;
use self::select::{Selected, Selection};
use self::shared::Lookups;

pub use self::exchange::Called;
pub use self::shadow::{Aside, ShadowWork, Shadows};
pub use self::shared::{Config, Shared, calls_max};

/// Why a body breaks off. If that is an [`io::Error`](std::io::Error) of the kind `TimedOut`, it was not waited for any longer;
/// of the kind `ResourceBusy`, all of it came, and too many requests are in flight.
pub type BoxError = tower::BoxError;

/// Answers requests; one for each worker, with connections of its own.
#[derive(Clone, Debug)]
pub struct Gateway {
    shared: Arc<Shared>,
    upstream: Upstream,
    lookups: Lookups,
    modes: Arc<Modes>,
    legacies: Arc<Legacies>,
    /// Where it leaves what is to be compared, if anything is.
    aside: Option<Aside>,
    /// Counts who uses what, if that is counted.
    counter: Option<Arc<usage::Counter>>,
}

impl Gateway {
    /// A gateway to the backend behind `upstream`.
    pub fn new(shared: Arc<Shared>, upstream: Upstream) -> Gateway {
        let book = shared.usage.as_ref().map(|usage| Arc::clone(usage.book()));
        let lost = || shared.meters.metrics().usage_lost(UsageLost::NoRoom);
        let counter = book.map(|book| Arc::new(usage::Counter::new(book).losing(lost())));
        let (lookups, modes, legacies) = (shared.lookups.clone(), Arc::default(), Arc::default());
        Gateway { shared, upstream, lookups, modes, legacies, aside: None, counter }
    }

    /// One that asks other sides for shadows, and answers nobody: with connections, breakers and lookups that no client waits
    /// for. Those that `before` has are kept, where it asks the same.
    pub fn for_shadows(
        shared: Arc<Shared>,
        upstream: &Upstream,
        legacies: &Legacies,
        before: Option<&Gateway>,
    ) -> Gateway {
        let known = before.filter(|before| Arc::ptr_eq(&before.shared, &shared));
        let lookups = known.map_or_else(|| shared.lookups.aside(), |before| before.lookups.clone());
        let known = before.map(Gateway::upstream).filter(|known| known.is_sibling_of(upstream));
        let upstream = known.cloned().unwrap_or_else(|| upstream.sibling());
        let none = Legacies::default();
        let legacies = legacies.siblings(before.map_or(&none, Gateway::legacies)).into();
        Gateway { shared, upstream, lookups, modes: Arc::default(), legacies, aside: None, counter: None }
    }

    /// The same, where requests of some dialects may be answered by old upstreams.
    #[must_use]
    pub fn with_modes(self, modes: Arc<Modes>, legacies: Legacies) -> Gateway {
        Gateway { modes, legacies: Arc::new(legacies), ..self }
    }

    /// The same, which leaves there what requests in shadow mode leave to be compared. Without, nothing is compared.
    #[must_use]
    pub fn with_aside(self, aside: Option<Aside>) -> Gateway {
        Gateway { aside, ..self }
    }

    /// The old upstreams.
    pub fn legacies(&self) -> &Legacies {
        &self.legacies
    }

    /// Where its calls go.
    pub fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    /// Answers one request, whatever comes of it; HEAD as GET: whoever sends the answer leaves out the body.
    pub async fn answer<B: Body<Data = Bytes, Error: Into<BoxError>>>(
        &self,
        request: Request<B>,
    ) -> Response<Full<Bytes>> {
        let mut exchange = Exchange::of(&request, self.shared.deadline);
        exchange.narrator = self.shared.narrator(&request);
        exchange.used = self.used(&request);
        let mut record = Record::begin(self, exchange);
        let outcome = match self.enter(request, &mut record.exchange) {
            Ok(Entered::Admitted(admitted)) => self.handle(admitted, &mut record.exchange).await,
            Ok(Entered::Elsewhere(response)) => Ok(response),
            Err(problem) => Err(problem),
        };
        let (mut response, problem) = match outcome {
            Ok(response) => (response, None),
            Err(problem) => (self.refuse(&problem, &record.exchange), Some(problem)),
        };
        self.explain(&record.exchange, &mut response);
        record.end(response.status(), problem.as_deref());
        response
    }

    /// Refuses a request that nobody has read beyond its head, in the words of the dialect it is meant for; none if its head
    /// does not say which. It leaves no event and is not counted: whoever refuses it sees to that.
    pub fn refuse_unread(
        &self,
        head: &Parts,
        called: Called,
        problem: &Problem,
    ) -> Option<Response<Full<Bytes>>> {
        let nobody = Request::new(());
        let mut exchange = Exchange { called, ..Exchange::of(&nobody, self.shared.deadline) };
        select::note(&self.shared.registry, head, &mut exchange);
        exchange.dialect.is_some().then(|| self.refuse(problem, &exchange))
    }

    /// Whether a text tells the credential of a request with these headers, or most of it, whichever dialect the request is meant
    /// for.
    pub fn is_secret(&self, headers: &HeaderMap, text: &str) -> bool {
        admit::is_told(&self.shared.registry, headers, text)
    }

    /// The first two phases, which look at the head alone.
    fn enter<B>(&self, request: Request<B>, exchange: &mut Exchange) -> Result<Entered<B>, Box<Problem>> {
        let shared = &*self.shared;
        let selected = match select::select(&shared.registry, request, exchange)? {
            Selection::Operation(selected) => selected,
            Selection::Elsewhere(status, location) => {
                return Ok(Entered::Elsewhere(encode::redirect(status, location, exchange)));
            }
        };
        let target = &selected.target;
        exchange.narrator.tell(|story| story.selected(&target.dialect, &target.operation));
        let admitted = admit::admit(&shared.clock, &shared.quotas, selected, exchange)?;
        exchange.tell_quota();
        Ok(Entered::Admitted(admitted))
    }

    /// The other six, or what the mode has in their place.
    async fn handle<B: Body<Data = Bytes, Error: Into<BoxError>>>(
        &self,
        admitted: Admitted<B>,
        exchange: &mut Exchange,
    ) -> Result<Response<Full<Bytes>>, Box<Problem>> {
        let target = &admitted.selected.target;
        let plan = self.modes.of(&target.dialect);
        if let Some(plan) = plan {
            let maker = plan.maker(&target.operation, &admitted.selected.url);
            let who = admitted.credential.principal();
            let chosen = plan.choose(&target.operation.name, who);
            let Selected { head, url, .. } = &*admitted.selected;
            let held = plan.hold(who, target, (head, url), chosen.side);
            let own = maker.or(held.as_ref().map(|held| held.side));
            let chosen = Chosen { side: own.unwrap_or(chosen.side), ..chosen };
            exchange.mode = Some(chosen).filter(|_| plan.is_said() || own == Some(Side::Legacy));
            if let Some(held) = held {
                return Box::pin(self.handle_held((plan, chosen, held), admitted, exchange)).await;
            }
            // In boxes: all other requests would carry the room for them.
            if chosen.mode == Mode::Shadow && maker.is_some() {
                shadow::leave_out(self, target, ShadowOutcome::Cursor);
            } else if chosen.mode == Mode::Shadow {
                return Box::pin(shadow::answer(self, plan, chosen.side, admitted, exchange)).await;
            }
            if chosen.side == Side::Legacy {
                // Until it is answered: by then the mode may be another.
                let _writing = self.modes.begin_write(target);
                return Box::pin(legacy::pass(self, plan, admitted, exchange)).await;
            }
        }
        let _writing = self.modes.begin_write(target);
        let cursors = plan.map_or_else(Cursors::default, |plan| plan.cursors());
        self.translate((admitted, cursors), exchange).await
    }

    /// The same for a request with a key, which is for one side from now on: unless that has not heard of it, or does not know
    /// who asks. Then nothing was done with it.
    async fn handle_held<B: Body<Data = Bytes, Error: Into<BoxError>>>(
        &self,
        (plan, chosen, held): (&Arc<Plan>, Chosen, Held),
        admitted: Admitted<B>,
        exchange: &mut Exchange,
    ) -> Result<Response<Full<Bytes>>, Box<Problem>> {
        let outcome = if chosen.mode == Mode::Shadow {
            shadow::answer(self, plan, chosen.side, admitted, exchange).await
        } else {
            let _writing = self.modes.begin_write(&admitted.selected.target);
            match chosen.side {
                Side::Legacy => legacy::pass(self, plan, admitted, exchange).await,
                Side::Canonical => self.translate((admitted, plan.cursors()), exchange).await,
            }
        };
        let calls = exchange.calls.load(Ordering::Relaxed);
        // Of several calls the others may have done something.
        let was_not_done = match &outcome {
            _ if calls == 0 => true,
            _ if calls > 1 => false,
            Ok(answer) => answer.status() == StatusCode::UNAUTHORIZED,
            Err(problem) => fetch::is_unsent(problem) || problem.status.get() == StatusCode::UNAUTHORIZED,
        };
        if was_not_done {
            held.release();
        }
        outcome
    }

    /// The phases from the third on. Cursors are written so.
    async fn translate<B: Body<Data = Bytes, Error: Into<BoxError>>>(
        &self,
        (admitted, cursors): (Admitted<B>, Cursors),
        exchange: &mut Exchange,
    ) -> Result<Response<Full<Bytes>>, Box<Problem>> {
        let shared = &*self.shared;
        let decoded = decode::decode(&shared.config, admitted).await?;
        let checked = self.check(decoded, cursors, exchange)?;
        let lifted = match lift::lift(self, &checked, exchange).await {
            Ok(lifted) => lifted,
            Err(problem) => return self.settle(problem, exchange),
        };
        let fetched = fetch::fetch(self, lifted, exchange).await;
        let lowered = lower::lower(self, fetched, exchange).await?;
        exchange.omitted = lowered.omitted;
        exchange.lost.merge(&lowered.lost);
        Ok(encode::encode(lowered, &shared.quotas, exchange))
    }

    /// The fourth phase, which waits for nothing.
    fn check(
        &self,
        mut decoded: Decoded,
        cursors: Cursors,
        exchange: &mut Exchange,
    ) -> Result<Checked, Box<Problem>> {
        let request = &mut decoded.request;
        request.narrator = exchange.narrator.clone();
        request.cursors = cursors;
        self.find_used(request, exchange);
        check::check(&self.shared.clock, decoded, exchange)
    }

    /// The answer that it is in this operation not to find what the path names; else the problem stays one. What the
    /// backend said of another thing, such as the organization around it, is none.
    fn settle(
        &self,
        problem: Box<Problem>,
        exchange: &Exchange,
    ) -> Result<Response<Full<Bytes>>, Box<Problem>> {
        // An id that cannot be one is told without asking the backend, which then has not judged the caller either.
        let was_asked = exchange.calls.load(Ordering::Relaxed) > 0;
        let is_settled = problem.code == NO_SUCH_RESOURCE && was_asked;
        let operation = exchange.operation.as_ref().filter(|_| is_settled);
        let settled = operation.and_then(|operation| translate::lower::settle(operation, &problem));
        if let Some(lowered) = &settled {
            let (from, status) = (problem.status.get().as_u16(), lowered.status.as_u16());
            exchange.narrator.tell(|story| story.settled(from, status));
        }
        settled.map(|lowered| encode::encode(lowered, &self.shared.quotas, exchange)).ok_or(problem)
    }

    /// A problem in the words of the dialect, as far as one was selected.
    fn refuse(&self, problem: &Problem, exchange: &Exchange) -> Response<Full<Bytes>> {
        let shape = exchange.dialect.as_ref().map_or(&self.shared.standard, |dialect| &dialect.errors);
        let folds = exchange.operation.as_ref().map_or(&[][..], |operation| &operation.folds);
        let rendered = shape.render(problem, folds, SystemTime::now());
        exchange.narrator.tell(|story| story.refused(problem, exchange.dialect.as_deref(), shape, &rendered));
        encode::refusal(rendered, problem, &self.shared.quotas, exchange)
    }

    /// Tells whoever asked why the answer is as it is.
    fn explain(&self, exchange: &Exchange, response: &mut Response<Full<Bytes>>) {
        if let Some(explainer) = &self.shared.explainer {
            explainer.explain(exchange, self.shared.registry.lines(), response);
        }
    }
}

/// Where the head of a request leads.
enum Entered<B> {
    Admitted(Admitted<B>),
    /// To another address.
    Elsewhere(Response<Full<Bytes>>),
}
