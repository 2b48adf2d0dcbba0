//! How the program ends: what readiness says, and what the signals do.

use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::thread;

use interlingua::ids::embedded::Store;

use super::backend::Backend;
use super::client::Client;
use super::files::Files;
use super::load::add;
use super::process::{Process, with_socket};

fn settings(more: &str) -> String {
    format!(
        "[server]\nworkers = 2\n{more}[[server.listener]]\naddress = \"127.0.0.1:0\"\n\
         [admin]\naddress = \"127.0.0.1:0\"\n[telemetry]\nformat = \"json\"\n"
    )
}

#[test]
fn readiness_goes_before_the_listener_and_a_second_signal_does_not_wait() {
    let backend = Backend::start();
    let files = Files::new(backend.address, &settings("drain_delay = \"24h\"\n"));
    let process = Process::start(&files);
    let mut kept = Client::new(process.address);
    assert_eq!(add(&mut kept, "a@example.com").role(), "hand");
    assert_eq!(process.page("/readyz").status, 200);

    process.signal("TERM");
    process.wait_for("STOPPING=1");
    let ready = process.page("/readyz");
    assert_eq!((ready.status, ready.body.as_str()), (503, "leaving\n"));
    assert_eq!(add(&mut kept, "b@example.com").role(), "hand", "on the connection there was");
    assert_eq!(add(&mut Client::new(process.address), "c@example.com").role(), "hand", "on a new one");
    assert_eq!(process.reload().status, 503, "it is too late for that");

    process.signal("INT");
    let status = process.wait();
    assert_eq!(status.code(), Some(1), "a connection was cut off");
}

#[test]
fn the_end_is_told_and_what_it_cuts_off() {
    // One that takes a call and never answers.
    let backend = TcpListener::bind("127.0.0.1:0").unwrap();
    let files = Files::new(backend.local_addr().unwrap(), &settings(""));
    let process = Process::start(&files);
    let address = process.address;
    let client = thread::spawn(move || add(&mut Client::new(address), "a@example.com"));
    let mut call = backend.accept().unwrap().0;
    assert!(call.read(&mut [0; 16]).unwrap() > 0, "it is in flight");

    process.signal("TERM");
    process.wait_for("STOPPING=1");
    let told = process.logged("told to end: nothing new is taken");
    assert!(told.contains("\"signal\":\"SIGTERM\""), "{told}");
    process.signal("INT");
    assert!(process.logged("told to end a second time").contains("\"signal\":\"SIGINT\""));
    let told = process.logged("cutting off what is open");
    assert!(told.contains("told to end at once") && told.contains("\"requests\":1"), "{told}");
    let event = process.logged("\"message\":\"request\"");
    assert!(event.contains("\"problem.code\":\"cut-off\"") && !event.contains("\"status\""), "{event}");
    assert!(client.join().unwrap().told.is_err());
    assert_eq!(process.wait().code(), Some(1));
}

#[test]
fn without_a_delay_the_first_signal_ends_what_is_idle() {
    let backend = Backend::start();
    let files = Files::new(backend.address, &settings(""));
    let process = Process::start(&files);
    let address = process.address;
    let mut kept = Client::new(address);
    assert_eq!(add(&mut kept, "a@example.com").role(), "hand");
    // It would end with another status if it had to cut the connection off.
    process.stop();
    assert!(kept.get("/").is_err());
    assert!(Client::new(address).get("/").is_err());
}

#[test]
fn the_service_manager_hears_that_it_is_alive_as_often_as_it_wants() {
    let backend = Backend::start();
    let files = Files::new(backend.address, &settings(""));
    let process = Process::start_with(&files, None, &[("WATCHDOG_USEC", "40000")]);
    for _ in 0..3 {
        process.wait_for("WATCHDOG=1");
    }
    process.stop();
}

#[test]
fn a_crash_leaves_no_core_with_credentials_in_it() {
    let backend = Backend::start();
    let files = Files::new(backend.address, &settings(""));
    let process = Process::start(&files);
    let limits = fs::read_to_string(format!("/proc/{}/limits", process.id())).unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    // `proc_pid_limits(5)`: the soft limit, the hard one, and the unit.
    let limits: Vec<_> = line.split_whitespace().collect();
    assert_eq!(limits[0], if limits[1] == "0" { "0" } else { "1" }, "{line}");
    process.stop();
}

#[test]
fn a_start_that_waits_for_an_id_map_heeds_the_first_signal() {
    let (backend, folder) = (Backend::start(), tempfile::tempdir().unwrap());
    let store = folder.path().join("ids.sqlite");
    drop(Store::open(&store).unwrap());
    let other = rusqlite::Connection::open(&store).unwrap();
    other.execute_batch("PRAGMA locking_mode = exclusive; BEGIN IMMEDIATE; COMMIT").unwrap();
    let files = Files::new(
        backend.address,
        &settings("").replace("[admin]", &format!("[ids]\nstore = {store:?}\n[admin]")),
    );
    let process = Process::begin_at(&files.config(), None, &[]);
    process.logged("for itself: waiting");
    process.signal("TERM");
    assert!(process.wait().success(), "else it waits for ten seconds, and then it fails");
    drop(other);
}

#[test]
fn a_socket_that_nobody_serves_keeps_it_from_starting() {
    let backend = Backend::start();
    let files = Files::new(backend.address, &settings(""));
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let output = with_socket(&socket).args(["serve", "--config"]).arg(files.config()).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains(&format!("a socket for {} was passed", socket.local_addr().unwrap())), "{text}");
}
