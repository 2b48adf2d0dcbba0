//! What `interlingua report` says of what retires: its dates, and who still uses it.
//!
//! The dialect is `tests/fixtures/retiring`, and what is expected is what its mapping says.

use super::counting::*;
use super::*;

/// Who drops, who adds clerks by either word, and who adds guests.
fn counted() -> Counting {
    let mut counting = Counting::with(Config::default());
    let [add, all, drop] = ["add", "add_all", "drop"].map(|name| Part::operation("bureau", name));
    let role = |of: &Part, field: &str, word: &str| {
        vec![of.clone(), of.field(field), of.field(field).value(Kind::Value, &format!("\"{word}\""))]
    };
    for (who, parts) in [
        ("drops", vec![drop]),
        ("clerks", role(&add, "role", "clerk")),
        ("shouts", role(&all, "people[].role", "CLERK")),
        ("guests", role(&add, "role", "guest")),
    ] {
        counting.count(Principal::of(who.as_bytes()), &parts);
    }
    counting.write();
    counting
}

fn report(counting: &Counting, format: &str) -> String {
    report_by(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/retiring"), counting, format)
}

fn report_by(files: &Path, counting: &Counting, format: &str) -> String {
    let mut report = Command::new(env!("CARGO_BIN_EXE_interlingua"));
    report.arg("report").arg(counting.folder.path().join("usage.sqlite"));
    report.arg("--mappings").arg(files.join("mappings")).arg("--schemas").arg(files.join("schemas"));
    String::from_utf8(report.args(["--format", format]).output().unwrap().stdout).unwrap()
}

fn users(ending: &Value) -> Vec<String> {
    let users = ending["users"].as_array().unwrap().iter();
    users.map(|user| user["principal"].as_str().unwrap().to_owned()).collect()
}

fn digests(names: &[&str]) -> Vec<String> {
    let mut digests: Vec<_> = names.iter().map(|name| Principal::of(name.as_bytes())).collect();
    digests.sort_unstable();
    digests.iter().map(Principal::to_string).collect()
}

/// The one that holds of this part, as `--removing` takes it.
fn ending<'t>(told: &'t Value, part: &str) -> &'t Value {
    let is_it =
        |ending: &&Value| ending["places"].as_array().unwrap().iter().any(|place| place["part"] == part);
    told["retiring"].as_array().unwrap().iter().find(is_it).unwrap_or_else(|| panic!("{part}: {told:#}"))
}

#[test]
fn each_declaration_is_told_once_with_its_dates_and_who_uses_it() {
    let told: Value = serde_json::from_str(&report(&counted(), "json")).unwrap();

    let drop = ending(&told, "bureau/drop");
    assert_eq!(drop["places"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&drop["deprecated"], &drop["sunset"]),
        (&json!("2026-03-01T00:00:00Z"), &json!("2026-12-01T00:00:00Z"))
    );
    assert_eq!((&drop["gone"], &drop["brown_outs"]), (&json!("2026-12-01T00:00:00Z"), &json!([])));
    assert_eq!((&drop["state"], &drop["certain"]), (&json!("deprecated"), &json!(true)));
    assert_eq!(drop["docs"], "https://bureau.example/docs/the-end");
    assert_eq!(users(drop), digests(&["drops"]));

    // A word is declared once, and taken by several operations.
    let clerk = ending(&told, "bureau/add/role=\"clerk\" or \"CLERK\"");
    assert!(
        clerk["places"].as_array().unwrap().iter().any(|place| place["operation"] == "add_all"),
        "{clerk:#}"
    );
    assert_eq!(users(clerk), digests(&["clerks", "shouts"]));
    assert_eq!(clerk["gone"], Value::Null);

    let add = ending(&told, "bureau/add");
    assert_eq!(users(add), digests(&["clerks", "guests"]));
    assert_eq!(add["brown_outs"][0], json!({"from": "2026-10-01T09:00:00Z", "to": "2026-10-01T10:00:00Z"}));
    let named = ending(&told, "bureau/find/?named");
    assert_eq!((users(named), &named["sunset"], &named["certain"]), (Vec::new(), &Value::Null, &json!(true)));

    let ends = told["retiring"].as_array().unwrap().iter().map(|ending| ending["sunset"].as_str());
    let ends: Vec<_> = ends.map(|end| (end.is_none(), end)).collect();
    assert!(ends.is_sorted(), "what ends first is told first: {ends:?}");
}

