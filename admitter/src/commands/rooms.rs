//! `admitter rooms`: what rooms there are.

use serde_json::json;
use shared::redis_handle::Redis;
use shared::room::{Author, Line, NewRoom};

use super::no_such_room;
use super::status::{read, read_all};
use crate::cli::RoomsCommand;
use crate::output::Output;

pub(super) async fn execute(
    command: RoomsCommand,
    redis: &Redis,
    author: &Author,
    output: Output,
) -> anyhow::Result<()> {
    let line = |room| Line::new(redis.clone(), room).signed(author.clone());
    match command {
        RoomsCommand::List => output.rooms(&read_all(redis).await?),
        RoomsCommand::Show { room } => output.room(&read(&line(room)).await?),
        RoomsCommand::Create {
            room,
            rate,
            capacity,
            anonymous,
            opens_at,
        } => {
            let settings = NewRoom {
                rate_per_second: rate,
                capacity,
                anonymous,
                opens_at_ms: opens_at.map(jiff::Timestamp::as_millisecond),
                ..NewRoom::default()
            };
            let line = line(room);
            let verb = if line.create(&settings).await? {
                "is made"
            } else {
                "is there already, unchanged"
            };
            output.done(&format!("{} {verb}.", line.room()), &read(&line).await?);
        }
        RoomsCommand::Remove { room } => {
            let line = line(room);
            if !line.remove().await? {
                return Err(no_such_room(line.room()));
            }
            let sentence = format!("{} is removed; its tokens are void.", line.room());
            output.done(&sentence, &json!({ "room": line.room(), "removed": true }));
        }
    }
    Ok(())
}
