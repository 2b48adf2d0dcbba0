//! The keyword `uniqueItems`, in time that nobody who sends a list can make quadratic.
//!
//! The library sorts elements into a table by a hash in which all numbers too great for a `f64` are one, and
//! whoever sends the list chooses the numbers. Here every element is written in a form that equal elements
//! share, and the forms are sorted.

use crate::json::{Elements, Kind, Value};

/// Whether no two elements are equal. Numbers are equal by value, objects whatever the order of members.
pub(super) fn are_unique(elements: Elements<'_>) -> bool {
    let mut forms: Vec<Vec<u8>> = elements.map(form).collect();
    forms.sort_unstable();
    forms.windows(2).all(|pair| pair[0] != pair[1])
}

/// Whether two numbers are equal by value, however they are spelt.
pub fn is_same_number(left: &str, right: &str) -> bool {
    let form = |text| {
        let mut out = Vec::new();
        write_number(text, &mut out);
        out
    };
    left == right || form(left) == form(right)
}

fn form(value: Value<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &mut out);
    out
}

/// Writes a form that values share which are equal. Its parts are as long as they say or end with a byte that cannot be in
/// them, so that no two values share one by accident.
pub fn write(value: Value<'_>, out: &mut Vec<u8>) {
    match value.kind() {
        Kind::Null => out.push(b'n'),
        Kind::False => out.push(b'f'),
        Kind::True => out.push(b't'),
        Kind::Integer | Kind::Number => write_number(value.raw(), out),
        Kind::String => write_string(&value.as_str().unwrap_or_default(), out),
        Kind::Array => {
            out.push(b'[');
            value.elements().for_each(|element| write(element, out));
            out.push(b']');
        }
        Kind::Object => {
            let mut members: Vec<_> = value.members().map(|(name, member)| (name.as_str(), member)).collect();
            members.sort_unstable_by(|left, right| left.0.cmp(&right.0));
            out.push(b'{');
            for (name, member) in members {
                write_string(&name, out);
                write(member, out);
            }
            out.push(b'}');
        }
    }
}

fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend(text.len().to_le_bytes());
    out.extend(text.as_bytes());
}

/// Writes a number as its sign, its digits from the first to the last that is not zero, and the power of ten
/// they are multiplied with.
fn write_number(text: &str, out: &mut Vec<u8>) {
    let (text, sign) = text.strip_prefix('-').map_or((text, b'+'), |text| (text, b'-'));
    let (mantissa, power) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    let significant = digits.trim_matches('0');
    if significant.is_empty() {
        out.push(b'0');
        return;
    }
    let zeros = digits.len() - digits.trim_end_matches('0').len();
    out.push(sign);
    out.extend(significant.as_bytes());
    out.push(b'e');
    // Powers beyond all reason are equal if they are spelt alike; no one can tell the difference anyway.
    match power.parse::<i64>() {
        Ok(power) => {
            let shift = i128::try_from(zeros).unwrap_or_default()
                - i128::try_from(fraction.len()).unwrap_or_default();
            out.extend((i128::from(power) + shift).to_le_bytes());
        }
        Err(_) => write_string(power, out),
    }
}

#[cfg(test)]
mod tests {
    use jsonschema::json::unique;
    use proptest::prelude::*;

    use super::super::support::document;
    use super::*;

    fn are_unique_in(text: &str) -> bool {
        are_unique(document(text).root().elements())
    }

    #[test]
    fn equal_elements_are_found_however_they_are_spelt() {
        for (left, right) in [
            ("1", "1.0"),
            ("100", "1e2"),
            ("0.5", "5E-1"),
            ("0", "-0.0e7"),
            ("12.50", "1250e-2"),
            ("\"é\"", "\"\\u00e9\""),
            (r#"{"a":1,"b":[2]}"#, r#"{"b":[2.0],"\u0061":1}"#),
        ] {
            assert!(!are_unique_in(&format!("[{left},null,{right}]")), "{left} and {right}");
        }
    }

    #[test]
    fn different_elements_are_told_apart() {
        for (left, right) in [
            ("1", "\"1\""),
            ("1", "-1"),
            ("0", "false"),
            ("1e400", "1e401"),
            ("9007199254740992", "9007199254740993"),
            ("[[],1]", "[[1]]"),
            (r#"{"a":"b"}"#, r#"{"ab":""}"#),
            (r#"{"a":null}"#, r#"{"b":null}"#),
            ("[]", "{}"),
        ] {
            assert!(are_unique_in(&format!("[{left},{right}]")), "{left} and {right}");
        }
    }

    proptest! {
        #[test]
        fn the_library_finds_the_same(elements in prop::collection::vec(prop::sample::select(vec![
            "null", "true", "0", "-0.0", "1", "1.0", "10e-1", "1e1", "10", "\"\"", "\"a\"", "\"\\u0061\"", "[]", "[1]", "[1.0]",
            "[[]]", "{}", r#"{"a":1}"#, r#"{"a":1.0}"#, r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#,
        ]), 0..8)) {
            let document = document(&format!("[{}]", elements.join(",")));
            let tree = document.root().to_value();
            prop_assert_eq!(are_unique(document.root().elements()), unique::is_unique(tree.as_array().unwrap()));
        }
    }
}
