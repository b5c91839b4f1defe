//! A lottery from the commitment to the proof, by the commands and the daemon.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::operator::{LONG, Operator, join};

/// A scheduled room and its commitment.
fn commit(operator: &Operator, opens_in: SignedDuration, public: &[&str]) -> String {
    let opens_at = (Timestamp::now() + opens_in).to_string();
    operator.json(&[
        "rooms",
        "create",
        "main",
        "--rate",
        "0",
        "--opens-at",
        &opens_at,
    ]);
    let committed = operator.json(&[&["lottery", "commit", "main"], public].concat());
    committed["commitment"].as_str().unwrap().to_owned()
}

async fn until_state(operator: &Operator, state: &str) {
    let began = Instant::now();
    while operator.json(&["status", "main"])["state"] != state {
        assert!(began.elapsed() < LONG, "never {state}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Redis dies and comes back without its data; until the room is written back.
async fn empty_redis(operator: &mut Operator) {
    operator.server.restart_empty().unwrap();
    let began = Instant::now();
    while !operator.run(&["status", "main"]).status.success() {
        assert!(began.elapsed() < LONG, "the room is not written back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The proof, once everything is there.
fn publish(operator: &Operator) -> String {
    let file = operator.folder.join("proof").display().to_string();
    operator.json(&["lottery", "publish", "main", "--out", &file]);
    file
}

#[tokio::test]
async fn a_draw_can_be_checked_by_anybody() {
    let operator = Operator::new();
    let commitment = commit(
        &operator,
        SignedDuration::from_secs(3),
        &["--public-value", "2026-11-22"],
    );
    let line = operator.line("main").await;
    join(&line, 1, 300).await;
    let refused = operator.refused(&["lottery", "publish", "main", "--out", "never"]);
    assert!(refused.contains("not drawn yet"), "{refused}");
    let _daemon = operator.daemon(&[]);
    until_state(&operator, "open").await;
    let file = publish(&operator);
    let verified = operator.json(&[
        "lottery",
        "verify",
        &file,
        "--commitment",
        &commitment,
        "--visitor",
        "v-7",
    ]);
    assert_eq!(
        (&verified["holds"], &verified["joins"]),
        (&Value::Bool(true), &Value::from(300))
    );
    assert_eq!(verified["asked"][0]["number"], 7);
    let by_number = operator.json(&["lottery", "verify", &file, "--number", "7"]);
    assert_eq!(by_number["asked"], verified["asked"]);

    let proof = std::fs::read_to_string(&file).unwrap();
    let forged = operator.folder.join("forged").display().to_string();
    let lines: Vec<&str> = proof.lines().collect();
    std::fs::write(&forged, [&lines[..9], &lines[10..]].concat().join("\n")).unwrap();
    let output = operator.run(&["lottery", "verify", &forged]);
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("DIFFERS"), "{said}");
    let lottery = line.snapshot(0).await.unwrap().unwrap().settings.lottery;
    let list = lottery.unwrap().list.unwrap().to_string();
    assert_eq!(verified["list"], list, "what everybody saw before the draw");
    operator.json(&["lottery", "verify", &file, "--list", &list]);
    let other = "0".repeat(64);
    for published in ["--commitment", "--list"] {
        let output = operator.run(&["lottery", "verify", &file, published, &other]);
        assert!(!output.status.success(), "another {published}");
    }
}

/// What is in the folder of the operator.
fn files(operator: &Operator) -> Vec<String> {
    let entries = std::fs::read_dir(&operator.folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_proof_that_cannot_be_written_leaves_nothing_behind() {
    let operator = Operator::new();
    let ahead = SignedDuration::from_secs(2);
    commit(&operator, ahead, &["--public-value", "2026-11-22"]);
    join(&operator.line("main").await, 1, 20).await;
    let _daemon = operator.daemon(&[]);
    until_state(&operator, "open").await;
    let taken = operator.folder.join("taken");
    std::fs::create_dir_all(taken.join("by a folder")).unwrap();
    let before = files(&operator);
    let out = taken.display().to_string();
    let refused = operator.refused(&["lottery", "publish", "main", "--out", &out]);
    assert!(refused.contains("cannot write"), "{refused}");
    assert_eq!(files(&operator), before);
}

#[tokio::test]
async fn a_room_whose_value_is_not_known_yet_waits_for_it() {
    let operator = Operator::new();
    let source = ["--public-source", "round 4711"];
    commit(&operator, SignedDuration::from_secs(2), &source);
    let line = operator.line("main").await;
    join(&line, 1, 20).await;
    let refused = operator.refused(&["lottery", "draw", "main", "--public-value", "x"]);
    assert!(refused.contains("not open yet"), "{refused}");
    let _daemon = operator.daemon(&[]);
    let began = Instant::now();
    while !operator
        .run(&["lottery", "draw", "main", "--public-value", "abc"])
        .status
        .success()
    {
        assert!(began.elapsed() < LONG, "the list is never closed");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    until_state(&operator, "open").await;
    let verified = operator.json(&["lottery", "verify", &publish(&operator)]);
    assert_eq!(verified["holds"], true);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let operator = Operator::new();
    operator.json(&["rooms", "create", "main"]);
    let commit = ["lottery", "commit", "main"];
    let refused = operator.refused(&[&commit[..], &["--public-value", "x"]].concat());
    assert!(refused.contains("not scheduled"), "{refused}");
    assert!(operator.refused(&commit).contains("--public-"));
    let draw = ["lottery", "draw", "main", "--public-value", "x"];
    assert!(operator.refused(&draw).contains("no lottery"));
    let refused = operator.refused(&["lottery", "verify", "/nowhere"]);
    assert!(refused.contains("cannot open"), "{refused}");
}

#[tokio::test]
async fn a_redis_emptied_before_the_draw_does_not_keep_the_room_from_opening() {
    let mut operator = Operator::new();
    let commitment = commit(
        &operator,
        SignedDuration::from_secs(8),
        &["--public-value", "2026-11-22"],
    );
    join(&operator.line("main").await, 1, 30).await;
    let _daemon = operator.daemon(&[]);
    // It has seen the room several times.
    tokio::time::sleep(Duration::from_secs(2)).await;
    empty_redis(&mut operator).await;
    let line = operator.line("main").await;
    join(&line, 31, 20).await;
    until_state(&operator, "open").await;
    let file = publish(&operator);
    let verified = operator.json(&["lottery", "verify", &file, "--commitment", &commitment]);
    assert_eq!(
        (&verified["holds"], &verified["joins"]),
        (&Value::Bool(true), &Value::from(20))
    );
}

#[tokio::test]
async fn the_proof_is_kept_whatever_becomes_of_redis() {
    let mut operator = Operator::new();
    let commitment = commit(
        &operator,
        SignedDuration::from_secs(3),
        &["--public-value", "2026-11-22"],
    );
    let line = operator.line("main").await;
    join(&line, 1, 300).await;
    let folder = operator.folder.join("proofs");
    std::fs::create_dir(&folder).unwrap();
    let _daemon = operator.daemon(&["--proofs", &folder.display().to_string()]);
    until_state(&operator, "open").await;
    let lottery = line.snapshot(0).await.unwrap().unwrap().settings.lottery;
    let seed = lottery.unwrap().seed.unwrap();
    let proof = folder.join(format!("main-{seed}.proof"));
    let began = Instant::now();
    while !proof.exists() {
        assert!(began.elapsed() < LONG, "no proof is written");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // The daemon remembers the draw with its next looks, four a second.
    tokio::time::sleep(Duration::from_secs(2)).await;
    empty_redis(&mut operator).await;
    let refused = operator.refused(&["lottery", "publish", "main", "--out", "never"]);
    assert!(refused.contains("redis has lost"), "{refused}");
    let proof = proof.display().to_string();
    let verified = operator.json(&["lottery", "verify", &proof, "--commitment", &commitment]);
    assert_eq!(
        (&verified["holds"], &verified["joins"]),
        (&Value::Bool(true), &Value::from(300))
    );
}
