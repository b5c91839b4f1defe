//! Free ports on loopback.

use std::net::{Ipv4Addr, TcpListener};

/// Where free ports are looked for: below the range from which systems take the local ports of
/// outgoing connections (32768 and up), so that no client grabs one before its server does.
const RANGE: std::ops::Range<u16> = 15_000..32_000;

/// Ports tried before we give up. With a range of 17,000 this ends only on a machine without ports.
const ATTEMPTS: usize = 200;

/// No port could be had.
#[derive(Debug, thiserror::Error)]
#[error("no free port found on 127.0.0.1 between {} and {}", RANGE.start, RANGE.end)]
pub struct NoFreePort;

/// A port on 127.0.0.1 that nobody listens on now.
pub fn free() -> Result<u16, NoFreePort> {
    (0..ATTEMPTS)
        .map(|_| rand::random_range(RANGE))
        .find(|port| is_free(*port))
        .ok_or(NoFreePort)
}

/// The preferred port if it is free, else another free one.
pub fn preferred_or_free(preferred: u16) -> Result<u16, NoFreePort> {
    if is_free(preferred) {
        Ok(preferred)
    } else {
        free()
    }
}

/// Whether a server could listen on this port of 127.0.0.1 now.
pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}
