//! A backend that speaks a dialect, and clients of other dialects: the reference backend, a proxy in front of it that makes
//! it speak one, and the proxy under test in front of that.
//!
//! What a client should be told says the same program in front of the reference backend itself, to which it does not
//! translate backwards.

use std::fs;
use std::path::Path;
use std::process::Command;

use interlingua::boot::{self, DataFiles};
use interlingua::diag::Sources;
use interlingua::gateway::reverse;
use interlingua::upstream;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::{Answer, Program};

pub(crate) mod matrix;

/// The organization of the demonstration data.
const NORTHWIND: &str = "3c90c3cc-0d44-4b50-8888-8dd25736052a";

/// What ships, but that what is a credential of any of the five is one of all: a client has one token here, whichever
/// dialect it speaks and whichever the backend does.
struct Files {
    files: DataFiles,
    _folder: TempDir,
}

impl Files {
    fn new() -> Files {
        Files::where_canonical(|_| ())
    }

    /// The same, where something is changed in `canonical.toml`.
    fn where_canonical(change: impl Fn(&mut String)) -> Files {
        let folder = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings")).unwrap() {
            let path = entry.unwrap().path();
            let mut in_credential = false;
            let text = fs::read_to_string(&path).unwrap();
            let lines = text.lines().map(|line| {
                if line.starts_with('[') {
                    in_credential = line == "[[credential]]";
                }
                let is_pattern = in_credential && line.starts_with("pattern");
                if is_pattern { "pattern = '^[0-9A-Za-z._~+/=-]{8,4096}$'" } else { line }
            });
            let mut text = lines.collect::<Vec<_>>().join("\n") + "\n";
            if path.ends_with("canonical.toml") {
                change(&mut text);
            }
            fs::write(folder.path().join(path.file_name().unwrap()), text).unwrap();
        }
        Files {
            files: DataFiles { mappings: Some(folder.path().to_owned()), schemas: None },
            _folder: folder,
        }
    }

    fn start(&self, change: impl FnOnce(&mut interlingua::config::Config)) -> Program {
        // They were tried when they were built in.
        let loaded = boot::load_and_try(&self.files, &mut Sources::default(), None).unwrap();
        Program::start_loaded(loaded, |config| {
            config.limit.windows.clear();
            change(config);
        })
    }
}

/// A proxy in front of another that speaks a dialect, and one that has the reference backend behind it.
struct World {
    /// What makes the backend speak the dialect.
    behind: Program,
    /// The proxy that is tested.
    front: Program,
    /// The same in front of the canonical API.
    plain: Program,
}

impl World {
    fn start(files: &Files, dialect: &str) -> World {
        let (behind, front) = World::without_the_plain(files, dialect, true);
        World { behind, front, plain: files.start(|_| {}) }
    }

    /// The first two, where lists may come in any order, or may not.
    fn without_the_plain(files: &Files, dialect: &str, any_order: bool) -> (Program, Program) {
        let behind = files.start(|_| {});
        let base = format!("http://{}/{dialect}", behind.address).parse().unwrap();
        let front = files.start(|config| {
            config.upstream = Some(upstream::Config::new(base));
            config.reverse = Some(reverse::Config { dialect: dialect.to_owned(), any_order });
        });
        (behind, front)
    }
}

/// Asks for whoever owns all of the demonstration data.
fn ask(program: &Program, method: &str, path: &str, body: Option<&Value>) -> Answer {
    let token = "pat_DemoOwnerNorthwind00000000000000";
    let is_bare = path.starts_with("/closient");
    let (name, value) =
        if is_bare { ("x-api-key", token.to_owned()) } else { ("authorization", format!("Bearer {token}")) };
    let body = body.map(Value::to_string);
    let mut headers = vec![(name, value.as_str())];
    headers.extend(body.iter().map(|_| ("content-type", "application/json")));
    program.send(method, path, &headers, body.as_deref())
}

