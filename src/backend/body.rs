//! Request bodies, read strictly and by hand: every field is asked for by name, and every fault is reported.
//!
//! ```text
//! let invitation = body::read(bytes, |fields| {
//!     let email = fields.email("email");     // ask for everything first …
//!     let role = fields.role("role");
//!     Some(Create { email: email?, role: role? })     // … then put it together
//! })?;
//! ```
//!
//! A getter that finds a fault notes it and gives `None`. Fields that nobody asked for are faults as well.

use std::borrow::Cow;

use crate::json::{Document, Kind, Limits, Value};

use super::email::is_email;
use super::problem::{Code, Fault, Problem};
use super::role::Role;

mod more;

pub(super) use more::Nulls;

const TEXT_LENGTH_MAX: usize = 1000;

/// The fields of one object in a body, and the faults found so far.
pub(super) struct Fields<'a> {
    object: Value<'a>,
    pointer: String,
    asked: Vec<&'static str>,
    faults: &'a mut Vec<Fault>,
}

/// Reads a body that must be one object. All faults are reported together.
pub(super) fn read<T>(body: &[u8], build: impl FnOnce(&mut Fields<'_>) -> Option<T>) -> Result<T, Problem> {
    let document = Document::parse(body.to_vec(), &Limits::default())
        .map_err(|error| Problem::new(Code::InvalidJson, format!("the body is not JSON: {error}")))?;
    let mut faults = Vec::new();
    match Fields::of(document.root(), String::new(), &mut faults, build) {
        Some(value) if faults.is_empty() => Ok(value),
        _ => Err(invalid(faults)),
    }
}

/// Refuses a body for faults that reading alone could not find.
pub(super) fn invalid(faults: Vec<Fault>) -> Problem {
    let detail = match faults.as_slice() {
        [fault] => format!("the body is invalid: {}", fault.detail),
        _ => format!("the body is invalid in {} places", faults.len()),
    };
    Problem::new(Code::InvalidBody, detail).with_faults(faults)
}

impl Fields<'_> {
    fn of<T>(
        object: Value<'_>,
        pointer: String,
        faults: &mut Vec<Fault>,
        build: impl FnOnce(&mut Fields<'_>) -> Option<T>,
    ) -> Option<T> {
        if object.kind() != Kind::Object {
            faults.push(Fault::new(pointer, "wrong-type", "must be an object"));
            return None;
        }
        let mut fields = Fields { object, pointer, asked: Vec::new(), faults };
        let value = build(&mut fields);
        fields.report_unknown();
        value
    }

    /// Whether the field is there, be it null.
    pub(super) fn has(&self, name: &str) -> bool {
        self.object.member(name).is_some()
    }

    /// A required email address.
    pub(super) fn email(&mut self, name: &'static str) -> Option<String> {
        let text = self.string(name)?;
        if is_email(&text) {
            return Some(text.into_owned());
        }
        self.fault(name, "invalid-email", "must be an email address")
    }

    /// A required role.
    pub(super) fn role(&mut self, name: &'static str) -> Option<Role> {
        let table = Role::ALL.map(|role| (role.name(), role));
        self.word(name, &table)
    }

    /// A required word out of `table`, as what it stands for.
    pub(super) fn word<T: Copy>(&mut self, name: &'static str, table: &[(&str, T)]) -> Option<T> {
        let text = self.string(name)?;
        if let Some((_, meaning)) = table.iter().find(|(word, _)| *word == text) {
            return Some(*meaning);
        }
        let words: Vec<&str> = table.iter().map(|(word, _)| *word).collect();
        self.fault(name, "not-allowed", format!("must be one of `{}`", words.join("`, `")))
    }

    /// A required text of 1 to `length_max` characters.
    pub(super) fn text(&mut self, name: &'static str, length_max: usize) -> Option<String> {
        let text = self.string(name)?;
        match text.chars().count() {
            0 => self.fault(name, "too-short", "must not be empty"),
            length if length > length_max => {
                self.fault(name, "too-long", format!("must be at most {length_max} characters long"))
            }
            _ => Some(text.into_owned()),
        }
    }

    /// A text that may be absent or null.
    pub(super) fn text_or_null(&mut self, name: &'static str) -> Option<String> {
        self.short_text_or_null(name, TEXT_LENGTH_MAX)
    }

    /// A truth value that may be absent.
    pub(super) fn flag(&mut self, name: &'static str, default: bool) -> bool {
        let Some(value) = self.ask(name) else { return default };
        let truth = value.as_bool();
        if truth.is_none() {
            self.fault::<()>(name, "wrong-type", "must be true or false");
        }
        truth.unwrap_or(default)
    }

    /// The JSON text of an object that may be absent and holds what it likes.
    pub(super) fn free_object(&mut self, name: &'static str) -> String {
        match self.ask(name) {
            None => "{}".to_owned(),
            Some(value) if value.kind() == Kind::Object => value.raw().to_owned(),
            Some(_) => self.fault(name, "wrong-type", "must be an object").unwrap_or_default(),
        }
    }

    /// A required object with fields of its own.
    pub(super) fn object<T>(
        &mut self,
        name: &'static str,
        build: impl FnOnce(&mut Fields<'_>) -> Option<T>,
    ) -> Option<T> {
        let value = self.required(name)?;
        Fields::of(value, self.pointer_to(name), self.faults, build)
    }

    /// A list of objects that may be absent. Those with faults are left out.
    pub(super) fn objects<T>(
        &mut self,
        name: &'static str,
        build: impl Fn(&mut Fields<'_>) -> Option<T>,
    ) -> Vec<T> {
        let Some(list) = self.ask(name) else { return Vec::new() };
        if list.kind() != Kind::Array {
            self.fault::<()>(name, "wrong-type", "must be an array");
            return Vec::new();
        }
        let pointer = self.pointer_to(name);
        let elements = list.elements().enumerate();
        elements
            .filter_map(|(index, element)| {
                Fields::of(element, format!("{pointer}/{index}"), self.faults, &build)
            })
            .collect()
    }

    /// Notes a fault of the field.
    pub(super) fn fault<T>(
        &mut self,
        name: &str,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Option<T> {
        self.faults.push(Fault::new(self.pointer_to(name), code, detail));
        None
    }
}

impl<'a> Fields<'a> {
    fn ask(&mut self, name: &'static str) -> Option<Value<'a>> {
        self.asked.push(name);
        self.object.member(name)
    }

    fn required(&mut self, name: &'static str) -> Option<Value<'a>> {
        let value = self.ask(name);
        value.or_else(|| self.fault(name, "required", "is required"))
    }

    fn string(&mut self, name: &'static str) -> Option<Cow<'a, str>> {
        match self.required(name)?.as_str() {
            None => self.fault(name, "wrong-type", "must be a string"),
            Some(text) if text.contains(char::is_control) => {
                self.fault(name, "control-character", "must not hold control characters")
            }
            Some(text) => Some(text),
        }
    }

    fn report_unknown(&mut self) {
        for (key, _) in self.object.members() {
            if !self.asked.iter().any(|name| key.is(name)) {
                self.fault::<()>(&key.as_str(), "unknown-field", "is not a field of this body");
            }
        }
    }

    fn pointer_to(&self, name: &str) -> String {
        format!("{}/{}", self.pointer, name.replace('~', "~0").replace('/', "~1"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong with `body` when it is read as `{email, role, sso?, extensions?, list?: [{id}]}`.
    fn faults(body: &str) -> Vec<(String, &'static str)> {
        let mut faults = Vec::new();
        let document = Document::parse(body.into(), &Limits::default()).unwrap();
        let value = Fields::of(document.root(), String::new(), &mut faults, |fields| {
            let email = fields.email("email");
            let role = fields.role("role");
            fields.text_or_null("name");
            fields.flag("sso", false);
            fields.free_object("extensions");
            fields.objects("list", |item| item.text("id", 3));
            Some((email?, role?))
        });
        assert!(value.is_some() || !faults.is_empty(), "nothing was read and nothing reported");
        faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
    }

    fn fault(pointer: &str, code: &'static str) -> (String, &'static str) {
        (pointer.to_owned(), code)
    }

    #[test]
    fn a_sound_body_has_no_faults() {
        let body =
            r#"{"email":"ada@example.com","role":"editor","name":null,"sso":true,"list":[{"id":"abc"}]}"#;
        assert_eq!(faults(body), []);
    }

    #[test]
    fn all_faults_are_reported_at_once() {
        let body = r#"{"role":"chief","sso":"yes","name":7,"extensions":[],
            "list":[{"id":""},{"id":"abcd"},{}],"a/b":1}"#;
        let expected = [
            fault("/email", "required"),
            fault("/role", "not-allowed"),
            fault("/name", "wrong-type"),
            fault("/sso", "wrong-type"),
            fault("/extensions", "wrong-type"),
            fault("/list/0/id", "too-short"),
            fault("/list/1/id", "too-long"),
            fault("/list/2/id", "required"),
            fault("/a~1b", "unknown-field"),
        ];
        assert_eq!(faults(body), expected);
    }

    #[test]
    fn null_is_not_absent_where_null_means_nothing() {
        let body = r#"{"email":null,"role":null,"sso":null,"extensions":null,"list":null}"#;
        let expected = ["/email", "/role", "/sso", "/extensions", "/list"].map(|at| fault(at, "wrong-type"));
        assert_eq!(faults(body), expected);
    }

    #[test]
    fn a_body_that_is_no_object_is_one_fault() {
        assert_eq!(faults("[]"), [fault("", "wrong-type")]);
    }

    #[test]
    fn control_characters_are_refused_however_they_are_written() {
        let body = r#"{"email":"ada@example.com","role":"editor","name":"a\u0000b"}"#;
        assert_eq!(faults(body), [fault("/name", "control-character")]);
    }

    #[test]
    fn text_that_is_not_json_is_refused_without_repeating_it() {
        let problem = read(b"{\"secret\":1,\"secret\":2}", |_| Some(())).unwrap_err();
        assert!(!format!("{problem:?}").contains("secret"));
    }
}
