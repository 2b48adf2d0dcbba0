//! What comes out of a text in pieces is what comes out of it as a whole.

use std::cell::Cell;

use proptest::prelude::*;

use super::*;

/// Gives a few bytes at a time, as many as it was told.
struct Dripping<'t> {
    text: &'t [u8],
    drop_bytes: usize,
    most_asked: &'t Cell<usize>,
}

impl Read for Dripping<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.most_asked.set(self.most_asked.get().max(into.len()));
        let taken = self.drop_bytes.min(self.text.len()).min(into.len());
        into[..taken].copy_from_slice(&self.text[..taken]);
        self.text = &self.text[taken..];
        Ok(taken)
    }
}

/// All elements with their places, and why there were no more if something is wrong.
fn streamed(
    text: &[u8],
    drop_bytes: usize,
    bytes_max: usize,
) -> (Vec<(Option<String>, Position)>, Option<StreamError>) {
    let most_asked = Cell::new(0);
    let source = Dripping { text, drop_bytes, most_asked: &most_asked };
    let mut stream = Stream::new(source, &["log", "entries"], bytes_max);
    let (mut elements, mut element) = (Vec::new(), Vec::new());
    loop {
        match stream.next(&mut element) {
            Ok(Some(Found { at, is_whole })) => {
                let text = is_whole.then(|| String::from_utf8_lossy(&element).into_owned());
                elements.push((text, at));
            }
            Ok(None) => return (elements, None),
            Err(error) => {
                assert!(stream.next(&mut element).unwrap().is_none(), "an error is the end");
                return (elements, Some(error));
            }
        }
    }
}

fn texts(text: &str) -> Vec<String> {
    let (elements, error) = streamed(text.as_bytes(), 7, 1 << 20);
    assert!(error.is_none(), "{text}: {error:?}");
    elements.into_iter().map(|(text, _)| text.unwrap()).collect()
}

/// Why the text cannot be read, the line and the column.
fn refused(text: &str) -> (String, usize, usize) {
    let (_, error) = streamed(text.as_bytes(), 7, 1 << 20);
    let error = error.unwrap_or_else(|| panic!("{text} was read"));
    (error.to_string(), error.at.line, error.at.column)
}