fn same(world: &World, method: &str, path: &str, body: Option<&Value>) {
    let (told, expected) = (ask(&world.front, method, path, body), ask(&world.plain, method, path, body));
    assert_eq!((told.status, &told.body), (expected.status, &expected.body), "{method} {path}");
    assert!(told.status < 300, "{told:?}");
}

#[test]
fn who_speaks_the_dialect_of_the_backend_is_told_what_it_would_say() {
    let world = World::start(&Files::new(), "letpiper");
    let members = format!("/letpiper/v1/organizations/{NORTHWIND}/members");
    same(&world, "GET", &format!("{members}?limit=3&offset=4"), None);
    same(&world, "GET", "/letpiper/v1/organizations/", None);
    // Roles are named by rows, and members by users: both are looked up in lists of the dialect.
    let felix = format!("{members}/10000000-0000-4000-8000-000000000106");
    let admin = json!({"role_id": "84ce8374-cb61-5806-aec0-58dce50bfe06"});
    let told = ask(&world.front, "PATCH", &felix, Some(&admin));
    assert_eq!((told.status, &told.json()["role"]["name"]), (200, &json!("Admin")), "{}", told.body);
    let read = ask(&world.behind, "GET", &members, None).json();
    let role = read["members"].as_array().unwrap().iter().find(|one| one["user"]["first_name"] == "Felix");
    assert_eq!(role.unwrap()["role"]["name"], "Admin");
    assert_eq!(ask(&world.front, "DELETE", &felix, None).status, 204);
    assert_eq!(ask(&world.front, "DELETE", &felix, None).status, 404);
}

#[test]
fn a_client_of_another_dialect_is_served_as_far_as_that_of_the_backend_goes() {
    let world = World::start(&Files::new(), "letpiper");
    let members = format!("/closient-uuid/account/api/v1/organizations/{NORTHWIND}/members");
    let told = ask(&world.front, "GET", &format!("{members}?page=2&page_size=3"), None).json();
    let people: Vec<_> = told["data"].as_array().unwrap().iter().map(|one| &one["user_email"]).collect();
    assert_eq!(people, ["dmitri@example.com", "elena@example.com", "felix@example.com"]);
    let total = ask(&world.behind, "GET", &format!("/letpiper/v1/organizations/{NORTHWIND}/members"), None);
    assert_eq!(told["pagination"]["total_count"], total.json()["total"]);

    let felix = format!("{members}/20000000-0000-4000-8000-000000000106");
    let told = ask(&world.front, "PUT", &felix, Some(&json!({"role": "viewer"})));
    assert_eq!((told.status, &told.json()["role"]), (200, &json!("viewer")), "{}", told.body);
}

#[test]
fn what_the_dialect_of_the_backend_has_no_words_for_is_refused_and_never_asked() {
    let world = World::start(&Files::new(), "letpiper");
    let everything = |world: &World| {
        ask(&world.behind, "GET", &format!("/letpiper/v1/organizations/{NORTHWIND}/members"), None).body
    };
    let before = everything(&world);
    let members = format!("/closient-uuid/account/api/v1/organizations/{NORTHWIND}/members");
    let felix = format!("{members}/20000000-0000-4000-8000-000000000106");
    // Neither is a role of Piper's: the next weaker would be less than was asked for, the next stronger more.
    for (method, path, body) in [
        ("PUT", &felix, json!({"role": "editor"})),
        ("PUT", &felix, json!({"role": "manager"})),
        ("POST", &members, json!({"email": "anna@example.com", "role": "editor"})),
    ] {
        let told = ask(&world.front, method, path, Some(&body));
        assert_eq!(told.status, 501, "{method} {body}: {}", told.body);
        let detail = told.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("`role`") && !detail.contains("anna"), "{detail}");
    }
    let told = ask(&world.front, "GET", "/dreadnode/api/v1/user", None);
    assert_eq!(told.status, 501);
    assert!(told.body.contains("has no operation for `users.me`"), "{}", told.body);
    // Nothing is made up where the answer has no word for it: that would be somebody else's organization.
    let told = ask(&world.front, "GET", "/dreadnode/api/v1/org/northwind", None);
    assert_eq!(told.status, 501);
    assert!(told.body.contains("does not tell `slug`"), "{}", told.body);
    assert_eq!(everything(&world), before, "nobody was asked");
}

