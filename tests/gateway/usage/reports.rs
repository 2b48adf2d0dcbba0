//! What `interlingua report` says of what was counted: who is left, who can be moved and who cannot, and why.

use super::counting::*;
use super::*;

/// By what `tests/fixtures/sixth/mappings/nimbus.toml` says of `add-person`.
#[test]
fn whoever_uses_only_what_crosses_is_safe_to_move_and_the_others_are_told_why() {
    let mut counting = Counting::with(Config::default());
    let add = Part::operation("nimbus", "add-person");
    let field = |name: &str| add.field(name);
    for (who, parts) in [
        ("whole", vec![add.clone(), field("address"), field("seat"), field("seat").value(Kind::Value, "2")]),
        (
            "spelling",
            vec![add.clone(), field("address"), field("seat"), field("seat").value(Kind::Value, "\"2\"")],
        ),
        ("shelves", vec![add.clone(), field("address"), field("shelves")]),
        ("changed", vec![add.clone(), field("address"), field("nickname")]),
        ("word", vec![add.clone(), field("address"), field("seat")]),
        ("fixed", vec![add.clone(), field("address"), field("newsletter")]),
        (
            "quiet",
            vec![
                add.clone(),
                field("address"),
                field("newsletter"),
                field("newsletter").value(Kind::Value, "false"),
            ],
        ),
        (
            "loud",
            vec![
                add.clone(),
                field("address"),
                field("newsletter"),
                field("newsletter").value(Kind::Value, "true"),
            ],
        ),
        ("inside", vec![add.clone(), field("address"), field("call"), field("call.me")]),
        ("container", vec![add.clone(), field("address"), field("call")]),
        ("lacking", vec![add.clone()]),
        ("unread", vec![add.clone(), add.unread()]),
        (
            "past",
            vec![
                Part::operation("nimbus", "drop-person"),
                Part::operation("nimbus", "drop-person").field("x"),
            ],
        ),
    ] {
        counting.count(Principal::of(who.as_bytes()), &parts);
    }
    counting.write();

    let told = counting.told(&[]);
    let verdict = |who: &str| {
        let found = told_of(&told, who);
        (found["safe"].as_bool().unwrap(), reasons(&found["blocks"]), found["notes"].to_string())
    };
    // What the mapping does not promise is never safe, though nothing says that it is lost.
    let doubt = |who: &str| {
        let found = told_of(&told, who);
        (found["moving"].as_str().unwrap(), reasons(&found["doubts"]))
    };
    for (who, expected) in [
        ("changed", "nimbus/add-person/nickname: the mapping has no such field any more"),
        ("word", "nimbus/add-person/seat: in 1 of 1 requests it had a value that is not known"),
        ("fixed", "nimbus/add-person/newsletter: in 1 of 1 requests it had a value that is not known"),
        ("container", "nimbus/add-person/call: nothing is known that was in it, and alone it has no place"),
        (
            "lacking",
            "nimbus/add-person: 1 of 1 requests lacked `address`, or were refused before they were read",
        ),
        ("unread", "nimbus/add-person unread: 1 of 1 requests were not read, and nobody knows what they use"),
    ] {
        assert_eq!(doubt(who), ("unknown", vec![expected.to_owned()]), "{who}");
    }
    assert_eq!(doubt("inside"), ("safe", Vec::new()));
    let (is_safe, blocks, notes) = verdict("whole");
    assert!(is_safe && blocks.is_empty() && !notes.contains("read back"), "{blocks:?} {notes}");
    let (is_safe, blocks, notes) = verdict("spelling");
    assert!(is_safe && blocks.is_empty(), "{blocks:?}");
    assert!(notes.contains("is read back as 2"), "{notes}");
    let lost =
        "nimbus/add-person/shelves: the field is lost in some requests: who has a seat sees every shelf";
    let (is_safe, blocks, _) = verdict("shelves");
    assert_eq!((is_safe, blocks), (false, vec![lost.to_owned()]));
    // Of a field that takes one value it is known which one was sent.
    assert_eq!(doubt("quiet"), ("safe", Vec::new()));
    let refused = "nimbus/add-person/newsletter=true: the value is refused: it must be false";
    let (is_safe, blocks, _) = verdict("loud");
    assert_eq!((is_safe, blocks), (false, vec![refused.to_owned()]));
    let gone = "nimbus/drop-person: no mapping has this operation any more";
    let (is_safe, blocks, _) = verdict("past");
    assert_eq!((is_safe, blocks), (false, vec![gone.to_owned()]));
}

