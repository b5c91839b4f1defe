//! The keys of one room.

use crate::ids::RoomName;

/// Names of all rooms; the one key without a room's hash tag.
pub(super) const ROOMS: &str = "onsale:rooms";

/// All keys of one room; the table in [`super`] says what each holds.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    pub(super) room: String,
    pub(super) waiting: String,
    pub(super) active: String,
    pub(super) admissions: String,
    pub(super) ended: String,
    pub(super) departed: String,
    pub(super) departed_versions: String,
    pub(super) outcomes: String,
    /// Outlives the others, and is not in [`Self::all`].
    pub(super) removed: String,
}

impl Keys {
    pub(super) fn of(room: &RoomName) -> Self {
        let key = |name: &str| format!("onsale:{{{room}}}:{name}");
        Self {
            room: key("room"),
            waiting: key("waiting"),
            active: key("active"),
            admissions: key("admissions"),
            ended: key("ended"),
            departed: key("departed"),
            departed_versions: key("departed_versions"),
            outcomes: key("outcomes"),
            removed: key("removed"),
        }
    }

    /// What a room consists of, in the order that the scripts expect that need all of it.
    pub(super) fn all(&self) -> [&str; 8] {
        [
            &self.room,
            &self.waiting,
            &self.active,
            &self.admissions,
            &self.ended,
            &self.departed,
            &self.departed_versions,
            &self.outcomes,
        ]
    }
}
