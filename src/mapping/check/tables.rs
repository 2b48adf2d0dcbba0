//! Tables are total: every word a schema allows has a row, every canonical word has a row or a landing, and there is
//! no row and no landing that nothing can meet.

use std::borrow::Cow;

use serde_json::Value as Tree;

use crate::diag::{Diagnostic, Spanned, code};
use crate::json::Kind;
use crate::lens::path::{Address, Literal};
use crate::mapping::canonical::{Canonical, suggest};
use crate::mapping::compile::Compiler;
use crate::mapping::file::{OpPart, RowPart, TablePart};
use crate::mapping::lenses::{Line, shape_at};
use crate::problem::Root;
use crate::schema::Schema;

/// A field that goes through a table, with what the schemas allow at its two places.
struct Use<'u> {
    line: &'u Line<'u>,
    left: Option<Vec<Tree>>,
    right: Option<Vec<Tree>>,
}

impl Use<'_> {
    /// Whether the dialect's schema lists the words of this place, and this one is not among them. What is no word has
    /// been reported as such.
    fn forbids(&self, word: &Literal) -> bool {
        is_word(word) && self.left.as_ref().is_some_and(|allowed| !allowed.contains(&word.value().to_value()))
    }
}

/// Whether a value can be a word at all.
fn is_word(value: &Literal) -> bool {
    !matches!(value.value().kind(), Kind::Array | Kind::Object | Kind::Number)
}

/// Checks every table, and each place it is used at.
pub(super) fn check(compiler: &mut Compiler<'_>) {
    let file = compiler.file;
    let parts = file.roles.iter().chain(file.tables.iter().filter_map(|table| table.part.as_ref()));
    let mut found = Vec::new();
    for part in parts {
        let uses = uses(compiler, part);
        let check = Check { canonical: compiler.canonical, part, found: &mut found };
        check.all(&uses);
    }
    for diagnostic in found {
        compiler.report(diagnostic);
    }
}

fn uses<'c>(compiler: &'c Compiler<'_>, part: &TablePart) -> Vec<Use<'c>> {
    let mut uses = Vec::new();
    for built in compiler.lenses.values() {
        for line in &built.lines {
            let goes_through = match &line.part.op {
                Some(OpPart::Role | OpPart::Label | OpPart::Row(_)) => part.is_role,
                Some(OpPart::Table(name)) => !part.is_role && name.value == part.name.value,
                _ => false,
            };
            if goes_through {
                let left = line.left.at.as_ref().and_then(|at| allowed(built.left.as_deref()?, at));
                let right = line.right.at.as_ref().and_then(|at| allowed(built.right.as_deref()?, at));
                uses.push(Use { line, left, right });
            }
        }
    }
    uses
}

/// The values a schema lists for a place, if it does.
fn allowed(schema: &Schema, at: &Address) -> Option<Vec<Tree>> {
    let path = Some(&at.path).filter(|path| at.root == Root::Body && !path.is_empty())?;
    shape_at(schema.shape(), path).ok()??.enumeration()
}

struct Check<'c, 'p> {
    canonical: &'c Canonical,
    part: &'p TablePart,
    found: &'c mut Vec<Diagnostic>,
}