/// Two who came on a day in spring, and one of them again after months.
#[test]
fn who_comes_after_months_of_silence_is_who_is_left() {
    let mut counting = Counting::with(Config::default());
    let list = counting.book.parts().number(&Part::operation("nimbus", "list-people"));
    let spring = now() - Duration::from_hours(24 * 150);
    for (who, when) in [("often", spring), ("quarterly", spring), ("quarterly", now())] {
        counting.counter.count_parts(Principal::of(who.as_bytes()), Client::UNKNOWN, &[list], when);
    }
    counting.write();

    let text = String::from_utf8(counting.report(&[]).stdout).unwrap();
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in [
        "nimbus █┊▄ 1 of 2 principals on each day from 2026-06-25 to 2026-11-22",
        "drawn as ┊: nothing was counted from 2026-06-26 to 2026-11-21",
    ] {
        assert!(words.contains(said), "{said}\n{text}");
    }
    let html = String::from_utf8(counting.report(&["--format", "html"]).stdout).unwrap();
    assert!(html.contains("How many came on 2026-11-22") && html.contains("<b>1</b> of 2"), "{html}");
    assert!(!text.contains("a clock shows") && !html.contains("a clock shows"));
}

/// Whoever decides by a name sees whose it is.
#[test]
fn a_name_stands_beside_the_first_digits_of_the_digest() {
    let mut counting = Counting::with(Config::default());
    counting.count(Principal::of(b"lists"), &[Part::operation("nimbus", "list-people")]);
    counting.write();

    let who = Principal::of(b"lists").to_string();
    let config = counting.folder.path().join("config.toml");
    fs::write(&config, format!("[usage.names]\n{who} = \"billing\"\n")).unwrap();
    let text = counting.report(&["--config", config.to_str().unwrap()]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains(&format!("  billing ({}): safe\n", &who[..8])), "{text}");
}

/// By what `check` tells (`C0303`), whether it is declared or not: `users.get` has no words in `letpiper`, and removing a
/// member has.
#[test]
fn who_uses_what_the_backends_dialect_has_no_words_for_is_blocked() {
    let mut counting = Counting::with(Config::default());
    let [user, removal] = ["getUserById", "removeMemberFromOrganizationById"]
        .map(|operation| Part::operation("gitbook", operation));
    counting
        .count(Principal::of(b"blocked"), &[user.clone(), user.field("{userId}").value(Kind::Id, "uuid")]);
    counting.count(Principal::of(b"free"), &[removal]);
    counting.write();

    let (file, config) =
        (counting.folder.path().join("usage.sqlite"), counting.folder.path().join("config.toml"));
    let told = |text: &str| -> Value {
        fs::write(&config, text).unwrap();
        let mut report = Command::new(env!("CARGO_BIN_EXE_interlingua"));
        let report = report.arg("report").arg(&file).arg("--config").arg(&config).args(["--format", "json"]);
        serde_json::from_slice(&report.output().unwrap().stdout).unwrap()
    };
    let reverse = told("[upstream]\nbase = \"http://127.0.0.1:1\"\ndialect = \"letpiper\"\n");
    let blocked = told_of(&reverse, "blocked");
    let why = "gitbook/getUserById: the backend's dialect has no words for it, and it is refused with 501: \
               `letpiper` has no operation for `users.get`";
    assert_eq!((&blocked["moving"], reasons(&blocked["blocks"])), (&json!("blocked"), vec![why.to_owned()]));
    assert_eq!(told_of(&reverse, "free")["blocks"], json!([]));
    let canonical = told("[upstream]\nbase = \"http://127.0.0.1:1\"\n");
    assert_eq!(told_of(&canonical, "blocked")["blocks"], json!([]));
}

