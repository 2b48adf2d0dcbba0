//! Mutants of operations: what they call, how they are answered, and what their errors look like.

use super::draft::{Draft, Family, quoted};
use super::fields::{self, Names, Sides};
use super::files::Files;
use super::parts::neighbours;
use super::tree::Node;

const SUCCESSES: [&str; 5] = ["200", "201", "202", "204", "205"];
const REFUSALS: [&str; 8] = ["400", "403", "404", "409", "412", "422", "429", "500"];

pub(super) fn operation(files: &Files, mapping: &str, operation: &Node, draft: &mut Draft<'_>) {
    draft.delete(Family::Operation, operation);
    outcome(files, mapping, operation, draft);
    let names = Names::of(files, mapping);
    for case in operation.children_of(&["case"]) {
        draft.delete(Family::Operation, case);
        outcome(files, mapping, case, draft);
        for when in case.children_of(&["when"]) {
            fields::value(when, &names, draft);
        }
    }
    let call = operation.get("calls").and_then(|call| files.call(call.says()));
    let parameters = call.map(parameters_of).unwrap_or_default();
    for key in ["path", "query"] {
        let right = parameters.iter().map(|name| (name.clone(), "parameter".to_owned())).collect();
        let sides = Sides { left: Vec::new(), right };
        fields::fields(operation.children_of(&[key]), &sides, &names, draft);
    }
    if let Some(each) = operation.get("each") {
        for cell in each.children() {
            draft.delete(Family::Operation, cell);
        }
    }
    collect(operation, &names, draft);
}

/// What an operation and a case of it both say.
fn outcome(files: &Files, mapping: &str, part: &Node, draft: &mut Draft<'_>) {
    let declared = |kind: &str| -> Vec<&str> {
        files.all(mapping, &[kind]).into_iter().map(|(_, node)| node.name.as_str()).collect()
    };
    let requests = files.tree(mapping).children_of(&["operation"]).iter();
    let requests: Vec<_> = requests.filter_map(|other| Some(other.get("request")?.says())).collect();
    let calls: Vec<_> = files.tree("canonical").children_of(&["operation"]).iter().collect();
    let calls: Vec<_> = calls.into_iter().filter_map(|call| Some(call.get("name")?.says())).collect();
    let schemas = files.schema_names(&files.chain(mapping));
    for (key, known) in [
        ("request", &requests),
        ("calls", &calls),
        ("body", &declared("lens")),
        ("page", &declared("page")),
        ("parameters", &schemas),
    ] {
        if let Some(cell) = part.get(key) {
            draft.delete(Family::Operation, cell);
            neighbours(cell, known, draft);
        }
    }
    if let Some(cell) = part.get("gather") {
        draft.delete(Family::Operation, cell);
    }
    for set in part.children_of(&["sets"]) {
        draft.delete(Family::Value, set);
        fields::value(set, &Names::of(files, mapping), draft);
    }
    for ignored in part.children_of(&["ignores"]) {
        draft.delete(Family::Ledger, ignored);
    }
    for answer in part.children_of(&["answers"]) {
        self::answer(answer, &declared("lens"), &schemas, &calls, draft);
    }
    folds(part.children_of(&["folds"]), draft);
}

fn answer(answer: &Node, lenses: &[&str], schemas: &[&str], calls: &[&str], draft: &mut Draft<'_>) {
    draft.delete(Family::Status, answer);
    let is_refusal = REFUSALS.contains(&answer.name.as_str());
    // The key of a table with a header stands between brackets, where the others are too.
    for status in SUCCESSES.iter().chain(&REFUSALS) {
        if *status != answer.name {
            draft.rename(Family::Status, answer, status);
        }
    }
    for cell in answer.children() {
        let family = match cell.name.as_str() {
            "status" => Family::Status,
            "omits" => Family::Ledger,
            "constant" | "otherwise" => Family::Value,
            _ => Family::Operation,
        };
        draft.delete(family, cell);
        match cell.name.as_str() {
            "status" => {
                for status in SUCCESSES.iter().chain(REFUSALS.iter().filter(|_| !is_refusal)) {
                    draft.replace(family, cell, status);
                }
            }
            "body" | "items" => neighbours(cell, lenses, draft),
            "schema" => neighbours(cell, schemas, draft),
            "reads" => neighbours(cell, calls, draft),
            _ => {}
        }
    }
}

fn folds(folds: &[Node], draft: &mut Draft<'_>) {
    for fold in folds {
        draft.delete(Family::Status, fold);
        for status in REFUSALS {
            draft.rename(Family::Status, fold, status);
            draft.replace(Family::Status, fold, status);
        }
        draft.replace(Family::Status, fold, "200");
    }
}

fn collect(operation: &Node, names: &Names, draft: &mut Draft<'_>) {
    for status in operation.children_of(&["collect", "status"]) {
        draft.delete(Family::Status, status);
        for other in SUCCESSES.iter().chain(&REFUSALS) {
            draft.replace(Family::Status, status, other);
        }
    }
    let fields = operation.children_of(&["collect", "fields"]);
    for field in fields {
        draft.delete(Family::Operation, field);
        draft.rename(Family::Operation, field, "zz");
        for cell in field.children() {
            draft.delete(Family::Operation, cell);
            for condition in cell.children() {
                fields::value(condition, names, draft);
            }
            if let "of" | "count" = cell.name.as_str() {
                for other in ["succeeded", "failed"] {
                    draft.replace(Family::Operation, cell, &quoted(other));
                }
            }
        }
    }
    draft.swap_all(Family::Operation, &fields.iter().collect::<Vec<_>>());
}

pub(super) fn errors(tree: &Node, draft: &mut Draft<'_>) {
    let family = Family::Errors;
    folds(tree.children_of(&["errors", "folds"]), draft);
    for part in ["plain", "invalid", "item", "words", "kinds"] {
        let cells = tree.children_of(&["errors", part]);
        for cell in cells {
            draft.delete(family, cell);
        }
        draft.swap_all(family, &cells.iter().collect::<Vec<_>>());
    }
    if let Some(slash) = tree.at(&["dialect", "wrong_slash"]) {
        draft.delete(Family::Status, slash);
        for status in ["200", "301", "302", "308", "404"] {
            draft.replace(Family::Status, slash, status);
        }
    }
}

/// The parameters of a canonical call.
fn parameters_of(call: &Node) -> Vec<String> {
    let request = call.get("request").map_or("", Node::says);
    let in_path = request.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let in_query = call.children_of(&["query"]).iter().map(Node::says);
    in_path.chain(in_query).map(str::to_owned).collect()
}
