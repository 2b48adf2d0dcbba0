//! Who uses what, as a started program counts it: what was sent, told by the admin page, kept through kills and restarts,
//! and put together by the report.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::time::SystemTime;

use interlingua::limit::Principal;
use interlingua::usage::store::Store;
use interlingua::usage::{Client as Known, Config, Counter, Part};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::backend::Backend;
use super::client::Client;
use super::files::Files;
use super::process::Process;
use super::rounds;

const UUID: &str = "20000000-0000-4000-8000-000000000001";
/// The example in the documentation of the form.
const SHORT: &str = "CnEqURgZ3swzj528KMLvX5";

/// One request: whose, by which program, with which spelling of the organization, and its body.
struct Ask {
    credential: &'static str,
    client: &'static str,
    organization: &'static str,
    body: &'static str,
    status: u16,
    /// What it uses, by hand: kind, field, value.
    uses: &'static [(&'static str, &'static str, &'static str)],
}

const JOB: &str = "pat_NightlyJob0001";
const SHOP: &str = "pat_ShopCanary7777";

const ASKS: [Ask; 5] = [
    Ask {
        credential: JOB,
        client: "nightly/1.2 (linux)",
        organization: UUID,
        body: r#"{"email": "a@b.example", "role": "chief"}"#,
        status: 200,
        uses: &[
            ("operation", "", ""),
            ("field", "email", ""),
            ("field", "role", ""),
            ("value", "role", "\"chief\""),
            ("id", "{org}", "uuid"),
        ],
    },
    Ask {
        credential: SHOP,
        client: "shop/2 libx/3",
        organization: SHORT,
        body: r#"{"email": "secret-person@b.example"}"#,
        status: 200,
        uses: &[("operation", "", ""), ("field", "email", ""), ("id", "{org}", "shortuuid")],
    },
    // Refused, and used all the same.
    Ask {
        credential: SHOP,
        client: "shop/3",
        organization: UUID,
        body: r#"{"role": "hand", "unheard": "of"}"#,
        status: 422,
        uses: &[
            ("operation", "", ""),
            ("field", "role", ""),
            ("value", "role", "\"hand\""),
            ("id", "{org}", "uuid"),
        ],
    },
    // What is no word is no value.
    Ask {
        credential: SHOP,
        client: "",
        organization: UUID,
        body: r#"{"email": "a@b.example", "role": "free-text-canary"}"#,
        status: 422,
        uses: &[
            ("operation", "", ""),
            ("field", "email", ""),
            ("field", "role", ""),
            ("id", "{org}", "uuid"),
        ],
    },
    // Nobody's credential looks so.
    Ask { credential: "bad", client: "x/1", organization: UUID, body: "{}", status: 401, uses: &[] },
];

/// Counts by principal, kind, field and value.
type Counts = BTreeMap<[String; 4], u64>;

/// What must not be in anything that is told or kept.
const CANARIES: [&str; 5] = [JOB, SHOP, "secret-person", "free-text-canary", "unheard"];

fn digest(credential: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(credential).into();
    let first = u128::from_be_bytes(std::array::from_fn(|at| digest[at]));
    format!("{first:032x}")
}

/// Sends so many of each, and adds what they use to what is expected.
fn send(process: &Process, times: u64, expected: &mut Counts) {
    let mut client = Client::new(process.address);
    for ask in &ASKS {
        let Ask { credential, organization, .. } = ask;
        let agent =
            if ask.client.is_empty() { String::new() } else { format!("user-agent: {}\r\n", ask.client) };
        let headers =
            format!("authorization: Token {credential}\r\ncontent-type: application/json\r\n{agent}");
        for _ in 0..times {
            let answer =
                client.post(&format!("/acme/api/orgs/{organization}/people"), &headers, ask.body).unwrap();
            assert_eq!(answer.status, ask.status, "{}: {}", ask.body, answer.body);
            for (kind, field, value) in ask.uses {
                let key = [&digest(credential), *kind, *field, *value].map(str::to_owned);
                *expected.entry(key).or_default() += 1;
            }
        }
    }
}

