//! Recorded traffic: exchanges of clients with an API, out of files of any length.
//!
//! | input | holds |
//! | --- | --- |
//! | `har` | a HAR 1.2 document, as browsers and proxies record it |
//! | `jsonl` | a JSON object on each line |
//! | `json` | one JSON value |
//!
//! A file comes in [`Piece`]s, one in memory at a time: an entry of a HAR, a line, or all of a JSON file. A piece is read
//! as an [`Exchange`] by [`har`] or by [`record`].

use std::{borrow::Cow, ops::Range};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderMap;

use crate::json::{Kind, Value};

pub(super) mod ask;
pub(super) mod har;
pub(super) mod pieces;
pub(super) mod recognise;
pub(super) mod record;

pub(super) use self::pieces::{Input, Kind as InputKind, Piece};

/// One request of a client and how it was answered, as far as that was recorded.
#[derive(Debug)]
pub(super) struct Exchange<'a> {
    pub(super) method: Value<'a>,
    pub(super) url: Value<'a>,
    pub(super) headers: HeaderMap,
    pub(super) request: Recorded<'a>,
    /// None if no answer came, or none was recorded.
    pub(super) status: Option<(u16, Value<'a>)>,
    pub(super) answer: Recorded<'a>,
    /// What the backend was asked meanwhile, and answered, where somebody wrote that down.
    pub(super) calls: Option<Vec<Call<'a>>>,
}

/// A call of the backend and its answer.
#[derive(Debug)]
pub(super) struct Call<'a> {
    /// Method and target, as in `GET /v1/things?limit=2`.
    pub(super) line: String,
    pub(super) status: u16,
    pub(super) body: Option<Value<'a>>,
}

/// A body, as far as it was recorded.
#[derive(Clone, Copy, Debug)]
pub(super) enum Recorded<'a> {
    /// There was one, or may have been.
    Unknown,
    /// There was none.
    Nothing,
    /// This one.
    Body(Body<'a>),
}

/// A body in the piece it was recorded in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Body<'a> {
    value: Value<'a>,
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// A string that is the body in base64.
    Base64,
    /// The body itself.
    Json,
    /// A string that is the body's text.
    Text,
}

/// What is wrong with a piece that is no exchange: what, and where in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misshapen {
    pub(super) message: String,
    pub(super) place: Range<usize>,
}

impl<'a> Body<'a> {
    fn new(value: Value<'a>, form: Form) -> Body<'a> {
        Body { value, form }
    }

    /// Its bytes; none if they cannot be told.
    pub(super) fn bytes(self) -> Option<Vec<u8>> {
        match self.form {
            Form::Json => Some(self.value.raw().as_bytes().to_vec()),
            Form::Text => self.value.as_str().map(Cow::into_owned).map(String::into_bytes),
            Form::Base64 => STANDARD.decode(&*self.value.as_str()?).ok(),
        }
    }

    /// Where in the piece these bytes of the body stand; of a body in another encoding, all of it.
    pub(super) fn place(self, range: Range<usize>) -> Range<usize> {
        match self.form {
            Form::Json => range.start + self.value.offset()..range.end + self.value.offset(),
            Form::Text => self.value.offset_within(range.start)..self.value.offset_within(range.end),
            Form::Base64 => extent(self.value),
        }
    }

    /// Whether it may be there to say that there was none: who writes down what was answered writes null for nothing.
    pub(super) fn is_null(self) -> bool {
        self.form == Form::Json && self.value.is_null()
    }

    /// Whether each of its bytes has a place of its own.
    pub(super) fn has_places(self) -> bool {
        self.form != Form::Base64
    }
}

/// The bytes of a piece that a value takes.
pub(super) fn extent(value: Value<'_>) -> Range<usize> {
    value.offset()..value.offset() + value.raw().len()
}

/// Gives a member that has to be there and of that kind. `at` is what the object is called.
fn member<'a>(object: Value<'a>, at: &str, name: &str, kind: Kind) -> Result<Value<'a>, Misshapen> {
    let called = if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
    let article = match kind {
        Kind::Array => "an array",
        Kind::Integer => "an integer",
        Kind::Object => "an object",
        _ => "a string",
    };
    match object.member(name) {
        Some(value) if value.kind() == kind => Ok(value),
        Some(value) => {
            Err(Misshapen { message: format!("`{called}` must be {article}"), place: extent(value) })
        }
        None => {
            let place = object.offset()..object.offset() + 1;
            Err(Misshapen { message: format!("there is no `{called}`"), place })
        }
    }
}

/// A status of an answer; none if it is 0, which is how browsers say that no answer came.
fn status<'a>(value: Value<'a>, called: &str) -> Result<Option<(u16, Value<'a>)>, Misshapen> {
    match value.as_i64().and_then(|status| u16::try_from(status).ok()) {
        Some(0) => Ok(None),
        Some(status @ 100..=599) => Ok(Some((status, value))),
        Some(_) | None => {
            let message = format!("`{called}` must be a status from 100 to 599");
            Err(Misshapen { message, place: extent(value) })
        }
    }
}

#[cfg(test)]
mod tests;
