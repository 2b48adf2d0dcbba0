//! What `interlingua report` says of what was counted: who is left, who can be moved and who cannot, and why.

use super::*;

/// A usage file, into which is counted at one moment.
struct Counting {
    folder: tempfile::TempDir,
    store: Store,
    book: Arc<Book>,
    counter: Counter,
}

impl Counting {
    fn with(config: Config) -> Counting {
        let folder = tempfile::tempdir().unwrap();
        let (store, book) = Store::open(&folder.path().join("usage.sqlite"), config, now()).unwrap();
        let book = Arc::new(book);
        let counter = Counter::new(Arc::clone(&book));
        Counting { folder, store, book, counter }
    }

    fn count(&self, who: Principal, parts: &[Part]) {
        let numbers: Vec<_> = parts.iter().map(|part| self.book.parts().number(part)).collect();
        self.counter.count_parts(who, Client::UNKNOWN, &numbers, now());
    }

    /// Of one who adds and one who lists, and of how comparing what they use has ended.
    fn of_two(compared: &[(&str, &str)]) -> Counting {
        let mut counting = Counting::with(Config::default());
        let (add, list) = (Part::operation("nimbus", "add-person"), Part::operation("nimbus", "list-people"));
        for (who, parts) in [("adds", vec![add.clone(), add.field("address")]), ("lists", vec![list])] {
            counting.count(Principal::of(who.as_bytes()), &parts);
        }
        for (operation, outcome) in compared {
            counting.book.compared("nimbus", operation, outcome, now());
        }
        counting.write();
        counting
    }

    fn write(&mut self) {
        self.store.write(&self.book, now()).unwrap();
    }

    /// What `report` says of the file, by the mappings of the sixth dialect.
    fn report(&self, more: &[&str]) -> Output {
        let data = sixth();
        let mut report = Command::new(env!("CARGO_BIN_EXE_interlingua"));
        report.arg("report").arg(self.folder.path().join("usage.sqlite"));
        report.arg("--mappings").arg(data.path().join("mappings"));
        report.arg("--schemas").arg(data.path().join("schemas")).args(more).output().unwrap()
    }

    fn told(&self, more: &[&str]) -> Value {
        let output = self.report(&[&["--format", "json"], more].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }
}

/// Noon on a day of 2026.
fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_hours(498_696)
}

/// What is told of that principal.
fn told_of<'t>(told: &'t Value, who: &str) -> &'t Value {
    let who = Principal::of(who.as_bytes()).to_string();
    told["principals"].as_array().unwrap().iter().find(|one| one["principal"] == *who).unwrap()
}

/// The parts that are in the way, and why.
fn reasons(of: &Value) -> Vec<String> {
    let told =
        |one: &Value| format!("{}: {}", one["part"].as_str().unwrap(), one["reason"].as_str().unwrap());
    of.as_array().unwrap().iter().map(told).collect()
}

