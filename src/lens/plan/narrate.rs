//! What a plan tells of a run that is traced.

use super::execute::Frame;
use super::{Guard, Member, Plan, Trie};
use crate::diag::Span;
use crate::json::{Kind, Value};
use crate::lens::explain::{How, Mark, Outcome, Sort, Told};
use crate::lens::op::Op;
use crate::lens::op::each::Item;
use crate::lens::path::Address;
use crate::lens::run::{Direction, Run, Source, Stop};
use crate::problem::{Place, Root, Segment};

impl Plan {
    /// Where each step writes, and where the mapping says so.
    pub(in crate::lens) fn steps(&self) -> impl Iterator<Item = (Option<&Address>, Option<Span>)> {
        self.notes.iter().map(|note| (note.target.as_ref(), note.origin))
    }

    /// A step was not taken, because something else is not as it should be.
    pub(super) fn tell_shut(&self, index: usize, frame: Frame, run: &mut Run<'_, '_>) {
        if run.trace.is_none() {
            return;
        }
        let reason = match (&self.steps[index].guard, run.direction()) {
            (Some(Guard::Present { .. }), _) => "what it goes with is not there",
            (Some(Guard::Equals { .. }), Direction::Lift) => "another field decides against it",
            (Some(Guard::Equals { .. }) | None, _) => "another field says it is not this one",
        };
        let from = self.steps[index].source.and_then(|slot| self.place_read(slot, frame, run));
        self.tell(index, from, Outcome::LeftOut(reason), Vec::new(), run);
    }

    /// There is nothing to read: what the mapping says for that is written, if it says anything.
    pub(super) fn tell_missing(&self, index: usize, frame: Frame, run: &mut Run<'_, '_>) {
        if run.trace.is_none() {
            return;
        }
        let step = &self.steps[index];
        let from = step.source.and_then(|slot| self.place_read(slot, frame, run));
        let mut how = Vec::new();
        if from.is_some() {
            how.push(How::Blank);
        }
        let Some(json) = &step.missing else {
            let from = from.or_else(|| self.place_of(step.source?, run));
            return self.tell(index, from, Outcome::LeftOut("holds nothing"), how, run);
        };
        let json = json.to_string();
        let written = Outcome::Written(Sort::written(json.as_bytes()));
        how.push(match (&step.op, run.direction()) {
            (Op::Constant(_), _) => How::Constant(json),
            (_, Direction::Lift) => How::Default(json),
            (_, Direction::Lower) => How::Absent(json),
        });
        self.tell(index, from, written, how, run);
    }

    /// A step begins; what its op says from here on is about it.
    pub(super) fn tell_begin(&self, index: usize, slot: usize, run: &mut Run<'_, '_>) -> Option<Mark> {
        let trace = run.trace.as_mut()?;
        let step = &self.steps[index];
        let target = self.notes[index].target.as_ref().filter(|_| step.op.goes_inside());
        let mark = trace.begin(&target.map_or_else(Vec::new, Address::segments));
        if step.source != Some(slot) {
            trace.say(How::Fallback);
        }
        Some(mark)
    }

    /// It ended, having written `written`.
    #[expect(clippy::too_many_arguments, reason = "all that is known of a step, and only here")]
    pub(super) fn tell_end(
        &self,
        index: usize,
        mark: Mark,
        (root, path): (Root, &[Segment]),
        outcome: &Result<(), Stop>,
        source: Source<'_>,
        written: &[u8],
        run: &mut Run<'_, '_>,
    ) {
        let (step, note) = (&self.steps[index], &self.notes[index]);
        let Some(trace) = &mut run.trace else { return };
        let from = Some(trace.read_place(root, &run.at, path.to_vec()));
        let outcome = match Outcome::of(outcome, written) {
            Outcome::Written(sort) if tells_inside(&step.op) && !source.is_null() => Outcome::Around(sort),
            outcome => outcome,
        };
        let origin = note.origin;
        trace.end(mark, note.target.as_ref(), |to, how| Told { to, from, origin, outcome, how });
    }

    /// Whether a place like that is read.
    pub(in crate::lens) fn reads(&self, is_it: impl Fn(&Address) -> bool) -> bool {
        self.slots.iter().any(is_it)
    }

    /// The members of a document that nothing reads.
    pub(in crate::lens) fn unread(&self, body: Option<Value<'_>>) -> Vec<Vec<Segment>> {
        let mut unread = Vec::new();
        let is_alone = |body: &Value<'_>| self.bare.is_some() && (self.scalar || body.kind() != Kind::Object);
        if let Some(body) = body.filter(|body| !is_alone(body)) {
            self.body.unread(body, &mut Vec::new(), &mut unread);
        }
        unread
    }

    /// The members of what is around the items of a bulk request that nothing reads.
    pub(in crate::lens) fn unread_around(&self, outer: Value<'_>) -> Vec<Vec<Segment>> {
        let mut unread = Vec::new();
        self.outer.unread(outer, &mut Vec::new(), &mut unread);
        if !self.outer.reads {
            unread.extend(outer.members().map(|(key, _)| vec![Segment::Name(key.as_str().into_owned())]));
        }
        unread
    }

    fn tell(
        &self,
        index: usize,
        from: Option<Place>,
        outcome: Outcome,
        how: Vec<How>,
        run: &mut Run<'_, '_>,
    ) {
        let note = &self.notes[index];
        if let Some(trace) = &mut run.trace {
            let to = note.target.as_ref().map(|target| trace.written_place(target));
            trace.push(Told { to, from, origin: note.origin, outcome, how });
        }
    }

    /// Where a slot was read, if it holds anything.
    fn place_read(&self, slot: usize, frame: Frame, run: &Run<'_, '_>) -> Option<Place> {
        run.slots[frame.base + slot]?;
        self.place_of(slot, run)
    }

    pub(super) fn place_of(&self, slot: usize, run: &Run<'_, '_>) -> Option<Place> {
        let from = &self.slots[slot];
        run.trace.as_ref().map(|trace| trace.read_place(from.root, &run.at, from.segments()))
    }
}

/// Whether what the op writes is told piece by piece.
fn tells_inside(op: &Op) -> bool {
    match op {
        Op::Each(each) => !matches!(each.item, Item::Copy),
        Op::Nested(_) => true,
        Op::Constant(_)
        | Op::Copy
        | Op::Filter(_)
        | Op::Fixed(_)
        | Op::Has(_)
        | Op::Id(_)
        | Op::Label(_)
        | Op::Prefix(_)
        | Op::Resolve(_)
        | Op::Row(_)
        | Op::Table(_) => false,
    }
}

impl Trie {
    fn unread(&self, value: Value<'_>, at: &mut Vec<Segment>, unread: &mut Vec<Vec<Segment>>) {
        // What is read as a whole is read.
        if self.slot.is_some() || !self.reads || value.kind() != Kind::Object {
            return;
        }
        for (key, member) in value.members() {
            at.push(Segment::Name(key.as_str().into_owned()));
            match self.find(key) {
                Some(Member::Read(child)) => child.unread(member, at, unread),
                Some(Member::Lost(_)) | None => unread.push(at.clone()),
            }
            at.pop();
        }
    }
}
