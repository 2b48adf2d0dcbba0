//! Joining by a link: the one thing strangers to an organization may do.

use rusqlite::Transaction;

use crate::backend::access::Membership;
use crate::backend::answer::Answer;
use crate::backend::exchange::Exchange;
use crate::backend::grant;
use crate::backend::id::Id;
use crate::backend::operation::members::{self, Entry};
use crate::backend::problem::Problem;
use crate::backend::role::Role;

use super::target::Target;

/// `invite_links.join`: makes the caller a member, or gives the member they are what the link adds.
///
/// Joining never takes anything away: a role changes only to one that includes it.
pub(in crate::backend::operation) fn join(
    tx: &Transaction<'_>,
    exchange: &Exchange,
) -> Result<Answer, Problem> {
    let organization_id = exchange.id("organization_id");
    let target = Target::of(tx, organization_id, exchange.id("link_id"))?;
    let member = exchange.caller.membership_in(tx, organization_id)?;

    let member_id = match (&target, member) {
        (Target::Organization { role }, None) => enter(tx, exchange, *role)?,
        (Target::Organization { role }, Some(member)) => {
            raise_role(tx, exchange, member, *role)?;
            member.member_id
        }
        (Target::Resource { resource, level }, None) => {
            let member_id = enter(tx, exchange, Role::Guest)?;
            grant::raise(tx, member_id, resource, *level)?;
            member_id
        }
        (Target::Resource { resource, level }, Some(member)) => {
            if !target.is_held_by(tx, &member)? {
                grant::raise(tx, member.member_id, resource, *level)?;
            }
            member.member_id
        }
    };
    Ok(Answer::one(members::document(tx, member_id)?))
}

fn enter(tx: &Transaction<'_>, exchange: &Exchange, role: Role) -> Result<Id, Problem> {
    let entry = Entry {
        organization_id: exchange.id("organization_id"),
        user_id: exchange.caller.user_id,
        role,
        invited_by: None,
        wants_sso: false,
        extensions: "{}",
    };
    entry.insert(tx, exchange)
}

