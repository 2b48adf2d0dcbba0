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
//! | `lower` | the answers | the dialect's | 409, 502, and as a call does |
//! | `encode` | the dialect's answer | a response | – |
//!
//! A call, be it a lookup that lifting or lowering needs, ends with what the backend refuses, with 502, 503 or 504 where
//! that has no answer, with 501 where it speaks a dialect without words for it, and with 500 where an id map cannot be read.
//! Once something was changed, the lookups of lowering end with 500 alone.
//!
//! [`Gateway::answer`] goes around it: a refusal of any phase is told in the words of the dialect, and each request leaves
//! one event.
//!
//! This module never opens a socket or reads a file, and knows no dialect by name.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::Full;

use crate::dialect::page::Cursors;
use crate::dialect::{ErrorShape, Registry};
use crate::ids::map::IdMap;
use crate::ids::resolver::Resolvers;
use crate::lens::Resolutions;
use crate::limit;
use crate::problem::{NO_SUCH_RESOURCE, Problem};
use crate::telemetry::{Metrics, ShadowOutcome, UsageLost};
use crate::time::Clock;
use crate::translate::{self, explain::Narrator};
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
#[cfg(test)]
mod tests;
mod used;

use self::admit::Admitted;
use self::check::Checked;
use self::decode::Decoded;
use self::exchange::Exchange;
use self::explain::Explainer;
use self::fetch::Caller;
use self::mode::{Chosen, Held, Legacies, Mode, Modes, Plan, Side};
use self::quota::Quotas;
use self::record::{Meters, Record};
use self::reverse::Reverse;
use self::select::{Selected, Selection};

pub use self::exchange::Called;
pub use self::shadow::{Aside, ShadowWork, Shadows};

/// Why a body breaks off. If that is an [`io::Error`](std::io::Error) of the kind `TimedOut`, it was not waited for any longer;
/// of the kind `ResourceBusy`, all of it came, and too many requests are in flight.
pub type BoxError = tower::BoxError;

/// How much of a request is read, and what it may become.
#[derive(Clone, Debug)]
pub struct Config {
    /// Bytes of a request body.
    pub bytes_max: usize,
    /// How deep objects and arrays may nest in it.
    pub depth_max: u16,
    /// How many items one bulk request may have, each of which is a call.
    pub fan_out_max: usize,
    /// How many calls one request may become, lookups, pages and what is read besides included.
    pub calls_max: usize,
    /// How long a client may take to send the whole body.
    pub read_timeout: Duration,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            bytes_max: 1 << 20,
            depth_max: 64,
            fan_out_max: 100,
            calls_max: calls_max(100),
            read_timeout: Duration::from_secs(10),
        }
    }
}

/// How many calls a request may become where nobody says so: with each of `fan_out_max` items something may be looked up twice,
/// a record be read, changed, and read again; a list of some hundreds is looked up item by item; and one of 10,000 is gathered
/// from 510 pages.
pub fn calls_max(fan_out_max: usize) -> usize {
    (5 * fan_out_max).max(600)
}

/// What all workers share.
pub struct Shared {
    registry: Arc<Registry>,
    config: Config,
    quotas: Quotas,
    lookups: Lookups,
    answer_checks: AnswerChecks,
    /// How the backend is asked, if it speaks a dialect.
    reverse: Option<Reverse>,
    /// Who may ask why, if anybody may.
    explainer: Option<Explainer>,
    /// Time for a request that came without a deadline.
    deadline: Duration,
    /// What time it is, for what retires.
    clock: Clock,
    /// What is counted of requests, if anything is.
    usage: Option<usage::Watches>,
    /// How an error looks before a dialect was selected.
    standard: ErrorShape,
    /// What old upstreams are told of who handed something on.
    alias: legacy::Alias,
    meters: Meters,
}

