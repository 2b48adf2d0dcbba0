//! A lens in one direction, compiled: what to read in one walk over the input, then what to write in one pass.
//!
//! Reading fills slots, one for each address a field names; writing goes through the members of the output in the
//! order of the mapping and takes them from the slots. No tree is built in between, and no name is looked for twice.

use std::borrow::Cow;

use super::op::Op;
use super::path::{Address, Literal};
use super::run::{Direction, Input, Output, Parameters, Resolutions, Run, Source};
use super::{Field, Wrap};
use crate::json::{Document, Kind, Limits, Value, Writer};
use crate::problem::Root;

/// A lens in one direction.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    /// Where each slot is read from.
    slots: Vec<Address>,
    /// Slots of the body.
    body: Trie,
    /// Slots of what is around the items of a bulk request.
    outer: Trie,
    /// The slot of an input that is no object.
    bare: Option<usize>,
    /// Whether the input is never an object.
    scalar: bool,
    steps: Vec<Step>,
    params: Vec<Param>,
    shape: Shape,
    /// Steps that write nothing and may refuse.
    checks: Vec<usize>,
}

/// One value of the output.
#[derive(Clone, Debug)]
struct Step {
    source: Option<usize>,
    /// Read when the source is missing.
    fallback: Option<usize>,
    guard: Option<Guard>,
    op: Op,
    /// JSON to write when there is nothing to read.
    missing: Option<Box<str>>,
    /// A value that stands for none.
    blank: Option<Literal>,
    /// Whether null stands for none.
    null_is_missing: bool,
}

/// When a step may be taken.
#[derive(Clone, Debug)]
enum Guard {
    /// The slot holds one of these; one that is missing holds null.
    Equals(usize, Vec<Literal>),
    /// The slot holds something.
    Present(usize),
}

/// A parameter of the output; the first of its steps that gives something gives it.
#[derive(Clone, Debug)]
struct Param {
    root: Root,
    name: Box<str>,
    steps: Vec<usize>,
}

/// The slots of a document, by the way to them.
#[derive(Clone, Debug, Default)]
struct Trie {
    children: Vec<(Box<str>, Trie)>,
    slot: Option<usize>,
}

/// The output's members, in order.
#[derive(Clone, Debug)]
enum Shape {
    /// An object. Each name is quoted, escaped and followed by its colon.
    Object(Vec<(Box<str>, Shape)>),
    /// A value: the first of these steps that writes something.
    Steps(Vec<usize>),
}

impl Default for Shape {
    fn default() -> Shape {
        Shape::Object(Vec::new())
    }
}

/// Compiling.
impl Plan {
    pub(super) fn compile(fields: &[Field], wrap: Wrap, direction: Direction) -> Plan {
        let mut plan = Plan::default();
        for (index, field) in fields.iter().enumerate() {
            let step = plan.add(field, direction);
            match (wrap, direction) {
                (Wrap::Bare(alone) | Wrap::Scalar(alone), Direction::Lift) if alone == index => {
                    plan.bare = field.left.as_ref().map(|left| plan.slot(left));
                    plan.scalar = matches!(wrap, Wrap::Scalar(_));
                }
                (Wrap::Scalar(alone), Direction::Lower) if alone == index => {
                    plan.shape = Shape::Steps(step.into_iter().collect());
                }
                (Wrap::Object | Wrap::Bare(_) | Wrap::Scalar(_), _) => {}
            }
        }
        plan
    }

