//! Whether a mutant's table of roles raises anybody, found by going through all words and all roles.
//!
//! Nothing here is the checker's: the tables are read from the texts, the words and what they promise are plain sets,
//! and the laws are those of the design: a word gives what it promises at most; a role that is read and written back
//! does not rise; who promises less gives less; and what is read in one dialect and written in another does not rise.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::draft::quoted;
use super::files::Files;
use super::tree::{Leaf, Node};

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
    /// The canonical roles that are not told.
    refused: Set,
    /// Words of other tables that roles are shown by: the word and the role.
    shown: Vec<(String, String)>,
    /// Whether roles are named by the ids of their rows, so that what is shown of a row is promised of its id.
    by_row: bool,
}

#[derive(Clone, Default)]
struct Row {
    word: String,
    also: Vec<String>,
    is: String,
    may: Set,
    /// Whether every pattern stands for something.
    is_known: bool,
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

    fn grants(&self, role: &str) -> &Set {
        &self.grants[role]
    }
}

/// The capabilities that a list of patterns stands for.
fn matching(patterns: &Node, capabilities: &Set) -> Set {
    let patterns = patterns.children();
    let stands_for = |name: &&String| patterns.iter().any(|pattern| fits(pattern.says(), name));
    capabilities.iter().filter(stands_for).cloned().collect()
}

fn is_pattern(pattern: &str, capabilities: &Set) -> bool {
    capabilities.iter().any(|name| fits(pattern, name))
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => pattern == name,
    }
}

impl Table {
    /// The words of a mapping whose chain has these trees, nearest first.
    pub(super) fn read<'t>(
        files: &Files,
        name: &str,
        tree: impl Fn(&str) -> &'t Node,
        roles: &Roles,
    ) -> Table {
        let chain = files.chain(name);
        let mut table = Table { family: chain.last().unwrap().to_string(), ..Table::default() };
        for one in chain.iter().rev() {
            table.lay_over(tree(one), roles);
        }
        let lenses = || chain.iter().flat_map(|one| tree(one).children_of(&["lens"]));
        let fields = || lenses().flat_map(|lens| lens.children_of(&["fields"])).flat_map(ways);
        table.by_row = fields().any(|field| field.get("row").is_some());
        for other in chain.iter().flat_map(|one| tree(one).children_of(&["table"])) {
            let is_it = |field: &Node| field.get("table").is_some_and(|named| named.says() == other.name);
            if fields().any(is_it) {
                table.show(other, roles);
            }
        }
        table
    }

    /// Whether it is a table at all: each word has one meaning, each role one place, and all of them are known.
    pub(super) fn is_sound(&self, roles: &Roles) -> bool {
        let words: Vec<_> = self.rows.iter().flat_map(|row| row.also.iter().chain([&row.word])).collect();
        let unique: BTreeSet<_> = words.iter().collect();
        let places = |role: &String| {
            let rows = self.rows.iter().filter(|row| row.is == *role).count();
            rows + usize::from(self.lands.contains_key(role)) + usize::from(self.refused.contains(role))
        };
        let lands =
            |(role, word): (&String, &String)| roles.grants.contains_key(role) && self.lift(word).is_some();
        unique.len() == words.len()
            && self.rows.iter().all(|row| roles.grants.contains_key(&row.is) && row.is_known)
            && roles.grants.keys().all(|role| places(role) == 1)
            && self.lands.iter().all(lands)
            && self.refused.iter().all(|role| roles.grants.contains_key(role))
    }

    /// Takes in another table, if its canonical words are roles.
    fn show(&mut self, other: &Node, roles: &Roles) {
        let rows = other.children_of(&["rows"]).iter();
        let rows = rows.filter_map(|row| Some((spelling(row.get("0")?), row.get("1")?.says().to_owned())));
        let lands = other.children_of(&["lands"]).iter();
        let lands = lands.filter_map(|land| Some((spelling(land.get("as")?), land.name.clone())));
        let shown: Vec<_> = rows.chain(lands).collect();
        if shown.iter().all(|(_, role)| roles.grants.contains_key(role)) {
            self.shown.extend(shown);
        }
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
                row.is_known = may.children().iter().all(|one| is_pattern(one.says(), &roles.capabilities));
            }
            if let Some(also) = node.get("also") {
                row.also = also.children().iter().map(spelling).collect();
            }
            row.excepted |= node.get("widens").is_some();
            self.lands.remove(&row.is);
            self.refused.remove(&row.is);
            match position {
                Some(at) => self.rows[at] = row,
                None => self.rows.push(row),
            }
        }
        for node in tree.children_of(&["role", "lands"]) {
            self.lands.remove(&node.name);
            self.refused.remove(&node.name);
            match node.get("as") {
                Some(word) => drop(self.lands.insert(node.name.clone(), spelling(word))),
                None => drop(self.refused.insert(node.name.clone())),
            }
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

/// A field, or the several ways to fill it.
fn ways(field: &Node) -> &[Node] {
    if field.is_array() { field.children() } else { std::slice::from_ref(field) }
}

/// A word as JSON.
fn spelling(node: &Node) -> String {
    match (node.get("json"), node.leaf()) {
        (Some(json), _) => json.says().to_owned(),
        (None, Some(Leaf::Text)) => quoted(node.says()),
        _ => node.says().to_owned(),
    }
}

/// A way by which somebody rises: its values in order, as messages spell them.
#[derive(Debug)]
pub(super) struct Chain(Vec<String>);

impl Chain {
    /// Whether a message tells all of its values.
    pub(super) fn is_told_by(&self, message: &str) -> bool {
        self.0.iter().all(|value| message.contains(value.as_str()))
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" → "))
    }
}

