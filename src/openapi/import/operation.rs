//! The operations of a document: what is asked, with what, and how it is answered.

use serde_json::Value;

use super::document::{Document, Spot};
use super::names::{Names, snake};
use super::notes::Notes;

/// One of them.
pub(super) struct Operation<'d> {
    /// What it is called, as the document does if it does.
    pub(super) name: String,
    /// In capitals.
    pub(super) method: &'static str,
    /// The template, with the names of parameters as ours may be.
    pub(super) path: String,
    /// What it does, in a line.
    pub(super) summary: Option<String>,
    pub(super) parameters: Vec<Parameter<'d>>,
    pub(super) body: Option<Body<'d>>,
    /// Its successes by status.
    pub(super) answers: Vec<(u16, Option<Body<'d>>)>,
    /// Its refusals by status.
    pub(super) refusals: Vec<(u16, Option<Body<'d>>)>,
    /// Which security schemes it asks for, if it says so.
    pub(super) security: Option<&'d Value>,
}

/// A parameter of the path or the query.
pub(super) struct Parameter<'d> {
    pub(super) name: String,
    pub(super) in_path: bool,
    pub(super) is_required: bool,
    pub(super) description: Option<&'d str>,
    pub(super) schema: Option<Spot<'d>>,
}

/// A body of JSON.
#[derive(Clone)]
pub(super) struct Body<'d> {
    pub(super) schema: Spot<'d>,
    pub(super) media: &'d str,
}

const METHODS: [(&str, &str); 5] =
    [("delete", "DELETE"), ("get", "GET"), ("patch", "PATCH"), ("post", "POST"), ("put", "PUT")];

/// Methods of documents that no dialect has.
const OTHERS: [&str; 4] = ["head", "options", "query", "trace"];

/// Headers that are no part of a mapping: each dialect has those.
const KNOWN_HEADERS: [&str; 5] =
    ["accept", "authorization", "content-type", "idempotency-key", "x-request-id"];

/// How many operations one document may have.
const MOST: usize = 5000;

/// Those that were asked for by name or request line, or all; and whatever was asked for and is not there.
pub(super) fn operations<'d>(
    document: &Document<'d>,
    only: &[String],
    notes: &mut Notes,
) -> (Vec<Operation<'d>>, Vec<String>) {
    let (mut found, mut names, mut met) = (Vec::new(), Names::default(), vec![false; only.len()]);
    let paths = document.spot("/paths");
    for (path, item) in paths.iter().flat_map(Spot::members) {
        let Some(item) = document.follow(item, notes) else { continue };
        for (key, spot) in item.members() {
            let Some((_, method)) = METHODS.into_iter().find(|(known, _)| *known == key) else { continue };
            let asked = only.iter().position(|asked| {
                *asked == format!("{method} {path}") || spot.text("operationId") == Some(asked.as_str())
            });
            if !only.is_empty() && asked.is_none() {
                continue;
            }
            if let Some(asked) = asked {
                met[asked] = true;
            }
            if found.len() >= MOST {
                notes.push(&spot.at, format!("only the first {MOST} operations are imported"));
                return (found, Vec::new());
            }
            found.extend(operation(document, (path, method), &item, &spot, &mut names, notes));
        }
        if only.is_empty() {
            for other in OTHERS.iter().filter_map(|other| item.get(other)) {
                notes.push(&other.at, "no dialect has operations with this method");
            }
        }
    }
    let missed = only.iter().zip(met).filter(|(_, met)| !met);
    (found, missed.map(|(asked, _)| asked.clone()).collect())
}

/// What `--only` takes: the ids and the request lines of all operations.
pub(super) fn names(document: &Document<'_>) -> Vec<String> {
    let (mut names, mut notes) = (Vec::new(), Notes::default());
    for (path, item) in document.spot("/paths").iter().flat_map(Spot::members) {
        let Some(item) = document.follow(item, &mut notes) else { continue };
        for (key, spot) in item.members() {
            let Some((_, method)) = METHODS.into_iter().find(|(known, _)| *known == key) else { continue };
            names.push(format!("{method} {path}"));
            names.extend(spot.text("operationId").map(str::to_owned));
        }
    }
    names
}

