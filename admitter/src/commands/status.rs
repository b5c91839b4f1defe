//! `admitter status`: how rooms are doing.

use std::time::Duration;

use shared::ids::RoomName;
use shared::redis_handle::Redis;
use shared::room::{Line, Registry};

use super::no_such_room;
use crate::output::{Output, RoomStatus};

const WATCH_EVERY: Duration = Duration::from_secs(1);

pub(super) async fn execute(
    room: Option<RoomName>,
    watch: bool,
    redis: &Redis,
    output: Output,
) -> anyhow::Result<()> {
    loop {
        match &room {
            Some(room) => output.room(&read(&Line::new(redis.clone(), room.clone())).await?),
            None => output.rooms(&read_all(redis).await?),
        }
        if !watch {
            return Ok(());
        }
        // Interrupting ends the process; nothing is half-done here.
        tokio::time::sleep(WATCH_EVERY).await;
    }
}

/// How one room is doing.
pub(super) async fn read(line: &Line) -> anyhow::Result<RoomStatus> {
    let snapshot = line
        .snapshot(0)
        .await?
        .ok_or_else(|| no_such_room(line.room()))?;
    Ok(RoomStatus::new(line.room().clone(), snapshot))
}

/// How all rooms are doing, by name.
pub(super) async fn read_all(redis: &Redis) -> anyhow::Result<Vec<RoomStatus>> {
    let mut rooms = Vec::new();
    for name in Registry::new(redis.clone()).list().await? {
        // Without a snapshot it was removed since it was listed.
        if let Some(snapshot) = Line::new(redis.clone(), name.clone()).snapshot(0).await? {
            rooms.push(RoomStatus::new(name, snapshot));
        }
    }
    Ok(rooms)
}
