//! What a process remembers of a room: enough to write it back if Redis forgets it.
//!
//! Every gatekeeper and every admitter keeps such a copy, a quarter of a second old at most. A room that is gone without a mark
//! of its removal was lost; then the processes agree on the newest copy, and that one is written back, once. Who was waiting
//! comes back by their beats.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::sync::LazyLock;
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tracing::{debug, info, warn};

use super::line::{Line, unexpected};
use super::registry::Registry;
use super::script::room_script;
use super::snapshot::{CHUNK_PLACES, ChunkVersion, SnapshotChunk};
use crate::redis_handle::{Script, StoreError};

static REMEMBER: LazyLock<Script> = room_script!("remember");
static BID: LazyLock<Script> = room_script!("bid");
static RESTORE: LazyLock<Script> = room_script!("restore");

/// Between two looks at a room.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// The same while a room is being written back, for which people wait.
const LOOK_WHILE_LOST: Duration = Duration::from_millis(50);
/// Chunks of one fetch: 32 × 32 kB at most.
const CHUNKS_AT_ONCE: usize = 32;

/// The room as a process remembers it.
#[derive(Debug)]
pub struct RoomMemory {
    line: Line,
    process: String,
    known: Option<Known>,
}

/// What a look found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The room is there.
    There,
    /// Redis has lost it, or it was lost and is written back by now.
    Lost,
    /// It was removed, or there never was one.
    Removed,
}

#[derive(Debug)]
struct Known {
    life: u64,
    settings: HashMap<String, String>,
    /// Nobody with an earlier place waits or may come back.
    lowest: u64,
    taken_at_ms: i64,
    departed: BTreeMap<u64, SnapshotChunk>,
    outcomes: BTreeMap<u64, SnapshotChunk>,
}

pub(super) type Versions = BTreeMap<u64, ChunkVersion>;
pub(super) type Found = (u8, HashMap<String, String>, u64, Versions, Versions, i64);

impl RoomMemory {
    /// Of the room of `line`, by the process called `process`. Nothing is remembered yet.
    pub fn new(line: Line, process: &str) -> Self {
        Self {
            line,
            process: process.to_owned(),
            known: None,
        }
    }

    /// Looks a few times a second and writes the room back when Redis has lost it. Ends when the room was removed.
    pub async fn keep(mut self) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match self.look().await {
                Ok(Fate::Removed) => return,
                Ok(Fate::There) => {}
                Ok(Fate::Lost) => ticks.reset_after(LOOK_WHILE_LOST),
                Err(error) => {
                    let error: &dyn Error = &error;
                    debug!(room = %self.line.room(), error, "the room cannot be read; what is known is kept");
                }
            }
        }
    }

    /// Looks once: takes over what has changed, or does its part in writing the room back.
    pub async fn look(&mut self) -> Result<Fate, StoreError> {
        let answer: redis::Value = self.line.redis.invoke(&self.line.call(&REMEMBER)).await?;
        if let Ok(found) = redis::from_redis_value::<Found>(answer.clone()) {
            self.take_over(found).await?;
            return Ok(Fate::There);
        }
        let (_, removed_at_ms): (u8, u64) = redis::from_redis_value(answer)
            .or(Err(unexpected("remember answered something else")))?;
        match &self.known {
            // The mark is cut to milliseconds, so the removal may be up to one later. No life begins so soon after one.
            Some(known) if removed_at_ms.saturating_add(1).saturating_mul(1_000) <= known.life => {
                self.write_back().await
            }
            _ => Ok(Fate::Removed),
        }
    }

    async fn take_over(&mut self, found: Found) -> Result<(), StoreError> {
        let (_, settings, lowest, departed, outcomes, taken_at_ms) = found;
        let life = settings.get("life").and_then(|life| life.parse().ok());
        let life: u64 = life.ok_or_else(|| unexpected("the room's hash cannot be read"))?;
        let earlier = self.known.take().filter(|known| known.life == life);
        let (mut known_departed, mut known_outcomes) =
            earlier.map_or_else(Default::default, |known| (known.departed, known.outcomes));
        // A chunk more than may be wanted: whoever was let in of late is in it.
        let first = (lowest / CHUNK_PLACES).saturating_sub(1);
        let caught_up = async {
            catch_up(
                &self.line,
                "departed",
                &departed,
                first,
                &mut known_departed,
            )
            .await?;
            catch_up(
                &self.line,
                "outcomes",
                &outcomes,
                first,
                &mut known_outcomes,
            )
            .await
        };
        let caught_up = caught_up.await;
        self.known = Some(Known {
            life,
            settings,
            lowest,
            taken_at_ms,
            departed: known_departed,
            outcomes: known_outcomes,
        });
        caught_up
    }

    async fn write_back(&self) -> Result<Fate, StoreError> {
        let Some(known) = &self.known else {
            return Ok(Fate::Removed);
        };
        let bid = self
            .line
            .call(&BID)
            .arg(&self.process)
            .arg(known.taken_at_ms)
            .arg(known.life);
        let word: String = self.line.redis.invoke(&bid).await?;
        match word.as_str() {
            "removed" => return Ok(Fate::Removed),
            "write" => {}
            _ => return Ok(Fate::Lost),
        }
        warn!(room = %self.line.room(), "redis has lost the room; writing it back from memory");
        let first = (known.lowest / CHUNK_PLACES).saturating_sub(1) * CHUNK_PLACES;
        let mut call = self.line.call(&RESTORE);
        call = call.arg(first).arg(known.lowest).arg(known.settings.len());
        for (field, value) in &known.settings {
            call = call.arg(field).arg(value);
        }
        for (kind, chunks) in [("departed", &known.departed), ("outcomes", &known.outcomes)] {
            for chunk in chunks.values() {
                call = call.arg(kind).arg(chunk.index).arg(chunk.version);
                call = call.arg(&chunk.bits[..]);
            }
        }
        let written: bool = self.line.redis.invoke(&call).await?;
        // On another slot, so not atomic with the first step; whoever looks next finds the room there.
        Registry::new(self.line.redis.clone())
            .add(self.line.room())
            .await?;
        if written {
            info!(room = %self.line.room(), "the room is written back");
        }
        Ok(Fate::Lost)
    }
}

/// Fetches the chunks whose version has changed, and forgets those before `first`.
async fn catch_up(
    line: &Line,
    kind: &str,
    versions: &Versions,
    first: u64,
    known: &mut BTreeMap<u64, SnapshotChunk>,
) -> Result<(), StoreError> {
    known.retain(|index, _| *index >= first);
    let outdated: Vec<u64> = versions
        .range(first..)
        .filter(|&(index, &version)| {
            known
                .get(index)
                .is_none_or(|chunk| chunk.version != version)
        })
        .map(|(index, _)| *index)
        .take(CHUNKS_AT_ONCE)
        .collect();
    if outdated.is_empty() {
        return Ok(());
    }
    for chunk in line.chunks_of(kind, &outdated).await? {
        known.insert(chunk.index, chunk);
    }
    Ok(())
}
