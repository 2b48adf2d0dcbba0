//! Mutants of what stands around the fields: ids, resolvers, pages and lenses.

use super::draft::{Draft, Family, quoted};
use super::fields::{self, Names, Sides};
use super::files::Files;
use super::operations;
use super::roles;
use super::tree::Node;

const FORMS: [&str; 4] = ["uuid", "shortuuid", "integer", "opaque"];

/// How many other names a reference is tried with: those around it in the list.
const NEIGHBOURS: usize = 3;

/// Every mutant of a dialect's mapping.
pub(super) fn mapping(files: &Files, name: &str, draft: &mut Draft<'_>) {
    let tree = files.tree(name);
    roles::tables(files, name, draft);
    ids(tree, draft);
    resolvers(files, name, draft);
    pages(tree, draft);
    lenses(files, name, draft);
    for operation in tree.children_of(&["operation"]) {
        operations::operation(files, name, operation, draft);
    }
    operations::errors(tree, draft);
}

fn ids(tree: &Node, draft: &mut Draft<'_>) {
    let family = Family::Id;
    for kind in tree.children_of(&["id"]) {
        for form in kind.get("form").into_iter().chain(kind.children_of(&["accept"])) {
            for other in FORMS {
                draft.replace(family, form, &quoted(other));
            }
            draft.delete(family, form);
        }
        if let Some(accept) = kind.get("accept") {
            draft.delete(family, accept);
            for form in FORMS {
                draft.append(family, accept, &quoted(form));
            }
        }
        if let Some(flag) = kind.get("imported") {
            draft.replace(family, flag, "false");
            draft.delete(family, flag);
        }
        if let Some(flag) = kind.get("form").filter(|_| kind.get("imported").is_none()) {
            draft.insert(family, flag, flag.value.end, "\nimported = true", "is imported");
        }
    }
}

fn resolvers(files: &Files, mapping: &str, draft: &mut Draft<'_>) {
    let family = Family::Resolver;
    let canonical = files.tree("canonical").children_of(&["operation"]);
    let reads: Vec<_> = canonical
        .iter()
        .filter(|call| call.get("request").is_some_and(|request| request.says().starts_with("GET ")))
        .filter_map(|call| Some(quoted(call.get("name")?.says())))
        .collect();
    let kinds: Vec<_> = files.all(mapping, &["id"]).into_iter().map(|(_, kind)| quoted(&kind.name)).collect();
    for resolver in files.tree(mapping).children_of(&["resolver"]) {
        let call = resolver.get("calls").and_then(|call| files.call(call.says()));
        let columns: Vec<_> = call
            .and_then(|call| call.children_of(&["answers"]).first())
            .map(|answer| files.places(&["canonical"], answer.says()))
            .unwrap_or_default();
        let item = resolver.get("rows").map_or("", Node::says);
        let item = call.and_then(|call| rows_of(files, call, item)).unwrap_or_default();
        for cell in resolver.children() {
            draft.delete(family, cell);
            let others: Vec<String> = match cell.name.as_str() {
                "calls" => reads.clone(),
                "find" => call
                    .map(|call| call.children_of(&["query"]).iter().map(|name| quoted(name.says())).collect())
                    .unwrap_or_default(),
                "left" | "right" => item.iter().map(|(name, _)| quoted(name)).collect(),
                "rows" => columns.iter().map(|(name, _)| quoted(name)).collect(),
                "id" => kinds.clone(),
                "pattern" => vec!["'^x$'".to_owned(), "'^.*$'".to_owned()],
                _ => Vec::new(),
            };
            for other in others {
                draft.replace(family, cell, &other);
            }
            if let "scope" | "accept" = cell.name.as_str() {
                for element in cell.children() {
                    draft.delete(family, element);
                    draft.replace(family, element, &quoted("zz"));
                }
                for form in FORMS.iter().filter(|_| cell.name == "accept") {
                    draft.append(family, cell, &quoted(form));
                }
            }
        }
        if let (Some(left), Some(right)) = (resolver.get("left"), resolver.get("right")) {
            draft.swap(family, left, right);
        }
    }
}