#[test]
fn ids_are_spelt_and_errors_told_as_in_the_clients_dialect() {
    let world = World::start(&Files::new(), "closient");
    // Piper names members by user, and Closient tells no users: there is nobody to ask.
    let members = format!("/letpiper/v1/organizations/{NORTHWIND}/members");
    let told = ask(&world.front, "DELETE", &format!("{members}/10000000-0000-4000-8000-000000000106"), None);
    assert_eq!(told.status, 501, "{}", told.body);
    // Both know a membership by its id.
    let elder = format!("/closient-uuid/account/api/v1/organizations/{NORTHWIND}/members");
    same(&world, "GET", &format!("{elder}?page_size=4"), None);
    let felix = format!("{elder}/20000000-0000-4000-8000-000000000106");
    let told = ask(&world.front, "PUT", &felix, Some(&json!({"role": "billing"})));
    assert_eq!((told.status, &told.json()["role"]), (200, &json!("billing")), "{}", told.body);
    let nobody = format!("{elder}/20000000-0000-4000-8000-999999999999");
    let told = ask(&world.front, "DELETE", &nobody, None);
    assert_eq!((told.status, &told.json()["error_code"]), (404, &json!("not_found")), "{}", told.body);
}

#[test]
fn who_speaks_canonical_already_is_served_under_a_mount_of_its_own() {
    let world = World::start(&Files::new(), "letpiper");
    let members = format!("/canonical/v1/organizations/{NORTHWIND}/members");
    let told = ask(&world.front, "GET", &format!("{members}?limit=2&offset=1"), None);
    let told = told.json();
    assert_eq!(told["items"][0]["role"], "manager", "{told}");
    assert_eq!(told["items"][0]["user"]["email"], "boris@example.com");
    assert_eq!(told["items"].as_array().unwrap().len(), 2);
    let felix = format!("{members}/20000000-0000-4000-8000-000000000106");
    let told = ask(&world.front, "PATCH", &felix, Some(&json!({"role": "creator"})));
    assert_eq!((told.status, &told.json()["role"]), (200, &json!("creator")), "{}", told.body);
    assert_eq!(ask(&world.front, "GET", &felix, None).json()["role"], "creator");
    // Whether the caller may change it says the backend, and nobody else.
    assert_eq!(ask(&world.front, "PATCH", &felix, Some(&json!({}))).status, 501);
    let told = ask(&world.front, "PATCH", &felix, Some(&json!({"status": "suspended"})));
    assert_eq!((told.status, &told.json()["code"]), (501, &json!("inexpressible")), "{}", told.body);
    let told = ask(&world.front, "POST", &members, Some(&json!({"email": "nobody", "role": "viewer"})));
    assert_eq!((told.status, &told.json()["errors"][0]["pointer"]), (422, &json!("/email")), "{}", told.body);
    // Where the backend speaks canonical, its own address is the way to it.
    assert_eq!(ask(&world.plain, "GET", &felix, None).status, 404);
}

/// The addresses of the members that are listed, in their order; or the status and what is said of a refusal.
fn listed(front: &Program, query: &str) -> Result<Vec<String>, (u16, String)> {
    let told = ask(front, "GET", &format!("/canonical/v1/organizations/{NORTHWIND}/members{query}"), None);
    let body = told.json();
    if told.status != 200 {
        return Err((told.status, body["detail"].as_str().unwrap().to_owned()));
    }
    let items = body["items"].as_array().unwrap().iter();
    Ok(items.map(|one| one["user"]["email"].as_str().unwrap().to_owned()).collect())
}

