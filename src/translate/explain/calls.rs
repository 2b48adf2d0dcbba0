//! What is told of lifting: the steps of each call, and the page that is asked for.

use super::{Explanation, Phase, Section};
use crate::canonical::api::PageNames;
use crate::diag::Span;
use crate::dialect::Page;
use crate::dialect::page::Wanted;
use crate::lens::Field;
use crate::lens::explain::{How, Outcome, Sort, Told};
use crate::lens::path::Address;
use crate::problem::{Place, Root};
use crate::translate::Request;

impl Explanation {
    /// Lifting begins, or begins again with more that is known.
    pub(in crate::translate) fn lifts(&mut self) {
        self.forget(Phase::Lift);
    }

    /// A call was made of the request, or of one of its items.
    pub(in crate::translate) fn lifted(
        &mut self,
        request: &Request,
        calls: &str,
        mut told: Vec<Told>,
        wanted: Option<(Wanted, &PageNames)>,
    ) {
        if let Some(page) = request.operation.page.as_deref() {
            // The lens does not know them, but they are read all the same.
            let is_of_page = |place: &Place| {
                [&page.start, &page.limit].iter().any(|name| *place == Place::parameter(Root::Query, name))
            };
            told.retain(|told| !told.from.as_ref().is_some_and(is_of_page));
        }
        if let Some((wanted, names)) = wanted {
            told.extend(match request.operation.page.as_deref() {
                Some(page) => self.paged(request, page, names),
                None => self.gathered(request, wanted, names),
            });
        }
        let number = 1 + self.sections.iter().filter(|section| section.phase == Phase::Lift).count();
        self.add(Phase::Lift, format!("call {number}, {calls}"), told);
    }

    /// Of the call of that index these fields are left out, since they are what the client was told.
    pub(in crate::translate) fn kept(&mut self, index: usize, fields: &[&Field]) {
        let places: Vec<Place> = fields
            .iter()
            .flat_map(|field| field.right.iter().chain(field.when.tag.as_ref().map(|(tag, _)| tag)))
            .map(|at| Place { root: at.root, segments: at.segments() })
            .collect();
        let is_kept = |to: &Place| {
            places.iter().any(|kept| to.root == kept.root && to.segments.starts_with(&kept.segments))
        };
        let title = format!("call {}, ", index + 1);
        let of_call =
            |section: &&mut Section| section.phase == Phase::Lift && section.title.starts_with(&title);
        for told in self.sections.iter_mut().filter(of_call).flat_map(|section| &mut section.told) {
            let keeps = told.to.as_ref().is_some_and(is_kept);
            told.outcome = match (&told.outcome, keeps) {
                (Outcome::Written(sort) | Outcome::Around(sort), true) => Outcome::Kept(*sort),
                // The record was looked at again, and somebody had changed it.
                (Outcome::Kept(sort), false) => Outcome::Written(*sort),
                (outcome, _) => outcome.clone(),
            };
        }
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

    /// The page that is asked for. What a client asks for is told as a value is.
    fn paged(&self, request: &Request, page: &Page, names: &PageNames) -> [Told; 2] {
        let given = |name: &str| {
            let found = request.query.iter().find(|(given, _)| **given == *name);
            found.map(|(_, text)| text.parse::<u64>().unwrap_or_default())
        };
        let limit = match given(&page.limit) {
            None => format!("default {}", page.default),
            Some(0) => format!("none is meant as the default {}", page.default),
            Some(limit) if limit > u64::from(page.most) => {
                format!("cut to the most there may be, {}", page.most)
            }
            Some(_) => format!("as asked, of at most {}", page.most),
        };
        let start = if given(&page.start).is_some() { "as asked" } else { "from the first" };
        let line = |name: &str, from: &str, key: &str, how: &str| {
            let from = given(from).map(|_| Place::parameter(Root::Query, from));
            number(name, from, self.origin_of_call(&["page", key]), how)
        };
        [line(&names.limit, &page.limit, "limit", &limit), line(&names.offset, &page.start, "start", start)]
    }

    /// The first page of a list that is gathered.
    fn gathered(&self, request: &Request, wanted: Wanted, names: &PageNames) -> [Told; 2] {
        let origin = self.origin_of_call(&["gather"]);
        let most = request.operation.gather.unwrap_or_default();
        let how = format!("{} at a time, {most} at most", wanted.limit);
        [number(&names.limit, None, origin, &how), number(&names.offset, None, origin, "from the first")]
    }
}

/// A number that was written to the query of a call.
fn number(name: &str, from: Option<Place>, origin: Option<Span>, how: &str) -> Told {
    let outcome = Outcome::Written(Sort::written(b"0"));
    let to = Some(Place::parameter(Root::Query, name));
    Told { to, from, origin, outcome, how: vec![How::Said(how.to_owned())] }
}
