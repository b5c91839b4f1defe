//! Which rooms there are.

use super::keys::ROOMS;
use crate::ids::RoomName;
use crate::redis_handle::{Redis, StoreError};

/// The set of all rooms.
#[derive(Debug, Clone)]
pub struct Registry {
    redis: Redis,
}

impl Registry {
    /// The rooms that `redis` knows.
    pub fn new(redis: Redis) -> Self {
        Self { redis }
    }

    /// All rooms, by name. What is no room's name is left out.
    pub async fn list(&self) -> Result<Vec<RoomName>, StoreError> {
        let names: Vec<String> = self.redis.query(redis::cmd("SMEMBERS").arg(ROOMS)).await?;
        let mut rooms: Vec<RoomName> = names.iter().filter_map(|name| name.parse().ok()).collect();
        rooms.sort();
        Ok(rooms)
    }

    pub(super) async fn add(&self, room: &RoomName) -> Result<(), StoreError> {
        self.redis
            .query(redis::cmd("SADD").arg(ROOMS).arg(room.as_str()))
            .await
    }

    pub(super) async fn has(&self, room: &RoomName) -> Result<bool, StoreError> {
        self.redis
            .query(redis::cmd("SISMEMBER").arg(ROOMS).arg(room.as_str()))
            .await
    }

    pub(super) async fn remove(&self, room: &RoomName) -> Result<(), StoreError> {
        self.redis
            .query(redis::cmd("SREM").arg(ROOMS).arg(room.as_str()))
            .await
    }
}
