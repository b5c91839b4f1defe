//! One room's line in Redis.

use crate::ids::{Number, RoomName};
use crate::redis_handle::{Call, Redis, Script, StoreError};

use super::changes::Author;
use super::keys::Keys;

/// One room's line in Redis. Its operations are in the files beside this one, one script each.
#[derive(Debug, Clone)]
pub struct Line {
    pub(super) redis: Redis,
    pub(super) room: RoomName,
    pub(super) keys: Keys,
    pub(super) author: Author,
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
        }
    }

    /// The same line for `author`, in whose name the room's log has what is changed by it.
    #[must_use]
    pub fn signed(self, author: Author) -> Self {
        Self { author, ..self }
    }

    /// The room.
    pub fn room(&self) -> &RoomName {
        &self.room
    }

    /// A call of a script of the room, to which arguments are added.
    pub(super) fn call<'script>(&self, script: &'script Script) -> Call<'script> {
        self.keys.in_order().fold(script.call(), Call::key)
    }

    /// The place of somebody's number, by which Redis knows everything.
    #[expect(
        clippy::unused_self,
        reason = "a room with a lottery has places of its own"
    )]
    pub(super) fn place_of(&self, number: Number) -> u64 {
        number.0
    }
}

/// An answer of a script that is not what its header promises: another version of it, or another server's data.
pub(super) fn unexpected(what: &'static str) -> StoreError {
    StoreError::Refused((redis::ErrorKind::UnexpectedReturnType, what).into())
}
