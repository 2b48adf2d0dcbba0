//! Mutants of the tables of words: the roles', and all others.

use super::draft::{Draft, Family, quoted};
use super::files::Files;
use super::tree::Node;

/// Every cell of every row, and every landing, of one mapping.
pub(super) fn tables(files: &Files, mapping: &str, draft: &mut Draft<'_>) {
    role_rows(files, mapping, draft);
    let words = words(files, mapping, &["role", "row"], "word");
    landings(files.tree(mapping).children_of(&["role", "lands"]), &words, Family::RoleLanding, draft);
    for table in files.tree(mapping).children_of(&["table"]) {
        let rows = table.children_of(&["rows"]);
        let pairs = rows.iter().filter_map(|row| Some((row.get("0")?, row.get("1")?)));
        let (words, canonical): (Vec<_>, Vec<_>) = pairs.unzip();
        let lands = table.children_of(&["lands"]);
        let landed = lands.iter().map(|land| quoted(&land.name));
        let known: Vec<_> = canonical.iter().map(|node| draft.spelt(node).to_owned()).chain(landed).collect();
        let spelt: Vec<_> = words.iter().map(|node| draft.spelt(node).to_owned()).collect();
        column(&words, &spelt, Family::TableRow, draft);
        column(&canonical, &known, Family::TableRow, draft);
        for row in rows {
            draft.delete(Family::TableRow, row);
        }
        landings(lands, &spelt, Family::TableLanding, draft);
    }
}

fn role_rows(files: &Files, mapping: &str, draft: &mut Draft<'_>) {
    let family = Family::RoleCell;
    let rows = files.tree(mapping).children_of(&["role", "row"]);
    let roles: Vec<_> = files.canonical_names("roles").into_iter().map(quoted).collect();
    for (name, known) in [
        ("word", words(files, mapping, &["role", "row"], "word")),
        ("is", roles),
        ("label", words(files, mapping, &["role", "row"], "label")),
        ("also", words(files, mapping, &["role", "row"], "also")),
        ("may", words(files, mapping, &["role", "row"], "may")),
    ] {
        let cells: Vec<_> = rows.iter().filter_map(|row| row.get(name)).collect();
        column(&cells, &known, family, draft);
    }
    for row in rows {
        draft.delete(family, row);
        for cell in row.children().iter().filter(|cell| cell.name != "word") {
            draft.delete(family, cell);
            for element in cell.children() {
                draft.delete(family, element);
                draft.replace(family, element, &quoted("zz"));
            }
        }
        let Some(is) = row.get("is") else { continue };
        if let Some(may) = row.get("may") {
            draft.replace(family, may, "[]");
            draft.replace(family, may, "[\"*\"]");
            for capability in files.canonical_names("capabilities") {
                draft.append(family, may, &quoted(capability));
            }
        }
        let mut add = |key: &str, value: &str| {
            if row.get(key).is_none() {
                let text = format!("\n{key} = {value}");
                draft.insert(family, is, is.value.end, &text, &format!("has `{key} = {value}` beside it"));
            }
        };
        add("widens", "\"no reason\"");
        for word in words(files, mapping, &["role", "row"], "word") {
            add("also", &format!("[{word}]"));
        }
        add("also", "[\"zz\"]");
    }
}

/// The cells of one column: each becomes what the others are, and something nobody knows.
fn column(cells: &[&Node], known: &[String], family: Family, draft: &mut Draft<'_>) {
    for cell in cells {
        for value in known {
            draft.replace(family, cell, value);
        }
        if !cell.is_array() {
            draft.replace(family, cell, &quoted("zz"));
        }
    }
    draft.swap_all(family, cells);
}

fn landings(lands: &[Node], words: &[String], family: Family, draft: &mut Draft<'_>) {
    for land in lands {
        draft.delete(family, land);
        draft.rename(family, land, "zz");
        for word in words {
            draft.replace(family, land, &format!("{{ as = {word} }}"));
        }
        draft.replace(family, land, "{ as = \"zz\" }");
        draft.replace(family, land, "{ refuse = \"no reason\" }");
    }
    draft.swap_all(family, &lands.iter().collect::<Vec<_>>());
}

/// What the rows of a mapping, and of those it extends, have in a column.
fn words(files: &Files, mapping: &str, path: &[&str], column: &str) -> Vec<String> {
    let rows = files.all(mapping, path).into_iter();
    let cells = rows.filter_map(|(text, row)| Some(text[row.get(column)?.value.clone()].to_owned()));
    cells.collect()
}
