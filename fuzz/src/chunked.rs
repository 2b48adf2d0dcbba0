//! Answers in chunks.
//!
//! What must hold:
//!
//! - however a body is cut into chunks, their sizes spelt, extended and trailed, it comes as it was, and the connection
//!   serves the next call;
//! - any bytes in place of the chunks are the same body to hyper's client, or none to us.

use http::Method;

use super::answer::{answered, check_answer};
use super::choices::Choices;

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

/// What may stand behind the size of a chunk.
pub(super) const EXTENSIONS: [&str; 7] = ["", ";", " ;a", ";a=b", "\t; a=\"b\"; c", " ", ";\u{e9}"];

/// Lines that may stand behind the last chunk.
pub(super) const TRAILERS: [&str; 5] =
    ["", "a: b\r\n", "content-length: 3\r\n", "transfer-encoding: chunked\r\n", "a:\r\nb: \u{e9}\r\n"];

/// Looks at any bytes as chunks: as what is in them, or as they are.
///
/// # Panics
///
/// If something does not hold.
pub fn check(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let (is_raw, cut) = (choices.seldom(2), choices.byte());
    if is_raw {
        return check_answer(&[HEAD, choices.rest()].concat(), &Method::GET, cut);
    }
    let (mut sizes, trailer) = (Vec::new(), choices.pick(&TRAILERS));
    for _ in 0..choices.below(6) {
        sizes.push((1 + choices.below(40), choices.below(8), choices.pick(&EXTENSIONS)));
    }
    let mut body = choices.rest();
    body = &body[..body.len().min(2000)];
    let mut answer = HEAD.to_vec();
    let mut rest = body;
    for (size, zeros, extension) in sizes {
        let (data, after) = rest.split_at(size.min(rest.len()));
        rest = after;
        push_chunk(&mut answer, data, zeros, extension);
    }
    push_chunk(&mut answer, rest, 0, "");
    answer.extend_from_slice(format!("0\r\n{trailer}\r\n").as_bytes());
    let cut = usize::from(cut) * answer.len() / 255;
    let (first, next) = answered(&answer, cut, &Method::GET, true);
    let shown = String::from_utf8_lossy(&answer).into_owned();
    assert_eq!(first.unwrap_or_else(|why| panic!("{why:?}: {shown:?}")).body, body, "{shown:?}");
    assert_eq!(next.unwrap_or_else(|why| panic!("{why:?}: {shown:?}")).body, b"next", "{shown:?}");
}

/// None if there is no data: that would be the last one.
pub(super) fn push_chunk(answer: &mut Vec<u8>, data: &[u8], zeros: usize, extension: &str) {
    if !data.is_empty() {
        let size =
            if zeros.is_multiple_of(2) { format!("{:x}", data.len()) } else { format!("{:X}", data.len()) };
        answer.extend_from_slice(format!("{}{size}{extension}\r\n", "0".repeat(zeros)).as_bytes());
        answer.extend_from_slice(data);
        answer.extend_from_slice(b"\r\n");
    }
}
