//! Pass, fail, or invalid.

use std::collections::BTreeMap;

use serde::Serialize;

use super::steps::StepSummary;
use crate::books::Books;
use crate::invariants::Finding;
use crate::journal::{Ended, Journal, Step};
use crate::pace;
use crate::scenario::{Scenario, Whole};

/// What a run proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    Pass,
    Fail,
    /// The load generator was too slow itself, or was stopped: the figures mean nothing.
    Invalid,
}

/// A bound of the scenario and what the run came to.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Threshold {
    pub name: &'static str,
    pub bound: f64,
    pub value: f64,
    pub held: bool,
}

impl Verdict {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Invalid => "invalid",
        }
    }
}

impl Threshold {
    fn at_most(name: &'static str, bound: u32, value: f64) -> Self {
        Self {
            name,
            bound: f64::from(bound),
            value,
            held: value <= f64::from(bound),
        }
    }

    fn at_least(name: &'static str, bound: u32, value: f64) -> Self {
        Self {
            name,
            bound: f64::from(bound),
            value,
            held: value >= f64::from(bound),
        }
    }
}

/// All bounds of the scenario, and those that hold for every run.
pub(super) fn thresholds(
    scenario: &Scenario,
    steps: &BTreeMap<Step, StepSummary>,
    journal: &Journal,
    books: &Books,
) -> Vec<Threshold> {
    let expect = &scenario.expect;
    let p99 = |name, bound: Option<Whole<1, 600_000>>, step| {
        // A step that nobody took keeps no promise.
        let taken = steps.get(&step).filter(|summary| summary.count > 0);
        let value = taken.map_or(f64::INFINITY, |summary| summary.p99_ms);
        bound.map(|bound| Threshold::at_most(name, bound.get(), value))
    };
    let errors: u64 = steps.values().map(|summary| summary.errors).sum();
    let joined = journal
        .visits
        .iter()
        .filter(|visit| visit.number.is_some())
        .count();
    let mut all: Vec<Threshold> = [
        p99("join_p99_ms", expect.join_p99_ms, Step::Join),
        p99("poll_p99_ms", expect.poll_p99_ms, Step::Poll),
        p99("seats_p99_ms", expect.seats_p99_ms, Step::Seats),
        p99("hold_p99_ms", expect.hold_p99_ms, Step::Hold),
        p99("payment_p99_ms", expect.payment_p99_ms, Step::Payment),
        expect.rate_reached_percent.map(|reached| {
            let rate = scenario.room.rate_per_second.get();
            // Where nobody waited, the rate was not shown.
            let slowest = pace::slowest_percent(journal, rate).unwrap_or(0.0);
            Threshold::at_least("rate_reached_percent", reached.get(), slowest)
        }),
        expect
            .sold_seats
            .map(|sold| Threshold::at_least("sold_seats", sold.get(), count(books.sold.len()))),
    ]
    .into_iter()
    .flatten()
    .collect();
    all.push(Threshold::at_most(
        "errors",
        expect.errors.get(),
        count(errors),
    ));
    all.push(Threshold::at_least(
        "joined",
        scenario.crowd.visitors.get(),
        count(joined),
    ));
    all.push(Threshold::at_most(
        "unfinished",
        0,
        count(unfinished(journal)),
    ));
    all
}

/// Journeys that ended in no way that a visitor would choose.
fn unfinished(journal: &Journal) -> u64 {
    let lost = journal
        .visits
        .iter()
        .filter(|visit| {
            matches!(
                visit.ended,
                Ended::Dropped | Ended::Failed | Ended::CutShort
            )
        })
        .count();
    u64::try_from(lost).unwrap_or(u64::MAX) + u64::from(journal.crashed)
}

fn count(value: impl TryInto<u32>) -> f64 {
    f64::from(value.try_into().unwrap_or(u32::MAX))
}

/// A violated invariant fails a run however busy the machine was. Bounds of time and number count
/// only when the generator kept up.
pub(super) fn judge(
    scenario: &Scenario,
    findings: &[Finding],
    thresholds: &[Threshold],
    lag_p99_ms: f64,
    interrupted: bool,
) -> (Verdict, Vec<String>) {
    let mut reasons: Vec<String> = findings
        .iter()
        .filter(|finding| finding.violations > 0)
        .map(violated)
        .collect();
    if !reasons.is_empty() {
        return (Verdict::Fail, reasons);
    }
    if interrupted {
        return (
            Verdict::Invalid,
            vec!["the run was stopped before its end".to_owned()],
        );
    }
    let bound = scenario.expect.generator_lag_p99_ms.get();
    if lag_p99_ms > f64::from(bound) {
        let reason = format!("the load generator lagged: p99 {lag_p99_ms} ms, bound {bound} ms");
        return (Verdict::Invalid, vec![reason]);
    }
    reasons.extend(
        findings
            .iter()
            .filter(|finding| finding.checked == 0)
            .map(|finding| {
                format!(
                    "{} was not proved: nothing was there to compare",
                    finding.id
                )
            }),
    );
    reasons.extend(
        thresholds
            .iter()
            .filter(|threshold| !threshold.held)
            .map(|threshold| {
                format!(
                    "{} is {}, the bound is {}",
                    threshold.name, threshold.value, threshold.bound
                )
            }),
    );
    let verdict = if reasons.is_empty() {
        Verdict::Pass
    } else {
        Verdict::Fail
    };
    (verdict, reasons)
}

fn violated(finding: &Finding) -> String {
    format!(
        "{} is violated {} times in {} checks",
        finding.id, finding.violations, finding.checked
    )
}
