//! The head of an answer: its status, and the few headers that somebody asks for.
//!
//! `httparse` finds the lines, and refuses folded ones, blanks before a colon, and bare carriage returns. Of what it
//! finds only what is needed is looked at and kept, so no map is made.

use std::mem::MaybeUninit;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use httparse::{ParserConfig, Response, Status};

use crate::upstream::wire::{
    fault::Fault,
    framing::{Claims, Framing, trimmed},
    media::Media,
};

/// The largest head of an answer.
pub(super) const HEAD_BYTES_MAX: usize = 64 * 1024;

/// The most lines in it, and in the trailers.
pub(super) const LINES_MAX: usize = 100;

/// What is kept of a head.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) framing: Framing,
    /// Whether another call may follow on this connection, as far as the head says.
    pub(super) is_kept_alive: bool,
    /// Whether the body is compressed, or in another way not what it is.
    pub(super) is_encoded: bool,
    /// What the body is said to be.
    pub(super) media: Media,
    pub(super) etag: Option<HeaderValue>,
    pub(super) retry_after: Option<HeaderValue>,
}

/// Reads the head at the beginning of `bytes`, if all of it is there, and says how long it is. An interim answer (1xx)
/// is one without a body.
pub(super) fn parse(bytes: &[u8], to_head: bool) -> Result<Option<(Head, usize)>, Fault> {
    // `httparse` would pass over empty lines. Before an answer there are none, only after one that was too short.
    if bytes.first().is_some_and(|&first| first != b'H') {
        return Err(Fault::NotHttp);
    }
    let mut lines = [const { MaybeUninit::uninit() }; LINES_MAX];
    let mut answer = Response::new(&mut []);
    let parsed = ParserConfig::default().parse_response_with_uninit_headers(&mut answer, bytes, &mut lines);
    let Status::Complete(length) = parsed.map_err(fault)? else { return Ok(None) };
    let code = answer.code.ok_or(Fault::Status)?;
    let status = StatusCode::from_u16(code).map_err(|_| Fault::Status)?;
    let head = read(status, answer.version == Some(1), answer.headers, to_head)?;
    Ok(Some((head, length)))
}

/// All headers of a head that was read before, as they came.
pub(super) fn headers(head: &[u8]) -> HeaderMap {
    let mut lines = [const { MaybeUninit::uninit() }; LINES_MAX];
    let mut answer = Response::new(&mut []);
    let parsed = ParserConfig::default().parse_response_with_uninit_headers(&mut answer, head, &mut lines);
    let mut headers = HeaderMap::new();
    for httparse::Header { name, value } in parsed.iter().flat_map(|_| answer.headers.iter()) {
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value))
        {
            headers.append(name, value);
        }
    }
    headers
}

fn fault(error: httparse::Error) -> Fault {
    match error {
        httparse::Error::Version => Fault::NotHttp,
        error => Fault::Head(error),
    }
}

fn read(
    status: StatusCode,
    is_http_11: bool,
    lines: &[httparse::Header<'_>],
    to_head: bool,
) -> Result<Head, Fault> {
    let mut claims = Claims::default();
    let mut options = Options::default();
    let mut is_encoded = false;
    let mut media = Media::default();
    let (mut etag, mut retry_after) = (None, None);
    for httparse::Header { name, value } in lines {
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted);
        // Most names are told apart by their length.
        match name.len() {
            4 if is("etag") => keep(&mut etag, value),
            10 if is("connection") => options.read(value),
            11 if is("retry-after") => keep(&mut retry_after, value),
            12 if is("content-type") => media.read(value),
            14 if is("content-length") => claims.length(value),
            16 if is("content-encoding") => is_encoded |= *value != b"identity",
            17 if is("transfer-encoding") => claims.coding(value),
            _ => {}
        }
    }
    let has_body = !to_head
        && !status.is_informational()
        && !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let framing = if has_body { claims.framing(is_http_11)? } else { Framing::None };
    let is_kept_alive = match framing {
        Framing::Chunked | Framing::Length(_) => options.keep_alive(is_http_11),
        Framing::None => options.keep_alive(is_http_11) && claims.is_sure_of_no_body(status, is_http_11),
        Framing::UntilClosed => false,
    };
    Ok(Head { status, framing, is_kept_alive, is_encoded, media, etag, retry_after })
}

