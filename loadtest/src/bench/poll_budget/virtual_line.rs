//! A line on a virtual clock: everybody in it polls when the rule says so.
//!
//! Each visitor is one entry of a calendar with a page for every tenth of a second; ten million of them fit into memory,
//! and a poll costs some tens of nanoseconds.

use std::time::Duration;

use gatekeeper::interval::{BudgetPlan, Demand, IntervalRule, Jitter, LATE_AFTER, Motion};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

/// How long a line is followed after it has opened.
pub(super) const FOLLOWED: Duration = Duration::from_secs(900);
/// The window over which polls are counted.
const WINDOW_TICKS: usize = 100;
const TICKS_PER_SECOND: u32 = 10;
/// Gatekeepers work out the plan about four times a second.
const PLAN_EVERY_TICKS: u32 = 3;
/// Six minutes: nobody is asked to stay away longer.
const CALENDAR_TICKS: usize = 3_600 + 1;
const SEED: u64 = 12;

/// When a room opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    FromTheStart,
    AfterTheLastJoin(Duration),
    /// At this time after the last join, and so much later in truth: the public value of a lottery comes late.
    Late {
        due: Duration,
        by: Duration,
    },
}

/// What a line goes through.
#[derive(Clone, Copy, Debug)]
pub(super) struct Course {
    pub people: u32,
    pub joins_per_second: u32,
    pub admissions_per_second: u32,
    pub gatekeepers: u32,
    pub opening: Opening,
}

/// The busiest time of a course.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peak {
    /// Over ten seconds.
    pub polls_per_second: f64,
    /// When those seconds were over.
    pub at: Duration,
    /// All polls of the course.
    pub polls: u64,
}

impl Course {
    /// Follows the line past its opening, and returns its busiest time. The budget is that of one gatekeeper.
    pub(super) fn follow(self, budget_per_second: u32) -> Peak {
        let mut line = Line::new(self, budget_per_second);
        let joined_at = self.people.div_ceil(self.joins_per_second) * TICKS_PER_SECOND;
        let followed = u32::try_from(FOLLOWED.as_secs()).expect("minutes") * TICKS_PER_SECOND;
        let end = joined_at.max(line.opens_at) + followed;
        let polls: Vec<u32> = (0..end).map(|tick| line.pass(tick)).collect();
        busiest(&polls)
    }
}

struct Line {
    course: Course,
    budget_per_second: u32,
    /// When it is to open, and when it does.
    due_at: u32,
    opens_at: u32,
    plan: BudgetPlan,
    calendar: Vec<Vec<u32>>,
    chance: SmallRng,
    joined: u32,
    head: u32,
}

impl Line {
    fn new(course: Course, budget_per_second: u32) -> Self {
        let after_the_last_join = |pause: Duration| {
            let pause = u32::try_from(pause.as_secs()).expect("minutes");
            (course.people.div_ceil(course.joins_per_second) + pause) * TICKS_PER_SECOND
        };
        let (due_at, opens_at) = match course.opening {
            Opening::FromTheStart => (0, 0),
            Opening::AfterTheLastJoin(pause) => {
                (after_the_last_join(pause), after_the_last_join(pause))
            }
            Opening::Late { due, by } => (after_the_last_join(due), after_the_last_join(due + by)),
        };
        Self {
            course,
            budget_per_second,
            due_at,
            opens_at,
            plan: BudgetPlan::new(&[], f64::from(budget_per_second)),
            calendar: vec![Vec::new(); CALENDAR_TICKS],
            chance: SmallRng::seed_from_u64(SEED),
            joined: 0,
            head: 0,
        }
    }

