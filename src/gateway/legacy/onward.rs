//! The headers of a request as the old upstream gets them.
//!
//! What was decided on (who asks, for what, and whether it may be sent twice) has to be what arrives. So nothing is handed on
//! that could be read as another credential, another method or another address than those, and what a hop of the client's may
//! take away is never what something was decided by.

use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, IF_MATCH,
    IF_NONE_MATCH, IF_UNMODIFIED_SINCE, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, VIA,
};
use http::{HeaderMap, HeaderName, HeaderValue, Version};
use memchr::memmem;
use uuid::Uuid;

use super::super::Exchange;
use super::super::explain::X_EXPLAIN;
use super::super::key::IDEMPOTENCY_KEY;
use crate::dialect::url::Url;
use crate::dialect::{Dialect, Registry};
use crate::problem::Problem;
use crate::telemetry::{RequestId, X_REQUEST_ID};

const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// What every reader decides by, whatever the dialect.
const DECISIVE: [HeaderName; 10] = [
    AUTHORIZATION,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    COOKIE,
    HOST,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    IF_NONE_MATCH,
    IF_UNMODIFIED_SINCE,
];

/// By these, servers and frameworks take a request for another one than its first line says, or for that of somebody
/// else: what only a front of theirs may say.
const OF_FRONTS: [&str; 19] = [
    "cf-connecting-ip",
    "client-cert",
    "client-cert-chain",
    "client-ip",
    "fastly-client-ip",
    "forwarded",
    "proxy",
    "remote-user",
    "true-client-ip",
    "x-authenticated-user",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-host",
    "x-http-host-override",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-real-ip",
    "x-remote-user",
];

/// And all that begin so.
const OF_FRONTS_BEGIN: [&str; 6] =
    ["x-client-cert", "x-forwarded", "x-original-", "x-rewrite-", "x-ssl-", "x-interlingua-"];

/// Which headers a request for that dialect is understood by.
pub(super) fn is_decisive(registry: &Registry, dialect: &Dialect, name: &HeaderName) -> bool {
    DECISIVE.contains(name)
        || dialect.credentials.iter().any(|form| form.header == *name)
        || registry.dialects().iter().any(|one| one.select.as_ref().is_some_and(|by| by.header() == name))
}

/// What is handed on. A request whose `Connection` takes away what it was understood by is refused: whoever reads it next
/// would read another one.
pub(super) fn onward(
    headers: &HeaderMap,
    is_decisive: impl Fn(&HeaderName) -> bool,
) -> Result<HeaderMap, Box<Problem>> {
    if options(headers).any(|name| is_decisive(&name)) {
        let why = "`Connection` names a header that is not for one connection";
        return Err(Box::new(Problem::bad_request("ambiguous-connection", why)));
    }
    let mut onward = without_those_of_one_connection(headers.clone());
    let unwanted: Vec<_> = onward.keys().filter(|name| is_unwanted(name)).cloned().collect();
    for name in unwanted.iter().chain([&X_EXPLAIN]) {
        onward.remove(name);
    }
    // RFC 9113, section 8.2.3: HTTP/2 may cut them in pieces, and they are one in HTTP/1.1.
    let cookies: Vec<_> = onward.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if cookies.len() > 1
        && let Ok(whole) = HeaderValue::from_bytes(&cookies.join(&b"; "[..]))
    {
        onward.insert(COOKIE, whole);
    }
    // They are all the same by now.
    if let Some(key) = onward.get(IDEMPOTENCY_KEY).cloned() {
        onward.insert(IDEMPOTENCY_KEY, key);
    }
    Ok(onward)
}

/// Adds what is ours to say: by what name and where the client called us, which request it is, and that we were here.
pub(super) fn tell(
    onward: &mut HeaderMap,
    url: &Url,
    is_ours: impl Fn(&str) -> bool,
    version: Version,
    alias: &Alias,
    exchange: &Exchange,
) {
    let mut say = |name, text: &str| {
        if let Ok(value) = HeaderValue::from_str(text) {
            onward.insert(name, value);
        }
    };
    // Links in its answers are to be those that the client can use. Any host may stand in a request, and an old upstream may
    // write it into a mail to somebody else: only names are told that are the dialect's.
    if let Some((scheme, authority)) = &url.origin {
        if is_ours(authority.host()) {
            say(X_FORWARDED_HOST, authority.as_str());
        }
        say(X_FORWARDED_PROTO, scheme.as_str());
    }
    if url.mount > 0 {
        say(X_FORWARDED_PREFIX, &url.target.as_str()[..url.mount]);
    }
    if let Some(id) = &exchange.request_id {
        onward.insert(X_REQUEST_ID, RequestId::to_header(id));
    }
    onward.append(VIA, alias.via(version));
}

/// Whom `Via` names for us (RFC 9110, section 7.6.3): a name that no other has, so that who meets it again has sent in a circle.
#[derive(Debug)]
pub(in crate::gateway) struct Alias(String);

impl Alias {
    pub(in crate::gateway) fn new() -> Alias {
        let random = Uuid::new_v4().simple().to_string();
        Alias(format!("interlingua-{}", &random[..8]))
    }

    fn via(&self, version: Version) -> HeaderValue {
        let version = match version {
            Version::HTTP_2 => "2.0",
            Version::HTTP_10 => "1.0",
            _ => "1.1",
        };
        let via = HeaderValue::from_str(&format!("{version} {}", self.0));
        via.expect("it is of letters, digits, a dot, a hyphen and a blank")
    }

