//! `admitter open`, `pause`, `resume`, `drain`, `close`: the state of a room.

use anyhow::bail;
use shared::room::{Line, RoomState, Transition};

use super::no_such_room;
use super::status::read;
use crate::output::Output;

pub(super) async fn execute(
    line: &Line,
    to: RoomState,
    from: &[RoomState],
    output: Output,
) -> anyhow::Result<()> {
    let room = line.room();
    let sentence = match line.transition(to, from).await? {
        Transition::Done(before) if before == to => format!("{room} is {to} already."),
        Transition::Done(before) => format!("{room} is {to} now; it was {before}."),
        Transition::ToBeDrawn => format!(
            "{room} opens by its lottery, which is drawn now; while its public value is not known, say it with `admitter lottery draw`."
        ),
        Transition::Refused(before) => {
            let from = from
                .iter()
                .map(|state| state.as_str())
                .collect::<Vec<_>>()
                .join(" or ");
            bail!("{room} is {before}; it becomes {to} only from {from}");
        }
        Transition::NoRoom => return Err(no_such_room(room)),
    };
    output.done(&sentence, &read(line).await?);
    Ok(())
}