/// Whoever uses either spelling is told to cross, and taking one away is a question that can be asked.
#[test]
fn a_spelling_that_is_looked_up_crosses_and_can_be_asked_for() {
    let mut counting = Counting::with(Config::default());
    let get = Part::operation("gitbook", "getMemberInOrganizationById");
    counting.count(Principal::of(b"reads"), &[get.clone(), get.field("{userId}").value(Kind::Id, "uuid")]);
    counting.write();

    let file = counting.folder.path().join("usage.sqlite");
    let mut report = Command::new(env!("CARGO_BIN_EXE_interlingua"));
    let report = report.arg("report").arg(file).args(["--format", "json"]);
    let output =
        report.args(["--removing", "gitbook/getMemberInOrganizationById/{userId}=uuid"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told_of(&told, "reads")["moving"], "safe", "{told}");
    assert_eq!(told["removing"]["users"].as_array().unwrap().len(), 1);
}

/// A file that was made and not written yet, as a copy is that lacks what was beside it.
#[test]
fn of_a_file_into_which_nothing_was_counted_nobody_says_that_nobody_would_notice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("usage.sqlite");
    let now = now();
    drop(Store::open(&path, Config::default(), now).unwrap());
    let name = &shipped().registry.dialects()[0].name;
    let report = |files: &[&Path]| {
        let mut report = Command::new(env!("CARGO_BIN_EXE_interlingua"));
        let output = report.arg("report").args(files).args(["--removing", name]).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (status, text) = report(&[&path]);
    assert!(text.contains("Nothing was ever counted into this file: it is new, or a copy"), "{text}");
    assert!(text.contains("nobody is known to use") && text.contains("nobody called"), "{text}");
    assert!(!text.contains("nobody would notice") && !text.contains("exact"), "{text}");
    assert_eq!(status, Some(1));
    let (_, text) = report(&[&path, &path]);
    assert!(text.contains("Nothing was ever counted into 2 of the files"), "{text}");
    let (_, json) = report(&[&path, Path::new("--format=json")]);
    let told: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&told["removing"]["certain"], &told["removing"]["users"]), (&json!(false), &json!([])));
    let (status, _) = report(&[]);
    assert_eq!(status, Some(2), "nobody says where it was counted");
    let config = folder.path().join("config.toml");
    fs::write(&config, format!("[usage]\nfile = {:?}\n", path.display().to_string())).unwrap();
    let (status, text) = report(&[Path::new("--config"), &config]);
    assert_eq!(status, Some(1), "the file that the settings name: {text}");

    let (mut store, book) = Store::open(&path, Config::default(), now).unwrap();
    store.write(&book, now + Duration::from_secs(5)).unwrap();
    let (_, json) = report(&[&path, Path::new("--format=json")]);
    let told: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(told["removing"]["certain"], true);
    let (status, text) = report(&[&path]);
    assert!(text.contains(&format!("nobody would notice if {name} went")), "{text}");
    assert_eq!(status, Some(0));
}

/// A table of two rows, of which a third part has pushed one out: what the one who lost it used nobody can say.
#[test]
fn where_parts_were_forgotten_nobody_is_called_safe_and_nothing_unused() {
    let mut counting = Counting::with(Config { entries: 2, ..Config::default() });
    let add = Part::operation("nimbus", "add-person");
    for part in [add.field("shelves"), add.clone(), add.clone(), add.field("address")] {
        counting.count(Principal::of(b"whole"), &[part]);
        // One after the other: what is on one sheet is taken in in no order.
        counting.write();
    }

    let told = counting.told(&[]);
    let principals = told["principals"].as_array().unwrap();
    assert!(!principals.is_empty(), "{told}");
    for one in principals {
        assert_eq!((&one["moving"], &one["safe"]), (&"unknown".into(), &false.into()), "{told}");
    }
    // Who wrote `shelves` is forgotten: it may be removed at nobody's word.
    assert_eq!(counting.report(&["--removing", "nimbus/add-person/shelves"]).status.code(), Some(1));
}

