//! What a trusted hop says of the client whose request it passes on: its address, and how it called us.
//!
//! Anybody can write such a header, so it is read only on connections from networks that the settings name, and only as
//! far as such hops have written it: from the right, to the first address that is none of theirs. What stands left of it
//! is what that client wrote, and is read by nobody. One header is read, the one that the settings name: a hop that
//! sets the one passes the other on as the client wrote it.

use std::{fmt, net::IpAddr, str::FromStr};

use http::{
    HeaderMap, HeaderName, HeaderValue,
    uri::{Authority, Scheme},
};

mod elements;

use elements::Element;

const FORWARDED: HeaderName = http::header::FORWARDED;
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Who may say where a request comes from, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HopsConfig {
    /// Where trusted hops are; none means that nobody is believed.
    pub trusted: Vec<Network>,
    /// What they write.
    pub header: HopHeader,
}

/// Which headers a hop writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HopHeader {
    /// `Forwarded` (RFC 7239).
    Forwarded,
    /// `X-Forwarded-For`, with `X-Forwarded-Proto` and `X-Forwarded-Host`.
    #[default]
    XForwarded,
}

impl HopHeader {
    /// How the settings call them.
    pub const NAMES: [(&'static str, HopHeader); 2] =
        [("forwarded", HopHeader::Forwarded), ("x-forwarded-for", HopHeader::XForwarded)];
}

/// Addresses that begin with the same bits, such as `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// Why a text is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// What stands before the slash is no address.
    #[error("expected an IP address, with or without `/` and a number of bits")]
    Address,
    /// The number behind the slash is none, or one too large.
    #[error("the number of bits must be one from 0 to 32, or to 128 for IPv6")]
    Bits,
    /// Bits are set behind those that count.
    #[error("the address has bits set that do not count")]
    Rest,
}

impl Network {
    /// Whether an address is in it, however it is written.
    pub fn contains(&self, address: IpAddr) -> bool {
        first_bits(address.to_canonical(), self.bits) == self.address
            && address.to_canonical().is_ipv4() == self.address.is_ipv4()
    }
}

fn first_bits(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let rest = u32::MAX.checked_shr(bits.into()).unwrap_or(0);
            std::net::Ipv4Addr::from_bits(address.to_bits() & !rest).into()
        }
        IpAddr::V6(address) => {
            let rest = u128::MAX.checked_shr(bits.into()).unwrap_or(0);
            std::net::Ipv6Addr::from_bits(address.to_bits() & !rest).into()
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Network, NetworkError> {
        let (address, bits) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| NetworkError::Address)?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        let is_number = |bits: &str| bits.bytes().all(|byte| byte.is_ascii_digit());
        let bits = match bits {
            None => all,
            Some(bits) => bits
                .parse()
                .ok()
                .filter(|number| is_number(bits) && *number <= all)
                .ok_or(NetworkError::Bits)?,
        };
        if first_bits(address, bits) != address {
            return Err(NetworkError::Rest);
        }
        Ok(Network { address, bits })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

/// What is known of the client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    pub(super) fn trust(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }

    /// What a trusted hop says in these headers; none if it says nothing.
    pub(super) fn read(&self, headers: &HeaderMap) -> Result<Option<Told>, Unreadable> {
        match self.header {
            HopHeader::Forwarded => self.forwarded(headers),
            HopHeader::XForwarded => self.x_forwarded(headers),
        }
    }

    fn forwarded(&self, headers: &HeaderMap) -> Result<Option<Told>, Unreadable> {
        let mut elements = Vec::new();
        for line in headers.get_all(FORWARDED) {
            elements.extend(elements::parse(text(line)?).ok_or(Unreadable)?);
        }
        // Who does not say for whom it speaks has not told who the client is.
        let client = |element: &Element| Ok(element.client);
        let Some(at) = self.outermost(&elements, client)? else { return Ok(None) };
        let Element { client, scheme, host } = elements.swap_remove(at);
        let scheme = scheme.map(|scheme| parse_scheme(&scheme)).transpose()?;
        let host = host.map(|host| host.parse().map_err(|_| Unreadable)).transpose()?;
        Ok(Some(Told { client, scheme, host }))
    }

    fn x_forwarded(&self, headers: &HeaderMap) -> Result<Option<Told>, Unreadable> {
        let clients = list(headers, &X_FORWARDED_FOR)?;
        let Some(at) = self.outermost(&clients, |text| node(text))? else { return Ok(None) };
        let behind = clients.len() - 1 - at;
        let (schemes, hosts) = (list(headers, &X_FORWARDED_PROTO)?, list(headers, &X_FORWARDED_HOST)?);
        let scheme = same_place(&schemes, behind).map(parse_scheme).transpose()?;
        let host = same_place(&hosts, behind).map(|host| host.parse().map_err(|_| Unreadable)).transpose()?;
        Ok(Some(Told { client: node(clients[at])?, scheme, host }))
    }

    /// Which of the hops' words is about the client: the first from the right that names no hop, else the leftmost.
    fn outermost<T>(
        &self,
        said: &[T],
        client: impl Fn(&T) -> Result<Option<IpAddr>, Unreadable>,
    ) -> Result<Option<usize>, Unreadable> {
        for (at, one) in said.iter().enumerate().rev() {
            match client(one)? {
                Some(address) if self.trust(address) => {}
                Some(_) | None => return Ok(Some(at)),
            }
        }
        Ok((!said.is_empty()).then_some(0))
    }
}

/// What stands in the same place of another list, counted from the right, where the hops write; a list that is shorter was
/// written by the outermost alone.
fn same_place<'a>(list: &[&'a str], behind: usize) -> Option<&'a str> {
    list.len().checked_sub(1).map(|last| list[last - behind.min(last)])
}

/// A member of `X-Forwarded-For`: an address of IPv6 need not stand in brackets there.
fn node(text: &str) -> Result<Option<IpAddr>, Unreadable> {
    text.parse().map(Some).or_else(|_| elements::node(text))
}

fn parse_scheme(text: &str) -> Result<Scheme, Unreadable> {
    match text {
        text if text.eq_ignore_ascii_case("https") => Ok(Scheme::HTTPS),
        text if text.eq_ignore_ascii_case("http") => Ok(Scheme::HTTP),
        _ => Err(Unreadable),
    }
}

/// The members of a list, over all lines of a header, without the empty ones.
fn list<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Vec<&'a str>, Unreadable> {
    let mut all = Vec::new();
    for line in headers.get_all(name) {
        all.extend(
            text(line)?.split(',').map(|one| one.trim_matches([' ', '\t'])).filter(|one| !one.is_empty()),
        );
    }
    Ok(all)
}

fn text(line: &HeaderValue) -> Result<&str, Unreadable> {
    line.to_str().map_err(|_| Unreadable)
}

#[cfg(test)]
mod tests;
