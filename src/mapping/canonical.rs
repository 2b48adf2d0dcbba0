//! `canonical.toml`: the canonical API, and the words that dialects are described with.

use std::sync::Arc;

use http::{Method, StatusCode};

use super::file::Text;
use crate::canonical::api::{Api, Operation, PageNames, PathPart};
use crate::canonical::role::{Capabilities, Roles};
use crate::diag::reader::{Reader, Table};
use crate::diag::suggest::did_you_mean;
use crate::diag::{Diagnostic, Spanned, code};
use crate::schema::Store;

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
    let operations_at = root.key_span("operation");
    let tables = root.tables("operation");

    let mut roles = Roles::new();
    let knows_capabilities =
        capabilities.is_some_and(|table| declare_capabilities(table, &mut roles, reader));
    let knows_roles =
        roles_table.is_some_and(|table| declare_roles(table, &mut roles, knows_capabilities, reader));

    let (title, prefix) = head.unwrap_or_default();
    let prefix = prefix.map(|prefix| prefix.value).unwrap_or_default();
    let mut names: Vec<Text> = Vec::new();
    let mut operations = Vec::new();
    let mut knows_operations = operations_at.is_none() || !tables.is_empty();
    for table in tables {
        match read_operation(table, &prefix, schemas, reader) {
            Some((name, operation)) => {
                if let Some(diagnostic) = twice(&names, &name) {
                    reader.report(diagnostic);
                }
                names.push(name);
                operations.push(Arc::new(operation));
            }
            None => knows_operations = false,
        }
    }
    root.finish();

    let title = title.map(|title| title.value).unwrap_or_default();
    let page = page.unwrap_or_else(PageNames::usual);
    let api = Arc::new(Api { title, page, roles: Arc::new(roles), operations });
    Canonical { api, knows_capabilities, knows_roles, knows_operations }
}

fn read_page(table: Table<'_>) -> Option<PageNames> {
    table.read(|table| {
        let items = table.required_text("items");
        let total = table.required_text("total");
        let limit = table.required_text("limit");
        let offset = table.required_text("offset");
        Some(PageNames {
            items: items?.value,
            total: total?.value,
            limit: limit?.value,
            offset: offset?.value,
        })
    })
}

/// Declares the keys of `[capabilities]`; their values are for people. Returns whether all of them could be.
fn declare_capabilities(mut table: Table<'_>, roles: &mut Roles, reader: &Reader<'_>) -> bool {
    let mut sound = true;
    for (name, description) in table.entries() {
        let declared = roles.declare_capability(name.value.as_str()).map(drop);
        sound &= accept(&name, declared, reader) && description.text().is_some();
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
        sound &= accept(&name, roles.declare_role(name.value.as_str(), granted).map(drop), reader);
    }
    sound
}

fn accept<E: std::fmt::Display>(name: &Text, declared: Result<(), E>, reader: &Reader<'_>) -> bool {
    if let Err(why) = &declared {
        let message = format!("`{}` cannot be declared: {why}", name.value);
        reader.report(Diagnostic::error(code::M0116, message).at(name.span, "this declaration"));
    }
    declared.is_ok()
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
) -> Option<(Text, Operation)> {
    table.read(|table| {
        let name = table.required_text("name");
        let request = table.required_text("request");
        let query = table.texts("query");
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
        let body = body.map(|body| body.value);
        Some((name.clone(), Operation { name: name.value, method, path, query, body, answers }))
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
            let Some(code) = self::status(&status.value) else {
                reader.report(bad_status(status.as_ref().map(String::as_str)));
                return None;
            };
            Some((code, Some(schema.value).filter(|schema| !schema.is_empty())))
        })
        .collect();
    answers.into_iter().collect()
}

