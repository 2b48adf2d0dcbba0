//! Values as they may be told: what kind they are of, and a digest.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;

use http::StatusCode;

use crate::json::{Kind, Value};

/// How much of a value is shown to those who want to see it, in characters.
const SHOWN_MAX: usize = 80;

/// How values are hidden.
///
/// Digests are made with a key that nobody knows, not even the next run: they say whether two values of one run are the
/// same, and nobody can try out what a short one may have been.
#[derive(Debug, Default)]
pub struct Masks {
    key: RandomState,
    shows: bool,
}

/// A value as it may be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    /// What kind it is of: `nothing`, `null`, `boolean`, `number`, `string`, `list` or `object`; or `status`; or `unknown`,
    /// where nobody can say what would stand there.
    pub kind: &'static str,
    /// A digest; for those who want to see it the value; nothing where the kind says it all.
    pub text: Option<String>,
}

impl Masks {
    /// Masks that hide nothing, for those who look at their own data.
    pub fn shown() -> Masks {
        Masks { shows: true, ..Masks::default() }
    }

    /// A value as it may be told.
    pub fn of(&self, value: Option<Value<'_>>) -> Mask {
        let Some(value) = value else { return Mask { kind: "nothing", text: None } };
        let kind = match value.kind() {
            Kind::Null => return Mask { kind: "null", text: None },
            Kind::True | Kind::False => "boolean",
            Kind::Integer | Kind::Number => "number",
            Kind::String => "string",
            Kind::Array => "list",
            Kind::Object => "object",
        };
        let mut form = Vec::new();
        crate::schema::write_form(value, &mut form);
        Mask { kind, text: Some(self.hidden(&form, value.raw())) }
    }

    /// A text as it may be told.
    pub fn text(&self, text: &str) -> Mask {
        Mask { kind: "string", text: Some(self.hidden(text.as_bytes(), text)) }
    }

    fn hidden(&self, form: &[u8], raw: &str) -> String {
        if !self.shows {
            // Half of it: enough to tell values apart, and too little to be one value's alone.
            return format!("{:08x}", self.key.hash_one(form) >> 32);
        }
        match raw.char_indices().nth(SHOWN_MAX) {
            Some((end, _)) => format!("{}…", &raw[..end]),
            None => raw.to_owned(),
        }
    }
}

impl Mask {
    /// A status, which may be told as it is: it is nobody's.
    pub fn status(status: StatusCode) -> Mask {
        Mask { kind: "status", text: Some(status.as_str().to_owned()) }
    }

    /// What nobody can say.
    pub fn unknown() -> Mask {
        Mask { kind: "unknown", text: None }
    }
}

impl fmt::Display for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind)?;
        self.text.as_ref().map_or(Ok(()), |text| write!(f, " {text}"))
    }
}
