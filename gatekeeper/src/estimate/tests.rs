use std::collections::BTreeSet;

use shared::room::RoomState;

use super::*;
use crate::rooms::snapshot::Snapshot;
use crate::rooms::snapshot::tests::raw;

/// A line that people join, leave and are let in from, in seconds.
struct Line {
    began: Instant,
    seconds: u64,
    rate: f64,
    state: RoomState,
    next: u64,
    gone: BTreeSet<u64>,
    estimator: Estimator,
}

impl Line {
    fn of(people: u64, rate: f64) -> Self {
        Self {
            began: Instant::now(),
            seconds: 0,
            rate,
            state: RoomState::Open,
            next: people + 1,
            gone: BTreeSet::new(),
            estimator: Estimator::default(),
        }
    }

    /// Lets in `people` from the front.
    fn let_in(&mut self, people: usize) {
        let front = (1..self.next).filter(|place| !self.gone.contains(place));
        let front: Vec<u64> = front.take(people).collect();
        self.gone.extend(front);
    }

    /// A second passes, and the room is read.
    fn look(&mut self) -> Estimate {
        self.seconds += 1;
        let mut raw = raw(self.next, &self.gone);
        raw.settings.rate_per_second = Some(self.rate);
        raw.settings.state = self.state;
        let snapshot = Snapshot::build(raw, None);
        let now = self.began + Duration::from_secs(self.seconds);
        self.estimator.look(now, &snapshot)
    }

    /// So many seconds of `people` a second.
    fn pass(&mut self, seconds: u64, people: usize) -> Estimate {
        let mut last = Estimate::default();
        for _ in 0..seconds {
            self.let_in(people);
            last = self.look();
        }
        last
    }
}

fn speed(estimate: &Estimate) -> f64 {
    estimate.speed_per_second.expect("people are let in")
}

#[test]
fn at_first_it_is_the_rate() {
    let mut line = Line::of(1_000, 20.0);
    let estimate = line.pass(5, 20);
    assert_eq!(estimate.wait(100).seconds, Some(5));
    assert_eq!(estimate.reason, None);
}

#[test]
fn a_line_that_keeps_its_rate_keeps_its_estimate() {
    let mut line = Line::of(5_000, 20.0);
    for second in 0..200 {
        // 18 and 22 in turn: chance.
        let estimate = line.pass(1, 18 + 4 * (second % 2));
        assert_eq!((speed(&estimate), estimate.reason), (20.0, None));
    }
}

#[test]
fn a_line_slower_than_its_rate_is_measured_and_the_reason_is_told_for_a_minute() {
    let mut line = Line::of(5_000, 100.0);
    line.pass(3, 100);
    let estimate = line.pass(200, 10);
    assert!((9.0..=11.0).contains(&speed(&estimate)), "{estimate:?}");
    assert_eq!(estimate.reason, None, "long ago");

    let mut line = Line::of(5_000, 100.0);
    let estimate = line.pass(20, 10);
    assert_eq!(estimate.reason, Some(Reason::Slower));
    assert!(speed(&estimate) < 20.0, "{estimate:?}");
}

#[test]
fn no_estimate_rises_by_more_than_a_tenth_without_a_reason() {
    let mut line = Line::of(20_000, 50.0);
    let mut before = f64::INFINITY;
    for (seconds, people) in [(60, 50), (60, 30), (60, 5), (60, 0), (60, 60), (120, 50)] {
        for _ in 0..seconds {
            let estimate = line.pass(1, people);
            let wait = estimate.speed_per_second.map_or(f64::INFINITY, f64::recip);
            assert!(
                wait <= before * 1.1 || estimate.reason.is_some(),
                "{before} → {wait} without a reason"
            );
            before = wait;
        }
    }
    assert!((before.recip() - 50.0).abs() < 6.0, "{}", before.recip());
}

#[test]
fn where_nobody_is_let_in_any_more_there_is_no_estimate() {
    let mut line = Line::of(1_000, 20.0);
    line.pass(30, 20);
    let estimate = line.pass(150, 0);
    assert_eq!(estimate.wait(1).seconds, None);
    assert_eq!(estimate.reason, Some(Reason::Slower));
}

#[test]
fn people_who_vanish_make_the_line_faster() {
    let mut line = Line::of(20_000, 10.0);
    for _ in 0..60 {
        // Every other one in front is gone by now.
        let front = (1..line.next).filter(|place| !line.gone.contains(place));
        let vanished: Vec<u64> = front.step_by(2).take(10).collect();
        line.gone.extend(vanished);
        line.pass(1, 10);
    }
    let estimate = line.look();
    assert!((17.0..=23.0).contains(&speed(&estimate)), "{estimate:?}");
}

#[test]
fn who_comes_back_in_front_is_the_reason_for_a_longer_wait() {
    let mut line = Line::of(5_000, 10.0);
    line.gone.extend(500..700);
    assert_eq!(line.pass(25, 10).reason, None);
    line.gone.retain(|place| !(500..700).contains(place));
    assert_eq!(line.pass(1, 10).reason, Some(Reason::Returned));
}

#[test]
fn while_paused_or_with_a_lower_rate_the_reason_is_told() {
    let mut line = Line::of(5_000, 10.0);
    line.pass(20, 10);
    line.state = RoomState::Paused;
    let paused = line.pass(1, 0);
    assert_eq!(
        (paused.speed_per_second, paused.reason),
        (None, Some(Reason::Paused))
    );
    line.state = RoomState::Open;
    assert_eq!(
        line.pass(1, 10),
        Estimate {
            speed_per_second: Some(10.0),
            reason: None
        }
    );
    line.rate = 5.0;
    let lowered = line.pass(1, 5);
    assert_eq!(lowered.reason, Some(Reason::RateLowered));
    assert!((speed(&lowered) - 5.0).abs() < 1e-9);
}

#[test]
fn what_was_the_limit_below_the_rate_stays_so_over_a_pause() {
    let mut line = Line::of(5_000, 100.0);
    let limited = speed(&line.pass(150, 10));
    line.state = RoomState::Paused;
    line.pass(20, 0);
    line.state = RoomState::Open;
    assert!((speed(&line.pass(1, 10)) - limited).abs() < 1e-9);
}

#[test]
fn without_a_line_there_is_nothing_to_measure() {
    let mut line = Line::of(0, 100.0);
    for _ in 0..100 {
        // Ten join a second and are let in at once.
        line.next += 10;
        let estimate = line.pass(1, 10);
        assert_eq!((speed(&estimate), estimate.reason), (100.0, None));
    }
}

#[test]
fn absurd_figures_are_capped() {
    let at = |speed_per_second| Estimate {
        speed_per_second,
        reason: None,
    };
    let wait = at(Some(1.0)).wait(5_976_780);
    assert_eq!((wait.seconds, wait.is_capped), (Some(21_600), true));
    assert!(!at(Some(1.0)).wait(21_600).is_capped);
    assert_eq!(at(None).wait(5).seconds, None);
}
