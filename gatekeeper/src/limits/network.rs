//! What counts as one client address.

use std::net::{IpAddr, Ipv6Addr};

/// One IPv4 address, or a part of IPv6: whoever has a part can ask from anywhere in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Network(IpAddr);

impl Network {
    /// The /64 of an IPv6 address: one link, so a household or a telephone.
    pub(super) fn link(address: IpAddr) -> Self {
        Self::of(address, 64)
    }

    /// The /48 of an IPv6 address: the most that a single customer is given (RFC 6177).
    pub(super) fn site(address: IpAddr) -> Self {
        Self::of(address, 48)
    }

    fn of(address: IpAddr, length: u32) -> Self {
        let rest = u128::BITS - length;
        Self(match address.to_canonical() {
            v4 @ IpAddr::V4(_) => v4,
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> rest << rest)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_the_network_of_an_ipv6_address_does_not_count() {
        let link = |text: &str| Network::link(text.parse().unwrap());
        let site = |text: &str| Network::site(text.parse().unwrap());
        assert_eq!(link("2001:db8:1:2::1"), link("2001:db8:1:2:ffff::9"));
        assert_ne!(link("2001:db8:1:2::1"), link("2001:db8:1:3::1"));
        assert_eq!(site("2001:db8:1:2::1"), site("2001:db8:1:3::1"));
        assert_ne!(site("2001:db8:1:2::1"), site("2001:db8:2:2::1"));
        for of in [link, site] {
            assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
            assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.1"));
        }
    }
}
