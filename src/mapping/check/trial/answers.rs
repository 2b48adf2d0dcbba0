//! Answers: what the canonical API may say becomes what the dialect's schemas promise.

use std::sync::Arc;

use super::finding::{Finding, field_at, named, nearest, shown};
use super::guides::Holds;
use super::requests::{ROUNDS_MAX, Tried};
use super::{Trial, Trials, deciding, guides, run};
use crate::diag::code;
use crate::dialect::Operation;
use crate::dialect::operation::{Answer as Plan, AnswerBody, AnswerPlan};
use crate::json::{Document, Value};
use crate::lens::{Direction, Lens, Resolutions};
use crate::problem::{ID_TAKEN, Problem, UNREPRESENTABLE};
use crate::schema::Schema;
use crate::schema::instances::{Guide, Step};
use crate::translate::Step as Progress;
use crate::translate::answer::Answer;
use crate::translate::lower::{Lowered, lower_on_trial};

mod collected;
mod fit;

/// How many answers of one sort are tried for a further operation that gives them.
const AGAIN_MAX: usize = 2;

impl<'t> Trial<'t> {
    /// Tries every answer of an operation, to the requests that were tried.
    pub(super) fn answers(&mut self, operation: &Arc<Operation>, tried: &[&Tried<'t>]) {
        if tried.is_empty() {
            return;
        }
        match &operation.answer {
            AnswerPlan::One(plans) => {
                for plan in plans {
                    self.answer(operation, plan, tried);
                }
            }
            AnswerPlan::Collect(collect) => self.collected(operation, collect, tried),
        }
    }

    fn answer(&mut self, operation: &Arc<Operation>, plan: &Plan, tried: &[&Tried<'t>]) {
        let constant = match &plan.body {
            AnswerBody::Constant(literal) => Some(literal),
            AnswerBody::Empty | AnswerBody::Items { .. } | AnswerBody::Lens(_) => plan.otherwise.as_ref(),
        };
        self.constant(operation, constant, plan.schema.as_deref());
        let items = &self.api.page.items;
        let (lens, below, only) = match &plan.body {
            AnswerBody::Constant(_) | AnswerBody::Empty => return,
            AnswerBody::Items { lens, only, .. } => {
                (lens, vec![Step::Member(items.as_str().into()), Step::Items], only.as_slice())
            }
            AnswerBody::Lens(lens) => (lens, Vec::new(), &[][..]),
        };
        let Some(canonical) = plan.canonical.as_deref() else { return };
        // What an operation answers is mostly what others answer too: then the smallest and the largest are enough.
        let places = [Arc::as_ptr(lens).addr(), std::ptr::from_ref(canonical).addr()];
        let schema = plan.schema.as_ref().map_or(0, |schema| Arc::as_ptr(schema).addr());
        let is_first = self.answered.insert([places[0], places[1], schema]) || !only.is_empty();
        let known = self.answers.get(&places).filter(|_| !is_first);
        let documents = match known {
            Some(known) => known.clone(),
            None => self.documents(operation, canonical, &[(lens, below)], only, plan.schema.as_deref()),
        };
        if is_first && only.is_empty() {
            self.answers.insert(places, documents.iter().take(AGAIN_MAX).cloned().collect());
        }
        let returns = self.returned.insert(places[0]);
        for (number, document) in documents.into_iter().enumerate() {
            self.instances += 1;
            let tried = tried[number % tried.len()];
            let text = document.text().to_owned();
            let answer = Answer { status: plan.from, body: Some(document) };
            let answers = [Ok(answer)];
            let outcome = self.lowered(tried, &answers);
            let Some(body) = answers[0].as_ref().ok().and_then(|answer| answer.body.as_ref()) else {
                continue;
            };
            let values: Vec<Value<'_>> = match &plan.body {
                AnswerBody::Items { .. } => {
                    body.root().member(items).into_iter().flat_map(Value::elements).collect()
                }
                AnswerBody::Constant(_) | AnswerBody::Empty | AnswerBody::Lens(_) => vec![body.root()],
            };
            match outcome {
                Err(problem) if is_declared(&problem) => {}
                Err(problem) => self.untold(operation, lens, &values, tried, &problem),
                Ok(None) => {}
                Ok(Some(lowered)) => self.fits(operation, &[lens], plan.schema.as_deref(), &lowered, &text),
            }
            if returns {
                for value in values {
                    self.answer_returns(lens, value, &tried.world);
                }
            }
        }
    }

    /// Answers of the canonical API, to be told as a schema says: of items, only those that hold some values.
    fn documents(
        &mut self,
        operation: &Operation,
        canonical: &Schema,
        lenses: &[(&Arc<Lens>, Vec<Step>)],
        only: &[Holds],
        told: Option<&Schema>,
    ) -> Vec<Document> {
        let long = self.long(told);
        let mut own: Vec<Guide> = Vec::new();
        for (lens, below) in lenses {
            own.extend(guides::of(lens, Direction::Lower, below, self.columns));
            let shaped = self.dialect.lenses.get(lens.name());
            if let Some((left, right)) =
                shaped.and_then(|shaped| shaped.left.as_ref().zip(shaped.right.as_ref()))
            {
                let which = if only.is_empty() { 0 } else { only.as_ptr().addr() };
                let key = [Arc::as_ptr(lens).addr(), long, which];
                let sent = self.written.get(right.name()).map_or(&[][..], Vec::as_slice);
                let make = || guides::kept(lens, (left, right), (sent, only), long);
                let kept = self.kept.entry(key).or_insert_with(make);
                own.extend(kept.iter().cloned().map(|mut guide| {
                    guide.at.splice(0..0, below.iter().cloned());
                    guide
                }));
            }
        }
        let mut untried = Vec::new();
        let mut made = |guides: &[Guide], trials: Trials| {
            let anew = || trials.instances(canonical, guides, Some(long));
            let (made, own) = self.shared.documents(canonical, guides, long, anew);
            untried.extend(own);
            made
        };
        let mut documents = made(&own, self.trials);
        // Every other choice is made beside each value that decides something, too.
        let systematic = Trials { others: 0, ..self.trials };
        for (lens, below) in lenses {
            for one in deciding::of(lens, Direction::Lower, below) {
                let known = own.iter().filter(|known| known.at != one.at);
                documents.extend(made(
                    &std::iter::once(&one).chain(known).cloned().collect::<Vec<_>>(),
                    systematic,
                ));
            }
        }
        if documents.is_empty() {
            documents = made(&[], self.trials);
        }
        self.untried(&untried);
        if documents.is_empty() {
            let message = format!("no answer to operation `{}` could be made", operation.name);
            let help = "the canonical schema may contradict itself, or say more than instances are made from";
            self.findings.warn(code::M0405, self.operation_span(&operation.name), message, help);
        }
        documents
    }

    /// What a client gets; nothing if look-ups lead nowhere.
    fn lowered(
        &self,
        tried: &Tried<'t>,
        answers: &[Result<Answer, Box<Problem>>],
    ) -> Result<Option<Lowered>, Box<Problem>> {
        let mut world = tried.world.clone();
        let mut resolutions = Resolutions::default();
        for _ in 0..ROUNDS_MAX {
            match lower_on_trial(self.api, &tried.request, &tried.lifted, answers, &resolutions)? {
                Progress::Done(lowered) => return Ok(Some(lowered)),
                Progress::Needs(needs) => {
                    for need in needs {
                        let found = world.answer(&need);
                        resolutions.insert(need, found);
                    }
                }
            }
        }
        Ok(None)
    }

    /// Tells which line refuses an answer, without the mapping saying that it may.
    fn untold(
        &mut self,
        operation: &Operation,
        lens: &Arc<Lens>,
        values: &[Value<'_>],
        tried: &Tried<'t>,
        problem: &Problem,
    ) {
        let path = tried.lifted.calls.first().map(|call| call.path.clone()).unwrap_or_default();
        let mut is_told = false;
        for value in values {
            let mut world = tried.world.clone();
            let Err(refusals) = run(lens, Direction::Lower, *value, &path, &mut world) else { continue };
            for refusal in refusals.iter().filter(|refusal| refusal.kind != UNREPRESENTABLE) {
                is_told = true;
                let field = field_at(lens, Direction::Lower, &refusal.place);
                self.findings.tell(Finding {
                    code: code::M0308,
                    span: field
                        .and_then(|at| at.field.origin)
                        .unwrap_or_else(|| self.operation_span(&operation.name)),
                    rule: refusal.kind,
                    message: format!(
                        "operation `{}` cannot tell {} as the canonical schema allows it",
                        operation.name,
                        named(&refusal.place.segments)
                    ),
                    label: refusal.message.clone(),
                    help: HELP_UNTOLD.to_owned(),
                    instance: shown(Some(nearest(*value, &refusal.place.segments))),
                });
            }
        }
        if !is_told {
            self.findings.tell(Finding {
                code: code::M0308,
                span: self.operation_span(&operation.name),
                rule: &problem.code,
                message: format!(
                    "operation `{}` cannot tell an answer that the canonical schema allows",
                    operation.name
                ),
                label: problem.cause.clone().unwrap_or_else(|| problem.detail.to_string()),
                help: HELP_UNTOLD.to_owned(),
                instance: shown(values.first().copied()),
            });
        }
    }
}

const HELP_UNTOLD: &str = "narrow the canonical schema to what the backend says, or say what becomes of the value: a row, a landing, \
                           `absent`, `optional` or `instead`";

/// Whether an answer is refused because the mapping says so.
fn is_declared(problem: &Problem) -> bool {
    [UNREPRESENTABLE, ID_TAKEN].contains(&&*problem.code)
}
