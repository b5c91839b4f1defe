//! Making and removing a room.

use std::sync::LazyLock;

use super::line::Line;
use super::registry::Registry;
use super::script::room_script;
use super::settings::NewRoom;
use crate::redis_handle::{Script, StoreError};

static CREATE: LazyLock<Script> = room_script!("create");

impl Line {
    /// Makes the room and reports it to every process. Returns whether it is new; one that is there
    /// already is left as it is.
    pub async fn create(&self, room: &NewRoom) -> Result<bool, StoreError> {
        let mut call = CREATE.call().key(&self.keys.room);
        for (field, value) in room.fields() {
            call = call.arg(field).arg(value);
        }
        let made: u8 = self.redis.invoke(&call).await?;
        // On another slot, so not atomic with the first step; repeating the command mends it.
        Registry::new(self.redis.clone()).add(&self.room).await?;
        Ok(made == 1)
    }

    /// Removes the room with everything in it: its tokens are void for ever. Returns whether there was one.
    pub async fn remove(&self) -> Result<bool, StoreError> {
        Registry::new(self.redis.clone()).remove(&self.room).await?;
        // UNLINK frees a line of a million in the background.
        let mut unlink = redis::cmd("UNLINK");
        for key in self.keys.all() {
            unlink.arg(key);
        }
        let removed: u64 = self.redis.query(&unlink).await?;
        Ok(removed > 0)
    }
}
