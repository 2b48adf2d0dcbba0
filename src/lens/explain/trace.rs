//! What a traced run keeps while it runs.

use super::{How, Outcome, Told};
use crate::lens::path::Address;
use crate::problem::{Place, Root, Segment};

/// What a traced run told so far.
#[derive(Debug, Default)]
pub(in crate::lens) struct Trace {
    told: Vec<Told>,
    /// What the step under way said so far.
    how: Vec<How>,
    /// Where the run's input lies in what is read.
    read_below: Vec<Segment>,
    /// Where the value under way lies in what is written.
    pub(in crate::lens) at: Vec<Segment>,
}

/// Where a step began to tell.
#[derive(Debug)]
pub(in crate::lens) struct Mark {
    position: usize,
    how: Vec<How>,
    depth: usize,
}

impl Trace {
    /// A trace of a run whose input and output are parts of more.
    pub(in crate::lens) fn new(read_below: Vec<Segment>, written_below: Vec<Segment>) -> Trace {
        Trace { read_below, at: written_below, ..Trace::default() }
    }

    pub(in crate::lens) fn into_told(self) -> Vec<Told> {
        self.told
    }

    pub(in crate::lens) fn say(&mut self, how: How) {
        self.how.push(how);
    }

    /// A step begins that writes at `target`, or inside it.
    pub(in crate::lens) fn begin(&mut self, target: &[Segment]) -> Mark {
        let mark =
            Mark { position: self.told.len(), how: std::mem::take(&mut self.how), depth: self.at.len() };
        self.at.extend_from_slice(target);
        mark
    }

    /// It ends, having written at `target`, and is told before what was told inside it.
    pub(in crate::lens) fn end(
        &mut self,
        mark: Mark,
        target: Option<&Address>,
        tell: impl FnOnce(Option<Place>, Vec<How>) -> Told,
    ) {
        self.at.truncate(mark.depth);
        let how = std::mem::replace(&mut self.how, mark.how);
        let to = target.map(|target| self.written_place(target));
        self.told.insert(mark.position, tell(to, how));
    }

    pub(in crate::lens) fn push(&mut self, told: Told) {
        self.told.push(told);
    }

    /// What was told last wrote nothing after all.
    pub(in crate::lens) fn retract(&mut self, reason: &'static str) {
        if let Some(last) = self.told.last_mut().filter(|last| matches!(last.outcome, Outcome::Written(_))) {
            last.outcome = Outcome::LeftOut(reason);
        }
    }

    /// A place of the input; `at` is where in the body the run is.
    pub(in crate::lens) fn read_place(&self, root: Root, at: &[Segment], path: Vec<Segment>) -> Place {
        let below: &[&[Segment]] = if root == Root::Body { &[&self.read_below, at] } else { &[] };
        Place { root, segments: below.concat().into_iter().chain(path).collect() }
    }

    /// A place of the output.
    pub(in crate::lens) fn written_place(&self, target: &Address) -> Place {
        let inside = matches!(target.root, Root::Body | Root::Outer);
        let below = if inside { self.at.as_slice() } else { &[] };
        Place { root: target.root, segments: below.iter().cloned().chain(target.segments()).collect() }
    }
}
