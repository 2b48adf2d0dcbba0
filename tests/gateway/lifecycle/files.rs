//! The files of a proxy that speaks `tests/fixtures/acme`, in two editions, and ways to break them.
//!
//! The editions differ in the word that an answer has for each role, and in the role of a member for whom the client
//! names none: a request that was lifted by one and lowered by the other is told `arm` or `chief`.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edition {
    First,
    Second,
}

impl Edition {
    /// What an answer of it says.
    pub(super) fn word(self) -> &'static str {
        match self {
            Edition::First => "hand",
            Edition::Second => "boss",
        }
    }

    pub(super) fn other(self) -> Edition {
        match self {
            Edition::First => Edition::Second,
            Edition::Second => Edition::First,
        }
    }

    fn text(self, text: &str) -> String {
        match self {
            Edition::First => text.to_owned(),
            Edition::Second => text
                .replace("default = \"hand\"", "default = \"boss\"")
                .replace("\"chief\"", "\"boss\"")
                .replace("\"hand\"", "\"arm\""),
        }
    }
}

/// The ways to break a file, and the diagnostic that comes of each; none if it cannot even be read.
pub(super) const FAULTS: [(&str, Option<&str>); 5] = [
    ("schemas/acme/person.json", Some("S0101")),
    ("mappings/acme.toml", Some("M0101")),
    ("config.toml", Some("C0301")),
    ("schemas/canonical/role.json", None),
    ("mappings/acme.toml", Some("M0203")),
];

pub(super) struct Files {
    folder: TempDir,
    settings: String,
}

impl Files {
    /// The first edition, with these settings.
    pub(super) fn new(backend: SocketAddr, settings: &str) -> Files {
        Files::with_upstream(backend, settings, "")
    }

    /// The same, with these settings of the backend.
    pub(super) fn with_upstream(backend: SocketAddr, settings: &str, upstream: &str) -> Files {
        let folder = tempfile::tempdir().unwrap();
        let below = |name: &str| folder.path().join(name).display().to_string();
        let settings = format!(
            "{settings}\n[upstream]\nbase = \"http://{backend}\"\n{upstream}\
             [files]\nmappings = {:?}\nschemas = {:?}\n",
            below("mappings"),
            below("schemas")
        );
        let files = Files { folder, settings };
        files.write(Edition::First);
        files
    }

    pub(super) fn config(&self) -> PathBuf {
        self.path("config.toml")
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes all files, sound.
    pub(super) fn write(&self, edition: Edition) {
        fs::write(self.config(), &self.settings).unwrap();
        self.write_data(edition);
    }

    /// The same, and leaves the settings as they are.
    pub(super) fn write_data(&self, edition: Edition) {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/acme");
        for folder in ["mappings", "schemas/acme", "schemas/canonical"] {
            fs::create_dir_all(self.path(folder)).unwrap();
            for entry in fs::read_dir(source.join(folder)).unwrap() {
                let entry = entry.unwrap();
                let text = edition.text(&fs::read_to_string(entry.path()).unwrap());
                fs::write(self.path(folder).join(entry.file_name()), text).unwrap();
            }
        }
    }

    /// Writes all files of that edition, and breaks one of them.
    pub(super) fn write_broken(&self, edition: Edition, fault: usize) {
        self.write(edition);
        let (name, code) = FAULTS[fault];
        let path = self.path(name);
        let text = fs::read_to_string(&path).unwrap();
        let broken = match code {
            Some("S0101") => text.replacen('{', "", 1),
            Some("M0101") => text + "[unfinished\n",
            Some("C0301") => text.replacen("workers = 2", "workers = 3", 1),
            Some("M0203") => text.replacen("is   = \"viewer\"", "is   = \"viewr\"", 1),
            // No text at all.
            _ => return fs::write(path, b"\xff").unwrap(),
        };
        fs::write(path, broken).unwrap();
    }
}
