//! Certificates of listeners are renewed by a reload, for whoever comes after it and for nobody else.

use std::sync::Arc;

use rustls::{AlertDescription, ClientConfig};
use serde_json::Value;

use super::backend::Backend;
use super::client::Answer;
use super::files::Files;
use super::pki::{Pair, Pki, Secure};
use super::process::Process;

/// Enough for each of two workers to have had its turn, whichever way the system deals.
const TURNS: usize = 32;

fn start(pki: &Pki, tls: &str) -> (Backend, Files, Process) {
    let backend = Backend::start();
    let settings = format!(
        "[server]\nworkers = 2\n[[server.listener]]\naddress = \"127.0.0.1:0\"\ntls = {{ {tls} }}\n\
         [admin]\naddress = \"127.0.0.1:0\"\n[telemetry]\nformat = \"json\"\n"
    );
    pki.install(&pki.issue());
    let files = Files::new(backend.address, &settings);
    let process = Process::start(&files);
    (backend, files, process)
}

/// Asks for a reload, and takes what the service manager is told of it from its socket, which does not hold many messages.
fn reload(process: &Process) -> Answer {
    let answer = process.reload();
    process.wait_for("READY=1");
    answer
}

/// That every handshake shows this one. The client has sessions with the certificates of before, and takes none of them up.
fn assert_shows(process: &Process, client: &Arc<ClientConfig>, pair: &Pair) {
    for turn in 0..TURNS {
        let mut connection = Secure::connect(process.address, client).unwrap();
        assert_eq!(connection.ask().unwrap(), 404);
        assert!(connection.shown() == pair.der, "turn {turn}");
    }
}

#[test]
fn a_renewed_certificate_is_shown_after_a_reload_and_open_connections_go_on() {
    let pki = Pki::new();
    let (_backend, _files, process) = start(&pki, &pki.settings());
    let client = pki.client(None);
    let first = pki.issue();
    pki.install(&first);
    assert_eq!(reload(&process).status, 200);
    assert_shows(&process, &client, &first);
    // Where a reload finds what was there before, sessions are taken up as if there had been none.
    let again = || {
        let mut connection = Secure::connect(process.address, &client).unwrap();
        assert_eq!(connection.ask().unwrap(), 404);
        connection.is_resumed()
    };
    assert!(again(), "the client has a session");
    assert_eq!(reload(&process).status, 200);
    assert!(again(), "nothing changed");
    let mut kept = Secure::connect(process.address, &client).unwrap();
    assert_eq!(kept.ask().unwrap(), 404);

    let second = pki.issue();
    pki.install(&second);
    assert_shows(&process, &client, &first);
    assert_eq!(reload(&process).status, 200);
    assert!(!again(), "it is that of another certificate");
    assert_shows(&process, &client, &second);
    assert_eq!(kept.ask().unwrap(), 404);
    assert!(kept.shown() == first.der);
    drop(kept);
    process.stop();
}

#[test]
fn files_that_no_listener_could_use_are_refused_and_the_old_ones_go_on() {
    let pki = Pki::new();
    let (_backend, files, process) = start(&pki, &pki.settings());
    let (client, first, other) = (pki.client(None), pki.issue(), pki.issue());
    pki.install(&first);
    assert_eq!(reload(&process).status, 200);
    let refused = |code: &str, what: &str| {
        let answer = reload(&process);
        assert_eq!(answer.status, 422, "{answer:?}");
        let told: Value = serde_json::from_str(&answer.body).unwrap();
        let found = &told["diagnostics"][0];
        assert_eq!(found["code"], code, "{told}");
        assert!(found["message"].as_str().unwrap().contains(what), "{told}");
        assert_eq!(found["labels"][0]["file"], files.config().to_str().unwrap(), "{told}");
        let (letters, numbers) = (&first.key[40..60], format!("{:?}", &first.key.as_bytes()[40..60]));
        for told in [&answer.body, &process.log()] {
            assert!(!told.contains(letters) && !told.contains(numbers.trim_matches(['[', ']'])), "{told}");
        }
        assert_shows(&process, &client, &first);
    };
    pki.write("key.pem", &other.key);
    refused("C0305", "cannot be used");
    pki.write("key.pem", "no key at all");
    refused("C0305", "cannot read the private key");
    // The usual slip with secrets, by which the whole key is one line.
    pki.write("key.pem", &first.key.replace('\n', "\\n"));
    refused("C0305", "cannot read the private key");
    pki.install(&first);
    pki.write("certificate.pem", "");
    refused("C0305", "no certificate in");
    std::fs::remove_file(pki.path("certificate.pem")).unwrap();
    refused("C0304", "cannot read the certificate");
    pki.install(&other);
    assert_eq!(reload(&process).status, 200);
    assert_shows(&process, &client, &other);
    process.stop();
}

