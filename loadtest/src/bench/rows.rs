//! A report in rows: what was measured, what came out, whether that is within its bound. For the README's table and for
//! the page of all benchmarks, which both read reports as files.

use anyhow::Context;
use serde_json::Value;

/// One figure of a report, in words.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub what: String,
    pub figure: String,
    pub holds: bool,
}

/// The rows of one report.
pub(crate) fn of(name: &str, report: &Value) -> anyhow::Result<Vec<Row>> {
    let description = report["description"].as_str().unwrap_or_default();
    let described = format!("{name}: {description}");
    let mut rows = Vec::new();
    match report["series"].as_array() {
        Some(series) => {
            let bound = number(report, "ratio_bound")?;
            let unit = report["unit"].as_str().unwrap_or_default();
            for series in series {
                rows.push(share(&described, series, bound, unit)?);
            }
        }
        None => rows.push(bounded(described, report)?),
    }
    for figure in report["figures"].as_array().into_iter().flatten() {
        let what = figure["what"].as_str().unwrap_or_default();
        rows.push(bounded(format!("{name}: {what}"), figure)?);
    }
    Ok(rows)
}

fn share(described: &str, series: &Value, bound: f64, unit: &str) -> anyhow::Result<Row> {
    let rounds = series["rounds"]
        .as_array()
        .context("a series has no rounds")?;
    let ratio = number(series, "ratio_median")?;
    // One and the same round, so that the two give the ratio.
    let off = |round: &&Value| (round["ratio"].as_f64().unwrap_or(f64::INFINITY) - ratio).abs();
    let median_round = rounds.iter().min_by(|a, b| off(a).total_cmp(&off(b)));
    let median_round = median_round.context("a series has no rounds")?;
    let (ours, floor) = (
        number(median_round, "ours")?,
        number(median_round, "floor")?,
    );
    let (lowest, highest) = (
        number(series, "ratio_lowest")?,
        number(series, "ratio_highest")?,
    );
    let label = series["label"].as_str().unwrap_or_default();
    let is_bounded = series["is_bounded"].as_bool().unwrap_or(true);
    let bound_told = if is_bounded {
        format!("bound {bound}")
    } else {
        "no bound".to_owned()
    };
    let observed = |name: &str| series["observed"][name].as_f64();
    let life = observed("admissions_per_second").zip(observed("departures_per_second"));
    let life = life.map(|(admitted, left)| {
        format!("; {admitted:.0} let in and {left:.0} leaving a second meanwhile")
    });
    let life = life.unwrap_or_default();
    Ok(Row {
        what: format!("{described}: {label}"),
        figure: format!(
            "{ratio:.2}, the median of {} rounds ({lowest:.2}–{highest:.2}; {bound_told}); in the median round {ours:.0} {unit}, the floor {floor:.0}{life}",
            rounds.len()
        ),
        holds: !is_bounded || ratio >= bound,
    })
}

fn bounded(what: String, figure: &Value) -> anyhow::Result<Row> {
    let (value, bound) = (number(figure, "value")?, figure["bound"].as_f64());
    let unit = figure["unit"].as_str().unwrap_or_default();
    let digits = if value.abs() < 100.0 { 2 } else { 0 };
    Ok(Row {
        what,
        figure: match bound {
            Some(bound) => format!("{value:.digits$} {unit} (bound {bound})"),
            None => format!("{value:.digits$} {unit}"),
        },
        holds: bound.is_none_or(|bound| value <= bound),
    })
}

fn number(report: &Value, member: &str) -> anyhow::Result<f64> {
    report[member]
        .as_f64()
        .with_context(|| format!("the report has no {member}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_share_of_a_floor_has_a_row_for_each_series() {
        let round = |ratio: f64| json!({"floor": 1_000.0, "ours": 1_000.0 * ratio, "ratio": ratio});
        let series = |label: &str, ratio: f64| json!({"label": label, "is_bounded": label != "forgetful", "rounds": [round(ratio)], "ratio_median": ratio, "ratio_lowest": ratio, "ratio_highest": ratio, "observed": {"admissions_per_second": 99.6, "departures_per_second": 10.1}});
        let report = json!({
            "description": "polls", "unit": "polls a second", "ratio_median": 0.8, "ratio_bound": 0.85,
            "series": [series("few", 0.9), series("many", 0.8), series("forgetful", 0.7)],
            "figures": [{"what": "flat", "value": 11.1, "bound": 5.0, "unit": "%"}],
        });
        let rows = of("P1", &report).unwrap();
        assert_eq!(rows[0].what, "P1: polls: few");
        assert_eq!(
            rows[0].figure,
            "0.90, the median of 1 rounds (0.90–0.90; bound 0.85); in the median round 900 polls a second, the floor 1000; 100 let in and 10 leaving a second meanwhile"
        );
        let holds: Vec<bool> = rows.iter().map(|row| row.holds).collect();
        assert_eq!(holds, [true, false, true, false]);
        assert_eq!(
            rows[2].figure,
            "0.70, the median of 1 rounds (0.70–0.70; no bound); in the median round 700 polls a second, the floor 1000; 100 let in and 10 leaving a second meanwhile"
        );
    }

    #[test]
    fn a_value_has_one_row_and_its_further_figures_have_theirs() {
        let report = json!({
            "description": "memory", "value": 145.154, "bound": 250.0, "unit": "B",
            "figures": [{"what": "each", "value": 16_662.1, "bound": 30_000.0, "unit": "B"}],
        });
        let rows = of("P6", &report).unwrap();
        assert_eq!(rows[0].figure, "145 B (bound 250)");
        assert_eq!(
            rows[1],
            Row {
                what: "P6: each".to_owned(),
                figure: "16662 B (bound 30000)".to_owned(),
                holds: true
            }
        );
    }

    #[test]
    fn a_report_without_a_figure_is_an_error() {
        assert!(of("P0", &json!({"description": "nothing"})).is_err());
    }
}
