//! Roles as each organization has them: the same ten, with ids of its own, and those it has added.

use rusqlite::{Row, Transaction};
use serde_json::{Value, json};

use crate::backend::answer::Answer;
use crate::backend::exchange::Exchange;
use crate::backend::id::Id;
use crate::backend::problem::Problem;
use crate::backend::role::Role;
use crate::backend::row::{array, text};

mod create;

pub(super) use create::create;

/// `roles.list`: the ten or those of them that are asked for, strongest first, then the organization's own by name.
pub(super) fn list(tx: &Transaction<'_>, exchange: &Exchange) -> Result<Answer, Problem> {
    let organization_id = exchange.id("organization_id");
    exchange.caller.member_of(tx, organization_id)?;
    let page = exchange.query.page()?;
    let wanted = exchange.query.words("system", &Role::ALL.map(|role| (role.name(), role)))?;
    let is_wanted = |role: &Role| wanted.is_none_or(|words| words.split(',').any(|word| word == role.name()));

    let founded: String = tx
        .prepare_cached("SELECT created_at FROM organizations WHERE id = ?1")?
        .query_row([organization_id], |row| row.get(0))?;
    let ten = Role::ALL.into_iter().filter(is_wanted);
    let mut roles: Vec<Value> = ten.map(|role| system(organization_id, role, &founded)).collect();
    let mut customs =
        tx.prepare_cached("SELECT * FROM custom_roles WHERE organization_id = ?1 ORDER BY name, id")?;
    for custom in customs.query_map([organization_id], from_row)? {
        roles.push(custom?);
    }
    let total = roles.len();
    let items = roles.into_iter().skip(page.offset as usize).take(page.limit as usize);
    Ok(Answer::list(items.collect(), total))
}

/// One of the ten, which is as old as the organization.
fn system(organization_id: Id, role: Role, founded: &str) -> Value {
    json!({
        "id": Value::from(organization_id.of_name(role.name())),
        "organization_id": Value::from(organization_id),
        "role": role.name(),
        "name": role.label(),
        "description": null,
        "permissions": role.capability_names(),
        "is_system": true,
        "created_at": founded,
        "updated_at": founded,
    })
}

fn custom(tx: &Transaction<'_>, id: Id) -> rusqlite::Result<Value> {
    tx.prepare_cached("SELECT * FROM custom_roles WHERE id = ?1")?.query_row([id], from_row)
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Value> {
    let permissions = array(row, "permissions")?;
    let words: Vec<&str> = permissions.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    Ok(json!({
        "id": text(row, "id")?,
        "organization_id": text(row, "organization_id")?,
        "role": Role::of_permissions(&words).map(Role::name),
        "name": text(row, "name")?,
        "description": text(row, "description")?,
        "permissions": permissions,
        "is_system": false,
        "created_at": text(row, "created_at")?,
        "updated_at": text(row, "updated_at")?,
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::backend::testing::{ADA_OWNER, EXAMPLE, Fixture, JONAS_GUEST, KIRA_ELSEWHERE, NORTHWIND};

    #[tokio::test]
    async fn every_member_sees_the_ten_roles() {
        let reply = Fixture::new().get(JONAS_GUEST, &format!("{NORTHWIND}/roles?limit=10")).await;
        assert_eq!(reply.body["total"], 12);
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

    #[tokio::test]
    async fn custom_roles_come_after_them_by_name() {
        let reply = Fixture::new().get(JONAS_GUEST, &format!("{NORTHWIND}/roles?offset=9&limit=3")).await;
        assert_eq!(reply.each("/name"), ["Guest", "Critic", "Roaster"]);
        assert_eq!(reply.each("/is_system"), [true, false, false]);
        assert_eq!(reply.each("/role"), [&json!("guest"), &json!("commenter"), &json!(null)]);
        assert_eq!(reply.body["items"][2]["permissions"], json!(["content.read", "runtime:start"]));
    }

    #[tokio::test]
    async fn of_the_ten_only_those_are_listed_that_are_asked_for() {
        let fixture = Fixture::new();
        let reply =
            fixture.get(JONAS_GUEST, &format!("{NORTHWIND}/roles?system=viewer,creator&limit=3")).await;
        assert_eq!(reply.each("/name"), ["Creator", "Viewer", "Critic"]);
        assert_eq!(reply.body["total"], 4);
        let refused = fixture.get(JONAS_GUEST, &format!("{NORTHWIND}/roles?system=king")).await;
        assert_eq!(refused.problem(), (400, "invalid-query"));
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
                "description": null,
                "permissions": ["content.edit", "content.comment", "content.read"],
                "is_system": true,
                "created_at": "2025-01-06T09:00:00.000Z",
                "updated_at": "2025-01-06T09:00:00.000Z",
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
