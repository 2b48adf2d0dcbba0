//! What several tables counted, put together: those of replicas, in whichever order.

use std::collections::BTreeMap;
use std::hash::Hash;

use super::heavy::{Heavy, Use};

/// What one or several tables know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary<K> {
    known: BTreeMap<K, Use<()>>,
    /// How often something was used at all.
    pub total: u64,
    /// How often, at most, something was used that is not there.
    pub missed: u64,
}

impl<K> Default for Summary<K> {
    fn default() -> Self {
        Summary { known: BTreeMap::new(), total: 0, missed: 0 }
    }
}

impl<K: Ord + Clone> Summary<K> {
    /// That of a table without keys that says this of itself.
    pub fn new(total: u64, missed: u64) -> Summary<K> {
        Summary { known: BTreeMap::new(), total, missed }
    }

    /// What a table knows, with its keys as `name` tells them; one that has no name is left out.
    pub fn of<T: Copy + Eq + Hash>(table: &Heavy<T>, name: impl Fn(&T) -> Option<K>) -> Summary<K> {
        let mut summary = Summary::new(table.total(), table.missed());
        for known in table.uses() {
            if let Some(key) = name(&known.key) {
                summary.insert(key, known);
            }
        }
        summary
    }

    /// Takes what is known of a key.
    pub fn insert<T>(&mut self, key: K, known: &Use<T>) {
        self.known.insert(key, known.of(()));
    }

    /// Adds what another knows. Who does not know a key may have missed it as often as it can miss any, so that is added to
    /// the count and to what it may be wrong by: nothing is too small, and nothing more wrong than it says.
    pub fn merge(&mut self, other: &Summary<K>) {
        for (key, known) in &mut self.known {
            if !other.known.contains_key(key) {
                known.count += other.missed;
                known.error += other.missed;
            }
        }
        for (key, more) in &other.known {
            let known = self.known.entry(key.clone()).and_modify(|known| known.join(more));
            let missed = self.missed;
            known.or_insert(Use { count: more.count + missed, error: more.error + missed, ..*more });
        }
        self.total += other.total;
        self.missed += other.missed;
    }

    /// Everything that is known, in the order of the keys.
    pub fn uses(&self) -> impl Iterator<Item = (&K, &Use<()>)> {
        self.known.iter()
    }

    /// What is known of a key.
    pub fn get(&self, key: &K) -> Option<&Use<()>> {
        self.known.get(key)
    }

    /// Whether every count is exact, and nothing missing.
    pub fn is_exact(&self) -> bool {
        self.missed == 0 && self.known.values().all(|known| known.error == 0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table(room: usize, stream: &[u8]) -> Summary<u8> {
        let mut heavy = Heavy::new(room);
        for (now, key) in (0..).zip(stream) {
            heavy.add(*key, now);
        }
        Summary::of(&heavy, |key| Some(*key))
    }

    fn merged<'t>(tables: impl IntoIterator<Item = &'t Summary<u8>>) -> Summary<u8> {
        let mut all = Summary::default();
        tables.into_iter().for_each(|table| all.merge(table));
        all
    }

    fn streams() -> impl Strategy<Value = Vec<(usize, Vec<u8>)>> {
        let key = prop_oneof![0_u8..4, any::<u8>()];
        prop::collection::vec((1_usize..9, prop::collection::vec(key, 0..120)), 0..4)
    }

    proptest! {
        #[test]
        fn what_replicas_counted_apart_is_no_more_wrong_together(streams in streams()) {
            let tables: Vec<_> = streams.iter().map(|(room, stream)| table(*room, stream)).collect();
            let all = merged(&tables);
            let most: u64 = streams.iter().map(|(room, stream)| (stream.len() / room) as u64).sum();
            prop_assert!(all.missed <= most);
            prop_assert_eq!(all.total, streams.iter().map(|(_, stream)| stream.len() as u64).sum::<u64>());
            for key in 0..=u8::MAX {
                let truly = streams.iter().flat_map(|(_, stream)| stream).filter(|one| **one == key).count() as u64;
                match all.get(&key) {
                    Some(known) => {
                        prop_assert!(known.count >= truly && known.count - known.error <= truly);
                        prop_assert!(known.error <= most);
                    }
                    None => prop_assert!(truly <= all.missed),
                }
            }
        }

        #[test]
        fn neither_the_order_nor_the_grouping_matters(streams in streams()) {
            let tables: Vec<_> = streams.iter().map(|(room, stream)| table(*room, stream)).collect();
            let all = merged(&tables);
            prop_assert_eq!(&merged(tables.iter().rev()), &all);
            let (left, right) = tables.split_at(tables.len() / 2);
            prop_assert_eq!(&merged([&merged(left), &merged(right)]), &all);
        }
    }
}
