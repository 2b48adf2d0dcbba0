//! Lists that a dialect does not page: all pages of the backend become one answer, up to a bound.

use super::answer::Answer;
use crate::canonical::api::{Call, PageNames};
use crate::json::{Document, Kind, Limits, Value, Writer};
use crate::problem::Problem;

/// Items that are asked for at a time.
const PAGE_ITEMS: u32 = 1000;

/// How many items the first call asks for when at most `most` are gathered.
pub fn first_limit(most: u32) -> u32 {
    most.min(PAGE_ITEMS)
}

/// The call for the items after those of `answers`, the pages that are there. None if they are all there are.
///
/// # Errors
///
/// 502 if a page is no list; 500 if there are more than `most` items: what is cut off in silence would look complete.
pub fn next(
    names: &PageNames,
    call: &Call,
    answers: &[Answer],
    most: u32,
) -> Result<Option<Call>, Box<Problem>> {
    let (mut seen, mut last, mut total) = (0, 0, 0);
    for answer in answers {
        let (items, of) = page(names, answer)?;
        last = items.len() as u64;
        seen += last;
        total = of;
    }
    // A page without items ends a list whatever it says of its length.
    if seen >= total || last == 0 {
        return Ok(None);
    }
    if total > u64::from(most) {
        let cause = format!("a list has {total} items, and at most {most} are gathered");
        return Err(Box::new(Problem::internal(cause)));
    }
    let mut next = call.clone();
    next.query.retain(|(name, _)| **name != *names.offset);
    next.query.push((names.offset.as_str().into(), seen.to_string()));
    Ok(Some(next))
}

/// All pages as one.
///
/// # Errors
///
/// 502 if a page is no list.
pub fn joined(names: &PageNames, mut answers: Vec<Answer>) -> Result<Answer, Box<Problem>> {
    if answers.len() == 1
        && let Some(only) = answers.pop()
    {
        return Ok(only);
    }
    let mut out = Writer::new();
    let mut count = 0;
    out.object_begin();
    out.key(&names.items);
    out.array_begin();
    for answer in &answers {
        for item in page(names, answer)?.0.elements() {
            out.value(item);
            count += 1;
        }
    }
    out.array_end();
    out.key(&names.total);
    out.integer(count);
    out.object_end();
    let first = answers.first().ok_or_else(|| Problem::internal("a list was gathered from no page"))?;
    let text = out.into_vec();
    let limits = Limits { bytes_max: text.len(), ..Limits::default() };
    let body = Document::parse(text, &limits).map_err(|error| {
        Problem::bad_gateway("invalid-answer", format!("the pages do not fit together: {error}"))
    })?;
    Ok(Answer { status: first.status, body: Some(body) })
}

/// The items of a page, and how many there are on all pages.
fn page<'a>(names: &PageNames, answer: &'a Answer) -> Result<(Value<'a>, u64), Box<Problem>> {
    let invalid = |cause: &str| Box::new(Problem::bad_gateway("invalid-answer", cause));
    let body = answer.body.as_ref().map(Document::root);
    let items = body.and_then(|body| body.member(&names.items)).filter(|items| items.kind() == Kind::Array);
    let total = body.and_then(|body| body.member(&names.total)).and_then(Value::as_i64);
    let items = items.ok_or_else(|| invalid("the answer is no list"))?;
    let total = total.and_then(|total| u64::try_from(total).ok());
    Ok((items, total.ok_or_else(|| invalid("the list does not say how long it is"))?))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::{Method, StatusCode};

    use super::*;
    use crate::canonical::api::Operation;

    fn answer(body: &str) -> Answer {
        let body = Document::parse(body.into(), &Limits::default()).unwrap();
        Answer { status: StatusCode::OK, body: Some(body) }
    }

    fn call() -> Call {
        let operation = Operation {
            name: "things.list".to_owned(),
            method: Method::GET,
            path: Vec::new(),
            query: Vec::new(),
            body: None,
            reads: None,
            changes: Vec::new(),
            answers: Vec::new(),
        };
        let query = vec![("limit".into(), "2".to_owned()), ("offset".into(), "0".to_owned())];
        Call { operation: Arc::new(operation), path: Vec::new(), query, body: None }
    }

    #[test]
    fn pages_are_asked_for_until_all_items_are_there() {
        let names = PageNames::usual();
        let first = answer(r#"{"items":[1,2],"total":3}"#);
        let next = next(&names, &call(), &[first], 10).unwrap().expect("one item is missing");
        assert_eq!(next.query, [("limit".into(), "2".to_owned()), ("offset".into(), "2".to_owned())]);
        let pages = [answer(r#"{"items":[1,2],"total":3}"#), answer(r#"{"items":[3],"total":3}"#)];
        assert!(super::next(&names, &call(), &pages, 10).unwrap().is_none());
        let joined = joined(&names, pages.into()).unwrap();
        assert_eq!(joined.body.unwrap().text(), r#"{"items":[1,2,3],"total":3}"#);
    }

    #[test]
    fn an_empty_page_ends_a_list_that_shrank() {
        let pages = [answer(r#"{"items":[1],"total":3}"#), answer(r#"{"items":[],"total":3}"#)];
        assert!(next(&PageNames::usual(), &call(), &pages, 10).unwrap().is_none());
    }

    #[test]
    fn a_list_that_is_too_long_is_not_cut_off_in_silence() {
        let problem = next(&PageNames::usual(), &call(), &[answer(r#"{"items":[1],"total":11}"#)], 10);
        assert_eq!(problem.unwrap_err().status.get(), 500);
    }

    #[test]
    fn what_is_no_list_is_the_backends_fault() {
        for body in ["[]", "{}", r#"{"items":{},"total":1}"#, r#"{"items":[],"total":-1}"#] {
            assert_eq!(
                next(&PageNames::usual(), &call(), &[answer(body)], 10).unwrap_err().status.get(),
                502
            );
        }
    }
}
