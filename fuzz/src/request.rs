//! The head of a request, its path and query, and a body, on their way to canonical calls in the dialects that ship.
//!
//! What must hold of any request:
//!
//! - a path with two readings, by a look at it that knows nothing of ours, becomes no call;
//! - a call has a target of as many segments as its operation, in characters that end neither a segment nor a query nor a
//!   line; decoded once it gives the parameters of the call, and none of those is one that another reader climbs by;
//! - its query is the parameters of the call, and the backend's operation knows each of them;
//! - its body is JSON to the strict reader, and what the backend's schema takes;
//! - the same request, said again or told to somebody, becomes the same calls.

use std::sync::{Arc, LazyLock};

use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use interlingua::boot::{self, DataFiles};
use interlingua::canonical::api::{Call, PathPart};
use interlingua::diag::Sources;
use interlingua::dialect::url::Url;
use interlingua::dialect::{Registry, Selected};
use interlingua::json::{Document, Limits};
use interlingua::lens::{Direction, Found, Lookup, Need, Resolutions};
use interlingua::schema::Store;
use interlingua::translate::{self, Request, Step, lift::Lifted};
use percent_encoding::percent_decode_str;
use uuid::Uuid;

/// The most calls of one request, as the program has it.
const FAN_OUT_MAX: usize = 100;

static SHIPPED: LazyLock<(Registry, Store)> = LazyLock::new(|| {
    let loaded = boot::load(&DataFiles::default(), &mut Sources::default()).expect("nothing is read");
    (loaded.registry.expect("what ships is sound"), loaded.schemas)
});

/// Looks at any bytes as a request: a line of method and target, one with the host, lines of headers, an empty line, and a
/// body.
///
/// # Panics
///
/// If something does not hold.
pub fn check(bytes: &[u8]) {
    let (registry, schemas) = &*SHIPPED;
    let Some(Parsed { method, target, host, headers, body }) = parse(bytes) else { return };
    let Ok(selected) = registry.select(&method, host, target.path(), &headers) else { return };
    assert_eq!(selected.operation.method, method);
    let body = Document::parse(body.to_vec(), &Limits::default()).ok();
    let first = calls(registry, &selected, &target, body.clone());
    assert_eq!(
        told(first.as_ref()),
        told(calls(registry, &selected, &target, body).as_ref()),
        "told otherwise"
    );
    assert!(first.is_none() || !has_two_readings(target.path()), "{:?} becomes calls", target.path());
    for call in first.iter().flat_map(|lifted| &lifted.calls) {
        check_target(call);
        check_body(call, schemas);
    }
}

/// What an input says.
pub(super) struct Parsed<'b> {
    pub(super) method: Method,
    pub(super) target: PathAndQuery,
    pub(super) host: Option<&'b str>,
    pub(super) headers: HeaderMap,
    pub(super) body: &'b [u8],
}

/// Reads an input; none if it says nothing.
pub(super) fn parse(bytes: &[u8]) -> Option<Parsed<'_>> {
    let (head, body) = match bytes.windows(2).position(|two| two == b"\n\n") {
        Some(at) => (&bytes[..at], &bytes[at + 2..]),
        None => (bytes, &b""[..]),
    };
    let mut lines = std::str::from_utf8(head).ok()?.lines();
    let (method, target) = lines.next()?.split_once(' ')?;
    let (method, target) = (Method::try_from(method).ok()?, PathAndQuery::try_from(target).ok()?);
    let host = lines.next().filter(|host| !host.is_empty());
    Some(Parsed { method, target, host, headers: headers(lines), body })
}

fn headers<'t>(lines: impl Iterator<Item = &'t str>) -> HeaderMap {
    let parsed = lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        Some((name, HeaderValue::from_str(value.trim()).ok()?))
    });
    let mut headers = HeaderMap::new();
    parsed.for_each(|(name, value)| {
        headers.append(name, value);
    });
    headers
}

/// Whether decoding twice, cutting at other separators, or climbing could make something else of a path.
fn has_two_readings(path: &str) -> bool {
    path.split('/').skip(1).enumerate().any(|(at, segment)| {
        let once = percent_decode_str(segment).collect::<Vec<_>>();
        let is_last = path.split('/').count() == at + 2;
        (segment.is_empty() && !is_last)
            || matches!(once.as_slice(), b"." | b"..")
            || once.iter().any(|byte| matches!(byte, b'/' | b'\\' | b'%' | 0))
            || segment.contains(';')
            || !segment.is_ascii()
    })
}

