//! What of a document becomes which file, and which operation uses it how.

use serde_json::{Map, Value, json};

use super::document::Document;
use super::names::snake;
use super::notes::Notes;
use super::operation::{Body, Operation, is_empty};
use super::schemas::{Files, Way};
use super::shape::Shapes;

/// An operation with the files of its bodies.
pub(super) struct Planned<'d> {
    pub(super) operation: Operation<'d>,
    pub(super) body: Option<String>,
    /// By status.
    pub(super) answers: Vec<(u16, Option<String>)>,
    /// The file of its query.
    pub(super) query: Option<String>,
}

/// Everything there is to write.
pub(super) struct Plan<'d> {
    pub(super) operations: Vec<Planned<'d>>,
    pub(super) shapes: Shapes,
    /// What refusals have in common, if their bodies are described.
    pub(super) refusal: Option<Refusal>,
}

/// The usual refusal.
pub(super) struct Refusal {
    pub(super) file: String,
    pub(super) media: String,
}

/// Makes the files: those of refusals first, because one of them has a name that means something; then those of
/// answers, then those of requests.
pub(super) fn plan<'d>(
    document: Document<'d>,
    operations: Vec<Operation<'d>>,
    notes: &mut Notes,
) -> Plan<'d> {
    let mut files = Files::new(document, notes);
    let refusal = usual_refusal(&operations).map(|body| {
        let media = body.media.to_owned();
        Refusal { file: error_file(&mut files, body), media }
    });
    if refusal.is_none() {
        files.reserve(ERROR);
    }
    let mut answers: Vec<Vec<_>> = Vec::new();
    for operation in &operations {
        let name = snake(&operation.name);
        let mut own = Vec::new();
        for (index, (status, body)) in operation.answers.iter().enumerate() {
            let wished =
                if index == 0 { format!("{name}_answer") } else { format!("{name}_answer_{status}") };
            let is_bare = matches!(status, 204 | 205);
            let body = body.as_ref().filter(|body| !is_bare && !is_empty(body.schema.value));
            own.push((*status, body.map(|body| files.body(body, Way::Answer, &wished))));
        }
        answers.push(own);
    }
    let mut planned = Vec::new();
    for (operation, answers) in operations.into_iter().zip(answers) {
        let name = snake(&operation.name);
        let body = operation.body.as_ref().filter(|body| !is_empty(body.schema.value));
        let body = body.map(|body| files.body(body, Way::Request, &format!("{name}_request")));
        let query = query(&mut files, &operation, &name);
        planned.push(Planned { operation, body, answers, query });
    }
    Plan { operations: planned, shapes: Shapes::new(files.into_done()), refusal }
}

/// What the schema of error bodies is called.
const ERROR: &str = "error";

/// The body that most refusals of the client have.
fn usual_refusal<'o, 'd>(operations: &'o [Operation<'d>]) -> Option<&'o Body<'d>> {
    let mut counted: Vec<(&str, &Body<'d>, usize)> = Vec::new();
    for (status, body) in operations.iter().flat_map(|operation| &operation.refusals) {
        let Some(body) = body.as_ref().filter(|body| *status != 401 && !is_empty(body.schema.value)) else {
            continue;
        };
        let identity = body.schema.text("$ref").unwrap_or(&body.schema.at);
        match counted.iter_mut().find(|(known, ..)| *known == identity) {
            Some((_, _, count)) => *count += 1,
            None => counted.push((identity, body, 1)),
        }
    }
    // Of equally many the first.
    counted.into_iter().rev().max_by_key(|(_, _, count)| *count).map(|(_, body, _)| body)
}

fn error_file<'d>(files: &mut Files<'_, 'd>, body: &Body<'d>) -> String {
    let target = body.schema.text("$ref").and_then(|reference| files.document.target(reference));
    let schema = target.unwrap_or_else(|| body.schema.clone());
    files.body(&Body { schema, media: body.media }, Way::Answer, ERROR)
}

/// The parameters of a query as the properties of a schema.
fn query<'d>(files: &mut Files<'_, 'd>, operation: &Operation<'d>, name: &str) -> Option<String> {
    let parameters: Vec<_> = operation.parameters.iter().filter(|parameter| !parameter.in_path).collect();
    if parameters.is_empty() {
        return None;
    }
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for parameter in parameters {
        let mut schema = match &parameter.schema {
            Some(schema) => files.inline(schema, &format!("{name}_{}", snake(&parameter.name))),
            None => json!({ "type": "string" }),
        };
        if let (Some(schema), Some(text)) = (schema.as_object_mut(), parameter.description) {
            schema.entry("description").or_insert_with(|| Value::from(text));
        }
        if parameter.is_required {
            required.push(Value::from(parameter.name.as_str()));
        }
        properties.insert(parameter.name.clone(), schema);
    }
    let mut schema = Map::from_iter([("type".to_owned(), Value::from("object"))]);
    if !required.is_empty() {
        schema.insert("required".to_owned(), Value::Array(required));
    }
    schema.insert("properties".to_owned(), Value::Object(properties));
    Some(files.made(&format!("{name}_query"), schema))
}
