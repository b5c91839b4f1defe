//! Earlier line-ups of a room, and what has become of them.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::rooms::snapshot::Snapshot;

/// Between two line-ups that are kept.
const EVERY: Duration = Duration::from_secs(10);
/// Nothing older is looked at.
const LONGEST: Duration = Duration::from_secs(120);
/// Two readings of the line this far apart tell whether anybody stands in it.
const STANDING: Duration = Duration::from_secs(2);

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Advance {
    /// People who were passed.
    pub(super) people: f64,
    /// In so many seconds.
    pub(super) seconds: f64,
}

/// A dozen line-ups at most, without what lies far behind.
#[derive(Debug, Default)]
pub(super) struct History {
    line_ups: VecDeque<LineUp>,
    /// The highest head; the head itself goes back when somebody returns.
    reached: u64,
    latest: Option<(Instant, u64)>,
    /// The next number to be given, of two to four seconds ago.
    earlier_next: Option<u64>,
}

#[derive(Debug)]
struct LineUp {
    at: Instant,
    front: Snapshot,
    /// Of whoever joined next.
    last_position: u64,
}

impl History {
    /// Forgets what was measured, for it says nothing about from now on.
    pub(super) fn clear(&mut self) {
        self.line_ups.clear();
        self.reached = 0;
    }

    /// Whether somebody has been standing in the line for seconds: without, there is no speed to measure.
    pub(super) fn stands(&mut self, now: Instant, snapshot: &Snapshot) -> bool {
        let next = snapshot.settings.next;
        match self.latest {
            Some((at, earlier)) if now.saturating_duration_since(at) >= STANDING => {
                self.earlier_next = Some(earlier);
                self.latest = Some((now, next));
            }
            Some(_) => {}
            None => self.latest = Some((now, next)),
        }
        self.earlier_next
            .is_some_and(|earlier_next| snapshot.head + 1 < earlier_next)
    }

    /// Keeps the line-up of `snapshot` if it is time to. `kept_places`: how far behind the head one may have to look.
    pub(super) fn keep(&mut self, now: Instant, snapshot: &Snapshot, kept_places: u64) {
        self.reached = self.reached.max(snapshot.head);
        let age = |line_up: &LineUp| now.saturating_duration_since(line_up.at);
        if self.line_ups.back().is_none_or(|last| age(last) >= EVERY) {
            self.line_ups.push_back(LineUp {
                at: now,
                front: snapshot.front(kept_places),
                last_position: snapshot.position(snapshot.settings.next),
            });
        }
        while self
            .line_ups
            .front()
            .is_some_and(|first| age(first) > LONGEST)
        {
            self.line_ups.pop_front();
        }
    }

    /// How far the line got since the oldest line-up; `None` before that says anything.
    pub(super) fn advance(&self, now: Instant) -> Option<Advance> {
        let first = self.line_ups.front()?;
        let time = now.saturating_duration_since(first.at);
        (time >= EVERY).then(|| Advance {
            people: self.passed(first),
            seconds: time.as_secs_f64(),
        })
    }

    /// How many people came back in front of whoever was last in the newest line-up that is old enough, less those
    /// who went without having been let in.
    pub(super) fn returned(&self, snapshot: &Snapshot) -> f64 {
        let Some(then) = self.line_ups.back() else {
            return 0.0;
        };
        let expected = as_f64(then.last_position) - self.passed(then);
        as_f64(snapshot.position(then.front.settings.next)) - expected.max(1.0)
    }

    fn passed(&self, line_up: &LineUp) -> f64 {
        as_f64(line_up.front.position(self.reached + 1) - 1)
    }
}

#[expect(clippy::cast_precision_loss, reason = "people")]
fn as_f64(people: u64) -> f64 {
    people as f64
}
