//! What everybody in a room can see of it.

use serde::Serialize;
use shared::room::RoomState;

use crate::rooms::snapshot::Snapshot;

/// What everybody is told at once when it changes.
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
}

impl Facts {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let settings = &snapshot.settings;
        Self {
            state: settings.state,
            message: settings.message.clone(),
            rate_per_second: settings.rate_per_second,
            is_stale: snapshot.is_stale(),
        }
    }

    /// Whether there is nothing that a newcomer should be told besides the position.
    pub(super) fn are_ordinary(&self) -> bool {
        self.state == RoomState::Open && self.message.is_none() && !self.is_stale
    }
}
