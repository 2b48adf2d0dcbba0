//! Demonstration data: four organizations, and tokens that a reader can remember.
//!
//! Every id and token is written out in `seed.json`, so that documents and tests can name them. `SQLite`
//! reads the file itself; only the digests of the tokens are made here.

use rusqlite::Transaction;
use serde_json::Value;

use super::access::Credential;

const SEED: &str = include_str!("seed.json");

/// What a newcomer needs to try a request: whatever is named here belongs to one organization and its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demo {
    /// Path parameters of the canonical API, each with a value that exists.
    pub parameters: Vec<(String, String)>,
    /// Tokens of the owner.
    pub tokens: Vec<String>,
}

/// The first organization of the demonstration data.
pub fn demo() -> Demo {
    let seed: Value = serde_json::from_str(SEED).expect("a test plants it");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let organization = &seed["organizations"][0];
    let tokens = seed["tokens"].as_array().into_iter().flatten();
    let tokens = tokens.filter(|token| token["user"] == organization["owner"]);
    Demo {
        parameters: vec![("organization_id".to_owned(), text(&organization["id"]))],
        tokens: tokens.map(|token| text(&token["token"])).collect(),
    }
}

/// `?1` is the file. In this order, because rows refer to earlier ones.
const STATEMENTS: [&str; 8] = [
    "INSERT INTO users (id, email, name, first_name, last_name, timezone, status, invited_at, metadata,
                        created_at, updated_at)
     SELECT row ->> 'id', row ->> 'email', row ->> 'name', row ->> 'first_name', row ->> 'last_name',
            ifnull(row ->> 'timezone', 'UTC'), row ->> 'status',
            iif(row ->> 'status' = 'invited', ?1 ->> 'time', NULL), ifnull(row -> 'metadata', '{}'),
            ?1 ->> 'time', ?1 ->> 'time'
     FROM (SELECT value AS row FROM json_each(?1, '$.users'))",
    "INSERT INTO organizations (id, slug, name, description, country, business_information, timezone,
                                owner_user_id, created_by_user_id, max_members, metadata, is_brand, domains,
                                default_role, business_type, website, phone, needs, created_at, updated_at)
     SELECT row ->> 'id', row ->> 'slug', row ->> 'name', row ->> 'description', row ->> 'country',
            row ->> 'business_information', ifnull(row ->> 'timezone', 'UTC'), users.id, users.id,
            ifnull(row ->> 'max_members', 500), ifnull(row -> 'metadata', '{}'),
            ifnull(row ->> 'is_brand', FALSE), ifnull(row -> 'domains', '[]'), row ->> 'default_role',
            row ->> 'business_type', row ->> 'website', row ->> 'phone', ifnull(row -> 'needs', '[]'),
            ?1 ->> 'time', ?1 ->> 'time'
     FROM (SELECT value AS row FROM json_each(?1, '$.organizations'))
     JOIN users ON users.email = row ->> 'owner'",
    "INSERT INTO members (id, organization_id, user_id, role, status, joined_at, last_seen_at, updated_at)
     SELECT row ->> 'id', organizations.id, users.id, row ->> 'role', users.status,
            ?1 ->> 'time', row ->> 'last_seen_at', ?1 ->> 'time'
     FROM (SELECT value AS row FROM json_each(?1, '$.members'))
     JOIN organizations ON slug = row ->> 'organization'
     JOIN users ON email = row ->> 'user'",
    "INSERT INTO custom_roles (id, organization_id, name, description, permissions, created_at, updated_at)
     SELECT row ->> 'id', organizations.id, row ->> 'name', row ->> 'description', row -> 'permissions',
            ?1 ->> 'time', ?1 ->> 'time'
     FROM (SELECT value AS row FROM json_each(?1, '$.custom_roles'))
     JOIN organizations ON slug = row ->> 'organization'",
    "INSERT INTO resources (organization_id, resource_type, resource_id, name)
     SELECT organizations.id, row ->> 'resource_type', row ->> 'resource_id', row ->> 'name'
     FROM (SELECT value AS row FROM json_each(?1, '$.resources'))
     JOIN organizations ON slug = row ->> 'organization'",
    "INSERT INTO invitations (id, token, organization_id, email, first_name, last_name, role, status,
                              email_sent, invited_by, expires_at, created_at, updated_at)
     SELECT row ->> 'id', row ->> 'token', organizations.id, row ->> 'email', row ->> 'first_name',
            row ->> 'last_name', row ->> 'role', row ->> 'status', TRUE, users.id, row ->> 'expires_at',
            ?1 ->> 'time', ?1 ->> 'time'
     FROM (SELECT value AS row FROM json_each(?1, '$.invitations'))
     JOIN organizations ON slug = row ->> 'organization'
     JOIN users ON users.email = row ->> 'invited_by'",
    "INSERT INTO grants (member_id, invitation_id, resource_type, resource_id, level)
     SELECT row ->> 'member', row ->> 'invitation', row ->> 'resource_type', row ->> 'resource_id',
            row ->> 'level'
     FROM (SELECT value AS row FROM json_each(?1, '$.grants'))",
    "INSERT INTO invite_links (id, organization_id, role, resource_type, resource_id, level,
                               created_at, updated_at)
     SELECT row ->> 'id', organizations.id, row ->> 'role', row ->> 'resource_type', row ->> 'resource_id',
            row ->> 'level', ?1 ->> 'time', ?1 ->> 'time'
     FROM (SELECT value AS row FROM json_each(?1, '$.invite_links'))
     JOIN organizations ON slug = row ->> 'organization'",
];

