use proptest::prelude::*;

use super::*;

const BUDGET: f64 = 20_000.0;

fn demand(waiting: u64, motion: Motion) -> Demand {
    Demand {
        waiting,
        motion,
        is_returning: false,
        gatekeepers: 1,
    }
}

fn line(waiting: u64, speed: f64) -> Demand {
    demand(waiting, Motion::at(Some(speed)))
}

/// With a gatekeeper for each 2.5 million people, and for each 2,500 admissions a second.
fn with_enough_gatekeepers(line: Demand) -> Demand {
    let Motion::Moving { per_second } = line.motion else {
        return line;
    };
    let by_speed = (1..1_000_000).find(|count| as_f64(*count) * 2_500.0 >= per_second);
    let by_people = line.waiting.div_ceil(2_500_000);
    Demand {
        gatekeepers: by_people.max(by_speed.unwrap()),
        ..line
    }
}

/// The rule of `line` where everything has given way by `scarcity`.
fn rule(line: &Demand, scarcity: f64) -> IntervalRule {
    IntervalRule::new(line, &BudgetPlan::with_scarcity(Scarcity(scarcity)))
}

/// What each place of the line asks for, added up in blocks of a thousandth: from above by less than that.
fn summed(line: &Demand, rule: &IntervalRule) -> f64 {
    let (mut sum, mut place) = (0.0, 1);
    while place <= line.waiting {
        let block = (place / 1_000 + 1).min(line.waiting - place + 1);
        #[expect(clippy::cast_precision_loss, reason = "at most ten million")]
        let people = block as f64;
        sum += people / rule.interval(place).as_secs_f64();
        place += block;
    }
    sum
}

/// 10^from to 10^to, evenly by magnitude.
fn magnitude(from: f64, to: f64) -> impl Strategy<Value = f64> {
    (from..to).prop_map(|exponent| 10_f64.powf(exponent))
}

fn people(from: f64, to: f64) -> impl Strategy<Value = u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "people"
    )]
    magnitude(from, to).prop_map(|people| people as u64)
}

proptest! {
    #[test]
    fn what_a_line_asks_for_stays_within_the_budget(waiting in people(4.0, 7.0), speed in magnitude(0.0, 4.0)) {
        let line = with_enough_gatekeepers(line(waiting, speed));
        let rule = IntervalRule::new(&line, &BudgetPlan::new(&[line], BUDGET));
        let asked = summed(&line, &rule) / as_f64(line.gatekeepers);
        prop_assert!(asked <= 1.05 * BUDGET, "{asked} by {rule:?}");
    }

    #[test]
    fn nothing_gives_way_before_it_must(waiting in people(0.0, 7.0), speed in magnitude(-2.0, 4.0)) {
        let line = with_enough_gatekeepers(line(waiting, speed));
        let scarcity = BudgetPlan::new(&[line], BUDGET).scarcity();
        let asked = line.polls_per_second(&scarcity.intervals());
        prop_assert!(scarcity == Scarcity::NONE || asked >= 0.74 * BUDGET, "{asked} by {scarcity:?}");
    }

    /// The form in which the total is written down is the sum over all places, from above.
    #[test]
    fn the_closed_form_is_the_sum(waiting in people(0.0, 7.0), speed in magnitude(-2.0, 4.0), scarcity in 0.0..3.0) {
        let line = line(waiting, speed);
        let formula = line.polls_per_second(&Scarcity(scarcity).intervals());
        let sum = summed(&line, &rule(&line, scarcity));
        prop_assert!(sum <= formula * 1.001 + 1e-9, "{sum} > {formula}");
        // A line shorter than a second of admissions has too few places for an integral to be close.
        prop_assert!(sum >= formula * 0.95 || speed < 10.0, "{sum} < {formula}");
    }

    #[test]
    fn intervals_grow_with_the_position_and_keep_their_bounds(
        positions in prop::collection::vec(1_u64..20_000_000, 2),
        speed in magnitude(-2.0, 4.0), scarcity in 0.0..3.0,
    ) {
        let rule = rule(&line(1, speed), scarcity);
        let (near, far) = (positions[0].min(positions[1]), positions[0].max(positions[1]));
        prop_assert!(rule.interval(near) <= rule.interval(far));
        prop_assert!(rule.interval(1) >= Duration::from_secs(1));
        prop_assert!(rule.interval(1) <= Duration::from_secs(10) || speed < 1.0);
        prop_assert!(rule.interval(far) <= Duration::from_secs(300));
        for jitter in [Jitter::after_poll(1.0), Jitter::after_join(1.0)] {
            prop_assert!(rule.poll_after(far, jitter) <= Duration::from_secs(330));
        }
    }

    /// More scarcity never makes anybody ask more often.
    #[test]
    fn giving_way_only_lengthens(position in 1_u64..20_000_000, speed in magnitude(-2.0, 4.0), ends in (0.0..3.0, 0.0..3.0)) {
        let (less, more) = (f64::min(ends.0, ends.1), f64::max(ends.0, ends.1));
        for motion in [Motion::at(Some(speed)), Motion::Still, Motion::Scheduled] {
            let at = |scarcity| rule(&demand(1, motion), scarcity).interval(position);
            prop_assert!(at(less) <= at(more));
        }
    }
}

fn seconds(rule: &IntervalRule, position: u64) -> f64 {
    rule.poll_after(position, Jitter::after_poll(0.5))
        .as_secs_f64()
}

