//! Polls that come far too early are refused.
//!
//! Each visitor has a bucket of 5 polls, refilled by 3 per poll interval: two tabs, a reload and a jittery clock are
//! normal, a loop is not. The first poll that is seen of a visitor is free. Asking faster never got anybody in earlier;
//! this keeps it from costing the others anything.
//!
//! The bucket belongs to the visitor's number, not to a token or a connection: who joins again, has a token renewed or
//! opens ten connections has still one bucket. It is one word in a table of fixed size, so a poll takes no lock and
//! allocates nothing. Numbers are dense, so neighbours in a line never share a slot; when two do meet, the later one
//! starts anew with a full bucket, which errs on the side of answering.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use shared::ids::Number;
use shared::tokens::waiting::WaitingClaims;

/// Polls that a full bucket allows at once.
const BURST: f64 = 5.0;
/// Polls that come back per interval.
const REFILL_PER_INTERVAL: f64 = 3.0;
/// What packing may have added to what is spent.
const ROUNDED: f64 = 0.01;
/// Visitors who are remembered, at the least.
const FEWEST_SLOTS: usize = 1 << 10;
/// A visitor who races with nobody but themselves is let through after so many tries.
const TRIES: usize = 4;

/// What is done about polls that come far too early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum EarlyPollRule {
    /// Answer them like any other.
    Allow,
    /// 429 with Retry-After.
    Refuse,
}

/// The buckets.
#[derive(Debug)]
pub struct EarlyPolls {
    rule: EarlyPollRule,
    slots: Box<[AtomicU64]>,
    rooms: RandomState,
    began: Instant,
}

/// One bucket, 64 bits: whose it is (16), when it was last counted (32, in ticks), what is spent (16, fixed point).
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bucket {
    owner: u16,
    at: u32,
    spent: f64,
}

impl EarlyPolls {
    /// Remembers about `visitors` visitors, 8 bytes each.
    pub fn new(rule: EarlyPollRule, visitors: u64) -> Self {
        let slots = usize::try_from(visitors).unwrap_or(usize::MAX);
        let slots = slots.clamp(FEWEST_SLOTS, 1 << 24).next_power_of_two();
        Self {
            rule,
            slots: (0..slots).map(|_| AtomicU64::new(0)).collect(),
            rooms: RandomState::new(),
            began: Instant::now(),
        }
    }

    /// Counts a poll of a visitor who is asked to poll every `interval`. `Err` is how long the next one should wait.
    pub fn count(&self, claims: &WaitingClaims, interval: Duration) -> Result<(), Duration> {
        match self.rule {
            EarlyPollRule::Allow => Ok(()),
            EarlyPollRule::Refuse => {
                let room = self.rooms.hash_one((&claims.room, claims.life));
                self.count_at(room, claims.num, interval, self.began.elapsed())
            }
        }
    }

    fn count_at(
        &self,
        room: u64,
        number: Number,
        interval: Duration,
        now: Duration,
    ) -> Result<(), Duration> {
        let visitor = room.wrapping_add(number.0);
        let mask = self.slots.len() - 1;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the low bits choose the slot, the next ones tell whose it is"
        )]
        let (index, owner) = (
            visitor as usize & mask,
            (visitor >> self.slots.len().trailing_zeros()) as u16,
        );
        let slot = &self.slots[index];
        for _ in 0..TRIES {
            let packed = slot.load(Ordering::Relaxed);
            let known = Bucket::unpack(packed).filter(|bucket| bucket.owner == owner);
            let counted = match known {
                None => Bucket::first(owner, now),
                Some(bucket) => bucket.spend(interval, now)?,
            };
            let exchanged = slot.compare_exchange_weak(
                packed,
                counted.pack(),
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            if exchanged.is_ok() {
                break;
            }
        }
        Ok(())
    }
}

impl Bucket {
    const TICK_MS: u64 = 10;
    const PARTS_PER_POLL: f64 = 8_192.0;

    /// Full: the first poll is free.
    fn first(owner: u16, now: Duration) -> Self {
        Self {
            owner,
            at: ticks(now),
            spent: 0.0,
        }
    }

    /// After one more poll; `Err` is how long it is too early.
    fn spend(self, interval: Duration, now: Duration) -> Result<Self, Duration> {
        let per_second = REFILL_PER_INTERVAL / interval.as_secs_f64().max(0.1);
        let at = ticks(now);
        let passed = Duration::from_millis(u64::from(at.wrapping_sub(self.at)) * Self::TICK_MS);
        let spent = (self.spent - passed.as_secs_f64() * per_second).max(0.0) + 1.0;
        if spent > BURST + ROUNDED {
            let too_much = spent - (BURST + ROUNDED);
            return Err(Duration::from_secs_f64(too_much / per_second));
        }
        Ok(Self { at, spent, ..self })
    }

    fn pack(self) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most 5 polls of 8192 parts"
        )]
        // Rounded up: repeated rounding must not give polls away. Never 0, which is an empty slot.
        let spent = ((self.spent * Self::PARTS_PER_POLL).ceil() as u64).clamp(1, 0xffff);
        u64::from(self.owner) << 48 | u64::from(self.at) << 16 | spent
    }

    fn unpack(packed: u64) -> Option<Self> {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "taken apart into its fields"
        )]
        let (owner, at, spent) = ((packed >> 48) as u16, (packed >> 16) as u32, packed as u16);
        (spent > 0).then(|| Self {
            owner,
            at,
            spent: f64::from(spent) / Self::PARTS_PER_POLL,
        })
    }
}

/// Wraps after 497 days; then one visitor may find a bucket that seems to have been filled meanwhile.
fn ticks(now: Duration) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "differences are taken modulo"
    )]
    let ticks = (now.as_millis() / u128::from(Bucket::TICK_MS)) as u32;
    ticks
}

#[cfg(test)]
mod tests;
