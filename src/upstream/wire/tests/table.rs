//! Answers byte by byte, and what they are: RFC 9112 says so, and where it leaves a choice the strictest one counts.

/// What is made of some bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Is {
    /// An answer with that status and body, after which the connection is used again.
    Kept(u16, &'static str),
    /// One after which it is not.
    Last(u16, &'static str),
    /// One that ends where the connection does.
    UntilClosed(u16, &'static str),
    /// None, for this reason.
    Broken(&'static str),
}
use Is::{Broken, Kept, Last, UntilClosed};

const NOT_HTTP: Is = Broken("the backend's answer is broken: it is not HTTP/1");
const LENGTH: Is =
    Broken("the backend's answer is broken: the length is announced as no number, or as several");
const TWO: Is = Broken("the backend's answer is broken: both a length and a transfer coding are announced");
const CODING: Is = Broken("the backend's answer is broken: the transfer coding is not `chunked` alone");
const CHUNK: Is = Broken("the backend's answer is broken: a chunk is malformed");
pub(super) const TRAILERS: Is =
    Broken("the backend's answer is broken: the trailers are malformed, or larger than 16384 bytes");
pub(super) const CUT_SHORT: Is =
    Broken("the backend's answer is broken: the connection was closed before the answer was complete");
pub(super) const NO_HEAD: Is = Broken("unanswered: the connection was closed before the answer was complete");
const SWITCHED: Is =
    Broken("the backend's answer is broken: the connection was switched to another protocol");
const ENCODED: Is = Broken("the backend's answer is broken: the body is encoded as nobody asked for");
const TOO_LARGE: Is = Broken("the backend's answer is larger than 100000 bytes");

/// `{}` is `HTTP/1.1 200 OK` and the end of its line, `{chunked}` that with the header that goes with chunks.
pub(super) const ANSWERS: &[(&str, Is)] = &[
    // Whole answers.
    ("{}Content-Length: 2\r\n\r\nok", Kept(200, "ok")),
    ("{}content-LENGTH:2\r\n\r\nok", Kept(200, "ok")),
    ("{}Content-Length: \t 2 \t\r\n\r\nok", Kept(200, "ok")),
    ("{}Content-Length: 0\r\n\r\n", Kept(200, "")),
    ("{}Content-Length: 2\r\nContent-Length: 2\r\n\r\nok", Kept(200, "ok")),
    ("{}Content-Length: 2, 2\r\n\r\nok", Kept(200, "ok")),
    ("{}Content-Length: 002\r\n\r\nok", Kept(200, "ok")),
    ("{chunked}2\r\nok\r\n0\r\n\r\n", Kept(200, "ok")),
    ("{chunked}1\r\no\r\n1\r\nk\r\n0\r\n\r\n", Kept(200, "ok")),
    ("{chunked}00A\r\n0123456789\r\n000\r\n\r\n", Kept(200, "0123456789")),
    ("{chunked}0\r\n\r\n", Kept(200, "")),
    ("{}TRANSFER-encoding:  CHUNKED \r\n\r\n2\r\nok\r\n0\r\n\r\n", Kept(200, "ok")),
    ("HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", Kept(200, "ok")),
    ("HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", Kept(200, "ok")),
    ("HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\nok", Kept(999, "ok")),
    ("HTTP/1.1 204 No Content\r\n\r\n", Kept(204, "")),
    ("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", Kept(204, "")),
    ("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", Kept(304, "")),
    ("{}Content-Encoding: identity\r\nContent-Length: 2\r\n\r\nok", Kept(200, "ok")),
    // A single line feed may end a line of a head (section 2.2).
    ("HTTP/1.1 200 OK\nContent-Length: 2\n\nok", Kept(200, "ok")),
    // Answers that end the connection, or may be followed by what is none.
    ("{}\r\nuntil the end", UntilClosed(200, "until the end")),
    ("{}\r\n", UntilClosed(200, "")),
    ("{}Connection: close\r\nContent-Length: 2\r\n\r\nok", Last(200, "ok")),
    ("{}Connection: foo ,\tClose\r\nContent-Length: 2\r\n\r\nok", Last(200, "ok")),
    ("{}Content-Length: 2\r\n\r\nok\r\n", Last(200, "ok")),
    ("{}Content-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", Last(200, "ok")),
    ("{chunked}2\r\nok\r\n0\r\n\r\n\r\n", Last(200, "ok")),
    ("{chunked}0\r\n\r\n0\r\n\r\n", Last(200, "")),
    ("HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nevil", Last(204, "")),
    ("HTTP/1.1 204 No Content\r\n\r\nevil", Last(204, "")),
    ("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", Last(204, "")),
    ("HTTP/1.1 304 Not Modified\r\n\r\nevil", Last(304, "")),
    ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", Last(200, "ok")),
    ("HTTP/1.0 200 OK\r\n\r\nok", UntilClosed(200, "ok")),
    ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", Kept(200, "ok")),
    ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nok", UntilClosed(200, "ok")),
    // Interim answers.
    ("HTTP/1.1 100 Continue\r\n\r\n{}Content-Length: 2\r\n\r\nok", Kept(200, "ok")),
    (
        "HTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 102 P\r\n\r\n{}Content-Length: 2\r\n\r\nok",
        Kept(200, "ok"),
    ),
    ("HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n{}Content-Length: 2\r\n\r\nok", Kept(200, "ok")),
    ("HTTP/1.1 100 Continue\r\n\r\n", NO_HEAD),
    ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 20", NO_HEAD),
    ("HTTP/1.1 100 Continue\r\n\r\nevil", NOT_HTTP),
    ("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", SWITCHED),
    ("HTTP/1.1 101 Switching Protocols\r\n\r\n{}Content-Length: 2\r\n\r\nok", SWITCHED),
    // No HTTP.
    ("", NO_HEAD),
    ("H", NO_HEAD),
    ("HTTP/1.1 200 OK", NO_HEAD),
    ("{}", NO_HEAD),
    ("{}X-Half: ", NO_HEAD),
    ("{}Content-Length: 2\r\n\r", NO_HEAD),
    ("\r\n", NOT_HTTP),
    ("\r\n{}Content-Length: 2\r\n\r\nok", NOT_HTTP),
    (" HTTP/1.1 200 OK\r\n\r\n", NOT_HTTP),
    ("nonsense\r\n\r\n", NOT_HTTP),
    ("http/1.1 200 OK\r\n\r\n", NOT_HTTP),
    ("HTTP/2.0 200 OK\r\n\r\n", NOT_HTTP),
    ("HTTP/0.9 200 OK\r\n\r\n", NOT_HTTP),
    ("HTTP/1.2 200 OK\r\n\r\n", NOT_HTTP),
    ("HTTP/1.10 200 OK\r\n\r\n", NOT_HTTP),
    ("HTTP/1.1\t200 OK\r\n\r\n", NOT_HTTP),
    ("\x16\x03\x01\x02", NOT_HTTP),
    ("HTTP/1.1 099 Low\r\n\r\n", Broken("the backend's answer is broken: the status is none")),
    // Lengths.
    ("{}Content-Length: 2\r\nContent-Length: 3\r\n\r\nok!", LENGTH),
    ("{}Content-Length: 2, 3\r\n\r\nok!", LENGTH),
    ("{}Content-Length: 2;\r\n\r\nok", LENGTH),
    ("{}Content-Length:\r\n\r\nok", LENGTH),
    ("{}Content-Length: +2\r\n\r\nok", LENGTH),
    ("{}Content-Length: -2\r\n\r\nok", LENGTH),
    ("{}Content-Length: 0x2\r\n\r\nok", LENGTH),
    ("{}Content-Length: 2.0\r\n\r\nok", LENGTH),
    ("{}Content-Length: 2 2\r\n\r\nok", LENGTH),
    ("{}Content-Length: two\r\n\r\nok", LENGTH),
    ("{}Content-Length: 18446744073709551618\r\n\r\nok", LENGTH),
    ("{}Content-Length: 18446744073709551615\r\n\r\nok", TOO_LARGE),
    ("{}Content-Length: 100001\r\n\r\n", TOO_LARGE),
    ("{}Content-Length: 10\r\n\r\nhalf", CUT_SHORT),
    ("{}Content-Length: 1\r\n\r\n", CUT_SHORT),
    // Transfer codings.
    ("{}Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n", TWO),
    ("{}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", TWO),
    ("{}Content-Length: 2\r\nTransfer-Encoding: identity\r\n\r\nok", TWO),
    ("{}Content-Length: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", LENGTH),
    ("{}Transfer-Encoding: chunked, gzip\r\n\r\nok", CODING),
    ("{}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", CODING),
    ("{}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", CODING),
    ("{}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", CODING),
    ("{}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", CODING),
    ("{}Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", CODING),
    ("{}Transfer-Encoding: identity\r\n\r\nok", CODING),
    ("{}Transfer-Encoding:\r\n\r\nok", CODING),
    ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", CODING),
    ("{}Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok", ENCODED),
    ("{}Content-Encoding: identity\r\ncontent-encoding: br\r\nContent-Length: 2\r\n\r\nok", ENCODED),
    // Chunks.
    ("{chunked}2;a=b;c=\"d\"\r\nok\r\n0;last\r\n\r\n", Kept(200, "ok")),
    ("{chunked}2 \t\r\nok\r\n0 \r\n\r\n", Kept(200, "ok")),
    ("{chunked}", CUT_SHORT),
    ("{chunked}2", CUT_SHORT),
    ("{chunked}2\r\nok\r\n", CUT_SHORT),
    ("{chunked}2\r\nok\r\n0\r\n", CUT_SHORT),
    ("{chunked}2\r\nok\r\n0\r\n\r", CUT_SHORT),
    ("{chunked}5\r\nok", CUT_SHORT),
    ("{chunked}zz\r\n", CHUNK),
    ("{chunked}\r\n", CHUNK),
    ("{chunked};a\r\n", CHUNK),
    ("{chunked} 2\r\nok\r\n0\r\n\r\n", CHUNK),
    ("{chunked}+2\r\nok\r\n0\r\n\r\n", CHUNK),
    ("{chunked}-2\r\nok\r\n0\r\n\r\n", CHUNK),
    ("{chunked}0x2\r\nok\r\n0\r\n\r\n", CHUNK),
    ("{chunked}2 2\r\nok\r\n0\r\n\r\n", CHUNK),
    ("{chunked}2\nok\r\n0\r\n\r\n", CHUNK),
    ("{chunked}2\r\nok\n0\r\n\r\n", CHUNK),
    ("{chunked}2\r\nok0\r\n\r\n", CHUNK),
    ("{chunked}2\r\nokay\r\n0\r\n\r\n", CHUNK),
    ("{chunked}2\rok\r\n0\r\n\r\n", CHUNK),
    ("{chunked}2;a\nb\r\nok\r\n0\r\n\r\n", CHUNK),
    ("{chunked}2;a\rb\r\nok\r\n0\r\n\r\n", CHUNK),
    ("{chunked}2;\0\r\nok\r\n0\r\n\r\n", CHUNK),
    ("{chunked}00000000000000002\r\nok\r\n0\r\n\r\n", CHUNK),
    ("{chunked}10000000000000002\r\nok\r\n0\r\n\r\n", CHUNK),
    ("{chunked}ffffffffffffffff\r\nok", TOO_LARGE),
    ("{chunked}2\r\nok\r\n1869f\r\n", TOO_LARGE),
    // Trailers.
    ("{chunked}2\r\nok\r\n0\r\nX: 1\r\nContent-Length: 9\r\n\r\n", Kept(200, "ok")),
    ("{chunked}2\r\nok\r\n0\r\nX: 1\r\n", CUT_SHORT),
    ("{chunked}2\r\nok\r\n0\r\n\n", TRAILERS),
    ("{chunked}2\r\nok\r\n0\r\nX: 1\n\r\n", TRAILERS),
    ("{chunked}2\r\nok\r\n0\r\nX : 1\r\n\r\n", TRAILERS),
    ("{chunked}2\r\nok\r\n0\r\nX: 1\r\n 2\r\n\r\n", TRAILERS),
    ("{chunked}2\r\nok\r\n0\r\nX: 1\rY: 2\r\n\r\n", TRAILERS),
    ("{chunked}2\r\nok\r\n0\r\nnonsense\r\n\r\n", TRAILERS),
    ("{chunked}2\r\nok\r\n0\r\n\rX", TRAILERS),
];

/// What `httparse` finds wrong with a head, which is told as it says it.
pub(super) const HEADS: &[(&str, &str)] = &[
    ("HTTP/1.1 999999 No\r\n\r\n", "invalid response status"),
    ("HTTP/1.1 20 OK\r\n\r\n", "invalid response status"),
    ("HTTP/1.1  200 OK\r\n\r\n", "invalid response status"),
    ("HTTP/1.1 200\tOK\r\n\r\n", "invalid response status"),
    ("HTTP/1.1 200 O\0K\r\n\r\n", "invalid response status"),
    ("HTTP/1.1 200 OK\rX\r\n\r\n", "invalid response status"),
    // A folded line, and one that is none of a header's.
    ("{}X: 1\r\n 2\r\nContent-Length: 0\r\n\r\n", "invalid header name"),
    ("{} X: 1\r\nContent-Length: 0\r\n\r\n", "invalid header name"),
    ("{}X : 1\r\nContent-Length: 0\r\n\r\n", "invalid header name"),
    ("{}Content-Length : 0\r\n\r\n", "invalid header name"),
    ("{}: 1\r\nContent-Length: 0\r\n\r\n", "invalid header name"),
    ("{}nonsense\r\nContent-Length: 0\r\n\r\n", "invalid header name"),
    ("{}X\u{e9}: 1\r\nContent-Length: 0\r\n\r\n", "invalid header name"),
    ("{}X: 1\rContent-Length: 0\r\n\r\n", "invalid header value"),
    ("{}X: \0\r\nContent-Length: 0\r\n\r\n", "invalid header value"),
    ("{}X: 1\r\r\nContent-Length: 0\r\n\r\n", "invalid header value"),
    ("{}Content-Length: 0\r\n\rX", "invalid new line"),
];

pub(super) fn text(answer: &str) -> String {
    answer
        .replace("{}", "HTTP/1.1 200 OK\r\n")
        .replace("{chunked}", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
}

/// All of the table's bytes.
pub(super) fn texts() -> Vec<String> {
    let answers = ANSWERS.iter().map(|(answer, _)| text(answer));
    answers.chain(HEADS.iter().map(|(answer, _)| text(answer))).collect()
}
