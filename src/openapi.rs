//! An OpenAPI 3.1 document of what a dialect serves, for people and for tools that generate clients or test cases.
//!
//! The document is made of the compiled dialect and the schema files as they were written, so it cannot say anything
//! that is not served. JSON Schemas become components; their references to other files become references to those.
//!
//! Field names and their meaning are those of the OpenAPI Specification, version 3.1.1.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::canonical::api::PathPart;
use crate::canonical::id::{IdCodec, IdForm};
use crate::dialect::operation::{AnswerBody, AnswerPlan, RequestBody};
use crate::dialect::page::Style;
use crate::dialect::retirement::Step;
use crate::dialect::{Credential, Dialect, Operation};
use crate::lens::op::Op;
use crate::problem::Root;
use crate::schema::{Schema, Store};

mod components;
mod headers;
pub mod import;

use self::components::Components;

/// The name of the schema that describes the error bodies of a dialect, if it has one.
const ERROR: &str = "error";

/// The document of one dialect.
pub fn document(dialect: &Dialect, schemas: &Store) -> Value {
    let mut components = Components::new(dialect, schemas);
    let mut paths = Map::new();
    for operation in &dialect.operations {
        let path = paths.entry(operation.template()).or_insert_with(|| json!({}));
        let method = operation.method.as_str().to_ascii_lowercase();
        path[method] = described(dialect, operation, &mut components);
    }
    let error = schemas.schema(&dialect.name, ERROR).map(|schema| components.reference(schema));
    json!({
        "openapi": "3.1.1",
        "info": { "title": dialect.title, "version": env!("CARGO_PKG_VERSION") },
        "servers": servers(dialect),
        "security": security(dialect),
        "paths": paths,
        "components": {
            "schemas": components.into_schemas(),
            "parameters": headers::components(),
            "responses": { "Error": refusal(dialect, error) },
            "securitySchemes": security_schemes(dialect),
        },
    })
}

/// Where the dialect is reached: under its mount, and at its hosts.
fn servers(dialect: &Dialect) -> Value {
    let mount = format!("/{}{}", dialect.name, dialect.prefix);
    let hosts = dialect.hosts.iter().map(|host| format!("https://{host}{}", dialect.prefix));
    std::iter::once(mount).chain(hosts).map(|url| json!({ "url": url })).collect()
}

fn scheme_name(credential: &Credential) -> String {
    credential.header.as_str().to_owned()
}

fn security(dialect: &Dialect) -> Value {
    let alternatives = dialect.credentials.iter().map(|credential| {
        let requirement = (scheme_name(credential), json!([]));
        Value::Object(Map::from_iter([requirement]))
    });
    alternatives.collect()
}

fn security_schemes(dialect: &Dialect) -> Value {
    let scheme = |credential: &Credential| match &credential.scheme {
        Some(scheme) if credential.header == http::header::AUTHORIZATION => {
            json!({ "type": "http", "scheme": scheme.to_ascii_lowercase() })
        }
        Some(_) | None => json!({ "type": "apiKey", "in": "header", "name": credential.header.as_str() }),
    };
    let schemes = dialect.credentials.iter().map(|credential| (scheme_name(credential), scheme(credential)));
    Value::Object(schemes.collect())
}

fn described(dialect: &Dialect, operation: &Operation, components: &mut Components<'_>) -> Value {
    let mut parameters = path_parameters(operation);
    parameters.extend(query_parameters(operation, components));
    parameters.extend(headers::of(operation));
    let mut described = json!({
        "operationId": operation.name,
        "parameters": parameters,
        "responses": responses(dialect, operation, components),
    });
    if let RequestBody::One { schema } | RequestBody::Each { schema, .. } = &operation.body {
        let reference = components.reference(schema);
        for watch in operation.with_cases().flat_map(|operation| &operation.watches) {
            if watch.root == Root::Body && watch.values.is_empty() {
                components.deprecate(&reference, &watch.way);
            }
        }
        described["requestBody"] = json!({ "required": true, "content": json_content(&reference) });
    }
    // Whatever the day is: a document must not change because time goes by.
    if operation.retirement.is_some() {
        described["deprecated"] = true.into();
    }
    described
}

fn json_content(schema: &Value) -> Value {
    json!({ "application/json": { "schema": schema } })
}

fn path_parameters(operation: &Operation) -> Vec<Value> {
    let parameter = |name: &str| {
        let field = operation.request.fields().iter().find(|field| {
            let left = field.left.as_ref();
            left.is_some_and(|left| left.root == Root::Path && left.path.iter().any(|part| **part == *name))
        });
        let schema = field.map_or_else(|| json!({ "type": "string" }), |field| spelling(&field.op));
        json!({ "name": name, "in": "path", "required": true, "schema": schema })
    };
    operation.parameters().map(parameter).collect()
}

/// What a path parameter may look like.
fn spelling(op: &Op) -> Value {
    match op {
        Op::Id(id) => id_schema(&id.dialect),
        Op::Resolve(resolve) => match &resolve.0.pattern {
            Some(pattern) => json!({ "type": "string", "pattern": pattern.as_str() }),
            None => json!({ "type": "string", "minLength": 1 }),
        },
        _ => json!({ "type": "string", "minLength": 1 }),
    }
}

