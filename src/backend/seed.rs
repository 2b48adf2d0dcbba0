//! Demonstration data: three organizations, and tokens that a reader can remember.
//!
//! Every id and token is written out in `seed.json`, so that documents and tests can name them. SQLite reads
//! the file itself; only the digests of the tokens are made here.

use rusqlite::Transaction;

use super::access::Credential;

const SEED: &str = include_str!("seed.json");

/// `?1` is the file. In this order, because rows refer to earlier ones.
const STATEMENTS: [&str; 7] = [
    "INSERT INTO users (id, email, name, first_name, last_name, timezone, status, invited_at, metadata,
                        created_at, updated_at)
     SELECT row ->> 'id', row ->> 'email', row ->> 'name', row ->> 'first_name', row ->> 'last_name',
            ifnull(row ->> 'timezone', 'UTC'), row ->> 'status',
            iif(row ->> 'status' = 'invited', ?1 ->> 'time', NULL), ifnull(row -> 'metadata', '{}'),
            ?1 ->> 'time', ?1 ->> 'time'
     FROM (SELECT value AS row FROM json_each(?1, '$.users'))",
    "INSERT INTO organizations (id, slug, name, description, country, business_information, timezone,
                                owner_user_id, created_by_user_id, seats_max, metadata, created_at, updated_at)
     SELECT row ->> 'id', row ->> 'slug', row ->> 'name', row ->> 'description', row ->> 'country',
            row ->> 'business_information', ifnull(row ->> 'timezone', 'UTC'), users.id, users.id,
            row ->> 'seats_max', ifnull(row -> 'metadata', '{}'), ?1 ->> 'time', ?1 ->> 'time'
     FROM (SELECT value AS row FROM json_each(?1, '$.organizations'))
     JOIN users ON users.email = row ->> 'owner'",
    "INSERT INTO members (id, organization_id, user_id, role, status, joined_at, updated_at)
     SELECT row ->> 'id', organizations.id, users.id, row ->> 'role', users.status,
            ?1 ->> 'time', ?1 ->> 'time'
     FROM (SELECT value AS row FROM json_each(?1, '$.members'))
     JOIN organizations ON slug = row ->> 'organization'
     JOIN users ON email = row ->> 'user'",
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
