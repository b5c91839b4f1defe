//! One visitor's journey as it was lived.

use std::time::Duration;

use crate::clock::Moment;

use super::Call;

/// From sending a request to having its answer: what the answer speaks of happened in between.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub start: Moment,
    pub end: Moment,
}

/// Everything that happened to one visitor.
#[derive(Clone, Debug, Default)]
pub(crate) struct Visit {
    pub visitor: String,
    pub calls: Vec<Call>,
    pub number: Option<u64>,
    /// The join that gave the number.
    pub joined: Option<Span>,
    /// Numbers that further joins of the same visitor gave.
    pub numbers_again: Vec<u64>,
    /// By how much the latest of the beats missed the time that had been promised.
    pub latest_beat: Duration,
    /// When the last poll was sent that was answered `waiting`.
    pub still_waiting: Option<Moment>,
    pub admission: Option<Admission>,
    pub held: Vec<Held>,
    pub bought: Option<Bought>,
    pub probes: Vec<Probe>,
    /// When the request was sent that gives the slot in the active set free.
    pub gave_up_slot: Option<Moment>,
    pub reconnections: u32,
    pub ended: Ended,
}

/// An admission, as the visitor document told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Admission {
    /// The store's instant of promotion.
    pub at: Moment,
    /// When the visitor learnt of it.
    pub told: Moment,
    pub expires: Moment,
    pub jti: String,
}

/// A hold that was answered 201.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub hold: String,
    pub asked: Vec<String>,
    pub got: Vec<String>,
    pub answered: Span,
    pub expires: Moment,
    /// When the first payment of it was sent.
    pub payment_sent: Option<Moment>,
    /// The order that it became, once answered CONFIRMED.
    pub order: Option<String>,
}

/// An order that was answered CONFIRMED.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bought {
    pub order: String,
    pub seats: Vec<String>,
    pub amount: i64,
    pub answered: Span,
}

/// A call that must be refused, and what it got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Probe {
    pub what: &'static str,
    pub expected: (u16, &'static str),
    pub got: (u16, String),
    /// How often it was tried until it got that.
    pub tries: u32,
}

/// How a journey ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Ended {
    /// The run was stopped first.
    #[default]
    CutShort,
    Bought,
    /// Nothing was left.
    SoldOut,
    /// Too long in the shop without a hold.
    OutOfPatience,
    /// Too long in line.
    TiredOfWaiting,
    /// The place or the admission was lost.
    Dropped,
    /// A step failed for good.
    Failed,
}

impl Ended {
    pub(crate) const ALL: [Self; 7] = [
        Self::Bought,
        Self::SoldOut,
        Self::OutOfPatience,
        Self::TiredOfWaiting,
        Self::Dropped,
        Self::Failed,
        Self::CutShort,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bought => "bought",
            Self::SoldOut => "sold_out",
            Self::OutOfPatience => "out_of_patience",
            Self::TiredOfWaiting => "tired_of_waiting",
            Self::Dropped => "dropped",
            Self::Failed => "failed",
            Self::CutShort => "cut_short",
        }
    }
}
