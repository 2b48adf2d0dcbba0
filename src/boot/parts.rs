//! What requests are answered with: made from the settings and a registry, at the start and at each reload.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Once},
};

use http::Uri;
use sha2::{Digest as _, Sha256};

use super::{ServeError, explain};
use crate::{
    config::Config,
    dialect::Registry,
    gateway::{
        self,
        mode::{Legacies, Modes},
    },
    ids::{
        embedded::{Store, StoreError},
        map::IdMap,
    },
    server::Drain,
    telemetry::{Explanations, Metrics},
    upstream::{self, Keys, Upstream},
    usage::Book,
};

/// What stays the same as long as the program runs.
#[derive(Clone, Debug)]
pub(super) struct Surroundings {
    pub(super) metrics: Metrics,
    pub(super) explanations: Explanations,
    /// Where it is counted who uses what, if it is.
    pub(super) usage: Option<Arc<Book>>,
    /// Where the built-in backend is, if there is one.
    pub(super) built_in: Option<Uri>,
    /// Whether we are told to end: then nothing is waited for any more.
    pub(super) drain: Drain,
}

/// The parts, and what they were made from; clones share all of it.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    pub(super) shared: Arc<gateway::Shared>,
    pub(super) upstream: Upstream,
    /// Who answers which requests.
    pub(super) modes: Arc<Modes>,
    backend: Backend,
    /// The old upstreams, by dialect.
    legacy: BTreeMap<String, (Backend, Upstream)>,
    ids: Option<(IdFile, IdMap)>,
}

/// The file of imported ids: another one may be put in its place under the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
struct IdFile {
    path: PathBuf,
    /// Device and number on it; none if there is no file yet.
    place: Option<(u64, u64)>,
}

/// What connections to the backend depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Backend {
    config: upstream::Config,
    /// Of what its files say (authorities, certificate and key), which may change while their names do not.
    files: Vec<Option<[u8; 32]>>,
}

impl Parts {
    /// Makes everything; from `before` it takes what did not change: what was counted, the imported ids that were looked
    /// up, and the connections.
    pub(super) fn make(
        config: &Config,
        registry: Registry,
        around: &Surroundings,
        before: Option<&Parts>,
    ) -> Result<Parts, ServeError> {
        let Surroundings { metrics, explanations, usage: _, built_in, drain } = around;
        let backend = Backend::of(config, built_in.as_ref());
        let upstream = match before.filter(|before| before.backend == backend) {
            Some(before) => before.upstream.clone(),
            None => Upstream::new(Arc::new(backend.config.clone()))?.count_into(metrics.backend()),
        };
        let legacy = legacy(config, metrics, before)?;
        // Who speaks canonical already has no other way to a backend that does not.
        let registry = if config.reverse.is_some() { registry.serving_canonical() } else { registry };
        let registry = Arc::new(registry);
        let none = Modes::default();
        let modes = before.map_or(&none, |before| &before.modes);
        let modes = Arc::new(modes.followed_by(&registry, &config.modes, &legacies(&legacy)));
        let known = before.and_then(|before| before.ids.as_ref());
        let ids = config.ids.store.as_ref().map(|path| IdFile::open(path, known, drain)).transpose()?;

        let reverse = config.reverse.as_ref().map(|spoken| {
            gateway::reverse::Reverse::of(&registry, spoken)
                .ok_or_else(|| ServeError::Dialect { name: spoken.dialect.clone() })
        });
        let reverse = reverse.transpose()?;
        let deadline = config.server.request_deadline;
        let shared =
            gateway::Shared::new(registry, config.body.clone(), &config.limit, deadline, metrics.clone());
        let shared = shared.with_answer_checks(config.answers.clone());
        let shared = match reverse {
            Some(reverse) => shared.with_reverse(reverse),
            None => shared,
        };
        let shared = match &ids {
            Some((_, ids)) => shared.with_ids(ids.clone()),
            None => shared,
        };
        let shared = match config.explain.key.as_deref().map(explain::explainer).transpose()? {
            Some(explainer) => shared.with_explainer(explainer.keeping(explanations.clone())),
            None => shared,
        };
        let shared = match before {
            Some(before) => shared.in_place_of(&before.shared),
            None => shared,
        };
        let shared = counting(shared, config, around);
        Ok(Parts { shared: Arc::new(shared), upstream, modes, backend, legacy, ids })
    }

    /// The same, before anybody uses it, where it is counted by now who uses what.
    pub(super) fn counting(self, config: &Config, around: &Surroundings) -> Parts {
        let shared = Arc::into_inner(self.shared).expect("nobody uses it yet");
        Parts { shared: Arc::new(counting(shared, config, around)), ..self }
    }

    /// The same, with the modes of these settings.
    pub(super) fn set_modes(&mut self, config: &Config) {
        let modes = self.modes.followed_by(self.shared.registry(), &config.modes, &self.legacies());
        self.modes = Arc::new(modes);
    }

    /// The old upstreams, for all workers to make their own of.
    pub(super) fn legacies(&self) -> Legacies {
        legacies(&self.legacy)
    }

