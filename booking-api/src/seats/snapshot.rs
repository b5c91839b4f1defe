//! What the seats of each performance look like, in memory, so that viewers never cost a query each.
//!
//! A look is reused for a moment (a setting), but not for who asks after the next expiry of a hold, so that an expiry
//! shows without delay; nor for who asks after a change by this process, so that buyers see their own. One look at a
//! time per performance: who comes meanwhile waits for the next one and shares it with everybody who waits.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, RwLock};
use std::time::{Duration, Instant};

use aws_lc_rs::digest;
use bytes::Bytes;
use moka::sync::Cache;
use serde::Serialize;

use super::store;
use crate::database::Primary;
use crate::error::ApiError;
use crate::hexadecimal::hexadecimal;
use crate::layouts::Layout;

/// Performances remembered at once.
const REMEMBERED: u64 = 1_000;

/// The looks of all performances.
#[derive(Debug, Clone)]
pub(crate) struct Snapshots {
    primary: Primary,
    fresh_for: Duration,
    places: Cache<i64, Arc<Place>>,
}

/// The latest look at one performance, and the right to take the next.
#[derive(Debug, Default)]
struct Place {
    latest: RwLock<Option<Taken>>,
    looking: tokio::sync::Mutex<()>,
    /// Raised by each change that this process makes.
    changes: AtomicU64,
}

#[derive(Debug, Clone)]
struct Taken {
    snapshot: Arc<Snapshot>,
    begun: Instant,
    good_until: Instant,
    changes: u64,
}

/// One look, ready to be sent.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// The same for the same seats in the same state, on every instance.
    pub(crate) version: String,
    /// `{"version", "layout", "seats": […]}`, made when somebody asks: in a rush most clients take the map.
    json: OnceLock<Bytes>,
    /// Two bits per seat, the first seat in the lowest bits: 0 free, 1 held, 2 sold, 3 blocked.
    pub(crate) map: Bytes,
    /// Free seats and all seats by tier.
    pub(crate) tiers: BTreeMap<String, TierCount>,
    states: String,
}

/// Seats of one tier.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TierCount {
    pub(crate) free: i64,
    pub(crate) all: i64,
}

#[derive(Serialize)]
struct Document<'a> {
    version: &'a str,
    layout: &'a str,
    seats: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    seat: &'a super::SeatName,
    status: &'static str,
    tier: &'a str,
}

impl Snapshots {
    pub(crate) fn new(primary: Primary, fresh_for: Duration) -> Self {
        Self {
            primary,
            fresh_for,
            places: Cache::new(REMEMBERED),
        }
    }

    /// The seats as they are now, or were a moment ago.
    pub(crate) async fn get(
        &self,
        performance: i64,
        layout: &Layout,
    ) -> Result<Arc<Snapshot>, ApiError> {
        let place = self.place(performance);
        // What has changed until now must show. What changes while we wait need not.
        let (at_least, asked) = (place.changes.load(Ordering::Acquire), Instant::now());
        if let Some(good) = place.good(at_least) {
            return Ok(good);
        }
        let _only_one = place.looking.lock().await;
        if let Some(shared) = place.begun_since(asked).or_else(|| place.good(at_least)) {
            return Ok(shared);
        }
        let (changes, begun) = (place.changes.load(Ordering::Acquire), Instant::now());
        let look = store::look(&self.primary, performance).await?;
        let good_for = look
            .next_expiry
            .map_or(self.fresh_for, |expiry| expiry.min(self.fresh_for));
        let snapshot = match place.latest() {
            Some(before) if before.states == look.states => before,
            _ => Arc::new(Snapshot::of(look.states, layout)),
        };
        let taken = Taken {
            snapshot: Arc::clone(&snapshot),
            begun,
            good_until: begun + good_for,
            changes,
        };
        *place
            .latest
            .write()
            .expect("nobody panics while holding this lock") = Some(taken);
        Ok(snapshot)
    }