#[test]
fn a_certificate_whose_time_is_over_is_taken_with_a_warning() {
    let pki = Pki::new();
    let (_backend, _files, process) = start(&pki, &pki.settings());
    let expiry = || process.metric("gateway_certificate_expiry_timestamp_seconds{role=\"listener\"}");
    // The numbers are those of `date --utc --date=… +%s`.
    assert_eq!(expiry(), 67_090_118_400);
    pki.install(&pki.issue_until(2020));
    let answer = reload(&process);
    assert_eq!(expiry(), 1_577_836_800);
    assert_eq!(answer.status, 200, "{answer:?}");
    let told: Value = serde_json::from_str(&answer.body).unwrap();
    let found = &told["diagnostics"][0];
    assert_eq!(
        (&found["code"], &found["severity"]),
        (&Value::from("C0302"), &Value::from("warning")),
        "{told}"
    );
    assert!(found["message"].as_str().unwrap().ends_with("expired at 2020-01-01T00:00:00Z"), "{found}");
    let refused = Secure::connect(process.address, &pki.client(None)).err().unwrap();
    assert!(refused.to_string().contains("expired"), "{refused}");
    process.stop();
}

/// Whether each of these clients is answered; else it has to hear why not.
fn served(process: &Process, clients: &[&Arc<ClientConfig>]) -> Vec<bool> {
    let ask = |client: &&Arc<ClientConfig>| Secure::connect(process.address, client)?.ask();
    let is_served = |client| match ask(client) {
        Ok(status) => status == 404,
        Err(error) => {
            let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
            let Some(rustls::Error::AlertReceived(alert)) = inner else { panic!("no alert: {error:?}") };
            // The last one where an authority of the same name has signed it.
            let expected = [
                AlertDescription::CertificateRequired,
                AlertDescription::UnknownCA,
                AlertDescription::DecryptError,
            ];
            assert!(expected.contains(alert), "{alert:?}");
            false
        }
    };
    clients.iter().map(is_served).collect()
}

#[test]
fn clients_show_certificates_of_the_authorities_that_are_configured_now() {
    let (pki, first, second) = (Pki::new(), Pki::new(), Pki::new());
    let authorities = pki.path("clients.pem");
    std::fs::copy(first.path("authorities.pem"), &authorities).unwrap();
    let shown = authorities.display().to_string();
    let clients = format!("clients = {{ authorities = {shown:?}, certificate = \"require\" }}");
    let (_backend, files, process) = start(&pki, &format!("{}, {clients}", pki.settings()));
    let none = pki.client(None);
    let [of_first, of_second] = [&first, &second].map(|authority| pki.client(Some(&authority.issue())));
    let all = [&none, &of_first, &of_second];
    assert_eq!(served(&process, &all), [false, true, false]);
    assert_eq!(process.metric("gateway_tls_handshakes_total{outcome=\"authenticated\"}"), 1);
    assert_eq!(process.metric("gateway_tls_handshakes_total{outcome=\"failed\"}"), 2);

    std::fs::copy(second.path("authorities.pem"), &authorities).unwrap();
    assert_eq!(served(&process, &all), [false, true, false], "nobody asked for a reload");
    assert_eq!(reload(&process).status, 200);
    assert_eq!(served(&process, &all), [false, false, true]);

    let text = std::fs::read_to_string(files.config()).unwrap();
    std::fs::write(files.config(), text.replace("\"require\"", "\"request\"")).unwrap();
    assert_eq!(reload(&process).status, 200);
    assert_eq!(served(&process, &all), [true, false, true], "who shows a certificate shows a good one");
    assert_eq!(process.metric("gateway_tls_handshakes_total{outcome=\"anonymous\"}"), 1);

    std::fs::write(&authorities, "").unwrap();
    let answer = reload(&process);
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains("cannot use the authorities of clients"), "{}", answer.body);
    process.stop();
}
