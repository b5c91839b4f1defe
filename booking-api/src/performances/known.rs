//! What handlers need to know about a performance, remembered for a moment.
//!
//! Nothing here decides whether a seat may be sold: the steps read the performance themselves, under lock.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use moka::future::Cache;
use shared::ids::RoomName;

use super::store;
use crate::database::Primary;
use crate::error::ApiError;
use crate::problems;

/// How long a change by another instance stays unseen.
const REMEMBERED_FOR: Duration = Duration::from_secs(2);
const REMEMBERED: u64 = 10_000;

/// One performance that has not been withdrawn.
#[derive(Debug, Clone)]
pub(crate) struct Performance {
    pub(crate) id: i64,
    pub(crate) concert: i64,
    pub(crate) title: String,
    pub(crate) venue: String,
    pub(crate) layout: i64,
    pub(crate) room: RoomName,
    pub(crate) currency: String,
    pub(crate) starts_at: Timestamp,
    pub(crate) sale_opens_at: Timestamp,
    pub(crate) sale_closes_at: Timestamp,
    pub(crate) seats_per_buyer_max: i32,
    pub(crate) hold_ttl: Duration,
    /// Price in minor units by tier.
    pub(crate) prices: Vec<(String, i64)>,
}

/// All performances.
#[derive(Debug, Clone)]
pub(crate) struct Performances {
    primary: Primary,
    by_id: Cache<i64, Option<Arc<Performance>>>,
}

impl Performances {
    pub(crate) fn new(primary: Primary) -> Self {
        let by_id = Cache::builder()
            .max_capacity(REMEMBERED)
            .time_to_live(REMEMBERED_FOR)
            .build();
        Self { primary, by_id }
    }

    /// The performance, or the problem that there is none.
    pub(crate) async fn get(&self, id: i64) -> Result<Arc<Performance>, ApiError> {
        let load = async { Ok(store::get(&self.primary, id).await?.map(Arc::new)) };
        let found = self
            .by_id
            .try_get_with(id, load)
            .await
            .map_err(ApiError::Shared)?;
        found.ok_or_else(|| problems::not_found().into())
    }

    /// It has been changed here.
    pub(crate) async fn forget(&self, id: i64) {
        self.by_id.invalidate(&id).await;
    }
}
