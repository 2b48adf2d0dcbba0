//! How an operation is answered: by the canonical status, or many answers gathered into one.

use std::sync::Arc;

use http::StatusCode;

use crate::canonical::api::{self, PathPart};
use crate::diag::{Diagnostic, code};
use crate::dialect::operation::{Answer, AnswerBody, AnswerPlan, Collect, Gather, Location, Settled};
use crate::lens::op::Op;
use crate::lens::op::id::Id;
use crate::lens::path::{Address, Literal};
use crate::lens::{Field, Lens, Presence, Wrap};
use crate::mapping::canonical::{request_line, suggest};
use crate::mapping::compile::Compiler;
use crate::mapping::file::{AnswerPart, CollectPart, GatherPart, LocationPart, OpPart, OperationPart, Text};
use crate::mapping::lenses::Schemas;
use crate::problem::Root;
use crate::schema::Schema;

impl Compiler<'_> {
    pub(super) fn answer(&mut self, part: &OperationPart, calls: &Arc<api::Operation>) -> Option<AnswerPlan> {
        match (&part.each, &part.collect) {
            (Some(_), Some(collect)) if part.answers.is_empty() => {
                self.collect(collect, calls).map(AnswerPlan::Collect)
            }
            (None, None) if !part.answers.is_empty() => self.answers(part, calls).map(AnswerPlan::One),
            _ => {
                if part.is_whole {
                    let name = &part.name;
                    let message = format!("operation `{}` does not say what its client gets", name.value);
                    self.report(
                        Diagnostic::error(code::M0106, message)
                            .at(name.span, "this operation")
                            .help("one call needs `answers`; `each` needs `[operation.collect]` instead"),
                    );
                }
                self.saw_all = false;
                None
            }
        }
    }

    fn answers(&mut self, part: &OperationPart, calls: &Arc<api::Operation>) -> Option<Vec<Answer>> {
        let mut answers = Vec::new();
        let mut is_whole = part.is_whole;
        let mut given = Vec::new();
        for (from, answer) in &part.answers {
            let Some(status) = self.status_text(from) else {
                is_whole = false;
                self.saw_all = false;
                continue;
            };
            if status.is_client_error() {
                continue; // a refusal that is an answer, see `settled`
            }
            given.push(status);
            if calls.answer(status).is_none() {
                let message = format!("`{}` never answers {}", calls.name, status.as_u16());
                let others: Vec<_> =
                    calls.answers.iter().map(|(status, _)| status.as_str().to_owned()).collect();
                let help =
                    format!("it answers {}: correct the status, or take the row away", others.join(" or "));
                self.report(
                    Diagnostic::error(code::M0219, message).at(from.span, "matches nothing").help(help),
                );
                self.note_lenses(answer);
                continue;
            }
            answers.push(self.one_answer(part, calls, (from, status), answer));
        }
        for (status, schema) in &calls.answers {
            if is_whole && !given.contains(status) {
                let number = status.as_u16();
                let message =
                    format!("`{}` may answer {number}, and nothing says what that becomes", calls.name);
                let row = match schema {
                    Some(schema) => format!(
                        "`{number} = {{ status = {number}, body = \"...\" }}`, by a lens of `{schema}`"
                    ),
                    None => format!("`{number} = {{ status = {number} }}`"),
                };
                let found = Diagnostic::error(code::M0219, message).at(part.calls.span, "of this call");
                self.report(found.help(format!("add a row to `answers`, such as {row}")));
            }
        }
        answers.into_iter().collect()
    }

    /// Items of a list that are not told were not asked for, or there is a reason.
    fn check_asked(&mut self, part: &OperationPart, answer: &AnswerPart) {
        let sets = part.sets.iter().filter_map(|(path, _)| Address::parse(&path.value));
        let asks = sets.into_iter().any(|at| at.root == Root::Query);
        if let (Some((path, _)), false, None) = (answer.only.first(), asks, &answer.omits) {
            let message = format!("items are left out of a list by `{}`, and nothing says why", path.value);
            let found =
                Diagnostic::error(code::M0501, message).at(path.span, "the others were asked for, too");
            self.report(found.help("ask for these alone by a parameter, as in `sets = { \"$query.kind\" = \"...\" }`, or say `omits = \"reason\"`"));
        }
    }

    /// Notes the lenses of an answer that never comes: that they are not used otherwise is not their fault.
    fn note_lenses(&mut self, part: &AnswerPart) {
        for name in part.body.iter().chain(&part.items) {
            self.lens_named(name);
        }
    }

    fn one_answer(
        &mut self,
        part: &OperationPart,
        calls: &Arc<api::Operation>,
        (key, from): (&Text, StatusCode),
        answer: &AnswerPart,
    ) -> Option<Answer> {
        let has_body = answer.body.is_some() || answer.items.is_some() || answer.constant.is_some();
        let status = self.success(answer.status, has_body);
        let schema = answer.schema.as_ref().and_then(|schema| self.schema(schema));
        let (body, lens) = match (&answer.body, &answer.items, &answer.constant) {
            (None, None, None) => (Some(AnswerBody::Empty), None),
            (None, None, Some(constant)) => (Some(AnswerBody::Constant(constant.value.clone())), None),
            (Some(name), None, None) => (self.lens_named(name).map(AnswerBody::Lens), Some(name)),
            (None, Some(name), None) => {
                if part.page.is_none() && part.gather.is_none() {
                    let operation = &part.name;
                    let message = format!("operation `{}` answers a list without a page", operation.value);
                    let found = Diagnostic::error(code::M0106, message);
                    self.report(found.at(operation.span, "needs `page = \"...\"` or `gather = 1000`"));
                }
                let under = self.under(part, answer, schema.as_deref());
                let omits = answer.omits.as_ref().map(|reason| reason.text().to_owned());
                let only = self.told_items(name, answer);
                self.check_asked(part, answer);
                let lens = self.lens_named(name);
                (lens.map(|lens| AnswerBody::Items { lens, under, omits, only }), None)
            }
            _ => {
                let message = "an answer has one of `body`, `items` and `constant`";
                self.report(Diagnostic::error(code::M0106, message).at(key.span, "more than one here"));
                self.note_lenses(answer);
                (None, None)
            }
        };
        let of_lens = lens.and_then(|lens| self.lenses.get(lens.value.as_str())?.left.clone());
        let reads = answer.reads.as_ref().map(|name| self.read_with(name, calls));
        let reads = match reads {
            Some(reads) => Some(reads?),
            None => None,
        };
        let canonical = match &reads {
            Some(reads) => self.answer_schema(reads, StatusCode::OK),
            None => self.answer_schema(calls, from),
        };
        if let (Some(otherwise), None) = (&answer.otherwise, &answer.body) {
            let found = Diagnostic::error(code::M0106, "only a lens can lack words");
            self.report(found.at(otherwise.span, "needs `body`"));
        }
        let otherwise = answer.otherwise.as_ref().map(|literal| literal.value.clone());
        if let (Some(under), None) = (&answer.under, &answer.items) {
            let found = Diagnostic::error(code::M0106, "only a list stands under a member");
            self.report(found.at(under.span, "needs `items`"));
        }
        if let (Some(omits), None) = (&answer.omits, &answer.items) {
            let found = Diagnostic::error(code::M0106, "only of a list items can be left out");
            self.report(found.at(omits.span(), "needs `items`"));
        }
        if let (Some((path, _)), None) = (answer.only.first(), &answer.items) {
            let found = Diagnostic::error(code::M0106, "only of a list items can be chosen");
            self.report(found.at(path.span, "needs `items`"));
        }
        let location = answer.location.as_ref().map(|part| self.location(part, canonical.as_deref()));
        let location = match location {
            Some(location) => Some(location?),
            None => None,
        };
        Some(Answer {
            from,
            status: status?,
            body: body?,
            reads,
            otherwise,
            location,
            schema: schema.or(of_lens),
            canonical,
        })
    }

    /// Which items of a list are told: values of places in the canonical schema of their lens.
    fn told_items(&mut self, lens: &Text, answer: &AnswerPart) -> Vec<(Address, Literal)> {
        let schema = self.lenses.get(lens.value.as_str()).and_then(|built| built.right.clone());
        let mut told = Vec::new();
        for (path, value) in &answer.only {
            let Some(at) = self.address(path) else { continue };
            if self.check_path(path, &at, schema.as_deref(), Schemas::Canonical) {
                self.check_met(value, &at, schema.as_deref());
                told.push((at, value.value.clone()));
            }
        }
        told
    }

    /// The member that holds the items of a list without pages.
    fn under(&mut self, part: &OperationPart, answer: &AnswerPart, schema: Option<&Schema>) -> Vec<Box<str>> {
        let Some(under) = &answer.under else { return Vec::new() };
        if part.page.is_some() {
            let found = Diagnostic::error(code::M0106, "the frame of a paged list is that of its page");
            self.report(found.at(under.span, "say it under `fields` of the page"));
        }
        let Some(path) = self.member(under) else { return Vec::new() };
        let address = Address { root: Root::Body, path };
        self.check_path(under, &address, schema, Schemas::Dialect);
        address.path
    }

    /// An operation that is asked besides the call: one that changes nothing, with a path the call has filled.
    pub(super) fn read_with(&mut self, name: &Text, calls: &api::Operation) -> Option<Arc<api::Operation>> {
        let reads = self.canonical_operation(name)?;
        if !reads.is_safe() {
            let message = format!("`{}` may change something, and is only asked", reads.name);
            self.report(Diagnostic::error(code::M0106, message).at(name.span, "needs a GET"));
        }
        for parameter in reads.parameters().filter(|one| !calls.parameters().any(|other| other == *one)) {
            let message = format!("nothing fills `{parameter}` of `{}`", reads.name);
            let label = format!("the path of `{}` has no such parameter", calls.name);
            let help = "name a GET whose path needs no more than that of the call";
            self.report(Diagnostic::error(code::M0213, message).at(name.span, label).help(help));
        }
        Some(reads)
    }

    /// The address of another operation of the dialect, with parameters that are ids in the answer.
    fn location(&mut self, part: &LocationPart, canonical: Option<&Schema>) -> Option<Location> {
        let file = self.file;
        let operations = file.operations.iter();
        let named = operations.clone().find(|operation| operation.name.value == part.operation.value);
        let Some(named) = named else {
            let message = format!("there is no operation `{}`", part.operation.value);
            let found =
                Diagnostic::error(code::M0209, message).at(part.operation.span, "not declared in this file");
            let known = operations.map(|operation| operation.name.value.as_str());
            self.report(suggest(found, &part.operation.value, known));
            return None;
        };
        let (_, path) = request_line(&named.request.value)?;
        let mut parameters = Vec::new();
        for (parameter, at) in &part.parameters {
            let place = self.address(at);
            let place = place.filter(|place| self.check_path(at, place, canonical, Schemas::Canonical));
            let field = named.path.iter().find(|field| field.left.value == parameter.value);
            let id = if let Some(Some(OpPart::Id(kind))) = field.map(|field| &field.op) {
                self.id_kind(kind)
            } else {
                let message = format!("`{}` is no id in the path of `{}`", parameter.value, named.name.value);
                let found = Diagnostic::error(code::M0212, message).at(parameter.span, "filled here");
                self.report(found.help(format!(
                    "name a parameter that the path of `{}` reads by `id`, or leave `location` out",
                    named.name.value
                )));
                None
            };
            parameters.push((parameter.value.clone(), Arc::new(alone(place?, id?))));
        }
        for piece in &path {
            if let PathPart::Parameter(name) = piece
                && !parameters.iter().any(|(filled, ..)| filled == name)
            {
                let message = format!("nothing fills `{name}` of `{}`", named.name.value);
                let help = format!(
                    "add `{name} = \"...\"` to `parameters`, with a place in the answer that holds the id"
                );
                self.report(
                    Diagnostic::error(code::M0213, message)
                        .at(part.operation.span, "this path needs it")
                        .help(help),
                );
                return None;
            }
        }
        Some(Location { path, parameters })
    }

    /// The refusals that are answers: those among the keys of `answers`.
    pub(super) fn settled(&mut self, part: &OperationPart) -> Vec<Settled> {
        let mut settled = Vec::new();
        for (key, answer) in &part.answers {
            let from = key.value.parse().ok().and_then(|code| StatusCode::from_u16(code).ok());
            let Some(from) = from.filter(StatusCode::is_client_error) else { continue };
            let has_body = answer.body.is_some() || answer.items.is_some() || answer.constant.is_some();
            if has_body || answer.location.is_some() || part.each.is_some() {
                let message = "a refusal that is an answer has a status and nothing else";
                self.report(Diagnostic::error(code::M0106, message).at(key.span, "more than that here"));
                self.note_lenses(answer);
            }
            settled.extend(self.success(answer.status, false).map(|status| Settled { from, status }));
        }
        settled
    }

    fn collect(&mut self, part: &CollectPart, calls: &Arc<api::Operation>) -> Option<Collect> {
        let schema = part.schema.as_ref().and_then(|schema| self.schema(schema));
        let mut statuses = [None; 3];
        let names: Vec<_> = OUTCOMES.into_iter().zip(0..).collect();
        let mut is_whole = true;
        for (outcome, status) in &part.status {
            let index: Option<usize> = self.word("outcome", outcome, &names);
            let status = self.success(*status, true);
            is_whole &= index.is_some() && status.is_some();
            if let Some(index) = index {
                statuses[index] = status;
            }
        }
        let [all, some, none] = statuses;
        for (outcome, status) in OUTCOMES.into_iter().zip([all, some]) {
            if is_whole && status.is_none() {
                let message = format!("missing key `status.{outcome}`");
                self.report(Diagnostic::error(code::M0104, message).at(part.header, "in this table"));
            }
        }

        let success = calls.answers.first().map(|(status, _)| *status);
        let canonical = success.and_then(|status| self.answer_schema(calls, status));
        let mut fields = Vec::new();
        for (member, gather) in &part.fields {
            let gather = self.gather(member, gather, canonical.as_deref());
            fields.extend(gather.map(|gather| (member.value.clone(), gather)));
        }
        Some(Collect { fields, all: all?, some: some?, none, schema, canonical })
    }

    fn gather(&mut self, member: &Text, part: &GatherPart, canonical: Option<&Schema>) -> Option<Gather> {
        let counted = part.count.as_ref().map(|of| self.word("outcome", of, &[(SUCCEEDED, SUCCEEDED)]));
        let of = part.of.as_ref().map(|of| (of, self.outcome(of)));
        match (counted, of, &part.body, &part.at) {
            (Some(None), ..) | (_, Some((_, None)), ..) => {
                self.saw_all = false;
                None
            }
            (Some(Some(SUCCEEDED)), None, None, None) => Some(Gather::Count),
            (None, Some((of, Some(FAILED))), None, None) => {
                let item = self.file.errors.as_ref().and_then(|errors| errors.item.as_ref());
                let Some(item) = item else {
                    let message = format!("`{}` does not say what it gathers", member.value);
                    let label = "needs the shape of a refused item, `[errors.item]`";
                    self.report(Diagnostic::error(code::M0106, message).at(of.span, label));
                    return None;
                };
                Some(Gather::Failed(self.template(item)))
            }
            (None, Some((_, Some(SUCCEEDED))), Some(lens), None) => self.lens_named(lens).map(Gather::Lens),
            (None, Some((_, Some(SUCCEEDED))), None, Some(at)) => self.gather_value(part, at, canonical),
            _ => {
                let message = format!("`{}` does not say what it gathers", member.value);
                let label = "needs `count`, or `of` with `body` or `at`";
                self.report(Diagnostic::error(code::M0106, message).at(member.span, label));
                self.saw_all = false;
                None
            }
        }
    }

    fn outcome(&mut self, word: &Text) -> Option<&'static str> {
        self.word("outcome", word, &[(FAILED, FAILED), (SUCCEEDED, SUCCEEDED)])
    }

    fn gather_value(&mut self, part: &GatherPart, at: &Text, canonical: Option<&Schema>) -> Option<Gather> {
        let address = self.address(at);
        if let Some(address) = &address {
            self.check_path(at, address, canonical, Schemas::Canonical);
        }
        let id = part.id.as_ref().map(|kind| self.id_kind(kind));
        let mut only = Vec::new();
        for (path, value) in &part.only {
            let Some(place) = self.address(path) else { continue };
            if self.check_path(path, &place, canonical, Schemas::Canonical) {
                self.check_met(value, &place, canonical);
            }
            only.push((place, value.value.clone()));
        }
        let id = match id {
            Some(id) => Some(Arc::new(alone(address.clone()?, id?))),
            None => None,
        };
        Some(Gather::Value { at: address?, id, only, optional: part.optional })
    }
}

/// The lens that tells the id at `at` and nothing else.
fn alone(at: Address, id: Id) -> Lens {
    let left = Some(Address { root: Root::Body, path: vec!["id".into()] });
    let (op, when) = (Op::Id(id), Presence::default());
    Lens::new("id", Wrap::Scalar(0), vec![Field { left, right: Some(at), op, when, origin: None }])
}

/// How all calls of a bulk request ended.
const OUTCOMES: [&str; 3] = ["all", "some", "none"];

/// How one of them ended.
const FAILED: &str = "failed";
const SUCCEEDED: &str = "succeeded";
