//! `admitter lottery commit`: before anybody can know how it will end.

use anyhow::bail;
use serde_json::json;
use shared::lottery::Secret;
use shared::room::{Committed, Line, PublicPart};

use crate::commands::no_such_room;
use crate::output::Output;

pub(super) async fn execute(
    line: &Line,
    source: Option<String>,
    value: Option<String>,
    output: Output,
) -> anyhow::Result<()> {
    let room = line.room();
    let public = match (source, value) {
        (Some(source), None) => PublicPart::Source(source),
        (None, Some(value)) => PublicPart::Value(value),
        _ => bail!("name either --public-source or --public-value"),
    };
    let secret = Secret::generate(&mut rand::rng());
    match line.commit_lottery(&secret, &public).await? {
        Committed::Done(commitment) => {
            let (word, text) = match &public {
                PublicPart::Source(source) => ("public_source", source),
                PublicPart::Value(value) => ("public_value", value),
            };
            output.done(
                &format!(
                    "{room} opens by lottery. Publish this before anybody joins:\n  commitment  {commitment}\n  {}  {text}",
                    word.replace('_', " ")
                ),
                &json!({"room": room, "commitment": commitment, word: text}),
            );
            Ok(())
        }
        Committed::Already => bail!("{room} has a lottery already; a commitment never changes"),
        Committed::NoRoom => Err(no_such_room(room)),
        Committed::NotScheduled => {
            bail!("{room} is not scheduled; a lottery is committed to before a room opens")
        }
        Committed::TooManyJoined => bail!(
            "too many have joined {room} already; commit right after `admitter rooms create --opens-at`"
        ),
    }
}