/// The calls a request becomes; none if it is refused on the way.
fn calls(
    registry: &Registry,
    selected: &Selected,
    target: &PathAndQuery,
    body: Option<Document>,
) -> Option<Lifted> {
    let url = Url { origin: None, target: target.clone(), mount: selected.mount };
    let mut request = Request::new(selected.clone(), url, body).ok()?;
    request.choose_case();
    translate::check(&request).ok()?;
    let most = translate::fan_out(&request, FAN_OUT_MAX).ok()?;
    assert!(most.is_none_or(|most| most <= FAN_OUT_MAX));
    let mut resolutions = Resolutions::default();
    for _ in 0..4 {
        match translate::lift::lift(registry.api(), &request, &resolutions).ok()? {
            Step::Done(lifted) => {
                assert!(lifted.calls.len() <= most.unwrap_or(1).max(1), "{} calls", lifted.calls.len());
                return Some(lifted);
            }
            Step::Needs(needs) => needs.into_iter().for_each(|need| {
                let found = found(&request, &need);
                resolutions.insert(need, found);
            }),
        }
    }
    panic!("look-ups without an end");
}

/// The backend knows every name but those that begin with `x`.
fn found(request: &Request, need: &Need) -> Found {
    let Lookup::Resolver(index) = &need.of else { return Found::Missing };
    if need.key.starts_with('x') {
        return Found::Missing;
    }
    let is_role = request.dialect.resolvers[*index].right == "role";
    let rows = request.dialect.roles.iter().flat_map(|table| &table.rows).collect::<Vec<_>>();
    Found::Value(match (need.direction, is_role && !rows.is_empty()) {
        (Direction::Lift, true) => rows[need.key.len() % rows.len()].is.text().into_owned(),
        _ => Uuid::new_v5(&Uuid::NAMESPACE_OID, need.key.as_bytes()).to_string(),
    })
}

/// Target and body of a call.
type Told = (Option<String>, Option<Vec<u8>>);

fn told(lifted: Option<&Lifted>) -> Option<Vec<Told>> {
    Some(lifted?.calls.iter().map(|call| (call.target(), call.body.clone())).collect())
}

fn check_target(call: &Call) {
    let Some(target) = call.target() else { return };
    assert!(target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#'), "{target:?}");
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let segments: Vec<_> = path.split('/').skip(1).collect();
    assert_eq!(segments.len(), call.operation.path.len(), "{target:?} of {}", call.operation);
    for (segment, part) in segments.iter().zip(&call.operation.path) {
        let decoded = percent_decode_str(segment).decode_utf8().expect("it is UTF-8");
        match part {
            PathPart::Literal(text) => assert_eq!(segment, text, "{target:?}"),
            PathPart::Parameter(name) => {
                assert_eq!(Some(&*decoded), call.parameter(name), "{target:?}");
                assert!(!matches!(&*decoded, "" | "." | ".."), "{target:?}");
                assert!(!decoded.contains(['/', '\\', '%', '?', '#', '\0', '\r', '\n']), "{target:?}");
            }
        }
    }
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').expect("a name and a value");
        (name.to_owned(), percent_decode_str(value).decode_utf8().expect("it is UTF-8").into_owned())
    });
    let pairs: Vec<_> = pairs.collect();
    let given: Vec<_> = call.query.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
    assert_eq!(pairs, given, "{target:?}");
    for (name, _) in &pairs {
        assert!(call.operation.query.contains(name), "{name} in {target:?}");
        assert_eq!(pairs.iter().filter(|(other, _)| other == name).count(), 1, "{name} twice in {target:?}");
    }
}

fn check_body(call: &Call, schemas: &Store) {
    let Some(body) = &call.body else { return };
    let document = Document::parse(body.clone(), &Limits { bytes_max: 8 << 20, ..Limits::default() });
    let document = document.unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(body)));
    if let Some(name) = &call.operation.body {
        let schema: &Arc<_> = schemas.schema("canonical", name).expect("a call has a schema");
        let violations = schema.violations(document.root(), 3);
        assert!(violations.is_empty(), "{}: {violations:?}", String::from_utf8_lossy(body));
    }
}
