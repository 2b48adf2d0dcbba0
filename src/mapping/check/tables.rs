//! Tables are total: every word a schema allows has a row, every canonical word has a row or a landing, and there is
//! no row and no landing that nothing can meet.

use serde_json::Value as Tree;

use crate::diag::{Diagnostic, code};
use crate::lens::path::Address;
use crate::mapping::canonical::suggest;
use crate::mapping::compile::Compiler;
use crate::mapping::file::{OpPart, TablePart};
use crate::mapping::lenses::{Line, shape_at};
use crate::problem::Root;
use crate::schema::Schema;

/// A field that goes through a table, with what the schemas allow at its two places.
struct Use<'u> {
    line: &'u Line<'u>,
    left: Option<Vec<Tree>>,
    right: Option<Vec<Tree>>,
}

/// Checks every table, and each place it is used at.
pub(super) fn check(compiler: &mut Compiler<'_>) {
    let file = compiler.file;
    let parts = file.roles.iter().chain(file.tables.iter().filter_map(|table| table.part.as_ref()));
    let mut found = Vec::new();
    for part in parts {
        let uses = uses(compiler, part);
        let check = Check { compiler, part, found: &mut found };
        check.all(&uses);
    }
    found.into_iter().for_each(|diagnostic| compiler.report(diagnostic));
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

struct Check<'c, 'a> {
    compiler: &'c Compiler<'a>,
    part: &'c TablePart,
    found: &'c mut Vec<Diagnostic>,
}

impl Check<'_, '_> {
    fn all(mut self, uses: &[Use<'_>]) {
        self.duplicates();
        self.labels(uses);
        let words =
            uses.iter().filter(|one| matches!(one.line.part.op, Some(OpPart::Role | OpPart::Table(_))));
        let words: Vec<_> = words.collect();
        self.dialect_words(&words);
        if self.part.is_role {
            self.roles();
        } else {
            self.canonical_words(&words);
        }
    }

    /// No word occurs twice on a side.
    fn duplicates(&mut self) {
        let words = self.part.rows.iter().flat_map(|row| std::iter::once(&row.word).chain(&row.also));
        let canonical = self.part.rows.iter().map(|row| &row.is);
        for (side, words) in [("word", words.collect::<Vec<_>>()), ("canonical word", canonical.collect())] {
            for (index, word) in words.iter().enumerate() {
                let first = words[..index].iter().find(|first| first.value == word.value);
                if let Some(first) = first {
                    let message = format!("two rows have the {side} {}", word.value.json());
                    self.found.push(
                        Diagnostic::error(code::M0305, message)
                            .at(word.span, "again here")
                            .also(first.span, "first here"),
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
                    .also(line.part.span, "shown here"),
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
        for one in uses.iter().filter(|_| self.part.is_whole) {
            let absent = one.line.part.absent.as_ref().map(|absent| absent.value.value().to_value());
            let allowed = one.left.iter().flatten();
            for value in allowed.filter(|value| !has(value) && Some(*value) != absent.as_ref()) {
                let (field, table_name) = (&one.line.part.left.value, &table.value);
                let message =
                    format!("`{field}` may be {value}, and the table `{table_name}` has no such word");
                self.found.push(
                    Diagnostic::error(code::M0301, message)
                        .at(one.line.part.span, "its schema allows it here")
                        .also(table.span, "no row in this table"),
                );
            }
        }

        let listing: Vec<_> = uses.iter().filter_map(|one| Some((one, one.left.as_ref()?))).collect();
        for row in rows {
            // The word itself is shown wherever the table is used; another spelling has to be read somewhere.
            let word = row.word.value.value().to_value();
            let never = listing.iter().find(|(_, allowed)| !allowed.contains(&word));
            if let Some((one, _)) = never {
                self.never_met(&row.word, one);
            }
            for also in &row.also {
                let word = also.value.value().to_value();
                if let (Some((one, _)), true) =
                    (listing.first(), listing.iter().all(|(_, allowed)| !allowed.contains(&word)))
                {
                    self.never_met(also, one);
                }
            }
        }
    }

    fn never_met(&mut self, word: &crate::diag::Spanned<crate::lens::path::Literal>, one: &Use<'_>) {
        let field = &one.line.part.left.value;
        let message = format!("the word {} is not allowed by the schema of `{field}`", word.value.json());
        self.found.push(
            Diagnostic::error(code::M0302, message)
                .at(word.span, "can never be met")
                .also(one.line.part.span, "used here"),
        );
    }

    /// Every canonical role has a row or a landing, and there are no others.
    fn roles(&mut self) {
        if !self.compiler.canonical.knows_roles {
            return;
        }
        let roles = &self.compiler.canonical.api.roles;
        let names: Vec<&str> = roles.all().map(|role| roles.name(role)).collect();
        for row in &self.part.rows {
            let is = row.is.value.value().as_str();
            if is.as_deref().is_some_and(|is| names.contains(&is)) {
                continue;
            }
            let message = format!("role {} has no canonical counterpart", row.word.value.json());
            let label = format!("there is no canonical role {}", row.is.value.json());
            let diagnostic = Diagnostic::error(code::M0203, message).at(row.is.span, label);
            self.found.push(suggest(diagnostic, is.as_deref().unwrap_or_default(), names.iter().copied()));
        }
        let known: Vec<Tree> = names.iter().map(|name| Tree::from(*name)).collect();
        self.landings("role", &known);
        let unplaced = self.unplaced(&known);
        for value in unplaced {
            let name = value.as_str().unwrap_or_default();
            let message = format!("canonical role `{name}` has no word and no landing");
            let diagnostic = Diagnostic::error(code::M0303, message).at(self.part.name.span, "in this table");
            self.found.push(diagnostic.help(way_out(name, "role")));
        }
    }

    /// Every value a canonical schema allows where the table is used has a row or a landing, and no other value has.
    fn canonical_words(&mut self, uses: &[&Use<'_>]) {
        let table = &self.part.name;
        let mut known: Vec<Tree> = Vec::new();
        for (one, right) in uses.iter().filter_map(|one| Some((one, one.right.as_ref()?))) {
            let new: Vec<Tree> =
                right.iter().filter(|value| !known.contains(value) && !value.is_null()).cloned().collect();
            for value in self.unplaced(&new) {
                let name = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let message = format!("canonical value `{name}` has no word and no landing");
                self.found.push(
                    Diagnostic::error(code::M0303, message)
                        .at(one.line.part.span, "its canonical schema allows it here")
                        .also(table.span, "in this table")
                        .help(way_out(&name, &format!("table.{}", table.value))),
                );
            }
            known.extend(new);
        }
        let is_listed = !uses.is_empty() && uses.iter().all(|one| one.right.is_some());
        if !is_listed {
            return;
        }
        self.landings("value", &known);
        for row in &self.part.rows {
            if !known.contains(&row.is.value.value().to_value()) && !row.is.value.value().to_value().is_null()
            {
                let message = format!("the canonical word {} does not exist", row.is.value.json());
                let diagnostic = Diagnostic::error(code::M0302, message).at(row.is.span, "can never be met");
                let names = known.iter().filter_map(Tree::as_str);
                let is = row.is.value.value().as_str().unwrap_or_default().into_owned();
                self.found.push(suggest(diagnostic, &is, names));
            }
        }
    }

    /// The canonical words that have neither a row nor a landing. None if part of the table could not be read.
    fn unplaced(&self, known: &[Tree]) -> Vec<Tree> {
        let has_row =
            |value: &Tree| self.part.rows.iter().any(|row| row.is.value.value().to_value() == *value);
        let lands = |value: &Tree| self.part.lands.iter().any(|land| is_named(value, &land.canonical.value));
        let unplaced = known.iter().filter(|value| self.part.is_whole && !has_row(value) && !lands(value));
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
            self.found.push(diagnostic);
        }
    }
}

/// Whether a key of a mapping names this value: a string by itself, anything else as JSON.
fn is_named(value: &Tree, key: &str) -> bool {
    match value.as_str() {
        Some(text) => text == key,
        None => value.to_string() == key,
    }
}

fn way_out(name: &str, table: &str) -> String {
    format!(
        "say what stands for it, `{name} = {{ as = ... }}` under `[{table}.lands]`, or `{{ refuse = \"reason\" }}`"
    )
}