#[test]
fn where_requests_were_not_read_nobody_can_say_that_a_field_is_not_used() {
    let mut counting = Counting::with(Config::default());
    let find = Part::operation("bureau", "find");
    counting.count(Principal::of(b"unread"), &[find.clone(), find.unread()]);
    counting.write();
    let told: Value = serde_json::from_str(&report(&counting, "json")).unwrap();
    let named = ending(&told, "bureau/find/?named");
    assert_eq!((users(named), &named["certain"], &named["missed"]), (Vec::new(), &json!(false), &json!(1)));
    assert!(report(&counting, "text").contains("nobody is known to have used it"));
}

#[test]
fn people_and_tables_are_told_it_too() {
    let counting = counted();
    let text = report(&counting, "text");
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let clerk =
        "deprecated 2026-04-01, sunset 2026-12-01 (at the last count: deprecated) 2 principals used it";
    for said in [
        clerk,
        "bureau/drop deprecated 2026-03-01, sunset 2026-12-01, gone 2026-12-01 (at the last count: deprecated) 1 principal used it",
    ] {
        assert!(words.contains(said), "{said}\n{text}");
    }
    assert!(words.contains("brown-outs over, the next from 2027-02-01 to 2027-02-01T00:10:00Z"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");

    let csv = report(&counting, "csv");
    for line in [
        ",,bureau,drop,sunset,,,1,0,2026-12-01T00:00:00Z,2026-12-01T00:00:00Z\r\n",
        ",,bureau,add,brown-out,,,2,0,2026-10-01T09:00:00Z,2026-10-01T10:00:00Z\r\n",
        ",,bureau,add,deprecated,role,\"\"\"CLERK\"\"\",2,0,2026-04-01T00:00:00Z,2026-04-01T00:00:00Z\r\n",
    ] {
        assert!(csv.contains(line), "{line}\n{csv}");
    }

    let html = report(&counting, "html");
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..roxmltree::ParsingOptions::default() };
    roxmltree::Document::parse_with_options(&html, options).unwrap();
    for said in [
        "<h2>What retires</h2>",
        "<code>bureau/drop</code> <span class=\"mark doubt\">deprecated</span>",
        "<p>1 principal used it.</p>",
    ] {
        assert!(html.contains(said), "{said}\n{html}");
    }
}

/// The files of the fixture, where these texts stand for others.
fn changed(changes: &[(&str, &str, &str)]) -> tempfile::TempDir {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/retiring");
    let folder = tempfile::tempdir().unwrap();
    for below in ["mappings", "schemas/bureau", "schemas/canonical"] {
        fs::create_dir_all(folder.path().join(below)).unwrap();
        for entry in fs::read_dir(fixture.join(below)).unwrap().map(Result::unwrap) {
            let name = format!("{below}/{}", entry.file_name().to_str().unwrap());
            let mut text = fs::read_to_string(entry.path()).unwrap();
            for (_, from, to) in changes.iter().filter(|(file, _, _)| *file == name) {
                assert!(text.contains(from), "{name}: {from}");
                text = text.replace(from, to);
            }
            fs::write(folder.path().join(name), text).unwrap();
        }
    }
    folder
}

/// How the hours retire there, and how that they are gone.
const HOURS: &str = "values = [0, \"none\"], deprecated = 2026-06-01, brown_outs = [{ from = 2026-08-01, lasts = \"2h\" }, \
    { from = 2026-12-24, lasts = \"2h\" }]";
const GONE: &str = "values = [0, \"none\"], deprecated = 2026-06-01, sunset = 2026-12-24, gone = 2026-12-24";

/// Counted in November, and written at noon of that day in 2026.
fn write_on(counting: &mut Counting, day: &str) {
    let at = httpdate::parse_http_date(&format!("{day} 2026 12:00:00 GMT")).unwrap();
    counting.store.write(&counting.book, at).unwrap();
}

#[test]
fn who_uses_what_is_gone_is_blocked_and_what_ends_later_is_noted() {
    let mut counting = Counting::with(Config::default());
    let [add, find, drop, new] =
        ["add", "find", "drop", "take_on"].map(|name| Part::operation("bureau", name));
    let with = |of: &Part, field: &str, value: Option<&str>| {
        let (of, mail, field) = (of.clone(), of.field("mail"), of.field(field));
        let value = value.map(|value| field.value(Kind::Value, value));
        [vec![of, mail, field], value.into_iter().collect()].concat()
    };
    for (who, parts) in [
        ("drops", vec![drop]),
        ("shows", with(&add, "shown", None)),
        ("clerks", with(&new, "role", Some("\"clerk\""))),
        ("guests", with(&new, "role", Some("\"guest\""))),
        ("rests", with(&add, "hours", Some("0"))),
        ("works", with(&add, "hours", Some("20"))),
        ("finds", vec![find.clone(), find.field("?named")]),
    ] {
        counting.count(Principal::of(who.as_bytes()), &parts);
    }
    let files = changed(&[("mappings/bureau.toml", HOURS, GONE)]);
    write_on(&mut counting, "Mon, 30 Nov");
    let told: Value = serde_json::from_str(&report_by(files.path(), &counting, "json")).unwrap();
    for who in ["drops", "shows", "clerks", "guests", "rests", "works", "finds"] {
        let of = told_of(&told, who);
        assert_eq!((&of["moving"], &of["blocks"]), (&json!("safe"), &json!([])), "{who}: {of:#}");
    }
    let notes = |told: &Value, who: &str| -> Vec<String> {
        let notes = told_of(told, who)["notes"].as_array().unwrap().iter();
        let notes = notes.filter_map(|note| note.as_str().filter(|note| note.contains("retires")));
        let notes = notes.filter(|note| !note.starts_with("bureau/add retires"));
        notes.map(str::to_owned).collect()
    };
    for (who, note) in [
        ("drops", "bureau/drop retires: deprecated 2026-03-01, sunset 2026-12-01, gone 2026-12-01"),
        ("shows", "bureau/add/shown retires: deprecated 2026-05-01, sunset 2026-12-24, gone 2026-12-24"),
        (
            "clerks",
            "bureau/take_on/role=\"clerk\" or \"CLERK\" retires: deprecated 2026-04-01, sunset 2026-12-01",
        ),
        (
            "rests",
            "bureau/add/hours=0 or \"none\" retires: deprecated 2026-06-01, sunset 2026-12-24, gone 2026-12-24",
        ),
    ] {
        assert_eq!(notes(&told, who), [note]);
    }
    for who in ["guests", "works", "finds"] {
        assert_eq!(notes(&told, who), [""; 0], "{who}: nothing of it has an end");
    }

    write_on(&mut counting, "Thu, 24 Dec");
    let told: Value = serde_json::from_str(&report_by(files.path(), &counting, "json")).unwrap();
    for (who, why) in [
        ("drops", "bureau/drop: the operation is gone since 2026-12-01"),
        ("shows", "bureau/add/shown: the field is gone since 2026-12-24"),
        ("rests", "bureau/add/hours=0: the value is gone since 2026-12-24"),
    ] {
        let of = told_of(&told, who);
        assert_eq!(
            (&of["moving"], reasons(&of["blocks"])),
            (&json!("blocked"), vec![why.to_owned()]),
            "{who}"
        );
    }
    for who in ["clerks", "guests", "works", "finds"] {
        assert_eq!(told_of(&told, who)["moving"], "safe", "{who}: past its sunset, and served");
    }
    assert_eq!(notes(&told, "clerks").len(), 1);
}

#[test]
fn where_values_are_not_told_apart_nobody_knows_who_uses_one_that_is_gone() {
    let (listed, any) = ("{ \"enum\": [0, \"none\", 20, 40] }", "{ \"type\": [\"integer\", \"string\"] }");
    let files = changed(&[
        ("mappings/bureau.toml", HOURS, GONE),
        ("schemas/bureau/entry.json", listed, any),
        ("schemas/canonical/person_add.json", listed, any),
    ]);
    let mut counting = Counting::with(Config::default());
    let add = Part::operation("bureau", "add");
    let parts = [add.clone(), add.field("mail"), add.field("hours")];
    counting.count(Principal::of(b"works"), &parts);
    write_on(&mut counting, "Thu, 24 Dec");
    let told: Value = serde_json::from_str(&report_by(files.path(), &counting, "json")).unwrap();
    let works = told_of(&told, "works");
    let why =
        "bureau/add/hours: 0 or \"none\" is gone since 2026-12-24, and nobody knows in which requests it was";
    assert_eq!((&works["moving"], reasons(&works["doubts"])), (&json!("unknown"), vec![why.to_owned()]));
}

#[test]
fn a_single_brown_out_is_told_as_one() {
    let once = |from: &str| {
        let one = format!(
            "values = [0, \"none\"], deprecated = 2026-06-01, brown_outs = [{{ from = {from}, lasts = \"2h\" }}]"
        );
        let files = changed(&[("mappings/bureau.toml", HOURS, &one)]);
        let text = report_by(files.path(), &counted(), "text");
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let told = once("2026-08-01");
    assert!(told.contains("deprecated 2026-06-01, its brown-out over (at the last count"), "{told}");
    let told = once("2026-12-24");
    let window =
        "deprecated 2026-06-01, its brown-out from 2026-12-24 to 2026-12-24T02:00:00Z (at the last count";
    assert!(told.contains(window), "{told}");
}
