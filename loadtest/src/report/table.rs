//! The report for a person at a terminal.

use std::fmt::{self, Display, Formatter};

use super::Report;
use crate::invariants::Finding;

/// What each invariant says, in a few words.
const MEANINGS: [(&str, &str); 8] = [
    ("I1", "no seat sold twice"),
    ("I2", "holds are whole and never overlap"),
    ("I3", "the gateway's books equal the orders"),
    ("I4", "confirmed orders are kept"),
    ("I5", "no seats without a valid admission"),
    ("I6", "numbers are unique"),
    ("I7", "admitted in order"),
    ("I8", "never more than the rate allows"),
];

/// A bar of the admissions is this long at most.
const BAR_LENGTH: u32 = 40;
/// Seconds of admissions that are drawn.
const SECONDS_DRAWN: usize = 20;

/// Failed journeys that are shown; the JSON has more.
const FAILED_SHOWN: usize = 3;

impl Display for Report {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        self.write_head(to)?;
        self.write_steps(to)?;
        self.write_admissions(to)?;
        self.write_invariants(to)?;
        self.write_thresholds(to)?;
        self.write_verdict(to)
    }
}

impl Report {
    fn write_head(&self, to: &mut Formatter<'_>) -> fmt::Result {
        let conditions = &self.conditions;
        writeln!(to, "\n{}: {}", self.scenario, self.description)?;
        writeln!(
            to,
            "seed {} · {:.1} s · {} cores · {} build · PostgreSQL {} (fsync {}) · Redis {}\n",
            self.seed,
            self.duration_seconds,
            conditions.cores,
            conditions.profile,
            conditions.postgres,
            conditions.fsync,
            conditions.redis,
        )?;
        writeln!(
            to,
            "{} visitors · {} orders · {} of {} seats sold",
            self.visitors, self.orders, self.seats.sold, self.seats.total
        )?;
        let outcomes: Vec<String> = self
            .outcomes
            .iter()
            .filter(|(_, count)| **count > 0)
            .map(|(name, count)| format!("{} {count}", name.replace('_', " ")))
            .collect();
        writeln!(to, "journeys: {}\n", outcomes.join(" · "))
    }

    fn write_steps(&self, to: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            to,
            "{:<10}{:>10}{:>10}{:>10}{:>10}{:>11}{:>11}{:>11}",
            "step", "count", "refused", "retried", "errors", "p50 ms", "p99 ms", "max ms"
        )?;
        for (name, step) in self
            .steps
            .iter()
            .filter(|(_, step)| step.count + step.retried > 0)
        {
            let name = name.name();
            writeln!(
                to,
                "{name:<10}{:>10}{:>10}{:>10}{:>10}{:>11.2}{:>11.2}{:>11.2}",
                step.count,
                step.refused,
                step.retried,
                step.errors,
                step.p50_ms,
                step.p99_ms,
                step.max_ms
            )?;
        }
        for kind in self.unexpected.iter().take(10) {
            writeln!(
                to,
                "  unexpected in {}: {} × {}",
                kind.step, kind.count, kind.what
            )?;
        }
        writeln!(
            to,
            "\nown lag p99 {:.2} ms · {} lost connections\n",
            self.generator_lag_p99_ms, self.reconnections
        )
    }

    fn write_admissions(&self, to: &mut Formatter<'_>) -> fmt::Result {
        let most = self
            .admissions_per_second
            .iter()
            .max()
            .copied()
            .unwrap_or(0)
            .max(1);
        let seconds = self.admissions_per_second.len();
        for (second, count) in self
            .admissions_per_second
            .iter()
            .enumerate()
            .take(SECONDS_DRAWN)
        {
            let length = (u64::from(*count) * u64::from(BAR_LENGTH)).div_ceil(u64::from(most));
            let bar = "▇".repeat(usize::try_from(length).unwrap_or(0));
            writeln!(to, "admitted in second {second:>4}{count:>7}  {bar}")?;
        }
        if seconds > SECONDS_DRAWN {
            writeln!(to, "… and {} seconds more", seconds - SECONDS_DRAWN)?;
        }
        writeln!(to)
    }

    fn write_invariants(&self, to: &mut Formatter<'_>) -> fmt::Result {
        for finding in &self.invariants {
            writeln!(
                to,
                "{} {:<4}{:<40}{:>10} checks{:>8} violations",
                mark(finding.holds()),
                finding.id,
                meaning(finding),
                finding.checked,
                finding.violations
            )?;
            for sample in &finding.samples {
                writeln!(to, "      {sample}")?;
            }
        }
        writeln!(to)
    }

    fn write_thresholds(&self, to: &mut Formatter<'_>) -> fmt::Result {
        for threshold in &self.thresholds {
            let (mark, name) = (mark(threshold.held), threshold.name);
            writeln!(
                to,
                "{mark} {name:<20}{:>12}   bound {}",
                threshold.value, threshold.bound
            )?;
        }
        Ok(())
    }

    fn write_verdict(&self, to: &mut Formatter<'_>) -> fmt::Result {
        writeln!(to, "\n{}", self.verdict.name().to_uppercase())?;
        for reason in &self.reasons {
            writeln!(to, "  {reason}")?;
        }
        for failed in self.failed_journeys.iter().take(FAILED_SHOWN) {
            writeln!(
                to,
                "  {} failed after: {}",
                failed.visitor,
                failed.last_calls.join(" · ")
            )?;
        }
        Ok(())
    }
}

fn mark(good: bool) -> char {
    if good { '✓' } else { '✗' }
}

fn meaning(finding: &Finding) -> &'static str {
    MEANINGS
        .iter()
        .find(|(id, _)| *id == finding.id)
        .map_or("", |(_, meaning)| meaning)
}