    /// Adds what a field needs in one direction, and gives its step if it writes anything.
    fn add(&mut self, field: &Field, direction: Direction) -> Option<usize> {
        let lifting = direction == Direction::Lift;
        let (input, output) = if lifting { (&field.left, &field.right) } else { (&field.right, &field.left) };
        let source = input.as_ref().map(|address| self.slot(address));
        if lifting && field.when.shown {
            return None;
        }
        let when = &field.when;
        let mut step = Step {
            source,
            fallback: None,
            guard: None,
            op: field.op.clone(),
            missing: None,
            blank: None,
            null_is_missing: false,
        };
        match (&field.op, output) {
            (Op::Fixed(_), None) if lifting => {
                self.checks.push(self.steps.len());
                self.steps.push(step);
                return None;
            }
            (_, None) => return None,
            (Op::Constant(literal), Some(_)) => step = Step { source: None, ..Step::constant(literal) },
            (Op::Fixed(fixed), Some(_)) => step = Step::constant(&fixed.0),
            (_, Some(_)) if lifting => {
                step.missing = when.default.as_ref().and_then(|value| field.op.beforehand(value));
            }
            (_, Some(_)) => step.missing = when.absent.as_ref().map(|value| value.json().into()),
        }
        if lifting {
            step.fallback = when.fallback.as_ref().map(|address| self.slot(address));
            step.blank.clone_from(&when.absent);
            step.guard =
                when.lift_when.as_ref().map(|(at, values)| Guard::Equals(self.slot(at), values.clone()));
            self.add_tag(source, when.tag.as_ref());
        } else {
            step.null_is_missing = when.absent.is_some();
            step.guard =
                when.tag.as_ref().map(|(at, value)| Guard::Equals(self.slot(at), vec![value.clone()]));
        }
        let index = self.steps.len();
        self.steps.push(step);
        self.write_at(output.as_ref()?, index);
        Some(index)
    }

    /// The value that tells which of several fields was lifted. Null is told by leaving it out.
    fn add_tag(&mut self, source: Option<usize>, tag: Option<&(Address, Literal)>) {
        let (Some(source), Some((at, value))) = (source, tag) else {
            return;
        };
        if value.value().is_null() {
            return;
        }
        let index = self.steps.len();
        self.steps.push(Step { guard: Some(Guard::Present(source)), ..Step::constant(value) });
        self.write_at(at, index);
    }

    /// The slot of an address.
    fn slot(&mut self, address: &Address) -> usize {
        if let Some(known) = self.slots.iter().position(|slot| slot == address) {
            return known;
        }
        let slot = self.slots.len();
        self.slots.push(address.clone());
        match address.root {
            Root::Body => self.body.insert(&address.path, slot),
            Root::Outer => self.outer.insert(&address.path, slot),
            Root::Path | Root::Query => {}
        }
        slot
    }

    fn write_at(&mut self, address: &Address, step: usize) {
        if matches!(address.root, Root::Body | Root::Outer) {
            self.shape.insert(&address.path, step);
            return;
        }
        let name = address.path.concat().into_boxed_str();
        match self.params.iter_mut().find(|param| param.root == address.root && param.name == name) {
            Some(param) => param.steps.push(step),
            None => self.params.push(Param { root: address.root, name, steps: vec![step] }),
        }
    }
}

impl Step {
    fn constant(literal: &Literal) -> Step {
        Step {
            source: None,
            fallback: None,
            guard: None,
            op: Op::Constant(literal.clone()),
            missing: Some(literal.json().into()),
            blank: None,
            null_is_missing: false,
        }
    }

    fn is_blank(&self, source: Source<'_>) -> bool {
        self.null_is_missing && source.is_null() || self.blank.as_ref().is_some_and(|blank| blank.is(source))
    }
}

impl Op {
    /// What a default of the dialect is in the canonical form. None if the op refuses it, or would have to look it
    /// up: a default is computed once, at the start.
    pub fn beforehand(&self, default: &Literal) -> Option<Box<str>> {
        let resolutions = Resolutions::default();
        let mut run = Run::new(Direction::Lift, &resolutions);
        let mut out = Writer::new();
        self.run(Source::Json(default.value()), &mut run, &mut out).ok()?;
        String::from_utf8(out.into_vec()).ok().map(String::into_boxed_str)
    }
}

