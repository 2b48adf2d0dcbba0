//! What all workers share: what is served, within which bounds, and where it is counted.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::Request;

use super::explain::Explainer;
use super::legacy;
use super::quota::Quotas;
use super::record::Meters;
use super::reverse::Reverse;
use crate::dialect::{ErrorShape, Registry};
use crate::ids::map::IdMap;
use crate::ids::resolver::Resolvers;
use crate::lens::Resolutions;
use crate::limit;
use crate::telemetry::Metrics;
use crate::time::Clock;
use crate::translate::explain::Narrator;
use crate::translate::misfit::AnswerChecks;
use crate::usage;

/// What all workers share.
pub struct Shared {
    pub(super) registry: Arc<Registry>,
    pub(super) config: Config,
    pub(super) quotas: Quotas,
    pub(super) lookups: Lookups,
    pub(super) answer_checks: AnswerChecks,
    /// How the backend is asked, if it speaks a dialect.
    pub(super) reverse: Option<Reverse>,
    /// Who may ask why, if anybody may.
    pub(super) explainer: Option<Explainer>,
    /// Time for a request that came without a deadline.
    pub(super) deadline: Duration,
    /// What time it is, for what retires.
    pub(super) clock: Clock,
    /// What is counted of requests, if anything is.
    pub(super) usage: Option<usage::Watches>,
    /// How an error looks before a dialect was selected.
    pub(super) standard: ErrorShape,
    /// What old upstreams are told of who handed something on.
    pub(super) alias: legacy::Alias,
    pub(super) meters: Meters,
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
    pub(super) fn narrator<B>(&self, request: &Request<B>) -> Narrator {
        let explainer = self.explainer.as_ref();
        explainer.map_or_else(Narrator::default, |one| one.narrator(request.headers(), SystemTime::now()))
    }

    /// What is known of a request's ids before anything was looked up.
    pub(super) fn resolutions(&self) -> Resolutions {
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
pub(super) struct Lookups {
    pub(super) resolvers: Resolvers,
    /// The imported ids, if there are any.
    pub(super) ids: Option<IdMap>,
}

impl Lookups {
    /// The same for those that no client waits for, so that none waits for a lookup of theirs. What was found of imported ids is
    /// remembered in one place for both.
    pub(super) fn aside(&self) -> Lookups {
        Lookups { resolvers: self.resolvers.renewed(), ids: self.ids.as_ref().map(IdMap::aside) }
    }
}

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
