//! Joining an organization by one's address.

use rusqlite::{OptionalExtension, Transaction};

use crate::backend::answer::Answer;
use crate::backend::email;
use crate::backend::exchange::Exchange;
use crate::backend::operation::members::{self, Entry};
use crate::backend::problem::{Code, Problem};
use crate::backend::role::Role;

use super::domains;

/// `organizations.join`: makes the caller a member with the default role. Who is one already stays as they
/// are, so that asking twice does no harm.
pub(in crate::backend::operation) fn join(
    tx: &Transaction<'_>,
    exchange: &Exchange,
) -> Result<Answer, Problem> {
    let organization_id = exchange.id("organization_id");
    let default_role: Option<Option<Role>> = tx
        .prepare_cached("SELECT default_role FROM organizations WHERE id = ?1")?
        .query_row([organization_id], |row| row.get(0))
        .optional()?;
    let default_role = default_role.ok_or_else(Problem::not_found)?;
    if let Some(member) = exchange.caller.membership_in(tx, organization_id)? {
        return Ok(Answer::one(members::document(tx, member.member_id)?));
    }

    // Who has signed in once has shown that the address is theirs.
    let is_verified = tx
        .prepare_cached("SELECT status = 'active' FROM users WHERE id = ?1")?
        .query_row([exchange.caller.user_id], |row| row.get::<_, bool>(0))?;
    if !is_verified || !email::is_at(&exchange.caller.email, &domains(tx, organization_id)?) {
        return Err(Problem::new(
            Code::Forbidden,
            "the organization is open to verified addresses at its domains",
        ));
    }
    let entry = Entry {
        organization_id,
        user_id: exchange.caller.user_id,
        role: default_role.unwrap_or(Role::Guest),
        invited_by: None,
        wants_sso: false,
        extensions: "{}",
    };
    let member_id = entry.insert(tx, exchange)?;
    Ok(Answer::one(members::document(tx, member_id)?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::backend::testing::{Fixture, HARBOR, HUGO_VIEWER, LIAM_ELSEWHERE, NORTHWIND, UMA_TINY};

    async fn join(fixture: &Fixture, token: &str, organization: &str) -> crate::backend::testing::Reply {
        fixture.post(token, &format!("{organization}/join"), json!({})).await
    }

    #[tokio::test]
    async fn an_address_at_a_domain_of_the_organization_opens_it() {
        let fixture = Fixture::new();
        let joined = join(&fixture, LIAM_ELSEWHERE, HARBOR).await;
        assert_eq!(joined.status, 200, "{:#}", joined.body);
        assert_eq!(joined.body["user"]["email"], "liam@example.org");
        assert_eq!(joined.body["role"], "viewer");
        assert_eq!(joined.body["status"], "active");
        fixture.pass(1);
        assert_eq!(join(&fixture, LIAM_ELSEWHERE, HARBOR).await.body, joined.body);
    }

    #[tokio::test]
    async fn without_a_default_role_one_joins_as_a_guest() {
        let fixture = Fixture::new();
        fixture.sql(|tx| tx.execute("UPDATE organizations SET default_role = NULL", [])).await;
        assert_eq!(join(&fixture, LIAM_ELSEWHERE, HARBOR).await.body["role"], "guest");
    }

    #[tokio::test]
    async fn other_addresses_and_unverified_ones_stay_outside() {
        let fixture = Fixture::new();
        assert_eq!(join(&fixture, UMA_TINY, HARBOR).await.problem(), (403, "forbidden"));
        assert_eq!(join(&fixture, LIAM_ELSEWHERE, NORTHWIND).await.problem(), (403, "forbidden"));
        let nowhere = "/v1/organizations/00000000-0000-4000-8000-000000000000";
        assert_eq!(join(&fixture, LIAM_ELSEWHERE, nowhere).await.problem(), (404, "not-found"));
        fixture
            .sql(|tx| tx.execute("UPDATE users SET status = 'invited' WHERE name LIKE 'Liam %'", []))
            .await;
        assert_eq!(join(&fixture, LIAM_ELSEWHERE, HARBOR).await.problem(), (403, "forbidden"));
    }

    #[tokio::test]
    async fn a_member_stays_what_they_are_and_a_suspended_one_is_told_so() {
        let fixture = Fixture::new();
        let member = join(&fixture, HUGO_VIEWER, NORTHWIND).await;
        assert_eq!((member.status.as_u16(), &member.body["role"]), (200, &json!("viewer")));
        fixture
            .sql(|tx| tx.execute("UPDATE members SET status = 'suspended' WHERE role = 'viewer'", []))
            .await;
        assert_eq!(join(&fixture, HUGO_VIEWER, NORTHWIND).await.problem(), (403, "forbidden"));
    }

    #[tokio::test]
    async fn a_full_organization_takes_nobody() {
        let fixture = Fixture::new();
        fixture.sql(|tx| tx.execute("UPDATE organizations SET max_members = 1", [])).await;
        assert_eq!(join(&fixture, LIAM_ELSEWHERE, HARBOR).await.problem(), (426, "upgrade-required"));
    }
}
