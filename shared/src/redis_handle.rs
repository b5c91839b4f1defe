//! One handle for Redis, whatever stands behind the address: a server, a Sentinel set or a Cluster.
//!
//! - A call never waits longer than the handle's deadline, and not at all while Redis is known to be away.
//! - One task keeps the connection: callers never wait through a reconnection.
//! - A call in flight when a connection dies is not repeated. Every script of ours is idempotent, so
//!   its caller may repeat it.

mod keeper;
mod reports;
mod script;
mod url;

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use redis::aio::MultiplexedConnection;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr};
use redis::{Cmd, ErrorKind, FromRedisValue, RedisError, RedisResult, ServerErrorKind};
use tokio::sync::{Notify, watch};

pub use self::reports::ServerReport;
pub use self::script::{Call, Script};
pub use self::url::{InvalidRedisUrl, RedisUrl};
use crate::shutdown::Shutdown;

/// A replica that hangs is asked again after so long.
const WAIT_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Why Redis gave no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Not connected at present, or the connection died with this call in flight.
    #[error("redis is not reachable")]
    Unavailable(#[source] Option<RedisError>),
    /// No answer within the deadline; the call may or may not have been carried out.
    #[error("redis did not answer within {0:?}")]
    Deadline(Duration),
    /// Redis answers, and the room is not there: removed, or lost and about to be written back.
    #[error("redis does not have the room")]
    NoRoom,
    /// Redis answered with an error, or with something that is not what was asked for.
    #[error("redis refused the call")]
    Refused(#[source] RedisError),
}

impl StoreError {
    /// Whether the same call may well succeed in a moment.
    pub fn is_passing(&self) -> bool {
        !matches!(self, Self::Refused(_))
    }
}

/// A connection to Redis that looks after itself. Clones share it.
#[derive(Debug, Clone)]
pub struct Redis {
    inner: Arc<Inner>,
}

struct Inner {
    deadline: Duration,
    current: ArcSwapOption<Connection>,
    /// Rung when a call suspects that the current connection is dead.
    suspicion: Notify,
    connected: watch::Sender<bool>,
    /// When a replica did not have in time what was written.
    waited_in_vain: ArcSwapOption<Instant>,
}

#[derive(Clone)]
enum Connection {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Redis {
    /// Returns at once; a task of `shutdown` connects, and reconnects whenever it must.
    ///
    /// `deadline` bounds every call, connection attempts excluded.
    pub fn connect(url: &RedisUrl, deadline: Duration, shutdown: &Shutdown) -> Self {
        let inner = Arc::new(Inner {
            deadline,
            current: ArcSwapOption::empty(),
            suspicion: Notify::new(),
            connected: watch::Sender::new(false),
            waited_in_vain: ArcSwapOption::empty(),
        });
        let keeper = keeper::Keeper::new(url.clone(), Arc::clone(&inner));
        let stopped = shutdown.hard().clone();
        // Not waited for at the end: it is there for as long as anything else is.
        shutdown.spawn_background("redis keeper", async move {
            stopped.run_until_cancelled(keeper.keep_connected()).await;
        });
        Self { inner }
    }

    /// Whether a connection stands, as far as is known.
    pub fn is_connected(&self) -> bool {
        self.inner.current.load().is_some()
    }

    /// Waits until a connection stands, `longest` at most.
    pub async fn wait_connected(&self, longest: Duration) -> Result<(), StoreError> {
        let mut connected = self.inner.connected.subscribe();
        let waiting = connected.wait_for(|connected| *connected);
        match tokio::time::timeout(longest, waiting).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_closed)) => Err(StoreError::Unavailable(None)),
            Err(_elapsed) => Err(StoreError::Deadline(longest)),
        }
    }

    /// Sends one command.
    pub async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        let name = command
            .args_iter()
            .next()
            .map_or_else(String::new, |argument| match argument {
                redis::Arg::Simple(name) => String::from_utf8_lossy(name).to_lowercase(),
                _ => String::new(),
            });
        count(name);
        self.bounded(async |connection| match connection {
            Connection::Single(single) => command.query_async(single).await,
            Connection::Cluster(cluster) => command.query_async(cluster).await,
        })
        .await
    }

    /// Runs one script, loading it first where the server does not know it yet.
    pub async fn invoke<T: FromRedisValue>(&self, call: &Call<'_>) -> Result<T, StoreError> {
        count(call.name());
        self.bounded(async |connection| match connection {
            Connection::Single(single) => call.invocation().invoke_async(single).await,
            Connection::Cluster(cluster) => call.invocation().invoke_async(cluster).await,
        })
        .await
    }

    /// Waits until a replica has what this connection has written so far, `longest` at most; whether one has. `key` is one
    /// that was written: a Cluster has a connection for each node. It holds up every other call of the connection, so it takes
    /// a third of the deadline at most, and after one in vain it is not tried again for a second.
    pub async fn wait_replicated(&self, key: &str, longest: Duration) -> Result<bool, StoreError> {
        let in_vain = self.inner.waited_in_vain.load();
        let is_recent = |at: &Arc<Instant>| at.elapsed() < WAIT_AGAIN_AFTER;
        if in_vain.as_ref().is_some_and(is_recent) {
            return Ok(false);
        }
        let longest = longest.min(self.inner.deadline / 3);
        count("wait");
        let mut wait = redis::cmd("WAIT");
        wait.arg(1).arg(longest.as_millis().max(1).to_string());
        let answered: Result<usize, StoreError> = self
            .bounded(async |connection| match connection {
                Connection::Single(single) => wait.query_async(single).await,
                Connection::Cluster(cluster) => {
                    // By itself the client would ask all nodes.
                    let node = Route::with_key(key, SlotAddr::Master);
                    let node = RoutingInfo::SingleNode(SingleNodeRoutingInfo::SpecificNode(node));
                    let answer = cluster.route_command(wait.clone(), node).await?;
                    Ok(redis::from_redis_value(answer)?)
                }
            })
            .await;
        let replicated = answered.map(|replicas| replicas > 0);
        if !matches!(replicated, Ok(true)) {
            let now = Some(Arc::new(Instant::now()));
            self.inner.waited_in_vain.store(now);
        }
        replicated
    }

    async fn bounded<T>(
        &self,
        call: impl AsyncFnOnce(&mut Connection) -> RedisResult<T>,
    ) -> Result<T, StoreError> {
        let Some(shared) = self.inner.current.load_full() else {
            return Err(StoreError::Unavailable(None));
        };
        let mut connection = Connection::clone(&shared);
        let deadline = self.inner.deadline;
        let Ok(answer) = tokio::time::timeout(deadline, call(&mut connection)).await else {
            self.inner.suspicion.notify_one();
            return Err(StoreError::Deadline(deadline));
        };
        answer.map_err(|error| {
            if is_lost(&error) {
                self.inner.lost(&shared);
                StoreError::Unavailable(Some(error))
            } else if is_away(&error) {
                StoreError::Unavailable(Some(error))
            } else {
                StoreError::Refused(error)
            }
        })
    }
}

