//! What is asked of objects, in one walk over their members.

use super::pattern::Pattern;
use super::{ALWAYS, Index, Program};
use crate::json::{Key, Name, Value};

/// More names than this have no place in a word of bits.
pub(super) const NAMES_MAX: usize = 64;

pub(super) struct ObjectRules {
    pub(super) least: usize,
    pub(super) most: usize,
    pub(super) names: Names,
    /// The names that must be there, as bits.
    pub(super) required: u64,
    pub(super) patterns: Box<[(Pattern, Index)]>,
    /// The schema of members that neither a name nor a pattern covers.
    pub(super) rest: Index,
    /// The schema of the names themselves.
    pub(super) name: Index,
    /// Names that must be there if one is.
    pub(super) needs: Box<[(u64, u64)]>,
    /// Schemas of the whole object that count if a name is there.
    pub(super) dependents: Box<[(u64, Index)]>,
}

impl ObjectRules {
    pub(super) fn accept(&self, program: &Program, value: Value<'_>) -> bool {
        let length = value.len();
        if length < self.least || length > self.most {
            return false;
        }
        let (mut seen, mut next) = (0_u64, 0);
        for (key, member) in value.members() {
            if self.name != ALWAYS && !program.accepts(self.name, key.value()) {
                return false;
            }
            let mut schema = None;
            if let Some(found) = self.names.find(key, next) {
                seen |= 1 << found;
                next = found + 1;
                schema = self.names.0[found].schema;
            }
            if !self.accepts_member(program, key, schema, member) {
                return false;
            }
        }
        let has = |bits: u64| seen & bits == bits;
        has(self.required)
            && self.needs.iter().all(|(bit, needed)| !has(*bit) || has(*needed))
            && self.dependents.iter().all(|(bit, schema)| !has(*bit) || program.accepts(*schema, value))
    }

    /// Whether a member is as it should be; `schema` is that of its name, if there is one.
    fn accepts_member(
        &self,
        program: &Program,
        key: Key<'_>,
        schema: Option<Index>,
        member: Value<'_>,
    ) -> bool {
        let mut is_covered = schema.is_some();
        if !schema.is_none_or(|schema| program.accepts(schema, member)) {
            return false;
        }
        for (pattern, schema) in &self.patterns {
            if pattern.accepts(&key.as_str()) {
                is_covered = true;
                if !program.accepts(*schema, member) {
                    return false;
                }
            }
        }
        is_covered || program.accepts(self.rest, member)
    }
}

/// The names a schema knows of members, at most [`NAMES_MAX`], in the order of its text.
pub(super) struct Names(Box<[Known]>);

struct Known {
    name: Name,
    /// The schema of its value; none if the name is only required.
    schema: Option<Index>,
}

impl Names {
    /// All names different.
    pub(super) fn of(names: Vec<(String, Option<Index>)>) -> Names {
        let known = |(name, schema): (String, _)| Known { name: Name::new(&name), schema };
        Names(names.into_iter().map(known).collect())
    }

    /// The schemas of the names.
    pub(super) fn schemas(&self) -> impl Iterator<Item = Index> {
        self.0.iter().filter_map(|known| known.schema)
    }

    /// The place of a name among them, if it is one. `next` is where it is looked for first: members mostly come in
    /// the order of the schema, some of them left out.
    fn find(&self, key: Key<'_>, next: usize) -> Option<usize> {
        let is_it = |known: &Known| key.is_named(&known.name);
        let (before, after) = self.0.split_at(next.min(self.0.len()));
        let place = after.iter().position(is_it).map(|place| before.len() + place);
        place.or_else(|| before.iter().position(is_it))
    }
}
