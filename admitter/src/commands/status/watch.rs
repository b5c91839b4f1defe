//! `admitter status --watch` in a terminal: how rooms are doing, drawn anew every second.

mod history;
mod screen;
mod terminal;

use shared::ids::RoomName;
use shared::redis_handle::Redis;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use self::history::History;
use self::terminal::{Press, Terminal, presses};
use super::{WATCH_EVERY, read_some};

/// Draws until somebody quits. However it ends, the terminal is given back as it was.
pub(super) async fn run(room: Option<RoomName>, redis: &Redis) -> anyhow::Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut hung_up = signal(SignalKind::hangup())?;
    let mut history = History::default();
    // A room that is not there is an error, told before anything is drawn.
    history.add(read_some(room.as_ref(), redis).await?);
    let mut terminal = Terminal::open()?;
    let mut presses = presses();
    // The first second is a whole one, too, or what was admitted in it would be divided by a moment.
    let mut ticks = tokio::time::interval_at(Instant::now() + WATCH_EVERY, WATCH_EVERY);
    terminal.draw(|frame| screen::draw(frame, &history))?;
    loop {
        tokio::select! {
            _ = ticks.tick() => match read_some(room.as_ref(), redis).await {
                Ok(statuses) => history.add(statuses),
                // Who watches an outage sees it begin and end.
                Err(error) => history.interrupt(&error),
            },
            press = presses.recv() => match press {
                Some(Press::Quit) | None => return Ok(()),
                Some(Press::Redraw) => {}
            },
            _ = terminated.recv() => return Ok(()),
            _ = interrupted.recv() => return Ok(()),
            _ = hung_up.recv() => return Ok(()),
        }
        terminal.draw(|frame| screen::draw(frame, &history))?;
    }
}