/// Who is in the demonstration data, as they joined: `order` is `asc` unless a canonical client says otherwise.
#[test]
fn a_list_comes_in_the_order_that_the_canonical_api_means_and_not_in_that_of_the_dialect() {
    let files = Files::new();
    // GitBook lists the newest first, unless it is told otherwise.
    let (_behind, front) = World::without_the_plain(&files, "gitbook", false);
    let joined = listed(&front, "?sort=joined_at&order=asc").unwrap();
    let newest: Vec<_> = joined.iter().rev().cloned().collect();
    assert_eq!((joined[0].as_str(), joined.len()), ("ada@example.com", 10));
    for (query, expected) in [
        ("?sort=joined_at", &joined),
        ("?order=asc", &joined),
        ("?order=desc", &newest),
        ("?sort=joined_at&order=desc", &newest),
        // They are named as their addresses are, which were given in the order of the alphabet.
        ("?sort=name", &joined),
        // Who says nothing of it takes any.
        ("", &newest),
    ] {
        assert_eq!(listed(&front, query).as_ref(), Ok(expected), "{query}");
    }
    assert_eq!(listed(&front, "?sort=email").unwrap_err().0, 501, "GitBook sorts by no address");
}

#[test]
fn where_nobody_says_which_order_is_meant_by_less_it_is_not_guessed() {
    let (said, unsaid) = ("{ sort = \"joined_at\", order = \"asc\" }", "[\"sort\", \"order\"]");
    let files = Files::where_canonical(|text| {
        assert!(text.contains(said), "{text}");
        *text = text.replace(said, unsaid);
    });
    let (_behind, front) = World::without_the_plain(&files, "gitbook", false);
    for (query, name) in [("?sort=joined_at", "order"), ("?order=asc", "sort")] {
        let (status, detail) = listed(&front, query).unwrap_err();
        assert!(
            status == 501 && detail.contains(&format!("query parameter `{name}`")),
            "{query}: {status} {detail}"
        );
    }
    assert_eq!(listed(&front, "?sort=joined_at&order=asc").unwrap()[0], "ada@example.com");
}

/// The sentences are those of the reference backend, whose tests are in `src/backend/query.rs`.
#[test]
fn what_the_canonical_api_would_not_understand_is_refused_and_never_left_out() {
    let (_behind, front) = World::without_the_plain(&Files::new(), "gitbook", true);
    let takes = "this operation takes the parameters `role`, `status`, `q`, `email`, `user_id`, `sort`, `order`, `limit`, `offset`";
    let limit = "`limit` must be an integer from 0 to 1000";
    let offset = "`offset` must be an integer from 0 to 4294967295";
    for (query, detail) in [
        ("?foo=1", takes),
        ("?Role=admin", takes),
        ("?search=ines", takes),
        ("?limit=2&sso=on", takes),
        ("?limit=1001", limit),
        ("?limit=100000", limit),
        ("?limit=%2B1", limit),
        ("?limit=", limit),
        ("?offset=-1", offset),
        ("?offset=4294967296", offset),
    ] {
        assert_eq!(listed(&front, query), Err((400, detail.to_owned())), "{query}");
    }
    assert_eq!(listed(&front, "?limit=1000").unwrap().len(), 10);
    assert_eq!(listed(&front, "?q=ines&").unwrap(), ["ines@example.com"]);
    let organization = format!("/canonical/v1/organizations/{NORTHWIND}");
    // A removal, too: what was misspelt may be what should have kept it from being done.
    let felix = format!("{organization}/members/20000000-0000-4000-8000-000000000106?dry_run=1");
    for (method, path, detail) in [
        ("GET", format!("{organization}?foo=1"), "this operation takes no parameters"),
        ("DELETE", felix, "this operation takes the parameters `may_request`"),
    ] {
        let told = ask(&front, method, &path, None);
        let told = (told.status, told.json()["code"].clone(), told.json()["detail"].clone());
        assert_eq!(told, (400, json!("invalid-query"), json!(detail)));
    }
    // Any order is taken here, but who says less than all of one means what the canonical API does.
    let joined = listed(&front, "?sort=joined_at").unwrap();
    assert_eq!(joined[0], "ada@example.com", "it has the words");
    assert_eq!(listed(&front, "?sort=email").map(|all| all.len()), Ok(joined.len()), "it has none");
}

