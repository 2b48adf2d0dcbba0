//! The old upstream, the proxy in front of both sides, and who may ask.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::thread;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::cases::{Case, GITBOOK};
use crate::lifecycle::client::{Answer, Client};
use crate::lifecycle::process::Process;

/// How many move under load.
const PRINCIPALS: usize = 24;

/// An organization that both sides have, under the name that it has at the canonical one.
pub(super) const NORTHWIND: &str = "/v1/orgs/3c90c3cc-0d44-4b50-8888-8dd25736052a";
pub(super) const NEW_NAME: &str = "Northwind";
pub(super) const OLD_NAME: &str = "Northwind of old";

const OWNER: &str = "gb_api_DemoOwnerNorthwind0000000000000000000000";

/// Whoever may read it, as the reference backend's seed has them.
pub(super) const TOKENS: [&str; 14] = [
    "csb_DemoOwnerNorthwind00000000000000_eda246cf",
    "pat_DemoOwnerNorthwind00000000000000",
    "DemoOwnerNorthwindPlainOne00000000000000",
    OWNER,
    "DemoOwnerNorthwindPlainTwo00000000000000",
    "pat_DemoAdminNorthwind00000000000000",
    "pat_DemoManagerNorthwind000000000000",
    "pat_DemoCreatorNorthwind000000000000",
    "pat_DemoReviewerNorthwind00000000000",
    "pat_DemoEditorNorthwind0000000000000",
    "pat_DemoCommenterNorthwind0000000000",
    "pat_DemoViewerNorthwind0000000000000",
    "csb_DemoViewerNorthwind0000000000000_d994c7d4",
    "DemoViewerNorthwindPlainOne0000000000000",
];

pub(super) fn authorization(token: &str) -> String {
    format!("authorization: Bearer {token}\r\ncontent-type: application/json\r\n")
}

/// Tokens of those who move under load, good for either dialect. Both sides are told of them as they start.
pub(super) fn principals() -> Vec<String> {
    (0..PRINCIPALS).map(|number| format!("pat_Migrating{number:02}")).collect()
}

pub(super) struct World {
    folder: TempDir,
    case: &'static Case,
    /// Whether the thread that compares gives way to others. Beside tests that leave no processor free it would be late.
    gives_way: bool,
    /// Where the old side is reached.
    legacy: SocketAddr,
    pub(super) old: Process,
    pub(super) new: Process,
}

impl World {
    pub(super) fn start() -> World {
        World::of(&GITBOOK)
    }

    /// Both sides speak that dialect, and besides it the one in which an organization is renamed.
    pub(super) fn of(case: &'static Case) -> World {
        World::behind(case, |old| old)
    }

    /// The same, where the old side is reached at another address than its own.
    pub(super) fn behind(case: &'static Case, reached: impl FnOnce(SocketAddr) -> SocketAddr) -> World {
        World::with(case, false, reached)
    }

    /// The same, where the thread that compares gives way to others, or does not.
    pub(super) fn with(
        case: &'static Case,
        gives_way: bool,
        reached: impl FnOnce(SocketAddr) -> SocketAddr,
    ) -> World {
        World::allowing(Some("1000000/minute"), case, gives_way, reached)
    }

    /// The same, where both sides allow each principal what the mappings say that ship.
    pub(super) fn as_shipped(case: &'static Case) -> World {
        World::allowing(None, case, false, |old| old)
    }

    fn allowing(
        window: Option<&str>,
        case: &'static Case,
        gives_way: bool,
        reached: impl FnOnce(SocketAddr) -> SocketAddr,
    ) -> World {
        let folder = tempfile::tempdir().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        fs::create_dir(folder.path().join("mappings")).unwrap();
        for name in BTreeSet::from(["canonical", GITBOOK.dialect, case.dialect]) {
            let name = format!("{name}.toml");
            let text = fs::read_to_string(root.join("mappings").join(&name)).unwrap();
            let text = match window {
                Some(window) => {
                    text.replace("windows = [\"60/minute\"]", &format!("windows = [\"{window}\"]"))
                }
                None => text,
            };
            fs::write(folder.path().join("mappings").join(name), text).unwrap();
        }
        let old = World::process(
            (&folder, false),
            "old",
            "[server.hops]\ntrusted = [\"127.0.0.1\"]\nheaders = [\"x-forwarded-for\", \"x-forwarded-proto\", \"x-forwarded-host\"]\n",
        );
        let body = json!({"title": OLD_NAME}).to_string();
        let path = format!("/{}{NORTHWIND}", GITBOOK.dialect);
        let renamed = Client::new(old.address).ask("PATCH", &path, &authorization(OWNER), &body).unwrap();
        assert_eq!(renamed.status, 200, "{renamed:?}");
        let legacy = reached(old.address);
        let new = World::process((&folder, gives_way), "new", &World::legacy(case, legacy));
        for name in ["old", "new"] {
            let_in(&folder.path().join(format!("{name}.db")));
        }
        World { folder, case, gives_way, legacy, old, new }
    }

    fn legacy(case: &Case, reached: SocketAddr) -> String {
        let dialect = case.dialect;
        format!("[legacy.{dialect}]\nbase = \"http://{reached}/{dialect}\"\n")
    }

