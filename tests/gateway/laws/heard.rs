//! Answers that no program of ours gives and a backend may: what they do not say is not told.

use std::fs;
use std::path::Path;

use http::StatusCode;
use interlingua::json::{Document, Limits};
use interlingua::lens::Resolutions;
use interlingua::translate::Step;
use interlingua::translate::reverse::told::{Asked, Heard, Reader};
use serde::Deserialize;
use serde_json::Value;

use crate::support::shipped;

/// What a dialect's backend answers, and what may be told of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    about: String,
    dialect: String,
    operation: String,
    /// Which case of the operation, if it is one.
    case: Option<usize>,
    #[serde(default)]
    items: Vec<Value>,
    status: u16,
    body: Value,
    /// For each call its canonical status, or null where nobody knows; or the code of the problem that the answer is.
    told: Value,
}

fn document(value: &Value) -> Document {
    Document::parse(value.to_string().into_bytes(), &Limits::default()).unwrap()
}

#[test]
fn what_an_answer_does_not_say_is_not_told() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/told.json");
    let cases: Vec<Said> = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let shipped = shipped();
    for case in cases {
        let dialect = shipped.registry.dialect(&case.dialect).unwrap();
        let whole = dialect.operations.iter().find(|operation| operation.name == case.operation).unwrap();
        let operation = case.case.map_or(whole, |index| &whole.cases[index].operation);
        let reader = Reader::new(shipped.registry.api(), dialect, operation);
        let items: Vec<_> = case.items.iter().map(document).collect();
        let items: Vec<_> = items.iter().map(Document::root).collect();
        let body = document(&case.body);
        let status = StatusCode::from_u16(case.status).unwrap();
        let heard = Heard { status, retry_after: None, body: Some(body.root()) };
        let asked = Asked { items: &items, ..Asked::default() };
        let told = match reader.told(&asked, &heard, &Resolutions::default()) {
            Err(problem) => Value::from(&*problem.code),
            Ok(Step::Needs(_)) => panic!("{}: something has to be looked up", case.about),
            Ok(Step::Done(told)) => {
                let outcomes = told.outcomes.iter().map(|outcome| match outcome {
                    None => Value::Null,
                    Some(Ok(answer)) => {
                        let body = answer.body.as_ref().map_or(0, |body| body.text().len());
                        if body == 0 { Value::from(answer.status.as_u16()) } else { Value::from("a body") }
                    }
                    Some(Err(problem)) => Value::from(problem.status.get().as_u16()),
                });
                outcomes.collect()
            }
        };
        assert_eq!(told, case.told, "{}", case.about);
    }
}
