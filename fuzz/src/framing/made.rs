//! Requests that are written as they should be, each with its body framed in one of the ways there are.

use super::super::choices::Choices;
use super::super::chunked::{EXTENSIONS, TRAILERS, push_chunk};
use super::Heard;

const METHODS: [&str; 5] = ["POST", "PUT", "PATCH", "DELETE", "GET"];

/// Headers that look like those that say where a body ends.
const OTHERS: [&str; 6] = [
    "",
    "X-Content-Length: 9",
    "Content_Length: 9",
    "Transfer-Encodings: chunked",
    "X: Content-Length: 9",
    "Expect: 100-continue",
];

/// What a body may have in it that looks like the end of one, or the beginning of what comes next.
const BODIES: [&str; 5] = [
    "0\r\n\r\n",
    "\r\n\r\n",
    "GET /hidden HTTP/1.1\r\nHost: test\r\n\r\n",
    "\n\nPOST /hidden HTTP/1.1\nContent-Length: 5\n\n",
    "Content-Length: 0\r\n\r\n",
];

/// What is said on a connection, and the requests that are meant.
pub(super) fn connection(choices: &mut Choices<'_>) -> (Vec<u8>, Vec<Heard>) {
    let (mut said, mut meant) = (Vec::new(), Vec::new());
    for number in 0..choices.below(5) {
        meant.push(push_request(choices, number, &mut said));
    }
    (said, meant)
}

fn push_request(choices: &mut Choices<'_>, number: usize, said: &mut Vec<u8>) -> Heard {
    let (method, target) = (choices.pick(&METHODS), format!("/{number}"));
    let end = if choices.seldom(4) { "\n" } else { "\r\n" };
    let framing = choices.below(8);
    let body = match framing {
        0 => Vec::new(),
        _ if choices.seldom(3) => choices.pick(&BODIES).as_bytes().to_vec(),
        _ => (0..choices.below(40)).map(|_| choices.byte()).collect(),
    };
    let length = body.len();
    let headers = match framing {
        0 => Vec::new(),
        1 => vec![format!("Content-Length: {length}")],
        2 => vec![format!("content-length:\t 00{length}  ")],
        3 => vec![format!("CONTENT-LENGTH:{length}"), format!("Content-Length: {length}")],
        4 => vec!["transfer-encoding:CHUNKED".to_owned()],
        _ => vec!["Transfer-Encoding: \tchunked ".to_owned()],
    };
    let other = choices.pick(&OTHERS);
    let head = [format!("{method} {target} HTTP/1.1"), "Host: test".to_owned(), other.to_owned()];
    for line in head.iter().chain(&headers).filter(|line| !line.is_empty()) {
        said.extend_from_slice(line.as_bytes());
        said.extend_from_slice(end.as_bytes());
    }
    said.extend_from_slice(end.as_bytes());
    if framing < 4 {
        said.extend_from_slice(&body);
    } else {
        push_chunks(choices, &body, said);
    }
    Heard { method: method.to_owned(), target, body }
}

fn push_chunks(choices: &mut Choices<'_>, mut body: &[u8], said: &mut Vec<u8>) {
    for _ in 0..choices.below(4) {
        let (chunk, rest) = body.split_at((1 + choices.below(20)).min(body.len()));
        push_chunk(said, chunk, choices.below(20), choices.pick(&EXTENSIONS));
        body = rest;
    }
    push_chunk(said, body, 0, "");
    let zeros = "0".repeat(1 + choices.below(20));
    let (extension, trailers) = (choices.pick(&EXTENSIONS), choices.pick(&TRAILERS));
    said.extend_from_slice(format!("{zeros}{extension}\r\n{trailers}\r\n").as_bytes());
}
