//! The parts of a request's body that become one call each, one after another.

use crate::json::{Elements, Value};
use crate::problem::Segment;

/// The parts of a body. They are walked over, not collected: of hundreds only those that are refused need a place.
#[derive(Clone, Debug)]
pub struct Items<'r> {
    /// The only part there is, if it is no element of a list. Of a request without a body that is nothing.
    pub(super) alone: Option<Option<Value<'r>>>,
    /// The elements that are left, the index of the next, and how many there are in all.
    pub(super) list: Option<(Elements<'r>, usize, usize)>,
    /// The way to the list.
    pub(super) over: Option<&'r [Box<str>]>,
}

/// Where a part lies in the body.
#[derive(Clone, Copy, Debug)]
pub struct ItemPlace<'r> {
    /// The way to the list, or to what stands there alone.
    over: Option<&'r [Box<str>]>,
    /// Which element it is.
    index: Option<usize>,
}

impl Items<'_> {
    /// How many there are in all.
    pub fn count_all(&self) -> usize {
        self.list.as_ref().map_or(usize::from(self.alone.is_some()), |(_, _, all)| *all)
    }
}

impl<'r> Iterator for Items<'r> {
    type Item = (Option<Value<'r>>, ItemPlace<'r>);

    fn next(&mut self) -> Option<Self::Item> {
        let over = self.over;
        let Some((elements, next, _)) = &mut self.list else {
            return self.alone.take().map(|value| (value, ItemPlace { over, index: None }));
        };
        let element = elements.next()?;
        let index = Some(*next);
        *next += 1;
        Some((Some(element), ItemPlace { over, index }))
    }
}

impl ItemPlace<'_> {
    /// The place as segments.
    pub fn segments(self) -> Vec<Segment> {
        let mut segments = Vec::new();
        self.become_segments(&mut segments);
        segments
    }

    /// Makes `at` this place. If it was that of another element of the list, only the index changes.
    pub(super) fn become_segments(self, at: &mut Vec<Segment>) {
        let over = self.over.unwrap_or_default();
        match (at.len().checked_sub(over.len()), at.last_mut(), self.index) {
            (Some(1), Some(Segment::Index(last)), Some(index)) => *last = index,
            _ => {
                at.clear();
                at.extend(over.iter().map(|name| Segment::Name(name.to_string())));
                at.extend(self.index.map(Segment::Index));
            }
        }
    }
}

/// What lies at the end of a way through members.
pub(super) fn member_at<'r>(root: Value<'r>, path: &[Box<str>]) -> Option<Value<'r>> {
    path.iter().try_fold(root, |value, name| value.member(name))
}
