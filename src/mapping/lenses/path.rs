//! Paths, and whether the schemas know them.

use crate::diag::suggest::known_here;
use crate::diag::{Diagnostic, Spanned, code};
use crate::lens::path::{Address, Literal};
use crate::mapping::canonical::suggest;
use crate::mapping::compile::Compiler;
use crate::mapping::file::Text;
use crate::problem::Root;
use crate::schema::{Schema, Shape, Type};

impl Compiler<'_> {
    /// Reads a path.
    pub(in crate::mapping) fn address(&mut self, path: &Text) -> Option<Address> {
        let address = Address::parse(&path.value);
        if address.is_none() {
            self.report(no_path(path));
        }
        address
    }

    /// Looks for a path of the body in its schema, and says whether it may be there.
    pub(in crate::mapping) fn check_path(
        &mut self,
        path: &Text,
        address: &Address,
        schema: Option<&Schema>,
        of: Schemas,
    ) -> bool {
        let Some(schema) = schema.filter(|_| address.root == Root::Body) else { return true };
        let Err((missing, known)) = shape_at(schema.shape(), &address.path) else { return true };
        let (code, whose) = match of {
            Schemas::Canonical => (code::M0202, "the canonical schema"),
            Schemas::Dialect => (code::M0201, "the dialect's schema"),
        };
        let label = if missing == path.value {
            "not one of its fields".to_owned()
        } else {
            format!("there is no `{missing}` on the way")
        };
        let diagnostic =
            Diagnostic::error(code, format!("{whose} has no `{}`", path.value)).at(path.span, label);
        self.report(suggest(diagnostic, &missing, known.iter().map(String::as_str)));
        false
    }

    /// A condition asks for a value that its place can have. Null is what a place without a value counts as.
    pub(in crate::mapping) fn check_met(
        &mut self,
        value: &Spanned<Literal>,
        at: &Address,
        schema: Option<&Schema>,
    ) {
        let shape = schema.filter(|_| at.root == Root::Body && !at.path.is_empty());
        let shape = shape.and_then(|schema| shape_at(schema.shape(), &at.path).ok().flatten());
        if let Some(shape) = shape {
            self.check_met_by(value, at, &shape);
        }
    }

    /// The same of what is known to stand there, whatever root the place has.
    pub(in crate::mapping) fn check_met_by(
        &mut self,
        value: &Spanned<Literal>,
        at: &Address,
        shape: &Shape<'_>,
    ) {
        let wanted = value.value.value().to_value();
        let is_listed = shape.enumeration().is_none_or(|known| known.contains(&wanted));
        if wanted.is_null() || is_listed && shape.types().contains(Type::of(&wanted)) {
            return;
        }
        let message = format!("`{at}` is never {}", value.value.json());
        let found = Diagnostic::error(code::M0223, message).at(value.span, "can never be met");
        let found = found.also(shape.span(), "what the schema allows");
        let allowed: Vec<_> =
            shape.enumeration().into_iter().flatten().map(|value| value.to_string()).collect();
        let way_out = known_here(allowed.iter().map(String::as_str));
        let way_out = way_out.unwrap_or_else(|| "ask for a value that the schema allows there".to_owned());
        self.report(found.help(way_out));
    }
}

/// Whose schema a path is looked for in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::mapping) enum Schemas {
    Canonical,
    Dialect,
}

/// What is at a path. None if that is free: below an object whose members nobody lists, everything may be.
///
/// The error is the first name that leads nowhere, and the names that were there.
pub(in crate::mapping) fn shape_at<'s>(
    shape: Shape<'s>,
    path: &[Box<str>],
) -> Result<Option<Shape<'s>>, (String, Vec<String>)> {
    let mut here = shape;
    for name in path {
        let Some(next) = here.property(name) else {
            let known = here.properties();
            let is_free = known.is_empty() && here.open() && here.types().contains(Type::Object);
            return if is_free { Ok(None) } else { Err((name.to_string(), known)) };
        };
        here = next;
    }
    Ok(Some(here))
}

pub(in crate::mapping) fn no_path(path: &Text) -> Diagnostic {
    Diagnostic::error(code::M0114, format!("`{}` is no path", path.value)).at(
        path.span,
        "names joined by dots, after `$path.`, `$query.` or `$outer.` where it is not the body",
    )
}
