//! One run of a plan.

use std::borrow::Cow;

use super::walk::Unread;
use super::{Guard, Param, Plan, Shape, Step};
use crate::json::{self, Kind, Value, Writer};
use crate::lens::run::{Direction, Input, Output, Parameters, Run, Source, Stop};
use crate::problem::{Root, Segment};

/// The slots of one document among those of a run.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    pub(super) base: usize,
    /// The slot that is all of the document, if it is no object.
    alone: Option<usize>,
}

impl Plan {
    /// Reads a whole message and writes another. Path parameters come first: what is looked up later may lie in
    /// their scope.
    pub(in crate::lens) fn message<'a>(
        &self,
        input: Input<'a>,
        run: &mut Run<'a, '_>,
        body: Writer,
    ) -> Output {
        run.input = input;
        run.params.clear();
        if run.direction() == Direction::Lower {
            run.given = input.path;
        }
        let frame = self.read(input.body, run);
        for (name, number) in &self.query_losses {
            if input.query.iter().any(|(given, _)| given == name) {
                run.lost.add(*number);
            }
        }
        let mut output = Output { body, path: Parameters::new(), query: Parameters::new() };
        let lifting = run.direction() == Direction::Lift;
        for param in self.params.iter().filter(|param| param.root == Root::Path) {
            if let Some(text) = self.param(param, frame, run, &mut output.body) {
                let params = if lifting { &mut run.params } else { &mut output.path };
                params.push((param.name.clone(), text));
            }
        }
        for param in self.params.iter().filter(|param| param.root == Root::Query) {
            if let Some(text) = self.param(param, frame, run, &mut output.body) {
                output.query.push((param.name.clone(), text));
            }
        }
        self.enter_scope(frame, run);
        if !self.shape.is_empty() {
            self.write(&self.shape, true, frame, run, &mut output.body);
        }
        self.check(frame, run);
        self.count_partial(frame.base, run);
        run.slots.truncate(frame.base);
        if lifting {
            // No document that is lifted names a parameter, so these are all of the call's.
            output.path = std::mem::take(&mut run.params);
        }
        output
    }

    /// Reads a value inside a message and writes what it becomes.
    pub(in crate::lens) fn value<'a>(&self, value: Value<'a>, run: &mut Run<'a, '_>, out: &mut Writer) {
        let frame = self.read(Some(value), run);
        let outside = self.enter_scope(frame, run);
        self.write(&self.shape, true, frame, run, out);
        self.check(frame, run);
        self.count_partial(frame.base, run);
        run.params.truncate(outside);
        run.slots.truncate(frame.base);
    }

    /// Adds the parameters that are found in this document, and gives how many there were without them.
    fn enter_scope(&self, frame: Frame, run: &mut Run<'_, '_>) -> usize {
        let outside = run.params.len();
        for (name, slot) in &self.scopes {
            let text = run.slots[frame.base + slot].and_then(Source::text);
            run.params.extend(text.map(|text| (name.clone(), text.into_owned())));
        }
        outside
    }

    /// Fills a new frame of slots.
    fn read<'a>(&self, body: Option<Value<'a>>, run: &mut Run<'a, '_>) -> Frame {
        let base = run.slots.len();
        run.slots.resize(base + self.slots.len(), None);
        let input = run.input;
        let frame = &mut run.slots[base..];
        let mut unread = Unread { ignored: 0, lost: std::mem::take(&mut run.lost) };
        let alone = body.and_then(|body| self.bare.filter(|_| self.scalar || body.kind() != Kind::Object));
        if let Some(body) = body {
            match alone {
                Some(slot) => frame[slot] = Some(Source::Json(body)),
                None => self.body.walk(body, frame, &mut unread),
            }
        }
        if let Some(outer) = input.outer {
            // What is around the items is there once, and read with each of them.
            self.outer.walk(outer, frame, &mut Unread::default());
        }
        for slot in &self.given {
            let address = &self.slots[*slot];
            let given = if address.root == Root::Path { input.path } else { input.query };
            let name = address.path.first();
            let value = given.iter().find(|(given, _)| Some(given) == name);
            frame[*slot] = value.map(|(_, value)| Source::Text(value));
        }
        run.lost = unread.lost;
        if run.direction() == Direction::Lift {
            run.ignored += unread.ignored;
        }
        Frame { base, alone }
    }

    /// Writes a value; whether there was anything to write. An object without members is only written if it is the
    /// whole of the output.
    #[inline]
    fn write(&self, shape: &Shape, top: bool, frame: Frame, run: &mut Run<'_, '_>, out: &mut Writer) -> bool {
        match shape {
            Shape::Steps(steps) => steps.iter().any(|step| self.step(*step, frame, run, out)),
            Shape::Object(members) => self.object(members, top, frame, run, out),
        }
    }

    fn object(
        &self,
        members: &[(Box<str>, Shape)],
        top: bool,
        frame: Frame,
        run: &mut Run<'_, '_>,
        out: &mut Writer,
    ) -> bool {
        let start = out.len();
        let mut written = false;
        out.object_begin();
        for (key, member) in members {
            let before = out.len();
            out.key_raw(key);
            if self.write(member, false, frame, run, out) {
                written = true;
            } else {
                out.truncate(before);
            }
        }
        out.object_end();
        if !written && !top {
            out.truncate(start);
        }
        written || top
    }

    /// Takes a step; whether it wrote anything.
    fn step(&self, index: usize, frame: Frame, run: &mut Run<'_, '_>, out: &mut Writer) -> bool {
        let step = &self.steps[index];
        let slots = &run.slots[frame.base..];
        if step.guard.as_ref().is_some_and(|guard| !guard.open(slots)) {
            self.tell_shut(index, frame, run);
            return false;
        }
        let read = step.held(step.source, slots).or_else(|| step.held(step.fallback, slots));
        let Some((slot, source)) = read else {
            if let Some(json) = &step.missing {
                out.raw(json);
            }
            self.tell_missing(index, frame, run);
            return step.missing.is_some();
        };
        let from = &self.slots[slot];
        // A value that is all there is has no name of its own. Where one lies is put into words only if somebody is to
        // hear of it.
        let named = frame.alone != Some(slot);
        let path = || if named { from.segments() } else { Vec::new() };
        let (start, refused) = (out.len(), run.refusals().len());
        let inside = named && step.op.goes_inside() && from.root == Root::Body;
        let outcome = if run.trace.is_some() {
            self.traced_step(index, slot, (from.root, path(), inside), source, run, out)
        } else {
            let outcome = step.op.run(source, run, out);
            if inside && run.refusals().len() > refused {
                run.refused_inside(refused, from);
            }
            outcome
        };
        if let Err(stop) = outcome {
            out.truncate(start);
            run.note(stop, from.root, path());
        }
        out.len() > start
    }

    /// Takes a step of which everything is told, so that where it lies has to be known all along.
    fn traced_step<'a>(
        &self,
        index: usize,
        slot: usize,
        (root, path, inside): (Root, Vec<Segment>, bool),
        source: Source<'a>,
        run: &mut Run<'a, '_>,
        out: &mut Writer,
    ) -> Result<(), Stop> {
        let (start, depth) = (out.len(), run.at.len());
        let mark = self.tell_begin(index, slot, run);
        if inside {
            run.at.extend(path.iter().cloned());
        }
        let outcome = self.steps[index].op.run(source, run, out);
        run.at.truncate(depth);
        if let Some(mark) = mark {
            self.tell_end(index, mark, (root, &path), &outcome, source, &out.as_bytes()[start..], run);
        }
        outcome
    }

    fn check(&self, frame: Frame, run: &mut Run<'_, '_>) {
        let mut nothing = Writer::new();
        for step in &self.checks {
            self.step(*step, frame, run, &mut nothing);
        }
    }

    /// The text of a parameter. `out` is where it is put together; nothing of it stays there.
    fn param(&self, param: &Param, frame: Frame, run: &mut Run<'_, '_>, out: &mut Writer) -> Option<String> {
        let start = out.len();
        param.steps.iter().any(|step| self.step(*step, frame, run, out));
        let text = json::scalar_text(out.written_since(start)).map(Cow::into_owned);
        out.truncate(start);
        if let (None, Some(trace)) = (&text, &mut run.trace) {
            trace.retract("null is no parameter");
        }
        text
    }
}

