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
