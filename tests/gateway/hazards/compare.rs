//! The same bytes to nginx and `HAProxy` as plain proxies, side by side with the program: `tests/hazards/compare` asks for
//! it. Only the cases that say something about a proxy that knows no dialect are counted, for all three.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::Instant,
};

use tempfile::TempDir;

use super::{
    PATIENCE, answers,
    backend::Backend,
    case::{self, Group},
    play,
    request::Rules,
    run::Stage,
    started::Started,
};

/// The files that are about the protocol and no dialect.
pub(super) const FILES: [&str; 4] = ["framing", "syntax", "http2", "slow"];

/// An address of their own, so that no other test is given a port that is free again.
const HOST: &str = "127.0.0.8";

/// Another proxy.
struct Other {
    child: Child,
    _folder: TempDir,
}

impl Drop for Other {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// How a proxy did.
struct Score {
    name: &'static str,
    well: usize,
    strictly: usize,
    /// What the backend heard that nobody sent, or of nobody.
    strays: usize,
}

#[test]
#[ignore = "needs nginx and haproxy, and compares them with the program; `tests/hazards/compare` runs it"]
fn compare() {
    println!("| cases | proxy | safe | strict | strays |\n| --- | --- | --- | --- | --- |");
    for name in FILES {
        let mut group = case::read(name, &answers::parts());
        group.cases.retain(|case| case.plain);
        for score in [program(&group), nginx(name, &group), haproxy(name, &group)] {
            let Score { name: who, well, strictly, strays } = score;
            println!("| {name} ({}) | {who} | {well} | {strictly} | {strays} |", group.cases.len());
        }
    }
}

fn program(group: &Group) -> Score {
    let backend = Backend::start(Rules::Program);
    let program = Started::with(&group.config, backend.address);
    let address = program.address;
    let stage =
        Stage { address, http2: address, backend, rules: Rules::Program, is_alone: false, innocent: 200 };
    let score = score("interlingua", group, &stage);
    program.end().unwrap();
    assert_eq!(score.strays, 0, "the backend heard what nobody sent: {:?}", stage.backend.strays());
    score
}

fn nginx(name: &str, group: &Group) -> Score {
    let backend = Backend::start(Rules::Plain);
    let [plain, http2] = [free(), free()];
    let time = if name == "slow" { "800ms" } else { "5s" };
    let to = backend.address;
    let text = format!(
        "daemon off; master_process off; pid nginx.pid; error_log errors.txt crit;
        events {{ worker_connections 1024; }}
        http {{
            access_log off;
            client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u;
            scgi_temp_path s;
            client_header_timeout {time}; client_body_timeout {time}; keepalive_timeout {time};
            send_timeout {time}; proxy_read_timeout 3s;
            upstream backend {{ server {to}; keepalive 16; }}
            server {{
                listen {plain};
                listen {http2} http2;
                location / {{
                    proxy_pass http://backend;
                    proxy_http_version 1.1;
                    proxy_set_header Connection '';
                }}
            }}
        }}"
    );
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("nginx.conf"), text).unwrap();
    let mut command = Command::new("nginx");
    command.arg("-p").arg(folder.path()).args(["-c", "nginx.conf", "-e", "errors.txt"]);
    let _other = start(command, folder, plain);
    score(
        "nginx",
        group,
        &Stage { address: plain, http2, backend, rules: Rules::Plain, is_alone: false, innocent: 200 },
    )
}

fn haproxy(name: &str, group: &Group) -> Score {
    let backend = Backend::start(Rules::Plain);
    let [plain, http2] = [free(), free()];
    let time = if name == "slow" { "800ms" } else { "5s" };
    let to = backend.address;
    let text = format!(
        "defaults
            mode http
            option http-buffer-request
            timeout connect 2s
            timeout client {time}
            timeout server 3s
            timeout http-request {time}
            timeout http-keep-alive {time}
        frontend all
            bind {plain}
            bind {http2} proto h2
            default_backend backend
        backend backend
            http-reuse always
            server one {to}\n"
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("haproxy.cfg");
    fs::write(&file, text).unwrap();
    let mut command = Command::new("haproxy");
    command.arg("-db").arg("-f").arg(&file);
    let _other = start(command, folder, plain);
    score(
        "haproxy",
        group,
        &Stage { address: plain, http2, backend, rules: Rules::Plain, is_alone: false, innocent: 200 },
    )
}

fn free() -> SocketAddr {
    TcpListener::bind((HOST, 0)).unwrap().local_addr().unwrap()
}

/// Starts a proxy and waits until it listens.
fn start(mut command: Command, folder: TempDir, address: SocketAddr) -> Other {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut other = Other { child, _folder: folder };
    let begun = Instant::now();
    while TcpStream::connect(address).is_err() {
        let ended = other.child.try_wait().unwrap();
        assert!(ended.is_none() && begun.elapsed() < PATIENCE, "{command:?} does not listen: {ended:?}");
        std::thread::yield_now();
    }
    other
}

fn score(name: &'static str, group: &Group, stage: &Stage) -> Score {
    let verdicts = play(stage, group);
    let well = verdicts.iter().filter(|(_, verdict)| verdict.faults.is_empty()).count();
    let strictly = verdicts.iter().filter(|(_, verdict)| verdict.strict).count();
    if std::env::var_os("HAZARD_FAULTS").is_some() {
        for (case, verdict) in verdicts.iter().filter(|(_, verdict)| !verdict.faults.is_empty()) {
            println!("{name}: {}: {}", case.name, verdict.faults.join("; ").replace('\n', " "));
        }
    }
    Score { name, well, strictly, strays: stage.backend.strays().len() }
}