impl Inner {
    fn connected(&self, connection: Connection) {
        self.current.store(Some(Arc::new(connection)));
        self.connected.send_replace(true);
    }

    /// Gives a dead connection up, unless it has been replaced already. A Cluster's connection heals
    /// itself and still serves the slots of the other nodes, so it is only suspected.
    fn lost(&self, connection: &Arc<Connection>) {
        if matches!(**connection, Connection::Single(_)) {
            let now = self.current.load();
            if now.as_ref().is_some_and(|now| Arc::ptr_eq(now, connection)) {
                self.current.store(None);
                self.connected.send_replace(false);
            }
        }
        self.suspicion.notify_one();
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let connected = self.current.load().is_some();
        formatter
            .debug_struct("Redis")
            .field("connected", &connected)
            .finish_non_exhaustive()
    }
}

/// The connection is of no more use: it broke, or it leads to a server that is no longer the master.
fn is_lost(error: &RedisError) -> bool {
    error.is_connection_dropped()
        || error.is_io_error()
        || error.is_unrecoverable_error()
        || matches!(error.kind(), ErrorKind::Server(ServerErrorKind::ReadOnly))
        // A master without its replicas may be one that was replaced; whoever knows is asked again.
        || error.code() == Some("NOREPLICAS")
}

/// The server answers, but cannot serve at present: it is loading, cut off from its Cluster, or takes no writes because its
/// disk or its memory is full.
fn is_away(error: &RedisError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ClusterConnectionNotFound
            | ErrorKind::Server(
                ServerErrorKind::BusyLoading
                    | ServerErrorKind::ClusterDown
                    | ServerErrorKind::MasterDown
                    | ServerErrorKind::TryAgain
            )
    ) || matches!(error.code(), Some("MISCONF" | "OOM"))
}

fn count(command: impl Into<metrics::SharedString>) {
    metrics::counter!("onsale_redis_commands_total", "command" => command.into()).increment(1);
}
