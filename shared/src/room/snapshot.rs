//! Reading a room: what a gatekeeper copies into its memory, and what `admitter status` shows.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use super::line::{Line, unexpected};
use super::places;
use super::script::room_script;
use super::settings::Settings;
use super::shop::ShopFacts;
use crate::lottery::Permutation;
use crate::redis_handle::{Script, StoreError};

static SNAPSHOT: LazyLock<Script> = room_script!("snapshot");
static CHUNKS: LazyLock<Script> = room_script!("chunks");

/// Places per chunk of the departed bitmap; `CHUNK` of prelude.lua.
pub const CHUNK_PLACES: u64 = 65_536;

/// Admitters come many times a second.
const HALTED_AFTER: Duration = Duration::from_secs(2);

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
    /// The lowest place of somebody who may still come back; `None` when nobody is absent.
    pub lowest_absent: Option<u64>,
    /// People in the line.
    pub waiting: u64,
    /// People in the active set, with those who were in it when Redis lost it and have not shown up since.
    pub active: u64,
    /// People who stopped polling and may still come back.
    pub absent: u64,
    /// Gatekeepers that have flushed their beats of late.
    pub gatekeepers: u64,
    /// The shop behind the room, if there is one.
    pub shop: Option<ShopFacts>,
    /// The chunks near the head.
    pub near: Vec<SnapshotChunk>,
    /// The version of every chunk in which a bit was ever set.
    pub versions: BTreeMap<u64, ChunkVersion>,
    /// The places that a lottery has drawn; `None` where the place is the number.
    pub places: Option<Arc<Permutation>>,
    /// The instant, by the clock of Redis, milliseconds since 1970.
    pub taken_at_ms: i64,
}

impl RoomSnapshot {
    /// Everybody up to this place has been let in or has gone: (lowest place in waiting, else next) − 1.
    pub fn head(&self) -> u64 {
        self.lowest_waiting
            .unwrap_or(self.settings.next)
            .saturating_sub(1)
    }
}

impl RoomSnapshot {
    /// How long ago an admitter last looked after the room; `None` when none has yet.
    pub fn since_promotion(&self) -> Option<Duration> {
        let ago = self
            .taken_at_ms
            .saturating_sub(self.settings.promoted_at_ms?);
        Some(Duration::from_millis(u64::try_from(ago).unwrap_or(0)))
    }

    /// Whether no admitter looks after the room: nobody is let in.
    pub fn is_halted(&self) -> bool {
        let made_at_ms = i64::try_from(self.settings.life / 1_000).unwrap_or(i64::MAX);
        let age = self.taken_at_ms.saturating_sub(made_at_ms);
        let age = Duration::from_millis(u64::try_from(age).unwrap_or(0));
        self.since_promotion().unwrap_or(age) > HALTED_AFTER
    }
}

pub(super) type RawSnapshot = (
    HashMap<String, String>,
    String,
    String,
    u64,
    u64,
    u64,
    u64,
    HashMap<String, String>,
    u64,
    Vec<Vec<u8>>,
    BTreeMap<u64, u64>,
    i64,
);

impl Line {
    /// The room with the chunks of the next `near_places` places behind the head. `None` when there is no such room.
    pub async fn snapshot(&self, near_places: u64) -> Result<Option<RoomSnapshot>, StoreError> {
        let call = self.call(&SNAPSHOT).arg(near_places);
        let Some(raw) = self.redis.invoke::<Option<RawSnapshot>>(&call).await? else {
            return Ok(None);
        };
        let mut snapshot =
            parse(raw).ok_or_else(|| unexpected("the room's hash cannot be read"))?;
        snapshot.places = self.learn_places(&snapshot.settings)?;
        self.given
            .see(snapshot.settings.life, snapshot.settings.next);
        Ok(Some(snapshot))
    }

    /// The chunks `indices` of the departed bitmap, each with the version that it has now.
    ///
    /// # Errors
    /// [`StoreError::NoRoom`] when there is no such room: then nothing is known of its chunks.
    pub async fn chunks(&self, indices: &[u64]) -> Result<Vec<SnapshotChunk>, StoreError> {
        let call = indices
            .iter()
            .fold(self.call(&CHUNKS), |call, index| call.arg(*index));
        let read = places::named(self.redis.invoke(&call).await)?;
        Ok(numbered(indices, read).collect())
    }
}

/// What was `read` of the chunks `indices`, in their order.
pub(super) fn numbered(
    indices: &[u64],
    read: Vec<(ChunkVersion, Vec<u8>)>,
) -> impl Iterator<Item = SnapshotChunk> {
    let chunks = indices.iter().zip(read);
    chunks.map(|(&index, (version, bits))| SnapshotChunk {
        index,
        version,
        bits,
    })
}

pub(super) fn parse(raw: RawSnapshot) -> Option<RoomSnapshot> {
    let (
        fields,
        lowest_waiting,
        lowest_absent,
        waiting,
        active,
        absent,
        gatekeepers,
        shop,
        first_chunk,
        near,
        versions,
        taken_at_ms,
    ) = raw;
    let place = |text: String| (!text.is_empty()).then(|| text.parse()).transpose().ok();
    let (lowest_waiting, lowest_absent) = (place(lowest_waiting)?, place(lowest_absent)?);
    let chunk = |(index, bits)| {
        let version = versions.get(&index).copied().unwrap_or(0);
        SnapshotChunk {
            index,
            version,
            bits,
        }
    };
    let last_chunk = first_chunk.checked_add(near.len() as u64)?;
    let near = (first_chunk..last_chunk).zip(near).map(chunk).collect();
    let settings = Settings::parse(&fields)?;
    Some(RoomSnapshot {
        settings,
        lowest_waiting,
        lowest_absent,
        waiting,
        active,
        absent,
        gatekeepers,
        shop: ShopFacts::parse(&shop, taken_at_ms),
        near,
        versions,
        places: None,
        taken_at_ms,
    })
}
