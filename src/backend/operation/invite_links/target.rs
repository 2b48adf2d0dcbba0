//! Where an invite link leads, and what it gives.

use rusqlite::{OptionalExtension, Row, Transaction};

use crate::backend::access::Membership;
use crate::backend::body::Fields;
use crate::backend::grant;
use crate::backend::id::Id;
use crate::backend::problem::Problem;
use crate::backend::resource::Resource;
use crate::backend::role::Role;

/// Where a link leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Organization { role: Role },
    Resource { resource: Resource, level: Role },
}

impl Target {
    /// Reads the body of `invite_links.create`: either `{role}` or `{resource}`.
    pub(super) fn read(fields: &mut Fields<'_>) -> Option<Self> {
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
    pub(super) fn of(tx: &Transaction<'_>, organization_id: Id, link_id: Id) -> Result<Self, Problem> {
        let target = tx
            .prepare_cached("SELECT * FROM invite_links WHERE organization_id = ?1 AND id = ?2")?
            .query_row((organization_id, link_id), Target::from_row)
            .optional()?;
        target.ok_or_else(Problem::not_found)
    }

    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let Some(resource) = Resource::from_row(row)? else {
            return Ok(Target::Organization { role: row.get("role")? });
        };
        Ok(Target::Resource { resource, level: row.get("level")? })
    }

    /// What the link gives: in the organization, or on the resource.
    pub(super) fn given_role(&self) -> Role {
        match self {
            Target::Organization { role } => *role,
            Target::Resource { level, .. } => *level,
        }
    }

    /// Whether a member has already what the link would give them.
    pub(super) fn is_held_by(&self, tx: &Transaction<'_>, member: &Membership) -> rusqlite::Result<bool> {
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
