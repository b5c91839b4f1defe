//! Reports of small hand-made runs.

use super::*;
use crate::journal::{Call, CallResult, Step, Visit};

const SCENARIO: &str = r#"
name = "small"
description = "two visitors"
seed = 1
[crowd]
visitors = 2
arrivals = "uniform"
arrive_within_seconds = 1
[room]
rate_per_second = 10
[house]
rows = 1
seats_per_row = 4
[expect]
join_p99_ms = 100
"#;

fn call(latency_ms: u64, lag_ms: u64, result: CallResult) -> Call {
    Call {
        step: Step::Join,
        intended: Duration::from_secs(1),
        end: Duration::from_secs(1) + Duration::from_millis(latency_ms),
        lag: Some(Duration::from_millis(lag_ms)),
        status: 200,
        result,
    }
}

fn visit(number: u64, calls: Vec<Call>) -> Visit {
    Visit {
        number: Some(number),
        calls,
        ended: Ended::SoldOut,
        ..Visit::default()
    }
}

fn right() -> Finding {
    Finding {
        id: "I1",
        checked: 3,
        violations: 0,
        samples: Vec::new(),
    }
}

fn report(visits: Vec<Visit>, findings: Vec<Finding>) -> Report {
    report_of(SCENARIO, visits, findings)
}

fn report_of(scenario: &str, visits: Vec<Visit>, findings: Vec<Finding>) -> Report {
    let journal = Journal {
        visits,
        ..Journal::default()
    };
    Report::of(Facts {
        scenario: &Scenario::parse(scenario).unwrap(),
        seed: 1,
        clock: RunClock::start(),
        journal: &journal,
        books: &Books::default(),
        findings,
        interrupted: false,
        conditions: ReportConditions {
            cores: 2,
            profile: "dev",
            generator_profile: "dev",
            version: "0",
            commit: None,
            measured_at: "2026-11-22 21:00 UTC".to_owned(),
            postgres: "15".to_owned(),
            fsync: "on".to_owned(),
            synchronous_commit: "on".to_owned(),
            redis: "7".to_owned(),
        },
    })
}

fn both(latency_ms: u64, lag_ms: u64) -> Vec<Visit> {
    let good = || vec![call(latency_ms, lag_ms, CallResult::Good)];
    vec![visit(1, good()), visit(2, good())]
}

#[test]
fn a_run_within_all_bounds_passes_and_says_so_in_json() {
    let report = report(both(20, 1), vec![right()]);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["verdict"], "pass", "{:?}", report.reasons);
    assert_eq!(json["invariants"][0]["checked"], 3);
    assert_eq!(json["steps"]["join"]["count"], 2);
    assert_eq!(json["steps"]["join"]["errors"], 0);
    let p99 = json["steps"]["join"]["p99_ms"].as_f64().unwrap();
    assert!((19.9..20.1).contains(&p99), "{p99}");
}

#[test]
fn a_latency_over_its_bound_fails() {
    let report = report(both(150, 1), vec![right()]);
    assert_eq!(report.verdict, Verdict::Fail);
    assert!(
        report.reasons[0].contains("join_p99_ms"),
        "{:?}",
        report.reasons
    );
}

#[test]
fn a_line_in_which_nobody_waited_shows_no_rate() {
    let scenario = SCENARIO.replace("join_p99_ms = 100", "rate_reached_percent = 98");
    let report = report_of(&scenario, both(20, 1), vec![right()]);
    assert_eq!(report.verdict, Verdict::Fail);
    assert!(
        report.reasons[0].contains("rate_reached_percent"),
        "{:?}",
        report.reasons
    );
}

#[test]
fn a_generator_that_lagged_proves_nothing_about_latency() {
    assert_eq!(
        report(both(150, 30), vec![right()]).verdict,
        Verdict::Invalid
    );
}

#[test]
fn a_violated_invariant_fails_even_when_the_generator_lagged() {
    let wrong = Finding {
        violations: 1,
        ..right()
    };
    assert_eq!(report(both(20, 30), vec![wrong]).verdict, Verdict::Fail);
}

#[test]
fn an_invariant_that_nothing_was_compared_for_fails() {
    let idle = Finding {
        checked: 0,
        ..right()
    };
    assert_eq!(report(both(20, 1), vec![idle]).verdict, Verdict::Fail);
}

#[test]
fn a_visitor_who_never_joined_fails_the_run() {
    let mut visits = both(20, 1);
    visits[1].number = None;
    assert_eq!(report(visits, vec![right()]).verdict, Verdict::Fail);
}

#[test]
fn an_unexpected_answer_fails_the_run_and_is_named() {
    let mut visits = both(20, 1);
    visits[0]
        .calls
        .push(call(5, 0, CallResult::Unexpected("500 internal".into())));
    let report = report(visits, vec![right()]);
    assert_eq!(report.verdict, Verdict::Fail);
    assert_eq!(report.unexpected[0].what, "500 internal");
    assert_eq!(report.steps[&Step::Join].errors, 1);
}

#[test]
fn a_request_that_was_sent_again_counts_once_and_from_its_first_intention() {
    let mut visits = both(20, 1);
    let retried = vec![
        call(10, 0, CallResult::Retried),
        call(80, 0, CallResult::Good),
    ];
    visits[0].calls = retried;
    let report = report(visits, vec![right()]);
    assert_eq!(report.steps[&Step::Join].count, 2);
    assert_eq!(report.steps[&Step::Join].retried, 1);
    assert!(report.steps[&Step::Join].max_ms >= 80.0);
}

#[test]
fn half_of_a_hundred_latencies_are_below_the_median() {
    let calls = (1..=100).map(|ms| call(ms, 0, CallResult::Good)).collect();
    let report = report(vec![visit(1, calls), visit(2, Vec::new())], vec![right()]);
    let join = &report.steps[&Step::Join];
    assert!((49.9..50.2).contains(&join.p50_ms), "{}", join.p50_ms);
    assert!((98.9..99.3).contains(&join.p99_ms), "{}", join.p99_ms);
}

#[test]
fn the_table_tells_verdict_and_reasons() {
    let text = report(both(150, 1), vec![right()]).to_string();
    assert!(text.contains("FAIL"), "{text}");
    assert!(text.contains("join_p99_ms"), "{text}");
    assert!(text.contains("no seat sold twice"), "{text}");
}
