//! Which module may import from which: the rows of the table, and what breaks them.

/// The modules of `src/` in rows. A module knows its own row and the rows above it, never one below.
const ROWS: [(&str, &[&str]); 7] = [
    ("words", &["canonical", "causes", "diag", "json", "once", "pem", "telemetry", "time"]),
    ("pure engines", &["lens", "limit", "problem", "schema"]),
    ("model", &["dialect", "translate"]),
    ("compilers and components", &["ids", "mapping", "openapi", "upstream", "usage"]),
    ("pipeline", &["gateway"]),
    ("shell", &["admin", "backend", "config", "server"]),
    ("wiring", &["boot", "cli", "lib", "main"]),
];

/// The row that knows everything.
const WIRING: usize = ROWS.len() - 1;

/// The two halves, compilers and runtime, meet only in `dialect`, and components do not know each other: besides the
/// wiring, only the modules named may import these, wherever the rows put them.
const KNOWN_ONLY_TO: [(&str, &[&str]); 6] = [
    // A guest in the house. `config` fills its `Config`.
    ("backend", &["config"]),
    ("mapping", &[]),
    // `config` fills its `Config`.
    ("ids", &["config", "gateway"]),
    ("upstream", &["config", "gateway"]),
    // `config` fills its `Config`.
    ("usage", &["admin", "config", "gateway"]),
    ("gateway", &["config"]),
];

/// Finds imports that point the wrong way, in test code too. Comments are not code: a doc link may point anywhere.
pub(super) fn findings(path: &str, text: &str) -> Vec<String> {
    let Some(module) = module_of(path) else { return Vec::new() };
    let code = without_comments(text);
    let mut findings = Vec::new();
    for (offset, used) in uses(&code, depth_of(path)) {
        if let Err(reason) = may_use(module, used) {
            let line = code[..offset].matches('\n').count() + 1;
            findings.push(format!("{path}:{line}: `{module}` uses `{used}`, {reason}"));
        }
    }
    findings
}

/// Says that a file's module stands in no row.
pub(super) fn without_a_row(path: &str) -> Option<String> {
    let module = module_of(path)?;
    row_of(module).is_none().then(|| format!("{path}: `{module}` has no row"))
}

fn may_use(module: &str, used: &str) -> Result<(), String> {
    let (Some(own), Some(row)) = (row_of(module), row_of(used)) else { return Ok(()) };
    if used == module {
        return Ok(());
    }
    if row > own {
        return Err(format!(
            "which is below it: row {row} ({}), not row {own} ({})",
            ROWS[row].0, ROWS[own].0
        ));
    }
    let Some((_, friends)) = KNOWN_ONLY_TO.iter().find(|(name, _)| *name == used) else { return Ok(()) };
    if own == WIRING || friends.contains(&module) {
        return Ok(());
    }
    Err(format!("which only {} may", [friends, &["the wiring"][..]].concat().join(" and ")))
}

fn row_of(module: &str) -> Option<usize> {
    ROWS.iter().position(|(_, modules)| modules.contains(&module))
}

/// `src/lens/op/row.rs` belongs to `lens`.
fn module_of(path: &str) -> Option<&str> {
    let path = path.strip_prefix("src/")?;
    path.split('/').next().map(|first| first.trim_end_matches(".rs"))
}

/// How many `super` lead from a file's own module to the root of the crate.
fn depth_of(path: &str) -> usize {
    path.matches('/').count()
}

/// The top-level modules that a code names, with where: `crate::lens`, `crate::{lens::{run, path}, schema}`, or
/// as many `super::` as lead to the root.
fn uses(code: &str, depth: usize) -> Vec<(usize, &str)> {
    // Inside the module of the tests one more `super` is needed.
    let tests = code.find("#[cfg(test)]").unwrap_or(code.len());
    let mut found = Vec::new();
    for (start, _) in code.match_indices("crate::") {
        let is_whole = !code[..start].chars().next_back().is_some_and(is_word);
        let is_scope = code[..start].ends_with("(in ");
        if is_whole && !is_scope {
            names(code, start + "crate::".len(), &mut found);
        }
    }
    for (start, _) in code.match_indices("super::") {
        if code[..start].ends_with("super::") {
            continue;
        }
        let chain = code[start..].split("::").take_while(|&part| part == "super").count();
        if chain >= depth + usize::from(start > tests) {
            names(code, start + chain * "super::".len(), &mut found);
        }
    }
    found.sort_unstable();
    found
}

