//! Which files are in use, since when, and how attempts to read them anew ended.

use std::time::SystemTime;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use crate::{telemetry::names::metric, time::unix_seconds};

/// The metrics of loading; clones share them.
#[derive(Clone, Debug, Default)]
pub struct LoadMetrics {
    reloads: Family<ResultLabels, Counter>,
    loaded: Gauge,
    config: Family<ConfigLabels, Gauge>,
    expiries: Family<RoleLabels, Gauge>,
}

/// How a reload ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadResult {
    /// It could not be tried to its end.
    Failed,
    /// Something is wrong with the files, and the old ones stay in use.
    Refused,
    /// What the files say is in use.
    Taken,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ConfigLabels {
    digest: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RoleLabels {
    role: &'static str,
}

impl LoadResult {
    /// The word in metrics, logs and answers.
    pub fn name(self) -> &'static str {
        match self {
            LoadResult::Failed => "failed",
            LoadResult::Refused => "refused",
            LoadResult::Taken => "taken",
        }
    }
}

impl LoadMetrics {
    /// What is in use now is what files of that digest say.
    pub fn loaded(&self, digest: &str, now: SystemTime) {
        self.config.clear();
        self.config.get_or_create(&ConfigLabels { digest: digest.to_owned() }).set(1);
        self.loaded.set(i64::try_from(unix_seconds(now)).unwrap_or(i64::MAX));
    }

    /// When the first certificate expires of those that listeners show, and of those that upstreams are shown; none where there is
    /// none.
    pub fn expire(&self, listener: Option<SystemTime>, upstream: Option<SystemTime>) {
        for (role, expiry) in [("listener", listener), ("upstream", upstream)] {
            let Some(expiry) = expiry else {
                self.expiries.remove(&RoleLabels { role });
                continue;
            };
            let seconds = i64::try_from(unix_seconds(expiry)).unwrap_or(i64::MAX);
            self.expiries.get_or_create(&RoleLabels { role }).set(seconds);
        }
    }

    /// Counts a reload.
    pub fn reloaded(&self, result: LoadResult) {
        self.reloads.get_or_create(&ResultLabels { result: result.name() }).inc();
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        // From the beginning, so that the first refusal is a step and not a new series.
        for result in [LoadResult::Failed, LoadResult::Refused, LoadResult::Taken] {
            drop(self.reloads.get_or_create(&ResultLabels { result: result.name() }));
        }
        registry.register(metric::RELOADS, "Times the files were read anew", self.reloads.clone());
        registry.register(
            metric::CONFIG_LOADED,
            "When what is in use was loaded, in seconds since 1970",
            self.loaded.clone(),
        );
        registry.register(
            metric::CERTIFICATE_EXPIRY,
            "When the first certificate expires of those that are shown to clients (listener) or to upstreams, in seconds since 1970",
            self.expiries.clone(),
        );
        registry.register(metric::CONFIG_INFO, "Which files are in use, by digest", self.config.clone());
    }
}
