//! Invitations: offers of membership that wait for their addressee, for a week.

use rusqlite::{OptionalExtension, Row, Transaction};
use serde_json::{Value, json};

use crate::backend::access::Caller;
use crate::backend::answer::Answer;
use crate::backend::exchange::Exchange;
use crate::backend::grant::{self, Holder};
use crate::backend::id::Id;
use crate::backend::moment::Moment;
use crate::backend::problem::{Code, Problem};
use crate::backend::role::Role;
use crate::backend::row::{object, text};

use super::{organizations, users};

mod change;
mod create;
mod list;
mod respond;

pub(super) use change::{cancel, revoke, update};
pub(super) use create::create;
pub(super) use list::{list, mine, search};
pub(super) use respond::respond;

/// `invitations.get`: for those who manage members, and for the addressee.
pub(super) fn one(tx: &Transaction<'_>, exchange: &Exchange) -> Result<Answer, Problem> {
    let invitation = named(tx, exchange)?;
    if !invitation.is_for(&exchange.caller) {
        exchange.caller.manager_of(tx, invitation.organization_id)?;
    }
    Ok(Answer::one(document(tx, invitation.id, exchange.now)?))
}

/// An invitation that a path names, as it stands.
struct Standing {
    id: Id,
    organization_id: Id,
    email: String,
    role: Role,
    /// What the clock makes of it.
    status: String,
    invited_by: Option<Id>,
}

/// The invitation that the path names.
fn named(tx: &Transaction<'_>, exchange: &Exchange) -> Result<Standing, Problem> {
    let found = tx
        .prepare_cached(&format!("SELECT * FROM {INVITATIONS} WHERE id = ?2"))?
        .query_row((exchange.now, exchange.id("invitation_id")), |row| {
            Ok(Standing {
                id: row.get("id")?,
                organization_id: row.get("organization_id")?,
                email: row.get("email")?,
                role: row.get("role")?,
                status: row.get("status_now")?,
                invited_by: row.get("invited_by")?,
            })
        })
        .optional()?;
    found.ok_or_else(Problem::not_found)
}

impl Standing {
    fn is_for(&self, caller: &Caller) -> bool {
        self.email.eq_ignore_ascii_case(&caller.email)
    }

    /// Refuses when the invitation waits no more.
    fn check_is_pending(&self) -> Result<(), Problem> {
        if self.status == "pending" {
            return Ok(());
        }
        Err(Problem::new(Code::Conflict, format!("the invitation is {}", self.status)))
    }
}

/// Accepts the invitation that waits for a user who has become a member, if there is one.
pub(super) fn accept_pending(
    tx: &Transaction<'_>,
    organization_id: Id,
    user_id: Id,
    now: Moment,
) -> rusqlite::Result<()> {
    write_down_expired(tx, organization_id, now)?;
    tx.prepare_cached(
        "UPDATE invitations SET status = 'accepted', updated_at = ?3
         WHERE organization_id = ?1 AND status = 'pending'
           AND email = (SELECT email FROM users WHERE id = ?2)",
    )?
    .execute((organization_id, user_id, now))?;
    Ok(())
}

/// The table, with the status that each invitation has at the time `?1`.
const INVITATIONS: &str =
    "(SELECT *, iif(status = 'pending' AND expires_at <= ?1, 'expired', status) AS status_now
                            FROM invitations)";

/// Stores what the clock says, so that expired invitations make room for new ones.
fn write_down_expired(tx: &Transaction<'_>, organization_id: Id, now: Moment) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "UPDATE invitations SET status = 'expired', updated_at = expires_at
         WHERE organization_id = ?1 AND status = 'pending' AND expires_at <= ?2",
    )?
    .execute((organization_id, now))?;
    Ok(())
}

fn document(tx: &Transaction<'_>, id: Id, now: Moment) -> rusqlite::Result<Value> {
    tx.prepare_cached(&format!("SELECT * FROM {INVITATIONS} WHERE id = ?2"))?
        .query_row((now, id), |row| with_organization(tx, row))
}

fn with_organization(tx: &Transaction<'_>, row: &Row<'_>) -> rusqlite::Result<Value> {
    let organization = organizations::document(tx, row.get("organization_id")?)?;
    from_row(tx, row, &organization)
}

