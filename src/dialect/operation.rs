//! One thing a client can do, as its dialect names it.

use std::fmt::Write;
use std::sync::Arc;

use http::{Method, StatusCode};

use super::errors::Template;
use super::page::Page;
use super::parameters::QueryShape;
use super::retirement::{Retirement, Watch};
use crate::canonical::api::{self, PathPart};
use crate::json::Value;
use crate::lens::Lens;
use crate::lens::keep::Keep;
use crate::lens::path::{Address, Literal};
use crate::schema::Schema;

/// One operation of a dialect: how it is asked, what it becomes, and how it is answered.
#[derive(Debug)]
pub struct Operation {
    /// Its name, in the words of the dialect's documentation.
    pub name: String,
    /// Its method.
    pub method: Method,
    /// Its path below the dialect's prefix. A last literal that is empty is a trailing slash.
    pub path: Vec<PathPart>,
    /// What its query parameters must look like, if anything is said of them.
    pub parameters: Option<QueryShape>,
    /// What body it takes.
    pub body: RequestBody,
    /// From its body, path and query to those of the canonical operation; for a bulk operation, from one item.
    pub request: Arc<Lens>,
    /// The canonical operation it becomes.
    pub calls: Arc<api::Operation>,
    /// What its updates leave as it is, if anything of what it writes is told ambiguously.
    pub guard: Option<Guard>,
    /// How it is answered.
    pub answer: AnswerPlan,
    /// How it is paged, if it is.
    pub page: Option<Arc<Page>>,
    /// Up to how many items of a list are gathered into one answer, if it is not paged.
    pub gather: Option<u32>,
    /// Other canonical operations it becomes, by what a field of the body says.
    pub cases: Vec<Case>,
    /// Refusals that are answers in this dialect, such as that what is to be deleted does not exist.
    pub settled: Vec<Settled>,
    /// Error statuses this operation tells as others, before the dialect's own folds.
    pub folds: Vec<(StatusCode, StatusCode)>,
    /// How it retires, if it does, be it alone or with all of its dialect.
    pub retirement: Option<Arc<Retirement>>,
    /// What of its requests retires.
    pub watches: Vec<Watch>,
}

/// What body an operation takes.
#[derive(Debug)]
pub enum RequestBody {
    /// None: nothing is made of one that is sent.
    None,
    /// One that becomes one call.
    One {
        /// What it must look like.
        schema: Arc<Schema>,
    },
    /// One that becomes a call for each of its items.
    Each {
        /// What the whole of it must look like.
        schema: Arc<Schema>,
        /// Where the items are.
        over: Address,
        /// Whether a single item may stand there without its array.
        one: bool,
        /// How many items there may be.
        limit: usize,
        /// What is asked when there are none, so that the caller is still judged.
        otherwise: Option<Arc<api::Operation>>,
    },
}

/// How an update leaves alone what its client did not change, also where two canonical values are told alike.
#[derive(Debug)]
pub struct Guard {
    /// What the record is read with, by the path of the call.
    pub reads: Arc<api::Operation>,
    /// The fields in question.
    pub keep: Keep,
}

/// What an operation becomes when a field of its body says so: a value that is a command.
#[derive(Debug)]
pub struct Case {
    /// The field.
    pub at: Address,
    /// Its values.
    pub values: Vec<Literal>,
    /// The operation with the call it becomes; its schemas are those of the operation it is a case of.
    pub operation: Arc<Operation>,
}

/// A refusal that is an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The canonical status.
    pub from: StatusCode,
    /// The dialect's; there is no body.
    pub status: StatusCode,
}

/// How an operation is answered when the backend did not refuse.
#[derive(Debug)]
pub enum AnswerPlan {
    /// One call, one answer: by the canonical status.
    One(Vec<Answer>),
    /// Many calls, one answer.
    Collect(Collect),
}

/// The answer to one canonical status.
#[derive(Debug)]
pub struct Answer {
    /// The canonical status.
    pub from: StatusCode,
    /// The dialect's.
    pub status: StatusCode,
    /// What the answer is read with, by the same path, if the call's own says too little.
    pub reads: Option<Arc<api::Operation>>,
    /// The body.
    pub body: AnswerBody,
    /// The body where the canonical one has no words in the dialect; without it, that is a refusal.
    pub otherwise: Option<Literal>,
    /// Where what was made can be found.
    pub location: Option<Location>,
    /// What the dialect's body looks like, for tools and tests.
    pub schema: Option<Arc<Schema>>,
    /// What the canonical body must look like.
    pub canonical: Option<Arc<Schema>>,
}

/// How the body of an answer is made.
#[derive(Debug)]
pub enum AnswerBody {
    /// The same one always.
    Constant(Literal),
    /// None.
    Empty,
    /// A page of items, each through the lens.
    Items {
        /// The lens.
        lens: Arc<Lens>,
        /// The way to the member that holds the items of a list without pages; none if the list stands alone.
        under: Vec<Box<str>>,
        /// Why an item that has no words in the dialect is left out; without it, there is no answer then.
        omits: Option<String>,
        /// Only items that hold these values are told; the others were not asked for.
        only: Vec<(Address, Literal)>,
    },
    /// The canonical body through the lens.
    Lens(Arc<Lens>),
}

