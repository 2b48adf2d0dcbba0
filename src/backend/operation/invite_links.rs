//! Invite links: whoever holds one may join, the organization with a role or one resource as a guest.

use rusqlite::{OptionalExtension, Row, Transaction};
use serde_json::{Value, json};

use crate::backend::access::Membership;
use crate::backend::answer::Answer;
use crate::backend::body;
use crate::backend::exchange::Exchange;
use crate::backend::id::Id;
use crate::backend::list::List;
use crate::backend::problem::{Fault, Problem};
use crate::backend::role::Role;
use crate::backend::row::{object, text};
use crate::backend::store::is_missing_reference;

mod change;
mod join;
mod target;

pub(super) use change::{remove, update};
pub(super) use join::join;
use target::Target;

/// The table, with the names of the resources.
const LINKS: &str = "invite_links LEFT JOIN resources USING (organization_id, resource_type, resource_id)";
const COLUMNS: &str = "invite_links.*, resources.name AS resource_name";

/// `invite_links.list`: oldest first; `leads_to` keeps those into the organization, or to one type of resource.
pub(super) fn list(tx: &Transaction<'_>, exchange: &Exchange) -> Result<Answer, Problem> {
    let manager = exchange.caller.manager_of(tx, exchange.id("organization_id"))?;
    let list = List {
        columns: COLUMNS,
        rows: &format!(
            "FROM {LINKS} WHERE organization_id = ?1
                 AND (?2 IS NULL OR coalesce(invite_links.resource_type, 'organization') = ?2)"
        ),
        order: "created_at, id",
        parameters: &[&manager.organization_id, &exchange.query.text("leads_to")],
    };
    list.answer(tx, exchange.query.page()?, |row| from_row(tx, row, &manager))
}

/// `invite_links.get`
pub(super) fn one(tx: &Transaction<'_>, exchange: &Exchange) -> Result<Answer, Problem> {
    let manager = exchange.caller.manager_of(tx, exchange.id("organization_id"))?;
    Ok(Answer::one(document(tx, exchange.id("link_id"), &manager)?))
}

