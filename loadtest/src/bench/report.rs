//! What a benchmark came to: against a floor that was measured in the same run, or against a bound.

use std::fmt::{self, Display, Formatter};

use serde::Serialize;
use serde_json::Value;

/// The report of one benchmark.
#[derive(Debug, Serialize)]
pub(crate) struct BenchReport {
    pub name: &'static str,
    pub description: &'static str,
    #[serde(flatten)]
    pub outcome: Outcome,
    /// What the figures depend on.
    pub conditions: Value,
}

/// The two kinds of figures.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Outcome {
    AgainstFloor(AgainstFloor),
    Bounded(Bounded),
}

/// A share of a floor: higher is better.
#[derive(Debug, Serialize)]
pub(crate) struct AgainstFloor {
    /// What is counted.
    pub unit: &'static str,
    /// The rounds of that series.
    pub rounds: Vec<Round>,
    /// The smallest median of the series that have to reach the bound.
    pub ratio_median: f64,
    pub ratio_bound: f64,
    pub series: Vec<Series>,
    /// What must hold besides.
    pub figures: Vec<Figure>,
}

/// The rounds under one condition.
#[derive(Debug, Serialize)]
pub(crate) struct Series {
    pub label: String,
    /// Visitors in the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<u64>,
    pub rounds: Vec<Round>,
    pub ratio_median: f64,
    pub ratio_lowest: f64,
    pub ratio_highest: f64,
    /// Whether it has to reach the bound, or is there to be compared.
    pub is_bounded: bool,
    /// What was checked and what went on meanwhile.
    pub observed: Value,
}

/// The floor, then ours, each for the same time or with the same requests.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Round {
    pub floor: f64,
    pub ours: f64,
    pub ratio: f64,
}

/// Values that must stay at or below their bounds.
#[derive(Debug, Serialize)]
pub(crate) struct Bounded {
    pub value: f64,
    pub bound: f64,
    pub unit: &'static str,
    pub rounds: Vec<Value>,
    /// Further values, each with its bound.
    pub figures: Vec<Figure>,
}

/// One value that must stay at or below its bound, where it has one.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    pub what: String,
    pub value: f64,
    pub bound: Option<f64>,
    pub unit: &'static str,
}

impl Round {
    pub(crate) fn new(floor: f64, ours: f64) -> Self {
        Self {
            floor: rounded(floor),
            ours: rounded(ours),
            ratio: rounded(ours / floor),
        }
    }
}

impl Series {
    pub(crate) fn new(
        label: String,
        waiting: Option<u64>,
        rounds: Vec<Round>,
        observed: Value,
    ) -> Self {
        let ratios = sorted(rounds.iter().map(|round| round.ratio));
        Self {
            label,
            waiting,
            rounds,
            ratio_median: median(&ratios),
            ratio_lowest: ratios.first().copied().unwrap_or_default(),
            ratio_highest: ratios.last().copied().unwrap_or_default(),
            is_bounded: true,
            observed,
        }
    }

    /// One that is there to be compared.
    pub(crate) fn without_bound(self) -> Self {
        Self {
            is_bounded: false,
            ..self
        }
    }
}

impl AgainstFloor {
    /// # Panics
    /// Without a series that has to reach the bound there is nothing to report.
    pub(crate) fn new(unit: &'static str, ratio_bound: f64, series: Vec<Series>) -> Self {
        let lowest = series
            .iter()
            .filter(|series| series.is_bounded)
            .min_by(|one, other| one.ratio_median.total_cmp(&other.ratio_median))
            .expect("a benchmark has a series");
        Self {
            unit,
            rounds: lowest.rounds.clone(),
            ratio_median: lowest.ratio_median,
            ratio_bound,
            series,
            figures: Vec::new(),
        }
    }
}

impl Figure {
    pub(crate) fn holds(&self) -> bool {
        self.bound.is_none_or(|bound| self.value <= bound)
    }
}

impl BenchReport {
    /// Whether everything is within its bound.
    pub(crate) fn holds(&self) -> bool {
        match &self.outcome {
            Outcome::AgainstFloor(measured) => {
                measured.ratio_median >= measured.ratio_bound
                    && measured.figures.iter().all(Figure::holds)
            }
            Outcome::Bounded(measured) => {
                measured.value <= measured.bound && measured.figures.iter().all(Figure::holds)
            }
        }
    }
}

