//! Invitations: offers of membership that wait for their addressee, for a week.

use std::time::Duration;

use rusqlite::{OptionalExtension, Row, Transaction};
use serde_json::{Value, json};

use crate::backend::answer::Answer;
use crate::backend::body::{self, Fields};
use crate::backend::exchange::Exchange;
use crate::backend::grant::{self, Holder};
use crate::backend::id::Id;
use crate::backend::list::List;
use crate::backend::moment::Moment;
use crate::backend::problem::{Code, Fault, Problem};
use crate::backend::resource::Resource;
use crate::backend::role::Role;
use crate::backend::row::{object, text};
use crate::backend::store::is_duplicate;

use super::{members, organizations, users};

const LIFETIME: Duration = Duration::from_hours(7 * 24);

const STATUSES: [(&str, &str); 6] = [
    ("pending", "pending"),
    ("accepted", "accepted"),
    ("declined", "declined"),
    ("cancelled", "cancelled"),
    ("expired", "expired"),
    ("revoked", "revoked"),
];

/// `invitations.list`: oldest first.
pub(super) fn list(tx: &Transaction<'_>, exchange: &Exchange) -> Result<Answer, Problem> {
    let organization_id = exchange.id("organization_id");
    exchange.caller.manager_of(tx, organization_id)?;

    let query = &exchange.query;
    let status = query.word("status", &STATUSES)?;
    let token = query.id("token")?;
    let organization = organizations::document(tx, organization_id)?;
    let list = List {
        columns: "*",
        rows: &format!(
            "FROM {INVITATIONS}
             WHERE organization_id = ?2
               AND (?3 IS NULL OR email = ?3) AND (?4 IS NULL OR status_now = ?4) AND (?5 IS NULL OR token = ?5)"
        ),
        order: "created_at, id",
        parameters: &[&exchange.now, &organization_id, &query.text("email"), &status, &token],
    };
    list.answer(tx, query.page()?, |row| from_row(tx, row, &organization))
}

/// `invitations.get`: for those who manage members, and for the addressee.
pub(super) fn one(tx: &Transaction<'_>, exchange: &Exchange) -> Result<Answer, Problem> {
    let id = exchange.id("invitation_id");
    let found: Option<(Id, String)> = tx
        .prepare_cached("SELECT organization_id, email FROM invitations WHERE id = ?1")?
        .query_row([id], |row| Ok((row.get("organization_id")?, row.get("email")?)))
        .optional()?;
    let (organization_id, email) = found.ok_or_else(Problem::not_found)?;
    if !email.eq_ignore_ascii_case(&exchange.caller.email) {
        exchange.caller.manager_of(tx, organization_id)?;
    }
    Ok(Answer::one(document(tx, id, exchange.now)?))
}

/// `invitations.create`
pub(super) fn create(tx: &Transaction<'_>, exchange: &Exchange) -> Result<Answer, Problem> {
    let organization_id = exchange.id("organization_id");
    let manager = exchange.caller.manager_of(tx, organization_id)?;
    let wanted = body::read(&exchange.body, Create::read)?;
    manager.check_may_give(wanted.role)?;

    check_is_no_member(tx, organization_id, &wanted.email)?;
    write_down_expired(tx, organization_id, exchange.now)?;
    let id = wanted.insert(tx, organization_id, exchange)?;
    organizations::check_seats(tx, organization_id, 1)?;
    grant::give(tx, Holder::Invitation(id), &wanted.resource_grants)?;
    Ok(Answer::created(document(tx, id, exchange.now)?, format!("/v1/invitations/{id}")))
}

/// Accepts the invitation that waits for a user who has become a member, if there is one.
pub(super) fn accept_pending(
    tx: &Transaction<'_>,
    organization_id: Id,
    user_id: Id,
    now: Moment,
) -> rusqlite::Result<()> {
    write_down_expired(tx, organization_id, now)?;
    tx.prepare_cached(
        "UPDATE invitations SET status = 'accepted', updated_at = ?3
         WHERE organization_id = ?1 AND status = 'pending'
           AND email = (SELECT email FROM users WHERE id = ?2)",
    )?
    .execute((organization_id, user_id, now))?;
    Ok(())
}

/// The body of `invitations.create`.
struct Create {
    email: String,
    role: Role,
    first_name: Option<String>,
    last_name: Option<String>,
    send_email: bool,
    resource_grants: Vec<Resource>,
    extensions: String,
}

