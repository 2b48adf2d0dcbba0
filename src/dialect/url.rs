//! The address a client used, for answers that have to name another one of the same API.

use std::fmt;

use http::uri::{Authority, PathAndQuery, Scheme};
use percent_encoding::percent_decode_str;

/// An address, in the parts a client wrote it. Its parts are shared, not copied: most answers name no address.
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    /// Scheme and host; none if the client did not say.
    pub origin: Option<(Scheme, Authority)>,
    /// Path and query, still percent-encoded.
    pub target: PathAndQuery,
    /// How much of the path is the mount, in front of what the dialect knows: bytes.
    pub mount: usize,
}

/// Shows no path and no query: they name people and what is theirs.
impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Url { origin, target, mount } = self;
        let bytes = target.as_str().len();
        f.debug_struct("Url").field("origin", origin).field("bytes", &bytes).field("mount", mount).finish()
    }
}

impl Url {
    /// The address of a dialect's own path that nobody was asked at.
    pub fn of(target: PathAndQuery) -> Url {
        Url { origin: None, target, mount: 0 }
    }

    /// The query without its question mark; empty if there is none.
    pub fn query(&self) -> &str {
        self.target.query().unwrap_or_default()
    }

    /// The same address with another value of a query parameter, or without it. The value has to be unreserved text.
    pub fn with(&self, parameter: &str, value: Option<&str>) -> String {
        let is_other = |pair: &&str| {
            let name = pair.split_once('=').map_or(*pair, |(name, _)| name);
            // It may be written with escapes nobody needs.
            !pair.is_empty() && percent_decode_str(name).ne(parameter.bytes())
        };
        let others = self.query().split('&').filter(is_other).map(str::to_owned);
        let pairs: Vec<String> = others.chain(value.map(|value| format!("{parameter}={value}"))).collect();
        self.at(self.target.path(), &pairs.join("&"))
    }

    /// The same address with a slash at the end of its path, or without the one that is there.
    pub fn with_other_slash(&self) -> String {
        self.at(&other_slash(self.target.path()), self.query())
    }

    /// The address of another path of the same dialect.
    pub fn beside(&self, own: &str) -> String {
        self.at(&format!("{}{own}", &self.target.path()[..self.mount]), "")
    }

    fn at(&self, path: &str, query: &str) -> String {
        let mark = if query.is_empty() { "" } else { "?" };
        match &self.origin {
            Some((scheme, authority)) => format!("{scheme}://{authority}{path}{mark}{query}"),
            None => format!("{path}{mark}{query}"),
        }
    }
}

/// A path with another end: without its last slash, or with one.
pub fn other_slash(path: &str) -> String {
    path.strip_suffix('/').map_or_else(|| format!("{path}/"), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(target: &'static str) -> Url {
        Url {
            origin: Some((Scheme::HTTPS, Authority::from_static("api.example"))),
            target: PathAndQuery::from_static(target),
            mount: "/acme".len(),
        }
    }

    #[test]
    fn one_parameter_changes_and_the_others_stay_as_they_were_written() {
        let asked = url("/acme/v1/things?a=1&page=2&b=%26");
        assert_eq!(asked.with("page", Some("3")), "https://api.example/acme/v1/things?a=1&b=%26&page=3");
        assert_eq!(asked.with("page", None), "https://api.example/acme/v1/things?a=1&b=%26");
        let escaped = url("/acme/v1/things?%70age=2");
        assert_eq!(escaped.with("page", Some("3")), "https://api.example/acme/v1/things?page=3");
        assert_eq!(Url::of(PathAndQuery::from_static("/things?page=1")).with("page", None), "/things");
    }

    #[test]
    fn another_path_has_the_same_mount() {
        assert_eq!(url("/acme/v1/things?a=1").beside("/v1/others/7"), "https://api.example/acme/v1/others/7");
    }

    #[test]
    fn another_slash_leaves_the_rest_as_it_is() {
        assert_eq!(url("/acme/things?a=1").with_other_slash(), "https://api.example/acme/things/?a=1");
        assert_eq!(url("/acme/things/").with_other_slash(), "https://api.example/acme/things");
    }
}
