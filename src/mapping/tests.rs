//! Loads small mappings with one fault each, and the shipped ones with any.

mod generations;
mod retirement;

use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::LazyLock;
use std::thread;

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::diag::Diagnostic;
use crate::schema::SchemaFile;

const CANONICAL_TEXT: &str = r#"
[canonical]
title  = "Things"
prefix = "/v1"

[page]
items  = "items"
total  = "total"
limit  = "limit"
offset = "offset"

[capabilities]
"thing.read"  = "read things"
"thing.write" = "write things"

[roles]
owner = ["*"]
guest = ["thing.read"]

[[operation]]
name    = "things.list"
request = "GET /things"
query   = ["slug", "limit", "offset"]
answers = { 200 = "thing_list" }

[[operation]]
name    = "things.add"
request = "POST /things/{group_id}"
body    = "thing_add"
answers = { 201 = "thing" }
"#;

const MAPPING_TEXT: &str = r#"
[dialect]
title  = "Acme"
hosts  = ["acme.example"]
prefix = "/api"

[[credential]]
header  = "X-Key"
pattern = '^[a-z]+$'

[errors]
content_type = "application/json"

[errors.plain]
error = "message"

[id.any]
form = "uuid"

[[role.row]]
word = "boss"
is   = "owner"
may  = ["*"]

[role.lands]
guest = { refuse = "no word is as weak" }

[table.state]
rows  = [["on", "active"], ["off", "idle"]]
lands = { away = { as = "off" } }

[resolver.group]
calls = "things.list"
find  = "slug"
rows  = "items"
left  = "slug"
right = "id"

[lens.thing_add]
schema    = "thing_add"
canonical = "thing_add"

[lens.thing_add.fields]
role  = { at = "role", role = true }
place = "place.room"

[lens.thing_add.sets]
"place.floor" = 1

[lens.thing]
schema    = "thing"
canonical = "thing"

[lens.thing.fields]
id    = { at = "id", id = "any" }
state = { at = "state", table = "state" }

[lens.thing.drops]
slug = "not shown"

[[operation]]
name    = "add"
request = "POST /{group}/things"
path    = { group = { at = "group_id", resolve = "group" } }
body    = "thing_add"
calls   = "things.add"
answers = { 201 = { status = 200, body = "thing" } }
"#;

const SCHEMAS: [(&str, &str, &str); 5] = [
    (
        "canonical",
        "thing",
        r#"{"type": "object", "properties": {"id": {"type": "string"}, "slug": {"type": "string"},
            "state": {"enum": ["active", "idle", "away"]}}, "required": ["id"], "additionalProperties": false}"#,
    ),
    (
        "canonical",
        "thing_list",
        r#"{"type": "object", "properties": {"items": {"type": "array", "items": {"$ref": "thing.json"}}}}"#,
    ),
    (
        "canonical",
        "thing_add",
        r#"{"type": "object", "properties": {"role": {"enum": ["owner", "guest"]}, "place": {"type": "object",
            "properties": {"room": {"type": "string"}, "floor": {"type": "integer"}}, "required": ["room", "floor"]}},
            "required": ["role"], "additionalProperties": false}"#,
    ),
    (
        "acme",
        "thing_add",
        r#"{"type": "object", "properties": {"role": {"enum": ["boss"]}, "place": {"type": "string"}},
            "required": ["role", "place"]}"#,
    ),
    (
        "acme",
        "thing",
        r#"{"type": "object", "properties": {"id": {"type": "string"}, "state": {"enum": ["on", "off"]}},
            "required": ["id"], "additionalProperties": false}"#,
    ),
];

fn small_store() -> Store {
    let mut sources = Sources::default();
    let files = SCHEMAS.map(|(folder, name, text)| SchemaFile {
        source: sources.add(name, text),
        folder: folder.to_owned(),
        name: name.to_owned(),
        text: text.to_owned(),
    });
    let (store, found) = Store::load(files.into());
    assert_eq!(found, []);
    store
}

fn load_texts(texts: &[(&str, &str)], schemas: &Store) -> (Option<Registry>, Vec<Diagnostic>) {
    compile_texts(texts, schemas, Some(Trials::default()))
}

fn compile_texts(
    texts: &[(&str, &str)],
    schemas: &Store,
    trials: Option<Trials>,
) -> (Option<Registry>, Vec<Diagnostic>) {
    let mut sources = Sources::default();
    let texts: Vec<_> = texts
        .iter()
        .map(|(name, text)| MappingText { name: (*name).to_owned(), source: sources.add(*name, *text) })
        .collect();
    let Compiled { registry, found, .. } = load_and_try(&texts, &sources, schemas, trials);
    (registry, found.into_vec())
}

/// What is said of the small mapping when `old` stands there as `new`.
fn said_of(old: &str, new: &str) -> Vec<(&'static str, String)> {
    assert!(MAPPING_TEXT.contains(old), "{old}");
    let text = MAPPING_TEXT.replacen(old, new, 1);
    let (_, found) = load_texts(&[(CANONICAL, CANONICAL_TEXT), ("acme", &text)], &small_store());
    found.into_iter().map(|one| (one.code.as_str(), one.message)).collect()
}

