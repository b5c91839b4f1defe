//! `admitter lottery`: the opening of a room as a lottery that anybody can check.

mod commit;
mod draw;
mod publish;
mod verify;

use shared::ids::RoomName;
use shared::room::Line;

use crate::cli::LotteryCommand;
use crate::output::Output;

pub(super) use self::publish::write_proof;
pub(super) use self::verify::execute as verify;

pub(super) async fn execute(
    command: LotteryCommand,
    line: impl Fn(RoomName) -> Line,
    output: Output,
) -> anyhow::Result<()> {
    match command {
        LotteryCommand::Commit {
            room,
            public_source,
            public_value,
        } => commit::execute(&line(room), public_source, public_value, output).await,
        LotteryCommand::Draw { room, public_value } => {
            draw::execute(&line(room), &public_value, output).await
        }
        LotteryCommand::Publish { room, out } => publish::execute(&line(room), &out, output).await,
        LotteryCommand::Verify(args) => verify::execute(&args, output).map(drop),
    }
}
