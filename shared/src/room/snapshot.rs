//! Reading a room: what a gatekeeper copies into its memory, and what `admitter status` shows.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use redis::Value;

use super::line::{Line, unexpected};
use super::script::room_script;
use super::settings::Settings;
use crate::redis_handle::{Script, StoreError};

static SNAPSHOT: LazyLock<Script> = room_script!("snapshot");
static CHUNKS: LazyLock<Script> = room_script!("chunks");

/// Places per chunk of the departed bitmap; `CHUNK` of prelude.lua.
pub const CHUNK_PLACES: u64 = 65_536;

/// How often a chunk has changed.
pub type ChunkVersion = u64;

/// One chunk of the departed bitmap. Bytes that are missing at the end are zero; the highest bit of a
/// byte is its first place, as Redis counts bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotChunk {
    /// Places from `index * CHUNK_PLACES` on.
    pub index: u64,
    /// The version it had when it was read.
    pub version: ChunkVersion,
    /// The bits.
    pub bits: Vec<u8>,
}

/// A room at one instant.
#[derive(Debug, Clone, PartialEq)]
pub struct RoomSnapshot {
    /// The room's settings.
    pub settings: Settings,
    /// The lowest place in `waiting`; `None` when nobody waits.
    pub lowest_waiting: Option<u64>,
    /// People in the line.
    pub waiting: u64,
    /// People in the active set.
    pub active: u64,
    /// The chunks near the head.
    pub near: Vec<SnapshotChunk>,
    /// The version of every chunk in which a bit was ever set.
    pub versions: BTreeMap<u64, ChunkVersion>,
    /// The instant, by the clock of Redis, milliseconds since 1970.
    pub taken_at_ms: i64,
}

impl RoomSnapshot {
    /// Everybody up to this place has been let in or has gone: (lowest place in waiting, else next) − 1.
    pub fn head(&self) -> u64 {
        self.lowest_waiting.unwrap_or(self.settings.next) - 1
    }
}

type RawSnapshot = (
    HashMap<String, String>,
    Value,
    u64,
    u64,
    u64,
    Vec<Vec<u8>>,
    BTreeMap<u64, u64>,
    i64,
);

impl Line {
    /// The room with the chunks of the next `near_places` places behind the head. `None` when there is no such room.
    pub async fn snapshot(&self, near_places: u64) -> Result<Option<RoomSnapshot>, StoreError> {
        let keys = &self.keys;
        let call = SNAPSHOT
            .call()
            .key(&keys.room)
            .key(&keys.waiting)
            .key(&keys.active);
        let call = call
            .key(&keys.departed)
            .key(&keys.departed_versions)
            .arg(near_places);
        let Some(raw) = self.redis.invoke::<Option<RawSnapshot>>(&call).await? else {
            return Ok(None);
        };
        parse(raw)
            .map(Some)
            .ok_or_else(|| unexpected("the room's hash cannot be read"))
    }

    /// The chunks `indices`, each with the version that it has now.
    pub async fn chunks(&self, indices: &[u64]) -> Result<Vec<SnapshotChunk>, StoreError> {
        let mut call = CHUNKS
            .call()
            .key(&self.keys.departed)
            .key(&self.keys.departed_versions);
        for index in indices {
            call = call.arg(*index);
        }
        let pairs: Vec<(ChunkVersion, Vec<u8>)> = self.redis.invoke(&call).await?;
        let chunks = indices.iter().zip(pairs);
        Ok(chunks
            .map(|(&index, (version, bits))| SnapshotChunk {
                index,
                version,
                bits,
            })
            .collect())
    }
}

fn parse(raw: RawSnapshot) -> Option<RoomSnapshot> {
    let (fields, lowest, waiting, active, first_chunk, near, versions, taken_at_ms) = raw;
    let lowest: String = redis::from_redis_value(lowest).ok()?;
    let lowest_waiting = if lowest.is_empty() {
        None
    } else {
        Some(lowest.parse().ok()?)
    };
    let chunk = |(index, bits)| {
        let version = versions.get(&index).copied().unwrap_or(0);
        SnapshotChunk {
            index,
            version,
            bits,
        }
    };
    let near = (first_chunk..).zip(near).map(chunk).collect();
    let settings = Settings::parse(&fields)?;
    Some(RoomSnapshot {
        settings,
        lowest_waiting,
        waiting,
        active,
        near,
        versions,
        taken_at_ms,
    })
}
