//! Changing and removing links, on condition that they are what the caller saw.

use rusqlite::Transaction;

use crate::backend::answer::{self, Answer};
use crate::backend::body;
use crate::backend::exchange::Exchange;
use crate::backend::problem::Problem;

use super::document;
use super::target::Target;

/// `invite_links.update`: a merge patch (RFC 7396) over what can be changed, which is `role` of a link to
/// the organization and `level` of a link to a resource. Neither can be taken away.
pub(in crate::backend::operation) fn update(
    tx: &Transaction<'_>,
    exchange: &Exchange,
) -> Result<Answer, Problem> {
    let manager = exchange.caller.manager_of(tx, exchange.id("organization_id"))?;
    let id = exchange.id("link_id");
    let target = Target::of(tx, manager.organization_id, id)?;
    answer::check_if_match(exchange.if_match(), &document(tx, id, &manager)?)?;

    let column = match target {
        Target::Organization { .. } => "role",
        Target::Resource { .. } => "level",
    };
    let change = body::read(&exchange.body, |patch| {
        if patch.has(column) { patch.role(column).map(Some) } else { Some(None) }
    })?;
    if let Some(role) = change.filter(|role| *role != target.given_role()) {
        manager.check_may_give(role)?;
        let update = format!("UPDATE invite_links SET {column} = ?2, updated_at = ?3 WHERE id = ?1");
        tx.prepare_cached(&update)?.execute((id, role, exchange.now))?;
    }
    Ok(Answer::one(document(tx, id, &manager)?))
}

/// `invite_links.remove`: nobody joins by it any more; those who have joined stay.
pub(in crate::backend::operation) fn remove(
    tx: &Transaction<'_>,
    exchange: &Exchange,
) -> Result<Answer, Problem> {
    let manager = exchange.caller.manager_of(tx, exchange.id("organization_id"))?;
    let id = exchange.id("link_id");
    answer::check_if_match(exchange.if_match(), &document(tx, id, &manager)?)?;
    tx.prepare_cached("DELETE FROM invite_links WHERE id = ?1")?.execute([id])?;
    Ok(Answer::nothing())
}

#[cfg(test)]
mod tests {
    use http::Request;
    use http::header::IF_MATCH;
    use serde_json::json;

    use crate::backend::testing::{self, ADA_OWNER, Fixture, NORTHWIND};

    const TO_ORGANIZATION: &str = "50000000-0000-4000-8000-000000000101";
    const TO_SPACE: &str = "50000000-0000-4000-8000-000000000102";

    fn link(id: &str) -> String {
        format!("{NORTHWIND}/invite-links/{id}")
    }

    #[tokio::test]
    async fn a_patch_changes_what_it_names_and_nothing_else() {
        let fixture = Fixture::new();
        fixture.pass(60);
        let before = fixture.get(ADA_OWNER, &link(TO_ORGANIZATION)).await;
        let same = fixture.patch(ADA_OWNER, &link(TO_ORGANIZATION), json!({})).await;
        assert_eq!(same.body, before.body);
        let same = fixture.patch(ADA_OWNER, &link(TO_ORGANIZATION), json!({ "role": "editor" })).await;
        assert_eq!(same.body, before.body);

        let mut expected = before.body.clone();
        expected["role"] = json!("billing");
        expected["updated_at"] = json!("2025-03-01T12:01:00.000Z");
        let after = fixture.patch(ADA_OWNER, &link(TO_ORGANIZATION), json!({ "role": "billing" })).await;
        assert_eq!(after.body, expected);
        assert_ne!(after.header("etag"), before.header("etag"));
        assert_eq!(fixture.get(ADA_OWNER, &link(TO_ORGANIZATION)).await.body, expected);
    }

    #[tokio::test]
    async fn the_level_of_a_link_to_a_resource_can_be_changed() {
        let fixture = Fixture::new();
        let after = fixture.patch(ADA_OWNER, &link(TO_SPACE), json!({ "level": "viewer" })).await;
        assert_eq!((after.status.as_u16(), &after.body["resource"]["level"]), (200, &json!("viewer")));
        assert_eq!(after.body["role"], "guest");
    }

    #[tokio::test]
    async fn a_patch_takes_nothing_away_and_adds_nothing_new() {
        let fixture = Fixture::new();
        let cases = [
            (TO_ORGANIZATION, json!({ "role": null }), ("/role", "wrong-type")),
            (TO_ORGANIZATION, json!({ "level": "viewer" }), ("/level", "unknown-field")),
            (TO_SPACE, json!({ "role": "viewer" }), ("/role", "unknown-field")),
            (TO_SPACE, json!({ "level": "chief" }), ("/level", "not-allowed")),
            (TO_SPACE, json!([]), ("", "wrong-type")),
        ];
        for (id, patch, fault) in cases {
            let reply = fixture.patch(ADA_OWNER, &link(id), patch).await;
            assert_eq!(reply.problem(), (422, "invalid-body"));
            assert_eq!(reply.faults(), [fault]);
        }
    }

    #[tokio::test]
    async fn a_change_is_made_only_if_the_link_is_what_the_caller_saw() {
        let fixture = Fixture::new();
        let send = async |method: &str, tag: &str| {
            let request = testing::request(method, ADA_OWNER, &link(TO_ORGANIZATION)).header(IF_MATCH, tag);
            let request: Request<_> = request.body(r#"{"role":"viewer"}"#.into()).unwrap();
            fixture.send(request).await
        };
        let tag = fixture.get(ADA_OWNER, &link(TO_ORGANIZATION)).await.header("etag").to_owned();
        assert_eq!(send("PATCH", "\"0\"").await.problem(), (412, "precondition-failed"));
        let changed = send("PATCH", &tag).await;
        assert_eq!(changed.body["role"], "viewer");
        assert_eq!(send("PATCH", &tag).await.problem(), (412, "precondition-failed"));
        assert_eq!(send("DELETE", &tag).await.problem(), (412, "precondition-failed"));
        assert_eq!(send("DELETE", changed.header("etag")).await.status, 204);
    }
}
