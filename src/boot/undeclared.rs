//! Whether the settings declare what cannot be answered, where the backend speaks a dialect.

use crate::config::{Config, Known};
use crate::diag::Diagnostic;
use crate::dialect::Registry;
use crate::gateway::reverse::lacking_with;

/// What is wrong with the declarations; and in notes, what they stand for.
pub fn look(config: &Config, registry: &Registry) -> Vec<Diagnostic> {
    let Some(spoken) = &config.reverse else { return Vec::new() };
    let known: Vec<_> = registry.with_canonical().map(|one| Known::from(&**one)).collect();
    config.undeclared(&known, &lacking_with(registry, spoken))
}
