//! What a backend may be sent: judged by RFC 9112 alone, and by nothing that a library would forgive.

use std::io::BufRead;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::support::backend::FORWARDED;

/// Who stands in front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rules {
    /// A proxy that writes all requests itself.
    Program,
    /// The same program, where it hands requests on as they are.
    Passing,
    /// Any.
    Plain,
}

/// What must never be handed on: what is of one connection, or what only a front may say.
const KEPT_BACK: [&str; 19] = [
    "connection",
    "expect",
    "forwarded",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-forwarded-for",
    "x-forwarded-port",
    "x-http-method-override",
    "x-interlingua-explain",
    "x-method-override",
    "x-original-url",
    "x-real-ip",
    "x-remote-user",
    "x-rewrite-url",
];

/// What two readers could take the one or the other of.
const ONCE: [&str; 11] = [
    "authorization",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "host",
    "idempotency-key",
    "transfer-encoding",
    "x-api-key",
    "x-forwarded-proto",
    "x-request-id",
];

pub(super) struct Read {
    /// Method and target.
    pub(super) line: String,
    pub(super) framing: Framing,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Length(usize),
    Chunked,
}

/// Judges a head that ends with an empty line.
pub(super) fn read(head: &[u8], rules: Rules) -> Result<Read, String> {
    // What is handed on may have bytes beyond ASCII in values (RFC 9110, section 5.5).
    if rules != Rules::Passing && !head.is_ascii() {
        return Err("a head that is not ASCII".to_owned());
    }
    let head: String = head.iter().map(|byte| char::from(*byte)).collect();
    let mut lines = head.strip_suffix("\r\n\r\n").ok_or("no end of the head")?.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let parts: Vec<_> = first.split(' ').collect();
    let [method, target, version] = parts[..] else {
        return Err("a line that is no request line".to_owned());
    };
    let is_method = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
    let is_target = target.starts_with('/') && target.bytes().all(|byte| byte.is_ascii_graphic());
    let is_version = version == "HTTP/1.1" || rules == Rules::Plain && version == "HTTP/1.0";
    if !is_method || !is_target || !is_version {
        return Err("a line that is no request line".to_owned());
    }
    let mut names: Vec<String> = Vec::new();
    let mut framing = None;
    for line in lines {
        let (name, value) = line.split_once(':').ok_or("a header without a colon")?;
        let is_name = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
        let value = value.trim_matches([' ', '\t']);
        // Of control characters these three have a meaning in some reader (RFC 9110, section 5.5).
        let is_dangerous = |byte| match rules {
            Rules::Program | Rules::Passing => u8::is_ascii_control(&byte) && byte != b'\t',
            Rules::Plain => matches!(byte, 0 | b'\r' | b'\n'),
        };
        if !is_name || value.bytes().any(is_dangerous) {
            return Err(format!("a header that is none: {line:?}"));
        }
        let name = name.to_ascii_lowercase();
        let once = match rules {
            Rules::Program => true,
            Rules::Passing => ONCE.contains(&name.as_str()),
            Rules::Plain => {
                matches!(name.as_str(), "host" | "content-length" | "transfer-encoding" | "authorization")
            }
        };
        if once && names.contains(&name) {
            return Err(format!("`{name}` twice"));
        }
        if rules == Rules::Program && !FORWARDED.contains(&name.as_str()) {
            return Err(format!("`{name}` has no business here"));
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if rules == Rules::Passing && (KEPT_BACK.contains(&name.as_str()) || !name.bytes().all(is_plain)) {
            return Err(format!("`{name}` was handed on"));
        }
        match name.as_str() {
            "content-length" | "transfer-encoding" if framing.is_some() => {
                return Err("a length and an encoding".to_owned());
            }
            "content-length" => framing = Some(Framing::Length(length(value)?)),
            "transfer-encoding" if value.eq_ignore_ascii_case("chunked") => framing = Some(Framing::Chunked),
            "transfer-encoding" => return Err(format!("the encoding {value:?}")),
            _ => {}
        }
        if rules == Rules::Program && name == "idempotency-key" && !is_key(method, value) {
            return Err(format!("a key that is none, or where nothing changes: {line:?}"));
        }
        names.push(name);
    }
    if !names.iter().any(|name| name == "host") {
        return Err("no host".to_owned());
    }
    let line = format!("{method} {target}");
    Ok(Read { line, framing: framing.unwrap_or(Framing::Length(0)) })
}

/// Whether it is a string of a structured field (RFC 8941, section 3.3.3), with a call that changes something.
fn is_key(method: &str, value: &str) -> bool {
    let inside = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default();
    let plain = inside.replace("\\\\", "").replace("\\\"", "");
    method != "GET" && !inside.is_empty() && inside.len() <= 510 && !plain.contains(['"', '\\', ' '])
}

fn length(value: &str) -> Result<usize, String> {
    let is_number = !value.is_empty()
        && value.trim_start_matches('0').len() < 10
        && value.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| value.parse().ok()).flatten().ok_or_else(|| format!("the length {value:?}"))
}

