//! What a run did, told step by step: where each value was read and written, and by which line of the mapping.
//!
//! A run that is traced does what any run does, and tells of it while it does it: there is no second opinion of how a
//! lens works. A run that is not traced pays for none of this.
//!
//! Values are never part of it: of a value its sort is told, such as `string(14)`. What is told literally stands in the
//! mapping: words of tables, constants, reasons.

use std::borrow::Cow;
use std::fmt;

use super::op::table::Word;
use super::path::Address;
use super::run::{Direction, Lookup, Stop};
use crate::canonical::id::IdForm;
use crate::diag::Span;
use crate::json::{Document, Kind, Limits, Value};
use crate::problem::Place;

mod trace;
mod unused;

pub(super) use self::trace::{Mark, Trace};

/// What became of one place.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Where it was written, or would have been.
    pub to: Option<Place>,
    /// Where it was read.
    pub from: Option<Place>,
    /// The line of the mapping that says so.
    pub origin: Option<Span>,
    /// What came of it.
    pub outcome: Outcome,
    /// How, in the order in which it was done.
    pub how: Vec<How>,
}

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A value of that sort was written.
    Written(Sort),
    /// An object or an array was written, and what is in it is told after this.
    Around(Sort),
    /// A value of that sort would have been written, and is left out because it is what the client was told.
    Kept(Sort),
    /// The value was looked at, and goes no further.
    Checked,
    /// Nothing was written, for this reason.
    LeftOut(&'static str),
    /// The value has no counterpart.
    Refused {
        /// Which rule it breaks.
        kind: Cow<'static, str>,
        /// What was expected.
        message: String,
    },
    /// Something must be looked up first.
    Awaited,
    /// Nothing was made of it, and nobody said so beforehand.
    Ignored,
    /// Nothing was made of it, as was declared.
    Lost,
}

impl Outcome {
    /// That of a step which ended so, having written `written`.
    pub(super) fn of(ended: &Result<(), Stop>, written: &[u8]) -> Outcome {
        match ended {
            Ok(()) if written.is_empty() => Outcome::Checked,
            Ok(()) => Outcome::Written(Sort::written(written)),
            Err(Stop::Awaited) => Outcome::Awaited,
            Err(Stop::Reported) => {
                Outcome::Refused { kind: "inside".into(), message: "something in it is refused".to_owned() }
            }
            Err(Stop::Refused { kind, message, .. }) => {
                Outcome::Refused { kind: (*kind).into(), message: message.clone() }
            }
        }
    }
}

/// One thing that was done with a value.
#[derive(Clone, Debug, PartialEq)]
pub enum How {
    /// It is the value that stands for none in the canonical form.
    Absent(String),
    /// It stands for none.
    Blank,
    /// It is the same always.
    Constant(String),
    /// It was taken as it is.
    Copied,
    /// It is what the mapping says for a field that is not there.
    Default(String),
    /// Elements were told, of so many.
    Each {
        /// Of how many.
        of: usize,
        /// How many were told.
        told: usize,
    },
    /// It was read where the mapping says to look next.
    Fallback,
    /// A word asks for these words.
    Filter(String),
    /// It is the one value that may be sent.
    Fixed(String),
    /// Whether a list holds this word.
    Has(String),
    /// It is an id that was spelt anew.
    Id {
        /// The spelling that was read.
        read: IdForm,
        /// The spelling that was written.
        written: IdForm,
    },
    /// It is an id that was imported.
    Imported(String),
    /// It went through the lens of this name.
    Inside(String),
    /// What the word is called when it is shown.
    Label(String),
    /// It is lost, and was declared to be.
    Lost {
        /// The name of the loss.
        name: String,
        /// Why.
        reason: String,
    },
    /// It was looked up, and was there or not.
    LookedUp {
        /// By whom.
        of: Lookup,
        /// Whether it was there.
        found: bool,
    },
    /// This was put before it, or taken away.
    Prefix(String),
    /// The canonical word has none here, as was declared.
    Nowhere {
        /// The canonical word, as JSON.
        canonical: String,
        /// Where the mapping says so.
        origin: Option<Span>,
    },
    /// Something to read, in words.
    Said(String),
    /// It is a word of a table.
    Word {
        /// The word of the dialect, as JSON.
        dialect: String,
        /// The canonical word, as JSON.
        canonical: String,
        /// Whether the canonical word has no row, and landed on this one.
        landed: bool,
        /// Where the row stands, or the landing.
        origin: Option<Span>,
    },
}

