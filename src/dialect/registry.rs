//! All dialects, and which of them a request is meant for.
//!
//! A request names its dialect by host, by mount (`/<dialect>/…`), or by a path only one dialect has. A generation of a
//! dialect has a mount and hosts of its own; what came to the dialect itself, however it did, goes to the first
//! generation whose header the request has. From the moment the dialect is known every error speaks its language, for a
//! request nobody knows as well.

use std::borrow::Cow;
use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, Method, StatusCode};

use self::path::{ambiguity, has_prefix};
use self::routes::{Matched, Routes};
use super::url::other_slash;
use super::{ByName, Dialect, Operation};
use crate::canonical::api::Api;
use crate::diag::Lines;
use crate::problem::Problem;

mod path;
mod routes;

pub use routes::{Overlap, overlaps};

/// All dialects.
#[derive(Debug)]
pub struct Registry {
    api: Arc<Api>,
    dialects: Vec<Arc<Dialect>>,
    served: Vec<Served>,
    by_host: ByName<usize>,
    by_name: ByName<usize>,
    /// Where a request of any dialect may carry its credential.
    credential_headers: Vec<HeaderName>,
    /// Which line of a mapping a span is in, for explanations.
    lines: Lines,
    /// The canonical API as a dialect, which is not served unless somebody wants it.
    canonical: Option<Arc<Dialect>>,
}

/// A dialect and its route table.
#[derive(Debug)]
struct Served {
    dialect: Arc<Dialect>,
    routes: Routes,
    /// Its generations that are chosen by a header, in the order of their names.
    generations: Vec<usize>,
}

/// The operation a request is meant for.
#[derive(Clone, Debug)]
pub struct Selected {
    /// Its dialect.
    pub dialect: Arc<Dialect>,
    /// The operation.
    pub operation: Arc<Operation>,
    /// How much of the path is the mount, in front of what the dialect knows: bytes.
    pub mount: usize,
    /// The path parameters, still percent-encoded.
    pub path: Vec<(Box<str>, String)>,
}

/// A request that is meant for no operation.
#[derive(Debug)]
pub struct Unselected {
    /// The dialect to answer in, if one is known.
    pub dialect: Option<Arc<Dialect>>,
    /// What to answer.
    pub problem: Problem,
    /// The redirect to answer instead: the path with its last slash, or without it, is one of the dialect's.
    pub wrong_slash: Option<StatusCode>,
}

impl Registry {
    /// Puts dialects under one roof.
    pub fn new(api: Arc<Api>, dialects: Vec<Arc<Dialect>>) -> Registry {
        let served = |dialect: &Arc<Dialect>| Served {
            dialect: Arc::clone(dialect),
            routes: Routes::new(&dialect.operations),
            generations: generations(&dialects, &dialect.name),
        };
        let hosts = |(index, dialect): (usize, &Arc<Dialect>)| {
            let hosts: Vec<_> = dialect.hosts.iter().map(|host| (host.to_ascii_lowercase(), index)).collect();
            hosts
        };
        let by_host = dialects.iter().enumerate().flat_map(hosts).collect();
        let names = dialects.iter().enumerate().map(|(index, dialect)| (dialect.name.clone(), index));
        let (served, by_name) = (dialects.iter().map(served).collect(), names.collect());
        let credential_headers = credential_headers(&dialects);
        let (lines, canonical) = (Lines::default(), None);
        Registry { api, dialects, served, by_host, by_name, credential_headers, lines, canonical }
    }

    /// The same, with the lines of the files it was made of.
    #[must_use]
    pub fn with_lines(self, lines: Lines) -> Registry {
        Registry { lines, ..self }
    }

    /// The same, and the canonical API could be served as a dialect, too.
    #[must_use]
    pub fn offering(self, canonical: Option<Dialect>) -> Registry {
        Registry { canonical: canonical.map(Arc::new), ..self }
    }

