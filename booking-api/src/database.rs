//! The two databases: the primary, which decides, and the replica, which only lists. They are different types, so that
//! no decision can be taken from the replica by mistake (rule 9 of booking).
//!
//! A request waits for a connection in a queue of ours, which is bounded in length and time. sqlx's own queue has no
//! bound in length, and opens and closes connections under contention.

mod error;
mod store;

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgConnection, PgPool, Postgres};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use self::error::DatabaseError;
pub use self::store::{StartError, check_is_replica, check_is_writable};
use crate::settings::{DatabaseArgs, PoolArgs, ReplicaArgs};

/// An idle connection older than this is asked whether it still lives before it is used.
const TRUSTED_FOR: Duration = Duration::from_secs(2);
/// Connections are replaced now and then, so that a changed DNS name or balancer is followed.
const LONGEST_LIFE: Duration = Duration::from_mins(30);
/// Of what has to be finished. After it the payment is left to the resolver.
const LONGEST_WAIT_TO_FINISH: Duration = Duration::from_secs(10);

/// The primary: everything that is written, and every decision.
#[derive(Debug, Clone)]
pub struct Primary(Queue);

/// The replica: lists and statistics. Never asked to decide.
#[derive(Debug, Clone)]
pub struct Replica {
    queue: Queue,
    /// Whether it has been seen to be one, and up to date.
    is_trusted: Arc<AtomicBool>,
}

/// One connection, for the duration of one step.
#[derive(Debug)]
pub struct Connection {
    connection: PoolConnection<Postgres>,
    /// Given back after the connection.
    _place: OwnedSemaphorePermit,
}

#[derive(Debug, Clone)]
struct Queue {
    pool: PgPool,
    /// One per connection.
    places: Arc<Semaphore>,
    /// One per request that may wait.
    tickets: Arc<Semaphore>,
    longest_wait: Duration,
}

impl Primary {
    /// A pool that connects when it is first used.
    pub fn new(database: &DatabaseArgs, pool: &PoolArgs) -> Self {
        Self(Queue::new(
            database.database_url.options(),
            pool.database_connections,
            pool,
        ))
    }

    /// A connection, as soon as one is free.
    pub async fn connection(&self) -> Result<Connection, DatabaseError> {
        self.0.connection().await
    }

    /// A connection for what has to be finished, such as the second half of a payment whose money was taken: waits longer
    /// than anything new may, and is never turned away for the length of the queue.
    pub async fn connection_to_finish(&self) -> Result<Connection, DatabaseError> {
        self.0.wait(LONGEST_WAIT_TO_FINISH).await
    }

    /// Says goodbye to PostgreSQL; what still has a connection gives it back first.
    pub async fn close(&self) {
        self.0.pool.close().await;
    }
}

impl Replica {
    /// A pool that connects when it is first used.
    pub fn new(replica: &ReplicaArgs, pool: &PoolArgs) -> Self {
        let queue = Queue::new(
            replica.replica_url.options(),
            replica.replica_connections,
            pool,
        );
        Self {
            queue,
            is_trusted: Arc::default(),
        }
    }

    /// A connection, as soon as one is free; none before the replica was checked.
    pub async fn connection(&self) -> Result<Connection, DatabaseError> {
        if self.is_trusted.load(Ordering::Acquire) {
            self.queue.connection().await
        } else {
            Err(DatabaseError::Unchecked)
        }
    }

    /// A connection for checking it.
    pub(crate) async fn unchecked_connection(&self) -> Result<Connection, DatabaseError> {
        self.queue.connection().await
    }

    /// It has been checked.
    pub(crate) fn trust(&self) {
        self.is_trusted.store(true, Ordering::Release);
    }

    /// Says goodbye to PostgreSQL; what still has a connection gives it back first.
    pub async fn close(&self) {
        self.queue.pool.close().await;
    }
}

impl Queue {
    fn new(address: PgConnectOptions, connections: u32, limits: &PoolArgs) -> Self {
        let options = address
            .application_name("booking-api")
            .options(limits.session_settings());
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(limits.wait())
            .max_lifetime(LONGEST_LIFE)
            .test_before_acquire(false)
            .before_acquire(|connection, known| {
                Box::pin(async move {
                    if known.idle_for > TRUSTED_FOR {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_lazy_with(options);
        let connections = usize::try_from(connections).unwrap_or(usize::MAX);
        let waiting = usize::try_from(limits.database_queue).unwrap_or(usize::MAX);
        Self {
            pool,
            places: Arc::new(Semaphore::new(connections)),
            tickets: Arc::new(Semaphore::new(waiting)),
            longest_wait: limits.wait(),
        }
    }

    async fn connection(&self) -> Result<Connection, DatabaseError> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return self.connect(place).await;
        }
        let _ticket = self.tickets.try_acquire().or(Err(DatabaseError::Busy))?;
        self.wait(self.longest_wait).await
    }

    async fn wait(&self, longest: Duration) -> Result<Connection, DatabaseError> {
        let place = Arc::clone(&self.places).acquire_owned();
        let place = tokio::time::timeout(longest, place)
            .await
            .or(Err(DatabaseError::Busy))?;
        self.connect(place.expect("the semaphore is never closed"))
            .await
    }

    async fn connect(&self, place: OwnedSemaphorePermit) -> Result<Connection, DatabaseError> {
        Ok(Connection {
            connection: self.pool.acquire().await?,
            _place: place,
        })
    }
}

impl Deref for Connection {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}
