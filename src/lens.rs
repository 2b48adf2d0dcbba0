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

pub mod op;
pub mod path;
mod plan;
mod run;

use crate::diag::Span;
use crate::json::{Value, Writer};
use crate::problem::{Place, Segment};

use self::op::Op;
use self::op::each::Item;
use self::path::{Address, Literal};
use self::plan::Plan;
pub use self::run::{Direction, Found, Input, Need, Output, Parameters, Refusal, Resolutions, Run};

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
    /// Lift: only when another field of the dialect holds one of these values; else the field is ignored.
    pub lift_when: Option<(Address, Vec<Literal>)>,
    /// Lift: written beside the field; lower: the field is only there if this is.
    pub tag: Option<(Address, Literal)>,
    /// Shown to clients and never read back.
    pub shown: bool,
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
}

impl Lens {
    /// Compiles the fields for both directions.
    pub fn new(name: impl Into<String>, wrap: Wrap, fields: Vec<Field>) -> Lens {
        let lift = Plan::compile(&fields, wrap, Direction::Lift);
        let lower = Plan::compile(&fields, wrap, Direction::Lower);
        Lens { name: name.into(), wrap, fields, lift, lower }
    }

    /// Its name in the mapping.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its fields, in the order of the mapping.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// What the documents on the dialect's side are.
    pub fn wrap(&self) -> Wrap {
        self.wrap
    }

    /// Brings a message to the other side; its body is appended to `body`. The output means nothing if the run has
    /// needs or refusals afterwards.
    pub fn run<'a>(&self, input: Input<'a>, run: &mut Run<'a, '_>, body: Writer) -> Output {
        self.plan(run.direction()).message(input, run, body)
    }

    /// Brings a value within a message to the other side.
    pub(crate) fn value<'a>(&self, value: Value<'a>, run: &mut Run<'a, '_>, out: &mut Writer) {
        self.plan(run.direction()).value(value, run, out);
    }

    fn plan(&self, direction: Direction) -> &Plan {
        match direction {
            Direction::Lift => &self.lift,
            Direction::Lower => &self.lower,
        }
    }

    /// The dialect's name for a canonical place: that of the field that reaches furthest towards it. None if no
    /// field has to do with it.
    pub fn backwards(&self, place: &Place) -> Option<Place> {
        let candidates = self.fields.iter().filter_map(|field| field_backwards(field, place));
        // Of equals the first: `role` stands before the label that is made of it.
        let best = candidates.reduce(|best, next| if next.0 > best.0 { next } else { best });
        best.map(|(_, place)| self.unwrapped(place))
    }

    /// A lens for scalars has one field whose name nobody sees.
    fn unwrapped(&self, mut place: Place) -> Place {
        if let Wrap::Scalar(index) = self.wrap
            && let Some(left) = &self.fields[index].left
            && place.root == left.root
        {
            place.segments.drain(..left.path.len().min(place.segments.len()));
        }
        place
    }
}

/// How far the field reaches towards the place, and what its end is called on the left.
fn field_backwards(field: &Field, place: &Place) -> Option<(usize, Place)> {
    let (left, right) = (field.left.as_ref()?, field.right.as_ref()?);
    if right.root != place.root {
        return None;
    }
    let own = right.segments();
    let start = Place { root: left.root, segments: left.segments() };
    if let Some(below) = place.segments.strip_prefix(own.as_slice()) {
        let (reach, deeper) = op_backwards(&field.op, below);
        let mut found = start;
        found.segments.extend(deeper);
        return Some((own.len() + reach, found));
    }
    // A place above the field: the backend complains of all of `user`, the dialect knows only `user_name`.
    let above = !place.segments.is_empty() && own.starts_with(&place.segments);
    above.then_some((place.segments.len(), start))
}

/// What a place below the canonical field is called below the dialect's, and how much of it was understood.
fn op_backwards(op: &Op, below: &[Segment]) -> (usize, Vec<Segment>) {
    let inner = |lens: &Lens, rest: &[Segment]| {
        let found = lens.backwards(&Place::body(rest.to_vec()));
        found.map_or((0, Vec::new()), |place| (rest.len(), place.segments))
    };
    match (op, below) {
        (Op::Copy, _) => (below.len(), below.to_vec()),
        (Op::Nested(nested), [_, ..]) => inner(&nested.lens, below),
        (Op::Each(each), [index @ Segment::Index(_), rest @ ..]) => {
            let (reach, deeper) = match &each.item {
                Item::Copy => (rest.len(), rest.to_vec()),
                Item::Lens(lens) => inner(lens, rest),
                Item::Id(_) => (0, Vec::new()),
            };
            (reach + 1, std::iter::once(index.clone()).chain(deeper).collect())
        }
        (
            Op::Constant(_)
            | Op::Each(_)
            | Op::Fixed(_)
            | Op::Id(_)
            | Op::Label(_)
            | Op::Nested(_)
            | Op::Prefix(_)
            | Op::Resolve(_)
            | Op::Row(_)
            | Op::Table(_),
            _,
        ) => (0, Vec::new()),
    }
}
