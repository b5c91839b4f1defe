//! When each visitor means to arrive, computed before the run: an open model, in which a slow server
//! does not slow the crowd down.

use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;

use crate::clock::Moment;
use crate::scenario::{Arrivals, CrowdPlan};

/// One moment of arrival per visitor, earliest first, all within the time that the plan gives them.
pub(crate) fn arrivals(plan: &CrowdPlan, rng: &mut StdRng) -> Vec<Moment> {
    let within = plan.arrive_within_seconds.seconds();
    let mut moments: Vec<Moment> = (0..plan.visitors.get())
        .map(|visitor| match plan.arrivals {
            Arrivals::Uniform => within.mul_f64(rng.random()),
            Arrivals::Burst => burst(visitor, within, rng.random()),
        })
        .collect();
    moments.sort_unstable();
    moments
}

/// Every second visitor comes in the first fifth, the others in the rest.
fn burst(visitor: u32, within: Duration, drawn: f64) -> Moment {
    let first = within / 5;
    if visitor.is_multiple_of(2) {
        first.mul_f64(drawn)
    } else {
        first + within.saturating_sub(first).mul_f64(drawn)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::scenario::Whole;

    fn plan(arrivals: Arrivals) -> CrowdPlan {
        CrowdPlan {
            visitors: Whole::of(1_000),
            arrivals,
            arrive_within_seconds: Whole::of(10),
        }
    }

    fn draw(shape: Arrivals, seed: u64) -> Vec<Moment> {
        arrivals(&plan(shape), &mut StdRng::seed_from_u64(seed))
    }

    fn came_before(moments: &[Moment], seconds: u64) -> usize {
        moments.partition_point(|moment| *moment < Duration::from_secs(seconds))
    }

    #[test]
    fn everybody_comes_in_time_and_in_order() {
        for shape in [Arrivals::Uniform, Arrivals::Burst] {
            let moments = draw(shape, 7);
            assert_eq!(moments.len(), 1_000);
            assert!(moments.is_sorted());
            assert!(*moments.last().unwrap() < Duration::from_secs(10));
        }
    }

    #[test]
    fn the_same_seed_makes_the_same_schedule_and_another_one_does_not() {
        assert_eq!(draw(Arrivals::Burst, 7), draw(Arrivals::Burst, 7));
        assert_ne!(draw(Arrivals::Burst, 7), draw(Arrivals::Burst, 8));
    }

    #[test]
    fn a_burst_brings_half_of_them_in_the_first_fifth() {
        assert_eq!(came_before(&draw(Arrivals::Burst, 7), 2), 500);
    }

    #[test]
    fn a_uniform_crowd_brings_a_fifth_in_the_first_fifth() {
        let early = came_before(&draw(Arrivals::Uniform, 7), 2);
        assert!((150..=250).contains(&early), "{early}");
    }
}
