//! The keys of one room.

use crate::ids::RoomName;

/// Names of all rooms; the one key without a room's hash tag.
pub(super) const ROOMS: &str = "onsale:rooms";

/// What a room consists of, in the order in which prelude.lua names its keys; the table in [`super`] says what each holds.
const NAMES: [&str; 25] = [
    "room",
    "waiting",
    "active",
    "admissions",
    "ended",
    "departed",
    "departed_versions",
    "outcomes",
    "outcome_versions",
    "promised",
    "absent",
    "missed",
    "turns",
    "gatekeepers",
    "removed",
    "shop",
    "bids",
    "changes",
    "lottery",
    "joins",
    "lobby",
    "lobby_absent",
    "lobby_promised",
    "lobby_outcomes",
    "reporter",
];

/// All keys of one room. Each script gets all of them, so that one list says what a script may touch.
#[derive(Debug, Clone)]
pub(super) struct Keys([String; NAMES.len()]);

impl Keys {
    pub(super) fn of(room: &RoomName) -> Self {
        Self(NAMES.map(|name| format!("onsale:{{{room}}}:{name}")))
    }

    /// One of them, by the name that prelude.lua has for it.
    pub(super) fn named(&self, name: &str) -> &str {
        let index = NAMES.iter().position(|known| *known == name);
        &self.0[index.expect("a name of the list above")]
    }

    pub(super) fn in_order(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scripts_name_the_keys_in_the_same_order() {
        let prelude = include_str!("scripts/prelude.lua");
        let list = prelude.split_once("ipairs({").expect("a list of names").1;
        let list = list.split_once("})").expect("the end of the list").0;
        let names: Vec<&str> = list
            .split(',')
            .map(|name| name.trim().trim_matches('\''))
            .collect();
        assert_eq!(names, NAMES);
    }
}
