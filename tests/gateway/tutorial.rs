//! Runs `docs/add-a-dialect.md`: every command with the output that is shown, every edit as it stands there. What comes
//! of it is `tests/fixtures/tutorial`, which loads beside what ships.
//!
//! A block of `console` holds commands after `$ ` and what they print; one of `diff` after `<!-- edit: file -->` is an
//! edit, its parts divided by `@@`. `BLESS=1 cargo test --test gateway tutorial` writes what commands print now into the
//! page, for a person to read before it is committed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use interlingua::boot::DataFiles;
use tempfile::TempDir;

use crate::program::Program;
use crate::support;

const PAGE: &str = "docs/add-a-dialect.md";
const RESULT: &str = "tests/fixtures/tutorial";
/// Where the page has the proxy listen.
const ADDRESS: &str = "http://127.0.0.1:8080";

#[test]
fn the_tutorial_is_true() {
    let page = fs::read_to_string(root().join(PAGE)).unwrap();
    let mut reader = Reader::new();
    let now = reader.page(&page);
    let result = reader.result();
    if std::env::var_os("BLESS").is_some() {
        fs::write(root().join(PAGE), &now).unwrap();
        for (path, text) in &result {
            let path = root().join(RESULT).join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }
    let first = page.lines().zip(now.lines()).enumerate().find(|(_, (shown, printed))| shown != printed);
    if let Some((line, (shown, printed))) = first {
        panic!("{PAGE}:{}: shown is\n  {shown}\nand printed\n  {printed}", line + 1);
    }
    assert_eq!(page.len(), now.len(), "the page ends otherwise");
    assert_eq!(files_in(&root().join(RESULT)), result, "{RESULT} is not what the page makes");
}

#[test]
fn what_comes_of_it_loads_beside_what_ships() {
    let folder = tempfile::tempdir().unwrap();
    for source in [root().to_owned(), root().join(RESULT)] {
        for name in ["mappings", "schemas"] {
            copy(&source.join(name), &folder.path().join(name));
        }
    }
    let below = |name| Some(folder.path().join(name));
    let dialects = support::load(&DataFiles { mappings: below("mappings"), schemas: below("schemas") });
    assert_eq!(dialects.registry.dialects().len(), support::shipped().registry.dialects().len() + 1);
}

/// Somebody who does what the page says.
struct Reader {
    folder: TempDir,
    /// Where they are.
    here: PathBuf,
    proxy: Option<Program>,
}

impl Reader {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // What of the repository the page copies from.
        for path in ["mappings/canonical.toml", "schemas/canonical", "tests/fixtures/openapi/langfuse.yml"] {
            copy(&root().join(path), &folder.path().join(path));
        }
        Self { here: folder.path().to_owned(), folder, proxy: None }
    }

    /// Does everything, and gives the page with what was printed.
    fn page(&mut self, page: &str) -> String {
        let mut out: Vec<String> = Vec::new();
        let mut lines = page.lines();
        let mut edits = None;
        while let Some(line) = lines.next() {
            out.push(line.to_owned());
            if let Some(file) = line.strip_prefix("<!-- edit: ") {
                edits = file.strip_suffix(" -->");
            }
            let sort = line.strip_prefix("```").unwrap_or_default();
            let mut block = || lines.by_ref().take_while(|line| *line != "```").collect::<Vec<_>>();
            if sort == "console" {
                out.extend(self.console(&block()));
                out.push("```".to_owned());
            } else if let Some(file) = edits.take_if(|_| sort == "diff") {
                let block = block();
                self.edit(file, &block);
                out.extend(block.into_iter().map(str::to_owned));
                out.push("```".to_owned());
            }
        }
        out.push(String::new());
        out.join("\n")
    }

    fn console(&mut self, block: &[&str]) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        let mut lines = block.iter();
        while let Some(line) = lines.next() {
            let Some(first) = line.strip_prefix("$ ") else { continue };
            let mut command = vec![first];
            while command[command.len() - 1].ends_with(['\\', '|']) {
                command.push(lines.next().expect("a command that goes on has a next line"));
            }
            out.push((*line).to_owned());
            out.extend(command[1..].iter().map(|line| (*line).to_owned()));
            let printed = self.run(&command.join("\n"));
            out.extend(printed.trim_end().lines().map(str::to_owned));
        }
        out
    }

    fn run(&mut self, command: &str) -> String {
        if let Some(folder) = command.strip_prefix("cd ") {
            self.here.push(folder);
            return String::new();
        }
        if command.starts_with("interlingua serve ") {
            let below = |name| Some(self.here.join(name));
            let files = DataFiles { mappings: below("mappings"), schemas: below("schemas") };
            self.proxy = Some(Program::start(&files));
            return String::new();
        }
        if command.starts_with("curl ") {
            return self.curl(command);
        }
        let bin = Path::new(env!("CARGO_BIN_EXE_interlingua")).parent().unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        let output = Command::new("sh")
            .args(["-c", &format!("( {command} ) 2>&1")])
            .current_dir(&self.here)
            .env("PATH", format!("{}:{path}", bin.display()))
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// Sends what `curl` would, so that it need not be there.
    fn curl(&self, command: &str) -> String {
        let words = words(command);
        let (mut method, mut headers, mut body, mut path) = (None, Vec::new(), None, "");
        let mut words = words.iter().map(String::as_str).skip(1);
        while let Some(word) = words.next() {
            match word {
                "-s" => {}
                "-X" => method = words.next(),
                "--header" => headers.extend(words.next().and_then(|header| header.split_once(": "))),
                "--data" => body = words.next(),
                address => path = address.strip_prefix(ADDRESS).expect("it asks the proxy"),
            }
        }
        let method = method.unwrap_or(if body.is_some() { "POST" } else { "GET" });
        let proxy = self.proxy.as_ref().expect("the proxy is started first");
        proxy.send(method, path, &headers, body).body
    }

    /// Replaces what is there before by what is there afterwards, each part once.
    fn edit(&self, file: &str, block: &[&str]) {
        let path = self.here.join(file);
        let mut text = fs::read_to_string(&path).unwrap();
        for part in block.split(|line| *line == "@@") {
            let side = |taken: char| {
                let lines = part.iter().filter(|line| !line.starts_with(taken));
                let lines: Vec<_> = lines.map(|line| line.get(1..).unwrap_or_default()).collect();
                format!("\n{}\n", lines.join("\n"))
            };
            let (before, after) = (side('+'), side('-'));
            let whole = format!("\n{text}");
            assert_eq!(whole.matches(&before).count(), 1, "in {file} there is not once:{before}");
            text = whole.replacen(&before, &after, 1).split_off(1);
        }
        fs::write(path, text).unwrap();
    }

    /// The files of the dialect that was made.
    fn result(&self) -> BTreeMap<String, String> {
        let mut files = files_in(&self.folder.path().join("proxy"));
        files.retain(|path, _| !path.contains("canonical") && path.contains('/'));
        files
    }
}

/// The words of a command as a shell sees them, as far as the page needs.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = command;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\\');
        if rest.is_empty() {
            return words;
        }
        let (word, after) = match rest.strip_prefix('\'') {
            Some(quoted) => quoted.split_once('\'').expect("a quote ends"),
            None => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        };
        words.push(word.to_owned());
        rest = after;
    }
}

fn files_in(folder: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(here) = open.pop() {
        for entry in fs::read_dir(&here).unwrap_or_else(|error| panic!("{}: {error}", here.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            files.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
    files
}

fn copy(from: &Path, to: &Path) {
    if !from.is_dir() {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
        return;
    }
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        copy(&entry.path(), &to.join(entry.file_name()));
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
