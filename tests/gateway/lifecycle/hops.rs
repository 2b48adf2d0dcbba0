//! What a trusted hop says of its clients, in the log: where the settings allow it, and only from there.

use super::backend::Backend;
use super::client::Client;
use super::files::Files;
use super::process::Process;

/// The event of a request with these headers.
fn logged(settings: &str, telemetry: &str, headers: &str) -> String {
    let backend = Backend::start();
    let files = Files::new(
        backend.address,
        &format!(
            "[server]\nworkers = 2\n{settings}[[server.listener]]\naddress = \"127.0.0.1:0\"\n\
             [admin]\naddress = \"127.0.0.1:0\"\n[telemetry]\nformat = \"json\"\n{telemetry}"
        ),
    );
    let process = Process::start(&files);
    let headers = format!("x-request-id: asked\r\n{headers}");
    Client::new(process.address).post("/nowhere", &headers, "").unwrap();
    let event = process.logged("\"request.id\":\"asked\"");
    process.stop();
    event
}

const TRUSTED: &str = "[server.hops]\ntrusted = [\"127.0.0.0/8\"]\n";

#[test]
fn the_address_of_a_client_is_logged_where_that_is_allowed_and_is_that_of_the_hop_else() {
    let headers = "x-forwarded-for: 198.51.100.9, 203.0.113.7\r\n";
    let logged = |settings, telemetry| logged(settings, telemetry, headers);
    let told = logged(TRUSTED, "addresses = true\n");
    assert!(told.contains("\"client.address\":\"203.0.113.7\""), "{told}");
    let told = logged("", "addresses = true\n");
    assert!(told.contains("\"client.address\":\"127.0.0.1\""), "{told}");
    let told = logged(TRUSTED, "");
    assert!(!told.contains("client.address") && !told.contains("203.0.113.7"), "{told}");
}

#[test]
fn the_host_that_a_hop_names_chooses_the_dialect_where_the_settings_name_its_header() {
    let with = |headers: &str| format!("{TRUSTED}headers = [{headers}]\n");
    let older = "x-forwarded-for: 203.0.113.7\r\nx-forwarded-host: evil.example, people.acme.example\r\n";
    let newer = "forwarded: for=203.0.113.7;host=people.acme.example\r\n";
    for (settings, headers, is_chosen) in [
        (with("\"x-forwarded-for\", \"x-forwarded-host\""), older, true),
        (with("\"x-forwarded-for\""), older, false),
        (with("\"forwarded\""), newer, true),
        (with("\"x-forwarded-for\""), newer, false),
        (String::new(), older, false),
    ] {
        let told = logged(&settings, "", headers);
        assert_eq!(told.contains("\"dialect.id\":\"acme\""), is_chosen, "{settings}{headers}{told}");
    }
}

#[test]
fn who_is_refused_before_it_is_read_is_told_so_in_the_words_of_the_dialect_where_that_is_known() {
    let backend = Backend::start();
    let files = Files::new(
        backend.address,
        &format!(
            "[server]\nworkers = 1\n{TRUSTED}headers = [\"forwarded\"]\n\
             [[server.listener]]\naddress = \"127.0.0.1:0\"\n[admin]\naddress = \"127.0.0.1:0\"\n[telemetry]\nformat = \"json\"\n"
        ),
    );
    let process = Process::start(&files);
    let mut client = Client::new(process.address);
    let unreadable = "forwarded: for=\"203.0.113.7\r\n";
    let known = client.post("/acme/api/nothing", unreadable, "").unwrap();
    assert_eq!(known.status, 400);
    assert!(known.head.contains("content-type: application/json\r\n"), "{}", known.head);
    let body: serde_json::Value = serde_json::from_str(&known.body).unwrap();
    let words: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!((body["error"].as_str(), words), (Some("client"), vec!["error", "reason"]), "{body}");
    let unknown = client.post("/nowhere", unreadable, "").unwrap();
    assert_eq!(unknown.status, 400);
    assert!(unknown.body.contains("\"code\":\"unreadable-forwarded\""), "{}", unknown.body);
    process.stop();
}

#[test]
fn who_is_refused_before_a_dialect_is_known_is_told_in_the_log() {
    let settings = format!("{TRUSTED}headers = [\"forwarded\"]\n");
    let told = logged(&settings, "addresses = true\n", "forwarded: for=\"203.0.113.7\r\n");
    assert!(told.contains("\"problem.code\":\"unreadable-forwarded\""), "{told}");
    assert!(told.contains("\"client.address\":\"127.0.0.1\""), "{told}");
}
