//! `interlingua check --ledger` against what the mapping files say, read here as plain TOML: every loss, landing,
//! constant and exception with its reason, and no property of a schema that is not in it.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use interlingua::boot::{self, DataFiles};
use interlingua::diag::Sources;
use interlingua::schema::Schema;
use serde_json::Value;
use toml::Table;

/// The program's ledger of these mappings, by dialect.
fn ledger(arguments: &[&str]) -> Vec<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_interlingua"));
    let output = command.args(["check", "--ledger", "--format", "json"]).args(arguments).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    report["ledger"].as_array().unwrap().clone()
}

/// The mappings that ship and stand alone, by name.
fn mappings() -> Vec<(String, Table)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mappings = files.map(|path| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read_to_string(path).unwrap().parse::<Table>().unwrap())
    });
    let stand_alone = |table: &Table| table["dialect"].get("extends").is_none();
    mappings.filter(|(name, table)| name != "canonical" && stand_alone(table)).collect()
}

fn of<'l>(ledger: &'l [Value], dialect: &str) -> &'l Value {
    ledger.iter().find(|one| one["dialect"] == dialect).unwrap()
}

fn named<'v>(list: &'v Value, key: &str, name: &str) -> &'v Value {
    list.as_array().unwrap().iter().find(|one| one[key] == name).unwrap_or_else(|| panic!("{name}: {list}"))
}

/// The losses of one side in a table of places: what is lost and why.
fn lost<'v>(of: &'v Value, side: &str) -> BTreeSet<(&'v str, &'v str)> {
    let places = of["places"].as_array().unwrap().iter().filter(|place| place["fate"] == "lost");
    places.filter_map(|place| Some((place[side].as_str()?, place["reason"].as_str()?))).collect()
}

fn declared(table: Option<&toml::Value>) -> BTreeSet<(&str, &str)> {
    let table = table.and_then(toml::Value::as_table).into_iter().flatten();
    table.map(|(path, reason)| (path.as_str(), reason.as_str().unwrap())).collect()
}

#[test]
fn every_loss_that_is_declared_is_listed_with_its_reason_and_no_other() {
    let ledger = ledger(&[]);
    let mut seen = 0;
    for (name, mapping) in mappings() {
        let listed = of(&ledger, &name);
        for (lens, part) in mapping["lens"].as_table().unwrap() {
            let one = named(&listed["lenses"], "lens", lens);
            let [drops, ignores] = ["drops", "ignores"].map(|key| declared(part.get(key)));
            seen += drops.len() + ignores.len();
            assert_eq!(lost(one, "canonical"), drops, "{name}, {lens}");
            assert_eq!(lost(one, "dialect"), ignores, "{name}, {lens}");
        }
        for operation in mapping["operation"].as_array().unwrap() {
            let one = named(&listed["operations"], "operation", operation["name"].as_str().unwrap());
            let ignored = declared(operation.get("ignores"));
            let ignored: Vec<_> =
                ignored.iter().map(|(parameter, reason)| (format!("$query.{parameter}"), *reason)).collect();
            let ignored = ignored.iter().map(|(parameter, reason)| (parameter.as_str(), *reason)).collect();
            assert_eq!(lost(one, "dialect"), ignored, "{name}, {operation}");
            let answers = operation.get("answers").and_then(toml::Value::as_table).into_iter().flatten();
            let omits: Vec<_> = answers.filter_map(|(_, answer)| answer.get("omits")?.as_str()).collect();
            assert_eq!(one["omits"], Value::from(omits), "{name}, {operation}");
            for case in operation.get("case").and_then(toml::Value::as_array).into_iter().flatten() {
                let of_case = |one: &&Value| {
                    one["operation"] == *operation["name"].as_str().unwrap()
                        && one["calls"] == *case["calls"].as_str().unwrap()
                };
                let one = listed["operations"].as_array().unwrap().iter().find(of_case).unwrap();
                assert_eq!(lost(one, "dialect"), declared(case.get("ignores")), "{name}, {case}");
                seen += 1;
            }
        }
    }
    assert!(seen > 400, "there are {seen} declared losses to look at");
}