impl Shared {
    /// Everything for serving the dialects of `registry`. A dialect without a quota of its own has that of `limit`;
    /// `deadline` is for requests that the server gave none.
    pub fn new(
        registry: Arc<Registry>,
        config: Config,
        limit: &limit::Config,
        deadline: Duration,
        metrics: Metrics,
    ) -> Shared {
        let quotas =
            Quotas::new(registry.dialects().iter().map(|one| (one.name.as_str(), &one.quota)), limit);
        let meters = Meters::new(&registry, metrics);
        let (lookups, standard) = (Lookups::default(), ErrorShape::standard());
        let answer_checks = AnswerChecks::default();
        Shared {
            registry,
            config,
            quotas,
            lookups,
            answer_checks,
            reverse: None,
            explainer: None,
            deadline,
            clock: Clock::default(),
            usage: None,
            standard,
            alias: legacy::Alias::new(),
            meters,
        }
    }

    /// The same, where ids may have been imported.
    #[must_use]
    pub fn with_ids(self, ids: IdMap) -> Shared {
        Shared { lookups: Lookups { ids: Some(ids), ..self.lookups }, ..self }
    }

    /// The same, with answers checked in this way.
    #[must_use]
    pub fn with_answer_checks(self, answer_checks: AnswerChecks) -> Shared {
        Shared { answer_checks, ..self }
    }

    /// The same, in front of a backend that speaks a dialect.
    #[must_use]
    pub fn with_reverse(self, reverse: Reverse) -> Shared {
        Shared { reverse: Some(reverse), ..self }
    }

    /// The same, where requests may be explained.
    #[must_use]
    pub fn with_explainer(self, explainer: Explainer) -> Shared {
        Shared { explainer: Some(explainer), ..self }
    }

    /// The same, with a clock that tells when what retires does so.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Shared {
        Shared { clock, ..self }
    }

    /// The same, where it is counted into that book who uses what.
    #[must_use]
    pub fn with_usage(self, book: Arc<usage::Book>) -> Shared {
        Shared { usage: Some(usage::Watches::of(&self.registry, book)), ..self }
    }

    /// The same in the place of `before`: quotas go on being counted from where they are. What resolvers found is found
    /// anew, for the mappings may ask otherwise now.
    #[must_use]
    pub fn in_place_of(self, before: &Shared) -> Shared {
        let quotas = self.quotas.continuing(&before.quotas);
        let resolvers = before.lookups.resolvers.renewed();
        Shared { quotas, lookups: Lookups { resolvers, ..self.lookups }, ..self }
    }

    /// What is served.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Who is told what is done with a request.
    fn narrator<B>(&self, request: &Request<B>) -> Narrator {
        let explainer = self.explainer.as_ref();
        explainer.map_or_else(Narrator::default, |one| one.narrator(request.headers(), SystemTime::now()))
    }

    /// What is known of a request's ids before anything was looked up.
    fn resolutions(&self) -> Resolutions {
        if self.lookups.ids.is_some() { Resolutions::with_id_map() } else { Resolutions::default() }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Where requests look up what lenses need to know; clones share what was found.
#[derive(Clone, Debug, Default)]
struct Lookups {
    resolvers: Resolvers,
    /// The imported ids, if there are any.
    ids: Option<IdMap>,
}

impl Lookups {
    /// The same for those that no client waits for, so that none waits for a lookup of theirs. What was found of imported ids is
    /// remembered in one place for both.
    fn aside(&self) -> Lookups {
        Lookups { resolvers: self.resolvers.renewed(), ids: self.ids.as_ref().map(IdMap::aside) }
    }
}

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

    /// Answers one request, whatever comes of it. HEAD is a GET to everything behind this: no mapping says anything of it, and
    /// no backend has to know it. Whoever sends the answer leaves out the body.
    pub async fn answer<B: Body<Data = Bytes, Error: Into<BoxError>>>(
        &self,
        mut request: Request<B>,
    ) -> Response<Full<Bytes>> {
        if *request.method() == Method::HEAD {
            *request.method_mut() = Method::GET;
        }
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
            let held = plan.hold(who, head, url, chosen.side);
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
        let was_not_done = match &outcome {
            _ if calls == 0 => true,
            Ok(answer) => answer.status() == StatusCode::UNAUTHORIZED,
            // Of several calls the others may have done something.
            Err(problem) if calls == 1 && fetch::is_unsent(problem) => true,
            Err(problem) => problem.status.get() == StatusCode::UNAUTHORIZED,
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
