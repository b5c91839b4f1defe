//! The rooms that this gatekeeper knows, each with its newest snapshot.

mod beats;
mod reader;
mod refresh;
mod room;
pub mod snapshot;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use shared::ids::RoomName;
use shared::readiness::Latch;
use shared::redis_handle::Redis;
use shared::shutdown::Shutdown;

pub use self::room::Room;
use crate::interval::BudgetPlan;

type Table = HashMap<RoomName, Arc<Room>>;

/// How often rooms are read, and how long a call may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Between two readings of each room.
    pub interval: Duration,
    /// The deadline of a call to Redis.
    pub deadline: Duration,
    /// Polls a second that visitors of all rooms together are told to come with.
    pub poll_budget_per_second: f64,
}

/// All rooms. Reading the table takes no lock.
#[derive(Debug)]
pub struct Rooms {
    table: Arc<ArcSwap<Table>>,
    read_once: Arc<std::sync::atomic::AtomicBool>,
}

impl Rooms {
    /// Starts the loop that reads them; `read` is met when it has done so once.
    /// Joins go over a connection of their own.
    pub fn start(
        redis: Redis,
        joins: Redis,
        limits: Limits,
        read: Latch,
        shutdown: &Shutdown,
    ) -> Self {
        let rooms = Self {
            table: Arc::default(),
            read_once: Arc::default(),
        };
        let refresh = refresh::Refresh {
            redis,
            joins,
            limits,
            budget: Arc::new(ArcSwap::from_pointee(BudgetPlan::new(
                &[],
                limits.poll_budget_per_second,
            ))),
            table: Arc::clone(&rooms.table),
            read_once: Arc::clone(&rooms.read_once),
            read,
            shutdown: shutdown.clone(),
            gatekeeper: format!("{:016x}", rand::random::<u64>()).into(),
        };
        let hard = shutdown.hard().clone();
        shutdown.spawn_background("room list", async move {
            hard.run_until_cancelled(refresh.run()).await;
        });
        rooms
    }

    /// The room of that name, if there is one.
    pub fn get(&self, name: &RoomName) -> Option<Arc<Room>> {
        self.table.load().get(name).cloned()
    }

    /// Whether the rooms have been read at all: before, an unknown room may well exist.
    pub fn are_known(&self) -> bool {
        self.read_once.load(std::sync::atomic::Ordering::Acquire)
    }
}
