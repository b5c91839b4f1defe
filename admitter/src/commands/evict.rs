//! `admitter evict`: takes a visitor out of the line or the active set.

use anyhow::bail;
use shared::ids::VisitorId;
use shared::room::Line;

use crate::output::Output;

pub(super) async fn execute(
    line: &Line,
    visitor: &VisitorId,
    output: Output,
) -> anyhow::Result<()> {
    let room = line.room();
    if !line.evict(visitor).await? {
        bail!("{visitor} is neither in the line nor in the active set of {room}");
    }
    let document = serde_json::json!({ "room": room, "evicted": visitor });
    output.done(&format!("{visitor} is out of {room}."), &document);
    Ok(())
}