#[test]
fn those_in_front_ask_every_second_and_those_behind_a_tenth_of_their_wait() {
    let rule = rule(&line(1, 100.0), 0.0);
    for (position, expected) in [(1, 1.0), (1_000, 1.0), (10_000, 10.0), (u64::MAX, 30.0)] {
        assert!(
            (seconds(&rule, position) - expected).abs() < 1e-6,
            "{position}"
        );
    }
    let early = rule.poll_after(10_000, Jitter::after_poll(0.0));
    let late = rule.poll_after(10_000, Jitter::after_join(1.0));
    assert_eq!(
        (early, late),
        (Duration::from_secs(9), Duration::from_secs(15))
    );
}

#[test]
fn where_nobody_is_let_in_everybody_asks_as_the_budget_allows() {
    let idle = |waiting, speed| {
        let line = demand(waiting, Motion::at(speed));
        seconds(
            &IntervalRule::new(&line, &BudgetPlan::new(&[line], BUDGET)),
            1,
        )
    };
    assert!((idle(10, None) - 5.0).abs() < 1e-6);
    assert!((idle(10, Some(0.0)) - 5.0).abs() < 1e-6);
    // Three quarters of the budget are planned with, and everybody counts 1.8 times.
    assert!((idle(1_500_000, None) - 180.0).abs() < 0.1);
    assert!((idle(10_000_000, Some(f64::NAN)) - 300.0).abs() < 1e-6);
}

#[test]
fn a_short_line_beside_a_long_one_keeps_its_front() {
    let lines = [line(3_000_000, 100.0), line(50, 10.0)];
    let rule = IntervalRule::new(&lines[1], &BudgetPlan::new(&lines, BUDGET));
    assert_eq!(rule.interval(10), Duration::from_secs(1));
}

#[test]
fn more_gatekeepers_share_what_a_line_asks_for() {
    let alone = line(1_000_000, 100.0);
    let shared = Demand {
        gatekeepers: 4,
        ..alone
    };
    let longest =
        |line| IntervalRule::new(&line, &BudgetPlan::new(&[line], BUDGET)).interval(1_000_000);
    assert!(longest(alone) > Duration::from_secs(30));
    assert_eq!(longest(shared), Duration::from_secs(30));
}

#[test]
fn before_the_opening_everybody_is_asked_back_front_first_at_half_of_the_budget() {
    let lobby = demand(1_000_000, Motion::Scheduled);
    let rule = IntervalRule::new(&lobby, &BudgetPlan::new(&[lobby], BUDGET));
    let opens_in = Duration::from_secs(60);
    for phase in [0.0, 0.5, 0.99] {
        let jitter = Jitter::after_poll(phase);
        let returns = |position, opens_in| {
            rule.return_at_opening(position, opens_in, jitter)
                .as_secs_f64()
        };
        assert!((60.0..=61.1).contains(&returns(1, opens_in)));
        assert!((160.0..=161.1).contains(&returns(1_000_000, opens_in)));
        let long_before = returns(1, Duration::from_secs(3_600));
        assert!((270.0..=330.0).contains(&long_before), "{long_before}");
        assert!((0.5..=1.0).contains(&returns(1, Duration::ZERO)));
    }
}

proptest! {
    /// Whoever cannot be promised the time to return yet asks before the opening, and is told it in time.
    #[test]
    fn nobody_asks_after_the_opening_before_it_is_their_time(
        waiting in 1_u64..2_500_000, part in 0.0..1.0, opens_in in 1.0..3_600.0, phase in 0.0..1.0,
    ) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in the line")]
        let position = (as_f64(waiting) * part) as u64 + 1;
        let lobby = demand(waiting, Motion::Scheduled);
        let rule = IntervalRule::new(&lobby, &BudgetPlan::new(&[lobby], BUDGET));
        let (mut left, mut polls) = (opens_in, 0);
        let after_opening = loop {
            let opens_in = Duration::from_secs_f64(left);
            let told = rule.return_at_opening(position, opens_in, Jitter::after_poll(phase));
            left -= told.as_secs_f64();
            if left <= 0.0 {
                break -left;
            }
            polls += 1;
            prop_assert!(polls < 20, "asks again and again");
        };
        let their_time = as_f64(position) / (0.5 * BUDGET);
        prop_assert!((their_time..=their_time + 1.0).contains(&after_opening), "{after_opening} instead of {their_time}");
    }
}

#[test]
fn rooms_that_open_together_share_the_return() {
    let lobbies = [
        demand(30_000, Motion::Scheduled),
        demand(10_000, Motion::Scheduled),
    ];
    let plan = BudgetPlan::new(&lobbies, BUDGET);
    let returns = lobbies.map(|lobby| plan.returns_per_second(&lobby));
    assert!((returns[0] - 7_500.0).abs() < 1e-6 && (returns[1] - 2_500.0).abs() < 1e-6);
}

#[test]
fn while_people_return_the_others_leave_room_for_them() {
    let open = line(1_000_000, 100.0);
    let returning = Demand {
        is_returning: true,
        ..open
    };
    let asked = |line| {
        summed(
            &line,
            &IntervalRule::new(&line, &BudgetPlan::new(&[line], BUDGET)),
        )
    };
    assert!(asked(open) > 0.7 * BUDGET);
    assert!(asked(returning) <= 0.5 * BUDGET);
}
