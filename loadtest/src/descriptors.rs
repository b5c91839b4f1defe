//! File descriptors: each visitor has a connection.

use anyhow::Context;
use shared::server::descriptors;

/// For the stores, the terminal, the report and the runtime, besides what every process needs.
const SPARE: u64 = 250;

/// Makes room for so many connections at once, or says how to.
pub(crate) fn make_room_for(connections: u32) -> anyhow::Result<()> {
    descriptors::make_room_for(u64::from(connections) + SPARE)
        .with_context(|| format!("{connections} visitors at once need a descriptor each"))
}
