//! A mapping with lenses, their schemas, and documents, as the bytes of a fuzzer choose them.
//!
//! A schema says of most places what the op there can bring over, so that many of the mappings are sound. Which of them are,
//! the loader alone says.

use std::fmt::Write;

use interlingua::canonical::id::IdForm;
use interlingua::diag::{Sources, code};
use interlingua::dialect::Registry;
use interlingua::mapping::{self, MappingText, Trials};
use interlingua::schema::{SchemaFile, Store};
use serde_json::{Value, json};

use super::super::choices::Choices;

const CANONICAL: &str = r#"
[canonical]
title  = "Canonical"
prefix = "/v1"

[page]
items  = "items"
total  = "total"
limit  = "limit"
offset = "offset"

[capabilities]
read = "read content"

[roles]
owner  = ["*"]
viewer = ["read"]

[[operation]]
name    = "things.list"
request = "GET /things"
query   = ["slug", "limit", "offset"]
answers = { 200 = "things" }

[[operation]]
name    = "things.add"
request = "POST /things"
body    = "l0"
answers = { 201 = "l0" }

[[operation]]
name    = "things.get"
request = "GET /things/one"
answers = { 200 = "l0" }
"#;

const DIALECT: &str = r#"
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

[[role.row]]
word  = "boss"
is    = "owner"
label = "Boss"
may   = ["*"]

[role.lands]
viewer = { refuse = "no role is as weak" }
"#;

const RESOLVER: &str = r#"
[resolver.thing]
calls    = "things.list"
find     = "slug"
rows     = "items"
left     = "slug"
right    = "id"
remember = "1m"
misses   = "5s"
"#;

const PLACES: [&str; 11] = ["a", "b", "c", "d", "e.a", "e.b", "e.c.a", "e.c.b", "f", "g", "$body"];

const LITERALS: [&str; 12] = [
    "null",
    "true",
    "\"\"",
    "\"owner\"",
    "\"viewer\"",
    "0",
    "-0",
    "1.0",
    "1e400",
    "[]",
    "{\"a\": [1]}",
    "\"\\u0000\"",
];

/// What may be a word of a table.
const WORDS: [&str; 7] = ["\"on\"", "\"off\"", "0", "1", "true", "null", "\"\""];

const TEXTS: [&str; 10] = [
    "owner",
    "boss",
    "",
    "3c90c3cc-0d44-4b50-8888-8dd25736052a",
    "CnEqURgZ3swzj528KMLvX5",
    "42",
    "user:42",
    "user:",
    "a\\u0000\\\"\\ud83d\\ude00",
    "zzzzzzzzzzzzzzzzzzzzzz",
];

/// Texts of a mapping, and what stands in their schemas.
pub(super) struct Made {
    mapping: String,
    schemas: Vec<(&'static str, String, Value)>,
    /// How many lenses, kinds of ids and tables there are.
    count: usize,
    resolves: bool,
    /// Whether clients are told by the outermost lens.
    pub(super) is_told: bool,
}

/// An op as the mapping says it, and what may stand on its two sides; none on the canonical side if it has no place there.
struct Step {
    text: Vec<String>,
    left: Value,
    right: Option<Value>,
}

impl Made {
    pub(super) fn new(choices: &mut Choices<'_>) -> Made {
        let mut made = Made {
            mapping: DIALECT.to_owned(),
            schemas: Vec::new(),
            count: 0,
            resolves: false,
            is_told: true,
        };
        let way = choices.below(4);
        made.lens(choices, 2);
        let operation = match way {
            0 | 1 => {
                "name = \"get\"\nrequest = \"GET /things/one\"\ncalls = \"things.get\"\n\
                 answers = { 200 = { status = 200, body = \"l0\" } }\n"
            }
            2 => {
                "name = \"add\"\nrequest = \"POST /things\"\nbody = \"l0\"\ncalls = \"things.add\"\n\
                 answers = { 201 = { status = 200, body = \"l0\" } }\n"
            }
            _ => {
                made.is_told = false;
                "name = \"add\"\nrequest = \"POST /things\"\nbody = \"l0\"\ncalls = \"things.add\"\n\
                 answers = { 201 = { status = 204, drops = \"nobody asks\" } }\n"
            }
        };
        made.mapping.push_str("\n[[operation]]\n");
        made.mapping.push_str(operation);
        if made.resolves {
            made.mapping.push_str(RESOLVER);
        }
        let item = json!({"type": "object", "properties": {"id": {"type": "string"}, "slug": {"type": "string"}}, "required": ["id", "slug"]});
        let page = json!({"items": {"type": "array", "items": item}, "total": {"type": "integer"}});
        let page = json!({"type": "object", "properties": page, "required": ["items", "total"]});
        made.schemas.push(("canonical", "things".to_owned(), page));
        made
    }