    /// Whether these are headers of a request that has been here before.
    pub(super) fn is_in(&self, headers: &HeaderMap) -> bool {
        let mut passed = headers.get_all(VIA).iter();
        passed.any(|via| memmem::find(via.as_bytes(), self.0.as_bytes()).is_some())
    }
}

/// Whether nobody but a front may say it, or two readers could take it for two names: between gateways of older kinds all but
/// letters and digits becomes one sign.
fn is_unwanted(name: &HeaderName) -> bool {
    let name = name.as_str();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !name.bytes().all(is_plain)
        || OF_FRONTS.contains(&name)
        || OF_FRONTS_BEGIN.iter().any(|begin| name.starts_with(begin))
}

/// What `Connection` names, whatever stands beside it.
fn options(headers: &HeaderMap) -> impl Iterator<Item = HeaderName> {
    let lines = headers.get_all(CONNECTION).into_iter();
    let options = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    options.filter_map(|option| HeaderName::from_bytes(option.trim_ascii()).ok())
}

/// Headers that are for the other end of a message, not of a connection (RFC 9110, section 7.6.1).
pub(super) fn without_those_of_one_connection(mut headers: HeaderMap) -> HeaderMap {
    let named: Vec<_> = options(&headers).collect();
    for name in &named {
        headers.remove(name);
    }
    for name in ["keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"] {
        headers.remove(name);
    }
    for name in [CONNECTION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION] {
        headers.remove(name);
    }
    headers
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::uri::{Authority, PathAndQuery, Scheme};

    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let lines = lines
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        lines.collect()
    }

    fn handed_on(lines: &[(&'static str, &'static str)]) -> Result<HeaderMap, u16> {
        let all = lines.iter().map(|(name, value)| {
            (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap())
        });
        let mut map = HeaderMap::new();
        for (name, value) in all {
            map.append(name, value);
        }
        let refused = |problem: Box<Problem>| problem.status.get().as_u16();
        onward(&map, |name| DECISIVE.contains(name) || name == "x-api-key").map_err(refused)
    }

    #[test]
    fn what_belongs_to_one_connection_is_not_handed_on() {
        let all = [
            ("connection", "close, X-Mine, é"),
            ("x-mine", "1"),
            ("keep-alive", "timeout=5"),
            ("transfer-encoding", "chunked"),
            ("proxy-authorization", "Basic eA=="),
            ("x-other", "2"),
        ];
        assert_eq!(handed_on(&all), Ok(headers(&[("x-other", "2")])));
    }

    #[test]
    fn what_a_request_was_understood_by_is_of_no_connection() {
        for named in ["X-API-Key", "close, idempotency-key", "content-type", "authorization,\u{e9}"] {
            assert_eq!(handed_on(&[("connection", named), ("x-api-key", "k")]), Err(400), "{named}");
        }
    }

    #[test]
    fn nothing_is_handed_on_that_another_reader_takes_for_another_request() {
        let kept = [("authorization", "Bearer x"), ("x-own", "1")];
        for name in [
            "x_api_key",
            "x_forwarded_host",
            "x.real.ip",
            "x-forwarded",
            "x-forwarded-for",
            "x-forwarded-prefix",
            "forwarded",
            "x-http-method-override",
            "x-http-method",
            "x-method-override",
            "x-original-url",
            "x-rewrite-url",
            "x-original-host",
            "x-host",
            "x-remote-user",
            "x-ssl-client-verify",
            "true-client-ip",
            "proxy",
            "x-interlingua-explain",
        ] {
            let all: Vec<_> = kept.into_iter().chain([(name, "DELETE")]).collect();
            assert_eq!(handed_on(&all), Ok(headers(&kept)), "{name}");
        }
    }

    #[test]
    fn cookies_in_pieces_and_keys_said_twice_are_one() {
        let told = handed_on(&[
            ("cookie", "a=1"),
            ("cookie", "b=2"),
            ("idempotency-key", "k"),
            ("idempotency-key", "k"),
        ]);
        assert_eq!(told, Ok(headers(&[("cookie", "a=1; b=2"), ("idempotency-key", "k")])));
    }

    #[test]
    fn the_host_of_the_client_is_told_where_it_is_the_dialects_and_where_below_it_we_are() {
        let mut request = http::Request::new(());
        request.extensions_mut().insert(RequestId::accept(&HeaderValue::from_static("one")).unwrap());
        let (exchange, alias) = (Exchange::of(&request, Duration::from_secs(1)), Alias::new());
        for (host, is_told) in [("api.example:8443", true), ("evil.example", false)] {
            let url = Url {
                origin: Some((Scheme::HTTPS, Authority::from_static(host))),
                mount: 5,
                ..Url::of(PathAndQuery::from_static("/acme/a"))
            };
            let mut told = headers(&[("x-request-id", "theirs"), ("via", "1.0 fred")]);
            tell(&mut told, &url, |host| host == "api.example", Version::HTTP_2, &alias, &exchange);
            let mut expected = headers(&[
                ("x-forwarded-proto", "https"),
                ("x-forwarded-prefix", "/acme"),
                ("x-request-id", "one"),
                ("via", "1.0 fred"),
            ]);
            expected.append(VIA, alias.via(Version::HTTP_2));
            assert!(alias.is_in(&expected) && !Alias::new().is_in(&expected));
            if is_told {
                expected.insert(X_FORWARDED_HOST, HeaderValue::from_static(host));
            }
            assert_eq!(told, expected, "{host}");
        }
    }
}
