//! Changing a room's settings and state.

use std::sync::LazyLock;

use super::line::Line;
use super::script::room_script;
use super::settings::{NO_BOUND, RoomState};
use crate::redis_handle::{Script, StoreError};

static CHANGE: LazyLock<Script> = room_script!("change");
static TRANSITION: LazyLock<Script> = room_script!("transition");

/// One setting to change. Takes effect at the next promotion.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Admissions per second, not negative; 0 admits nobody.
    Rate(f64),
    /// Most visitors in the active set; `None` removes the bound.
    Capacity(Option<u64>),
    /// What the line is told; empty removes it.
    Message(String),
}

/// What became of a change of state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// The room is in the state now, and was in this one before.
    Done(RoomState),
    /// It is time for the room to open; its lottery is drawn first, by the admitters.
    ToBeDrawn,
    /// Not possible from the state in which the room is.
    Refused(RoomState),
    /// There is no such room.
    NoRoom,
}

impl Change {
    /// The field of the room's hash, and its value; the empty value removes it.
    fn field(&self) -> (&'static str, String) {
        match self {
            Self::Rate(rate) => ("rate", rate.to_string()),
            Self::Capacity(capacity) => (
                "capacity",
                // Said, not unset: an admitter's default must not take its place.
                capacity.map_or_else(|| NO_BOUND.to_owned(), |capacity| capacity.to_string()),
            ),
            Self::Message(text) => ("message", text.clone()),
        }
    }
}

impl Line {
    /// Sets what is given. Returns whether there is such a room.
    pub async fn change(&self, changes: &[Change]) -> Result<bool, StoreError> {
        self.write("always", changes).await
    }

    /// Sets what has no value yet: the defaults of an admitter, which never fight those of another.
    pub async fn fill(&self, defaults: &[Change]) -> Result<bool, StoreError> {
        self.write("unset", defaults).await
    }

    async fn write(&self, mode: &str, changes: &[Change]) -> Result<bool, StoreError> {
        let mut call = self.call(&CHANGE).arg(mode).arg(self.author.as_str());
        for (field, value) in changes.iter().map(Change::field) {
            call = call.arg(field).arg(value);
        }
        let changed: i64 = self.redis.invoke(&call).await?;
        Ok(changed >= 0)
    }

    /// Moves the room to `to`, if it is there already or in one of `from`.
    pub async fn transition(
        &self,
        to: RoomState,
        from: &[RoomState],
    ) -> Result<Transition, StoreError> {
        let mut call = self
            .call(&TRANSITION)
            .arg(to.as_str())
            .arg(self.author.as_str());
        for state in from {
            call = call.arg(state.as_str());
        }
        let (before, moved): (String, u8) = self.redis.invoke(&call).await?;
        Ok(match (before.parse(), moved) {
            (Ok(before), 1) => Transition::Done(before),
            (Ok(_), 2) => Transition::ToBeDrawn,
            (Ok(before), _) => Transition::Refused(before),
            (Err(_), _) => Transition::NoRoom,
        })
    }
}
