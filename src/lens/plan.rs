//! A lens in one direction, compiled: what to read in one walk over the input, then what to write in one pass.
//!
//! Reading fills slots, one for each address a field names; writing goes through the members of the output in the
//! order of the mapping and takes them from the slots. No tree is built in between, and no name is looked for twice.

use super::op::Op;
use super::path::{Address, Literal};
use crate::diag::Span;
use crate::json::Names;
use crate::problem::Root;
use partial::Partial;

mod compile;
mod execute;
mod narrate;
mod partial;
mod walk;

/// A lens in one direction.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    /// Where each slot is read from.
    slots: Vec<Address>,
    /// Slots of parameters.
    given: Vec<usize>,
    /// Slots of the body.
    body: Trie,
    /// Slots of what is around the items of a bulk request.
    outer: Trie,
    /// The slot of an input that is no object.
    bare: Option<usize>,
    /// Whether the input is never an object.
    scalar: bool,
    steps: Vec<Step>,
    /// What is told of each step, if anybody listens.
    notes: Vec<Note>,
    params: Vec<Param>,
    shape: Shape,
    /// Steps that write nothing and may refuse.
    checks: Vec<usize>,
    /// Parameters of the query that are lost as declared, by the numbers of the losses.
    query_losses: Vec<(Box<str>, usize)>,
    /// Places that are lost sometimes.
    partial: Vec<Partial>,
    /// Parameters that look-ups inside find in the document, with their slots.
    scopes: Vec<(Box<str>, usize)>,
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

/// What only an explanation needs to know of a step.
#[derive(Clone, Debug)]
struct Note {
    /// Where it writes.
    target: Option<Address>,
    /// Where the mapping says so.
    origin: Option<Span>,
}

/// When a step may be taken.
#[derive(Clone, Debug)]
enum Guard {
    /// The slot holds one of these. One that is missing holds what the field of that place would be read as: what its
    /// fallback holds, or its default, or null.
    Equals { slot: usize, fallback: Option<usize>, default: Option<Literal>, values: Vec<Literal> },
    /// The slot holds something, and the step that reads it is taken.
    Present { slot: usize, with: Option<Box<Guard>> },
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
    slot: Option<usize>,
    /// The names of the members that are looked at, to find them by.
    names: Names,
    /// Those members, in the order of their names.
    members: Vec<(Box<str>, Member)>,
    /// Whether there are slots below any of them.
    reads: bool,
}

/// A member that is looked at.
#[derive(Clone, Debug)]
enum Member {
    /// There are slots in it.
    Read(Trie),
    /// There are none, and this of it is lost as declared.
    Lost(Vec<Lost>),
}

/// What is lost of a member.
#[derive(Clone, Debug)]
struct Lost {
    /// The way on from there.
    rest: Box<[Box<str>]>,
    /// The number of the loss.
    number: usize,
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
