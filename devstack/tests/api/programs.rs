//! The program `devstack`, run with the same servers as this test run and with none of its settings.

use std::{os::unix::fs::symlink, path::Path, process::Command};

use devstack::test_stores;

/// A command that finds the servers in PATH, by way of links in `bin`; nothing is fetched.
pub(crate) fn devstack(bin: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_devstack"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ONSALE_") {
            command.env_remove(name);
        }
    }
    link_servers(bin);
    command.env("ONSALE_SERVERS", "installed").env(
        "PATH",
        format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display()),
    );
    command
}

fn link_servers(bin: &Path) {
    std::fs::create_dir_all(bin).unwrap();
    let servers = test_stores::servers();
    let links = [
        ("redis-server", servers.redis.clone()),
        ("initdb", servers.postgres_program("initdb")),
    ];
    for (name, target) in links {
        if !bin.join(name).exists() {
            symlink(target, bin.join(name)).unwrap();
        }
    }
}
