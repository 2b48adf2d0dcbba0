//! Changing a member, on condition that they are what the caller saw.

use rusqlite::Transaction;

use crate::backend::access::Membership;
use crate::backend::answer::{self, Answer};
use crate::backend::body::{self, Fields};
use crate::backend::changes::{self, Changes};
use crate::backend::exchange::Exchange;
use crate::backend::grant::{self, Holder, Replacement};
use crate::backend::problem::Problem;
use crate::backend::role::Role;

use super::{Standing, document, named, named_alone, ownership};

/// `members.update`: a merge patch (RFC 7396).
pub(in crate::backend::operation) fn update(
    tx: &Transaction<'_>,
    exchange: &Exchange,
) -> Result<Answer, Problem> {
    let manager = exchange.caller.manager_of(tx, exchange.id("organization_id"))?;
    let member = named(tx, exchange)?;
    changed(tx, exchange, &manager, &member)
}

/// `memberships.update`: the same for a member known by their own id alone.
pub(in crate::backend::operation) fn update_membership(
    tx: &Transaction<'_>,
    exchange: &Exchange,
) -> Result<Answer, Problem> {
    let member = named_alone(tx, exchange)?;
    let manager = exchange.caller.manager_of(tx, member.organization_id)?;
    changed(tx, exchange, &manager, &member)
}

fn changed(
    tx: &Transaction<'_>,
    exchange: &Exchange,
    manager: &Membership,
    member: &Standing,
) -> Result<Answer, Problem> {
    answer::check_if_match(exchange.if_match(), &document(tx, member.id)?)?;

    let wanted = body::read(&exchange.body, |fields| Some(Update::read(fields)))?;
    let new_role = wanted.role.filter(|role| *role != member.role);
    if let Some(role) = new_role {
        manager.check_may_give(role)?;
        ownership::take_from(tx, manager, member, Some("/role"))?;
    }
    if wanted.is_suspended == Some(true) {
        ownership::take_from(tx, manager, member, Some("/status"))?;
    }

    let mut is_changed = wanted.changes(tx, member)?.apply(tx, "members", member.id, exchange.now)?;
    if let Some(resources) = &wanted.resource_grants {
        is_changed |= grant::replace(tx, Holder::Member(member.id), resources)?;
    }
    if is_changed {
        changes::touch(tx, "members", member.id, exchange.now)?;
    }
    Ok(Answer::one(document(tx, member.id)?))
}

/// The body of `members.update`; none is absent.
struct Update {
    role: Option<Role>,
    is_suspended: Option<bool>,
    sso: Option<bool>,
    resource_grants: Option<Replacement>,
    extensions: Option<String>,
}

impl Update {
    fn read(fields: &mut Fields<'_>) -> Self {
        let role = if fields.has("role") { fields.role("role") } else { None };
        let statuses = [("active", false), ("suspended", true)];
        let is_suspended = if fields.has("status") { fields.word("status", &statuses) } else { None };
        let sso = fields.has("sso").then(|| fields.flag("sso", false));
        let resource_grants = Replacement::read(fields);
        let extensions = fields.has("extensions").then(|| fields.free_object("extensions"));
        Update { role, is_suspended, sso, resource_grants, extensions }
    }

    fn changes(&self, tx: &Transaction<'_>, member: &Standing) -> rusqlite::Result<Changes> {
        let mut changes = Changes::default();
        if let Some(role) = self.role {
            changes.set("role", role.name().to_owned());
        }
        match self.is_suspended {
            Some(true) => changes.set("status", "suspended".to_owned()),
            // Nobody is active by somebody else's word: who has never signed in waits for that again.
            Some(false) if member.is_suspended => {
                let status: String = tx
                    .prepare_cached(
                        "SELECT iif(status = 'invited', status, 'active') FROM users WHERE id = ?1",
                    )?
                    .query_row([member.user_id], |row| row.get(0))?;
                changes.set("status", status);
            }
            Some(false) | None => {}
        }
        if let Some(wants_sso) = self.sso {
            let sso = match (wants_sso, belongs_elsewhere(tx, member)?) {
                (false, _) => "off",
                (true, false) => "on",
                (true, true) => "refused",
            };
            changes.set("sso", sso.to_owned());
        }
        if let Some(extensions) = &self.extensions {
            changes.merge("extensions", extensions.clone());
        }
        Ok(changes)
    }
}

