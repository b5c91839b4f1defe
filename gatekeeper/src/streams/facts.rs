//! What everybody in a room can see of it.

use serde::Serialize;
use shared::room::RoomState;

use crate::rooms::snapshot::Snapshot;

/// What everybody is told at once when it changes. What the visitor document says already is not repeated beside it.
#[expect(clippy::struct_excessive_bools, reason = "each is told on its own")]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Facts {
    #[serde(rename = "room_state")]
    state: RoomState,
    /// What the operator tells the line.
    message: Option<String>,
    #[serde(skip)]
    rate_per_second: Option<f64>,
    #[serde(skip)]
    pub(super) is_stale: bool,
    #[serde(skip)]
    is_busy: bool,
    #[serde(skip)]
    is_halted: bool,
    #[serde(skip)]
    is_sold_out: bool,
}

impl Facts {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let settings = &snapshot.settings;
        Self {
            state: settings.state,
            message: settings.message.clone(),
            rate_per_second: settings.rate_per_second,
            is_stale: snapshot.is_stale(),
            is_busy: snapshot.shop.is_some_and(|shop| shop.is_busy),
            is_halted: snapshot.is_halted,
            is_sold_out: snapshot.shop.is_some_and(|shop| shop.is_sold_out()),
        }
    }

    /// Whether there is nothing that a newcomer should be told besides the position.
    pub(super) fn are_ordinary(&self) -> bool {
        let is_troubled = self.is_stale || self.is_busy || self.is_halted || self.is_sold_out;
        self.state == RoomState::Open && self.message.is_none() && !is_troubled
    }
}
