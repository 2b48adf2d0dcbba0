//! A search for pairs: records of two sides that are known by the same key, list by list.
//!
//! What is seen goes to temporary tables, so that lists of any length take the same memory, and of keys no more than
//! digests are kept. A pair that contradicts another, or the map, is a conflict and never written; all others are written in
//! one transaction.

use std::path::Path;

use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::{IMPORT_TIMEOUT, Pair, SCHEMA, StoreError, blob, connect, failed, pair};
use crate::canonical::id::is_external;

mod conflict;
#[cfg(test)]
mod tests;

pub use self::conflict::{Conflict, Why};

const TABLES: &str = include_str!("matching.sql");

/// Bytes of a key's digest.
pub const KEY_BYTES: usize = 16;

/// A record as its side tells it.
#[derive(Clone, Copy, Debug)]
pub enum Sighting<'s> {
    /// One of the old upstream: its id, and the canonical one that this would spell by itself.
    Theirs(&'s str, Option<Uuid>),
    /// One of the canonical side.
    Ours(Uuid),
}

/// What the records of a part of a list are.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// Their canonical schema.
    pub schema: &'a str,
    /// The kind of their ids; none if no id of theirs may have been imported.
    pub kind: Option<&'a str>,
    /// The organization their ids lie in; none if they hold everywhere.
    pub organization: Option<Uuid>,
    /// The canonical path parameter that stands for one of them.
    pub names: Option<&'a str>,
}

/// A record that other lists lie in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// What to ask for those after this.
    pub place: i64,
    /// Its id at the old upstream.
    pub external: String,
    /// Ours.
    pub canonical: Uuid,
}

/// How many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Pairs that the map has.
    pub known: u64,
    /// Records whose id is the same on both sides.
    pub computed: u64,
    /// Ids of the old upstream without a counterpart.
    pub theirs_alone: u64,
    /// Ids of the canonical side without one.
    pub ours_alone: u64,
}

/// A search under way.
#[derive(Debug)]
pub struct Matching {
    connection: Connection,
    path: std::path::PathBuf,
    dialect: String,
    round: i64,
    groups: i64,
    holds: bool,
}

impl Matching {
    /// Begins with the map at `path`; none is a map without pairs, into which nothing can be written.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the map cannot be used.
    pub fn begin(path: Option<&Path>, dialect: &str) -> Result<Matching, StoreError> {
        let shown = path.unwrap_or(Path::new(":memory:"));
        let failed = failed(shown);
        let connection = if let Some(path) = path {
            connect(path, IMPORT_TIMEOUT)?
        } else {
            let connection = Connection::open_in_memory().map_err(&failed)?;
            connection.execute_batch(SCHEMA).map_err(&failed)?;
            connection
        };
        let prepared = connection
            .execute_batch("PRAGMA cache_size = -4096; PRAGMA journal_size_limit = 16777216;")
            .and_then(|()| connection.execute_batch(TABLES))
            .and_then(|()| connection.execute_batch("PRAGMA temp.cache_size = -8192"));
        prepared.map_err(&failed)?;
        let (path, dialect) = (shown.to_owned(), dialect.to_owned());
        let matching = Matching { connection, path, dialect, round: 0, groups: 0, holds: false };
        matching.learn_kinds().map_err(&failed)?;
        // Each sighting would be a transaction of its own otherwise. It never touches the map.
        matching.connection.execute_batch("BEGIN").map_err(&failed)?;
        Ok(matching)
    }

