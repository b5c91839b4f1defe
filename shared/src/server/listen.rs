//! Listening: one place that says how long the accept queue may be.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};

/// Connections that the kernel keeps until they are accepted; it allows `net.core.somaxconn` at most, 4,096 by default.
///
/// At an opening tens of thousands connect within a second. What finds the queue full is dropped in silence, and the
/// client tries again after a second, then three: long after its turn. In the queue it costs next to nothing, and what
/// cannot be served once it is accepted is told so. This is about what one process may have open.
pub const BACKLOG: u32 = 16_384;

/// Listens on `address`.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A process that was restarted need not wait until the connections of the one before are forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_accept_queue_is_as_long_as_the_kernel_allows() {
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let port = listener.local_addr().unwrap().port();
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let bound = format!("0100007F:{port:04X}");
        assert!(
            table.lines().any(|line| line.contains(&bound)),
            "it listens"
        );
        // More than tokio's own 1,024 connect although nobody accepts, as far as the kernel and descriptors allow.
        let somaxconn = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap();
        let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
        let open_files = limits
            .lines()
            .find_map(|line| line.strip_prefix("Max open files"));
        let open_files: usize = open_files
            .and_then(|line| line.split_whitespace().next()?.parse().ok())
            .unwrap();
        let somaxconn: usize = somaxconn.trim().parse().unwrap();
        let wanted = 1_200.min(somaxconn).min(open_files.saturating_sub(100));
        let mut waiting = Vec::new();
        for _ in 0..wanted {
            let address = listener.local_addr().unwrap();
            waiting.push(tokio::net::TcpStream::connect(address).await.unwrap());
        }
        assert_eq!(waiting.len(), wanted);
    }
}
