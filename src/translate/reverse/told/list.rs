//! Lists: out of the dialect's frame, or out of a bare array, to the items and how many there are on all pages.

use std::sync::Arc;

use super::reading::{Spot, Telling, Way};
use super::{Lifting, document};
use crate::canonical::api::Api;
use crate::dialect::operation::{Answer, AnswerBody, AnswerPlan};
use crate::dialect::page::{PageSlot, Wanted};
use crate::dialect::{Operation, Page};
use crate::json::{Document, Kind, Value, Writer};
use crate::lens::Lens;
use crate::problem::{Problem, Segment};

/// How surely it is told whether there are items, and how many there are on all pages.
pub(super) fn spots(api: &Api, operation: &Operation, plan: &Answer) -> Vec<Spot> {
    let AnswerBody::Items { omits, only, .. } = &plan.body else { return Vec::new() };
    let is_cut = omits.is_some() || !only.is_empty();
    let says_total = |page: &Page| page.fields.iter().any(|(_, slot)| *slot == PageSlot::Total);
    let total = match &operation.page {
        Some(page) => says_total(page), // else the last page says it, and no other does
        None => !is_cut,
    };
    let spot = |name: &str, is_exact| {
        let telling = if is_exact { Telling::Exactly } else { Telling::Roughly };
        Spot { at: vec![Way::Name(name.into())], telling, whole: false }
    };
    vec![spot(&api.page.items, !is_cut), spot(&api.page.total, total)]
}

impl<'t> Lifting<'t> {
    /// Reads a list. `is_cut` says that items may have been left out of it.
    pub(super) fn list(
        &mut self,
        lens: &Arc<Lens>,
        body: Value<'t>,
        under: &[Box<str>],
        is_cut: bool,
    ) -> Result<Document, Box<Problem>> {
        let reader = self.reader;
        let page = reader.operation.page.as_deref();
        let way = items_at(page, under);
        let items = value_at(body, way).filter(|items| items.kind() == Kind::Array);
        let items =
            items.ok_or_else(|| Box::new(Problem::bad_gateway("invalid-answer", "the answer is no list")))?;
        let mut out = Writer::with_capacity(items.raw().len());
        out.object_begin();
        out.key(&reader.items);
        out.array_begin();
        for (index, item) in items.elements().enumerate() {
            let place = self.run.place();
            place.clear();
            place.extend(way.iter().map(|name| Segment::Name(name.to_string())));
            place.push(Segment::Index(index));
            self.value(lens, item, &mut out)?;
        }
        self.run.place().clear();
        out.array_end();
        let shown = items.len() as u64;
        let total = match page {
            Some(page) => total(page, body, shown, self.asked.page, is_cut),
            None => (!is_cut).then_some(shown),
        };
        if let Some(total) = total.and_then(|total| i64::try_from(total).ok()) {
            out.key(&reader.total);
            out.integer(total);
        }
        out.object_end();
        if self.needs.is_empty() { document(out.into_vec()) } else { document(b"null".to_vec()) }
    }
}

/// How many items there are on all pages, as far as one page of them says. `is_cut` says that items may have been left out
/// of it.
pub fn total(page: &Page, body: Value<'_>, shown: u64, wanted: Option<Wanted>, is_cut: bool) -> Option<u64> {
    if page.fields.is_empty() {
        bare_total(shown, wanted, is_cut)
    } else {
        framed_total(page, body, shown, wanted)
    }
}

/// How many items there are, as a frame says it: in so many words, or by saying that nothing comes after these.
fn framed_total(page: &Page, body: Value<'_>, shown: u64, wanted: Option<Wanted>) -> Option<u64> {
    let told = |slot| value_at(body, way_to(page, slot)?);
    if let Some(total) = told(PageSlot::Total) {
        return total.as_i64().and_then(|total| u64::try_from(total).ok());
    }
    let names = |slot| way_to(page, slot).is_some();
    let is_last = if names(PageSlot::HasNext) {
        told(PageSlot::HasNext)?.as_bool() == Some(false)
    } else if names(PageSlot::NextUrl) {
        told(PageSlot::NextUrl).is_none_or(Value::is_null)
    } else if names(PageSlot::Next) {
        told(PageSlot::Next).is_none_or(Value::is_null)
    } else {
        false
    };
    let offset = wanted?.offset;
    // A page past the end does not say where the end is.
    (is_last && (shown > 0 || offset == 0)).then_some(offset + shown)
}

/// How many items there are if a page of them stands alone and has room left.
fn bare_total(shown: u64, wanted: Option<Wanted>, is_cut: bool) -> Option<u64> {
    let wanted = wanted.filter(|_| !is_cut)?;
    let is_last = shown < u64::from(wanted.limit) && (shown > 0 || wanted.offset == 0);
    is_last.then_some(wanted.offset + shown)
}

/// The way to the list in an answer of an operation, if it answers one.
pub(in crate::translate::reverse) fn list_at(operation: &Operation) -> Option<&[Box<str>]> {
    let AnswerPlan::One(plans) = &operation.answer else { return None };
    let under = plans.iter().find_map(|plan| match &plan.body {
        AnswerBody::Items { under, .. } => Some(under.as_slice()),
        AnswerBody::Constant(_) | AnswerBody::Empty | AnswerBody::Lens(_) => None,
    })?;
    Some(items_at(operation.page.as_deref(), under))
}

/// The way to a list: the member that its frame has for it, or where it lies if it has none.
pub(super) fn items_at<'a>(page: Option<&'a Page>, under: &'a [Box<str>]) -> &'a [Box<str>] {
    match page.filter(|page| !page.fields.is_empty()) {
        Some(page) => way_to(page, PageSlot::Items).unwrap_or_default(),
        None => under,
    }
}

/// The way to the member of a page's answer that holds that.
pub(in crate::translate::reverse) fn way_to(page: &Page, slot: PageSlot) -> Option<&[Box<str>]> {
    page.fields.iter().find(|(_, known)| *known == slot).map(|(way, _)| way.as_slice())
}

/// What lies at the end of a way.
pub(in crate::translate::reverse) fn value_at<'v>(body: Value<'v>, way: &[Box<str>]) -> Option<Value<'v>> {
    way.iter().try_fold(body, |value, name| value.member(name))
}
