//! A small crowd through everything, and the proof from outside that nothing was sold twice.

use std::process::Command;

use devstack::service::bin_folder;
use serde_json::Value;

use super::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_goes_through_and_every_invariant_holds() {
    let world = World::start().await;
    let stack = world.stack();
    let report = stack.with_file_name("smoke.json");
    let scenario = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../loadtest/scenarios/smoke.toml"
    );
    let output = tokio::task::spawn_blocking(move || {
        let mut loadtest = Command::new(bin_folder().unwrap().join("loadtest"));
        loadtest
            .arg("run")
            .arg(scenario)
            .arg("--stack")
            .arg(&stack)
            .arg("--json")
            .arg(&report);
        (loadtest.output().unwrap(), std::fs::read(&report))
    });
    let (output, report) = output.await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let report: Value =
        serde_json::from_slice(&report.unwrap_or_else(|_| panic!("no report: {said}"))).unwrap();
    for invariant in report["invariants"].as_array().unwrap() {
        assert_eq!(invariant["violations"], 0, "{invariant}");
        assert!(
            invariant["checked"].as_u64() > Some(0),
            "{invariant} was not checked"
        );
    }
    assert_eq!(
        report["invariants"].as_array().unwrap().len(),
        8,
        "I1 to I8"
    );
    for step in ["join", "poll", "seats", "hold", "payment"] {
        assert_eq!(
            report["steps"][step]["errors"], 0,
            "{step}: {}",
            report["steps"][step]
        );
        assert!(
            report["steps"][step]["count"].as_u64() > Some(0),
            "{step} was never done"
        );
    }
    // A slow machine may make the generator lag ("invalid"); it must not make a promise break ("fail").
    assert_ne!(report["verdict"], "fail", "{report}");
}
