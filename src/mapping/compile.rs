//! The compiler of one mapping: what it knows so far, and how names are looked up.
//!
//! Its parts are built in the order in which they need each other: ids, tables, resolvers, pages, lenses, the shape
//! of errors, operations. Each takes what was written and gives what the gateway runs, or reports why it cannot.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::take;
use std::sync::Arc;

use http::StatusCode;

use super::canonical::{Canonical, bad_status, status, suggest, unknown_schema};
use super::check::role_names::RoleNames;
use super::file::{MappingFile, Named, Text};
use super::lenses::BuiltLens;
use super::patterns::Patterns;
use super::retirement::Retirements;
use super::{CANONICAL, check, origins};
use crate::canonical::api;
use crate::diag::{Code, Diagnostic, Diagnostics, Spanned, code};
use crate::dialect::{Dialect, Page, Resolver, ShapedLens};
use crate::lens::op::id::Id;
use crate::lens::op::resolve;
use crate::lens::op::table::Table;
use crate::schema::{Schema, Store};

/// One mapping being compiled.
pub(super) struct Compiler<'a> {
    /// The dialect's name.
    pub(super) name: &'a str,
    /// The names of the mappings it extends, nearest first.
    pub(super) extends: &'a [String],
    pub(super) file: &'a MappingFile,
    pub(super) canonical: &'a Canonical,
    pub(super) schemas: &'a Store,
    pub(super) patterns: &'a Patterns,
    found: &'a mut Diagnostics,
    used: BTreeSet<(Kind, String)>,
    /// Whether everything that refers to something was compiled so far as to find out.
    pub(super) saw_all: bool,
    /// The names of all losses, by number.
    losses: Vec<String>,
    pub(super) ids: BTreeMap<&'a str, Id>,
    /// The tables of values.
    pub(super) tables: BTreeMap<&'a str, Arc<Table>>,
    /// The table of roles.
    pub(super) roles: Option<Arc<Table>>,
    pub(super) resolvers: Vec<(Arc<Resolver>, resolve::Resolver)>,
    pub(super) pages: BTreeMap<&'a str, Arc<Page>>,
    pub(super) lenses: BTreeMap<&'a str, BuiltLens<'a>>,
    /// By which names roles are known, and what is written under names.
    pub(super) role_names: RoleNames,
    pub(super) retirements: Retirements,
}

/// What a status is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StatusSort {
    Error,
    Redirect,
    Success,
}

/// A kind of declaration that others refer to by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Id,
    Lens,
    Page,
    Resolver,
    Table,
}

impl Kind {
    /// What it is called in messages.
    fn word(self) -> &'static str {
        match self {
            Kind::Id => "id kind",
            Kind::Lens => "lens",
            Kind::Page => "page",
            Kind::Resolver => "resolver",
            Kind::Table => "table",
        }
    }

    /// The key it is declared under.
    fn key(self) -> &'static str {
        match self {
            Kind::Id => "id",
            Kind::Lens | Kind::Page | Kind::Resolver | Kind::Table => self.word(),
        }
    }

    /// The code of a name that is not declared.
    fn unknown(self) -> Code {
        match self {
            Kind::Id => code::M0206,
            Kind::Lens => code::M0204,
            Kind::Page => code::M0208,
            Kind::Resolver => code::M0207,
            Kind::Table => code::M0205,
        }
    }
}

impl<'a> Compiler<'a> {
    pub(super) fn new(
        name: &'a str,
        extends: &'a [String],
        file: &'a MappingFile,
        canonical: &'a Canonical,
        schemas: &'a Store,
        patterns: &'a Patterns,
        found: &'a mut Diagnostics,
    ) -> Self {
        Self {
            name,
            extends,
            file,
            canonical,
            schemas,
            patterns,
            found,
            used: BTreeSet::new(),
            saw_all: file.is_whole,
            losses: Vec::new(),
            ids: BTreeMap::new(),
            tables: BTreeMap::new(),
            roles: None,
            resolvers: Vec::new(),
            pages: BTreeMap::new(),
            lenses: BTreeMap::new(),
            role_names: RoleNames::default(),
            retirements: Retirements::default(),
        }
    }

