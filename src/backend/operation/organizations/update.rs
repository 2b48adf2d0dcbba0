//! Changing an organization, on condition that it is what the caller saw.

use rusqlite::Transaction;

use crate::backend::answer::{self, Answer};
use crate::backend::body::{self, Fields};
use crate::backend::changes::Changes;
use crate::backend::exchange::Exchange;
use crate::backend::id::Id;
use crate::backend::problem::{Fault, Problem};

use super::create::slug_taken;
use super::{seen_by, settings};

/// How many labels an organization may have, however few of them come at once.
const LABELS_MAX: u32 = 50;

/// `organizations.update`: a merge patch (RFC 7396).
pub(in crate::backend::operation) fn update(
    tx: &Transaction<'_>,
    exchange: &Exchange,
) -> Result<Answer, Problem> {
    let updater = exchange.caller.updater_of(tx, exchange.id("organization_id"))?;
    let id = updater.organization_id;
    let seen = seen_by(tx, &updater)?;
    answer::check_if_match(exchange.if_match(), &seen)?;

    let slug = seen["slug"].as_str().unwrap_or_default();
    let changes = body::read(&exchange.body, |fields| Some(read(fields, slug)))?;
    settings::check_default_role(&changes, |role| updater.check_may_give(role))?;
    if let Some(wanted) = changes.text("slug") {
        check_slug(tx, id, wanted)?;
    }
    changes.apply(tx, "organizations", id, exchange.now)?;
    check_labels(tx, id)?;
    Ok(Answer::one(seen_by(tx, &updater)?))
}

/// A name that is taken away leaves the slug to be called by, since everything here has a name.
fn read(fields: &mut Fields<'_>, slug_now: &str) -> Changes {
    let has_slug = fields.has("slug");
    let slug = settings::slug(fields);
    if has_slug && fields.is_null("slug") {
        fields.fault::<()>("slug", "wrong-type", "must be a string");
    }
    let name = if fields.is_null("name") {
        fields.short_text_or_null("name", 0); // asked for, so that it is not unknown
        Some(slug.clone().unwrap_or_else(|| slug_now.to_owned()))
    } else if fields.has("name") {
        fields.text("name", settings::NAME_LENGTH_MAX)
    } else {
        None
    };
    let mut changes = settings::read(fields, settings::Moment::Later);
    if let Some(slug) = slug {
        changes.set("slug", slug);
    }
    if let Some(name) = name {
        changes.set("name", name);
    }
    changes
}

fn check_slug(tx: &Transaction<'_>, id: Id, slug: &str) -> Result<(), Problem> {
    let is_taken = tx
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM organizations WHERE slug = ?1 AND id <> ?2)")?
        .query_row((slug, id), |row| row.get(0))?;
    if is_taken { Err(slug_taken()) } else { Ok(()) }
}

