//! Counts and latencies of each step.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::milliseconds;
use crate::journal::{CallResult, Journal, Step};

/// Longest latency that is told apart, in microseconds: beyond it, it is the same.
const LATENCY_MAX_US: u64 = 600_000_000;

/// One step of the journey, over all visitors.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct StepSummary {
    /// Requests that got their final answer, or none.
    pub count: u64,
    pub errors: u64,
    /// Refusals that belong to the game, such as `seat-taken`.
    pub refused: u64,
    /// Answers 429 and 503 with Retry-After; they are not in `count`, their repetition is.
    pub retried: u64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
}

/// One kind of unexpected answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ErrorKind {
    pub step: &'static str,
    pub what: String,
    pub count: u64,
}

/// Microseconds, with three significant digits.
struct Latencies(Histogram<u64>);

impl Latencies {
    fn new() -> Self {
        let histogram = Histogram::new_with_bounds(1, LATENCY_MAX_US, 3);
        Self(histogram.expect("the bounds and the digits are such as the histogram takes"))
    }

    fn record(&mut self, time: Duration) {
        self.0
            .saturating_record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    fn quantile_ms(&self, quantile: f64) -> f64 {
        milliseconds(Duration::from_micros(self.0.value_at_quantile(quantile)))
    }
}

pub(super) fn summarize(journal: &Journal) -> BTreeMap<Step, StepSummary> {
    Step::ALL
        .into_iter()
        .map(|step| (step, summary(journal, step)))
        .collect()
}

fn summary(journal: &Journal, step: Step) -> StepSummary {
    let mut summary = StepSummary::default();
    let mut latencies = Latencies::new();
    for call in journal.calls().filter(|call| call.step == step) {
        match call.result {
            CallResult::Retried => {
                summary.retried += 1;
                continue;
            }
            CallResult::Good => {}
            CallResult::Refused(_) => summary.refused += 1,
            CallResult::Unexpected(_) => summary.errors += 1,
        }
        summary.count += 1;
        latencies.record(call.latency());
    }
    if summary.count > 0 {
        summary.p50_ms = latencies.quantile_ms(0.5);
        summary.p99_ms = latencies.quantile_ms(0.99);
        summary.max_ms = latencies.quantile_ms(1.0);
    }
    summary
}

/// How late requests went out that a timer was to start: what our own slowness adds to every figure.
pub(super) fn lag_p99(journal: &Journal) -> f64 {
    let mut lags = Latencies::new();
    for lag in journal.calls().filter_map(|call| call.lag) {
        lags.record(lag);
    }
    if lags.0.is_empty() {
        0.0
    } else {
        lags.quantile_ms(0.99)
    }
}

/// Unexpected answers by kind, the most frequent first.
pub(super) fn unexpected(journal: &Journal) -> Vec<ErrorKind> {
    let mut kinds: BTreeMap<(Step, &str), u64> = BTreeMap::new();
    for call in journal.calls() {
        if let CallResult::Unexpected(what) = &call.result {
            *kinds.entry((call.step, what)).or_default() += 1;
        }
    }
    let mut kinds: Vec<ErrorKind> = kinds
        .into_iter()
        .map(|((step, what), count)| ErrorKind {
            step: step.name(),
            what: what.to_owned(),
            count,
        })
        .collect();
    kinds.sort_by_key(|kind| std::cmp::Reverse(kind.count));
    kinds
}
