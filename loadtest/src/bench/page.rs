//! One page, and one JSON document, of all benchmarks of a folder.

use std::path::Path;

use anyhow::Context;
use askama::Template;
use clap::ValueEnum;
use serde_json::Value;

use super::Benchmark;
use super::rows::{self, Row};

#[derive(Template)]
#[template(path = "bench.html")]
struct Page {
    reports: Vec<Shown>,
}

/// A report as it is shown.
struct Shown {
    name: String,
    rows: Vec<Row>,
    conditions: Vec<(String, String)>,
    rounds: Vec<(String, Vec<String>)>,
}

/// Reads the reports that are in `folder`, and writes `index.html` and `index.json` there.
pub(crate) fn write(folder: &Path) -> anyhow::Result<()> {
    let mut all = serde_json::Map::new();
    let mut reports = Vec::new();
    for benchmark in Benchmark::value_variants() {
        let name = benchmark
            .to_possible_value()
            .context("a benchmark has a name")?
            .get_name()
            .to_owned();
        let path = folder.join(format!("{name}.json"));
        let text = match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            read => read.with_context(|| format!("cannot read {}", path.display()))?,
        };
        let report: Value = serde_json::from_slice(&text)
            .with_context(|| format!("{} is no report", path.display()))?;
        reports.push(
            Shown::of(&name, &report).with_context(|| format!("cannot use {}", path.display()))?,
        );
        all.insert(name, report);
    }
    let page = Page { reports }.render()?;
    save(&folder.join("index.html"), &page)?;
    save(
        &folder.join("index.json"),
        &(serde_json::to_string_pretty(&all)? + "\n"),
    )
}

fn save(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

impl Shown {
    fn of(name: &str, report: &Value) -> anyhow::Result<Self> {
        let conditions = report["conditions"].as_object().into_iter().flatten();
        let series = report["series"].as_array().into_iter().flatten();
        let mut rounds: Vec<_> = series
            .map(|series| {
                (
                    text(&series["label"]),
                    listed(&series["rounds"], &series["observed"]),
                )
            })
            .collect();
        if rounds.is_empty() {
            rounds.push((name.to_owned(), listed(&report["rounds"], &Value::Null)));
        }
        Ok(Self {
            name: name.to_owned(),
            rows: rows::of(name, report)?,
            conditions: conditions
                .map(|(name, value)| (name.replace('_', " "), text(value)))
                .collect(),
            rounds,
        })
    }
}

/// The rounds, and what was seen besides.
fn listed(rounds: &Value, observed: &Value) -> Vec<String> {
    let rounds = rounds.as_array().into_iter().flatten();
    rounds
        .chain(Some(observed).filter(|observed| !observed.is_null()))
        .map(text)
        .collect()
}

/// Without the signs of JSON, which tell a reader nothing.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(name, value)| format!("{} {}", name.replace('_', " "), text(value)));
            members.collect::<Vec<_>>().join(" · ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_page_shows_figures_rounds_and_conditions_and_nothing_from_elsewhere() {
        let report = json!({
            "description": "a <b>", "value": 1.5, "bound": 10.0, "unit": "commands",
            "rounds": [{"polls": 7}], "conditions": {"cores": 2, "early_poll_rule": "off"},
        });
        let shown = Shown::of("P2", &report).unwrap();
        let page = Page {
            reports: vec![shown],
        }
        .render()
        .unwrap();
        for expected in [
            "1.50 commands (bound 10)",
            "polls 7",
            "early poll rule",
            "&#60;b&#62;",
        ] {
            assert!(page.contains(expected), "{expected} is not in {page}");
        }
        assert!(
            !page.contains("http:") && !page.contains("https:"),
            "the page loads something: {page}"
        );
    }
}
