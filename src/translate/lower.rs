//! From the backend's answers to the dialect's.

use std::borrow::Cow;
use std::collections::BTreeSet;

use http::StatusCode;
use percent_encoding::utf8_percent_encode;

use super::answer::{Answer, after_success};
use super::lift::Lifted;
use super::{Request, Step};
use crate::canonical::api::{Api, Call, PathPart, RESERVED};
use crate::dialect::Operation;
use crate::dialect::operation::{self, AnswerBody, AnswerPlan, Collect, Gather, Location};
use crate::json::{Document, Kind, Limits, Value, Writer};
use crate::lens::explain::How;
use crate::lens::path::{Address, Literal};
use crate::lens::{Direction, Input, Lens, Need, Resolutions, Run, Tally};
use crate::problem::{ID_TAKEN, Problem, Segment, UNREPRESENTABLE};

mod page;
mod tell;

use self::page::Items;
use self::tell::Teller;

/// What the client is answered.
#[derive(Debug)]
pub struct Lowered {
    /// The status.
    pub status: StatusCode,
    /// The JSON body.
    pub body: Option<Vec<u8>>,
    /// Where what was made can be found.
    pub location: Option<String>,
    /// How many items of a list had no words in the dialect and were left out.
    pub omitted: u64,
    /// Which declared losses were met.
    pub lost: Tally,
}

/// The answer that a refusal is in this operation, if it is one.
pub fn settle(operation: &Operation, problem: &Problem) -> Option<Lowered> {
    let status = operation.settles(problem.status.get())?;
    Some(Lowered { status, body: None, location: None, omitted: 0, lost: Tally::default() })
}

/// Lowers the answers to a request's calls, in the order of the calls. Refusals name places as the client does (see
/// [`told`](super::told)); whether successes fit was looked at before (see [`misfit`](super::misfit)).
///
/// # Errors
///
/// The refusal, if there was one call; one refusal of many, if the operation has no answer for that; 409 if the
/// answer has no words in the dialect; 502 if it is none that could be told in any; 500 in place of both if it is that to a
/// change.
pub fn lower(
    api: &Api,
    request: &Request,
    lifted: &Lifted,
    answers: &[Result<Answer, Box<Problem>>],
    resolutions: &Resolutions,
) -> Result<Step<Lowered>, Box<Problem>> {
    lower_on_trial(api, request, lifted, answers, resolutions).map_err(|problem| {
        if is_changed(lifted, answers) { Box::new(problem.after_a_change()) } else { problem }
    })
}

/// The same where nothing was asked of anybody: what cannot be told is told as what it is, whether or not the call would have
/// changed something.
///
/// # Errors
///
/// Those of [`lower`], but for those of a change.
pub fn lower_on_trial(
    api: &Api,
    request: &Request,
    lifted: &Lifted,
    answers: &[Result<Answer, Box<Problem>>],
    resolutions: &Resolutions,
) -> Result<Step<Lowered>, Box<Problem>> {
    let (needs, teller) = (BTreeSet::new(), Teller::of(request));
    let run = Run::new(Direction::Lower, resolutions);
    let mut lowering = Lowering { api, request, lifted, run, needs, omitted: 0, teller };
    let (lowered, collects) = match &request.operation.answer {
        AnswerPlan::One(plans) => (lowering.one(plans, answers), false),
        AnswerPlan::Collect(collect) => (lowering.collect(collect, answers), true),
    };
    lowering.tell(answers, lowered.as_ref().map_err(|problem| &**problem), collects);
    let lowered = lowered?;
    Ok(if lowering.needs.is_empty() {
        Step::Done(lowered)
    } else {
        Step::Needs(lowering.needs.into_iter().collect())
    })
}

/// Whether anything was changed: a client must neither hear that it was refused what was done for it, nor that it may send it
/// again.
fn is_changed(lifted: &Lifted, answers: &[Result<Answer, Box<Problem>>]) -> bool {
    let mut outcomes = lifted.calls.iter().zip(answers);
    outcomes.any(|(call, answer)| !call.operation.is_safe() && answer.is_ok())
}

