//! Calls on their way: whole, in small pieces, not at all, and to backends that answer before they have read them.

use futures_util::FutureExt;
use http::{HeaderName, HeaderValue, Method, header::ACCEPT};

use super::{
    script::{End, Full, LIMIT, Script, call, outcome},
    table::text,
};
use crate::upstream::{Request, Stage, wire::Wire};

const OK: &str = "{}Content-Length: 2\r\n\r\nok";

fn answering(answer: &str) -> Script {
    Script::new([text(answer)], End::Open)
}

#[test]
fn one_call_after_another_is_written_into_the_same_buffers() {
    let mut script = Script::new([""; 0], End::Open);
    script.gulp = 10;
    let mut wire = Wire::new(script);
    let json = HeaderValue::from_static("application/json");
    let none = HeaderName::from_static("if-match");
    let long = "x".repeat(12_345);
    let body = long.as_bytes();
    for (method, body) in [(Method::PUT, &b"{}"[..]), (Method::GET, b""), (Method::PATCH, body)] {
        let headers = [(ACCEPT, Some(&json)), (none.clone(), None)];
        let call = Request { headers: &headers, body, ..call(&method) };
        wire.stream().pieces.push_back(text(OK).into_bytes());
        assert!(outcome(&mut wire, &call).unwrap().is_kept);
    }
    let written = String::from_utf8(std::mem::take(&mut wire.stream().written)).unwrap();
    let lines = "host: backend\r\naccept: application/json\r\n";
    let expected = [
        format!("PUT /things HTTP/1.1\r\n{lines}content-length: 2\r\n\r\n{{}}"),
        format!("GET /things HTTP/1.1\r\n{lines}\r\n"),
        format!("PATCH /things HTTP/1.1\r\n{lines}content-length: 12345\r\n\r\n{long}"),
    ];
    assert_eq!(written, expected.concat());
}

#[test]
fn a_call_of_which_nothing_was_taken_is_unsent() {
    let mut script = answering(OK);
    script.room = 0;
    let outcome = outcome(&mut Wire::new(script), &call(&Method::POST)).unwrap();
    assert_eq!(outcome.answer, Err("unsent: the connection failed: broken pipe".to_owned()));
    assert_eq!((outcome.is_kept, outcome.stage), (false, Stage::Head));
}

#[test]
fn a_connection_that_closes_before_it_takes_anything_leaves_the_call_unsent() {
    for end in [End::Closed, End::Reset] {
        let script = Script { room: 0, full: Full::Blocks, ..Script::new([""; 0], end) };
        let outcome = outcome(&mut Wire::new(script), &call(&Method::POST)).unwrap();
        assert!(outcome.answer.unwrap_err().starts_with("unsent: the connection "), "{end:?}");
    }
}

#[test]
fn a_call_of_which_one_byte_was_taken_is_not_unsent() {
    let script = Script { room: 1, ..Script::new([""; 0], End::Closed) };
    let outcome = outcome(&mut Wire::new(script), &call(&Method::POST)).unwrap();
    let expected = "unanswered: the connection was closed before the answer was complete";
    assert_eq!(outcome.answer, Err(expected.to_owned()));
}

#[test]
fn an_early_answer_to_a_call_that_nobody_reads_to_its_end_is_the_answer() {
    for full in [Full::Fails, Full::Blocks] {
        let script =
            Script { room: 100, full, ..answering("HTTP/1.1 413 Large\r\nContent-Length: 2\r\n\r\nno") };
        let mut wire = Wire::new(script);
        let body = [b'x'; 5000];
        let outcome = outcome(&mut wire, &Request { body: &body, ..call(&Method::POST) }).unwrap();
        assert_eq!(outcome.answer, Ok((413, b"no".to_vec(), None)), "{full:?}");
        assert!(!outcome.is_kept, "{full:?}: the rest of the call would be taken for the next one");
        assert_eq!(wire.stream().written.len(), 100);
    }
}

#[test]
fn a_call_goes_on_while_its_answer_begins() {
    let pieces = ["HTTP/1.1 100 Continue\r\n\r\n", OK].map(text);
    let script = Script { room: 100, full: Full::BlocksUntilTold, ..Script::new(pieces, End::Open) };
    let mut wire = Wire::new(script);
    let body = [b'x'; 5000];
    let outcome = outcome(&mut wire, &Request { body: &body, ..call(&Method::POST) }).unwrap();
    assert_eq!((outcome.answer, outcome.is_kept), (Ok((200, b"ok".to_vec(), None)), true));
    assert!(wire.stream().written.ends_with(&body));
}

/// Whether somebody else may read the answer to a call of which so much of the answer came, and whether the next one can be sent
/// when they have, after so much more.
fn taken_over(method: &Method, came: &str, then: &str, end: End) -> (bool, bool) {
    let mut wire = Wire::new(Script::new([text(came)], End::Open));
    assert!(outcome(&mut wire, &call(method)).is_none(), "it waits for ever");
    assert!(!wire.is_reusable(), "whoever gave up has left half an answer behind");
    wire.stream().pieces.push_back(text(then).into_bytes());
    wire.stream().end = end;
    let owes = wire.owes_an_answer();
    assert!(wire.finish(LIMIT).now_or_never().is_some(), "nothing is left to wait for");
    (owes, wire.is_reusable())
}

#[test]
fn an_answer_that_nobody_waits_for_is_read_by_whoever_takes_the_wire_over() {
    for (came, then) in [
        ("", OK),
        ("HTTP/1.1 200 OK\r\nConte", "nt-Length: 2\r\n\r\nok"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r", "\nok"),
        ("HTTP/1.1 103 Early Hints\r\n\r\n", OK),
        ("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n", "Content-Length: 0\r\n\r\n"),
        ("", "{}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
    ] {
        assert_eq!(taken_over(&Method::POST, came, then, End::Open), (true, true), "{came:?} {then:?}");
    }
    // It has no body, whatever it says.
    assert_eq!(taken_over(&Method::HEAD, "", "{}Content-Length: 2\r\n\r\n", End::Open), (true, true));
    for (then, end) in [
        ("{}Content-Length: 2\r\n\r\nokay", End::Open),
        ("{}Connection: close\r\nContent-Length: 2\r\n\r\nok", End::Open),
        ("{}\r\nok", End::Closed),
        ("", End::Closed),
        ("", End::Reset),
        ("nonsense\r\n\r\n", End::Open),
    ] {
        assert_eq!(taken_over(&Method::GET, "", then, end), (true, false), "{then:?} {end:?}");
    }
}

#[test]
fn a_call_that_waits_for_a_body_or_is_not_all_sent_is_nobody_elses() {
    let half = "{}Content-Length: 5\r\n\r\nhalf";
    assert_eq!(taken_over(&Method::GET, half, "!", End::Open), (false, false));
    let script = Script { room: 100, full: Full::Blocks, ..Script::new([""; 0], End::Open) };
    let mut wire = Wire::new(script);
    assert!(outcome(&mut wire, &Request { body: &[b'x'; 5000], ..call(&Method::POST) }).is_none());
    assert!(!wire.owes_an_answer());
}

#[test]
fn the_stage_says_what_is_waited_for() {
    let in_body = Stage::Body(http::StatusCode::OK);
    for (answer, stage) in
        [("", Stage::Head), ("{}Conte", Stage::Head), ("{}Content-Length: 1\r\n\r\n", in_body)]
    {
        let script = Script::new([text(answer)], End::Reset);
        assert_eq!(outcome(&mut Wire::new(script), &call(&Method::GET)).unwrap().stage, stage, "{answer:?}");
    }
}
