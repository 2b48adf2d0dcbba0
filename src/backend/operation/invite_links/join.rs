//! Joining by a link: the one thing strangers to an organization may do.

use rusqlite::Transaction;

use crate::backend::access::Membership;
use crate::backend::answer::Answer;
use crate::backend::exchange::Exchange;
use crate::backend::grant;
use crate::backend::id::Id;
use crate::backend::operation::members::{self, Entry};
use crate::backend::problem::Problem;
use crate::backend::role::Role;

use super::Target;

/// `invite_links.join`: makes the caller a member, or gives the member they are what the link adds.
///
/// Joining never takes anything away: a role changes only to one that includes it.
pub(in crate::backend::operation) fn join(
    tx: &Transaction<'_>,
    exchange: &Exchange,
) -> Result<Answer, Problem> {
    let organization_id = exchange.id("organization_id");
    let target = Target::of(tx, organization_id, exchange.id("link_id"))?;
    let member = exchange.caller.membership_in(tx, organization_id)?;

    let member_id = match (&target, member) {
        (Target::Organization { role }, None) => enter(tx, exchange, *role)?,
        (Target::Organization { role }, Some(member)) => {
            raise_role(tx, exchange, member, *role)?;
            member.member_id
        }
        (Target::Resource { resource, level }, None) => {
            let member_id = enter(tx, exchange, Role::Guest)?;
            grant::raise(tx, member_id, resource, *level)?;
            member_id
        }
        (Target::Resource { resource, level }, Some(member)) => {
            if !target.is_held_by(tx, &member)? {
                grant::raise(tx, member.member_id, resource, *level)?;
            }
            member.member_id
        }
    };
    Ok(Answer::one(members::document(tx, member_id)?))
}

fn enter(tx: &Transaction<'_>, exchange: &Exchange, role: Role) -> Result<Id, Problem> {
    let entry = Entry {
        organization_id: exchange.id("organization_id"),
        user_id: exchange.caller.user_id,
        role,
        invited_by: None,
        wants_sso: false,
        extensions: "{}",
    };
    entry.insert(tx, exchange)
}

fn raise_role(
    tx: &Transaction<'_>,
    exchange: &Exchange,
    member: Membership,
    role: Role,
) -> Result<(), Problem> {
    if role != member.role && role.includes(member.role) {
        tx.prepare_cached("UPDATE members SET role = ?2, updated_at = ?3 WHERE id = ?1")?.execute((
            member.member_id,
            role,
            exchange.now,
        ))?;
    }
    Ok(())
}
