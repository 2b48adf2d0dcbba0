//! What `docs/security.md` says of how many cases there are is so.

use std::fs;
use std::path::Path;

use super::{GROUPS, answers, case, compare, passing};

fn page() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/security.md")).unwrap()
}

/// Files that a row names together, and how many cases it says they have: of each line `` | `one`, `other` | 12 | about | ``.
fn rows(page: &str) -> Vec<(Vec<&str>, usize)> {
    let (_, part) = page.split_once("\n| file | cases | about |\n").expect("a table");
    let rows = part.lines().take_while(|line| line.starts_with('|')).filter_map(|line| {
        let (names, rest) = line.strip_prefix("| `")?.split_once(" | ")?;
        let count = number(rest.split_once(" | ")?.0)?;
        Some((names.split("`, `").map(|name| name.trim_end_matches('`')).collect(), count))
    });
    rows.collect()
}

/// As it is written, with a comma behind the thousands.
fn number(text: &str) -> Option<usize> {
    text.replace(',', "").parse().ok()
}

/// The number between two texts.
fn between(page: &str, before: &str, after: &str) -> usize {
    let text = page.split_once(before).and_then(|(_, rest)| rest.split_once(after));
    text.and_then(|(text, _)| number(text))
        .unwrap_or_else(|| panic!("no number between `{before}` and `{after}`"))
}

#[test]
fn every_file_is_in_the_table_with_as_many_cases_as_it_has() {
    let page = page();
    let rows = rows(&page);
    let mut wrong = Vec::new();
    for (names, said) in &rows {
        let there: usize = names.iter().map(|name| case::read(name, &answers::parts()).cases.len()).sum();
        if there != *said {
            wrong.push(format!("{}: {there}, not {said}", names.join(", ")));
        }
    }
    let mut named: Vec<_> = rows.iter().flat_map(|(names, _)| names.iter().copied()).collect();
    let mut files: Vec<_> = GROUPS.iter().map(|(name, _)| *name).chain([passing::ALONE]).collect();
    named.sort_unstable();
    files.sort_unstable();
    assert_eq!(named, files, "which files there are");

    let groups: Vec<_> = files.iter().map(|name| case::read(name, &answers::parts())).collect();
    let cases: usize = groups.iter().map(|group| group.cases.len()).sum();
    let loose: usize = groups.iter().map(|group| group.loose.len()).sum();
    let (_, sentence) = page.split_once("How it is tried").expect("a part about that");
    let said = (between(sentence, "\nOf ", " cases all"), between(sentence, "may, and ", " as they should"));
    if said != (cases, cases - loose) {
        wrong.push(format!("all, and as they should best: {:?}, not {said:?}", (cases, cases - loose)));
    }
    assert!(
        wrong.is_empty(),
        "docs/security.md says otherwise than tests/hazards:\n  {}",
        wrong.join("\n  ")
    );
}

#[test]
fn the_comparison_is_of_the_cases_that_there_are() {
    let page = page();
    let mut all = 0;
    let mut wrong = Vec::new();
    for name in compare::FILES {
        let group = case::read(name, &answers::parts());
        let there = group.cases.iter().filter(|case| case.plain).count();
        let said = between(&page, &format!("| {name} ("), ")");
        if there != said {
            wrong.push(format!("{name}: {there}, not {said}"));
        }
        all += there;
    }
    let said = between(&page, "| all (", ")");
    if all != said {
        wrong.push(format!("all: {all}, not {said}"));
    }
    assert!(wrong.is_empty(), "run tests/hazards/compare anew:\n  {}", wrong.join("\n  "));
}

#[test]
fn a_table_that_says_otherwise_is_found() {
    let page = "text\n\n| file | cases | about |\n| --- | --- | --- |\n| `one` | 1,402 | a |\n| `two`, `three` | 22 | b |\n| a | 3 | c |\n\n| `limit` | 7 | d |\n";
    assert_eq!(rows(page), [(vec!["one"], 1402), (vec!["two", "three"], 22)]);
    assert_eq!(between("\nOf 1,402 cases", "\nOf ", " cases"), 1402);
}
