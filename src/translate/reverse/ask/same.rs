//! Whether what a request lifts to is the call that was to be made.

use std::collections::BTreeSet;

use super::{Asking, Way, Window, inexpressible, says_an_order};
use crate::canonical::api::Call;
use crate::json::{Document, Limits, Value};
use crate::problem::Problem;
use crate::translate::lift::Lifted;

impl Asking<'_, '_> {
    /// Compares, and says what differs.
    pub(super) fn compare(
        &self,
        way: &Way,
        lifted: &Lifted,
        window: Option<&Window>,
    ) -> Result<(), Box<Problem>> {
        let differs = |what: &str| Err(Box::new(inexpressible(way, what)));
        let [found] = lifted.calls.as_slice() else {
            return differs("would be more calls than one");
        };
        if lifted.is_probe || found.operation.name != self.call.operation.name {
            return differs("would be another call");
        }
        if let Some(window) = window
            && window.page.is_some()
            && window.page != lifted.page
        {
            return differs("has no name for that page of the list");
        }
        if let Some(name) = self.other_parameter(found) {
            return differs(&format!("cannot say the call's `{name}`"));
        }
        if let Some(name) = self.other_query(found) {
            return differs(&format!("cannot say the call's query parameter `{name}`"));
        }
        if let Some(name) = self.other_body(found) {
            return differs(&format!("cannot say the call's `{name}`"));
        }
        Ok(())
    }

    /// A parameter of the path that differs.
    fn other_parameter<'c>(&self, found: &'c Call) -> Option<&'c str> {
        found.operation.parameters().find(|name| found.parameter(name) != self.call.parameter(name))
    }

    /// A parameter of the query that differs, those apart that page.
    fn other_query<'c>(&'c self, found: &'c Call) -> Option<&'c str> {
        let page = &self.api.page;
        let pages = |name: &str| name == page.limit || name == page.offset;
        let is_arranged = says_an_order(page, &self.call);
        let value = |call: &'c Call, name: &str| {
            call.query.iter().find(|(given, _)| **given == *name).map(|(_, value)| value.as_str())
        };
        // Words with commas between ask for any of them, in whichever order.
        let words = |text: &'c str| text.split(',').collect::<BTreeSet<_>>();
        let names = self.call.query.iter().chain(&found.query).map(|(name, _)| &**name);
        let mut others = names.filter(|name| !pages(name)).filter(|name| {
            match (value(&self.call, name), value(found, name)) {
                (Some(wanted), Some(said)) if words(wanted) == words(said) => false,
                _ if self.latitude.any_order && page.is_arranging(name) => false,
                // Who says nothing of the order takes the dialect's own.
                (None, Some(_)) if !is_arranged && page.is_arranging(name) => false,
                (None, Some(_)) if self.latitude.any_part => false,
                _ => true,
            }
        });
        others.next()
    }

    /// A member of the body that differs, or the body as a whole.
    fn other_body(&self, found: &Call) -> Option<String> {
        let limits = |body: &Vec<u8>| Limits { bytes_max: body.len(), ..Limits::default() };
        let said = found.body.as_ref().map(|body| Document::parse(body.clone(), &limits(body)));
        let said = match said.transpose() {
            Ok(said) => said,
            Err(_not_json) => return Some("body".to_owned()),
        };
        let (wanted, said) = match (self.body.as_ref(), said.as_ref()) {
            (None, None) => return None,
            (Some(wanted), Some(said)) => (wanted.root(), said.root()),
            (Some(_), None) | (None, Some(_)) => return Some("body".to_owned()),
        };
        if wanted.same(said) {
            return None;
        }
        let names = wanted.members().chain(said.members()).map(|(name, _)| name.as_str().into_owned());
        let mut names = names.filter(|name| !self.is_meant(name, wanted.member(name), said.member(name)));
        names.next()
    }

    /// Whether a member means the same on both sides: also where it is only said on one, and is what is meant anyway.
    fn is_meant(&self, name: &str, wanted: Option<Value<'_>>, said: Option<Value<'_>>) -> bool {
        match (wanted, said) {
            (None, None) => true,
            (Some(wanted), Some(said)) => wanted.same(said),
            (Some(alone), None) | (None, Some(alone)) => {
                let schema = self.call.operation.body.as_deref();
                let default = schema.and_then(|schema| self.ways.default(schema, name));
                default.is_some_and(|default| default.value().same(alone))
            }
        }
    }
}
