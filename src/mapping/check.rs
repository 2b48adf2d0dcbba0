//! What a mapping promises, one proof per file.

mod cases;
pub(super) mod choices;
pub(super) mod clashes;
mod defaults;
mod elsewhere;
pub(super) mod errors;
pub(super) mod exceptions;
pub(super) mod fit;
pub(super) mod hosts;
mod ids;
pub(super) mod ledger;
mod lists;
mod lookups;
mod nulls;
pub(super) mod privilege;
pub(super) mod role_names;
mod role_places;
pub(super) mod routes;
mod safety;
mod sometimes;
mod tables;
pub(super) mod trial;
pub(super) mod untold;
mod views;

use super::compile::Compiler;

/// Checks what can be checked once every part was built.
pub(super) fn all(compiler: &mut Compiler<'_>) {
    tables::check(compiler);
    privilege::check(compiler);
    let used = privilege::places::check(compiler);
    let told = role_places::check(compiler, used);
    privilege::shown::check(compiler, &told);
    defaults::check(compiler);
    ledger::check(compiler);
    safety::check(compiler);
    cases::check(compiler);
    views::check(compiler);
    lists::check(compiler);
    lookups::check(compiler);
    nulls::check(compiler);
    elsewhere::check(compiler);
    ids::check(compiler);
}
