//! What was done with one request, and why: told by the functions that do it, while they do it.
//!
//! A [`Narrator`] goes along with a request. To one that nobody listens to nothing is told, so that what is served
//! without an explanation costs nothing; to one that somebody listens to each step is told with the line of the mapping
//! that says so. Nothing here decides anything: a request with an explanation gets the same answer as one without.
//!
//! Values are masked where they are told: see [`lens::explain`](crate::lens::explain).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::diag::Span;
use crate::dialect::{Dialect, Operation};
use crate::lens::explain::{How, Outcome, Told};
use crate::problem::{Place, Root};

pub(super) mod answers;
mod calls;
mod checks;
mod refusals;
mod render;
mod words;

/// Tells what is done with a request to whoever listens. Clones tell the same listener.
#[derive(Clone, Debug, Default)]
pub struct Narrator(Option<Arc<Mutex<Explanation>>>);

/// Everything that was told.
#[derive(Debug, Default)]
pub struct Explanation {
    pub(super) dialect: Option<Arc<Dialect>>,
    pub(super) operation: Option<Arc<Operation>>,
    sections: Vec<Section>,
}

/// What was done in one go.
#[derive(Debug)]
pub struct Section {
    /// Which phase did it.
    pub phase: Phase,
    /// What it was about.
    pub title: String,
    /// What was done.
    pub told: Vec<Told>,
}

/// The phases that have something to tell, in the order of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Which operation it is.
    Select,
    /// What was looked at before anything was done.
    Check,
    /// What was looked up.
    LookUp,
    /// A call was made of it.
    Lift,
    /// The backend was called.
    Call,
    /// Places of the backend got the client's names.
    Backwards,
    /// The answer was made.
    Lower,
    /// The address of what was made was told.
    Locate,
    /// An error was told.
    Refuse,
}

impl Phase {
    /// The word an explanation names it by.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Select => "select",
            Phase::Check => "check",
            Phase::LookUp => "look-up",
            Phase::Lift => "lift",
            Phase::Call => "call",
            Phase::Backwards => "backwards",
            Phase::Lower => "lower",
            Phase::Locate => "locate",
            Phase::Refuse => "refuse",
        }
    }
}

/// A loss that was met, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Met {
    /// How often.
    pub count: u64,
    /// Why it is one.
    pub reason: String,
    /// The line of the mapping that declares it.
    pub origin: Option<Span>,
}

impl Narrator {
    /// One that somebody listens to.
    pub fn listening() -> Narrator {
        Narrator(Some(Arc::default()))
    }

    /// Whether anybody listens.
    pub fn is_heard(&self) -> bool {
        self.0.is_some()
    }

    /// Tells something, if anybody listens.
    pub fn tell(&self, tell: impl FnOnce(&mut Explanation)) {
        if let Some(explanation) = &self.0 {
            tell(&mut explanation.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// What was told so far; it is told once.
    pub fn take(&self) -> Option<Explanation> {
        let explanation = self.0.as_ref()?;
        Some(std::mem::take(&mut *explanation.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Explanation {
    /// Adds what one phase did.
    pub fn add(&mut self, phase: Phase, title: impl Into<String>, told: Vec<Told>) {
        self.sections.push(Section { phase, title: title.into(), told });
    }

    /// Adds one line to what a phase did last.
    pub(super) fn add_line(&mut self, phase: Phase, title: &str, told: Told) {
        match self.sections.last_mut() {
            Some(last) if last.phase == phase && last.title == title => last.told.push(told),
            Some(_) | None => self.add(phase, title, vec![told]),
        }
    }

    /// Forgets what a phase did: it is done again, with more that is known.
    pub(super) fn forget(&mut self, phase: Phase) {
        self.sections.retain(|section| section.phase != phase);
    }

    /// What was done, in order.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// The losses that the request and the answer met, by name.
    pub fn losses(&self) -> BTreeMap<String, Met> {
        let mut losses: BTreeMap<String, Met> = BTreeMap::new();
        for told in self.sections.iter().flat_map(|section| &section.told) {
            for how in &told.how {
                let How::Lost { name, reason } = how else { continue };
                let met = losses.entry(name.clone()).or_insert_with(|| Met {
                    count: 0,
                    reason: reason.clone(),
                    origin: told.origin,
                });
                met.count += 1;
            }
        }
        losses
    }

    /// The line of the mapping that says something of the operation, and of what it calls.
    pub(super) fn origin(&self, about: &[&str]) -> Option<Span> {
        let (dialect, operation) = (self.dialect.as_ref()?, self.operation.as_ref()?);
        let key: Vec<&str> = [operation.name.as_str()].into_iter().chain(about.iter().copied()).collect();
        dialect.origins.of(&key)
    }

    /// The same, of a key below what it calls.
    pub(super) fn origin_of_call(&self, about: &[&str]) -> Option<Span> {
        let calls = self.operation.as_ref()?.calls.name.clone();
        self.origin(&[&[calls.as_str()], about].concat())
    }
}

/// Something that was looked at and found good.
pub(super) fn checked(from: Option<Place>, origin: Option<Span>, sentence: impl Into<String>) -> Told {
    let how = vec![How::Said(sentence.into())];
    Told { to: None, from, origin, outcome: Outcome::Checked, how }
}

/// All of a body or of a query.
pub(super) fn whole(root: Root) -> Place {
    Place { root, segments: Vec::new() }
}