impl How {
    /// The word the rule goes by in an explanation for programs.
    pub fn rule(&self) -> &'static str {
        match self {
            How::Absent(_) => "absent",
            How::Blank => "blank",
            How::Constant(_) => "constant",
            How::Copied => "copy",
            How::Default(_) => "default",
            How::Each { .. } => "each",
            How::Fallback => "fallback",
            How::Filter(_) => "filter",
            How::Fixed(_) => "fixed",
            How::Has(_) => "has",
            How::Id { .. } => "id",
            How::Imported(_) => "imported",
            How::Inside(_) => "lens",
            How::Label(_) => "label",
            How::LookedUp { .. } => "resolve",
            How::Lost { .. } => "lost",
            How::Prefix(_) => "prefix",
            How::Said(_) => "said",
            How::Nowhere { .. } | How::Word { .. } => "table",
        }
    }
}

/// What is told of a value: its type, and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    kind: Kind,
    len: usize,
}

impl Sort {
    /// Of a value.
    pub fn of(value: Value<'_>) -> Sort {
        let len = match value.kind() {
            Kind::String => value.as_str().map_or(0, |text| text.chars().count()),
            Kind::Array | Kind::Object => value.len(),
            Kind::False | Kind::Integer | Kind::Null | Kind::Number | Kind::True => 0,
        };
        Sort { kind: value.kind(), len }
    }

    /// Of a text.
    pub fn text(text: &str) -> Sort {
        Sort { kind: Kind::String, len: text.chars().count() }
    }

    /// Of an array of so many elements.
    pub fn array(len: usize) -> Sort {
        Sort { kind: Kind::Array, len }
    }

    /// Of what was just written, as JSON.
    pub fn written(json: &[u8]) -> Sort {
        // The comma that parts it from what stands before is not its own.
        let json = json.strip_prefix(b",").unwrap_or(json);
        let document = Document::parse(json.to_vec(), &Limits { bytes_max: json.len(), ..Limits::default() });
        document.map_or(Sort { kind: Kind::Null, len: 0 }, |document| Sort::of(document.root()))
    }
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Array => write!(f, "array({})", self.len),
            Kind::False | Kind::True => f.write_str("boolean"),
            Kind::Integer => f.write_str("integer"),
            Kind::Null => f.write_str("null"),
            Kind::Number => f.write_str("number"),
            Kind::Object => write!(f, "object({})", self.len),
            Kind::String => write!(f, "string({})", self.len),
        }
    }
}

/// A loss that is declared: what nothing is made of on its way to the other side.
#[derive(Clone, Debug, PartialEq)]
pub struct Loss {
    /// Its number, by which it is counted: its place in the dialect's list of losses.
    pub number: usize,
    /// Its name: that of the lens or the operation, then that of the field.
    pub name: String,
    /// Where it is.
    pub at: Address,
    /// Which way it is lost: dialect's fields are when lifting, canonical ones when lowering.
    pub direction: Direction,
    /// Why.
    pub reason: String,
    /// The line of the mapping that says so.
    pub origin: Option<Span>,
}

impl Loss {
    /// The value that is lost with `body`, if there is one that says anything.
    pub(super) fn held<'a>(&self, body: Option<Value<'a>>) -> Option<Value<'a>> {
        held(body?, &self.at.path)
    }
}

/// The value at a path, if there is one that says anything.
pub(super) fn held<'a>(value: Value<'a>, path: &[Box<str>]) -> Option<Value<'a>> {
    let value = path.iter().try_fold(value, |value, name| value.member(name))?;
    let is_container = matches!(value.kind(), Kind::Array | Kind::Object);
    let says_nothing = value.is_null() || is_container && value.is_empty();
    (!says_nothing).then_some(value)
}

impl Word {
    /// What is told of the pair of a word and a canonical one.
    pub(super) fn told(&self, canonical: &Word, landed: bool, origin: Option<Span>) -> How {
        How::Word { dialect: self.json().to_owned(), canonical: canonical.json().to_owned(), landed, origin }
    }
}

#[cfg(test)]
mod tests;