    /// A tenth of a second passes: some are let in, those who are due poll, some join. Returns how many polled.
    fn pass(&mut self, tick: u32) -> u32 {
        let open_ticks = tick.saturating_sub(self.opens_at);
        let turns = open_ticks * self.course.admissions_per_second / TICKS_PER_SECOND;
        self.head = turns.min(self.joined).max(self.head);
        let demand = self.demand(tick);
        if tick.is_multiple_of(PLAN_EVERY_TICKS) {
            self.plan = BudgetPlan::new(&[demand], f64::from(self.budget_per_second));
        }
        let rule = IntervalRule::new(&demand, &self.plan);
        let due = std::mem::take(&mut self.calendar[tick as usize % CALENDAR_TICKS]);
        // Whose turn has come takes the admission with this poll, and is gone.
        let head = self.head;
        for &place in due.iter().filter(|place| **place > head) {
            let jitter = Jitter::after_poll(self.chance.random());
            self.comes_back(tick, place, &rule, jitter);
        }
        let joined = (tick + 1) * self.course.joins_per_second / TICKS_PER_SECOND;
        for place in self.joined + 1..=joined.min(self.course.people) {
            let jitter = Jitter::after_join(self.chance.random());
            self.comes_back(tick, place, &rule, jitter);
        }
        self.joined = joined.min(self.course.people);
        u32::try_from(due.len()).expect("at most everybody polls")
    }

    fn demand(&self, tick: u32) -> Demand {
        let is_open = tick >= self.opens_at;
        let rate = f64::from(self.course.admissions_per_second);
        let mut demand = Demand {
            waiting: u64::from(self.joined - self.head),
            motion: if is_open {
                Motion::at(Some(rate))
            } else if self.is_opening(tick) {
                Motion::Scheduled
            } else {
                Motion::Still
            },
            is_returning: false,
            gatekeepers: u64::from(self.course.gatekeepers),
        };
        let returns = self.plan.returns_per_second(&demand);
        let since = f64::from(tick.saturating_sub(self.due_at)) / f64::from(TICKS_PER_SECOND);
        demand.is_returning =
            tick >= self.due_at && self.due_at > 0 && since < f64::from(self.joined) / returns;
        demand
    }

    /// Whether everybody is told to return at the opening.
    fn is_opening(&self, tick: u32) -> bool {
        let late_after = u32::try_from(LATE_AFTER.as_secs()).expect("seconds") * TICKS_PER_SECOND;
        tick < self.opens_at && tick <= self.due_at + late_after
    }

    fn comes_back(&mut self, tick: u32, place: u32, rule: &IntervalRule, jitter: Jitter) {
        let position = u64::from(place.saturating_sub(self.head).max(1));
        let after = if self.is_opening(tick) {
            let opens_in =
                Duration::from_secs(1) / TICKS_PER_SECOND * self.due_at.saturating_sub(tick);
            rule.return_at_opening(position, opens_in, jitter)
        } else {
            rule.poll_after(position, jitter)
        };
        // Within its tenth of a second a poll may fall anywhere.
        let ticks = after.as_secs_f64() * f64::from(TICKS_PER_SECOND) + self.chance.random::<f64>();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an interval is at most minutes"
        )]
        let ticks = (ticks as usize).clamp(1, CALENDAR_TICKS - 1);
        self.calendar[(tick as usize + ticks) % CALENDAR_TICKS].push(place);
    }
}

/// The window with the most polls.
fn busiest(polls: &[u32]) -> Peak {
    let in_window = |window: &[u32]| window.iter().map(|&polls| u64::from(polls)).sum::<u64>();
    let windows = polls.windows(WINDOW_TICKS).map(in_window);
    let (index, most) = windows
        .enumerate()
        .max_by_key(|(_, polls)| *polls)
        .unwrap_or_default();
    let seconds = |ticks: usize| Duration::from_secs(ticks as u64) / TICKS_PER_SECOND;
    #[expect(clippy::cast_precision_loss, reason = "polls of ten seconds")]
    let polls_per_second = most as f64 / seconds(WINDOW_TICKS).as_secs_f64();
    Peak {
        polls_per_second,
        at: seconds(index + WINDOW_TICKS),
        polls: in_window(polls),
    }
}
