//! Which page of a dialect's list holds the part of it that a canonical call wants.

use crate::canonical::api::{Api, Call, PageNames};
use crate::dialect::Operation;
use crate::dialect::page::{Page, Style, Wanted};
use crate::json::{Document, Kind, Limits, Writer};
use crate::problem::{Place, Problem, Root, Violation};
use crate::translate::answer::Answer;

/// A part of the list that a dialect's answer tells.
///
/// Law: what it takes begins where the call begins, and is no more than the call wants. It may be less, as pages of the
/// canonical API may be; it is never nothing where the call wants something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The page that is asked for; none if the answer tells all of the list.
    pub page: Option<Wanted>,
    /// How many of the items that are told come before those that are wanted.
    pub skip: u64,
    /// How many items are wanted; none is all there are.
    pub take: Option<u64>,
}

impl Window {
    /// The window of a call that asks for a list; none for other calls.
    pub(super) fn of(api: &Api, call: &Call, operation: &Operation) -> Result<Option<Window>, Box<Problem>> {
        let names = &api.page;
        let takes = |name: &str| call.operation.query.iter().any(|known| known == name);
        if !takes(&names.limit) || !takes(&names.offset) {
            return Ok(None);
        }
        let (limit, offset) = (number(call, &names.limit)?, number(call, &names.offset)?.unwrap_or(0));
        let Some(page) = &operation.page else {
            return Ok(Some(Window { page: None, skip: offset, take: limit }));
        };
        match on_a_page(page, limit.unwrap_or(page.default.into()), offset) {
            Some(window) => Ok(Some(window)),
            None => Err(Box::new(Problem::inexpressible(format!(
                "`{}` of the backend's API cannot begin its list there: its pages lead from one to the next",
                operation.name
            )))),
        }
    }
}

impl Window {
    /// The wanted part of a list that was told, in canonical words. How many items there are on all pages is what was told
    /// of them: a page with fewer items than were asked for need not be the last.
    pub fn cut(&self, names: &PageNames, answer: Answer) -> Result<Answer, Box<Problem>> {
        let Answer { status, body: Some(body) } = answer else { return Ok(answer) };
        let Some(items) = body.root().member(&names.items).filter(|items| items.kind() == Kind::Array) else {
            return Ok(Answer { status, body: Some(body) });
        };
        let total = body.root().member(&names.total).filter(|total| !total.is_null());
        let total = total.map(|total| total.raw().to_owned());
        // A list without pages is all that the dialect tells.
        let total = total.or_else(|| self.page.is_none().then(|| items.len().to_string()));
        let mut out = Writer::with_capacity(body.root().raw().len());
        out.object_begin();
        out.key(&names.items);
        out.array_begin();
        let places = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let wanted = items.elements().skip(places(self.skip)).take(self.take.map_or(usize::MAX, places));
        wanted.for_each(|item| out.value(item));
        out.array_end();
        if let Some(total) = total {
            out.key(&names.total);
            out.raw(&total);
        }
        out.object_end();
        let text = out.into_vec();
        let limits = Limits { bytes_max: text.len(), nodes_max: usize::MAX, ..Limits::default() };
        let document = Document::parse(text, &limits);
        let document = document.map_err(|error| Problem::bad_gateway("invalid-answer", error.to_string()))?;
        Ok(Answer { status, body: Some(document) })
    }
}

/// A number in the query of a call.
fn number(call: &Call, name: &str) -> Result<Option<u64>, Box<Problem>> {
    let Some((_, text)) = call.query.iter().find(|(given, _)| **given == *name) else { return Ok(None) };
    let number = text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    number.map(Some).ok_or_else(|| {
        let place = Place::parameter(Root::Query, name);
        let message = "must be an integer from 0".to_owned();
        Box::new(Problem::invalid(vec![Violation { place, kind: "type".into(), message }]))
    })
}

