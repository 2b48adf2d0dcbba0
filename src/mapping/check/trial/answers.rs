//! Answers: what the canonical API may say becomes what the dialect's schemas promise.

use std::sync::Arc;

use http::StatusCode;

use super::finding::{At, Finding, field_at, named, nearest, shown};
use super::requests::{ROUNDS_MAX, Tried};
use super::{Trial, guides, run};
use crate::diag::code;
use crate::dialect::Operation;
use crate::dialect::operation::{Answer as Plan, AnswerBody, AnswerPlan, Collect, Gather};
use crate::dialect::page::PageSlot;
use crate::json::{Document, Limits, Value};
use crate::lens::path::Literal;
use crate::lens::{Direction, Lens, Resolutions};
use crate::problem::{ErrorStatus, Place, Problem, Segment, UNREPRESENTABLE, Violation};
use crate::schema::Schema;
use crate::schema::instances::{Guide, Instances, Step};
use crate::translate::answer::Answer;
use crate::translate::lower::{Lowered, lower};
use crate::translate::{self, Step as Progress};

/// How many calls a bulk request may have become for its answers to be tried.
const CALLS_MAX: usize = 4;

/// How many answers of one sort are tried for a further operation that gives them.
const AGAIN_MAX: usize = 2;

/// How many violations of one answer are looked at.
const VIOLATIONS_MAX: usize = 8;

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
        let (lens, below) = match &plan.body {
            AnswerBody::Constant(_) | AnswerBody::Empty => return,
            AnswerBody::Items { lens, .. } => (lens, vec![Step::Member(items.as_str().into()), Step::Items]),
            AnswerBody::Lens(lens) => (lens, Vec::new()),
        };
        let Some(canonical) = plan.canonical.as_deref() else { return };
        // What an operation answers is mostly what others answer too: then the smallest and the largest are enough.
        let places = [Arc::as_ptr(lens).addr(), std::ptr::from_ref(canonical).addr()];
        let schema = plan.schema.as_ref().map_or(0, |schema| Arc::as_ptr(schema).addr());
        let is_first = self.answered.insert([places[0], places[1], schema]);
        let known = self.answers.get(&places).filter(|_| !is_first);
        let documents = match known {
            Some(texts) => texts.iter().filter_map(|text| parsed(text.clone().into_bytes())).collect(),
            None => self.documents(operation, canonical, &[(lens, below)], plan.schema.as_deref()),
        };
        let again = documents.iter().take(AGAIN_MAX).map(|document| document.text().to_owned());
        self.answers.insert(places, again.collect());
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

    /// Answers of the canonical API, to be told as a schema says.
    fn documents(
        &mut self,
        operation: &Operation,
        canonical: &Schema,
        lenses: &[(&Arc<Lens>, Vec<Step>)],
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
                own.extend(guides::kept(lens, left, right, below, long));
            }
        }
        let made = |guides: &[Guide]| {
            let instances = Instances::up_to(canonical, guides, long);
            let others = instances.others(self.trials.seed, self.trials.others);
            instances.systematic().chain(others).collect::<Vec<_>>()
        };
        let mut documents = made(&own);
        if documents.is_empty() {
            documents = made(&[]);
        }
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
            match lower(self.api, &tried.request, &tried.lifted, answers, &resolutions)? {
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

    /// An answer that is always the same is what the dialect's schema promises.
    fn constant(&mut self, operation: &Operation, literal: Option<&Literal>, schema: Option<&Schema>) {
        let (Some(literal), Some(schema)) = (literal, schema) else { return };
        for violation in schema.violations(literal.value(), 1) {
            self.findings.tell(Finding {
                code: code::M0403,
                span: self.operation_span(&operation.name),
                rule: violation.keyword,
                message: format!(
                    "an answer of operation `{}` is always the same, and does not fit its schema: {} {}",
                    operation.name,
                    named(&violation.path),
                    violation.message
                ),
                label: "answered by this".to_owned(),
                help: format!("write what `schemas/{}/{}.json` allows", schema.folder(), schema.name()),
                instance: shown(Some(literal.value())),
            });
        }
    }

    /// What a client gets is what the dialect's schema promises.
    fn fits(
        &mut self,
        operation: &Operation,
        lenses: &[&Arc<Lens>],
        schema: Option<&Schema>,
        lowered: &Lowered,
        canonical: &str,
    ) {
        let (Some(schema), Some(body)) = (schema, lowered.body.clone()) else { return };
        let Ok(body) = Document::parse(body, &Limits { bytes_max: 1 << 24, ..Limits::default() }) else {
            return;
        };
        if schema.is_valid(body.root()) {
            return;
        }
        for violation in schema.violations(body.root(), VIOLATIONS_MAX) {
            let inner = within(operation, &violation.path);
            let field =
                lenses.iter().find_map(|lens| field_at(lens, Direction::Lift, &Place::body(inner.clone())));
            if field.as_ref().is_some_and(|at| self.exceeds(at)) {
                continue;
            }
            let help = format!(
                "let `schemas/{}/{}.json` allow what the canonical schema does, narrow that one, or say under \
                 `[lens.<name>.exceeds]` why it is told all the same",
                schema.folder(),
                schema.name()
            );
            let value = nearest(body.root(), &violation.path);
            let instance = if violation.keyword == "required" {
                format!("the canonical {}", shown_text(canonical))
            } else {
                shown(Some(value))
            };
            self.findings.tell(Finding {
                code: code::M0403,
                span: field
                    .and_then(|at| at.field.origin)
                    .unwrap_or_else(|| self.operation_span(&operation.name)),
                rule: violation.keyword,
                message: format!(
                    "operation `{}` answers what its schema does not promise: {} {}",
                    operation.name,
                    named(&violation.path),
                    violation.message
                ),
                label: "told by this".to_owned(),
                help,
                instance,
            });
        }
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

    /// Tries the answers to many calls.
    fn collected(&mut self, operation: &Arc<Operation>, collect: &Collect, tried: &[&Tried<'t>]) {
        let Some(canonical) = collect.canonical.as_deref() else { return };
        let lenses: Vec<_> = collect.fields.iter().filter_map(|(_, gather)| lens_of(gather)).collect();
        let with_places: Vec<_> = lenses.iter().map(|lens| (*lens, Vec::new())).collect();
        let texts: Vec<String> = self
            .documents(operation, canonical, &with_places, collect.schema.as_deref())
            .iter()
            .map(|document| document.text().to_owned())
            .collect();
        let bounded: Vec<_> = tried.iter().filter(|tried| tried.lifted.calls.len() <= CALLS_MAX).collect();
        let (Some(status), false) =
            (operation.calls.answers.first().map(|(status, _)| *status), bounded.is_empty())
        else {
            return;
        };
        for number in 0..texts.len() {
            self.instances += 1;
            // Each time one more is refused, and then none again.
            let tried = bounded[number % bounded.len()];
            let calls = tried.lifted.calls.len();
            let refused = number % (calls + 1);
            let answers: Vec<_> = (0..calls)
                .map(|call| {
                    if call < refused {
                        return Err(refusal(tried, call, number));
                    }
                    let text = texts[(number + call) % texts.len()].clone().into_bytes();
                    let body =
                        Document::parse(text, &Limits { bytes_max: 1 << 24, ..Limits::default() }).ok();
                    Ok(Answer { status, body })
                })
                .collect();
            match self.lowered(tried, &answers) {
                Ok(Some(lowered)) => {
                    self.fits(operation, &lenses, collect.schema.as_deref(), &lowered, &texts[number])
                }
                Ok(None) => {}
                Err(problem) if is_declared(&problem) || refused > 0 => {}
                Err(problem) => {
                    let values: Vec<_> = answers
                        .iter()
                        .filter_map(|answer| Some(answer.as_ref().ok()?.body.as_ref()?.root()))
                        .collect();
                    for lens in &lenses {
                        self.untold(operation, lens, &values, tried, &problem);
                    }
                }
            }
        }
    }

    /// Whether the mapping says that what a field tells may be more than its schema promises. Notes that it had to.
    fn exceeds(&mut self, at: &At<'_>) -> bool {
        let Some(left) = at.field.left.as_ref().map(ToString::to_string) else { return false };
        let named = self.file.lenses.iter().find(|lens| lens.name.value == at.lens.name());
        let part = named.and_then(|lens| lens.part.as_ref());
        let Some((path, _)) = part.and_then(|part| part.exceeds.iter().find(|(path, _)| path.value == left))
        else {
            return false;
        };
        self.exceeded.insert((path.span.source, path.span.start));
        true
    }
}

const HELP_UNTOLD: &str = "narrow the canonical schema to what the backend says, or say what becomes of the value: a row, a landing, \
                           `absent`, `optional` or `instead`";

/// Whether an answer is refused because the mapping says so.
fn is_declared(problem: &Problem) -> bool {
    problem.code == UNREPRESENTABLE || problem.code == "id-taken"
}

fn lens_of(gather: &Gather) -> Option<&Arc<Lens>> {
    match gather {
        Gather::Lens(lens) => Some(lens),
        Gather::Value { id, .. } => id.as_ref(),
        Gather::Count | Gather::Failed(_) => None,
    }
}

/// What the backend may refuse a call with: by place, or without one.
fn refusal(tried: &Tried<'_>, call: usize, number: usize) -> Box<Problem> {
    let status = |code: StatusCode| ErrorStatus::new(code).unwrap_or(ErrorStatus::INTERNAL);
    if number.is_multiple_of(2) {
        let conflict = status(StatusCode::CONFLICT);
        return Box::new(Problem::from_backend(
            conflict,
            "conflict".to_owned(),
            "is there already",
            Vec::new(),
        ));
    }
    let body = tried.lifted.calls[call].body.clone().unwrap_or_default();
    let document = Document::parse(body, &Limits::default()).ok();
    let member = document.as_ref().and_then(|document| document.root().members().next());
    let segments = member.map(|(name, _)| Segment::Name(name.as_str().into_owned())).into_iter().collect();
    let violation =
        Violation { place: Place::body(segments), kind: "refused".into(), message: "is refused".to_owned() };
    let problem = Problem::from_backend(
        status(StatusCode::UNPROCESSABLE_ENTITY),
        "invalid".to_owned(),
        "",
        vec![violation],
    );
    let items = tried.request.items();
    let (sent, at) = items.get(call).map_or((None, &[][..]), |(sent, at)| (*sent, at.as_slice()));
    Box::new(translate::told(problem, &tried.request.operation, at, sent))
}

/// The place within one item of a list, or of what was gathered.
fn within(operation: &Operation, path: &[Segment]) -> Vec<Segment> {
    let frame = match (&operation.answer, &operation.page) {
        (AnswerPlan::Collect(_), _) => 1,
        (AnswerPlan::One(_), Some(page)) => {
            page.fields.iter().find(|(_, slot)| *slot == PageSlot::Items).map_or(0, |(path, _)| path.len())
        }
        (AnswerPlan::One(_), None) => 0,
    };
    let is_list = operation.page.is_some() || operation.gather.is_some() || operation.is_bulk();
    match path.get(frame) {
        Some(Segment::Index(_)) if is_list => path[frame + 1..].to_vec(),
        Some(_) | None => path.to_vec(),
    }
}

fn shown_text(text: &str) -> String {
    parsed(text.as_bytes().to_vec()).map(|document| shown(Some(document.root()))).unwrap_or_default()
}

/// A document of ours, however large it is.
fn parsed(text: Vec<u8>) -> Option<Document> {
    Document::parse(text, &Limits { bytes_max: 1 << 24, ..Limits::default() }).ok()
}