    /// What the loader makes of it, if it lets it through and does not say that it could not try it.
    pub(super) fn loaded(&self) -> Option<Registry> {
        let mut sources = Sources::default();
        let files = self.schemas.iter().map(|(folder, name, schema)| {
            let text = schema.to_string();
            let source = sources.add(format!("schemas/{folder}/{name}.json"), &text);
            SchemaFile { source, folder: (*folder).to_owned(), name: name.clone(), text }
        });
        let (schemas, found) = Store::load(files.collect());
        if !found.is_empty() {
            return None;
        }
        let texts = [("canonical", CANONICAL), ("acme", &self.mapping)].map(|(name, text)| MappingText {
            name: name.to_owned(),
            source: sources.add(format!("mappings/{name}.toml"), text),
        });
        let loaded = mapping::load_and_try(&texts, &sources, &schemas, Some(Trials { others: 1, seed: 1 }));
        let is_tried = loaded.found.iter().all(|one| one.code != code::M0405);
        loaded.registry.filter(|_| is_tried)
    }

    /// The schema of the outermost lens.
    pub(super) fn schema(&self, folder: &str) -> &Value {
        let is_it = |(of, name, _): &&(&str, String, Value)| *of == folder && name == "l0";
        self.schemas.iter().find(is_it).map_or(&Value::Null, |(_, _, schema)| schema)
    }

    /// A lens with fields for as many places as the bytes want; gives its name, and its schemas.
    fn lens(&mut self, choices: &mut Choices<'_>, depth: u8) -> (String, Value, Value) {
        let name = self.name("l");
        let (mut lefts, mut rights) = (Vec::new(), Vec::new());
        let (mut left, mut right) = (json!({"type": "object"}), json!({"type": "object"}));
        let mut fields = String::new();
        let mut alone = None;
        for _ in 0..=choices.below(5) {
            let Some(from) = place(choices, &mut lefts) else { continue };
            let Some(to) = place(choices, &mut rights) else { continue };
            let step = self.step(choices, depth);
            put(&mut left, from, step.left);
            let mut parts = step.text;
            if let Some(schema) = step.right {
                put(&mut right, to, schema);
                parts.push(format!("at = {to:?}"));
            }
            if choices.seldom(3) {
                parts.push(presence(choices, &mut left, &mut right));
            }
            writeln!(fields, "{from:?} = {{ {} }}", parts.join(", ")).expect("it is text");
            alone = alone.or(Some(from).filter(|from| !from.contains(['.', '$'])));
        }
        let wrap = match (choices.below(8), alone) {
            (6, Some(alone)) => format!("bare = {alone:?}\n"),
            (7, Some(alone)) => {
                left = left["properties"][alone].take();
                format!("scalar = {alone:?}\n")
            }
            _ => String::new(),
        };
        write!(
            self.mapping,
            "\n[lens.{name}]\nschema = {name:?}\ncanonical = {name:?}\n{wrap}\n[lens.{name}.fields]\n{fields}"
        )
        .expect("it is text");
        self.schemas.push(("acme", name.clone(), left.clone()));
        self.schemas.push(("canonical", name.clone(), right.clone()));
        (name, left, right)
    }

    fn name(&mut self, kind: &str) -> String {
        let name = format!("{kind}{}", self.count);
        self.count += 1;
        name
    }

    fn step(&mut self, choices: &mut Choices<'_>, depth: u8) -> Step {
        let both = |text: &str, schema: Value| Step {
            text: vec![text.to_owned()],
            left: schema.clone(),
            right: Some(schema),
        };
        match choices.below(if depth > 0 { 15 } else { 11 }) {
            0 | 1 => Step { text: Vec::new(), ..both("", anything(choices)) },
            2 => {
                let kind = self.id(choices);
                both(&format!("id = {kind:?}"), json!({}))
            }
            3 => self.table(choices),
            4 => {
                let literal = choices.pick(&LITERALS);
                Step { text: vec![format!("constant = {}", toml(literal))], left: json!({}), right: None }
            }
            5 => {
                let literal = choices.pick(&LITERALS);
                let value: Value = serde_json::from_str(literal).unwrap_or_default();
                let text = vec![format!("fixed = {}", toml(literal))];
                Step { text, left: json!({"enum": [value]}), right: None }
            }
            6 => {
                let list = json!({"type": "array", "items": {"enum": ["owner", "viewer", 0]}});
                let text = vec![format!("has = {}", toml(choices.pick(&["\"owner\"", "0", "null"])))];
                Step { text, left: json!({"type": "boolean"}), right: Some(list) }
            }
            7 => {
                let text = if choices.seldom(2) { "label = true" } else { "role = true" };
                let roles = json!({"enum": ["owner", "viewer"]});
                let words = if choices.seldom(2) { json!({}) } else { json!({"enum": ["boss"]}) };
                Step { text: vec![text.to_owned()], left: words, right: Some(roles) }
            }
            8 | 9 => {
                let mut text = vec!["prefix = \"user:\"".to_owned()];
                let has_id = choices.seldom(2);
                if has_id {
                    text.push(format!("id = {:?}", self.id(choices)));
                }
                let left = json!({"type": "string", "pattern": "^user:"});
                let right = if has_id { json!({}) } else { json!({"type": "string"}) };
                Step { text, left, right: Some(right) }
            }
            10 => {
                self.resolves = true;
                both("resolve = \"thing\"", json!({"type": "string"}))
            }
            11 | 12 => {
                let (name, left, right) = self.lens(choices, depth - 1);
                Step { text: vec![format!("lens = {name:?}")], left, right: Some(right) }
            }
            _ => self.each(choices, depth),
        }
    }

