//! P12: polls per second that a line asks for, as a share of the budget, by the gatekeeper's own rule on a virtual clock.
//! It needs no stack.
//!
//! The rule keeps the expected total within the budget; what is to be seen here is that waves do not break it: people
//! who join within a minute, who return at an opening, whose intervals were told when the line was another one.

mod virtual_line;

use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::report::{BenchReport, Bounded, Outcome, rounded};
use virtual_line::{Course, Opening, Peak};

const BOUND: f64 = 1.05;
/// The default of `--poll-budget`.
const BUDGET_PER_SECOND: u32 = 20_000;
const LENGTHS: [u32; 4] = [10_000, 100_000, 1_000_000, 10_000_000];
const RATES: [u32; 2] = [100, 1_000];
/// With intervals of at most 5 minutes a gatekeeper is enough for a few million people.
const PEOPLE_PER_GATEKEEPER: u32 = 2_500_000;
/// People join within ten seconds, but no faster than the gatekeepers can answer; or within minutes.
const JOIN_WITHIN: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(500)];
/// Between the last join and the opening.
const PAUSES: [Duration; 4] = [
    Duration::from_secs(30),
    Duration::from_secs(100),
    Duration::from_secs(200),
    Duration::from_secs(400),
];

/// A room may open late: nobody knows the public value of its lottery yet, or no admitter is there.
const LATE_BY: [Duration; 2] = [Duration::from_secs(30), Duration::from_secs(300)];

/// Follows lines of all lengths through their openings.
pub(super) async fn measure(stop: &CancellationToken) -> anyhow::Result<BenchReport> {
    let mut rounds = Vec::new();
    for people in LENGTHS {
        let following = tokio::task::spawn_blocking(move || round(people));
        let followed = stop.run_until_cancelled(following).await;
        rounds.push(followed.context("stopped before the end")??);
    }
    Ok(report(&rounds))
}

fn report(rounds: &[Round]) -> BenchReport {
    let worst = rounds.iter().map(Round::share).fold(0.0, f64::max);
    BenchReport {
        name: "P12",
        description: "polls per second that a line asks for over any 10 s, as a share of the budget (simulated)",
        outcome: Outcome::Bounded(Bounded {
            value: rounded(worst),
            bound: BOUND,
            unit: "of the budget",
            rounds: rounds.iter().map(Round::json).collect(),
            figures: Vec::new(),
        }),
        conditions: json!({
            "clock": "virtual",
            "measured_at": crate::report::measured_at(),
            "commit": crate::report::commit(),
            "setup": format!("simulated, virtual clock; a gatekeeper for {PEOPLE_PER_GATEKEEPER} people, each with its budget of {BUDGET_PER_SECOND} polls a second; joins come no faster than the budget"),
            "budget_per_second": BUDGET_PER_SECOND,
            "people_per_gatekeeper_at_most": PEOPLE_PER_GATEKEEPER,
            "admissions_per_second": RATES,
            "people_join_within_s": JOIN_WITHIN.map(|within| within.as_secs()),
            "joins_per_second_at_most": "the budget",
            "opens": "before the first join, after the last one, or later than it should",
            "opens_s_after_the_last_join": PAUSES.map(|pause| pause.as_secs()),
            "late_by_s": LATE_BY.map(|by| by.as_secs()),
            "followed_s_after_the_opening": virtual_line::FOLLOWED.as_secs(),
        }),
    }
}

/// One length of the line, and what its courses came to.
struct Round {
    people: u32,
    peaks: Vec<(Course, Peak)>,
}

impl Round {
    fn worst(&self) -> &(Course, Peak) {
        self.peaks
            .iter()
            .max_by(|one, other| one.1.polls_per_second.total_cmp(&other.1.polls_per_second))
            .expect("a line has a course")
    }

    /// Of the budget of all gatekeepers.
    fn share(&self) -> f64 {
        let budget = BUDGET_PER_SECOND * gatekeepers(self.people);
        self.worst().1.polls_per_second / f64::from(budget)
    }

    fn json(&self) -> Value {
        let (course, peak) = self.worst();
        json!({
            "waiting": self.people,
            "gatekeepers": gatekeepers(self.people),
            "value": rounded(self.share()),
            "worst_polls_per_second": rounded(peak.polls_per_second),
            "worst_at_s": rounded(peak.at.as_secs_f64()),
            "worst_course": format!("{:?}", course.opening),
            "worst_admissions_per_second": course.admissions_per_second,
            "polls": self.peaks.iter().map(|(_, peak)| peak.polls).sum::<u64>(),
        })
    }
}

fn gatekeepers(people: u32) -> u32 {
    people.div_ceil(PEOPLE_PER_GATEKEEPER)
}

fn round(people: u32) -> Round {
    let joins_per_second = JOIN_WITHIN.map(|within| {
        let seconds = u32::try_from(within.as_secs()).expect("minutes");
        (people / seconds).clamp(1, BUDGET_PER_SECOND * gatekeepers(people))
    });
    let openings = || {
        let in_time = PAUSES.into_iter().map(Opening::AfterTheLastJoin);
        let late = LATE_BY.map(|by| Opening::Late { due: PAUSES[0], by });
        std::iter::once(Opening::FromTheStart)
            .chain(in_time)
            .chain(late)
    };
    let mut peaks = Vec::new();
    for joins_per_second in joins_per_second {
        for admissions_per_second in RATES {
            for opening in openings() {
                let course = Course {
                    people,
                    joins_per_second,
                    admissions_per_second,
                    gatekeepers: gatekeepers(people),
                    opening,
                };
                peaks.push((course, course.follow(BUDGET_PER_SECOND)));
            }
        }
    }
    Round { people, peaks }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_ten_and_a_hundred_thousand_keep_to_the_budget() {
        for people in [10_000, 100_000] {
            let round = round(people);
            assert!(round.share() <= BOUND, "{}", round.json());
            let polls: u64 = round.peaks.iter().map(|(_, peak)| peak.polls).sum();
            assert!(polls > u64::from(people), "everybody polls");
        }
    }

    #[test]
    fn a_budget_far_below_what_the_line_would_ask_for_is_kept_too() {
        let course = Course {
            people: 100_000,
            joins_per_second: 500,
            admissions_per_second: 10,
            gatekeepers: 1,
            opening: Opening::FromTheStart,
        };
        // As scarce as it may be: 125 s of budget for everybody, as 2.5 M people have at one gatekeeper. With less, five
        // minutes at the most between two polls are too few, whatever the rule.
        let peak = course.follow(800);
        assert!(peak.polls_per_second <= BOUND * 800.0, "{peak:?}");
        assert!(peak.polls_per_second > 480.0, "and used: {peak:?}");
    }
}
