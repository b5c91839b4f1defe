//! A room with ten admissions a second: its bucket holds three.

use super::super::sample::{admitted, at};
use super::*;

const ROOM: RoomFacts = RoomFacts {
    rate_per_second: 10,
    capacity: None,
};

fn journal(instants: impl IntoIterator<Item = u64>) -> Journal {
    let visits = (1..)
        .zip(instants)
        .map(|(number, instant)| admitted(number, instant))
        .collect();
    Journal {
        visits,
        ..Journal::default()
    }
}

/// A hundred and fifty people who all came at once, one admitted every `pause_ms`.
fn steady(pause_ms: u64) -> Journal {
    journal((1..=150).map(|place| place * pause_ms))
}

#[test]
fn the_rate_with_its_bucket_is_right() {
    let burst_of_three = [0, 0, 0]
        .into_iter()
        .chain((1..150).map(|place| place * 100));
    let finding = check(&journal(burst_of_three), ROOM);
    assert!(finding.holds(), "{finding:?}");
}

#[test]
fn one_admission_more_than_the_bucket_is_found() {
    let finding = check(&journal([0, 0, 0, 0, 500, 900]), ROOM);
    assert!(finding.violations > 0, "{finding:?}");
}

#[test]
fn a_rate_that_is_a_little_too_fast_is_found_in_the_long_run() {
    let finding = check(&steady(95), ROOM);
    assert!(finding.violations > 0, "{finding:?}");
    assert!(
        finding.samples[0].contains("more than the rate allows"),
        "{finding:?}"
    );
}

#[test]
fn an_instant_that_the_visitor_saw_otherwise_is_found() {
    let mut journal = steady(100);
    // Still waiting five seconds after they had been admitted, it is said.
    journal.visits[3].still_waiting = Some(at(5_400));
    let admission = journal.visits[4].admission.as_mut().unwrap();
    // Known two seconds before it happened.
    admission.told = admission.at.saturating_sub(Duration::from_secs(2));
    journal.visits[4].admission.as_mut().unwrap().at = at(2_500);
    assert_eq!(check(&journal, ROOM).violations, 2);
}

fn in_the_shop(number: u64, from: u64, until: u64) -> Visit {
    Visit {
        gave_up_slot: Some(at(until)),
        ..admitted(number, from)
    }
}

#[test]
fn a_full_shop_is_right_and_one_too_many_is_found() {
    let room = RoomFacts {
        capacity: Some(2),
        ..ROOM
    };
    let one_after_another = vec![
        in_the_shop(1, 0, 5_000),
        in_the_shop(2, 100, 900),
        in_the_shop(3, 900, 2_000),
    ];
    let full = Journal {
        visits: one_after_another,
        ..Journal::default()
    };
    assert!(check(&full, room).holds());

    // Cut to milliseconds, who came at 900.4 ms after somebody left at 900.2 ms came at 900 ms.
    let mut cut = vec![
        in_the_shop(1, 0, 5_000),
        in_the_shop(2, 100, 900),
        in_the_shop(3, 900, 2_000),
    ];
    cut[1].gave_up_slot = Some(at(900) + Duration::from_micros(200));
    let cut = Journal {
        visits: cut,
        ..Journal::default()
    };
    assert!(check(&cut, room).holds());

    let at_once = vec![
        in_the_shop(1, 0, 5_000),
        in_the_shop(2, 100, 900),
        in_the_shop(3, 800, 2_000),
    ];
    let overfull = Journal {
        visits: at_once,
        ..Journal::default()
    };
    assert_eq!(check(&overfull, room).violations, 1);
}
