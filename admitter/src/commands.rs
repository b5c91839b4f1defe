//! One file a command.

mod author;
pub mod doctor;
mod evict;
mod log;
mod lottery;
mod message;
mod rooms;
pub mod run;
mod setting;
mod state;
mod status;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow};
use shared::ids::RoomName;
use shared::room::{Change, Line, RoomState};
use shared::shutdown::Shutdown;

use crate::cli::{Cli, Command, LotteryCommand};
use crate::output::Output;

/// An operator at a terminal waits this long for Redis, and no longer.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);

/// Carries out what the command line says.
pub async fn execute(cli: Cli) -> anyhow::Result<ExitCode> {
    use RoomState::{Closed, Draining, Open, Paused, Scheduled};
    let output = Output { json: cli.json };
    let command = match cli.command {
        Command::Run(args) => return run::execute(*args, &cli.redis).await,
        Command::Doctor(args) => return doctor::execute(&args, &cli.redis, output).await,
        // Offline: whoever checks a draw need not know the site.
        Command::Lottery(LotteryCommand::Verify(args)) => return lottery::verify(&args, output),
        command => command,
    };
    let redis = cli.redis.connect(&Shutdown::new());
    redis.wait_connected(CONNECT_WITHIN).await.context(
        "Redis cannot be reached; check --redis-url (or ONSALE_REDIS_URL) and that the server runs",
    )?;
    let author = cli.by.unwrap_or_else(author::of_the_process);
    let line = |room: RoomName| Line::new(redis.clone(), room).signed(author.clone());
    match command {
        Command::Run(_) | Command::Doctor(_) => {}
        Command::Rooms(command) => rooms::execute(command, &redis, &author, output).await?,
        Command::Rate { room, per_second } => {
            setting::execute(&line(room), Change::Rate(per_second), output).await?;
        }
        Command::Capacity { room, most } => {
            setting::execute(&line(room), Change::Capacity(most.0), output).await?;
        }
        Command::Open { room } => {
            state::execute(
                &line(room),
                Open,
                &[Scheduled, Paused, Draining, Closed],
                output,
            )
            .await?;
        }
        Command::Pause { room } => state::execute(&line(room), Paused, &[Open], output).await?,
        Command::Resume { room } => state::execute(&line(room), Open, &[Paused], output).await?,
        Command::Drain { room } => {
            state::execute(&line(room), Draining, &[Open, Paused], output).await?;
        }
        Command::Close { room } => {
            state::execute(
                &line(room),
                Closed,
                &[Scheduled, Open, Paused, Draining],
                output,
            )
            .await?;
        }
        Command::Status { room, watch } => status::execute(room, watch, &redis, output).await?,
        Command::Log { room } => log::execute(&line(room), output).await?,
        Command::Lottery(command) => lottery::execute(command, line, output).await?,
        Command::Evict { room, visitor } => evict::execute(&line(room), &visitor, output).await?,
        Command::Message { room, text } => message::execute(&line(room), text, output).await?,
    }
    Ok(ExitCode::SUCCESS)
}

fn no_such_room(room: &RoomName) -> anyhow::Error {
    anyhow!("there is no room {room}; `admitter rooms list` shows what there is")
}
