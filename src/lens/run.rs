//! One run of a lens: what goes in, what comes out, and what is found out on the way.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::Tally;
use super::explain::{How, Told, Trace};
use super::path::Address;
use crate::json::{Value, Writer};
use crate::problem::{Place, Root, Segment};

/// Which way a lens is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Dialect → canonical.
    Lift,
    /// Canonical → dialect.
    Lower,
}

/// What a field is read from: a value of a document, or a parameter, which is text.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source<'a> {
    Json(Value<'a>),
    Text(&'a str),
}

impl<'a> Source<'a> {
    /// The text of a string or of a parameter.
    pub(super) fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Source::Json(value) => value.as_str(),
            Source::Text(text) => Some(Cow::Borrowed(text)),
        }
    }

    /// The text of a string or of a parameter, and none for null.
    pub(super) fn string(self) -> Result<Option<Cow<'a, str>>, Stop> {
        if self.is_null() {
            return Ok(None);
        }
        self.text().map(Some).ok_or_else(|| Stop::refused("type", "must be a string"))
    }

    pub(super) fn is_null(self) -> bool {
        matches!(self, Source::Json(value) if value.is_null())
    }

    /// Writes it as it is.
    pub(super) fn copy(self, out: &mut Writer) {
        match self {
            Source::Json(value) => out.value(value),
            Source::Text(text) => out.string(text),
        }
    }
}

/// Parameters by name.
pub type Parameters = Vec<(Box<str>, String)>;

/// What a lens reads.
#[derive(Clone, Copy, Debug, Default)]
pub struct Input<'a> {
    /// The body; of a bulk request, the item.
    pub body: Option<Value<'a>>,
    /// The whole body of a bulk request.
    pub outer: Option<Value<'a>>,
    /// The parameters of the path, decoded.
    pub path: &'a [(Box<str>, String)],
    /// The parameters of the query, decoded.
    pub query: &'a [(Box<str>, String)],
}

/// What a lens writes.
#[derive(Debug)]
pub struct Output {
    /// The body; empty if the lens has nothing to say in one.
    pub body: Writer,
    /// The parameters of the path.
    pub path: Parameters,
    /// The parameters of the query.
    pub query: Parameters,
}

/// Something to look up before a run can be completed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Need {
    /// Who knows it.
    pub of: Lookup,
    /// From which side the key is.
    pub direction: Direction,
    /// The values of the parameters in whose scope it lies.
    pub scope: Vec<String>,
    /// What to look for.
    pub key: String,
}

/// Where something is looked up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lookup {
    /// With a call of its own: the index of the resolver in its dialect.
    Resolver(usize),
    /// In the id map: the kind of id.
    Imported(Arc<str>),
}

/// What a look-up gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// There is no such thing.
    Missing,
    /// The other half of the pair.
    Value(String),
}

/// Shows no key: a client wrote it.
impl fmt::Debug for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Need { of, direction, scope, key } = self;
        let (scope, key) = (scope.len(), key.len());
        f.debug_struct("Need")
            .field("of", of)
            .field("direction", direction)
            .field("scope", &scope)
            .field("key", &key)
            .finish()
    }
}

/// What was looked up so far. A run that lacks something says what; it is then run again with more.
#[derive(Clone, Default)]
pub struct Resolutions {
    known: HashMap<Need, Found>,
    has_id_map: bool,
}

/// Shows how many.
impl fmt::Debug for Resolutions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolutions").field("known", &self.known.len()).finish_non_exhaustive()
    }
}

impl Resolutions {
    /// Remembers an answer.
    pub fn insert(&mut self, need: Need, found: Found) {
        self.known.insert(need, found);
    }

    /// The answer to `need`, if it is known.
    pub fn find(&self, need: &Need) -> Option<&Found> {
        self.known.get(need)
    }