/// Reads the body.
pub(super) fn body(stream: &mut impl BufRead, framing: &Framing) -> Result<Vec<u8>, String> {
    match framing {
        Framing::Length(length) => exactly(stream, *length),
        Framing::Chunked => {
            let mut body = Vec::new();
            loop {
                let size = line(stream)?;
                let size =
                    usize::from_str_radix(&size, 16).map_err(|_| format!("the chunk size {size:?}"))?;
                body.extend(exactly(stream, size)?);
                if !line(stream)?.is_empty() {
                    return Err("a chunk that does not end, or a trailer".to_owned());
                }
                if size == 0 {
                    return Ok(body);
                }
            }
        }
    }
}

fn exactly(stream: &mut impl BufRead, length: usize) -> Result<Vec<u8>, String> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).map_err(|_| "a body that breaks off")?;
    Ok(bytes)
}

fn line(stream: &mut impl BufRead) -> Result<String, String> {
    let mut line = Vec::new();
    stream.read_until(b'\n', &mut line).map_err(|_| "a chunk that breaks off")?;
    if !line.ends_with(b"\n") {
        return Err("a chunk that breaks off".to_owned());
    }
    let line = line.strip_suffix(b"\r\n").ok_or("a line that ends otherwise than with CR LF")?;
    String::from_utf8(line.to_vec()).map_err(|_| "a chunk size that is no text".to_owned())
}

/// A body of the program is JSON, and no object in it has two members of one name.
pub(super) fn check_body(body: &[u8], rules: Rules) -> Result<(), String> {
    if rules != Rules::Program || body.is_empty() {
        return Ok(());
    }
    serde_json::from_slice::<NoTwins>(body).map(drop).map_err(|error| {
        format!(
            "a body that is no JSON anybody could read otherwise: {error}: {}",
            String::from_utf8_lossy(body)
        )
    })
}

/// The number in the first credential of a case that stands in these bytes.
pub(super) fn case_of(bytes: &[u8]) -> Option<usize> {
    let text = String::from_utf8_lossy(bytes);
    let (_, behind) = text.split_once("hzd")?;
    behind.get(..6)?.parse().ok()
}

struct NoTwins;

impl<'de> Deserialize<'de> for NoTwins {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<NoTwins, D::Error> {
        // A number of any length has to be read as what it is, which only serde_json's own type can.
        let value = deserializer.deserialize_any(Twins)?;
        Ok(value)
    }
}

struct Twins;

impl<'de> Visitor<'de> for Twins {
    type Value = NoTwins;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<NoTwins, E> {
        Ok(NoTwins)
    }

    fn visit_i64<E>(self, _: i64) -> Result<NoTwins, E> {
        Ok(NoTwins)
    }

    fn visit_u64<E>(self, _: u64) -> Result<NoTwins, E> {
        Ok(NoTwins)
    }

    fn visit_f64<E>(self, _: f64) -> Result<NoTwins, E> {
        Ok(NoTwins)
    }

    fn visit_str<E>(self, _: &str) -> Result<NoTwins, E> {
        Ok(NoTwins)
    }