fn raise_role(
    tx: &Transaction<'_>,
    exchange: &Exchange,
    member: Membership,
    role: Role,
) -> Result<(), Problem> {
    if role != member.role && role.includes(member.role) {
        tx.prepare_cached("UPDATE members SET role = ?2, updated_at = ?3 WHERE id = ?1")?.execute((
            member.member_id,
            role,
            exchange.now,
        ))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::backend::testing::{
        ADA_OWNER, CARLA_MANAGER, EXAMPLE, Fixture, HUGO_VIEWER, INES_BILLING, JONAS_GUEST, KIRA_ELSEWHERE,
        NORTHWIND, Reply, TINY,
    };

    const TO_EDITOR: &str = "50000000-0000-4000-8000-000000000101";
    const TO_SPACE_AS_EDITOR: &str = "50000000-0000-4000-8000-000000000102";
    const TO_COLLECTION_AS_VIEWER: &str = "50000000-0000-4000-8000-000000000103";

    async fn join(fixture: &Fixture, token: &str, link: &str) -> Reply {
        fixture.post(token, &format!("{NORTHWIND}/invite-links/{link}/join"), Value::Null).await
    }

    fn handbook(level: &str) -> Value {
        json!({
            "resource_type": "space",
            "resource_id": "northwind-handbook",
            "name": "Handbook",
            "level": level,
        })
    }

    #[tokio::test]
    async fn a_stranger_joins_the_organization_with_the_role_of_the_link() {
        let fixture = Fixture::new();
        let joined = join(&fixture, KIRA_ELSEWHERE, TO_EDITOR).await;
        assert_eq!(joined.status, 200, "{:#}", joined.body);
        assert_eq!(joined.body["role"], "editor");
        assert_eq!(joined.body["status"], "active");
        assert_eq!(joined.body["invited_by"], Value::Null);
        assert_eq!(joined.body["user"]["email"], "kira@example.org");
        assert_eq!(fixture.get(KIRA_ELSEWHERE, NORTHWIND).await.status, 200);
    }

    #[tokio::test]
    async fn a_stranger_joins_a_space_as_a_guest() {
        let joined = join(&Fixture::new(), KIRA_ELSEWHERE, TO_SPACE_AS_EDITOR).await;
        assert_eq!(joined.body["role"], "guest");
        assert_eq!(joined.body["resource_grants"], json!([handbook("editor")]));
    }

    #[tokio::test]
    async fn joining_twice_changes_nothing() {
        let fixture = Fixture::new();
        let first = join(&fixture, KIRA_ELSEWHERE, TO_EDITOR).await;
        fixture.pass(60);
        assert_eq!(join(&fixture, KIRA_ELSEWHERE, TO_EDITOR).await.body, first.body);
    }

    #[tokio::test]
    async fn joining_raises_a_role_and_never_lowers_or_swaps_one() {
        let fixture = Fixture::new();
        for (token, role) in [
            (JONAS_GUEST, "editor"),
            (HUGO_VIEWER, "editor"),
            (ADA_OWNER, "owner"),
            (INES_BILLING, "billing"),
        ] {
            assert_eq!(join(&fixture, token, TO_EDITOR).await.body["role"], role);
        }
    }

    #[tokio::test]
    async fn joining_raises_a_level_and_never_lowers_one() {
        let fixture = Fixture::new();
        let raised = join(&fixture, JONAS_GUEST, TO_SPACE_AS_EDITOR).await;
        assert_eq!(raised.body["resource_grants"][1], handbook("editor"));
        let lower = format!("{NORTHWIND}/invite-links/{TO_SPACE_AS_EDITOR}");
        fixture.patch(ADA_OWNER, &lower, json!({ "level": "viewer" })).await;
        let kept = join(&fixture, JONAS_GUEST, TO_SPACE_AS_EDITOR).await;
        assert_eq!(kept.body["resource_grants"][1], handbook("editor"));
    }

    #[tokio::test]
    async fn a_level_that_gives_other_things_does_not_replace_the_one_held() {
        let fixture = Fixture::new();
        let link = format!("{NORTHWIND}/invite-links/{TO_SPACE_AS_EDITOR}");
        fixture.patch(ADA_OWNER, &link, json!({ "level": "billing" })).await;
        let kept = join(&fixture, JONAS_GUEST, TO_SPACE_AS_EDITOR).await;
        assert_eq!(kept.body["resource_grants"][1], handbook("commenter"));
    }

    #[tokio::test]
    async fn a_link_is_redundant_once_it_gave_what_it_gives() {
        let fixture = Fixture::new();
        let link = format!("{NORTHWIND}/invite-links/{TO_SPACE_AS_EDITOR}");
        fixture.patch(ADA_OWNER, &link, json!({ "level": "owner" })).await;
        assert_eq!(fixture.get(CARLA_MANAGER, &link).await.body["redundant"], false);
        join(&fixture, CARLA_MANAGER, TO_SPACE_AS_EDITOR).await;
        assert_eq!(fixture.get(CARLA_MANAGER, &link).await.body["redundant"], true);
    }

    #[tokio::test]
    async fn a_member_is_granted_only_what_their_role_does_not_give() {
        let fixture = Fixture::new();
        let viewer = join(&fixture, HUGO_VIEWER, TO_COLLECTION_AS_VIEWER).await;
        assert_eq!(viewer.body["resource_grants"], json!([]));
        let viewer = join(&fixture, HUGO_VIEWER, TO_SPACE_AS_EDITOR).await;
        assert_eq!(viewer.body["resource_grants"], json!([handbook("editor")]));
        assert_eq!(viewer.body["role"], "viewer");
    }

    #[tokio::test]
    async fn joining_accepts_the_invitation_that_waited() {
        let fixture = Fixture::new();
        let body = json!({ "email": "kira@example.org", "role": "admin" });
        let made = fixture.post(ADA_OWNER, &format!("{NORTHWIND}/invitations"), body).await;
        join(&fixture, KIRA_ELSEWHERE, TO_EDITOR).await;
        assert_eq!(fixture.get(ADA_OWNER, made.header("location")).await.body["status"], "accepted");
    }

    #[tokio::test]
    async fn a_full_organization_cannot_be_joined() {
        let target = format!("{TINY}/invite-links/50000000-0000-4000-8000-000000000301/join");
        let reply = Fixture::new().post(ADA_OWNER, &target, Value::Null).await;
        assert_eq!(reply.problem(), (426, "upgrade-required"));
    }

    #[tokio::test]
    async fn a_suspended_member_does_not_come_back_by_a_link() {
        let fixture = Fixture::new();
        fixture
            .sql(|tx| tx.execute("UPDATE members SET status = 'suspended' WHERE role = 'viewer'", []))
            .await;
        assert_eq!(join(&fixture, HUGO_VIEWER, TO_EDITOR).await.problem(), (403, "forbidden"));
    }

    #[tokio::test]
    async fn a_link_opens_its_own_organization_only() {
        let fixture = Fixture::new();
        let target = format!("{EXAMPLE}/invite-links/{TO_EDITOR}/join");
        assert_eq!(fixture.post(ADA_OWNER, &target, Value::Null).await.problem(), (404, "not-found"));
        assert_eq!(fixture.get(ADA_OWNER, EXAMPLE).await.problem(), (404, "not-found"));
    }
}