#[test]
fn elements_come_as_they_are_written() {
    let text = r#"{"log": {"a": [1, {"entries": [0]}], "entries": [ {"x": "]}"} ,"\"", -1.5e3, null, [[]] ], "z": {}}, "y": 1} "#;
    assert_eq!(texts(text), [r#"{"x": "]}"}"#, r#""\"""#, "-1.5e3", "null", "[[]]"]);
    assert_eq!(texts(r#"{"log":{"entries":[]}}"#), Vec::<String>::new());
    assert_eq!(texts(r#"{"l\u006fg":{"entries":[1]}}"#), ["1"], "a name may be written with escapes");
    assert_eq!(texts("\u{feff}{\"log\":{\"entries\":[1]}}"), ["1"]);
}

#[test]
fn a_place_is_counted_in_lines_and_characters() {
    let (elements, _) = streamed("{\"log\":\n {\"é\": 1, \"entries\": [{\"é\":\n2}, 3]}}".as_bytes(), 1, 100);
    let places: Vec<_> = elements.iter().map(|(_, at)| (at.byte, at.line, at.column)).collect();
    assert_eq!(places, [(31, 2, 23), (42, 3, 5)]);
}

#[test]
fn an_element_that_is_too_long_is_passed_over() {
    let (elements, error) = streamed(br#"{"log":{"entries":[[1,2,3,4],[1]]}}"#, 5, 8);
    let texts: Vec<_> = elements.iter().map(|(text, _)| text.as_deref()).collect();
    assert_eq!((texts, error.is_none()), (vec![None, Some("[1]")], true));
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (text, why, line, column) in [
        ("", "no value", 1, 1),
        ("[]", "the text must be an object", 1, 1),
        ("{}", "there is no `log`", 1, 3),
        ("{\"log\":\n[]}", "`log` is of another kind than it should be", 2, 1),
        (r#"{"log":{"entry":[]}}"#, "there is no `log.entries`", 1, 20),
        (r#"{"log":{"entries":{}}}"#, "`log.entries` is of another kind than it should be", 1, 19),
        (r#"{"log":{"entries":[1 2]}}"#, "unexpected character", 1, 22),
        (r#"{"log":{"entries":[1,]}}"#, "unexpected character", 1, 22),
        (r#"{"log":{"entries":[,1]}}"#, "unexpected character", 1, 20),
        (r#"{"log":{"entries":[1:2]}}"#, "unexpected character", 1, 21),
        (r#"{"log":{"entries":[1"#, "unexpected end of text", 1, 21),
        (r#"{"log":{"entries":[{"a":"#, "unexpected end of text", 1, 25),
        (r#"{"log":{"entries":[1]}"#, "unexpected end of text", 1, 23),
        (r#"{"log":{"entries":[1]}} {}"#, "text after the value", 1, 25),
        (r#"{"log":{"entries":[1],"entries":[2]}}"#, "duplicate member name", 1, 33),
        (r#"{"log":{"entries":[1]},"log":{}}"#, "duplicate member name", 1, 30),
        ("{log:{}}", "unexpected character", 1, 2),
        ("{\"log\"\0:{}}", "unexpected character", 1, 7),
    ] {
        assert_eq!(refused(text), (why.to_owned(), line, column), "{text}");
    }
}

#[test]
fn a_deep_text_takes_no_more_memory_than_a_flat_one() {
    let deep = "[".repeat(1 << 20);
    let text = format!(r#"{{"log":{{"x":{deep}"#);
    assert_eq!(refused(&text).0, "unexpected end of text");
}

#[test]
fn a_source_that_fails_is_no_text_that_is_wrong() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _into: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let error = Stream::new(Failing, &["log"], 1).next(&mut Vec::new()).unwrap_err();
    assert!(matches!(error.kind, StreamErrorKind::Io(_)), "{error}");
}

/// JSON values of all kinds, as text.
fn values() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec!["null", "-1.5", "0", "\"\"", "\"é]\"", "\"\\\"}\\\\\"", "true"]);
    leaf.prop_map(str::to_owned).prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|all| format!("[{}]", all.join(" ,\n"))),
            (inner.clone(), inner).prop_map(|(a, b)| format!("{{\"log\":{a} , \"}}\" :\n{b}}}")),
        ]
    })
}

proptest! {
    #[test]
    fn a_stream_finds_what_the_reader_finds(
        elements in prop::collection::vec(values(), 0..5),
        beside in values(),
        drop_bytes in 1_usize..40,
    ) {
        let list = elements.join(" ,\n ");
        let text = format!("{{\"a\":{beside},\n\"log\":{{\"b\":{beside},\"entries\":[{list}],\"c\":{beside}}},\"d\":{beside}}}");
        let document = Document::parse(text.clone().into(), &Limits::default()).unwrap();
        let read = document.root().pointer("/log/entries").unwrap().elements();
        let expected: Vec<_> = read
            .map(|value| {
                let before = &text.as_bytes()[..value.offset()];
                (Some(value.raw().to_owned()), Position::START.after(before))
            })
            .collect();

        let (found, error) = streamed(text.as_bytes(), drop_bytes, 1 << 20);
        prop_assert!(error.is_none(), "{error:?}");
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn a_text_that_is_cut_off_is_never_taken_for_whole(elements in prop::collection::vec(values(), 1..3), cut in 0_usize..200) {
        let text = format!("{{\"log\":{{\"entries\":[{}]}}}}", elements.join(","));
        if cut < text.len() {
            let (_, error) = streamed(&text.as_bytes()[..cut], 16, 1 << 20);
            prop_assert!(error.is_some());
        }
    }

    #[test]
    fn no_text_panics(text in "[\\[\\]{}:,\"\\\\lognetris0-9 \\n]{0,60}", bytes: Vec<u8>, drop_bytes in 1_usize..9) {
        streamed(text.as_bytes(), drop_bytes, 16);
        streamed(format!("{{\"log\":{{\"entries\":[{text}").as_bytes(), drop_bytes, 16);
        streamed(&bytes, drop_bytes, 16);
    }
}
