//! One room's line in Redis.

use std::sync::Arc;

use arc_swap::ArcSwapOption;

use crate::ids::RoomName;
use crate::lottery::Permutation;
use crate::redis_handle::{Call, Redis, Script, StoreError};

use super::changes::Author;
use super::given::Given;
use super::keys::Keys;

/// One room's line in Redis. Its operations are in the files beside this one, one script each.
#[derive(Debug, Clone)]
pub struct Line {
    pub(super) redis: Redis,
    pub(super) room: RoomName,
    pub(super) keys: Keys,
    pub(super) author: Author,
    /// The places that were drawn by lottery, as far as is known; clones learn together.
    pub(super) places: Arc<ArcSwapOption<Permutation>>,
    /// The highest numbers that were seen; clones see together.
    pub(super) given: Arc<Given>,
}

impl Line {
    /// The line of `room`, which need not exist yet.
    pub fn new(redis: Redis, room: RoomName) -> Self {
        let keys = Keys::of(&room);
        let author = Author::default();
        Self {
            redis,
            room,
            keys,
            author,
            places: Arc::default(),
            given: Arc::default(),
        }
    }

    /// The same line for `author`, in whose name the room's log has what is changed by it.
    #[must_use]
    pub fn signed(self, author: Author) -> Self {
        Self { author, ..self }
    }

    /// The same line over another connection.
    #[must_use]
    pub fn over(self, redis: Redis) -> Self {
        Self { redis, ..self }
    }

    /// The room.
    pub fn room(&self) -> &RoomName {
        &self.room
    }

    /// A call of a script of the room, to which arguments are added.
    pub(super) fn call<'script>(&self, script: &'script Script) -> Call<'script> {
        let call = self.keys.in_order().fold(script.call(), Call::key);
        let drawn = self
            .places
            .load()
            .as_ref()
            .map_or(0, |places| places.size());
        // No key, but on the room's slot like one: how many places are known to be drawn (prelude.lua).
        call.key(format!("onsale:{{{}}}:drawn:{drawn}", self.room))
    }

    /// One key of the room, for what a single command does.
    pub(super) fn key(&self, name: &str) -> &str {
        self.keys.named(name)
    }
}

/// An answer of a script that is not what its header promises: another version of it, or another server's data.
pub(super) fn unexpected(what: &'static str) -> StoreError {
    StoreError::Refused((redis::ErrorKind::UnexpectedReturnType, what).into())
}
