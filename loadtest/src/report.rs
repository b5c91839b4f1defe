//! What a run came to: one structure, printed as a table and written as JSON.

mod conditions;
mod steps;
mod table;
mod verdict;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

pub(crate) use conditions::{ReportConditions, commit, measured_at, profile_of};
use steps::{ErrorKind, StepSummary};
use verdict::Threshold;
pub(crate) use verdict::Verdict;

use crate::books::Books;
use crate::clock::{Moment, RunClock};
use crate::invariants::Finding;
use crate::journal::{Ended, Journal, Step};
use crate::scenario::Scenario;

/// Failed journeys that are told, and their calls.
const FAILED_TOLD: usize = 10;
const CALLS_TOLD: usize = 8;

/// The report of one run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub scenario: String,
    pub description: String,
    pub seed: u64,
    pub verdict: Verdict,
    /// Why it is not `pass`, in words.
    pub reasons: Vec<String>,
    pub started_at: String,
    pub duration_seconds: f64,
    pub invariants: Vec<Finding>,
    pub thresholds: Vec<Threshold>,
    pub steps: BTreeMap<Step, StepSummary>,
    /// By the store's instants, from the first admission on.
    pub admissions_per_second: Vec<u32>,
    pub generator_lag_p99_ms: f64,
    pub visitors: u32,
    /// How the journeys ended.
    pub outcomes: BTreeMap<&'static str, u32>,
    pub orders: usize,
    pub seats: Seats,
    /// Requests that were refused because somebody else was faster.
    pub unexpected: Vec<ErrorKind>,
    /// The last calls of a few visitors whose journey failed.
    pub failed_journeys: Vec<FailedJourney>,
    /// Probes that were refused only after more than one try.
    pub late_refusals: usize,
    /// Kept connections that were lost while idle.
    pub reconnections: u32,
    pub conditions: ReportConditions,
}

/// How a journey came to fail.
#[derive(Debug, Serialize)]
pub(crate) struct FailedJourney {
    pub visitor: String,
    pub last_calls: Vec<String>,
}

/// How the house stands.
#[derive(Debug, Serialize)]
pub(crate) struct Seats {
    pub total: u32,
    pub sold: usize,
}

/// Everything that a report is made of.
pub(crate) struct Facts<'a> {
    pub scenario: &'a Scenario,
    pub seed: u64,
    pub clock: RunClock,
    pub journal: &'a Journal,
    pub books: &'a Books,
    pub findings: Vec<Finding>,
    pub interrupted: bool,
    pub conditions: ReportConditions,
}

impl Report {
    pub(crate) fn of(facts: Facts<'_>) -> Self {
        let Facts {
            scenario,
            journal,
            books,
            ..
        } = facts;
        let steps = steps::summarize(journal);
        let lag = steps::lag_p99(journal);
        let thresholds = verdict::thresholds(scenario, &steps, journal, books);
        let (verdict, reasons) = verdict::judge(
            scenario,
            &facts.findings,
            &thresholds,
            lag,
            facts.interrupted,
        );
        Self {
            scenario: scenario.name.clone(),
            description: scenario.description.clone(),
            seed: facts.seed,
            verdict,
            reasons,
            started_at: facts.clock.started_at().to_string(),
            duration_seconds: facts.clock.now().as_secs_f64(),
            invariants: facts.findings,
            thresholds,
            steps,
            admissions_per_second: admissions_per_second(journal),
            generator_lag_p99_ms: lag,
            visitors: scenario.crowd.visitors.get(),
            outcomes: outcomes(journal),
            orders: books
                .orders
                .iter()
                .filter(|order| order.is_confirmed())
                .count(),
            seats: Seats {
                total: scenario.house.seats(),
                sold: books.sold.len(),
            },
            unexpected: steps::unexpected(journal),
            failed_journeys: failed_journeys(journal),
            late_refusals: journal.probes().filter(|probe| probe.tries > 1).count(),
            reconnections: journal.visits.iter().map(|visit| visit.reconnections).sum(),
            conditions: facts.conditions,
        }
    }
}

fn admissions_per_second(journal: &Journal) -> Vec<u32> {
    let instants: Vec<Moment> = journal
        .admissions()
        .map(|(_, admission)| admission.at)
        .collect();
    let Some(first) = instants.iter().min() else {
        return Vec::new();
    };
    let mut counts = Vec::new();
    for instant in &instants {
        let second =
            usize::try_from(instant.saturating_sub(*first).as_secs()).unwrap_or(usize::MAX);
        if second >= counts.len() {
            counts.resize(second + 1, 0);
        }
        counts[second] += 1;
    }
    counts
}

fn outcomes(journal: &Journal) -> BTreeMap<&'static str, u32> {
    let mut counts: BTreeMap<&'static str, u32> = Ended::ALL
        .into_iter()
        .map(|ended| (ended.name(), 0))
        .collect();
    for visit in &journal.visits {
        *counts.entry(visit.ended.name()).or_default() += 1;
    }
    counts
}

fn failed_journeys(journal: &Journal) -> Vec<FailedJourney> {
    let failed = journal
        .visits
        .iter()
        .filter(|visit| visit.ended == Ended::Failed);
    failed
        .take(FAILED_TOLD)
        .map(|visit| {
            let first = visit.calls.len().saturating_sub(CALLS_TOLD);
            let last_calls = visit.calls[first..]
                .iter()
                .map(ToString::to_string)
                .collect();
            FailedJourney {
                visitor: visit.visitor.clone(),
                last_calls,
            }
        })
        .collect()
}

/// Milliseconds with their fraction, to the microsecond.
fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests;
