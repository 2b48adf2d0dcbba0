//! Values of TOML out of their text: moved to where their text now begins, compared, and taken out.

use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue};

/// The key, that many bytes further on.
pub(super) fn moved<'t>(key: &Spanned<DeString<'t>>, by: usize) -> Spanned<DeString<'t>> {
    Spanned::new(key.span().start + by..key.span().end + by, key.get_ref().clone())
}

/// The value and all in it, that many bytes further on.
pub(super) fn shifted<'t>(value: &Spanned<DeValue<'t>>, by: usize) -> Spanned<DeValue<'t>> {
    let inner = match value.get_ref() {
        DeValue::Array(array) => {
            let mut elements = DeArray::new();
            array.iter().for_each(|element| elements.push(shifted(element, by)));
            DeValue::Array(elements)
        }
        DeValue::Table(table) => {
            DeValue::Table(table.iter().map(|(key, value)| (moved(key, by), shifted(value, by))).collect())
        }
        scalar => scalar.clone(),
    };
    Spanned::new(value.span().start + by..value.span().end + by, inner)
}

/// A value as people would write it: a text is its characters, and other values look as in TOML. Two values that are
/// the same are spelt the same, wherever they stand.
pub(super) fn spelt(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(integer) => integer.to_string(),
        DeValue::Float(float) => float.to_string(),
        DeValue::Boolean(boolean) => boolean.to_string(),
        DeValue::Datetime(datetime) => datetime.to_string(),
        DeValue::Array(array) => {
            let elements: Vec<_> = array.iter().map(|element| spelt(element.get_ref())).collect();
            format!("[{}]", elements.join(", "))
        }
        DeValue::Table(table) => {
            let entry = |(key, value): (&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)| {
                format!("{} = {}", key.get_ref(), spelt(value.get_ref()))
            };
            let entries: Vec<_> = table.iter().map(entry).collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

/// Takes the array at that path out of the table. What stands there and is none stays.
pub(super) fn removed<'t>(table: &mut DeTable<'t>, path: &[&str]) -> Option<DeArray<'t>> {
    let (key, before) = path.split_last()?;
    let mut inner = table;
    for name in before {
        inner = match inner.get_mut(*name)?.get_mut() {
            DeValue::Table(next) => next,
            _ => return None,
        };
    }
    inner.get(*key).filter(|value| value.get_ref().is_array())?;
    match inner.remove(*key)?.into_inner() {
        DeValue::Array(array) => Some(array),
        _ => None,
    }
}
