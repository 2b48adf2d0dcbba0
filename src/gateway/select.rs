//! Phase 1: which dialect and operation a request is meant for, from its head alone.

use std::fmt;

use http::header::HOST;
use http::request::Parts;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Method, Request, StatusCode, Version};

use super::{Called, Exchange};
use crate::dialect::url::Url;
use crate::dialect::{self, Registry};
use crate::problem::Problem;

/// A request whose operation is known.
pub(super) struct Selected<B> {
    pub(super) target: dialect::Selected,
    /// The address the client used.
    pub(super) url: Url,
    pub(super) head: Parts,
    pub(super) body: B,
}

/// Shows nothing of the head: the credential is in it.
impl<B> fmt::Debug for Selected<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Selected").field("operation", &self.target.operation.name).finish_non_exhaustive()
    }
}

/// What a request is meant for.
#[derive(Debug)]
pub(super) enum Selection<B> {
    /// An operation. In a box, as it goes from phase to phase: each would carry the room for it, and copy it.
    Operation(Box<Selected<B>>),
    /// None, but one has the same path with another end: there the client is sent, at the address it used.
    Elsewhere(StatusCode, String),
}

/// Finds the operation. From here on every refusal is told as the dialect tells it, also when only the dialect could
/// be found.
pub(super) fn select<B>(
    registry: &Registry,
    request: Request<B>,
    exchange: &mut Exchange,
) -> Result<Selection<B>, Box<Problem>> {
    let (mut head, body) = request.into_parts();
    let authority = authority(&head, &exchange.called)?;
    let host = authority.as_ref().map(Authority::as_str);
    let selected = find(registry, &head, host);
    let url = Url {
        origin: authority.map(|authority| (exchange.called.scheme.clone(), authority)),
        target: head.uri.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/")),
        mount: selected.as_ref().map_or(0, |selected| selected.mount),
    };
    let target = match selected {
        Ok(target) => target,
        Err(unselected) => {
            let unselected = *unselected;
            exchange.dialect = unselected.dialect;
            return match unselected.wrong_slash {
                Some(status) => Ok(Selection::Elsewhere(status, url.with_other_slash())),
                None => Err(Box::new(unselected.problem)),
            };
        }
    };
    exchange.dialect = Some(target.dialect.clone());
    exchange.operation = Some(target.operation.clone());
    // No mapping says anything of HEAD, and no backend has to know it.
    if head.method == Method::HEAD {
        head.method = Method::GET;
    }
    Ok(Selection::Operation(Box::new(Selected { target, url, head, body })))
}

/// Notes what a request is meant for that is refused whatever it is, as far as its head says so.
pub(super) fn note(registry: &Registry, head: &Parts, exchange: &mut Exchange) {
    let Ok(authority) = authority(head, &exchange.called) else { return };
    let host = authority.as_ref().map(Authority::as_str);
    match find(registry, head, host) {
        Ok(target) => {
            exchange.dialect = Some(target.dialect);
            exchange.operation = Some(target.operation);
        }
        Err(unselected) => exchange.dialect = unselected.dialect,
    }
}

/// Finds the operation. HEAD is answered as GET, where that only reads: who asks for the head of an answer alone means to
/// change nothing. Elsewhere it is a method like any other that nobody answers.
fn find(
    registry: &Registry,
    head: &Parts,
    host: Option<&str>,
) -> Result<dialect::Selected, Box<dialect::Unselected>> {
    let select = |method| registry.select(method, host, head.uri.path(), &head.headers);
    if head.method != Method::HEAD {
        return select(&head.method);
    }
    match select(&Method::GET) {
        Ok(target) if !target.operation.is_safe() => select(&Method::HEAD),
        found => found,
    }
}

/// The host a request is meant for, with or without its port: from its target, else from its one `Host` header.
fn authority(head: &Parts, called: &Called) -> Result<Option<Authority>, Box<Problem>> {
    let refused = |detail| Err(Box::new(Problem::bad_request("invalid-host", detail)));
    let mut values = head.headers.get_all(HOST).iter();
    let (value, more) = (values.next(), values.next());
    if more.is_some() {
        return refused("the request names more than one host");
    }
    // RFC 9112, section 3.2: HTTP/1.1 has the header in every request, whatever the target is.
    if value.is_none() && head.version == Version::HTTP_11 {
        return refused("the request names no host");
    }
    // RFC 9113, section 8.3.1: beside `:authority` the header may only name the same, however it is spelt. In HTTP/1.1 it is
    // ignored beside the whole address (RFC 9112, section 3.2.2).
    if let (Version::HTTP_2, Some(authority), Some(value)) = (head.version, head.uri.authority(), value)
        && !Authority::try_from(value.as_bytes()).is_ok_and(|other| is_same(&other, authority, head))
    {
        return refused("the request names more than one host");
    }
    // A trusted hop may have called us by another name than its client called it.
    let named = called.host.as_ref().or(head.uri.authority()).cloned().map(Ok);
    match named.or_else(|| value.map(|value| Authority::try_from(value.as_bytes()))) {
        None => Ok(None),
        Some(Ok(authority)) if is_plain(authority.as_str()) => Ok(Some(authority)),
        Some(_) => refused("the request's host is malformed"),
    }
}

