//! Lenses: reversible programs that bring a document to the other side and back.
//!
//! A [`Lens`] is a list of [`Field`]s, each with a place on the dialect's side, one on the canonical side, and an
//! [`Op`] between them. Both directions come from the one list: *lift* reads left and writes right, *lower* reads
//! right and writes left. A lens is compiled to a plan for either direction when it is made.
//!
//! This module never looks anything up itself: a run that needs something says what, and is run again with it. It
//! knows nothing of HTTP, so tools and tests call the same code as a request does.
//!
//! ```
//! use interlingua::json::{Document, Limits, Writer};
//! use interlingua::lens::op::Op;
//! use interlingua::lens::path::Address;
//! use interlingua::lens::{Direction, Field, Input, Lens, Presence, Resolutions, Run, Wrap};
//!
//! let name = Field {
//!     left: Address::parse("user_name"),
//!     right: Address::parse("user.name"),
//!     op: Op::Copy,
//!     when: Presence::default(),
//!     origin: None,
//! };
//! let lens = Lens::new("member", Wrap::Object, vec![name]);
//!
//! let known = Resolutions::default();
//! let document = Document::parse(br#"{"user_name": "Ada"}"#.to_vec(), &Limits::default())?;
//! let input = Input { body: Some(document.root()), ..Input::default() };
//! let output = lens.run(input, &mut Run::new(Direction::Lift, &known), Writer::new());
//! assert_eq!(output.body.as_bytes(), br#"{"user":{"name":"Ada"}}"#);
//! # Ok::<(), interlingua::json::ReadError>(())
//! ```

mod backwards;
pub mod explain;
pub mod flat;
mod forwards;
pub mod keep;
pub mod op;
pub mod path;
mod plan;
mod run;
mod tally;

use crate::diag::Span;
use crate::json::{Value, Writer};

use self::explain::Loss;
use self::op::{Op, Taking};
use self::path::{Address, Literal};
use self::plan::Plan;
pub use self::run::{Direction, Found, Input, Lookup, Need, Output, Parameters, Refusal, Resolutions, Run};
pub use self::tally::Tally;

/// One line of a lens.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its place on the dialect's side.
    pub left: Option<Address>,
    /// Its place on the canonical side.
    pub right: Option<Address>,
    /// The step between them.
    pub op: Op,
    /// What happens when it is not there, or only sometimes.
    pub when: Presence,
    /// Where the mapping says so.
    pub origin: Option<Span>,
}

/// What happens to a field that is not there, or only sometimes.
#[derive(Clone, Debug, Default)]
pub struct Presence {
    /// Lift: read here when the field is missing.
    pub fallback: Option<Address>,
    /// Lift: the dialect's value when the field is missing.
    pub default: Option<Literal>,
    /// Lower: the dialect's value when the canonical field is missing or null; lift: a value that stands for none.
    pub absent: Option<Literal>,
    /// Lower: read here when the canonical field is missing or null.
    pub instead: Option<Address>,
    /// Lower: null is told by leaving the field out.
    pub optional: bool,
    /// Lift: only when another field of the dialect holds one of these values; else the field is ignored.
    pub lift_when: Option<(Address, Vec<Literal>)>,
    /// Lift: written beside the field; lower: the field is only there if this is.
    pub tag: Option<(Address, Literal)>,
    /// Shown to clients and never read back.
    pub shown: bool,
}

impl Field {
    /// What becomes of what a client writes there.
    pub fn taking(&self) -> Taking<'_> {
        let is_read = !self.when.shown && (self.right.is_some() || matches!(self.op, Op::Fixed(_)));
        if is_read { self.op.taking() } else { Taking::Nothing }
    }

    /// Whether what it tells, if it is written back, leaves the record as it is.
    pub fn is_lossless(&self) -> bool {
        let when = &self.when;
        // Written back, a value that stands for none becomes the default, if there is one.
        when.shown || self.op.is_lossless() && (when.absent.is_none() || when.default.is_none())
    }
}

