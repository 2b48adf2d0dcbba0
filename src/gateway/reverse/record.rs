//! A record that the dialect tells in a list alone: it is looked for there.

use std::sync::Arc;

use super::look::Trail;
use super::{Reverse, send_as};
use crate::canonical::api::{Call, Operation, PathPart};
use crate::gateway::fetch::Caller;
use crate::gateway::resolve::{PAGE_ROWS, ROWS_MAX};
use crate::json::{Document, Limits, Value};
use crate::problem::Problem;
use crate::translate::answer::Answer;

/// Looks for the record.
pub(super) async fn find(
    caller: &Caller<'_>,
    reverse: &Reverse,
    call: &Call,
    list: &Arc<Operation>,
    trail: Trail<'_>,
) -> Result<Answer, Box<Problem>> {
    let names = &caller.shared().registry.api().page;
    let unsaid = || {
        let (list, dialect) = (&list.name, reverse.dialect());
        let name = &call.operation.name;
        let reason = format!(
            "the backend's API, `{dialect}`, has no operation for `{name}`, and that for `{list}` tells no ids"
        );
        Box::new(Problem::inexpressible(reason))
    };
    let wanted = match call.operation.path.last() {
        Some(PathPart::Parameter(name)) => call.parameter(name),
        Some(PathPart::Literal(_)) | None => None,
    };
    let (Some(id), Some(wanted)) = (names.id.as_deref(), wanted) else { return Err(unsaid()) };
    let around = call.path.iter().filter(|(name, _)| list.parameters().any(|known| *known == **name));
    let path: Vec<_> = around.cloned().collect();
    let (status, _) = call.operation.answers.first().ok_or_else(unsaid)?;
    let mut seen = 0;
    loop {
        let query = [(names.limit.as_str(), PAGE_ROWS), (names.offset.as_str(), seen)];
        let query = query.into_iter().map(|(name, number)| (name.into(), number.to_string())).collect();
        let page = Call { operation: Arc::clone(list), path: path.clone(), query, body: None };
        let answer = send_as(caller, reverse, &page, None, trail).await?;
        let document = answer.body.ok_or_else(unsaid)?;
        let items = document.root().member(&names.items).ok_or_else(unsaid)?;
        for item in items.elements() {
            let told = item.member(id).and_then(Value::as_str).ok_or_else(unsaid)?;
            if told == wanted {
                let text = item.raw().as_bytes().to_vec();
                let limits = Limits { bytes_max: text.len(), ..Limits::default() };
                let body = Document::parse(text, &limits).map_err(|_| unsaid())?;
                return Ok(Answer { status: *status, body: Some(body) });
            }
        }
        seen += items.len();
        let total = document.root().member(&names.total).and_then(Value::as_i64);
        // Where nobody says how many there are, only an empty page is the end.
        let is_all = total.and_then(|total| usize::try_from(total).ok()).is_some_and(|total| seen >= total);
        if items.is_empty() || is_all {
            return Err(Box::new(Problem::no_such_resource()));
        }
        if seen >= ROWS_MAX {
            return Err(Box::new(Problem::internal("a list is too long to be looked through")));
        }
    }
}
