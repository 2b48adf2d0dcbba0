//! Invitations: offers of membership that wait for their addressee, for a week.

use rusqlite::{OptionalExtension, Row, Transaction};
use serde_json::{Value, json};

use crate::backend::access::Caller;
use crate::backend::answer::Answer;
use crate::backend::exchange::Exchange;
use crate::backend::grant::{self, Holder};
use crate::backend::id::Id;
use crate::backend::list::List;
use crate::backend::moment::Moment;
use crate::backend::problem::{Code, Problem};
use crate::backend::role::Role;
use crate::backend::row::{object, text};

use super::{organizations, users};

mod change;
mod create;
mod respond;

pub(super) use change::{cancel, revoke, update};
pub(super) use create::create;
pub(super) use respond::respond;

const STATUSES: [(&str, &str); 6] = [
    ("pending", "pending"),
    ("accepted", "accepted"),
    ("declined", "declined"),
    ("cancelled", "cancelled"),
    ("expired", "expired"),
    ("revoked", "revoked"),
];

/// `invitations.list`: oldest first.
pub(super) fn list(tx: &Transaction<'_>, exchange: &Exchange) -> Result<Answer, Problem> {
    let organization_id = exchange.id("organization_id");
    exchange.caller.manager_of(tx, organization_id)?;

    let query = &exchange.query;
    let status = query.word("status", &STATUSES)?;
    let token = query.id("token")?;
    let organization = organizations::document(tx, organization_id)?;
    let list = List {
        columns: "*",
        rows: &format!(
            "FROM {INVITATIONS}
             WHERE organization_id = ?2
               AND (?3 IS NULL OR email = ?3)
               AND (?4 IS NULL OR status_now = ?4)
               AND (?5 IS NULL OR token = ?5)"
        ),
        order: "created_at, id",
        parameters: &[&exchange.now, &organization_id, &query.text("email"), &status, &token],
    };
    list.answer(tx, query.page()?, |row| from_row(tx, row, &organization))
}

/// `invitations.search`: in every organization where the caller manages members, and the caller's own;
/// oldest first.
pub(super) fn search(tx: &Transaction<'_>, exchange: &Exchange) -> Result<Answer, Problem> {
    let query = &exchange.query;
    let organization_id = query.id("organization_id")?;
    let status = query.word("status", &STATUSES)?;
    let token = query.id("token")?;
    let managers = Role::ALL.into_iter().filter(|role| role.manages_members());
    let managers: Vec<String> = managers.map(|role| format!("'{}'", role.name())).collect();
    let caller = &exchange.caller;
    let list = List {
        columns: "*",
        rows: &format!(
            "FROM {INVITATIONS}
             WHERE (email = ?2
                    OR organization_id IN (SELECT organization_id FROM members
                                           WHERE user_id = ?3 AND status <> 'suspended'
                                             AND role IN ({managers})))
               AND (?4 IS NULL OR organization_id = ?4)
               AND (?5 IS NULL OR email = ?5)
               AND (?6 IS NULL OR status_now = ?6)
               AND (?7 IS NULL OR token = ?7)",
            managers = managers.join(", ")
        ),
        order: "created_at, id",
        parameters: &[
            &exchange.now,
            &caller.email,
            &caller.user_id,
            &organization_id,
            &query.text("email"),
            &status,
            &token,
        ],
    };
    list.answer(tx, query.page()?, |row| with_organization(tx, row))
}

