//! Addresses that begin with the same bits: whoever has one address of IPv6 has the network around it, and load balancers
//! are named by theirs.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// Addresses that begin with the same bits, such as `10.0.0.0/8`. Those of IPv4 are in it however they are written, also as
/// addresses of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// The bits in front of an address of IPv4 that is written as one of IPv6.
const MAPPED_BITS: u8 = 96;

/// Why a text is no network that anybody could mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// What stands before the slash is no address.
    #[error("expected an IP address, with or without `/` and a number of bits")]
    Address,
    /// No bit counts.
    #[error("this is every address there is")]
    All,
    /// The number behind the slash is none, or one too large.
    #[error("the number of bits must be one from 1 to 32, or to 128 for IPv6")]
    Bits,
    /// Bits are set behind those that count.
    #[error("the address has bits set that do not count")]
    Rest,
}

impl Network {
    /// The network of that size around an address, which counts as it is written.
    pub(super) fn around(address: IpAddr, bits: u8) -> Network {
        let address = match address {
            IpAddr::V4(address) => {
                let rest = u32::MAX.checked_shr(bits.into()).unwrap_or(0);
                Ipv4Addr::from_bits(address.to_bits() & !rest).into()
            }
            IpAddr::V6(address) => {
                let rest = u128::MAX.checked_shr(bits.into()).unwrap_or(0);
                Ipv6Addr::from_bits(address.to_bits() & !rest).into()
            }
        };
        Network { address, bits }
    }

    /// Whether an address is in it, however it is written.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4() && Network::around(address, self.bits) == *self
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
        let mut network = Network::around(address, bits);
        if network.address != address {
            return Err(NetworkError::Rest);
        }
        if let (IpAddr::V6(mapped), Some(bits)) = (address, bits.checked_sub(MAPPED_BITS))
            && let Some(address) = mapped.to_ipv4_mapped()
        {
            network = Network { address: address.into(), bits };
        }
        if network.bits == 0 { Err(NetworkError::All) } else { Ok(network) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn network(text: &str) -> Result<Network, NetworkError> {
        text.parse()
    }

    #[test]
    fn a_network_is_an_address_and_how_many_of_its_bits_count() {
        for (text, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("0.0.0.0/1", "127.255.255.255", "::1"),
            ("::/1", "2001:db8::1", "192.0.2.1"),
            ("2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::"),
            ("::1", "::1", "::2"),
        ] {
            let network = network(text).unwrap();
            assert!(network.contains(inside.parse().unwrap()), "{text} {inside}");
            assert!(!network.contains(outside.parse().unwrap()), "{text} {outside}");
        }
        assert_eq!(network("10.0.0.1/8"), Err(NetworkError::Rest));
        for text in ["10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/-1"] {
            assert_eq!(network(text), Err(NetworkError::Bits), "{text}");
        }
        for text in ["", "localhost", "10.0.0/8", "10.0.0.0:80"] {
            assert_eq!(network(text), Err(NetworkError::Address), "{text}");
        }
    }

    #[test]
    fn whoever_may_be_anybody_is_no_network() {
        for text in ["0.0.0.0/0", "::/0", "::ffff:0:0/96"] {
            assert_eq!(network(text), Err(NetworkError::All), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_network_of_ipv4_is_the_same_in_the_spelling_of_ipv6(
            (of, other) in (any::<u32>(), any::<u32>()),
            (bits, same) in (1_u8..=32, 0_u32..=32),
        ) {
            // An address that begins like the other one, for as many bits as it happens.
            let rest = u32::MAX.checked_shr(same).unwrap_or(0);
            let (of, other) = (Ipv4Addr::from_bits(of), Ipv4Addr::from_bits(of & !rest | other & rest));
            let Network { address: first, .. } = Network::around(of.into(), bits);
            let IpAddr::V4(first) = first else { unreachable!() };
            let plain = network(&format!("{first}/{bits}")).unwrap();
            let mapped = network(&format!("{}/{}", first.to_ipv6_mapped(), bits + MAPPED_BITS)).unwrap();
            prop_assert_eq!(plain, mapped);
            let shift = 32 - u32::from(bits);
            let expected = of.to_bits() >> shift == other.to_bits() >> shift;
            prop_assert_eq!(mapped.contains(other.into()), expected);
            prop_assert_eq!(plain.contains(other.to_ipv6_mapped().into()), expected);
        }
    }
}
