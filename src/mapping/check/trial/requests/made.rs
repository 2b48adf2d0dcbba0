//! Requests made up for an operation: from its schemas, and from what its fields say of ids and names.

use std::borrow::Cow;
use std::sync::Arc;

use http::uri::{Authority, PathAndQuery, Scheme};

use crate::dialect::operation::{Case, RequestBody};
use crate::dialect::page::{Cursors, PageSlot, Wanted};
use crate::dialect::url::Url;
use crate::dialect::{Operation, Page, Selected};
use crate::json::{Document, Value};
use crate::lens::op::Op;
use crate::lens::op::table::Table;
use crate::lens::path::{Address, Literal};
use crate::lens::{Direction, Parameters};
use crate::mapping::CANONICAL;
use crate::mapping::check::trial::{Trial, Trials, deciding, guides};
use crate::problem::Root;
use crate::schema::instances::random::Random;
use crate::schema::instances::{Guide, Step, Values};
use crate::translate::Request;

/// How many queries are made in turn of what the fields read.
const UNLISTED: usize = 4;

impl Trial<'_> {
    /// Requests that satisfy the schemas of an operation.
    pub(super) fn requests(&mut self, operation: &Arc<Operation>) -> Vec<Request> {
        let bodies = self.bodies(operation);
        let queries = self.queries(operation);
        let body_count = bodies.as_ref().map_or(1, Vec::len);
        let count =
            if body_count == 0 || queries.is_empty() { 0 } else { body_count.max(queries.len()).max(2) };
        // Where there are more queries than bodies, the bodies are sent again.
        let mut bodies = bodies.unwrap_or_default();
        let own = bodies.len();
        for number in own..if own == 0 { 0 } else { count } {
            bodies.push(bodies[number % own].clone());
        }
        let mut bodies = bodies.into_iter();
        let mut requests = Vec::new();
        let parameters: Vec<(&str, Vec<String>)> =
            operation.parameters().map(|name| (name, self.parameter(operation, Root::Path, name))).collect();
        for number in 0..count {
            let path = parameters.iter().map(|(name, values)| ((*name).into(), nth(values, number)));
            let selected = Selected {
                dialect: Arc::clone(self.dialect),
                operation: Arc::clone(operation),
                mount: 0,
                path: path.collect(),
            };
            let origin = Some((Scheme::HTTPS, Authority::from_static("client.example")));
            let url = Url { origin, ..Url::of(PathAndQuery::from_static("/things")) };
            let Ok(mut request) = Request::new(selected, url, bodies.next()) else { continue };
            request.query.clone_from(&queries[number % queries.len()]);
            requests.push(request);
        }
        requests
    }

    /// Bodies of an operation; none if it takes none.
    fn bodies(&mut self, operation: &Operation) -> Option<Vec<Document>> {
        let takes = operation.calls.body.as_deref().and_then(|name| self.schemas.schema(CANONICAL, name));
        let long = self.long(takes.map(Arc::as_ref));
        let (schema, below) = match &operation.body {
            RequestBody::None => return None,
            RequestBody::One { schema } => (schema, vec![Vec::new()]),
            RequestBody::Each { schema, over, one, .. } => {
                let list: Vec<Step> = over.path.iter().map(|name| Step::Member(name.clone())).collect();
                let items = list.iter().cloned().chain([Step::Items]).collect();
                (schema, if *one { vec![items, list] } else { vec![items] })
            }
        };
        // What makes it a case, and what decides whether a field is read, is no choice among others: every other choice is
        // made in each case and in none, and beside each value that decides something.
        let mut bodies = Vec::new();
        let systematic = Trials { others: 0, ..self.trials };
        for case in operation.cases.iter().map(Some).chain([None]) {
            let lens = case.map_or(&operation.request, |case| &case.operation.request);
            let own = below.iter().flat_map(|below| guides::of(lens, Direction::Lift, below, self.columns));
            let known: Vec<Guide> = decided(operation, case).into_iter().chain(own).collect();
            let deciding = below.iter().flat_map(|below| deciding::of(lens, Direction::Lift, below));
            bodies.extend(self.instances(schema, &known, Some(long), self.trials));
            for one in deciding.filter(|one| known.iter().all(|known| known.at != one.at)) {
                let guides: Vec<Guide> = std::iter::once(one).chain(known.iter().cloned()).collect();
                bodies.extend(self.instances(schema, &guides, Some(long), systematic));
            }
        }
        // Where no id of the mapping satisfies the schema, what does will be refused, and that is told.
        Some(if bodies.is_empty() { self.instances(schema, &[], Some(long), self.trials) } else { bodies })
    }

    /// Queries of an operation: what its schema allows, or what its fields read.
    fn queries(&mut self, operation: &Operation) -> Vec<Parameters> {
        let deciding = deciding::of_query(&operation.request);
        let Some(shape) = &operation.parameters else { return self.unlisted(operation, &deciding) };
        let mut own: Vec<Guide> = Vec::new();
        for field in operation.request.fields() {
            let Some(at) = field.left.as_ref().filter(|at| at.root == Root::Query) else { continue };
            if let Some(values) = self.spelt(&field.op) {
                let at = at.path.iter().map(|name| Step::Member(name.clone())).collect();
                let values = Values::Only(values.into_iter().map(serde_json::Value::from).collect());
                own.push(Guide { at, values });
            }
        }
        own.extend(operation.page.as_deref().map(starts));
        let mut documents = self.instances(shape.schema(), &own, None, self.trials);
        // As with bodies: every other choice is made beside each value that decides something, too.
        let systematic = Trials { others: 0, ..self.trials };
        for (name, values) in deciding {
            let values = values.iter().map(|value| value.value().to_value()).collect();
            let one = Guide { at: vec![Step::Member(name.into())], values: Values::Just(values) };
            if own.iter().all(|known| known.at != one.at) {
                let guides: Vec<Guide> = std::iter::once(one).chain(own.iter().cloned()).collect();
                documents.extend(self.instances(shape.schema(), &guides, None, systematic));
            }
        }
        let query = |document: Document| {
            let members = document.root().members();
            members.map(|(name, value)| (name.as_str().as_ref().into(), text(value))).collect()
        };
        documents.into_iter().map(query).collect()
    }

    /// Queries that no schema speaks of: what the fields read, also beside each value that decides whether they are.
    fn unlisted(&self, operation: &Operation, deciding: &[(&str, &[Literal])]) -> Vec<Parameters> {
        let mapped = operation.request.fields().iter().filter_map(|field| field.left.as_ref());
        let names = mapped.filter(|at| at.root == Root::Query).filter_map(|at| at.path.first());
        let names: Vec<_> = names.map(|name| (name, self.parameter(operation, Root::Query, name))).collect();
        let given = |number| names.iter().map(move |(name, values)| ((*name).clone(), nth(values, number)));
        let most = if names.is_empty() { 0 } else { UNLISTED };
        let mut queries = vec![Parameters::new()];
        queries.extend((0..most).map(|number| given(number).collect()));
        for (name, values) in deciding {
            // Null is what a parameter counts as that is not there.
            for value in values.iter().filter(|value| !value.value().is_null()) {
                let decides: (Box<str>, String) = ((*name).into(), text(value.value()));
                let beside = |number| given(number).filter(|(other, _)| *other != decides.0);
                queries.extend((0..most).map(|number| beside(number).chain([decides.clone()]).collect()));
            }
        }
        queries
    }

    /// What a parameter may be so that it means something to the field it is for.
    fn parameter(&self, operation: &Operation, root: Root, name: &str) -> Vec<String> {
        let is_own = |at: &Address| at.root == root && at.path.concat() == name;
        let field = operation.request.fields().iter().find(|field| field.left.as_ref().is_some_and(is_own));
        field.and_then(|field| self.meant(&field.op)).unwrap_or_else(|| vec!["x-1".to_owned()])
    }

    /// The texts a parameter with this op may be, if not any.
    fn spelt(&self, op: &Op) -> Option<Vec<String>> {
        match op {
            Op::Id(id) => Some(guides::spellings(&id.dialect, &mut Random::new(1))),
            Op::Resolve(resolve) => Some(self.columns.keys(&resolve.0, 1)),
            Op::Row(row) => Some(self.columns.keys(&row.resolver, 1)),
            Op::Fixed(fixed) => Some(vec![text(fixed.0.value())]),
            _ => None,
        }
    }

    /// The same of a parameter that no schema speaks of, so that only its op says what it may be.
    fn meant(&self, op: &Op) -> Option<Vec<String>> {
        let words = |table: &Table| Some(table.rows.iter().map(|row| row.word.text().into_owned()).collect());
        match op {
            Op::Filter(filter) => words(&filter.0),
            Op::Table(table) => words(table),
            Op::Prefix(prefix) => {
                let ids = prefix.id.as_ref().map(|id| guides::spellings(&id.dialect, &mut Random::new(1)));
                let rest = ids.unwrap_or_else(|| vec!["x-1".to_owned()]);
                Some(rest.iter().map(|rest| format!("{}{rest}", prefix.before)).collect())
            }
            op => self.spelt(op),
        }
    }
}