    /// The same, serving the canonical API as a dialect, for a backend that speaks another.
    #[must_use]
    pub fn serving_canonical(self) -> Registry {
        let Registry { api, mut dialects, lines, canonical, .. } = self;
        let is_new = |one: &Arc<Dialect>| !dialects.iter().any(|known| known.name == one.name);
        let added: Vec<_> = canonical.clone().into_iter().filter(is_new).collect();
        dialects.extend(added);
        dialects.sort_by(|one, other| one.name.cmp(&other.name));
        Registry { canonical, ..Registry::new(api, dialects).with_lines(lines) }
    }

    /// Which line of a mapping a span is in.
    pub fn lines(&self) -> &Lines {
        &self.lines
    }

    /// The canonical API.
    pub fn api(&self) -> &Arc<Api> {
        &self.api
    }

    /// The headers in which a request of any dialect may carry its credential, each once.
    pub fn credential_headers(&self) -> &[HeaderName] {
        &self.credential_headers
    }

    /// The dialects, in the order of their names.
    pub fn dialects(&self) -> &[Arc<Dialect>] {
        &self.dialects
    }

    /// The dialects with the canonical API as one, whether it is served or not: all that clients may speak where the backend
    /// speaks another.
    pub fn with_canonical(&self) -> impl Iterator<Item = &Arc<Dialect>> {
        let is_new = |one: &&Arc<Dialect>| self.dialect(&one.name).is_none();
        self.dialects.iter().chain(self.canonical.iter().filter(is_new))
    }

    /// Whether a dialect is the canonical API itself.
    pub fn is_canonical(&self, dialect: &Arc<Dialect>) -> bool {
        self.canonical.as_ref().is_some_and(|canonical| Arc::ptr_eq(canonical, dialect))
    }

    /// The dialect of that name.
    pub fn dialect(&self, name: &str) -> Option<&Arc<Dialect>> {
        self.by_name.get(name).map(|index| &self.dialects[*index])
    }

    /// Finds the operation a request is meant for, from its head alone.
    pub fn select(
        &self,
        method: &Method,
        host: Option<&str>,
        path: &str,
        headers: &HeaderMap,
    ) -> Result<Selected, Box<Unselected>> {
        if let Some(served) = host.and_then(|host| self.at_host(host)) {
            return self.generation(served, headers).select(method, path);
        }
        let (first, rest) = split_mount(path);
        match self.by_name.get(first) {
            Some(index) => {
                let selected = self.generation(&self.served[*index], headers).select(method, rest)?;
                Ok(Selected { mount: path.len() - rest.len(), ..selected })
            }
            None => self.select_by_path(method, path, headers),
        }
    }

    /// The dialect of that host. Hosts are written in lower case nearly always, and then nothing is copied.
    fn at_host(&self, authority: &str) -> Option<&Served> {
        if self.by_host.is_empty() {
            return None;
        }
        let host = without_port(authority);
        let has_capitals = host.bytes().any(|byte| byte.is_ascii_uppercase());
        let host = if has_capitals { Cow::Owned(host.to_ascii_lowercase()) } else { Cow::Borrowed(host) };
        self.by_host.get(&*host).map(|index| &self.served[*index])
    }

    /// The generation a request to that dialect is meant for: the first whose header it has, or the dialect itself.
    fn generation<'a>(&'a self, served: &'a Served, headers: &HeaderMap) -> &'a Served {
        let mut generations = served.generations.iter().map(|index| &self.served[*index]);
        let is_meant =
            |one: &&Served| one.dialect.select.as_ref().is_some_and(|select| select.is_match(headers));
        generations.find(is_meant).unwrap_or(served)
    }

    /// Neither host nor mount says whose the request is: the path has to.
    fn select_by_path(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
    ) -> Result<Selected, Box<Unselected>> {
        let nobody = |problem| Err(Box::new(Unselected { dialect: None, problem, wrong_slash: None }));
        let prefixed: Vec<_> =
            self.served.iter().filter(|served| has_prefix(path, &served.dialect.prefix)).collect();
        let knowing: Vec<_> = prefixed.iter().copied().filter(|served| served.knows(path)).collect();
        match (eldest(&knowing).as_slice(), eldest(&prefixed).as_slice()) {
            ([owner], _) | ([], [owner]) => self.generation(owner, headers).select(method, path),
            ([], _) => nobody(Problem::not_found("no such path")),
            ([..], _) => {
                nobody(Problem::not_found("several APIs have this path: name one by host or by mount"))
            }
        }
    }
}

