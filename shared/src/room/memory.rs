//! What a process remembers of a room: enough to write it back if Redis forgets it.
//!
//! Every gatekeeper and every admitter keeps such a copy, a quarter of a second old at most. A room that is gone without a mark
//! of its removal was lost; then the processes agree on the newest copy, and that one is written back, once. Who was waiting
//! comes back by their beats.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::sync::LazyLock;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};
use tracing::{debug, info, warn};

use super::line::{Line, unexpected};
use super::registry::Registry;
use super::script::room_script;
use super::shop::REMEMBERED_FOR as SHOP_REMEMBERED_FOR;
use super::snapshot::{CHUNK_PLACES, ChunkVersion, SnapshotChunk};
use crate::redis_handle::{Script, StoreError};
use crate::tokens::waiting;

static REMEMBER: LazyLock<Script> = room_script!("remember");
static BID: LazyLock<Script> = room_script!("bid");
static RESTORE: LazyLock<Script> = room_script!("restore");

/// Between two looks at a room.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// The same while a room is being written back, for which people wait.
const LOOK_WHILE_LOST: Duration = Duration::from_millis(50);
/// Between two looks at whether the room is listed.
const LISTED_EVERY: Duration = Duration::from_secs(5);
/// Chunks of one fetch: 32 × 32 kB at most. Which of them are fetched goes round, so that none is forgotten for others.
const CHUNKS_AT_ONCE: usize = 32;

/// The room as a process remembers it.
#[derive(Debug)]
pub struct RoomMemory {
    line: Line,
    process: String,
    known: Option<Known>,
    was_unlisted: bool,
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
    /// When it was complete the last time.
    taken_at_ms: i64,
    /// Whether a shop stood behind it.
    has_shop: bool,
    departed: Chunks,
    outcomes: Chunks,
}

/// Chunks as they were read last.
#[derive(Debug, Default)]
struct Chunks {
    known: BTreeMap<u64, SnapshotChunk>,
    /// The last one of the last fetch.
    fetched_last: u64,
}

pub(super) type Versions = BTreeMap<u64, ChunkVersion>;
pub(super) type Found = (
    u8,
    HashMap<String, String>,
    u64,
    Versions,
    Versions,
    i64,
    bool,
);

impl RoomMemory {
    /// Of the room of `line`, by the process called `process`. Nothing is remembered yet.
    pub fn new(line: Line, process: &str) -> Self {
        Self {
            line,
            process: process.to_owned(),
            known: None,
            was_unlisted: false,
        }
    }

    /// Looks a few times a second and writes the room back when Redis has lost it. Ends when the room was removed.
    pub async fn keep(mut self) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut listed_at = Instant::now();
        loop {
            ticks.tick().await;
            match self.look().await {
                Ok(Fate::Removed) => return,
                Ok(Fate::There) if listed_at.elapsed() >= LISTED_EVERY => {
                    listed_at = Instant::now();
                    // What cannot be asked now is asked again.
                    let _ = self.keep_listed().await;
                }
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

    /// Lists the room again when it is there and, twice in a row, was not in the list of rooms: that list may be lost alone, as
    /// it is on another node of a Cluster. A room that is being removed leaves the list a moment before it is gone.
    pub async fn keep_listed(&mut self) -> Result<(), StoreError> {
        let registry = Registry::new(self.line.redis.clone());
        let is_unlisted = !registry.has(self.line.room()).await?;
        if is_unlisted && self.was_unlisted {
            warn!(room = %self.line.room(), "redis has lost the room from its list; listing it again");
            registry.add(self.line.room()).await?;
        }
        self.was_unlisted = is_unlisted;
        Ok(())
    }

    async fn take_over(&mut self, found: Found) -> Result<(), StoreError> {
        let (_, settings, lowest, departed_versions, outcome_versions, read_at_ms, has_shop) =
            found;
        let life = settings.get("life").and_then(|life| life.parse().ok());
        let life: u64 = life.ok_or_else(|| unexpected("the room's hash cannot be read"))?;
        let earlier = self.known.take().filter(|known| known.life == life);
        let (mut departed, mut outcomes, complete_at_ms) = earlier.map_or_else(
            || (Chunks::default(), Chunks::default(), 0),
            |known| (known.departed, known.outcomes, known.taken_at_ms),
        );
        // A chunk more than may be wanted: whoever was let in of late is in it.
        let first = (lowest / CHUNK_PLACES).saturating_sub(1);
        let caught_up = async {
            let line = &self.line;
            let departed = departed
                .catch_up(line, "departed", &departed_versions, first)
                .await?;
            let outcomes = outcomes
                .catch_up(line, "outcomes", &outcome_versions, first)
                .await?;
            Ok(departed && outcomes)
        };
        let caught_up: Result<bool, StoreError> = caught_up.await;
        let is_complete = matches!(caught_up, Ok(true));
        self.known = Some(Known {
            life,
            settings,
            lowest,
            taken_at_ms: if is_complete {
                read_at_ms
            } else {
                complete_at_ms
            },
            has_shop,
            departed,
            outcomes,
        });
        caught_up.map(drop)
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
        call = call.arg(first).arg(known.lowest);
        call = call.arg(u8::from(known.has_shop));
        call = call.arg(SHOP_REMEMBERED_FOR.as_millis().to_string());
        call = call.arg(waiting::LIFETIME_SECONDS * 1000);
        call = call.arg(known.settings.len());
        for (field, value) in &known.settings {
            call = call.arg(field).arg(value);
        }
        for (kind, chunks) in [("departed", &known.departed), ("outcomes", &known.outcomes)] {
            for chunk in chunks.known.values() {
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

impl Chunks {
    /// Fetches chunks whose version has changed, and forgets those before `first`. Whether nothing is left to fetch.
    async fn catch_up(
        &mut self,
        line: &Line,
        kind: &str,
        versions: &Versions,
        first: u64,
    ) -> Result<bool, StoreError> {
        self.known.retain(|index, _| *index >= first);
        let is_outdated = |&(index, version): &(&u64, &ChunkVersion)| {
            let known = self.known.get(index);
            known.is_none_or(|chunk| chunk.version != *version)
        };
        let wanted = versions.range(first..).filter(is_outdated);
        let (before, behind): (Vec<u64>, Vec<u64>) = wanted
            .map(|(index, _)| *index)
            .partition(|index| *index <= self.fetched_last);
        let is_complete = before.len() + behind.len() <= CHUNKS_AT_ONCE;
        let next: Vec<u64> = behind
            .into_iter()
            .chain(before)
            .take(CHUNKS_AT_ONCE)
            .collect();
        let Some(last) = next.last() else {
            return Ok(true);
        };
        for chunk in line.chunks_of(kind, &next).await? {
            self.known.insert(chunk.index, chunk);
        }
        self.fetched_last = *last;
        Ok(is_complete)
    }
}