/// One of several, in turn.
fn nth(values: &[String], number: usize) -> String {
    values.get(number % values.len().max(1)).cloned().unwrap_or_default()
}

/// What makes the body of an operation that case, or none of them.
fn decided(operation: &Operation, case: Option<&Case>) -> Vec<Guide> {
    let at = |case: &Case| case.at.path.iter().map(|name| Step::Member(name.clone())).collect();
    let values = |case: &Case| case.values.iter().map(|literal| literal.value().to_value()).collect();
    match case {
        Some(case) => vec![Guide { at: at(case), values: Values::Just(values(case)) }],
        None => operation
            .cases
            .iter()
            .map(|case| Guide { at: at(case), values: Values::Without(values(case)) })
            .collect(),
    }
}

/// A value as a parameter spells it.
fn text(value: Value<'_>) -> String {
    value.as_str().map_or_else(|| value.raw().to_owned(), Cow::into_owned)
}

/// Where a page may start: what a client can only have from an earlier page.
fn starts(page: &Page) -> Guide {
    let wanted = Wanted { limit: 10, offset: 0 };
    let url = Url::of(PathAndQuery::from_static("/"));
    let next = page.show(PageSlot::Next, wanted, 10, 30, (&url, Cursors::Plain));
    let next = next.and_then(|json| serde_json::from_str(&json).ok());
    Guide {
        at: vec![Step::Member(page.start.as_str().into())],
        values: Values::Only(next.into_iter().chain([1.into(), 2.into()]).collect()),
    }
}
