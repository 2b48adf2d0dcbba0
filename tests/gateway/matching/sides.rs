//! Two real sides: an old upstream that speaks the dialect, and the reference backend behind the proxy under test.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use interlingua::canonical::id::{CanonicalId, IdForm};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::ids::Place;
use crate::lifecycle::client::Client;
use crate::lifecycle::process::Process;

/// The owner of an organization on both sides.
pub(super) const TOKEN: &str = "gb_api_DemoOwnerNorthwind0000000000000000000000";

/// Both ids of one record.
pub(super) struct Pair {
    /// What the old upstream calls it.
    pub(super) old: String,
    /// What the canonical side does.
    pub(super) new: Uuid,
}

impl Pair {
    pub(super) fn row(&self) -> String {
        format!("{},{},", self.old, self.new)
    }

    /// All ways in which clients may know it: by the old id, by the one that is computed, and by that as it is.
    pub(super) fn spellings(&self) -> [String; 3] {
        [self.old.clone(), short(self.new), self.new.to_string()]
    }
}

fn short(id: Uuid) -> String {
    let mut spelling = String::new();
    IdForm::ShortUuid.write(&CanonicalId::Uuid(id), &mut spelling).unwrap();
    spelling
}

/// The reference backend alone; killed when it is dropped.
struct Backend {
    child: Child,
    base: String,
}

impl Backend {
    fn start(folder: &Path) -> Backend {
        let config = folder.join("backend.toml");
        fs::write(&config, "[telemetry]\nformat = \"json\"\n").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_interlingua"));
        command.args(["backend", "--listen", "127.0.0.1:0", "--seed", "--config"]).arg(config);
        command.arg("--database").arg(folder.join("canonical.db")).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = log.find_map(|line| line.ok().filter(|line| line.contains("backend listening")));
        let line = line.expect("it says where it listens");
        let address = line.split("127.0.0.1:").nth(1).unwrap();
        let port: String = address.chars().take_while(char::is_ascii_digit).collect();
        // What it says later is nobody's concern, and must not stop it.
        std::thread::spawn(move || log.for_each(drop));
        Backend { child, base: format!("http://127.0.0.1:{port}") }
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

pub(super) struct Sides {
    canonical: Backend,
    old: Process,
    proxy: Process,
    config: PathBuf,
}

impl Sides {
    /// Starts all of them, with the map of a place.
    pub(super) fn start(place: &Place) -> Sides {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mappings = place.path("mappings");
        fs::create_dir(&mappings).unwrap();
        for name in ["canonical.toml", "gitbook.toml"] {
            let text = fs::read_to_string(root.join("mappings").join(name)).unwrap();
            let text = text.replace("windows = [\"60/minute\"]", "windows = [\"1000000/minute\"]");
            fs::write(mappings.join(name), text).unwrap();
        }
        let canonical = Backend::start(&place.path(""));
        let settings = |more: &str| {
            format!(
                "[server]\nworkers = 1\n[[server.listener]]\naddress = \"127.0.0.1:0\"\n[admin]\naddress = \"127.0.0.1:0\"\n\
                 [limit]\nwindows = []\n[telemetry]\nformat = \"json\"\n[files]\nmappings = {:?}\n{more}",
                mappings.display().to_string()
            )
        };
        let old = place.path("old.toml");
        let database = place.path("old.db").display().to_string();
        fs::write(&old, settings(&format!("[backend]\ndatabase = {database:?}\n"))).unwrap();
        let old = Process::start_at(&old, None, &[]);
        let config = place.path("proxy.toml");
        let store = place.path("ids.sqlite").display().to_string();
        let more = format!(
            "[upstream]\nbase = {:?}\n[legacy.gitbook]\nbase = \"http://{}\"\n[ids]\nstore = {store:?}\n",
            canonical.base, old.address
        );
        fs::write(&config, settings(&more)).unwrap();
        let proxy = Process::start_at(&config, None, &[]);
        Sides { canonical, old, proxy, config }
    }

    /// The same with a proxy that remembers nothing.
    pub(super) fn with_a_new_proxy(self, _place: &Place) -> Sides {
        let Sides { canonical, old, proxy, config } = self;
        proxy.stop();
        let proxy = Process::start_at(&config, None, &[]);
        Sides { canonical, old, proxy, config }
    }

    /// Where the two are, as arguments: by the files of the proxy for one, said in so many words for the other.
    pub(super) fn bases(&self) -> Vec<String> {
        let config = self.config.display().to_string();
        vec!["--config".to_owned(), config, "--new".to_owned(), self.canonical.base.clone()]
    }

    /// An organization that both sides have, each with an id of its own.
    pub(super) fn found_on_both(&self, title: &str) -> Pair {
        let made = create(&self.old, "/v1/orgs", title);
        Pair { old: made, new: self.made_new(title) }
    }

    /// An organization that only the canonical side has.
    pub(super) fn made_new(&self, title: &str) -> Uuid {
        uuid(&create(&self.proxy, "/gitbook/v1/orgs", title))
    }

    /// Somebody whom both sides know by the same address alone.
    pub(super) fn person_on_both(&self, organization: &Pair, email: &str) -> Pair {
        let invited = |process: &Process, path: String| {
            let body = json!({"emails": [email], "role": "read"}).to_string();
            let told = ask(process, "POST", &path, &body);
            told["users"][0].as_str().unwrap_or_else(|| panic!("nobody was added: {told}")).to_owned()
        };
        let old = invited(&self.old, format!("/v1/orgs/{}/invites", organization.old));
        let new = invited(&self.proxy, format!("/gitbook/v1/orgs/{}/invites", organization.new));
        Pair { old, new: uuid(&new) }
    }

    /// Says who answers.
    pub(super) fn put(&self, mode: &Value) {
        let answer =
            Client::new(self.proxy.admin).ask("PUT", "/modes/gitbook", "", &mode.to_string()).unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// Reads something through the proxy.
    pub(super) fn read(&self, path: &str) -> Value {
        ask(&self.proxy, "GET", &format!("/gitbook/v1{path}"), "")
    }
}

fn create(process: &Process, path: &str, title: &str) -> String {
    let told = ask(process, "POST", path, &json!({ "title": title }).to_string());
    told["id"].as_str().unwrap().to_owned()
}

fn ask(process: &Process, method: &str, path: &str, body: &str) -> Value {
    let headers = format!("authorization: Bearer {TOKEN}\r\ncontent-type: application/json\r\n");
    let answer = Client::new(process.address).ask(method, path, &headers, body).unwrap();
    assert!((200..300).contains(&answer.status), "{method} {path}: {answer:?}");
    serde_json::from_str(&answer.body).unwrap()
}

fn uuid(short: &str) -> Uuid {
    match IdForm::ShortUuid.read(short).unwrap() {
        CanonicalId::Uuid(uuid) => uuid,
        other => panic!("no UUID: {other}"),
    }
}
