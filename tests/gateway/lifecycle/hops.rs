//! What a trusted hop says of its clients, in the log: where the settings allow it, and only from there.

use super::backend::Backend;
use super::client::Client;
use super::files::Files;
use super::process::Process;

fn logged(settings: &str, telemetry: &str) -> String {
    let backend = Backend::start();
    let files = Files::new(
        backend.address,
        &format!(
            "[server]\nworkers = 2\n{settings}[[server.listener]]\naddress = \"127.0.0.1:0\"\n\
             [admin]\naddress = \"127.0.0.1:0\"\n[telemetry]\nformat = \"json\"\n{telemetry}"
        ),
    );
    let process = Process::start(&files);
    let headers = "x-request-id: asked\r\nx-forwarded-for: 198.51.100.9, 203.0.113.7\r\n";
    Client::new(process.address).post("/nowhere", headers, "").unwrap();
    let event = process.logged("\"request.id\":\"asked\"");
    process.stop();
    event
}

const TRUSTED: &str = "[server.hops]\ntrusted = [\"127.0.0.0/8\"]\n";

#[test]
fn the_address_of_a_client_is_logged_where_that_is_allowed_and_is_that_of_the_hop_else() {
    let told = logged(TRUSTED, "addresses = true\n");
    assert!(told.contains("\"client.address\":\"203.0.113.7\""), "{told}");
    let told = logged("", "addresses = true\n");
    assert!(told.contains("\"client.address\":\"127.0.0.1\""), "{told}");
    let told = logged(TRUSTED, "");
    assert!(!told.contains("client.address") && !told.contains("203.0.113.7"), "{told}");
}
