//! `canonical.toml`: the canonical API, and the words that dialects are described with.

mod keys;
mod line;
mod reads;

use std::sync::Arc;

use http::StatusCode;

use super::file::Text;
use crate::canonical::api::{Api, Arranging, Operation, PageNames, PathPart};
use crate::canonical::role::{Capabilities, RoleError, Roles};
use crate::diag::reader::{Node, Reader, Table};
use crate::diag::suggest::{did_you_mean, known_here};
use crate::diag::{Diagnostic, code};
use crate::schema::Store;
pub(super) use line::{bad_request_line, bad_status, request_line, status};

/// The canonical API, and how much of it could be read.
#[derive(Debug)]
pub(super) struct Canonical {
    /// What was understood.
    pub(super) api: Arc<Api>,
    /// Whether all of its capabilities are known, so that a strange one is a mistake of who names it.
    pub(super) knows_capabilities: bool,
    /// Whether all of its roles are known, with all they may do.
    pub(super) knows_roles: bool,
    /// Whether all of its operations are known.
    pub(super) knows_operations: bool,
}

/// Reads the canonical API; what could not be read is left out of it.
pub(super) fn read(reader: &Reader<'_>, schemas: &Store) -> Canonical {
    let mut root = reader.root();
    let head = root
        .required_table("canonical")
        .map(|table| table.read(|table| (table.required_text("title"), table.required_text("prefix"))));
    let page = root.required_table("page").and_then(read_page);
    let capabilities = root.required_table("capabilities");
    let roles_table = root.required_table("roles");
    let operations = root.required("operation");
    let keys = root.table("keys").map(|table| keys::read(table, schemas, reader)).unwrap_or_default();

    let mut roles = Roles::new();
    let knows_capabilities =
        capabilities.is_some_and(|table| declare_capabilities(table, &mut roles, reader));
    let knows_roles =
        roles_table.is_some_and(|table| declare_roles(table, &mut roles, knows_capabilities, reader));

    let (title, prefix) = head.unwrap_or_default();
    let prefix = prefix.map(|prefix| prefix.value).unwrap_or_default();
    let mut names: Vec<Text> = Vec::new();
    let mut knows_operations = operations.as_ref().is_some_and(|node| node.as_array().is_some());
    let tables = operations.map(|node| node.tables()).unwrap_or_default();
    let (mut operations, mut readings) = (Vec::new(), Vec::new());
    for table in tables {
        match read_operation(table, &prefix, schemas, reader) {
            Some((name, operation, reads)) => {
                if let Some(diagnostic) = twice(&names, &name) {
                    reader.report(diagnostic);
                }
                names.push(name);
                readings.extend(reads.map(|reads| (operations.len(), reads)));
                operations.push(Arc::new(operation));
            }
            None => knows_operations = false,
        }
    }
    root.finish();
    for (index, reads) in readings {
        reads::check(&operations, index, &reads, knows_operations, reader);
    }

    let title = title.map(|title| title.value).unwrap_or_default();
    let page = page.unwrap_or_else(PageNames::usual);
    let api = Arc::new(Api { title, page, roles: Arc::new(roles), operations, keys });
    Canonical { api, knows_capabilities, knows_roles, knows_operations }
}

fn read_page(table: Table<'_>) -> Option<PageNames> {
    table.read(|table| {
        let items = table.required_text("items");
        let total = table.required_text("total");
        let limit = table.required("limit").and_then(|node| limit(&node));
        let offset = table.required_text("offset");
        let arranged_by = table.node("arranged_by").map(|node| arranged_by(&node)).unwrap_or_default();
        let id = table.text("id");
        let (limit, limit_max) = limit?;
        Some(PageNames {
            items: items?.value,
            total: total?.value,
            limit,
            limit_max,
            offset: offset?.value,
            arranged_by,
            id: id.map(|name| name.value),
        })
    })
}