/// `Authorization` is one in every dialect.
fn credential_headers(dialects: &[Arc<Dialect>]) -> Vec<HeaderName> {
    let mut names = vec![AUTHORIZATION];
    for credential in dialects.iter().flat_map(|dialect| &dialect.credentials) {
        if !names.contains(&credential.header) {
            names.push(credential.header.clone());
        }
    }
    names
}

impl Served {
    /// The part of a path that is the dialect's own, if it has its prefix.
    fn below<'p>(&self, path: &'p str) -> Option<&'p str> {
        has_prefix(path, &self.dialect.prefix).then(|| &path[self.dialect.prefix.len()..])
    }

    fn knows(&self, path: &str) -> bool {
        let own = self.below(path);
        own.is_some_and(|own| !matches!(self.routes.find(None, own), Matched::Nothing))
    }

    fn select(&self, method: &Method, path: &str) -> Result<Selected, Box<Unselected>> {
        let unselected = |problem| {
            let dialect = Some(Arc::clone(&self.dialect));
            Box::new(Unselected { dialect, problem, wrong_slash: None })
        };
        if let Some(what) = ambiguity(path) {
            return Err(unselected(Problem::bad_request("ambiguous-path", format!("the path holds {what}"))));
        }
        let own = self.below(path).ok_or_else(|| unselected(Problem::not_found("no such path")))?;
        match self.routes.find(Some(method), own) {
            Matched::Operation { index, path: parameters } => Ok(Selected {
                dialect: Arc::clone(&self.dialect),
                operation: Arc::clone(&self.dialect.operations[index]),
                mount: 0,
                path: parameters,
            }),
            Matched::Methods(allow) => Err(unselected(Problem::method_not_allowed(allow))),
            Matched::Nothing => {
                let is_known = |path: &str| !matches!(self.routes.find(None, path), Matched::Nothing);
                let wrong_slash = self.dialect.wrong_slash.filter(|_| is_known(&other_slash(own)));
                Err(Box::new(Unselected { wrong_slash, ..*unselected(Problem::not_found("no such path")) }))
            }
        }
    }
}

/// The generations of that dialect that are chosen by a header.
fn generations(dialects: &[Arc<Dialect>], name: &str) -> Vec<usize> {
    let is_one =
        |dialect: &Dialect| dialect.select.is_some() && dialect.extends.iter().any(|base| base == name);
    let found = dialects.iter().enumerate().filter(|(_, dialect)| is_one(dialect));
    found.map(|(index, _)| index).collect()
}

/// Without the generations of others among them: a path that a dialect shares with those is the dialect's.
fn eldest<'s>(served: &[&'s Served]) -> Vec<&'s Served> {
    let is_there = |name: &String| served.iter().any(|one| one.dialect.name == *name);
    served.iter().copied().filter(|one| !one.dialect.extends.iter().any(is_there)).collect()
}

/// The first segment of a path and what follows it.
fn split_mount(path: &str) -> (&str, &str) {
    let inner = path.strip_prefix('/').unwrap_or(path);
    let end = inner.find('/').unwrap_or(inner.len());
    (&inner[..end], &inner[end..])
}

/// The host of an authority (RFC 3986, section 3.2); what stands in brackets has colons of its own.
fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => host,
        Some(_) | None => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_not_part_of_a_host() {
        assert_eq!(without_port("api.example"), "api.example");
        assert_eq!(without_port("api.example:8080"), "api.example");
        assert_eq!(without_port("[::1]"), "[::1]");
        assert_eq!(without_port("[::1]:8080"), "[::1]");
    }

    #[test]
    fn a_mount_is_the_first_segment() {
        assert_eq!(split_mount("/acme/v1/things"), ("acme", "/v1/things"));
        assert_eq!(split_mount("/acme"), ("acme", ""));
        assert_eq!(split_mount("/"), ("", ""));
    }
}
