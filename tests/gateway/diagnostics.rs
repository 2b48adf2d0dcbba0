//! Runs `tests/diagnostics/`: one folder, one fault, one message (the README there says how a case is written).

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::{Path, PathBuf},
};

use interlingua::{
    boot,
    config::{Config, Known},
    diag::{Diagnostic, Diagnostics, Severity, SourceId, Sources, code, render::Kind},
    dialect::Registry,
    mapping::{self, MappingText},
    schema::{SchemaFile, Store},
};

/// Codes without a case, and why.
const WITHOUT_A_CASE: [(&str, &str); 16] = {
    let pairs = "about records that `interlingua ids match` reads: its cases are in matching.rs";
    let files = "about files that settings name: its cases are in src/boot/named.rs, and in lifecycle/certificates.rs";
    let documents = "about documents given to `interlingua validate`: its cases are in tests/validate";
    [
        ("C0302", "about certificates that a reload reads: its case is in lifecycle/certificates.rs"),
        ("C0304", files),
        ("C0305", files),
        ("C0307", files),
        ("M1007", "said only where `check` is given a date: its case is in src/cli/check/past.rs"),
        ("V0101", documents),
        ("V0102", documents),
        ("V0103", documents),
        ("V0104", documents),
        ("V0105", documents),
        ("V0106", documents),
        ("V0107", "about answers that `interlingua replay` gets: its cases are in tests/replay"),
        ("V0201", pairs),
        ("V0202", pairs),
        ("V0203", pairs),
        ("V0204", pairs),
    ]
};

#[test]
fn the_base_of_the_cases_is_sound() {
    let found = load(&read(&root().join("base")));
    assert!(found.is_empty(), "{}", listed(&found));
}

#[test]
fn each_case_says_its_one_fault_and_nothing_else() {
    let failures: Vec<String> = cases().iter().filter_map(|name| run(name).err()).collect();
    assert!(failures.is_empty(), "{} cases:\n\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn each_code_has_a_case() {
    let cases = cases();
    for entry in code::ALL.iter() {
        let code = entry.code.as_str();
        let has_case = cases.iter().any(|name| name.starts_with(&format!("{code}-")));
        let is_excused = WITHOUT_A_CASE.iter().any(|(excused, _)| *excused == code);
        assert!(has_case != is_excused, "{code} ({}): case: {has_case}, excused: {is_excused}", entry.title);
    }
}

#[test]
fn each_case_is_about_the_code_it_is_called_by() {
    for name in cases() {
        let code = name.split('-').next().unwrap_or_default();
        let expected = expectations(&read(&root().join(&name)));
        assert!(
            expected.len() == 1 && expected.iter().all(|one| one.code == code),
            "{name}: {}",
            listed(&expected)
        );
    }
}

/// Families of codes that say what is wrong with a mapping as a whole, where nothing at its place says what to write
/// instead. Those of the grammar and of values show it in their labels.
const WITH_A_WAY_OUT: [&str; 8] = ["M02", "M03", "M04", "M05", "M06", "M07", "M09", "R01"];

#[test]
fn whatever_is_wrong_with_a_mapping_is_told_with_the_way_out() {
    let is_meant = |name: &String| WITH_A_WAY_OUT.iter().any(|family| name.starts_with(family));
    let lacking = cases().into_iter().filter(is_meant);
    let lacking = lacking.filter(|name| {
        let found = loaded(name).found.into_vec();
        found.iter().any(|one| one.severity != Severity::Note && one.help.is_none())
    });
    let lacking: Vec<_> = lacking.collect();
    assert!(lacking.is_empty(), "{} without help:\n{}", lacking.len(), lacking.join("\n"));
}

/// What a case says, or should say: a code, with `file:line` unless it is about no place in particular.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    code: String,
    place: Option<String>,
}

impl Finding {
    fn of(diagnostic: &Diagnostic, sources: &Sources) -> Self {
        let place = diagnostic.primary().map(|span| {
            let (line, _) = sources.line_column(span.source, span.start);
            format!("{}:{line}", sources.path(span.source))
        });
        Self { code: diagnostic.code.as_str().to_owned(), place }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.place.as_deref().unwrap_or("(nowhere)"))
    }
}

/// The files of a folder by their path in it.
type Files = BTreeMap<String, String>;

fn run(name: &str) -> Result<(), String> {
    let case = read(&root().join(name));
    let expected = expectations(&case);
    let Loaded { sources, found, .. } = loaded(name);
    let found = findings(found, &sources);
    if found == expected {
        return Ok(());
    }
    Err(format!("{name}\n  expected: {}\n  found:    {}\n", listed(&expected), listed(&found)))
}

/// The notes that a sound mapping may come with, as the base does: they count where a case is about them.
const NOTES: [&str; 1] = ["M0608"];

/// What was loaded of a case, and what is wrong with it.
pub(crate) struct Loaded {
    pub(crate) sources: Sources,
    pub(crate) files: Vec<(SourceId, Kind)>,
    pub(crate) found: Diagnostics,
}

/// Loads a case over the base, or its configuration beside them.
pub(crate) fn loaded(name: &str) -> Loaded {
    let case = read(&root().join(name));
    let mut loaded = match case.get("config.toml") {
        Some(text) => {
            let (text, started) = (text.clone(), case.get("started.toml").cloned());
            parse_config(&text, started.as_ref(), &laid_over(read(&root().join("base")), case))
        }
        None => load_files(&laid_over(read(&root().join("base")), case)).0,
    };
    if !NOTES.iter().any(|code| name.starts_with(code)) {
        loaded.found = without_notes(loaded.found);
    }
    loaded
}

