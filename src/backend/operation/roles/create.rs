//! Adding a role of an organization's own.
//!
//! What members may do is decided by the ten roles alone. A custom role with exactly the permissions of one
//! of them is another name for it, and is told as such in `role`. Any other has no role there, so nobody
//! can be given it: naming the nearest would raise its holders or hold them short, and say neither.

use rusqlite::Transaction;
use serde_json::json;

use crate::backend::answer::Answer;
use crate::backend::body::{self, Fields};
use crate::backend::exchange::Exchange;
use crate::backend::id::Id;
use crate::backend::problem::{Code, Fault, Problem};
use crate::backend::role::Role;
use crate::backend::store::is_duplicate;

use super::custom;

const NAME_LENGTH_MAX: usize = 100;
const DESCRIPTION_LENGTH_MAX: usize = 500;
const PERMISSIONS_MAX: usize = 200;
const PERMISSION_LENGTH_MAX: usize = 100;

/// `roles.create`
pub(in crate::backend::operation) fn create(
    tx: &Transaction<'_>,
    exchange: &Exchange,
) -> Result<Answer, Problem> {
    let organization_id = exchange.id("organization_id");
    exchange.caller.manager_of(tx, organization_id)?;
    let wanted = body::read(&exchange.body, Create::read)?;
    if Role::ALL.iter().any(|role| role.label().eq_ignore_ascii_case(&wanted.name)) {
        return Err(name_taken());
    }
    let id = Id::new();
    let inserted = tx
        .prepare_cached(
            "INSERT INTO custom_roles
                 (id, organization_id, name, description, permissions, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
        )?
        .execute((
            id,
            organization_id,
            &wanted.name,
            &wanted.description,
            json!(wanted.permissions).to_string(),
            exchange.now,
        ));
    inserted.map_err(|error| if is_duplicate(&error) { name_taken() } else { error.into() })?;
    let document = custom(tx, id)?;
    Ok(Answer::created(document, format!("/v1/organizations/{organization_id}/roles/{id}")))
}

fn name_taken() -> Problem {
    let fault = Fault::new("/name", "taken", "is the name of another role of the organization");
    Problem::new(Code::Conflict, "a role with that name exists").with_faults(vec![fault])
}

/// The body of `roles.create`.
struct Create {
    name: String,
    description: Option<String>,
    permissions: Vec<String>,
}

impl Create {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.text("name", NAME_LENGTH_MAX);
        let description = fields.short_text_or_null("description", DESCRIPTION_LENGTH_MAX);
        let permissions = fields.texts("permissions", PERMISSIONS_MAX, PERMISSION_LENGTH_MAX, |_| true);
        Some(Create { name: name?, description, permissions: permissions? })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::backend::testing::{
        ADA_OWNER, CARLA_MANAGER, Fixture, HUGO_VIEWER, KIRA_ELSEWHERE, NORTHWIND,
    };

    fn roles() -> String {
        format!("{NORTHWIND}/roles")
    }

    #[tokio::test]
    async fn a_role_is_made_and_listed() {
        let fixture = Fixture::new();
        let body = json!({
            "name": "Barista",
            "description": "Pours",
            "permissions": ["content.read", "agents:execute"],
        });
        let made = fixture.post(CARLA_MANAGER, &roles(), body).await;
        assert_eq!(made.status, 201, "{:#}", made.body);
        assert_eq!(made.body["name"], "Barista");
        assert_eq!(made.body["description"], "Pours");
        assert_eq!(made.body["permissions"], json!(["content.read", "agents:execute"]));
        assert_eq!(made.body["is_system"], false);
        assert_eq!(made.body["role"], json!(null));
        assert_eq!(made.body["created_at"], "2025-03-01T12:00:00.000Z");
        let listed = fixture.get(HUGO_VIEWER, &format!("{}?offset=10", roles())).await;
        assert_eq!(listed.each("/name"), ["Barista", "Critic", "Roaster"]);
        assert_eq!(listed.body["items"][0], made.body);
    }

    #[tokio::test]
    async fn permissions_of_a_role_make_it_that_role_and_less_or_more_make_it_none() {
        let fixture = Fixture::new();
        for (name, permissions, role) in [
            ("Reader", json!(["content.read"]), json!("viewer")),
            ("Nobody", json!([]), json!("guest")),
            ("Paying reader", json!(["content.read", "billing"]), json!(null)),
            ("Elsewhere", json!(["content.read", "tests:read"]), json!(null)),
        ] {
            let body = json!({ "name": name, "permissions": permissions });
            assert_eq!(fixture.post(ADA_OWNER, &roles(), body).await.body["role"], role, "{name}");
        }
    }

    #[tokio::test]
    async fn names_are_unique_within_the_organization() {
        let fixture = Fixture::new();
        for name in ["roaster", "EDITOR"] {
            let reply = fixture.post(ADA_OWNER, &roles(), json!({ "name": name, "permissions": [] })).await;
            assert_eq!(reply.problem(), (409, "conflict"), "{name}");
            assert_eq!(reply.faults(), [("/name", "taken")]);
        }
        let auditor = json!({ "name": "Auditor", "permissions": [] }); // Example has one
        assert_eq!(fixture.post(ADA_OWNER, &roles(), auditor).await.status, 201);
    }

    #[tokio::test]
    async fn roles_are_made_by_those_who_manage_members() {
        let fixture = Fixture::new();
        let body = json!({ "name": "Barista", "permissions": [] });
        for (token, problem) in [(HUGO_VIEWER, (403, "forbidden")), (KIRA_ELSEWHERE, (404, "not-found"))] {
            assert_eq!(fixture.post(token, &roles(), body.clone()).await.problem(), problem);
        }
    }

    #[tokio::test]
    async fn all_faults_of_a_body_are_reported() {
        let body = json!({
            "name": "a".repeat(101), "description": "a".repeat(501), "permissions": ["", 1], "is_system": true,
        });
        let reply = Fixture::new().post(ADA_OWNER, &roles(), body).await;
        assert_eq!(reply.problem(), (422, "invalid-body"));
        let expected = [
            ("/description", "too-long"),
            ("/is_system", "unknown-field"),
            ("/name", "too-long"),
            ("/permissions/0", "too-short"),
            ("/permissions/1", "wrong-type"),
        ];
        assert_eq!(reply.faults(), expected);
    }
}
