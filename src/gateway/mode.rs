//! Between phases 2 and 3: which side answers, while clients move from an old upstream to the canonical one.
//!
//! Each dialect may have an old upstream that speaks it, and a mode: `canonical` (translate and forward), `legacy` (hand on
//! as it is), or `split` (a stable share of the principals has moved). What is said of a principal counts more than what is
//! said of an operation, and that more than what is said of the dialect. A list that was begun at one side is read to its end
//! there, where its cursors say which that was: the other side does not know them. Nor does it know an `Idempotency-Key` that
//! the first was asked with: so that one is asked again.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use http::request::Parts;

use super::key::Key;
use crate::canonical::api::PathPart;
use crate::dialect::page::{Cursors, Maker, Mark};
use crate::dialect::url::Url;
use crate::dialect::{self, Dialect, Operation, Registry};
use crate::limit::Principal;
use crate::translate;
use crate::upstream::Upstream;

mod budget;
mod comparison;
mod keys;
mod legacies;
mod noise;
mod share;
mod writes;

use self::budget::Budget;
use self::comparison::Comparison;
use self::keys::Keys;
use self::share::has_moved;
use self::writes::{Writes, meant};

pub(super) use self::budget::{Left, SAVED_MAX};
pub(super) use self::comparison::Change;
pub(super) use self::keys::Held;
pub use self::legacies::Legacies;
pub(super) use self::writes::{Passage, Writing};

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
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
    /// How much the side that answers is asked besides, in the name of a principal: so many calls for a hundred of its own.
    pub extra: u16,
    /// Whether it is asked what a change did that it has made.
    pub read_back: bool,
    /// Places at which the old side shows something else, as everybody knows; and all that lies below them.
    pub known: Vec<String>,
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
            extra: 5,
            read_back: true,
            known: Vec::new(),
            operations: BTreeMap::new(),
            principals: BTreeMap::new(),
        }
    }
}

impl Config {
    /// The largest `extra` that means something: what one change takes at most, for every call.
    pub const EXTRA_MAX: u16 = 100 * SAVED_MAX;

    /// Whether anything is asked of both sides.
    pub fn shadows(&self) -> bool {
        let all = self.operations.values().chain(self.principals.values()).chain([&self.mode]);
        all.into_iter().any(|mode| *mode == Mode::Shadow)
    }

    /// Whether anybody is on the side that their share says.
    pub fn splits(&self) -> bool {
        self.mode == Mode::Split || self.operations.values().any(|mode| *mode == Mode::Split)
    }

