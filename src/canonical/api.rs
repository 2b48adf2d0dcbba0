//! The canonical API: the operations the backend answers, as `mappings/canonical.toml` declares them.
//!
//! A [`Call`] is one use of an operation, with its parameters by name; [`Call::target`] is the only place where a
//! canonical address is put together, and no parameter can add a segment, a query or a line to it.
//!
//! This module never sends anything.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use http::{Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::role::Roles;

/// All but the unreserved characters of RFC 3986, section 2.3.
pub const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Everything the backend can be asked.
#[derive(Debug)]
pub struct Api {
    /// What the API is called.
    pub title: String,
    /// How its lists are paged.
    pub page: PageNames,
    /// Its roles and what each may do.
    pub roles: Arc<Roles>,
    /// Its operations, in the order of the file.
    pub operations: Vec<Arc<Operation>>,
    /// By canonical schema, what names its records besides their ids: any of these does, the better ones first.
    pub keys: BTreeMap<String, Vec<Key>>,
}

/// A member that names a record besides its id: no two records that a list tells have the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The way to the member.
    pub at: Vec<Box<str>>,
    /// Whether it names the same in any case of its letters, as addresses of mail do.
    pub any_case: bool,
}

/// How the lists of the canonical API are paged: the names of two members and of two query parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageNames {
    /// Member that holds the items.
    pub items: String,
    /// Member that holds how many items there are on all pages.
    pub total: String,
    /// Query parameter that bounds the items of a page.
    pub limit: String,
    /// The most that it may be, if that is known.
    pub limit_max: Option<u32>,
    /// Query parameter that skips items.
    pub offset: String,
    /// Query parameters that say in which order items come, and nothing else: who gives none of them takes any order.
    pub arranged_by: Vec<Arranging>,
    /// Member of an item that holds the id by which the path of the record itself names it, if all items have one.
    pub id: Option<String>,
}

/// A query parameter that says in which order items come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arranging {
    /// Its name.
    pub name: String,
    /// What is meant where it is not given and another is, if that is known.
    pub usual: Option<String>,
}

impl PageNames {
    /// Whether a query parameter of that name only says in which order items come.
    pub fn is_arranging(&self, name: &str) -> bool {
        self.arranged_by.iter().any(|known| known.name == name)
    }

    /// The names of the API that ships.
    pub fn usual() -> PageNames {
        PageNames {
            items: "items".to_owned(),
            total: "total".to_owned(),
            limit: "limit".to_owned(),
            limit_max: None,
            offset: "offset".to_owned(),
            arranged_by: Vec::new(),
            id: None,
        }
    }
}

/// One thing the backend can be asked to do.
#[derive(Debug)]
pub struct Operation {
    /// Its name, such as `members.add`.
    pub name: String,
    /// Its method.
    pub method: Method,
    /// Its path, prefix included.
    pub path: Vec<PathPart>,
    /// The query parameters it takes.
    pub query: Vec<String>,
    /// The schema of its request body, if it takes one.
    pub body: Option<String>,
    /// The operation that reads what it changes, by parameters of the same path; what it makes, by one parameter more.
    pub reads: Option<String>,
    /// Operations whose answers it changes besides those of its own collection.
    pub changes: Vec<String>,
    /// Its success statuses, each with the schema of the body if there is one.
    pub answers: Vec<(StatusCode, Option<String>)>,
}

/// A piece of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathPart {
    /// A segment that stands as it is.
    Literal(String),
    /// A segment that is filled in.
    Parameter(String),
}

impl fmt::Display for PathPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PathPart::Literal(text) => write!(f, "/{text}"),
            PathPart::Parameter(name) => write!(f, "/{{{name}}}"),
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.method)?;
        self.path.iter().try_for_each(|part| part.fmt(f))
    }
}

impl Api {
    /// The operation of that name.
    pub fn operation(&self, name: &str) -> Option<&Arc<Operation>> {
        self.operations.iter().find(|operation| operation.name == name)
    }

    /// The schema of the record that an operation makes or changes, as it is told.
    pub fn record<'a>(&'a self, operation: &'a Operation) -> Option<&'a str> {
        let reads = operation.reads.as_ref().and_then(|name| self.operation(name));
        let told = [reads.map(|reads| &**reads), Some(operation)].into_iter().flatten();
        let mut schemas =
            told.flat_map(|one| [StatusCode::OK, StatusCode::CREATED].map(|status| one.answer(status)));
        schemas.find_map(Option::flatten)
    }