fn codes_of(old: &str, new: &str) -> Vec<&'static str> {
    said_of(old, new).into_iter().map(|(code, _)| code).collect()
}

#[test]
fn a_sound_mapping_becomes_a_dialect_without_a_word() {
    let (registry, found) =
        load_texts(&[(CANONICAL, CANONICAL_TEXT), ("acme", MAPPING_TEXT)], &small_store());

    assert_eq!(found, []);
    let registry = registry.unwrap();
    let dialect = registry.dialect("acme").unwrap();
    assert_eq!(dialect.prefix, "/api");
    assert_eq!(dialect.operations[0].template(), "/{group}/things");
    assert_eq!(dialect.operations[0].request.fields().len(), 4, "the body's, what it sets, and the path's");
}

#[test]
fn one_cause_is_told_once_however_much_follows_from_it() {
    for (old, new, code) in [
        ("form = \"uuid\"", "form = \"guid\"", "M0109"),
        ("form = \"uuid\"", "", "M0104"),
        ("calls = \"things.list\"", "calls = \"things.lst\"", "M0209"),
        ("[resolver.group]\ncalls = \"things.list\"", "[resolver.group]", "M0104"),
        ("word = \"boss\"\n", "", "M0104"),
        ("is   = \"owner\"", "is   = \"ower\"", "M0203"),
        ("may  = [\"*\"]", "may  = [\"thing.raed\"]", "M0214"),
        ("[\"off\", \"idle\"]]", "[\"off\"]]", "M0103"),
        ("[\"on\", \"active\"]", "[\"on\", \"actve\"]", "M0302"),
        ("at = \"state\", table", "at = \"sttae\", table", "M0202"),
        ("state = { at", "sttae = { at", "M0201"),
        ("role  = { at = \"role\", role = true }", "role = 7", "M0103"),
        ("table = \"state\" }", "table = \"state\", id = \"any\" }", "M0106"),
        ("request = \"POST /{group}/things\"", "request = \"POST things\"", "M0111"),
        ("calls   = \"things.add\"", "calls   = \"things.ad\"", "M0209"),
        ("calls   = \"things.add\"", "", "M0104"),
        ("at = \"group_id\"", "at = \"grp\"", "M0218"),
        ("answers = { 201 =", "answers = { 20 =", "M0112"),
    ] {
        let said = said_of(old, new);
        assert_eq!(said.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [code], "{new}: {said:?}");
    }
}

#[test]
fn a_default_has_to_be_a_word_of_its_table() {
    let with_default = |word: &str| format!("role  = {{ at = \"role\", role = true, default = \"{word}\" }}");
    let role = "role  = { at = \"role\", role = true }";

    assert_eq!(codes_of(role, &with_default("boss")), [""; 0]);
    assert_eq!(codes_of(role, &with_default("chief")), ["M0106"]);
}

#[test]
fn a_default_cannot_be_looked_up() {
    let said = codes_of("resolve = \"group\" }", "resolve = \"group\", default = \"main\" }");
    assert_eq!(said, ["M0106"]);
}

#[test]
fn a_place_may_be_filled_in_several_ways_and_each_is_checked() {
    let state = "state = { at = \"state\", table = \"state\" }";
    let ways = |second: &str| format!("state = [{{ at = \"state\", table = \"state\" }}, {second}]");

    assert_eq!(codes_of(state, &ways("{ constant = \"off\" }")), [""; 0]);
    assert_eq!(codes_of(state, &ways("{ at = \"sate\" }")), ["M0202"]);
    assert!(codes_of(state, "state = []").contains(&"M0103"), "no way at all");
}

#[test]
fn an_object_that_is_sent_in_part_needs_all_that_it_requires() {
    let said = said_of("[lens.thing_add.sets]\n\"place.floor\" = 1\n", "");
    let message = "`things.add` needs `place.floor`, and operation `add` never sends it";
    assert!(said.contains(&("M0401", message.to_owned())), "{said:?}");
}

#[test]
fn what_a_call_does_not_take_is_told_with_what_it_takes() {
    let text = MAPPING_TEXT.replace("at = \"group_id\"", "at = \"groupid\"");
    let (_, found) = load_texts(&[(CANONICAL, CANONICAL_TEXT), ("acme", &text)], &small_store());
    assert_eq!(found[0].help.as_deref(), Some("did you mean `group_id`?"));
}

#[test]
fn a_canonical_operation_has_a_name_of_its_own() {
    let canonical = CANONICAL_TEXT.replace("\"things.list\"", "\"things.add\"");
    let (_, found) = load_texts(&[(CANONICAL, &canonical)], &small_store());
    let codes: Vec<_> = found.iter().map(|one| one.code.as_str()).collect();
    assert_eq!(codes, ["R0103"]);
}

#[test]
fn a_host_is_not_named_twice_by_one_dialect() {
    assert_eq!(codes_of("[\"acme.example\"]", "[\"acme.example\", \"ACME.example\"]"), ["R0102"]);
}