/// What is told of acme's one operation.
fn counts(told: &Value) -> Counts {
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap().to_owned();
    let entries = told["uses"]["entries"].as_array().unwrap().iter();
    let counts = entries.map(|entry| {
        assert_eq!(
            (&entry["dialect"], &entry["operation"], &entry["error"]),
            (&"acme".into(), &"add_member".into(), &0.into())
        );
        (
            ["principal", "kind", "field", "value"].map(|key| text(entry, key)),
            entry["count"].as_u64().unwrap(),
        )
    });
    counts.collect()
}

fn page(process: &Process) -> Value {
    let answer = process.page("/usage");
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_harmless(&answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

fn assert_harmless(text: &str) {
    let found: Vec<_> = CANARIES.iter().filter(|canary| text.contains(**canary)).collect();
    assert!(found.is_empty(), "{found:?} in {text}");
}

struct Place {
    files: Files,
    usage: PathBuf,
}

fn place(backend: &Backend, folder: &Path) -> Place {
    place_at(backend, folder, ["127.0.0.1:0"; 2], "1h", "")
}

/// The same with these addresses of the listener and of the admin page, written so often, and with more settings.
fn place_at(backend: &Backend, folder: &Path, addresses: [&str; 2], pace: &str, more: &str) -> Place {
    let usage = folder.join("usage.sqlite");
    let [address, admin] = addresses;
    let settings = format!(
        "[server]\nworkers = 2\n[[server.listener]]\naddress = \"{address}\"\n[admin]\naddress = \"{admin}\"\n\
         [telemetry]\nformat = \"json\"\n[usage]\nfile = \"{}\"\nwrite_every = \"{pace}\"\n\
         [usage.names]\n{} = \"nightly <job> & \\\"co\\\"\"\n{more}",
        usage.display(),
        digest(JOB)
    );
    Place { files: Files::new(backend.address, &settings), usage }
}

fn report(place: &Place, arguments: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_interlingua"));
    program.arg("report").args(arguments).arg("--config").arg(place.files.config());
    let output = program.output().unwrap();
    assert_harmless(&String::from_utf8_lossy(&output.stdout));
    assert_harmless(&String::from_utf8_lossy(&output.stderr));
    output
}

fn report_json(place: &Place, arguments: &[&str]) -> Value {
    let output = report(place, &[arguments, &["--format", "json"]].concat());
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn what_was_sent_is_counted_and_what_was_told_is_kept() {
    let (backend, folder) = (Backend::start(), tempfile::tempdir().unwrap());
    let place = place(&backend, folder.path());
    let file = place.usage.display().to_string();
    let mut expected = Counts::new();

    // Told, and then killed: what was told is there.
    for _ in 0..rounds(2, 30) {
        let process = Process::start(&place.files);
        send(&process, 3, &mut expected);
        assert_eq!(counts(&page(&process)), expected);
        process.signal("KILL");
        process.wait();
        assert_eq!(counts(&report_json(&place, &[&file])["counted"]), expected);
    }
    // Ended as it should: all is there that was answered.
    let process = Process::start(&place.files);
    send(&process, 2, &mut expected);
    process.stop();
    assert_eq!(counts(&report_json(&place, &[&file])["counted"]), expected);

    // And asked while it runs.
    let process = Process::start(&place.files);
    send(&process, 1, &mut expected);
    let from = format!("http://{}", process.admin);
    let told = report_json(&place, &["--from", &from]);
    assert_eq!(counts(&told["counted"]), expected);
    let bytes = std::fs::read(&place.usage).unwrap();
    assert_harmless(&String::from_utf8_lossy(&bytes));

    let sent: u64 = expected.iter().filter(|(key, _)| key[1] == "operation").map(|(_, count)| count).sum();
    assert_eq!(told["requests"], sent);
    assert_eq!(
        told["counted"]["days"]
            .as_array()
            .unwrap()
            .iter()
            .map(|day| day["total"].as_u64().unwrap())
            .sum::<u64>(),
        sent
    );
    let clients: Vec<_> = told["counted"]["clients"]["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["client"].as_str().unwrap())
        .collect();
    let mut sorted = clients.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, ["", "nightly/1.2", "shop/2", "shop/3"]);
    let who: Vec<_> = told["principals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["principal"].clone(), one["name"].clone()))
        .collect();
    assert!(who.contains(&(digest(JOB).into(), "nightly <job> & \"co\"".into())), "{who:?}");
    assert!(who.contains(&(digest(SHOP).into(), Value::Null)), "{who:?}");
    process.stop();

    every_format_tells_it(&place, &file, &expected);
    whoever_would_notice_is_told(&place, &file, &expected);
}

/// Replicas are added up; a file given twice stands for two of them.
fn every_format_tells_it(place: &Place, file: &str, expected: &Counts) {
    let twice: Counts = expected.iter().map(|(key, count)| (key.clone(), count * 2)).collect();
    assert_eq!(counts(&report_json(place, &[file, file])["counted"]), twice);

    let csv = String::from_utf8(report(place, &[file, "--format", "csv"]).stdout).unwrap();
    let records = records(&csv);
    assert_eq!(
        records[0].join(","),
        "principal,name,dialect,operation,kind,field,value,count,error,first,last"
    );
    assert!(records.iter().all(|record| record.len() == records[0].len()), "{csv}");
    let is_use = |kind: &str| ["operation", "field", "value", "id"].contains(&kind);
    let uses = records[1..].iter().filter(|record| is_use(&record[4]));
    let told: Counts =
        uses.map(|record| ([0, 4, 5, 6].map(|at| record[at].clone()), record[7].parse().unwrap())).collect();
    assert_eq!(told, *expected);
    assert!(records.iter().any(|record| record[1] == "nightly <job> & \"co\""));

    let html = String::from_utf8(report(place, &[file, "--format", "html"]).stdout).unwrap();
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..roxmltree::ParsingOptions::default() };
    let page = roxmltree::Document::parse_with_options(&html, options).unwrap();
    let words: String = page.descendants().filter_map(|node| node.text()).collect::<Vec<_>>().join("\n");
    assert!(words.contains("nightly <job> & \"co\""));
    for node in page.descendants().filter(roxmltree::Node::is_element) {
        assert!(!["script", "link", "img", "iframe", "object"].contains(&node.tag_name().name()));
        let outside =
            ["src", "href", "srcset", "data", "action"].iter().any(|name| node.has_attribute(*name));
        assert!(!outside && !node.attributes().any(|one| one.name().starts_with("on")), "{node:?}");
    }
    // Requests by dialect and by principal, and who is left in the one dialect; nothing was compared, and nothing lost.
    assert_eq!(
        page.descendants().filter(|node| node.has_tag_name(("http://www.w3.org/1999/xhtml", "svg"))).count(),
        3
    );
    assert!(!html.contains("url(") && !html.contains("@import"));

    let text = String::from_utf8(report(place, &[file]).stdout).unwrap();
    assert!(text.contains("Every count is exact.") && text.contains("acme/add_member"), "{text}");
}

/// Another reader of RFC 4180.
fn records(csv: &str) -> Vec<Vec<String>> {
    let (mut records, mut record, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = csv.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => cell.extend(characters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {
                assert_eq!(characters.next(), Some('\n'));
                record.push(std::mem::take(&mut cell));
                records.push(std::mem::take(&mut record));
            }
            c => cell.push(c),
        }
    }
    assert!(!quoted && record.is_empty() && cell.is_empty(), "it ends with a line");
    records
}

fn whoever_would_notice_is_told(place: &Place, file: &str, expected: &Counts) {
    let used = |credential: &str, what: [&str; 3]| {
        expected[&[&digest(credential), what[0], what[1], what[2]].map(str::to_owned)]
    };
    let (job, shop) = (used(JOB, ["operation", "", ""]), used(SHOP, ["operation", "", ""]));
    let roles = (used(JOB, ["field", "role", ""]), used(SHOP, ["field", "role", ""]));
    for (part, users, status) in [
        ("acme", vec![(SHOP, shop), (JOB, job)], 1),
        ("acme/add_member", vec![(SHOP, shop), (JOB, job)], 1),
        ("acme/add_member/role", vec![(SHOP, roles.1), (JOB, roles.0)], 1),
        ("acme/add_member/role=chief", vec![(JOB, job)], 1),
        ("acme/add_member/role=\"chief\"", vec![(JOB, job)], 1),
        ("acme/add_member/{org}=shortuuid", vec![(SHOP, used(SHOP, ["id", "{org}", "shortuuid"]))], 1),
        ("acme/add_by_slug", vec![], 0),
        ("acme/add_by_slug/role=hand", vec![], 0),
    ] {
        let output = report(place, &[file, "--removing", part, "--format", "json"]);
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let told = told["removing"]["users"].as_array().unwrap().iter();
        let told: Vec<_> =
            told.map(|user| (user["principal"].clone(), user["count"].as_u64().unwrap())).collect();
        let users: Vec<_> = users.into_iter().map(|(who, count)| (Value::from(digest(who)), count)).collect();
        assert_eq!((told, output.status.code()), (users, Some(status)), "{part}");
    }
    for slip in ["acne", "acme/add_membr", "acme/add_member/rol", "acme/add_member/role=cheif"] {
        let output = report(place, &[file, "--removing", slip]);
        assert_eq!(output.status.code(), Some(2), "{slip}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("did you mean"), "{slip}: {output:?}");
    }
}

/// Whoever cannot start leaves the file to the process that has it; whoever can takes it over.
#[test]
fn only_a_start_that_succeeds_takes_the_file_over() {
    let (backend, folder) = (Backend::start(), tempfile::tempdir().unwrap());
    let first = Process::start(&place(&backend, folder.path()).files);
    let mut expected = Counts::new();
    let (address, admin) = (first.address.to_string(), first.admin.to_string());
    let nowhere = "[explain]\nkey = \"/dev/null/key\"\n";
    for (addresses, more) in [
        ([address.as_str(), "127.0.0.1:0"], ""),
        (["127.0.0.1:0", admin.as_str()], ""),
        (["127.0.0.1:0", "127.0.0.1:0"], nowhere),
    ] {
        let place = place_at(&backend, folder.path(), addresses, "1h", more);
        let mut second = Command::new(env!("CARGO_BIN_EXE_interlingua"));
        let ended = second.args(["serve", "--config"]).arg(place.files.config()).output().unwrap();
        assert!(!ended.status.success(), "{addresses:?} {more}");
        send(&first, 1, &mut expected);
        assert_eq!(counts(&page(&first)), expected, "{addresses:?} {more}: {ended:?}");
    }

    let second = Process::start(&place(&backend, folder.path()).files);
    send(&second, 1, &mut expected);
    assert_eq!(counts(&page(&second)), expected);
    // By now it has written, and is not about to any more.
    let answer = first.page("/usage");
    assert!(answer.status == 503 && answer.body.contains("taken over"), "{}", answer.body);
    first.stop();
    assert_eq!(counts(&page(&second)), expected);

    // One that goes on serving all the same says how much is missing: itself, and the file.
    let place = place(&backend, folder.path());
    let third = Process::start(&place.files);
    assert_eq!(counts(&page(&third)), expected);
    let mut missing = Counts::new();
    send(&second, 1, &mut missing);
    let missing: u64 = missing.iter().filter(|(key, _)| key[1] == "operation").map(|(_, count)| count).sum();
    let answer = second.page("/usage");
    let said = format!("is not counted ({missing} requests so far); end it, or start it anew");
    assert!(answer.status == 503 && answer.body.contains(&said), "{}", answer.body);
    let line = format!("gateway_usage_lost_requests_total{{reason=\"not_owner\"}} {missing}");
    let metrics = second.page("/metrics").body;
    assert!(metrics.lines().any(|written| written == line), "{metrics}");
    second.stop();
    third.stop();
    let told = report_json(&place, &[&place.usage.display().to_string()]);
    assert_eq!((&told["exact"], &told["counted"]["uses"]["missed"]), (&false.into(), &missing.into()));
}

/// Where [`an_heir_that_goes_no_further`] finds the file.
const HEIR: &str = "INTERLINGUA_TEST_HEIR";

/// What another test starts as a process: one that takes the file over, and is killed before its start is certain. Else it does
/// nothing.
#[test]
fn an_heir_that_goes_no_further() {
    let Ok(path) = std::env::var(HEIR) else { return };
    let mut store = Store::look(Path::new(&path), SystemTime::now()).unwrap();
    store.take_over(Config::default()).unwrap();
    println!("taken over");
    // Until it is killed, or whoever started it is gone.
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn starts_that_are_killed_once_they_have_the_file_leave_it_to_whoever_had_it() {
    let (backend, folder) = (Backend::start(), tempfile::tempdir().unwrap());
    let place = place(&backend, folder.path());
    let first = Process::start(&place.files);
    let mut expected = Counts::new();
    send(&first, 1, &mut expected);
    for _ in 0..2 {
        let mut heir = Command::new(std::env::current_exe().unwrap());
        let name = format!("{}::an_heir_that_goes_no_further", module_path!().split_once("::").unwrap().1);
        heir.args(["--exact", &name, "--nocapture"]).env(HEIR, &place.usage);
        let mut heir = heir.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(heir.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert!(said.into_iter().any(|line| line.contains("taken over")), "it has not got so far");
        // As long as it lives, the file is its to write.
        send(&first, 1, &mut expected);
        let answer = first.page("/usage");
        assert!(
            answer.status == 503 && answer.body.contains("is about to have usage file"),
            "{}",
            answer.body
        );
        heir.kill().unwrap();
        heir.wait().unwrap();
        assert_eq!(counts(&page(&first)), expected);
    }
    // And one that starts has all of it.
    let second = Process::start(&place.files);
    assert_eq!(counts(&page(&second)), expected);
    assert_eq!(first.page("/usage").status, 503);
    first.stop();
    send(&second, 1, &mut expected);
    second.stop();
    let file = place.usage.display().to_string();
    assert_eq!(counts(&report_json(&place, &[&file])["counted"]), expected);
}

/// More than any buffer between two processes has room for: each of so many principals has used all of these parts.
const MANY: u32 = 10_000;

/// What is told of them may take this much memory for a moment, whatever they are: pieces, a connection to the file, and what
/// the allocator keeps for later.
const PAGE_KIB: u64 = 16 * 1024;

#[test]
fn however_much_was_counted_is_told_in_little_memory_and_keeps_nobody_waiting() {
    let (backend, folder) = (Backend::start(), tempfile::tempdir().unwrap());
    let place = place(&backend, folder.path());
    let now = SystemTime::now();
    let (mut store, book) = Store::open(&place.usage, Config::default(), now).unwrap();
    let book = Arc::new(book);
    let operation = Part::operation("acme", "add_member");
    let parts = [
        operation.clone(),
        operation.field("a"),
        operation.field("b"),
        operation.field("c"),
        operation.field("d"),
    ];
    let parts = parts.map(|part| book.parts().number(&part));
    let counter = Counter::new(Arc::clone(&book));
    for principal in 0..MANY {
        counter.count_parts(Principal::of(&principal.to_be_bytes()), Known::read(b"tool/1"), &parts, now);
    }
    drop(counter);
    store.write(&book, now).unwrap();
    drop(store);

    let process = Process::start(&place.files);
    // Somebody who asks, and reads only when all is over.
    let mut slow = TcpStream::connect(process.admin).unwrap();
    write!(slow, "GET /usage HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n").unwrap();
    let mut told = vec![0];
    slow.read_exact(&mut told).unwrap();
    assert_eq!(process.page("/readyz").body, "ready\n");
    let mut whole = String::new();
    let taken = process.memory_for(|| whole = process.page("/usage").body);
    println!("{} bytes of what was counted took {taken} KiB for a moment", whole.len());
    assert!(taken < PAGE_KIB, "{taken} KiB");
    let entries: Value = serde_json::from_str(&whole).unwrap();
    assert_eq!(entries["uses"]["entries"].as_array().unwrap().len(), parts.len() * MANY as usize);
    assert!(whole.len() as u64 > 512 * PAGE_KIB, "{} bytes are too few to tell", whole.len());
    assert_eq!(process.page("/readyz").body, "ready\n");
    slow.read_to_end(&mut told).unwrap();
    let told = String::from_utf8(told).unwrap();
    let told: Value = serde_json::from_str(told.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(told["uses"], entries["uses"]);
    process.stop();
}

/// Killed while clients ask, and while it writes all the time: the file opens, has what was told, and nothing that was never
/// asked. `INTERLINGUA_LIFECYCLE=all` has many rounds.
#[test]
fn nothing_that_was_told_is_lost_however_often_it_is_killed_while_it_writes() {
    let (backend, folder) = (Backend::start(), tempfile::tempdir().unwrap());
    let place = place_at(&backend, folder.path(), ["127.0.0.1:0"; 2], "1ms", "[limit]\nwindows = []\n");
    let file = place.usage.display().to_string();
    let sum = |counted: &Value| -> u64 {
        let entries = counted["uses"]["entries"].as_array().unwrap().iter();
        let operations = entries.filter(|entry| entry["kind"] == "operation");
        operations.map(|entry| entry["count"].as_u64().unwrap()).sum()
    };
    let (begun, told, mut found) = (AtomicU64::new(0), AtomicU64::new(0), 0);
    let kills = rounds(4, 100);
    for round in 0..kills {
        let process = Process::start(&place.files);
        let (heard, hearing) = channel();
        std::thread::scope(|scope| {
            for client in 0..2 {
                let (begun, address) = (&begun, process.address);
                scope.spawn(move || {
                    let mut connection = Client::new(address);
                    let headers = |at| format!("authorization: Token pat_Killed{client}x{}\r\ncontent-type: application/json\r\n", at % 500);
                    for at in 0.. {
                        begun.fetch_add(1, Ordering::SeqCst);
                        let path = format!("/acme/api/orgs/{UUID}/people");
                        if connection.post(&path, &headers(at), ASKS[0].body).is_err() {
                            return;
                        }
                    }
                });
            }
            let (told, admin) = (&told, process.admin);
            scope.spawn(move || {
                while let Ok(answer) = Client::new(admin).get("/usage") {
                    let Ok(page) = serde_json::from_str::<Value>(&answer.body) else { return };
                    told.fetch_max(sum(&page), Ordering::SeqCst);
                    if heard.send(()).is_err() {
                        return;
                    }
                }
            });
            // It writes all the time; somebody was told something a few times, which differs from round to round.
            for _ in 0..=round % 5 {
                hearing.recv().unwrap();
            }
            process.signal("KILL");
        });
        process.wait();
        found = sum(&report_json(&place, &[&file])["counted"]);
        let (told, begun) = (told.load(Ordering::SeqCst), begun.load(Ordering::SeqCst));
        assert!(
            (told..=begun).contains(&found),
            "round {round}: {found} are there, {told} told, {begun} asked"
        );
    }
    println!("{kills} kills, {found} requests counted of {}", begun.into_inner());
}

#[test]
fn nothing_is_counted_unless_a_file_is_named() {
    let backend = Backend::start();
    let settings = "[[server.listener]]\naddress = \"127.0.0.1:0\"\n[admin]\naddress = \"127.0.0.1:0\"\n[telemetry]\nformat = \"json\"\n";
    let files = Files::new(backend.address, settings);
    let process = Process::start(&files);
    let answer = process.page("/usage");
    assert_eq!(answer.status, 404, "{}", answer.body);
    assert!(answer.body.contains("[usage] file"), "{}", answer.body);
    process.stop();
}
