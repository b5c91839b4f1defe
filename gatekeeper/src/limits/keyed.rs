//! A limit for each of many: so much at once, so much per second (GCRA, by the crate governor), in bounded memory.

use std::fmt;
use std::hash::Hash;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::{DashMapStateStore, ShrinkableKeyedStateStore};
use governor::{Quota, RateLimiter};

/// Most keys that are remembered; one takes up to 200 bytes. Only those count that have something to make up for,
/// so this many are in use within the same seconds.
const MOST_KEYS: usize = 200_000;
/// Shorter waits would be told as "now", and asking again at once is what a limit is against.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

/// A limit for each key.
pub(super) struct KeyedLimit<K: Hash + Eq + Clone, C: Clock = DefaultClock> {
    name: &'static str,
    limiter: RateLimiter<K, Bounded<K>, C, NoOpMiddleware<C::Instant>>,
}

/// What each key has spent.
///
/// **At its bound new keys are let through uncounted**, until others are forgotten, a second later at most. Refusing them
/// instead would hand everybody a switch: come as 200,000, and nobody new gets in. Those already counted stay so,
/// and what they cost together is bounded by the requests in flight.
struct Bounded<K: Hash + Eq + Clone> {
    spent: DashMapStateStore<K>,
    most: usize,
}

impl<K: Hash + Eq + Clone> KeyedLimit<K> {
    /// `quota` for each key. Metrics call what was refused `name`.
    pub(super) fn new(name: &'static str, quota: Quota) -> Self {
        Self::with_clock(name, quota, MOST_KEYS, DefaultClock::default())
    }
}

impl<K: Hash + Eq + Clone, C: Clock> KeyedLimit<K, C> {
    fn with_clock(name: &'static str, quota: Quota, most: usize, clock: C) -> Self {
        let store = Bounded {
            spent: DashMapStateStore::default(),
            most,
        };
        Self {
            name,
            limiter: RateLimiter::new(quota, store, clock),
        }
    }

    /// Counts one. Refused, it says after how long the next one will be let through, at least a second.
    pub(super) fn check(&self, key: &K) -> Result<(), Duration> {
        self.limiter.check_key(key).map_err(|not_until| {
            super::count_refusal(self.name);
            let wait = not_until.wait_time_from(self.limiter.clock().now());
            wait.max(SHORTEST_WAIT)
        })
    }

    /// Forgets the keys that have everything back: they are as good as new ones.
    pub(super) fn forget(&self) {
        self.limiter.retain_recent();
        // After a rush the table would keep its size for ever; small ones are not worth the work.
        self.limiter.shrink_to_fit();
    }
}

impl<K: Hash + Eq + Clone> StateStore for Bounded<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        // Counting all keys looks at every part of the table, so only a new one pays for it.
        if !self.spent.contains_key(key) && self.spent.len() >= self.most {
            return measure(None).map(|(outcome, _spent)| outcome);
        }
        self.spent.measure_and_replace(key, measure)
    }
}

impl<K: Hash + Eq + Clone> ShrinkableKeyedStateStore<K> for Bounded<K> {
    fn retain_recent(&self, drop_below: Nanos) {
        ShrinkableKeyedStateStore::retain_recent(&self.spent, drop_below);
    }

    fn shrink_to_fit(&self) {
        // A table that is half full or more has the size that it needs.
        if self.spent.capacity() > 4 * self.spent.len() {
            self.spent.shrink_to_fit();
        }
    }

    fn len(&self) -> usize {
        self.spent.len()
    }

    fn is_empty(&self) -> bool {
        self.spent.is_empty()
    }
}

impl<K: Hash + Eq + Clone, C: Clock> fmt::Debug for KeyedLimit<K, C> {
    /// The keys are people's addresses and ids: not for a log.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("KeyedLimit")
            .field("name", &self.name)
            .field("keys", &self.limiter.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use governor::clock::FakeRelativeClock;

    use super::*;

    /// 3 at once, one back every 2 seconds, 10 keys.
    fn limit() -> (KeyedLimit<u32, FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        // At its very beginning a clock of this kind says 0, which the state takes for "nothing spent yet".
        clock.advance(Duration::from_secs(100));
        let quota = Quota::with_period(Duration::from_secs(2)).unwrap();
        let quota = quota.allow_burst(NonZeroU32::new(3).unwrap());
        (
            KeyedLimit::with_clock("test", quota, 10, clock.clone()),
            clock,
        )
    }

    #[test]
    fn what_is_refused_is_let_through_after_the_wait_that_was_told() {
        let (limit, clock) = limit();
        for _ in 0..3 {
            assert_eq!(limit.check(&1), Ok(()));
        }
        let wait = limit.check(&1).unwrap_err();
        assert_eq!(wait, Duration::from_secs(2));
        assert_eq!(limit.check(&2), Ok(()), "another one is not hit");
        clock.advance(wait);
        assert_eq!(limit.check(&1), Ok(()));
        clock.advance(Duration::from_millis(1_900));
        assert_eq!(
            limit.check(&1),
            Err(SHORTEST_WAIT),
            "never less than a second"
        );
    }

    #[test]
    fn keys_that_have_everything_back_are_forgotten_and_no_others() {
        let (limit, clock) = limit();
        for _ in 0..3 {
            limit.check(&1).unwrap();
        }
        limit.check(&2).unwrap();
        clock.advance(Duration::from_secs(4));
        limit.forget();
        assert_eq!(
            limit.limiter.len(),
            1,
            "only the first has still something spent"
        );
        clock.advance(Duration::from_secs(4));
        limit.forget();
        assert!(limit.limiter.is_empty());
    }

    #[test]
    fn at_the_bound_those_that_are_counted_stay_so_and_new_ones_are_let_through() {
        let (limit, clock) = limit();
        for key in 0..10 {
            limit.check(&key).unwrap();
        }
        for _ in 0..100 {
            assert_eq!(limit.check(&99), Ok(()));
        }
        assert_eq!(limit.limiter.len(), 10);
        assert_eq!((limit.check(&0), limit.check(&0)), (Ok(()), Ok(())));
        assert!(limit.check(&0).is_err());
        clock.advance(Duration::from_secs(60));
        limit.forget();
        for _ in 0..3 {
            limit.check(&99).unwrap();
        }
        assert!(limit.check(&99).is_err(), "now it is counted, too");
    }
}