fn operation<'d>(
    document: &Document<'d>,
    (path, method): (&str, &'static str),
    item: &Spot<'d>,
    spot: &Spot<'d>,
    names: &mut Names,
    notes: &mut Notes,
) -> Option<Operation<'d>> {
    let Some(template) = template(path) else {
        notes.push(&spot.at, "left out: a segment of its path is neither a text nor one parameter");
        return None;
    };
    let given = spot.text("operationId").map(|name| {
        let plain = |c: char| if c.is_ascii_alphanumeric() || "._/-".contains(c) { c } else { '_' };
        name.chars().take(128).map(plain).collect::<String>()
    });
    let name = given.filter(|name| !name.is_empty()).unwrap_or_else(|| snake(&format!("{method} {path}")));
    let body = spot.get("requestBody").and_then(|body| document.follow(body, notes));
    let body = body.and_then(|body| json_body(&body, notes));
    let (mut answers, mut refusals) = (Vec::new(), Vec::new());
    for (status, response) in spot.get("responses").iter().flat_map(Spot::members) {
        let at = response.at.clone();
        let Some(response) = document.follow(response, notes) else { continue };
        let body = json_body(&response, notes);
        match status.as_bytes() {
            [b'2', ..] => answers.push((number(status).unwrap_or(200), body)),
            [b'4' | b'5', ..] => refusals.push((number(status).unwrap_or(400), body)),
            b"default" => refusals.push((500, body)),
            _ if status.starts_with("x-") => {}
            _ => notes.push(&at, "left out: answers have 200 to 299, refusals 400 to 599"),
        }
    }
    if answers.is_empty() {
        notes.push(&spot.at, "it has no answer of success; 200 without a body is assumed");
        answers.push((200, None));
    }
    answers.sort_by_key(|(status, _)| *status);
    answers.dedup_by_key(|(status, _)| *status);
    Some(Operation {
        name: names.give(&name),
        method,
        path: template,
        summary: summary(spot),
        parameters: parameters(document, item, spot, notes),
        body,
        answers,
        refusals,
        security: spot.value.get("security"),
    })
}

/// A status, of a class the first.
fn number(status: &str) -> Option<u16> {
    let status = status.replace(['X', 'x'], "0");
    status.parse().ok().filter(|status| (100..600).contains(status))
}

/// The path with parameters that are called as ours may be.
fn template(path: &str) -> Option<String> {
    let never = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '{' | '}' | '?' | '#' | '%');
    let segment = |segment: &str| match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(name) => Some(format!("{{{}}}", parameter_name(name))),
        None => (!segment.contains(never)).then(|| segment.to_owned()),
    };
    let segments: Option<Vec<_>> = path.strip_prefix('/')?.split('/').map(segment).collect();
    Some(format!("/{}", segments?.join("/")))
}

fn parameter_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let name: String = name.chars().take(64).map(plain).collect();
    if name.is_empty() { "_".to_owned() } else { name }
}

/// Those of the operation, and those of its path that it does not say anew.
fn parameters<'d>(
    document: &Document<'d>,
    item: &Spot<'d>,
    spot: &Spot<'d>,
    notes: &mut Notes,
) -> Vec<Parameter<'d>> {
    let mut found: Vec<Parameter<'d>> = Vec::new();
    let lists = [spot.get("parameters"), item.get("parameters")];
    for parameter in lists.iter().flatten().flat_map(Spot::elements) {
        let Some(parameter) = document.follow(parameter, notes) else { continue };
        let (Some(name), Some(place)) = (parameter.text("name"), parameter.text("in")) else {
            notes.push(&parameter.at, "left out: a parameter has a name and a place");
            continue;
        };
        let in_path = match place {
            "path" => true,
            "query" => false,
            "header" if KNOWN_HEADERS.contains(&name.to_lowercase().as_str()) => continue,
            _ => {
                notes.push(&parameter.at, "left out: mappings know parameters of the path and the query");
                continue;
            }
        };
        let name = if in_path { parameter_name(name) } else { name.to_owned() };
        if found.iter().any(|known| known.name == name && known.in_path == in_path) {
            continue;
        }
        let in_content = || parameter.get("content")?.members().next()?.1.get("schema");
        let schema = parameter.get("schema").or_else(in_content);
        let description = parameter.text("description");
        found.push(Parameter { name, in_path, is_required: parameter.flag("required"), description, schema });
    }
    found
}

/// The body, if it is JSON.
fn json_body<'d>(spot: &Spot<'d>, notes: &mut Notes) -> Option<Body<'d>> {
    let content = spot.get("content")?;
    let is_json = |media: &str| {
        let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        media == "application/json" || media.ends_with("+json") || media == "*/*"
    };
    let Some((media, json)) = content.members().find(|(media, _)| is_json(media)) else {
        if content.members().next().is_some() {
            notes.push(&content.at, "left out: bodies are JSON");
        }
        return None;
    };
    let media = if media.starts_with("*/") { "application/json" } else { media };
    Some(Body { schema: json.get("schema")?, media })
}

/// The first sentence of what is said about it.
pub(super) fn summary(spot: &Spot<'_>) -> Option<String> {
    let text = ["summary", "description"]
        .into_iter()
        .find_map(|key| spot.text(key).filter(|text| !text.trim().is_empty()))?;
    Some(line(text))
}

/// A text as one line that is not too long.
pub(super) fn line(text: &str) -> String {
    let text = text.split("\n\n").next().unwrap_or_default();
    let words: Vec<&str> = text.split_whitespace().collect();
    let plain: String = words.join(" ").chars().filter(|c| !c.is_control()).collect();
    if plain.chars().count() <= 110 {
        return plain;
    }
    let cut: String = plain.chars().take(107).collect();
    format!("{}...", cut.rsplit_once(' ').map_or(cut.as_str(), |(whole, _)| whole))
}

/// Whether the schema of a body is nothing at all.
pub(super) fn is_empty(schema: &Value) -> bool {
    schema.as_object().is_some_and(serde_json::Map::is_empty)
}
