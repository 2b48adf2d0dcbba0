//! What `interlingua report` says of what a shadow compared, could not compare, and found to be shown otherwise.

use super::counting::*;
use super::*;

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
    // Nobody has compared anything.
    let of = places(&told, "getMemberInOrganizationById");
    assert_eq!((&of["answers"], &of["compared"], &of["looked_at"]), (&json!(0), &json!([]), &json!([])));
    for (place, why) in [("/role", "no_answer"), ("spaces", "no_answer"), ("user.displayName", "not_told")] {
        assert!(of["never"].as_array().unwrap().contains(&json!({"place": place, "why": why})), "{of}");
    }
    for format in ["text", "html"] {
        let told = by_own_mappings(&counting, format);
        assert!(!told.to_lowercase().contains("where both sides were compared"), "{told}");
    }
}

/// A report by the mappings that are built in.
fn by_own_mappings(counting: &Counting, format: &str) -> String {
    let mut report = Command::new(env!("CARGO_BIN_EXE_interlingua"));
    report.arg("report").arg(counting.folder.path().join("usage.sqlite")).args(["--format", format]);
    String::from_utf8(report.output().unwrap().stdout).unwrap()
}

/// What is told of the places of an operation.
fn places<'t>(told: &'t Value, operation: &str) -> &'t Value {
    told["places"].as_array().unwrap().iter().find(|one| one["operation"] == operation).unwrap()
}

/// By the mappings' `[lens.member]`, `[operation.collect]` and `constant`.
#[test]
fn where_answers_were_compared_and_where_never_is_told_of_each_operation() {
    let mut counting = Counting::with(Config::default());
    for (dialect, operation) in [
        ("gitbook", "getMemberInOrganizationById"),
        ("gitbook", "updateMemberInOrganizationById"),
        ("apexscore", "create_organization_invitations"),
        ("dreadnode", "respond_to_invitation"),
    ] {
        counting.count(Principal::of(b"uses"), &[Part::operation(dialect, operation)]);
        counting.book.compared(dialect, operation, "same", now());
    }
    counting.write();
    let told: Value = serde_json::from_str(&by_own_mappings(&counting, "json")).unwrap();
    let reads = places(&told, "getMemberInOrganizationById");
    assert_eq!(
        (&reads["dialect"], &reads["of"], &reads["answers"]),
        (&json!("gitbook"), &json!("answers"), &json!(1))
    );
    let compared = reads["compared"].as_array().unwrap();
    for place in ["/role", "/status", "/user/email", "/user_id"] {
        assert!(compared.contains(&json!(place)), "{place}: {reads}");
    }
    // What the dialect drops, and what only holds other places.
    for place in ["/organization_id", "/extensions", "/joined_at", "/user", ""] {
        assert!(!compared.contains(&json!(place)), "{place}: {reads}");
    }
    let looked_at = reads["looked_at"].as_array().unwrap();
    for place in ["object", "sites", "spaces", "teams"] {
        assert!(looked_at.contains(&json!(place)), "{place}: {reads}");
    }
    let [headers, refusal, name] =
        [("headers", "header"), ("refusal", "refusal"), ("user.displayName", "not_told")]
            .map(|(place, why)| json!({"place": place, "why": why}));
    let [joined, seen] = ["/joined_at", "/last_seen_at"].map(|at| json!({"place": at, "why": "time"}));
    assert_eq!(reads["never"], json!([joined, seen, headers, refusal, name]));
    // Of a change what it did is compared, and its answer is looked at.
    let changes = places(&told, "updateMemberInOrganizationById");
    assert_eq!((&changes["of"], &changes["compared"]), (&json!("effects"), &json!([])));
    assert_eq!(
        (&changes["looked_at"], &changes["never"]),
        (&reads["looked_at"], &json!([headers, refusal, name]))
    );
    for (operation, why) in
        [("create_organization_invitations", "bulk"), ("respond_to_invitation", "constant")]
    {
        let whole = json!({"place": "", "why": why});
        let of = places(&told, operation);
        assert!(of["never"].as_array().unwrap().contains(&whole), "{of}");
    }
    let text = by_own_mappings(&counting, "text");
    let (_, told) = text.split_once("where both sides were compared, as far as answers had it\n").unwrap();
    assert!(told.contains("gitbook/getMemberInOrganizationById: "), "{text}");
    let html = by_own_mappings(&counting, "html");
    assert!(html.contains("<code>user.displayName</code>") && html.contains("<code>/last_seen_at</code>"));
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
    assert_eq!(gets["moving"], "unknown", "{gets}");
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

/// What `[lens.organization]` makes of the caller's capabilities, which no answer tells. It is more than a label.
#[test]
fn who_is_told_rights_that_no_shadow_can_look_at_is_in_doubt_until_somebody_has_looked() {
    let mut counting = Counting::with(Config::default());
    for operation in ["getOrganizationById", "listOrganizationsForAuthenticatedUser"] {
        counting.count(Principal::of(operation.as_bytes()), &[Part::operation("gitbook", operation)]);
        counting.book.compared("gitbook", operation, "same", now());
    }
    counting.write();
    let told = |known: &str| -> Value {
        let config = counting.folder.path().join("config.toml");
        let text = "[legacy.gitbook]\nbase = \"http://127.0.0.1:1\"\n[mode.gitbook]\nmode = \"shadow\"\n";
        fs::write(&config, format!("{text}known = [{known}]\n")).unwrap();
        let mut report = Command::new(env!("CARGO_BIN_EXE_interlingua"));
        let report = report.arg("report").arg(counting.folder.path().join("usage.sqlite"));
        let output = report.args(["--format", "json"]).arg("--config").arg(&config).output().unwrap();
        serde_json::from_slice(&output.stdout).expect("a report")
    };
    let doubts = |told: &Value| {
        let of = |who: &str| reasons(&told_of(told, who)["doubts"]).join("; ");
        [of("getOrganizationById"), of("listOrganizationsForAuthenticatedUser")]
    };
    let [one, list] = doubts(&told(""));
    for name in ["admin", "createContent", "viewBilling"] {
        assert!(one.contains(&format!("`dialect:/permissions/{name}`")), "{one}");
        assert!(list.contains(&format!("`dialect:/items/*/permissions/{name}`")), "{list}");
    }
    // A constant there is compared with what the old side shows.
    assert!(!one.contains("permissions/edit"), "{one}");
    let [one, list] = doubts(&told("\"dialect:/permissions\", \"dialect:/items/*/permissions/admin\""));
    assert_eq!(one, "");
    assert!(list.contains("at `dialect:/items/*/permissions/createContent`"), "{list}");
    let told = told("\"dialect:/permissions\", \"dialect:/items/*/permissions\"");
    assert_eq!(doubts(&told), ["", ""]);
    assert_eq!(told_of(&told, "getOrganizationById")["moving"], "safe");
}