/// One request by nobody knows whom, and nothing else: nothing was forgotten, and whether anybody is left nobody can say.
#[test]
fn of_requests_that_are_nobodys_a_report_says_so() {
    let mut counting = Counting::with(Config::default());
    let add = Part::operation("nimbus", "add-person");
    counting.count(UNCONFIRMED, &[add.clone(), add.field("address")]);
    counting.write();

    let report = |format: &str| {
        let output = counting.report(&["--format", format, "--removing", "nimbus/add-person"]);
        assert_eq!(output.status.code(), Some(1), "nobody can say that nobody would notice");
        String::from_utf8(output.stdout).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let told: Value = serde_json::from_str(&report("json")).unwrap();
    let removing = &told["removing"];
    assert_eq!((&removing["users"], &removing["missed"]), (&json!([]), &json!(0)));
    assert_eq!(
        (&removing["unconfirmed"]["count"], &removing["unconfirmed"]["name"]),
        (&json!(1), &json!("unconfirmed"))
    );
    let one = &told["principals"][0];
    assert_eq!((&one["moving"], &one["blocks"]), (&json!("unknown"), &json!([])));
    assert_eq!(one["doubts"][0]["reason"], "nobody knows whose these requests are");
    let left = json!({"day": "2026-11-22", "dialect": "nimbus", "principals": 0, "exact": false});
    assert_eq!(told["remaining"], json!([left]));

    let text = report("text");
    for words in [
        "nobody is known to use nimbus/add-person 1 requests used it of which nobody knows whose they are",
        "principals, or more on each day",
        "unknown by nimbus/add-person: nobody knows whose these requests are",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    let html = report("html");
    assert!(html.contains("There may have been more: nobody knows whose"), "{html}");
    for page in [text, html] {
        assert!(!page.contains("forgotten") && !page.contains("would notice"), "{page}");
    }
}

/// Two replicas met some things on two days. Everything that is told of it stands here by hand.
#[test]
fn what_was_met_is_told_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let now = now();
    let yesterday = now - Duration::from_hours(24);
    let dialect = shipped().registry.dialects().iter().find(|dialect| dialect.losses.len() > 1).unwrap();
    let (name, operation, loss) = (&dialect.name, &dialect.operations[0].name, &dialect.losses[0]);
    let mut files = Vec::new();
    for replica in ["one", "two"] {
        let path = folder.path().join(replica);
        let (mut store, book) = Store::open(&path, Config::default(), now).unwrap();
        let book = Arc::new(book);
        let watches = Watches::of(&shipped().registry, Arc::clone(&book));
        let counter = Counter::new(Arc::clone(&book));
        for (day, who) in [(yesterday, "a"), (yesterday, "b"), (now, "a")] {
            let number = book.parts().number(&Part::operation(name, operation));
            counter.count_parts(Principal::of(who.as_bytes()), Client::UNKNOWN, &[number], day);
            let mut met = Tally::default();
            met.add(0);
            counter.count_losses(&watches, (name, operation), &met, day);
        }
        for outcome in ["same", "different", "effect_same", "effect_different", "dry_refused", "late"] {
            book.compared(name, operation, outcome, now);
        }
        book.differs(name, operation, "/items/*/<&", now);
        store.write(&book, now).unwrap();
        files.push(path);
    }
    let report = |format: &str| {
        let mut report = Command::new(env!("CARGO_BIN_EXE_interlingua"));
        let output = report.arg("report").args(&files).args(["--format", format]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };

    let told: Value = serde_json::from_str(&report("json")).unwrap();
    let day = |days: u64| json!(if days == 0 { "2026-11-21" } else { "2026-11-22" });
    let part = json!({"dialect": name, "operation": operation, "compared": 8, "different": 4, "refused": 2,
        "fits": 0, "untried": 0, "not_compared": {"late": 2}});
    assert_eq!(told["comparisons"], json!([part]));
    let place = json!({"dialect": name, "operation": operation, "place": "/items/*/<&", "count": 2,
        "first": day(1), "last": day(1)});
    assert_eq!(told["differences"], json!([place]));
    let left = |days: u64, principals: u64| json!({"day": day(days), "dialect": name, "principals": principals, "exact": true});
    assert_eq!(told["remaining"], json!([left(0, 2), left(1, 1)]));
    let losses = told["losses"].as_array().unwrap();
    let own = losses.iter().find(|one| one["loss"] == **loss).unwrap();
    assert_eq!((&own["count"], &own["first"], &own["last"]), (&json!(6), &day(0), &day(1)));
    assert_eq!(losses.len(), dialect.losses.len(), "each loss that is declared is there, met or not");

    let csv = report("csv");
    for line in [
        format!(",,{name},{operation},loss,{loss},,4,0,2026-11-21,2026-11-21\r\n"),
        format!(",,{name},{operation},comparison,,late,2,0,2026-11-22,2026-11-22\r\n"),
        format!(",,{name},{operation},difference,/items/*/<&,,2,0,2026-11-22,2026-11-22\r\n"),
        format!(",,{name},,day,,,2,0,2026-11-22T00:00:00Z,2026-11-22T00:00:00Z\r\n"),
    ] {
        assert!(csv.contains(&line), "{line}\n{csv}");
    }
    assert_eq!(csv.lines().filter(|line| line.contains(",declared,")).count(), dialect.losses.len());

    let text = report("text");
    for words in [
        "of 8 requests whose answers were compared, 4 differed (50.0 %); the canonical",
        "not compared: `late`           2",
        "█▄",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");

    let html = report("html");
    for words in [
        "<h1>Who still calls what</h1>",
        "<h2>Who can be moved</h2>",
        "<code>/items/*/&lt;&amp;</code>",
        "4 differed (50.0 %)",
        "changes that would be refused",
        "<td>not compared: <code>late</code></td><td class=\"n\">2</td>",
    ] {
        assert!(html.contains(words), "{words}\n{html}");
    }
    let drawings = html.matches("<svg ").count();
    assert_eq!(drawings, html.matches("role=\"img\" aria-label=\"").count());
    assert_eq!(drawings, 5, "each drawing can be told");
    assert!(!html.contains("<script") && !html.contains("src=") && !html.contains("url("));
}
