//! The lock per seat in Redis: it thins the crowd, and decides nothing.
//!
//! | key | type | holds |
//! |---|---|---|
//! | `onsale:seats:{P}:<seat number>` | string, expires | owner of the lock, or `taken:<hold>` for a moment after a hold |
//!
//! `P` is the performance; the braces keep all seats of one on one slot of a Cluster. All seats of a request are locked or
//! none; not getting them answers at once. Redis away: no lock, and few enough holds at once that PostgreSQL bears it.

use std::error::Error;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use shared::redis_handle::{Call, Redis, Script};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::warn;
use uuid::Uuid;

/// A hold takes milliseconds; this is for a process that died with locks.
const LOCK_LIFE: Duration = Duration::from_secs(10);
/// Longest wait for a place while Redis is away.
const WAIT_WITHOUT_REDIS: Duration = Duration::from_millis(500);

static ACQUIRE: LazyLock<Script> =
    LazyLock::new(|| Script::new("seat_lock_acquire", include_str!("lock/acquire.lua")));
static RELEASE: LazyLock<Script> =
    LazyLock::new(|| Script::new("seat_lock_release", include_str!("lock/release.lua")));
static FORGET: LazyLock<Script> =
    LazyLock::new(|| Script::new("seat_lock_forget", include_str!("lock/forget.lua")));

/// All locks.
#[derive(Debug, Clone)]
pub(crate) struct SeatLocks {
    redis: Redis,
    mark: Duration,
    without_redis: Arc<Semaphore>,
}

/// The right to try for some seats.
#[derive(Debug)]
pub(super) enum Acquired {
    /// Nobody else tries for them.
    Locked(SeatLock),
    /// Redis is away, so somebody else may try too.
    Unlocked(OwnedSemaphorePermit),
    /// Somebody else has, or tries for, some of them; a reason for each of the seats asked for.
    Refused(Vec<Refusal>),
    /// Redis is away and too many try already.
    Crowded,
}

/// What Redis knows about one seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Nothing.
    Free,
    /// Another request is trying.
    Contended,
    /// It was held a moment ago.
    Held,
}

/// Locks of one request. Dropped without release, they end by themselves.
#[derive(Debug)]
pub(super) struct SeatLock {
    redis: Redis,
    keys: Vec<String>,
    owner: String,
    mark: Duration,
}

impl SeatLocks {
    pub(crate) fn new(redis: Redis, mark: Duration, without_redis: u32) -> Self {
        let places = usize::try_from(without_redis).unwrap_or(usize::MAX);
        Self {
            redis,
            mark,
            without_redis: Arc::new(Semaphore::new(places)),
        }
    }

    /// Locks all of `seats` or none. Never waits for another lock.
    pub(super) async fn acquire(&self, performance: i64, seats: &[i32]) -> Acquired {
        let keys = keys(performance, seats);
        let owner = Uuid::new_v4().to_string();
        let call = keys.iter().fold(ACQUIRE.call(), Call::key);
        let life_ms = u64::try_from(LOCK_LIFE.as_millis()).unwrap_or(u64::MAX);
        match self
            .redis
            .invoke::<Vec<u8>>(&call.arg(&owner).arg(life_ms))
            .await
        {
            Ok(states) if states.is_empty() => {
                let redis = self.redis.clone();
                Acquired::Locked(SeatLock {
                    redis,
                    keys,
                    owner,
                    mark: self.mark,
                })
            }
            Ok(states) => Acquired::Refused(states.into_iter().map(Refusal::from).collect()),
            Err(_away) => self.without_redis().await,
        }
    }

    async fn without_redis(&self) -> Acquired {
        let place = Arc::clone(&self.without_redis).acquire_owned();
        match tokio::time::timeout(WAIT_WITHOUT_REDIS, place).await {
            Ok(Ok(place)) => Acquired::Unlocked(place),
            Ok(Err(_)) | Err(_) => Acquired::Crowded,
        }
    }

    /// A hold has given its seats back: nothing in Redis refuses them any longer.
    pub(super) async fn forget(&self, performance: i64, seats: &[i32], hold: Uuid) {
        let keys = keys(performance, seats);
        let call = keys.iter().fold(FORGET.call(), Call::key);
        if let Err(error) = self.redis.invoke::<u64>(&call.arg(hold.to_string())).await {
            warn!(
                error = &error as &dyn Error,
                "marks of a released hold stay until they expire"
            );
        }
    }
}

impl SeatLock {
    /// Ends the locks. What `hold` took is marked for a moment, but not beyond its own `life`.
    pub(super) async fn release(self, hold: Option<(Uuid, Duration)>) {
        let (hold, mark) = match hold {
            Some((hold, life)) => (hold.to_string(), self.mark.min(life)),
            None => (String::new(), Duration::ZERO),
        };
        let mark_ms = u64::try_from(mark.as_millis()).unwrap_or(u64::MAX);
        let call = self.keys.iter().fold(RELEASE.call(), Call::key);
        let call = call.arg(&self.owner).arg(hold).arg(mark_ms);
        if let Err(error) = self.redis.invoke::<u64>(&call).await {
            warn!(
                error = &error as &dyn Error,
                "locks of seats stay until they expire"
            );
        }
    }
}

impl From<u8> for Refusal {
    fn from(state: u8) -> Self {
        match state {
            0 => Self::Free,
            2 => Self::Held,
            _ => Self::Contended,
        }
    }
}

fn keys(performance: i64, seats: &[i32]) -> Vec<String> {
    seats
        .iter()
        .map(|seat| format!("onsale:seats:{{{performance}}}:{seat}"))
        .collect()
}

#[cfg(test)]
mod tests {
    /// The header of a script says what it is given, so it must name all of that and nothing else.
    #[test]
    fn the_headers_of_the_scripts_name_what_they_use() {
        let scripts = [
            include_str!("lock/acquire.lua"),
            include_str!("lock/release.lua"),
            include_str!("lock/forget.lua"),
        ];
        for script in scripts {
            let (header, code) = script.split_once("]]").unwrap();
            for argument in 1..=4 {
                let argument = format!("ARGV[{argument}]");
                assert_eq!(
                    header.contains(&argument),
                    code.contains(&argument),
                    "{argument} in {script}"
                );
            }
            assert!(header.contains("KEYS[…]") && code.contains("ipairs(KEYS)"));
        }
    }
}
