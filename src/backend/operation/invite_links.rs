//! Invite links: whoever holds one may join, the organization with a role or one resource as a guest.

use rusqlite::{OptionalExtension, Row, Transaction};
use serde_json::{Value, json};

use crate::backend::access::Membership;
use crate::backend::answer::{self, Answer};
use crate::backend::body::{self, Fields};
use crate::backend::exchange::Exchange;
use crate::backend::grant;
use crate::backend::id::Id;
use crate::backend::list::List;
use crate::backend::problem::{Fault, Problem};
use crate::backend::resource::Resource;
use crate::backend::role::Role;
use crate::backend::row::{object, text};
use crate::backend::store::is_missing_reference;

mod join;

pub(super) use join::join;

/// The table, with the names of the resources.
const LINKS: &str = "invite_links LEFT JOIN resources USING (organization_id, resource_type, resource_id)";
const COLUMNS: &str = "invite_links.*, resources.name AS resource_name";

/// `invite_links.list`: oldest first.
pub(super) fn list(tx: &Transaction<'_>, exchange: &Exchange) -> Result<Answer, Problem> {
    let manager = exchange.caller.manager_of(tx, exchange.id("organization_id"))?;
    let list = List {
        columns: COLUMNS,
        rows: &format!("FROM {LINKS} WHERE organization_id = ?1"),
        order: "created_at, id",
        parameters: &[&manager.organization_id],
    };
    list.answer(tx, exchange.query.page()?, |row| from_row(tx, row, &manager))
}

/// `invite_links.get`
pub(super) fn one(tx: &Transaction<'_>, exchange: &Exchange) -> Result<Answer, Problem> {
    let manager = exchange.caller.manager_of(tx, exchange.id("organization_id"))?;
    Ok(Answer::one(document(tx, exchange.id("link_id"), &manager)?))
}

/// `invite_links.create`
pub(super) fn create(tx: &Transaction<'_>, exchange: &Exchange) -> Result<Answer, Problem> {
    let manager = exchange.caller.manager_of(tx, exchange.id("organization_id"))?;
    let target = body::read(&exchange.body, Target::read)?;
    manager.check_may_give(target.given_role())?;

    let id = Id::random(); // the id is what lets people in, so nobody may guess it
    let (role, resource, level) = match &target {
        Target::Organization { role } => (*role, None, None),
        Target::Resource { resource, level } => (Role::Guest, Some(resource), Some(*level)),
    };
    let inserted = tx
        .prepare_cached(
            "INSERT INTO invite_links
                 (id, organization_id, role, resource_type, resource_id, level, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
        )?
        .execute((
            id,
            manager.organization_id,
            role,
            resource.map(|resource| resource.resource_type),
            resource.map(|resource| &resource.resource_id),
            level,
            exchange.now,
        ));
    match inserted {
        Ok(_) => {}
        Err(error) if is_missing_reference(&error) => return Err(unknown_resource()),
        Err(error) => return Err(error.into()),
    }
    let location = format!("/v1/organizations/{}/invite-links/{id}", manager.organization_id);
    Ok(Answer::created(document(tx, id, &manager)?, location))
}

/// `invite_links.update`: a merge patch (RFC 7396) over what can be changed, which is `role` of a link to
/// the organization and `level` of a link to a resource. Neither can be taken away.
pub(super) fn update(tx: &Transaction<'_>, exchange: &Exchange) -> Result<Answer, Problem> {
    let manager = exchange.caller.manager_of(tx, exchange.id("organization_id"))?;
    let id = exchange.id("link_id");
    let target = Target::of(tx, manager.organization_id, id)?;
    answer::check_if_match(exchange.if_match(), &document(tx, id, &manager)?)?;

    let column = match target {
        Target::Organization { .. } => "role",
        Target::Resource { .. } => "level",
    };
    let change = body::read(&exchange.body, |patch| {
        if patch.has(column) { patch.role(column).map(Some) } else { Some(None) }
    })?;
    if let Some(role) = change.filter(|role| *role != target.given_role()) {
        manager.check_may_give(role)?;
        let update = format!("UPDATE invite_links SET {column} = ?2, updated_at = ?3 WHERE id = ?1");
        tx.prepare_cached(&update)?.execute((id, role, exchange.now))?;
    }
    Ok(Answer::one(document(tx, id, &manager)?))
}

/// `invite_links.remove`: nobody joins by it any more; those who have joined stay.
pub(super) fn remove(tx: &Transaction<'_>, exchange: &Exchange) -> Result<Answer, Problem> {
    let manager = exchange.caller.manager_of(tx, exchange.id("organization_id"))?;
    let id = exchange.id("link_id");
    answer::check_if_match(exchange.if_match(), &document(tx, id, &manager)?)?;
    tx.prepare_cached("DELETE FROM invite_links WHERE id = ?1")?.execute([id])?;
    Ok(Answer::nothing())
}

/// Where a link leads.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    Organization { role: Role },
    Resource { resource: Resource, level: Role },
}

