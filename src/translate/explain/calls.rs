//! What is told of lifting: the steps of each call, and the page that is asked for.

use super::{Explanation, Phase};
use crate::canonical::api::PageNames;
use crate::dialect::page::Wanted;
use crate::lens::explain::{How, Outcome, Sort, Told};
use crate::lens::path::Address;
use crate::problem::{Place, Root};

impl Explanation {
    /// Lifting begins, or begins again with more that is known.
    pub(in crate::translate) fn lifts(&mut self) {
        self.forget(Phase::Lift);
    }

    /// A call was made of the request, or of one of its items.
    pub(in crate::translate) fn lifted(
        &mut self,
        calls: &str,
        mut told: Vec<Told>,
        page: Option<Wanted>,
        names: &PageNames,
    ) {
        let operation = self.operation.clone();
        let page_of = operation.as_ref().and_then(|operation| operation.page.as_deref());
        if let Some(page) = page_of {
            // The lens does not know them, but they are read all the same.
            let is_of_page = |place: &Place| {
                [&page.start, &page.limit].iter().any(|name| *place == Place::parameter(Root::Query, name))
            };
            told.retain(|told| {
                !(told.outcome == Outcome::Ignored && told.from.as_ref().is_some_and(is_of_page))
            });
        }
        if let Some(Wanted { limit, offset }) = page {
            told.extend(self.paged(limit, offset, names));
        }
        let number = 1 + self.sections.iter().filter(|section| section.phase == Phase::Lift).count();
        self.add(Phase::Lift, format!("call {number}, {calls}"), told);
    }

    /// What nothing is made of around the items, which are at `over`.
    pub(in crate::translate) fn unread_around(&mut self, places: Vec<Place>, over: &Address) {
        let items = over.segments();
        let unread = places.into_iter().filter(|place| !items.starts_with(&place.segments));
        let told = unread.map(|place| {
            let (from, outcome, how) = (Some(place), Outcome::Ignored, Vec::new());
            Told { to: None, from, origin: None, outcome, how }
        });
        let told: Vec<_> = told.collect();
        if !told.is_empty() {
            self.add(Phase::Lift, "around the items", told);
        }
    }

    /// The parameters that ask the backend for a page: numbers, and nobody's data.
    fn paged(&self, limit: u32, offset: u64, names: &PageNames) -> Vec<Told> {
        let operation = self.operation.as_ref();
        let page = operation.and_then(|operation| operation.page.as_deref());
        let line = |name: &str, from: Option<&String>, origin, number: u64, how: String| Told {
            to: Some(Place::parameter(Root::Query, name)),
            from: from.map(|from| Place::parameter(Root::Query, from)),
            origin,
            outcome: Outcome::Written(Sort::written(number.to_string().as_bytes())),
            how: vec![How::Said(how)],
        };
        let Some(page) = page else {
            let most = operation.and_then(|operation| operation.gather).unwrap_or_default();
            let origin = self.origin_of_call(&["gather"]);
            let how = format!("up to {most} items are gathered, {limit} at a time");
            return vec![
                line(&names.limit, None, origin, u64::from(limit), how),
                line(&names.offset, None, origin, offset, "from the first".to_owned()),
            ];
        };
        let how = format!("as asked, at most {}, or else {}", page.most, page.default);
        vec![
            line(
                &names.limit,
                Some(&page.limit),
                self.origin_of_call(&["page", "limit"]),
                u64::from(limit),
                how,
            ),
            line(
                &names.offset,
                Some(&page.start),
                self.origin_of_call(&["page", "start"]),
                offset,
                offset.to_string(),
            ),
        ]
    }
}
