//! From a dialect's answer to the canonical one: the status and the body through the answers of its operation backwards,
//! errors out of its envelope.
//!
//! What the dialect's answer does not tell is not there. [`Reader::tells`] says what it can tell, and how surely: who
//! compares two answers may only compare what both sides tell.
//!
//! Laws: what was lowered and told is what it was, wherever it is told exactly; and what was told and is lowered again is
//! told as it was.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use super::super::Step;
use super::super::answer::{Answer, OURS};
use crate::canonical::api::{Api, Key};
use crate::dialect::operation::{self, AnswerBody, AnswerPlan, Gather};
use crate::dialect::page::Wanted;
use crate::dialect::{Dialect, Operation};
use crate::json::{Document, Kind, Limits, Value, Writer};
use crate::lens::path::{Address, Literal};
use crate::lens::{Direction, Input, Lens, Need, Resolutions, Run};
use crate::problem::{ErrorStatus, Problem, Segment};
use crate::schema::Schema;

mod collected;
mod covers;
mod list;
mod reading;
mod record;
mod refusal;
mod rights;
mod shown;

use self::reading::{Spot, Way, holding, reading};
use self::shown::Showing;

pub use self::covers::{Covers, Why};
pub use self::list::total;
pub(super) use self::list::{list_at, value_at, way_to};
pub use self::reading::Telling;
pub use self::record::Next;
pub use self::rights::rights;
pub use self::shown::SHOWN;

/// Reads the answers of one operation of a dialect. It is made once and used for every answer.
#[derive(Debug)]
pub struct Reader {
    dialect: Arc<Dialect>,
    operation: Arc<Operation>,
    /// For each answer of the operation what reads it, in their order; for collected ones, for each member.
    readings: Vec<Option<Reading>>,
    /// What those answers only show; nothing where it is of no interest.
    showings: Vec<Option<Showing>>,
    /// The member that holds the items of a canonical list, and that which holds their number.
    items: Box<str>,
    total: Box<str>,
    /// What names an item of the list besides its id.
    keys: Vec<Key>,
}

/// What reads a body, and what it tells.
#[derive(Debug)]
struct Reading {
    lens: Arc<Lens>,
    spots: Vec<Spot>,
}

/// What was asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// The path parameters of the canonical call, as far as they are known: look-ups lie in their scope.
    pub path: &'a [(Box<str>, String)],
    /// Which page, of a list in pages.
    pub page: Option<Wanted>,
    /// The items of a bulk request, one for each call.
    pub items: &'a [Value<'a>],
}

/// What a dialect answered.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    /// Its status.
    pub status: StatusCode,
    /// When to try again, as its headers say.
    pub retry_after: Option<Duration>,
    /// Its body, if it has one that is JSON.
    pub body: Option<Value<'a>>,
}

/// What an answer tells of each call that was asked for: one, or one for each item of a bulk request.
#[derive(Debug)]
pub struct Told {
    /// How each call ended; none where the answer does not say of which of them it speaks.
    pub outcomes: Vec<Option<Outcome>>,
}

/// How a call ended, in canonical words.
pub type Outcome = Result<Answer, Box<Problem>>;

impl Reader {
    /// One that has ids looked up where that is the only way to know them.
    pub fn new(api: &Api, dialect: &Arc<Dialect>, operation: &Arc<Operation>) -> Reader {
        Reader::made(api, dialect, operation, true)
    }

    /// One for those who cannot look anything up: what has to be is not told.
    pub fn offline(api: &Api, dialect: &Arc<Dialect>, operation: &Arc<Operation>) -> Reader {
        Reader::made(api, dialect, operation, false)
    }