/// Every way by which somebody rises.
pub(super) fn rises(tables: &BTreeMap<&str, Table>, roles: &Roles) -> Vec<Chain> {
    let mut chains = Vec::new();
    for table in tables.values() {
        chains.extend(promises(table, roles));
        chains.extend(order(table, roles));
        chains.extend(way_back(table, roles));
        chains.extend(shown(table, roles));
    }
    for (reader, read_in) in tables {
        for (writer, written_in) in tables.iter().filter(|(writer, _)| *writer != reader) {
            chains.extend(between((reader, read_in), (writer, written_in), roles));
        }
    }
    chains
}

/// A word gives what it promises at most.
fn promises(table: &Table, roles: &Roles) -> Vec<Chain> {
    let rows = table.rows.iter().filter(|row| !row.excepted);
    let raising = rows.filter(|row| !roles.grants(&row.is).is_subset(&row.may));
    raising.map(|row| Chain(vec![row.word.clone(), named(&row.is)])).collect()
}

/// Who promises less gives less.
fn order(table: &Table, roles: &Roles) -> Vec<Chain> {
    let mut chains = Vec::new();
    for row in table.rows.iter().filter(|row| !row.excepted) {
        for lesser in table.rows.iter().filter(|other| other.may.is_subset(&row.may)) {
            if !kept(lesser, roles).is_subset(roles.grants(&row.is)) {
                let values = [lesser.word.clone(), row.word.clone(), named(&lesser.is), named(&row.is)];
                chains.push(Chain(values.into()));
            }
        }
    }
    chains
}

/// A role that is read and written back does not rise.
fn way_back(table: &Table, roles: &Roles) -> Vec<Chain> {
    let mut chains = Vec::new();
    for (role, granted) in &roles.grants {
        let Some(row) = table.lower(role) else { continue };
        if !roles.grants(&row.is).is_subset(granted) {
            chains.push(Chain(vec![named(role), row.word.clone(), named(&row.is)]));
        }
    }
    chains
}

/// What another table shows of a role and the word it is shown by gives, or does not promise.
fn shown(table: &Table, roles: &Roles) -> Vec<Chain> {
    let mut chains = Vec::new();
    for (word, role) in &table.shown {
        let Some(row) = table.lift(word) else { continue };
        let granted = roles.grants(role);
        if !kept(row, roles).is_subset(granted) {
            chains.push(Chain(vec![named(role), word.clone(), named(&row.is)]));
        } else if table.by_row && !granted.is_subset(&row.may) {
            chains.push(Chain(vec![named(role), word.clone()]));
        }
    }
    chains
}

/// What is read in one dialect and written in another does not rise.
fn between(read_in: (&str, &Table), written_in: (&str, &Table), roles: &Roles) -> Vec<Chain> {
    let ((reader, read_in), (writer, written_in)) = (read_in, written_in);
    let mut chains = Vec::new();
    for (role, granted) in &roles.grants {
        let Some(read) = read_in.lower(role).filter(|row| !row.excepted) else { continue };
        for written in written_in.rows.iter().filter(|row| !row.excepted) {
            let is_same_word = read_in.family == written_in.family && read.word == written.word;
            let may_stand = written.may.is_subset(&read.may) || is_same_word;
            if may_stand && !kept(written, roles).is_subset(granted) {
                let (read, written) = (read.word.clone(), (written.word.clone(), named(&written.is)));
                let values = [named(role), read, named(reader), written.0, named(writer), written.1];
                chains.push(Chain(values.into()));
            }
        }
    }
    chains
}

/// What a word gives and promises.
fn kept(row: &Row, roles: &Roles) -> Set {
    roles.grants(&row.is).intersection(&row.may).cloned().collect()
}

/// A name as messages write it.
fn named(name: &str) -> String {
    format!("`{name}`")
}