    /// This process has changed seats: the next look is a new one.
    pub(crate) fn changed(&self, performance: i64) {
        self.place(performance)
            .changes
            .fetch_add(1, Ordering::AcqRel);
    }

    fn place(&self, performance: i64) -> Arc<Place> {
        self.places.get_with(performance, Arc::default)
    }
}

impl Place {
    /// The latest look, if it began after `asked`: it shows all that was there then, however long it took.
    fn begun_since(&self, asked: Instant) -> Option<Arc<Snapshot>> {
        let latest = self
            .latest
            .read()
            .expect("nobody panics while holding this lock");
        let taken = latest.as_ref().filter(|taken| taken.begun >= asked)?;
        Some(Arc::clone(&taken.snapshot))
    }

    /// The latest look, if it is fresh and began after so many changes.
    fn good(&self, at_least: u64) -> Option<Arc<Snapshot>> {
        let latest = self
            .latest
            .read()
            .expect("nobody panics while holding this lock");
        let taken = latest.as_ref()?;
        let is_good = Instant::now() < taken.good_until && taken.changes >= at_least;
        is_good.then(|| Arc::clone(&taken.snapshot))
    }

    fn latest(&self) -> Option<Arc<Snapshot>> {
        let latest = self
            .latest
            .read()
            .expect("nobody panics while holding this lock");
        latest.as_ref().map(|taken| Arc::clone(&taken.snapshot))
    }
}

impl Snapshot {
    fn of(states: String, layout: &Layout) -> Self {
        let mut tiers: BTreeMap<String, TierCount> = BTreeMap::new();
        for (state, (_, tier)) in states.bytes().zip(layout.seats()) {
            let count = match tiers.get_mut(tier) {
                Some(count) => count,
                None => tiers.entry(tier.to_owned()).or_default(),
            };
            count.all += 1;
            count.free += i64::from(state == b'0');
        }
        Self {
            version: version(&states, &layout.hash),
            json: OnceLock::new(),
            map: map(states.as_bytes()).into(),
            tiers,
            states,
        }
    }

    /// The seats as a list; `layout` is the one that the snapshot was taken with.
    pub(crate) fn json(&self, layout: &Layout) -> Bytes {
        self.json.get_or_init(|| self.list(layout)).clone()
    }

    fn list(&self, layout: &Layout) -> Bytes {
        let seats = self
            .states
            .bytes()
            .zip(layout.seats())
            .map(|(state, (seat, tier))| Entry {
                seat,
                status: status(state),
                tier,
            });
        let document = Document {
            version: &self.version,
            layout: &layout.hash,
            seats: seats.collect(),
        };
        let list = serde_json::to_vec(&document).expect("names and words are always JSON");
        list.into()
    }

    /// Whether each seat is free, in the order of the layout.
    pub(crate) fn free(&self) -> impl Iterator<Item = bool> {
        self.states.bytes().map(|state| state == b'0')
    }

    /// Free seats of all tiers.
    pub(crate) fn left(&self) -> i64 {
        self.tiers.values().map(|tier| tier.free).sum()
    }
}

fn status(state: u8) -> &'static str {
    match state {
        b'1' => "TEMPORARILY_RESERVED",
        b'2' => "RESERVED",
        b'3' => "BLOCKED",
        _ => "AVAILABLE",
    }
}

fn map(states: &[u8]) -> Vec<u8> {
    let pack = |four: &[u8]| {
        four.iter()
            .rev()
            .fold(0, |byte, state| byte << 2 | (state & 3))
    };
    states.chunks(4).map(pack).collect()
}

/// Half of a SHA-256 is enough to tell versions apart.
fn version(states: &str, layout: &str) -> String {
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(layout.as_bytes());
    hash.update(states.as_bytes());
    hexadecimal(&hash.finish().as_ref()[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_seats_make_a_byte_the_first_in_the_lowest_bits() {
        assert_eq!(map(b"0123"), [0b11_10_01_00]);
        assert_eq!(map(b"00003"), [0, 0b11]);
        assert!(map(b"").is_empty());
    }
}