/// Fills a database that has no organizations.
pub(super) fn plant(tx: &Transaction<'_>) -> rusqlite::Result<()> {
    if tx.query_row("SELECT EXISTS (SELECT 1 FROM organizations)", [], |row| row.get(0))? {
        return Ok(());
    }
    for statement in STATEMENTS {
        tx.execute(statement, [SEED])?;
    }
    let mut tokens = tx.prepare(
        "SELECT value ->> 'token' AS token, users.id FROM json_each(?1, '$.tokens')
         JOIN users ON email = value ->> 'user'",
    )?;
    let mut insert = tx.prepare("INSERT INTO tokens (digest, user_id) VALUES (?1, ?2)")?;
    let mut rows = tokens.query([SEED])?;
    while let Some(row) = rows.next()? {
        let credential = Credential::of(&row.get::<_, String>("token")?);
        insert.execute((credential.digest(), row.get::<_, String>("id")?))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use crate::backend::role::Role;
    use crate::backend::testing::{EXAMPLE, Fixture, NORTHWIND};

    use super::*;

    fn tokens_of(user: &str) -> Vec<String> {
        let seed: Value = serde_json::from_str(SEED).unwrap();
        let tokens = seed["tokens"].as_array().unwrap().iter().filter(|row| row["user"] == user);
        tokens.map(|row| row["token"].as_str().unwrap().to_owned()).collect()
    }

    /// Bit by bit, as in the appendix of RFC 1952, without the table.
    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0, |crc, byte| {
            (0..8).fold(
                crc ^ u32::from(*byte),
                |crc, _| {
                    if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 }
                },
            )
        })
    }

    /// Which of the five shapes a token has.
    fn shape(token: &str) -> &'static str {
        let is_alphanumeric =
            |text: &str, length| text.len() == length && text.bytes().all(|it| it.is_ascii_alphanumeric());
        match token.split('_').collect::<Vec<_>>().as_slice() {
            ["csb", body, sum]
                if is_alphanumeric(body, 32) && format!("{:08x}", crc32(body.as_bytes())) == *sum =>
            {
                "csb"
            }
            ["pat", body] if is_alphanumeric(body, 32) => "pat",
            ["gb", "api", body] if is_alphanumeric(body, 40) => "gb_api",
            [body] if is_alphanumeric(body, 40) => "plain",
            other => panic!("{other:?}"),
        }
    }

    /// The check value that every description of this checksum gives.
    #[test]
    fn the_checksum_of_the_tests_is_the_usual_one() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[tokio::test]
    async fn owners_have_a_token_of_every_shape_and_each_works() {
        let fixture = Fixture::new();
        for owner in ["ada@example.com", "kira@example.org", "uma@example.net"] {
            let tokens = tokens_of(owner);
            let shapes: Vec<_> = tokens.iter().map(|token| shape(token)).collect();
            assert_eq!(shapes, ["csb", "pat", "plain", "gb_api", "plain"], "{owner}");
            for token in tokens {
                assert_eq!(fixture.get(&token, "/v1/users/me").await.body["email"], owner);
            }
        }
    }

    #[test]
    fn viewers_have_three_tokens() {
        for viewer in ["hugo@example.com", "rosa@example.org"] {
            let shapes: Vec<_> = tokens_of(viewer).iter().map(|token| shape(token)).collect();
            assert_eq!(shapes, ["pat", "csb", "plain"], "{viewer}");
        }
    }

    #[tokio::test]
    async fn the_database_holds_digests_of_tokens_and_nothing_else_of_them() {
        let fixture = Fixture::new();
        let dump = fixture.sql(|tx| {
            tx.prepare("SELECT * FROM tokens")?
                .query_map([], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, String>(1)?)))?
                .collect::<Result<BTreeMap<_, _>, _>>()
        });
        let dump = dump.await;
        assert_eq!(dump.len(), 37);
        assert!(dump.keys().all(|digest| digest.len() == 32));
        assert!(dump.values().all(|user_id| user_id.starts_with("10000000-")));
    }

    #[tokio::test]
    async fn the_first_two_organizations_have_one_member_in_each_role() {
        let fixture = Fixture::new();
        for (organization, owner) in [(NORTHWIND, "ada@example.com"), (EXAMPLE, "kira@example.org")] {
            let members = fixture.get(&tokens_of(owner)[0], &format!("{organization}/members")).await;
            assert_eq!(members.each("/role"), Role::ALL.map(Role::name));
        }
    }
}
