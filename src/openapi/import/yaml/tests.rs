//! YAML against what its specification says, and against those who write it to do harm.

use std::fmt::Write;

use serde_json::json;

use super::*;

fn said(text: &str) -> Value {
    read(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn refused(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

/// The example of the core schema, section 10.3.2 of the specification.
#[test]
fn plain_scalars_are_what_the_core_schema_says() {
    let text = "A null: null\nBooleans: [ true, True, false, FALSE ]\nIntegers: [ 0, 0o7, 0x3A, -19 ]\n\
                Floats: [ 0., -0.0, .5, +12e03, -2E+05 ]\n";
    let expected = json!({
        "A null": null, "Booleans": [true, true, false, false], "Integers": [0, 7, 58, -19],
    });
    let mut said = said(text);
    let floats = said["Floats"].take();
    let floats: Vec<_> = floats.as_array().unwrap().iter().map(|float| float.as_f64().unwrap()).collect();
    assert_eq!(floats, [0.0, -0.0, 0.5, 12e3, -2e5]);
    said.as_object_mut().unwrap().remove("Floats");
    assert_eq!(said, expected);
}

#[test]
fn what_only_older_yaml_reads_as_something_else_stays_a_text() {
    assert_eq!(
        said("[yes, no, on, 1:30, 0777x, 2001-12-14, 1_000]"),
        json!(["yes", "no", "on", "1:30", "0777x", "2001-12-14", "1_000"])
    );
    assert_eq!(said("['true', \"1\", 'null']"), json!(["true", "1", "null"]));
}

#[test]
fn names_are_texts_as_they_are_written() {
    assert_eq!(said("200: a\n'404': b\nnull: c\n"), json!({"200": "a", "404": "b", "null": "c"}));
}

#[test]
fn an_alias_repeats_what_its_anchor_names() {
    assert_eq!(said("a: &x [1, 2]\nb: *x\n"), json!({"a": [1, 2], "b": [1, 2]}));
    assert_eq!(said("a: &x text\nb: *x\n"), json!({"a": "text", "b": "text"}));
}

#[test]
fn a_few_lines_cannot_stand_for_a_billion_values() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let inner = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(text, "a{level}: &a{level} [{inner}]").unwrap();
    }
    assert!(refused(&text).contains(TOO_MANY), "{}", refused(&text));
}

#[test]
fn what_aliases_repeat_is_bounded_in_letters_too() {
    let letters = "x".repeat(1 << 16);
    let of_texts = format!("a: &a \"{letters}\"\nb: [{}]\n", "*a, ".repeat(3000));
    let of_names = format!("a: &a {{\"{letters}\": 1}}\nb: [{}]\n", "*a, ".repeat(3000));
    for text in [of_texts, of_names] {
        assert!(refused(&text).contains(TOO_LONG), "{}", refused(&text));
    }
    let few = format!("a: &a \"{letters}\"\nb: [{}]\n", "*a, ".repeat(100));
    assert_eq!(said(&few)["b"].as_array().map(Vec::len), Some(100));
}

#[test]
fn what_contains_itself_is_refused() {
    assert!(refused("a: &x [*x]\n").contains("alias"), "{}", refused("a: &x [*x]\n"));
}

#[test]
fn what_two_readers_could_read_in_two_ways_is_refused() {
    assert!(refused("a: 1\na: 2\n").contains("comes twice"));
    assert!(refused("a: 1\n--- \nb: 2\n").contains("several documents"));
    assert!(refused("base: &b {x: 1}\nmore:\n  <<: *b\n").contains("`<<`"));
    assert!(refused("? [a, b]\n: 1\n").contains("where a name belongs"));
}

#[test]
fn what_json_cannot_say_is_refused() {
    assert!(refused("a: .inf\n").contains("infinite"));
    assert!(refused("a: !thing {b: 1}\n").contains("tag"));
    assert_eq!(said("a: !!str 1\nb: !!int 2\n"), json!({"a": "1", "b": 2}));
}

#[test]
fn depth_is_bounded_in_both_styles() {
    let flow = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    refused(&flow);
    let block: Vec<_> = (0..300).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    let block = block.concat();
    assert!(refused(&block).contains("deeper"), "{}", refused(&block));
}

#[test]
fn a_fault_is_told_with_its_place() {
    let error = read("a: 1\nb: [1, 2\n").unwrap_err();
    assert!(matches!(error, ReadError::Yaml { line: 2.., .. }), "{error}");
    assert!(read("").is_err());
}
