//! What those write who speak canonical already: their queries are looked at as the canonical API itself would.
//!
//! No mapping says what they may ask for, and nothing would be made of what they misspell: a filter with a wrong name would be a
//! list of everything.

use crate::canonical::api::Api;
use crate::problem::Problem;
use crate::translate::Request;

/// Refuses a query that the canonical API would not understand.
///
/// # Errors
///
/// 400 for a parameter that the operation does not take, and for a page that is none.
pub fn refuse_query(api: &Api, request: &Request) -> Result<(), Box<Problem>> {
    let invalid = |detail: String| Err(Box::new(Problem::bad_request("invalid-query", detail)));
    let known = &request.operation.calls.query;
    if request.query.iter().any(|(name, _)| !known.iter().any(|known| **known == **name)) {
        return invalid(match known.as_slice() {
            [] => "this operation takes no parameters".to_owned(),
            [..] => format!("this operation takes the parameters `{}`", known.join("`, `")),
        });
    }
    for (name, most) in [(&api.page.limit, api.page.limit_max), (&api.page.offset, None)] {
        let Some((_, text)) = request.query.iter().find(|(given, _)| **given == **name) else { continue };
        // `parse` takes a plus, too.
        let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = is_digits.then(|| text.parse::<u32>().ok()).flatten();
        if number.is_none_or(|number| most.is_some_and(|most| number > most)) {
            return invalid(format!("`{name}` must be an integer from 0 to {}", most.unwrap_or(u32::MAX)));
        }
    }
    Ok(())
}
