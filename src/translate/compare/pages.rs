//! Pages of a longer list: what stands on one of two alone.
//!
//! Each side may have an order of its own, so which items stand on a page says nothing. How many do, and that none does
//! twice, has nothing to do with the order.

use std::collections::HashMap;

use super::list::ID;
use super::{Comparing, What};
use crate::json::Value;
use crate::schema::Shape;

impl Comparing<'_> {
    /// Items that only one of two pages has. As many as each of them has alone may be on other pages, and are counted; what
    /// stands on a page twice, and what one page has more than the other, is a difference.
    pub(super) fn on_one_page(
        &mut self,
        shape: Option<&Shape<'_>>,
        pages: [Value<'_>; 2],
        alone: [Vec<Value<'_>>; 2],
    ) {
        let mut once = [Vec::new(), Vec::new()];
        let sides = pages.into_iter().zip(alone).zip([What::Missing, What::Extra]);
        for (((page, alone), what), once) in sides.zip(&mut once) {
            let mut counts = if alone.is_empty() { HashMap::new() } else { self.counts(shape, page) };
            for item in alone {
                match counts.get_mut(&self.identity(shape, item)) {
                    Some(count) if *count > 1 => {
                        *count -= 1;
                        self.element_alone(shape, item, what);
                    }
                    _ => once.push(item),
                }
            }
        }
        let [ones, others] = once;
        // A page that lost some of its items is short. One that is empty is an end to many clients.
        let may_be_short = self.by.list.is_cut && pages.iter().all(|page| !page.is_empty());
        let in_place_of_others = if may_be_short { usize::MAX } else { ones.len().min(others.len()) };
        for (items, what) in [(ones, What::Missing), (others, What::Extra)] {
            for (index, item) in items.into_iter().enumerate() {
                if index >= in_place_of_others {
                    self.element_alone(shape, item, what);
                } else if self.would_be_told(shape, item) {
                    self.found.apart += 1;
                }
            }
        }
    }

    /// How often each item stands on a page.
    fn counts(&mut self, shape: Option<&Shape<'_>>, page: Value<'_>) -> HashMap<Vec<u8>, usize> {
        let mut counts = HashMap::new();
        for item in page.elements() {
            *counts.entry(self.identity(shape, item)).or_default() += 1;
        }
        counts
    }

    /// What items share that are one: their id, else all that is told of them.
    fn identity(&mut self, shape: Option<&Shape<'_>>, item: Value<'_>) -> Vec<u8> {
        if let Some(id) = item.member(ID).and_then(Value::as_str) {
            return id.as_bytes().to_vec();
        }
        let mut form = Vec::new();
        self.form(shape, item, &mut form, true);
        form
    }
}
