//! Addresses of this machine from which many connections can come: each has its own 28,000 ports.

use std::net::SocketAddr;

/// Their last octets.
const LAST: std::ops::RangeInclusive<u8> = 2..=9;

/// 127.0.0.2 to 127.0.0.9, over and over, with a port that the system chooses.
pub(super) fn all() -> impl Iterator<Item = SocketAddr> {
    LAST.cycle()
        .map(|last| SocketAddr::from(([127, 0, 0, last], 0)))
}
