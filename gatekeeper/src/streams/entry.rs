//! One stream as its room's fan-out knows it: whose it is, what was told last, when the next frame is due.

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::room::{ClaimOutcome, ClaimRequest, RoomState, Seen};
use shared::tokens::waiting::WaitingClaims;

use super::facts::Facts;
use super::frame::{self, Event, LastWord};
use super::outbox::Outbox;
use crate::rooms::Room;
use crate::rooms::snapshot::Snapshot;
use crate::routes::document::{self, VisitorDocument};

/// A visitor who is neither in the line nor let in, as Redis said, is asked for again only after this: what
/// can change that is the visitor's own poll.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(2);

/// One open stream, which ends with this at the latest.
#[derive(Debug)]
pub(super) struct Entry {
    claims: Arc<WaitingClaims>,
    outbox: Arc<Outbox>,
    /// The position told last; `None` before the first frame.
    position: Option<u64>,
    /// The facts told last; 0 before the first frame.
    facts_version: u64,
    position_due: Option<Instant>,
    beat_due: Option<Instant>,
    look_due: Option<Instant>,
}

/// What all streams of a room are shown in one walk.
#[derive(Debug)]
pub(super) struct View {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) facts: Facts,
    /// Raised whenever the facts change, from 1.
    pub(super) facts_version: u64,
    pub(super) heartbeat: Duration,
    pub(super) now: Instant,
}

/// What is left to do for a stream after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing.
    Done,
    /// The visitor's turn seems to have come: Redis knows.
    Look,
    /// Nothing ever again.
    Over,
}

impl Entry {
    pub(super) fn new(claims: Arc<WaitingClaims>, outbox: Arc<Outbox>) -> Self {
        Self {
            claims,
            outbox,
            position: None,
            facts_version: 0,
            position_due: None,
            beat_due: None,
            look_due: None,
        }
    }

    /// Tells what is due.
    pub(super) fn step(&mut self, view: &View) -> Step {
        if self.outbox.is_over() {
            return Step::Over;
        }
        match self.claims.life.cmp(&view.snapshot.settings.life) {
            Ordering::Equal => {}
            // The next snapshot knows the life of this token.
            Ordering::Greater => {
                self.beat(view);
                return Step::Done;
            }
            Ordering::Less => return Step::Over,
        }
        if view
            .snapshot
            .has_departed(view.snapshot.place_of(self.claims.num))
        {
            self.beat(view);
            return if is_due(self.look_due, view.now) {
                Step::Look
            } else {
                Step::Done
            };
        }
        self.look_due = None;
        if view.snapshot.settings.state == RoomState::Closed {
            return self.end(Event::Room, "closed");
        }
        self.tell_waiting(view);
        Step::Done
    }

    /// What has become of the visitor, if the room remembers that it is over.
    pub(super) fn known_end(&self, room: &Room) -> Option<Seen> {
        match room.known_outcome(self.claims.life, self.claims.num)? {
            ClaimOutcome::Left => Some(Seen::Left),
            ClaimOutcome::Finished => Some(Seen::Finished),
            ClaimOutcome::Lapsed => Some(Seen::Lapsed),
            ClaimOutcome::Admitted(_) | ClaimOutcome::Waiting | ClaimOutcome::Void => None,
        }
    }

    /// What Redis is asked.
    pub(super) fn request(&self) -> ClaimRequest {
        ClaimRequest {
            visitor: self.claims.sub.clone(),
            number: self.claims.num,
            life: self.claims.life,
        }
    }

    /// Tells what Redis has answered. What it did not answer is asked again with the next walk.
    pub(super) fn tell_seen(&mut self, seen: Option<Seen>, view: &View) {
        match seen {
            Some(Seen::Admitted) => _ = self.end(Event::Admitted, "admitted"),
            Some(Seen::Left) => _ = self.end(Event::Room, "left"),
            Some(Seen::Finished) => _ = self.end(Event::Room, "finished"),
            Some(Seen::Lapsed) => _ = self.end(Event::Room, "lapsed"),
            Some(Seen::Waiting | Seen::Unknown | Seen::Void) => {
                self.look_due = Some(view.now + LOOK_AGAIN_AFTER);
                self.tell_waiting(view);
            }
            None => self.tell_waiting(view),
        }
    }

    fn tell_waiting(&mut self, view: &View) {
        let position = view
            .snapshot
            .position(view.snapshot.place_of(self.claims.num));
        let is_first = self.facts_version == 0;
        let has_news = self.facts_version != view.facts_version;
        self.facts_version = view.facts_version;
        if has_news && !(is_first && view.facts.are_ordinary()) {
            let document = self.document(view, position);
            self.outbox.put_room(frame::room(&document, &view.facts));
        } else if self.position != Some(position) && is_due(self.position_due, view.now) {
            let document = self.document(view, position);
            self.outbox.put_position(frame::position(&document));
        } else {
            self.beat(view);
        }
    }

    /// The visitor's document, after which the next position is due when the next poll would be, but no
    /// later than a sign of life.
    fn document(&mut self, view: &View, position: u64) -> VisitorDocument {
        let document = document::waiting(&self.claims, &view.snapshot, view.facts.is_stale);
        let poll_after = document.poll_after().unwrap_or(view.heartbeat);
        self.position = Some(position);
        self.position_due = Some(view.now + poll_after.min(view.heartbeat));
        self.beat_due = Some(next_beat(view));
        document
    }

    fn beat(&mut self, view: &View) {
        if self.beat_due.is_none() {
            self.beat_due = Some(next_beat(view));
        } else if is_due(self.beat_due, view.now) {
            self.outbox.put_beat(frame::beat());
            self.beat_due = Some(next_beat(view));
        }
    }

    fn end(&mut self, event: Event, state: &'static str) -> Step {
        let (room, number) = (self.claims.room.as_str(), self.claims.num.0);
        let word = LastWord {
            state,
            room,
            number,
        };
        self.outbox.end(frame::last(event, &word));
        Step::Over
    }
}

impl Drop for Entry {
    /// A stream that nobody serves any more ends, for a reason that a new one, or a poll, tells best.
    fn drop(&mut self) {
        if !self.outbox.is_over() {
            self.outbox.end(frame::retry_soon());
        }
    }
}

fn is_due(at: Option<Instant>, now: Instant) -> bool {
    at.is_none_or(|at| at <= now)
}

/// Early enough for a walk that comes late, and spread, so that streams opened together do not beat together.
fn next_beat(view: &View) -> Instant {
    view.now + view.heartbeat.mul_f64(rand::random_range(0.7..0.95))
}
