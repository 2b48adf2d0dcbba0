//! `[[operation]]`: what is asked and how it is answered; which call it becomes is for a person to say.

use std::fmt::Write;

use super::lenses::Lenses;
use super::pages::{limit, start};
use super::{Skeleton, WRITES};
use crate::openapi::import::operation::Parameter;
use crate::openapi::import::plan::Planned;
use crate::openapi::import::schemas::Way;
use crate::openapi::import::toml::{TODO, aligned, inline, quoted};

/// How many items a list without pages may have.
const GATHERED: &str = "1000";

impl Skeleton<'_> {
    pub(super) fn operations(&mut self, lenses: &mut Lenses) -> String {
        let mut out = String::new();
        for planned in &self.plan.operations {
            out += &self.operation(planned, lenses);
        }
        out
    }

    fn operation(&mut self, planned: &Planned<'_>, lenses: &mut Lenses) -> String {
        let operation = &planned.operation;
        let mut out = String::from("\n");
        if let Some(summary) = &operation.summary {
            writeln!(out, "# {summary}").expect(WRITES);
        }
        let mut entries = vec![
            ("name".to_owned(), quoted(&operation.name)),
            ("request".to_owned(), quoted(&format!("{} {}", operation.method, operation.path))),
        ];
        let path: Vec<_> = operation.parameters.iter().filter(|parameter| parameter.in_path).collect();
        let in_template =
            |parameter: &&&Parameter<'_>| operation.path.contains(&format!("{{{}}}", parameter.name));
        let path: Vec<_> = path.iter().filter(in_template).map(|one| self.path_parameter(one)).collect();
        let path = [path, unnamed(&operation.path, &operation.parameters)].concat();
        if !path.is_empty() {
            entries.push(("path".to_owned(), inline(&path)));
        }
        let mut page = None;
        let answers: Vec<_> =
            planned.answers.iter().map(|answer| self.answer(planned, answer, &mut page, lenses)).collect();
        if let Some(query) = &planned.query {
            let is_paged = page.as_ref().is_some_and(|(key, _)| key == "page");
            let paging = start(operation).map(|(start, _)| start).into_iter().chain(limit(operation));
            let paging: Vec<&str> = paging.filter(|_| is_paged).map(|one| one.name.as_str()).collect();
            let in_query = operation.parameters.iter().filter(|parameter| !parameter.in_path);
            let mapped = in_query.filter(|parameter| !paging.contains(&parameter.name.as_str()));
            let mapped: Vec<_> = mapped.map(|parameter| (parameter.name.clone(), TODO.to_owned())).collect();
            if !mapped.is_empty() {
                entries.push(("query".to_owned(), inline(&mapped)));
            }
            entries.push(("parameters".to_owned(), quoted(query)));
        }
        if let Some(body) = &planned.body {
            let is_object = !self.plan.shapes.properties(self.plan.shapes.file(body)).is_empty();
            let is_list = self.plan.shapes.about(self.plan.shapes.file(body)).types.contains(&"array");
            if is_object && !is_list {
                lenses.want(body, Way::Request);
                entries.push(("body".to_owned(), quoted(body)));
            } else {
                // What is no object with members needs `each`, or cannot be said.
                entries.push(("body".to_owned(), TODO.to_owned()));
            }
        }
        entries.extend(page);
        entries.push(("calls".to_owned(), TODO.to_owned()));
        entries.push(("answers".to_owned(), inline(&answers)));
        write!(out, "[[operation]]\n{}", aligned(&entries)).expect(WRITES);
        out
    }

    fn path_parameter(&mut self, parameter: &Parameter<'_>) -> (String, String) {
        let schema = parameter.schema.clone().and_then(|schema| self.document.follow(schema, self.notes));
        let says = |key: &str, text: &str| schema.as_ref().and_then(|schema| schema.text(key)) == Some(text);
        let form = if says("format", "uuid") {
            Some("uuid")
        } else if says("type", "integer") {
            Some("integer")
        } else {
            None
        };
        let text = match form {
            Some(form) => {
                self.ids.insert(form);
                inline(&[("at".to_owned(), TODO.to_owned()), ("id".to_owned(), quoted(form))])
            }
            None => TODO.to_owned(),
        };
        (parameter.name.clone(), text)
    }

    fn answer(
        &mut self,
        planned: &Planned<'_>,
        (status, file): &(u16, Option<String>),
        page: &mut Option<(String, String)>,
        lenses: &mut Lenses,
    ) -> (String, String) {
        let mut entries = vec![("status".to_owned(), status.to_string())];
        if let Some(file) = file {
            let is_read = planned.operation.method == "GET";
            let list = if is_read { self.list(file, start(&planned.operation).is_some()) } else { None };
            let shapes = &self.plan.shapes;
            let is_object = !shapes.properties(shapes.file(file)).is_empty();
            if let Some(list) = list {
                lenses.want(list.items, Way::Answer);
                entries.push(("items".to_owned(), quoted(list.items)));
                let paged = self.page(&planned.operation, file, &list);
                if let (None, Some(under)) = (&paged, list.under) {
                    entries.push(("under".to_owned(), quoted(under)));
                }
                entries.push(("schema".to_owned(), quoted(file)));
                *page = Some(match paged {
                    Some(name) => ("page".to_owned(), quoted(&name)),
                    None => ("gather".to_owned(), GATHERED.to_owned()),
                });
            } else if is_object && !shapes.about(shapes.file(file)).types.contains(&"array") {
                lenses.want(file, Way::Answer);
                entries.push(("body".to_owned(), quoted(file)));
            } else {
                entries.push(("body".to_owned(), TODO.to_owned()));
                entries.push(("schema".to_owned(), quoted(file)));
            }
        }
        (status.to_string(), inline(&entries))
    }
}

/// The parameters of a template that the document does not describe.
fn unnamed(path: &str, parameters: &[Parameter<'_>]) -> Vec<(String, String)> {
    let names = path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let is_known =
        |name: &&str| parameters.iter().any(|parameter| parameter.in_path && parameter.name == **name);
    let mut unnamed: Vec<(String, String)> = Vec::new();
    for name in names.filter(|name| !is_known(name)) {
        if !unnamed.iter().any(|(known, _)| known == name) {
            unnamed.push((name.to_owned(), TODO.to_owned()));
        }
    }
    unnamed
}
