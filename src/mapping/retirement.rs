//! What retires: dates in order, brown-outs in between, and links that can be followed.

mod brown_outs;
mod contradictions;
mod watches;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::SystemTime;

use fluent_uri::Uri;

use self::brown_outs::Term;
use super::compile::Compiler;
use super::file::{FieldPart, OperationPart, RetirementPart, Retires, Text};
use crate::diag::{Diagnostic, Span, Spanned, code};
use crate::dialect::Retirement;
use crate::dialect::retirement::Dates;

/// What of a dialect retires.
#[derive(Debug, Default)]
pub(super) struct Retirements {
    /// All of it.
    pub(super) whole: Option<Arc<Retirement>>,
    /// Fields, values and words, by where that is said.
    parts: HashMap<Span, Arc<Retirement>>,
    /// Those of them that a request can have.
    watched: HashSet<Span>,
    /// Those of them that a request can have before its operation is gone.
    met: HashSet<Span>,
    /// Words of roles that are refused while an operation is served that has them.
    alone: HashSet<Span>,
    /// Those that one cannot, with what says so of the operation.
    too_late: HashMap<Span, Option<Span>>,
    /// Of which it was told that requests go on saying them.
    told: HashSet<Span>,
}

impl<'a> Compiler<'a> {
    /// Understands everything that is said of the dialect, its fields and its roles.
    pub(super) fn build_retirements(&mut self) {
        let file = self.file;
        self.retirements.whole = file.retirement.as_ref().and_then(|part| self.retirement(part, None));
        for part in self.retiring() {
            if let Some(retirement) = self.retirement(part, None) {
                self.retirements.parts.insert(part.span, retirement);
            }
        }
    }

    /// What is said of fields and words, wherever it is. What an elder says of them is said of the elder alone.
    fn retiring(&self) -> Vec<&'a RetirementPart> {
        let lenses = self.file.lenses.iter().filter_map(|lens| lens.part.as_ref());
        let fields = lenses.flat_map(|lens| &lens.fields);
        let parameters = self.file.operations.iter().flat_map(|part| part.path.iter().chain(&part.query));
        let of_fields = fields.chain(parameters).filter_map(|field: &FieldPart| field.retirement.as_ref());
        let rows = self.file.roles.iter().flat_map(|roles| &roles.rows);
        let all = of_fields.chain(rows.filter_map(|row| row.retirement.as_ref()));
        all.filter(|part| part.span.source == self.file.source).collect()
    }

    /// How an operation retires: as is said of it, and for the rest as all of its dialect does. What an elder says is what
    /// is different from the elder's table, which is not this dialect's.
    pub(super) fn operation_retirement(&mut self, part: &OperationPart) -> Option<Arc<Retirement>> {
        let own = part.retirement.as_ref().filter(|own| own.span().source == self.file.source);
        match own {
            None => self.retirements.whole.clone(),
            Some(Retires::Stays(_)) => None,
            Some(Retires::So(own)) => {
                let file = self.file;
                self.retirement(own, file.retirement.as_ref())
            }
        }
    }

    /// Understands one table, over another that says what it does not.
    fn retirement(&mut self, own: &RetirementPart, base: Option<&RetirementPart>) -> Option<Arc<Retirement>> {
        let is_readable = own.is_whole && base.is_none_or(|base| base.is_whole);
        let of = |key: fn(&RetirementPart) -> Option<Spanned<SystemTime>>| key(own).or(base.and_then(key));
        let (deprecated, sunset, gone) =
            (of(|part| part.deprecated), of(|part| part.sunset), of(|part| part.gone));
        let text = |key: fn(&RetirementPart) -> Option<&Text>| key(own).or(base.and_then(key)).cloned();
        let docs = text(|part| part.docs.as_ref());
        let successor = text(|part| part.successor.as_ref());
        for link in [own.docs.as_ref(), own.successor.as_ref()].into_iter().flatten() {
            self.check_link(link);
        }
        if !is_readable {
            return None;
        }
        let Some(deprecated) = deprecated else {
            let found = Diagnostic::error(code::M0104, "missing key `retirement.deprecated`");
            self.report(found.at(own.span, "neither here nor under `[retirement]`"));
            return None;
        };
        let is_in_order = self.check_order(deprecated, sunset, gone, base.is_some());
        let is_another = own.brown_outs.is_none() && base.is_some();
        let brown_outs = own.brown_outs.as_ref().or(base.and_then(|base| base.brown_outs.as_ref()));
        let brown_outs = match brown_outs {
            Some(parts) => self.brown_outs(parts, Term { deprecated, sunset, gone, is_another })?,
            None => Vec::new(),
        };
        let dates = Dates {
            deprecated: deprecated.value,
            sunset: sunset.map(|moment| moment.value),
            gone: gone.map(|moment| moment.value),
            brown_outs,
            docs: docs.map(|link| link.value),
            successor: successor.map(|link| link.value),
        };
        let links = || [&dates.docs, &dates.successor].into_iter().flatten();
        let is_sound = is_in_order && links().all(|link| is_link(link));
        is_sound.then(|| Arc::new(Retirement::new(dates, Some(own.span))))
    }

    /// First it is deprecated, then its time is over, then it is gone.
    fn check_order(
        &mut self,
        deprecated: Spanned<SystemTime>,
        sunset: Option<Spanned<SystemTime>>,
        gone: Option<Spanned<SystemTime>>,
        is_of_an_operation: bool,
    ) -> bool {
        let mut is_in_order = true;
        let mut after = |later: Spanned<SystemTime>, earlier: Spanned<SystemTime>, message, label| {
            if later.value < earlier.value {
                is_in_order = false;
                let found = Diagnostic::error(code::M1002, message).at(later.span, label);
                let found = found.also(earlier.span, "which is later");
                let help = "what an operation does not say itself is as `[retirement]` says it";
                self.report(if is_of_an_operation { found.help(help) } else { found });
            }
        };
        if let Some(sunset) = sunset {
            let message = "the sunset is before the deprecation";
            after(sunset, deprecated, message, "the end of what is not deprecated yet");
        }
        if let (Some(gone), Some(sunset)) = (gone, sunset) {
            after(
                gone,
                sunset,
                "it is gone before its sunset",
                "clients are told that they have until the sunset",
            );
        }
        if let (Some(gone), None) = (gone, sunset) {
            is_in_order = false;
            let message = "it is gone at a time that no client is told";
            self.report(
                Diagnostic::error(code::M1002, message)
                    .at(gone.span, "needs a `sunset`, at this time or before"),
            );
        }
        is_in_order
    }

    fn check_link(&mut self, link: &Text) {
        if !is_link(&link.value) {
            let message = format!("`{}` is no link that clients could follow", link.value);
            self.report(
                Diagnostic::error(code::M1004, message)
                    .at(link.span, "as in `https://api.example/docs/v1-ends`"),
            );
        }
    }
}

/// Whether a text is the URL of a page. By the grammar of RFC 3986, which is that of a link's target (RFC 8288, section 3): so it
/// has nothing that would end the header it stands in, either.
fn is_link(text: &str) -> bool {
    let Ok(uri) = Uri::parse(text) else { return false };
    let Some(authority) = uri.authority() else { return false };
    uri.scheme().as_str() == "https"
        && !authority.has_userinfo()
        && !authority.host().is_empty()
        && authority.port_to_u16().is_ok()
}
