//! Founding an organization.

use rusqlite::{OptionalExtension, Transaction};

use crate::backend::answer::Answer;
use crate::backend::body::{self, Fields};
use crate::backend::changes::Changes;
use crate::backend::exchange::Exchange;
use crate::backend::id::Id;
use crate::backend::operation::members::Entry;
use crate::backend::problem::{Code, Fault, Problem};
use crate::backend::role::Role;
use crate::backend::store::is_duplicate;

use super::{seen_by, settings};

/// A generated slug is no longer than this, so that there is room for a number.
const GENERATED_LENGTH_MAX: usize = 100;

/// `organizations.create`: whoever is known may found one, and is its owner.
pub(in crate::backend::operation) fn create(
    tx: &Transaction<'_>,
    exchange: &Exchange,
) -> Result<Answer, Problem> {
    let wanted = body::read(&exchange.body, Create::read)?;
    let slug = match wanted.slug {
        Some(slug) => slug,
        None => free_slug(tx, &wanted.name)?,
    };
    let (id, user_id, now) = (Id::new(), exchange.caller.user_id, exchange.now);
    let inserted = tx
        .prepare_cached(
            "INSERT INTO organizations
                 (id, slug, name, owner_user_id, created_by_user_id, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?5)",
        )?
        .execute((id, slug, &wanted.name, user_id, now));
    inserted.map_err(|error| if is_duplicate(&error) { slug_taken() } else { error.into() })?;
    wanted.settings.apply(tx, "organizations", id, now)?;

    let entry = Entry {
        organization_id: id,
        user_id,
        role: Role::Owner,
        invited_by: None,
        wants_sso: false,
        extensions: "{}",
    };
    entry.insert(tx, exchange)?;
    let membership = exchange.caller.member_of(tx, id)?;
    Ok(Answer::created(seen_by(tx, &membership)?, format!("/v1/organizations/{id}")))
}

/// The slug belongs to somebody else.
pub(super) fn slug_taken() -> Problem {
    let fault = Fault::new("/slug", "taken", "belongs to another organization");
    Problem::new(Code::Conflict, "an organization with that slug exists").with_faults(vec![fault])
}

/// The body of `organizations.create`.
struct Create {
    name: String,
    slug: Option<String>,
    settings: Changes,
}

impl Create {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.text("name", settings::NAME_LENGTH_MAX);
        let slug = settings::slug(fields);
        let settings = settings::read(fields, settings::Moment::AtFirst);
        Some(Create { name: name?, slug, settings })
    }
}

/// A slug that reads like the name and is nobody's yet.
fn free_slug(tx: &Transaction<'_>, name: &str) -> rusqlite::Result<String> {
    let base = slug_of(name);
    let mut is_taken = tx.prepare_cached("SELECT 1 FROM organizations WHERE slug = ?1")?;
    let mut slug = base.clone();
    let mut number = 1;
    while is_taken.query_row([&slug], |_| Ok(())).optional()?.is_some() {
        number += 1;
        slug = format!("{base}-{number}");
    }
    Ok(slug)
}

