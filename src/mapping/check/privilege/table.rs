//! A table of roles as its proofs see it: each word with what it promises and what it gives.

use crate::canonical::role::{Capabilities, Role, Roles};
use crate::diag::Span;
use crate::mapping::canonical::{Canonical, matching};
use crate::mapping::file::{Landing, MappingFile, Reason, RowPart};

/// The words of one dialect.
pub(in crate::mapping) struct RoleTable {
    pub(super) dialect: String,
    /// The mapping at the end of what it extends: that of all its generations.
    pub(super) family: String,
    /// The rows that are understood.
    pub(super) rows: Vec<Row>,
    /// The canonical roles that have a word, and the place of its row.
    shown: Vec<(Role, usize)>,
    /// Whether there is nothing that is not understood.
    pub(super) is_whole: bool,
}

/// One word.
pub(super) struct Row {
    pub(super) span: Span,
    /// As JSON.
    pub(super) word: String,
    pub(super) role: Role,
    /// What that role grants.
    pub(super) grants: Capabilities,
    /// What the word promises.
    pub(super) may: Capabilities,
    pub(super) widens: Option<Span>,
}

impl RoleTable {
    /// The table of a mapping, if it has one and the canonical roles are known.
    pub(in crate::mapping) fn of(
        dialect: &str,
        extends: &[String],
        file: &MappingFile,
        canonical: &Canonical,
    ) -> Option<Self> {
        let part = file.roles.as_ref().filter(|_| canonical.knows_roles && canonical.knows_capabilities)?;
        let roles = &canonical.api.roles;
        let rows: Vec<_> = part.rows.iter().filter_map(|row| Row::of(roles, row)).collect();
        let landings = part.lands.iter().filter_map(|land| match &land.landing {
            Landing::As(word) => Some((roles.role(&land.canonical.value)?, word.value.json().to_owned())),
            Landing::Refuse(_) => None,
        });
        let landings = landings.filter_map(|(role, word)| Some((role, position(&rows, &word)?)));
        let shown = rows.iter().enumerate().map(|(place, row)| (row.role, place)).chain(landings).collect();
        Some(Self {
            dialect: dialect.to_owned(),
            family: extends.last().map_or(dialect, String::as_str).to_owned(),
            is_whole: part.is_whole && rows.len() == part.rows.len(),
            rows,
            shown,
        })
    }

    /// Every canonical role that is shown at all, with what it is shown as.
    pub(super) fn shown(&self) -> impl Iterator<Item = (Role, &Row)> {
        self.shown.iter().map(|(role, place)| (*role, &self.rows[*place]))
    }

    /// The words that promise no more than this one and give what it does not.
    pub(super) fn out_of_order(&self, row: &Row) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|other| row.may >= other.may && !(other.kept() - row.grants).is_empty())
    }
}

impl Row {
    fn of(roles: &Roles, row: &RowPart) -> Option<Self> {
        let role = roles.role(&row.is.value.value().as_str()?)?;
        let sets = row.may.iter().map(|pattern| matching(roles, &pattern.value));
        let may =
            sets.collect::<Option<Vec<_>>>()?.into_iter().fold(Capabilities::NONE, |all, one| all | one);
        Some(Self {
            span: row.span,
            word: row.word.value.json().to_owned(),
            role,
            grants: roles.grants(role),
            may,
            widens: row.widens.as_ref().map(Reason::span),
        })
    }

    /// What it gives and does not promise.
    pub(super) fn beyond(&self) -> Capabilities {
        self.grants - self.may
    }

    /// What it promises and gives.
    pub(super) fn kept(&self) -> Capabilities {
        self.grants - self.beyond()
    }
}

fn position(rows: &[Row], word: &str) -> Option<usize> {
    rows.iter().position(|row| row.word == word)
}