struct Lowering<'l> {
    api: &'l Api,
    request: &'l Request,
    lifted: &'l Lifted,
    /// One run for all values: what it counts adds up, and what it made room for serves them all.
    run: Run<'l, 'l>,
    needs: BTreeSet<Need>,
    omitted: u64,
    /// What is told of it, if anybody listens.
    teller: Option<Box<Teller>>,
}

impl<'l> Lowering<'l> {
    fn one(
        &mut self,
        plans: &[operation::Answer],
        answers: &'l [Result<Answer, Box<Problem>>],
    ) -> Result<Lowered, Box<Problem>> {
        let (Some(answer), Some(call)) = (answers.first(), self.lifted.calls.first()) else {
            return Err(Box::new(Problem::internal("a request became no call")));
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(problem) => {
                return settle(&self.request.operation, problem).ok_or_else(|| problem.clone());
            }
        };
        let plan = plans.iter().find(|plan| plan.from == answer.status);
        let plan = plan.ok_or_else(|| undeclared(call, answer))?;
        let body = match &plan.body {
            AnswerBody::Constant(literal) => {
                self.wrote(literal.json(), || vec![How::Constant(literal.json().to_owned())]);
                Some(literal.json().as_bytes().to_vec())
            }
            AnswerBody::Empty => None,
            AnswerBody::Lens(lens) => {
                let body = body_of(answer)?;
                let mut out = Writer::with_capacity(body.raw().len());
                match (self.value(lens, body, call, &mut out), &plan.otherwise) {
                    (Err(problem), Some(otherwise)) if problem.code == UNREPRESENTABLE => {
                        self.wrote(otherwise.json(), || vec![How::Absent(otherwise.json().to_owned())]);
                        Some(otherwise.json().as_bytes().to_vec())
                    }
                    (outcome, _) => {
                        outcome?;
                        Some(out.into_vec())
                    }
                }
            }
            AnswerBody::Items { lens, under, omits, only } => {
                let body = body_of(answer)?;
                Some(self.page(&Items { lens, under, omits: omits.is_some(), only }, body, call)?.into_vec())
            }
        };
        let location = match &plan.location {
            Some(location) => Some(self.location(location, body_of(answer)?, call)?),
            None => None,
        };
        Ok(Lowered { status: plan.status, body, location, omitted: self.omitted, lost: self.run.take_lost() })
    }

    /// The address of what an answer tells of, below the one the client used.
    fn location(
        &mut self,
        location: &Location,
        body: Value<'l>,
        call: &'l Call,
    ) -> Result<String, Box<Problem>> {
        let mut path = self.request.dialect.prefix.clone();
        for part in &location.path {
            path.push('/');
            match part {
                PathPart::Literal(text) => path.push_str(text),
                PathPart::Parameter(name) => {
                    let (mut out, lines) = (Writer::new(), self.lines());
                    if let Some((_, lens)) = location.parameters.iter().find(|(known, _)| known == name) {
                        self.value(lens, body, call, &mut out)?;
                    }
                    self.is_address(lines, name);
                    let spelling = plain(out);
                    if spelling.is_none() && self.needs.is_empty() {
                        let cause = "an id of the answer is none";
                        return Err(Box::new(Problem::bad_gateway("invalid-answer", cause)));
                    }
                    path.extend(utf8_percent_encode(&spelling.unwrap_or_default(), RESERVED));
                }
            }
        }
        Ok(self.request.url.beside(&path))
    }

    /// Writes a canonical value in the dialect's form.
    fn value(
        &mut self,
        lens: &Lens,
        body: Value<'l>,
        call: &'l Call,
        out: &mut Writer,
    ) -> Result<(), Box<Problem>> {
        if let Some(teller) = &self.teller {
            teller.trace(&mut self.run);
        }
        let input = Input { body: Some(body), path: &call.path, ..Input::default() };
        let output = lens.run(input, &mut self.run, std::mem::take(out));
        *out = output.body;
        if let Some(teller) = &mut self.teller {
            teller.hear(&mut self.run);
        }
        self.needs.extend(self.run.take_needs());
        let refusals = self.run.take_refusals();
        let Some(refusal) = refusals.first() else {
            return Ok(());
        };
        let cause = format!("`{}` {}", refusal.place.pointer(), refusal.message);
        Err(Box::new(match refusal.kind {
            UNREPRESENTABLE => Problem::unrepresentable(cause),
            ID_TAKEN => Problem::id_taken(cause),
            _ => Problem::bad_gateway("invalid-answer", cause),
        }))
    }