impl<'p> Check<'_, 'p> {
    fn all(mut self, uses: &[Use<'_>]) {
        self.duplicates();
        self.labels(uses);
        let words =
            uses.iter().filter(|one| matches!(one.line.part.op, Some(OpPart::Role | OpPart::Table(_))));
        let words: Vec<_> = words.collect();
        self.dialect_words(&words);
        if self.part.is_role || uses.is_empty() && self.names_roles() {
            self.roles();
        } else {
            self.canonical_words(&words);
        }
    }

    /// Whether some of its canonical words are roles. Of a table that only filters no schema says what its words are.
    fn names_roles(&self) -> bool {
        let roles = &self.canonical.api.roles;
        self.part.rows.iter().any(|row| roles.role(&text(&row.is.value)).is_some())
    }

    /// Whether all of its words are known: one that is no word may have been meant as any.
    fn is_known(&self) -> bool {
        let words = |row: &'p RowPart| std::iter::once(&row.word).chain(&row.also).chain([&row.is]);
        self.part.is_whole && self.part.rows.iter().flat_map(words).all(|word| is_word(&word.value))
    }

    /// No word occurs twice on a side.
    fn duplicates(&mut self) {
        let words = self.part.rows.iter().flat_map(|row| std::iter::once(&row.word).chain(&row.also));
        let canonical = self.part.rows.iter().map(|row| &row.is);
        for (side, words) in [("word", words.collect::<Vec<_>>()), ("canonical word", canonical.collect())] {
            for (index, word) in words.iter().enumerate() {
                let first = words[..index].iter().find(|first| first.value == word.value);
                if let Some(first) = first {
                    let help = match (side, self.part.is_role) {
                        ("word", _) => "take one of the two away: one word means one thing".to_owned(),
                        (_, true) => format!(
                            "only one word can be shown: read the other as the same, `also = [{}]` in the row of the \
                             first, or give it another canonical role",
                            self.part.rows[index].word.value.json()
                        ),
                        (_, false) => {
                            "only one word can be shown: take one of the rows away, and the word out of \
                                       the dialect's schema, or let it mean another canonical word"
                                .to_owned()
                        }
                    };
                    let message = format!("two rows have the {side} {}", word.value.json());
                    self.found.push(
                        Diagnostic::error(code::M0305, message)
                            .at(word.span, "again here")
                            .also(first.span, "first here")
                            .help(help),
                    );
                }
            }
        }
    }

    /// Every word whose label is shown has one.
    fn labels(&mut self, uses: &[Use<'_>]) {
        let shown = uses.iter().find(|one| matches!(one.line.part.op, Some(OpPart::Label)));
        let Some(Use { line, .. }) = shown else { return };
        for row in self.part.rows.iter().filter(|row| row.label.is_none()) {
            let (field, word) = (&line.part.left.value, row.word.value.json());
            let message = format!("`{field}` shows a label, and the word {word} has none");
            self.found.push(
                Diagnostic::error(code::M0215, message)
                    .at(row.span, "needs `label = \"...\"`")
                    .also(line.part.span, "shown here")
                    .help("say what the dialect calls it when it shows it to people"),
            );
        }
    }

    /// The words of the rows are those the dialect's schemas allow.
    fn dialect_words(&mut self, uses: &[&Use<'_>]) {
        let rows = &self.part.rows;
        let table = &self.part.name;
        let has = |value: &Tree| {
            let words = rows.iter().flat_map(|row| std::iter::once(&row.word).chain(&row.also));
            words.into_iter().any(|word| word.value.value().to_value() == *value)
        };
        let is_known = self.is_known();
        for one in uses.iter().filter(|_| is_known) {
            let absent = one.line.part.absent.as_ref().map(|absent| absent.value.value().to_value());
            let allowed = one.left.iter().flatten();
            for value in allowed.filter(|value| !has(value) && Some(*value) != absent.as_ref()) {
                let (field, table_name) = (&one.line.part.left.value, &table.value);
                let message =
                    format!("`{field}` may be {value}, and the table `{table_name}` has no such word");
                self.found.push(
                    Diagnostic::error(code::M0301, message)
                        .at(one.line.part.span, "its schema allows it here")
                        .also(table.span, "no row in this table")
                        .help(format!(
                            "give it a row under `[{}]`, or take it out of the schema",
                            self.key()
                        )),
                );
            }
        }

        for row in rows {
            // The word itself is shown wherever the table is used; another spelling has to be read somewhere.
            if let Some(one) = uses.iter().find(|one| one.forbids(&row.word.value)) {
                self.never_met(&row.word, one);
            }
            for also in &row.also {
                let is_never_read = uses.iter().all(|one| one.forbids(&also.value));
                if let Some(one) = uses.first().filter(|_| is_never_read) {
                    self.never_met(also, one);
                }
            }
        }
    }

    fn never_met(&mut self, word: &Spanned<Literal>, one: &Use<'_>) {
        let field = &one.line.part.left.value;
        let message = format!("the word {} is not allowed by the schema of `{field}`", word.value.json());
        self.found.push(
            Diagnostic::error(code::M0302, message)
                .at(word.span, "can never be met")
                .also(one.line.part.span, "used here")
                .help("let the dialect's schema allow it there, or take the word away"),
        );
    }

    /// The table of the file that it is.
    fn key(&self) -> String {
        if self.part.is_role { "role".to_owned() } else { format!("table.{}", self.part.name.value) }
    }

    /// Every canonical role has a row or a landing, and there are no others.
    fn roles(&mut self) {
        if !self.canonical.knows_roles {
            return;
        }
        let roles = &self.canonical.api.roles;
        let names: Vec<&str> = roles.all().map(|role| roles.name(role)).collect();
        let known: Vec<Tree> = names.iter().map(|name| Tree::from(*name)).collect();
        self.landings("role", &known);
        let strange = self.strange(&known);
        for row in &strange {
            let message = format!("role {} has no canonical counterpart", row.word.value.json());
            let label = format!("there is no canonical role {}", row.is.value.json());
            let diagnostic = Diagnostic::error(code::M0203, message).at(row.is.span, label);
            self.found.push(suggest(diagnostic, &text(&row.is.value), names.iter().copied()));
        }
        if !strange.is_empty() {
            return; // A role that lacks a word is probably the one that was meant.
        }
        for value in self.unplaced(&known) {
            let name = value.as_str().unwrap_or_default();
            let message = format!("canonical role `{name}` has no word and no landing");
            let diagnostic = Diagnostic::error(code::M0303, message).at(self.part.name.span, "in this table");
            self.found.push(diagnostic.help(way_out(name, &self.key())));
        }
    }

    /// Every value a canonical schema allows where the table is used has a row or a landing, and no other value has.
    fn canonical_words(&mut self, uses: &[&Use<'_>]) {
        let listing: Vec<_> = uses.iter().filter_map(|one| Some((one, one.right.as_ref()?))).collect();
        let known: Vec<Tree> = listing.iter().flat_map(|(_, values)| values.iter().cloned()).collect();
        if listing.len() == uses.len() && !uses.is_empty() {
            self.landings("value", &known);
            let strange = self.strange(&known);
            for row in &strange {
                let message = format!("the canonical word {} does not exist", row.is.value.json());
                let diagnostic = Diagnostic::error(code::M0302, message).at(row.is.span, "can never be met");
                let names = known.iter().filter_map(Tree::as_str);
                self.found.push(suggest(diagnostic, &text(&row.is.value), names));
            }
            if !strange.is_empty() {
                return;
            }
        }

        let table = &self.part.name;
        let mut told = Vec::new();
        for (one, values) in listing {
            // Null is what a canonical field without a value holds: no table is asked for it.
            let unplaced = self.unplaced(values).into_iter().filter(|value| !value.is_null());
            for value in unplaced.filter(|value| !told.contains(value)).collect::<Vec<_>>() {
                let name = name_of(&value);
                let message = format!("canonical value `{name}` has no word and no landing");
                self.found.push(
                    Diagnostic::error(code::M0303, message)
                        .at(one.line.part.span, "its canonical schema allows it here")
                        .also(table.span, "in this table")
                        .help(way_out(&name, &self.key())),
                );
                told.push(value);
            }
        }
    }

    /// The rows whose canonical words do not exist.
    fn strange(&self, known: &[Tree]) -> Vec<&'p RowPart> {
        let rows = self.part.rows.iter();
        rows.filter(|row| !known.contains(&row.is.value.value().to_value())).collect()
    }

    /// The canonical words that have neither a row nor a landing. None if part of the table could not be read.
    fn unplaced(&self, known: &[Tree]) -> Vec<Tree> {
        let has_row =
            |value: &Tree| self.part.rows.iter().any(|row| row.is.value.value().to_value() == *value);
        let lands = |value: &Tree| self.part.lands.iter().any(|land| is_named(value, &land.canonical.value));
        let unplaced = known.iter().filter(|value| self.is_known() && !has_row(value) && !lands(value));
        unplaced.cloned().collect()
    }

    /// Every landing is of a canonical word that has no row.
    fn landings(&mut self, noun: &str, known: &[Tree]) {
        for land in &self.part.lands {
            let name = &land.canonical;
            let has_row =
                |value: &Tree| self.part.rows.iter().any(|row| row.is.value.value().to_value() == *value);
            let label = match known.iter().find(|value| is_named(value, &name.value)) {
                None => format!("there is no such canonical {noun}"),
                Some(value) if has_row(value) => "a row has it, so it never lands".to_owned(),
                Some(_) => continue,
            };
            let message = format!("landing `{}` can never be met", name.value);
            let diagnostic = Diagnostic::error(code::M0304, message).at(name.span, label);
            self.found.push(diagnostic.help("take the landing away, or name a canonical word without a row"));
        }
    }
}

/// A word to compare with names; nothing for what is none.
fn text(word: &Literal) -> Cow<'_, str> {
    word.value().as_str().unwrap_or_default()
}

/// Whether a key of a mapping names this value.
fn is_named(value: &Tree, key: &str) -> bool {
    name_of(value) == key
}

fn way_out(name: &str, table: &str) -> String {
    format!(
        "say what stands for it, `{name} = {{ as = ... }}` under `[{table}.lands]`, or `{{ refuse = \"reason\" }}`"
    )
}

/// How a key of a mapping names a value: a string by itself, anything else as JSON.
fn name_of(value: &Tree) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
