//! From one page of a dialect's list to the next, as the dialect pages: by what an answer says comes next, or by counting.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::dialect::Page;
use crate::dialect::page::{PageSlot, Wanted};
use crate::json::{Kind, Value};
use crate::translate::reverse::told::{value_at, way_to};

/// Items of a page, if the dialect allows as many.
const ITEMS: u32 = 500;

/// A page that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    wanted: Wanted,
    /// What it is called by, if the page before said so.
    start: Option<String>,
}

impl Turn {
    /// The first page of a list, or all of one without pages.
    pub fn first(page: Option<&Page>) -> Turn {
        let limit = page.map_or(ITEMS, |page| page.most.min(ITEMS));
        Turn { wanted: Wanted { limit, offset: 0 }, start: None }
    }

    /// The parameters that ask for it.
    pub(super) fn query(&self, page: Option<&Page>) -> Vec<(Box<str>, String)> {
        let Some(page) = page else { return Vec::new() };
        let start = match &self.start {
            Some(start) => vec![(page.start.as_str().into(), start.clone())],
            None => return page.asks(self.wanted).unwrap_or_default(),
        };
        let limit = (page.limit.as_str().into(), self.wanted.limit.to_string());
        start.into_iter().chain([limit]).collect()
    }

    /// The page after this one, which had so many items; none if this is the last. A page that is said to come after itself
    /// is none.
    ///
    /// # Errors
    ///
    /// Why nobody can tell what comes next, although something does.
    pub fn next(
        &self,
        page: Option<&Page>,
        answer: Value<'_>,
        shown: usize,
    ) -> Result<Option<Turn>, &'static str> {
        match page {
            Some(page) => self.after(page, answer, shown as u64),
            None => Ok(None),
        }
    }

    fn after(&self, page: &Page, answer: Value<'_>, shown: u64) -> Result<Option<Turn>, &'static str> {
        let (limit, offset) = (u64::from(self.wanted.limit), self.wanted.offset);
        let at = |offset| Wanted { offset, ..self.wanted };
        let says = |slot| way_to(page, slot).is_some();
        let said = |slot| value_at(answer, way_to(page, slot)?).filter(|value| !value.is_null());
        let named = if says(PageSlot::Next) {
            Some(said(PageSlot::Next).and_then(text))
        } else if says(PageSlot::NextUrl) {
            let url = said(PageSlot::NextUrl).and_then(Value::as_str);
            Some(url.and_then(|url| start_in(&url, &page.start)))
        } else {
            None
        };
        if let Some(start) = named {
            let other = start.filter(|start| !start.is_empty() && self.start.as_ref() != Some(start));
            return Ok(other.map(|start| Turn { wanted: at(offset + limit), start: Some(start) }));
        }
        let total = said(PageSlot::Total).and_then(Value::as_i64);
        let has_more = match (said(PageSlot::HasNext).and_then(Value::as_bool), total) {
            (Some(has_next), _) => has_next,
            (None, Some(total)) => u64::try_from(total).is_ok_and(|total| offset + shown < total),
            // Nobody says how many there are: a page with room left is the end.
            (None, None) => shown >= limit,
        };
        if !has_more {
            return Ok(None);
        }
        // A side may have given fewer than were asked for. It is asked for the rest, if the dialect can ask for that.
        let next = [shown, limit].into_iter().find(|step| {
            let is_whole = *step > 0 && *step <= shown;
            is_whole && page.asks(at(offset + step)).is_some()
        });
        let next = next.ok_or("its pages are shorter than was asked for")?;
        Ok(Some(Turn { wanted: at(offset + next), start: None }))
    }
}

fn text(value: Value<'_>) -> Option<String> {
    match value.kind() {
        Kind::String => value.as_str().map(Cow::into_owned),
        Kind::Integer => Some(value.raw().to_owned()),
        _ => None,
    }
}