/// The name of a parameter, or that with the most it may be.
fn limit(node: &Node<'_>) -> Option<(String, Option<u32>)> {
    let Some(table) = node.as_table() else { return node.text().map(|name| (name.value, None)) };
    let (name, max) = table.read(|table| (table.required_text("query"), table.integer("max")));
    let most = max.map(|max| u32::try_from(max.value).ok().filter(|most| *most > 0).ok_or(max));
    if let Some(Err(max)) = most {
        let found = Diagnostic::error(code::M0106, "pages of no items are none");
        node.report(found.at(max.span, "`max` is positive, and has 32 bits"));
    }
    Some((name?.value, most.and_then(Result::ok)))
}

/// Names alone, or each with what is meant where it is not given.
fn arranged_by(node: &Node<'_>) -> Vec<Arranging> {
    let Some(mut table) = node.as_table() else {
        let names = node.texts().into_iter();
        return names.map(|name| Arranging { name: name.value, usual: None }).collect();
    };
    let entries = table.entries().into_iter();
    let entries = entries.map(|(name, usual)| {
        let usual = usual.text().map(|usual| usual.value);
        Arranging { name: name.value, usual }
    });
    entries.collect()
}

/// Declares the keys of `[capabilities]`; their values are for people. Returns whether all of them could be.
fn declare_capabilities(mut table: Table<'_>, roles: &mut Roles, reader: &Reader<'_>) -> bool {
    let mut sound = true;
    for (name, description) in table.entries() {
        let refused = roles.declare_capability(name.value.as_str()).err();
        sound &= accept(&name, refused, reader) && description.text().is_some();
    }
    sound
}

fn declare_roles(
    mut table: Table<'_>,
    roles: &mut Roles,
    knows_capabilities: bool,
    reader: &Reader<'_>,
) -> bool {
    let mut sound = knows_capabilities;
    for (name, patterns) in table.entries() {
        let mut granted = Capabilities::NONE;
        sound &= patterns.as_array().is_some();
        for pattern in patterns.texts() {
            match matching(roles, &pattern.value) {
                Some(set) => granted = granted | set,
                None if knows_capabilities => {
                    reader.report(unknown_capability(roles, &pattern));
                    sound = false;
                }
                None => {}
            }
        }
        sound &= accept(&name, roles.declare_role(name.value.as_str(), granted).err(), reader);
    }
    sound
}

/// Says why a declaration was refused, if it was.
fn accept(name: &Text, refused: Option<RoleError>, reader: &Reader<'_>) -> bool {
    let Some(why) = refused else { return true };
    let message = format!("`{}` cannot be declared: {why}", name.value);
    reader.report(Diagnostic::error(code::M0116, message).at(name.span, "this declaration"));
    false
}

/// The capabilities a pattern stands for: one by its name, all of them for `*`, all that begin with `content.` for
/// `content.*`. None if that is none.
pub(super) fn matching(roles: &Roles, pattern: &str) -> Option<Capabilities> {
    let Some(beginning) = pattern.strip_suffix('*') else {
        return roles.capability(pattern);
    };
    if !(beginning.is_empty() || beginning.ends_with('.')) {
        return None;
    }
    let names: Vec<_> =
        roles.capability_names(Capabilities::ALL).filter(|name| name.starts_with(beginning)).collect();
    let sets = names.into_iter().filter_map(|name| roles.capability(name));
    sets.reduce(|all, one| all | one)
}

pub(super) fn unknown_capability(roles: &Roles, pattern: &Text) -> Diagnostic {
    let diagnostic = Diagnostic::error(code::M0214, format!("there is no capability `{}`", pattern.value))
        .at(pattern.span, "not among `[capabilities]` of the canonical API");
    suggest(diagnostic, &pattern.value, roles.capability_names(Capabilities::ALL))
}