/// Takes the name at an offset, or the first name of each part of a group in braces.
fn names<'a>(code: &'a str, at: usize, found: &mut Vec<(usize, &'a str)>) {
    let mut begins = vec![at];
    if code[at..].starts_with('{') {
        begins.clear();
        let mut open = 0_usize;
        for (index, c) in code[at..].char_indices() {
            match c {
                '{' => open += 1,
                '}' => open -= 1,
                _ => {}
            }
            match (c, open) {
                (_, 0) => break,
                ('{' | ',', 1) => begins.push(at + index + 1),
                _ => {}
            }
        }
    }
    for begin in begins {
        let begin = begin + (code[begin..].len() - code[begin..].trim_start().len());
        let length = code[begin..].find(|c| !is_word(c)).unwrap_or(code.len() - begin);
        if length > 0 {
            found.push((begin, &code[begin..begin + length]));
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Cuts each line where a comment begins. A `//` in a string cuts its line too, which loses no import.
fn without_comments(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

mod rules_can_fail {
    use super::*;

    #[test]
    fn an_import_from_a_row_below_is_found_with_its_line() {
        let text = "//! Words.\n\nuse std::fmt;\nuse crate::gateway::Shared;\n";
        let found = findings("src/lens/op.rs", text);
        assert_eq!(
            found,
            [
                "src/lens/op.rs:4: `lens` uses `gateway`, which is below it: row 4 (pipeline), not row 1 (pure engines)"
            ]
        );
    }

    #[test]
    fn each_part_of_a_group_is_looked_at_however_it_is_nested() {
        let text =
            "use crate::{\n    json::{Value, gateway},\n    diag, server::{self, drain},\n    boot,\n};";
        let found = findings("src/problem.rs", text);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("src/problem.rs:3: `problem` uses `server`"), "{}", found[0]);
        assert!(found[1].starts_with("src/problem.rs:4: `problem` uses `boot`"), "{}", found[1]);
    }

    #[test]
    fn a_path_in_the_middle_of_code_counts_and_so_does_test_code() {
        assert_eq!(findings("src/json.rs", "fn a() { let x = crate::mapping::load(); }").len(), 1);
        assert_eq!(findings("src/json.rs", "#[cfg(test)]\nmod tests {\n    use crate::mapping;\n}").len(), 1);
    }

    #[test]
    fn the_way_round_over_super_is_found() {
        assert_eq!(findings("src/json.rs", "use super::mapping;").len(), 1);
        assert_eq!(findings("src/json/read.rs", "use super::super::mapping;").len(), 1);
        assert_eq!(
            findings("src/json.rs", "#[cfg(test)]\nmod tests {\n use super::super::mapping;\n}").len(),
            1
        );
        assert!(findings("src/json/read.rs", "use super::mapping;").is_empty(), "a submodule of its own");
        assert!(findings("src/json.rs", "#[cfg(test)]\nmod tests {\n use super::mapping;\n}").is_empty());
    }

    #[test]
    fn the_compilers_and_the_runtime_meet_only_in_the_dialect() {
        assert_eq!(findings("src/gateway.rs", "use crate::mapping;").len(), 1);
        assert_eq!(findings("src/upstream.rs", "use crate::ids;").len(), 1);
        assert_eq!(findings("src/server.rs", "use crate::backend;").len(), 1);
        assert!(findings("src/boot.rs", "use crate::{backend, ids, mapping, upstream};").is_empty());
    }

    #[test]
    fn what_the_table_allows_is_no_finding() {
        assert!(findings("src/lens.rs", "use crate::{json, problem, schema, telemetry, time};").is_empty());
        assert!(
            findings("src/lens.rs", "/// See [`boot`](crate::boot).\nuse crate::json; // not crate::boot")
                .is_empty()
        );
        assert!(findings("src/lens/op.rs", "pub(in crate::lens) fn a() {}").is_empty());
        assert!(findings("tests/gateway/main.rs", "use crate::boot;").is_empty());
    }

    #[test]
    fn a_module_that_nobody_put_in_a_row_is_found() {
        assert_eq!(without_a_row("src/plugin/a.rs").as_deref(), Some("src/plugin/a.rs: `plugin` has no row"));
        assert_eq!(without_a_row("src/lens/a.rs"), None);
    }
}
