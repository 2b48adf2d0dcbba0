//! Resolvers: what they ask, and whether the answer has what they look for.

use std::sync::Arc;
use std::time::Duration;

use crate::canonical::api;
use crate::canonical::id::IdForm;
use crate::diag::{Diagnostic, code};
use crate::dialect::Resolver;
use crate::lens::op::resolve;
use crate::mapping::CANONICAL;
use crate::mapping::canonical::suggest;
use crate::mapping::compile::{Compiler, Kind};
use crate::mapping::file::{ResolverPart, Text};
use crate::schema::Type;

/// How long a pair is remembered where nothing is said.
const REMEMBER: Duration = Duration::from_mins(1);
/// How long it is remembered that there is no such pair where nothing is said.
const MISSES: Duration = Duration::from_secs(5);

impl Compiler<'_> {
    pub(in crate::mapping) fn build_resolvers(&mut self) {
        let file = self.file;
        for resolver in &file.resolvers {
            let Some(part) = &resolver.part else { continue };
            let Some(calls) = self.canonical_operation(&part.calls) else { continue };
            self.check_resolver(&resolver.name, part, &calls);
            let pattern = part.pattern.as_ref().and_then(|pattern| self.pattern(pattern));
            let forms = IdForm::ALL.map(|form| (form.name(), form));
            let accepted = part.accept.iter().filter_map(|form| self.word("id form", form, &forms)).collect();
            let id = part.id.as_ref().and_then(|kind| self.id_kind(kind));
            let remember = part.remember.as_ref().and_then(|text| self.duration(text));
            let misses = part.misses.as_ref().and_then(|text| self.duration(text));
            let scope: Vec<_> = part.scope.iter().map(|name| name.value.clone()).collect();
            let index = self.resolvers.len();
            let built = Resolver {
                name: resolver.name.value.clone(),
                calls,
                scope: scope.clone(),
                find: part.find.as_ref().map(|find| find.value.clone()),
                rows: part.rows.value.clone(),
                left: part.left.value.clone(),
                right: part.right.value.clone(),
                remember: remember.unwrap_or(REMEMBER),
                misses: misses.unwrap_or(MISSES),
            };
            self.resolvers.push((Arc::new(built), resolve::Resolver { index, scope, pattern, id, accepted }));
        }
    }

    /// Looks whether a resolver can ask its question, and whether the answer has what it looks for.
    fn check_resolver(&mut self, name: &Text, part: &ResolverPart, calls: &Arc<api::Operation>) {
        for parameter in calls.parameters() {
            if !part.scope.iter().any(|scope| scope.value == parameter) {
                let message = format!("resolver `{}` does not fill `{parameter}`", name.value);
                let needs = format!("needs `scope = [\"{parameter}\"]`");
                let help = "the caller's path has to have it, too: it is taken from there";
                self.report(Diagnostic::error(code::M0213, message).at(part.calls.span, needs).help(help));
            }
        }
        if let Some(find) = part.find.as_ref().filter(|find| !calls.query.contains(&find.value)) {
            let message = format!("`{}` has no query parameter `{}`", calls.name, find.value);
            let diagnostic = Diagnostic::error(code::M0218, message).at(find.span, "not among its `query`");
            self.report(suggest(diagnostic, &find.value, calls.query.iter().map(String::as_str)));
        }

        let schemas = self.schemas;
        let answer = calls.answers.iter().find_map(|(_, schema)| schema.as_deref());
        let Some(answer) = answer.and_then(|name| schemas.schema(CANONICAL, name)) else { return };
        let answer = answer.shape();
        let rows = answer.property(&part.rows.value).and_then(|rows| rows.items());
        let Some(rows) = rows else {
            let message = format!("the answer of `{}` has no list `{}`", calls.name, part.rows.value);
            let diagnostic = Diagnostic::error(code::M0202, message).at(part.rows.span, "no such list");
            let lists = answer.properties();
            let lists = lists.iter().map(String::as_str);
            let is_list =
                |name: &&str| answer.property(name).is_some_and(|shape| shape.types().contains(Type::Array));
            self.report(suggest(diagnostic, &part.rows.value, lists.filter(is_list)));
            return;
        };
        for column in [&part.left, &part.right] {
            if rows.property(&column.value).is_none() && !rows.properties().is_empty() {
                let message = format!("the rows of `{}` have no column `{}`", calls.name, column.value);
                let diagnostic = Diagnostic::error(code::M0202, message).at(column.span, "no such column");
                let known = rows.properties();
                self.report(suggest(diagnostic, &column.value, known.iter().map(String::as_str)));
            }
        }
    }

    /// The resolver of that name.
    pub(in crate::mapping) fn resolver_named(&mut self, name: &Text) -> Option<resolve::Resolver> {
        if !self.refer(Kind::Resolver, name) {
            return None;
        }
        let built = self.resolvers.iter().find(|(resolver, _)| resolver.name == name.value);
        built.map(|(_, resolver)| resolver.clone())
    }
}
