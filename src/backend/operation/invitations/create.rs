//! Making an invitation.

use std::time::Duration;

use rusqlite::Transaction;

use crate::backend::answer::Answer;
use crate::backend::body::{self, Fields};
use crate::backend::exchange::Exchange;
use crate::backend::grant::{self, Holder};
use crate::backend::id::Id;
use crate::backend::operation::{members, organizations};
use crate::backend::problem::{Code, Fault, Problem};
use crate::backend::resource::Resource;
use crate::backend::role::Role;
use crate::backend::store::is_duplicate;

use super::{document, write_down_expired};

const LIFETIME: Duration = Duration::from_hours(7 * 24);

/// `invitations.create`
pub(in crate::backend::operation) fn create(
    tx: &Transaction<'_>,
    exchange: &Exchange,
) -> Result<Answer, Problem> {
    let organization_id = exchange.id("organization_id");
    let manager = exchange.caller.manager_of(tx, organization_id)?;
    let wanted = body::read(&exchange.body, Create::read)?;
    manager.check_may_give(wanted.role)?;
    organizations::check_may_invite(tx, organization_id, &wanted.email)?;

    check_is_no_member(tx, organization_id, &wanted.email)?;
    write_down_expired(tx, organization_id, exchange.now)?;
    let id = wanted.insert(tx, organization_id, exchange)?;
    organizations::check_seats(tx, organization_id, 1)?;
    grant::give(tx, Holder::Invitation(id), &wanted.resource_grants)?;
    Ok(Answer::created(document(tx, id, exchange.now)?, format!("/v1/invitations/{id}")))
}

/// The body of `invitations.create`.
struct Create {
    email: String,
    role: Role,
    first_name: Option<String>,
    last_name: Option<String>,
    send_email: bool,
    resource_grants: Vec<Resource>,
    extensions: String,
}

impl Create {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let email = fields.email("email");
        let role = fields.role("role");
        let first_name = fields.text_or_null("first_name");
        let last_name = fields.text_or_null("last_name");
        let send_email = fields.flag("send_email", true);
        let resource_grants = fields.objects("resource_grants", Resource::read_grant);
        let extensions = fields.free_object("extensions");
        Some(Create {
            email: email?,
            role: role?,
            first_name,
            last_name,
            send_email,
            resource_grants,
            extensions,
        })
    }

    /// Makes the invitation. This backend has no post office: what it was asked to send counts as sent.
    fn insert(&self, tx: &Transaction<'_>, organization_id: Id, exchange: &Exchange) -> Result<Id, Problem> {
        let id = Id::new();
        let inserted = tx
            .prepare_cached(
                "INSERT INTO invitations
                     (id, token, organization_id, email, first_name, last_name, role, status, email_sent,
                      invited_by, extensions, expires_at, created_at, updated_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'pending', ?8, ?9, ?10, ?11, ?12, ?12)",
            )?
            .execute((
                id,
                Id::random(),
                organization_id,
                &self.email,
                &self.first_name,
                &self.last_name,
                self.role,
                self.send_email,
                exchange.caller.user_id,
                &self.extensions,
                exchange.now.after(LIFETIME),
                exchange.now,
            ));
        inserted.map_err(|error| if is_duplicate(&error) { already_invited() } else { error.into() })?;
        Ok(id)
    }
}

fn check_is_no_member(tx: &Transaction<'_>, organization_id: Id, email: &str) -> Result<(), Problem> {
    let is_member = tx
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM members JOIN users ON users.id = user_id
                            WHERE organization_id = ?1 AND email = ?2)",
        )?
        .query_row((organization_id, email), |row| row.get(0))?;
    if is_member { Err(members::already_member()) } else { Ok(()) }
}

