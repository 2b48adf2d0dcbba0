//! Operations: how a request is put together from its body, path and query, and how it is answered.

mod answers;
mod guard;
mod parameters;

use std::sync::Arc;

use http::StatusCode;

use super::CANONICAL;
use super::canonical::{bad_request_line, request_line, twice};
use super::check;
use super::compile::{Compiler, Kind};
use super::file::{CasePart, OperationPart, Text};
use super::lenses::{BuiltLens, Line, Schemas, Shapes, loss};
use crate::canonical::api::{self, PathPart};
use crate::diag::suggest::known_here;
use crate::diag::{Diagnostic, Span, code};
use crate::dialect::operation::{Case, RequestBody};
use crate::dialect::retirement::Watch;
use crate::dialect::{Operation, Page, Retirement};
use crate::lens::explain::Loss;
use crate::lens::op::Op;
use crate::lens::path::Address;
use crate::lens::{Direction, Field, Lens, Presence, Wrap};
use crate::problem::Root;
use crate::schema::Schema;

/// How many items a bulk request may hold where nothing is said.
const EACH_LIMIT: usize = 100;

/// What fills one place of a call.
pub(super) struct Filled {
    /// The place.
    pub(super) at: Address,
    /// Where the mapping says so.
    pub(super) span: Span,
}

/// Everything that fills a call, and whether that is all.
pub(super) struct Filling {
    pub(super) places: Vec<Filled>,
    /// Whether it is known what fills what; if not, nothing can be said to be unfilled.
    pub(super) is_known: bool,
}

impl<'a> Compiler<'a> {
    pub(super) fn operations(&mut self) -> Vec<Operation> {
        let file = self.file;
        let mut names: Vec<Text> = Vec::new();
        let mut built = Vec::new();
        for part in &file.operations {
            if let Some(diagnostic) = twice(&names, &part.name) {
                self.report(diagnostic);
            }
            names.push(part.name.clone());
            let Some(operation) = self.operation(part) else {
                self.saw_all = false;
                continue;
            };
            built.push((part, Arc::new(operation)));
        }
        check::routes::check(self, &built);
        check::clashes::check(self, &built);
        built.into_iter().filter_map(|(_, operation)| Arc::into_inner(operation)).collect()
    }

    fn operation(&mut self, part: &'a OperationPart) -> Option<Operation> {
        let retirement = self.operation_retirement(part);
        self.operation_retiring(part, retirement)
    }

    /// The operation with that retirement, which a case has of the operation that it is one of.
    fn operation_retiring(
        &mut self,
        part: &'a OperationPart,
        retirement: Option<Arc<Retirement>>,
    ) -> Option<Operation> {
        let calls = self.canonical_operation(&part.calls);
        let line = request_line(&part.request.value);
        if line.is_none() {
            self.report(bad_request_line(&part.request));
        }
        let page = part.page.as_ref().map(|page| self.page_named(page));
        let folds = self.folds(&part.folds);
        let body = self.request_body(part, calls.as_ref());
        let (calls, (method, path)) = (calls?, line?);

        self.check_parameters(part, &path);
        let request = self.request(part, &calls);
        let guard = self.guard(part, &calls, &request);
        let answer = self.answer(part, &calls);
        let settled = self.settled(part);
        let parameters = self.parameters(part);
        let gather = self.gather_limit(part);
        let watches = self.watches(part, parameters.as_ref(), retirement.as_deref());
        let cases = part.cases.iter();
        let cases = cases.filter_map(|case| self.case(part, case, retirement.as_ref(), &watches)).collect();
        Some(Operation {
            name: part.name.value.clone(),
            method,
            path,
            parameters,
            body: body?,
            request,
            calls,
            guard,
            answer: answer?,
            page: page.flatten(),
            gather,
            cases,
            settled,
            folds,
            retirement,
            watches,
        })
    }

    /// A case of an operation, as an operation that no request leads to directly.
    fn case(
        &mut self,
        whole: &OperationPart,
        part: &'a CasePart,
        retirement: Option<&Arc<Retirement>>,
        watches: &[Watch],
    ) -> Option<Case> {
        let (path, values) = &part.when;
        let at = self.address(path);
        let body = whole.body.as_ref().and_then(|name| self.lenses.get(name.value.as_str()));
        let schema = body.and_then(|body| body.left.clone());
        let at = at.filter(|at| self.check_path(path, at, schema.as_deref(), Schemas::Dialect));
        if let Some(at) = &at {
            for value in values {
                self.check_met(value, at, schema.as_deref());
            }
        }
        let operation = self.operation_retiring(&part.operation, retirement.cloned());
        self.saw_all &= operation.is_some();
        let values = values.iter().map(|value| value.value.clone()).collect();
        let mut operation = operation?;
        // Clients write the same body and query whatever that becomes.
        for watch in watches {
            if !operation.watches.iter().any(|own| own.is_same(watch)) {
                operation.watches.push(watch.clone());
            }
        }
        Some(Case { at: at?, values, operation: Arc::new(operation) })
    }