/// What the next page is called by in its address.
fn start_in(url: &str, parameter: &str) -> Option<String> {
    let query = url.split_once('?')?.1;
    let query = query.split('#').next().unwrap_or_default();
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| percent_decode_str(name).eq(parameter.bytes()))?;
    percent_decode_str(value).decode_utf8().ok().map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::page::Style;
    use crate::json::{Document, Limits};

    fn page(style: Style, slots: &[(&str, PageSlot)]) -> Page {
        let fields = slots.iter().map(|(name, slot)| (vec![Box::from(*name)], *slot)).collect();
        Page { style, start: "start".to_owned(), limit: "size".to_owned(), default: 20, most: 50, fields }
    }

    /// What is asked for after a page with so many items that says this.
    fn after_some(page: &Page, turn: &Turn, said: &str, shown: usize) -> Option<String> {
        let answer = Document::parse(said.into(), &Limits::default()).unwrap();
        let next = turn.next(Some(page), answer.root(), shown).unwrap()?;
        let query = next.query(Some(page));
        Some(query.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&"))
    }

    /// The same after a full page.
    fn after(page: &Page, turn: &Turn, said: &str) -> Option<String> {
        after_some(page, turn, said, 50)
    }

    #[test]
    fn the_next_page_is_the_one_that_the_answer_names() {
        let words = page(Style::Cursor, &[("next", PageSlot::Next)]);
        let turn = Turn::first(Some(&words));
        assert_eq!(turn.query(Some(&words)), [("size".into(), "50".to_owned())]);
        let named = after(&words, &turn, r#"{"next":"x/1"}"#);
        assert_eq!(named.as_deref(), Some("start=x/1&size=50"));
        for last in ["{}", r#"{"next":null}"#, r#"{"next":""}"#] {
            assert_eq!(after(&words, &turn, last), None, "{last}");
        }
        let again = Turn { start: Some("x".to_owned()), ..turn };
        assert_eq!(after(&words, &again, r#"{"next":"x"}"#), None, "a page does not come after itself");

        let addresses = page(Style::Number, &[("next", PageSlot::NextUrl), ("count", PageSlot::Total)]);
        let turn = Turn::first(Some(&addresses));
        let said = r#"{"next":"https://old.example/things?q=1&start=a%2Fb","count":9}"#;
        assert_eq!(after(&addresses, &turn, said).as_deref(), Some("start=a/b&size=50"));
        assert_eq!(after(&addresses, &turn, r#"{"next":null,"count":900}"#), None);
    }

    #[test]
    fn pages_that_nobody_names_are_counted_until_the_end_that_is_said() {
        let numbers = page(Style::Number, &[("count", PageSlot::Total)]);
        let turn = Turn::first(Some(&numbers));
        assert_eq!(after(&numbers, &turn, r#"{"count":51}"#).as_deref(), Some("start=2&size=50"));
        assert_eq!(after(&numbers, &turn, r#"{"count":50}"#), None);
        let flags = page(Style::Offset, &[("more", PageSlot::HasNext)]);
        let turn = Turn::first(Some(&flags));
        assert_eq!(after(&flags, &turn, r#"{"more":true}"#).as_deref(), Some("start=50&size=50"));
        assert_eq!(after(&flags, &turn, r#"{"more":false}"#), None);
        let bare = page(Style::Offset, &[]);
        assert_eq!(after(&bare, &turn, "[]").as_deref(), Some("start=50&size=50"));
        let nothing = Document::parse(b"[]".to_vec(), &Limits::default()).unwrap();
        assert_eq!(turn.next(Some(&bare), nothing.root(), 0), Ok(None));
        assert_eq!(turn.next(Some(&bare), nothing.root(), 49), Ok(None), "a page with room left is the end");
        assert_eq!(turn.next(None, nothing.root(), 3), Ok(None), "without pages there is one answer");
    }

    #[test]
    fn a_page_that_is_shorter_than_was_asked_for_leaves_no_hole() {
        let offsets = page(Style::Offset, &[("count", PageSlot::Total)]);
        let turn = Turn::first(Some(&offsets));
        let rest = after_some(&offsets, &turn, r#"{"count":45}"#, 20);
        assert_eq!(rest.as_deref(), Some("start=20&size=50"), "the next begins where this one ended");
        assert_eq!(after_some(&offsets, &turn, r#"{"count":20}"#, 20), None);
        // More than was asked for is no page less.
        assert_eq!(after_some(&offsets, &turn, r#"{"count":60}"#, 60), None);

        let numbers = page(Style::Number, &[("count", PageSlot::Total)]);
        let said = Document::parse(br#"{"count":45}"#.to_vec(), &Limits::default()).unwrap();
        for (page, shown) in [(&numbers, 20), (&numbers, 0), (&offsets, 0)] {
            let refused = turn.next(Some(page), said.root(), shown);
            assert_eq!(refused, Err("its pages are shorter than was asked for"), "{shown}");
        }
    }
}
