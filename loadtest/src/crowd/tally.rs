//! Counts of what happens while the crowd is on its way, for those who watch.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that many tasks raise.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

/// What the watcher is shown. The report counts anew from the journals.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub joined: Count,
    pub admitted: Count,
    pub orders: Count,
    pub seats: Count,
    pub conflicts: Count,
    pub unexpected: Count,
    /// Visitors whose journey has ended.
    pub back: Count,
}

impl Count {
    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