    fn collect(
        &mut self,
        collect: &Collect,
        answers: &'l [Result<Answer, Box<Problem>>],
    ) -> Result<Lowered, Box<Problem>> {
        let answers = match answers {
            [Err(problem)] if self.lifted.is_probe => return Err(problem.clone()),
            _ if self.lifted.is_probe => &[],
            answers => answers,
        };
        let outcomes: Vec<Outcome<'l>> = answers
            .iter()
            .zip(&self.lifted.calls)
            .map(|(answer, call)| match answer {
                // The fields are about the body of the first success there is.
                Ok(answer)
                    if call.operation.answers.first().is_none_or(|(from, _)| *from != answer.status) =>
                {
                    Err(undeclared(call, answer))
                }
                Ok(answer) => body_of(answer).map_err(|problem| Box::new(after_success(call, *problem))),
                Err(problem) => Err(problem.clone()),
            })
            .collect();
        let succeeded = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        let refused = || outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
        let made = refused().filter(|problem| problem.is_of_a_change_made()).count();
        let general = refused().find(|problem| concerns_all(problem));
        // What was made is none that failed, but if it is all there is, nothing of it can be told.
        let is_in_parts = succeeded > 0 || (1..outcomes.len()).contains(&made);
        let status = match (refused().next(), general, collect.none) {
            (None, ..) => collect.all,
            (Some(_), ..) if is_in_parts => collect.some,
            (Some(_), None, Some(none)) if made == 0 => none,
            (Some(first), general, _) => {
                // Nothing may have a client ask again for what was made, or may have been.
                let made = refused().find(|problem| problem.is_of_a_change_made());
                let gravest = made.or_else(|| refused().find(|problem| problem.is_in_doubt)).or(general);
                return Err(gravest.unwrap_or(first).clone());
            }
        };
        // Who is told what failed is told there what was made and cannot be read; others can only be told how many were made.
        let lists_failures = collect.fields.iter().any(|(_, gather)| matches!(gather, Gather::Failed(_)));
        let counted = if lists_failures { succeeded } else { succeeded + made };
        let told = outcomes.iter().map(|outcome| outcome.as_ref().map_or(0, |body| body.raw().len())).sum();
        let mut out = Writer::with_capacity(told);
        out.object_begin();
        for (name, gather) in &collect.fields {
            let before = out.len();
            out.key(name);
            self.enter(|| Segment::Name(name.clone()));
            if !self.gather(gather, &outcomes, counted, &mut out)? {
                out.truncate(before);
            }
            self.leave();
        }
        out.object_end();
        Ok(Lowered {
            status,
            body: Some(out.into_vec()),
            location: None,
            omitted: 0,
            lost: self.run.take_lost(),
        })
    }

