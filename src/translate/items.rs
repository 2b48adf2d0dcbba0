//! The parts of a request's body that become one call each, one after another.

use crate::json::{Elements, Value};
use crate::problem::Segment;

/// The parts of a body. They are walked over, not collected: of hundreds only those that are refused need a place.
#[derive(Clone, Debug)]
pub struct Items<'r> {
    /// The way to the list, or to what stands there alone.
    over: &'r [Box<str>],
    left: Left<'r>,
}

/// What is left of the parts.
#[derive(Clone, Debug)]
enum Left<'r> {
    /// The only part there is: of a request without a body, nothing.
    Alone(Option<Value<'r>>),
    /// Elements of a list: those that are left, the index of the next, and how many there are in all.
    List(Elements<'r>, usize, usize),
    Nothing,
}

/// Where a part lies in the body.
#[derive(Clone, Copy, Debug)]
pub struct ItemPlace<'r> {
    over: &'r [Box<str>],
    /// Which element it is, if it is one.
    index: Option<usize>,
}

impl<'r> Items<'r> {
    /// What lies at the end of the way, alone.
    pub(super) fn alone(over: &'r [Box<str>], value: Option<Value<'r>>) -> Items<'r> {
        Items { over, left: Left::Alone(value) }
    }

    /// The elements of the array at the end of the way.
    pub(super) fn of(over: &'r [Box<str>], list: Value<'r>) -> Items<'r> {
        Items { over, left: Left::List(list.elements(), 0, list.len()) }
    }

    /// None.
    pub(super) fn none() -> Items<'r> {
        Items { over: &[], left: Left::Nothing }
    }

    /// How many are left.
    pub fn left(&self) -> usize {
        match &self.left {
            Left::Alone(_) => 1,
            Left::List(_, next, all) => all - next,
            Left::Nothing => 0,
        }
    }
}

impl<'r> Iterator for Items<'r> {
    type Item = (Option<Value<'r>>, ItemPlace<'r>);

    fn next(&mut self) -> Option<Self::Item> {
        let place = ItemPlace { over: self.over, index: None };
        match &mut self.left {
            Left::Alone(value) => {
                let value = *value;
                self.left = Left::Nothing;
                Some((value, place))
            }
            Left::List(elements, next, _) => {
                let element = elements.next()?;
                let index = Some(*next);
                *next += 1;
                Some((Some(element), ItemPlace { index, ..place }))
            }
            Left::Nothing => None,
        }
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
        let is_element = at.len() == self.over.len() + 1;
        if let (true, Some(Segment::Index(last)), Some(index)) = (is_element, at.last_mut(), self.index) {
            *last = index;
            return;
        }
        at.clear();
        at.extend(self.over.iter().map(|name| Segment::Name(name.to_string())));
        at.extend(self.index.map(Segment::Index));
    }
}

/// What lies at the end of a way through members.
pub(super) fn member_at<'r>(root: Value<'r>, path: &[Box<str>]) -> Option<Value<'r>> {
    path.iter().try_fold(root, |value, name| value.member(name))
}
