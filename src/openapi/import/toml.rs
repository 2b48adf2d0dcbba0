//! Mapping text: keys, strings and values as TOML writes them, whatever is in them.

use std::fmt::Write;

use serde_json::Value;

/// What stands where a person has to decide.
pub(super) const TODO: &str = "\"TODO\"";

/// A text between quotes.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => write!(out, "\\u{:04X}", u32::from(c)).expect("a string takes everything"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A key, between quotes where it has to be.
pub(super) fn key(text: &str) -> String {
    let is_bare = !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if is_bare { text.to_owned() } else { quoted(text) }
}

/// A JSON value as mappings write it.
pub(super) fn literal(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Bool(whether) => whether.to_string(),
        Value::Number(number) if number.as_i64().is_some_and(|own| own.to_string() == number.to_string()) => {
            number.to_string()
        }
        other => format!("{{ json = {} }}", quoted(&other.to_string())),
    }
}

/// A table on one line.
pub(super) fn inline(entries: &[(String, String)]) -> String {
    let entries: Vec<_> = entries.iter().map(|(name, value)| format!("{} = {value}", key(name))).collect();
    format!("{{ {} }}", entries.join(", "))
}

/// Lines with keys of one width.
pub(super) fn aligned(entries: &[(String, String)]) -> String {
    let keys: Vec<_> = entries.iter().map(|(name, _)| key(name)).collect();
    let width = keys.iter().map(|key| key.chars().count()).max().unwrap_or_default().min(40);
    let mut out = String::new();
    for (key, (_, value)) in keys.iter().zip(entries) {
        writeln!(out, "{key:width$} = {value}").expect("a string takes everything");
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whatever_is_in_a_text_it_is_read_as_it_was() {
        for text in ["plain", "a\"b\\c", "\u{0}\u{7f}\n\t", "ünï", "# no comment", "'''"] {
            let line = format!("{} = {}", key(text), quoted(text));
            let read: ::toml::Table = line.parse().unwrap_or_else(|error| panic!("{error}: {line}"));
            assert_eq!(
                read.iter().next().map(|(key, value)| (key.as_str(), value.as_str())),
                Some((text, Some(text)))
            );
        }
    }

    #[test]
    fn values_toml_cannot_spell_are_written_as_json() {
        for (value, written) in [
            (json!(null), r#"{ json = "null" }"#),
            (json!(3), "3"),
            (json!("3"), "\"3\""),
            (json!(true), "true"),
            (json!(1.5), r#"{ json = "1.5" }"#),
            (json!(18_446_744_073_709_551_615_u64), r#"{ json = "18446744073709551615" }"#),
            (json!(["a"]), r#"{ json = "[\"a\"]" }"#),
        ] {
            assert_eq!(literal(&value), written);
        }
    }
}
