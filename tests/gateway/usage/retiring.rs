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
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/retiring");
    let mut report = Command::new(env!("CARGO_BIN_EXE_interlingua"));
    report.arg("report").arg(counting.folder.path().join("usage.sqlite"));
    report.arg("--mappings").arg(fixture.join("mappings")).arg("--schemas").arg(fixture.join("schemas"));
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