/// Keeps the first of several.
fn keep(header: &mut Option<HeaderValue>, value: &[u8]) {
    if header.is_none() {
        *header = HeaderValue::from_bytes(value).ok();
    }
}

/// What `Connection` says. Once anything asks to close, nothing else undoes it.
#[derive(Debug, Default)]
struct Options {
    close: bool,
    keep_alive: bool,
}

impl Options {
    fn read(&mut self, line: &[u8]) {
        for option in line.split(|&byte| byte == b',').map(trimmed) {
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        }
    }

    fn keep_alive(&self, is_http_11: bool) -> bool {
        !self.close && (is_http_11 || self.keep_alive)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Head {
        let (head, length) = parse(text.as_bytes(), false).unwrap().unwrap();
        assert_eq!(length, text.len());
        head
    }

    #[test]
    fn only_what_somebody_asks_for_is_kept() {
        let head = head(
            "HTTP/1.1 503 Busy\r\nX-Other: 1\r\nETag: \"a\"\r\netag: \"b\"\r\nRETRY-AFTER:7\r\nContent-Length: 2\r\n\r\n",
        );
        assert_eq!(head.status, 503);
        assert_eq!(head.framing, Framing::Length(2));
        assert_eq!(head.etag.unwrap(), "\"a\"", "the first of several");
        assert_eq!(head.retry_after.unwrap(), "7");
        assert!(head.is_kept_alive && !head.is_encoded);
        assert_eq!(head.media, Media::Unsaid);
    }

    #[test]
    fn a_connection_is_kept_alive_unless_somebody_says_otherwise() {
        for (version, options, is_kept_alive) in [
            ("1.1", "", true),
            ("1.1", "Connection: close\r\n", false),
            ("1.1", "connection: Keep-Alive, CLOSE\r\n", false),
            ("1.1", "Connection: close\r\nConnection: keep-alive\r\n", false),
            ("1.1", "Connection: closed\r\n", true),
            ("1.0", "", false),
            ("1.0", "Connection: keep-alive\r\n", true),
            ("1.0", "Connection: keep-alive\r\nConnection: close\r\n", false),
        ] {
            let head = head(&format!("HTTP/{version} 200 OK\r\n{options}Content-Length: 0\r\n\r\n"));
            assert_eq!(head.is_kept_alive, is_kept_alive, "{version} {options:?}");
        }
    }

    #[test]
    fn an_answer_without_a_body_is_over_after_its_head() {
        for (status, to_head, headers, is_kept_alive) in [
            (204, false, "", true),
            (204, false, "Content-Length: 0\r\n", true),
            (204, false, "Content-Length: 5\r\n", false),
            (204, false, "Transfer-Encoding: chunked\r\n", false),
            (304, false, "Content-Length: 5\r\n", true),
            (200, true, "Content-Length: 5\r\n", true),
            (200, true, "Transfer-Encoding: chunked\r\n", true),
            (200, true, "Content-Length: 5\r\nContent-Length: 6\r\n", false),
        ] {
            let text = format!("HTTP/1.1 {status} X\r\n{headers}\r\n");
            let (head, _) = parse(text.as_bytes(), to_head).unwrap().unwrap();
            assert_eq!((head.framing, head.is_kept_alive), (Framing::None, is_kept_alive), "{text:?}");
        }
    }

    #[test]
    fn half_a_head_is_none_yet() {
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        for end in 0..text.len() {
            assert!(parse(&text[..end], false).unwrap().is_none(), "{end}");
        }
    }
}
