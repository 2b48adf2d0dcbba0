//! Lists that a dialect does not page: all pages of the backend become one answer, up to a bound.

use http::StatusCode;

use super::answer::Answer;
use crate::canonical::api::{Call, PageNames};
use crate::json::{Document, Kind, Limits, Value, Writer};
use crate::problem::Problem;

/// Items that are asked for at a time.
const PAGE_ITEMS: u32 = 1000;

/// Items that a page has in the mean, at least, of a list that takes many: few backends give so little at a time, however
/// much they are asked for.
const PAGE_ITEMS_MIN: u32 = 20;

/// How many pages may have fewer.
const PAGES_SPARE: u32 = 10;

/// How many items the first call asks for when at most `most` are gathered.
pub fn first_limit(most: u32) -> u32 {
    most.min(PAGE_ITEMS)
}

/// How many pages a list of at most `most` items may have.
pub fn pages_max(most: u32) -> u32 {
    most / PAGE_ITEMS_MIN + PAGES_SPARE
}

/// A list of which one page after the other comes.
#[derive(Debug)]
pub struct Gathered<'a> {
    names: &'a PageNames,
    call: &'a Call,
    most: u32,
    /// The first page, if it is all there is.
    only: Option<Answer>,
    status: StatusCode,
    /// The items of all pages so far, of a list that has several.
    items: Writer,
    seen: u64,
    pages: u32,
}