#[test]
fn every_canonical_word_without_a_row_is_listed_with_where_it_lands() {
    let ledger = ledger(&[]);
    for (name, mapping) in mappings() {
        let listed = of(&ledger, &name);
        let tables = mapping.get("table").and_then(toml::Value::as_table).into_iter().flatten();
        let roles = mapping.get("role").map(|role| ("role", role));
        for (table, part) in tables.map(|(table, part)| (table.as_str(), part)).chain(roles) {
            let words = named(&listed["words"], "table", table);
            for (word, landing) in part.get("lands").and_then(toml::Value::as_table).into_iter().flatten() {
                if let Some(reason) = landing.get("refuse") {
                    let refused = named(&words["refused"], "canonical", word);
                    assert_eq!(refused["reason"], reason.as_str().unwrap(), "{name}, {table}");
                    continue;
                }
                let told = named(&words["told_as"], "canonical", word);
                let expected = serde_json::to_value(&landing["as"]).unwrap();
                // A word that TOML cannot spell is written as JSON.
                let expected = match expected.get("json").and_then(Value::as_str) {
                    Some(json) => serde_json::from_str(json).unwrap(),
                    None => expected,
                };
                assert_eq!(told["dialect"], expected, "{name}, {table}, {word}");
            }
        }
    }
}

#[test]
fn no_property_of_a_schema_is_missing() {
    let loaded = boot::load(&DataFiles::default(), &mut Sources::default()).unwrap();
    let registry = loaded.registry.unwrap();
    let mappings = mappings();
    let ledger = ledger(&[]);
    let mut missing = Vec::new();
    for (name, mapping) in &mappings {
        let listed = of(&ledger, name);
        for (lens, shaped) in &registry.dialect(name).unwrap().lenses {
            let places = |lens: &str, side: &str| -> BTreeSet<String> {
                let one = named(&listed["lenses"], "lens", lens);
                let places = one["places"].as_array().unwrap().iter();
                places.filter_map(|place| Some(place[side].as_str()?.to_owned())).collect()
            };
            let mut check = |schema: &Schema, side: &str, places: &BTreeSet<String>| {
                for property in schema.shape().properties() {
                    let inside = format!("{property}.");
                    if !places.iter().any(|place| *place == property || place.starts_with(&inside)) {
                        missing.push(format!("{name}, {lens}: {side} `{property}`"));
                    }
                }
            };
            if let Some(left) = &shaped.left {
                check(left, "dialect", &places(lens, "dialect"));
            }
            // A view answers for nothing; what it shows counts for the lens around it.
            let part = |lens: &str| mapping["lens"].get(lens).unwrap();
            let Some(right) = shaped.right.as_ref().filter(|_| part(lens).get("shows").is_none()) else {
                continue;
            };
            let mut canonical = places(lens, "canonical");
            let one = named(&listed["lenses"], "lens", lens);
            for place in one["places"].as_array().unwrap() {
                if place["canonical"] == "$body" && place["op"] == "lens" {
                    canonical.extend(places(place["by"].as_str().unwrap(), "canonical"));
                }
            }
            check(right, "canonical", &canonical);
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn an_exception_is_listed_with_its_reason_in_the_ledger_and_without() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics/base");
    let (mappings, schemas) = (folder.join("mappings"), folder.join("schemas"));
    let files = ["--mappings", mappings.to_str().unwrap(), "--schemas", schemas.to_str().unwrap()];
    let reason = "whom Crew invites is a guest, whoever asks";

    let ledger = ledger(&files);
    assert_eq!(of(&ledger, "crew")["exceptions"][0]["reason"], reason);
    assert_eq!(of(&ledger, "acme")["exceptions"], Value::Array(Vec::new()));

    for format in ["text", "json", "junit", "sarif", "github"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_interlingua"));
        let output = command.args(["check", "--format", format]).args(files).output().unwrap();
        let report = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(report.contains("M0608") && report.contains(reason), "{format}: {report}");
        assert_eq!(output.status.code(), Some(0), "{format}");
    }
}

#[test]
fn for_people_it_is_in_columns() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_interlingua")).args(["check", "--ledger"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let row = text.lines().find(|line| line.contains("shown inside `organization`")).unwrap();
    let fields: Vec<_> = row.split("  ").map(str::trim).filter(|field| !field.is_empty()).collect();
    assert_eq!(fields, ["-", "organization_id", "lost", "shown inside `organization`"]);
    assert!(text.lines().all(|line| !line.ends_with(' ')));
    assert!(text.ends_with("nothing wrong\n"));
}
