//! What was found and cannot be written: pairs that contradict each other, or the map, and keys that several records have.

use rusqlite::Row;
use uuid::Uuid;

use super::Matching;
use crate::ids::embedded::{StoreError, failed};

/// How many ids of one side are told of a key that several have.
const SHARED_MAX: usize = 5;

/// Something that cannot be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The kind of id.
    pub kind: String,
    /// The organization it holds in.
    pub organization: Option<Uuid>,
    /// What is wrong.
    pub why: Why,
}

/// What is wrong with what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// Two pairs claim one id.
    Claimed {
        /// The halves of one.
        pair: (String, Uuid),
        /// Those of the other.
        other: (String, Uuid),
    },
    /// The map pairs one of the halves with another.
    Mapped {
        /// The halves of what was found.
        pair: (String, Uuid),
        /// Those in the map.
        other: (String, Uuid),
    },
    /// Several records of one side have one key.
    Shared {
        /// Their canonical schema.
        schema: String,
        /// A part of the key's digest.
        tag: String,
        /// Ids of the old upstream, the first of them, and how many there are.
        theirs: (Vec<String>, usize),
        /// Ids of the canonical side, the same.
        ours: (Vec<Uuid>, usize),
    },
    /// The id of the old upstream is how another record of the canonical side is spelt.
    Spelt {
        /// The halves of what was found.
        pair: (String, Uuid),
        /// The other record.
        other: Uuid,
    },
}

impl Matching {
    /// Hands every conflict to `each`.
    pub fn conflicts<E: From<StoreError>>(
        &self,
        mut each: impl FnMut(Conflict) -> Result<(), E>,
    ) -> Result<(), E> {
        let failed = failed(&self.path);
        // Of two pairs that contradict each other, one says it for both.
        let sql = "SELECT why, kind, organization, external, canonical, other_external, other_canonical FROM contradictions
                   WHERE why <> 'claimed' OR (external, canonical) < (other_external, other_canonical)
                   ORDER BY kind, external, canonical, why";
        let mut statement = self.connection.prepare(sql).map_err(&failed)?;
        let mut rows = statement.query([]).map_err(&failed)?;
        while let Some(row) = rows.next().map_err(&failed)? {
            each(contradiction(row).map_err(&failed)?)?;
        }
        let sql = "SELECT groups, kind, organization, schema, tag, external, canonical FROM shared ORDER BY groups, place";
        let mut statement = self.connection.prepare(sql).map_err(&failed)?;
        let mut rows = statement.query([]).map_err(&failed)?;
        let mut group: Option<(i64, Conflict)> = None;
        while let Some(row) = rows.next().map_err(&failed)? {
            let number: i64 = row.get(0).map_err(&failed)?;
            if group.as_ref().is_none_or(|(known, _)| *known != number) {
                if let Some((_, conflict)) = group.take() {
                    each(conflict)?;
                }
                group = Some((number, shared(row).map_err(&failed)?));
            }
            if let Some((_, Conflict { why: Why::Shared { theirs, ours, .. }, .. })) = &mut group {
                add(row.get::<_, Option<String>>(5).map_err(&failed)?, theirs);
                let canonical = row.get::<_, Option<[u8; 16]>>(6).map_err(&failed)?;
                add(canonical.map(Uuid::from_bytes), ours);
            }
        }
        group.map_or(Ok(()), |(_, conflict)| each(conflict))
    }
}

fn contradiction(row: &Row<'_>) -> rusqlite::Result<Conflict> {
    let why: String = row.get(0)?;
    let (kind, organization) = (row.get(1)?, organization(row)?);
    let pair = (row.get(3)?, Uuid::from_bytes(row.get(4)?));
    let other = Uuid::from_bytes(row.get(6)?);
    let other_pair = || Ok::<_, rusqlite::Error>((row.get(5)?, other));
    let why = match why.as_str() {
        "claimed" => Why::Claimed { pair, other: other_pair()? },
        "mapped" => Why::Mapped { pair, other: other_pair()? },
        _ => Why::Spelt { pair, other },
    };
    Ok(Conflict { kind, organization, why })
}

fn shared(row: &Row<'_>) -> rusqlite::Result<Conflict> {
    let (schema, tag) = (row.get(3)?, row.get(4)?);
    let why = Why::Shared { schema, tag, theirs: (Vec::new(), 0), ours: (Vec::new(), 0) };
    Ok(Conflict { kind: row.get(1)?, organization: organization(row)?, why })
}

fn organization(row: &Row<'_>) -> rusqlite::Result<Option<Uuid>> {
    let organization: Vec<u8> = row.get(2)?;
    Ok(Uuid::from_slice(&organization).ok())
}

fn add<T>(id: Option<T>, (ids, count): &mut (Vec<T>, usize)) {
    let Some(id) = id else { return };
    *count += 1;
    if ids.len() < SHARED_MAX {
        ids.push(id);
    }
}