/// `invite_links.create`
pub(super) fn create(tx: &Transaction<'_>, exchange: &Exchange) -> Result<Answer, Problem> {
    let manager = exchange.caller.manager_of(tx, exchange.id("organization_id"))?;
    let target = body::read(&exchange.body, Target::read)?;
    manager.check_may_give(target.given_role())?;

    let id = Id::random(); // the id is what lets people in, so nobody may guess it
    let (role, resource, level) = match &target {
        Target::Organization { role } => (*role, None, None),
        Target::Resource { resource, level } => (Role::Guest, Some(resource), Some(*level)),
    };
    let inserted = tx
        .prepare_cached(
            "INSERT INTO invite_links
                 (id, organization_id, role, resource_type, resource_id, level, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
        )?
        .execute((
            id,
            manager.organization_id,
            role,
            resource.map(|resource| resource.resource_type),
            resource.map(|resource| &resource.resource_id),
            level,
            exchange.now,
        ));
    inserted.map_err(|error| if is_missing_reference(&error) { unknown_resource() } else { error.into() })?;
    let location = format!("/v1/organizations/{}/invite-links/{id}", manager.organization_id);
    Ok(Answer::created(document(tx, id, &manager)?, location))
}

fn unknown_resource() -> Problem {
    let fault = Fault::new("/resource/resource_id", "unknown-resource", "is no resource of the organization");
    body::invalid(vec![fault])
}

/// A link of the member's organization, as that member sees it.
fn document(tx: &Transaction<'_>, id: Id, member: &Membership) -> Result<Value, Problem> {
    let select = format!("SELECT {COLUMNS} FROM {LINKS} WHERE organization_id = ?1 AND invite_links.id = ?2");
    let found = tx
        .prepare_cached(&select)?
        .query_row((member.organization_id, id), |row| from_row(tx, row, member))
        .optional()?;
    found.ok_or_else(Problem::not_found)
}

fn from_row(tx: &Transaction<'_>, row: &Row<'_>, member: &Membership) -> rusqlite::Result<Value> {
    let target = Target::from_row(row)?;
    let resource = match &target {
        Target::Organization { .. } => Value::Null,
        Target::Resource { resource, level } => json!({
            "resource_type": resource.resource_type.name(),
            "resource_id": resource.resource_id,
            "name": text(row, "resource_name")?,
            "level": level.name(),
        }),
    };
    Ok(json!({
        "id": text(row, "id")?,
        "organization_id": text(row, "organization_id")?,
        "role": text(row, "role")?,
        "resource": resource,
        "redundant": target.is_held_by(tx, member)?,
        "created_at": text(row, "created_at")?,
        "updated_at": text(row, "updated_at")?,
        "extensions": object(row, "extensions")?,
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::backend::testing::{
        ADA_OWNER, CARLA_MANAGER, EXAMPLE, Fixture, HUGO_VIEWER, INES_BILLING, KIRA_ELSEWHERE, NORTHWIND,
    };

    const TO_ORGANIZATION: &str = "50000000-0000-4000-8000-000000000101";
    const TO_SPACE: &str = "50000000-0000-4000-8000-000000000102";

    fn links() -> String {
        format!("{NORTHWIND}/invite-links")
    }

    fn link(id: &str) -> String {
        format!("{NORTHWIND}/invite-links/{id}")
    }

    #[tokio::test]
    async fn the_list_shows_where_links_lead() {
        let fixture = Fixture::new();
        let reply = fixture.get(CARLA_MANAGER, &links()).await;
        assert_eq!(reply.body["total"], 3);
        assert_eq!(reply.each("/role"), ["editor", "guest", "guest"]);
        let to_space = json!({
            "resource_type": "space",
            "resource_id": "northwind-handbook",
            "name": "Handbook",
            "level": "editor",
        });
        assert_eq!(reply.each("/resource")[..2], [&json!(null), &to_space]);
        assert_eq!(reply.each("/redundant"), [true; 3]);
        let page = fixture.get(CARLA_MANAGER, &format!("{}?limit=1&offset=2", links())).await;
        assert_eq!(page.each("/resource/resource_id"), ["northwind-recipes"]);
        for (leads_to, resource) in [("organization", json!(null)), ("space", to_space)] {
            let page = fixture.get(CARLA_MANAGER, &format!("{}?leads_to={leads_to}", links())).await;
            assert_eq!(page.body["total"], 1, "{leads_to}");
            assert_eq!(page.each("/resource"), [&resource]);
        }
    }

    #[tokio::test]
    async fn a_link_is_redundant_for_those_who_have_what_it_gives() {
        let fixture = Fixture::new();
        for (role, redundant) in [("manager", true), ("billing", false), ("admin", false), ("guest", true)] {
            let made = fixture.post(ADA_OWNER, &links(), json!({ "role": role })).await;
            let seen = fixture.get(CARLA_MANAGER, made.header("location")).await;
            assert_eq!(seen.body["redundant"], redundant, "{role}");
        }
    }

    #[tokio::test]
    async fn a_link_gives_no_more_than_who_makes_it_has() {
        let fixture = Fixture::new();
        for (role, status) in [("admin", 403), ("billing", 403), ("manager", 201)] {
            let made = fixture.post(CARLA_MANAGER, &links(), json!({ "role": role })).await;
            assert_eq!(made.status, status, "{role}");
        }
    }

    #[tokio::test]
    async fn a_link_to_the_organization_is_made_read_and_removed() {
        let fixture = Fixture::new();
        let made = fixture.post(CARLA_MANAGER, &links(), json!({ "role": "editor" })).await;
        assert_eq!(made.status, 201, "{:#}", made.body);
        assert_eq!(made.header("location"), link(made.body["id"].as_str().unwrap()));
        let read = fixture.get(CARLA_MANAGER, made.header("location")).await;
        assert_eq!(read.body, made.body);
        assert_eq!(read.header("etag"), made.header("etag"));
        assert_eq!(fixture.delete(CARLA_MANAGER, made.header("location")).await.status, 204);
        let gone = fixture.delete(CARLA_MANAGER, made.header("location")).await;
        assert_eq!(gone.problem(), (404, "not-found"));
    }

    #[tokio::test]
    async fn a_link_to_a_resource_gives_the_role_of_a_guest() {
        let resource = json!({
            "resource_type": "collection",
            "resource_id": "northwind-recipes",
            "level": "reviewer",
        });
        let made = Fixture::new().post(ADA_OWNER, &links(), json!({ "resource": resource })).await;
        assert_eq!(made.body["role"], "guest");
        assert_eq!(made.body["resource"]["name"], "Recipes");
        assert_eq!(made.body["resource"]["level"], "reviewer");
    }

    #[tokio::test]
    async fn links_lead_to_resources_of_the_organization_only() {
        let fixture = Fixture::new();
        for (kind, id) in
            [("space", "example-handbook"), ("collection", "northwind-handbook"), ("space", "x")]
        {
            let resource = json!({ "resource_type": kind, "resource_id": id, "level": "viewer" });
            let reply = fixture.post(ADA_OWNER, &links(), json!({ "resource": resource })).await;
            assert_eq!(reply.problem(), (422, "invalid-body"));
            assert_eq!(reply.faults(), [("/resource/resource_id", "unknown-resource")], "{kind} {id}");
        }
    }

    #[tokio::test]
    async fn a_link_leads_to_one_thing() {
        let fixture = Fixture::new();
        let resource = json!({ "resource_type": "portfolio", "resource_id": "" });
        let cases = [
            (json!({}), vec![("/role", "required")]),
            (
                json!({ "role": "chief", "resource": resource }),
                vec![
                    ("/resource/level", "required"),
                    ("/resource/resource_id", "too-short"),
                    ("/resource/resource_type", "not-allowed"),
                    ("/role", "not-allowed"),
                    ("/role", "not-allowed"),
                ],
            ),
            (json!({ "resource": null }), vec![("/resource", "wrong-type")]),
            (json!({ "level": "viewer" }), vec![("/level", "unknown-field"), ("/role", "required")]),
        ];
        for (body, faults) in cases {
            let reply = fixture.post(ADA_OWNER, &links(), body).await;
            assert_eq!(reply.problem(), (422, "invalid-body"));
            assert_eq!(reply.faults(), faults);
        }
    }

    #[tokio::test]
    async fn links_are_for_those_who_manage_members() {
        let fixture = Fixture::new();
        let refusals = [
            (HUGO_VIEWER, (403, "forbidden")),
            (INES_BILLING, (403, "forbidden")),
            (KIRA_ELSEWHERE, (404, "not-found")),
        ];
        for (token, problem) in refusals {
            let body = json!({ "role": "viewer" });
            assert_eq!(fixture.get(token, &links()).await.problem(), problem);
            assert_eq!(fixture.get(token, &link(TO_SPACE)).await.problem(), problem);
            assert_eq!(fixture.post(token, &links(), body.clone()).await.problem(), problem);
            assert_eq!(fixture.patch(token, &link(TO_ORGANIZATION), body).await.problem(), problem);
            assert_eq!(fixture.delete(token, &link(TO_SPACE)).await.problem(), problem);
        }
    }

    #[tokio::test]
    async fn a_link_is_found_under_its_own_organization_only() {
        let target = format!("{EXAMPLE}/invite-links/{TO_SPACE}");
        let fixture = Fixture::new();
        assert_eq!(fixture.get(KIRA_ELSEWHERE, &target).await.problem(), (404, "not-found"));
        assert_eq!(fixture.patch(KIRA_ELSEWHERE, &target, json!({})).await.problem(), (404, "not-found"));
        assert_eq!(fixture.delete(KIRA_ELSEWHERE, &target).await.problem(), (404, "not-found"));
    }

    #[tokio::test]
    async fn only_an_owner_makes_links_that_make_owners() {
        let fixture = Fixture::new();
        let to_space =
            json!({ "resource_type": "space", "resource_id": "northwind-handbook", "level": "owner" });
        let create = [json!({ "role": "owner" }), json!({ "resource": to_space })];
        for body in create {
            let refused = fixture.post(CARLA_MANAGER, &links(), body.clone()).await;
            assert_eq!(refused.problem(), (403, "forbidden"));
            assert_eq!(fixture.post(ADA_OWNER, &links(), body).await.status, 201);
        }
        let change = json!({ "role": "owner" });
        let refused = fixture.patch(CARLA_MANAGER, &link(TO_ORGANIZATION), change.clone()).await;
        assert_eq!(refused.problem(), (403, "forbidden"));
        assert_eq!(fixture.patch(ADA_OWNER, &link(TO_ORGANIZATION), change).await.status, 200);
    }
}
