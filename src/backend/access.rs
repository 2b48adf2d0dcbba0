//! Who is asking, and what they may do.

use rusqlite::{OptionalExtension, Transaction};
use sha2::{Digest, Sha256};

use super::id::Id;
use super::problem::{Code, Problem};
use super::role::Role;

/// The digest of a bearer token: all that is ever stored or compared.
#[derive(Clone, Copy)]
pub(super) struct Credential([u8; 32]);

/// The user behind a token.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) user_id: Id,
    pub(super) email: String,
}

/// The caller's place in the organization that a request is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Membership {
    pub(super) member_id: Id,
    pub(super) organization_id: Id,
    pub(super) role: Role,
}

impl Credential {
    pub(super) fn of(token: &str) -> Self {
        Credential(Sha256::digest(token).into())
    }

    /// The digest, for the table of tokens.
    pub(super) fn digest(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Caller {
    /// Finds out who holds the token.
    pub(super) fn authenticate(tx: &Transaction<'_>, credential: Credential) -> Result<Self, Problem> {
        let user = tx
            .prepare_cached(
                "SELECT id, email, status FROM tokens JOIN users ON users.id = user_id WHERE digest = ?1",
            )?
            .query_row([credential.digest()], |row| {
                let caller = Caller { user_id: row.get("id")?, email: row.get("email")? };
                Ok((caller, row.get::<_, String>("status")?))
            })
            .optional()?;
        match user {
            None => Err(Problem::new(Code::Unauthorized, "the token is not known")),
            Some((_, status)) if status == "suspended" => {
                Err(Problem::new(Code::Forbidden, "the account is suspended"))
            }
            Some((caller, _)) => Ok(caller),
        }
    }

    /// The caller's membership, if there is one.
    pub(super) fn membership_in(
        &self,
        tx: &Transaction<'_>,
        organization_id: Id,
    ) -> Result<Option<Membership>, Problem> {
        let member = tx
            .prepare_cached(
                "SELECT id, role, status FROM members WHERE organization_id = ?1 AND user_id = ?2",
            )?
            .query_row((organization_id, self.user_id), |row| {
                let membership =
                    Membership { member_id: row.get("id")?, organization_id, role: row.get("role")? };
                Ok((membership, row.get::<_, String>("status")?))
            })
            .optional()?;
        match member {
            Some((_, status)) if status == "suspended" => {
                Err(Problem::new(Code::Forbidden, "the membership is suspended"))
            }
            other => Ok(other.map(|(membership, _)| membership)),
        }
    }

    /// The caller's membership. For anybody else the organization does not exist.
    pub(super) fn member_of(&self, tx: &Transaction<'_>, organization_id: Id) -> Result<Membership, Problem> {
        self.membership_in(tx, organization_id)?.ok_or_else(Problem::not_found)
    }

    /// The caller's membership, if it lets them manage others.
    pub(super) fn manager_of(
        &self,
        tx: &Transaction<'_>,
        organization_id: Id,
    ) -> Result<Membership, Problem> {
        let membership = self.member_of(tx, organization_id)?;
        membership.check_manages_members()?;
        Ok(membership)
    }

    /// The caller's membership, if it lets them change the organization.
    pub(super) fn updater_of(
        &self,
        tx: &Transaction<'_>,
        organization_id: Id,
    ) -> Result<Membership, Problem> {
        let membership = self.member_of(tx, organization_id)?;
        if membership.role.updates_organization() {
            return Ok(membership);
        }
        Err(Problem::new(Code::Forbidden, "this needs the capability `org.update`"))
    }
}

impl Membership {
    pub(super) fn check_manages_members(&self) -> Result<(), Problem> {
        if self.role.manages_members() {
            return Ok(());
        }
        Err(Problem::new(Code::Forbidden, "this needs the capability `members.manage`"))
    }

    /// Nobody gives more than they have: only an owner makes owners, and who may not see bills lets nobody
    /// see them.
    pub(super) fn check_may_give(&self, role: Role) -> Result<(), Problem> {
        if self.role.includes(role) {
            return Ok(());
        }
        Err(Problem::new(Code::Forbidden, "this role may do more than the caller's"))
    }
}
