//! Organizations, as their members see them, and the seats they have.

use rusqlite::{Row, Transaction};
use serde_json::{Value, json};

use crate::backend::answer::Answer;
use crate::backend::exchange::Exchange;
use crate::backend::id::Id;
use crate::backend::list::List;
use crate::backend::problem::{Code, Problem};
use crate::backend::row::{object, text};

/// `organizations.list`: those the caller is a member of.
pub(super) fn list(tx: &Transaction<'_>, exchange: &Exchange) -> Result<Answer, Problem> {
    let list = List {
        columns: "organizations.*",
        rows: "FROM organizations JOIN members ON members.organization_id = organizations.id
               WHERE members.user_id = ?1 AND members.status <> 'suspended' AND (?2 IS NULL OR slug = ?2)",
        order: "organizations.name, organizations.id",
        parameters: &[&exchange.caller.user_id, &exchange.query.text("slug")],
    };
    list.answer(tx, exchange.query.page()?, from_row)
}

/// `organizations.get`
pub(super) fn one(tx: &Transaction<'_>, exchange: &Exchange) -> Result<Answer, Problem> {
    let organization_id = exchange.id("organization_id");
    exchange.caller.member_of(tx, organization_id)?;
    Ok(Answer::one(document(tx, organization_id)?))
}

/// An organization as its members see it.
pub(super) fn document(tx: &Transaction<'_>, id: Id) -> rusqlite::Result<Value> {
    tx.prepare_cached("SELECT * FROM organizations WHERE id = ?1")?.query_row([id], from_row)
}

/// Refuses when the members there are and the ones `coming` do not all have a seat.
pub(super) fn check_seats(tx: &Transaction<'_>, id: Id, coming: u32) -> Result<(), Problem> {
    let is_full = tx
        .prepare_cached(
            "SELECT ifnull(?2 + (SELECT count(*) FROM members WHERE organization_id = ?1) > seats_max, FALSE)
             FROM organizations WHERE id = ?1",
        )?
        .query_row((id, coming), |row| row.get(0))?;
    if is_full {
        return Err(Problem::new(Code::UpgradeRequired, "every seat of the organization is taken"));
    }
    Ok(())
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Value> {
    Ok(json!({
        "id": text(row, "id")?,
        "slug": text(row, "slug")?,
        "name": text(row, "name")?,
        "description": text(row, "description")?,
        "country": text(row, "country")?,
        "business_information": text(row, "business_information")?,
        "timezone": text(row, "timezone")?,
        "owner_user_id": text(row, "owner_user_id")?,
        "created_by_user_id": text(row, "created_by_user_id")?,
        "metadata": object(row, "metadata")?,
        "extensions": object(row, "extensions")?,
        "created_at": text(row, "created_at")?,
        "updated_at": text(row, "updated_at")?,
    }))
}
