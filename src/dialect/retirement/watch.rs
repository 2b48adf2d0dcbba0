//! Parts of a request that retire, and whether a request has them.
//!
//! Only what clients write is looked at. An answer tells everybody the same fields, so that a header about one of them
//! would say nothing about whether its client reads it.

use std::sync::Arc;

use super::Retirement;
use crate::json::{Kind, Value};
use crate::lens::Parameters;
use crate::lens::path::Literal;
use crate::problem::{Place, Root, Segment};

/// A part of a request that retires: a field, or some of its values.
#[derive(Clone, Debug)]
pub struct Watch {
    /// Body or query.
    pub root: Root,
    /// The way to it; of a parameter, its name.
    pub way: Vec<Step>,
    /// The values in question; none are all of them.
    pub values: Vec<Literal>,
    /// How it retires.
    pub retirement: Arc<Retirement>,
}

/// One step into a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// To the member of that name; what is no object is the member itself.
    Bare(Box<str>),
    /// To every element; what is no array is the only one.
    Elements,
    /// To the member of that name.
    Member(Box<str>),
}

impl Watch {
    /// Whether both find the same and say the same of it.
    pub fn is_same(&self, other: &Watch) -> bool {
        let is_there = self.root == other.root && self.way == other.way;
        is_there && self.values == other.values && Arc::ptr_eq(&self.retirement, &other.retirement)
    }

    /// Whether the request has it.
    pub fn is_used(&self, body: Option<Value<'_>>, query: &Parameters) -> bool {
        match (self.root, body) {
            (Root::Query, _) => self.parameter(query).is_some(),
            (_, Some(body)) => self.is_in(body, &self.way),
            (_, None) => false,
        }
    }

    /// Where the request has it.
    pub fn places(&self, body: Option<Value<'_>>, query: &Parameters, most: usize) -> Vec<Place> {
        let mut places = Vec::new();
        match (self.root, body) {
            (Root::Query, _) => {
                places.extend(self.parameter(query).map(|name| Place::parameter(Root::Query, name)));
            }
            (_, Some(body)) => self.find(body, &self.way, &mut Vec::new(), &mut places, most),
            (_, None) => {}
        }
        places
    }

    fn parameter<'q>(&self, query: &'q Parameters) -> Option<&'q str> {
        let [Step::Member(name)] = self.way.as_slice() else { return None };
        let (name, text) = query.iter().find(|(known, _)| known == name)?;
        let is = |wanted: &Literal| {
            wanted.is_text(text) || number(wanted.value()).is_some_and(|own| text.parse() == Ok(own))
        };
        let is_meant = self.values.is_empty() || self.values.iter().any(is);
        is_meant.then_some(name)
    }

    fn is_meant(&self, value: Value<'_>) -> bool {
        let is = |wanted: Value<'_>| {
            wanted.same(value) || number(wanted).is_some_and(|own| number(value) == Some(own))
        };
        self.values.is_empty() || self.values.iter().any(|wanted| is(wanted.value()))
    }

    fn is_in(&self, value: Value<'_>, way: &[Step]) -> bool {
        let Some((step, rest)) = way.split_first() else { return self.is_meant(value) };
        match step {
            Step::Bare(_) if value.kind() != Kind::Object => self.is_in(value, rest),
            Step::Bare(name) | Step::Member(name) => {
                value.member(name).is_some_and(|member| self.is_in(member, rest))
            }
            Step::Elements if value.kind() != Kind::Array => self.is_in(value, rest),
            Step::Elements => value.elements().any(|element| self.is_in(element, rest)),
        }
    }

    fn find(
        &self,
        value: Value<'_>,
        way: &[Step],
        at: &mut Vec<Segment>,
        found: &mut Vec<Place>,
        most: usize,
    ) {
        if found.len() >= most {
            return;
        }
        let Some((step, rest)) = way.split_first() else {
            found.extend(self.is_meant(value).then(|| Place::body(at.clone())));
            return;
        };
        match step {
            Step::Bare(_) if value.kind() != Kind::Object => self.find(value, rest, at, found, most),
            Step::Bare(name) | Step::Member(name) => {
                let Some(member) = value.member(name) else { return };
                at.push(Segment::Name(name.to_string()));
                self.find(member, rest, at, found, most);
                at.pop();
            }
            Step::Elements if value.kind() != Kind::Array => self.find(value, rest, at, found, most),
            Step::Elements => {
                for (index, element) in value.elements().enumerate() {
                    at.push(Segment::Index(index));
                    self.find(element, rest, at, found, most);
                    at.pop();
                }
            }
        }
    }
}

