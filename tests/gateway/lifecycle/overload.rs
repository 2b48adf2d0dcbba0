//! More requests than the backend can answer: what it can answer is answered, everybody else hears so at once, and nothing is
//! called for them. `bench/overload.py` measures the same.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::backend::Backend;
use super::client::Client;
use super::files::Files;
use super::load::PATH;
use super::process::Process;

/// Places for calls, and how many ask at the same time for as long as the test goes on.
const PLACES: usize = 2;
const CLIENTS: usize = 8 * PLACES;

/// How long the backend takes for each call.
const CALL: Duration = Duration::from_millis(100);

/// How many requests are to be answered.
const ANSWERS: usize = 40;

#[test]
fn what_can_be_answered_is_and_all_others_are_refused_without_waiting() {
    let backend = Backend::start_slow(CALL);
    // A wait is begun if it will be over in a quarter of the time, or if that makes eight of them: six stand behind the two.
    let settings = "[server]\nworkers = 1\n[[server.listener]]\naddress = \"127.0.0.1:0\"\n[admin]\naddress = \"127.0.0.1:0\"\n\
        [limit]\nwindows = []\n[telemetry]\nformat = \"json\"\n";
    let upstream = format!("connect_timeout = \"400ms\"\nconnections_max = {PLACES}\n");
    let process = Process::start(&Files::with_upstream(backend.address, settings, &upstream));
    let (address, answered) = (process.address, AtomicUsize::new(0));
    let refused: usize = thread::scope(|scope| {
        let ask = |client: usize| {
            let answered = &answered;
            move || {
                let headers = format!(
                    "authorization: Token pat_DemoDemo{client}\r\ncontent-type: application/json\r\n"
                );
                let (mut asking, mut refused) = (Client::new(address), 0);
                for number in 0.. {
                    if answered.load(Ordering::Relaxed) >= ANSWERS {
                        break;
                    }
                    let body = format!("{{\"email\":\"n{number}@client{client}.example\"}}");
                    let told = asking.post(PATH, &headers, &body).unwrap();
                    match told.status {
                        200 => _ = answered.fetch_add(1, Ordering::Relaxed),
                        503 => {
                            assert!(told.head.contains("\r\nretry-after: "), "{}", told.head);
                            refused += 1;
                        }
                        _ => panic!("{told:?}"),
                    }
                }
                refused
            }
        };
        let clients: Vec<_> = (0..CLIENTS).map(|client| scope.spawn(ask(client))).collect();
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    });
    let answered = answered.into_inner();
    println!("{answered} answered, {refused} refused");
    // Whoever is refused comes again at once. If each waited first, there would be hardly any.
    assert!(refused > 5 * answered, "{refused} refused, {answered} answered");
    let calls = backend.calls();
    assert!(calls.values().all(|times| *times == 1));
    assert_eq!(calls.len(), answered, "each call became an answer");
    process.stop();
}