    /// Compiles and checks everything; there is a dialect only if all of its parts could be built.
    pub(super) fn dialect(&mut self) -> Option<Dialect> {
        self.build_ids();
        self.build_tables();
        self.build_resolvers();
        self.build_pages();
        self.build_lenses();
        let errors = self.errors();
        // What waits for a decision, or could not be read, may be what is missing in an error.
        if let Some(errors) = errors.as_ref().filter(|_| self.saw_all) {
            check::errors::check(self, errors);
        }
        self.check_head();
        let credentials = self.credentials();
        let quota = self.quota();
        self.build_retirements();
        let operations = self.operations();
        self.check_watched();
        let select = self.select();
        let wrong_slash = self.file.dialect.as_ref().and_then(|head| head.wrong_slash);
        let wrong_slash = wrong_slash.and_then(|status| self.status_of(StatusSort::Redirect, status));
        check::all(self);
        let untold = check::untold::check(self);
        self.report_unused();

        // A part can be missing without a word from here, because its schema was found wrong before.
        let has_fields = |built: &BuiltLens<'_>| built.lines.iter().all(|line| line.field.is_some());
        let is_built = operations.len() == self.file.operations.len()
            && self.lenses.len() == self.file.lenses.len()
            && self.lenses.values().all(has_fields);
        let head = self.file.dialect.as_ref().filter(|_| is_built)?;
        let prefix = head.prefix.value.trim_matches('/');
        Some(Dialect {
            name: self.name.to_owned(),
            title: head.title.clone(),
            extends: self.extends.to_vec(),
            select,
            hosts: head.hosts.iter().map(|host| host.value.clone()).collect(),
            prefix: if prefix.is_empty() { String::new() } else { format!("/{prefix}") },
            wrong_slash,
            credentials,
            quota,
            retirement: take(&mut self.retirements.whole),
            errors: errors?,
            resolvers: take(&mut self.resolvers).into_iter().map(|(resolver, _)| resolver).collect(),
            operations: operations.into_iter().map(Arc::new).collect(),
            ids: take(&mut self.ids).into_iter().map(|(name, id)| (name.to_owned(), id)).collect(),
            roles: self.roles.take(),
            losses: take(&mut self.losses),
            exceptions: check::exceptions::of(self.file),
            untold,
            origins: origins::of(self.file),
            lenses: take(&mut self.lenses)
                .into_iter()
                .map(|(name, built)| {
                    let shaped = ShapedLens { lens: built.lens, left: built.left, right: built.right };
                    (name.to_owned(), shaped)
                })
                .collect(),
        })
    }

