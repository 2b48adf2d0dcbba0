//! Users: people, known by their address in every organization.

use rusqlite::{OptionalExtension, Transaction};
use serde_json::{Value, json};

use crate::backend::answer::Answer;
use crate::backend::exchange::Exchange;
use crate::backend::id::Id;
use crate::backend::moment::Moment;
use crate::backend::problem::Problem;
use crate::backend::row::{object, text};

/// `users.me`: the user behind the token.
pub(super) fn me(tx: &Transaction<'_>, exchange: &Exchange) -> Result<Answer, Problem> {
    Ok(Answer::one(document(tx, exchange.caller.user_id)?))
}

/// `users.get`: for those who are in an organization with them, and for themselves.
pub(super) fn one(tx: &Transaction<'_>, exchange: &Exchange) -> Result<Answer, Problem> {
    let (id, caller_id) = (exchange.id("user_id"), exchange.caller.user_id);
    let is_known: bool = tx
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM members AS mine JOIN members AS theirs USING (organization_id)
                            WHERE mine.user_id = ?1 AND mine.status <> 'suspended' AND theirs.user_id = ?2)",
        )?
        .query_row((caller_id, id), |row| row.get(0))?;
    if is_known || id == caller_id { Ok(Answer::one(document(tx, id)?)) } else { Err(Problem::not_found()) }
}

/// A user as everybody who may see them sees them.
pub(super) fn document(tx: &Transaction<'_>, id: Id) -> rusqlite::Result<Value> {
    tx.prepare_cached("SELECT *, status <> 'suspended' AS active FROM users WHERE id = ?1")?.query_row(
        [id],
        |row| {
            Ok(json!({
                "id": text(row, "id")?,
                "email": text(row, "email")?,
                "name": text(row, "name")?,
                "first_name": text(row, "first_name")?,
                "last_name": text(row, "last_name")?,
                "timezone": text(row, "timezone")?,
                "active": row.get::<_, bool>("active")?,
                "status": text(row, "status")?,
                "invited_at": text(row, "invited_at")?,
                "metadata": object(row, "metadata")?,
                "created_at": text(row, "created_at")?,
                "updated_at": text(row, "updated_at")?,
            }))
        },
    )
}

/// What is known of somebody who may or may not be a user yet.
pub(super) struct Profile {
    pub(super) email: String,
    pub(super) name: Option<String>,
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
}

/// The user with that address, made if there is none. Somebody who is there keeps their own names.
pub(super) fn find_or_invite(tx: &Transaction<'_>, profile: &Profile, now: Moment) -> rusqlite::Result<Id> {
    let found = tx
        .prepare_cached("SELECT id FROM users WHERE email = ?1")?
        .query_row([&profile.email], |row| row.get(0))
        .optional()?;
    if let Some(id) = found {
        return Ok(id);
    }
    let id = Id::new();
    let Profile { email, name, first_name, last_name } = profile;
    tx.prepare_cached(
        "INSERT INTO users (id, email, name, first_name, last_name, status, invited_at,
                            created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, 'invited', ?6, ?6, ?6)",
    )?
    .execute((id, email, name, first_name, last_name, now))?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::backend::testing::{ADA_OWNER, Fixture, HUGO_VIEWER, KIRA_ELSEWHERE, UMA_TINY};

    #[tokio::test]
    async fn callers_see_themselves() {
        let reply = Fixture::new().get(ADA_OWNER, "/v1/users/me").await;
        let expected = json!({
            "id": "10000000-0000-4000-8000-000000000101",
            "email": "ada@example.com",
            "name": "Ada Lindqvist",
            "first_name": "Ada",
            "last_name": "Lindqvist",
            "timezone": "Europe/Stockholm",
            "active": true,
            "status": "active",
            "invited_at": null,
            "metadata": { "desk": "4-12", "team": "roastery" },
            "created_at": "2025-01-06T09:00:00.000Z",
            "updated_at": "2025-01-06T09:00:00.000Z",
        });
        assert_eq!(reply.body, expected);
        assert!(reply.header("etag").starts_with('"'));
    }

    #[tokio::test]
    async fn people_see_those_they_share_an_organization_with_and_themselves() {
        let fixture = Fixture::new();
        let (ada, uma) = (
            "/v1/users/10000000-0000-4000-8000-000000000101",
            "/v1/users/10000000-0000-4000-8000-000000000301",
        );
        let seen = fixture.get(HUGO_VIEWER, ada).await;
        assert_eq!(seen.body, fixture.get(ADA_OWNER, "/v1/users/me").await.body);
        assert_eq!(fixture.get(UMA_TINY, uma).await.status, 200);
        for (token, target) in [(UMA_TINY, ada), (ADA_OWNER, uma), (ADA_OWNER, "/v1/users/you")] {
            assert_eq!(fixture.get(token, target).await.problem(), (404, "not-found"), "{target}");
        }
    }

    #[tokio::test]
    async fn a_suspended_member_sees_nobody_there() {
        let fixture = Fixture::new();
        let hugo = "/v1/users/10000000-0000-4000-8000-000000000108";
        assert_eq!(fixture.get(KIRA_ELSEWHERE, hugo).await.status, 200); // both are in Harbor
        fixture
            .sql(|tx| tx.execute("UPDATE members SET status = 'suspended' WHERE user_id LIKE '%201'", []))
            .await;
        assert_eq!(fixture.get(KIRA_ELSEWHERE, hugo).await.problem(), (404, "not-found"));
    }
}