fn read_operation(
    table: Table<'_>,
    prefix: &str,
    schemas: &Store,
    reader: &Reader<'_>,
) -> Option<(Text, Operation, Option<Text>)> {
    table.read(|table| {
        let name = table.required_text("name");
        let request = table.required_text("request");
        let query = table.texts("query");
        let reads = table.text("reads");
        let changes = table.texts("changes");
        let body = table.text("body");
        let answers = table.required_table("answers");

        let has_answers = answers.is_some();
        let line = request.and_then(|request| {
            let line = request_line(&request.value);
            if line.is_none() {
                reader.report(bad_request_line(&request));
            }
            line
        });
        if let Some(body) = &body {
            report_unknown_schema(schemas, body, reader);
        }
        let answers = read_answers(answers, schemas, reader);
        let ((method, tail), name) = (line?, name?);
        let answers = answers.filter(|_| has_answers)?;

        let segments = prefix.split('/').filter(|segment| !segment.is_empty());
        let mut path: Vec<_> = segments.map(|segment| PathPart::Literal(segment.to_owned())).collect();
        path.extend(tail);
        let query = query.into_iter().map(|name| name.value).collect();
        let changes = changes.into_iter().map(|name| name.value).collect();
        let body = body.map(|body| body.value);
        let operation = Operation {
            name: name.value.clone(),
            method,
            path,
            query,
            body,
            reads: reads.as_ref().map(|reads| reads.value.clone()),
            changes,
            answers,
        };
        Some((name, operation, reads))
    })
}

/// The success statuses and the schemas of their bodies; none if one of them cannot be read.
fn read_answers(
    table: Option<Table<'_>>,
    schemas: &Store,
    reader: &Reader<'_>,
) -> Option<Vec<(StatusCode, Option<String>)>> {
    let entries = table.map(|mut table| table.entries()).unwrap_or_default();
    let answers: Vec<_> = entries
        .into_iter()
        .map(|(status, schema)| {
            let schema = schema.text()?;
            if !schema.value.is_empty() {
                report_unknown_schema(schemas, &schema, reader);
            }
            let Some(code) = line::status(&status.value) else {
                reader.report(bad_status(status.as_ref().map(String::as_str)));
                return None;
            };
            Some((code, Some(schema.value).filter(|schema| !schema.is_empty())))
        })
        .collect();
    answers.into_iter().collect()
}

fn report_unknown_schema(schemas: &Store, name: &Text, reader: &Reader<'_>) {
    if !schemas.is_declared(super::CANONICAL, &name.value) {
        reader.report(unknown_schema(schemas, super::CANONICAL, name));
    }
}

pub(super) fn unknown_schema(schemas: &Store, folder: &str, name: &Text) -> Diagnostic {
    let diagnostic = Diagnostic::error(code::M0210, format!("there is no schema `{folder}/{}`", name.value))
        .at(name.span, format!("no file `schemas/{folder}/{}.json`", name.value));
    let help = match did_you_mean(&name.value, schemas.names(folder)) {
        Some(near) => format!("write the file, or did you mean `{near}`?"),
        None => "write the file, or name one that is there".to_owned(),
    };
    diagnostic.help(help)
}

/// Says that a name was given before, if it was.
pub(super) fn twice(names: &[Text], name: &Text) -> Option<Diagnostic> {
    let first = names.iter().find(|first| first.value == name.value)?;
    let diagnostic = Diagnostic::error(code::R0103, format!("two operations are called `{}`", name.value));
    let diagnostic = diagnostic.at(name.span, "again here").also(first.span, "first here");
    Some(diagnostic.help("give one of them another name; its clients do not see it"))
}

/// Adds the name that was probably meant, or those there are.
pub(super) fn suggest<'a>(
    diagnostic: Diagnostic,
    wrong: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Diagnostic {
    let known: Vec<&str> = known.into_iter().collect();
    let near = did_you_mean(wrong, known.iter().copied());
    match near.map(|near| format!("did you mean `{near}`?")).or_else(|| known_here(known)) {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_stands_for_one_capability_or_for_all_that_begin_alike() {
        let mut roles = Roles::new();
        let read = roles.declare_capability("content.read").unwrap();
        let edit = roles.declare_capability("content.edit").unwrap();
        let bill = roles.declare_capability("contentment").unwrap();

        assert_eq!(matching(&roles, "content.read"), Some(read));
        assert_eq!(matching(&roles, "content.*"), Some(read | edit));
        assert_eq!(matching(&roles, "*"), Some(read | edit | bill));
        for nothing in ["content", "cont*", "other.*", "", "**"] {
            assert_eq!(matching(&roles, nothing), None, "{nothing}");
        }
    }
}
