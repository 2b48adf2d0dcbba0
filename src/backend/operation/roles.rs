//! Roles as each organization has them: the same ten, with ids of its own.

use rusqlite::Transaction;
use serde_json::{Value, json};

use crate::backend::answer::Answer;
use crate::backend::exchange::Exchange;
use crate::backend::id::Id;
use crate::backend::problem::Problem;
use crate::backend::role::Role;

/// `roles.list`: strongest first. There are always ten, so there are no pages.
pub(super) fn list(tx: &Transaction<'_>, exchange: &Exchange) -> Result<Answer, Problem> {
    let organization_id = exchange.id("organization_id");
    exchange.caller.member_of(tx, organization_id)?;
    Ok(Answer::list(Role::ALL.map(|role| document(organization_id, role)).to_vec(), Role::ALL.len()))
}

fn document(organization_id: Id, role: Role) -> Value {
    json!({
        "id": Value::from(organization_id.of_name(role.name())),
        "organization_id": Value::from(organization_id),
        "role": role.name(),
        "name": role.label(),
        "is_system": true,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::backend::testing::{ADA_OWNER, EXAMPLE, Fixture, JONAS_GUEST, KIRA_ELSEWHERE, NORTHWIND};

    #[tokio::test]
    async fn every_member_sees_the_ten_roles() {
        let reply = Fixture::new().get(JONAS_GUEST, &format!("{NORTHWIND}/roles")).await;
        assert_eq!(reply.body["total"], 10);
        let names = [
            "owner",
            "admin",
            "manager",
            "creator",
            "reviewer",
            "editor",
            "commenter",
            "viewer",
            "billing",
            "guest",
        ];
        assert_eq!(reply.each("/role"), names);
        assert_eq!(reply.each("/is_system"), [true; 10]);
    }

    /// Expected values from Python: `uuid.uuid5(uuid.UUID(organization_id), "editor")`.
    #[tokio::test]
    async fn the_same_role_has_another_id_in_each_organization() {
        let fixture = Fixture::new();
        for (token, organization, id) in [
            (ADA_OWNER, NORTHWIND, "466837b8-85d2-5d2a-a33b-85ba2fc43c96"),
            (KIRA_ELSEWHERE, EXAMPLE, "019a4473-1298-56f8-921c-f00393d093f4"),
        ] {
            let reply = fixture.get(token, &format!("{organization}/roles")).await;
            let expected = json!({
                "id": id,
                "organization_id": organization.rsplit('/').next(),
                "role": "editor",
                "name": "Editor",
                "is_system": true,
            });
            assert_eq!(reply.body["items"][5], expected);
        }
    }

    #[tokio::test]
    async fn strangers_see_no_roles() {
        let reply = Fixture::new().get(KIRA_ELSEWHERE, &format!("{NORTHWIND}/roles")).await;
        assert_eq!(reply.problem(), (404, "not-found"));
    }
}
