//! Organizations, as their members see them, and the seats they have.

use rusqlite::{Row, Transaction};
use serde_json::{Value, json};

use crate::backend::access::Membership;
use crate::backend::answer::Answer;
use crate::backend::email;
use crate::backend::exchange::Exchange;
use crate::backend::id::Id;
use crate::backend::list::List;
use crate::backend::problem::{Code, Problem};
use crate::backend::role::Role;
use crate::backend::row::{array, flag, object, text};

mod create;
mod join;
mod settings;
mod update;

pub(super) use create::create;
pub(super) use join::join;
pub(super) use update::update;

/// What a document needs besides the role of who looks at it.
const COLUMNS: &str = "organizations.*,
    (SELECT count(*) FROM members WHERE organization_id = organizations.id) AS member_count";

/// `organizations.list`: those the caller is a member of, by name.
pub(super) fn list(tx: &Transaction<'_>, exchange: &Exchange) -> Result<Answer, Problem> {
    let order = exchange.query.word("order", &[("asc", "ASC"), ("desc", "DESC")])?.unwrap_or("ASC");
    let list = List {
        columns: &format!("{COLUMNS}, members.role AS caller_role"),
        rows: "FROM organizations JOIN members ON members.organization_id = organizations.id
               WHERE members.user_id = ?1 AND members.status <> 'suspended' AND (?2 IS NULL OR slug = ?2)",
        order: &format!("organizations.name {order}, organizations.id {order}"),
        parameters: &[&exchange.caller.user_id, &exchange.query.text("slug")],
    };
    list.answer(tx, exchange.query.page()?, from_row)
}

/// `organizations.get`
pub(super) fn one(tx: &Transaction<'_>, exchange: &Exchange) -> Result<Answer, Problem> {
    let membership = exchange.caller.member_of(tx, exchange.id("organization_id"))?;
    Ok(Answer::one(seen_by(tx, &membership)?))
}

/// An organization as part of something else, which looks the same to everybody.
pub(super) fn document(tx: &Transaction<'_>, id: Id) -> rusqlite::Result<Value> {
    let select = format!("SELECT {COLUMNS}, NULL AS caller_role FROM organizations WHERE id = ?1");
    tx.prepare_cached(&select)?.query_row([id], from_row)
}

/// An organization as one of its members sees it.
fn seen_by(tx: &Transaction<'_>, member: &Membership) -> rusqlite::Result<Value> {
    let select = format!("SELECT {COLUMNS}, ?2 AS caller_role FROM organizations WHERE id = ?1");
    tx.prepare_cached(&select)?.query_row((member.organization_id, member.role), from_row)
}

/// Refuses when the members there are and the ones `coming` do not all have a seat.
pub(super) fn check_seats(tx: &Transaction<'_>, id: Id, coming: u32) -> Result<(), Problem> {
    let is_full: bool = tx
        .prepare_cached(
            "SELECT ?2 + (SELECT count(*) FROM members WHERE organization_id = ?1) > max_members
             FROM organizations WHERE id = ?1",
        )?
        .query_row((id, coming), |row| row.get(0))?;
    if is_full {
        return Err(Problem::new(Code::UpgradeRequired, "every seat of the organization is taken"));
    }
    Ok(())
}

/// Refuses somebody from outside when the organization keeps to its own.
pub(super) fn check_may_invite(tx: &Transaction<'_>, id: Id, address: &str) -> Result<(), Problem> {
    let is_open: bool = tx
        .prepare_cached("SELECT allow_external_invites FROM organizations WHERE id = ?1")?
        .query_row([id], |row| row.get(0))?;
    if is_open || email::is_at(address, &domains(tx, id)?) {
        return Ok(());
    }
    Err(Problem::new(Code::Forbidden, "the organization takes only addresses at its own domains"))
}

