//! A room with ten admissions a second.

use super::*;
use crate::invariants::sample::{admitted, span};

const RATE: u32 = 10;

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
fn steady(pause_ms: u64) -> Option<f64> {
    slowest_percent(&journal((1..=150).map(|place| place * pause_ms)), RATE)
}

#[test]
fn a_line_that_moves_at_its_rate_reaches_all_of_it() {
    let reached = steady(100).unwrap();
    assert!((99.0..=102.0).contains(&reached), "{reached}");
}

#[test]
fn a_line_that_moves_more_slowly_is_found() {
    let reached = steady(120).unwrap();
    assert!((80.0..90.0).contains(&reached), "{reached}");
}

#[test]
fn a_stop_in_the_middle_counts_even_when_it_is_caught_up_later() {
    let early = (1..=100).map(|place| place * 100);
    let late = (1..=100).map(|place| 15_000 + place * 60);
    let reached = slowest_percent(&journal(early.chain(late)), RATE).unwrap();
    assert!(reached < 70.0, "{reached}");
}

#[test]
fn a_pause_without_anybody_waiting_is_right() {
    let mut journal = journal((1..=100).map(|place| place * 100));
    let mut late = admitted(101, 60_000);
    late.joined = Some(span(59_900, 59_990));
    journal.visits.push(late);
    let reached = slowest_percent(&journal, RATE).unwrap();
    assert!(reached >= 98.0, "{reached}");
}

#[test]
fn where_nobody_waits_nothing_is_reached() {
    assert_eq!(slowest_percent(&journal([5, 6]), RATE), None);
}
