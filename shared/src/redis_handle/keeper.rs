//! The task that keeps the connection: connects, looks after it, replaces it.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClientBuilder;
use redis::sentinel::{Sentinel, SentinelNodeConnectionInfo};
use redis::{AsyncConnectionConfig, Client, RedisError, RedisResult};
use tracing::{info, warn};

use super::url::{RedisUrl, Target};
use super::{Connection, Inner};

/// Between two looks at a connection about which nobody has complained. A half-open connection is found within it.
const CHECK_EVERY: Duration = Duration::from_millis(500);
/// A connection attempt that takes longer is begun anew.
const CONNECT_WITHIN: Duration = Duration::from_secs(1);
/// Pause after a failed attempt: soon enough to be back within a second, seldom enough not to hammer.
const RETRY_AFTER: Duration = Duration::from_millis(100);
/// Commands that may wait in the client for their turn on the wire (the default of 50 stalls a busy gatekeeper).
const PIPELINE_SLOTS: usize = 4096;

pub(super) struct Keeper {
    url: RedisUrl,
    inner: Arc<Inner>,
}

impl Keeper {
    pub(super) fn new(url: RedisUrl, inner: Arc<Inner>) -> Self {
        Self { url, inner }
    }

    /// Never ends by itself.
    pub(super) async fn keep_connected(self) {
        let mut complained = false;
        loop {
            if let Some(current) = self.inner.current.load_full() {
                let complaint = self.inner.suspicion.notified();
                let suspected = tokio::time::timeout(CHECK_EVERY, complaint).await.is_ok();
                self.check(&current, suspected).await;
                continue;
            }
            match self.connect().await {
                Ok(connection) => {
                    info!(redis = ?self.url, "connected to redis");
                    complained = false;
                    self.inner.connected(connection);
                }
                Err(error) => {
                    if !complained {
                        warn!(redis = ?self.url, %error, "redis is not reachable; trying on");
                        complained = true;
                    }
                    tokio::time::sleep(RETRY_AFTER).await;
                }
            }
        }
    }

    /// Finds out whether a connection still leads to a server that takes writes, and lets go of it if not.
    async fn check(&self, current: &Arc<Connection>, suspected: bool) {
        match &**current {
            Connection::Single(single) => {
                if !self.answers_as_master(single.clone()).await {
                    self.inner.lost(current);
                }
            }
            Connection::Cluster(_) if suspected => {
                // The old one goes on serving the healthy nodes until a fresh view of the cluster stands.
                if let Ok(fresh) = self.connect().await {
                    self.inner.connected(fresh);
                }
                tokio::time::sleep(RETRY_AFTER).await;
            }
            Connection::Cluster(_) => {}
        }
    }

    async fn answers_as_master(&self, mut connection: MultiplexedConnection) -> bool {
        let role = redis::cmd("ROLE");
        let asked = role.query_async::<Vec<redis::Value>>(&mut connection);
        // Longer than a call's deadline: a server busy with one long script is slow, not dead.
        match tokio::time::timeout(self.inner.deadline.saturating_mul(3), asked).await {
            Ok(Ok(role)) => match role.first() {
                Some(redis::Value::BulkString(name)) => name == b"master",
                _ => false,
            },
            Ok(Err(error)) => !super::is_lost(&error),
            Err(_elapsed) => false,
        }
    }

    async fn connect(&self) -> Result<Connection, RedisError> {
        match &self.url.target {
            Target::Server(info) => single(Client::open(info.clone())?).await,
            Target::Sentinel {
                sentinels,
                master,
                node,
            } => {
                let mut set = Sentinel::build(sentinels.clone())?;
                let node = SentinelNodeConnectionInfo::default()
                    .set_redis_connection_info(node.redis_settings().clone())
                    .set_tcp_settings(node.tcp_settings().clone());
                single(within(set.async_master_for(master, Some(&node))).await?).await
            }
            Target::Cluster(nodes) => {
                // One retry, at once: after a failover the first answer is a redirection. More would outlast the deadline.
                let client = ClusterClientBuilder::new(nodes.clone())
                    .retries(1)
                    .min_retry_wait(1)
                    .max_retry_wait(20)
                    .connection_timeout(CONNECT_WITHIN)
                    .response_timeout(self.inner.deadline)
                    .tcp_settings(redis::io::tcp::TcpSettings::default().set_nodelay(true))
                    .build()?;
                within(client.get_async_connection())
                    .await
                    .map(Connection::Cluster)
            }
        }
    }
}

async fn single(client: Client) -> Result<Connection, RedisError> {
    // Each call has its own deadline; the crate's default of 500 ms would only be a second, unnamed one.
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_WITHIN))
        .set_response_timeout(None)
        .set_pipeline_buffer_size(PIPELINE_SLOTS);
    let connecting = client.get_multiplexed_async_connection_with_config(&config);
    let mut connection = within(connecting).await?;
    // Connected is not enough: a server that is loading its data answers with an error.
    redis::cmd("PING")
        .query_async::<()>(&mut connection)
        .await?;
    Ok(Connection::Single(connection))
}

async fn within<T>(attempt: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    match tokio::time::timeout(CONNECT_WITHIN, attempt).await {
        Ok(result) => result,
        Err(elapsed) => Err(std::io::Error::new(std::io::ErrorKind::TimedOut, elapsed).into()),
    }
}