/// What the documents on the dialect's side are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrap {
    /// Objects.
    Object,
    /// Objects, or the value of the field of this index alone.
    Bare(usize),
    /// The value of the field of this index alone.
    Scalar(usize),
}

/// A reversible program over documents.
#[derive(Debug)]
pub struct Lens {
    name: String,
    wrap: Wrap,
    fields: Vec<Field>,
    lift: Plan,
    lower: Plan,
    /// What is lost on either way, with the reasons.
    losses: Vec<Loss>,
    /// Canonical fields that give look-ups inside it a parameter of their scope.
    scope: Vec<(String, Address)>,
}

impl Lens {
    /// Compiles the fields for both directions.
    pub fn new(name: impl Into<String>, wrap: Wrap, fields: Vec<Field>) -> Lens {
        let lift = Plan::compile(&fields, wrap, Direction::Lift);
        let lower = Plan::compile(&fields, wrap, Direction::Lower);
        Lens { name: name.into(), wrap, fields, lift, lower, losses: Vec::new(), scope: Vec::new() }
    }

    /// The same, with canonical fields that give look-ups inside it a parameter of their scope: each item of a list of
    /// organizations is a scope of its own.
    #[must_use]
    pub fn with_scope(mut self, scope: &[(String, Address)]) -> Lens {
        for (name, at) in scope {
            self.lower.add_scope(name, at);
        }
        self.scope = scope.to_vec();
        self
    }

    /// The canonical fields that give look-ups inside it a parameter of their scope.
    pub fn scope(&self) -> &[(String, Address)] {
        &self.scope
    }

    /// The same, with what it declares as lost.
    #[must_use]
    pub fn with_losses(mut self, losses: Vec<Loss>) -> Lens {
        for loss in &losses {
            match loss.direction {
                Direction::Lift => self.lift.add_loss(loss),
                Direction::Lower => self.lower.add_loss(loss),
            }
        }
        self.losses = losses;
        self
    }

    /// What is lost on either way, with the reasons.
    pub fn losses(&self) -> &[Loss] {
        &self.losses
    }

    /// Its name in the mapping.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its fields, in the order of the mapping.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The steps one direction takes: where each writes, and the line of the mapping that says so.
    pub fn steps(&self, direction: Direction) -> impl Iterator<Item = (Option<&Address>, Option<Span>)> {
        self.plan(direction).steps()
    }

    /// What the documents on the dialect's side are.
    pub fn wrap(&self) -> Wrap {
        self.wrap
    }

    /// Whether no two canonical documents that differ in a field of it are told alike.
    pub fn is_lossless(&self) -> bool {
        self.fields.iter().all(Field::is_lossless)
    }

    /// The same, but for fields that write nothing when it is lifted, as if the client had not sent them. What else
    /// depends on what they hold still sees it.
    #[must_use]
    pub fn without(&self, fields: &[usize]) -> Lens {
        let mut all = self.fields.clone();
        for index in fields {
            all[*index].right = None;
        }
        Lens::new(self.name.clone(), self.wrap, all)
    }

    /// Brings a message to the other side; its body is appended to `body`. The output means nothing if the run has
    /// needs or refusals afterwards.
    pub fn run<'a>(&self, input: Input<'a>, run: &mut Run<'a, '_>, body: Writer) -> Output {
        let output = self.plan(run.direction()).message(input, run, body);
        if run.trace.is_some() {
            self.tell_unused(input.body, run);
            self.tell_unread(input.query, run);
        }
        output
    }

    /// Brings a value within a message to the other side.
    pub(crate) fn value<'a>(&self, value: Value<'a>, run: &mut Run<'a, '_>, out: &mut Writer) {
        self.plan(run.direction()).value(value, run, out);
        if run.trace.is_some() {
            self.tell_unused(Some(value), run);
        }
    }

    fn plan(&self, direction: Direction) -> &Plan {
        match direction {
            Direction::Lift => &self.lift,
            Direction::Lower => &self.lower,
        }
    }
}

#[cfg(test)]
mod support;
#[cfg(test)]
mod tests;