    /// Takes what a list tells of a record in that part of its items. A record of the old upstream is left out if its id
    /// can be no imported one.
    pub fn see(
        &self,
        part: usize,
        sighting: Sighting<'_>,
        key: Option<[u8; KEY_BYTES]>,
    ) -> Result<(), StoreError> {
        let part = i64::try_from(part).unwrap_or(i64::MAX);
        let key: &[u8] = key.as_ref().map_or(&[], |key| key);
        let taken = match sighting {
            Sighting::Theirs(external, _) if !is_external(external) => return Ok(()),
            Sighting::Theirs(external, computed) => {
                let computed = computed.map(Uuid::into_bytes);
                let sql =
                    "INSERT OR IGNORE INTO theirs (part, key, external, computed) VALUES (?1, ?2, ?3, ?4)";
                let mut statement = self.connection.prepare_cached(sql).map_err(failed(&self.path))?;
                statement.execute(params![part, key, external, computed])
            }
            Sighting::Ours(canonical) => {
                let sql = "INSERT OR IGNORE INTO ours (part, key, canonical) VALUES (?1, ?2, ?3)";
                let mut statement = self.connection.prepare_cached(sql).map_err(failed(&self.path))?;
                statement.execute(params![part, key, canonical.into_bytes()])
            }
        };
        taken.map(|_| ()).map_err(failed(&self.path))
    }

    /// Forgets a list that was not read to its end: the rest of it may have records with the same keys.
    pub fn forget(&self) -> Result<(), StoreError> {
        self.connection.execute_batch("DELETE FROM theirs; DELETE FROM ours").map_err(failed(&self.path))
    }

    /// Pairs the records of one part of a list that was read on both sides.
    pub fn pair(&mut self, part: usize, about: About<'_>) -> Result<(), StoreError> {
        self.round += 1;
        let paired = self.paired(i64::try_from(part).unwrap_or(i64::MAX), about);
        // Both sides may take hours to read: the map is seen as it is with each list, and keeps no old state for this search.
        paired.and_then(|()| self.connection.execute_batch("COMMIT; BEGIN")).map_err(failed(&self.path))
    }

    fn paired(&mut self, part: i64, about: About<'_>) -> rusqlite::Result<()> {
        let About { schema, kind, organization, names } = about;
        let (kind, organization) = (kind.unwrap_or_default(), blob(organization));
        let connection = &self.connection;
        connection.execute_batch("DELETE FROM same; DELETE FROM lone")?;
        // The map says so. What holds in the organization counts more than what holds in all.
        connection.execute(
            "INSERT OR IGNORE INTO same (external, canonical, how)
             SELECT DISTINCT t.external, p.canonical, 1 FROM theirs AS t
             JOIN known_kinds AS k ON k.name = ?2
             JOIN main.by_external AS p ON p.kind = k.id AND p.external = t.external AND p.organization = (
                 SELECT max(b.organization) FROM main.by_external AS b
                 WHERE b.kind = k.id AND b.external = t.external AND b.organization IN (?3, x''))
             WHERE t.part = ?1 AND EXISTS (SELECT 1 FROM ours AS o WHERE o.part = ?1 AND o.canonical = p.canonical)",
            params![part, kind, organization],
        )?;
        // One is how the other is spelt, and the map says nothing else of either.
        connection.execute(
            "INSERT OR IGNORE INTO same (external, canonical, how)
             SELECT DISTINCT t.external, t.computed, 2 FROM theirs AS t
             WHERE t.part = ?1 AND EXISTS (SELECT 1 FROM ours AS o WHERE o.part = ?1 AND o.canonical = t.computed)
               AND NOT EXISTS (SELECT 1 FROM known_kinds AS k JOIN main.by_external AS p ON p.kind = k.id
                   WHERE k.name = ?2 AND p.external = t.external AND p.organization IN (?3, x''))
               AND NOT EXISTS (SELECT 1 FROM known_kinds AS k JOIN main.by_canonical AS p ON p.kind = k.id
                   WHERE k.name = ?2 AND p.canonical = t.computed AND p.organization IN (?3, x''))",
            params![part, kind, organization],
        )?;
        // What is left has a key, and no counterpart that has it too.
        connection.execute(
            "INSERT INTO lone (key, external, computed)
             SELECT t.key, t.external, t.computed FROM theirs AS t WHERE t.part = ?1 AND t.key <> x'' AND NOT EXISTS (
                 SELECT 1 FROM same AS s JOIN ours AS o ON o.part = ?1 AND o.key = t.key AND o.canonical = s.canonical
                 WHERE s.external = t.external)",
            [part],
        )?;
        connection.execute(
            "INSERT INTO lone (key, canonical)
             SELECT o.key, o.canonical FROM ours AS o WHERE o.part = ?1 AND o.key <> x'' AND NOT EXISTS (
                 SELECT 1 FROM same AS s JOIN theirs AS t ON t.part = ?1 AND t.key = o.key AND t.external = s.external
                 WHERE s.canonical = o.canonical)",
            [part],
        )?;
        connection.execute(
            "INSERT OR IGNORE INTO found (kind, external, canonical, organization, computed, round)
             SELECT ?1, max(external), max(canonical), ?2, max(computed), ?3 FROM lone
             GROUP BY key HAVING count(external) = 1 AND count(canonical) = 1",
            params![kind, organization, self.round],
        )?;
        connection.execute(
            "INSERT INTO shared (groups, kind, schema, organization, tag, external, canonical)
             SELECT ?1 + dense_rank() OVER (ORDER BY l.key), ?2, ?3, ?4, lower(hex(substr(l.key, 1, 4))), l.external, l.canonical
             FROM lone AS l JOIN (
                 SELECT key FROM lone GROUP BY key
                 HAVING count(external) > 0 AND count(canonical) > 0 AND count(*) > 2
             ) AS g ON g.key = l.key ORDER BY l.key, l.external, l.canonical",
            params![self.groups, kind, schema, organization],
        )?;
        let last = "SELECT coalesce((SELECT groups FROM shared ORDER BY place DESC LIMIT 1), 0)";
        let groups = connection.query_row(last, [], |row| row.get::<_, i64>(0))?;
        self.groups = self.groups.max(groups);
        self.note_seen(part, kind)?;
        if let Some(names) = names {
            self.connection.execute(
                "INSERT OR IGNORE INTO scopes (parameter, external, canonical)
                 SELECT ?1, external, canonical FROM same
                 UNION SELECT ?1, external, canonical FROM fresh WHERE kind = ?2 AND round = ?3",
                params![names, kind, self.round],
            )?;
        }
        self.connection.execute("DELETE FROM theirs WHERE part = ?1", [part])?;
        self.connection.execute("DELETE FROM ours WHERE part = ?1", [part])?;
        Ok(())
    }

