//! `admitter rate`, `admitter capacity`: one setting of a room. Takes effect at the next promotion.

use shared::room::{Change, Line};

use super::no_such_room;
use super::status::read;
use crate::output::Output;

pub(super) async fn execute(line: &Line, change: Change, output: Output) -> anyhow::Result<()> {
    if !line.change(std::slice::from_ref(&change)).await? {
        return Err(no_such_room(line.room()));
    }
    let room = line.room();
    let sentence = match change {
        Change::Rate(rate) => format!("{room} now admits {rate} a second."),
        Change::Capacity(Some(most)) => {
            format!("{room} now holds at most {most} in its active set.")
        }
        Change::Capacity(None) => format!("{room} has no bound on its active set now."),
        Change::Message(_) => format!("{room} is told."),
    };
    output.done(&sentence, &read(line).await?);
    Ok(())
}