    fn made(api: &Api, dialect: &Arc<Dialect>, operation: &Arc<Operation>, looks_up: bool) -> Reader {
        let of_some = |lens: &Arc<Lens>, only: &[(Address, Literal)]| {
            let (lens, spots) = holding(reading(lens, looks_up), only);
            Reading { lens, spots }
        };
        let of = |lens: &Arc<Lens>| of_some(lens, &[]);
        let of_plan = |plan: &operation::Answer| match &plan.body {
            // Who cannot look anything up compares what is told, whatever it is told of.
            _ if looks_up && !is_of_call(operation, plan) => None,
            AnswerBody::Constant(_) | AnswerBody::Empty => None,
            AnswerBody::Lens(lens) => Some(of(lens)),
            AnswerBody::Items { lens, only, .. } => {
                let mut reading = of_some(lens, only);
                let at = [Way::Name(api.page.items.as_str().into()), Way::Each];
                reading.spots = reading.spots.into_iter().map(|spot| spot.below(&at)).collect();
                reading.spots.extend(list::spots(api, operation, plan));
                Some(reading)
            }
        };
        let readings: Vec<Option<Reading>> = match &operation.answer {
            AnswerPlan::One(plans) => plans.iter().map(of_plan).collect(),
            AnswerPlan::Collect(collect) => {
                collect.fields.iter().map(|(_, gather)| collected::reading_of(gather, &of)).collect()
            }
        };
        let (items, total): (Box<str>, Box<str>) =
            (api.page.items.as_str().into(), api.page.total.as_str().into());
        let keys = keys_of(api, dialect, operation);
        let showings = match &operation.answer {
            // Whoever looks something up answers somebody, and compares nothing.
            AnswerPlan::One(plans) if !looks_up => {
                let read = plans.iter().zip(&readings);
                let of = |(plan, reading): (_, &Option<Reading>)| {
                    Showing::of(dialect, operation, (plan, reading.as_ref()?), &items)
                };
                read.map(of).collect()
            }
            AnswerPlan::Collect(_) | AnswerPlan::One(_) => Vec::new(),
        };
        Reader {
            dialect: Arc::clone(dialect),
            operation: Arc::clone(operation),
            readings,
            showings,
            items,
            total,
            keys,
        }
    }

    /// The operation whose answers it reads.
    pub fn operation(&self) -> &Arc<Operation> {
        &self.operation
    }

    /// The dialect whose answers it reads.
    pub fn dialect(&self) -> &Arc<Dialect> {
        &self.dialect
    }

    /// Whether a success with that status says by that alone that the one thing asked for was done: none that a refusal is told
    /// with, too.
    pub fn says_done(&self, status: StatusCode) -> bool {
        let is_of_refusals = self.operation.settled.iter().any(|settled| settled.status == status);
        let is_of_all = match &self.operation.answer {
            AnswerPlan::One(_) => true,
            AnswerPlan::Collect(collect) => status == collect.all && collect.none != Some(status),
        };
        is_of_all && !is_of_refusals
    }

    /// What names an item of the list that it reads besides its id, the better ones first; nothing if it reads no list.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Whether the canonical body that was answered to whoever wanted that page is one of a longer list.
    pub fn is_page(&self, wanted: Wanted, body: Value<'_>) -> bool {
        let total = body.member(&self.total).and_then(Value::as_i64);
        wanted.offset > 0 || total.is_some_and(|total| total > i64::from(wanted.limit))
    }

    /// What the canonical body of an answer of that status looks like, if anything is known of it.
    pub fn canonical(&self, status: StatusCode) -> Option<&Arc<Schema>> {
        match &self.operation.answer {
            AnswerPlan::One(plans) => plans.iter().find(|plan| plan.from == status)?.canonical.as_ref(),
            AnswerPlan::Collect(collect) => collect.canonical.as_ref(),
        }
    }

    /// How surely answers of that canonical status tell of a place in the canonical body. `*` is any element of a list.
    pub fn tells(&self, status: StatusCode, place: &[Segment]) -> Telling {
        let own = self.readings_of(status).flat_map(|reading| &reading.spots);
        own.map(|spot| spot.tells(place)).max().unwrap_or(Telling::Nothing)
    }

    fn readings_of(&self, status: StatusCode) -> impl Iterator<Item = &Reading> {
        let is_meant = move |index: usize| match &self.operation.answer {
            AnswerPlan::One(plans) => plans[index].from == status,
            AnswerPlan::Collect(_) => true,
        };
        let readings = self.readings.iter().enumerate();
        readings.filter(move |(index, _)| is_meant(*index)).filter_map(|(_, reading)| reading.as_ref())
    }