impl Create {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let email = fields.email("email");
        let role = fields.role("role");
        let first_name = fields.text_or_null("first_name");
        let last_name = fields.text_or_null("last_name");
        let send_email = fields.flag("send_email", true);
        let resource_grants = fields.objects("resource_grants", Resource::read_grant);
        let extensions = fields.free_object("extensions");
        Some(Create {
            email: email?,
            role: role?,
            first_name,
            last_name,
            send_email,
            resource_grants,
            extensions,
        })
    }

    /// Makes the invitation. This backend has no post office: what it was asked to send counts as sent.
    fn insert(&self, tx: &Transaction<'_>, organization_id: Id, exchange: &Exchange) -> Result<Id, Problem> {
        let id = Id::new();
        let inserted = tx
            .prepare_cached(
                "INSERT INTO invitations
                     (id, token, organization_id, email, first_name, last_name, role, status, email_sent,
                      invited_by, extensions, expires_at, created_at, updated_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'pending', ?8, ?9, ?10, ?11, ?12, ?12)",
            )?
            .execute((
                id,
                Id::random(),
                organization_id,
                &self.email,
                &self.first_name,
                &self.last_name,
                self.role,
                self.send_email,
                exchange.caller.user_id,
                &self.extensions,
                exchange.now.after(LIFETIME),
                exchange.now,
            ));
        match inserted {
            Ok(_) => Ok(id),
            Err(error) if is_duplicate(&error) => Err(already_invited()),
            Err(error) => Err(error.into()),
        }
    }
}

fn check_is_no_member(tx: &Transaction<'_>, organization_id: Id, email: &str) -> Result<(), Problem> {
    let is_member = tx
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM members JOIN users ON users.id = user_id
                            WHERE organization_id = ?1 AND email = ?2)",
        )?
        .query_row((organization_id, email), |row| row.get(0))?;
    if is_member { Err(members::already_member()) } else { Ok(()) }
}

fn already_invited() -> Problem {
    let fault = Fault::new("/email", "already-invited", "has a pending invitation to the organization");
    Problem::new(Code::Conflict, "an invitation of that address is pending").with_faults(vec![fault])
}

/// The table, with the status that each invitation has at the time `?1`.
const INVITATIONS: &str =
    "(SELECT *, iif(status = 'pending' AND expires_at <= ?1, 'expired', status) AS status_now
                            FROM invitations)";

/// Stores what the clock says, so that expired invitations make room for new ones.
fn write_down_expired(tx: &Transaction<'_>, organization_id: Id, now: Moment) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "UPDATE invitations SET status = 'expired', updated_at = expires_at
         WHERE organization_id = ?1 AND status = 'pending' AND expires_at <= ?2",
    )?
    .execute((organization_id, now))?;
    Ok(())
}

fn document(tx: &Transaction<'_>, id: Id, now: Moment) -> rusqlite::Result<Value> {
    tx.prepare_cached(&format!("SELECT * FROM {INVITATIONS} WHERE id = ?2"))?.query_row((now, id), |row| {
        let organization = organizations::document(tx, row.get("organization_id")?)?;
        from_row(tx, row, &organization)
    })
}

fn from_row(tx: &Transaction<'_>, row: &Row<'_>, organization: &Value) -> rusqlite::Result<Value> {
    let organization_id: Id = row.get("organization_id")?;
    let grants = grant::documents(tx, organization_id, Holder::Invitation(row.get("id")?))?;
    Ok(json!({
        "id": text(row, "id")?,
        "token": text(row, "token")?,
        "organization_id": text(row, "organization_id")?,
        "email": text(row, "email")?,
        "first_name": text(row, "first_name")?,
        "last_name": text(row, "last_name")?,
        "role": text(row, "role")?,
        "resource_grants": grants,
        "status": text(row, "status_now")?,
        "email_sent": row.get::<_, bool>("email_sent")?,
        "expires_at": text(row, "expires_at")?,
        "created_at": text(row, "created_at")?,
        "updated_at": text(row, "updated_at")?,
        "invited_by": text(row, "invited_by")?,
        "inviter": inviter(tx, organization_id, row.get("invited_by")?)?,
        "organization": organization,
        "extensions": object(row, "extensions")?,
    }))
}

/// The inviting member; null when nobody is known to have invited, or they have left.
fn inviter(tx: &Transaction<'_>, organization_id: Id, user_id: Option<Id>) -> rusqlite::Result<Value> {
    let Some(user_id) = user_id else { return Ok(Value::Null) };
    let member_id: Option<Id> = tx
        .prepare_cached("SELECT id FROM members WHERE organization_id = ?1 AND user_id = ?2")?
        .query_row((organization_id, user_id), |row| row.get("id"))
        .optional()?;
    let Some(member_id) = member_id else { return Ok(Value::Null) };
    Ok(json!({ "member_id": Value::from(member_id), "user": users::document(tx, user_id)? }))
}