fn check_labels(tx: &Transaction<'_>, id: Id) -> Result<(), Problem> {
    let labels: u32 = tx
        .prepare_cached(
            "SELECT count(*) FROM organizations, json_each(metadata) WHERE organizations.id = ?1",
        )?
        .query_row([id], |row| row.get(0))?;
    if labels <= LABELS_MAX {
        return Ok(());
    }
    let detail = format!("would hold more than {LABELS_MAX} labels");
    Err(body::invalid(vec![Fault::new("/metadata", "too-many", detail)]))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::header::{CONTENT_TYPE, IF_MATCH};
    use serde_json::{Value, json};

    use crate::backend::testing::{
        self, ADA_OWNER, CARLA_MANAGER, Fixture, HUGO_VIEWER, INES_BILLING, KIRA_ELSEWHERE, NORTHWIND,
    };

    #[tokio::test]
    async fn what_is_said_changes_and_the_rest_stays() {
        let fixture = Fixture::new();
        fixture.pass(1);
        let body = json!({
            "name": "Southwind",
            "description": null,
            "phone": "+46 8 123",
            "allow_external_invites": false,
            "metadata": { "region": null, "season": "spring" },
            "extensions": { "a": { "b": 1, "c": 2 } },
        });
        let changed = fixture.patch(CARLA_MANAGER, NORTHWIND, body).await;
        assert_eq!(changed.status, 200, "{:#}", changed.body);
        assert_eq!(changed.body["name"], "Southwind");
        assert_eq!(changed.body["description"], json!(null));
        assert_eq!(changed.body["phone"], "+46 8 123");
        assert_eq!(changed.body["allow_external_invites"], false);
        assert_eq!(changed.body["metadata"], json!({ "season": "spring" }));
        assert_eq!(changed.body["country"], "SE");
        assert_eq!(changed.body["updated_at"], "2025-03-01T12:00:01.000Z");
        let body = json!({ "extensions": { "a": { "b": null, "d": 1.50 } } });
        let changed = fixture.patch(CARLA_MANAGER, NORTHWIND, body).await;
        assert_eq!(changed.body["extensions"], json!({ "a": { "c": 2, "d": 1.50 } }));
    }

    #[tokio::test]
    async fn writing_back_what_was_read_changes_nothing() {
        let fixture = Fixture::new();
        let before = fixture.get(ADA_OWNER, NORTHWIND).await;
        fixture.pass(1);
        let mut body = before.body.clone();
        for read_only in [
            "id",
            "active",
            "max_members",
            "member_count",
            "owner_user_id",
            "created_by_user_id",
            "caller",
            "created_at",
            "updated_at",
        ] {
            body.as_object_mut().unwrap().remove(read_only);
        }
        let after = fixture.patch(ADA_OWNER, NORTHWIND, body).await;
        assert_eq!(after.body, before.body);
        assert_eq!(after.header("etag"), before.header("etag"));
    }

    #[tokio::test]
    async fn without_a_name_an_organization_is_called_by_its_slug() {
        let fixture = Fixture::new();
        for (body, name) in [
            (json!({ "name": null }), "northwind"),
            (json!({ "name": null, "slug": "south-wind" }), "south-wind"),
        ] {
            assert_eq!(fixture.patch(ADA_OWNER, NORTHWIND, body).await.body["name"], name);
        }
        assert_eq!(fixture.get(ADA_OWNER, "/v1/organizations?slug=south-wind").await.body["total"], 1);
    }

    #[tokio::test]
    async fn a_change_may_depend_on_what_the_caller_saw() {
        let fixture = Fixture::new();
        let seen = fixture.get(ADA_OWNER, NORTHWIND).await;
        for (tag, status) in [(seen.header("etag"), 200), (seen.header("etag"), 412)] {
            let request = testing::request("PATCH", ADA_OWNER, NORTHWIND)
                .header(IF_MATCH, tag)
                .header(CONTENT_TYPE, "application/merge-patch+json");
            let body = Body::from(json!({ "description": "changed" }).to_string());
            assert_eq!(fixture.send(request.body(body).unwrap()).await.status, status);
        }
    }

    #[tokio::test]
    async fn only_those_who_may_change_the_organization_do() {
        let fixture = Fixture::new();
        let body = json!({ "name": "Mine" });
        for (token, problem) in [
            (HUGO_VIEWER, (403, "forbidden")),
            (INES_BILLING, (403, "forbidden")),
            (KIRA_ELSEWHERE, (404, "not-found")),
        ] {
            assert_eq!(fixture.patch(token, NORTHWIND, body.clone()).await.problem(), problem);
        }
        let generous = fixture.patch(CARLA_MANAGER, NORTHWIND, json!({ "default_role": "admin" })).await;
        assert_eq!(generous.problem(), (403, "forbidden"));
    }

    #[tokio::test]
    async fn what_cannot_be_is_refused_by_place() {
        let fixture = Fixture::new();
        let many = |from: u32, to: u32| (from..to).map(|key| (key.to_string(), json!(""))).collect::<Value>();
        assert_eq!(fixture.patch(ADA_OWNER, NORTHWIND, json!({ "metadata": many(0, 49) })).await.status, 200);
        for (body, expected) in [
            (json!({ "name": "", "slug": null }), vec![("/name", "too-short"), ("/slug", "wrong-type")]),
            (json!({ "metadata": many(60, 61) }), vec![("/metadata", "too-many")]),
            (json!({ "owner_user_id": "x" }), vec![("/owner_user_id", "unknown-field")]),
            (json!({ "domains": null }), vec![("/domains", "wrong-type")]),
        ] {
            let reply = fixture.patch(ADA_OWNER, NORTHWIND, body).await;
            assert_eq!(reply.problem(), (422, "invalid-body"));
            assert_eq!(reply.faults(), expected);
        }
        let reply = fixture.patch(ADA_OWNER, NORTHWIND, json!({ "slug": "tiny" })).await;
        assert_eq!(reply.problem(), (409, "conflict"));
        assert_eq!(reply.faults(), [("/slug", "taken")]);
    }
}
