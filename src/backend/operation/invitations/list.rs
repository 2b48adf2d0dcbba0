//! Lists of invitations: of one organization, of all that the caller may see, and of those that wait for them.

use rusqlite::Transaction;

use crate::backend::answer::Answer;
use crate::backend::exchange::Exchange;
use crate::backend::list::List;
use crate::backend::operation::organizations;
use crate::backend::problem::Problem;
use crate::backend::role::Role;

use super::{INVITATIONS, from_row, with_organization};

const STATUSES: [(&str, &str); 6] = [
    ("pending", "pending"),
    ("accepted", "accepted"),
    ("declined", "declined"),
    ("cancelled", "cancelled"),
    ("expired", "expired"),
    ("revoked", "revoked"),
];

/// `invitations.list`: oldest first.
pub(in crate::backend::operation) fn list(
    tx: &Transaction<'_>,
    exchange: &Exchange,
) -> Result<Answer, Problem> {
    let organization_id = exchange.id("organization_id");
    exchange.caller.manager_of(tx, organization_id)?;

    let query = &exchange.query;
    let status = query.words("status", &STATUSES)?;
    let token = query.id("token")?;
    let organization = organizations::document(tx, organization_id)?;
    let list = List {
        columns: "*",
        rows: &format!(
            "FROM {INVITATIONS}
             WHERE organization_id = ?2
               AND (?3 IS NULL OR email = ?3)
               AND (?4 IS NULL OR instr(',' || ?4 || ',', ',' || status_now || ',') > 0)
               AND (?5 IS NULL OR token = ?5)"
        ),
        order: "created_at, id",
        parameters: &[&exchange.now, &organization_id, &query.text("email"), &status, &token],
    };
    list.answer(tx, query.page()?, |row| from_row(tx, row, &organization))
}

/// `invitations.search`: in every organization where the caller manages members, and the caller's own;
/// oldest first.
pub(in crate::backend::operation) fn search(
    tx: &Transaction<'_>,
    exchange: &Exchange,
) -> Result<Answer, Problem> {
    let query = &exchange.query;
    let organization_id = query.id("organization_id")?;
    let status = query.words("status", &STATUSES)?;
    let token = query.id("token")?;
    let managers = Role::ALL.into_iter().filter(|role| role.manages_members());
    let managers: Vec<String> = managers.map(|role| format!("'{}'", role.name())).collect();
    let caller = &exchange.caller;
    let list = List {
        columns: "*",
        rows: &format!(
            "FROM {INVITATIONS}
             WHERE (email = ?2
                    OR organization_id IN (SELECT organization_id FROM members
                                           WHERE user_id = ?3 AND status <> 'suspended'
                                             AND role IN ({managers})))
               AND (?4 IS NULL OR organization_id = ?4)
               AND (?5 IS NULL OR email = ?5)
               AND (?6 IS NULL OR instr(',' || ?6 || ',', ',' || status_now || ',') > 0)
               AND (?7 IS NULL OR token = ?7)",
            managers = managers.join(", ")
        ),
        order: "created_at, id",
        parameters: &[
            &exchange.now,
            &caller.email,
            &caller.user_id,
            &organization_id,
            &query.text("email"),
            &status,
            &token,
        ],
    };
    list.answer(tx, query.page()?, |row| with_organization(tx, row))
}

/// `invitations.mine`: those that wait for the caller; oldest first.
pub(in crate::backend::operation) fn mine(
    tx: &Transaction<'_>,
    exchange: &Exchange,
) -> Result<Answer, Problem> {
    let list = List {
        columns: "*",
        rows: &format!("FROM {INVITATIONS} WHERE email = ?2 AND status_now = 'pending'"),
        order: "created_at, id",
        parameters: &[&exchange.now, &exchange.caller.email],
    };
    list.answer(tx, exchange.query.page()?, |row| with_organization(tx, row))
}

#[cfg(test)]
mod tests {
    use crate::backend::testing::{ADA_OWNER, CARLA_MANAGER, Fixture, HUGO_VIEWER, NORTHWIND, UMA_TINY};