fn already_invited() -> Problem {
    let fault = Fault::new("/email", "already-invited", "has a pending invitation to the organization");
    Problem::new(Code::Conflict, "an invitation of that address is pending").with_faults(vec![fault])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::backend::testing::{ADA_OWNER, CARLA_MANAGER, Fixture, NORTHWIND, TINY, UMA_TINY};

    fn invitations() -> String {
        format!("{NORTHWIND}/invitations")
    }

    #[tokio::test]
    async fn an_invitation_is_made_pending_for_a_week_and_can_be_read_back() {
        let fixture = Fixture::new();
        let body = json!({
            "email": "new@example.com",
            "role": "guest",
            "first_name": "Nora",
            "last_name": null,
            "send_email": false,
            "resource_grants": [
                { "resource_id": "60000000-0000-4000-8000-000000000102" },
                { "resource_id": "elsewhere", "resource_type": "space" },
            ],
            "extensions": { "some": { "flag": 1.5 } },
        });
        let made = fixture.post(CARLA_MANAGER, &invitations(), body).await;
        assert_eq!(made.status, 201, "{:#}", made.body);
        assert_eq!(made.body["status"], "pending");
        assert_eq!(made.body["created_at"], "2025-03-01T12:00:00.000Z");
        assert_eq!(made.body["expires_at"], "2025-03-08T12:00:00.000Z");
        assert_eq!(made.body["email_sent"], false);
        assert_eq!(made.body["first_name"], "Nora");
        assert_eq!(made.body["inviter"]["member_id"], "20000000-0000-4000-8000-000000000103");
        assert_eq!(made.body["inviter"]["user"]["email"], "carla@example.com");
        assert_eq!(made.body["organization"]["slug"], "northwind");
        let grants = json!([
            {
                "resource_type": "portfolio",
                "resource_id": "60000000-0000-4000-8000-000000000102",
                "name": "Tea",
                "level": null,
            },
            { "resource_type": "space", "resource_id": "elsewhere", "name": null, "level": null },
        ]);
        assert_eq!(made.body["resource_grants"], grants);
        assert_eq!(made.body["extensions"], json!({ "some": { "flag": 1.5 } }));

        let read = fixture.get(ADA_OWNER, made.header("location")).await;
        assert_eq!(read.body, made.body);
        assert_eq!(read.header("etag"), made.header("etag"));
    }

    #[tokio::test]
    async fn what_is_not_said_is_null_empty_or_the_default() {
        let body = json!({ "email": "new@example.com", "role": "editor" });
        let made = Fixture::new().post(ADA_OWNER, &invitations(), body).await;
        assert_eq!(made.body["first_name"], json!(null));
        assert_eq!(made.body["email_sent"], true);
        assert_eq!(made.body["resource_grants"], json!([]));
        assert_eq!(made.body["extensions"], json!({}));
    }

    #[tokio::test]
    async fn an_address_has_one_pending_invitation_at_most() {
        let fixture = Fixture::new();
        let body = json!({ "email": "Walter@Example.com", "role": "editor" });
        let reply = fixture.post(ADA_OWNER, &invitations(), body).await;
        assert_eq!(reply.problem(), (409, "conflict"));
        assert_eq!(reply.faults(), [("/email", "already-invited")]);
    }

    #[tokio::test]
    async fn members_are_not_invited_again() {
        let body = json!({ "email": "HUGO@example.com", "role": "editor" });
        let reply = Fixture::new().post(ADA_OWNER, &invitations(), body).await;
        assert_eq!(reply.problem(), (409, "conflict"));
        assert_eq!(reply.faults(), [("/email", "already-member")]);
    }

    #[tokio::test]
    async fn only_an_owner_invites_an_owner() {
        let fixture = Fixture::new();
        let body = json!({ "email": "new@example.com", "role": "owner" });
        let refused = fixture.post(CARLA_MANAGER, &invitations(), body.clone()).await;
        assert_eq!(refused.problem(), (403, "forbidden"));
        assert_eq!(fixture.post(ADA_OWNER, &invitations(), body).await.status, 201);
    }

    #[tokio::test]
    async fn an_organization_that_keeps_to_its_own_invites_nobody_else() {
        let fixture = Fixture::new();
        fixture.sql(|tx| tx.execute("UPDATE organizations SET allow_external_invites = FALSE", [])).await;
        for (email, status) in [("new@example.org", 403), ("new@example.com", 201)] {
            let body = json!({ "email": email, "role": "guest" });
            assert_eq!(fixture.post(ADA_OWNER, &invitations(), body).await.status, status, "{email}");
        }
    }

    #[tokio::test]
    async fn a_full_organization_invites_nobody() {
        let body = json!({ "email": "new@example.com", "role": "viewer" });
        let reply = Fixture::new().post(UMA_TINY, &format!("{TINY}/invitations"), body).await;
        assert_eq!(reply.problem(), (426, "upgrade-required"));
    }

    #[tokio::test]
    async fn all_faults_of_a_body_are_reported() {
        let body = json!({
            "role": 1,
            "send_email": null,
            "resource_grants": [{ "resource_id": "a".repeat(129) }, { "resource_type": "team" }],
            "token": "40000000-0000-4000-8000-000000000999",
        });
        let reply = Fixture::new().post(ADA_OWNER, &invitations(), body).await;
        assert_eq!(reply.problem(), (422, "invalid-body"));
        let expected = [
            ("/email", "required"),
            ("/resource_grants/0/resource_id", "too-long"),
            ("/resource_grants/1/resource_id", "required"),
            ("/resource_grants/1/resource_type", "not-allowed"),
            ("/role", "wrong-type"),
            ("/send_email", "wrong-type"),
            ("/token", "unknown-field"),
        ];
        assert_eq!(reply.faults(), expected);
    }
}