    fn each(&mut self, choices: &mut Choices<'_>, depth: u8) -> Step {
        let list = |items: Value| json!({"type": "array", "items": items});
        let (text, left, right) = match choices.below(3) {
            0 => {
                let items = anything(choices);
                ("each = true".to_owned(), items.clone(), items)
            }
            1 => (format!("each = true, id = {:?}", self.id(choices)), json!({}), json!({})),
            _ => {
                let (name, left, right) = self.lens(choices, depth - 1);
                (format!("each = {name:?}"), left, right)
            }
        };
        let mut text = vec![text];
        if choices.seldom(4) {
            text.push(format!("where = {{ a = {} }}", toml(choices.pick(&LITERALS))));
        }
        Step { text, left: list(left), right: Some(list(right)) }
    }

    /// A kind of ids, which are all UUIDs to the backend, or all numbers, or any texts.
    fn id(&mut self, choices: &mut Choices<'_>) -> String {
        let name = self.name("k");
        let (written, other) = (choices.pick(&IdForm::ALL), choices.pick(&IdForm::ALL));
        let also = if choices.seldom(2) { other } else { written };
        let is_uuid = matches!(written, IdForm::Uuid | IdForm::ShortUuid);
        let imported = if choices.seldom(3) && is_uuid { "imported = true\n" } else { "" };
        let (written, also) = (written.name(), also.name());
        write!(
            self.mapping,
            "\n[id.{name}]\nform = {written:?}\naccept = [{written:?}, {also:?}]\n{imported}"
        )
        .expect("it is text");
        name
    }

    fn table(&mut self, choices: &mut Choices<'_>) -> Step {
        const CANONICAL_WORDS: [&str; 3] = ["active", "idle", "gone"];
        let name = self.name("t");
        let (mut words, mut rows): (Vec<Value>, _) = (Vec::new(), Vec::new());
        for is in &CANONICAL_WORDS[..=choices.below(3)] {
            let word = choices.pick(&WORDS);
            words.push(serde_json::from_str(word).unwrap_or_default());
            rows.push(format!("[{}, {is:?}]", toml(word)));
        }
        let known = rows.len() + usize::from(choices.seldom(3) && rows.len() < CANONICAL_WORDS.len());
        write!(self.mapping, "\n[table.{name}]\nrows = [{}]\n", rows.join(", ")).expect("it is text");
        for word in &CANONICAL_WORDS[rows.len()..known] {
            let landing = if choices.seldom(2) {
                "refuse = \"no\"".to_owned()
            } else {
                format!("as = {}", toml(&words[0].to_string()))
            };
            writeln!(self.mapping, "lands.{word} = {{ {landing} }}").expect("it is text");
        }
        let right = json!({"enum": CANONICAL_WORDS[..known]});
        Step { text: vec![format!("table = {name:?}")], left: json!({"enum": words}), right: Some(right) }
    }
}

/// A place that is seldom in another, or another in it.
fn place(choices: &mut Choices<'_>, taken: &mut Vec<&'static str>) -> Option<&'static str> {
    let place = choices.pick(&PLACES);
    let is_in = |inner: &str, outer: &str| {
        outer == "$body" || inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'))
    };
    let meets = taken.iter().any(|other| is_in(place, other) || is_in(other, place));
    if taken.contains(&place) || meets && !choices.seldom(16) {
        return None;
    }
    taken.push(place);
    Some(place)
}

