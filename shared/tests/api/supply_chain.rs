//! The bans and licences of deny.toml, held over what cargo resolves: cargo-deny itself is too slow to build in every run.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

const TARGET: &str = "x86_64-unknown-linux-gnu";

fn cargo(arguments: &[&str]) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let mut command = Command::new(env!("CARGO"));
    let output = command
        .args(arguments)
        .args(["--locked", "--offline"])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn metadata() -> Value {
    let text = cargo(&[
        "metadata",
        "--format-version",
        "1",
        "--filter-platform",
        TARGET,
    ]);
    serde_json::from_str(&text).unwrap()
}

/// What is really built: metadata also lists dependencies that no feature switches on.
fn built() -> BTreeSet<String> {
    let tree = cargo(&[
        "tree",
        "--workspace",
        "--target",
        TARGET,
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]);
    tree.lines()
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect()
}

fn rules() -> toml::Table {
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../deny.toml")).unwrap();
    text.parse().unwrap()
}

fn texts(value: &toml::Value) -> BTreeSet<String> {
    let items = value.as_array().unwrap().iter();
    items
        .map(|item| item.as_str().unwrap().to_owned())
        .collect()
}

fn list<'value>(value: &'value Value, member: &str) -> &'value Vec<Value> {
    value[member].as_array().unwrap()
}

/// The names of those that depend on each crate.
fn dependants(metadata: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let name = |id: &Value| {
        let found = list(metadata, "packages")
            .iter()
            .find(|package| package["id"] == *id);
        found.unwrap()["name"].as_str().unwrap().to_owned()
    };
    let mut dependants: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for node in list(&metadata["resolve"], "nodes") {
        dependants.entry(name(&node["id"])).or_default();
        for dependency in list(node, "deps") {
            dependants
                .entry(name(&dependency["pkg"]))
                .or_default()
                .insert(name(&node["id"]));
        }
    }
    dependants
}

#[test]
fn nothing_banned_is_built_and_walls_between_crates_stand() {
    let (dependants, built) = (dependants(&metadata()), built());
    assert!(built.contains("tokio"), "what is built cannot be read");
    let rules = rules();
    let bans = rules["bans"]["deny"].as_array().unwrap();
    assert!(bans.len() >= 8, "the list of bans is gone");
    for ban in bans {
        let banned = ban["crate"].as_str().unwrap();
        let allowed = ban.get("wrappers").map(texts).unwrap_or_default();
        let Some(users) = dependants.get(banned).filter(|_| built.contains(banned)) else {
            continue;
        };
        let wrong: Vec<_> = users.difference(&allowed).collect();
        assert!(
            wrong.is_empty() && !allowed.is_empty(),
            "{banned} is used by {wrong:?}: {}",
            ban["reason"]
        );
    }
}

#[test]
fn every_licence_is_one_that_we_accept() {
    let metadata = metadata();
    let built = built();
    let allowed = texts(&rules()["licenses"]["allow"]);
    let accepts = |requirement: &spdx::LicenseReq| allowed.contains(&requirement.to_string());
    for package in list(&metadata, "packages") {
        let name = package["name"].as_str().unwrap();
        if !built.contains(name) {
            continue;
        }
        let licence = package["license"]
            .as_str()
            .unwrap_or_else(|| panic!("{name} names no licence"));
        let expression = spdx::Expression::parse_mode(licence, spdx::ParseMode::LAX).unwrap();
        assert!(
            expression.evaluate(accepts),
            "{name} is under {licence}; see deny.toml"
        );
    }
}
