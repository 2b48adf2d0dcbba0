//! What the reader promises, held against `serde_json` as a second opinion: on files, near the grammar, and
//! on any bytes at all.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde_json::Value as Tree;

use super::{Document, Limits, ReadError, ReadErrorKind};

/// Texts near the grammar: fragments that are valid in some orders and not in others.
fn fragments() -> impl Strategy<Value = String> {
    const FRAGMENTS: &str = r#"{ } [ ] , : {} [] {"a": [1, "a" "b" "\u0061" "\ud834\udd1e" "\ud834" 0 -0 - 12 1.5
        1e5 1E-5 1. .5 01 true false null nul " \ é"#;
    let spaces = [" ", "\n", "\t", "\u{a0}", "\u{feff}", "\"\u{1}\""];
    let fragments: Vec<_> = FRAGMENTS.split_whitespace().chain(spaces).collect();
    prop::collection::vec(prop::sample::select(fragments), 0..12).prop_map(|fragments| fragments.concat())
}

/// The files of `tests/fixtures/json`: one text each, to be accepted or rejected as its folder says.
fn fixtures(folder: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/json").join(folder);
    let entries = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.display().to_string(), fs::read(&path).unwrap())).collect()
}

#[test]
fn every_file_to_accept_is_accepted_and_means_what_serde_json_reads() {
    let files = fixtures("accept");
    assert!(files.len() > 80, "the folder is there");
    for (path, bytes) in files {
        let theirs = (!path.contains("_private_")).then(|| serde_json::from_slice::<Tree>(&bytes).unwrap());
        match Document::parse(bytes, &Limits::default()) {
            Ok(ours) => assert!(theirs.is_none_or(|theirs| ours.root().to_value() == theirs), "{path}"),
            Err(error) => panic!("{path}: {error}"),
        }
    }
}

#[test]
fn every_file_to_reject_is_rejected() {
    let files = fixtures("reject");
    assert!(files.len() > 200, "the folder is there");
    for (path, bytes) in files {
        let length = bytes.len();
        let they_accept = serde_json::from_slice::<Tree>(&bytes).is_ok();
        match Document::parse(bytes, &Limits::default()) {
            Ok(_) => panic!("{path} was accepted"),
            Err(error) => {
                assert!(error.offset <= length, "{path}");
                assert!(!they_accept || is_extra_strictness(error.kind), "{path}: {error}");
            }
        }
    }
}

/// What may be refused although `serde_json` accepts it.
fn is_extra_strictness(kind: ReadErrorKind) -> bool {
    matches!(kind, ReadErrorKind::DuplicateKey | ReadErrorKind::Depth | ReadErrorKind::LongNumber)
}

fn agrees_with_serde_json(text: &str) -> Result<(), TestCaseError> {
    let theirs = serde_json::from_str::<Tree>(text);
    match (Document::parse(text.into(), &Limits::default()), theirs) {
        (Ok(ours), Ok(theirs)) => prop_assert_eq!(ours.root().to_value(), theirs),
        (Err(ours), Ok(_)) => prop_assert!(is_extra_strictness(ours.kind), "{text}: {ours}"),
        (Ok(_), Err(theirs)) => prop_assert!(false, "{text}: only they refuse it: {theirs}"),
        (Err(_), Err(_)) => {}
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn reader_and_serde_json_agree_near_the_grammar(text in fragments()) {
        agrees_with_serde_json(&text)?;
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
        match (Document::parse(bytes.clone(), &Limits::default()), std::str::from_utf8(&bytes)) {
            (Ok(_), Err(_)) => prop_assert!(false, "not UTF-8, yet accepted"),
            (Err(error), Err(utf8)) => {
                prop_assert_eq!(error, ReadError { kind: ReadErrorKind::Utf8, offset: utf8.valid_up_to() });
            }
            (_, Ok(text)) => agrees_with_serde_json(text)?,
        }
    }
}
