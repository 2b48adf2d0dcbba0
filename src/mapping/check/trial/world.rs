//! What look-ups find: pairs that are made up, well-formed, and the same from either half.

use std::collections::{BTreeMap, HashMap};

use super::lenses;
use crate::canonical::id::IdForm;
use crate::dialect::Dialect;
use crate::lens::op::Op;
use crate::lens::op::resolve::Resolver;
use crate::lens::{Direction, Found, Lookup, Need};
use crate::schema::instances::random::Random;
use crate::schema::instances::{Pattern, uuid};

/// What the two columns of each look-up hold, by the index of its resolver.
#[derive(Debug, Default)]
pub(super) struct Columns(BTreeMap<usize, Column>);

/// What the two columns of a look-up hold.
#[derive(Debug, Default)]
struct Column {
    /// What the dialect's half matches, unless it is an id.
    pattern: Option<Pattern>,
    /// The words the canonical half may be; none if it is an id, too.
    words: Vec<String>,
}

impl Columns {
    pub(super) fn of(dialect: &Dialect) -> Columns {
        let mut columns = Columns::default();
        for lens in lenses(dialect) {
            for field in lens.fields() {
                let (by, words) = match &field.op {
                    Op::Resolve(resolve) => (&resolve.0, Vec::new()),
                    Op::Row(row) => {
                        (&row.resolver, row.table.rows.iter().map(|row| row.is.text().into_owned()).collect())
                    }
                    _ => continue,
                };
                let pattern = by.pattern.as_ref().filter(|_| by.id.is_none());
                let read = || pattern.and_then(|pattern| Pattern::read(pattern.as_str()));
                columns.0.entry(by.index).or_insert_with(|| Column { pattern: read(), words });
            }
        }
        columns
    }

    /// The dialect's half of some pair.
    fn left(&self, resolver: usize, random: &mut Random) -> String {
        let pattern = self.0.get(&resolver).and_then(|column| column.pattern.as_ref());
        pattern.and_then(|pattern| pattern.any(random)).unwrap_or_else(|| uuid(random.bits()))
    }

    /// Some ids a client may name things by that are looked up with this.
    pub(super) fn keys(&self, by: &Resolver, seed: u64) -> Vec<String> {
        let mut random = Random::of(seed, "keys");
        let mut keys = match &by.id {
            Some(id) => super::guides::spellings(&id.dialect, &mut random),
            None => vec![self.left(by.index, &mut random), self.left(by.index, &mut random)],
        };
        for form in &by.accepted {
            keys.extend(super::guides::spelling(*form, &mut random));
        }
        keys
    }
}

/// The pairs that were made up so far.
#[derive(Clone, Debug)]
pub(super) struct World<'c> {
    columns: &'c Columns,
    lifted: HashMap<(usize, String), String>,
    lowered: HashMap<(usize, String), String>,
}

impl<'c> World<'c> {
    pub(super) fn new(columns: &'c Columns) -> World<'c> {
        World { columns, lifted: HashMap::new(), lowered: HashMap::new() }
    }

    /// The other half of the pair a key belongs to.
    pub(super) fn answer(&mut self, need: &Need) -> Found {
        let Lookup::Resolver(resolver) = need.of else {
            // Ids are imported or computed, and here none was imported.
            return Found::Missing;
        };
        let key = (resolver, need.key.clone());
        let known = match need.direction {
            Direction::Lift => self.lifted.get(&key),
            Direction::Lower => self.lowered.get(&key),
        };
        if let Some(known) = known {
            return Found::Value(known.clone());
        }
        let mut random = Random::of(u64::try_from(resolver).unwrap_or_default(), &need.key);
        let other = match need.direction {
            Direction::Lift => self.right(resolver, &mut random),
            Direction::Lower => self.columns.left(resolver, &mut random),
        };
        let (left, right) = match need.direction {
            Direction::Lift => (need.key.clone(), other.clone()),
            Direction::Lower => (other.clone(), need.key.clone()),
        };
        self.lifted.insert((resolver, left.clone()), right.clone());
        self.lowered.entry((resolver, right)).or_insert(left);
        Found::Value(other)
    }

    /// A canonical half; of words one that has no pair yet, as long as there is one.
    fn right(&self, resolver: usize, random: &mut Random) -> String {
        let words = self.columns.0.get(&resolver).map(|column| column.words.as_slice()).unwrap_or_default();
        let free: Vec<_> =
            words.iter().filter(|word| !self.lowered.contains_key(&(resolver, (*word).clone()))).collect();
        match (random.pick(&free), random.pick(words)) {
            (Some(word), _) => (*word).clone(),
            (None, Some(word)) => word.clone(),
            (None, None) => super::guides::spelling(IdForm::Uuid, random).unwrap_or_default(),
        }
    }
}
