//! The check-up, on a Redis that is well and on ones that are not.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use devstack::test_stores;
use serde_json::Value;

use crate::operator::{LONG, Operator, connect};

/// Few enough connections for any machine: its limits are not what these tests are about.
const FEW: [&str; 2] = ["--max-connections", "10"];

/// Whether the check-up succeeded, and its findings.
fn check_up(operator: &Operator, flags: &[&str]) -> (bool, Vec<Value>) {
    let output = operator.run(&[&["doctor", "--json"], &FEW[..], flags].concat());
    let findings: Value = serde_json::from_slice(&output.stdout).unwrap();
    (
        output.status.success(),
        findings.as_array().unwrap().clone(),
    )
}

/// What the problems say.
fn problems(findings: &[Value]) -> Vec<String> {
    let problems = findings
        .iter()
        .filter(|finding| finding["level"] == "problem");
    problems
        .map(|finding| {
            assert!(finding["change"].is_string(), "{finding}");
            format!(
                "{}: {}",
                finding["about"].as_str().unwrap(),
                finding["found"].as_str().unwrap()
            )
        })
        .collect()
}

async fn set(operator: &Operator, setting: &str, value: &str) {
    let redis = connect(&operator.server.url()).await;
    let mut set = redis::cmd("CONFIG");
    set.arg(&["SET", setting, value]);
    redis.query::<()>(&set).await.unwrap();
}

#[tokio::test]
async fn a_redis_that_is_set_wrong_is_a_problem_with_what_to_change() {
    let operator = Operator::new();
    set(&operator, "appendfsync", "everysec").await;
    let (is_well, findings) = check_up(&operator, &[]);
    assert!(is_well, "{findings:?}");
    for about in ["redis", "descriptors", "accept queue", "rooms"] {
        assert!(
            findings.iter().any(|finding| finding["about"] == about),
            "nothing about {about}: {findings:?}"
        );
    }
    set(&operator, "maxmemory-policy", "allkeys-lru").await;
    set(&operator, "appendonly", "no").await;
    set(&operator, "min-replicas-to-write", "1").await;
    let (is_well, findings) = check_up(&operator, &[]);
    assert!(!is_well);
    let problems = problems(&findings).join("\n");
    for expected in [
        "maxmemory-policy allkeys-lru",
        "appendonly is off",
        "takes no writes: 0 of the 1 replicas",
    ] {
        assert!(problems.contains(expected), "{problems}");
    }
}

#[test]
fn a_room_needs_an_admitter() {
    let operator = Operator::new();
    operator.json(&["rooms", "create", "main"]);
    let (is_well, findings) = check_up(&operator, &[]);
    assert!(!is_well);
    let found = problems(&findings).join("\n");
    assert!(
        found.contains("room main: no admitter has looked after it yet"),
        "{found}"
    );
    let _daemon = operator.daemon(&[]);
    let began = Instant::now();
    while problems(&check_up(&operator, &[]).1)
        .iter()
        .any(|problem| problem.contains("room main"))
    {
        assert!(began.elapsed() < LONG, "the daemon is never noticed");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn without_redis_the_rest_is_checked() {
    let operator = Operator::new();
    let (is_well, findings) = check_up(&operator, &["--redis-url", "redis://127.0.0.1:1"]);
    assert!(!is_well);
    assert_eq!(problems(&findings), ["redis: cannot be reached"]);
    assert!(
        findings
            .iter()
            .any(|finding| finding["about"] == "descriptors")
    );
    let people = operator.run(&[&["doctor"], &FEW[..]].concat());
    let people = String::from_utf8(people.stdout).unwrap();
    assert!(people.contains("ok       descriptors:"), "{people}");
}

#[test]
fn keys_that_everybody_can_read_are_a_problem() {
    let operator = Operator::new();
    let folder = operator.folder.join("keys");
    copy(&test_stores::keys_dir().join("waiting"), &folder);
    let path = folder.display().to_string();
    let flags = ["--waiting-keys", &path];
    let keys = |findings: Vec<Value>| -> Vec<Value> {
        let about_keys = |finding: &Value| finding["about"] == "waiting keys";
        findings.into_iter().filter(about_keys).collect()
    };
    let found = keys(check_up(&operator, &flags).1);
    assert_eq!(found[0]["level"], "ok", "{found:?}");
    open_to_all(&folder);
    for entry in std::fs::read_dir(&folder).unwrap() {
        open_to_all(&entry.unwrap().path());
    }
    let (is_well, findings) = check_up(&operator, &flags);
    assert!(!is_well);
    let found = keys(findings);
    assert!(
        found[0]["change"].as_str().unwrap().contains("chmod o-rwx"),
        "{found:?}"
    );
    std::fs::write(folder.join("current"), "another").unwrap();
    let found = keys(check_up(&operator, &flags).1);
    assert!(
        found[0]["found"].as_str().unwrap().contains("another"),
        "{found:?}"
    );
}

/// A folder for its owner alone, with the files of another one.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let copied = to.join(path.file_name().unwrap());
        std::fs::copy(&path, &copied).unwrap();
        std::fs::set_permissions(&copied, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    std::fs::set_permissions(to, std::fs::Permissions::from_mode(0o700)).unwrap();
}

fn open_to_all(path: &Path) {
    let mode = if path.is_dir() { 0o755 } else { 0o644 };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}