/// A number, which is the same one however it is spelt. Where two are too close for it, both are meant: what is gone must
/// not be served because somebody writes `0.0`.
fn number(value: Value<'_>) -> Option<f64> {
    match value.kind() {
        Kind::Integer | Kind::Number => value.raw().parse().ok(),
        Kind::Null | Kind::False | Kind::True | Kind::String | Kind::Array | Kind::Object => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::super::Dates;
    use super::*;
    use crate::json::{Document, Limits};

    fn watch(root: Root, way: Vec<Step>, values: &[&str]) -> Watch {
        let dates = Dates {
            deprecated: UNIX_EPOCH,
            sunset: None,
            gone: None,
            brown_outs: Vec::new(),
            docs: None,
            successor: None,
        };
        let values = values.iter().map(|json| Literal::parse(json).unwrap()).collect();
        Watch { root, way, values, retirement: Arc::new(Retirement::new(dates, None)) }
    }

    fn member(name: &str) -> Step {
        Step::Member(name.into())
    }

    /// The places in a body, which are there if and only if the body is said to have them.
    fn places(watch: &Watch, body: &str) -> Vec<String> {
        let document = Document::parse(body.as_bytes().to_vec(), &Limits::default()).unwrap();
        let (body, query) = (Some(document.root()), Parameters::new());
        let places = watch.places(body, &query, 32);
        assert_eq!(watch.is_used(body, &query), !places.is_empty());
        places.iter().map(Place::pointer).collect()
    }

    #[test]
    fn a_field_is_used_if_it_is_there_whatever_it_holds() {
        let nick = watch(Root::Body, vec![member("user"), member("nick")], &[]);
        for (body, expected) in [
            (r#"{"user":{"nick":"a"}}"#, &["/user/nick"][..]),
            (r#"{"user":{"nick":null}}"#, &["/user/nick"]),
            (r#"{"user":{"nick":["a"]}}"#, &["/user/nick"]),
            (r#"{"user":{}}"#, &[]),
            (r#"{"nick":"a","user":"nick"}"#, &[]),
            ("[]", &[]),
        ] {
            assert_eq!(places(&nick, body), expected, "{body}");
        }
    }

    #[test]
    fn of_some_values_only_those_count_and_json_has_types() {
        let level = watch(Root::Body, vec![member("level")], &["2", "\"high\""]);
        for (body, is_used) in
            [("2", true), ("\"high\"", true), ("\"2\"", false), ("1", false), ("null", false)]
        {
            assert_eq!(!places(&level, &format!(r#"{{"level":{body}}}"#)).is_empty(), is_used, "{body}");
        }
    }

    #[test]
    fn a_number_is_the_same_however_it_is_spelt() {
        let level = watch(Root::Body, vec![member("level")], &["2", "0", "\"high\""]);
        for body in ["2.0", "2e0", "20e-1", "0.0", "0e5", "-0", "\"hi\\u0067h\""] {
            assert_eq!(places(&level, &format!(r#"{{"level":{body}}}"#)), ["/level"], "{body}");
        }
        let level = watch(Root::Query, vec![member("level")], &["2"]);
        for text in ["2.0", "2e0"] {
            let query = Parameters::from([("level".into(), text.to_owned())]);
            assert!(level.is_used(None, &query), "{text}");
        }
    }

    #[test]
    fn every_element_is_looked_at_and_what_is_no_list_is_one() {
        let role = watch(Root::Body, vec![member("people"), Step::Elements, member("role")], &["\"boss\""]);
        let body = r#"{"people":[{"role":"boss"},{"role":"hand"},{"role":"boss"}]}"#;
        assert_eq!(places(&role, body), ["/people/0/role", "/people/2/role"]);
        assert_eq!(places(&role, r#"{"people":{"role":"boss"}}"#), ["/people/role"]);
    }

    #[test]
    fn what_is_no_object_may_be_the_field_itself() {
        let mail = watch(Root::Body, vec![Step::Elements, Step::Bare("mail".into())], &[]);
        assert_eq!(places(&mail, r#"["a",{"mail":"b"},{"name":"c"}]"#), ["/0", "/1/mail"]);
    }

    #[test]
    fn no_more_places_are_told_than_wanted() {
        let each = watch(Root::Body, vec![Step::Elements], &[]);
        let document = Document::parse(b"[1,2,3]".to_vec(), &Limits::default()).unwrap();
        assert_eq!(each.places(Some(document.root()), &Parameters::new(), 2).len(), 2);
    }

    #[test]
    fn a_parameter_is_compared_by_its_text_unless_it_is_a_number() {
        let level = watch(Root::Query, vec![member("level")], &["2", "\"high\""]);
        for (text, is_used) in
            [("2", true), ("high", true), ("02", true), ("high ", false), ("\"high\"", false)]
        {
            let query = Parameters::from([("level".into(), text.to_owned())]);
            assert_eq!(level.is_used(None, &query), is_used, "{text}");
            assert_eq!(level.places(None, &query, 32).len(), usize::from(is_used));
        }
        assert!(!level.is_used(None, &Parameters::new()));
    }
}