fn belongs_elsewhere(tx: &Transaction<'_>, member: &Standing) -> rusqlite::Result<bool> {
    tx.prepare_cached("SELECT EXISTS (SELECT 1 FROM members WHERE user_id = ?1 AND organization_id <> ?2)")?
        .query_row((member.user_id, member.organization_id), |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::header::{CONTENT_TYPE, IF_MATCH};
    use serde_json::json;

    use crate::backend::testing::{
        self, ADA_OWNER, BORIS_ADMIN, CARLA_MANAGER, EXAMPLE, Fixture, HUGO_VIEWER, KIRA_ELSEWHERE, NORTHWIND,
    };

    fn member(number: u32) -> String {
        format!("{NORTHWIND}/members/20000000-0000-4000-8000-000000000{number}")
    }

    #[tokio::test]
    async fn a_member_changes_by_their_own_id_and_by_their_users() {
        let fixture = Fixture::new();
        fixture.pass(1);
        let changed = fixture.patch(CARLA_MANAGER, &member(108), json!({ "role": "editor" })).await;
        assert_eq!(changed.status, 200, "{:#}", changed.body);
        assert_eq!(changed.body["role"], "editor");
        assert_eq!(changed.body["updated_at"], "2025-03-01T12:00:01.000Z");
        let by_user = format!("{NORTHWIND}/members/10000000-0000-4000-8000-000000000108");
        let body = json!({ "role": "viewer", "extensions": { "shelf": 1 } });
        let changed = fixture.patch(CARLA_MANAGER, &by_user, body).await;
        assert_eq!(
            (&changed.body["role"], &changed.body["extensions"]),
            (&json!("viewer"), &json!({ "shelf": 1 }))
        );
        assert_eq!(fixture.get(ADA_OWNER, &member(108)).await.body, changed.body);
    }

    #[tokio::test]
    async fn a_membership_changes_by_its_own_id_and_only_for_those_who_manage_it() {
        let fixture = Fixture::new();
        let hugo = "/v1/memberships/20000000-0000-4000-8000-000000000108";
        let body = json!({ "role": "editor" });
        assert_eq!(fixture.patch(CARLA_MANAGER, hugo, body.clone()).await.body["role"], "editor");
        assert_eq!(fixture.patch(HUGO_VIEWER, hugo, body.clone()).await.status, 403);
        assert_eq!(fixture.patch(KIRA_ELSEWHERE, hugo, body.clone()).await.problem(), (404, "not-found"));
        let user = "/v1/memberships/10000000-0000-4000-8000-000000000108";
        assert_eq!(fixture.patch(CARLA_MANAGER, user, body).await.problem(), (404, "not-found"));
    }

    #[tokio::test]
    async fn saying_what_is_so_already_changes_nothing() {
        let fixture = Fixture::new();
        let before = fixture.get(ADA_OWNER, &member(110)).await;
        fixture.pass(1);
        let grants: Vec<_> = before.body["resource_grants"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| json!({ "resource_type": it["resource_type"], "resource_id": it["resource_id"] }))
            .collect();
        let body = json!({
            "role": "guest", "status": "active", "sso": false, "resource_grants": grants, "extensions": {},
        });
        assert_eq!(fixture.patch(ADA_OWNER, &member(110), body).await.body, before.body);
        assert_eq!(fixture.patch(ADA_OWNER, &member(110), json!({})).await.body, before.body);
    }

    #[tokio::test]
    async fn grants_are_replaced_and_one_that_stays_keeps_its_level() {
        let fixture = Fixture::new();
        fixture.pass(1);
        let body = json!({ "resource_grants": [
            { "resource_id": "northwind-handbook", "resource_type": "space" },
            { "resource_id": "60000000-0000-4000-8000-000000000102" },
        ] });
        let changed = fixture.patch(ADA_OWNER, &member(110), body).await;
        let grants = changed.body["resource_grants"].as_array().unwrap();
        let kept: Vec<_> =
            grants.iter().map(|it| (it["name"].as_str().unwrap(), it["level"].as_str())).collect();
        assert_eq!(kept, [("Handbook", Some("commenter")), ("Tea", None)]);
        assert_eq!(changed.body["updated_at"], "2025-03-01T12:00:01.000Z");
        let body = json!({ "resource_grants": [], "resource_grants_of": "portfolio" });
        let narrowed = fixture.patch(ADA_OWNER, &member(110), body).await;
        let kept = narrowed.body["resource_grants"].as_array().unwrap();
        assert_eq!(kept.len(), 1, "grants of other types stay: {kept:?}");
        assert_eq!(kept[0]["name"], "Handbook");
        let emptied = fixture.patch(ADA_OWNER, &member(110), json!({ "resource_grants": [] })).await;
        assert_eq!(emptied.body["resource_grants"], json!([]));
    }

    #[tokio::test]
    async fn a_suspended_member_is_let_in_again() {
        let fixture = Fixture::new();
        for (status, may) in [("suspended", 403), ("active", 200)] {
            let changed = fixture.patch(ADA_OWNER, &member(108), json!({ "status": status })).await;
            assert_eq!(changed.body["status"], status);
            assert_eq!(fixture.get(HUGO_VIEWER, NORTHWIND).await.status, may);
        }
        let tara = format!("{EXAMPLE}/members/20000000-0000-4000-8000-000000000210");
        for (status, shown) in [("active", "invited"), ("suspended", "suspended"), ("active", "invited")] {
            let changed = fixture.patch(KIRA_ELSEWHERE, &tara, json!({ "status": status })).await;
            assert_eq!(changed.body["status"], shown);
        }
    }

    #[tokio::test]
    async fn single_sign_on_is_switched_and_refused_to_those_who_belong_elsewhere() {
        let fixture = Fixture::new();
        for (number, sso, shown) in [(103, true, "on"), (103, false, "off"), (108, true, "refused")] {
            let changed = fixture.patch(ADA_OWNER, &member(number), json!({ "sso": sso })).await;
            assert_eq!(changed.body["sso"], shown, "{number}");
        }
    }

    #[tokio::test]
    async fn the_last_owner_is_neither_demoted_nor_suspended() {
        let fixture = Fixture::new();
        for (token, body, place) in [
            (ADA_OWNER, json!({ "role": "admin" }), "/role"),
            (BORIS_ADMIN, json!({ "role": "viewer" }), "/role"),
            (ADA_OWNER, json!({ "status": "suspended" }), "/status"),
        ] {
            let reply = fixture.patch(token, &member(101), body).await;
            assert_eq!(reply.problem(), (409, "last-owner"));
            assert_eq!(reply.faults(), [(place, "last-owner")]);
        }
        assert_eq!(fixture.get(ADA_OWNER, &member(101)).await.body["role"], "owner");
        let suspended = json!({ "role": "owner", "status": "suspended" });
        assert_eq!(fixture.patch(ADA_OWNER, &member(102), suspended).await.status, 200);
        let reply = fixture.patch(ADA_OWNER, &member(101), json!({ "role": "admin" })).await;
        assert_eq!(reply.problem(), (409, "last-owner"));
    }

    #[tokio::test]
    async fn one_of_two_owners_may_go_and_the_other_answers_for_the_organization() {
        let fixture = Fixture::new();
        let owner = json!({ "role": "owner" });
        assert_eq!(fixture.patch(ADA_OWNER, &member(104), owner).await.status, 200);
        let taken = fixture.patch(BORIS_ADMIN, &member(101), json!({ "role": "viewer" })).await;
        assert_eq!(taken.problem(), (403, "forbidden"));
        let demoted = fixture.patch(ADA_OWNER, &member(101), json!({ "role": "viewer" })).await;
        assert_eq!(demoted.body["role"], "viewer");
        assert_eq!(demoted.body["organization"]["owner_user_id"], "10000000-0000-4000-8000-000000000104");
    }

    #[tokio::test]
    async fn an_owner_who_does_not_answer_for_the_organization_is_a_member_like_others() {
        let fixture = Fixture::new();
        fixture.patch(ADA_OWNER, &member(104), json!({ "role": "owner" })).await;
        let demoted = fixture.patch(BORIS_ADMIN, &member(104), json!({ "role": "editor" })).await;
        assert_eq!(demoted.body["role"], "editor");
        assert_eq!(demoted.body["organization"]["owner_user_id"], "10000000-0000-4000-8000-000000000101");
    }

    #[tokio::test]
    async fn nobody_raises_themselves() {
        let fixture = Fixture::new();
        for (token, number, role) in [(CARLA_MANAGER, 103, "admin"), (BORIS_ADMIN, 102, "owner")] {
            let reply = fixture.patch(token, &member(number), json!({ "role": role })).await;
            assert_eq!(reply.problem(), (403, "forbidden"), "{role}");
        }
    }

    #[tokio::test]
    async fn members_are_changed_by_those_who_manage_them() {
        let fixture = Fixture::new();
        let body = json!({ "role": "guest" });
        for (token, problem) in [(HUGO_VIEWER, (403, "forbidden")), (KIRA_ELSEWHERE, (404, "not-found"))] {
            assert_eq!(fixture.patch(token, &member(103), body.clone()).await.problem(), problem);
        }
        for number in [201, 999] {
            let reply = fixture.patch(ADA_OWNER, &member(number), body.clone()).await;
            assert_eq!(reply.problem(), (404, "not-found"));
        }
    }

    #[tokio::test]
    async fn a_change_may_depend_on_what_the_caller_saw() {
        let fixture = Fixture::new();
        let seen = fixture.get(ADA_OWNER, &member(108)).await;
        for status in [200, 412] {
            let request = testing::request("PATCH", ADA_OWNER, &member(108))
                .header(IF_MATCH, seen.header("etag"))
                .header(CONTENT_TYPE, "application/merge-patch+json");
            let body = Body::from(json!({ "role": "editor" }).to_string());
            assert_eq!(fixture.send(request.body(body).unwrap()).await.status, status);
        }
    }

    #[tokio::test]
    async fn all_faults_of_a_body_are_reported() {
        let body = json!({
            "role": null, "status": "invited", "sso": "on", "resource_grants": [{}], "extensions": null,
            "user_id": 1,
        });
        let reply = Fixture::new().patch(ADA_OWNER, &member(108), body).await;
        assert_eq!(reply.problem(), (422, "invalid-body"));
        let expected = [
            ("/extensions", "wrong-type"),
            ("/resource_grants/0/resource_id", "required"),
            ("/role", "wrong-type"),
            ("/sso", "wrong-type"),
            ("/status", "not-allowed"),
            ("/user_id", "unknown-field"),
        ];
        assert_eq!(reply.faults(), expected);
    }
}
