//! Whether a mutant's table of roles raises anybody, found by going through all words and all roles.
//!
//! Nothing here is the checker's: the tables are read from the texts, the words and what they promise are plain sets,
//! and the laws are those of the design: a word gives what it promises at most; a role that is read and written back
//! does not rise; who promises less gives less; and what is read in one dialect and written in another does not rise.

use std::collections::{BTreeMap, BTreeSet};

use super::files::Files;
use super::tree::Node;

type Set = BTreeSet<String>;

/// The canonical roles with what they may do.
pub(super) struct Roles {
    capabilities: Set,
    grants: BTreeMap<String, Set>,
}

/// One dialect's words.
#[derive(Clone, Default)]
pub(super) struct Table {
    family: String,
    rows: Vec<Row>,
    /// By canonical role, the word it lands on.
    lands: BTreeMap<String, String>,
}

#[derive(Clone, Default)]
struct Row {
    word: String,
    is: String,
    may: Set,
    excepted: bool,
}

impl Roles {
    pub(super) fn read(canonical: &Node) -> Roles {
        let capabilities: Set =
            canonical.children_of(&["capabilities"]).iter().map(|node| node.name.clone()).collect();
        let roles = canonical.children_of(&["roles"]).iter();
        let grants = roles.map(|role| (role.name.clone(), matching(role, &capabilities))).collect();
        Roles { capabilities, grants }
    }

    fn grants(&self, role: &str) -> Option<&Set> {
        self.grants.get(role)
    }
}

/// The capabilities that a list of patterns stands for.
fn matching(patterns: &Node, capabilities: &Set) -> Set {
    let stands_for = |pattern: &str, name: &str| match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => pattern == name,
    };
    let patterns = patterns.children();
    capabilities
        .iter()
        .filter(|name| patterns.iter().any(|pattern| stands_for(pattern.says(), name)))
        .cloned()
        .collect()
}

impl Table {
    /// The words of a mapping whose chain has these trees, nearest first.
    pub(super) fn read(files: &Files, name: &str, tree: impl Fn(&str) -> Node, roles: &Roles) -> Table {
        let chain = files.chain(name);
        let mut table = Table { family: chain.last().unwrap().to_string(), ..Table::default() };
        for one in chain.into_iter().rev() {
            table.lay_over(&tree(one), roles);
        }
        table
    }

    fn lay_over(&mut self, tree: &Node, roles: &Roles) {
        for node in tree.children_of(&["role", "row"]) {
            let Some(word) = node.get("word").map(spelling) else { continue };
            let position = self.rows.iter().position(|row| row.word == word);
            let mut row = position.map(|at| self.rows[at].clone()).unwrap_or_default();
            row.word = word;
            if let Some(is) = node.get("is") {
                is.says().clone_into(&mut row.is);
            }
            if let Some(may) = node.get("may") {
                row.may = matching(may, &roles.capabilities);
            }
            row.excepted |= node.get("widens").is_some();
            self.lands.remove(&row.is);
            match position {
                Some(at) => self.rows[at] = row,
                None => self.rows.push(row),
            }
        }
        for node in tree.children_of(&["role", "lands"]) {
            match node.get("as") {
                Some(word) => self.lands.insert(node.name.clone(), spelling(word)),
                None => self.lands.remove(&node.name),
            };
        }
    }

    /// *f*: what a word becomes.
    fn lift(&self, word: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.word == word)
    }

    /// *g*: the word a role is told as.
    fn lower(&self, role: &str) -> Option<&Row> {
        let own = self.rows.iter().find(|row| row.is == role);
        own.or_else(|| self.lift(self.lands.get(role)?))
    }
}

/// A word with its type, so that `1` and `"1"` are two.
fn spelling(node: &Node) -> String {
    match node.get("json") {
        Some(json) => json.says().to_owned(),
        None => format!("{:?} {}", node.leaf(), node.says()),
    }
}

/// What raises, if anything does: the chain of values, in words of the law it breaks.
pub(super) fn raises(tables: &BTreeMap<&str, Table>, roles: &Roles) -> Option<String> {
    for (name, table) in tables {
        if let Some(chain) = alone(table, roles) {
            return Some(format!("in {name}: {chain}"));
        }
    }
    for (reader, read_in) in tables {
        for (writer, written_in) in tables.iter().filter(|(writer, _)| *writer != reader) {
            if let Some(chain) = between(read_in, written_in, roles) {
                return Some(format!("from {reader} to {writer}: {chain}"));
            }
        }
    }
    None
}

fn alone(table: &Table, roles: &Roles) -> Option<String> {
    for row in table.rows.iter().filter(|row| !row.excepted) {
        let grants = roles.grants(&row.is)?;
        if !grants.is_subset(&row.may) {
            return Some(format!("{} becomes {}, which is more than it promises", row.word, row.is));
        }
        for lesser in table.rows.iter().filter(|other| other.may.is_subset(&row.may)) {
            let kept: Set = roles.grants(&lesser.is)?.intersection(&lesser.may).cloned().collect();
            if !kept.is_subset(grants) {
                let (less, more) = (&lesser.word, &row.word);
                return Some(format!("{less} promises no more than {more} and becomes {}", lesser.is));
            }
        }
    }
    for (role, granted) in &roles.grants {
        let Some(word) = table.lower(role) else { continue };
        let back = table.lift(&word.word)?;
        if !roles.grants(&back.is)?.is_subset(granted) {
            return Some(format!("{role} is read as {} and written back as {}", word.word, back.is));
        }
    }
    None
}

fn between(read_in: &Table, written_in: &Table, roles: &Roles) -> Option<String> {
    for (role, granted) in &roles.grants {
        let Some(read) = read_in.lower(role) else { continue };
        if read.excepted {
            continue;
        }
        for written in written_in.rows.iter().filter(|row| !row.excepted) {
            let is_same_word = read_in.family == written_in.family && read.word == written.word;
            if !(written.may.is_subset(&read.may) || is_same_word) {
                continue;
            }
            let kept: Set = roles.grants(&written.is)?.intersection(&written.may).cloned().collect();
            if !kept.is_subset(granted) {
                let (read, written, becomes) = (&read.word, &written.word, &written.is);
                return Some(format!("{role} is read as {read}, written as {written} and becomes {becomes}"));
            }
        }
    }
    None
}
