//! Which operation an exchange was meant for.

use std::{str::FromStr, sync::Arc};

use http::{
    HeaderMap, Method, Uri,
    header::HOST,
    uri::{Authority, PathAndQuery},
};

use super::{Exchange, ask::Misasked};
use crate::cli::{Failure, names};
use crate::dialect::{Dialect, Registry, Selected, url::Url};

/// Finds out whom requests were meant for.
pub(in crate::cli) struct Recogniser<'r> {
    pub(in crate::cli) registry: &'r Registry,
    /// Only requests to this dialect count.
    pub(in crate::cli) dialect: Option<&'r Arc<Dialect>>,
    /// Only requests for this operation of it count.
    pub(in crate::cli) operation: Option<&'r str>,
    pub(in crate::cli) bases: Vec<(&'r Arc<Dialect>, &'r Base)>,
}

/// Whom a request was meant for.
#[derive(Debug)]
pub(in crate::cli) enum Recognised {
    /// An operation.
    Meant(Box<Selected>, Url),
    /// An operation or a dialect that was not asked about.
    Other,
    /// No dialect.
    Foreign,
    /// A dialect, but none of its operations.
    Unheard(Arc<Dialect>),
}

/// Where a dialect was served when the traffic was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Base {
    /// None for the dialect that is asked about.
    pub(in crate::cli) dialect: Option<String>,
    host: String,
    path: String,
}

impl FromStr for Base {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Base, &'static str> {
        const WRONG: &str = "a base is [DIALECT=]URL, as in https://old.example/api";
        let (dialect, url) = match text.split_once('=') {
            Some((dialect, url)) if !dialect.contains([':', '/']) => (Some(dialect.to_owned()), url),
            Some(_) | None => (None, text),
        };
        let url: Uri = url.parse().map_err(|_| WRONG)?;
        if !matches!(url.scheme_str(), Some("http" | "https")) || url.query().is_some() {
            return Err(WRONG);
        }
        let host = url.authority().ok_or(WRONG)?.as_str().to_ascii_lowercase();
        Ok(Base { dialect, host, path: url.path().trim_end_matches('/').to_owned() })
    }
}

impl Base {
    /// What of a path at that host is below the base.
    fn below<'p>(&self, host: &str, path: &'p str) -> Option<&'p str> {
        let below = path.strip_prefix(&self.path).filter(|_| host.eq_ignore_ascii_case(&self.host))?;
        (below.is_empty() || below.starts_with(['/', '?'])).then_some(below)
    }
}

/// Of which dialect each base is.
pub(in crate::cli) fn bases<'r>(
    registry: &'r Registry,
    asked: Option<&'r Arc<Dialect>>,
    bases: &'r [Base],
) -> Result<Vec<(&'r Arc<Dialect>, &'r Base)>, Failure> {
    let owned = |base: &'r Base| match &base.dialect {
        Some(name) => Ok((names::dialect(registry, name)?, base)),
        None => Ok((asked.ok_or(Misasked::BaseOfNobody)?, base)),
    };
    bases.iter().map(owned).collect()
}

impl Recogniser<'_> {
    pub(in crate::cli) fn recognise(&self, exchange: &Exchange<'_>) -> Recognised {
        let text = exchange.url.as_str().unwrap_or_default();
        // What comes after a number sign never leaves a client.
        let url = text.split('#').next().unwrap_or_default().parse::<Uri>();
        let method = exchange.method.as_str().unwrap_or_default();
        let (Ok(url), Ok(method)) = (url, Method::from_bytes(method.as_bytes())) else {
            return Recognised::Foreign;
        };
        let header = exchange.headers.get(HOST).and_then(|host| host.to_str().ok());
        let host = url.authority().map(Authority::as_str).or(header);
        let target = url.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));

        for (dialect, base) in &self.bases {
            if let Some(below) = host.and_then(|host| base.below(host, target.as_str())) {
                let own = format!("{}{below}", dialect.prefix);
                return self.of_dialect(dialect, &method, &own);
            }
        }
        let chosen = self.registry.select(&method, host, target.path(), &exchange.headers);
        let Some(asked) = self.dialect else {
            return match chosen {
                Ok(selected) => {
                    let url = Url { origin: None, target, mount: selected.mount };
                    Recognised::Meant(Box::new(selected), url)
                }
                Err(unselected) => unselected.dialect.map_or(Recognised::Foreign, Recognised::Unheard),
            };
        };
        let (dialect, mount) = match &chosen {
            Ok(selected) => (Some(&selected.dialect), selected.mount),
            Err(unselected) => (unselected.dialect.as_ref(), 0),
        };
        match dialect {
            Some(dialect) if dialect.family() == asked.family() => {
                let mount = match mount {
                    0 if target.path().starts_with(&format!("/{dialect}/")) => dialect.name.len() + 1,
                    mount => mount,
                };
                self.of_dialect(asked, &method, &target.as_str()[mount..])
            }
            _ if host.is_none() => self.of_dialect(asked, &method, target.as_str()),
            Some(_) => Recognised::Other,
            None => Recognised::Foreign,
        }
    }

    /// The operation of that dialect, whatever its hosts and headers are.
    fn of_dialect(&self, dialect: &Arc<Dialect>, method: &Method, own: &str) -> Recognised {
        if self.dialect.is_some_and(|asked| asked.name != dialect.name) {
            return Recognised::Other;
        }
        let Ok(target) = PathAndQuery::try_from(if own.is_empty() { "/" } else { own }) else {
            return Recognised::Unheard(Arc::clone(dialect));
        };
        let path = format!("/{dialect}{}", target.path());
        match self.registry.select(method, None, &path, &HeaderMap::new()) {
            Ok(selected) if self.operation.is_some_and(|asked| asked != selected.operation.name) => {
                Recognised::Other
            }
            Ok(selected) => Recognised::Meant(Box::new(selected), Url::of(target)),
            Err(_) => Recognised::Unheard(Arc::clone(dialect)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_a_url_with_or_without_a_dialect() {
        let base = |text: &str| text.parse::<Base>();
        let expected = |dialect: Option<&str>| Base {
            dialect: dialect.map(str::to_owned),
            host: "old.example:8443".to_owned(),
            path: "/api".to_owned(),
        };
        assert_eq!(base("https://Old.example:8443/api/"), Ok(expected(None)));
        assert_eq!(base("acme=https://old.example:8443/api"), Ok(expected(Some("acme"))));
        for text in ["", "/api", "acme=/api", "acme="] {
            assert!(base(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_base_ends_where_a_segment_ends() {
        let base: Base = "https://old.example/api".parse().unwrap();
        assert_eq!(base.below("OLD.example", "/api/v1?x=1"), Some("/v1?x=1"));
        assert_eq!(base.below("old.example", "/api"), Some(""));
        assert_eq!(base.below("old.example", "/api?x"), Some("?x"));
        assert_eq!(base.below("old.example", "/apis/v1"), None);
        assert_eq!(base.below("other.example", "/api/v1"), None);
    }
}
