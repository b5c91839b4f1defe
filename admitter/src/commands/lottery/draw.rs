//! `admitter lottery draw`: says the public value of which only the source was named. The daemons draw.

use anyhow::bail;
use serde_json::json;
use shared::room::{Line, ValueSet};

use crate::output::Output;

pub(super) async fn execute(line: &Line, value: &str, output: Output) -> anyhow::Result<()> {
    let room = line.room();
    match line.set_public_value(value).await? {
        ValueSet::Done => {
            output.done(
                &format!("The public value is known; {room} is drawn at once by the daemons."),
                &json!({"room": room, "public_value": value}),
            );
            Ok(())
        }
        ValueSet::OtherValue => {
            bail!("{room} is drawn with another public value; it never changes")
        }
        ValueSet::NoLottery => bail!("{room} has no lottery; `admitter lottery commit` makes one"),
        ValueSet::ListOpen => bail!(
            "{room} is not open yet: until then people join, and whoever knows the value could choose the last of them"
        ),
    }
}