    fn process((folder, gives_way): (&TempDir, bool), name: &str, settings: &str) -> Process {
        let settings = World::settings((folder, gives_way), name, settings);
        let path = folder.path().join(format!("{name}.toml"));
        fs::write(&path, settings).unwrap();
        Process::start_at(&path, None, &[])
    }

    fn settings((folder, gives_way): (&TempDir, bool), name: &str, settings: &str) -> String {
        let below = |name: &str| folder.path().join(name).display().to_string();
        format!(
            "[server]\nworkers = 2\nshadows_give_way = {gives_way}\n[[server.listener]]\naddress = \"127.0.0.1:0\"\n[admin]\naddress = \"127.0.0.1:0\"\n\
             [limit]\nwindows = []\n[telemetry]\nformat = \"json\"\n[backend]\ndatabase = {:?}\n\
             [files]\nmappings = {:?}\n{settings}",
            below(&format!("{name}.db")),
            below("mappings"),
        )
    }

    /// Has the files of the proxy say this, too; they are read at a reload.
    pub(super) fn write(&self, mode: &str) {
        fs::write(self.folder.path().join("new.toml"), self.said(mode)).unwrap();
    }

    fn said(&self, mode: &str) -> String {
        let legacy = World::legacy(self.case, self.legacy);
        World::settings((&self.folder, self.gives_way), "new", &format!("{legacy}{mode}"))
    }

    /// Has it read its files anew, which are the same but for a key that cannot be read to its end before `meanwhile` has been
    /// done.
    pub(super) fn reload_slowly(&self, meanwhile: impl FnOnce()) {
        let path = self.folder.path().join("key");
        self.write(&format!("[explain]\nkey = {:?}\n", path.display().to_string()));
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        thread::scope(|scope| {
            let reload = scope.spawn(|| self.reload());
            // It is open as soon as the other end is.
            let mut pipe = fs::OpenOptions::new().write(true).open(&path).unwrap();
            meanwhile();
            // It is read more than once.
            fs::remove_file(&path).unwrap();
            fs::write(&path, [7; 32]).unwrap();
            pipe.write_all(&[7; 32]).unwrap();
            drop(pipe);
            reload.join().unwrap();
        });
        self.write("");
    }

    /// Has it read its files anew. What it says of that to a service manager has to be heard: nobody says more to one that
    /// does not listen.
    pub(super) fn reload(&self) {
        let answer = self.new.reload();
        assert_eq!(answer.status, 200, "{answer:?}");
        self.new.wait_for("READY=1");
    }

    /// Says who answers, on the admin listener.
    pub(super) fn put(&self, mode: &Value) -> Answer {
        let path = format!("/modes/{}", self.case.dialect);
        Client::new(self.new.admin).ask("PUT", &path, "", &mode.to_string()).unwrap()
    }

    /// What is shown of the dialect.
    pub(super) fn mode(&self) -> Value {
        let shown: Value = serde_json::from_str(&self.new.page("/modes").body).unwrap();
        shown["dialects"][self.case.dialect].clone()
    }

    /// How many requests for an operation the proxy says that side answered, whatever the mode was.
    pub(super) fn answered(&self, operation: &str, side: &str) -> usize {
        self.counted("gateway_mode_requests_total", &[("operation", operation), ("side", side)])
    }

    /// How often asking the other side, too, ended like that.
    pub(super) fn shadowed(&self, operation: &str, outcome: &str) -> usize {
        self.counted("gateway_shadow_requests_total", &[("operation", operation), ("outcome", outcome)])
    }

    /// What the proxy has counted under that name for the dialect and these labels, whatever the others are.
    pub(super) fn counted(&self, name: &str, labels: &[(&str, &str)]) -> usize {
        let page = self.new.page("/metrics").body;
        let dialect = [("dialect", self.case.dialect)];
        let labels: Vec<_> =
            dialect.iter().chain(labels).map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        let lines = page.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('{'));
        let lines = lines.filter(|line| labels.iter().all(|label| line.contains(label.as_str())));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap()).sum()
    }

    /// How many the old upstream says it answered.
    pub(super) fn heard_by_old(&self, operation: &str) -> usize {
        let dialect = self.case.dialect;
        let labels = format!("{{dialect=\"{dialect}\",operation=\"{operation}\",status=\"200\",code=\"\"}}");
        self.old.metric(&format!("gateway_requests_total{labels}"))
    }
}

/// Has a database know the principals, all of them as one member who may only read.
fn let_in(database: &Path) {
    let mut connection = rusqlite::Connection::open(database).unwrap();
    let transaction = connection.transaction().unwrap();
    for token in principals() {
        let digest: [u8; 32] = Sha256::digest(token).into();
        let insert =
            "INSERT INTO tokens (digest, user_id) SELECT ?1, id FROM users WHERE email = 'hugo@example.com'";
        assert_eq!(transaction.execute(insert, [digest]).unwrap(), 1);
    }
    transaction.commit().unwrap();
}

/// Whether whoever has that token has moved, by the formula in `docs/migration.md`.
pub(super) fn has_moved(dialect: &str, token: &str, share: u128) -> bool {
    let mut digest = Sha256::new();
    let principal = &Sha256::digest(token)[..16];
    for part in [&b"interlingua-split-1"[..], dialect.as_bytes(), principal] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    let point = u64::from_be_bytes(digest.finalize()[..8].try_into().unwrap());
    u128::from(point) * 100 < share << 64
}