    /// Reads an answer, with what has been looked up already.
    ///
    /// # Errors
    ///
    /// 502 for what is no answer of this operation. What the dialect refused is no error here but the outcome.
    pub fn told(
        &self,
        asked: &Asked<'_>,
        heard: &Heard<'_>,
        resolutions: &Resolutions,
    ) -> Result<Step<Told>, Box<Problem>> {
        let run = Run::new(Direction::Lift, resolutions).within(asked.path);
        let mut telling = Lifting { reader: self, asked, run, needs: BTreeSet::new() };
        let outcomes = match &self.operation.answer {
            AnswerPlan::One(plans) => vec![telling.one(plans, heard)?],
            AnswerPlan::Collect(collect) => telling.collected(collect, heard)?,
        };
        Ok(if telling.needs.is_empty() {
            Step::Done(Told { outcomes })
        } else {
            Step::Needs(telling.needs.into_iter().collect())
        })
    }

    /// What was refused, if that status is one of a refusal.
    fn refused(&self, heard: &Heard<'_>) -> Option<Box<Problem>> {
        ErrorStatus::new(heard.status).filter(|status| !OURS.contains(&status.get()))?;
        Some(Box::new(refusal::problem(&self.dialect.errors, &self.operation, heard)))
    }
}

/// What names the items of the list that an operation answers.
fn keys_of(api: &Api, dialect: &Dialect, operation: &Operation) -> Vec<Key> {
    let AnswerPlan::One(plans) = &operation.answer else { return Vec::new() };
    let lens = plans.iter().find_map(|plan| match &plan.body {
        AnswerBody::Items { lens, .. } => Some(lens),
        AnswerBody::Constant(_) | AnswerBody::Empty | AnswerBody::Lens(_) => None,
    });
    let schema = lens.and_then(|lens| dialect.lenses.get(lens.name())?.right.as_ref());
    schema.and_then(|schema| api.keys.get(schema.name())).cloned().unwrap_or_default()
}

/// An answer under way.
struct Lifting<'t> {
    reader: &'t Reader,
    asked: &'t Asked<'t>,
    run: Run<'t, 't>,
    needs: BTreeSet<Need>,
}

impl<'t> Lifting<'t> {
    /// How the one call ended; none if it may have ended in several ways that are told alike.
    fn one(
        &mut self,
        plans: &[operation::Answer],
        heard: &Heard<'t>,
    ) -> Result<Option<Outcome>, Box<Problem>> {
        let (reader, operation) = (self.reader, &self.reader.operation);
        let own = || plans.iter().zip(&reader.readings).filter(|(plan, _)| plan.status == heard.status);
        let mut alike = own().filter(|(plan, _)| says_alone(plan, heard.body)).map(|(plan, _)| plan.from);
        let first = alike.next();
        if alike.any(|from| Some(from) != first) {
            return Ok(None);
        }
        // Several successes may be told alike: then it is the first that has such a body.
        let may_be = |plan: &operation::Answer| !matches!(plan.body, AnswerBody::Constant(_));
        let chosen =
            own().find(|(plan, _)| fits(plan, heard.body)).or_else(|| own().find(|(plan, _)| may_be(plan)));
        let Some((plan, reading)) = chosen else {
            if own().next().is_some() {
                let cause = "the answer is not what a success of the operation says";
                return Err(Box::new(Problem::bad_gateway("invalid-answer", cause)));
            }
            if let Some(problem) = reader.refused(heard) {
                return Ok(Some(Err(problem)));
            }
            let settled = operation.settled.iter().find(|settled| settled.status == heard.status);
            return match settled.and_then(|settled| ErrorStatus::new(settled.from)) {
                Some(status) => Ok(Some(Err(Box::new(refusal::plain(status))))),
                None => Err(unexpected(operation, heard.status)),
            };
        };
        let body = match (&plan.body, reading) {
            (AnswerBody::Lens(_), Some(reading)) => match (heard.body, &plan.otherwise) {
                // What was done has no words in the dialect: that it was done is all there is to know.
                (Some(body), Some(otherwise)) if otherwise.value().same(body) => None,
                (body, _) => {
                    let mut out = Writer::new();
                    self.value(&reading.lens, body.ok_or_else(bodiless)?, &mut out)?;
                    Some(self.document(out)?)
                }
            },
            (AnswerBody::Items { under, omits, only, .. }, Some(reading)) => {
                let is_cut = omits.is_some() || !only.is_empty();
                let (body, lens) = (heard.body.ok_or_else(bodiless)?, Arc::clone(&reading.lens));
                Some(self.list(&lens, body, under, is_cut)?)
            }
            _ => None,
        };
        Ok(Some(Ok(Answer { status: plan.from, body })))
    }

