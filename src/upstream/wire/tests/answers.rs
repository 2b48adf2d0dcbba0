//! The table of answers, delivered in all ways there are, and the limits of what is read.

use std::fmt::Write;

use http::Method;

use super::{
    script::{End, Outcome, Script, call, outcome},
    table::{
        ANSWERS, CUT_SHORT, HEADS,
        Is::{Broken, Kept, Last, UntilClosed},
        NO_HEAD, TRAILERS, text,
    },
};
use crate::upstream::wire::Wire;

#[test]
fn bytes_are_what_they_are_however_they_are_delivered() {
    for (answer, is) in ANSWERS {
        let (expected, is_kept) = match *is {
            Kept(status, body) => (Ok((status, body)), true),
            Last(status, body) | UntilClosed(status, body) => (Ok((status, body)), false),
            Broken(reason) => (Err(reason), false),
        };
        let waits = matches!(is, UntilClosed(..)) || *is == NO_HEAD || *is == CUT_SHORT;
        assert_is(&text(answer), expected, is_kept, waits);
    }
    for (answer, error) in HEADS {
        let reason = format!("the backend's answer is broken: the head is malformed: {error}");
        assert_is(&text(answer), Err(&reason), false, false);
    }
}

/// The same bytes, whole, byte by byte, and split at every point; then the backend closes the connection, or does not.
fn assert_is(text: &str, expected: Result<(u16, &str), &str>, is_kept: bool, waits: bool) {
    let bytes = text.as_bytes();
    let splits = (1..bytes.len()).map(|at| vec![&bytes[..at], &bytes[at..]]);
    for pieces in [vec![bytes], bytes.chunks(1).collect()].into_iter().chain(splits) {
        let lengths: Vec<_> = pieces.iter().map(|piece| piece.len()).take(2).collect();
        let closed = delivered(pieces.clone(), End::Closed).expect("after the end nobody waits");
        assert_eq!(told(&closed), expected, "{text:?} in pieces of {lengths:?}");
        assert!(!closed.is_kept, "{text:?} in pieces of {lengths:?}: the connection is closed");
        match delivered(pieces, End::Open) {
            Some(open) => {
                assert!(!waits, "{text:?} in pieces of {lengths:?}: nobody can know the end");
                assert_eq!(told(&open), expected, "{text:?} in pieces of {lengths:?}");
                assert_eq!(open.is_kept, is_kept, "{text:?} in pieces of {lengths:?}");
            }
            // What is wrong within a head may be found at its end.
            None => assert!(waits || expected.is_err(), "{text:?} in pieces of {lengths:?}: all has come"),
        }
    }
}

fn delivered(pieces: Vec<&[u8]>, end: End) -> Option<Outcome> {
    outcome(&mut Wire::new(Script::new(pieces, end)), &call(&Method::GET))
}

fn told(outcome: &Outcome) -> Result<(u16, &str), &str> {
    match &outcome.answer {
        Ok((status, body, _)) => Ok((*status, std::str::from_utf8(body).unwrap())),
        Err(reason) => Err(reason),
    }
}

#[test]
fn a_reset_is_no_end_of_an_answer() {
    for (answer, reason) in [
        ("{}\r\nuntil the", "the backend's answer is broken: the connection failed: connection reset"),
        (
            "{}Content-Length: 5\r\n\r\nhalf",
            "the backend's answer is broken: the connection failed: connection reset",
        ),
        ("{chunked}2\r\n", "the backend's answer is broken: the connection failed: connection reset"),
        ("{}Content-Le", "unanswered: the connection failed: connection reset"),
        ("", "unanswered: the connection failed: connection reset"),
    ] {
        let reset = delivered(vec![text(answer).as_bytes()], End::Reset).unwrap();
        assert_eq!(told(&reset), Err(reason), "{answer:?}");
    }
}

#[test]
fn what_is_announced_to_head_is_not_waited_for() {
    for answer in ["{}Content-Length: 99999999\r\n\r\n", "{}Transfer-Encoding: chunked\r\n\r\n", "{}\r\n"] {
        let mut wire = Wire::new(Script::new([text(answer)], End::Open));
        let outcome = outcome(&mut wire, &call(&Method::HEAD)).unwrap();
        assert_eq!((told(&outcome), outcome.is_kept), (Ok((200, "")), true), "{answer:?}");
    }
}

