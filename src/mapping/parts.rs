//! The parts of a mapping that need no lens: its head, ids, tables, resolvers, pages, credentials, quotas and errors.

mod errors;
mod ids;
mod resolvers;

use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use regex::Regex;

use super::canonical::suggest;
use super::check;
use super::compile::Compiler;
use super::file::{Landing, PagePart, TablePart, Text};
use super::lenses::no_path;
use super::patterns::Patterns;
use crate::diag::{Diagnostic, Spanned, code};
use crate::dialect::page::{PageSlot, Style};
use crate::dialect::{Credential, Page, Quota};
use crate::json;
use crate::lens::op::table::{self, Row, Table, Word};
use crate::lens::path::Literal;
use crate::limit::HeaderFamily;
use crate::time::parse_duration;

/// How many items a page holds where nothing is said.
const PAGE_DEFAULT: u32 = 20;
/// How many items a page may hold where nothing is said.
const PAGE_MOST: u32 = 100;

impl<'a> Compiler<'a> {
    pub(super) fn build_tables(&mut self) {
        let file = self.file;
        self.roles = file.roles.as_ref().map(|part| Arc::new(self.table(part)));
        for table in &file.tables {
            let Some(part) = &table.part else { continue };
            let built = self.table(part);
            self.tables.insert(&table.name.value, Arc::new(built));
        }
    }

    fn table(&mut self, part: &'a TablePart) -> Table {
        let mut rows = Vec::new();
        for row in &part.rows {
            let word = self.table_word(&row.word);
            let also: Option<Vec<_>> = row.also.iter().map(|word| self.table_word(word)).collect();
            let is = self.table_word(&row.is);
            let label = row.label.as_ref().map(|label| label.value.clone());
            if let (Some(word), Some(also), Some(is)) = (word, also, is) {
                rows.push(Row { word, also, is, label, origin: Some(row.word.span) });
            }
        }
        let (mut lands, mut lands_at) = (Vec::new(), Vec::new());
        for land in &part.lands {
            let landing = match &land.landing {
                Landing::Refuse(reason) => Some(table::Landing::Refuse(reason.text().to_owned())),
                Landing::As(word) => self.landing(part, &rows, word),
            };
            let text = serde_json::Value::from(land.canonical.value.as_str()).to_string();
            let landed = Literal::parse(&text).and_then(Word::new).zip(landing);
            lands_at.extend(landed.is_some().then_some(land.canonical.span));
            lands.extend(landed);
        }
        let noun = if part.is_role { "role" } else { "value" };
        let name = part.name.value.clone();
        let lands_lost = lands.iter().map(|(word, _): &(Word, _)| format!("{name}.{}", word.text()));
        let lands_lost =
            lands_lost.collect::<Vec<_>>().into_iter().map(|name| self.number_loss(name)).collect();
        Table { name, noun, rows, lands, lands_at, lands_lost }
    }

    fn landing(&mut self, part: &TablePart, rows: &[Row], word: &Spanned<Literal>) -> Option<table::Landing> {
        if let Some(row) = rows.iter().position(|row| row.word.json() == word.value.json()) {
            return Some(table::Landing::Row(row));
        }
        let is_written = part.rows.iter().any(|row| row.word.value == word.value);
        // A row that is no row may be the one that is meant.
        if part.is_whole && rows.len() == part.rows.len() && !is_written {
            let message = format!("the table has no word {}", word.value.json());
            let found = Diagnostic::error(code::M0216, message)
                .at(word.span, "not the word of any row")
                .also(part.name.span, "in this table");
            let words: Vec<_> = part.rows.iter().map(|row| row.word.value.json()).collect();
            let wrong = word.value.json();
            self.report(suggest(found, wrong, words));
        }
        None
    }

    fn table_word(&mut self, literal: &Spanned<Literal>) -> Option<Word> {
        let is_fraction = literal.value.value().kind() == json::Kind::Number;
        let word = Word::new(literal.value.clone()).filter(|_| !is_fraction);
        if word.is_none() {
            let json = literal.value.json();
            let message = format!("{json} is no word: words are texts, integers, `true`, `false` or null");
            let label = if is_fraction { "a fraction has several spellings" } else { "not a scalar" };
            self.report(Diagnostic::error(code::M0108, message).at(literal.span, label));
        }
        word
    }

    pub(super) fn build_pages(&mut self) {
        let file = self.file;
        for page in &file.pages {
            let Some(part) = &page.part else { continue };
            if let Some(built) = self.page(&page.name, part) {
                self.pages.insert(&page.name.value, Arc::new(built));
            }
        }
    }

    fn page(&mut self, name: &Text, part: &PagePart) -> Option<Page> {
        let style = self.word("page style", &part.style, &Style::NAMES);
        let count = |number: &Option<Spanned<i64>>, usual: u32| match number {
            Some(number) => u32::try_from(number.value).ok().filter(|count| *count > 0),
            None => Some(usual),
        };
        let most = count(&part.limit.max, PAGE_MOST);
        let default = count(&part.limit.default, PAGE_DEFAULT.min(most.unwrap_or(PAGE_DEFAULT)));
        if most.is_none() || default.is_none() || default > most {
            let message = format!("page `{}` has limits that contradict each other", name.value);
            let label = "`default` and `max` are positive, and the first is the smaller one";
            self.report(Diagnostic::error(code::M0106, message).at(part.limit.query.span, label));
        }
        let mut fields = Vec::new();
        let mut members = Vec::new();
        for (name, slot) in &part.fields {
            let path = self.member(name);
            members.extend(path.clone().map(|path| (name, path)));
            let slot = self.word("page slot", slot, &PageSlot::NAMES);
            fields.extend(path.zip(slot));
        }
        self.check_members(&members);
        if part.start.value == part.limit.query.value {
            let message = format!("page `{}` begins and ends at one parameter", name.value);
            let found = Diagnostic::error(code::M0106, message);
            self.report(found.at(part.limit.query.span, "`start` and `limit` need a parameter each"));
        }
        Some(Page {
            style: style?,
            start: part.start.value.clone(),
            limit: part.limit.query.value.clone(),
            default: default?,
            most: most?,
            fields,
        })
    }