    /// The path parameter that stands for a record of a list where the record itself is read.
    pub fn names_record_of(&self, list: &Operation) -> Option<&str> {
        self.operations.iter().filter(|reads| reads.is_safe()).find_map(|reads| match reads.path.as_slice() {
            [around @ .., PathPart::Parameter(name)] if *around == *list.path => Some(name.as_str()),
            _ => None,
        })
    }
}

impl Operation {
    /// The names of the path's parameters, in order.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.path.iter().filter_map(|part| match part {
            PathPart::Literal(_) => None,
            PathPart::Parameter(name) => Some(name.as_str()),
        })
    }

    /// Whether asking twice does no more than asking once did (RFC 9110, section 9.2.1).
    pub fn is_safe(&self) -> bool {
        self.method.is_safe()
    }

    /// Whether it changes the one record that its path names. A POST that answers 201 makes another.
    pub fn is_update(&self) -> bool {
        let names_it = matches!(self.path.last(), Some(PathPart::Parameter(_)));
        match self.method {
            Method::PATCH | Method::PUT => true,
            Method::POST => names_it && self.body.is_some() && !self.makes(),
            _ => false,
        }
    }

    /// Whether it may change a record that is there: it is not said to make one, and it answers with one.
    pub fn may_be_update(&self) -> bool {
        let is_about_one = self.body.is_some() && self.parameters().next().is_some();
        let tells_one = matches!(self.answer(StatusCode::OK), Some(Some(_)));
        let may_change = self.method == Method::POST && is_about_one && tells_one && !self.makes();
        self.is_update() || may_change
    }

    fn makes(&self) -> bool {
        self.answer(StatusCode::CREATED).is_some()
    }

    /// The path of the collection it is about, without the id at its end if it has one. `value` gives its parameters.
    pub fn collection<'v>(&self, value: impl Fn(&str) -> Option<&'v str>) -> String {
        let parts = match self.path.as_slice() {
            [rest @ .., PathPart::Parameter(_)] => rest,
            all => all,
        };
        let mut collection = String::with_capacity(96);
        for part in parts {
            collection.push('/');
            collection.push_str(match part {
                PathPart::Literal(text) => text,
                PathPart::Parameter(name) => value(name).unwrap_or_default(),
            });
        }
        collection
    }

    /// What a success status promises: nothing if it is not declared, else the schema of its body, if any.
    pub fn answer(&self, status: StatusCode) -> Option<Option<&str>> {
        let (_, schema) = self.answers.iter().find(|(declared, _)| *declared == status)?;
        Some(schema.as_deref())
    }
}

/// One use of an operation.
#[derive(Clone)]
pub struct Call {
    /// The operation.
    pub operation: Arc<Operation>,
    /// Its path parameters, by name.
    pub path: Vec<(Box<str>, String)>,
    /// Its query parameters, by name.
    pub query: Vec<(Box<str>, String)>,
    /// Its JSON body.
    pub body: Option<Vec<u8>>,
}

/// Shows what is called, and sizes: parameters and body are what a client wrote.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Call { operation, path, query, body } = self;
        f.debug_struct("Call")
            .field("operation", &operation.name)
            .field("path", &path.len())
            .field("query", &query.len())
            .field("body", &body.as_ref().map(Vec::len))
            .finish()
    }
}

impl Call {
    /// The value of a path parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.path.iter().find(|(given, _)| **given == *name).map(|(_, value)| value.as_str())
    }

    /// The path and query to ask for. None if a path parameter is missing, or is one that would change the path's
    /// meaning: empty, `.` or `..`.
    pub fn target(&self) -> Option<String> {
        let mut target = String::with_capacity(96);
        for part in &self.operation.path {
            target.push('/');
            match part {
                PathPart::Literal(text) => target.push_str(text),
                PathPart::Parameter(name) => {
                    let value = self.parameter(name)?;
                    if matches!(value, "" | "." | "..") {
                        return None;
                    }
                    push_encoded(&mut target, value);
                }
            }
        }
        for (index, (name, value)) in self.query.iter().enumerate() {
            let mark = if index == 0 { '?' } else { '&' };
            target.push(mark);
            target.push_str(name);
            target.push('=');
            push_encoded(&mut target, value);
        }
        Some(target)
    }
}