    /// The number of a loss of that name.
    pub(super) fn number_loss(&mut self, name: String) -> usize {
        let known = self.losses.iter().position(|known| *known == name);
        known.unwrap_or_else(|| {
            self.losses.push(name);
            self.losses.len() - 1
        })
    }

    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.found.push(diagnostic);
    }

    /// Notes that a declaration is used. Reports it if there is none of that name, and says whether there is.
    pub(super) fn refer(&mut self, kind: Kind, name: &Text) -> bool {
        let declared = self.declared(kind);
        if declared.iter().any(|known| known.value == name.value) {
            self.used.insert((kind, name.value.clone()));
            return true;
        }
        let message = format!("there is no {} `{}`", kind.word(), name.value);
        let diagnostic =
            Diagnostic::error(kind.unknown(), message).at(name.span, "not declared in this file");
        let diagnostic = diagnostic.help(format!("declare it under `[{}.{}]`", kind.key(), name.value));
        let known = declared.iter().map(|known| known.value.as_str());
        self.report(suggest(diagnostic, &name.value, known));
        false
    }

    /// What is declared under a kind, whether it could be read or not.
    fn declared(&self, kind: Kind) -> Vec<&'a Text> {
        fn names<T>(parts: &[Named<T>]) -> Vec<&Text> {
            parts.iter().map(|part| &part.name).collect()
        }
        match kind {
            Kind::Id => names(&self.file.ids),
            Kind::Lens => names(&self.file.lenses),
            Kind::Page => names(&self.file.pages),
            Kind::Resolver => names(&self.file.resolvers),
            Kind::Table => names(&self.file.tables),
        }
    }

    /// Reports what nothing refers to, unless something that might have done so could not be read. What is there
    /// because the mapping extends another is that one's to use.
    fn report_unused(&mut self) {
        if !self.saw_all {
            return;
        }
        for kind in [Kind::Id, Kind::Table, Kind::Resolver, Kind::Page, Kind::Lens] {
            for name in self.declared(kind) {
                let is_own = name.span.source == self.file.source;
                if !is_own || self.used.contains(&(kind, name.value.clone())) {
                    continue;
                }
                let message = format!("{} `{}` is never used", kind.word(), name.value);
                self.report(
                    Diagnostic::error(code::M0211, message)
                        .at(name.span, "nothing refers to it")
                        .help("remove it, or use it where it was meant to be used"),
                );
            }
        }
    }

    /// The dialect's schema of that name: its own, or that of what it extends.
    pub(super) fn schema(&mut self, name: &Text) -> Option<Arc<Schema>> {
        let folders = || std::iter::once(self.name).chain(self.extends.iter().map(String::as_str));
        let declared = folders().find(|folder| self.schemas.is_declared(folder, &name.value));
        let folder = declared.or_else(|| folders().last()).unwrap_or(self.name);
        self.schema_of(folder, name)
    }

    /// The canonical schema of that name.
    pub(super) fn canonical_schema(&mut self, name: &Text) -> Option<Arc<Schema>> {
        self.schema_of(CANONICAL, name)
    }

    fn schema_of(&mut self, folder: &str, name: &Text) -> Option<Arc<Schema>> {
        if !self.schemas.is_declared(folder, &name.value) {
            self.report(unknown_schema(self.schemas, folder, name));
        }
        self.schemas.schema(folder, &name.value).map(Arc::clone)
    }

    /// The canonical operation of that name.
    pub(super) fn canonical_operation(&mut self, name: &Text) -> Option<Arc<api::Operation>> {
        let api = &self.canonical.api;
        let operation = api.operation(&name.value).map(Arc::clone);
        if operation.is_none() && self.canonical.knows_operations {
            let message = format!("there is no canonical operation `{}`", name.value);
            let diagnostic =
                Diagnostic::error(code::M0209, message).at(name.span, "not declared in `canonical.toml`");
            let known = api.operations.iter().map(|operation| operation.name.as_str());
            let diagnostic = suggest(diagnostic, &name.value, known);
            self.report(diagnostic);
        }
        operation
    }

    /// What a word of a list means; reports one that is not on it.
    pub(super) fn word<T: Copy>(&mut self, what: &str, word: &Text, list: &[(&str, T)]) -> Option<T> {
        if let Some((_, meaning)) = list.iter().find(|(known, _)| *known == word.value) {
            return Some(*meaning);
        }
        let names: Vec<_> = list.iter().map(|(known, _)| format!("`{known}`")).collect();
        let message = format!("there is no {what} `{}`", word.value);
        let diagnostic = Diagnostic::error(code::M0109, message)
            .at(word.span, format!("expected one of {}", names.join(", ")));
        self.report(suggest(diagnostic, &word.value, list.iter().map(|(known, _)| *known)));
        None
    }

    /// A status written as an integer.
    pub(super) fn status(&mut self, number: Spanned<i64>) -> Option<StatusCode> {
        let text = Spanned::new(number.value.to_string(), number.span);
        self.status_text(&text)
    }

    /// A status written as an integer, of the sort that belongs there.
    pub(super) fn status_of(&mut self, sort: StatusSort, number: Spanned<i64>) -> Option<StatusCode> {
        let status = self.status(number)?;
        let (fits, label) = match sort {
            StatusSort::Error => {
                (status.is_client_error() || status.is_server_error(), "an error is told with 400 to 599")
            }
            // RFC 9110, section 15.4: the others say something else than where to go instead.
            StatusSort::Redirect => (
                matches!(status.as_u16(), 301 | 302 | 307 | 308),
                "a redirect is one of 301, 302, 307 and 308",
            ),
            StatusSort::Success => (status.is_success(), "an answer is told with 200 to 299"),
        };
        if !fits {
            let message = format!("status {} does not belong here", number.value);
            self.report(Diagnostic::error(code::M0117, message).at(number.span, label));
        }
        fits.then_some(status)
    }

    /// The status of an answer; one that forbids a body has none.
    pub(super) fn success(&mut self, number: Spanned<i64>, has_body: bool) -> Option<StatusCode> {
        let status = self.status_of(StatusSort::Success, number)?;
        let is_bare = matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT);
        if is_bare && has_body {
            let message = format!("an answer with status {} has no body", number.value);
            self.report(Diagnostic::error(code::M0117, message).at(number.span, "and this one has one"));
            return None;
        }
        Some(status)
    }

    /// A status written as a key.
    pub(super) fn status_text(&mut self, text: &Text) -> Option<StatusCode> {
        let status = status(&text.value);
        if status.is_none() {
            self.report(bad_status(text.as_ref().map(String::as_str)));
        }
        status
    }
}
