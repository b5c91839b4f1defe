//! Promotion: letting the next visitors in.

use std::sync::LazyLock;
use std::time::Duration;

use super::line::Line;
use super::script::room_script;
use crate::redis_handle::{Script, StoreError};

static PROMOTE: LazyLock<Script> = room_script!("promote");

/// How long an admission may stay unclaimed where the room does not say: in front one polls every second.
const CLAIM_WITHIN: Duration = Duration::from_secs(20);

/// What bounds one call.
#[derive(Debug, Clone, Copy)]
pub struct PromotionLimits {
    /// How often the caller calls; the token bucket holds at least two of these.
    pub tick: Duration,
    /// Most visitors let in or passed over, and most swept out, by one call.
    pub at_once: u32,
}

/// What one call did, and what it saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promoted {
    /// Let in by this call.
    pub promoted: u64,
    /// Put out of the active set by this call, because their time was over.
    pub expired: u64,
    /// In the line afterwards.
    pub waiting: u64,
    /// In the active set afterwards.
    pub active: u64,
    /// Let in since the room was made.
    pub admitted_total: u64,
    /// Absent afterwards, and able to come back.
    pub absent: u64,
    /// Passed over by this call, because they had gone.
    pub passed: u64,
}

impl Line {
    /// Lets in whom the rate, the capacity and the state allow. `None` when there is no such room.
    pub async fn promote(&self, limits: PromotionLimits) -> Result<Option<Promoted>, StoreError> {
        let call = self
            .call(&PROMOTE)
            .arg(limits.tick.as_millis().to_string())
            .arg(limits.at_once)
            .arg(CLAIM_WITHIN.as_millis().to_string());
        let answer: Option<[u64; 7]> = self.redis.invoke(&call).await?;
        Ok(answer.map(
            |[
                promoted,
                expired,
                waiting,
                active,
                admitted_total,
                absent,
                passed,
            ]| Promoted {
                promoted,
                expired,
                waiting,
                active,
                admitted_total,
                absent,
                passed,
            },
        ))
    }
}