/// The middle of sorted values; 0 of none.
pub(crate) fn median(sorted: &[f64]) -> f64 {
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// In rising order.
pub(crate) fn sorted(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values
}

/// To the thousandth: more would be noise.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

impl Display for BenchReport {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        writeln!(to, "\n{}: {}", self.name, self.description)?;
        match &self.outcome {
            Outcome::AgainstFloor(measured) => measured.fmt(to)?,
            Outcome::Bounded(measured) => measured.fmt(to)?,
        }
        writeln!(to, "conditions: {}", self.conditions)
    }
}

impl Display for AgainstFloor {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        for series in &self.series {
            writeln!(to, "  {}: {}", series.label, series.observed)?;
            for Round { floor, ours, ratio } in &series.rounds {
                writeln!(
                    to,
                    "    floor {floor:>10.0}   ours {ours:>10.0}   ratio {ratio:.3}"
                )?;
            }
            writeln!(
                to,
                "    median {:.3} ({:.3}–{:.3})",
                series.ratio_median, series.ratio_lowest, series.ratio_highest
            )?;
        }
        write_figures(to, &self.figures)?;
        let verdict = if self.ratio_median >= self.ratio_bound {
            "reaches"
        } else {
            "does NOT reach"
        };
        writeln!(
            to,
            "smallest median {:.3} of the floor's {}, {verdict} {}",
            self.ratio_median, self.unit, self.ratio_bound
        )
    }
}

impl Display for Bounded {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        for round in &self.rounds {
            writeln!(to, "  {round}")?;
        }
        write_figures(to, &self.figures)?;
        let verdict = if self.value <= self.bound {
            "within"
        } else {
            "NOT within"
        };
        let Self {
            value, bound, unit, ..
        } = self;
        writeln!(to, "{value:.3} {unit}, {verdict} the bound of {bound}")
    }
}

fn write_figures(to: &mut Formatter<'_>, figures: &[Figure]) -> fmt::Result {
    for figure in figures {
        let mark = if figure.holds() { '✓' } else { '✗' };
        let Figure {
            what, value, unit, ..
        } = figure;
        let bound = figure
            .bound
            .map_or_else(String::new, |bound| format!(" (bound {bound})"));
        writeln!(to, "{mark} {what}: {value:.3} {unit}{bound}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(waiting: u64, ratios: &[f64]) -> Series {
        let rounds = ratios
            .iter()
            .map(|ratio| Round::new(1_000.0, ratio * 1_000.0));
        Series::new(
            format!("{waiting} waiting"),
            Some(waiting),
            rounds.collect(),
            Value::Null,
        )
    }

    fn report(outcome: Outcome) -> BenchReport {
        BenchReport {
            name: "P0",
            description: "nothing",
            outcome,
            conditions: Value::Null,
        }
    }

    #[test]
    fn the_worst_series_decides() {
        let measured = AgainstFloor::new(
            "polls",
            0.8,
            vec![series(1, &[0.9, 0.95, 0.92]), series(2, &[0.7, 0.9, 0.75])],
        );
        assert!((measured.ratio_median - 0.75).abs() < 1e-9);
        assert_eq!(measured.rounds.len(), 3);
        assert!(!report(Outcome::AgainstFloor(measured)).holds());
    }

    #[test]
    fn a_further_figure_beyond_its_bound_fails_the_whole() {
        let figure = |value| Figure {
            what: "flat".to_owned(),
            value,
            bound: Some(5.0),
            unit: "%",
        };
        let bounded = |value| Bounded {
            value: 1.0,
            bound: 2.0,
            unit: "B",
            rounds: vec![],
            figures: vec![figure(value)],
        };
        assert!(report(Outcome::Bounded(bounded(5.0))).holds());
        assert!(!report(Outcome::Bounded(bounded(5.1))).holds());
    }

    #[test]
    fn the_json_has_the_members_that_readers_of_reports_expect() {
        let json = serde_json::to_value(report(Outcome::AgainstFloor(AgainstFloor::new(
            "polls",
            0.8,
            vec![series(1, &[0.9])],
        ))))
        .unwrap();
        assert_eq!(json["rounds"][0]["ratio"], 0.9);
        assert_eq!(json["ratio_median"], 0.9);
        assert_eq!(json["series"][0]["waiting"], 1);
    }
}
