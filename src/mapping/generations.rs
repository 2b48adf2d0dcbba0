//! Mappings that extend others: wire generations of a dialect, each saying only what is different in it.
//!
//! The texts are laid over each other before anything is understood of them, so that a key which only one reader knows
//! is inherited like any other. What comes of it is read, compiled and checked whole.

mod layout;

use std::collections::BTreeSet;

use http::HeaderName;

use super::compile::Compiler;
use super::file::Text;
use super::{CANONICAL, CODES, MappingText};
use crate::diag::reader::Reader;
use crate::diag::suggest::did_you_mean;
use crate::diag::{Diagnostic, Diagnostics, Severity, Sources, code};
use crate::dialect::Selector;

/// A mapping and those it extends, nearest first.
pub(super) struct Generation<'a> {
    pub(super) text: &'a MappingText,
    pub(super) bases: Vec<&'a MappingText>,
}

/// All mappings of dialects with what they extend: that one comes before them. Those that extend what there is not, or
/// themselves, are left out.
pub(super) fn resolve<'a>(
    texts: &'a [MappingText],
    sources: &Sources,
    found: &mut Diagnostics,
) -> Vec<Generation<'a>> {
    let dialects: Vec<_> = texts.iter().filter(|text| text.name != CANONICAL).collect();
    let extends: Vec<_> = dialects.iter().map(|text| extended(text, sources)).collect();
    let mut resolved: Vec<_> =
        (0..dialects.len()).filter_map(|index| resolve_one(index, &dialects, &extends, found)).collect();
    resolved.sort_by_key(|one| one.bases.len());
    resolved
}

fn resolve_one<'a>(
    index: usize,
    dialects: &[&'a MappingText],
    extends: &[Option<Text>],
    found: &mut Diagnostics,
) -> Option<Generation<'a>> {
    let mut path = vec![index];
    while let Some(name) = &extends[path[path.len() - 1]] {
        let Some(next) = dialects.iter().position(|text| text.name == name.value) else {
            if path.len() == 1 {
                found.push(unknown(name, dialects, dialects[index]));
            }
            return None;
        };
        if path.contains(&next) {
            // Told once, of the first of those who go round.
            if next == index && path.iter().min() == Some(&index) {
                found.extend(extends[index].as_ref().map(|first| round(first, &path, dialects)));
            }
            return None;
        }
        path.push(next);
    }
    let bases = path[1..].iter().map(|index| dialects[*index]).collect();
    Some(Generation { text: dialects[index], bases })
}

/// What a mapping says that it extends. Whatever else is wrong with it is told when it is read.
fn extended(text: &MappingText, sources: &Sources) -> Option<Text> {
    let written = sources.text(text.source);
    // Most say nothing, which is seen without reading them. A name may be written with escapes.
    if !written.contains("extends") && !written.contains('\\') {
        return None;
    }
    let reader = Reader::parse(text.source, written, &CODES);
    reader.root().node("dialect")?.as_table()?.node("extends")?.as_text()
}

fn unknown(name: &Text, dialects: &[&MappingText], own: &MappingText) -> Diagnostic {
    let others = dialects.iter().map(|text| text.name.as_str()).filter(|known| *known != own.name);
    let label = match did_you_mean(&name.value, others) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "not among the mappings".to_owned(),
    };
    Diagnostic::error(code::M0701, format!("there is no mapping `{}` to extend", name.value))
        .at(name.span, label)
        .help("`extends` takes the name of a file beside this one, without `.toml`")
}

fn round(name: &Text, path: &[usize], dialects: &[&MappingText]) -> Diagnostic {
    let names: Vec<_> = path.iter().map(|index| format!("`{}`", dialects[*index].name)).collect();
    let message = match names.as_slice() {
        [own] => format!("{own} extends itself"),
        [own, others @ ..] => format!("{own} extends itself, by way of {}", others.join(" and ")),
        [] => String::new(),
    };
    Diagnostic::error(code::M0702, message)
        .at(name.span, "leads back to this file")
        .help("take `extends` out of one of them, which says everything itself then")
}

impl Generation<'_> {
    /// The names of the mappings it extends, nearest first.
    pub(super) fn extends(&self) -> Vec<String> {
        self.bases.iter().map(|base| base.name.clone()).collect()
    }

    /// The text, laid over those it extends.
    pub(super) fn reader<'t>(&self, sources: &'t Sources) -> Reader<'t> {
        let parse = |text: &MappingText| Reader::parse(text.source, sources.text(text.source), &CODES);
        let mut bases = self.bases.iter().rev().map(|text| parse(text));
        let own = parse(self.text);
        match bases.next() {
            Some(first) => {
                own.over(bases.fold(first, |base, next| next.over(base, &layout::LAYOUT)), &layout::LAYOUT)
            }
            None => own,
        }
    }

    /// Tells what is wrong with it. A fault of what it extends is told there; whatever else is found in that file only
    /// follows from it, or is this one's doing.
    pub(super) fn tell(&self, own: Diagnostics, found: &mut Diagnostics) {
        let bases: BTreeSet<_> = self.bases.iter().map(|text| text.source).collect();
        let is_of_base = |one: &Diagnostic| one.primary().is_some_and(|span| bases.contains(&span.source));
        let has_faults = found.iter().any(|one| one.severity == Severity::Error && is_of_base(one));
        let told: Vec<_> = found.iter().map(|one| (one.code, one.primary())).collect();
        for one in own {
            if !is_of_base(&one) {
                found.push(one);
            } else if !has_faults && !told.contains(&(one.code, one.primary())) {
                found
                    .push(one.note(format!("as a part of `{}`, which extends this mapping", self.text.name)));
            }
        }
    }
}

impl Compiler<'_> {
    /// By which header a generation is chosen, if it is.
    pub(super) fn select(&mut self) -> Option<Selector> {
        let part = self.file.dialect.as_ref()?.select.as_ref()?;
        if self.extends.is_empty() {
            let message = "there is nothing to choose between: the mapping extends no other";
            let found = Diagnostic::error(code::M0706, message).at(part.span, "only a generation is chosen");
            self.report(found.help("say what it `extends`, or take `[dialect.select]` away"));
            return None;
        }
        let header: Option<HeaderName> = part.header.value.parse().ok();
        if header.is_none() {
            let message = format!("`{}` is no header name", part.header.value);
            self.report(
                Diagnostic::error(code::M0113, message)
                    .at(part.header.span, "expected a name such as `User-Agent`"),
            );
        }
        self.pattern(&part.pattern)?;
        let Ok(selector) = Selector::new(header?, &part.pattern.value) else {
            let message = "the pattern cannot be matched with a whole value";
            self.report(Diagnostic::error(code::M0108, message).at(part.pattern.span, "this pattern"));
            return None;
        };
        Some(selector)
    }
}