    /// Where calls go, if that is somewhere else than before.
    pub(super) fn other_upstream(&self, before: &Parts) -> Option<Upstream> {
        (self.backend != before.backend).then(|| self.upstream.clone())
    }
}

/// The same, where it is counted who uses what, if it is.
fn counting(shared: gateway::Shared, config: &Config, around: &Surroundings) -> gateway::Shared {
    match &around.usage {
        Some(book) => {
            book.rename(config.usage.names.clone());
            shared.with_usage(Arc::clone(book))
        }
        None => shared,
    }
}

/// The old upstreams; those that are called as before keep their connections.
fn legacy(
    config: &Config,
    metrics: &Metrics,
    before: Option<&Parts>,
) -> Result<BTreeMap<String, (Backend, Upstream)>, ServeError> {
    let one = |(name, config): (&String, &upstream::Config)| {
        let backend = Backend::called(config.clone());
        let known = before.and_then(|before| before.legacy.get(name)).filter(|(known, _)| *known == backend);
        let upstream = match known {
            Some((_, upstream)) => upstream.clone(),
            None => Upstream::new(Arc::new(config.clone()))?.count_into(metrics.legacy()),
        };
        Ok((name.clone(), (backend, upstream)))
    };
    config.legacy.iter().map(one).collect()
}

fn legacies(legacy: &BTreeMap<String, (Backend, Upstream)>) -> Legacies {
    legacy.iter().map(|(name, (_, upstream))| (name.clone(), upstream.clone())).collect()
}

impl IdFile {
    fn at(path: &Path) -> IdFile {
        let place = fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
        IdFile { path: path.to_owned(), place }
    }

    /// What is known, if it is of this file; else the file is opened, or made where none of that name is known. While one is
    /// in use none is made in its place: it would be empty, and every id that clients have unknown. At a start one that another
    /// process has for itself is waited for, unless we leave.
    fn open(
        path: &Path,
        known: Option<&(IdFile, IdMap)>,
        drain: &Drain,
    ) -> Result<(IdFile, IdMap), StoreError> {
        let found = IdFile::at(path);
        match known.filter(|(file, _)| file.path == found.path) {
            Some((file, ids)) if *file == found => Ok((found, ids.clone())),
            Some(_) => Ok((found, IdMap::new(Store::open_existing(path)?))),
            None => {
                let told = Once::new();
                let is_given_up = || {
                    told.call_once(|| {
                        tracing::warn!(
                            "another process has the id map `{}` for itself: waiting for it",
                            path.display()
                        );
                    });
                    drain.is_leaving()
                };
                let store = Store::open_unless(path, &is_given_up)?;
                let was_made = found.place.is_none();
                if was_made {
                    tracing::warn!(
                        "there was no id map `{}`: an empty one was made, and no imported id is known",
                        path.display()
                    );
                }
                Ok((if was_made { IdFile::at(path) } else { found }, IdMap::new(store)))
            }
        }
    }
}

impl Backend {
    fn of(config: &Config, built_in: Option<&Uri>) -> Backend {
        // The built-in backend honours keys.
        let usual = || upstream::Config {
            idempotency_keys: Keys::Honoured,
            ..upstream::Config::new(built_in.cloned().unwrap_or_default())
        };
        Backend::called(config.upstream.clone().unwrap_or_else(usual))
    }

    fn called(config: upstream::Config) -> Backend {
        let identity = config.identity.iter().flat_map(|identity| [&identity.certificate, &identity.key]);
        // One that cannot be read is told by whoever needs it.
        let digest = |path| fs::read(path).ok().map(|text| Sha256::digest(text).into());
        let files = config.authorities.iter().chain(identity).map(digest).collect();
        Backend { config, files }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_ids_is_another_when_it_was_put_in_the_place_of_one() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("ids.db"), folder.path().join("other.db"));
        let none = IdFile::at(&path);
        fs::write(&path, "1").unwrap();
        let first = IdFile::at(&path);
        assert_ne!(none, first);
        fs::write(&path, "what is written into it changes nothing").unwrap();
        assert_eq!(first, IdFile::at(&path));
        fs::write(&other, "1").unwrap();
        fs::rename(&other, &path).unwrap();
        assert_ne!(first, IdFile::at(&path));
    }

    #[test]
    fn a_file_of_ids_that_is_gone_is_not_replaced_by_an_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("ids.db"), folder.path().join("other.db"));
        let known = IdFile::open(&path, None, &Drain::new()).unwrap();
        assert_eq!(known.0, IdFile::at(&path), "nothing was known: it was made");
        fs::rename(&path, &other).unwrap();
        assert!(matches!(IdFile::open(&path, Some(&known), &Drain::new()), Err(StoreError::Missing { .. })));
        assert!(!path.exists());
        fs::rename(&other, &path).unwrap();
        assert_eq!(IdFile::open(&path, Some(&known), &Drain::new()).unwrap().0, known.0);
        assert!(IdFile::open(&other, Some(&known), &Drain::new()).is_ok(), "the settings name another");
    }
}
