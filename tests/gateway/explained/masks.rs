//! Whether an explanation shows anything of what came in.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use interlingua::boot::DataFiles;
use serde_json::Value;

use crate::golden::case::{Case, Exchange};
use crate::support::backend::Call;

/// Values that are shorter may stand anywhere by chance.
const SHORT: usize = 3;

/// Everything the shipped mappings say: words, names, constants, reasons.
static VOCABULARY: LazyLock<String> = LazyLock::new(|| {
    let folder = format!("{}/mappings", env!("CARGO_MANIFEST_DIR"));
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| std::fs::read_to_string(path).unwrap()).collect()
});

/// The values of a case that its explanation shows.
pub(super) fn leaks(case: &Case, heard: &[Call], explanation: &Value) -> Vec<String> {
    // The names of its own members are nobody's values.
    let mut shown = BTreeSet::new();
    scalars(explanation, &mut shown);
    let is_shown = |value: &String| shown.iter().any(|text| text.contains(value.as_str()));
    let values = values(case, heard).into_iter().filter(|value| value.chars().count() > SHORT);
    let leaked = values.filter(|value| is_shown(value) && !VOCABULARY.contains(value.as_str()));
    leaked.map(|value| format!("`{value}` is shown")).collect()
}

fn values(case: &Case, heard: &[Call]) -> BTreeSet<String> {
    let ask = case.request.ask();
    let mut values: BTreeSet<String> = ask.headers.iter().map(|(_, value)| value.clone()).collect();
    values.extend(ask.line.split(['/', '?', '&', '=']).map(str::to_owned));
    let body = ask.body.and_then(|body| serde_json::from_slice::<Value>(&body).ok());
    // What the backend would have said and was not asked for did not come in.
    let is_played = |exchange: &&Exchange| heard.iter().any(|call| call.line == exchange.expect.line);
    let answers = case.calls.iter().filter(is_played).filter_map(Exchange::answer_body);
    for body in body.into_iter().chain(answers) {
        scalars(&body, &mut values);
    }
    values
}

fn scalars(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| scalars(item, found)),
        Value::Object(members) => members.values().for_each(|member| scalars(member, found)),
        Value::String(text) => {
            found.insert(text.clone());
        }
        Value::Number(number) => {
            found.insert(number.to_string());
        }
        Value::Bool(_) | Value::Null => {}
    }
}

#[test]
fn the_vocabulary_is_not_everything() {
    let files = DataFiles::default();
    assert_eq!(files.mappings, None);
    assert!(VOCABULARY.contains("members.add") && !VOCABULARY.contains("linus@example.com"));
}
