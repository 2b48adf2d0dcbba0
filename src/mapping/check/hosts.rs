//! A host belongs to one dialect.

use crate::diag::{Diagnostic, Diagnostics, Span, code};
use crate::mapping::file::MappingFile;

/// A dialect says that a host is its own.
pub(in crate::mapping) struct Claim {
    dialect: String,
    host: String,
    span: Span,
}

/// What a mapping claims.
pub(in crate::mapping) fn claims(dialect: &str, file: &MappingFile) -> Vec<Claim> {
    let hosts = file.dialect.iter().flat_map(|part| &part.hosts);
    let claim = |host: &crate::mapping::file::Text| Claim {
        dialect: dialect.to_owned(),
        host: host.value.to_ascii_lowercase(),
        span: host.span,
    };
    hosts.map(claim).collect()
}

/// Reports hosts that are claimed more than once.
pub(in crate::mapping) fn check(claims: &[Claim], found: &mut Diagnostics) {
    for (index, claim) in claims.iter().enumerate() {
        let Some(first) = claims[..index].iter().find(|first| first.host == claim.host) else { continue };
        let message = if first.dialect == claim.dialect {
            format!("host `{}` is named twice", claim.host)
        } else {
            format!("host `{}` belongs to `{}` and to `{}`", claim.host, first.dialect, claim.dialect)
        };
        found.push(
            Diagnostic::error(code::R0102, message)
                .at(claim.span, "claimed here")
                .also(first.span, "and here")
                .help("leave it to one of them; every dialect is found by its mount, too"),
        );
    }
}