/// The dialect of `tests/fixtures/sixth`, with the canonical files that it is described against.
fn sixth() -> tempfile::TempDir {
    let (root, data) = (Path::new(env!("CARGO_MANIFEST_DIR")), tempfile::tempdir().unwrap());
    let fixture = root.join("tests/fixtures/sixth");
    for (from, to) in [
        (root.join("schemas/canonical"), "schemas/canonical"),
        (fixture.join("schemas/nimbus"), "schemas/nimbus"),
        (fixture.join("mappings"), "mappings"),
    ] {
        let to = data.path().join(to);
        fs::create_dir_all(&to).unwrap();
        for file in fs::read_dir(from).unwrap().map(Result::unwrap) {
            fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
    fs::copy(root.join("mappings/canonical.toml"), data.path().join("mappings/canonical.toml")).unwrap();
    data
}

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
    let gone = "nimbus/drop-person: no mapping has this operation any more";
    let (is_safe, blocks, _) = verdict("past");
    assert_eq!((is_safe, blocks), (false, vec![gone.to_owned()]));
}

/// One used an operation in which a shadow has found differences, the other one in which it has found none.
#[test]
fn who_uses_what_differs_is_in_doubt() {
    let counting = Counting::of_two(&[
        ("add-person", "effect_different"),
        ("add-person", "effect_same"),
        ("add-person", "dry_refused"),
        ("list-people", "same"),
        ("list-people", "noise"),
    ]);

    let told = counting.told(&[]);
    let of = |who: &str| {
        let found = told_of(&told, who);
        (found["moving"].clone(), found["doubts"][0]["reason"].clone())
    };
    let why = "both sides differed in 1 of 2 answers compared, and the canonical side would have refused 1 change; \
               whose is not known, the last was on 2026-11-22";
    assert_eq!(of("adds"), (json!("unknown"), json!(why)));
    assert_eq!(of("lists"), (json!("safe"), Value::Null));
    let html = String::from_utf8(counting.report(&["--format", "html"]).stdout).unwrap();
    assert_eq!(html.matches("✓ safe to move").count(), 1);
}

/// One used an operation to which the canonical side had no answer, one an operation of which a shadow was given up.
#[test]
fn who_uses_what_could_not_be_compared_is_in_doubt_if_there_was_no_answer_and_else_told() {
    let counting = Counting::of_two(&[
        ("list-people", "unanswered"),
        ("list-people", "same"),
        ("list-people", "unreadable"),
        ("add-person", "effect_unread"),
        ("add-person", "a_word_of_tomorrow"),
        ("add-person", "untried"),
    ]);

    let told = counting.told(&[]);
    let of = |who: &str, what: &str| told_of(&told, who)[what].clone();
    let why = "2 of 3 requests were not compared to an end (1 `unanswered`, 1 `unreadable`); \
               whose is not known, the last was on 2026-11-22";
    assert_eq!(
        (of("lists", "moving"), of("lists", "doubts")[0]["reason"].clone()),
        (json!("unknown"), json!(why))
    );
    let note = "nimbus/add-person: nothing was compared, though it was tried: 1 `a_word_of_tomorrow`, 1 `effect_unread`";
    assert_eq!(of("adds", "moving"), "safe");
    assert!(of("adds", "notes").as_array().unwrap().contains(&json!(note)), "{told}");
    let not_compared = json!({"a_word_of_tomorrow": 1, "effect_unread": 1});
    assert_eq!(
        (&told["comparisons"][0]["not_compared"], &told["comparisons"][0]["untried"]),
        (&not_compared, &json!(1))
    );
    let text = String::from_utf8(counting.report(&[]).stdout).unwrap();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "of 1 requests whose answers were compared, 0 differed (0 %); tried, and not compared: 1 `a_word_of_tomorrow`, \
         1 `effect_unread`, 1 `unanswered`, 1 `unreadable`",
        "nimbus/list-people not compared: `unanswered` 1 2026-11-22",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
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

/// By what `check` tells (`C0303`), whether it is declared or not: `users.get` has no words in `letpiper`, and removing a member has.
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

/// By the mapping's `[lens.member.fields]`: three numbers and a word that every answer has, and four fields that are read.
#[test]
fn what_answers_only_show_is_named_beside_every_verdict() {
    let mut counting = Counting::with(Config::default());
    counting.count(Principal::of(b"reads"), &[Part::operation("gitbook", "getMemberInOrganizationById")]);
    counting
        .count(Principal::of(b"drops"), &[Part::operation("gitbook", "removeMemberFromOrganizationById")]);
    counting.write();

    let mut report = Command::new(env!("CARGO_BIN_EXE_interlingua"));
    let report = report.arg("report").arg(counting.folder.path().join("usage.sqlite"));
    let told: Value =
        serde_json::from_slice(&report.args(["--format", "json"]).output().unwrap().stdout).unwrap();
    let reads = told_of(&told, "reads");
    let shown: Vec<_> =
        reads["only_shown"]["gitbook"].as_array().unwrap().iter().map(|at| at.as_str().unwrap()).collect();
    for place in ["object", "sites", "spaces", "teams"] {
        assert!(shown.contains(&place), "{place}: {shown:?}");
    }
    for place in ["id", "role", "user", "disabled", "joinedAt"] {
        assert!(!shown.contains(&place), "{place}: {shown:?}");
    }
    assert_eq!(reads["moving"], "safe");
    let notes = reads["notes"].to_string();
    assert!(
        notes.contains("gitbook: nothing compares what answers only show: `object`, `sites`, "),
        "{notes}"
    );
    // It is answered with nothing at all.
    assert_eq!(told_of(&told, "drops")["only_shown"], json!({}));
}

/// Where a shadow looked, and found that the old side shows the same or something else.
#[test]
fn who_is_shown_something_else_is_in_doubt_and_what_was_looked_at_is_named_no_more() {
    let mut counting = Counting::with(Config::default());
    for (who, operation) in [("reads", "getMemberInOrganizationById"), ("gets", "getOrganizationById")] {
        counting.count(Principal::of(who.as_bytes()), &[Part::operation("gitbook", operation)]);
        counting.book.compared("gitbook", operation, "same", now());
    }
    for place in ["dialect:/spaces", "dialect:/phone"] {
        counting.book.differs("gitbook", "getMemberInOrganizationById", place, now());
    }
    counting.write();

    let file = counting.folder.path().join("usage.sqlite");
    let report = |format: &str| {
        let mut report = Command::new(env!("CARGO_BIN_EXE_interlingua"));
        let output = report.arg("report").arg(&file).args(["--format", format]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let told: Value = serde_json::from_str(&report("json")).unwrap();
    let reads = told_of(&told, "reads");
    assert_eq!(reads["moving"], "unknown", "{reads}");
    let doubts = reads["doubts"].to_string();
    assert!(
        doubts.contains("show something else, or more, at `dialect:/phone`, `dialect:/spaces`;"),
        "{doubts}"
    );
    let unread = &reads["only_shown"];
    assert_eq!(
        *unread,
        json!({"gitbook": ["user.displayName"]}),
        "a name of several parts is made of what is not told"
    );
    // What nobody can look at is named as before: permissions are made of what no answer tells.
    let gets = told_of(&told, "gets");
    assert_eq!(gets["moving"], "safe", "{gets}");
    let unread = &gets["only_shown"]["gitbook"];
    assert!(unread.as_array().unwrap().contains(&json!("permissions.admin")), "{unread}");
    assert!(!unread.as_array().unwrap().contains(&json!("plan")), "{unread}");
    // Apart from what differs in meaning, in each format.
    assert_eq!(told["differences"], json!([]));
    let places: Vec<_> = told["shown"].as_array().unwrap().iter().map(|one| &one["place"]).collect();
    assert_eq!(places, ["dialect:/phone", "dialect:/spaces"]);
    let csv = report("csv");
    assert!(csv.contains(",gitbook,getMemberInOrganizationById,shown,dialect:/phone,,1,"), "{csv}");
    let text = report("text");
    let (_, shown) = text.split_once("what is only shown, and will be shown otherwise\n").unwrap();
    assert!(shown.contains("dialect:/spaces"), "{text}");
    assert!(report("html").contains("<code>dialect:/phone</code>"));
    // It is not counted what was in the answers: a member may have been in none of them.
    let note = "gitbook: what answers only show was compared only where they had it, if any did: ";
    let notes = gets["notes"].as_array().unwrap().iter().map(|note| note.as_str().unwrap());
    let compared: Vec<_> = notes.filter_map(|one| one.strip_prefix(note)).collect();
    assert!(compared.len() == 1 && compared[0].contains("`object`"), "{gets}");
}

/// Whoever says that it is meant to be so need not wait until the days are gone on which it was found.
#[test]
fn what_is_known_to_be_shown_otherwise_leaves_nobody_in_doubt() {
    let mut counting = Counting::with(Config::default());
    let operation = "getMemberInOrganizationById";
    counting.count(Principal::of(b"reads"), &[Part::operation("gitbook", operation)]);
    for place in ["dialect:/spaces", "dialect:/user/urls/location"] {
        counting.book.differs("gitbook", operation, place, now());
    }
    counting.write();
    let file = counting.folder.path().join("usage.sqlite");
    let report = |known: &str| -> (Value, Vec<String>) {
        let config = counting.folder.path().join("config.toml");
        let text = format!(
            "[legacy.gitbook]\nbase = \"http://127.0.0.1:1\"\n[mode.gitbook]\nmode = \"shadow\"\nknown = [{known}]\n"
        );
        std::fs::write(&config, text).unwrap();
        let mut report = Command::new(env!("CARGO_BIN_EXE_interlingua"));
        let report = report.arg("report").arg(&file).args(["--format", "json"]).arg("--config").arg(&config);
        let output = report.output().unwrap();
        let told: Value = serde_json::from_slice(&output.stdout).expect("a report");
        let shown = told["shown"].as_array().unwrap().iter();
        let shown = shown.map(|one| one["place"].as_str().unwrap().to_owned()).collect();
        (told_of(&told, "reads")["moving"].clone(), shown)
    };
    let doubted = |known, places: &[&str]| {
        let (moving, shown) = report(known);
        assert_eq!(shown, places, "{known}");
        assert_eq!(moving, if places.is_empty() { "safe" } else { "unknown" }, "{known}");
    };
    doubted("", &["dialect:/spaces", "dialect:/user/urls/location"]);
    doubted("\"dialect:/space\", \"dialect:/user\"", &["dialect:/spaces"]);
    doubted("\"dialect:/spaces\", \"dialect:/user\"", &[]);
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
