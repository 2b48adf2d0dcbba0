//! Changing and withdrawing invitations, while they are pending.

use rusqlite::Transaction;

use crate::backend::answer::{self, Answer};
use crate::backend::body::{self, Fields};
use crate::backend::changes::{self, Changes};
use crate::backend::exchange::Exchange;
use crate::backend::grant::{self, Holder, Replacement};
use crate::backend::problem::Problem;
use crate::backend::role::Role;

use super::{Standing, document, named};

/// `invitations.update`: a merge patch (RFC 7396).
pub(in crate::backend::operation) fn update(
    tx: &Transaction<'_>,
    exchange: &Exchange,
) -> Result<Answer, Problem> {
    let invitation = named(tx, exchange)?;
    let manager = exchange.caller.manager_of(tx, invitation.organization_id)?;
    answer::check_if_match(exchange.if_match(), &document(tx, invitation.id, exchange.now)?)?;
    let wanted = body::read(&exchange.body, |fields| Some(Update::read(fields)))?;
    invitation.check_is_pending()?;
    if let Some(role) = wanted.role.filter(|role| *role != invitation.role) {
        manager.check_may_give(role)?;
    }

    let id = invitation.id;
    let mut is_changed = wanted.changes.apply(tx, "invitations", id, exchange.now)?;
    if let Some(resources) = &wanted.resource_grants {
        is_changed |= grant::replace(tx, Holder::Invitation(id), resources)?;
    }
    if is_changed {
        changes::touch(tx, "invitations", id, exchange.now)?;
    }
    Ok(Answer::one(document(tx, id, exchange.now)?))
}

/// `invitations.cancel`: the inviting side has thought better of it.
pub(in crate::backend::operation) fn cancel(
    tx: &Transaction<'_>,
    exchange: &Exchange,
) -> Result<Answer, Problem> {
    withdraw(tx, exchange, "cancelled")
}

/// `invitations.revoke`: the invitation holds no more.
pub(in crate::backend::operation) fn revoke(
    tx: &Transaction<'_>,
    exchange: &Exchange,
) -> Result<Answer, Problem> {
    withdraw(tx, exchange, "revoked")
}

fn withdraw(tx: &Transaction<'_>, exchange: &Exchange, status: &str) -> Result<Answer, Problem> {
    let Standing { id, organization_id, .. } = named(tx, exchange)?;
    exchange.caller.manager_of(tx, organization_id)?;
    answer::check_if_match(exchange.if_match(), &document(tx, id, exchange.now)?)?;
    named(tx, exchange)?.check_is_pending()?;
    let mut changes = Changes::default();
    changes.set("status", status.to_owned());
    changes.apply(tx, "invitations", id, exchange.now)?;
    Ok(Answer::one(document(tx, id, exchange.now)?))
}

/// The body of `invitations.update`; none is absent.
struct Update {
    role: Option<Role>,
    resource_grants: Option<Replacement>,
    changes: Changes,
}

