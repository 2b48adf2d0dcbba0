//! Taking ownership from a member: never from the last one.

use rusqlite::{OptionalExtension, Transaction};

use crate::backend::access::Membership;
use crate::backend::id::Id;
use crate::backend::problem::{Code, Fault, Problem};
use crate::backend::role::Role;

use super::Standing;

/// Sees to it that the organization can do without `member` as an owner; whoever has been an owner longest
/// answers for it then. Refuses when there is nobody else.
///
/// Whoever manages members may take ownership from one of several owners, but not from the one who answers
/// for the organization: that is handing it over, which only owners do.
///
/// `at` is the place of the body that asked for it, if there is one.
pub(super) fn take_from(
    tx: &Transaction<'_>,
    caller: &Membership,
    member: &Standing,
    at: Option<&'static str>,
) -> Result<(), Problem> {
    if member.role != Role::Owner || member.is_suspended {
        return Ok(());
    }
    let heir: Option<Id> = tx
        .prepare_cached(
            "SELECT user_id FROM members
             WHERE organization_id = ?1 AND id <> ?2 AND role = 'owner' AND status <> 'suspended'
             ORDER BY joined_at, id LIMIT 1",
        )?
        .query_row((member.organization_id, member.id), |row| row.get(0))
        .optional()?;
    let Some(heir) = heir else {
        let faults =
            at.map(|at| Fault::new(at, "last-owner", "would leave the organization without an owner"));
        let problem = Problem::new(Code::LastOwner, "the organization must keep an owner");
        return Err(problem.with_faults(faults.into_iter().collect()));
    };
    let answers_for_it: bool = tx
        .prepare_cached("SELECT owner_user_id = ?2 FROM organizations WHERE id = ?1")?
        .query_row((member.organization_id, member.user_id), |row| row.get(0))?;
    if !answers_for_it {
        return Ok(());
    }
    if caller.role != Role::Owner {
        return Err(Problem::new(Code::Forbidden, "only an owner may take the organization from its owner"));
    }
    tx.prepare_cached("UPDATE organizations SET owner_user_id = ?2 WHERE id = ?1")?
        .execute((member.organization_id, heir))?;
    Ok(())
}
