//! The cases of files that were loaded: each family of checks that a file goes through is one.

use super::{Case, Report};
use crate::diag::{Diagnostic, Severity, SourceId, Sources, code};

/// What a file is, and with that what is checked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The mapping that declares the canonical API.
    Canonical,
    /// The configuration.
    Config,
    /// A mapping.
    Mapping,
    /// A schema.
    Schema,
}

/// What is about no file in particular belongs here.
const NO_FILE: &str = "all files";

impl Kind {
    /// The families of codes that can be found in such a file, that of its syntax first.
    fn families(self) -> impl Iterator<Item = &'static str> {
        let has = move |family: &&&str| match self {
            Self::Canonical => matches!(**family, "M01" | "M02"),
            Self::Config => family.starts_with('C'),
            Self::Mapping => family.starts_with(['M', 'R']),
            Self::Schema => family.starts_with('S'),
        };
        code::FAMILIES.iter().map(|(family, _)| family).filter(has).copied()
    }
}

/// Reports on files: everything that was found, in reading order as [`Diagnostics::into_vec`] gives it, and for each
/// file what it passed. Gives what can be printed.
///
/// [`Diagnostics::into_vec`]: crate::diag::Diagnostics::into_vec
pub fn files(
    report: &mut Report,
    files: &[(SourceId, Kind)],
    found: &[Diagnostic],
    sources: &Sources,
) -> String {
    let mut out = String::new();
    let source = |diagnostic: &Diagnostic| diagnostic.primary().map(|span| span.source);
    let is_listed = |id| files.iter().any(|(listed, _)| *listed == id);
    for diagnostic in found.iter().filter(|found| !source(found).is_some_and(is_listed)) {
        let suite = source(diagnostic).map_or(NO_FILE, |id| sources.path(id));
        out.push_str(&report.case(&case(suite, diagnostic), sources));
    }
    for (id, kind) in files {
        let suite = sources.path(*id);
        let here: Vec<&Diagnostic> = found.iter().filter(|found| source(found) == Some(*id)).collect();
        for diagnostic in &here {
            out.push_str(&report.case(&case(suite, diagnostic), sources));
        }
        // What could not be read to its end was checked only as far as that.
        let syntax = kind.families().next();
        let is_cut = syntax.is_some_and(|syntax| here.iter().any(|found| breaks(found, syntax)));
        let skipped = is_cut.then_some("the file could not be read to its end");
        for name in kind.families().map(code::family_name) {
            if here.iter().all(|found| found.code.family() != name) {
                out.push_str(&report.case(&Case { suite, name, found: &[], skipped }, sources));
            }
        }
    }
    out
}

fn case<'a>(suite: &'a str, diagnostic: &'a Diagnostic) -> Case<'a> {
    let found = std::slice::from_ref(diagnostic);
    Case { suite, name: diagnostic.code.family(), found, skipped: None }
}

fn breaks(diagnostic: &Diagnostic, family: &str) -> bool {
    diagnostic.severity == Severity::Error && diagnostic.code.as_str().starts_with(family)
}
