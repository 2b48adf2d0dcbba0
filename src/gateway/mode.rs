//! Between phases 2 and 3: which side answers, while clients move from an old upstream to the canonical one.
//!
//! Each dialect may have an old upstream that speaks it, and a mode: `canonical` (translate and forward), `legacy` (hand on
//! as it is), or `split` (a stable share of the principals has moved). What is said of a principal counts more than what is
//! said of an operation, and that more than what is said of the dialect.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use crate::dialect::{Dialect, Registry};
use crate::limit::Principal;
use crate::translate::compare::{Differences, Masks};
use crate::translate::reverse::told::Reader;
use crate::upstream::Upstream;

mod noise;

use self::noise::Noise;

/// How requests are answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// They are translated and forwarded.
    #[default]
    Canonical,
    /// They are handed on to the old upstream.
    Legacy,
    /// One side answers, and the other is asked the same, to be compared.
    Shadow,
    /// A share of the principals has moved to the canonical side.
    Split,
}

impl Mode {
    /// Each with its name in the settings.
    pub const NAMES: [(&'static str, Mode); 4] = [
        ("canonical", Mode::Canonical),
        ("legacy", Mode::Legacy),
        ("shadow", Mode::Shadow),
        ("split", Mode::Split),
    ];

    /// The word in settings, metrics and logs.
    pub fn name(self) -> &'static str {
        Mode::NAMES.iter().find(|(_, mode)| *mode == self).map_or("", |(name, _)| name)
    }
}

/// Who answers a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// The canonical backend, translated.
    #[default]
    Canonical,
    /// The old upstream.
    Legacy,
}

impl Side {
    /// Each with its name in the settings.
    pub const NAMES: [(&'static str, Side); 2] = [("canonical", Side::Canonical), ("legacy", Side::Legacy)];

    /// The one that does not answer then.
    #[must_use]
    pub fn other(self) -> Side {
        match self {
            Side::Canonical => Side::Legacy,
            Side::Legacy => Side::Canonical,
        }
    }

    /// The word in metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Side::Canonical => "canonical",
            Side::Legacy => "legacy",
        }
    }
}

/// How the requests of one dialect are answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// In general.
    pub mode: Mode,
    /// How many of a hundred principals have moved, where there is a split.
    pub share: u8,
    /// Whether what is handed on is looked at all the same, and counted where it does not fit.
    pub validate: bool,
    /// Who answers where there are shadows.
    pub answers: Side,
    /// Of how many of a hundred comparisons the old side is asked twice.
    pub noise: u8,
    /// Otherwise for single operations, by name.
    pub operations: BTreeMap<String, Mode>,
    /// Otherwise for single principals; none is split.
    pub principals: BTreeMap<Principal, Mode>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            mode: Mode::default(),
            share: 0,
            validate: false,
            answers: Side::Legacy,
            noise: 2,
            operations: BTreeMap::new(),
            principals: BTreeMap::new(),
        }
    }
}

impl Config {
    /// Whether anything is asked of both sides.
    pub fn shadows(&self) -> bool {
        let all = self.operations.values().chain(self.principals.values()).chain([&self.mode]);
        all.into_iter().any(|mode| *mode == Mode::Shadow)
    }

    /// Whether anybody is on the side that their share says.
    pub fn splits(&self) -> bool {
        self.mode == Mode::Split || self.operations.values().any(|mode| *mode == Mode::Split)
    }

    /// Whether any request goes to the old upstream, or could.
    pub fn passes(&self) -> bool {
        let all = self.operations.values().chain(self.principals.values()).chain([&self.mode]);
        all.into_iter().any(|mode| *mode != Mode::Canonical)
    }
}

/// The modes of all dialects. Those of which nothing is said are not there.
#[derive(Debug, Default)]
pub struct Modes {
    /// By dialect, generations included.
    plans: HashMap<String, Arc<Plan>>,
}

/// How the requests of one dialect are answered, and by whom.
#[derive(Debug)]
pub(super) struct Plan {
    config: Config,
    /// Whose old upstream it is: the dialect's, or that of one it is a generation of.
    legacy: Option<String>,
    /// What the dialect is a generation of at the root: all of them split alike.
    family: String,
    /// The hosts by which the dialect, or another of its family, is known.
    hosts: Vec<String>,
    /// What is compared, if anything is.
    comparison: Option<Comparison>,
}

