//! Members: users in an organization, with a role.

use rusqlite::{OptionalExtension, Row, Transaction};
use serde_json::{Value, json};

use crate::backend::answer::Answer;
use crate::backend::exchange::Exchange;
use crate::backend::grant::{self, Holder};
use crate::backend::id::Id;
use crate::backend::list::List;
use crate::backend::problem::Problem;
use crate::backend::role::Role;
use crate::backend::row::{object, text};

use super::{organizations, users};

mod add;
mod ownership;
mod remove;
mod update;

pub(super) use add::{Entry, add, already_member};
pub(super) use remove::remove;
pub(super) use update::{update, update_membership};

/// `members.list`. `q` looks into names and addresses; letters outside ASCII must match in case too.
pub(super) fn list(tx: &Transaction<'_>, exchange: &Exchange) -> Result<Answer, Problem> {
    let organization_id = exchange.id("organization_id");
    exchange.caller.member_of(tx, organization_id)?;

    let query = &exchange.query;
    let role = query.words("role", &Role::ALL.map(|role| (role.name(), role)))?;
    let statuses = ["invited", "active", "suspended"].map(|status| (status, ()));
    let status = query.words("status", &statuses)?;
    let user_id = query.id("user_id")?;
    let sorts = [
        ("joined_at", "members.joined_at"),
        ("last_seen_at", "members.last_seen_at"), // who was never seen was seen longest ago
        ("name", "users.name"),
        ("email", "users.email"),
    ];
    let sort = query.word("sort", &sorts)?.unwrap_or("members.joined_at");
    let order = query.word("order", &[("asc", "ASC"), ("desc", "DESC")])?.unwrap_or("ASC");

    let organization = organizations::document(tx, organization_id)?;
    let list = List {
        columns: "members.*",
        rows: "FROM members JOIN users ON users.id = members.user_id
               WHERE members.organization_id = ?1
                 AND (?2 IS NULL OR instr(',' || ?2 || ',', ',' || members.role || ',') > 0)
                 AND (?3 IS NULL OR instr(',' || ?3 || ',', ',' || members.status || ',') > 0)
                 AND (?4 IS NULL OR instr(lower(ifnull(users.name, '')), lower(?4)) > 0
                                 OR instr(lower(users.email), lower(?4)) > 0)
                 AND (?5 IS NULL OR users.email = ?5)
                 AND (?6 IS NULL OR members.user_id = ?6)",
        order: &format!("{sort} {order}, members.id {order}"),
        parameters: &[&organization_id, &role, &status, &query.text("q"), &query.text("email"), &user_id],
    };
    list.answer(tx, query.page()?, |row| from_row(tx, row, &organization))
}

/// `members.get`. The path may name the member by their own id or by their user's.
pub(super) fn one(tx: &Transaction<'_>, exchange: &Exchange) -> Result<Answer, Problem> {
    let organization_id = exchange.id("organization_id");
    exchange.caller.member_of(tx, organization_id)?;
    Ok(Answer::one(document(tx, named(tx, exchange)?.id)?))
}

/// `memberships.get`: the same for a member known by their own id alone.
pub(super) fn one_alone(tx: &Transaction<'_>, exchange: &Exchange) -> Result<Answer, Problem> {
    let member = named_alone(tx, exchange)?;
    exchange.caller.member_of(tx, member.organization_id)?;
    Ok(Answer::one(document(tx, member.id)?))
}

/// A member that a path names, as they stand.
struct Standing {
    id: Id,
    organization_id: Id,
    user_id: Id,
    role: Role,
    is_suspended: bool,
}

/// The member that the path names.
fn named(tx: &Transaction<'_>, exchange: &Exchange) -> Result<Standing, Problem> {
    let found = tx
        .prepare_cached("SELECT * FROM members WHERE organization_id = ?1 AND (id = ?2 OR user_id = ?2)")?
        .query_row((exchange.id("organization_id"), exchange.id("member_id")), Standing::from_row)
        .optional()?;
    found.ok_or_else(Problem::not_found)
}

/// The member that the path names by their own id alone, in whichever organization.
fn named_alone(tx: &Transaction<'_>, exchange: &Exchange) -> Result<Standing, Problem> {
    let found = tx
        .prepare_cached("SELECT * FROM members WHERE id = ?1")?
        .query_row([exchange.id("member_id")], Standing::from_row)
        .optional()?;
    found.ok_or_else(Problem::not_found)
}

impl Standing {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Standing> {
        Ok(Standing {
            id: row.get("id")?,
            organization_id: row.get("organization_id")?,
            user_id: row.get("user_id")?,
            role: row.get("role")?,
            is_suspended: row.get::<_, String>("status")? == "suspended",
        })
    }
}

/// A member as everybody in the organization sees them.
pub(super) fn document(tx: &Transaction<'_>, id: Id) -> rusqlite::Result<Value> {
    tx.prepare_cached("SELECT * FROM members WHERE id = ?1")?.query_row([id], |row| {
        let organization = organizations::document(tx, row.get("organization_id")?)?;
        from_row(tx, row, &organization)
    })
}