/// The page that holds as many items from `offset` on as one page can, up to `limit`.
fn on_a_page(page: &Page, limit: u64, offset: u64) -> Option<Window> {
    let most = u64::from(page.most.max(1));
    let wanted = limit.clamp(1, most);
    let (size, skip) = match page.style {
        Style::Offset => (wanted, 0),
        // Only the first page has a name.
        Style::Cursor => (offset.saturating_add(wanted).min(most), offset),
        Style::Number if offset.is_multiple_of(wanted) => (wanted, 0),
        Style::Number => {
            // The smallest page with the most of what is wanted on it. One of size 1 always begins there.
            let told = |size: u64| (size - offset % size).min(wanted);
            let size = (1..=most).rev().max_by_key(|size| told(*size))?;
            (size, offset % size)
        }
    };
    if skip >= size {
        return None;
    }
    let page = Wanted { limit: u32::try_from(size).ok()?, offset: offset - skip };
    Some(Window { page: Some(page), skip, take: Some(limit.min(size - skip)) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn page(style: Style, most: u32) -> Page {
        let (start, limit) = ("start".to_owned(), "size".to_owned());
        Page { style, start, limit, default: 20.min(most), most, fields: Vec::new() }
    }

    #[test]
    fn a_part_that_is_a_page_is_asked_for_as_it_is() {
        for style in [Style::Number, Style::Offset] {
            let window = on_a_page(&page(style, 100), 25, 50).unwrap();
            let asked = Wanted { limit: 25, offset: 50 };
            assert_eq!(window, Window { page: Some(asked), skip: 0, take: Some(25) }, "{style:?}");
        }
    }

    #[test]
    fn a_part_across_two_pages_is_taken_from_a_longer_one() {
        let window = on_a_page(&page(Style::Number, 100), 20, 30).unwrap();
        let asked = Wanted { limit: 25, offset: 25 };
        assert_eq!(window, Window { page: Some(asked), skip: 5, take: Some(20) });
    }

    #[test]
    fn pages_that_lead_from_one_to_the_next_have_one_name() {
        let cursor = page(Style::Cursor, 100);
        let window = on_a_page(&cursor, 20, 30).unwrap();
        let asked = Wanted { limit: 50, offset: 0 };
        assert_eq!(window, Window { page: Some(asked), skip: 30, take: Some(20) });
        assert_eq!(on_a_page(&cursor, 20, 90).unwrap().take, Some(10), "shorter, as pages may be");
        assert_eq!(on_a_page(&cursor, 20, 100), None);
    }

    #[test]
    fn a_short_page_is_not_taken_for_the_last() {
        let names = PageNames::usual();
        let window = on_a_page(&page(Style::Cursor, 1000), 1000, 0).unwrap();
        for (told, cut) in [
            (r#"{"items":[1,2]}"#, r#"{"items":[1,2]}"#),
            (r#"{"items":[1,2],"total":2}"#, r#"{"items":[1,2],"total":2}"#),
        ] {
            let body = Some(Document::parse(told.into(), &Limits::default()).unwrap());
            let answer = window.cut(&names, Answer { status: http::StatusCode::OK, body }).unwrap();
            assert_eq!(answer.body.unwrap().text(), cut);
        }
    }

    proptest! {
        #[test]
        fn what_is_taken_begins_where_the_call_does(
            style in prop_oneof![Just(Style::Cursor), Just(Style::Number), Just(Style::Offset)],
            most in 1_u32..300,
            limit in 0_u64..400,
            offset in 0_u64..2000,
        ) {
            let page = page(style, most);
            if let Some(Window { page: Some(asked), skip, take: Some(take) }) = on_a_page(&page, limit, offset) {
                prop_assert_eq!(asked.offset + skip, offset);
                prop_assert!(take <= limit && skip + take <= u64::from(asked.limit));
                prop_assert!(take > 0 || limit == 0);
                prop_assert!(asked.limit <= most);
                let query = page.asks(asked).unwrap();
                prop_assert_eq!(page.wanted(&query).unwrap(), asked, "the dialect reads the page so");
            } else {
                prop_assert!(style == Style::Cursor && offset >= u64::from(most));
            }
        }
    }
}
