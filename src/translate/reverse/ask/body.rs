//! The body of a dialect's request, from the parts that lenses wrote.

use serde_json::{Map, Value};

use super::Way;
use crate::dialect::operation::RequestBody;
use crate::json::{Document, Limits, Writer};
use crate::lens::path::{Address, Literal};
use crate::problem::Problem;

/// The whole body: an item in its list, what is around it, and the word that asks for a case.
pub(super) fn put_together(
    way: &Way,
    item: Writer,
    around: Option<Writer>,
) -> Result<Document, Box<Problem>> {
    let item = tree(item)?;
    let mut whole = match &way.whole.body {
        RequestBody::Each { over, .. } => {
            let list = Value::Array(vec![item]);
            if over.path.is_empty() {
                list
            } else {
                let mut whole = around.map_or_else(|| Ok(empty()), tree)?;
                put(&mut whole, &over.path, list);
                whole
            }
        }
        RequestBody::None | RequestBody::One { .. } => item,
    };
    if let Some((Address { path, .. }, value)) = &way.says {
        put(&mut whole, path, Literal::value(value).to_value());
    }
    let text = whole.to_string().into_bytes();
    let limits = Limits { bytes_max: text.len(), ..Limits::default() };
    Document::parse(text, &limits).map_err(|error| broken(&error))
}

fn empty() -> Value {
    Value::Object(Map::new())
}

/// What a lens wrote; it writes nothing where it has nothing to say.
fn tree(written: Writer) -> Result<Value, Box<Problem>> {
    if written.is_empty() {
        return Ok(empty());
    }
    let text = written.into_vec();
    let limits = Limits { bytes_max: text.len(), ..Limits::default() };
    Document::parse(text, &limits).map(|document| document.root().to_value()).map_err(|error| broken(&error))
}

fn broken(error: &dyn std::error::Error) -> Box<Problem> {
    Box::new(Problem::internal(format!("a lens wrote what is no JSON: {error}")))
}

/// Puts a value where it belongs, if nothing is there yet.
fn put(whole: &mut Value, path: &[Box<str>], value: Value) {
    let Some((name, rest)) = path.split_first() else { return };
    let Value::Object(members) = whole else { return };
    if rest.is_empty() {
        members.entry(&**name).or_insert(value);
    } else {
        put(members.entry(&**name).or_insert_with(empty), rest, value);
    }
}