    /// The answer to `need`, if its other half was looked up before: a pair is found from either of its halves, also
    /// when the backend no longer has it because the call removed it.
    pub fn opposite(&self, need: &Need) -> Option<&str> {
        let is_pair = |(known, found): &(&Need, &Found)| {
            known.of == need.of
                && known.direction != need.direction
                && known.scope == need.scope
                && matches!(found, Found::Value(value) if *value == need.key)
        };
        self.known.iter().find(is_pair).map(|(known, _)| known.key.as_str())
    }

    /// Nothing so far, where there is an id map to ask. Without one, no id was ever imported and none is asked for.
    pub fn with_id_map() -> Resolutions {
        Resolutions { has_id_map: true, ..Resolutions::default() }
    }
}

/// A value that could not be brought to the other side.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// Where it was read.
    pub place: Place,
    /// Which rule it breaks.
    pub kind: &'static str,
    /// What was expected, without the value.
    pub message: String,
    /// Whether the value names something that does not exist.
    pub missing: bool,
}

/// Why an op wrote nothing.
#[derive(Debug)]
pub(super) enum Stop {
    /// It needs a look-up first.
    Awaited,
    /// Something inside it was refused and has been noted.
    Reported,
    /// It refuses the value.
    Refused { kind: &'static str, message: String, missing: bool },
}

impl Stop {
    pub(super) fn refused(kind: &'static str, message: impl Into<String>) -> Stop {
        Stop::Refused { kind, message: message.into(), missing: false }
    }
}

/// The state of one run.
#[derive(Debug)]
pub struct Run<'a, 'r> {
    direction: Direction,
    resolutions: &'r Resolutions,
    pub(super) input: Input<'a>,
    /// Parameters of the canonical call that are known beforehand.
    pub(super) given: &'a [(Box<str>, String)],
    /// Those that were found on the way, in the message or in a document inside it.
    pub(super) params: Parameters,
    /// What the fields of the plans under way were read from, one frame after another.
    pub(super) slots: Vec<Option<Source<'a>>>,
    /// Where in the body the value under way lies.
    pub(super) at: Vec<Segment>,
    needs: Vec<Need>,
    refusals: Vec<Refusal>,
    pub(super) ignored: u64,
    /// Which declared losses were met.
    pub(super) lost: Tally,
    /// What is told of the run, if anybody listens. Boxed, because hardly ever somebody does.
    pub(super) trace: Option<Box<Trace>>,
    /// Room for the spelling of an id.
    pub(super) spelling: String,
}

impl<'a, 'r> Run<'a, 'r> {
    /// A run in one direction, with what is known already.
    pub fn new(direction: Direction, resolutions: &'r Resolutions) -> Run<'a, 'r> {
        Run {
            direction,
            resolutions,
            input: Input::default(),
            given: &[],
            params: Vec::new(),
            slots: Vec::with_capacity(32),
            at: Vec::new(),
            needs: Vec::new(),
            refusals: Vec::new(),
            ignored: 0,
            lost: Tally::default(),
            trace: None,
            spelling: String::new(),
        }
    }

    /// The same, for a value that lies below `at` in the body.
    #[must_use]
    pub fn below(mut self, at: Vec<Segment>) -> Self {
        self.at = at;
        self
    }

    /// The same, for a message that belongs to a canonical call with these parameters. Who lowers gives them as its input.
    #[must_use]
    pub fn within(mut self, given: &'a [(Box<str>, String)]) -> Self {
        self.given = given;
        self
    }

    /// Where in the body the next message lies.
    pub(crate) fn place(&mut self) -> &mut Vec<Segment> {
        &mut self.at
    }

    /// The same, and everything it does is told. What it reads and writes lies at these places in more.
    #[must_use]
    pub fn traced(mut self, read_below: Vec<Segment>, written_below: Vec<Segment>) -> Self {
        self.trace(read_below, written_below);
        self
    }

