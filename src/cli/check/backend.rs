//! Which operations cannot be answered, where the backend speaks a dialect.

use crate::config::Config;
use crate::diag::{Diagnostic, code};
use crate::dialect::Registry;
use crate::gateway::reverse::{Lacking, lacking_with};

/// A warning of each.
pub(super) fn lacking(config: &Config, registry: &Registry) -> Vec<Diagnostic> {
    let Some(spoken) = &config.reverse else { return Vec::new() };
    let span = config.dialects.iter().rfind(|name| name.value == spoken.dialect).map(|name| name.span);
    let warning = |Lacking { dialect, operation, reason }: Lacking| {
        let found = Diagnostic::warning(
            code::C0303,
            format!("`{operation}` of `{dialect}` cannot be answered: {reason}"),
        );
        match span {
            Some(span) => found.at(span, "which the backend speaks"),
            None => found,
        }
    };
    lacking_with(registry, spoken).into_iter().map(warning).collect()
}
