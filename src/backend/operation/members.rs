//! Members: users in an organization, with a role.

use rusqlite::{OptionalExtension, Row, Transaction};
use serde_json::{Value, json};

use crate::backend::answer::Answer;
use crate::backend::body::{self, Fields};
use crate::backend::exchange::Exchange;
use crate::backend::grant::{self, Holder};
use crate::backend::id::Id;
use crate::backend::list::List;
use crate::backend::problem::{Code, Fault, Problem};
use crate::backend::resource::Resource;
use crate::backend::role::Role;
use crate::backend::row::{object, text};
use crate::backend::store::is_duplicate;

use super::users::Profile;
use super::{invitations, organizations, users};

/// `members.list`. `q` looks into names and addresses; letters outside ASCII must match in case too.
pub(super) fn list(tx: &Transaction<'_>, exchange: &Exchange) -> Result<Answer, Problem> {
    let organization_id = exchange.id("organization_id");
    exchange.caller.member_of(tx, organization_id)?;

    let query = &exchange.query;
    let role = query.word("role", &Role::ALL.map(|role| (role.name(), role)))?;
    let statuses = [("invited", "invited"), ("active", "active"), ("suspended", "suspended")];
    let status = query.word("status", &statuses)?;
    let user_id = query.id("user_id")?;
    let sorts = [("joined_at", "members.joined_at"), ("name", "users.name"), ("email", "users.email")];
    let sort = query.word("sort", &sorts)?.unwrap_or("members.joined_at");
    let order = query.word("order", &[("asc", "ASC"), ("desc", "DESC")])?.unwrap_or("ASC");

    let organization = organizations::document(tx, organization_id)?;
    let list = List {
        columns: "members.*",
        rows: "FROM members JOIN users ON users.id = members.user_id
               WHERE members.organization_id = ?1
                 AND (?2 IS NULL OR members.role = ?2)
                 AND (?3 IS NULL OR members.status = ?3)
                 AND (?4 IS NULL OR instr(lower(ifnull(users.name, '')), lower(?4)) > 0
                                 OR instr(lower(users.email), lower(?4)) > 0)
                 AND (?5 IS NULL OR users.email = ?5)
                 AND (?6 IS NULL OR members.user_id = ?6)",
        order: &format!("{sort} {order}, members.id {order}"),
        parameters: &[&organization_id, &role, &status, &query.text("q"), &query.text("email"), &user_id],
    };
    list.answer(tx, query.page()?, |row| from_row(tx, row, &organization))
}

/// `members.get`. The path may name the member by their own id or by their user's.
pub(super) fn one(tx: &Transaction<'_>, exchange: &Exchange) -> Result<Answer, Problem> {
    let organization_id = exchange.id("organization_id");
    exchange.caller.member_of(tx, organization_id)?;
    let member_id = tx
        .prepare_cached("SELECT id FROM members WHERE organization_id = ?1 AND (id = ?2 OR user_id = ?2)")?
        .query_row((organization_id, exchange.id("member_id")), |row| row.get(0))
        .optional()?;
    Ok(Answer::one(document(tx, member_id.ok_or_else(Problem::not_found)?)?))
}

/// `members.add`: makes the member at once, and the user too when the address is new.
pub(super) fn add(tx: &Transaction<'_>, exchange: &Exchange) -> Result<Answer, Problem> {
    let organization_id = exchange.id("organization_id");
    let manager = exchange.caller.manager_of(tx, organization_id)?;
    let wanted = body::read(&exchange.body, Add::read)?;
    manager.check_may_give(wanted.role)?;

    let user_id = users::find_or_invite(tx, &wanted.profile, exchange.now)?;
    let entry = Entry {
        organization_id,
        user_id,
        role: wanted.role,
        invited_by: Some(exchange.caller.user_id),
        wants_sso: wanted.sso,
        extensions: &wanted.extensions,
    };
    let member_id = entry.insert(tx, exchange)?;
    grant::give(tx, Holder::Member(member_id), &wanted.resource_grants)?;

    let location = format!("/v1/organizations/{organization_id}/members/{member_id}");
    Ok(Answer::created(document(tx, member_id)?, location))
}