impl Step {
    /// A slot with what it holds, if that says anything.
    #[inline]
    fn held<'a>(&self, slot: Option<usize>, slots: &[Option<Source<'a>>]) -> Option<(usize, Source<'a>)> {
        let slot = slot?;
        let source = slots[slot].filter(|source| !self.is_blank(*source))?;
        Some((slot, source))
    }

    #[inline]
    fn is_blank(&self, source: Source<'_>) -> bool {
        self.null_is_missing && source.is_null() || self.blank.as_ref().is_some_and(|blank| blank.is(source))
    }
}

impl Shape {
    fn is_empty(&self) -> bool {
        matches!(self, Shape::Object(members) if members.is_empty())
    }
}

impl Guard {
    pub(super) fn open(&self, frame: &[Option<Source<'_>>]) -> bool {
        match self {
            Guard::Present { slot, with } => {
                frame[*slot].is_some() && with.as_ref().is_none_or(|guard| guard.open(frame))
            }
            Guard::Equals { slot, fallback, default, values } => {
                let given = frame[*slot].or_else(|| fallback.and_then(|slot| frame[slot]));
                match (given, default) {
                    (Some(source), _) => values.iter().any(|value| value.is(source)),
                    (None, Some(default)) => values.iter().any(|value| value.value().same(default.value())),
                    (None, None) => values.iter().any(|value| value.value().is_null()),
                }
            }
        }
    }
}