/// Whether both name the same host and port; who names no port means that of the scheme.
fn is_same(one: &Authority, other: &Authority, head: &Parts) -> bool {
    let usual = if head.uri.scheme() == Some(&Scheme::HTTP) { 80 } else { 443 };
    let port = |authority: &Authority| authority.port_u16().unwrap_or(usual);
    one.host().eq_ignore_ascii_case(other.host()) && port(one) == port(other)
}

/// Whether it is a name or an address with or without a port, and nothing else that an authority may hold (RFC 3986,
/// section 3.2): answers repeat it in addresses.
///
/// This goes by the bytes: [`Authority::host`] looks for a user first and for the port from behind, and twice asked took as
/// long as the whole table of routes.
fn is_plain(authority: &str) -> bool {
    let bytes = authority.as_bytes();
    let end = |of: u8| bytes.iter().position(|byte| *byte == of);
    let (name, rest) = if let [b'[', inner @ ..] = bytes {
        let Some(end) = end(b']') else { return false };
        (&inner[..end - 1], &authority[end + 1..])
    } else {
        let end = end(b':').unwrap_or(bytes.len());
        (&bytes[..end], &authority[end..])
    };
    let is_usual = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':');
    // A user in front of the host would stand in the name, or in the port.
    let has_right_port =
        rest.is_empty() || rest.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    !name.is_empty() && name.iter().all(is_usual) && has_right_port
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    /// The host of a request for `target` with these `Host` headers.
    fn host_of(target: &str, hosts: &[&'static str]) -> Result<Option<String>, String> {
        host_in(Version::HTTP_11, target, hosts)
    }

    #[test]
    fn the_host_that_a_trusted_hop_says_was_called_comes_before_all_others() {
        let host_of = |told: &'static str, hosts: &[&'static str]| {
            let mut request = Request::builder().uri("/a");
            for host in hosts {
                request = request.header(HOST, HeaderValue::from_static(host));
            }
            let (head, ()) = request.body(()).unwrap().into_parts();
            let called = Called { host: Some(Authority::from_static(told)), ..Called::default() };
            authority(&head, &called)
                .map(|found| found.unwrap().to_string())
                .map_err(|problem| problem.code.into_owned())
        };
        assert_eq!(host_of("api.example", &["inner"]), Ok("api.example".to_owned()));
        assert_eq!(host_of("me@api.example", &["inner"]), Err("invalid-host".to_owned()));
        assert_eq!(host_of("api.example", &["inner", "inner"]), Err("invalid-host".to_owned()));
    }

    fn host_in(version: Version, target: &str, hosts: &[&'static str]) -> Result<Option<String>, String> {
        let mut request = Request::builder().version(version).uri(target);
        for host in hosts {
            request = request.header(HOST, HeaderValue::from_static(host));
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        match authority(&head, &Called::default()) {
            Ok(authority) => Ok(authority.map(|authority| authority.to_string())),
            Err(problem) => Err(problem.code.clone().into_owned()),
        }
    }

    #[test]
    fn the_host_is_that_of_the_header() {
        assert_eq!(host_of("/a", &["api.example:8080"]), Ok(Some("api.example:8080".to_owned())));
        assert_eq!(host_of("/a", &["[::1]:80"]), Ok(Some("[::1]:80".to_owned())));
    }

    #[test]
    fn the_authority_of_the_target_comes_first() {
        // RFC 9112, section 3.2.2: the host of an absolute target replaces the header.
        let expected = Ok(Some("one.example:80".to_owned()));
        assert_eq!(host_of("http://one.example:80/a", &["two.example"]), expected);
    }

    #[test]
    fn in_http_2_the_header_may_only_repeat_the_authority() {
        let host_of = |hosts: &[&'static str]| host_in(Version::HTTP_2, "https://one.example/a", hosts);
        assert_eq!(host_of(&["One.example"]), Ok(Some("one.example".to_owned())));
        assert_eq!(host_of(&["two.example"]), Err("invalid-host".to_owned()));
        assert_eq!(host_of(&["one.example:443"]), Ok(Some("one.example".to_owned())));
        assert_eq!(host_of(&["one.example:444"]), Err("invalid-host".to_owned()));
    }

    #[test]
    fn a_host_is_a_name_and_a_port_and_nothing_that_an_address_should_not_repeat() {
        for host in ["user:pw@a.example", "a,b", "a'b", "a.example:99999", "[::1"] {
            assert_eq!(host_of("/a", &[host]), Err("invalid-host".to_owned()), "{host}");
        }
        assert_eq!(host_of("http://user:pw@a.example/a", &["a.example"]), Err("invalid-host".to_owned()));
    }

    #[test]
    fn only_old_requests_may_name_no_host() {
        for target in ["/a", "http://one.example/a"] {
            assert_eq!(host_of(target, &[]), Err("invalid-host".to_owned()), "{target}");
        }
        assert_eq!(host_in(Version::HTTP_10, "/a", &[]), Ok(None));
        assert_eq!(
            host_in(Version::HTTP_2, "https://one.example/a", &[]),
            Ok(Some("one.example".to_owned()))
        );
    }

    #[test]
    fn a_request_that_names_two_hosts_or_a_broken_one_is_refused() {
        for hosts in [&["a.example", "a.example"][..], &["a b"], &["user@a.example"], &["a/b"], &[""]] {
            assert_eq!(host_of("/a", hosts), Err("invalid-host".to_owned()), "{hosts:?}");
        }
    }
}
