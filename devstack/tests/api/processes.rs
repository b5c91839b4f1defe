//! Processes: started, recognised, and never mistaken for others.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, TcpListener},
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, Command},
    time::{Duration, Instant},
};

use devstack::{
    ports,
    process::{Identity, Launch, Note, Ready, RunAs, StartError, StopSignal},
};

use crate::folder::Folder;

/// A launch of `sh -c script`, ready when `port` answers as a web server would: never, mostly.
fn shell(folder: &Path, script: &str, port: u16) -> Launch {
    Launch {
        name: "shell".to_owned(),
        program: "/bin/sh".into(),
        args: vec!["-c".to_owned(), script.to_owned()],
        env: BTreeMap::new(),
        run_as: RunAs::Myself,
        log: folder.join("shell.log"),
        ports: vec![port],
        stop_signal: StopSignal::Terminate,
        ready: Ready::Http {
            port,
            path: "/".to_owned(),
        },
        ready_within_seconds: 1,
    }
}

fn sleeper() -> Child {
    Command::new("sleep").arg("60").spawn().unwrap()
}

#[test]
fn a_note_about_another_process_with_the_same_id_stops_nobody() {
    let folder = Folder::new();
    let mut innocent = sleeper();
    let real = Identity::of(innocent.id()).unwrap();
    let earlier = Identity {
        started: "before the last restart".to_owned(),
        ..real.clone()
    };
    let note = Note {
        identity: earlier,
        stop_signal: StopSignal::Terminate,
    };
    let path = folder.join("stale.process");
    std::fs::write(&path, serde_json::to_vec(&note).unwrap()).unwrap();

    Note::read(&path).unwrap().settle(&path).unwrap();

    assert!(real.is_alive());
    assert!(!path.exists());
    innocent.kill().unwrap();
    innocent.wait().unwrap();
}

#[test]
fn a_noted_process_is_stopped_by_whoever_reads_the_note() {
    let folder = Folder::new();
    let launch = shell(folder.path(), "exec sleep 60", ports::free().unwrap());
    let identity = launch.spawn().unwrap().let_go();
    assert_eq!(launch.still_running(), Some(identity.clone()));

    let note = Note::read(&launch.note()).unwrap();
    note.settle(&launch.note()).unwrap();

    assert!(!identity.is_alive());
    assert_eq!(launch.still_running(), None);
}

#[test]
fn a_process_that_ignores_the_signal_is_killed() {
    let folder = Folder::new();
    let script = "trap '' TERM; echo deaf; while :; do sleep 1; done";
    let launch = shell(folder.path(), script, ports::free().unwrap());
    let mut running = launch.spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while std::fs::read_to_string(&launch.log).unwrap() != "deaf\n" {
        assert!(Instant::now() < deadline, "the shell never spoke");
        std::thread::sleep(Duration::from_millis(10));
    }
    let status = running.stop(Duration::from_millis(200)).unwrap();
    assert_eq!(status.signal(), Some(9));
}

#[test]
fn a_taken_port_is_named_before_anything_is_started() {
    let folder = Folder::new();
    let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = other.local_addr().unwrap().port();
    let error = shell(folder.path(), "exec sleep 60", port)
        .start()
        .unwrap_err();
    assert!(matches!(error, StartError::PortTaken { .. }));
    assert!(
        error
            .to_string()
            .contains(&format!("port {port} of 127.0.0.1")),
        "{error}"
    );
}

#[test]
fn a_process_that_ends_at_once_tells_why_by_its_log() {
    let folder = Folder::new();
    let script = "echo 'no such database' >&2; exit 3";
    let error = shell(folder.path(), script, ports::free().unwrap())
        .start()
        .unwrap_err();
    assert!(matches!(error, StartError::Ended { .. }));
    assert!(error.to_string().contains("no such database"), "{error}");
}

#[test]
fn a_process_that_is_never_ready_does_not_stay() {
    let folder = Folder::new();
    let launch = shell(folder.path(), "exec sleep 60", ports::free().unwrap());
    let error = launch.start().unwrap_err();
    assert!(matches!(error, StartError::NotReady { .. }), "{error}");
    assert_eq!(launch.still_running(), None);
}

#[test]
fn a_usual_port_is_used_unless_it_is_taken() {
    let usual = ports::free().unwrap();
    assert_eq!(ports::preferred_or_free(usual).unwrap(), usual);
    let _other = TcpListener::bind((Ipv4Addr::LOCALHOST, usual)).unwrap();
    assert_ne!(ports::preferred_or_free(usual).unwrap(), usual);
}
