//! One request and what came of it.

use std::time::Duration;

use crate::clock::Moment;

/// What a request was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Step {
    Join,
    Poll,
    Seats,
    Hold,
    Payment,
    Order,
    Leave,
}

/// One request, as the journal keeps it.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub step: Step,
    /// When the visitor meant to begin; the same for all tries of one request.
    pub intended: Moment,
    pub end: Moment,
    /// How late this try went out, where a timer was to start it.
    pub lag: Option<Duration>,
    pub result: CallResult,
}

/// How a request ended, judged by what the contract lets one expect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallResult {
    Good,
    /// A refusal that belongs to the game: a seat was taken, a card declined.
    Refused,
    /// 429 or 503 with Retry-After, sent again later.
    Retried,
    /// Everything else: what came instead.
    Unexpected(Box<str>),
}

impl Step {
    pub(crate) const ALL: [Self; 7] = [
        Self::Join,
        Self::Poll,
        Self::Seats,
        Self::Hold,
        Self::Payment,
        Self::Order,
        Self::Leave,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Poll => "poll",
            Self::Seats => "seats",
            Self::Hold => "hold",
            Self::Payment => "payment",
            Self::Order => "order",
            Self::Leave => "leave",
        }
    }
}

impl Call {
    /// From the intended start, so that a slow server cannot hide behind requests not yet sent.
    pub(crate) fn latency(&self) -> Duration {
        self.end.saturating_sub(self.intended)
    }
}
