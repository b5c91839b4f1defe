//! What was seen of each room, second by second.

use std::collections::{BTreeMap, VecDeque};

use shared::ids::RoomName;

use crate::room_status::RoomStatus;

/// Seconds that are remembered: more than the widest terminal shows.
const MOST_SAMPLES: usize = 600;

/// All rooms that are watched, and whether they can be read at present.
#[derive(Debug, Default)]
pub(super) struct History {
    rooms: BTreeMap<RoomName, RoomHistory>,
    /// Why they cannot be read; `None` while they can.
    pub(super) interrupted: Option<String>,
}

/// One room: how it is, and how it was.
#[derive(Debug)]
pub(super) struct RoomHistory {
    pub(super) now: RoomStatus,
    samples: VecDeque<Sample>,
}

/// One second of a room.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sample {
    pub(super) waiting: u64,
    pub(super) admitted_per_second: f64,
    pub(super) active: u64,
    pub(super) absent: u64,
}

impl History {
    /// Adds how the rooms are now. Those that are no longer among them are forgotten.
    pub(super) fn add(&mut self, statuses: Vec<RoomStatus>) {
        self.interrupted = None;
        let mut before = std::mem::take(&mut self.rooms);
        for status in statuses {
            let name = status.room.clone();
            let history = before.remove(&name);
            self.rooms.insert(name, RoomHistory::add(history, status));
        }
    }

    /// The rooms cannot be read at present.
    pub(super) fn interrupt(&mut self, error: &anyhow::Error) {
        self.interrupted = Some(format!("{error:#}"));
    }

    /// The rooms, by name.
    pub(super) fn rooms(&self) -> impl ExactSizeIterator<Item = &RoomHistory> {
        self.rooms.values()
    }
}

impl RoomHistory {
    fn add(before: Option<Self>, now: RoomStatus) -> Self {
        let rate = before
            .as_ref()
            .map(|before| admitted_per_second(&before.now, &now));
        let mut samples = before.map(|before| before.samples).unwrap_or_default();
        samples.push_back(Sample {
            waiting: now.waiting,
            // Nothing is known of the second before the first.
            admitted_per_second: rate.unwrap_or(0.0),
            active: now.active,
            absent: now.absent,
        });
        while samples.len() > MOST_SAMPLES {
            samples.pop_front();
        }
        Self { now, samples }
    }

    /// The newest second.
    pub(super) fn newest(&self) -> Option<Sample> {
        self.samples.back().copied()
    }

    /// The newest `count` seconds, oldest first.
    pub(super) fn newest_samples(&self, count: usize) -> impl Iterator<Item = &Sample> {
        self.samples
            .iter()
            .skip(self.samples.len().saturating_sub(count))
    }
}

/// Measured between two looks, by the clock of Redis.
fn admitted_per_second(before: &RoomStatus, now: &RoomStatus) -> f64 {
    let admitted = now.admitted_total.saturating_sub(before.admitted_total);
    let millis = now.taken_at_ms.saturating_sub(before.taken_at_ms);
    if millis <= 0 {
        return 0.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "a figure to look at")]
    let rate = admitted as f64 * 1_000.0 / millis as f64;
    rate
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(room: &str, second: i64, admitted_total: u64) -> RoomStatus {
        RoomStatus {
            admitted_total,
            taken_at_ms: second * 1_000,
            ..RoomStatus::example(room)
        }
    }

    fn rates(history: &History) -> Vec<f64> {
        let room = history.rooms().next().unwrap();
        room.newest_samples(9)
            .map(|sample| sample.admitted_per_second)
            .collect()
    }

    #[test]
    fn the_rate_is_what_was_let_in_between_two_looks() {
        let mut history = History::default();
        for (second, total) in [(10, 500), (11, 600), (13, 700), (13, 700), (14, 3)] {
            history.add(vec![status("main", second, total)]);
        }
        // Twice at the same instant, and a room that was made anew, count as nobody.
        assert_eq!(rates(&history), [0.0, 100.0, 50.0, 0.0, 0.0]);
    }

    #[test]
    fn what_is_remembered_is_bounded_and_rooms_that_are_gone_are_forgotten() {
        let mut history = History::default();
        for second in 0..700 {
            history.add(vec![status("a", second, 0), status("b", second, 0)]);
        }
        assert_eq!(
            history.rooms().map(|room| room.samples.len()).max(),
            Some(600)
        );
        history.interrupt(&anyhow::anyhow!("away"));
        assert_eq!(history.rooms().len(), 2, "an outage forgets nothing");
        history.add(vec![status("b", 701, 0)]);
        assert_eq!(history.rooms().len(), 1);
        assert_eq!(history.interrupted, None);
    }
}