/// What may stand in a place that is copied.
fn anything(choices: &mut Choices<'_>) -> Value {
    match choices.below(8) {
        0 | 1 => json!({}),
        2 => json!({"type": "string"}),
        3 => json!({"type": ["string", "null"]}),
        4 => json!({"type": "integer"}),
        5 => json!({"type": ["boolean", "null"]}),
        6 => json!({"type": "array", "items": {}}),
        _ => json!({"enum": ["owner", 0, null]}),
    }
}

/// Says in a schema what may stand at a place.
fn put(schema: &mut Value, place: &str, is: Value) {
    if place == "$body" {
        *schema = is;
        return;
    }
    let mut at = schema;
    for name in place.split('.') {
        if at["properties"].is_null() && at.is_object() {
            at["type"] = json!("object");
            at["properties"] = json!({});
        }
        let Some(members) = at["properties"].as_object_mut() else { return };
        at = members.entry(name).or_insert_with(|| json!({}));
    }
    *at = is;
}

fn presence(choices: &mut Choices<'_>, left: &mut Value, right: &mut Value) -> String {
    let literal = |choices: &mut Choices<'_>| toml(choices.pick(&LITERALS));
    let other = |choices: &mut Choices<'_>, schema: &mut Value| {
        let place = choices.pick(&PLACES[..10]);
        if at(schema, place).is_none() {
            put(schema, place, json!({}));
        }
        place
    };
    match choices.below(8) {
        0 => format!("from = {:?}", other(choices, left)),
        1 => format!("default = {}", literal(choices)),
        2 => format!("absent = {}", literal(choices)),
        3 => format!("instead = {:?}", other(choices, right)),
        4 | 5 => "optional = true".to_owned(),
        6 => {
            let place = other(choices, left);
            format!("when = {{ {place:?} = [{}, {}] }}", literal(choices), literal(choices))
        }
        _ => {
            let place = other(choices, right);
            format!("tag = {{ {place:?} = {} }}", literal(choices))
        }
    }
}

fn at<'s>(schema: &'s Value, place: &str) -> Option<&'s Value> {
    place.split('.').try_fold(schema, |schema, name| schema.get("properties")?.get(name))
}

/// A value as a mapping says it.
fn toml(json: &str) -> String {
    format!("{{ json = '{json}' }}")
}

/// A document that a schema of these allows, mostly.
pub(super) fn instance(choices: &mut Choices<'_>, schema: &Value, out: &mut String) {
    let known = match (&schema["type"], &schema["enum"]) {
        (_, Value::Array(words)) if !words.is_empty() => words[choices.below(words.len())].to_string(),
        (Value::Array(types), _) if choices.seldom(2) && types.len() > 1 => "null".to_owned(),
        (Value::Array(types), _) if !types.is_empty() => {
            return instance(choices, &json!({"type": types[0]}), out);
        }
        (Value::String(name), _) => match name.as_str() {
            "string" => {
                let before = if schema["pattern"].is_null() { "" } else { "user:" };
                format!("\"{before}{}\"", choices.pick(&TEXTS))
            }
            "integer" => choices.below(200).to_string(),
            "boolean" => choices.seldom(2).to_string(),
            "array" => {
                out.push('[');
                for at in 0..choices.below(4) {
                    out.push_str(if at > 0 { "," } else { "" });
                    instance(choices, &schema["items"], out);
                }
                "]".to_owned()
            }
            _ => return object(choices, schema, out),
        },
        _ => return document(choices, 2, out),
    };
    out.push_str(&known);
}

fn object(choices: &mut Choices<'_>, schema: &Value, out: &mut String) {
    out.push('{');
    let mut is_first = true;
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        if choices.seldom(5) {
            continue;
        }
        out.push_str(if is_first { "" } else { "," });
        is_first = false;
        out.extend(["\"", name, "\": "]);
        instance(choices, member, out);
    }
    out.push('}');
}

/// Any document, with the names that lenses look for.
pub(super) fn document(choices: &mut Choices<'_>, depth: u8, out: &mut String) {
    match choices.below(if depth > 0 { 10 } else { 5 }) {
        0 | 1 => out.push_str(choices.pick(&LITERALS)),
        2..=4 => {
            out.push('"');
            out.push_str(choices.pick(&TEXTS));
            out.push('"');
        }
        5 => {
            out.push('[');
            for at in 0..choices.below(4) {
                out.push_str(if at > 0 { "," } else { "" });
                document(choices, depth - 1, out);
            }
            out.push(']');
        }
        _ => {
            out.push('{');
            let mut names: Vec<_> = ["a", "b", "c", "d", "e", "f", "g"].into();
            for at in 0..choices.below(7) {
                let name = names.remove(choices.below(names.len()));
                out.push_str(if at > 0 { "," } else { "" });
                out.extend(["\"", name, "\": "]);
                document(choices, depth - 1, out);
            }
            out.push('}');
        }
    }
}
