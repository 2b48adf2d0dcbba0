//! What a trusted hop says of the client whose request it passes on: its address, and how it called us.
//!
//! Anybody can write such a header, so it is read only on connections from networks that the settings name, and only as
//! far as such hops have written it: from the right, to the first address that is none of theirs. What stands left of it
//! is what that client wrote, and is read by nobody. Headers that the settings do not name are not read either: a hop that
//! sets one passes the others on as the client wrote them.

use std::{net::IpAddr, str::FromStr};

use http::{
    HeaderMap, HeaderName, HeaderValue,
    uri::{Authority, Scheme},
};

use crate::server::Network;

mod elements;

use elements::{ELEMENTS_MAX, Element, Node};

const FORWARDED: HeaderName = http::header::FORWARDED;
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Who may say where a request comes from, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HopsConfig {
    /// Where trusted hops are; none means that nobody is believed.
    pub trusted: Vec<Network>,
    /// What each of them writes.
    pub headers: HopHeaders,
}

/// Which headers every hop overwrites or appends to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HopHeaders {
    /// `Forwarded` (RFC 7239), where all that a hop says stands together.
    Forwarded,
    /// `X-Forwarded-For`.
    XForwarded {
        /// `X-Forwarded-Proto` as well.
        scheme: bool,
        /// `X-Forwarded-Host` as well.
        host: bool,
    },
}

impl Default for HopHeaders {
    fn default() -> HopHeaders {
        HopHeaders::XForwarded { scheme: false, host: false }
    }
}

/// One of the headers that the settings may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HopHeader {
    /// `Forwarded`.
    Forwarded,
    /// `X-Forwarded-For`.
    For,
    /// `X-Forwarded-Host`.
    Host,
    /// `X-Forwarded-Proto`.
    Proto,
}

impl HopHeader {
    /// How the settings call them.
    pub const NAMES: [(&'static str, HopHeader); 4] = [
        ("forwarded", HopHeader::Forwarded),
        ("x-forwarded-for", HopHeader::For),
        ("x-forwarded-proto", HopHeader::Proto),
        ("x-forwarded-host", HopHeader::Host),
    ];
}

impl HopHeaders {
    /// These together; none where nobody could say what they mean: one of the two that name the client has to be there.
    pub fn of(headers: &[HopHeader]) -> Option<HopHeaders> {
        let has = |header| headers.contains(&header);
        let (scheme, host) = (has(HopHeader::Proto), has(HopHeader::Host));
        match (has(HopHeader::Forwarded), has(HopHeader::For)) {
            (true, false) if !scheme && !host => Some(HopHeaders::Forwarded),
            (false, true) => Some(HopHeaders::XForwarded { scheme, host }),
            _ => None,
        }
    }
}

/// What is known of the client. Shows nothing of it.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// Its address; none if the hop does not know or tell it.
    pub(super) client: Option<IpAddr>,
    /// Whether it called with TLS.
    pub(super) scheme: Option<Scheme>,
    /// The host it called.
    pub(super) host: Option<Authority>,
}

/// A hop that is trusted wrote what nobody can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

impl HopsConfig {
    /// Whether connections from that address are those of a hop.
    pub(super) fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }

    /// What a trusted hop says in these headers; none if it says nothing.
    pub(super) fn read(&self, headers: &HeaderMap) -> Result<Option<Told>, Unreadable> {
        match self.headers {
            HopHeaders::Forwarded => self.forwarded(headers),
            HopHeaders::XForwarded { scheme, host } => self.x_forwarded(headers, scheme, host),
        }
    }

    fn is_hop(&self, node: Option<Node>) -> bool {
        matches!(node, Some(Node::Address(address)) if self.trusts(address))
    }

    /// What counts is the last element that names no hop, else the first of all. Who does not say for whom it speaks has
    /// not told who the client is.
    fn forwarded(&self, headers: &HeaderMap) -> Result<Option<Told>, Unreadable> {
        let (mut found, mut elements): (Option<Element>, _) = (None, 0);
        for line in headers.get_all(FORWARDED) {
            let read = elements::each(text(line)?, |element| {
                elements += 1;
                if found.is_none() || !self.is_hop(element.client) {
                    found = Some(element);
                }
            });
            read.filter(|()| elements <= ELEMENTS_MAX).ok_or(Unreadable)?;
        }
        let Some(Element { client, scheme, host }) = found else { return Ok(None) };
        let scheme = scheme.map(|scheme| parse_scheme(&scheme)).transpose()?;
        let host = host.map(|host| host.parse().map_err(|_| Unreadable)).transpose()?;
        Ok(Some(Told { client: client.and_then(Node::address), scheme, host }))
    }

    /// Places in different headers cannot be lined up, for a client shifts them by writing one more: of scheme and host the
    /// last counts, which a hop has written whatever the client did.
    fn x_forwarded(&self, headers: &HeaderMap, scheme: bool, host: bool) -> Result<Option<Told>, Unreadable> {
        let mut found = None;
        for said in from_the_right(headers, &X_FORWARDED_FOR) {
            let node = node(said?).ok_or(Unreadable)?;
            found = Some(node);
            if !self.is_hop(found) {
                break;
            }
        }
        let Some(client) = found else { return Ok(None) };
        let last = |is_read: bool, name: &HeaderName| {
            is_read.then(|| from_the_right(headers, name).next()).flatten()
        };
        let scheme = last(scheme, &X_FORWARDED_PROTO).map(|one| parse_scheme(one?)).transpose()?;
        let parse_host = |one: Result<&str, Unreadable>| Authority::from_str(one?).map_err(|_| Unreadable);
        let host = last(host, &X_FORWARDED_HOST).map(parse_host).transpose()?;
        Ok(Some(Told { client: client.address(), scheme, host }))
    }
}

impl Node {
    /// An address of IPv4 is one however it is written.
    fn address(self) -> Option<IpAddr> {
        match self {
            Node::Address(address) => Some(address.to_canonical()),
            Node::Hidden => None,
        }
    }
}

/// A member of `X-Forwarded-For`: an address of IPv6 need not stand in brackets there.
fn node(text: &str) -> Option<Node> {
    text.parse().ok().map(Node::Address).or_else(|| elements::node(text))
}

fn parse_scheme(text: &str) -> Result<Scheme, Unreadable> {
    match text {
        text if text.eq_ignore_ascii_case("https") => Ok(Scheme::HTTPS),
        text if text.eq_ignore_ascii_case("http") => Ok(Scheme::HTTP),
        _ => Err(Unreadable),
    }
}

/// The members of a list, over all lines of a header, without the empty ones; what nobody asks for is not read.
fn from_the_right<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = Result<&'a str, Unreadable>> + use<'a> {
    let lines = headers.get_all(name).into_iter().rev();
    lines.flat_map(|line| {
        let (line, error) = match text(line) {
            Ok(line) => (line, None),
            Err(error) => ("", Some(Err(error))),
        };
        let members = line.rsplit(',').map(|one| one.trim_matches([' ', '\t'])).filter(|one| !one.is_empty());
        error.into_iter().chain(members.map(Ok))
    })
}

fn text(line: &HeaderValue) -> Result<&str, Unreadable> {
    line.to_str().map_err(|_| Unreadable)
}

#[cfg(test)]
mod tests;