impl Trie {
    fn insert(&mut self, path: &[Box<str>], slot: usize) {
        let Some((name, rest)) = path.split_first() else {
            self.slot = Some(slot);
            return;
        };
        let known = self.children.iter().position(|(child, _)| child == name);
        let index = known.unwrap_or_else(|| {
            self.children.push((name.clone(), Trie::default()));
            self.children.len() - 1
        });
        self.children[index].1.insert(rest, slot);
    }

    /// Fills the slots of a value, and counts the members no slot is for.
    fn walk<'a>(&self, value: Value<'a>, slots: &mut [Option<Source<'a>>], ignored: &mut u64) {
        if let Some(slot) = self.slot {
            slots[slot] = Some(Source::Json(value));
        }
        if self.children.is_empty() || value.kind() != Kind::Object {
            return;
        }
        for (key, member) in value.members() {
            match self.children.iter().find(|(name, _)| key.is(name)) {
                Some((_, child)) => child.walk(member, slots, ignored),
                None => *ignored += 1,
            }
        }
    }
}

impl Shape {
    fn insert(&mut self, path: &[Box<str>], step: usize) {
        match (self, path.split_first()) {
            (Shape::Steps(steps), _) => steps.push(step),
            (shape @ Shape::Object(_), None) => *shape = Shape::Steps(vec![step]),
            (Shape::Object(members), Some((name, rest))) => {
                let key = quoted(name);
                let known = members.iter().position(|(member, _)| *member == key);
                let index = known.unwrap_or_else(|| {
                    members.push((key, Shape::default()));
                    members.len() - 1
                });
                members[index].1.insert(rest, step);
            }
        }
    }

    fn is_empty(&self) -> bool {
        matches!(self, Shape::Object(members) if members.is_empty())
    }
}

/// A member's name as it stands in JSON, colon included.
fn quoted(name: &str) -> Box<str> {
    let mut out = Writer::new();
    out.string(name);
    let mut quoted = String::from_utf8(out.into_vec()).unwrap_or_default();
    quoted.push(':');
    quoted.into_boxed_str()
}