/// The address of what was made: that of another operation, with parameters filled from the answer.
#[derive(Debug)]
pub struct Location {
    /// The path below the dialect's prefix.
    pub path: Vec<PathPart>,
    /// For each parameter, a lens from the canonical body to the id that fills it.
    pub parameters: Vec<(String, Arc<Lens>)>,
}

/// How the answers to many calls become one.
#[derive(Debug)]
pub struct Collect {
    /// The members of the body.
    pub fields: Vec<(String, Gather)>,
    /// The status if every call succeeded.
    pub all: StatusCode,
    /// The status if some did.
    pub some: StatusCode,
    /// The status if none did; without it, the first refusal is the answer.
    pub none: Option<StatusCode>,
    /// What the dialect's body looks like, for tools and tests.
    pub schema: Option<Arc<Schema>>,
    /// What each canonical body must look like.
    pub canonical: Option<Arc<Schema>>,
}

/// What a member of a collected answer holds.
#[derive(Debug)]
pub enum Gather {
    /// How many calls succeeded.
    Count,
    /// For each call that was refused, its error.
    Failed(Template),
    /// For each call that succeeded, its answer through the lens.
    Lens(Arc<Lens>),
    /// For each call that succeeded, one field of its answer.
    Value {
        /// Which field.
        at: Address,
        /// How it is written, if it is an id: a lens from the answer to that field alone.
        id: Option<Arc<Lens>>,
        /// Only the answers that hold these values.
        only: Vec<(Address, Literal)>,
        /// Whether the member is left out when there is nothing to tell.
        optional: bool,
    },
}

impl Operation {
    /// The path as documentation writes it, such as `/orgs/{id}/members`.
    pub fn template(&self) -> String {
        let mut template = String::new();
        for part in &self.path {
            write!(template, "{part}").expect("writing to a string never fails");
        }
        template
    }

    /// The names of the path's parameters, in order.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.path.iter().filter_map(|part| match part {
            PathPart::Literal(_) => None,
            PathPart::Parameter(name) => Some(name.as_str()),
        })
    }

    /// The parameter of the path that names what the operation is about: the one it ends with.
    pub fn subject(&self) -> Option<&str> {
        subject(&self.path)
    }

    /// What a request with that body becomes: a case of the operation, if its body says so.
    pub fn case(&self, body: Value<'_>) -> Option<&Arc<Operation>> {
        let says = |case: &&Case| {
            let value = case.at.path.iter().try_fold(body, |value, name| value.member(name));
            value.is_some_and(|value| case.values.iter().any(|literal| literal.value().same(value)))
        };
        self.cases.iter().find(says).map(|case| &case.operation)
    }

    /// The operation, and every case of it.
    pub fn with_cases(&self) -> impl Iterator<Item = &Operation> {
        std::iter::once(self).chain(self.cases.iter().map(|case| &*case.operation))
    }

    /// Whether asking twice does no more than asking once did (RFC 9110, section 9.2.1): clients ask so, and whatever it may
    /// become, in any case of it, only reads. What is not safe is never asked again unbidden, nor answered to HEAD.
    pub fn is_safe(&self) -> bool {
        self.method.is_safe() && self.with_cases().all(|one| one.calls.is_safe())
    }

    /// What an answer of that canonical status is read with.
    pub fn reads(&self, status: StatusCode) -> Option<&Arc<api::Operation>> {
        let AnswerPlan::One(answers) = &self.answer else { return None };
        answers.iter().find(|answer| answer.from == status)?.reads.as_ref()
    }

    /// The status that a refusal is answered with, if it is an answer here.
    pub fn settles(&self, refusal: StatusCode) -> Option<StatusCode> {
        self.settled.iter().find(|settled| settled.from == refusal).map(|settled| settled.status)
    }

    /// Whether one request may become several calls.
    pub fn is_bulk(&self) -> bool {
        matches!(self.body, RequestBody::Each { .. })
    }
}

fn subject(path: &[PathPart]) -> Option<&str> {
    match path {
        [rest @ .., PathPart::Literal(slash)] if slash.is_empty() => subject(rest),
        [.., PathPart::Parameter(name)] => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_about_what_its_path_ends_with() {
        let literal = |text: &str| PathPart::Literal(text.to_owned());
        let parameter = |name: &str| PathPart::Parameter(name.to_owned());
        let things = [literal("orgs"), parameter("org"), literal("things")];
        assert_eq!(subject(&things), None, "a list is about no single thing, and not about what it lies in");
        assert_eq!(subject(&[&things[..], &[parameter("id")]].concat()), Some("id"));
        assert_eq!(subject(&[parameter("id"), literal("")]), Some("id"), "a slash at the end is none");
        assert_eq!(subject(&[]), None);
    }
}
