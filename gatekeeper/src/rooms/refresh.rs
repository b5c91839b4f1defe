//! The loop that knows which rooms there are, and gives each its reader.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::{StreamExt, stream};
use shared::ids::RoomName;
use shared::readiness::Latch;
use shared::redis_handle::Redis;
use shared::room::{Line, Registry, RoomMemory};
use shared::shutdown::Shutdown;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::info;

use crate::interval::{BudgetPlan, Demand};

use super::{Limits, Room, Table, reader};

/// Between two looks at which rooms there are.
const LIST_EVERY: Duration = Duration::from_millis(250);
/// A new room is joinable within a second: half of it is for the look itself and for reading the room.
const _: () = assert!(LIST_EVERY.as_millis() <= 500);
/// New rooms read at the same time.
const ROOMS_AT_ONCE: usize = 32;

pub(super) struct Refresh {
    pub(super) redis: Redis,
    /// A connection of their own: they wait for replicas, and polls that claim shall not wait with them.
    pub(super) joins: Redis,
    pub(super) limits: Limits,
    /// How the rooms share the polls that are to be answered.
    pub(super) budget: Arc<ArcSwap<BudgetPlan>>,
    pub(super) table: Arc<ArcSwap<Table>>,
    pub(super) read_once: Arc<AtomicBool>,
    pub(super) read: Latch,
    pub(super) shutdown: Shutdown,
    /// What this process is called among those that flush beats.
    pub(super) gatekeeper: Arc<str>,
}

/// What looks after one room for as long as this is kept.
struct Reader {
    /// The room was removed, and not merely lost.
    removed: CancellationToken,
    _stop: DropGuard,
}

impl Refresh {
    /// Never ends by itself.
    pub(super) async fn run(self) {
        let registry = Registry::new(self.redis.clone());
        let mut readers: HashMap<RoomName, Reader> = HashMap::new();
        let mut ticks = tokio::time::interval(LIST_EVERY);
        loop {
            ticks.tick().await;
            self.keep_to_budget();
            // Without an answer the rooms stay as they are; each reader says for itself that Redis is away.
            let Ok(names) = registry.list().await else {
                continue;
            };
            self.add_and_remove(names, &mut readers).await;
            self.read_once.store(true, Ordering::Release);
            if self.joins.is_connected() {
                self.read.set(true);
            }
        }
    }

    /// Joins, departures and other speeds change what the lines ask for.
    fn keep_to_budget(&self) {
        let table = self.table.load();
        let lines: Vec<Demand> = table.values().filter_map(|room| room.demand()).collect();
        let plan = BudgetPlan::new(&lines, self.limits.poll_budget_per_second);
        self.budget.store(Arc::new(plan));
    }

    async fn add_and_remove(&self, names: Vec<RoomName>, readers: &mut HashMap<RoomName, Reader>) {
        // A room that is not in the list may be lost rather than removed: whoever remembers it knows which.
        readers.retain(|_, reader| !reader.removed.is_cancelled());
        let new: Vec<&RoomName> = names
            .iter()
            .filter(|name| !readers.contains_key(*name))
            .collect();
        if new.is_empty() && self.table.load().len() == readers.len() {
            return;
        }
        // Read before anybody can ask for it; what fails is read by the reader a moment later.
        let start = async |name: &RoomName| {
            let room = Room::start(
                Line::new(self.redis.clone(), name.clone()),
                self.joins.clone(),
                self.limits,
                Arc::clone(&self.budget),
                &self.shutdown,
            );
            let _ = reader::read(&room).await;
            Arc::new(room)
        };
        let started: Vec<_> = stream::iter(new)
            .map(start)
            .buffer_unordered(ROOMS_AT_ONCE)
            .collect()
            .await;
        let mut table: Table = self.table.load().as_ref().clone();
        table.retain(|name, _| readers.contains_key(name));
        for room in started {
            let name = room.line().room().clone();
            info!(room = %name, "a new room");
            readers.insert(name.clone(), self.start_reader(Arc::clone(&room)));
            table.insert(name, room);
        }
        self.table.store(Arc::new(table));
    }

    fn start_reader(&self, room: Arc<Room>) -> Reader {
        let (stop, removed) = (CancellationToken::new(), CancellationToken::new());
        let (stopped, hard) = (stop.clone(), self.shutdown.hard().clone());
        let memory = RoomMemory::new(room.line().clone(), &self.gatekeeper);
        let until_removed = removed.clone();
        let reading = reader::keep_reading(Arc::clone(&room), self.limits.interval);
        let flushing = reader::keep_flushing(room, Arc::clone(&self.gatekeeper));
        self.shutdown.spawn_background("room reader", async move {
            let remembering = async {
                memory.keep().await;
                until_removed.cancel();
            };
            let working = async { tokio::join!(reading, flushing, remembering) };
            stopped
                .run_until_cancelled(hard.run_until_cancelled(Box::pin(working)))
                .await;
        });
        Reader {
            removed,
            _stop: stop.drop_guard(),
        }
    }
}