/// Whoever has an address at one of these may join.
fn domains(tx: &Transaction<'_>, id: Id) -> rusqlite::Result<Vec<String>> {
    tx.prepare_cached("SELECT value FROM organizations, json_each(domains) WHERE organizations.id = ?1")?
        .query_map([id], |row| row.get(0))?
        .collect()
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Value> {
    let caller_role: Option<Role> = row.get("caller_role")?;
    let caller =
        caller_role.map(|role| json!({ "role": role.name(), "capabilities": role.capability_names() }));
    Ok(json!({
        "id": text(row, "id")?,
        "slug": text(row, "slug")?,
        "name": text(row, "name")?,
        "description": text(row, "description")?,
        "country": text(row, "country")?,
        "is_brand": flag(row, "is_brand")?,
        "domains": array(row, "domains")?,
        "default_role": text(row, "default_role")?,
        "active": flag(row, "active")?,
        "allow_external_invites": flag(row, "allow_external_invites")?,
        "max_members": row.get::<_, u32>("max_members")?,
        "member_count": row.get::<_, u32>("member_count")?,
        "business_information": text(row, "business_information")?,
        "business_type": text(row, "business_type")?,
        "website": text(row, "website")?,
        "phone": text(row, "phone")?,
        "needs": array(row, "needs")?,
        "timezone": text(row, "timezone")?,
        "owner_user_id": text(row, "owner_user_id")?,
        "created_by_user_id": text(row, "created_by_user_id")?,
        "caller": caller,
        "metadata": object(row, "metadata")?,
        "extensions": object(row, "extensions")?,
        "created_at": text(row, "created_at")?,
        "updated_at": text(row, "updated_at")?,
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::backend::testing::{
        ADA_OWNER, EXAMPLE, Fixture, HUGO_VIEWER, JONAS_GUEST, NORTHWIND, TINY, UMA_TINY,
    };

    #[tokio::test]
    async fn members_see_their_organization_whatever_their_role() {
        let expected = json!({
            "id": "3c90c3cc-0d44-4b50-8888-8dd25736052a",
            "slug": "northwind",
            "name": "Northwind",
            "description": "Coffee and tea, wholesale",
            "country": "SE",
            "is_brand": true,
            "domains": ["example.com"],
            "default_role": "viewer",
            "active": true,
            "allow_external_invites": true,
            "max_members": 500,
            "member_count": 10,
            "business_information": "Northwind AB, 556677-8899",
            "business_type": "corporation",
            "website": "https://northwind.example",
            "phone": "+46 8 555 0100",
            "needs": ["fair prices"],
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
            let mut reply = fixture.get(token, NORTHWIND).await;
            let caller = reply.body.as_object_mut().unwrap().remove("caller").unwrap();
            let role = if token == ADA_OWNER { "owner" } else { "guest" };
            assert_eq!(caller["role"], role);
            assert_eq!(caller["capabilities"].as_array().unwrap().is_empty(), role == "guest");
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
            ("?order=asc", vec!["northwind", "tiny"]),
            ("?order=desc", vec!["tiny", "northwind"]),
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
    async fn each_item_says_what_the_caller_is_there() {
        let fixture = Fixture::new();
        let reply = fixture.get(HUGO_VIEWER, "/v1/organizations").await;
        assert_eq!(reply.each("/slug"), ["harbor", "northwind"]);
        assert_eq!(reply.each("/caller/role"), ["viewer", "viewer"]);
        assert_eq!(reply.each("/caller/capabilities"), [&json!(["content.read"]), &json!(["content.read"])]);
        let member = fixture.get(HUGO_VIEWER, &format!("{NORTHWIND}/members?limit=1")).await;
        assert_eq!(member.each("/organization/caller"), [&json!(null)]);
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
        fixture
            .sql(|tx| tx.execute("UPDATE organizations SET max_members = 3 WHERE slug = 'tiny'", []))
            .await;
        for (email, status) in [("wanda@example.net", 201), ("xaver@example.net", 426)] {
            let body = json!({ "email": email, "role": "viewer" });
            let reply = fixture.post(UMA_TINY, &format!("{TINY}/members"), body).await;
            assert_eq!(reply.status, status, "{email}");
        }
    }
}
