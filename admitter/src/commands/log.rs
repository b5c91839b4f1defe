//! `admitter log`: who changed what in a room, and when.

use shared::room::Line;

use super::no_such_room;
use crate::output::Output;

pub(super) async fn execute(line: &Line, output: Output) -> anyhow::Result<()> {
    let changes = line.changes().await?;
    // A room is made by a change, so one without any has not been there for a month, if ever.
    if changes.is_empty() && line.snapshot(0).await?.is_none() {
        return Err(no_such_room(line.room()));
    }
    output.changes(&changes);
    Ok(())
}