    fn gather_limit(&mut self, part: &OperationPart) -> Option<u32> {
        let gather = part.gather?;
        let limit = u32::try_from(gather.value).ok().filter(|limit| *limit > 0);
        if limit.is_none() || part.page.is_some() {
            let message = "a list is gathered up to a number of items, or it is paged";
            self.report(Diagnostic::error(code::M0106, message).at(gather.span, "as in `gather = 1000`"));
        }
        limit
    }

    fn page_named(&mut self, name: &Text) -> Option<Arc<Page>> {
        let declared = self.refer(Kind::Page, name);
        self.pages.get(name.value.as_str()).filter(|_| declared).map(Arc::clone)
    }

    fn request_body(
        &mut self,
        part: &OperationPart,
        calls: Option<&Arc<api::Operation>>,
    ) -> Option<RequestBody> {
        let lens = part.body.as_ref().map(|name| (name, self.lens_named(name)));
        if let Some(each) = &part.each {
            let schema = self.schema(&each.schema);
            let over = match each.over.value.as_str() {
                "" => Some(Address { root: Root::Body, path: Vec::new() }),
                _ => self.address(&each.over),
            };
            let over = over.filter(|over| match &schema {
                Some(schema) => self.check_path(&each.over, over, Some(schema), Schemas::Dialect),
                None => false,
            });
            let limit = each.limit.map(|limit| (limit.span, usize::try_from(limit.value).ok()));
            if let Some((span, None | Some(0))) = limit {
                let found = Diagnostic::error(code::M0106, "a bulk request without any item is none");
                self.report(found.at(span, "needs a positive number"));
            }
            let limit = limit.map_or(EACH_LIMIT, |(_, limit)| limit.unwrap_or(EACH_LIMIT));
            let otherwise = each.otherwise.as_ref().zip(calls);
            let otherwise = otherwise.and_then(|(name, calls)| self.read_with(name, calls));
            return Some(RequestBody::Each { schema: schema?, over: over?, one: each.one, limit, otherwise });
        }
        let Some((name, lens)) = lens else { return Some(RequestBody::None) };
        let lens = lens?;
        let built = self.lenses.get(lens.name())?;
        if built.part.schema.is_none() {
            let message = format!("lens `{}` has no schema, so its requests cannot be checked", name.value);
            self.report(Diagnostic::error(code::M0104, message).at(name.span, "used for a request"));
            return None;
        }
        Some(RequestBody::One { schema: built.left.clone()? })
    }

    /// The parameters in the path of the request and those that are mapped are the same.
    fn check_parameters(&mut self, part: &OperationPart, path: &[PathPart]) {
        let in_path: Vec<_> = path
            .iter()
            .filter_map(|part| match part {
                PathPart::Literal(_) => None,
                PathPart::Parameter(name) => Some(name.as_str()),
            })
            .collect();
        for (index, name) in in_path.iter().enumerate() {
            if in_path[..index].contains(name) {
                let found = Diagnostic::error(code::M0212, format!("path parameter `{name}` is there twice"));
                let found = found.at(part.request.span, format!("`{{{name}}}` has two values here"));
                self.report(found.help("give each parameter of the path a name of its own"));
                continue;
            }
            if !part.path.iter().any(|field| field.left.value == *name) {
                let message = format!("path parameter `{name}` is not mapped");
                let found = Diagnostic::error(code::M0212, message);
                let found = found.at(part.request.span, format!("`{{{name}}}` leads nowhere"));
                let calls = self.canonical.api.operation(&part.calls.value);
                let taken: Vec<_> = calls.into_iter().flat_map(|calls| calls.parameters()).collect();
                let to = match taken.as_slice() {
                    [only] => format!("`{name} = \"{only}\"`"),
                    [] => format!("`{name} = \"...\"`"),
                    several => format!("`{name} = \"...\"`, one of `{}`", several.join("`, `")),
                };
                self.report(found.help(format!(
                    "say under `path` what it fills: {to}, with a step if it is spelt otherwise"
                )));
            }
        }
        for field in &part.path {
            if !in_path.contains(&field.left.value.as_str()) {
                let message = format!("the path has no parameter `{}`", field.left.value);
                self.report(
                    Diagnostic::error(code::M0212, message)
                        .at(field.left.span, "mapped here")
                        .also(part.request.span, "but not in this path")
                        .help(known_here(in_path.iter().copied()).unwrap_or_else(|| {
                            format!("take it away, or write `{{{}}}` into the path", field.left.value)
                        })),
                );
            }
        }
    }

