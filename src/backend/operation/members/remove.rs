//! Removing a member, or asking for it.

use rusqlite::Transaction;
use serde_json::json;

use crate::backend::answer::{self, Answer};
use crate::backend::exchange::Exchange;
use crate::backend::id::Id;
use crate::backend::problem::Problem;

use super::{document, named, ownership};

/// `members.remove`: at once. An account that belongs to no other organization goes too.
///
/// With `may_request`, a caller who may not remove members leaves a request for those who may.
pub(in crate::backend::operation) fn remove(
    tx: &Transaction<'_>,
    exchange: &Exchange,
) -> Result<Answer, Problem> {
    let may_request = exchange.query.word("may_request", &[("true", true), ("false", false)])?;
    let caller = exchange.caller.member_of(tx, exchange.id("organization_id"))?;
    if !caller.role.manages_members() && may_request == Some(true) {
        let member = named(tx, exchange)?;
        answer::check_if_match(exchange.if_match(), &document(tx, member.id)?)?;
        note_request(tx, member.id, exchange)?;
        return Ok(Answer::noted());
    }
    caller.check_manages_members()?;

    let member = named(tx, exchange)?;
    answer::check_if_match(exchange.if_match(), &document(tx, member.id)?)?;
    ownership::take_from(tx, &caller, &member, None)?;
    tx.prepare_cached("DELETE FROM members WHERE id = ?1")?.execute([member.id])?;
    let deleted = tx
        .prepare_cached("DELETE FROM users WHERE id = ?1 AND id NOT IN (SELECT user_id FROM members)")?
        .execute([member.user_id])?;
    Ok(Answer::outcome(json!({ "user_deleted": deleted > 0 })))
}

/// Asking twice is asking once.
fn note_request(tx: &Transaction<'_>, member_id: Id, exchange: &Exchange) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO removal_requests (member_id, requested_by, created_at) VALUES (?1, ?2, ?3)
         ON CONFLICT DO NOTHING",
    )?
    .execute((member_id, exchange.caller.user_id, exchange.now))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::header::IF_MATCH;
    use serde_json::json;

    use crate::backend::testing::{
        self, ADA_OWNER, BORIS_ADMIN, CARLA_MANAGER, Fixture, HARBOR, HUGO_VIEWER, KIRA_ELSEWHERE, NORTHWIND,
    };

    fn member(number: u32) -> String {
        format!("{NORTHWIND}/members/20000000-0000-4000-8000-000000000{number}")
    }

    #[tokio::test]
    async fn an_account_goes_with_its_last_membership() {
        let fixture = Fixture::new();
        for (target, user_deleted) in
            [(member(108), false), (format!("{HARBOR}/members/10000000-0000-4000-8000-000000000108"), true)]
        {
            assert_eq!(fixture.get(HUGO_VIEWER, "/v1/users/me").await.status, 200);
            let removed = fixture.delete(ADA_OWNER, &target).await;
            assert_eq!(
                (removed.status.as_u16(), &removed.body),
                (200, &json!({ "user_deleted": user_deleted }))
            );
            assert_eq!(fixture.get(ADA_OWNER, &target).await.problem(), (404, "not-found"));
            assert_eq!(fixture.delete(ADA_OWNER, &target).await.problem(), (404, "not-found"));
        }
        assert_eq!(fixture.get(HUGO_VIEWER, "/v1/users/me").await.problem(), (401, "unauthorized"));
    }

    #[tokio::test]
    async fn what_a_deleted_account_did_stays() {
        let fixture = Fixture::new();
        let removed = fixture.delete(ADA_OWNER, &member(103)).await;
        assert_eq!(removed.body["user_deleted"], true, "{:#}", removed.body);
        let invitation = "/v1/invitations/30000000-0000-4000-8000-000000000102";
        let invitation = fixture.get(ADA_OWNER, invitation).await;
        assert_eq!(
            (&invitation.body["inviter"], &invitation.body["invited_by"]),
            (&json!(null), &json!(null))
        );
        assert_eq!(fixture.get(CARLA_MANAGER, NORTHWIND).await.problem(), (401, "unauthorized"));
    }

    #[tokio::test]
    async fn the_last_owner_stays() {
        let fixture = Fixture::new();
        for token in [ADA_OWNER, BORIS_ADMIN] {
            assert_eq!(fixture.delete(token, &member(101)).await.problem(), (409, "last-owner"));
        }
        fixture.patch(ADA_OWNER, &member(102), json!({ "role": "owner" })).await;
        let removed = fixture.delete(BORIS_ADMIN, &member(101)).await;
        assert_eq!(removed.body, json!({ "user_deleted": false }));
        let owner = fixture.get(BORIS_ADMIN, NORTHWIND).await.body["owner_user_id"].clone();
        assert_eq!(owner, "10000000-0000-4000-8000-000000000102");
    }

    #[tokio::test]
    async fn who_may_not_remove_members_may_ask_for_it() {
        let fixture = Fixture::new();
        let target = format!("{}?may_request=true", member(106));
        for _ in 0..2 {
            assert_eq!(fixture.delete(HUGO_VIEWER, &target).await.status, 202);
        }
        assert_eq!(fixture.get(ADA_OWNER, &member(106)).await.status, 200);
        let requests = "SELECT count(*) FROM removal_requests";
        let count = fixture.sql(move |tx| tx.query_row(requests, [], |row| row.get::<_, u32>(0)));
        assert_eq!(count.await, 1);
        assert_eq!(fixture.delete(CARLA_MANAGER, &target).await.status, 200);
        let count = fixture.sql(move |tx| tx.query_row(requests, [], |row| row.get::<_, u32>(0)));
        assert_eq!(count.await, 0);
        let nobody = format!("{}?may_request=true", member(999));
        assert_eq!(fixture.delete(HUGO_VIEWER, &nobody).await.problem(), (404, "not-found"));
    }

    #[tokio::test]
    async fn members_are_removed_by_those_who_manage_them() {
        let fixture = Fixture::new();
        for (token, query, problem) in [
            (HUGO_VIEWER, "", (403, "forbidden")),
            (HUGO_VIEWER, "?may_request=false", (403, "forbidden")),
            (HUGO_VIEWER, "?may_request=yes", (400, "invalid-query")),
            (KIRA_ELSEWHERE, "?may_request=true", (404, "not-found")),
        ] {
            let reply = fixture.delete(token, &format!("{}{query}", member(106))).await;
            assert_eq!(reply.problem(), problem, "{query}");
        }
    }

    #[tokio::test]
    async fn a_removal_may_depend_on_what_the_caller_saw() {
        let fixture = Fixture::new();
        let request = testing::request("DELETE", ADA_OWNER, &member(106)).header(IF_MATCH, "\"other\"");
        let reply = fixture.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(reply.problem(), (412, "precondition-failed"));
    }
}