    fn invitations() -> String {
        format!("{NORTHWIND}/invitations")
    }

    #[tokio::test]
    async fn the_list_is_filtered_by_address_status_and_token() {
        let fixture = Fixture::new();
        let cases = [
            ("", vec!["walter@example.com", "xenia@example.com", "yvonne@example.com"]),
            ("?status=pending", vec!["walter@example.com"]),
            ("?status=pending,revoked", vec!["walter@example.com", "yvonne@example.com"]),
            ("?status=expired", vec!["xenia@example.com"]),
            ("?status=revoked", vec!["yvonne@example.com"]),
            ("?email=xenia@example.com", vec!["xenia@example.com"]),
            ("?token=40000000-0000-4000-8000-000000000103", vec!["yvonne@example.com"]),
            ("?token=40000000-0000-4000-8000-000000000201", vec![]),
            ("?limit=1&offset=1", vec!["xenia@example.com"]),
        ];
        for (query, expected) in cases {
            let reply = fixture.get(ADA_OWNER, &format!("{}{query}", invitations())).await;
            assert_eq!(reply.each("/email"), expected, "{query}");
        }
        let page = fixture.get(ADA_OWNER, &format!("{}?limit=1", invitations())).await;
        assert_eq!(page.body["total"], 3);
        for query in ["?status=Pending", "?token=1", "?page=1"] {
            let reply = fixture.get(ADA_OWNER, &format!("{}{query}", invitations())).await;
            assert_eq!(reply.problem(), (400, "invalid-query"), "{query}");
        }
    }

    #[tokio::test]
    async fn a_search_finds_what_the_caller_manages_and_what_is_for_them() {
        let fixture = Fixture::new();
        let northwind = ["walter@example.com", "xenia@example.com", "yvonne@example.com"];
        let cases = [
            (ADA_OWNER, "", [&northwind[..], &["uma@example.net"]].concat()),
            (ADA_OWNER, "?organization_id=3c90c3cc-0d44-4b50-8888-8dd25736052a", northwind.to_vec()),
            (ADA_OWNER, "?organization_id=e8e912b6-ba9b-4c3a-bb4f-d04bdc370843", vec![]),
            (ADA_OWNER, "?status=pending", vec!["walter@example.com", "uma@example.net"]),
            (ADA_OWNER, "?email=XENIA@example.com", vec!["xenia@example.com"]),
            (ADA_OWNER, "?token=40000000-0000-4000-8000-000000000401", vec!["uma@example.net"]),
            (ADA_OWNER, "?limit=1&offset=3", vec!["uma@example.net"]),
            (CARLA_MANAGER, "", northwind.to_vec()),
            (HUGO_VIEWER, "", vec![]),
            (UMA_TINY, "", vec!["uma@example.net"]),
        ];
        for (token, query, expected) in cases {
            let reply = fixture.get(token, &format!("/v1/invitations{query}")).await;
            assert_eq!(reply.each("/email"), expected, "{token} {query}");
        }
        for query in ["?status=Pending", "?token=1", "?organization_id=northwind", "?page=1"] {
            let reply = fixture.get(ADA_OWNER, &format!("/v1/invitations{query}")).await;
            assert_eq!(reply.problem(), (400, "invalid-query"), "{query}");
        }
    }

    #[tokio::test]
    async fn people_see_what_waits_for_them() {
        let fixture = Fixture::new();
        let reply = fixture.get(UMA_TINY, "/v1/users/me/invitations").await;
        assert_eq!(reply.each("/organization/slug"), ["harbor"]);
        assert_eq!(fixture.get(ADA_OWNER, "/v1/users/me/invitations").await.body["total"], 0);
        fixture.sql(|tx| tx.execute("UPDATE invitations SET expires_at = created_at", [])).await;
        assert_eq!(fixture.get(UMA_TINY, "/v1/users/me/invitations").await.body["total"], 0);
    }
}