/// What `check` says where the backend speaks that dialect and that is declared, and whether it found anything.
fn check(dialect: &str, declared: &str) -> (String, bool) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    let upstream = format!("[upstream]\nbase = \"http://b\"\ndialect = \"{dialect}\"\n");
    fs::write(&path, format!("{upstream}[upstream.inexpressible]\n{declared}")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_interlingua"));
    let output = command.args(["check", "--tries", "0", "--config"]).arg(&path).output().unwrap();
    let told = String::from_utf8([output.stderr, output.stdout].concat()).unwrap();
    (told, !output.status.success())
}

#[test]
fn what_cannot_be_answered_is_refused_by_check_until_it_is_declared_as_it_says() {
    let (told, is_refused) = check("letpiper", "");
    for expected in [
        "error[C0303]: 12 operations of `dreadnode` cannot be answered",
        "`get_user`: `letpiper` has no operation for `users.me`",
        "`get_organization`: `letpiper` does not tell `slug` in `organizations.list`, to look `organization` up",
        // Those who speak canonical already are served, too.
        "`users.me`: `letpiper` has no operation for `users.me`",
        "config.toml:3:11",
    ] {
        assert!(told.contains(expected), "{expected} in {told}");
    }
    // Piper names members by user, and tells which membership is whose.
    assert!(!told.contains("`remove_member`: ") && is_refused, "{told}");

    let lines: Vec<_> = told.lines().filter(|line| line.ends_with("\"]")).map(str::trim).collect();
    let names: Vec<_> = lines.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(names, ["apexscore", "closient", "dreadnode", "gitbook", "letpiper", "canonical"], "{told}");
    let (told, is_refused) = check("letpiper", &lines.join("\n"));
    assert!(!told.contains("error") && !told.contains("warning") && !is_refused, "{told}");
    for expected in [
        "note[C0303]: 12 operations of `dreadnode` cannot be answered, as declared",
        "`get_user`: `letpiper` has no operation for `users.me`",
    ] {
        assert!(told.contains(expected), "{expected} in {told}");
    }
    // In front of another backend other things cannot be said, and each line that is not true any more is told.
    let (told, is_refused) = check("dreadnode", &lines.join("\n"));
    assert!(told.contains("error[C0306]: `get_user` of `dreadnode` can be answered") && is_refused, "{told}");
}

#[test]
fn whatever_cannot_be_answered_is_declared_in_a_word_and_told_all_the_same() {
    let names = ["apexscore", "canonical", "closient", "dreadnode", "gitbook", "letpiper"];
    let any: Vec<_> = names.iter().map(|name| format!("{name} = \"any\"")).collect();
    let (told, is_refused) = check("letpiper", &any.join("\n"));
    assert!(!is_refused && told.contains("note[C0303]: 16 operations of `gitbook` cannot"), "{told}");
    assert_eq!(told.matches("note[C0303]").count(), names.len(), "{told}");
    // What a generation has is said of it alone, or of what it extends.
    let own = ["gitbook-0-91 = [\"getUserById\"]".to_owned()];
    let (told, is_refused) =
        check("letpiper", &any.iter().chain(&own).cloned().collect::<Vec<_>>().join("\n"));
    assert!(is_refused && told.contains("error[C0303]: 15 operations of `gitbook-0-91` cannot"), "{told}");
    assert!(told.contains("gitbook-0-91 = [\"joinOrganizationWithInvite\", "), "{told}");
}

#[test]
fn a_dialect_that_there_is_not_is_an_error() {
    let (told, _) = check("letpipper", "");
    assert!(told.contains("error[C0213]") && told.contains("did you mean `letpiper`?"), "{told}");
}
