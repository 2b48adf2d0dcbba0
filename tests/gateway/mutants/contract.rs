//! Mutants of schemas, and of the canonical API: its roles and what they may do, its operations and their answers.

use super::draft::{Draft, Family, quoted};
use super::files::Files;
use super::tree::{Leaf, Node};

const FORMATS: [&str; 4] = ["uuid", "email", "date-time", "uri"];

/// Every mutant of a schema.
pub(super) fn schema(tree: &Node, draft: &mut Draft<'_>) {
    let properties: Vec<_> = tree.children_of(&["properties"]).iter().collect();
    if let Some(required) = tree.get("required").filter(|required| required.is_array()) {
        for name in required.children() {
            draft.delete(Family::Required, name);
        }
        let is_required =
            |property: &&&Node| required.children().iter().any(|name| name.says() == property.name);
        for property in properties.iter().filter(|property| !is_required(property)) {
            draft.append(Family::Required, required, &quoted(&property.name));
        }
    } else if tree.get("properties").is_some_and(Node::is_table) {
        let start = tree.value.start + 1;
        for property in &properties {
            let name = quoted(&property.name);
            let text = format!("\"required\": [{name}], ");
            draft.insert(Family::Required, tree, start, &text, &format!("requires {name}"));
        }
    }
    for property in &properties {
        draft.delete(Family::Required, property);
    }
    if let Some(words) = tree.get("enum").filter(|words| words.is_array()) {
        let is_text = words.children().iter().any(|word| word.leaf() == Some(Leaf::Text));
        for word in words.children() {
            draft.delete(Family::Enumeration, word);
            let renamed = if is_text { quoted(&format!("{}zz", word.says())) } else { "99".to_owned() };
            draft.replace(Family::Enumeration, word, &renamed);
        }
        draft.append(Family::Enumeration, words, if is_text { "\"zz\"" } else { "99" });
    }
    types(tree, draft);
    bounds(tree, draft);
    for child in tree.children() {
        match child.name.as_str() {
            // Their members are schemas under names of their own.
            "properties" | "$defs" => child.children().iter().for_each(|inner| schema(inner, draft)),
            "enum" | "required" | "const" | "default" | "examples" => {}
            _ if child.is_array() => child.children().iter().for_each(|inner| schema(inner, draft)),
            _ if child.is_table() => schema(child, draft),
            _ => {}
        }
    }
}

fn types(tree: &Node, draft: &mut Draft<'_>) {
    let Some(types) = tree.get("type") else { return };
    let listed: Vec<_> = if types.is_array() { types.children().iter().collect() } else { vec![types] };
    if types.is_array() {
        for one in &listed {
            draft.delete(Family::Type, one);
        }
        if !listed.iter().any(|one| one.says() == "null") {
            draft.append(Family::Type, types, "\"null\"");
        }
    } else {
        draft.replace(Family::Type, types, &format!("[{}, \"null\"]", quoted(types.says())));
    }
    for one in listed.iter().filter(|one| one.says() != "null") {
        let others = ["string", "integer", "boolean", "object", "array"];
        for other in others.iter().filter(|other| **other != one.says()).take(2) {
            draft.replace(Family::Type, one, &quoted(other));
        }
    }
}

fn bounds(tree: &Node, draft: &mut Draft<'_>) {
    let family = Family::Bound;
    for cell in tree.children() {
        match cell.name.as_str() {
            "format" if cell.leaf().is_some() => {
                draft.delete(family, cell);
                for format in FORMATS {
                    draft.replace(family, cell, &quoted(format));
                }
            }
            "pattern" if cell.leaf().is_some() => {
                draft.delete(family, cell);
                draft.replace(family, cell, "\"^x$\"");
            }
            "minLength" | "maxLength" | "minimum" | "maximum" | "minItems" | "maxItems" => {
                let Ok(number) = cell.says().parse::<i64>() else { continue };
                draft.delete(family, cell);
                draft.replace(family, cell, &(number + 1).to_string());
                if number > 0 {
                    draft.replace(family, cell, &(number - 1).to_string());
                }
            }
            "const" => {
                draft.delete(Family::Enumeration, cell);
                draft.replace(Family::Enumeration, cell, "\"zz\"");
            }
            "additionalProperties" => {
                let other = if cell.says() == "false" { "true" } else { "false" };
                draft.replace(Family::Openness, cell, other);
                draft.delete(Family::Openness, cell);
            }
            _ => {}
        }
    }
    if tree.get("additionalProperties").is_none() && tree.get("properties").is_some_and(Node::is_table) {
        let start = tree.value.start + 1;
        draft.insert(Family::Openness, tree, start, "\"additionalProperties\": false, ", "is closed");
    }
}

/// Every mutant of the canonical API.
pub(super) fn canonical(files: &Files, draft: &mut Draft<'_>) {
    let tree = files.tree("canonical");
    let capabilities = tree.children_of(&["capabilities"]);
    let roles = tree.children_of(&["roles"]);
    for role in roles {
        draft.delete(Family::Capabilities, role);
        draft.rename(Family::Capabilities, role, "zz");
        draft.replace(Family::Capabilities, role, "[]");
        draft.replace(Family::Capabilities, role, "[\"*\"]");
        for pattern in role.children() {
            draft.delete(Family::Capabilities, pattern);
        }
        for capability in capabilities {
            draft.append(Family::Capabilities, role, &quoted(&capability.name));
        }
    }
    if let Some(last) = roles.last() {
        draft.insert(Family::Capabilities, last, last.value.end, "\nzz = []", "is followed by one more role");
    }
    draft.swap_all(Family::Capabilities, &roles.iter().collect::<Vec<_>>());
    for capability in capabilities {
        draft.delete(Family::Capabilities, capability);
    }
    for operation in tree.children_of(&["operation"]) {
        draft.delete(Family::Operation, operation);
        for query in operation.children_of(&["query"]) {
            draft.delete(Family::Operation, query);
        }
        for answer in operation.children_of(&["answers"]) {
            draft.delete(Family::Status, answer);
            for status in ["200", "201", "202", "204"] {
                draft.rename(Family::Status, answer, status);
            }
        }
        if let Some(body) = operation.get("body") {
            draft.delete(Family::Operation, body);
        }
    }
}
