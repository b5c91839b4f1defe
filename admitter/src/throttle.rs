//! Capacity as a limit of the pace: c slots of t seconds let c ÷ t visitors in per second, whatever the rate says.

use std::fmt;

use serde::Serialize;

/// A room with a rate and a capacity: which of them limits depends on how long visitors stay.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Throttle {
    /// Slots of the active set.
    pub capacity: u64,
    /// Admissions per second that the room is to reach.
    pub rate_per_second: f64,
    /// All slots are taken and people wait: at present the capacity is the limit.
    pub is_full: bool,
}

impl Throttle {
    /// `None` where the capacity cannot limit anything: there is none, or nobody is to be let in.
    pub fn of(
        capacity: Option<u64>,
        rate_per_second: Option<f64>,
        active: u64,
        waiting: u64,
    ) -> Option<Self> {
        let (capacity, rate_per_second) = (capacity?, rate_per_second?);
        (rate_per_second > 0.0).then_some(Self {
            capacity,
            rate_per_second,
            is_full: active >= capacity && waiting > 0,
        })
    }

    /// How long visitors may stay, on average, before the rate is no longer reached: c ÷ rate, in seconds.
    pub fn visit_seconds(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "people, not atoms")]
        let slots = self.capacity as f64;
        slots / self.rate_per_second
    }

    /// The slots that the rate needs for visits of so many seconds.
    pub fn capacity_for_visits_of(&self, seconds: f64) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small figure; a conversion of floats saturates"
        )]
        let slots = (self.rate_per_second * seconds).ceil() as u64;
        slots
    }
}

impl fmt::Display for Throttle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            capacity,
            rate_per_second,
            is_full,
        } = self;
        if *is_full {
            write!(
                formatter,
                "all {capacity} slots are taken, and its capacity is what limits it: "
            )?;
        }
        let seconds = self.visit_seconds();
        write!(
            formatter,
            "{capacity} slots reach {rate_per_second} a second only if visits take {seconds:.1} s or less on average; \
             visits of t seconds let {capacity} ÷ t in per second"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_room_with_both_can_be_limited_by_its_capacity() {
        assert_eq!(Throttle::of(None, Some(5.0), 9, 9), None);
        assert_eq!(Throttle::of(Some(9), None, 9, 9), None);
        assert_eq!(Throttle::of(Some(9), Some(0.0), 9, 9), None);
        let is_full = |active, waiting| {
            Throttle::of(Some(9), Some(5.0), active, waiting)
                .unwrap()
                .is_full
        };
        assert!(is_full(9, 1));
        assert!(!is_full(9, 0), "nobody is kept waiting by it");
        assert!(!is_full(8, 1));
    }

    #[test]
    fn slots_and_seconds_are_two_sides_of_one_rate() {
        let throttle = Throttle::of(Some(300), Some(100.0), 0, 0).unwrap();
        assert!((throttle.visit_seconds() - 3.0).abs() < 1e-9);
        assert_eq!(throttle.capacity_for_visits_of(120.0), 12_000);
        assert!(
            throttle
                .to_string()
                .contains("300 slots reach 100 a second only if visits take 3.0 s")
        );
    }
}