fn from_row(tx: &Transaction<'_>, row: &Row<'_>, organization: &Value) -> rusqlite::Result<Value> {
    let organization_id: Id = row.get("organization_id")?;
    let grants = grant::documents(tx, organization_id, Holder::Invitation(row.get("id")?))?;
    Ok(json!({
        "id": text(row, "id")?,
        "token": text(row, "token")?,
        "organization_id": text(row, "organization_id")?,
        "email": text(row, "email")?,
        "first_name": text(row, "first_name")?,
        "last_name": text(row, "last_name")?,
        "role": text(row, "role")?,
        "resource_grants": grants,
        "status": text(row, "status_now")?,
        "email_sent": row.get::<_, bool>("email_sent")?,
        "expires_at": text(row, "expires_at")?,
        "created_at": text(row, "created_at")?,
        "updated_at": text(row, "updated_at")?,
        "invited_by": text(row, "invited_by")?,
        "inviter": inviter(tx, organization_id, row.get("invited_by")?)?,
        "organization": organization,
        "extensions": object(row, "extensions")?,
    }))
}

/// The inviting member; null when nobody is known to have invited, or they have left.
fn inviter(tx: &Transaction<'_>, organization_id: Id, user_id: Option<Id>) -> rusqlite::Result<Value> {
    let Some(user_id) = user_id else { return Ok(Value::Null) };
    let member_id: Option<Id> = tx
        .prepare_cached("SELECT id FROM members WHERE organization_id = ?1 AND user_id = ?2")?
        .query_row((organization_id, user_id), |row| row.get("id"))
        .optional()?;
    let Some(member_id) = member_id else { return Ok(Value::Null) };
    Ok(json!({ "member_id": Value::from(member_id), "user": users::document(tx, user_id)? }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::backend::testing::{ADA_OWNER, Fixture, HUGO_VIEWER, JONAS_GUEST, KIRA_ELSEWHERE, NORTHWIND};

    const WEEK: u64 = 7 * 24 * 60 * 60;
    const PENDING: &str = "/v1/invitations/30000000-0000-4000-8000-000000000101";

    fn invitations() -> String {
        format!("{NORTHWIND}/invitations")
    }

    #[tokio::test]
    async fn the_addressee_may_look_at_an_invitation() {
        let fixture = Fixture::new();
        let body = json!({ "email": "KIRA@example.org", "role": "editor" });
        let made = fixture.post(ADA_OWNER, &invitations(), body).await;
        let read = fixture.get(KIRA_ELSEWHERE, made.header("location")).await;
        assert_eq!(read.body, made.body);
    }

    #[tokio::test]
    async fn invitations_are_for_those_who_manage_members() {
        let fixture = Fixture::new();
        let body = json!({ "email": "new@example.com", "role": "guest" });
        for (token, problem) in [
            (HUGO_VIEWER, (403, "forbidden")),
            (JONAS_GUEST, (403, "forbidden")),
            (KIRA_ELSEWHERE, (404, "not-found")),
        ] {
            assert_eq!(fixture.get(token, &invitations()).await.problem(), problem);
            assert_eq!(fixture.get(token, PENDING).await.problem(), problem);
            assert_eq!(fixture.post(token, &invitations(), body.clone()).await.problem(), problem);
        }
    }

    #[tokio::test]
    async fn an_invitation_expires_by_the_clock_and_makes_room_for_another() {
        let fixture = Fixture::new();
        let body = json!({ "email": "new@example.com", "role": "editor" });
        let made = fixture.post(ADA_OWNER, &invitations(), body.clone()).await;
        fixture.pass(WEEK - 1);
        assert_eq!(fixture.get(ADA_OWNER, made.header("location")).await.body["status"], "pending");
        fixture.pass(1);
        assert_eq!(fixture.get(ADA_OWNER, made.header("location")).await.body["status"], "expired");
        assert_eq!(fixture.post(ADA_OWNER, &invitations(), body).await.status, 201);
        let found = fixture.get(ADA_OWNER, &format!("{}?email=NEW@example.com", invitations())).await;
        assert_eq!(found.each("/status"), ["expired", "pending"]);
    }

    #[tokio::test]
    async fn becoming_a_member_accepts_the_invitation() {
        let fixture = Fixture::new();
        let body = json!({ "email": "Walter@example.com", "role": "viewer" });
        let added = fixture.post(ADA_OWNER, &format!("{NORTHWIND}/members"), body).await;
        assert_eq!(added.status, 201);
        let invitation = fixture.get(ADA_OWNER, PENDING).await;
        assert_eq!(invitation.body["status"], "accepted");
        assert_eq!(invitation.body["updated_at"], "2025-03-01T12:00:00.000Z");
    }
}