    /// Notes whose ids were seen, and which of them are in a pair.
    fn note_seen(&self, part: i64, kind: &str) -> rusqlite::Result<()> {
        let connection = &self.connection;
        for (side, ids, of_same) in [(0, "theirs", "external"), (1, "ours", "canonical")] {
            connection.execute(
                &format!(
                    "INSERT INTO seen (kind, side, id, met)
                     SELECT DISTINCT ?2, ?3, x.{of_same},
                         coalesce((SELECT max(s.how) FROM same AS s WHERE s.{of_same} = x.{of_same}), 0)
                     FROM {ids} AS x WHERE x.part = ?1
                     ON CONFLICT DO UPDATE SET met = max(met, excluded.met)"
                ),
                params![part, kind, side],
            )?;
        }
        Ok(())
    }

    /// Records that lists with that path parameter lie in, those after a place.
    pub fn scopes(&self, parameter: &str, after: i64, most: u32) -> Result<Vec<Scope>, StoreError> {
        let sql = "SELECT place, external, canonical FROM scopes WHERE parameter = ?1 AND place > ?2
                   ORDER BY place LIMIT ?3";
        let scope = |row: &Row<'_>| {
            Ok(Scope { place: row.get(0)?, external: row.get(1)?, canonical: Uuid::from_bytes(row.get(2)?) })
        };
        let read = self.connection.prepare_cached(sql).and_then(|mut statement| {
            statement.query_map(params![parameter, after, most], scope)?.collect::<rusqlite::Result<Vec<_>>>()
        });
        read.map_err(failed(&self.path))
    }

    /// Hands every pair that is new to `each`: those of one kind, or of all.
    pub fn fresh<E: From<StoreError>>(
        &self,
        kind: &str,
        mut each: impl FnMut(Pair) -> Result<(), E>,
    ) -> Result<(), E> {
        let failed = failed(&self.path);
        let sql = "SELECT external, canonical, organization FROM fresh WHERE kind = ?1 ORDER BY external, organization";
        let mut statement = self.connection.prepare(sql).map_err(&failed)?;
        let mut rows = statement.query([kind]).map_err(&failed)?;
        while let Some(row) = rows.next().map_err(&failed)? {
            each(pair(row, 0).map_err(&failed)?)?;
        }
        Ok(())
    }

    /// How many pairs of a kind are new.
    pub fn count_fresh(&self, kind: &str) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM fresh WHERE kind = ?1";
        let count = self.connection.query_row(sql, [kind], |row| row.get::<_, i64>(0));
        Ok(u64::try_from(count.map_err(failed(&self.path))?).unwrap_or_default())
    }

    /// What else there is to count.
    pub fn counts(&self) -> Result<Counts, StoreError> {
        let count = |condition: &str| {
            let sql = format!("SELECT count(*) FROM seen AS s WHERE s.kind <> '' AND {condition}");
            let count = self.connection.query_row(&sql, [], |row| row.get::<_, i64>(0));
            count.map(|count| u64::try_from(count).unwrap_or_default()).map_err(failed(&self.path))
        };
        let alone = |side: u8, of: &str| {
            count(&format!(
                "s.side = {side} AND s.met = 0
                 AND NOT EXISTS (SELECT 1 FROM found AS f WHERE f.kind = s.kind AND f.{of} = s.id)"
            ))
        };
        Ok(Counts {
            known: count("s.side = 0 AND s.met = 1")?,
            computed: count("s.side = 0 AND s.met = 2")?,
            theirs_alone: alone(0, "external")?,
            ours_alone: alone(1, "canonical")?,
        })
    }

    /// Looks at the map anew, and lets nobody else write it until the new pairs are written.
    pub fn hold(&mut self) -> Result<(), StoreError> {
        let held = self.connection.execute_batch("COMMIT; BEGIN IMMEDIATE").and_then(|()| self.learn_kinds());
        held.map_err(failed(&self.path))?;
        self.holds = true;
        Ok(())
    }

    /// Writes the new pairs of these kinds, all of them or none. When this returns, they are on the disk; gives how many
    /// there are.
    pub fn write(&mut self, kinds: &[&str]) -> Result<u64, StoreError> {
        if !self.holds {
            self.hold()?;
        }
        let written = self.written(kinds).map_err(failed(&self.path))?;
        self.holds = false;
        Ok(written)
    }

    fn written(&self, kinds: &[&str]) -> rusqlite::Result<u64> {
        let connection = &self.connection;
        for kind in kinds {
            let sql = "INSERT OR IGNORE INTO kinds (dialect, name) VALUES (?1, ?2)";
            connection.execute(sql, [self.dialect.as_str(), kind])?;
        }
        self.learn_kinds()?;
        let mut written = 0;
        for kind in kinds {
            connection.execute_batch("DROP TABLE IF EXISTS temp.going")?;
            connection.execute(
                "CREATE TEMP TABLE going AS SELECT external, canonical, organization FROM fresh WHERE kind = ?1",
                [kind],
            )?;
            let of = "SELECT id FROM known_kinds WHERE name = ?1";
            written += connection.execute(
                &format!(
                    "INSERT INTO main.by_external (kind, external, organization, canonical)
                     SELECT ({of}), external, organization, canonical FROM going ORDER BY external, organization"
                ),
                [kind],
            )?;
            connection.execute(
                &format!(
                    "INSERT INTO main.by_canonical (kind, canonical, organization, external)
                     SELECT ({of}), canonical, organization, external FROM going ORDER BY canonical, organization"
                ),
                [kind],
            )?;
        }
        connection.execute_batch("COMMIT; BEGIN")?;
        Ok(u64::try_from(written).unwrap_or_default())
    }

    fn learn_kinds(&self) -> rusqlite::Result<()> {
        self.connection.execute(LEARN_KINDS, [&self.dialect]).map(|_| ())
    }
}

const LEARN_KINDS: &str =
    "INSERT OR IGNORE INTO temp.known_kinds (name, id) SELECT name, id FROM main.kinds WHERE dialect = ?1";