/// Small letters and digits as they are, blanks and underscores as single hyphens, nothing else.
fn slug_of(name: &str) -> String {
    let mut slug = String::new();
    for letter in name.chars().flat_map(char::to_lowercase) {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter);
        } else if (letter.is_whitespace() || letter == '_' || letter == '-') && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug: String = slug.trim_matches('-').chars().take(GENERATED_LENGTH_MAX).collect();
    if slug.is_empty() { "organization".to_owned() } else { slug }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::backend::testing::{ADA_OWNER, Fixture, HUGO_VIEWER};

    use super::*;

    const ORGANIZATIONS: &str = "/v1/organizations";

    #[test]
    fn a_slug_is_what_can_be_read_of_a_name() {
        for (name, slug) in [
            ("Acme Corp", "acme-corp"),
            ("  A_b--C 7! ", "a-b-c-7"),
            ("Ünïcode & Söhne", "ncode-shne"),
            ("株式会社", "organization"),
            ("---", "organization"),
        ] {
            assert_eq!(slug_of(name), slug, "{name}");
        }
        assert_eq!(slug_of(&"a".repeat(255)).len(), GENERATED_LENGTH_MAX);
    }

    #[tokio::test]
    async fn whoever_founds_an_organization_owns_it() {
        let fixture = Fixture::new();
        let body = json!({
            "name": "Acme Corp",
            "slug": null,
            "country": "DE",
            "is_brand": true,
            "domains": ["Acme.example", "acme.example"],
            "default_role": "viewer",
            "business_type": "ngo",
            "website": "https://acme.example/about?x=1",
            "needs": ["tea"],
            "metadata": { "region": "south" },
            "extensions": { "some": null },
        });
        let made = fixture.post(HUGO_VIEWER, ORGANIZATIONS, body).await;
        assert_eq!(made.status, 201, "{:#}", made.body);
        let hugo = json!("10000000-0000-4000-8000-000000000108");
        for (field, value) in [
            ("name", json!("Acme Corp")),
            ("slug", json!("acme-corp")),
            ("country", json!("DE")),
            ("is_brand", json!(true)),
            ("domains", json!(["acme.example"])),
            ("default_role", json!("viewer")),
            ("active", json!(true)),
            ("allow_external_invites", json!(true)),
            ("max_members", json!(500)),
            ("member_count", json!(1)),
            ("business_type", json!("ngo")),
            ("website", json!("https://acme.example/about?x=1")),
            ("phone", json!(null)),
            ("needs", json!(["tea"])),
            ("timezone", json!("UTC")),
            ("owner_user_id", hugo.clone()),
            ("created_by_user_id", hugo),
            ("metadata", json!({ "region": "south" })),
            ("extensions", json!({ "some": null })),
            ("created_at", json!("2025-03-01T12:00:00.000Z")),
        ] {
            assert_eq!(made.body[field], value, "{field}");
        }
        assert_eq!(made.body["caller"]["role"], "owner");
        assert_eq!(made.body["caller"]["capabilities"].as_array().unwrap().len(), 10);

        let read = fixture.get(HUGO_VIEWER, made.header("location")).await;
        assert_eq!(read.body, made.body);
        assert_eq!(read.header("etag"), made.header("etag"));
        assert_eq!(fixture.get(ADA_OWNER, made.header("location")).await.problem(), (404, "not-found"));
        let members = fixture.get(HUGO_VIEWER, &format!("{}/members", made.header("location"))).await;
        assert_eq!(members.each("/role"), ["owner"]);
    }

    #[tokio::test]
    async fn a_name_alone_is_enough_and_a_generated_slug_never_clashes() {
        let fixture = Fixture::new();
        for slug in ["northwind-2", "northwind-3"] {
            let made = fixture.post(ADA_OWNER, ORGANIZATIONS, json!({ "name": "Northwind" })).await;
            assert_eq!(made.body["slug"], slug);
            assert_eq!(made.body["default_role"], json!(null));
            assert_eq!(made.body["metadata"], json!({}));
        }
    }

    #[tokio::test]
    async fn a_slug_that_is_asked_for_must_be_free() {
        let fixture = Fixture::new();
        let body = json!({ "name": "Another", "slug": "example" });
        let reply = fixture.post(ADA_OWNER, ORGANIZATIONS, body).await;
        assert_eq!(reply.problem(), (409, "conflict"));
        assert_eq!(reply.faults(), [("/slug", "taken")]);
        let body = json!({ "name": "Another", "slug": "another" });
        assert_eq!(fixture.post(ADA_OWNER, ORGANIZATIONS, body).await.body["slug"], "another");
    }

    #[tokio::test]
    async fn all_faults_of_a_body_are_reported() {
        let body = json!({
            "name": "",
            "slug": "Not A Slug",
            "country": "de",
            "is_brand": null,
            "domains": ["example.com", "localhost"],
            "default_role": "owner",
            "business_type": "club",
            "website": "javascript:alert(1)",
            "phone": "0".repeat(32),
            "needs": [""],
            "timezone": "",
            "metadata": { "gone": null },
            "max_members": 7,
        });
        let reply = Fixture::new().post(ADA_OWNER, ORGANIZATIONS, body).await;
        assert_eq!(reply.problem(), (422, "invalid-body"));
        let expected = [
            ("/business_type", "not-allowed"),
            ("/country", "not-allowed"),
            ("/default_role", "not-allowed"),
            ("/domains/1", "not-allowed"),
            ("/is_brand", "wrong-type"),
            ("/max_members", "unknown-field"),
            ("/metadata/gone", "wrong-type"),
            ("/name", "too-short"),
            ("/needs/0", "too-short"),
            ("/phone", "too-long"),
            ("/slug", "not-allowed"),
            ("/timezone", "too-short"),
            ("/website", "not-allowed"),
        ];
        assert_eq!(reply.faults(), expected);
    }
}
