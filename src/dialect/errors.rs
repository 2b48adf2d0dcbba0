//! A problem in a dialect's own body shape.
//!
//! A shape is data: templates that say which member holds which part of a [`Problem`](crate::problem::Problem). What a
//! template cannot name, a client cannot see; the cause of a problem has no slot.

use http::{HeaderValue, StatusCode};

use crate::lens::path::{Address, Literal};

mod by_field;
mod read;
mod render;

pub use read::{Complaint, Heard};
pub use render::Rendered;

/// How a dialect writes errors.
#[derive(Clone, Debug)]
pub struct ErrorShape {
    /// The media type.
    pub content_type: HeaderValue,
    /// Statuses the dialect tells as others, such as 422 as 400.
    pub folds: Vec<(StatusCode, StatusCode)>,
    /// The dialect's machine words.
    pub words: Words,
    /// The dialect's words for what a part breaks, by ours.
    pub kinds: Vec<(String, String)>,
    /// Its word for everything else; without one, ours are used.
    pub other_kind: Option<String>,
    /// The body of an error that concerns the whole request.
    pub plain: Template,
    /// The body of an error that concerns parts of it, if that looks different.
    pub invalid: Option<Template>,
}

/// Machine words by status.
#[derive(Clone, Debug)]
pub struct Words {
    /// The words of single statuses.
    pub exact: Vec<(StatusCode, String)>,
    /// The word of every other status below 500, if it has one of its own.
    pub client: Option<String>,
    /// The word of every status without one.
    pub other: String,
}

impl Default for Words {
    fn default() -> Words {
        Words { exact: Vec::new(), client: None, other: "error".to_owned() }
    }
}

/// A JSON body with slots.
#[derive(Clone, Debug)]
pub struct Template {
    fields: Vec<(Vec<Box<str>>, Slot)>,
    /// Whether it can be written in the order of its fields.
    is_orderly: bool,
}

impl Template {
    /// One of slots, each with the way to it through nested objects. A slot without a way is the whole body.
    pub fn new(fields: Vec<(Vec<Box<str>>, Slot)>) -> Template {
        Template { is_orderly: render::is_orderly(&fields, 0), fields }
    }

    /// The way to each slot, and the slot.
    pub fn fields(&self) -> &[(Vec<Box<str>>, Slot)] {
        &self.fields
    }
}

/// A part of a problem.
#[derive(Clone, Debug)]
pub enum Slot {
    /// An object that mirrors the request: messages under the names they belong to.
    ByField {
        /// The name of messages that belong to no field.
        other: String,
    },
    /// Our code, or the backend's.
    Code,
    /// The same value always.
    Constant(Literal),
    /// What the client sent at that place; for the items of a bulk answer.
    Input(Address),
    /// One sentence.
    Message,
    /// One sentence with all violations in it.
    MessageWithPlaces,
    /// Seconds until it makes sense to try again; left out if nobody knows.
    RetryAfter,
    /// Whether it makes sense to try again.
    Retryable,
    /// The status as a number.
    Status,
    /// Now.
    Time,
    /// The status in words.
    Title,
    /// A list with an object for each violation.
    Violations(Vec<(String, ViolationSlot)>),
    /// The dialect's machine word.
    Word {
        /// Written before it.
        prefix: String,
    },
}

impl Slot {
    /// The slot's name in mappings.
    pub fn name(&self) -> &'static str {
        match self {
            Slot::ByField { .. } => "by_field",
            Slot::Code => "code",
            Slot::Constant(_) => "constant",
            Slot::Input(_) => "input",
            Slot::Message => "message",
            Slot::MessageWithPlaces => "message_with_places",
            Slot::RetryAfter => "retry_after",
            Slot::Retryable => "retryable",
            Slot::Status => "status",
            Slot::Time => "time",
            Slot::Title => "title",
            Slot::Violations(_) => "violations",
            Slot::Word { .. } => "word",
        }
    }

    /// The slots' names in mappings.
    pub const NAMES: [&str; 12] = [
        "by_field",
        "code",
        "input",
        "message",
        "message_with_places",
        "retry_after",
        "retryable",
        "status",
        "time",
        "title",
        "violations",
        "word",
    ];
}

/// A part of a violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViolationSlot {
    /// Its place, as in `emails.0.role`.
    Dotted,
    /// What it breaks, in the dialect's word.
    Kind,
    /// Its place as a list that begins with `body`, `path` or `query`.
    Loc,
    /// What was expected.
    Message,
    /// Its place as a JSON Pointer.
    Pointer,
}

impl ViolationSlot {
    /// The slots with their names in mappings.
    pub const NAMES: [(&str, ViolationSlot); 5] = [
        ("dotted", ViolationSlot::Dotted),
        ("kind", ViolationSlot::Kind),
        ("loc", ViolationSlot::Loc),
        ("message", ViolationSlot::Message),
        ("pointer", ViolationSlot::Pointer),
    ];
}

impl ErrorShape {
    /// The shape of errors that belong to no dialect: problem details as RFC 9457 has them.
    pub fn standard() -> ErrorShape {
        let name = |name: &str| vec![Box::from(name)];
        let plain = vec![
            (name("title"), Slot::Title),
            (name("status"), Slot::Status),
            (name("code"), Slot::Code),
            (name("detail"), Slot::Message),
        ];
        let members = vec![
            ("pointer".to_owned(), ViolationSlot::Pointer),
            ("code".to_owned(), ViolationSlot::Kind),
            ("detail".to_owned(), ViolationSlot::Message),
        ];
        let mut invalid = plain.clone();
        invalid.push((name("errors"), Slot::Violations(members)));
        ErrorShape {
            content_type: HeaderValue::from_static("application/problem+json"),
            folds: Vec::new(),
            words: Words::default(),
            kinds: Vec::new(),
            other_kind: None,
            plain: Template::new(plain),
            invalid: Some(Template::new(invalid)),
        }
    }
}
