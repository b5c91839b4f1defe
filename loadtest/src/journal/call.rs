//! One request and what came of it.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use serde::Serialize;

use crate::clock::Moment;

/// What a request was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
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
    /// The status of the answer; 0 when there was none.
    pub status: u16,
    pub result: CallResult,
}

/// How a request ended, judged by what the contract lets one expect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallResult {
    Good,
    /// A refusal that belongs to the game, by its slug: a seat was taken, a card declined.
    Refused(&'static str),
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

impl Display for Call {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        let at = self.end.as_secs_f64();
        write!(to, "{at:.3} s {} {}", self.step.name(), self.status)?;
        match &self.result {
            CallResult::Good => Ok(()),
            CallResult::Refused(slug) => write!(to, " {slug}"),
            CallResult::Retried => write!(to, " tried again"),
            CallResult::Unexpected(what) => write!(to, " unexpected: {what}"),
        }
    }
}

impl Call {
    /// From the intended start, so that a slow server cannot hide behind requests not yet sent.
    pub(crate) fn latency(&self) -> Duration {
        self.end.saturating_sub(self.intended)
    }
}