/// The columns of a call's list.
fn rows_of(files: &Files, call: &Node, rows: &str) -> Option<Vec<(String, String)>> {
    let answer = call.children_of(&["answers"]).first()?;
    let (file, schema) = files.schema(&["canonical"], answer.says())?;
    let list = schema.get("properties")?.get(rows)?;
    let (file, list) = files.resolved(&file, list);
    let (file, _) = files.resolved(&file, list.get("items")?);
    let places = files.places(&["canonical"], &file.1);
    Some(places.into_iter().filter(|(path, _)| !path.contains('.')).collect())
}

fn pages(tree: &Node, draft: &mut Draft<'_>) {
    let family = Family::Page;
    for page in tree.children_of(&["page"]) {
        for cell in page.children().iter().filter(|cell| cell.name != "fields") {
            draft.delete(family, cell);
            for inner in cell.children() {
                draft.delete(family, inner);
                if let Ok(number) = inner.says().parse::<i64>() {
                    draft.replace(family, inner, &(number + 1).to_string());
                }
            }
        }
        if let Some(style) = page.get("style") {
            for other in ["number", "offset", "cursor"] {
                draft.replace(family, style, &quoted(other));
            }
        }
        let fields = page.children_of(&["fields"]);
        for field in fields {
            draft.delete(family, field);
            draft.rename(family, field, "zz");
        }
        draft.swap_all(family, &fields.iter().collect::<Vec<_>>());
    }
}

fn lenses(files: &Files, mapping: &str, draft: &mut Draft<'_>) {
    let folders = files.chain(mapping);
    let names = Names::of(files, mapping);
    let own = files.schema_names(&folders);
    let canonical = files.schema_names(&["canonical"]);
    for lens in files.tree(mapping).children_of(&["lens"]) {
        // A generation says of a lens only what is different in it.
        let said = |key: &str| {
            let lenses = files.all(mapping, &["lens"]).into_iter().map(|(_, other)| other);
            let mut lenses = lenses.filter(|other| other.name == lens.name);
            lenses.find_map(|other| other.get(key)).map(Node::says)
        };
        let left = said("schema").map(|name| files.places(&folders, name)).unwrap_or_default();
        let right = said("canonical").map(|name| files.places(&["canonical"], name)).unwrap_or_default();
        let sides = Sides { left, right };
        fields::fields(lens.children_of(&["fields"]), &sides, &names, draft);
        for (key, known) in [("schema", &own), ("canonical", &canonical)] {
            if let Some(cell) = lens.get(key) {
                draft.delete(Family::Operation, cell);
                neighbours(cell, known, draft);
            }
        }
        for key in ["bare", "scalar", "shows"] {
            if let Some(cell) = lens.get(key) {
                draft.delete(Family::Operation, cell);
            }
        }
        for set in lens.children_of(&["sets"]) {
            draft.delete(Family::Value, set);
            fields::value(set, &names, draft);
        }
        for scope in lens.children_of(&["scope"]) {
            draft.delete(Family::Place, scope);
            for (place, _) in sides.right.iter().filter(|(path, _)| path.ends_with("id")) {
                draft.replace(Family::Place, scope, &quoted(place));
            }
        }
        for loss in lens.children_of(&["drops"]).iter().chain(lens.children_of(&["ignores"])) {
            draft.delete(Family::Ledger, loss);
            draft.rename(Family::Ledger, loss, "zz");
        }
        for taken in lens.children_of(&["without"]) {
            draft.delete(Family::Ledger, taken);
        }
    }
}

/// The names around the one that is there.
pub(super) fn neighbours(cell: &Node, known: &[&str], draft: &mut Draft<'_>) {
    let here = known.iter().position(|name| *name == cell.says()).unwrap_or(0);
    let near = known.iter().skip(here.saturating_sub(NEIGHBOURS)).take(2 * NEIGHBOURS + 1);
    for name in near {
        draft.replace(Family::Operation, cell, &quoted(name));
    }
    draft.replace(Family::Operation, cell, &quoted("zz"));
}
