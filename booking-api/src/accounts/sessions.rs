//! Sessions: PostgreSQL has the truth, Redis remembers it, so that a request with a session costs no query.
//!
//! | key | type | holds |
//! |---|---|---|
//! | `onsale:session:<sid>` | string, expires | `live` for a minute after a look, `revoked` for as long as its token could live |
//!
//! A look that saw a session alive is written only if nothing is there (NX), so that it cannot cover a revocation that came
//! in between. Were Redis away at that very moment, a revoked session could live on for the minute.

use std::error::Error;
use std::time::Duration;

use moka::future::Cache;
use redis::cmd;
use shared::redis_handle::Redis;
use tracing::warn;
use uuid::Uuid;

use super::store;
use crate::database::Primary;
use crate::error::ApiError;
use crate::problems;

const LIVE: &str = "live";
const REVOKED: &str = "revoked";
/// How long Redis is believed that a session lives.
const LIVE_FOR: Duration = Duration::from_mins(1);
/// How long this process believes it while Redis is away, so that PostgreSQL is not asked at each request.
const LIVE_WITHOUT_REDIS_FOR: Duration = Duration::from_secs(1);
const REMEMBERED: u64 = 50_000;

/// All sessions.
#[derive(Debug, Clone)]
pub(crate) struct Sessions {
    primary: Primary,
    redis: Redis,
    without_redis: Cache<Uuid, bool>,
    revoked_for: Duration,
}

impl Sessions {
    /// `lifetime` is how long the token of a session lives.
    pub(crate) fn new(primary: Primary, redis: Redis, lifetime: Duration) -> Self {
        let without_redis = Cache::builder()
            .max_capacity(REMEMBERED)
            .time_to_live(LIVE_WITHOUT_REDIS_FOR)
            .build();
        Self {
            primary,
            redis,
            without_redis,
            revoked_for: lifetime + LIVE_FOR,
        }
    }

    /// Refuses a session that was revoked, has ended or never was.
    pub(crate) async fn check(&self, sid: &str) -> Result<(), ApiError> {
        let sid: Uuid = sid
            .parse()
            .map_err(|_no_uuid| problems::session_revoked())?;
        let is_live = match self
            .redis
            .query::<Option<String>>(cmd("GET").arg(key(sid)))
            .await
        {
            Ok(Some(word)) => word == LIVE,
            Ok(None) => self.look(sid).await?,
            Err(_away) => self.look_without_redis(sid).await?,
        };
        if is_live {
            Ok(())
        } else {
            Err(problems::session_revoked().into())
        }
    }

    /// Revokes a session everywhere.
    pub(super) async fn revoke(&self, sid: Uuid) -> Result<(), ApiError> {
        store::revoke(&self.primary, sid).await?;
        self.without_redis.invalidate(&sid).await;
        let mut set = cmd("SET");
        set.arg(key(sid))
            .arg(REVOKED)
            .arg("PX")
            .arg(millis(self.revoked_for));
        if let Err(error) = self.redis.query::<()>(&set).await {
            warn!(
                error = &error as &dyn Error,
                "a revoked session may be believed for another minute"
            );
        }
        Ok(())
    }

    async fn look(&self, sid: Uuid) -> Result<bool, ApiError> {
        let is_live = store::is_live(&self.primary, sid).await?;
        if is_live {
            let mut set = cmd("SET");
            set.arg(key(sid))
                .arg(LIVE)
                .arg("NX")
                .arg("PX")
                .arg(millis(LIVE_FOR));
            // Not remembered is looked up again, nothing worse.
            let _ = self.redis.query::<()>(&set).await;
        }
        Ok(is_live)
    }

    async fn look_without_redis(&self, sid: Uuid) -> Result<bool, ApiError> {
        let look = async { Ok(store::is_live(&self.primary, sid).await?) };
        self.without_redis
            .try_get_with(sid, Box::pin(look))
            .await
            .map_err(ApiError::Shared)
    }
}

fn key(sid: Uuid) -> String {
    format!("onsale:session:{sid}")
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
