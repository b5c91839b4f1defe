//! The demo room, made by the operator's own tool, as an operator would.

use std::process::Command;

use anyhow::{Context, bail};

use super::Site;

/// Name of the demo room.
pub(crate) const ROOM: &str = "main";

/// Visitors let in per second (R6).
const RATE_PER_SECOND: &str = "100";

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
}
