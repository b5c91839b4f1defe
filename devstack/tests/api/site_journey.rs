//! The journey of a site: up, again up, hurt, up, and down.

use std::{
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use devstack::process::{Identity, Note, StopSignal};
use nix::sys::signal::Signal;
use reqwest::{Client, StatusCode};

use crate::site::{Site, said};

const EVERYBODY: [&str; 7] = [
    "gatekeeper-1",
    "booking-api-1",
    "admitter-1",
    "gateway",
    "redis",
    "postgres",
    "replica",
];

async fn status(url: &str) -> StatusCode {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .get(url)
        .send()
        .await
        .unwrap()
        .status()
}

#[tokio::test]
async fn a_site_comes_up_once_and_goes_down_whole() {
    let site = Site::new();
    let stack = site.up();
    for name in EVERYBODY {
        assert_eq!(stack.pids[name], site.identity(name).pid, "{name}");
        assert!(site.identity(name).is_alive(), "{name}");
    }
    for admin in [
        &stack.gatekeeper_admin,
        &stack.booking_admin,
        &stack.admitter_admin,
    ] {
        assert_eq!(status(&format!("{admin}/readyz")).await, StatusCode::OK);
    }
    let room = format!("{}/v1/rooms/{}", stack.gatekeeper, stack.room);
    assert_eq!(status(&room).await, StatusCode::OK);
    let performance = format!(
        "{}/v1/performances/{}",
        stack.booking_api, stack.performance
    );
    assert_eq!(status(&performance).await, StatusCode::OK);

    // Twice is once.
    let again = site.up();
    assert_eq!(again.pids, stack.pids);
    assert_eq!(again.performance, stack.performance);

    let everybody = EVERYBODY.map(|name| site.identity(name));
    let output = site.devstack(&["down"]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(everybody.iter().all(|process| !process.is_alive()));
    assert!(!site.dir().join("stack.json").exists());
    assert!(!site.dir().join("data").exists());
    assert!(said(&site.devstack(&["down"])).contains("Nothing was running"));
}

#[tokio::test]
async fn what_has_died_comes_back_where_it_was() {
    let site = Site::new();
    let before = site.up();
    let (dead, alive) = EVERYBODY.split_at(6);
    for name in dead {
        site.identity(name).signal(Signal::SIGKILL).unwrap();
    }

    let after = site.up();

    for name in dead {
        assert_ne!(before.pids[*name], after.pids[*name], "{name}");
        assert!(site.identity(name).is_alive(), "{name}");
    }
    assert_eq!(before.pids[alive[0]], after.pids[alive[0]]);
    assert_eq!(
        (&before.gatekeeper, &before.postgres),
        (&after.gatekeeper, &after.postgres)
    );
    let performance = format!(
        "{}/v1/performances/{}",
        after.booking_api, before.performance
    );
    assert_eq!(
        status(&performance).await,
        StatusCode::OK,
        "what was sold is still known"
    );
}

#[test]
fn what_dies_while_it_is_waited_for_is_started_again() {
    let site = Site::new();
    let before = site.up();
    let gatekeeper = site.identity("gatekeeper-1");
    gatekeeper.signal(Signal::SIGSTOP).unwrap();
    let dying = gatekeeper.clone();
    let killer = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_secs(1));
        dying.signal(Signal::SIGKILL).unwrap()
    });

    let after = site.up();

    assert!(killer.join().unwrap());
    assert!(!gatekeeper.is_alive());
    assert_ne!(before.pids["gatekeeper-1"], after.pids["gatekeeper-1"]);
    assert!(site.identity("gatekeeper-1").is_alive());
}

#[test]
fn what_a_killed_up_left_is_stopped_and_nobody_else() {
    let site = Site::new();
    let logs = site.dir().join("logs");
    std::fs::create_dir_all(&logs).unwrap();
    let sleeper = || {
        std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap()
    };
    let (mut left_over, mut innocent) = (sleeper(), sleeper());
    let note = |name: &str, identity: Identity| {
        let note = Note {
            identity,
            stop_signal: StopSignal::Terminate,
        };
        std::fs::write(logs.join(name), serde_json::to_vec(&note).unwrap()).unwrap();
    };
    note("redis.process", Identity::of(left_over.id()).unwrap());
    let reused = Identity::of(innocent.id()).unwrap();
    note(
        "postgres.process",
        Identity {
            started: "long ago".to_owned(),
            ..reused.clone()
        },
    );

    let output = site.devstack(&["down"]);

    assert!(output.status.success(), "{}", said(&output));
    assert!(left_over.try_wait().unwrap().is_some());
    assert!(reused.is_alive());
    innocent.kill().unwrap();
    innocent.wait().unwrap();
}

#[test]
fn a_damaged_state_file_is_told_with_the_way_out() {
    let site = Site::new();
    std::fs::create_dir_all(site.dir()).unwrap();
    std::fs::write(site.dir().join("state.json"), "half a fi").unwrap();
    let output = site.devstack(&["up", "--any-ports"]);
    assert!(!output.status.success());
    assert!(said(&output).contains("down --force"), "{}", said(&output));
    assert!(site.devstack(&["down", "--force"]).status.success());
    assert!(site.devstack(&["down"]).status.success());
}

#[test]
fn a_service_whose_port_was_taken_meanwhile_is_named() {
    let site = Site::new();
    let stack = site.up();
    site.identity("gatekeeper-1")
        .stop(StopSignal::Terminate, std::time::Duration::from_secs(30))
        .unwrap();
    let port: u16 = stack
        .gatekeeper
        .rsplit_once(':')
        .unwrap()
        .1
        .parse()
        .unwrap();
    let other = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    let output = site.devstack(&["up", "--any-ports"]);
    assert!(!output.status.success());
    let message = format!("port {port} of 127.0.0.1, which gatekeeper-1 needs, is taken");
    assert!(said(&output).contains(&message), "{}", said(&output));
    drop(other);
    site.up();
}

#[test]
fn passwords_and_keys_are_for_the_owner_alone() {
    let site = Site::new();
    let stack = site.up();
    let dir = site.dir();
    let files = ["stack.json", "state.json", "env"].map(|name| dir.join(name));
    for file in files
        .iter()
        .map(std::path::PathBuf::as_path)
        .chain([stack.user_token_key.as_path()])
    {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}