#[test]
fn a_head_may_have_so_many_bytes_lines_and_forerunners_and_no_more() {
    let line = |length: usize| format!("X: {}\r\n", "x".repeat(length - 5));
    let end = "Content-Length: 2\r\n\r\n";
    let longest = 65_536 - text("{}").len() - end.len();
    let continues = |times: usize| "HTTP/1.1 100 Continue\r\n\r\n".repeat(times);
    for (before, lines, expected) in [
        (String::new(), line(longest), Ok((200, "ok"))),
        (
            String::new(),
            line(longest + 1),
            Err("the backend's answer is broken: the head is larger than 65536 bytes"),
        ),
        (
            String::new(),
            line(99_000),
            Err("the backend's answer is broken: the head is larger than 65536 bytes"),
        ),
        (String::new(), line(9).repeat(99), Ok((200, "ok"))),
        (
            String::new(),
            line(9).repeat(100),
            Err("the backend's answer is broken: the head is malformed: too many headers"),
        ),
        (continues(10), String::new(), Ok((200, "ok"))),
        (
            continues(11),
            String::new(),
            Err("the backend's answer is broken: more than 10 interim answers came first"),
        ),
        (continues(9), line(longest), Ok((200, "ok"))),
    ] {
        let answer = text(&format!("{before}{{}}{lines}{end}ok"));
        for size in [1, 7, 8192, 70_000, answer.len()] {
            let found = delivered(answer.as_bytes().chunks(size).collect(), End::Open).unwrap();
            assert_eq!(told(&found), expected, "{} bytes in pieces of {size}", answer.len());
        }
    }
}

#[test]
fn extensions_and_trailers_may_have_so_many_bytes_and_no_more() {
    let extended = |bytes: usize| format!("{{chunked}}2;{}\r\nok\r\n0\r\n\r\n", "x".repeat(bytes - 1));
    let trailing = |bytes: usize| format!("{{chunked}}2\r\nok\r\n0\r\nX: {}\r\n\r\n", "x".repeat(bytes - 7));
    let many = |lines: usize| format!("{{chunked}}2\r\nok\r\n0\r\n{}\r\n", "X: 1\r\n".repeat(lines));
    let extensions = "the backend's answer is broken: the chunks have extensions of more than 16384 bytes";
    let Broken(trailers) = TRAILERS else { unreachable!() };
    for (answer, expected) in [
        (extended(16_384), Ok((200, "ok"))),
        (extended(16_385), Err(extensions)),
        (trailing(16_383), Ok((200, "ok"))),
        (trailing(16_385), Err(trailers)),
        (many(100), Ok((200, "ok"))),
        (many(101), Err(trailers)),
        ("{chunked}".to_owned() + &"1;abcdefgh\r\nx\r\n".repeat(2000), Err(extensions)),
    ] {
        for size in [1, 8192, 70_000] {
            let found = delivered(text(&answer).as_bytes().chunks(size).collect(), End::Open).unwrap();
            assert_eq!(told(&found), expected, "{} bytes in pieces of {size}", answer.len());
        }
    }
}

#[test]
fn a_large_body_is_read_to_its_last_byte_and_no_further() {
    let body = "0123456789".repeat(9_999);
    let chunks = |size: usize| {
        let mut chunks = String::new();
        for chunk in body.as_bytes().chunks(size) {
            let text = std::str::from_utf8(chunk).unwrap();
            write!(chunks, "{:X}\r\n{text}\r\n", chunk.len()).unwrap();
        }
        format!("{{chunked}}{chunks}0\r\n\r\n")
    };
    let sized = format!("{{}}Content-Length: {}\r\n\r\n{body}", body.len());
    for answer in [sized, chunks(1), chunks(8192), chunks(8193), chunks(50_000), chunks(99_990)] {
        for extra in ["", "x", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"] {
            let answer = text(&answer) + extra;
            for size in [997, 8192, 10_000, 1_000_000] {
                let found = delivered(answer.as_bytes().chunks(size).collect(), End::Open).unwrap();
                assert_eq!(told(&found), Ok((200, body.as_str())), "pieces of {size}");
                assert_eq!(found.is_kept, extra.is_empty(), "pieces of {size}, and {extra:?}");
            }
        }
    }
    for answer in ["{}\r\n", "{chunked}186a1\r\n"] {
        let answer = text(answer) + &"x".repeat(100_001);
        let found = delivered(answer.as_bytes().chunks(10_000).collect(), End::Closed).unwrap();
        assert_eq!(told(&found), Err("the backend's answer is larger than 100000 bytes"));
    }
    let answer = text("{}\r\n") + &"x".repeat(100_000);
    let found = delivered(answer.as_bytes().chunks(10_000).collect(), End::Closed).unwrap();
    assert_eq!(told(&found).unwrap().1.len(), 100_000);
}
