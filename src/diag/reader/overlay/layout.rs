//! What a kind of file says about how its texts are laid over each other.

use crate::diag::Code;

/// How the texts of one kind of file are laid over each other.
#[derive(Debug)]
pub struct Layout {
    /// What holds outside every `[table]`.
    pub root: Keys,
    /// Something is taken away or changed that is not there.
    pub absent: Code,
    /// Something is said that only the text below may say.
    pub fixed: Code,
}

/// How the keys of a table are laid over those of another.
#[derive(Debug)]
pub struct Keys {
    /// Rules of single keys.
    pub named: &'static [(&'static str, Rule)],
    /// The rule of every other key.
    pub others: Rule,
    /// A key without which such a table cannot stand alone: where it lacks, the table changes one that is there.
    pub needs: Option<&'static str>,
    /// What may be taken away.
    pub without: Option<Without>,
    /// Rows that make entries of the text below pointless.
    pub displaces: Option<Displaces>,
}

/// How a value goes together with the one below it.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// It may not be said again.
    Fixed,
    /// Tables go together key by key.
    Keys(&'static Keys),
    /// It is never taken from below.
    Own,
    /// The one above counts.
    Replace,
    /// Arrays of tables go together row by row, told apart by a key; what is new comes last.
    Rows(&'static str, &'static Keys),
}

/// A list of what is taken away from the text below.
#[derive(Debug)]
pub struct Without {
    /// Where the list stands.
    pub list: &'static [&'static str],
    /// The tables and rows that lose what it names; none means the table itself.
    pub from: &'static [&'static str],
}

/// Whatever the rows say under `key` is no longer an entry of `from`.
#[derive(Debug)]
pub struct Displaces {
    /// Where the rows stand.
    pub rows: &'static str,
    /// The key.
    pub key: &'static str,
    /// Where the entries stand.
    pub from: &'static str,
}

impl Keys {
    /// Every key by one rule.
    pub const fn all(others: Rule) -> Keys {
        Keys { named: &[], others, needs: None, without: None, displaces: None }
    }

    pub(super) fn rule(&self, key: &str) -> Rule {
        self.named.iter().find(|(name, _)| *name == key).map_or(self.others, |(_, rule)| *rule)
    }
}
