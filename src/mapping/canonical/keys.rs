//! `[keys]`: what names the records of a canonical schema besides their ids.

use std::collections::BTreeMap;

use super::{suggest, unknown_schema};
use crate::canonical::api::Key;
use crate::diag::reader::{Reader, Table};
use crate::diag::{Diagnostic, code};
use crate::lens::path::Address;
use crate::mapping::CANONICAL;
use crate::mapping::file::Text;
use crate::mapping::lenses::{no_path, shape_at};
use crate::problem::Root;
use crate::schema::{Schema, Store, Type};

/// Reads the table; what cannot name a record is left out.
pub(super) fn read(mut table: Table<'_>, schemas: &Store, reader: &Reader<'_>) -> BTreeMap<String, Vec<Key>> {
    let mut all = BTreeMap::new();
    for (name, node) in table.entries() {
        let paths = node.texts();
        let Some(schema) = schemas.schema(CANONICAL, &name.value) else {
            if !schemas.is_declared(CANONICAL, &name.value) {
                reader.report(unknown_schema(schemas, CANONICAL, &name));
            }
            continue;
        };
        let keys = paths.iter().filter_map(|path| match key(path, schema) {
            Ok(key) => Some(key),
            Err(found) => {
                reader.report(*found);
                None
            }
        });
        all.insert(name.value.clone(), keys.collect());
    }
    all
}

/// The key at a path, if all that can stand there are texts or whole numbers, one by one.
fn key(path: &Text, schema: &Schema) -> Result<Key, Box<Diagnostic>> {
    let address = Address::parse(&path.value).filter(|at| at.root == Root::Body && !at.path.is_empty());
    let at = address.ok_or_else(|| Box::new(no_path(path)))?.path;
    let shape = shape_at(schema.shape(), &at).map_err(|(missing, known)| {
        let found = Diagnostic::error(code::M0202, format!("the canonical schema has no `{}`", path.value))
            .at(path.span, format!("there is no `{missing}`"));
        Box::new(suggest(found, &missing, known.iter().map(String::as_str)))
    })?;
    let names_one = |shape: &crate::schema::Shape<'_>| {
        let types = shape.types();
        let others = [Type::Array, Type::Boolean, Type::Number, Type::Object];
        shape.enumeration().is_none() && !others.into_iter().any(|other| types.contains(other))
    };
    match shape {
        Some(shape) if names_one(&shape) => {
            Ok(Key { any_case: shape.format().as_deref() == Some("email"), at })
        }
        _ => {
            let message = format!("`{}` names no record", path.value);
            let label = "has to be a text or a whole number that is free";
            let help = "name a member that every record has another value of, or take the key away";
            Err(Box::new(Diagnostic::error(code::M0222, message).at(path.span, label).help(help)))
        }
    }
}
