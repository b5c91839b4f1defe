//! One room's line in Redis.

use crate::ids::RoomName;
use crate::redis_handle::{Redis, StoreError};

use super::keys::Keys;

/// One room's line in Redis. Its operations are in the files beside this one, one script each.
#[derive(Debug, Clone)]
pub struct Line {
    pub(super) redis: Redis,
    pub(super) room: RoomName,
    pub(super) keys: Keys,
}

impl Line {
    /// The line of `room`, which need not exist yet.
    pub fn new(redis: Redis, room: RoomName) -> Self {
        let keys = Keys::of(&room);
        Self { redis, room, keys }
    }

    /// The room.
    pub fn room(&self) -> &RoomName {
        &self.room
    }
}

/// An answer of a script that is not what its header promises: another version of it, or another server's data.
pub(super) fn unexpected(what: &'static str) -> StoreError {
    StoreError::Refused((redis::ErrorKind::UnexpectedReturnType, what).into())
}
