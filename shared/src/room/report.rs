//! Which admitter shows the gauges of a room, so that their sum over all admitters is true.

use std::sync::LazyLock;
use std::time::Duration;

use super::line::Line;
use super::script::room_script;
use crate::redis_handle::{Script, StoreError};

static REPORT: LazyLock<Script> = room_script!("report");

impl Line {
    /// Whether the caller, a process of this name, is the one that shows the gauges of the room. If so, nobody else is
    /// for `lasting`, within which it asks again.
    pub async fn may_report(&self, process: &str, lasting: Duration) -> Result<bool, StoreError> {
        let call = self.call(&REPORT).arg(process);
        self.redis
            .invoke(&call.arg(lasting.as_millis().to_string()))
            .await
    }
}
