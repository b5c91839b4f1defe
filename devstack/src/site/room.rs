//! The demo room, made by the operator's own tool, as an operator would.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::{Site, concert::http_client};

/// Name of the demo room.
pub(crate) const ROOM: &str = "main";

/// Visitors let in per second.
const RATE_PER_SECOND: &str = "100";

/// A gatekeeper knows a new room within a second; a busy machine takes longer.
const KNOWN_WITHIN: Duration = Duration::from_secs(30);
const ASK_EVERY: Duration = Duration::from_millis(20);

impl Site {
    /// Makes the demo room. One that is there already is left as it is.
    pub(super) fn make_room(&self) -> anyhow::Result<()> {
        let program = self.state.bin.join("admitter");
        let made = Command::new(&program)
            .args(["rooms", "create", ROOM, "--rate", RATE_PER_SECOND, "--json"])
            .env("ONSALE_REDIS_URL", self.stores()?.redis)
            .output()
            .with_context(|| format!("running {}", program.display()))?;
        if !made.status.success() {
            let said = String::from_utf8_lossy(&made.stderr);
            bail!(
                "the room {ROOM} could not be made ({}): {}",
                made.status,
                said.trim()
            );
        }
        Ok(())
    }

    /// Waits until one can join: whoever is told that the site is up does so at once.
    pub(super) async fn until_room_is_known(&self) -> anyhow::Result<()> {
        let url = format!("{}/v1/rooms/{ROOM}", self.addresses()?.gatekeeper());
        let (client, began) = (http_client()?, Instant::now());
        loop {
            let answer = client.get(&url).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            if began.elapsed() > KNOWN_WITHIN {
                bail!("the gatekeeper does not know the room {ROOM}; its log may say why");
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }
}
