//! `[mode.<dialect>]`: from what was written to what the gateway takes, and what cannot be meant together.

use std::collections::BTreeMap;

use super::diags;
use super::file::{ConfigFile, ModeFile};
use super::values::Values;
use crate::diag::{Diagnostics, Span, Spanned};
use crate::gateway::mode::{self, Mode};

/// Where the file says how requests of a dialect are answered.
#[derive(Clone, Debug)]
pub struct ModeWritten {
    /// The dialect.
    pub dialect: Spanned<String>,
    /// What needs an old upstream, if anything does.
    pub needs_legacy: Option<Span>,
    /// The operations of which something else is said.
    pub operations: Vec<Spanned<String>>,
}

/// What the tables say.
pub(super) fn assemble(file: &[ModeFile], values: &mut Values<'_>) -> BTreeMap<String, mode::Config> {
    file.iter().map(|file| (file.dialect.value.clone(), table(file, values))).collect()
}

/// Where they say it.
pub(super) fn written(file: &[ModeFile]) -> Vec<ModeWritten> {
    let needs = |file: &ModeFile| {
        let words =
            file.mode.iter().chain(file.operations.iter().chain(&file.principals).map(|(_, word)| word));
        words.into_iter().find(|word| word.value != Mode::Canonical.name()).map(|word| word.span)
    };
    let one = |file: &ModeFile| ModeWritten {
        dialect: file.dialect.clone(),
        needs_legacy: needs(file),
        operations: file.operations.iter().map(|(name, _)| name.clone()).collect(),
    };
    file.iter().map(one).collect()
}

fn table(file: &ModeFile, values: &mut Values<'_>) -> mode::Config {
    let default = mode::Config::default();
    let operations = file.operations.iter();
    let operations =
        operations.map(|(name, word)| (name.value.clone(), values.mode(Some(word), default.mode)));
    let operations = operations.collect();
    let principals = file.principals.iter().filter_map(|(name, word)| {
        let mode = values.mode_of_one(word);
        Some((values.principal(name)?, mode?))
    });
    mode::Config {
        principals: principals.collect(),
        operations,
        mode: values.mode(file.mode.as_ref(), default.mode),
        share: values.count(file.share, 0..=100, default.share),
        answers: values.side(file.answers.as_ref(), default.answers),
        noise: values.count(file.noise, 0..=100, default.noise),
        extra: values.count(file.extra, 0..=mode::Config::EXTRA_MAX, default.extra),
        read_back: file.read_back.map_or(default.read_back, |read_back| read_back.value),
        known: file.known.iter().filter_map(|place| values.shown_place(place)).collect(),
        validate: file.validate.map_or(default.validate, |validate| validate.value),
    }
}

/// Settings that contradict each other, or mean nothing.
pub(super) fn check(file: &ConfigFile, found: &mut Diagnostics) {
    // Where the mode is missing, that is what is wrong.
    for file in file.modes.iter().filter(|file| file.mode.is_some()) {
        let words = || file.mode.iter().chain(file.operations.iter().map(|(_, word)| word));
        let is_somewhere = |mode: Mode| words().find(|word| word.value == mode.name());
        match (is_somewhere(Mode::Split), file.share) {
            (Some(split), None) if !file.has_share => {
                found.push(diags::modes::split_without_share(split.span));
            }
            (None, Some(share)) => {
                found.push(diags::modes::unused_in_mode("share", share.span, "nothing is split"));
            }
            (Some(_), _) | (None, None) => {}
        }
        let principals = file.principals.iter().map(|(_, word)| word);
        let passes = words().chain(principals).any(|word| word.value != Mode::Canonical.name());
        let has_shadows = words().chain(file.principals.iter().map(|(_, word)| word));
        if !has_shadows.into_iter().any(|word| word.value == Mode::Shadow.name()) {
            let answers = file.answers.as_ref().map(|written| ("answers", written.span));
            let noise = file.noise.map(|written| ("noise", written.span));
            let extra = file.extra.map(|written| ("extra", written.span));
            let read_back = file.read_back.map(|written| ("read_back", written.span));
            let known = file.known.first().map(|written| ("known", written.span));
            for (key, span) in answers.into_iter().chain(noise).chain(extra).chain(read_back).chain(known) {
                found.push(diags::modes::unused_in_mode(key, span, "there are no shadows"));
            }
        }
        if let Some(validate) = file.validate.filter(|_| !passes) {
            found.push(diags::modes::unused_in_mode(
                "validate",
                validate.span,
                "nothing goes to the old upstream",
            ));
        }
    }
}
