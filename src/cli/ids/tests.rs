//! What the commands say and do, for the dialect of the fixture.

use std::process::ExitCode;

use tempfile::TempDir;

use super::super::testing::{Ran, file, ran_in_acme};

const ONE: &str = "3c90c3cc-0d44-4b50-8888-8dd25736052a";
const OTHER: &str = "3c90c3cc-0d44-4b50-8888-8dd25736052b";

/// A place for a map.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Place {
        Place { folder: tempfile::tempdir().unwrap() }
    }

    fn store(&self) -> String {
        self.folder.path().join("ids.sqlite").display().to_string()
    }

    fn ids(&self, arguments: &[&str]) -> Ran {
        ran_in_acme(&[&["ids"], arguments, &["--store", &self.store()]].concat())
    }

    fn import(&self, name: &str, text: &str) -> Ran {
        let file = file(name, text);
        self.ids(&["import", "--dialect", "acme", "--kind", "entity", file.path_text()])
    }

    fn export(&self, more: &[&str]) -> String {
        let ran = self.ids(&[&["export", "--dialect", "acme", "--kind", "entity"], more].concat());
        assert_eq!((ran.status, ran.err.as_str()), (ExitCode::SUCCESS, ""));
        ran.out
    }
}

#[test]
fn what_is_imported_is_exported_and_can_be_imported_again() {
    let place = Place::new();
    let ran = place.import("a.csv", &format!("external,canonical\nu-1,{ONE}\n\"u,2\",{OTHER}\n"));
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("imported 2 ids, 0 were there already\n", ""));
    assert_eq!(ran.status, ExitCode::SUCCESS);

    let csv = place.export(&[]);
    assert_eq!(csv, format!("external,canonical,organization\n\"u,2\",{OTHER},\nu-1,{ONE},\n"));
    let lines = place.export(&["--format", "jsonl"]);
    assert!(lines.starts_with(&format!("{{\"external\":\"u,2\",\"canonical\":\"{OTHER}\"}}\n")), "{lines}");
    for (name, text) in [("a.csv", csv), ("a.jsonl", lines)] {
        assert_eq!(place.import(name, &text).out, "imported 0 ids, 2 were there already\n");
    }
}

#[test]
fn a_row_that_is_wrong_is_told_by_its_number_and_nothing_is_imported() {
    let place = Place::new();
    let text = format!("external,canonical\nu-1,{ONE}\nu-2,nobody\n,{OTHER}\n");
    let ran = place.import("a.csv", &text);
    let lines: Vec<_> = ran.err.lines().collect();
    assert!(lines[0].ends_with("a.csv: row 3: the canonical id is no UUID"), "{}", ran.err);
    assert!(lines[1].ends_with("a.csv: row 4: has no external id"), "{}", ran.err);
    assert_eq!(lines[2], "nothing was imported: 2 rows are wrong");
    assert_eq!((ran.status, ran.out.as_str()), (ExitCode::from(1), ""));
    assert_eq!(place.export(&[]), "external,canonical,organization\n");
}

#[test]
fn a_contradiction_is_told_with_both_places() {
    let place = Place::new();
    place.import("a.csv", &format!("external,canonical\nu-1,{ONE}\n"));
    let text = format!("external,canonical\nu-1,{OTHER}\nu-3,{OTHER}\n");
    let ran = place.import("b.csv", &text);
    let lines: Vec<_> = ran.err.lines().collect();
    let told = format!("b.csv: row 2: `u-1` stands for {OTHER} here, and for {ONE} in the id map");
    assert!(lines[0].ends_with(&told), "{}", ran.err);
    let told = format!("b.csv: row 3: {OTHER} is called `u-3` here, and `u-1` in row 2");
    assert!(lines[1].ends_with(&told), "{}", ran.err);
    assert_eq!(lines[2], "nothing was imported: 2 rows are wrong");
    assert_eq!(ran.status, ExitCode::from(1));
    assert_eq!(place.export(&[]).lines().count(), 2);
}

#[test]
fn an_id_is_found_from_either_half() {
    let place = Place::new();
    place.import("a.csv", &format!("external,canonical\nu-1,{ONE}\n"));
    for id in ["u-1", ONE] {
        let ran = place.ids(&["find", id]);
        assert_eq!(ran.out, format!("`u-1` is {ONE} (dialect acme, kind entity)\n"));
        assert_eq!(ran.status, ExitCode::SUCCESS);
    }
    let ran = place.ids(&["find", "u-2"]);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", "no imported id is or stands for `u-2`\n"));
    assert_eq!(ran.status, ExitCode::from(1));
    let json = place.ids(&["find", "u-1", "--format", "json"]).out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json[0]["kind"], &json[0]["canonical"]), (&"entity".into(), &ONE.into()));
}

#[test]
fn translate_knows_the_imported_ids_of_the_configured_map() {
    let place = Place::new();
    place.import("a.csv", &format!("external,canonical\nnorth-7,{ONE}\nlink-1,{OTHER}\n"));
    let config = file("config.toml", &format!("[ids]\nstore = \"{}\"\n", place.store()));
    let translate = |request: &str, more: &[&str]| {
        let arguments = ["translate", "acme", request, "--config", config.path_text()];
        ran_in_acme(&[&arguments, more].concat())
    };
    let links = "GET /api/orgs/north-7/links?page=1&size=2";
    let ran = translate(links, &[]);
    assert!(ran.out.contains(&format!("/v1/organizations/{ONE}/invite-links")), "{} {}", ran.out, ran.err);

    let ran = translate("GET /api/orgs/south-7/links", &[]);
    assert_eq!(ran.status, ExitCode::from(1), "{}", ran.out);
}

#[test]
fn what_cannot_be_done_is_status_2() {
    let place = Place::new();
    let csv = file("a.csv", "external,canonical\n");
    let path = csv.path_text();
    let import = |dialect, kind, more: &[&str]| {
        place.ids(&[&["import", "--dialect", dialect, "--kind", kind], more].concat())
    };
    for (ran, reason) in [
        (import("acne", "entity", &[path]), "there is no dialect `acne`; did you mean `acme`?"),
        (import("acme", "entitty", &[path]), "`acme` has no id kind `entitty`; did you mean `entity`?"),
        (
            import("acme", "entity", &["/nowhere.csv"]),
            "cannot read `/nowhere.csv`: No such file or directory (os error 2)",
        ),
        (
            import("acme", "entity", &["-"]),
            "`-` does not say by its ending what it holds: say `--format csv` or `--format jsonl`",
        ),
        (
            import("acme", "entity", &[path, "--organization", ONE]),
            "ids of kind `entity` lie in no organization; if they should, the mapping of `acme` says `within = \
             \"<the path parameter with the organization>\"` under `[id.entity]`",
        ),
        (
            ran_in_acme(&["ids", "find", "u-1"]),
            "there is no id map: set `store` under `[ids]` in the configuration, or say `--store FILE`",
        ),
    ] {
        assert_eq!(ran.err, format!("interlingua: {reason}\n"));
        assert_eq!(ran.status, ExitCode::from(2));
    }
    let ran = place.ids(&["find", "u-1"]);
    assert!(ran.err.contains("there is no id map `"), "{}", ran.err);
}
