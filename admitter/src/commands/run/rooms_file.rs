//! The file of `--rooms`.
//!
//! ```toml
//! [[room]]
//! name = "main"
//! rate = 100
//! capacity = 2000
//! opens_at = "2026-12-24T20:00:00+09:00"
//! ```

use std::path::Path;

use anyhow::{Context, bail};
use jiff::Timestamp;
use serde::Deserialize;
use shared::ids::RoomName;
use shared::room::NewRoom;

use crate::cli::check_rate;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoomsFile {
    #[serde(default)]
    room: Vec<RoomEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoomEntry {
    name: RoomName,
    rate: Option<f64>,
    capacity: Option<u64>,
    #[serde(default)]
    anonymous: bool,
    opens_at: Option<Timestamp>,
}

/// The rooms of the file, or what is wrong with it and in which line.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<(RoomName, NewRoom)>> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("the rooms file {} cannot be read", path.display()))?;
    parse(&text).with_context(|| format!("the rooms file {} cannot be used", path.display()))
}

fn parse(text: &str) -> anyhow::Result<Vec<(RoomName, NewRoom)>> {
    let file: RoomsFile = toml::from_str(text)?;
    let rooms = file.room.into_iter().map(|entry| {
        if let Some(Err(mistake)) = entry.rate.map(check_rate) {
            bail!("room {}: {mistake}", entry.name);
        }
        if entry.capacity == Some(0) {
            bail!(
                "room {}: a capacity is a whole number from 1; leave it out for no bound",
                entry.name
            );
        }
        let room = NewRoom {
            rate_per_second: entry.rate,
            capacity: entry.capacity,
            anonymous: entry.anonymous,
            opens_at_ms: entry.opens_at.map(Timestamp::as_millisecond),
            ..NewRoom::default()
        };
        Ok((entry.name, room))
    });
    rooms.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rooms_file_is_read() {
        let rooms = parse("[[room]]\nname = \"main\"\nrate = 12.5\n\n[[room]]\nname = \"b\"\ncapacity = 9\nanonymous = true\n").unwrap();
        assert_eq!(rooms[0].1.rate_per_second, Some(12.5));
        assert_eq!(rooms[1].0.as_str(), "b");
        assert_eq!((rooms[1].1.capacity, rooms[1].1.anonymous), (Some(9), true));
    }

    #[test]
    fn a_mistake_is_named_with_its_line() {
        let mistake = |text: &str| format!("{:#}", parse(text).unwrap_err());
        assert!(
            mistake("[[room]]\nname = \"Main\"").contains("line 2"),
            "{}",
            mistake("[[room]]\nname = \"Main\"")
        );
        assert!(mistake("[[room]]\nname = \"a\"\nspeed = 3").contains("speed"));
        assert!(mistake("[[room]]\nname = \"a\"\nrate = -1").contains("room a"));
        assert!(mistake("[[room]]\nname = \"a\"\ncapacity = 0").contains("room a"));
    }
}
