//! The old upstreams.

use std::collections::BTreeMap;

use crate::upstream::Upstream;

/// The old upstreams, by dialect, with connections of one worker.
#[derive(Clone, Debug, Default)]
pub struct Legacies(BTreeMap<String, Upstream>);

impl FromIterator<(String, Upstream)> for Legacies {
    fn from_iter<I: IntoIterator<Item = (String, Upstream)>>(all: I) -> Legacies {
        Legacies(all.into_iter().collect())
    }
}

impl Legacies {
    /// That of a dialect.
    pub(super) fn of(&self, dialect: &str) -> Option<&Upstream> {
        self.0.get(dialect)
    }

    /// The same for another worker. What `before` has connections to already keeps them.
    #[must_use]
    pub fn siblings(&self, before: &Legacies) -> Legacies {
        let one = |(name, upstream): (&String, &Upstream)| {
            let known = before.0.get(name).filter(|known| known.is_sibling_of(upstream));
            (name.clone(), known.cloned().unwrap_or_else(|| upstream.sibling()))
        };
        self.0.iter().map(one).collect()
    }
}