/// Running.
impl Plan {
    /// Reads a whole message and writes another. Path parameters come first: what is looked up later may lie in
    /// their scope.
    pub(super) fn message<'a>(&self, input: Input<'a>, run: &mut Run<'a, '_>, body: Writer) -> Output {
        run.input = input;
        if run.direction() == Direction::Lower {
            run.params = input.path.to_vec();
        }
        let base = self.read(input.body, run);
        let mut output = Output { body, path: Parameters::new(), query: Parameters::new() };
        for param in self.params.iter().filter(|param| param.root == Root::Path) {
            if let Some(text) = self.param(param, base, run) {
                if run.direction() == Direction::Lift {
                    run.params.push((param.name.clone(), text.clone()));
                }
                output.path.push((param.name.clone(), text));
            }
        }
        for param in self.params.iter().filter(|param| param.root == Root::Query) {
            if let Some(text) = self.param(param, base, run) {
                output.query.push((param.name.clone(), text));
            }
        }
        if !self.shape.is_empty() {
            self.write(&self.shape, true, base, run, &mut output.body);
        }
        self.check(base, run);
        run.slots.truncate(base);
        output
    }

    /// Reads a value inside a message and writes what it becomes.
    pub(super) fn value<'a>(&self, value: Value<'a>, run: &mut Run<'a, '_>, out: &mut Writer) {
        let base = self.read(Some(value), run);
        self.write(&self.shape, true, base, run, out);
        self.check(base, run);
        run.slots.truncate(base);
    }

    /// Fills a new frame of slots and gives its beginning.
    fn read<'a>(&self, body: Option<Value<'a>>, run: &mut Run<'a, '_>) -> usize {
        let base = run.slots.len();
        run.slots.resize(base + self.slots.len(), None);
        let input = run.input;
        let frame = &mut run.slots[base..];
        let mut ignored = 0;
        if let Some(body) = body {
            match self.bare {
                Some(slot) if self.scalar || body.kind() != Kind::Object => {
                    frame[slot] = Some(Source::Json(body));
                }
                Some(_) | None => self.body.walk(body, frame, &mut ignored),
            }
        }
        if let Some(outer) = input.outer {
            self.outer.walk(outer, frame, &mut 0);
        }
        for (slot, address) in self.slots.iter().enumerate() {
            let given = match address.root {
                Root::Body | Root::Outer => continue,
                Root::Path => input.path,
                Root::Query => input.query,
            };
            let name = address.path.first();
            let value = given.iter().find(|(given, _)| Some(given) == name);
            frame[slot] = value.map(|(_, value)| Source::Text(value));
        }
        if run.direction() == Direction::Lift {
            run.ignored += ignored;
        }
        base
    }

    /// Writes a value; whether there was anything to write. An object without members is only written if it is the
    /// whole of the output.
    fn write(&self, shape: &Shape, top: bool, base: usize, run: &mut Run<'_, '_>, out: &mut Writer) -> bool {
        let members = match shape {
            Shape::Steps(steps) => return steps.iter().any(|step| self.step(*step, base, run, out)),
            Shape::Object(members) => members,
        };
        let start = out.len();
        let mut written = false;
        out.object_begin();
        for (key, member) in members {
            let before = out.len();
            out.key_raw(key);
            if self.write(member, false, base, run, out) {
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
    fn step(&self, index: usize, base: usize, run: &mut Run<'_, '_>, out: &mut Writer) -> bool {
        let step = &self.steps[index];
        if step.guard.as_ref().is_some_and(|guard| !guard.open(&run.slots[base..])) {
            return false;
        }
        let read = |slot: usize| {
            let source = run.slots[base + slot].filter(|source| !step.is_blank(*source));
            source.map(|source| (slot, source))
        };
        let Some((slot, source)) = step.source.and_then(read).or_else(|| step.fallback.and_then(read)) else {
            if let Some(json) = &step.missing {
                out.raw(json);
            }
            return step.missing.is_some();
        };
        let from = &self.slots[slot];
        // The value of a lens for scalars is all there is: its place has no name of its own.
        let named = !(self.scalar && self.bare == Some(slot));
        let path = if named { from.segments() } else { Vec::new() };
        let before = (out.len(), run.at.len());
        let inside = step.op.goes_inside() && from.root == Root::Body;
        if inside {
            run.at.extend(path.iter().cloned());
        }
        let outcome = step.op.run(source, run, out);
        run.at.truncate(before.1);
        if let Err(stop) = outcome {
            out.truncate(before.0);
            run.note(stop, from.root, path);
        }
        out.len() > before.0
    }

    fn check(&self, base: usize, run: &mut Run<'_, '_>) {
        let mut nothing = Writer::new();
        for step in &self.checks {
            self.step(*step, base, run, &mut nothing);
        }
    }

    fn param(&self, param: &Param, base: usize, run: &mut Run<'_, '_>) -> Option<String> {
        let mut out = Writer::new();
        param.steps.iter().any(|step| self.step(*step, base, run, &mut out));
        plain_text(out)
    }
}

impl Guard {
    fn open(&self, frame: &[Option<Source<'_>>]) -> bool {
        match self {
            Guard::Present(slot) => frame[*slot].is_some(),
            Guard::Equals(slot, values) => match frame[*slot] {
                Some(source) => values.iter().any(|value| value.is(source)),
                None => values.iter().any(|value| value.value().is_null()),
            },
        }
    }
}

/// A JSON scalar as the text of a parameter; null is none.
fn plain_text(out: Writer) -> Option<String> {
    let document = Document::parse(out.into_vec(), &Limits::default()).ok()?;
    let value = document.root();
    match value.kind() {
        Kind::Null | Kind::Array | Kind::Object => None,
        Kind::String => value.as_str().map(Cow::into_owned),
        Kind::False | Kind::True | Kind::Integer | Kind::Number => Some(value.raw().to_owned()),
    }
}