/// The body of `members.add`.
struct Add {
    profile: Profile,
    role: Role,
    sso: bool,
    resource_grants: Vec<Resource>,
    extensions: String,
}

impl Add {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let email = fields.email("email");
        let role = fields.role("role");
        let name = fields.text_or_null("name");
        let first_name = fields.text_or_null("first_name");
        let last_name = fields.text_or_null("last_name");
        let sso = fields.flag("sso", false);
        let resource_grants = fields.objects("resource_grants", Resource::read_grant);
        let extensions = fields.free_object("extensions");
        let profile = Profile { email: email?, name, first_name, last_name };
        Some(Add { profile, role: role?, sso, resource_grants, extensions })
    }
}

/// A membership about to be made.
pub(super) struct Entry<'a> {
    pub(super) organization_id: Id,
    pub(super) user_id: Id,
    pub(super) role: Role,
    pub(super) invited_by: Option<Id>,
    pub(super) wants_sso: bool,
    /// The text of a JSON object.
    pub(super) extensions: &'a str,
}

impl Entry<'_> {
    /// Makes the member, who then has the status of their account. An invitation that waited for them is
    /// thereby accepted.
    pub(super) fn insert(&self, tx: &Transaction<'_>, exchange: &Exchange) -> Result<Id, Problem> {
        let id = Id::new();
        let inserted = tx
            .prepare_cached(
                "INSERT INTO members
                     (id, organization_id, user_id, role, status, sso, invited_by, extensions, joined_at, updated_at)
                 SELECT ?1, ?2, users.id, ?4, users.status,
                        CASE WHEN NOT ?5 THEN 'off'
                             WHEN EXISTS (SELECT 1 FROM members WHERE members.user_id = users.id) THEN 'refused'
                             ELSE 'on' END,
                        ?6, ?7, ?8, ?8
                 FROM users WHERE users.id = ?3",
            )?
            .execute((
                id,
                self.organization_id,
                self.user_id,
                self.role,
                self.wants_sso,
                self.invited_by,
                self.extensions,
                exchange.now,
            ));
        match inserted {
            Ok(_) => {}
            Err(error) if is_duplicate(&error) => return Err(already_member()),
            Err(error) => return Err(error.into()),
        }
        organizations::check_seats(tx, self.organization_id, 0)?;
        invitations::accept_pending(tx, self.organization_id, self.user_id, exchange.now)?;
        Ok(id)
    }
}

/// The address belongs to a member already.
pub(super) fn already_member() -> Problem {
    let fault = Fault::new("/email", "already-member", "belongs to a member of the organization");
    Problem::new(Code::Conflict, "the user is already a member of the organization").with_faults(vec![fault])
}

/// A member as everybody in the organization sees them.
pub(super) fn document(tx: &Transaction<'_>, id: Id) -> rusqlite::Result<Value> {
    tx.prepare_cached("SELECT * FROM members WHERE id = ?1")?.query_row([id], |row| {
        let organization = organizations::document(tx, row.get("organization_id")?)?;
        from_row(tx, row, &organization)
    })
}

fn from_row(tx: &Transaction<'_>, row: &Row<'_>, organization: &Value) -> rusqlite::Result<Value> {
    let organization_id: Id = row.get("organization_id")?;
    let grants = grant::documents(tx, organization_id, Holder::Member(row.get("id")?))?;
    Ok(json!({
        "id": text(row, "id")?,
        "organization_id": text(row, "organization_id")?,
        "user_id": text(row, "user_id")?,
        "role": text(row, "role")?,
        "status": text(row, "status")?,
        "sso": text(row, "sso")?,
        "resource_grants": grants,
        "invited_by": text(row, "invited_by")?,
        "joined_at": text(row, "joined_at")?,
        "updated_at": text(row, "updated_at")?,
        "user": users::document(tx, row.get("user_id")?)?,
        "organization": organization,
        "extensions": object(row, "extensions")?,
    }))
}
