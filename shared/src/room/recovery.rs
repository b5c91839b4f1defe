//! The end of a recovery: who waited when Redis lost the room, and never came back, no longer counts.

use std::sync::LazyLock;

use super::line::{Line, unexpected};
use super::script::room_script;
use super::snapshot::CHUNK_PLACES;
use crate::redis_handle::{Script, StoreError};

static RECOVERY: LazyLock<Script> = room_script!("recovery");
static GHOSTS: LazyLock<Script> = room_script!("ghosts");

/// Places of one call: some milliseconds of Redis.
const PLACES_AT_ONCE: usize = 1_000;

/// Whether it is time, from which place, up to which: as `recovery.lua` says it.
type Found = (bool, u64, u64);

impl Line {
    /// Once every promise that could have been given before a loss is over, takes the places of those who did not come back
    /// for gone, and ends the recovery. Returns whether it ended now.
    pub async fn end_recovery(&self) -> Result<bool, StoreError> {
        let (is_time, first, next): Found = self.redis.invoke(&self.call(&RECOVERY)).await?;
        if !is_time {
            return Ok(false);
        }
        if next < first {
            return Err(unexpected("a recovery ends before it begins"));
        }
        for chunk in first / CHUNK_PLACES..=next / CHUNK_PLACES {
            let places = chunk * CHUNK_PLACES..(chunk + 1) * CHUNK_PLACES;
            let bits = self.chunks(&[chunk]).await?.swap_remove(0).bits;
            let is_gone = |place: u64| {
                let offset = usize::try_from(place % CHUNK_PLACES).unwrap_or_default();
                bits.get(offset / 8)
                    .is_some_and(|byte| byte & (0x80 >> (offset % 8)) != 0)
            };
            let doubtful: Vec<u64> = places
                .filter(|place| (first..next).contains(place) && !is_gone(*place))
                .collect();
            for places in doubtful.chunks(PLACES_AT_ONCE) {
                let call = places
                    .iter()
                    .fold(self.call(&GHOSTS), |call, place| call.arg(*place));
                self.redis.invoke::<u64>(&call).await?;
            }
        }
        self.redis.invoke::<u64>(&self.call(&GHOSTS)).await?;
        Ok(true)
    }
}