    /// The lens of the whole request: the body's fields first, then those of path, query and constants.
    fn request(&mut self, part: &'a OperationPart, calls: &Arc<api::Operation>) -> Arc<Lens> {
        let ignored = part.ignores.iter().map(|(path, reason)| {
            let at = Address { root: Root::Query, path: vec![path.value.as_str().into()] };
            loss(&part.name.value, path, at, Direction::Lift, reason)
        });
        let ignored = self.numbered(ignored.collect());
        let unread = self.unread(part);
        let body = part.body.as_ref().and_then(|name| self.lenses.get(name.value.as_str()));
        let mut filling = Filling {
            places: Vec::new(),
            is_known: part.body.is_none() || body.is_some_and(BuiltLens::knows_right),
        };
        let mut losses = body.map_or_else(Vec::new, |body| body.lens.losses().to_vec());
        losses.extend(ignored);
        losses.extend(unread);
        let (mut fields, wrap) = match body {
            Some(body) => {
                filling.extend(&body.lines);
                let sets = body.sets.iter().map(|(path, at)| Filled { at: at.clone(), span: path.span });
                filling.places.extend(sets);
                (body.lens.fields().to_vec(), body.lens.wrap())
            }
            None => (Vec::new(), Wrap::Object),
        };

        let mut lines = Vec::new();
        for (root, fields) in [(Root::Path, &part.path), (Root::Query, &part.query)] {
            for field in fields {
                let left = Address { root, path: vec![field.left.value.as_str().into()] };
                lines.push(self.field(field, Some(left), root, Shapes::default()));
            }
        }
        filling.is_known &= lines.iter().all(|line| !line.right.is_doubtful);
        filling.extend(&lines);
        fields.extend(lines.into_iter().filter_map(|line| line.field));

        let schema = self.call_schema(calls);
        for (path, literal) in &part.sets {
            let Some(at) = self.address(path) else {
                filling.is_known = false;
                continue;
            };
            filling.is_known &= self.check_path(path, &at, schema.as_deref(), Schemas::Canonical);
            filling.places.push(Filled { at: at.clone(), span: path.span });
            fields.push(Field {
                left: None,
                right: Some(at),
                op: Op::Constant(literal.value.clone()),
                when: Presence::default(),
                origin: Some(path.span),
            });
        }
        check::fit::call(self, part, calls, &filling);
        if let Some(schema) = schema {
            check::fit::request(self, part, &filling, &schema);
        }
        Arc::new(Lens::new(part.name.value.as_str(), wrap, fields).with_losses(losses))
    }

    /// What a case makes nothing of: what it says itself, and what is lost of the body whatever it becomes.
    fn unread(&mut self, part: &OperationPart) -> Vec<Loss> {
        let written = part.written.as_ref().filter(|_| part.body.is_none());
        let written = written.and_then(|name| self.lenses.get(name.value.as_str()));
        let always = written.map_or_else(Vec::new, |built| built.lens.losses().to_vec());
        let own = part.unread.iter().filter_map(|(path, reason)| {
            let at = Address::parse(&path.value)?;
            Some(loss(&part.name.value, path, at, Direction::Lift, reason))
        });
        let mut all = self.numbered(own.collect());
        for loss in always.into_iter().filter(|loss| loss.direction == Direction::Lift) {
            if !all.iter().any(|known| known.at == loss.at) {
                all.push(loss);
            }
        }
        all
    }

    /// What the body of a call must look like, if it has one.
    fn call_schema(&self, calls: &api::Operation) -> Option<Arc<Schema>> {
        self.schemas.schema(CANONICAL, calls.body.as_deref()?).map(Arc::clone)
    }

    /// What the body of an answer must look like, if it has one.
    fn answer_schema(&self, calls: &api::Operation, status: StatusCode) -> Option<Arc<Schema>> {
        self.schemas.schema(CANONICAL, calls.answer(status)??).map(Arc::clone)
    }
}

impl Filling {
    fn extend(&mut self, lines: &[Line<'_>]) {
        for line in lines {
            let places = line.right.at.iter().chain(&line.right.besides);
            let filled = places.map(|at| Filled { at: at.clone(), span: line.part.span });
            self.places.extend(filled);
        }
    }
}
