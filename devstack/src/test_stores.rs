//! The stores that tests use: started once for a whole test run by `devstack with-stores`, and told
//! to the tests by environment variables.
//!
//! Every function panics outside of such a run, with a sentence that says how to begin one.

use std::{path::PathBuf, sync::OnceLock};

use crate::servers::Servers;

/// URL of the Redis of this run. Shared by all tests: use a room or prefix of your own.
pub const REDIS_URL: &str = "ONSALE_TEST_REDIS_URL";
/// URL of the migrated database `onsale` on the primary, as superuser.
pub const DATABASE_URL: &str = "ONSALE_TEST_DATABASE_URL";
/// URL of the same database on the streaming replica.
pub const REPLICA_URL: &str = "ONSALE_TEST_REPLICA_URL";
/// Folder of keys, as [`crate::keys::make`] lays it out.
pub const KEYS: &str = "ONSALE_TEST_KEYS";
/// The programs of the stores, for tests that start more of them.
pub const SERVERS: &str = "ONSALE_TEST_SERVERS";

/// URL of the Redis of this run.
pub fn redis_url() -> String {
    variable(REDIS_URL)
}

/// URL of the migrated database on the primary.
pub fn database_url() -> String {
    variable(DATABASE_URL)
}

/// URL of the migrated database on the replica.
pub fn replica_url() -> String {
    variable(REPLICA_URL)
}

/// The folder of keys.
pub fn keys_dir() -> PathBuf {
    variable(KEYS).into()
}

/// The programs from which a test can start stores of its own.
///
/// # Panics
/// Outside of a test run.
pub fn servers() -> &'static Servers {
    static SERVERS_OF_THIS_RUN: OnceLock<Servers> = OnceLock::new();
    SERVERS_OF_THIS_RUN.get_or_init(|| {
        serde_json::from_str(&variable(SERVERS)).expect("with-stores writes what this reads")
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests have no command line to take settings from"
)]
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!(
            "{name} is not set: this test needs the stores of a test run. Run `make test`, or \
             `devstack with-stores -- cargo nextest run …` for a part of it"
        )
    })
}
