//! The task that keeps the connection: connects, looks after it, replaces it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::select_ok;
use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClientBuilder;
use redis::sentinel::{Sentinel, SentinelNodeConnectionInfo};
use redis::{AsyncConnectionConfig, Client, RedisError, RedisResult};
use tracing::{info, warn};

use super::url::{RedisUrl, Target};
use super::{Connection, Inner};

/// Between two looks at a connection about which nobody has complained. A half-open connection is found within it.
const CHECK_EVERY: Duration = Duration::from_millis(500);
/// An attempt to connect to one server, its first answer included, that takes longer is begun anew.
const SERVER_WITHIN: Duration = Duration::from_secs(1);
/// A node of a Cluster that is silent for longer is left out; the others serve their rooms without it.
const NODE_WITHIN: Duration = Duration::from_millis(300);
/// The same for a whole Cluster: its client tries all nodes at once, and those that fail twice.
const CLUSTER_WITHIN: Duration = Duration::from_secs(2);
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
                let node = SentinelNodeConnectionInfo::default()
                    .set_redis_connection_info(node.redis_settings().clone())
                    .set_tcp_settings(node.tcp_settings().clone());
                // All are asked at once, and the first good answer counts: a silent one costs nothing.
                let asked = sentinels.iter().map(|sentinel| {
                    let node = &node;
                    Box::pin(async move {
                        let mut alone = Sentinel::build(vec![sentinel.clone()])?;
                        alone.async_master_for(master, Some(node)).await
                    })
                });
                let (client, _slower) = within(SERVER_WITHIN, select_ok(asked)).await?;
                single(client).await
            }
            Target::Cluster(nodes) => {
                // One retry, at once: after a failover the first answer is a redirection. More would outlast the deadline.
                let client = ClusterClientBuilder::new(nodes.clone())
                    .retries(1)
                    .min_retry_wait(1)
                    .max_retry_wait(20)
                    .connection_timeout(NODE_WITHIN)
                    .response_timeout(self.inner.deadline)
                    .tcp_settings(redis::io::tcp::TcpSettings::default().set_nodelay(true))
                    .build()?;
                within(CLUSTER_WITHIN, client.get_async_connection())
                    .await
                    .map(Connection::Cluster)
            }
        }
    }
}

async fn single(client: Client) -> Result<Connection, RedisError> {
    // Each call has its own deadline; the crate's default of 500 ms would only be a second, unnamed one.
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(SERVER_WITHIN))
        .set_response_timeout(None)
        .set_pipeline_buffer_size(PIPELINE_SLOTS);
    let connecting = async {
        let mut connection = client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        // Connected is not enough: a server that is loading its data answers with an error.
        redis::cmd("PING")
            .query_async::<()>(&mut connection)
            .await?;
        Ok(Connection::Single(connection))
    };
    within(SERVER_WITHIN, connecting).await
}

async fn within<T>(
    longest: Duration,
    attempt: impl Future<Output = RedisResult<T>>,
) -> RedisResult<T> {
    match tokio::time::timeout(longest, attempt).await {
        Ok(result) => result,
        Err(elapsed) => Err(std::io::Error::new(std::io::ErrorKind::TimedOut, elapsed).into()),
    }
}
