//! `admitter status`: how rooms are doing.

mod watch;

use std::io::{self, IsTerminal};
use std::time::Duration;

use shared::ids::RoomName;
use shared::redis_handle::Redis;
use shared::room::{Line, Registry};

use super::no_such_room;
use crate::output::Output;
use crate::room_status::RoomStatus;

const WATCH_EVERY: Duration = Duration::from_secs(1);

pub(super) async fn execute(
    room: Option<RoomName>,
    watch: bool,
    redis: &Redis,
    output: Output,
) -> anyhow::Result<()> {
    if watch && !output.json && io::stdout().is_terminal() && io::stdin().is_terminal() {
        return watch::run(room, redis).await;
    }
    show(room.as_ref(), redis, output).await?;
    if !watch {
        return Ok(());
    }
    loop {
        // Interrupting ends the process; nothing is half-done here.
        tokio::time::sleep(WATCH_EVERY).await;
        // Who watches an outage sees it begin and end.
        if let Err(error) = show(room.as_ref(), redis, output).await {
            output.trouble(&error);
        }
    }
}

async fn show(room: Option<&RoomName>, redis: &Redis, output: Output) -> anyhow::Result<()> {
    match room {
        Some(room) => output.room(&read(&Line::new(redis.clone(), room.clone())).await?),
        None => output.rooms(&read_all(redis).await?),
    }
    Ok(())
}

/// How the room is doing, or all of them.
async fn read_some(room: Option<&RoomName>, redis: &Redis) -> anyhow::Result<Vec<RoomStatus>> {
    match room {
        Some(room) => Ok(vec![read(&Line::new(redis.clone(), room.clone())).await?]),
        None => read_all(redis).await,
    }
}

/// How one room is doing.
pub(super) async fn read(line: &Line) -> anyhow::Result<RoomStatus> {
    let status = try_read(line).await?;
    status.ok_or_else(|| no_such_room(line.room()))
}

/// How all rooms are doing, by name.
pub(super) async fn read_all(redis: &Redis) -> anyhow::Result<Vec<RoomStatus>> {
    let mut rooms = Vec::new();
    for name in Registry::new(redis.clone()).list().await? {
        // Without a snapshot it was removed since it was listed.
        rooms.extend(try_read(&Line::new(redis.clone(), name)).await?);
    }
    Ok(rooms)
}

/// `None` when there is no such room.
async fn try_read(line: &Line) -> anyhow::Result<Option<RoomStatus>> {
    let snapshot = line.snapshot(0).await?;
    Ok(snapshot.map(|snapshot| RoomStatus::new(line.room().clone(), snapshot)))
}