impl Update {
    fn read(fields: &mut Fields<'_>) -> Self {
        let mut changes = Changes::default();
        for name in ["first_name", "last_name"] {
            if fields.has(name) {
                changes.set(name, fields.text_or_null(name));
            }
        }
        let role = if fields.has("role") { fields.role("role") } else { None };
        if let Some(role) = role {
            changes.set("role", role.name().to_owned());
        }
        let resource_grants = Replacement::read(fields);
        if fields.has("extensions") {
            changes.merge("extensions", fields.free_object("extensions"));
        }
        Update { role, resource_grants, changes }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::header::IF_MATCH;
    use serde_json::json;

    use crate::backend::testing::{
        self, ADA_OWNER, CARLA_MANAGER, Fixture, HUGO_VIEWER, KIRA_ELSEWHERE, UMA_TINY,
    };

    const PENDING: &str = "/v1/invitations/30000000-0000-4000-8000-000000000101";
    const EXPIRED: &str = "/v1/invitations/30000000-0000-4000-8000-000000000102";
    const REVOKED: &str = "/v1/invitations/30000000-0000-4000-8000-000000000103";
    const UMAS: &str = "/v1/invitations/30000000-0000-4000-8000-000000000401";

    #[tokio::test]
    async fn a_pending_invitation_changes() {
        let fixture = Fixture::new();
        fixture.pass(1);
        let body = json!({
            "first_name": null,
            "last_name": "Winter",
            "role": "viewer",
            "resource_grants": [],
            "extensions": { "note": "soon" },
        });
        let changed = fixture.patch(CARLA_MANAGER, PENDING, body).await;
        assert_eq!(changed.status, 200, "{:#}", changed.body);
        assert_eq!(
            (&changed.body["first_name"], &changed.body["last_name"]),
            (&json!(null), &json!("Winter"))
        );
        assert_eq!((&changed.body["role"], &changed.body["resource_grants"]), (&json!("viewer"), &json!([])));
        assert_eq!(changed.body["extensions"], json!({ "note": "soon" }));
        assert_eq!(changed.body["updated_at"], "2025-03-01T12:00:01.000Z");
        assert_eq!(fixture.get(ADA_OWNER, PENDING).await.body, changed.body);
        fixture.pass(1);
        let same = json!({ "last_name": "Winter", "role": "viewer", "resource_grants": [] });
        assert_eq!(fixture.patch(ADA_OWNER, PENDING, same).await.body, changed.body);
    }

    #[tokio::test]
    async fn a_pending_invitation_is_withdrawn_once() {
        for (way, status) in [("cancel", "cancelled"), ("revoke", "revoked")] {
            let fixture = Fixture::new();
            let withdrawn = fixture.post(CARLA_MANAGER, &format!("{PENDING}/{way}"), json!({})).await;
            assert_eq!((withdrawn.status.as_u16(), &withdrawn.body["status"]), (200, &json!(status)));
            for again in ["cancel", "revoke"] {
                let reply = fixture.post(ADA_OWNER, &format!("{PENDING}/{again}"), json!({})).await;
                assert_eq!(reply.problem(), (409, "conflict"));
            }
        }
    }

    #[tokio::test]
    async fn what_waits_no_more_cannot_be_changed() {
        let fixture = Fixture::new();
        for target in [EXPIRED, REVOKED] {
            let reply = fixture.patch(ADA_OWNER, target, json!({ "role": "viewer" })).await;
            assert_eq!(reply.problem(), (409, "conflict"));
            for way in ["cancel", "revoke"] {
                let reply = fixture.post(ADA_OWNER, &format!("{target}/{way}"), json!({})).await;
                assert_eq!(reply.problem(), (409, "conflict"));
            }
        }
    }

    #[tokio::test]
    async fn only_those_who_manage_members_change_or_withdraw() {
        let fixture = Fixture::new();
        for (token, target, problem) in [
            (HUGO_VIEWER, PENDING, (403, "forbidden")),
            (KIRA_ELSEWHERE, PENDING, (404, "not-found")),
            (UMA_TINY, UMAS, (404, "not-found")), // the addressee declines instead
            (ADA_OWNER, "/v1/invitations/30000000-0000-4000-8000-000000000999", (404, "not-found")),
        ] {
            assert_eq!(fixture.patch(token, target, json!({})).await.problem(), problem);
            for way in ["cancel", "revoke"] {
                assert_eq!(
                    fixture.post(token, &format!("{target}/{way}"), json!({})).await.problem(),
                    problem
                );
            }
        }
        let generous = fixture.patch(CARLA_MANAGER, PENDING, json!({ "role": "owner" })).await;
        assert_eq!(generous.problem(), (403, "forbidden"));
    }

    #[tokio::test]
    async fn a_change_may_depend_on_what_the_caller_saw() {
        let fixture = Fixture::new();
        for (method, target) in [("PATCH", PENDING.to_owned()), ("POST", format!("{PENDING}/cancel"))] {
            let request = testing::request(method, ADA_OWNER, &target).header(IF_MATCH, "\"other\"");
            let reply = fixture.send(request.body(Body::from("{}")).unwrap()).await;
            assert_eq!(reply.problem(), (412, "precondition-failed"));
        }
    }

    #[tokio::test]
    async fn all_faults_of_a_body_are_reported() {
        let body = json!({ "first_name": 1, "role": "chief", "resource_grants": null, "status": "accepted" });
        let reply = Fixture::new().patch(ADA_OWNER, PENDING, body).await;
        assert_eq!(reply.problem(), (422, "invalid-body"));
        let expected = [
            ("/first_name", "wrong-type"),
            ("/resource_grants", "wrong-type"),
            ("/role", "not-allowed"),
            ("/status", "unknown-field"),
        ];
        assert_eq!(reply.faults(), expected);
    }
}
