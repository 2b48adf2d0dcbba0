//! The samples of the documentation pages, sent to the started program as an unmodified client would.
//!
//! A file of `tests/documented/` is one page: its sample with a token and an id the demonstration data knows, the
//! documented status, and the documented fields. Steps of a file follow each other: `"$name"` stands for what an
//! earlier step `keep`s.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use interlingua::boot::{self, DataFiles};
use interlingua::diag::Sources;
use interlingua::json::{Document, Limits};
use serde::Deserialize;
use serde_json::Value;

use crate::program::Program;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    /// Where the sample stands.
    #[allow(dead_code, reason = "for the reader of the file")]
    page: String,
    /// The documented host.
    host: String,
    /// The folder of the dialect's schemas.
    dialect: String,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Value>,
    status: u16,
    /// The response schema.
    schema: String,
    /// Pointers of all documented fields.
    fields: Vec<String>,
    /// Values by pointer.
    #[serde(default)]
    values: HashMap<String, Value>,
    /// Names for what later steps need, by pointer.
    #[serde(default)]
    keep: HashMap<String, String>,
}

#[test]
fn every_documented_sample_gets_its_documented_answer() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/documented");
    let schemas = boot::load(&DataFiles::default(), &mut Sources::default()).unwrap().schemas;
    let mut pages: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    assert_eq!(pages.len(), 5, "each dialect has a page");
    let program = Program::start(&DataFiles::default());
    for file in pages {
        let page: Page = serde_json::from_str(&fs::read_to_string(&file).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut kept: HashMap<String, String> = HashMap::new();
        for (number, step) in page.steps.iter().enumerate() {
            let told = format!("{}, step {}", file.display(), number + 1);
            let fill = |text: &str| {
                kept.iter()
                    .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${name}"), value))
            };
            let mut headers: Vec<_> =
                step.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            headers.push(("host", &page.host));
            let body = step.body.as_ref().map(|body| fill(&body.to_string()));
            let answer = program.send(&step.method, &fill(&step.path), &headers, body.as_deref());

            assert_eq!(answer.status, step.status, "{told}: {}", answer.body);
            let document = answer.json();
            for pointer in &step.fields {
                assert!(document.pointer(pointer).is_some(), "{told}: no {pointer} in {document:#}");
            }
            for (pointer, value) in &step.values {
                assert_eq!(document.pointer(pointer), Some(value), "{told}: {pointer} in {document:#}");
            }
            let schema =
                schemas.schema(&page.dialect, &step.schema).unwrap_or_else(|| panic!("{told}: no schema"));
            let text = Document::parse(answer.body.clone().into_bytes(), &Limits::default()).unwrap();
            let violations = schema.violations(text.root(), 5);
            assert!(violations.is_empty(), "{told}: {violations:?}");
            for (name, pointer) in &step.keep {
                kept.insert(name.clone(), document.pointer(pointer).unwrap().as_str().unwrap().to_owned());
            }
        }
    }
}
