//! Servers that are installed on this machine, in PATH or where distributions hide them.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// `cluster-port` and multi-part append-only files came with 7.
const OLDEST_REDIS: u32 = 7;

/// The oldest the migrations are tested with.
const OLDEST_POSTGRES: u32 = 15;

/// What a PostgreSQL folder must hold: some packages leave the server out.
const POSTGRES_PROGRAMS: [&str; 5] = ["postgres", "initdb", "pg_basebackup", "pg_isready", "psql"];

/// Homebrew keeps versioned formulas out of PATH.
const HOMEBREW: [&str; 3] = [
    "/opt/homebrew/opt",
    "/usr/local/opt",
    "/home/linuxbrew/.linuxbrew/opt",
];

/// `redis-server` or `valkey-server`.
pub(super) fn redis() -> Option<PathBuf> {
    let names = ["redis-server", "valkey-server"];
    let in_path = names.iter().flat_map(|name| in_path(name));
    let in_brew = HOMEBREW.iter().flat_map(|brew| {
        ["redis/bin/redis-server", "valkey/bin/valkey-server"].map(|p| Path::new(brew).join(p))
    });
    in_path
        .chain(in_brew)
        .find(|program| version(program).is_some_and(|v| v >= OLDEST_REDIS))
}

/// The folder with PostgreSQL's programs.
pub(super) fn postgres() -> Option<PathBuf> {
    // Only the real place of initdb tells: what PATH has beside it (psql on Debian) may be a wrapper
    // that asks for a cluster of the distribution's own.
    let in_path = in_path("initdb")
        .filter_map(|initdb| Some(initdb.canonicalize().ok()?.parent()?.to_owned()));
    in_path
        .chain(packaged_postgres())
        .find(|bin| is_whole_postgres(bin))
}

/// The folders of distributions and Homebrew, newest version first.
fn packaged_postgres() -> impl Iterator<Item = PathBuf> {
    let debian = folders_in(Path::new("/usr/lib/postgresql")).map(|folder| folder.join("bin"));
    let brew = HOMEBREW
        .iter()
        .flat_map(|brew| folders_in(Path::new(brew)))
        .filter(|folder| {
            folder
                .file_name()
                .is_some_and(|n| n.to_string_lossy().starts_with("postgresql"))
        })
        .map(|folder| folder.join("bin"));
    let mut found: Vec<(u32, PathBuf)> = debian
        .chain(brew)
        .filter_map(|bin| Some((version(&bin.join("postgres"))?, bin)))
        .collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, bin)| bin)
}

fn is_whole_postgres(bin: &Path) -> bool {
    POSTGRES_PROGRAMS
        .iter()
        .all(|program| bin.join(program).is_file())
        && version(&bin.join("postgres")).is_some_and(|version| version >= OLDEST_POSTGRES)
}

fn folders_in(folder: &Path) -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
}

fn in_path(name: &str) -> impl Iterator<Item = PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let candidates: Vec<PathBuf> = std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .collect();
    candidates
        .into_iter()
        .filter(|candidate| candidate.is_file())
}

/// The major version that a server prints about itself.
fn version(program: &Path) -> Option<u32> {
    let output = Command::new(program).arg("--version").output().ok()?;
    major(&String::from_utf8_lossy(&output.stdout))
}

/// `Redis server v=7.0.15 sha=…`, `postgres (PostgreSQL) 15.13 (Debian 15.13-0)`: the first number
/// that starts a word or follows `v=`.
fn major(text: &str) -> Option<u32> {
    text.split_whitespace()
        .map(|word| word.trim_start_matches("v="))
        .find_map(|word| {
            word.split(|c: char| !c.is_ascii_digit())
                .next()?
                .parse()
                .ok()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_the_servers_print_them() {
        assert_eq!(
            major("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc"),
            Some(7)
        );
        assert_eq!(major("Valkey server v=9.1.2 sha=00000000:0"), Some(9));
        assert_eq!(
            major("postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)"),
            Some(15)
        );
        assert_eq!(major("postgres (PostgreSQL) 19beta1"), Some(19));
        assert_eq!(major("no such thing"), None);
    }
}
