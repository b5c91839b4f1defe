//! Beats: who polled, and until when each promised to poll again. They travel to Redis together, about once a second.
//!
//! What could not be sent is kept and sent later: a Redis that was away for a minute makes nobody absent.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use shared::ids::Number;
use shared::redis_handle::StoreError;
use shared::room::{Beat, Beaten, Line, Promise};
use shared::tokens::waiting::WaitingClaims;

/// Beats of one call: some milliseconds of Redis.
const AT_ONCE: usize = 1_500;
/// Polls are taken down by several at once, each in a part of its own most of the time.
const PARTS: usize = 16;
/// Most visitors whose beats are kept while Redis is away; each takes about 350 bytes, the claims included.
const KEPT_MOST: usize = 1_000_000;
/// Nobody's window to come back is longer by default: an older beat says nothing any more.
const KEPT_FOR: Duration = Duration::from_secs(600);

/// One visitor, seen.
#[derive(Debug, Clone)]
struct Seen {
    claims: Arc<WaitingClaims>,
    at: Instant,
    promised: Promise,
}

/// The beats of one room that Redis does not know yet.
#[derive(Debug)]
pub(super) struct Beats {
    parts: [Mutex<Vec<Seen>>; PARTS],
    /// Newest of each visitor, by life and number.
    kept: tokio::sync::Mutex<HashMap<(u64, Number), Seen>>,
}

impl Beats {
    pub(super) fn new() -> Self {
        Self {
            parts: std::array::from_fn(|_| Mutex::default()),
            kept: tokio::sync::Mutex::default(),
        }
    }

    /// Takes down that somebody was seen just now.
    pub(super) fn add(&self, claims: &Arc<WaitingClaims>, promised: Promise) {
        let seen = Seen {
            claims: Arc::clone(claims),
            at: Instant::now(),
            promised,
        };
        self.lock(usize::try_from(claims.num.0).unwrap_or_default() % PARTS)
            .push(seen);
    }

    /// Sends what there is, those in front first. What cannot be sent is kept. Without beats it still says that
    /// `gatekeeper` lives.
    pub(super) async fn flush(
        &self,
        line: &Line,
        gatekeeper: &str,
        current_life: u64,
    ) -> Result<(), StoreError> {
        let mut kept = self.kept.lock().await;
        self.gather(&mut kept);
        if kept.len() > AT_ONCE || kept.is_empty() {
            // Before many are put in order: while Redis is away that would be for nothing.
            if let Beaten::NoRoom = line.beat(current_life, gatekeeper, &[]).await? {
                return Ok(());
            }
        }
        let mut due: Vec<(u64, Number)> = kept.keys().copied().collect();
        // Of one batch Redis takes all or none.
        if due.len() > AT_ONCE {
            front_first(&mut due, |number| line.place_of(number));
        } else {
            due.sort_unstable();
        }
        for of_one_life in due.chunk_by(|one, next| one.0 == next.0) {
            for batch in of_one_life.chunks(AT_ONCE) {
                let beats: Vec<Beat> = batch.iter().map(|key| beat(&kept[key])).collect();
                match line.beat(batch[0].0, gatekeeper, &beats).await? {
                    Beaten::Returned(_) | Beaten::OtherLife => {
                        for key in batch {
                            kept.remove(key);
                        }
                    }
                    Beaten::NoRoom => return Ok(()),
                }
            }
        }
        Ok(())
    }

    /// Adds what was seen since to what is kept.
    fn gather(&self, kept: &mut HashMap<(u64, Number), Seen>) {
        kept.retain(|_, seen| seen.at.elapsed() < KEPT_FOR);
        for part in 0..PARTS {
            let seen = std::mem::take(&mut *self.lock(part));
            for seen in seen {
                let is_full = kept.len() >= KEPT_MOST;
                match kept.entry((seen.claims.life, seen.claims.num)) {
                    Entry::Occupied(mut earlier) => {
                        earlier.insert(seen);
                    }
                    Entry::Vacant(free) if !is_full => {
                        free.insert(seen);
                    }
                    // Their next polls say so again; absent meanwhile, they come back by them.
                    Entry::Vacant(_) => {}
                }
            }
        }
    }

    fn lock(&self, part: usize) -> std::sync::MutexGuard<'_, Vec<Seen>> {
        self.parts[part]
            .lock()
            .expect("nobody panics while holding this lock")
    }
}

/// In order of life and place: after a loss promotion takes the first of those who are back.
fn front_first(due: &mut [(u64, Number)], place_of: impl Fn(Number) -> u64) {
    due.sort_by_cached_key(|&(life, number)| (life, place_of(number)));
}

fn beat(seen: &Seen) -> Beat {
    Beat {
        visitor: seen.claims.sub.clone(),
        number: seen.claims.num,
        seen_ago: seen.at.elapsed(),
        promised: seen.promised,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_in_front_are_sent_first_wherever_a_lottery_put_them() {
        let mut due = [(2, Number(1)), (1, Number(7)), (1, Number(3))];
        front_first(&mut due, |number| 10 - number.0);
        assert_eq!(due, [(1, Number(7)), (1, Number(3)), (2, Number(1))]);
    }
}