#[test]
fn a_page_holds_at_least_one_item_and_at_most_its_limit() {
    for limit in ["default = 0", "max = -1", "default = 50, max = 10"] {
        let page = format!(
            "[page.some]\nstyle = \"number\"\nstart = \"page\"\nlimit = {{ query = \"size\", {limit} }}\n\n\
             [page.some.fields]\nthings = \"items\"\n\n[[operation]]\npage = \"some\""
        );
        assert_eq!(codes_of("[[operation]]", &page), ["M0106"], "{limit}");
    }
}

struct Shipped {
    mappings: Vec<(String, String)>,
    schemas: Store,
}

/// The mappings and schemas of this repository.
static SHIPPED: LazyLock<Shipped> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Sources::default();
    let mut files = Vec::new();
    for folder in fs::read_dir(root.join("schemas")).unwrap() {
        let folder = folder.unwrap().path();
        for (name, text) in texts_in(&folder) {
            let folder = folder.file_name().unwrap().to_str().unwrap().to_owned();
            files.push(SchemaFile { source: sources.add(&*name, &*text), folder, name, text });
        }
    }
    let (schemas, found) = Store::load(files);
    assert_eq!(found, []);
    Shipped { mappings: texts_in(&root.join("mappings")), schemas }
});

fn texts_in(folder: &Path) -> Vec<(String, String)> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut texts: Vec<_> = files
        .map(|file| {
            let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(file).unwrap())
        })
        .collect();
    texts.sort();
    texts
}

/// Loads the canonical API and one other mapping, one of them changed.
fn load_changed(changed: usize, text: &str) -> (Option<Registry>, Vec<Diagnostic>) {
    let mappings = &SHIPPED.mappings;
    let partner = |name: &str| (mappings[changed].0 == CANONICAL) != (name == CANONICAL);
    let (name, other) = mappings.iter().find(|(name, _)| partner(name)).unwrap();
    // Whatever could be extended is there too.
    let extends = mappings[changed].1.contains("\nextends");
    let bases = mappings.iter().filter(|(_, base)| extends && base.contains("\nprefix"));
    let bases = bases.filter(|(base, _)| base != name).map(|(name, text)| (&**name, &**text));
    let texts: Vec<_> =
        [(&*mappings[changed].0, text), (&**name, &**other)].into_iter().chain(bases).collect();
    // Only what the text says is looked at: that it is thousands of times is enough.
    compile_texts(&texts, &SHIPPED.schemas, None)
}

/// A registry is of everything that was written; if there is none, something was said.
fn assert_whole_or_told(changed: usize, text: &str) {
    let (registry, found) = load_changed(changed, text);
    let Some(registry) = registry else {
        assert!(!found.is_empty(), "{text}");
        return;
    };
    // Of a generation only what is different is written.
    let whole = registry.dialect(&SHIPPED.mappings[changed].0).filter(|dialect| dialect.extends.is_empty());
    if let Some(dialect) = whole {
        assert_eq!(dialect.operations.len(), text.matches("[[operation]]").count(), "{text}");
        assert_eq!(dialect.credentials.len(), text.matches("[[credential]]").count(), "{text}");
    }
}

#[test]
fn nothing_is_wrong_with_the_shipped_mappings() {
    let texts: Vec<_> = SHIPPED.mappings.iter().map(|(name, text)| (&**name, &**text)).collect();
    let (registry, found) = load_texts(&texts, &SHIPPED.schemas);

    assert_eq!(found, []);
    assert_eq!(registry.unwrap().dialects().len(), texts.len() - 1);
}

#[test]
fn a_mapping_without_any_one_of_its_lines_is_whole_or_told_of() {
    let mut changed = Vec::new();
    for (index, (_, text)) in SHIPPED.mappings.iter().enumerate() {
        let lines: Vec<&str> = text.lines().collect();
        for (without, line) in lines.iter().enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            changed.push((index, [&lines[..without], &lines[without + 1..]].concat().join("\n")));
        }
    }
    // They are thousands, and each of them is compiled.
    let workers = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    thread::scope(|scope| {
        for part in changed.chunks(changed.len().div_ceil(workers)) {
            scope.spawn(move || part.iter().for_each(|(index, text)| assert_whole_or_told(*index, text)));
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_change_of_a_mapping_brings_the_compiler_down(
        which: Index,
        at: Index,
        length in 0_usize..12,
        piece in prop::sample::select(vec![
            "", "\"", "x", "{", "}", "[", "]", ".", "=", "\n", "null", "$body", "$path.x", "0", "-1", "true", "[[operation]]\n",
        ]),
    ) {
        let which = which.index(SHIPPED.mappings.len());
        let mut text = SHIPPED.mappings[which].1.clone();
        let start = text.floor_char_boundary(at.index(text.len()));
        let end = text.floor_char_boundary((start + length).min(text.len()));
        text.replace_range(start..end, piece);

        let (registry, found) = load_changed(which, &text);
        prop_assert!(registry.is_some() || !found.is_empty());
    }
}