/// `invitations.mine`: those that wait for the caller; oldest first.
pub(super) fn mine(tx: &Transaction<'_>, exchange: &Exchange) -> Result<Answer, Problem> {
    let list = List {
        columns: "*",
        rows: &format!("FROM {INVITATIONS} WHERE email = ?2 AND status_now = 'pending'"),
        order: "created_at, id",
        parameters: &[&exchange.now, &exchange.caller.email],
    };
    list.answer(tx, exchange.query.page()?, |row| with_organization(tx, row))
}

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

    use crate::backend::testing::{
        ADA_OWNER, CARLA_MANAGER, Fixture, HUGO_VIEWER, JONAS_GUEST, KIRA_ELSEWHERE, NORTHWIND, UMA_TINY,
    };

    const WEEK: u64 = 7 * 24 * 60 * 60;
    const PENDING: &str = "/v1/invitations/30000000-0000-4000-8000-000000000101";

    fn invitations() -> String {
        format!("{NORTHWIND}/invitations")
    }

    #[tokio::test]
    async fn the_list_is_filtered_by_address_status_and_token() {
        let fixture = Fixture::new();
        let cases = [
            ("", vec!["walter@example.com", "xenia@example.com", "yvonne@example.com"]),
            ("?status=pending", vec!["walter@example.com"]),
            ("?status=expired", vec!["xenia@example.com"]),
            ("?status=revoked", vec!["yvonne@example.com"]),
            ("?email=xenia@example.com", vec!["xenia@example.com"]),
            ("?token=40000000-0000-4000-8000-000000000103", vec!["yvonne@example.com"]),
            ("?token=40000000-0000-4000-8000-000000000201", vec![]),
            ("?limit=1&offset=1", vec!["xenia@example.com"]),
        ];
        for (query, expected) in cases {
            let reply = fixture.get(ADA_OWNER, &format!("{}{query}", invitations())).await;
            assert_eq!(reply.each("/email"), expected, "{query}");
        }
        let page = fixture.get(ADA_OWNER, &format!("{}?limit=1", invitations())).await;
        assert_eq!(page.body["total"], 3);
        for query in ["?status=Pending", "?token=1", "?page=1"] {
            let reply = fixture.get(ADA_OWNER, &format!("{}{query}", invitations())).await;
            assert_eq!(reply.problem(), (400, "invalid-query"), "{query}");
        }
    }

    #[tokio::test]
    async fn a_search_finds_what_the_caller_manages_and_what_is_for_them() {
        let fixture = Fixture::new();
        let northwind = ["walter@example.com", "xenia@example.com", "yvonne@example.com"];
        let cases = [
            (ADA_OWNER, "", [&northwind[..], &["uma@example.net"]].concat()),
            (ADA_OWNER, "?organization_id=3c90c3cc-0d44-4b50-8888-8dd25736052a", northwind.to_vec()),
            (ADA_OWNER, "?organization_id=e8e912b6-ba9b-4c3a-bb4f-d04bdc370843", vec![]),
            (ADA_OWNER, "?status=pending", vec!["walter@example.com", "uma@example.net"]),
            (ADA_OWNER, "?email=XENIA@example.com", vec!["xenia@example.com"]),
            (ADA_OWNER, "?token=40000000-0000-4000-8000-000000000401", vec!["uma@example.net"]),
            (ADA_OWNER, "?limit=1&offset=3", vec!["uma@example.net"]),
            (CARLA_MANAGER, "", northwind.to_vec()),
            (HUGO_VIEWER, "", vec![]),
            (UMA_TINY, "", vec!["uma@example.net"]),
        ];
        for (token, query, expected) in cases {
            let reply = fixture.get(token, &format!("/v1/invitations{query}")).await;
            assert_eq!(reply.each("/email"), expected, "{token} {query}");
        }
        for query in ["?status=Pending", "?token=1", "?organization_id=northwind", "?page=1"] {
            let reply = fixture.get(ADA_OWNER, &format!("/v1/invitations{query}")).await;
            assert_eq!(reply.problem(), (400, "invalid-query"), "{query}");
        }
    }

    #[tokio::test]
    async fn people_see_what_waits_for_them() {
        let fixture = Fixture::new();
        let reply = fixture.get(UMA_TINY, "/v1/users/me/invitations").await;
        assert_eq!(reply.each("/organization/slug"), ["harbor"]);
        assert_eq!(fixture.get(ADA_OWNER, "/v1/users/me/invitations").await.body["total"], 0);
        fixture.sql(|tx| tx.execute("UPDATE invitations SET expires_at = created_at", [])).await;
        assert_eq!(fixture.get(UMA_TINY, "/v1/users/me/invitations").await.body["total"], 0);
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
