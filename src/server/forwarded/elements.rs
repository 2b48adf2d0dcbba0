//! The grammar of `Forwarded` (RFC 7239, section 4), read whole or not at all: a quote that the client opened must not
//! hide what a hop wrote behind it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Unreadable;

/// One hop's words. What it does not say is none, as is a client that it does not know or tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) client: Option<IpAddr>,
    pub(super) scheme: Option<String>,
    pub(super) host: Option<String>,
}

/// The elements of one line.
pub(super) fn parse(line: &str) -> Option<Vec<Element>> {
    let mut rest = Rest(line);
    let mut elements = Vec::new();
    loop {
        // A list may have empty members (RFC 9110, section 5.6.1).
        rest.skip_blanks();
        if rest.0.is_empty() {
            return Some(elements);
        }
        if rest.skip(',') {
            continue;
        }
        elements.push(rest.element()?);
        if !rest.0.is_empty() && !rest.skip(',') {
            return None;
        }
    }
}

/// The address in a node, which may have a port; none for one that is `unknown` or hidden (section 6).
pub(super) fn node(text: &str) -> Result<Option<IpAddr>, Unreadable> {
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (text, None),
    };
    if !port.is_none_or(is_port) {
        return Err(Unreadable);
    }
    if let Some(name) = name.strip_prefix('[') {
        let address = name.strip_suffix(']').and_then(|name| name.parse::<Ipv6Addr>().ok());
        return address.map(|address| Some(address.into())).ok_or(Unreadable);
    }
    if name.eq_ignore_ascii_case("unknown") || is_hidden(name) {
        return Ok(None);
    }
    name.parse::<Ipv4Addr>().map(|address| Some(address.into())).map_err(|_| Unreadable)
}

fn is_port(text: &str) -> bool {
    let is_number = (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number || is_hidden(text)
}

fn is_hidden(text: &str) -> bool {
    let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    text.strip_prefix('_').is_some_and(|name| !name.is_empty() && name.bytes().all(is_usual))
}

/// What is still to be read.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// Pairs with semicolons between them, up to a comma or the end.
    fn element(&mut self) -> Option<Element> {
        let mut element = Element::default();
        let mut names: Vec<&str> = Vec::new();
        loop {
            if !self.0.starts_with([';', ',']) && !self.0.is_empty() {
                let name = self.token()?;
                if names.iter().any(|other| other.eq_ignore_ascii_case(name)) || !self.skip('=') {
                    return None;
                }
                names.push(name);
                let value = self.value()?;
                match name.to_ascii_lowercase().as_str() {
                    "for" => element.client = node(&value).ok()?,
                    "proto" => element.scheme = Some(value),
                    "host" => element.host = Some(value),
                    // At which of its addresses the hop was called (`by`), and extensions.
                    _ => {}
                }
            }
            // The grammar has no blanks here; hops write them all the same.
            self.skip_blanks();
            if !self.skip(';') {
                return Some(element);
            }
            self.skip_blanks();
        }
    }

    fn value(&mut self) -> Option<String> {
        if !self.skip('"') {
            return self.token().map(str::to_owned);
        }
        let mut value = String::new();
        let mut chars = self.0.char_indices();
        loop {
            match chars.next()? {
                (at, '"') => {
                    self.0 = &self.0[at + 1..];
                    return Some(value);
                }
                (_, '\\') => value.push(chars.next()?.1),
                (_, other) => value.push(other),
            }
        }
    }

    fn token(&mut self) -> Option<&'a str> {
        let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        let length = self.0.find(|c| !is_token(c)).unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at(length);
        self.0 = rest;
        (!token.is_empty()).then_some(token)
    }

    fn skip(&mut self, c: char) -> bool {
        let rest = self.0.strip_prefix(c);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn skip_blanks(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t']);
    }
}
