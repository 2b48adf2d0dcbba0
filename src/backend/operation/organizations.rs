//! Organizations, as their members see them, and the seats they have.

use rusqlite::{Row, Transaction};
use serde_json::{Value, json};

use crate::backend::answer::Answer;
use crate::backend::exchange::Exchange;
use crate::backend::id::Id;
use crate::backend::list::List;
use crate::backend::problem::{Code, Problem};
use crate::backend::row::{object, text};

/// `organizations.list`: those the caller is a member of.
pub(super) fn list(tx: &Transaction<'_>, exchange: &Exchange) -> Result<Answer, Problem> {
    let list = List {
        columns: "organizations.*",
        rows: "FROM organizations JOIN members ON members.organization_id = organizations.id
               WHERE members.user_id = ?1 AND members.status <> 'suspended' AND (?2 IS NULL OR slug = ?2)",
        order: "organizations.name, organizations.id",
        parameters: &[&exchange.caller.user_id, &exchange.query.text("slug")],
    };
    list.answer(tx, exchange.query.page()?, from_row)
}

/// `organizations.get`
pub(super) fn one(tx: &Transaction<'_>, exchange: &Exchange) -> Result<Answer, Problem> {
    let organization_id = exchange.id("organization_id");
    exchange.caller.member_of(tx, organization_id)?;
    Ok(Answer::one(document(tx, organization_id)?))
}

/// An organization as its members see it.
pub(super) fn document(tx: &Transaction<'_>, id: Id) -> rusqlite::Result<Value> {
    tx.prepare_cached("SELECT * FROM organizations WHERE id = ?1")?.query_row([id], from_row)
}

/// Refuses when the members there are and the ones `coming` do not all have a seat.
pub(super) fn check_seats(tx: &Transaction<'_>, id: Id, coming: u32) -> Result<(), Problem> {
    let is_full = tx
        .prepare_cached(
            "SELECT ifnull(?2 + (SELECT count(*) FROM members WHERE organization_id = ?1) > seats_max, FALSE)
             FROM organizations WHERE id = ?1",
        )?
        .query_row((id, coming), |row| row.get(0))?;
    if is_full {
        return Err(Problem::new(Code::UpgradeRequired, "every seat of the organization is taken"));
    }
    Ok(())
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Value> {
    Ok(json!({
        "id": text(row, "id")?,
        "slug": text(row, "slug")?,
        "name": text(row, "name")?,
        "description": text(row, "description")?,
        "country": text(row, "country")?,
        "business_information": text(row, "business_information")?,
        "timezone": text(row, "timezone")?,
        "owner_user_id": text(row, "owner_user_id")?,
        "created_by_user_id": text(row, "created_by_user_id")?,
        "metadata": object(row, "metadata")?,
        "extensions": object(row, "extensions")?,
        "created_at": text(row, "created_at")?,
        "updated_at": text(row, "updated_at")?,
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::backend::testing::{ADA_OWNER, EXAMPLE, Fixture, JONAS_GUEST, NORTHWIND, TINY, UMA_TINY};

    #[tokio::test]
    async fn members_see_their_organization_whatever_their_role() {
        let expected = json!({
            "id": "3c90c3cc-0d44-4b50-8888-8dd25736052a",
            "slug": "northwind",
            "name": "Northwind",
            "description": "Coffee and tea, wholesale",
            "country": "SE",
            "business_information": "Northwind AB, 556677-8899",
            "timezone": "Europe/Stockholm",
            "owner_user_id": "10000000-0000-4000-8000-000000000101",
            "created_by_user_id": "10000000-0000-4000-8000-000000000101",
            "metadata": { "region": "north" },
            "extensions": {},
            "created_at": "2025-01-06T09:00:00.000Z",
            "updated_at": "2025-01-06T09:00:00.000Z",
        });
        let fixture = Fixture::new();
        for token in [ADA_OWNER, JONAS_GUEST] {
            let reply = fixture.get(token, NORTHWIND).await;
            assert_eq!(reply.body, expected);
            assert!(reply.headers.contains_key("etag"));
        }
    }

    #[tokio::test]
    async fn nobody_else_can_tell_that_it_exists() {
        let fixture = Fixture::new();
        let absent = fixture.get(ADA_OWNER, "/v1/organizations/00000000-0000-4000-8000-000000000000").await;
        let hidden = fixture.get(ADA_OWNER, EXAMPLE).await;
        assert_eq!(hidden.problem(), (404, "not-found"));
        assert_eq!(hidden.body, absent.body);
    }

    #[tokio::test]
    async fn callers_list_the_organizations_they_belong_to() {
        let fixture = Fixture::new();
        let body = json!({ "email": "uma@example.net", "role": "viewer" });
        assert_eq!(fixture.post(ADA_OWNER, &format!("{NORTHWIND}/members"), body).await.status, 201);
        let cases = [
            ("", vec!["northwind", "tiny"]),
            ("?slug=tiny", vec!["tiny"]),
            ("?slug=example", vec![]),
            ("?slug=Tiny", vec![]),
            ("?limit=1", vec!["northwind"]),
            ("?limit=1&offset=1", vec!["tiny"]),
            ("?limit=0", vec![]),
            ("?offset=2", vec![]),
        ];
        for (query, expected) in cases {
            let reply = fixture.get(UMA_TINY, &format!("/v1/organizations{query}")).await;
            assert_eq!(reply.each("/slug"), expected, "{query}");
            let total = if query.contains("slug") { expected.len() } else { 2 };
            assert_eq!(reply.body["total"], total, "{query}");
        }
    }

    #[tokio::test]
    async fn a_suspended_member_is_told_so() {
        let fixture = Fixture::new();
        fixture
            .sql(|tx| tx.execute("UPDATE members SET status = 'suspended' WHERE role = 'guest'", []))
            .await;
        assert_eq!(fixture.get(JONAS_GUEST, NORTHWIND).await.problem(), (403, "forbidden"));
        assert_eq!(fixture.get(JONAS_GUEST, "/v1/organizations").await.body["total"], 0);
    }

    #[tokio::test]
    async fn an_organization_with_a_seat_left_takes_one_more_member_and_no_second() {
        let fixture = Fixture::new();
        fixture.sql(|tx| tx.execute("UPDATE organizations SET seats_max = 3 WHERE slug = 'tiny'", [])).await;
        for (email, status) in [("wanda@example.net", 201), ("xaver@example.net", 426)] {
            let body = json!({ "email": email, "role": "viewer" });
            let reply = fixture.post(UMA_TINY, &format!("{TINY}/members"), body).await;
            assert_eq!(reply.status, status, "{email}");
        }
    }
}