impl Target {
    /// Reads the body of `invite_links.create`: either `{role}` or `{resource}`.
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        if !fields.has("resource") {
            return fields.role("role").map(|role| Target::Organization { role });
        }
        if fields.has("role") {
            fields.role("role");
            fields.fault::<()>("role", "not-allowed", "must not stand beside `resource`");
        }
        fields.object("resource", |fields| {
            let resource = Resource::read_link(fields);
            let level = fields.role("level");
            Some(Target::Resource { resource: resource?, level: level? })
        })
    }

    /// Where the link leads, if the organization has it.
    fn of(tx: &Transaction<'_>, organization_id: Id, link_id: Id) -> Result<Self, Problem> {
        let target = tx
            .prepare_cached("SELECT * FROM invite_links WHERE organization_id = ?1 AND id = ?2")?
            .query_row((organization_id, link_id), Target::from_row)
            .optional()?;
        target.ok_or_else(Problem::not_found)
    }

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let Some(resource) = Resource::from_row(row)? else {
            return Ok(Target::Organization { role: row.get("role")? });
        };
        Ok(Target::Resource { resource, level: row.get("level")? })
    }

    /// What the link gives: in the organization, or on the resource.
    fn given_role(&self) -> Role {
        match self {
            Target::Organization { role } => *role,
            Target::Resource { level, .. } => *level,
        }
    }

    /// Whether a member has already what the link would give them.
    fn is_held_by(&self, tx: &Transaction<'_>, member: &Membership) -> rusqlite::Result<bool> {
        if member.role.includes(self.given_role()) {
            return Ok(true);
        }
        match self {
            Target::Organization { .. } => Ok(false),
            Target::Resource { resource, level } => {
                let held = grant::held_level(tx, member.member_id, resource)?;
                Ok(held.is_some_and(|held| held.includes(*level)))
            }
        }
    }
}

fn unknown_resource() -> Problem {
    let fault = Fault::new("/resource/resource_id", "unknown-resource", "is no resource of the organization");
    body::invalid(vec![fault])
}

/// A link of the member's organization, as that member sees it.
fn document(tx: &Transaction<'_>, id: Id, member: &Membership) -> Result<Value, Problem> {
    let select = format!("SELECT {COLUMNS} FROM {LINKS} WHERE organization_id = ?1 AND invite_links.id = ?2");
    let found = tx
        .prepare_cached(&select)?
        .query_row((member.organization_id, id), |row| from_row(tx, row, member))
        .optional()?;
    found.ok_or_else(Problem::not_found)
}

fn from_row(tx: &Transaction<'_>, row: &Row<'_>, member: &Membership) -> rusqlite::Result<Value> {
    let target = Target::from_row(row)?;
    let resource = match &target {
        Target::Organization { .. } => Value::Null,
        Target::Resource { resource, level } => json!({
            "resource_type": resource.resource_type.name(),
            "resource_id": resource.resource_id,
            "name": text(row, "resource_name")?,
            "level": level.name(),
        }),
    };
    Ok(json!({
        "id": text(row, "id")?,
        "organization_id": text(row, "organization_id")?,
        "role": text(row, "role")?,
        "resource": resource,
        "redundant": target.is_held_by(tx, member)?,
        "created_at": text(row, "created_at")?,
        "updated_at": text(row, "updated_at")?,
        "extensions": object(row, "extensions")?,
    }))
}
