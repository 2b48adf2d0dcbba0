//! Which of several alternatives was probably meant, when none matches.

use std::cmp::Reverse;

use jsonschema::error::ValidationErrorKind;
use jsonschema::paths::Location;
use jsonschema::{JsonType, ValidationError};
use serde_json::Value as Tree;

use super::message::{self, Description, describe};

/// What to say when no alternative matches.
pub(super) enum Closest<'e> {
    /// All alternatives say the same sort of thing about the value itself, so they are said together.
    Merged(Description),
    /// What keeps one alternative from matching.
    Branch {
        /// Which one.
        index: usize,
        /// Why this one.
        why: Why,
        /// What is wrong.
        errors: &'e [ValidationError<'static>],
    },
    /// The alternatives say nothing.
    Nothing,
}

/// Why an alternative is the closest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The others ask for values of other types.
    Type,
    /// What tells the alternatives apart has its value.
    Constants,
    /// What is wrong lies deeper in the value.
    Depth,
    /// Less is wrong.
    Number,
    /// Of several that come as close, it is the first.
    First,
}

/// Finds the alternative that was probably meant.
///
/// Alternatives of another type than the value's are out. Of the others the best is the one whose constants
/// match (they are what tells alternatives apart), then the one that fails deepest in the value, then the
/// one with the fewest violations.
pub(super) fn closest<'e>(branches: &'e [Vec<ValidationError<'static>>], here: &Location) -> Closest<'e> {
    let is_here = |error: &&ValidationError<'_>| error.instance_path() == here;
    let types_asked_for = |branch: &[ValidationError<'_>]| {
        branch.iter().filter(is_here).find_map(|error| match error.kind() {
            ValidationErrorKind::Type { kind } => Some(message::types(kind)),
            _ => None,
        })
    };
    let rivals = branches.iter().enumerate().filter(|(_, branch)| types_asked_for(branch).is_none());
    let rivals: Vec<(usize, &Vec<_>)> = rivals.collect();
    if rivals.is_empty() {
        let mut types: Vec<_> =
            branches.iter().filter_map(|branch| types_asked_for(branch)).flatten().collect();
        types.dedup();
        return if types.is_empty() { Closest::Nothing } else { Closest::Merged(message::of_types(&types)) };
    }
    let options: Option<Vec<Tree>> = rivals
        .iter()
        .map(|(_, branch)| match &branch[..] {
            [only] if is_here(&only) => allowed_values(only),
            _ => None,
        })
        .collect::<Option<Vec<_>>>()
        .map(|options| options.concat());
    if let Some(mut options) = options {
        // Null has a type of its own, and is one more value that is allowed.
        let is_null = |branch: &Vec<_>| matches!(types_asked_for(branch).as_deref(), Some([JsonType::Null]));
        if branches.iter().any(is_null) && !options.contains(&Tree::Null) {
            options.push(Tree::Null);
        }
        return Closest::Merged(message::options_of(&Tree::Array(options)));
    }
    let distance = |branch: &[ValidationError<'_>]| {
        // A member that is ruled out tells alternatives apart as a constant does.
        let is_ruled_out =
            |error: &ValidationError<'_>| matches!(error.kind(), ValidationErrorKind::FalseSchema);
        let has_wrong_constant =
            branch.iter().any(|error| is_ruled_out(error) || allowed_values(error).is_some());
        let deepest = branch.iter().map(|error| error.instance_path().segments().count()).max();
        (has_wrong_constant, Reverse(deepest), branch.len())
    };
    let said = rivals.iter().filter(|(_, branch)| !branch.is_empty());
    let mut ranked: Vec<_> = said.map(|(index, branch)| (distance(branch), *index, *branch)).collect();
    ranked.sort_by_key(|(distance, index, _)| (*distance, *index));
    let why = match ranked.as_slice() {
        [] => return Closest::Nothing,
        [_] => Why::Type,
        [(best, ..), (next, ..), ..] if best.0 != next.0 => Why::Constants,
        [(best, ..), (next, ..), ..] if best.1 != next.1 => Why::Depth,
        [(best, ..), (next, ..), ..] if best.2 != next.2 => Why::Number,
        [..] => Why::First,
    };
    let (_, index, errors) = ranked[0];
    Closest::Branch { index, why, errors }
}

/// The values a failed `enum` or `const` allows.
fn allowed_values(error: &ValidationError<'_>) -> Option<Vec<Tree>> {
    let description = describe(error.kind());
    match (description.keyword, description.limit) {
        ("enum", Some(Tree::Array(options))) => Some(options),
        ("const", Some(constant)) => Some(vec![constant]),
        _ => None,
    }
}