    fn visit_unit<E>(self) -> Result<NoTwins, E> {
        Ok(NoTwins)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<NoTwins, A::Error> {
        while items.next_element::<NoTwins>()?.is_some() {}
        Ok(NoTwins)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<NoTwins, A::Error> {
        let mut names: Vec<String> = Vec::new();
        while let Some(name) = members.next_key::<String>()? {
            if name.starts_with("$serde_json::") {
                members.next_value::<IgnoredAny>()?;
            } else if names.contains(&name) {
                return Err(serde::de::Error::custom(format!("`{name}` twice")));
            } else {
                members.next_value::<NoTwins>()?;
                names.push(name);
            }
        }
        Ok(NoTwins)
    }
}

#[test]
fn what_should_not_come_is_a_fault() {
    let good = "POST /a HTTP/1.1\r\nhost: b\r\ncontent-length: 2\r\n\r\n";
    assert_eq!(read(good.as_bytes(), Rules::Program).ok().unwrap().framing, Framing::Length(2));
    for bad in [
        "POST  /a HTTP/1.1\r\nhost: b\r\n\r\n",
        "POST /a b HTTP/1.1\r\nhost: b\r\n\r\n",
        "POST /a HTTP/1.0\r\nhost: b\r\n\r\n",
        "POST a HTTP/1.1\r\nhost: b\r\n\r\n",
        "POST /a HTTP/1.1\r\naccept: b\r\n\r\n",
        "POST /a HTTP/1.1\r\nhost: b\r\nhost: b\r\n\r\n",
        "POST /a HTTP/1.1\r\nhost : b\r\n\r\n",
        "POST /a HTTP/1.1\r\nhost: b\r\ncontent-length: +2\r\n\r\n",
        "POST /a HTTP/1.1\r\nhost: b\r\nx-other: 2\r\n\r\n",
        "POST /a HTTP/1.1\r\nhost: b\nx: 2\r\n\r\n",
        "POST /a HTTP/1.1\r\nhost: b\r\ntransfer-encoding: chunked\r\n\r\n",
    ] {
        assert!(read(bad.as_bytes(), Rules::Program).is_err(), "{bad:?}");
    }
    let passed = |headers: &str| {
        read(format!("POST /a HTTP/1.1\r\nhost: b\r\n{headers}\r\n").as_bytes(), Rules::Passing).is_ok()
    };
    assert!(passed("x-own: 1\r\nvia: 1.1 a\r\nvia: 1.1 b\r\ncontent-length: 2\r\n"));
    for bad in [
        "transfer-encoding: chunked\r\n",
        "x_api_key: 1\r\n",
        "x-api-key: 1\r\nx-api-key: 1\r\n",
        "x-forwarded-for: 192.0.2.1\r\n",
        "connection: close\r\n",
        "x-own: a\x0bb\r\n",
        "content-length: 2\r\ncontent-length: 2\r\n",
    ] {
        assert!(!passed(bad), "{bad:?}");
    }
    let both = "POST /a HTTP/1.1\r\nhost: b\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n";
    assert!(read(both.as_bytes(), Rules::Plain).is_err());
    let chunks = |text: &str| body(&mut text.as_bytes(), &Framing::Chunked);
    assert_eq!(chunks("2\r\nab\r\n0\r\n\r\n"), Ok(b"ab".to_vec()));
    for bad in ["2\nab\r\n0\r\n\r\n", "3\r\nab\r\n0\r\n\r\n", "2;a\r\nab\r\n0\r\n\r\n", "2\r\nab\r\n"] {
        assert!(chunks(bad).is_err(), "{bad:?}");
    }
    let checked = |text: &str| check_body(text.as_bytes(), Rules::Program).is_ok();
    assert!(checked(r#"{"a":[1e999,"b",null,{"a":true}],"b":12345678901234567890123}"#));
    assert!(!checked(r#"{"a":1,"\u0061":2}"#) && !checked(r#"[{"a":1,"a":1}]"#) && !checked("{}{}"));
    assert_eq!(case_of(b"GET /\r\nauthorization: Bearer csb_hzd000012xx_1"), Some(12));
}
