//! The grammar of `Forwarded` (RFC 7239, section 4), read whole or not at all: a quote that the client opened must not
//! hide what a hop wrote behind it. Most of it is what clients wrote, so reading takes as long as it is, and it is not
//! read at all where it is longer than any row of hops is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Hops in a row, and pairs that one of them writes: far more than there are.
pub(super) const ELEMENTS_MAX: usize = 64;
pub(super) const PAIRS_MAX: usize = 16;

/// Who speaks to a hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Address(IpAddr),
    /// The hop does not know or tell it (section 6).
    Hidden,
}

/// One hop's words. What it does not say is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) client: Option<Node>,
    pub(super) scheme: Option<String>,
    pub(super) host: Option<String>,
}

/// Takes the elements of one line one by one, each as soon as it was read; none if the line cannot be read.
pub(super) fn each(line: &str, mut take: impl FnMut(Element)) -> Option<()> {
    let mut rest = Rest(line);
    loop {
        // A list may have empty members (RFC 9110, section 5.6.1).
        rest.skip_blanks();
        if rest.0.is_empty() {
            return Some(());
        }
        if rest.skip(',') {
            continue;
        }
        take(rest.element()?);
        if !rest.0.is_empty() && !rest.skip(',') {
            return None;
        }
    }
}

/// What a text says of who speaks to a hop: an address, with or without a port, or nothing.
pub(super) fn node(text: &str) -> Option<Node> {
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (text, None),
    };
    if !port.is_none_or(is_port) {
        return None;
    }
    if let Some(name) = name.strip_prefix('[') {
        let address = name.strip_suffix(']')?.parse::<Ipv6Addr>().ok()?;
        return Some(Node::Address(address.into()));
    }
    if name.eq_ignore_ascii_case("unknown") || is_hidden(name) {
        return Some(Node::Hidden);
    }
    name.parse::<Ipv4Addr>().ok().map(|address| Node::Address(address.into()))
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
    /// Pairs with semicolons between them, up to a comma or the end. A name that stands twice could mean either; of
    /// extensions nobody asks what they mean.
    fn element(&mut self) -> Option<Element> {
        let mut element = Element::default();
        let mut by = None;
        for _ in 0..PAIRS_MAX {
            if !self.0.starts_with([';', ',']) && !self.0.is_empty() {
                let name = self.token()?;
                if !self.skip('=') {
                    return None;
                }
                let value = self.value()?;
                match name.to_ascii_lowercase().as_str() {
                    "for" => set(&mut element.client, node(&value)?)?,
                    "proto" => set(&mut element.scheme, value)?,
                    "host" => set(&mut element.host, value)?,
                    // At which of its addresses the hop was called.
                    "by" => set(&mut by, ())?,
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
        None
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

/// Fills what is empty.
fn set<T>(place: &mut Option<T>, value: T) -> Option<()> {
    let is_first = place.is_none();
    *place = Some(value);
    is_first.then_some(())
}