    /// From here on, everything it does is told.
    pub fn trace(&mut self, read_below: Vec<Segment>, written_below: Vec<Segment>) {
        self.trace = Some(Box::new(Trace::new(read_below, written_below)));
    }

    /// What was told; nothing if the run was not traced.
    pub fn take_told(&mut self) -> Vec<Told> {
        self.trace.take().map_or_else(Vec::new, |trace| trace.into_told())
    }

    /// Says how the value under way is brought over, if anybody listens.
    pub(super) fn say(&mut self, how: impl FnOnce() -> How) {
        if let Some(trace) = &mut self.trace {
            trace.say(how());
        }
    }

    /// Which way.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// What has to be looked up first.
    pub fn needs(&self) -> &[Need] {
        &self.needs
    }

    /// What was refused.
    pub fn refusals(&self) -> &[Refusal] {
        &self.refusals
    }

    /// How many members of the input nothing was made of.
    pub fn ignored(&self) -> u64 {
        self.ignored
    }

    /// The same, and the declared losses it meets are added to these.
    #[must_use]
    pub fn counting(mut self, lost: Tally) -> Self {
        self.lost = lost;
        self
    }

    /// Which declared losses were met.
    pub fn take_lost(&mut self) -> Tally {
        std::mem::take(&mut self.lost)
    }

    /// What has to be looked up first, for keeps. The run can go on with another message.
    pub(crate) fn take_needs(&mut self) -> impl Iterator<Item = Need> + '_ {
        self.needs.drain(..)
    }

    /// What was refused, for keeps. The run can go on with another message.
    pub(crate) fn take_refusals(&mut self) -> Vec<Refusal> {
        std::mem::take(&mut self.refusals)
    }

    /// What was refused, for keeps.
    pub fn into_refusals(self) -> Vec<Refusal> {
        self.refusals
    }

    /// The answer to `need`; notes the need if there is none yet.
    pub(super) fn ask(&mut self, need: Need) -> Result<&'r Found, Stop> {
        if let Some(found) = self.resolutions.find(&need) {
            return Ok(found);
        }
        if !self.needs.contains(&need) {
            self.needs.push(need);
        }
        Err(Stop::Awaited)
    }

    /// The answer to `need`, if it follows from one that was given before.
    pub(super) fn opposite(&self, need: &Need) -> Option<&'r str> {
        self.resolutions.opposite(need)
    }

    /// Whether ids may have been imported.
    pub(super) fn has_id_map(&self) -> bool {
        self.resolutions.has_id_map
    }

    /// The values of the parameters of those names; none if one is not known yet.
    pub(super) fn scope(&self, names: &[String]) -> Option<Vec<String>> {
        names.iter().map(|name| self.param(name).map(str::to_owned)).collect()
    }

    /// The value of the parameter of that name, if it is known.
    pub(super) fn param(&self, name: &str) -> Option<&str> {
        // The innermost document that names a parameter knows best.
        let mut known = self.params.iter().rev().chain(self.given.iter().rev());
        known.find(|(known, _)| **known == *name).map(|(_, value)| value.as_str())
    }

    /// Says that what was refused since there were `since` refusals lies further down in the body: at `path`, which
    /// nobody needed to know before.
    pub(super) fn refused_inside(&mut self, since: usize, path: &Address) {
        let depth = self.at.len();
        for refusal in self.refusals[since..].iter_mut().filter(|refusal| refusal.place.root == Root::Body) {
            refusal.place.segments.splice(depth..depth, path.segments());
        }
    }

    /// Notes why the value at `path` was not brought over.
    pub(super) fn note(&mut self, stop: Stop, root: Root, path: Vec<Segment>) {
        let Stop::Refused { kind, message, missing } = stop else {
            return;
        };
        let mut segments = if root == Root::Body { self.at.clone() } else { Vec::new() };
        segments.extend(path);
        self.refusals.push(Refusal { place: Place { root, segments }, kind, message, missing });
    }
}
