//! Look-ups the other way round: which canonical id stands beside which of the dialect's, read from a list of the backend
//! that tells both.
//!
//! Where two values of the dialect could be meant, there is no pair: a role of somebody's own that is called as one of the
//! dialect's roles is not that role.

use super::{Way, Ways};
use crate::dialect::Resolver;
use crate::dialect::page::Wanted;
use crate::json::{Kind, Value};
use crate::lens::path::Address;
use crate::lens::{Resolutions, flat};
use crate::problem::Problem;
use crate::translate::Step;
use crate::translate::reverse::column::{Column, items_of};
use crate::translate::reverse::told::total;
use crate::translate::reverse::told::{list_at, value_at};

/// The dialect's halves and the canonical ones.
pub type Pairs = Vec<(String, String)>;

/// How the pairs of a resolver are read from the answers to one way.
#[derive(Debug)]
pub struct Rows<'w> {
    /// The way that is asked.
    pub way: &'w Way,
    left: Column,
    right: Column,
}

impl<'w> Rows<'w> {
    /// Finds a list of the dialect that tells both halves of a resolver's pairs.
    ///
    /// # Errors
    ///
    /// 501 if there is none.
    pub fn of(ways: &'w Ways, resolver: &Resolver) -> Result<Rows<'w>, Box<Problem>> {
        let rows = |way: &'w Way| {
            let fields = flat::flat(items_of(&way.operation)?.fields());
            let column = |name: &str| Column::of(&fields, &Address::parse(name)?);
            Some(Rows { way, left: column(&resolver.left)?, right: column(&resolver.right)? })
        };
        ways.to(&resolver.calls.name).iter().find_map(rows).ok_or_else(|| {
            let Resolver { name, left, right, .. } = resolver;
            Box::new(Problem::inexpressible(format!(
                "`{name}` cannot be looked up: no list of the backend's API, `{}`, tells `{left}` and `{right}`",
                ways.dialect().name
            )))
        })
    }

    /// The pairs of an answer, and how many items it had; nothing if it has no list.
    pub fn read(&self, answer: Value<'_>, known: &Resolutions) -> Option<(Step<Pairs>, usize)> {
        let list =
            value_at(answer, list_at(&self.way.operation)?).filter(|list| list.kind() == Kind::Array)?;
        let (mut pairs, mut needs) = (Vec::new(), Vec::new());
        for item in list.elements() {
            let mut read = |column: &Column| match column.read(item, known) {
                Step::Done(text) => text,
                Step::Needs(some) => {
                    needs.extend(some);
                    None
                }
            };
            if let (Some(left), Some(right)) = (read(&self.left), read(&self.right)) {
                pairs.push((left, right));
            }
        }
        Some((if needs.is_empty() { Step::Done(pairs) } else { Step::Needs(needs) }, list.len()))
    }

    /// How many items there are on all pages, as far as an answer says that tells that page.
    pub fn total(&self, answer: Value<'_>, wanted: Wanted) -> Option<u64> {
        let list = value_at(answer, list_at(&self.way.operation)?)?;
        let page = self.way.whole.page.as_ref()?;
        total(page, answer, list.len() as u64, Some(wanted), false)
    }
}