    /// Whether it is known, and meant, that the old side shows something else there than the mapping does: there, or around
    /// it.
    pub fn knows(&self, place: &str) -> bool {
        self.known.iter().any(|known| {
            let rest = place.strip_prefix(known.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    /// Whether any request goes to the old upstream, or could.
    pub fn passes(&self) -> bool {
        let all = self.operations.values().chain(self.principals.values()).chain([&self.mode]);
        all.into_iter().any(|mode| *mode != Mode::Canonical)
    }

    /// Whether the old upstream may be who answers a request for that operation.
    pub fn hands_on(&self, operation: &str) -> bool {
        let own = self.operations.get(operation).unwrap_or(&self.mode);
        self.principals.values().chain([own]).any(|mode| match mode {
            Mode::Canonical => false,
            Mode::Legacy => true,
            Mode::Shadow => self.answers == Side::Legacy,
            Mode::Split => self.share < 100,
        })
    }
}

/// The modes of all dialects. Those of which nothing is said, and that have no old upstream, are not there.
#[derive(Debug, Default)]
pub struct Modes {
    /// By dialect, generations included.
    plans: HashMap<String, Arc<Plan>>,
    /// By family, of those that have an old upstream: all changes, whichever mode they are made in. Generations change the same
    /// records.
    writes: HashMap<String, Arc<Writes>>,
    /// By the same: what may be asked besides.
    budgets: HashMap<String, Arc<Budget>>,
    /// By the same, of those that have an old upstream: which side was asked with which key.
    keys: HashMap<String, Arc<Keys>>,
}

/// How the requests of one dialect are answered, and by whom.
#[derive(Debug)]
pub(super) struct Plan {
    config: Config,
    /// Whether anything was said of it; else it is as usual.
    is_said: bool,
    /// Whose old upstream it is: the dialect's, or that of one it is a generation of.
    legacy: Option<String>,
    /// What cursors of the canonical side are known by, where there is an old upstream that has others.
    mark: Option<Mark>,
    /// What the dialect is a generation of at the root: all of them split alike.
    family: String,
    /// The hosts by which the dialect, or another of its family, is known.
    hosts: Vec<String>,
    /// What is compared, if anything is.
    comparison: Option<Comparison>,
    /// What is changed meanwhile.
    writes: Option<Arc<Writes>>,
    /// What may be asked besides.
    budget: Arc<Budget>,
    /// Which side was asked with which key, where there are two.
    keys: Option<Arc<Keys>>,
}

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
        Modes::default().followed_by(registry, configs, legacies)
    }

    /// The same, to be used after these: changes that are under way now stay known.
    #[must_use]
    pub fn followed_by(
        &self,
        registry: &Registry,
        configs: &BTreeMap<String, Config>,
        legacies: &Legacies,
    ) -> Modes {
        let mut writes: HashMap<String, Arc<Writes>> = HashMap::new();
        let mut budgets: HashMap<String, Arc<Budget>> = HashMap::new();
        let mut keys: HashMap<String, Arc<Keys>> = HashMap::new();
        let mut plan = |dialect: &Arc<Dialect>| {
            let names = || std::iter::once(&dialect.name).chain(&dialect.extends);
            let config = names().find_map(|name| configs.get(name));
            let legacy = names().find(|name| legacies.of(name).is_some()).cloned();
            let mark = legacy.as_ref().and_then(|name| Some(Mark::of(&[name, &legacies.of(name)?.base()])));
            let family = dialect.family().to_owned();
            let writes = (legacy.is_some() || config.is_some_and(Config::passes)).then(|| {
                let known = || self.writes.get(&family).cloned().unwrap_or_default();
                Arc::clone(writes.entry(family.clone()).or_insert_with(known))
            });
            let keys = legacy.is_some().then(|| {
                let known = || self.keys.get(&family).cloned().unwrap_or_default();
                Arc::clone(keys.entry(family.clone()).or_insert_with(known))
            });
            let known = || self.budgets.get(&family).cloned().unwrap_or_default();
            let budget = Arc::clone(budgets.entry(family.clone()).or_insert_with(known));
            if config.is_none() && legacy.is_none() {
                return None;
            }
            let (is_said, config) = (config.is_some(), config.cloned().unwrap_or_default());
            let comparison = config.shadows().then(|| Comparison::of(registry, dialect, &config));
            let relatives = registry.dialects().iter().filter(|one| one.family() == family);
            let hosts = relatives.flat_map(|one| one.hosts.iter().cloned()).collect();
            let plan =
                Plan { config, is_said, legacy, mark, family, hosts, comparison, writes, budget, keys };
            Some((dialect.name.clone(), Arc::new(plan)))
        };
        let plans = registry.dialects().iter().filter_map(&mut plan).collect();
        Modes { plans, writes, budgets, keys }
    }

    /// Those are in use from now on. Where they do not note changes as these did, nothing that is still to be compared is told
    /// as the old upstream's doing.
    pub fn supersede(&self, by: &Modes) {
        let goes_on = |writes| by.writes.values().any(|other| Arc::ptr_eq(writes, other));
        self.writes.values().filter(|writes| !goes_on(writes)).for_each(|writes| writes.close());
    }

    /// A request begins; none if it changes nothing, or nobody wants to know.
    pub(super) fn begin_write(&self, target: &dialect::Selected) -> Option<Writing> {
        if self.writes.is_empty() || target.operation.is_safe() {
            return None;
        }
        let writes = self.writes.get(target.dialect.family())?;
        // What cannot be decoded is refused, and changes nothing.
        let path = translate::decode_path(target.path.clone()).unwrap_or_default();
        Some(writes.begin(path.iter().map(|(_, value)| value.as_str())))
    }

    /// Whether anything is asked of both sides.
    pub fn shadow(&self) -> bool {
        self.plans.values().any(|plan| plan.comparison.is_some())
    }

    /// That of a dialect, if anything was said of it, or it has an old upstream.
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

    /// Which side alone can answer, where a request asks for a page by a cursor that one of them made.
    pub(super) fn maker(&self, operation: &Operation, url: &Url) -> Option<Side> {
        Some(match operation.page.as_ref()?.maker(url, self.mark?)? {
            Maker::Ours => Side::Canonical,
            Maker::Another => Side::Legacy,
        })
    }

    /// The side that a request with a key belongs to: the one that was first asked so, or this one from now on. None where
    /// there is one side alone, or no key that could be one.
    pub(super) fn hold(
        &self,
        who: Principal,
        target: &dialect::Selected,
        (head, url): (&Parts, &Url),
        side: Side,
    ) -> Option<Held> {
        let keys = self.keys.as_ref()?;
        // What is no key is refused by either side.
        let key = Key::of(&target.operation, &head.headers).ok()??;
        let asked = asked_for(target, url);
        let asked = asked.iter().map(String::as_bytes);
        let parts: Vec<_> =
            [who.as_bytes(), head.method.as_str().as_bytes()].into_iter().chain(asked).collect();
        Some(keys.hold(key.name(&parts), side))
    }

    /// How cursors are written, so that it is known who made them.
    pub(super) fn cursors(&self) -> Cursors {
        self.mark.map_or(Cursors::Plain, Cursors::Marked)
    }

    /// Whether anything was said of the dialect.
    pub(super) fn is_said(&self) -> bool {
        self.is_said
    }

    /// Whether that host is one of its own.
    pub(super) fn is_at(&self, host: &str) -> bool {
        self.hosts.iter().any(|own| own.eq_ignore_ascii_case(host))
    }

    /// A look at a record begins, which compares what both sides tell of it.
    pub(super) fn begin_look(&self) -> Option<Passage> {
        Some(self.writes.as_ref()?.look())
    }

    /// Whether nobody else has changed, since then, what is read at these parameters of a path.
    pub(super) fn is_unchanged_since<'t>(
        &self,
        passage: Passage,
        names: impl Iterator<Item = &'t str>,
    ) -> bool {
        self.writes.as_ref().is_some_and(|writes| writes.are_none_since(passage, names))
    }

    /// A principal's own call was answered so by that side; whether that was noted. Whoever answers clients waits for nobody here.
    pub(super) fn note_at_once(&self, who: (Principal, Side), left: Left) -> bool {
        self.budget.note_at_once(who, self.config.extra, left)
    }

    /// The same, by somebody whom no client waits for.
    pub(super) fn note(&self, who: (Principal, Side), left: Left) {
        self.budget.note(who, self.config.extra, left);
    }

    /// What a call that was made besides was answered with. It brings nothing.
    pub(super) fn note_besides(&self, who: (Principal, Side), left: Left) {
        self.budget.note(who, 0, left);
    }

    /// Whether a side may be asked in the name of a principal, besides its own calls: the first time of something that begins
    /// with it, or to go on with that.
    pub(super) fn may_ask_besides(&self, who: (Principal, Side), begins: bool) -> bool {
        self.budget.take(who, begins)
    }

    pub(super) fn validates(&self) -> bool {
        self.config.validate
    }

    /// Where requests are handed on to.
    pub(super) fn upstream<'l>(&self, legacies: &'l Legacies) -> Option<&'l Upstream> {
        legacies.of(self.legacy.as_ref()?)
    }
}

/// What a request is for, in one spelling of those that mean the same: the path of its operation, what that is filled with, and
/// the query. Generations of a dialect ask for the same, whatever they call it.
fn asked_for(target: &dialect::Selected, url: &Url) -> Vec<String> {
    let template = target.operation.path.iter().map(|part| match part {
        PathPart::Literal(text) => format!("/{text}"),
        PathPart::Parameter(_) => "/{}".to_owned(),
    });
    // What cannot be decoded is refused, by whichever side.
    let path = translate::decode_path(target.path.clone()).unwrap_or_default();
    let mut query =
        translate::decode_query(url.query()).unwrap_or_else(|_| vec![(url.query().into(), String::new())]);
    query.sort();
    let query = query.into_iter().flat_map(|(name, value)| [name.into_string(), meant(&value)]);
    std::iter::once(template.collect())
        .chain(path.iter().map(|(_, value)| meant(value)))
        .chain(query)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(config: Config) -> Plan {
        Plan {
            config,
            is_said: true,
            legacy: None,
            mark: None,
            family: "acme".to_owned(),
            hosts: Vec::new(),
            comparison: None,
            writes: None,
            budget: Arc::default(),
            keys: None,
        }
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
}