    /// No member of a body that is being made lies inside another.
    pub(super) fn check_members(&mut self, members: &[(&Text, Vec<Box<str>>)]) {
        let members: Vec<_> = members.iter().map(|(name, path)| (*name, path.as_slice())).collect();
        check::clashes::members(self, &members);
    }

    /// A path into a body that is being made.
    pub(super) fn member(&mut self, path: &Text) -> Option<Vec<Box<str>>> {
        let names: Vec<Box<str>> = path.value.split('.').map(Box::from).collect();
        if names.iter().any(|name| name.is_empty()) {
            self.report(no_path(path));
            return None;
        }
        Some(names)
    }

    /// What requests are recognised by is something that requests can have.
    pub(super) fn check_head(&mut self) {
        let Some(head) = &self.file.dialect else { return };
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@%".contains(&byte);
        let prefix = head.prefix.value.trim_matches('/');
        let is_sound = |segment: &str| {
            !segment.is_empty() && !matches!(segment, "." | "..") && segment.bytes().all(is_plain)
        };
        if !prefix.is_empty() && !prefix.split('/').all(is_sound) {
            let message = format!("`{}` is no prefix of a path", head.prefix.value);
            let label = "as in `/api/v1`: no parameters, spaces or dot segments";
            self.report(Diagnostic::error(code::M0118, message).at(head.prefix.span, label));
        }
        for host in &head.hosts {
            let is_label = |label: &str| {
                !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            };
            if !host.value.split('.').all(is_label) {
                let message = format!("`{}` is no host name", host.value);
                let label = "a name alone, as in `api.example.com`: no scheme, port or path";
                self.report(Diagnostic::error(code::M0118, message).at(host.span, label));
            }
        }
    }

    /// Where a request may carry its credential. The pattern is that of the whole of it.
    pub(super) fn credentials(&mut self) -> Vec<Credential> {
        let file = self.file;
        let mut credentials = Vec::new();
        for part in &file.credentials {
            let header: Option<HeaderName> = part.header.value.parse().ok();
            if header.is_none() {
                let message = format!("`{}` is no header name", part.header.value);
                self.report(
                    Diagnostic::error(code::M0113, message)
                        .at(part.header.span, "expected a name such as `X-API-Key`"),
                );
            }
            if let Some(name) = header.as_ref().filter(|name| OTHERS.contains(&name.as_str())) {
                let message = format!("`{name}` cannot carry a credential");
                let label = "says something else of every request";
                let found = Diagnostic::error(code::M0118, message).at(part.header.span, label);
                self.report(
                    found.help(
                        "name the header that clients send it in, such as `Authorization` or `X-API-Key`",
                    ),
                );
            }
            let scheme = part.scheme.as_ref().map(|scheme| scheme.value.clone());
            if let Some(scheme) = part.scheme.as_ref().filter(|scheme| !is_token(&scheme.value)) {
                let message = format!("`{}` is no scheme of a credential", scheme.value);
                let label = "one word, such as `Bearer`; the space after it is ours";
                self.report(Diagnostic::error(code::M0118, message).at(scheme.span, label));
            }
            let pattern = self.usable(&part.pattern, Patterns::compile_whole);
            if let (Some(header), Some(pattern)) = (header, pattern) {
                credentials.push(Credential { header, scheme, pattern });
            }
        }
        credentials
    }

    pub(super) fn quota(&mut self) -> Quota {
        let file = self.file;
        let mut quota = Quota::default();
        for text in &file.quota.windows {
            match text.value.parse() {
                Ok(window) => quota.windows.push(window),
                Err(why) => {
                    let message = format!("`{}` is no quota window: {why}", text.value);
                    let found = Diagnostic::error(code::M0110, message);
                    self.report(found.at(text.span, "as in `300/minute`"));
                }
            }
        }
        for name in &file.quota.headers {
            quota.headers.extend(self.word("header family", name, &HeaderFamily::NAMES));
        }
        quota
    }

    fn duration(&mut self, text: &Text) -> Option<Duration> {
        match parse_duration(&text.value) {
            Ok(duration) => Some(duration),
            Err(why) => {
                let message = format!("`{}` is no duration: it {why}", text.value);
                self.report(Diagnostic::error(code::M0110, message).at(text.span, "as in `60s`"));
                None
            }
        }
    }

    pub(super) fn pattern(&mut self, text: &Text) -> Option<Regex> {
        self.usable(text, Patterns::compile)
    }

    fn usable(
        &mut self,
        text: &Text,
        compile: fn(&Patterns, &str) -> Result<Regex, regex::Error>,
    ) -> Option<Regex> {
        match compile(self.patterns, &text.value) {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                // The library draws the pattern with a caret; we have a caret of our own.
                let error = error.to_string();
                let why = error.lines().last().unwrap_or_default();
                let why = why.trim().trim_start_matches("error: ");
                let message = format!("the pattern is not usable: {why}");
                self.report(Diagnostic::error(code::M0108, message).at(text.span, "this pattern"));
                None
            }
        }
    }
}

/// Headers that mean something else in every request: where it goes, where it ends, what it holds, how it is known again, or
/// that belong to one connection (RFC 9110, section 7.6.1).
const OTHERS: [&str; 18] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "forwarded",
    "host",
    "idempotency-key",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-request-id",
];

/// RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    let is_sign = |byte: u8| b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || is_sign(byte))
}