/// Appends a value in which every reserved character is encoded. Ids and numbers hold none.
fn push_encoded(target: &mut String, value: &str) {
    // All of it is looked at, for that is done several bytes at once.
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    if value.bytes().fold(true, |all, byte| all & is_unreserved(byte)) {
        target.push_str(value);
    } else {
        target.extend(utf8_percent_encode(value, RESERVED));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn call(path: &str, query: &[(&str, &str)]) -> Call {
        let operation = Operation {
            name: "things.get".to_owned(),
            method: Method::GET,
            path: vec![PathPart::Literal("things".to_owned()), PathPart::Parameter("id".to_owned())],
            query: Vec::new(),
            body: None,
            reads: None,
            changes: Vec::new(),
            answers: Vec::new(),
        };
        Call {
            operation: Arc::new(operation),
            path: vec![("id".into(), path.to_owned())],
            query: query.iter().map(|(name, value)| ((*name).into(), (*value).to_owned())).collect(),
            body: None,
        }
    }

    #[test]
    fn parameters_are_encoded_as_rfc_3986_asks() {
        let target = call("a/b?c#d é", &[("q", "x&y=z"), ("limit", "2")]).target();
        assert_eq!(target.as_deref(), Some("/things/a%2Fb%3Fc%23d%20%C3%A9?q=x%26y%3Dz&limit=2"));
    }

    #[test]
    fn an_update_is_told_by_its_method_path_and_answer() {
        let id = || PathPart::Parameter("id".to_owned());
        let things = || PathPart::Literal("things".to_owned());
        let operation = |method: Method, path, status: u16| Operation {
            method,
            path,
            body: Some("thing".to_owned()),
            answers: vec![(StatusCode::from_u16(status).unwrap(), Some("thing".to_owned()))],
            ..Arc::into_inner(call("7", &[]).operation).expect("nobody else has it")
        };
        for (method, path, status, expected) in [
            (Method::PATCH, vec![things(), id()], 200, (true, true)),
            (Method::PUT, vec![things(), id(), things()], 200, (true, true)),
            (Method::POST, vec![things(), id()], 200, (true, true)),
            (Method::POST, vec![things(), id()], 201, (false, false)),
            (Method::POST, vec![things(), id(), things()], 200, (false, true)),
            (Method::POST, vec![things(), id(), things()], 201, (false, false)),
            (Method::POST, vec![things()], 200, (false, false)),
            (Method::GET, vec![things(), id()], 200, (false, false)),
            (Method::DELETE, vec![things(), id()], 200, (false, false)),
        ] {
            let operation = operation(method, path, status);
            let found = (operation.is_update(), operation.may_be_update());
            assert_eq!(found, expected, "{operation} {status}");
        }
    }

    #[test]
    fn a_collection_is_what_an_id_is_taken_from() {
        let literal = |text: &str| PathPart::Literal(text.to_owned());
        let parameter = |name: &str| PathPart::Parameter(name.to_owned());
        let collection = |path: Vec<PathPart>| {
            let operation = Arc::into_inner(call("7", &[]).operation).expect("nobody else has it");
            Operation { path, ..operation }.collection(|name| (name == "id").then_some("7"))
        };
        assert_eq!(collection(vec![literal("things")]), "/things");
        assert_eq!(collection(vec![literal("things"), parameter("id")]), "/things");
        assert_eq!(collection(vec![literal("things"), parameter("id"), literal("parts")]), "/things/7/parts");
    }

    #[test]
    fn a_segment_that_would_move_the_path_is_refused() {
        for segment in ["", ".", ".."] {
            assert_eq!(call(segment, &[]).target(), None, "{segment:?}");
        }
        assert_eq!(call("...", &[]).target().as_deref(), Some("/things/..."));
    }

    proptest! {
        #[test]
        fn no_parameter_leaves_its_segment(path in "\\PC*|[\\x00-\\x1f/?#%]*", query in "\\PC*") {
            if let Some(target) = call(&path, &[("q", &query)]).target() {
                let (before, after) = target.split_once('?').unwrap();
                prop_assert_eq!(before.matches('/').count(), 2);
                prop_assert!(!after.contains(['&', '#', '?']));
                prop_assert!(target.bytes().all(|byte| byte.is_ascii_graphic()));
            }
        }
    }
}
