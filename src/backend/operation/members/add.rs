//! Adding a member: at once, without asking them.

use rusqlite::Transaction;

use crate::backend::answer::Answer;
use crate::backend::body::{self, Fields};
use crate::backend::exchange::Exchange;
use crate::backend::grant::{self, Holder};
use crate::backend::id::Id;
use crate::backend::operation::users::Profile;
use crate::backend::operation::{invitations, organizations, users};
use crate::backend::problem::{Code, Fault, Problem};
use crate::backend::resource::Resource;
use crate::backend::role::Role;
use crate::backend::store::is_duplicate;

use super::document;

/// `members.add`: makes the member at once, and the user too when the address is new.
pub(in crate::backend::operation) fn add(
    tx: &Transaction<'_>,
    exchange: &Exchange,
) -> Result<Answer, Problem> {
    let organization_id = exchange.id("organization_id");
    let manager = exchange.caller.manager_of(tx, organization_id)?;
    let wanted = body::read(&exchange.body, Add::read)?;
    manager.check_may_give(wanted.role)?;
    organizations::check_may_invite(tx, organization_id, &wanted.profile.email)?;

    let user_id = users::find_or_invite(tx, &wanted.profile, exchange.now)?;
    let entry = Entry {
        organization_id,
        user_id,
        role: wanted.role,
        invited_by: Some(exchange.caller.user_id),
        wants_sso: wanted.sso,
        extensions: &wanted.extensions,
    };
    let member_id = entry.insert(tx, exchange)?;
    grant::give(tx, Holder::Member(member_id), &wanted.resource_grants)?;

    let location = format!("/v1/organizations/{organization_id}/members/{member_id}");
    Ok(Answer::created(document(tx, member_id)?, location))
}

/// The body of `members.add`.
struct Add {
    profile: Profile,
    role: Role,
    sso: bool,
    resource_grants: Vec<Resource>,
    extensions: String,
}

impl Add {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let email = fields.email("email");
        let role = fields.role("role");
        let name = fields.text_or_null("name");
        let first_name = fields.text_or_null("first_name");
        let last_name = fields.text_or_null("last_name");
        let sso = fields.flag("sso", false);
        let resource_grants = fields.objects("resource_grants", Resource::read_grant);
        let extensions = fields.free_object("extensions");
        let profile = Profile { email: email?, name, first_name, last_name };
        Some(Add { profile, role: role?, sso, resource_grants, extensions })
    }
}

/// A membership about to be made.
pub(in crate::backend::operation) struct Entry<'a> {
    pub(in crate::backend::operation) organization_id: Id,
    pub(in crate::backend::operation) user_id: Id,
    pub(in crate::backend::operation) role: Role,
    pub(in crate::backend::operation) invited_by: Option<Id>,
    pub(in crate::backend::operation) wants_sso: bool,
    /// The text of a JSON object.
    pub(in crate::backend::operation) extensions: &'a str,
}

impl Entry<'_> {
    /// Makes the member, who then has the status of their account. An invitation that waited for them is
    /// thereby accepted.
    pub(in crate::backend::operation) fn insert(
        &self,
        tx: &Transaction<'_>,
        exchange: &Exchange,
    ) -> Result<Id, Problem> {
        let id = Id::new();
        let inserted = tx
            .prepare_cached(
                "INSERT INTO members (id, organization_id, user_id, role, status, sso, invited_by, extensions,
                                      joined_at, updated_at)
                 SELECT ?1, ?2, users.id, ?4, users.status,
                        CASE WHEN NOT ?5 THEN 'off'
                             WHEN users.id IN (SELECT user_id FROM members) THEN 'refused'
                             ELSE 'on' END,
                        ?6, ?7, ?8, ?8
                 FROM users WHERE users.id = ?3",
            )?
            .execute((
                id,
                self.organization_id,
                self.user_id,
                self.role,
                self.wants_sso,
                self.invited_by,
                self.extensions,
                exchange.now,
            ));
        inserted.map_err(|error| if is_duplicate(&error) { already_member() } else { error.into() })?;
        organizations::check_seats(tx, self.organization_id, 0)?;
        invitations::accept_pending(tx, self.organization_id, self.user_id, exchange.now)?;
        Ok(id)
    }
}

