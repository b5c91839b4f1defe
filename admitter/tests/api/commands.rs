//! Every command of an operator.

use std::io::BufRead;

use serde_json::json;

use crate::operator::{LONG, Operator, join};

#[test]
fn a_room_is_made_shown_listed_and_removed() {
    let operator = Operator::new();
    assert_eq!(operator.json(&["rooms", "list"]), json!([]));
    let made = operator.json(&["rooms", "create", "main", "--rate", "50", "--capacity", "7"]);
    assert_eq!(made["room"], "main");
    assert_eq!(
        (&made["state"], &made["rate_per_second"], &made["capacity"]),
        (&json!("open"), &json!(50.0), &json!(7))
    );
    let again = operator.json(&["rooms", "create", "main", "--rate", "99"]);
    assert_eq!(
        again["rate_per_second"], 50.0,
        "a room that is there is left as it is"
    );
    let opens = [
        "rooms",
        "create",
        "later",
        "--anonymous",
        "--opens-at",
        "2036-01-01T20:00:00+09:00",
    ];
    let later = operator.json(&opens);
    assert_eq!(
        (&later["state"], &later["opens_at"]),
        (&json!("scheduled"), &json!("2036-01-01T11:00:00Z"))
    );
    let names: Vec<_> = operator
        .json(&["rooms", "list"])
        .as_array()
        .unwrap()
        .iter()
        .map(|room| room["room"].clone())
        .collect();
    assert_eq!(names, ["later", "main"]);
    assert_eq!(operator.json(&["rooms", "show", "main"])["room"], "main");
    assert_eq!(operator.json(&["rooms", "remove", "main"])["removed"], true);
    assert!(
        operator
            .refused(&["rooms", "remove", "main"])
            .contains("there is no room main")
    );
    assert!(
        operator
            .refused(&["rooms", "show", "main"])
            .contains("there is no room main")
    );
}

#[test]
fn settings_are_changed_and_shown() {
    let operator = Operator::new();
    operator.json(&["rooms", "create", "main"]);
    assert_eq!(
        operator.json(&["rate", "main", "0.5"])["rate_per_second"],
        0.5
    );
    assert_eq!(operator.json(&["capacity", "main", "300"])["capacity"], 300);
    assert_eq!(
        operator.json(&["capacity", "main", "none"])["capacity"],
        json!(null)
    );
    assert_eq!(
        operator.json(&["message", "main", "곧 열립니다"])["message"],
        "곧 열립니다"
    );
    assert_eq!(
        operator.json(&["message", "main", ""])["message"],
        json!(null)
    );
    assert!(
        operator
            .refused(&["rate", "nowhere", "1"])
            .contains("there is no room nowhere")
    );
}

#[test]
fn a_room_moves_only_along_its_states() {
    let operator = Operator::new();
    operator.json(&["rooms", "create", "main"]);
    assert!(
        operator
            .refused(&["resume", "nowhere"])
            .contains("there is no room nowhere")
    );
    assert_eq!(operator.json(&["pause", "main"])["state"], "paused");
    assert_eq!(
        operator.json(&["pause", "main"])["state"],
        "paused",
        "again is no error"
    );
    assert_eq!(operator.json(&["resume", "main"])["state"], "open");
    assert_eq!(operator.json(&["drain", "main"])["state"], "draining");
    assert!(
        operator
            .refused(&["pause", "main"])
            .contains("main is draining; it becomes paused only from open")
    );
    assert_eq!(operator.json(&["close", "main"])["state"], "closed");
    assert!(
        operator
            .refused(&["resume", "main"])
            .contains("main is closed")
    );
    assert_eq!(operator.json(&["open", "main"])["state"], "open");
}

#[tokio::test]
async fn a_visitor_is_evicted_from_wherever_it_is() {
    let operator = Operator::new();
    operator.json(&["rooms", "create", "main"]);
    join(&operator.line("main").await, 1, 2).await;
    assert_eq!(operator.json(&["evict", "main", "v-1"])["evicted"], "v-1");
    assert_eq!(operator.json(&["status", "main"])["waiting"], 1);
    assert!(
        operator
            .refused(&["evict", "main", "v-1"])
            .contains("neither in the line nor in the active set")
    );
}