fn from_row(tx: &Transaction<'_>, row: &Row<'_>, organization: &Value) -> rusqlite::Result<Value> {
    let organization_id: Id = row.get("organization_id")?;
    let grants = grant::documents(tx, organization_id, Holder::Member(row.get("id")?))?;
    Ok(json!({
        "id": text(row, "id")?,
        "organization_id": text(row, "organization_id")?,
        "user_id": text(row, "user_id")?,
        "role": text(row, "role")?,
        "status": text(row, "status")?,
        "sso": text(row, "sso")?,
        "resource_grants": grants,
        "invited_by": text(row, "invited_by")?,
        "joined_at": text(row, "joined_at")?,
        "last_seen_at": text(row, "last_seen_at")?,
        "updated_at": text(row, "updated_at")?,
        "user": users::document(tx, row.get("user_id")?)?,
        "organization": organization,
        "extensions": object(row, "extensions")?,
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::backend::testing::{ADA_OWNER, Fixture, HUGO_VIEWER, KIRA_ELSEWHERE, NORTHWIND};

    fn members() -> String {
        format!("{NORTHWIND}/members")
    }

    #[tokio::test]
    async fn a_member_is_found_by_their_own_id_and_by_their_users() {
        let fixture = Fixture::new();
        let by_member = format!("{}/20000000-0000-4000-8000-000000000103", members());
        let by_member = fixture.get(HUGO_VIEWER, &by_member).await;
        let by_user = format!("{}/10000000-0000-4000-8000-000000000103", members());
        let by_user = fixture.get(HUGO_VIEWER, &by_user).await;
        assert_eq!(by_member.body["user"]["email"], "carla@example.com");
        assert_eq!(by_user.body, by_member.body);
    }

    #[tokio::test]
    async fn a_membership_is_read_by_its_own_id_and_by_those_who_share_it() {
        let fixture = Fixture::new();
        let carla = "/v1/memberships/20000000-0000-4000-8000-000000000103";
        let alone = fixture.get(HUGO_VIEWER, carla).await;
        let named =
            fixture.get(HUGO_VIEWER, &format!("{}/20000000-0000-4000-8000-000000000103", members())).await;
        assert_eq!((alone.status, &alone.body), (named.status, &named.body));
        assert_eq!(alone.header("etag"), named.header("etag"));
        assert_eq!(fixture.get(KIRA_ELSEWHERE, carla).await.problem(), (404, "not-found"));
        let user = "/v1/memberships/10000000-0000-4000-8000-000000000103";
        assert_eq!(fixture.get(HUGO_VIEWER, user).await.problem(), (404, "not-found"));
    }

    #[tokio::test]
    async fn members_of_other_organizations_are_not_found() {
        let fixture = Fixture::new();
        for id in ["20000000-0000-4000-8000-000000000201", "10000000-0000-4000-8000-000000000201", "nobody"] {
            let reply = fixture.get(ADA_OWNER, &format!("{}/{id}", members())).await;
            assert_eq!(reply.problem(), (404, "not-found"), "{id}");
        }
        let stranger = fixture.get(KIRA_ELSEWHERE, &members()).await;
        assert_eq!(stranger.problem(), (404, "not-found"));
    }

    #[tokio::test]
    async fn the_list_is_filtered_sorted_and_paged() {
        let fixture = Fixture::new();
        fixture
            .sql(|tx| tx.execute("UPDATE members SET status = 'suspended' WHERE role = 'billing'", []))
            .await;
        let cases = [
            ("role=viewer", vec!["Hugo"]),
            ("role=viewer,guest", vec!["Hugo", "Jonas"]),
            ("status=suspended", vec!["Ines"]),
            ("status=invited", vec![]),
            ("q=OKAFOR", vec!["Grace"]),
            ("q=hugo@", vec!["Hugo"]),
            ("q=%25", vec![]),
            ("q=%2A", vec![]),
            ("email=GRACE@example.com", vec!["Grace"]),
            ("email=grace@example", vec![]),
            ("user_id=10000000-0000-4000-8000-000000000106", vec!["Felix"]),
            ("user_id=10000000-0000-4000-8000-000000000201", vec![]),
            ("sort=name&order=desc&limit=2", vec!["Jonas", "Ines"]),
            ("sort=email&order=asc&limit=2&offset=2", vec!["Carla", "Dmitri"]),
            ("order=desc&limit=1", vec!["Jonas"]),
            ("sort=last_seen_at&order=desc&limit=3", vec!["Ada", "Boris", "Jonas"]),
            ("limit=3&offset=8", vec!["Ines", "Jonas"]),
            ("q=an&role=admin", vec![]),
        ];
        for (query, expected) in cases {
            let reply = fixture.get(ADA_OWNER, &format!("{}?{query}", members())).await;
            assert_eq!(reply.each("/user/first_name"), expected, "{query}");
        }
    }

    #[tokio::test]
    async fn newer_members_come_later() {
        let fixture = Fixture::new();
        fixture.pass(1);
        let body = json!({ "email": "aaron@example.com", "role": "guest" });
        fixture.post(ADA_OWNER, &members(), body).await;
        let newest =
            fixture.get(ADA_OWNER, &format!("{}?sort=joined_at&order=desc&limit=1", members())).await;
        assert_eq!(newest.each("/user/email"), ["aaron@example.com"]);
        assert_eq!(newest.body["total"], 11);
    }

    #[tokio::test]
    async fn filters_that_could_match_nothing_are_refused() {
        let fixture = Fixture::new();
        for query in [
            "role=chief",
            "role=viewer,",
            "role=viewer,chief",
            "status=pending",
            "user_id=7",
            "sort=age",
            "order=up",
            "limit=1001",
            "x=1",
        ] {
            let reply = fixture.get(ADA_OWNER, &format!("{}?{query}", members())).await;
            assert_eq!(reply.problem(), (400, "invalid-query"), "{query}");
        }
    }
}
