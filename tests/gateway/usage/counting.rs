//! A usage file into which is counted, and what is looked for in reports of it.

use super::*;

/// A usage file, into which is counted at one moment.
pub(super) struct Counting {
    pub(super) folder: tempfile::TempDir,
    pub(super) store: Store,
    pub(super) book: Arc<Book>,
    pub(super) counter: Counter,
}

impl Counting {
    pub(super) fn with(config: Config) -> Counting {
        let folder = tempfile::tempdir().unwrap();
        let (store, book) = Store::open(&folder.path().join("usage.sqlite"), config, now()).unwrap();
        let book = Arc::new(book);
        let counter = Counter::new(Arc::clone(&book));
        Counting { folder, store, book, counter }
    }

    pub(super) fn count(&self, who: Principal, parts: &[Part]) {
        let numbers: Vec<_> = parts.iter().map(|part| self.book.parts().number(part)).collect();
        self.counter.count_parts(who, Client::UNKNOWN, &numbers, now());
    }

    /// Of one who adds and one who lists, and of how comparing what they use has ended.
    pub(super) fn of_two(compared: &[(&str, &str)]) -> Counting {
        let mut counting = Counting::with(Config::default());
        let (add, list) = (Part::operation("nimbus", "add-person"), Part::operation("nimbus", "list-people"));
        for (who, parts) in [("adds", vec![add.clone(), add.field("address")]), ("lists", vec![list])] {
            counting.count(Principal::of(who.as_bytes()), &parts);
        }
        for (operation, outcome) in compared {
            counting.book.compared("nimbus", operation, outcome, now());
        }
        counting.write();
        counting
    }

    pub(super) fn write(&mut self) {
        self.store.write(&self.book, now()).unwrap();
    }

    /// What `report` says of the file, by the mappings of the sixth dialect.
    pub(super) fn report(&self, more: &[&str]) -> Output {
        let data = sixth();
        let mut report = Command::new(env!("CARGO_BIN_EXE_interlingua"));
        report.arg("report").arg(self.folder.path().join("usage.sqlite"));
        report.arg("--mappings").arg(data.path().join("mappings"));
        report.arg("--schemas").arg(data.path().join("schemas")).args(more).output().unwrap()
    }

    pub(super) fn told(&self, more: &[&str]) -> Value {
        let output = self.report(&[&["--format", "json"], more].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }
}

/// Noon on a day of 2026.
pub(super) fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_hours(498_696)
}

/// What is told of that principal.
pub(super) fn told_of<'t>(told: &'t Value, who: &str) -> &'t Value {
    let who = Principal::of(who.as_bytes()).to_string();
    told["principals"].as_array().unwrap().iter().find(|one| one["principal"] == *who).unwrap()
}

/// The parts that are in the way, and why.
pub(super) fn reasons(of: &Value) -> Vec<String> {
    let told =
        |one: &Value| format!("{}: {}", one["part"].as_str().unwrap(), one["reason"].as_str().unwrap());
    of.as_array().unwrap().iter().map(told).collect()
}

/// The dialect of `tests/fixtures/sixth`, with the canonical files that it is described against.
pub(super) fn sixth() -> tempfile::TempDir {
    let (root, data) = (Path::new(env!("CARGO_MANIFEST_DIR")), tempfile::tempdir().unwrap());
    let fixture = root.join("tests/fixtures/sixth");
    for (from, to) in [
        (root.join("schemas/canonical"), "schemas/canonical"),
        (fixture.join("schemas/nimbus"), "schemas/nimbus"),
        (fixture.join("mappings"), "mappings"),
    ] {
        let to = data.path().join(to);
        fs::create_dir_all(&to).unwrap();
        for file in fs::read_dir(from).unwrap().map(Result::unwrap) {
            fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
    fs::copy(root.join("mappings/canonical.toml"), data.path().join("mappings/canonical.toml")).unwrap();
    data
}
