//! Phase 1: which dialect and operation a request is meant for, from its head alone.

use http::header::HOST;
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, Request, Uri};

use super::Exchange;
use crate::dialect::{self, Registry};
use crate::problem::Problem;

/// A request whose operation is known.
#[derive(Debug)]
pub(super) struct Selected<B> {
    pub(super) target: dialect::Selected,
    pub(super) head: Parts,
    pub(super) body: B,
}

/// Finds the operation. From here on every refusal is told as the dialect tells it, also when only the dialect could
/// be found.
pub(super) fn select<B>(
    registry: &Registry,
    request: Request<B>,
    exchange: &mut Exchange,
) -> Result<Selected<B>, Box<Problem>> {
    let (head, body) = request.into_parts();
    let host = host(&head.uri, &head.headers)?;
    let target = match registry.select(&head.method, host, head.uri.path(), &head.headers) {
        Ok(target) => target,
        Err(unselected) => {
            let unselected = *unselected;
            exchange.dialect = unselected.dialect;
            return Err(Box::new(unselected.problem));
        }
    };
    exchange.dialect = Some(target.dialect.clone());
    exchange.operation = Some(target.operation.clone());
    Ok(Selected { target, head, body })
}

/// The host a request is meant for, with or without its port: from its target, else from its one `Host` header.
fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Result<Option<&'a str>, Box<Problem>> {
    let refused = |detail| Err(Box::new(Problem::bad_request("invalid-host", detail)));
    if let Some(authority) = uri.authority() {
        return Ok(Some(authority.host()));
    }
    let mut values = headers.get_all(HOST).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return refused("the request names more than one host");
    }
    match value.to_str() {
        Ok(host) if Authority::try_from(host).is_ok() && !host.contains('@') => Ok(Some(host)),
        Ok(_) | Err(_) => refused("the request's host is malformed"),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    /// The host of a request for `target` with these `Host` headers.
    fn host_of(target: &str, hosts: &[&'static str]) -> Result<Option<String>, String> {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, HeaderValue::from_static(host));
        }
        let target = target.parse().unwrap();
        match host(&target, &headers) {
            Ok(host) => Ok(host.map(str::to_owned)),
            Err(problem) => Err(problem.code.clone().into_owned()),
        }
    }

    #[test]
    fn the_host_is_that_of_the_header() {
        assert_eq!(host_of("/a", &["api.example:8080"]), Ok(Some("api.example:8080".to_owned())));
        assert_eq!(host_of("/a", &["[::1]:80"]), Ok(Some("[::1]:80".to_owned())));
        assert_eq!(host_of("/a", &[]), Ok(None));
    }

    #[test]
    fn the_authority_of_the_target_comes_first() {
        // RFC 9112, section 3.2.2: the host of an absolute target replaces the header.
        let expected = Ok(Some("one.example".to_owned()));
        assert_eq!(host_of("http://one.example:80/a", &["two.example"]), expected);
    }

    #[test]
    fn a_request_that_names_two_hosts_or_a_broken_one_is_refused() {
        for hosts in [&["a.example", "a.example"][..], &["a b"], &["user@a.example"], &["a/b"], &[""]] {
            assert_eq!(host_of("/a", hosts), Err("invalid-host".to_owned()), "{hosts:?}");
        }
    }
}