fn id_schema(codec: &IdCodec) -> Value {
    let form = |form: &IdForm| match form {
        IdForm::Uuid => json!({ "type": "string", "format": "uuid" }),
        IdForm::ShortUuid => json!({
            "type": "string",
            "pattern": "^[23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz]{22}$",
        }),
        IdForm::Integer => json!({ "type": "integer", "minimum": 0 }),
        IdForm::Opaque => json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{1,128}$" }),
    };
    match codec.accepted.as_slice() {
        [only] => form(only),
        several => json!({ "anyOf": several.iter().map(form).collect::<Vec<_>>() }),
    }
}

fn query_parameters(operation: &Operation, components: &mut Components<'_>) -> Vec<Value> {
    if let Some(parameters) = &operation.parameters {
        let mut described = components.parameters(parameters.schema());
        for parameter in &mut described {
            mark_parameter(operation, parameter);
        }
        return described;
    }
    let Some(page) = &operation.page else { return Vec::new() };
    let start = match page.style {
        Style::Cursor => json!({ "type": "string" }),
        Style::Number => json!({ "type": "integer", "minimum": 1, "default": 1 }),
        Style::Offset => json!({ "type": "integer", "minimum": 0, "default": 0 }),
    };
    let limit = json!({ "type": "integer", "minimum": 0, "maximum": page.most, "default": page.default });
    let parameter = |name: &str, schema: Value| json!({ "name": name, "in": "query", "schema": schema });
    vec![parameter(&page.start, start), parameter(&page.limit, limit)]
}

/// Marks a parameter that retires, whatever its value is.
fn mark_parameter(operation: &Operation, parameter: &mut Value) {
    let retires = operation.watches.iter().any(|watch| {
        let is_meant = |step: &Step| matches!(step, Step::Member(name) if parameter["name"] == **name);
        watch.root == Root::Query && watch.values.is_empty() && watch.way.first().is_some_and(is_meant)
    });
    if retires {
        parameter["deprecated"] = true.into();
    }
}

fn responses(dialect: &Dialect, operation: &Operation, components: &mut Components<'_>) -> Value {
    let mut responses = Map::new();
    for operation in operation.with_cases() {
        for settled in &operation.settled {
            responses
                .insert(settled.status.as_str().to_owned(), answer(settled.status, None, false, components));
        }
        match &operation.answer {
            AnswerPlan::One(answers) => {
                for one in answers {
                    let schema = one.schema.as_deref();
                    let has_body = !matches!(one.body, AnswerBody::Empty);
                    let mut described = answer(one.status, schema.filter(|_| has_body), has_body, components);
                    if one.location.is_some() {
                        let location = json!({ "schema": { "type": "string", "format": "uri-reference" } });
                        described["headers"] = json!({ "Location": location });
                    }
                    responses.insert(one.status.as_str().to_owned(), described);
                }
            }
            AnswerPlan::Collect(collect) => {
                for status in [Some(collect.all), Some(collect.some), collect.none].into_iter().flatten() {
                    let described = answer(status, collect.schema.as_deref(), true, components);
                    responses.insert(status.as_str().to_owned(), described);
                }
            }
        }
    }
    for status in refusals(operation) {
        let told = dialect.errors.fold(status, &operation.folds);
        responses
            .entry(told.as_str().to_owned())
            .or_insert_with(|| json!({ "$ref": "#/components/responses/Error" }));
    }
    responses.insert("default".to_owned(), json!({ "$ref": "#/components/responses/Error" }));
    Value::Object(responses)
}

/// The statuses of refusals that an operation can lead to by what it takes; the backend may have others.
fn refusals(operation: &Operation) -> Vec<StatusCode> {
    let mut statuses = vec![StatusCode::BAD_REQUEST, StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS];
    let has_body = !matches!(operation.body, RequestBody::None);
    let has_path = operation.path.iter().any(|part| matches!(part, PathPart::Parameter(_)));
    if has_body {
        statuses.extend([StatusCode::PAYLOAD_TOO_LARGE, StatusCode::UNSUPPORTED_MEDIA_TYPE]);
    }
    if has_body || has_path || operation.parameters.is_some() || operation.page.is_some() {
        statuses.push(StatusCode::UNPROCESSABLE_ENTITY);
    }
    if has_path {
        statuses.push(StatusCode::NOT_FOUND);
    }
    statuses
}

fn answer(
    status: StatusCode,
    schema: Option<&Schema>,
    has_body: bool,
    components: &mut Components<'_>,
) -> Value {
    let mut answer = json!({ "description": status.canonical_reason().unwrap_or("Answer") });
    if has_body {
        let schema = schema.map_or_else(|| json!({}), |schema| components.reference(schema));
        answer["content"] = json_content(&schema);
    }
    answer
}

fn refusal(dialect: &Dialect, schema: Option<Value>) -> Value {
    let content_type = dialect.errors.content_type.to_str().unwrap_or("application/json");
    json!({
        "description": "A refusal, as this API tells it",
        "content": { content_type: { "schema": schema.unwrap_or_else(|| json!({})) } },
    })
}
