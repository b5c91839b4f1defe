//! What the public may see and everybody asks for: concerts and layouts, rendered, in Redis.
//!
//! In front of Redis a second's memory of this process, which also makes one question of many that come together. Redis
//! away means that the database is asked once a second, no more.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use moka::future::Cache as Memory;
use redis::cmd;
use shared::redis_handle::Redis;

use crate::error::ApiError;

/// How long this process answers from its own memory.
const IN_MEMORY: Duration = Duration::from_secs(1);
/// Bytes kept in this process.
const MEMORY_BYTES: u64 = 64 * 1024 * 1024;

/// Rendered documents by name.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    redis: Redis,
    memory: Memory<String, Option<Bytes>>,
}

impl Cache {
    pub(crate) fn new(redis: Redis) -> Self {
        let weigh = |_name: &String, document: &Option<Bytes>| {
            let bytes = document.as_ref().map_or(0, Bytes::len) + 100;
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        let memory = Memory::builder()
            .weigher(weigh)
            .max_capacity(MEMORY_BYTES)
            .time_to_live(IN_MEMORY)
            .build();
        Self { redis, memory }
    }

    /// The document called `name`: remembered, else from Redis, else by `load`, whose answer Redis then keeps for `keep`.
    /// That there is none is remembered by this process only.
    pub(crate) async fn get(
        &self,
        name: &str,
        keep: Duration,
        load: impl Future<Output = Result<Option<Bytes>, ApiError>>,
    ) -> Result<Option<Bytes>, ApiError> {
        let key = format!("onsale:cache:{name}");
        let find = async {
            if let Some(known) = self.read(&key).await {
                return Ok(Some(known));
            }
            let loaded = load.await?;
            if let Some(document) = &loaded {
                self.write(&key, document, keep).await;
            }
            Ok(loaded)
        };
        let found: Result<_, Arc<ApiError>> =
            self.memory.try_get_with(key.clone(), Box::pin(find)).await;
        found.map_err(ApiError::Shared)
    }

    /// The document called `name` is this one from now on.
    pub(crate) async fn put(&self, name: &str, document: Bytes, keep: Duration) {
        let key = format!("onsale:cache:{name}");
        self.write(&key, &document, keep).await;
        self.memory.insert(key, Some(document)).await;
    }

    async fn read(&self, key: &str) -> Option<Bytes> {
        // Whatever Redis cannot tell, the database can.
        let found: Option<Vec<u8>> = self.redis.query(cmd("GET").arg(key)).await.ok().flatten();
        found.map(Bytes::from)
    }

    async fn write(&self, key: &str, document: &Bytes, keep: Duration) {
        let millis = u64::try_from(keep.as_millis()).unwrap_or(u64::MAX);
        let mut set = cmd("SET");
        set.arg(key).arg(&document[..]).arg("PX").arg(millis);
        // Not kept is asked for again, nothing worse.
        let _ = self.redis.query::<()>(&set).await;
    }
}
