//! The invariants I1 to I8, judged from outside. Each checker counts what it compared: a checker that
//! compared nothing has proved nothing, and counts as failed.

mod admission_rate;
mod admission_refused;
mod confirmed_is_kept;
mod money;
mod one_buyer_per_seat;
mod order_of_admission;
mod unique_numbers;
mod whole_holds;

use std::time::Duration;

use serde::Serialize;

use crate::books::Books;
use crate::journal::Journal;

/// An answer `waiting` comes from a copy of the store at most 250 ms old; three times that is sure.
const STALE_COPY_MAX: Duration = Duration::from_millis(750);
/// Violations that are told in full; the others are only counted.
const SAMPLES_MAX: usize = 5;

/// What was found out about one invariant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub id: &'static str,
    pub checked: u64,
    pub violations: u64,
    /// The first few violations, in words.
    pub samples: Vec<String>,
}

/// What the run's room was told to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RoomFacts {
    pub rate_per_second: u32,
    pub capacity: Option<u32>,
}

/// Judges a run by everything that is known about it.
pub(crate) fn judge(journal: &Journal, books: &Books, room: RoomFacts) -> Vec<Finding> {
    vec![
        one_buyer_per_seat::check(journal, books),
        whole_holds::check(journal, books),
        money::check(books),
        confirmed_is_kept::check(journal, books),
        admission_refused::check(journal),
        unique_numbers::check(journal),
        order_of_admission::check(journal),
        admission_rate::check(journal, room),
    ]
}

impl Finding {
    fn new(id: &'static str) -> Self {
        Self {
            id,
            checked: 0,
            violations: 0,
            samples: Vec::new(),
        }
    }

    /// Compares once; says what is wrong when it does not hold.
    fn expect(&mut self, holds: bool, wrong: impl FnOnce() -> String) {
        self.checked += 1;
        if !holds {
            self.violations += 1;
            if self.samples.len() < SAMPLES_MAX {
                self.samples.push(wrong());
            }
        }
    }

    pub(crate) fn holds(&self) -> bool {
        self.checked > 0 && self.violations == 0
    }
}

#[cfg(test)]
pub(crate) mod sample {
    //! Hand-made journals for the tests of the checkers.

    use std::time::Duration;

    use crate::clock::Moment;
    use crate::journal::{Admission, Bought, Held, Span, Visit};

    pub(crate) fn at(milliseconds: u64) -> Moment {
        Duration::from_millis(milliseconds)
    }

    pub(crate) fn span(start: u64, end: u64) -> Span {
        Span {
            start: at(start),
            end: at(end),
        }
    }

    pub(crate) fn names(seats: &[&str]) -> Vec<String> {
        seats.iter().map(|seat| (*seat).to_owned()).collect()
    }

    /// Joined at once, with this number.
    pub(crate) fn waiting(number: u64) -> Visit {
        Visit {
            visitor: format!("visitor-{number}"),
            number: Some(number),
            joined: Some(span(0, 1)),
            ..Visit::default()
        }
    }

    /// The same, and let in then.
    pub(crate) fn admitted(number: u64, admitted_at: u64) -> Visit {
        let admission = Admission {
            at: at(admitted_at),
            told: at(admitted_at + 10),
            expires: at(admitted_at + 600_000),
            jti: format!("jti-{number}"),
        };
        Visit {
            admission: Some(admission),
            ..waiting(number)
        }
    }

    /// A hold answered between 100 and 110 ms, good until 60 s.
    pub(crate) fn held(hold: &str, seats: &[&str]) -> Held {
        Held {
            hold: hold.to_owned(),
            asked: names(seats),
            got: names(seats),
            answered: span(100, 110),
            expires: at(60_000),
            payment_sent: None,
            order: None,
        }
    }

    pub(crate) fn bought(order: &str, seats: &[&str], amount: i64) -> Bought {
        Bought {
            order: order.to_owned(),
            seats: names(seats),
            amount,
            answered: span(200, 210),
        }
    }
}