/// The address belongs to a member already.
pub(in crate::backend::operation) fn already_member() -> Problem {
    let fault = Fault::new("/email", "already-member", "belongs to a member of the organization");
    Problem::new(Code::Conflict, "the user is already a member of the organization").with_faults(vec![fault])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::backend::testing::{
        ADA_OWNER, CARLA_MANAGER, Fixture, HUGO_VIEWER, INES_BILLING, KIRA_ELSEWHERE, NORTHWIND, TINY,
        UMA_TINY,
    };

    fn members() -> String {
        format!("{NORTHWIND}/members")
    }

    #[tokio::test]
    async fn a_new_address_becomes_an_invited_user_and_member() {
        let fixture = Fixture::new();
        let body = json!({
            "email": "New@example.com",
            "role": "guest",
            "name": "Nora North",
            "first_name": "Nora",
            "resource_grants": [{ "resource_id": "northwind-handbook", "resource_type": "space" }],
            "extensions": { "shelf": [1, null] },
        });
        let made = fixture.post(CARLA_MANAGER, &members(), body).await;
        assert_eq!(made.status, 201, "{:#}", made.body);
        assert_eq!(made.body["status"], "invited");
        assert_eq!(made.body["role"], "guest");
        assert_eq!(made.body["sso"], "off");
        assert_eq!(made.body["invited_by"], "10000000-0000-4000-8000-000000000103");
        assert_eq!(made.body["joined_at"], "2025-03-01T12:00:00.000Z");
        assert_eq!(made.body["extensions"], json!({ "shelf": [1, null] }));
        assert_eq!(made.body["resource_grants"][0]["name"], "Handbook");
        let user = &made.body["user"];
        assert_eq!(user["email"], "New@example.com");
        assert_eq!((&user["name"], &user["first_name"]), (&json!("Nora North"), &json!("Nora")));
        assert_eq!((&user["last_name"], &user["timezone"]), (&json!(null), &json!("UTC")));
        assert_eq!((&user["status"], &user["active"]), (&json!("invited"), &json!(true)));
        assert_eq!(user["invited_at"], "2025-03-01T12:00:00.000Z");

        let location = made.header("location");
        assert_eq!(location, format!("{}/{}", members(), made.body["id"].as_str().unwrap()));
        let read = fixture.get(HUGO_VIEWER, location).await;
        assert_eq!(read.body, made.body);
        assert_eq!(read.header("etag"), made.header("etag"));
    }

    #[tokio::test]
    async fn a_known_address_becomes_a_member_and_keeps_its_own_names() {
        let body = json!({ "email": "KIRA@example.org", "role": "editor", "name": "Somebody else" });
        let made = Fixture::new().post(ADA_OWNER, &members(), body).await;
        assert_eq!(made.body["status"], "active");
        assert_eq!(made.body["user_id"], "10000000-0000-4000-8000-000000000201");
        assert_eq!(made.body["user"]["name"], "Kira Tanaka");
        assert_eq!(made.body["user"]["email"], "kira@example.org");
    }

    #[tokio::test]
    async fn nobody_is_a_member_twice() {
        let body = json!({ "email": "Hugo@Example.com", "role": "owner" });
        let reply = Fixture::new().post(ADA_OWNER, &members(), body).await;
        assert_eq!(reply.problem(), (409, "conflict"));
        assert_eq!(reply.faults(), [("/email", "already-member")]);
    }

    #[tokio::test]
    async fn single_sign_on_is_refused_to_those_who_belong_elsewhere() {
        let fixture = Fixture::new();
        for (email, sso) in [("new@example.com", "on"), ("kira@example.org", "refused")] {
            let body = json!({ "email": email, "role": "viewer", "sso": true });
            assert_eq!(fixture.post(ADA_OWNER, &members(), body).await.body["sso"], sso);
        }
    }

    #[tokio::test]
    async fn a_full_organization_takes_nobody_and_forgets_the_attempt() {
        let fixture = Fixture::new();
        let body = json!({ "email": "new@example.net", "role": "viewer" });
        let reply = fixture.post(UMA_TINY, &format!("{TINY}/members"), body).await;
        assert_eq!(reply.problem(), (426, "upgrade-required"));
        let users = "SELECT count(*) FROM users WHERE email = 'new@example.net'";
        assert_eq!(fixture.sql(|tx| tx.query_row(users, [], |row| row.get::<_, u32>(0))).await, 0);
    }

    #[tokio::test]
    async fn members_are_added_by_those_who_manage_them() {
        let fixture = Fixture::new();
        let body = json!({ "email": "new@example.com", "role": "guest" });
        for (token, problem) in [
            (HUGO_VIEWER, (403, "forbidden")),
            (INES_BILLING, (403, "forbidden")),
            (KIRA_ELSEWHERE, (404, "not-found")),
        ] {
            assert_eq!(fixture.post(token, &members(), body.clone()).await.problem(), problem);
        }
        assert_eq!(fixture.post(CARLA_MANAGER, &members(), body).await.status, 201);
    }

    #[tokio::test]
    async fn only_an_owner_adds_an_owner() {
        let fixture = Fixture::new();
        let body = json!({ "email": "new@example.com", "role": "owner" });
        assert_eq!(fixture.post(CARLA_MANAGER, &members(), body.clone()).await.problem(), (403, "forbidden"));
        assert_eq!(fixture.post(ADA_OWNER, &members(), body).await.status, 201);
    }

    #[tokio::test]
    async fn nobody_gives_more_than_they_have() {
        let fixture = Fixture::new();
        for (role, status) in [("admin", 403), ("billing", 403), ("manager", 201)] {
            let body = json!({ "email": format!("{role}@example.com"), "role": role });
            assert_eq!(fixture.post(CARLA_MANAGER, &members(), body).await.status, status, "{role}");
        }
    }

    #[tokio::test]
    async fn an_organization_may_keep_to_addresses_of_its_own() {
        let fixture = Fixture::new();
        let change = "UPDATE organizations SET allow_external_invites = FALSE, domains = '[\"example.com\"]'";
        fixture.sql(|tx| tx.execute(change, [])).await;
        for (email, status) in [("new@example.org", 403), ("new@Example.com", 201)] {
            let body = json!({ "email": email, "role": "guest" });
            assert_eq!(fixture.post(ADA_OWNER, &members(), body).await.status, status, "{email}");
        }
    }

    #[tokio::test]
    async fn all_faults_of_a_body_are_reported() {
        let body = json!({
            "email": "Ada <ada@example.com>",
            "role": "Owner",
            "name": true,
            "last_name": "a".repeat(1001),
            "sso": "true",
            "resource_grants": {},
            "extensions": null,
            "status": "active",
        });
        let reply = Fixture::new().post(ADA_OWNER, &members(), body).await;
        assert_eq!(reply.problem(), (422, "invalid-body"));
        let expected = [
            ("/email", "invalid-email"),
            ("/extensions", "wrong-type"),
            ("/last_name", "too-long"),
            ("/name", "wrong-type"),
            ("/resource_grants", "wrong-type"),
            ("/role", "not-allowed"),
            ("/sso", "wrong-type"),
            ("/status", "unknown-field"),
        ];
        assert_eq!(reply.faults(), expected);
    }
}