impl<'a> Gathered<'a> {
    /// The list that `call` asks for, of at most `most` items, before any page of it has come.
    pub fn new(names: &'a PageNames, call: &'a Call, most: u32) -> Gathered<'a> {
        let (only, status, items) = (None, StatusCode::OK, Writer::new());
        Gathered { names, call, most, only, status, items, seen: 0, pages: 0 }
    }

    /// Takes the next page. Gives the call for the items after it; none if they are all there are.
    ///
    /// # Errors
    ///
    /// 502 if it is no list, or one page after the other has next to nothing; 500 if there are more than `most` items: what is
    /// cut off in silence would look complete.
    pub fn take(&mut self, answer: Answer) -> Result<Option<Call>, Box<Problem>> {
        let (items, total) = page(self.names, &answer)?;
        let count = items.len() as u64;
        self.pages += 1;
        self.seen += count;
        // A page without items ends a list whatever it says of its length.
        let is_last = self.seen >= total || count == 0;
        if is_last && self.pages == 1 {
            self.only = Some(answer);
            return Ok(None);
        }
        if self.pages == 1 {
            self.status = answer.status;
            self.items.object_begin();
            self.items.key(&self.names.items);
            self.items.array_begin();
        }
        items.elements().for_each(|item| self.items.value(item));
        if is_last {
            return Ok(None);
        }
        let Gathered { most, seen, pages, .. } = *self;
        if total > u64::from(most) {
            let cause = format!("a list has {total} items, and at most {most} are gathered");
            return Err(Box::new(Problem::internal(cause)));
        }
        if pages >= pages_max(most) {
            let cause = format!("a list does not get on: {pages} pages have {seen} of {total} items");
            return Err(Box::new(Problem::bad_gateway("invalid-answer", cause)));
        }
        let mut next = self.call.clone();
        next.query.retain(|(name, _)| **name != *self.names.offset);
        next.query.push((self.names.offset.as_str().into(), seen.to_string()));
        Ok(Some(next))
    }

    /// All pages as one.
    ///
    /// # Errors
    ///
    /// 502 if they are too much for one answer; 500 if there is none.
    pub fn joined(self) -> Result<Answer, Box<Problem>> {
        if let Some(only) = self.only {
            return Ok(only);
        }
        if self.pages == 0 {
            return Err(Box::new(Problem::internal("a list was gathered from no page")));
        }
        let mut out = self.items;
        out.array_end();
        out.key(&self.names.total);
        out.integer(i64::try_from(self.seen).unwrap_or(i64::MAX));
        out.object_end();
        let text = out.into_vec();
        // How many values a page has is bounded, and so is how many bytes all of them have.
        let limits = Limits { bytes_max: text.len(), nodes_max: usize::MAX, ..Limits::default() };
        let body = Document::parse(text, &limits).map_err(|error| {
            Problem::bad_gateway("invalid-answer", format!("the pages do not fit together: {error}"))
        })?;
        Ok(Answer { status: self.status, body: Some(body) })
    }
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

    /// What becomes of a list of which these pages come, where at most ten items are gathered: the offset that is asked for
    /// last, and what it comes to.
    fn gathered(pages: &[&str]) -> (Option<String>, Result<String, Problem>) {
        let (names, call) = (PageNames::usual(), call());
        let mut list = Gathered::new(&names, &call, 10);
        let mut offset = None;
        for page in pages {
            match list.take(answer(page)) {
                Ok(None) => break,
                Ok(Some(next)) => {
                    assert_eq!(next.query[0], ("limit".into(), "2".to_owned()));
                    offset = Some(next.query[1].1.clone());
                }
                Err(problem) => return (offset, Err(*problem)),
            }
        }
        let joined = list.joined().map(|answer| answer.body.unwrap().text().to_owned());
        (offset, joined.map_err(|problem| *problem))
    }

    fn refused(pages: &[&str]) -> (u16, String) {
        let problem = gathered(pages).1.unwrap_err();
        (problem.status.get().as_u16(), problem.cause.unwrap_or_default())
    }

    #[test]
    fn pages_are_asked_for_until_all_items_are_there() {
        let pages = [r#"{"items":[1,2],"total":3}"#, r#"{"items":[3],"total":3}"#, "is not asked for"];
        let (offset, list) = gathered(&pages);
        assert_eq!(
            (offset.as_deref(), list.unwrap().as_str()),
            (Some("2"), r#"{"items":[1,2,3],"total":3}"#)
        );
    }

    #[test]
    fn a_page_that_is_all_there_is_stays_as_it_is() {
        let only = r#"{"items": [1], "total": 1, "more": 2}"#;
        let (offset, list) = gathered(&[only, "is not asked for"]);
        assert_eq!((offset, list.unwrap().as_str()), (None, only));
    }

    #[test]
    fn what_fits_on_its_pages_fits_together() {
        let (names, call) = (PageNames::usual(), call());
        let mut list = Gathered::new(&names, &call, 3);
        let body = format!(r#"{{"items":[[{}0]],"total":3}}"#, "0,".repeat(100_000));
        while list.take(answer(&body)).unwrap().is_some() {}
        let items = list.joined().unwrap().body.unwrap();
        assert_eq!(items.root().member("items").unwrap().len(), 3);
    }

    #[test]
    fn an_empty_page_ends_a_list_that_shrank() {
        let (offset, list) = gathered(&[r#"{"items":[1],"total":3}"#, r#"{"items":[],"total":3}"#, "none"]);
        assert_eq!((offset.as_deref(), list.unwrap().as_str()), (Some("1"), r#"{"items":[1],"total":1}"#));
    }

    #[test]
    fn a_list_that_is_too_long_is_not_cut_off_in_silence() {
        assert_eq!(refused(&[r#"{"items":[1],"total":11}"#]).0, 500);
    }

    #[test]
    fn a_list_that_does_not_get_on_is_given_up() {
        let (names, call) = (PageNames::usual(), call());
        // The most items that are gathered, how many come on each page, and how many pages are taken of a list of so many.
        for (most, on_each, pages, is_told) in
            [(1000, 1, 60, false), (1000, 17, 59, true), (10_000, 1, 510, false), (10_000, 20, 500, true)]
        {
            let body = format!(r#"{{"items":[{}0],"total":{most}}}"#, "0,".repeat(on_each - 1));
            let mut list = Gathered::new(&names, &call, most);
            let mut taken = 0;
            let end = loop {
                taken += 1;
                match list.take(answer(&body)) {
                    Ok(Some(_)) => {}
                    Ok(None) => break None,
                    Err(problem) => break Some((problem.status.get().as_u16(), problem.code)),
                }
            };
            let expected = (!is_told).then(|| (502, "invalid-answer".into()));
            assert_eq!((taken, end), (pages, expected), "{most} at {on_each} a page");
        }
    }

    #[test]
    fn what_is_no_list_is_the_backends_fault() {
        for body in ["[]", "{}", r#"{"items":{},"total":1}"#, r#"{"items":[],"total":-1}"#] {
            assert_eq!(refused(&[body]).0, 502, "{body}");
        }
    }
}