/// Reads `POST /things/{id}`. A path that ends with a slash has an empty last segment.
pub(super) fn request_line(line: &str) -> Option<(Method, Vec<PathPart>)> {
    let (method, path) = line.split_once(' ')?;
    let method = METHODS.into_iter().find(|known| known.as_str() == method)?;
    let segments = path.strip_prefix('/')?.split('/').map(|segment| {
        let inner = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        match inner {
            Some(name) if is_name(name) => Some(PathPart::Parameter(name.to_owned())),
            None if !segment.contains(NEVER_LITERAL) => Some(PathPart::Literal(segment.to_owned())),
            Some(_) | None => None,
        }
    });
    Some((method, segments.collect::<Option<_>>()?))
}

const METHODS: [Method; 5] = [Method::DELETE, Method::GET, Method::PATCH, Method::POST, Method::PUT];

/// What would mean something else in a path than itself.
const NEVER_LITERAL: fn(char) -> bool =
    |symbol| symbol.is_whitespace() || symbol.is_control() || matches!(symbol, '{' | '}' | '?' | '#' | '%');

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

pub(super) fn bad_request_line(request: &Text) -> Diagnostic {
    Diagnostic::error(code::M0111, format!("`{}` is no request line", request.value))
        .at(request.span, "expected a method and a path, as in `GET /things/{id}`")
}

/// Reads a status; there are those from 100 to 599.
pub(super) fn status(text: &str) -> Option<StatusCode> {
    text.parse().ok().filter(|status: &StatusCode| status.as_u16() < 600)
}

pub(super) fn bad_status(text: Spanned<&str>) -> Diagnostic {
    Diagnostic::error(code::M0112, format!("`{}` is no HTTP status", text.value))
        .at(text.span, "expected a number from 100 to 599")
}

fn report_unknown_schema(schemas: &Store, name: &Text, reader: &Reader<'_>) {
    if !schemas.is_declared(super::CANONICAL, &name.value) {
        reader.report(unknown_schema(schemas, super::CANONICAL, name));
    }
}

pub(super) fn unknown_schema(schemas: &Store, folder: &str, name: &Text) -> Diagnostic {
    let diagnostic = Diagnostic::error(code::M0210, format!("there is no schema `{folder}/{}`", name.value))
        .at(name.span, format!("no file `schemas/{folder}/{}.json`", name.value));
    suggest(diagnostic, &name.value, schemas.names(folder))
}

/// Says that a name was given before, if it was.
pub(super) fn twice(names: &[Text], name: &Text) -> Option<Diagnostic> {
    let first = names.iter().find(|first| first.value == name.value)?;
    let diagnostic = Diagnostic::error(code::R0103, format!("two operations are called `{}`", name.value));
    Some(diagnostic.at(name.span, "again here").also(first.span, "first here"))
}

/// Adds the name that was probably meant.
pub(super) fn suggest<'a>(
    diagnostic: Diagnostic,
    wrong: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Diagnostic {
    match did_you_mean(wrong, known) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_line_is_a_method_a_blank_and_a_path() {
        let (method, path) = request_line("POST /things/{id}/").unwrap();
        assert_eq!(method, Method::POST);
        let shown: String = path.iter().map(ToString::to_string).collect();
        assert_eq!(shown, "/things/{id}/");
    }

    #[test]
    fn what_is_no_request_line_is_refused() {
        for line in [
            "",
            "GET",
            "GET things",
            "get /things",
            "TRACE /things",
            "GET  /things",
            "GET /a b",
            "GET /{}",
            "GET /{a-b}",
            "GET /x{id}",
            "GET /a?b=c",
            "GET /a#b",
            "GET /a%20b",
        ] {
            assert!(request_line(line).is_none(), "{line}");
        }
    }

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

    #[test]
    fn statuses_have_three_digits_and_begin_with_one_to_five() {
        assert_eq!(status("404"), Some(StatusCode::NOT_FOUND));
        for strange in ["99", "600", "4xx", "0404", "+404", ""] {
            assert_eq!(status(strange), None, "{strange}");
        }
    }
}
