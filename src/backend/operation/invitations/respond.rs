//! Answering an invitation, which only its addressee does.

use rusqlite::Transaction;

use crate::backend::answer::Answer;
use crate::backend::body;
use crate::backend::changes::Changes;
use crate::backend::exchange::Exchange;
use crate::backend::grant;
use crate::backend::operation::members::{self, Entry};
use crate::backend::problem::{Code, Problem};

use super::named;

/// `invitations.respond`: makes the caller the member that the invitation promised, or ends it.
pub(in crate::backend::operation) fn respond(
    tx: &Transaction<'_>,
    exchange: &Exchange,
) -> Result<Answer, Problem> {
    let invitation = named(tx, exchange)?;
    if !invitation.is_for(&exchange.caller) {
        exchange.caller.manager_of(tx, invitation.organization_id)?;
        return Err(Problem::new(Code::Forbidden, "only the addressee answers an invitation"));
    }
    let is_accepted = body::read(&exchange.body, |fields| fields.required_flag("accept"))?;
    invitation.check_is_pending()?;
    if !is_accepted {
        let mut changes = Changes::default();
        changes.set("status", "declined".to_owned());
        changes.apply(tx, "invitations", invitation.id, exchange.now)?;
        return Ok(Answer::nothing());
    }
    let entry = Entry {
        organization_id: invitation.organization_id,
        user_id: exchange.caller.user_id,
        role: invitation.role,
        invited_by: invitation.invited_by,
        wants_sso: false,
        extensions: "{}",
    };
    let member_id = entry.insert(tx, exchange)?; // which marks the invitation as accepted
    grant::hand_over(tx, invitation.id, member_id)?;
    Ok(Answer::one(members::document(tx, member_id)?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::backend::testing::{ADA_OWNER, Fixture, HUGO_VIEWER, KIRA_ELSEWHERE, UMA_TINY};

    const UMAS: &str = "/v1/invitations/30000000-0000-4000-8000-000000000401";

    fn respond() -> String {
        format!("{UMAS}/respond")
    }

    #[tokio::test]
    async fn who_accepts_becomes_the_member_that_was_promised() {
        let fixture = Fixture::new();
        let member = fixture.post(UMA_TINY, &respond(), json!({ "accept": true })).await;
        assert_eq!(member.status, 200, "{:#}", member.body);
        assert_eq!(member.body["user"]["email"], "uma@example.net");
        assert_eq!(member.body["organization"]["slug"], "harbor");
        assert_eq!(member.body["role"], "editor");
        assert_eq!(member.body["invited_by"], "10000000-0000-4000-8000-000000000101");
        let log = json!([
            { "resource_type": "space", "resource_id": "harbor-log", "name": "Log", "level": "commenter" },
        ]);
        assert_eq!(member.body["resource_grants"], log);
        assert_eq!(fixture.get(UMA_TINY, UMAS).await.body["status"], "accepted");
        assert_eq!(fixture.get(UMA_TINY, "/v1/organizations").await.each("/slug"), ["harbor", "tiny"]);
    }

    #[tokio::test]
    async fn who_declines_stays_outside() {
        let fixture = Fixture::new();
        assert_eq!(fixture.post(UMA_TINY, &respond(), json!({ "accept": false })).await.status, 204);
        assert_eq!(fixture.get(UMA_TINY, UMAS).await.body["status"], "declined");
        assert_eq!(fixture.get(UMA_TINY, "/v1/organizations").await.each("/slug"), ["tiny"]);
    }

    #[tokio::test]
    async fn an_invitation_that_waits_no_more_is_not_answered() {
        for way in ["expire", "cancel", "revoke", "accept", "decline"] {
            let fixture = Fixture::new();
            match way {
                "expire" => {
                    fixture.sql(|tx| tx.execute("UPDATE invitations SET expires_at = created_at", [])).await;
                }
                "cancel" | "revoke" => {
                    assert_eq!(
                        fixture.post(ADA_OWNER, &format!("{UMAS}/{way}"), json!({})).await.status,
                        200
                    );
                }
                _ => {
                    let body = json!({ "accept": way == "accept" });
                    assert!(fixture.post(UMA_TINY, &respond(), body).await.status.is_success());
                }
            }
            for accept in [true, false] {
                let reply = fixture.post(UMA_TINY, &respond(), json!({ "accept": accept })).await;
                assert_eq!(reply.problem(), (409, "conflict"), "{way}");
            }
        }
    }

    #[tokio::test]
    async fn nobody_answers_for_somebody_else() {
        let fixture = Fixture::new();
        for (token, problem) in [
            (ADA_OWNER, (403, "forbidden")),
            (HUGO_VIEWER, (403, "forbidden")),
            (KIRA_ELSEWHERE, (403, "forbidden")),
            ("pat_DemoAdminExample0000000000000000", (404, "not-found")),
        ] {
            let reply = fixture.post(token, &respond(), json!({ "accept": true })).await;
            assert_eq!(reply.problem(), problem);
        }
    }

    #[tokio::test]
    async fn an_answer_is_yes_or_no() {
        let fixture = Fixture::new();
        for (body, fault) in [
            (json!({}), ("/accept", "required")),
            (json!({ "accept": "yes" }), ("/accept", "wrong-type")),
            (json!({ "accept": null }), ("/accept", "wrong-type")),
        ] {
            let reply = fixture.post(UMA_TINY, &respond(), body).await;
            assert_eq!(reply.problem(), (422, "invalid-body"));
            assert_eq!(reply.faults(), [fault]);
        }
    }

    #[tokio::test]
    async fn a_full_organization_cannot_keep_its_promise() {
        let fixture = Fixture::new();
        fixture.sql(|tx| tx.execute("UPDATE organizations SET max_members = 3", [])).await;
        let reply = fixture.post(UMA_TINY, &respond(), json!({ "accept": true })).await;
        assert_eq!(reply.problem(), (426, "upgrade-required"));
        assert_eq!(fixture.get(UMA_TINY, UMAS).await.body["status"], "pending");
    }
}
