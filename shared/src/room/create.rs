//! Making and removing a room.

use std::sync::LazyLock;
use std::time::Duration;

use super::line::Line;
use super::registry::Registry;
use super::script::room_script;
use super::settings::NewRoom;
use crate::redis_handle::{Script, StoreError};

static CREATE: LazyLock<Script> = room_script!("create");
static REMOVE: LazyLock<Script> = room_script!("remove");

impl Line {
    /// Makes the room and reports it to every process. Returns whether it is new; one that is there
    /// already is left as it is. Waits up to a second when a room of this name has just been removed, and for one that
    /// was lost until it is written back.
    pub async fn create(&self, room: &NewRoom) -> Result<bool, StoreError> {
        let is_new = loop {
            // A few seconds at most, unless the clock of Redis is put back meanwhile.
            match self.try_create(room).await? {
                made @ 0.. => break made == 1,
                wait => tokio::time::sleep(Duration::from_millis(wait.unsigned_abs())).await,
            }
        };
        // On another slot, so not atomic with the first step; repeating the command mends it.
        Registry::new(self.redis.clone()).add(&self.room).await?;
        Ok(is_new)
    }

    async fn try_create(&self, room: &NewRoom) -> Result<i64, StoreError> {
        let mut call = self.call(&CREATE).arg(self.author.as_str());
        for (field, value) in room.fields() {
            call = call.arg(field).arg(value);
        }
        self.redis.invoke(&call).await
    }

    /// Removes the room with everything in it: its tokens are void for ever. Returns whether there was one.
    pub async fn remove(&self) -> Result<bool, StoreError> {
        Registry::new(self.redis.clone()).remove(&self.room).await?;
        let call = self.call(&REMOVE).arg(self.author.as_str());
        self.redis.invoke(&call).await
    }
}
