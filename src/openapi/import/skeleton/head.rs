//! `[dialect]` and `[[credential]]`: who it is, and how its callers say who they are.

use std::fmt::Write;

use serde_json::Value;

use super::{Skeleton, WRITES};
use crate::openapi::import::document::Spot;
use crate::openapi::import::operation::line;
use crate::openapi::import::toml::{TODO, aligned, quoted};

/// How a caller is known.
struct Credential {
    header: String,
    scheme: Option<&'static str>,
    comment: String,
}

impl Skeleton<'_> {
    pub(super) fn head(&mut self, name: &str) -> String {
        let info = self.document.spot("/info");
        let title = info.as_ref().and_then(|info| info.text("title")).map(line);
        let title = title.filter(|title| !title.is_empty()).unwrap_or_else(|| name.to_owned());
        let version = info.as_ref().and_then(|info| info.text("version")).map(line).unwrap_or_default();
        let version = if version.is_empty() { String::new() } else { format!(", version {version}") };
        let (hosts, prefix) = self.servers();
        let hosts: Vec<_> = hosts.iter().map(|host| quoted(host)).collect();
        let mut out = format!("# {title}{version}, as its OpenAPI document describes it.\n");
        out += "#\n# What a person has to decide says TODO. `interlingua check` tells each with the likeliest answers.\n\n";
        out += "[dialect]\n";
        out += &aligned(&[
            ("title".to_owned(), quoted(&title)),
            ("hosts".to_owned(), format!("[{}]", hosts.join(", "))),
            ("prefix".to_owned(), quoted(&prefix)),
        ]);
        for Credential { header, scheme, comment } in self.credentials() {
            let mut entries = vec![("header".to_owned(), header)];
            entries.extend(scheme.map(|scheme| ("scheme".to_owned(), quoted(scheme))));
            entries.push(("pattern".to_owned(), TODO.to_owned()));
            write!(out, "\n# {comment}\n[[credential]]\n{}", aligned(&entries)).expect(WRITES);
        }
        out += "\n# How much a caller may ask, if that is known:\n# [quota]\n# windows = [\"60/minute\"]\n";
        out
    }

    /// The hosts that have the prefix of the first server, and that prefix. An address without a host is relative to
    /// wherever the document lay, and counts only if there is no other.
    fn servers(&mut self) -> (Vec<String>, String) {
        let mut found = Vec::new();
        for server in self.document.spot("/servers").iter().flat_map(Spot::elements) {
            let Some(url) = server.text("url").map(|url| filled(url, &server)) else { continue };
            match parts(&url) {
                Some((host, path)) => found.push((server.at, host, path)),
                None => self.notes.push(&server.at, "left out: this is no address of a server"),
            }
        }
        if found.iter().any(|(_, host, _)| host.is_some()) {
            found.retain(|(_, host, _)| host.is_some());
        }
        let prefix = found.first().map(|(_, _, path)| path.clone()).unwrap_or_default();
        let mut hosts = Vec::new();
        for (at, host, path) in found {
            if path != prefix {
                self.notes.push(&at, "left out: a dialect has one prefix, and the first server has another");
            } else if let Some(host) = host.filter(|host| !hosts.contains(host)) {
                hosts.push(host);
            }
        }
        (hosts, prefix)
    }

    fn credentials(&mut self) -> Vec<Credential> {
        let used = self.used_schemes();
        let mut found: Vec<Credential> = Vec::new();
        for (name, scheme) in self.document.spot("/components/securitySchemes").iter().flat_map(Spot::members)
        {
            if !used.is_empty() && !used.iter().any(|known| known == name) {
                continue;
            }
            let Some(scheme) = self.document.follow(scheme, self.notes) else { continue };
            let authorization = || quoted("Authorization");
            let sort = scheme.text("type").unwrap_or_default();
            let http = scheme.text("scheme").unwrap_or_default().to_ascii_lowercase();
            let credential = match (sort, http.as_str(), scheme.text("in"), scheme.text("name")) {
                ("apiKey", _, Some("header"), Some(header)) => {
                    (quoted(header), None, "What a key looks like is not in the document.")
                }
                ("http", "basic", ..) => (authorization(), Some("Basic"), "Name and password, in base64."),
                ("http", "bearer", ..) | ("oauth2" | "openIdConnect", ..) => {
                    (authorization(), Some("Bearer"), "What a token looks like is not in the document.")
                }
                _ => {
                    self.notes.push(&scheme.at, "credentials travel in a header; say in which");
                    (TODO.to_owned(), None, "The document has it travel otherwise than in a header.")
                }
            };
            let (header, scheme, comment) = credential;
            if !found.iter().any(|known| known.header == header && known.scheme == scheme) {
                found.push(Credential { header, scheme, comment: comment.to_owned() });
            }
        }
        if found.is_empty() {
            let comment = "The document does not say how a caller is known.".to_owned();
            found.push(Credential { header: TODO.to_owned(), scheme: None, comment });
        }
        found
    }

    /// The names of the security schemes that something asks for.
    fn used_schemes(&self) -> Vec<String> {
        let mut used = Vec::new();
        let mut note = |security: Option<&Value>| {
            for requirement in security.and_then(Value::as_array).into_iter().flatten() {
                used.extend(requirement.as_object().into_iter().flatten().map(|(name, _)| name.clone()));
            }
        };
        note(self.document.root.get("security"));
        for planned in &self.plan.operations {
            note(planned.operation.security);
        }
        used
    }
}

/// The host and the path of an address, as a dialect may have them. A machine without a dot in its name is nobody's API.
fn parts(url: &str) -> Option<(Option<String>, String)> {
    let (host, path) = match url.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or((Some(rest), ""), |(host, path)| (Some(host), path)),
        None => (None, url),
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte);
    let is_segment = |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(is_plain);
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let path = path.trim_matches('/');
    let host = host.map(|host| host.split(':').next().unwrap_or_default().to_ascii_lowercase());
    let is_sound = (path.is_empty() || path.split('/').all(is_segment))
        && host.as_ref().is_none_or(|host| host.split('.').all(is_label));
    let path = if path.is_empty() { String::new() } else { format!("/{path}") };
    is_sound.then(|| (host.filter(|host| host.contains('.')), path))
}

/// An address with the usual values of its variables.
fn filled(url: &str, server: &Spot<'_>) -> String {
    let mut url = url.to_owned();
    for (name, variable) in server.get("variables").iter().flat_map(Spot::members) {
        if let Some(usual) = variable.text("default") {
            url = url.replace(&format!("{{{name}}}"), usual);
        }
    }
    url
}