    /// Writes one member of a collected answer; whether there is anything to tell.
    fn gather(
        &mut self,
        gather: &Gather,
        outcomes: &[Outcome<'l>],
        counted: usize,
        out: &mut Writer,
    ) -> Result<bool, Box<Problem>> {
        let lines = self.lines();
        let mut elements = 0;
        let succeeded = outcomes.iter().zip(&self.lifted.calls).enumerate();
        let succeeded = succeeded
            .filter_map(|(index, (outcome, call))| outcome.as_ref().ok().map(|body| (*body, call, index)));
        match gather {
            Gather::Count => {
                let count = i64::try_from(counted).unwrap_or(i64::MAX);
                out.integer(count);
                self.wrote(&count.to_string(), || vec![How::Said("how many calls succeeded".to_owned())]);
            }
            Gather::Failed(template) => {
                out.array_begin();
                for (outcome, (input, place)) in outcomes.iter().zip(self.request.items()) {
                    if let Err(problem) = outcome {
                        let problem = within_item(*problem.clone(), &place.segments());
                        let error = self.request.dialect.errors.render_item(template, &problem, input);
                        out.raw(&error);
                        self.enter(|| Segment::Index(elements));
                        self.wrote(&error, || vec![How::Said("a refused item's error".to_owned())]);
                        self.leave();
                        elements += 1;
                    }
                }
                out.array_end();
            }
            Gather::Lens(lens) => {
                out.array_begin();
                for (body, call, index) in succeeded {
                    self.reads(|| answer_of(index));
                    self.enter(|| Segment::Index(elements));
                    self.value(lens, body, call, out)?;
                    self.leave();
                    elements += 1;
                }
                out.array_end();
            }
            Gather::Value { at, id, only, optional } => {
                let start = out.len();
                out.array_begin();
                let empty = out.len();
                let wanted = succeeded.filter(|(body, ..)| only.iter().all(|(at, is)| holds(*body, at, is)));
                for (body, call, index) in wanted {
                    self.reads(|| answer_of(index));
                    self.enter(|| Segment::Index(elements));
                    match (value_at(body, at), id) {
                        (None, _) => {}
                        (Some(value), None) => {
                            out.value(value);
                            self.wrote(value.raw(), || vec![How::Copied]);
                            elements += 1;
                        }
                        (Some(_), Some(lens)) => {
                            self.value(lens, body, call, out)?;
                            elements += 1;
                        }
                    }
                    self.leave();
                }
                if *optional && out.len() == empty {
                    out.truncate(start);
                    return Ok(false);
                }
                out.array_end();
            }
        }
        if !matches!(gather, Gather::Count) {
            self.wrote_list(lines, None, (elements, outcomes.len()));
        }
        Ok(true)
    }
}

/// The body of a call that succeeded, or why there is none.
type Outcome<'a> = Result<Value<'a>, Box<Problem>>;

/// How the body of one of many answers is called.
fn answer_of(index: usize) -> Vec<Segment> {
    vec![Segment::Name("answers".to_owned()), Segment::Index(index)]
}

/// A success of a sort that nobody spoke of.
fn undeclared(call: &Call, answer: &Answer) -> Box<Problem> {
    let cause = format!("`{}` answered {}, which it does not declare", call.operation.name, answer.status);
    Box::new(after_success(call, Problem::bad_gateway("unexpected-status", cause)))
}

/// Whether a refusal is about the caller or the backend rather than about the item. What was made is no refusal.
fn concerns_all(problem: &Problem) -> bool {
    let status = problem.status.get();
    let caller = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::TOO_MANY_REQUESTS];
    (caller.contains(&status) || status.is_server_error()) && !problem.is_of_a_change_made()
}

/// The body of a success that has to have one.
fn body_of(answer: &Answer) -> Result<Value<'_>, Box<Problem>> {
    let body = answer.body.as_ref().map(Document::root);
    body.ok_or_else(|| Box::new(Problem::bad_gateway("invalid-answer", "the answer has no body")))
}

/// A refusal with places as they are within the item at `at`.
fn within_item(mut problem: Problem, at: &[Segment]) -> Problem {
    for violation in &mut problem.violations {
        if violation.place.segments.starts_with(at) {
            violation.place.segments.drain(..at.len());
        }
    }
    problem
}

fn value_at<'a>(body: Value<'a>, at: &Address) -> Option<Value<'a>> {
    at.path.iter().try_fold(body, |value, name| value.member(name))
}

fn holds(body: Value<'_>, at: &Address, is: &Literal) -> bool {
    value_at(body, at).is_some_and(|value| value.same(is.value()))
}

/// An id as it stands in a path.
fn plain(out: Writer) -> Option<String> {
    let document = Document::parse(out.into_vec(), &Limits::default()).ok()?;
    let value = document.root();
    if value.kind() == Kind::Integer {
        return Some(value.raw().to_owned());
    }
    value.as_str().map(Cow::into_owned)
}
