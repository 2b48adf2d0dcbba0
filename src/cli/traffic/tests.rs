//! What files of traffic hold.

use super::super::{console::Console, testing::file};
use super::*;
use crate::json::{Document, Limits};

fn document(text: &str) -> Document {
    Document::parse(text.into(), &Limits::default()).unwrap()
}

/// The pieces of a file: text, line, and whether it is whole.
fn pieces(name: &str, text: &str) -> Vec<(String, usize, bool)> {
    let file = file(name, text);
    let console = Console::new(std::io::sink(), std::io::sink());
    let mut pieces = Input::new(file.path(), None).open(&console).unwrap();
    let (mut found, mut text) = (Vec::new(), Vec::new());
    while let Ok(Some(piece)) = pieces.next(&mut text) {
        found.push((String::from_utf8_lossy(&text).into_owned(), piece.at.line, piece.is_whole));
    }
    found
}

#[test]
fn lines_that_are_blank_are_none_and_the_last_needs_no_end() {
    let piece = |text: &str, line| (text.to_owned(), line, true);
    assert_eq!(pieces("a.jsonl", "1\n\n  \r\n2\r\n3"), [piece("1", 1), piece("2\r", 4), piece("3", 5)]);
    assert_eq!(pieces("a.ndjson", ""), []);
    assert_eq!(pieces("a.json", "1\n2\n"), [piece("1\n2\n", 1)]);
}

#[test]
fn a_line_that_is_too_long_is_passed_over() {
    let long = "x".repeat(pieces::PIECE_BYTES_MAX + 1);
    let found = pieces("a.jsonl", &format!("1\n{long}\n2"));
    let found: Vec<_> = found.iter().map(|(text, line, whole)| (text.as_str(), *line, *whole)).collect();
    assert_eq!(found, [("1", 1, true), ("", 2, false), ("2", 3, true)]);
}

#[test]
fn the_ending_of_a_file_says_what_it_holds_unless_somebody_does() {
    let kind = |name: &str, said| Input::new(name.as_ref(), said).kind;
    assert_eq!(kind("a.HAR", None), InputKind::Har);
    assert_eq!(kind("a.ndjson", None), InputKind::Jsonl);
    assert_eq!(kind("a.txt", None), InputKind::Json);
    assert_eq!(kind("-", Some(InputKind::Har)), InputKind::Har);
}

/// What a HAR says of the body of an answer.
fn answer(content: &str) -> Option<Recorded<'static>> {
    let entry = format!(
        r#"{{"request": {{"method": "GET", "url": "/"}}, "response": {{"status": 200, "content": {content}}}}}"#
    );
    let document: &'static Document = Box::leak(Box::new(document(&entry)));
    har::exchange(document.root()).ok().map(|exchange| exchange.answer)
}

#[test]
fn a_body_that_was_not_recorded_is_not_one_that_was_not_there() {
    for content in [
        r#"{"size": 7}"#,
        r#"{"size": -1, "text": ""}"#,
        r#"{"size": 2, "text": "aa", "encoding": "br"}"#,
        "{}",
    ] {
        assert!(matches!(answer(content), Some(Recorded::Unknown)), "{content}");
    }
    for content in [r#"{"size": 0}"#, r#"{"size": 0, "text": ""}"#] {
        assert!(matches!(answer(content), Some(Recorded::Nothing)), "{content}");
    }
    let text = |content: &str| match answer(content) {
        Some(Recorded::Body(body)) => body.bytes().map(|bytes| String::from_utf8(bytes).unwrap()),
        _ => None,
    };
    assert_eq!(text(r#"{"text": "{\"a\": 1}"}"#).as_deref(), Some("{\"a\": 1}"));
    assert_eq!(text(r#"{"text": "e30=", "encoding": "BASE64"}"#).as_deref(), Some("{}"));
    assert_eq!(text(r#"{"text": "?", "encoding": "base64"}"#), None);
    assert!(answer(r#"{"text": 1}"#).is_none());
}

#[test]
fn of_an_answer_that_never_came_there_is_no_status() {
    let entry = document(r#"{"request": {"method": "GET", "url": "/"}, "response": {"status": 0}}"#);
    assert!(har::exchange(entry.root()).unwrap().status.is_none());
}

#[test]
fn headers_that_are_none_are_passed_over() {
    let entry = document(
        r#"{"request": {"method": "GET", "url": "/", "headers": [{"name": ":authority", "value": "x"}, {"name": "User-Agent",
        "value": "acme/2"}, {"name": 7}, 8]}, "response": {"status": 200}}"#,
    );
    let headers = har::exchange(entry.root()).unwrap().headers;
    assert_eq!((headers.len(), headers["user-agent"].to_str().unwrap()), (1, "acme/2"));
}

#[test]
fn a_record_says_what_was_called() {
    let record = document(
        r#"{"method": "GET", "url": "/", "calls": [{"line": "GET /v1", "status": 404, "body": null}, {"line": "GET /v2",
        "status": 200, "body": {}}]}"#,
    );
    let calls = record::exchange(record.root()).unwrap().calls.unwrap();
    let calls: Vec<_> =
        calls.iter().map(|call| (call.line.as_str(), call.status, call.body.is_some())).collect();
    assert_eq!(calls, [("GET /v1", 404, false), ("GET /v2", 200, true)]);
    for wrong in ["[1]", "{}", r#"[{"line": 1, "status": 200}]"#, r#"[{"line": "GET /"}]"#] {
        let record = document(&format!(r#"{{"method": "GET", "url": "/", "calls": {wrong}}}"#));
        assert!(record::exchange(record.root()).is_err(), "{wrong}");
    }
}