fn without_notes(found: Diagnostics) -> Diagnostics {
    let mut others = Diagnostics::default();
    others.extend(found.into_iter().filter(|diagnostic| !NOTES.contains(&diagnostic.code.as_str())));
    others
}

/// The file and line of what is wrong in a case, if it is about a place.
pub(crate) fn seeded(name: &str) -> Option<String> {
    expectations(&read(&root().join(name))).pop_first().and_then(|finding| finding.place)
}

/// Loads mappings and schemas as the program does.
fn load(files: &Files) -> BTreeSet<Finding> {
    let (Loaded { sources, found, .. }, _) = load_files(files);
    findings(without_notes(found), &sources)
}

fn load_files(files: &Files) -> (Loaded, Option<Registry>) {
    let mut sources = Sources::default();
    let (mut schemas, mut mappings, mut kinds) = (Vec::new(), Vec::new(), Vec::new());
    for (path, text) in files {
        let parts: Vec<&str> = path.split(['/', '.']).collect();
        match parts[..] {
            ["schemas", folder, name, "json"] => {
                let source = sources.add(path, text);
                kinds.push((source, Kind::Schema));
                let (folder, name, text) = (folder.to_owned(), name.to_owned(), text.clone());
                schemas.push(SchemaFile { source, folder, name, text });
            }
            ["mappings", name, "toml"] => {
                let source = sources.add(path, text);
                let kind = if name == mapping::CANONICAL { Kind::Canonical } else { Kind::Mapping };
                kinds.push((source, kind));
                mappings.push(MappingText { name: name.to_owned(), source });
            }
            _ => {}
        }
    }

    let mut found = Diagnostics::default();
    let (store, wrong) = Store::load(schemas);
    found.extend(wrong);
    let names = mappings.iter().map(|mapping| mapping.name.as_str());
    found.extend(store.of_nobody(&names.chain([mapping::CANONICAL]).collect::<Vec<_>>()));
    let (registry, wrong) = mapping::load(&mappings, &sources, &store);
    assert_eq!(registry.is_none(), wrong.has_errors(), "mappings that are wrong do not become a registry");
    found.extend(wrong);
    (Loaded { sources, files: kinds, found }, registry)
}

/// Reads a configuration beside mappings and schemas, at the start, or at a reload after a start with another one.
fn parse_config(text: &str, started: Option<&String>, files: &Files) -> Loaded {
    let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
    let source = sources.add("config.toml", text);
    let config = Config::parse(source, text, &mut found);
    let (_, registry) = load_files(files);
    let registry = registry.expect("its mappings are sound");
    let known: Vec<_> = registry.dialects().iter().map(|one| Known::from(&**one)).collect();
    let started = started.map(|text| {
        let source = sources.add("started.toml", text);
        Config::parse(source, text, &mut found).expect("the program was started with it")
    });
    if let (Some(config), Some(started)) = (&config, &started) {
        found.extend(config.fixed_changes(started, Some((source, text))));
    }
    if let Some(config) = config {
        found.extend(config.strangers(&known));
        let undeclared = boot::undeclared::look(&config, &registry);
        // What is declared is told, too.
        found.extend(undeclared.into_iter().filter(|one| one.severity != Severity::Note));
    }
    Loaded { sources, files: vec![(source, Kind::Config)], found }
}

fn findings(found: Diagnostics, sources: &Sources) -> BTreeSet<Finding> {
    let found = found.into_vec();
    let set: BTreeSet<_> = found.iter().map(|diagnostic| Finding::of(diagnostic, sources)).collect();
    assert_eq!(set.len(), found.len(), "the same is said twice: {}", listed(&set));
    set
}

/// What a case expects: its `#~ CODE` marks and the lines of its `expected` file.
fn expectations(case: &Files) -> BTreeSet<Finding> {
    let mut expected = BTreeSet::new();
    for (path, text) in case {
        for (index, line) in text.lines().enumerate() {
            let (code, place) = if path == "expected" {
                line.split_once(' ').map_or((line, None), |(code, place)| (code, Some(place.to_owned())))
            } else if let Some((_, code)) = line.split_once("#~ ") {
                (code, Some(format!("{path}:{}", index + 1)))
            } else {
                continue;
            };
            expected.insert(Finding { code: code.to_owned(), place });
        }
    }
    expected
}

fn laid_over(mut base: Files, case: Files) -> Files {
    for (path, text) in case {
        if text.is_empty() {
            base.remove(&path);
        } else {
            base.insert(path, text);
        }
    }
    base
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics")
}

pub(crate) fn cases() -> Vec<String> {
    let entries = fs::read_dir(root())
        .expect("the cases can be listed")
        .map(|entry| entry.expect("a case can be read"));
    let folders = entries.filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> =
        folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| name != "base");
    names.sort();
    names
}

fn read(folder: &Path) -> Files {
    let mut files = Files::new();
    read_into(folder, "", &mut files);
    files
}

fn read_into(folder: &Path, prefix: &str, files: &mut Files) {
    for entry in fs::read_dir(folder).expect("a case can be listed") {
        let path = entry.expect("a case can be listed").path();
        let name = path.file_name().expect("an entry has a name").to_string_lossy().into_owned();
        if path.is_dir() {
            read_into(&path, &format!("{prefix}{name}/"), files);
        } else {
            files.insert(format!("{prefix}{name}"), fs::read_to_string(&path).expect("a case is text"));
        }
    }
}

fn listed(findings: &BTreeSet<Finding>) -> String {
    if findings.is_empty() {
        return "nothing".to_owned();
    }
    findings.iter().map(Finding::to_string).collect::<Vec<_>>().join(", ")
}
