//! What is asked of objects, in one walk over their members.

use super::pattern::Pattern;
use super::{ALWAYS, Index, Program};
use crate::json::{self, Key, Name, Value};

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
    /// A call of its own: what a walk over members has to remember would be put aside for each string inside it too.
    #[inline(never)]
    pub(super) fn accept(&self, program: &Program, value: Value<'_>) -> bool {
        let length = value.len();
        if length < self.least || length > self.most {
            return false;
        }
        // Only of few schemas more is asked of a name than which it is.
        let is_plain = self.name == ALWAYS && self.patterns.is_empty();
        let mut seen = 0_u64;
        for (key, member) in value.members() {
            let mut schema = None;
            if let Some(found) = self.names.known.find(key) {
                seen |= 1 << found;
                schema = self.names.schemas[found];
            }
            let accepts = if is_plain {
                program.accepts(schema.unwrap_or(self.rest), member)
            } else {
                self.accepts_member(program, key, schema, member)
            };
            if !accepts {
                return false;
            }
        }
        let has = |bits: u64| seen & bits == bits;
        has(self.required)
            && self.needs.iter().all(|(bit, needed)| !has(*bit) || has(*needed))
            && self.dependents.iter().all(|(bit, schema)| !has(*bit) || program.accepts(*schema, value))
    }

    /// Whether a member is as it should be, its name included; `schema` is that of its name, if there is one.
    fn accepts_member(
        &self,
        program: &Program,
        key: Key<'_>,
        schema: Option<Index>,
        member: Value<'_>,
    ) -> bool {
        if self.name != ALWAYS && !program.accepts(self.name, key.value()) {
            return false;
        }
        let mut is_covered = schema.is_some();
        if !schema.is_none_or(|schema| program.accepts(schema, member)) {
            return false;
        }
        for (pattern, schema) in &self.patterns {
            let name = key.as_str();
            if pattern.accepts(name.as_bytes(), |ask| ask.accepts_text(&name)) {
                is_covered = true;
                if !program.accepts(*schema, member) {
                    return false;
                }
            }
        }
        is_covered || program.accepts(self.rest, member)
    }
}

/// The names a schema knows of members, at most [`NAMES_MAX`].
pub(super) struct Names {
    known: json::Names,
    /// The schemas of their values; none if a name is only required.
    schemas: Box<[Option<Index>]>,
}

impl Names {
    /// All names different.
    pub(super) fn of(names: Vec<(String, Option<Index>)>) -> Names {
        let known = names.iter().map(|(name, _)| Name::new(name)).collect();
        Names { known, schemas: names.into_iter().map(|(_, schema)| schema).collect() }
    }

    /// The schemas of the names.
    pub(super) fn schemas(&self) -> impl Iterator<Item = Index> {
        self.schemas.iter().copied().flatten()
    }
}
