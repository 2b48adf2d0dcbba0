//! Resources given one by one: what guests live on.

use rusqlite::{OptionalExtension, Transaction};
use serde_json::{Value, json};

use super::body::Fields;
use super::id::Id;
use super::resource::{Resource, ResourceType};
use super::role::Role;
use super::row::text;

/// Who a grant belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Holder {
    Invitation(Id),
    Member(Id),
}

/// Gives resources, leaving the level to each resource. One that is named twice is given once.
pub(super) fn give(tx: &Transaction<'_>, holder: Holder, resources: &[Resource]) -> rusqlite::Result<()> {
    let mut insert = tx.prepare_cached(
        "INSERT INTO grants (member_id, invitation_id, resource_type, resource_id) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO NOTHING",
    )?;
    let (member_id, invitation_id) = holder.columns();
    for resource in resources {
        insert.execute((member_id, invitation_id, resource.resource_type, &resource.resource_id))?;
    }
    Ok(())
}

/// What takes the place of the resources a holder has.
#[derive(Debug)]
pub(super) struct Replacement {
    resources: Vec<Resource>,
    /// Only resources of this type are replaced.
    of: Option<ResourceType>,
}

impl Replacement {
    /// Reads `resource_grants` and `resource_grants_of`, if they are there.
    pub(super) fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let types = ResourceType::ALL.map(|kind| (kind.name(), kind));
        let of =
            if fields.has("resource_grants_of") { fields.word("resource_grants_of", &types) } else { None };
        let resources = if fields.has("resource_grants") {
            fields.objects("resource_grants", Resource::read_grant)
        } else {
            return None;
        };
        Some(Replacement { resources, of })
    }
}

/// Leaves the holder these resources and no others of the types that are replaced; one that stays keeps its level.
/// Tells whether anything changed.
pub(super) fn replace(
    tx: &Transaction<'_>,
    holder: Holder,
    Replacement { resources, of }: &Replacement,
) -> rusqlite::Result<bool> {
    let (member_id, invitation_id) = holder.columns();
    let held: Vec<(i64, Resource)> = tx
        .prepare_cached(
            "SELECT rowid, resource_type, resource_id FROM grants WHERE member_id = ?1 OR invitation_id = ?2",
        )?
        .query_map((member_id, invitation_id), |row| {
            let resource =
                Resource { resource_type: row.get("resource_type")?, resource_id: row.get("resource_id")? };
            Ok((row.get("rowid")?, resource))
        })?
        .collect::<Result<_, _>>()?;
    let is_replaced = |resource: &Resource| of.is_none_or(|of| of == resource.resource_type);
    let held: Vec<_> = held.into_iter().filter(|(_, resource)| is_replaced(resource)).collect();
    for (row, _) in held.iter().filter(|(_, resource)| !resources.contains(resource)) {
        tx.prepare_cached("DELETE FROM grants WHERE rowid = ?1")?.execute([row])?;
    }
    give(tx, holder, resources)?;
    let stays = |resource: &Resource| held.iter().any(|(_, held)| held == resource);
    Ok(!resources.iter().all(stays) || held.iter().any(|(_, held)| !resources.contains(held)))
}

/// Hands what an invitation promised to the member it has become.
pub(super) fn hand_over(tx: &Transaction<'_>, invitation_id: Id, member_id: Id) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO grants (member_id, resource_type, resource_id, level)
         SELECT ?2, resource_type, resource_id, level FROM grants WHERE invitation_id = ?1 ORDER BY rowid",
    )?
    .execute((invitation_id, member_id))?;
    Ok(())
}

/// Gives a member one resource at a level, or raises the level they have. Never lowers one.
pub(super) fn raise(
    tx: &Transaction<'_>,
    member_id: Id,
    resource: &Resource,
    level: Role,
) -> rusqlite::Result<()> {
    if held_level(tx, member_id, resource)?.is_some_and(|held| !level.includes(held)) {
        return Ok(());
    }
    tx.prepare_cached(
        "INSERT INTO grants (member_id, resource_type, resource_id, level) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET level = excluded.level",
    )?
    .execute((member_id, resource.resource_type, &resource.resource_id, level))?;
    Ok(())
}

/// The level a member was given on a resource, if any was.
pub(super) fn held_level(
    tx: &Transaction<'_>,
    member_id: Id,
    resource: &Resource,
) -> rusqlite::Result<Option<Role>> {
    let level = tx
        .prepare_cached(
            "SELECT level FROM grants WHERE member_id = ?1 AND resource_type = ?2 AND resource_id = ?3",
        )?
        .query_row((member_id, resource.resource_type, &resource.resource_id), |row| row.get(0))
        .optional()?;
    Ok(level.flatten())
}

/// What a holder was given, in the order it was given.
pub(super) fn documents(
    tx: &Transaction<'_>,
    organization_id: Id,
    holder: Holder,
) -> rusqlite::Result<Vec<Value>> {
    let (member_id, invitation_id) = holder.columns();
    tx.prepare_cached(
        "SELECT grants.*, resources.name FROM grants
         LEFT JOIN resources ON resources.organization_id = ?1
               AND resources.resource_type = grants.resource_type
               AND resources.resource_id = grants.resource_id
         WHERE member_id = ?2 OR invitation_id = ?3
         ORDER BY grants.rowid",
    )?
    .query_map((organization_id, member_id, invitation_id), |row| {
        Ok(json!({
            "resource_type": text(row, "resource_type")?,
            "resource_id": text(row, "resource_id")?,
            "name": text(row, "name")?,
            "level": text(row, "level")?,
        }))
    })?
    .collect()
}

impl Holder {
    /// The columns `member_id` and `invitation_id`, of which one is null.
    fn columns(self) -> (Option<Id>, Option<Id>) {
        match self {
            Holder::Invitation(id) => (None, Some(id)),
            Holder::Member(id) => (Some(id), None),
        }
    }
}
