//! From where a request comes: the address of the peer, or the one that trusted proxies tell of.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// How many proxies in front of this service are ours. Each adds the address that it was called from at the right
/// end of `X-Forwarded-For`; what stands further left anybody may have written, and it is never looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrustedProxies(pub usize);

impl TrustedProxies {
    /// The client's address: the last but N − 1 of `X-Forwarded-For`. Without proxies of ours, or where there are
    /// fewer addresses than proxies (somebody has come past them), it is the peer's own.
    pub fn client(self, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
        let told = self.0.checked_sub(1).and_then(|nearer| {
            let entry = entries_from_the_right(headers).nth(nearer)?;
            parse(entry)
        });
        // The same client, whether an IPv4 address is written as such or as an IPv6 one.
        told.unwrap_or(peer.ip()).to_canonical()
    }
}

/// The addresses of all lines of the header, which make one list (RFC 9110, 5.3); empty ones do not count (5.6.1).
fn entries_from_the_right(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let lines = headers.get_all(FORWARDED_FOR).into_iter().rev();
    lines
        .flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|entry| !entry.is_empty())
}

/// An address, as some proxies write it with a port, and an IPv6 one then in brackets.
fn parse(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?;
    let address = || text.parse().ok();
    let with_port = || text.parse().ok().map(|address: SocketAddr| address.ip());
    let in_brackets = || {
        let inner = text.strip_prefix('[')?.strip_suffix(']')?;
        inner.parse().ok()
    };
    address().or_else(with_port).or_else(in_brackets)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const PEER: &str = "192.0.2.1:4711";

    fn client(proxies: usize, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            let line = HeaderValue::from_bytes(line.as_bytes()).unwrap();
            headers.append(FORWARDED_FOR, line);
        }
        let peer = PEER.parse().unwrap();
        TrustedProxies(proxies).client(peer, &headers).to_string()
    }

    #[test]
    fn without_proxies_nobody_is_believed() {
        assert_eq!(client(0, &[]), "192.0.2.1");
        assert_eq!(client(0, &["198.51.100.7"]), "192.0.2.1");
    }

    #[test]
    fn each_proxy_of_ours_is_one_entry_from_the_right() {
        let line = "10.9.9.9, 198.51.100.7, 203.0.113.5";
        assert_eq!(client(1, &[line]), "203.0.113.5");
        assert_eq!(client(2, &[line]), "198.51.100.7");
        assert_eq!(client(3, &["198.51.100.7", "203.0.113.5"]), "192.0.2.1");
    }

    #[test]
    fn several_lines_are_one_list_in_their_order() {
        let lines = ["10.9.9.9", "198.51.100.7 ,203.0.113.5,"];
        assert_eq!(client(1, &lines), "203.0.113.5");
        assert_eq!(client(2, &lines), "198.51.100.7");
        assert_eq!(client(3, &lines), "10.9.9.9");
    }

    #[test]
    fn addresses_are_read_in_every_form_that_proxies_write() {
        for (written, read) in [
            ("203.0.113.5", "203.0.113.5"),
            ("203.0.113.5:443", "203.0.113.5"),
            ("2001:db8::7", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("[2001:db8::7]:443", "2001:db8::7"),
            ("::ffff:203.0.113.5", "203.0.113.5"),
            ("unknown", "192.0.2.1"),
            ("203.0.113.500", "192.0.2.1"),
            ("\u{e9}", "192.0.2.1"),
        ] {
            assert_eq!(client(1, &[written]), read, "{written}");
        }
    }

    proptest! {
        #[test]
        fn what_a_client_forges_changes_nothing(
            forged in proptest::collection::vec("[ -~]{0,40}", 0..5),
            client_address: std::net::Ipv4Addr,
            inner_proxies in proptest::collection::vec(any::<std::net::Ipv6Addr>(), 0..3),
        ) {
            let ours = std::iter::once(client_address.to_string())
                .chain(inner_proxies.iter().map(ToString::to_string));
            let ours = ours.collect::<Vec<_>>().join(", ");
            let proxies = inner_proxies.len() + 1;
            let lines: Vec<&str> = forged.iter().map(String::as_str).chain([ours.as_str()]).collect();
            prop_assert_eq!(client(proxies, &lines), client_address.to_string());
            let one_line = lines.join(",");
            prop_assert_eq!(client(proxies, &[&one_line]), client_address.to_string());
        }
    }
}
