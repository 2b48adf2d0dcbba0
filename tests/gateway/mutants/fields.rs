//! Mutants of fields: where they live, what their step is, and the values beside them.

use super::draft::{Draft, Family, quoted};
use super::files::Files;
use super::tree::{Leaf, Node};

/// What a field's places are looked for in.
pub(super) struct Sides {
    /// The places of the dialect, with what lives there.
    pub(super) left: Vec<(String, String)>,
    /// The canonical places.
    pub(super) right: Vec<(String, String)>,
}

impl Sides {
    /// The places on a side that hold the same kind of value as this one.
    fn like<'s>(side: &'s [(String, String)], place: &str) -> impl Iterator<Item = &'s str> {
        let kind = side.iter().find(|(known, _)| known == place).map(|(_, kind)| kind.clone());
        side.iter().filter(move |(_, other)| kind.as_ref() == Some(other)).map(|(path, _)| path.as_str())
    }
}

/// The names that steps refer to.
pub(super) struct Names {
    steps: Vec<(&'static str, Vec<String>)>,
    words: Vec<String>,
}

impl Names {
    pub(super) fn of(files: &Files, mapping: &str) -> Names {
        let declared = |kind: &str| -> Vec<String> {
            files.all(mapping, &[kind]).into_iter().map(|(_, node)| quoted(&node.name)).collect()
        };
        let tables = declared("table");
        let filters = tables.iter().cloned().chain([quoted("role")]).collect();
        let capabilities = files.canonical_names("capabilities").into_iter().map(quoted).collect();
        let steps = vec![
            ("id", declared("id")),
            ("table", tables),
            ("filter", filters),
            ("row", declared("resolver")),
            ("resolve", declared("resolver")),
            ("lens", declared("lens")),
            ("each", declared("lens")),
            ("has", capabilities),
        ];
        let rows = files.all(mapping, &["role", "row"]).into_iter();
        let words = rows.filter_map(|(text, row)| Some(text[row.get("word")?.value.clone()].to_owned()));
        Names { steps, words: words.collect() }
    }
}

/// Every field of a table of fields.
pub(super) fn fields(fields: &[Node], sides: &Sides, names: &Names, draft: &mut Draft<'_>) {
    let mut rights = Vec::new();
    for field in fields {
        draft.delete(Family::Place, field);
        for place in Sides::like(&sides.left, &field.name) {
            draft.rename(Family::Place, field, &quoted(place));
        }
        draft.rename(Family::Place, field, "zz");
        let ways: &[Node] = if field.is_array() { field.children() } else { std::slice::from_ref(field) };
        for way in ways {
            if ways.len() > 1 {
                draft.delete(Family::Place, way);
            }
            rights.extend(place(way, sides, draft));
            if way.is_table() {
                step(way, sides, names, draft);
            }
        }
        draft.swap_all(Family::Place, &ways.iter().collect::<Vec<_>>());
    }
    // Places of one kind change places; of others, the types would tell.
    for (index, one) in rights.iter().enumerate() {
        let like: Vec<_> = Sides::like(&sides.right, one.says()).collect();
        for other in rights[index + 1..].iter().filter(|other| like.contains(&other.says())) {
            draft.swap(Family::Place, one, other);
        }
    }
}

/// Where a field lives in the canonical model.
fn place<'n>(way: &'n Node, sides: &Sides, draft: &mut Draft<'_>) -> Option<&'n Node> {
    let right = if way.leaf() == Some(Leaf::Text) { way } else { way.get("at")? };
    for place in Sides::like(&sides.right, right.says()) {
        draft.replace(Family::Place, right, &quoted(place));
    }
    draft.replace(Family::Place, right, &quoted("zz"));
    Some(right)
}

/// What is done on the way, and what is said beside it.
fn step(way: &Node, sides: &Sides, names: &Names, draft: &mut Draft<'_>) {
    for cell in way.children() {
        let family = match cell.name.as_str() {
            "at" => continue,
            "id" | "role" | "table" | "label" | "row" | "resolve" | "filter" | "lens" | "each" | "has"
            | "prefix" => Family::Step,
            _ => Family::Value,
        };
        draft.delete(family, cell);
        let known = names.steps.iter().find(|(step, _)| *step == cell.name);
        for name in known.into_iter().flat_map(|(_, names)| names) {
            draft.replace(family, cell, name);
        }
        match cell.name.as_str() {
            "when" | "where" | "tag" => {
                let side = if cell.name == "when" { &sides.left } else { &sides.right };
                for (condition, place) in
                    cell.children().iter().flat_map(|one| side.iter().map(move |place| (one, place)))
                {
                    draft.rename(Family::Place, condition, &quoted(&place.0));
                }
                for condition in cell.children() {
                    value(condition, names, draft);
                }
            }
            "from" | "instead" => {
                let side = if cell.name == "from" { &sides.left } else { &sides.right };
                let kind: Vec<_> = Sides::like(side, cell.says()).collect();
                for place in kind {
                    draft.replace(Family::Place, cell, &quoted(place));
                }
            }
            _ if family == Family::Value || cell.name == "prefix" => value(cell, names, draft),
            _ => {}
        }
    }
}

/// Another value of the same type, each word of the roles where it is one, and one of another type.
pub(super) fn value(node: &Node, names: &Names, draft: &mut Draft<'_>) {
    let family = Family::Value;
    if let Some(json) = node.get("json") {
        let values = if json.says() == "null" { ["{}", "\"zz\""] } else { ["null", "\"zz\""] };
        for value in values {
            draft.replace(family, json, &format!("'{value}'"));
        }
        for word in &names.words {
            draft.replace(family, node, word);
        }
        return;
    }
    match node.leaf() {
        Some(Leaf::Text) => {
            if names.words.iter().any(|word| word == draft.spelt(node)) {
                for word in &names.words {
                    draft.replace(family, node, word);
                }
            }
            draft.replace(family, node, &quoted(&format!("{}zz", node.says())));
            draft.replace(family, node, "7");
        }
        Some(Leaf::Number) => {
            if names.words.iter().any(|word| word == draft.spelt(node)) {
                for word in &names.words {
                    draft.replace(family, node, word);
                }
            }
            let number: i64 = node.says().parse().unwrap_or(0);
            draft.replace(family, node, &(number + 1).to_string());
            draft.replace(family, node, "\"zz\"");
        }
        Some(Leaf::Boolean) => {
            draft.replace(family, node, if node.says() == "true" { "false" } else { "true" });
            draft.replace(family, node, "\"zz\"");
        }
        Some(Leaf::Null) | None => {
            for element in node.children() {
                draft.delete(family, element);
                value(element, names, draft);
            }
            if !node.is_table() {
                draft.replace(family, node, "7");
            }
        }
    }
}
