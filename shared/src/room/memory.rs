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
use super::snapshot::{CHUNK_PLACES, ChunkVersion, SnapshotChunk, numbered};
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
/// Chunks of one look: 32 × 8 kB and 32 × 32 kB at most. Which of them are read goes round, so that none is forgotten for others.
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
    /// The last one of those that were read last.
    read_last: u64,
}

/// The chunks that one look reads.
#[derive(Debug, Default)]
struct Wanted {
    departed: Vec<u64>,
    outcomes: Vec<u64>,
}

type Versions = BTreeMap<u64, ChunkVersion>;
type Read = Vec<(ChunkVersion, Vec<u8>)>;

/// The room of one moment, as `remember.lua` says it.
type RawFound = (
    u8,
    HashMap<String, String>,
    u64,
    Versions,
    Versions,
    Read,
    Read,
    i64,
    bool,
);

#[derive(Debug)]
pub(super) struct Found {
    life: u64,
    settings: HashMap<String, String>,
    lowest: u64,
    departed_versions: Versions,
    outcome_versions: Versions,
    departed: Read,
    outcomes: Read,
    read_at_ms: i64,
    has_shop: bool,
}

/// When a room that is not there was removed, milliseconds since 1970; 0 where none was.
struct Gone {
    removed_at_ms: u64,
}

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
        let mut wanted = Wanted::default();
        let mut answer = self.ask(&wanted).await?;
        if let Ok(found) = &answer {
            wanted = self.wanted(found);
            if !wanted.is_empty() {
                // All of it once more: what is taken over is of one moment, and nothing is of a room that is lost by now.
                answer = self.ask(&wanted).await?;
            }
        }
        match (answer, &self.known) {
            (Ok(found), _) => {
                self.take_over(found, &wanted);
                Ok(Fate::There)
            }
            // The mark is cut to milliseconds, so the removal may be up to one later. No life begins so soon after one.
            (Err(Gone { removed_at_ms }), Some(known))
                if removed_at_ms.saturating_add(1).saturating_mul(1_000) <= known.life =>
            {
                self.write_back().await
            }
            (Err(_), _) => Ok(Fate::Removed),
        }
    }

    async fn ask(&self, wanted: &Wanted) -> Result<Result<Found, Gone>, StoreError> {
        let call = self.line.call(&REMEMBER).arg(wanted.departed.len());
        let chunks = wanted.departed.iter().chain(&wanted.outcomes);
        let call = chunks.fold(call, |call, index| call.arg(*index));
        let answer: redis::Value = self.line.redis.invoke(&call).await?;
        if let Ok(raw) = redis::from_redis_value(answer.clone()) {
            let found = parse(raw).ok_or_else(|| unexpected("the room's hash cannot be read"))?;
            return Ok(Ok(found));
        }
        let (_, removed_at_ms): (u8, u64) = redis::from_redis_value(answer)
            .or(Err(unexpected("remember answered something else")))?;
        Ok(Err(Gone { removed_at_ms }))
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

    /// What has changed since the last look, as far as one reads it.
    fn wanted(&self, found: &Found) -> Wanted {
        let known = self.known.as_ref();
        let of_this_life = known.filter(|known| known.life == found.life);
        let first = first_chunk(found.lowest);
        let none = Chunks::default();
        let (departed, outcomes) =
            of_this_life.map_or((&none, &none), |known| (&known.departed, &known.outcomes));
        Wanted {
            departed: departed.next_outdated(&found.departed_versions, first),
            outcomes: outcomes.next_outdated(&found.outcome_versions, first),
        }
    }

    fn take_over(&mut self, found: Found, wanted: &Wanted) {
        let known = self.known.take();
        let of_this_life = known.filter(|known| known.life == found.life);
        let (mut departed, mut outcomes, complete_at_ms) = of_this_life
            .map(|known| (known.departed, known.outcomes, known.taken_at_ms))
            .unwrap_or_default();
        let first = first_chunk(found.lowest);
        departed.take_over(&wanted.departed, found.departed, first);
        outcomes.take_over(&wanted.outcomes, found.outcomes, first);
        let is_complete = departed.are_as_of(&found.departed_versions, first)
            && outcomes.are_as_of(&found.outcome_versions, first);
        self.known = Some(Known {
            life: found.life,
            settings: found.settings,
            lowest: found.lowest,
            taken_at_ms: if is_complete {
                found.read_at_ms
            } else {
                complete_at_ms
            },
            has_shop: found.has_shop,
            departed,
            outcomes,
        });
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
        let first = first_chunk(known.lowest) * CHUNK_PLACES;
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

pub(super) fn parse(raw: RawFound) -> Option<Found> {
    let (
        _,
        settings,
        lowest,
        departed_versions,
        outcome_versions,
        departed,
        outcomes,
        read_at_ms,
        has_shop,
    ) = raw;
    Some(Found {
        life: settings.get("life")?.parse().ok()?,
        settings,
        lowest,
        departed_versions,
        outcome_versions,
        departed,
        outcomes,
        read_at_ms,
        has_shop,
    })
}

/// A chunk more than may be wanted: whoever was let in of late is in it.
fn first_chunk(lowest: u64) -> u64 {
    (lowest / CHUNK_PLACES).saturating_sub(1)
}

impl Wanted {
    fn is_empty(&self) -> bool {
        self.departed.is_empty() && self.outcomes.is_empty()
    }
}

impl Chunks {
    /// Those from `first` on that have another version by now.
    fn outdated<'a>(
        &'a self,
        versions: &'a Versions,
        first: u64,
    ) -> impl Iterator<Item = u64> + 'a {
        let is_outdated = |&(index, version): &(&u64, &ChunkVersion)| {
            let known = self.known.get(index);
            known.is_none_or(|chunk| chunk.version != *version)
        };
        let outdated = versions.range(first..).filter(is_outdated);
        outdated.map(|(index, _)| *index)
    }

    fn are_as_of(&self, versions: &Versions, first: u64) -> bool {
        self.outdated(versions, first).next().is_none()
    }

    /// As many of them as one look reads, those behind the last one read first.
    fn next_outdated(&self, versions: &Versions, first: u64) -> Vec<u64> {
        let (before, behind): (Vec<u64>, Vec<u64>) = self
            .outdated(versions, first)
            .partition(|index| *index <= self.read_last);
        let next = behind.into_iter().chain(before);
        next.take(CHUNKS_AT_ONCE).collect()
    }

    /// Takes over what was `read` of the chunks `indices`, and forgets those before `first`.
    fn take_over(&mut self, indices: &[u64], read: Read, first: u64) {
        self.known
            .extend(numbered(indices, read).map(|chunk| (chunk.index, chunk)));
        self.known.retain(|index, _| *index >= first);
        self.read_last = indices.last().copied().unwrap_or(self.read_last);
    }
}