/// What reads the answers of both sides, and what is known of the old side's noise.
#[derive(Debug, Default)]
struct Comparison {
    /// By operation: of those that only read.
    readers: HashMap<String, Reader>,
    masks: Masks,
    /// By operation.
    noise: Mutex<HashMap<String, Noise>>,
}

/// The old upstreams, by dialect, with connections of one worker.
#[derive(Clone, Debug, Default)]
pub struct Legacies(BTreeMap<String, Upstream>);

/// The mode of a request, and the side that answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) mode: Mode,
    pub(super) side: Side,
}

impl Modes {
    /// Those of the dialects that there are. A generation of which nothing is said has the mode of what it extends, and the
    /// old upstream too.
    pub fn new(registry: &Registry, configs: &BTreeMap<String, Config>, legacies: &Legacies) -> Modes {
        let plan = |dialect: &Arc<Dialect>| {
            let names = || std::iter::once(&dialect.name).chain(&dialect.extends);
            let config = names().find_map(|name| configs.get(name))?.clone();
            let legacy = names().find(|name| legacies.0.contains_key(*name)).cloned();
            let comparison = config.shadows().then(|| Comparison::of(registry, dialect));
            let family = dialect.family().to_owned();
            let relatives = registry.dialects().iter().filter(|one| one.family() == family);
            let hosts = relatives.flat_map(|one| one.hosts.iter().cloned()).collect();
            let plan = Plan { config, legacy, family, hosts, comparison };
            Some((dialect.name.clone(), Arc::new(plan)))
        };
        Modes { plans: registry.dialects().iter().filter_map(plan).collect() }
    }

    /// Whether anything is asked of both sides.
    pub(super) fn shadow(&self) -> bool {
        self.plans.values().any(|plan| plan.comparison.is_some())
    }

    /// That of a dialect, if anything was said of it.
    pub(super) fn of(&self, dialect: &Dialect) -> Option<&Arc<Plan>> {
        if self.plans.is_empty() { None } else { self.plans.get(&dialect.name) }
    }
}

impl Plan {
    /// Who answers a request for that operation.
    pub(super) fn choose(&self, operation: &str, principal: Principal) -> Chosen {
        let Config { mode, operations, principals, .. } = &self.config;
        let mode = principals.get(&principal).or_else(|| operations.get(operation)).copied().unwrap_or(*mode);
        let side = match mode {
            Mode::Canonical => Side::Canonical,
            Mode::Shadow => self.config.answers,
            Mode::Split if has_moved(&self.family, principal, self.config.share) => Side::Canonical,
            Mode::Legacy | Mode::Split => Side::Legacy,
        };
        Chosen { mode, side }
    }

    /// Whether that host is one of its own.
    pub(super) fn is_at(&self, host: &str) -> bool {
        self.hosts.iter().any(|own| own.eq_ignore_ascii_case(host))
    }

    pub(super) fn validates(&self) -> bool {
        self.config.validate
    }

    /// What reads the answers of an operation.
    pub(super) fn reader(&self, operation: &str) -> Option<&Reader> {
        self.comparison.as_ref()?.readers.get(operation)
    }

    /// How values of answers are hidden.
    pub(super) fn masks(&self) -> Option<&Masks> {
        self.comparison.as_ref().map(|comparison| &comparison.masks)
    }

    /// Whether the old side is to be asked twice this time.
    pub(super) fn is_to_be_asked_twice(&self, operation: &str) -> bool {
        let share = u64::from(self.config.noise);
        self.noise(operation, |noise| noise.is_to_be_asked_twice(share)).unwrap_or(false)
    }

    /// Learns where the old side differs from itself; what is noise by now is returned.
    pub(super) fn learn(&self, operation: &str, between: &Differences) -> Vec<String> {
        let learned = |noise: &mut Noise| {
            noise.learn(between);
            noise.places().into_iter().map(str::to_owned).collect()
        };
        self.noise(operation, learned).unwrap_or_default()
    }

    /// The differences that are no noise.
    pub(super) fn without_noise(&self, operation: &str, mut differences: Differences) -> Differences {
        self.noise(operation, |noise| differences.drop_at(|place| noise.holds(place)));
        differences
    }

