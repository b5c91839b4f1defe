//! Where Redis is: `redis://…`, `redis+sentinel://…/master` or `redis+cluster://…`.

use std::fmt;
use std::str::FromStr;

use redis::{ConnectionInfo, IntoConnectionInfo, io::tcp::TcpSettings};

/// Why an address of Redis cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRedisUrl {
    /// Another scheme than the three.
    #[error(
        "an address of Redis is redis://host:port/db, redis+sentinel://host:port,host:port/master \
         or redis+cluster://host:port,host:port"
    )]
    Scheme,
    /// Sentinel without the name of its master.
    #[error(
        "a Sentinel address ends with the name of the master: redis+sentinel://host:port/master"
    )]
    Master,
    /// A host, port, user or password that cannot be read.
    #[error("a node of the Redis address cannot be read; a node is [user:password@]host:port")]
    Node,
}

/// A parsed address. Its text, which may hold a password, is never shown.
#[derive(Clone)]
pub struct RedisUrl {
    pub(super) target: Target,
}

#[derive(Clone)]
pub(super) enum Target {
    Server(ConnectionInfo),
    Sentinel {
        sentinels: Vec<ConnectionInfo>,
        master: String,
        node: ConnectionInfo,
    },
    Cluster(Vec<ConnectionInfo>),
}

impl FromStr for RedisUrl {
    type Err = InvalidRedisUrl;

    fn from_str(text: &str) -> Result<Self, InvalidRedisUrl> {
        let target = if let Some(rest) = text.strip_prefix("redis+sentinel://") {
            let (nodes, master) = rest.split_once('/').ok_or(InvalidRedisUrl::Master)?;
            if master.is_empty() || master.contains('/') {
                return Err(InvalidRedisUrl::Master);
            }
            let (credentials, hosts) = split_credentials(nodes);
            // The credentials are the master's; the Sentinels themselves are asked without.
            let node = connection(credentials, "127.0.0.1:6379")?;
            let sentinels = hosts.split(',').map(|host| connection("", host));
            Target::Sentinel {
                sentinels: sentinels.collect::<Result<_, _>>()?,
                master: master.to_owned(),
                node,
            }
        } else if let Some(rest) = text.strip_prefix("redis+cluster://") {
            let (credentials, hosts) = split_credentials(rest.trim_end_matches('/'));
            let nodes = hosts.split(',').map(|host| connection(credentials, host));
            Target::Cluster(nodes.collect::<Result<_, _>>()?)
        } else if let Some(rest) = text.strip_prefix("redis://") {
            Target::Server(connection("", rest)?)
        } else {
            return Err(InvalidRedisUrl::Scheme);
        };
        Ok(Self { target })
    }
}

fn split_credentials(nodes: &str) -> (&str, &str) {
    nodes
        .rfind('@')
        .map_or(("", nodes), |at| nodes.split_at(at + 1))
}

/// Without TCP_NODELAY small scripts wait for the acknowledgement of the one before (redis leaves it off).
fn connection(credentials: &str, host: &str) -> Result<ConnectionInfo, InvalidRedisUrl> {
    if host.is_empty() {
        return Err(InvalidRedisUrl::Node);
    }
    let parsed = format!("redis://{credentials}{host}").into_connection_info();
    let info = parsed.or(Err(InvalidRedisUrl::Node))?;
    Ok(info.set_tcp_settings(TcpSettings::default().set_nodelay(true)))
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match &self.target {
            Target::Server(_) => "redis://…",
            Target::Sentinel { .. } => "redis+sentinel://…",
            Target::Cluster(_) => "redis+cluster://…",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_kinds_of_address_are_told_apart() {
        let parse = |text: &str| text.parse::<RedisUrl>().map(|url| format!("{url:?}"));
        assert_eq!(parse("redis://127.0.0.1:6379/0").unwrap(), "redis://…");
        assert_eq!(parse("redis://u:secret@h:1").unwrap(), "redis://…");
        assert_eq!(
            parse("redis+cluster://u:p@a:1,b:2").unwrap(),
            "redis+cluster://…"
        );
        assert_eq!(
            parse("redis+sentinel://a:1,b:2/mymaster").unwrap(),
            "redis+sentinel://…"
        );
        assert_eq!(parse("http://a:1").unwrap_err(), InvalidRedisUrl::Scheme);
        assert_eq!(
            parse("redis+sentinel://a:1").unwrap_err(),
            InvalidRedisUrl::Master
        );
        assert_eq!(
            parse("redis+cluster://a:x").unwrap_err(),
            InvalidRedisUrl::Node
        );
        assert_eq!(
            parse("redis+cluster://a:1,,b:1").unwrap_err(),
            InvalidRedisUrl::Node
        );
    }
}
