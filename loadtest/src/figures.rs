//! `loadtest figures`: the README's table of figures, from the reports of earlier runs.
//!
//! The one command that writes a tracked file. It only repeats what reports say, and names the conditions of each.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::bench::{self, Row};

const BEGIN: &str = "<!-- figures:begin -->";
const END: &str = "<!-- figures:end -->";
/// The reports of the table, in its order: the file below the folder of reports.
const RUNS: [&str; 2] = ["rush-1000", "rush"];
const BENCHMARKS: [&str; 9] = [
    "P1", "P2", "P3", "P4", "P5", "P6", "P12", "lottery", "sold-out",
];

/// Writes the table between its two marks in `document`, from the reports in `reports`.
pub(crate) fn write(document: &Path, reports: &Path) -> anyhow::Result<()> {
    let mut table = String::from("| what | figure | conditions |\n|---|---|---|\n");
    for name in RUNS {
        let report = read(
            &reports.join(format!("{name}.json")),
            &format!("make load SCENARIO={name}"),
        )?;
        run_rows(&mut table, name, &report)?;
    }
    for name in BENCHMARKS {
        let path = reports.join("bench").join(format!("{name}.json"));
        benchmark_rows(
            &mut table,
            name,
            &read(&path, &format!("make bench ONLY={name}"))?,
        )?;
    }
    let text = std::fs::read_to_string(document)
        .with_context(|| format!("cannot read {}", document.display()))?;
    let text =
        replace(&text, &table).with_context(|| format!("cannot use {}", document.display()))?;
    std::fs::write(document, text).with_context(|| format!("cannot write {}", document.display()))
}

fn read(path: &Path, made_by: &str) -> anyhow::Result<Value> {
    let text = std::fs::read(path).with_context(|| {
        format!(
            "there is no report {}; `{made_by}` writes it",
            path.display()
        )
    })?;
    serde_json::from_slice(&text).with_context(|| format!("{} is no report", path.display()))
}

fn replace(text: &str, table: &str) -> anyhow::Result<String> {
    let parts = text
        .split_once(BEGIN)
        .and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = parts.with_context(|| format!("{BEGIN} and {END} are not in it"))?;
    Ok(format!("{before}{BEGIN}\n{table}{END}{after}"))
}

fn run_rows(table: &mut String, name: &str, report: &Value) -> anyhow::Result<()> {
    let verdict = text(report, "verdict")?;
    if verdict == "invalid" {
        bail!("the run {name} is invalid: the generator lagged; run it again on a quieter machine");
    }
    let checks: u64 = list(report, "invariants")
        .map(|invariant| count(invariant, "checked"))
        .sum();
    let violations: u64 = list(report, "invariants")
        .map(|invariant| count(invariant, "violations"))
        .sum();
    let errors: u64 = report["steps"]
        .as_object()
        .into_iter()
        .flat_map(|steps| steps.values())
        .map(|step| count(step, "errors"))
        .sum();
    let conditions = conditions(report);
    let what = text(report, "description")?;
    row(
        table,
        &format!("`{name}`: {what}"),
        &format!("{verdict}: {checks} checks of I1–I8, {violations} violations, {errors} errors"),
        &conditions,
    );
    let reached = list(report, "thresholds")
        .find(|threshold| threshold["name"] == "rate_reached_percent")
        .and_then(|threshold| threshold["value"].as_f64())
        .with_context(|| format!("the report of {name} does not say what rate was reached"))?;
    let lag = report["generator_lag_p99_ms"].as_f64().unwrap_or_default();
    row(
        table,
        &format!("`{name}`: rate reached while people wait"),
        &format!("{reached:.1} % in the slowest ten seconds; the crowd's own lag p99 {lag:.1} ms"),
        "the same run",
    );
    for step in ["join", "poll", "seats", "hold", "payment"] {
        let measured = &report["steps"][step];
        let latency = format!(
            "p50 {:.1} ms, p99 {:.1} ms, {} calls",
            measured["p50_ms"].as_f64().unwrap_or_default(),
            measured["p99_ms"].as_f64().unwrap_or_default(),
            count(measured, "count")
        );
        row(
            table,
            &format!("`{name}`: {step}"),
            &latency,
            "the same run",
        );
    }
    Ok(())
}

fn benchmark_rows(table: &mut String, name: &str, report: &Value) -> anyhow::Result<()> {
    let rows = bench::rows_of(name, report).with_context(|| format!("the report of {name}"))?;
    let mut conditions = conditions(report);
    for Row {
        what,
        figure,
        holds,
    } in rows
    {
        let missed = if holds { "" } else { " **misses its bound**" };
        row(table, &what, &format!("{figure}{missed}"), &conditions);
        "the same run".clone_into(&mut conditions);
    }
    Ok(())
}

fn row(table: &mut String, what: &str, figure: &str, conditions: &str) {
    writeln!(table, "| {what} | {figure} | {conditions} |")
        .expect("writing to a string cannot fail");
}

/// What the figures depend on, with the names that a reader knows.
fn conditions(report: &Value) -> String {
    let conditions = &report["conditions"];
    let known = [
        ("cores", "", " cores"),
        ("profile", "", " build"),
        ("postgres", "PostgreSQL ", ""),
        ("fsync", "fsync ", ""),
        ("redis", "Redis ", ""),
        ("commit", "commit ", ""),
        ("measured_at", "", ""),
    ];
    let known = known
        .into_iter()
        .filter_map(|(name, before, after)| match &conditions[name] {
            Value::Null => None,
            // Of a version only the number: who packed it does not matter.
            Value::String(value) => Some(format!(
                "{before}{}{after}",
                value.split(' ').next().unwrap_or_default()
            )),
            value => Some(format!("{before}{value}{after}")),
        });
    let known = known.collect::<Vec<_>>().join(", ");
    match conditions["setup"].as_str() {
        Some(setup) if known.is_empty() => setup.to_owned(),
        Some(setup) => format!("{known}; {setup}"),
        None => known,
    }
}

fn list<'report>(report: &'report Value, member: &str) -> impl Iterator<Item = &'report Value> {
    report[member].as_array().into_iter().flatten()
}

fn count(value: &Value, member: &str) -> u64 {
    value[member].as_u64().unwrap_or_default()
}

fn text<'report>(report: &'report Value, member: &str) -> anyhow::Result<&'report str> {
    report[member]
        .as_str()
        .with_context(|| format!("the report has no {member}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let text = format!("before\n{BEGIN}\nold\n{END}\nafter\n");
        let fresh = replace(&text, "new\n").unwrap();
        assert_eq!(fresh, format!("before\n{BEGIN}\nnew\n{END}\nafter\n"));
        assert_eq!(replace(&fresh, "new\n").unwrap(), fresh);
        assert!(replace("no marks", "new\n").is_err());
    }

    #[test]
    fn conditions_are_named() {
        let report = serde_json::json!({"conditions": {
            "cores": 2, "profile": "release", "postgres": "15.18 (packed by somebody)", "fsync": "on", "redis": "7.0.15",
            "measured_at": "2026-11-22 21:00 UTC", "setup": "64 connections"}});
        assert_eq!(
            conditions(&report),
            "2 cores, release build, PostgreSQL 15.18, fsync on, Redis 7.0.15, 2026-11-22; 64 connections"
        );
    }

    #[test]
    fn an_invalid_run_is_no_figure() {
        let report = serde_json::json!({"verdict": "invalid"});
        assert!(
            run_rows(&mut String::new(), "rush", &report)
                .unwrap_err()
                .to_string()
                .contains("invalid")
        );
    }
}