    fn noise<T>(&self, operation: &str, of: impl FnOnce(&mut Noise) -> T) -> Option<T> {
        let mut all = self.comparison.as_ref()?.noise();
        Some(of(all.entry(operation.to_owned()).or_default()))
    }

    /// Where requests are handed on to.
    pub(super) fn upstream<'l>(&self, legacies: &'l Legacies) -> Option<&'l Upstream> {
        legacies.0.get(self.legacy.as_ref()?)
    }
}

impl Comparison {
    fn of(registry: &Registry, dialect: &Arc<Dialect>) -> Comparison {
        let safe = dialect.operations.iter().filter(|operation| operation.method.is_safe());
        let readers =
            safe.map(|one| (one.name.clone(), Reader::offline(registry.api(), dialect, one))).collect();
        Comparison { readers, ..Comparison::default() }
    }

    /// A panic while the lock was held cannot have left anything half learned, so poison is ignored.
    fn noise(&self) -> MutexGuard<'_, HashMap<String, Noise>> {
        self.noise.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What all digests of a split begin with: another way of sharing out will have another.
const FORMULA: &[u8] = b"interlingua-split-1";

/// Whether a principal is among the first `share` of a hundred.
///
/// Each has a point of its own between 0 and 100, by a digest under the name of the dialect's family; it has moved once the
/// share is beyond that point. So nobody who has moved goes back when the share grows, every replica says the same, and
/// those who move first in one dialect are others than in the next.
fn has_moved(family: &str, principal: Principal, share: u8) -> bool {
    let mut digest = Sha256::new();
    for part in [FORMULA, family.as_bytes(), principal.as_bytes()] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    let digest = digest.finalize();
    let point = digest.iter().take(8).fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    point * 100 < u128::from(share) << 64
}

impl FromIterator<(String, Upstream)> for Legacies {
    fn from_iter<I: IntoIterator<Item = (String, Upstream)>>(all: I) -> Legacies {
        Legacies(all.into_iter().collect())
    }
}

impl Legacies {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plan(config: Config) -> Plan {
        Plan { config, legacy: None, family: "acme".to_owned(), hosts: Vec::new(), comparison: None }
    }

    fn number(number: u32) -> Principal {
        Principal::of(&number.to_be_bytes())
    }

    #[test]
    fn a_principal_counts_more_than_an_operation_and_that_more_than_the_dialect() {
        let (ada, bob) = (number(1), number(2));
        let plan = plan(Config {
            mode: Mode::Legacy,
            operations: [("list".to_owned(), Mode::Canonical)].into(),
            principals: [(ada, Mode::Legacy)].into(),
            ..Config::default()
        });
        let side = |operation, who| plan.choose(operation, who).side;
        assert_eq!(side("get", bob), Side::Legacy);
        assert_eq!(side("list", bob), Side::Canonical);
        assert_eq!(side("list", ada), Side::Legacy);
    }

    /// The number was counted with Python's `hashlib`, from the formula in `docs/migration.md`.
    #[test]
    fn the_formula_is_what_is_documented() {
        let moved = (0..1000).filter(|one| has_moved("acme", number(*one), 10)).count();
        assert_eq!(moved, 105);
    }

    proptest! {
        #[test]
        fn whoever_has_moved_stays_moved_when_the_share_grows(
            credential: Vec<u8>,
            family in "[a-z]{0,8}",
            shares in (0_u8..=100, 0_u8..=100),
        ) {
            let who = Principal::of(&credential);
            let (less, more) = (shares.0.min(shares.1), shares.0.max(shares.1));
            prop_assert!(!has_moved(&family, who, less) || has_moved(&family, who, more));
            prop_assert!(!has_moved(&family, who, 0) && has_moved(&family, who, 100));
        }

    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]

        #[test]
        fn a_share_is_about_that_many(share in 0_u8..=100, family in "[a-z]{1,8}") {
            let moved = (0..2000).filter(|one| has_moved(&family, number(*one), share)).count();
            // Six standard deviations of the binomial distribution, at its widest.
            let expected = usize::from(share) * 20;
            prop_assert!(moved.abs_diff(expected) <= 6 * 23, "{moved} of 2000 for {share} %");
        }
    }
}