    /// Writes a value of the dialect in its canonical form.
    fn value(&mut self, lens: &Lens, body: Value<'t>, out: &mut Writer) -> Result<(), Box<Problem>> {
        let input = Input { body: Some(body), ..Input::default() };
        let before = out.len();
        let output = lens.run(input, &mut self.run, std::mem::take(out));
        *out = output.body;
        if out.len() == before {
            // Nothing of it can be read.
            out.object_begin();
            out.object_end();
        }
        self.needs.extend(self.run.take_needs());
        match self.run.take_refusals().first() {
            None => Ok(()),
            Some(refusal) => {
                let cause = format!("`{}` {}", refusal.place.pointer(), refusal.message);
                Err(Box::new(Problem::bad_gateway("invalid-answer", cause)))
            }
        }
    }

    /// What was written, as a document. While something is still to be looked up it means nothing.
    fn document(&self, out: Writer) -> Result<Document, Box<Problem>> {
        let text = if self.needs.is_empty() { out.into_vec() } else { b"null".to_vec() };
        document(text)
    }
}

/// Where the answers of an operation show what no [`Reader`] reads, in the dialect's words (`urls.location`, `[].object` of each
/// item of a list): constants, labels, views, and what several fields may have written. Nobody who compares two answers sees
/// a difference there.
pub fn unread(operation: &Operation) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for one in operation.with_cases() {
        match &one.answer {
            AnswerPlan::Collect(collect) => {
                for (member, gather) in &collect.fields {
                    if let Gather::Lens(lens) = gather {
                        reading::unread(lens, &format!("{member}[]"), &mut found);
                    }
                }
            }
            AnswerPlan::One(plans) => {
                for plan in plans.iter().filter(|plan| is_of_call(one, plan)) {
                    match &plan.body {
                        AnswerBody::Constant(_) | AnswerBody::Empty => {}
                        AnswerBody::Items { lens, .. } => reading::unread(lens, "[]", &mut found),
                        AnswerBody::Lens(lens) => reading::unread(lens, "", &mut found),
                    }
                }
            }
        }
    }
    found
}

/// Whether an answer is made from what the call itself is answered with, and not from something else that is read.
fn is_of_call(operation: &Operation, plan: &operation::Answer) -> bool {
    let Some(reads) = &plan.reads else { return true };
    let own = operation.calls.answers.iter().find(|(status, _)| *status == plan.from);
    own.is_some_and(|(_, own)| reads.answers.iter().any(|(_, read)| own.is_some() && read == own))
}

/// Whether a success may say that body and nothing else of itself.
fn says_alone(plan: &operation::Answer, body: Option<Value<'_>>) -> bool {
    let says = match &plan.body {
        AnswerBody::Constant(literal) => Some(literal),
        AnswerBody::Lens(_) => plan.otherwise.as_ref(),
        AnswerBody::Empty | AnswerBody::Items { .. } => None,
    };
    says.zip(body).is_some_and(|(says, body)| says.value().same(body))
}

/// Whether a success that is told like others has such a body.
fn fits(plan: &operation::Answer, body: Option<Value<'_>>) -> bool {
    match (&plan.body, body) {
        (AnswerBody::Constant(literal), Some(body)) => literal.value().same(body),
        (AnswerBody::Empty, body) => body.is_none(),
        (AnswerBody::Items { under, .. }, Some(body)) => !under.is_empty() || body.kind() != Kind::Null,
        (AnswerBody::Lens(_), Some(_)) => true,
        (AnswerBody::Constant(_) | AnswerBody::Items { .. } | AnswerBody::Lens(_), None) => false,
    }
}

fn document(text: Vec<u8>) -> Result<Document, Box<Problem>> {
    let limits = Limits { bytes_max: text.len(), nodes_max: usize::MAX, ..Limits::default() };
    let parsed = Document::parse(text, &limits);
    parsed.map_err(|error| Box::new(Problem::bad_gateway("invalid-answer", error.to_string())))
}

fn bodiless() -> Box<Problem> {
    Box::new(Problem::bad_gateway("invalid-answer", "the answer has no body"))
}

fn unexpected(operation: &Operation, status: StatusCode) -> Box<Problem> {
    let cause = format!("`{}` answered {status}, which it does not declare", operation.name);
    Box::new(Problem::bad_gateway("unexpected-status", cause))
}
