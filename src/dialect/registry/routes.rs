//! A dialect's route table.

use std::sync::Arc;

use http::Method;
use matchit::{InsertError, Router};

use super::Operation;
use crate::canonical::api::PathPart;

/// Operations by path, then by method.
#[derive(Debug, Default)]
pub(super) struct Routes {
    router: Router<Vec<usize>>,
    operations: Vec<Arc<Operation>>,
}

/// What a path leads to.
pub(super) enum Matched {
    /// An operation, by index, with its parameters.
    Operation { index: usize, path: Vec<(Box<str>, String)> },
    /// Operations with other methods: all that are answered there, HEAD as well.
    Methods(Vec<Method>),
    /// Nothing.
    Nothing,
}

/// Two operations one request could mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// Index of the one that would be served.
    pub first: usize,
    /// Index of the other.
    pub second: usize,
}

impl Routes {
    /// Builds the table. Of operations that overlap the first is served; the loader lets none through.
    pub(super) fn new(operations: &[Arc<Operation>]) -> Routes {
        build(operations).0
    }

    /// Finds an operation by path and method; without a method, whether there is any at that path.
    pub(super) fn find(&self, method: Option<&Method>, path: &str) -> Matched {
        let Ok(matched) = self.router.at(path) else {
            return Matched::Nothing;
        };
        let here = matched.value.iter().map(|index| (*index, &self.operations[*index]));
        let Some((index, operation)) = here.clone().find(|(_, operation)| Some(&operation.method) == method)
        else {
            // Whoever may GET may ask for the head alone, where that changes nothing.
            let answers_head = |operation: &Operation| operation.method == Method::GET && operation.is_safe();
            let head = here.clone().any(|(_, operation)| answers_head(operation)).then_some(Method::HEAD);
            let methods = here.map(|(_, operation)| operation.method.clone());
            return Matched::Methods(methods.chain(head).collect());
        };
        let values = matched.params.iter().map(|(_, value)| value.to_owned());
        let path = operation.parameters().map(Box::from).zip(values).collect();
        Matched::Operation { index, path }
    }
}

/// The pairs of operations that one request could mean.
pub fn overlaps(operations: &[Arc<Operation>]) -> Vec<Overlap> {
    build(operations).1
}

fn build(operations: &[Arc<Operation>]) -> (Routes, Vec<Overlap>) {
    let mut routes = Routes { router: Router::new(), operations: operations.to_vec() };
    let mut overlaps = Vec::new();
    for (second, operation) in operations.iter().enumerate() {
        let template = anonymous(operation);
        // Templates with the same shape share a node: they differ by method alone.
        let shared = operations[..second].iter().position(|earlier| anonymous(earlier) == template);
        if let Some(owner) = shared
            && let Some(node) =
                routes.router.at_mut(&sample(&operations[owner])).ok().map(|matched| matched.value)
        {
            match node.iter().find(|index| operations[**index].method == operation.method) {
                Some(first) => overlaps.push(Overlap { first: *first, second }),
                None => node.push(second),
            }
            continue;
        }
        if let Err(InsertError::Conflict { with }) = routes.router.insert(template, vec![second])
            && let Some(first) = operations[..second].iter().position(|earlier| anonymous(earlier) == with)
        {
            overlaps.push(Overlap { first, second });
        }
    }
    (routes, overlaps)
}

/// The template with its parameters numbered: names do not tell paths apart, and some cannot be written in one.
fn anonymous(operation: &Operation) -> String {
    let mut template = String::new();
    let mut parameters = 0;
    for part in &operation.path {
        template.push('/');
        match part {
            PathPart::Literal(text) => template += &text.replace('{', "{{").replace('}', "}}"),
            PathPart::Parameter(_) => {
                template += &["{p", &parameters.to_string(), "}"].concat();
                parameters += 1;
            }
        }
    }
    template
}

/// A path that only this template matches, however general its neighbours: a parameter holds what no literal does.
fn sample(operation: &Operation) -> String {
    let mut path = String::new();
    for part in &operation.path {
        path.push('/');
        match part {
            PathPart::Literal(text) => path += text,
            PathPart::Parameter(_) => path.push('\u{1}'),
        }
    }
    path
}
