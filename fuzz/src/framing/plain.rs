//! A reader of requests that goes by RFC 9112, and stops where another reader could find another end.
//!
//! A line of a head may end in a bare line feed, as a recipient may take it (section 2.2). In chunks and behind them no line
//! may: whoever takes one there ends the body earlier than whoever does not.

use std::str;

use http::Uri;

use super::Heard;

/// The whole requests at the beginning of those bytes.
pub(super) fn requests(mut bytes: &[u8]) -> Vec<Heard> {
    let mut requests = Vec::new();
    while let Some((request, rest)) = request(bytes) {
        requests.push(request);
        bytes = rest;
    }
    requests
}

/// A request, and what comes behind it.
fn request(bytes: &[u8]) -> Option<(Heard, &[u8])> {
    // Line ends in front of a request say nothing (section 2.2).
    let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let (line, mut rest) = line(&bytes[blank..])?;
    let [method, target, version] =
        str::from_utf8(line).ok()?.split(' ').collect::<Vec<_>>().try_into().ok()?;
    let (mut lengths, mut codings) = (Vec::new(), Vec::new());
    loop {
        let (line, after) = self::line(rest)?;
        rest = after;
        if line.is_empty() {
            break;
        }
        let (name, value) = field(line)?;
        if name.eq_ignore_ascii_case(b"content-length") {
            lengths.push(number(value, 10)?);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            codings.push(value);
        }
    }
    let (body, rest) = match (lengths.as_slice(), codings.as_slice()) {
        ([], []) => (Vec::new(), rest),
        ([length, others @ ..], []) if others.iter().all(|other| other == length) => {
            let (body, rest) = rest.split_at_checked(usize::try_from(*length).ok()?)?;
            (body.to_vec(), rest)
        }
        ([], [coding]) if coding.eq_ignore_ascii_case(b"chunked") && version == "HTTP/1.1" => chunks(rest)?,
        // Lengths that differ, several codings or another, or both a length and a coding.
        _ => return None,
    };
    let target = Uri::try_from(target).ok()?.to_string();
    Some((Heard { method: method.to_owned(), target, body }, rest))
}

/// A line of a head without its end, and what comes behind it.
fn line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let line = bytes[..end].strip_suffix(b"\r").unwrap_or(&bytes[..end]);
    (!line.contains(&b'\r')).then_some((line, &bytes[end + 1..]))
}

/// A line that ends as all should.
fn strict_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (line, rest) = self::line(bytes)?;
    bytes[line.len()..].starts_with(b"\r\n").then_some((line, rest))
}

/// The name of a header and its value. A blank before the colon, or at the beginning of a line, is none of a name's.
fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
    let is_name = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    is_name.then_some((name, value))
}

/// Digits and nothing else.
fn number(text: &[u8], radix: u32) -> Option<u64> {
    let is_number = text.iter().all(|byte| char::from(*byte).is_digit(radix));
    u64::from_str_radix(str::from_utf8(text).ok().filter(|_| is_number)?, radix).ok()
}

/// The body that is in chunks, and what comes behind it.
fn chunks(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut body = Vec::new();
    loop {
        let (line, after) = strict_line(rest)?;
        // Blanks may stand behind the size, as some write them; then nothing, or extensions.
        let size = line.split(|byte| *byte == b';').next()?.trim_ascii_end();
        let size = usize::try_from(number(size, 16)?).ok()?;
        if size == 0 {
            rest = after;
            break;
        }
        let (data, after) = after.split_at_checked(size)?;
        body.extend_from_slice(data);
        rest = after.strip_prefix(b"\r\n")?;
    }
    loop {
        let (line, after) = strict_line(rest)?;
        rest = after;
        if line.is_empty() {
            return Some((body, rest));
        }
        field(line)?;
    }
}