#[tokio::test]
async fn every_change_is_logged_with_who_and_when() {
    let operator = Operator::new();
    let by = |name: &'static str, arguments: &[&'static str]| {
        operator.json(&[arguments, &["--by", name]].concat())
    };
    operator.json(&["rooms", "create", "main", "--rate", "50"]);
    by("ada", &["rate", "main", "70"]);
    by("ada", &["capacity", "main", "9"]);
    by("bob", &["message", "main", "Soon."]);
    by("bob", &["pause", "main"]);
    join(&operator.line("main").await, 1, 1).await;
    by("bob", &["evict", "main", "v-1"]);
    by("ada", &["rooms", "remove", "main"]);
    let log = operator.json(&["log", "main"]);
    let log = log.as_array().unwrap();
    let shown: Vec<_> = log[1..]
        .iter()
        .map(|change| json!([change["by"], change["what"], change["from"], change["to"]]))
        .collect();
    let expected = [
        json!(["ada", "rate", "50", "70"]),
        json!(["ada", "capacity", null, "9"]),
        json!(["bob", "message", null, "Soon."]),
        json!(["bob", "state", "open", "paused"]),
        json!(["bob", "evicted", null, "v-1"]),
        json!(["ada", "removed", null, null]),
    ];
    assert_eq!(shown, expected, "of a removed room, too");
    let unnamed = log[0]["by"].as_str().unwrap();
    assert!(unnamed.contains('@'), "user@host: {unnamed}");
    let times: Vec<jiff::Timestamp> = log
        .iter()
        .map(|change| change["at"].as_str().unwrap().parse().unwrap())
        .collect();
    assert!(times.is_sorted());
    let table = String::from_utf8(operator.run(&["log", "main"]).stdout).unwrap();
    assert!(
        table.contains("rate 50 → 70") && table.contains("evicted v-1"),
        "{table}"
    );
    assert!(
        operator
            .refused(&["log", "nowhere"])
            .contains("there is no room nowhere")
    );
}

#[test]
fn mistakes_on_the_command_line_are_explained() {
    let operator = Operator::new();
    for (arguments, expected) in [
        (
            &["rooms", "create", "Main"][..],
            "1 to 40 of a-z, 0-9 and -",
        ),
        (
            &["rate", "main", "fast"],
            "a number of admissions per second",
        ),
        (&["rate", "main", "-1"], "unexpected argument"),
        (&["rate", "main", "1e9"], "from 0 to 100000"),
        (&["capacity", "main", "0"], "a whole number from 1, or none"),
        (&["evict", "main", "a b"], "visible ASCII"),
        (&["pause", "main", "--by", ""], "1 to 100 characters"),
        (
            &["rooms", "create", "a", "--opens-at", "tomorrow"],
            "invalid value",
        ),
        (
            &["rooms", "list", "--redis-url", "http://x"],
            "redis+sentinel://",
        ),
        (&["run", "--rooms", "/nowhere/rooms.toml"], "cannot be read"),
        (&["run", "--rate", "NaN"], "from 0 to 100000"),
    ] {
        let said = operator.refused(arguments);
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
}

#[test]
fn without_redis_a_command_says_so_and_ends() {
    let operator = Operator::new();
    let said = operator.refused(&["status", "--redis-url", "redis://127.0.0.1:1"]);
    assert!(
        said.contains("Redis cannot be reached; check --redis-url"),
        "{said}"
    );
}

#[tokio::test]
async fn a_capacity_that_limits_is_told_and_a_watch_without_a_terminal_is_lines() {
    let operator = Operator::new();
    operator.json(&[
        "rooms",
        "create",
        "main",
        "--rate",
        "100",
        "--capacity",
        "2",
    ]);
    join(&operator.line("main").await, 1, 5).await;
    let status = operator.json(&["status", "main"]);
    assert_eq!(status["throttle"]["is_full"], false);
    let _daemon = operator.daemon(&[]);
    let began = std::time::Instant::now();
    while operator.json(&["status", "main"])["throttle"]["is_full"] != true {
        assert!(began.elapsed() < LONG, "the slots are never taken");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let shown = operator.run(&["status", "main"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(
        shown.contains("all 2 slots are taken") && shown.contains("2 ÷ t in per second"),
        "{shown}"
    );
    let mut watch = operator.start(&["status", "main", "--watch", "--json"]);
    let mut lines = std::io::BufReader::new(watch.stdout.take().unwrap()).lines();
    for _ in 0..2 {
        let line = lines.next().unwrap().unwrap();
        let document: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(
            (&document["room"], &document["active"]),
            (&json!("main"), &json!(2))
        );
    }
    watch.kill().unwrap();
    watch.wait().unwrap();
}

#[test]
fn people_get_a_table() {
    let operator = Operator::new();
    let empty = String::from_utf8(operator.run(&["status"]).stdout).unwrap();
    assert!(empty.contains("admitter rooms create"), "{empty}");
    operator.json(&["rooms", "create", "main", "--rate", "100"]);
    let table = String::from_utf8(operator.run(&["status"]).stdout).unwrap();
    assert!(
        table.starts_with("ROOM  STATE") && table.contains("main  open"),
        "{table}"
    );
}
