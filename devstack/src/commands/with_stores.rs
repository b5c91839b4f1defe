//! `devstack with-stores -- COMMAND`: what `make test` runs its tests in.

use std::{
    ffi::OsString,
    path::Path,
    process::{Command, ExitCode},
};

use anyhow::bail;
use clap::Args;
use devstack::{
    keys,
    process::RUN_FOLDER_VARIABLE,
    runs::Run,
    servers::Servers,
    stores::{Durability, Postgres, RedisServer},
    test_stores,
};

use super::{Place, child};

/// What to run.
#[derive(Debug, Args)]
pub(crate) struct WithStores {
    /// Leave the database empty
    #[arg(long)]
    no_migrate: bool,
    /// The command and its arguments
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// What runs while the command does. Dropped in this order: the replica before its primary.
struct Stores {
    redis: RedisServer,
    replica: Postgres,
    primary: Postgres,
}

impl WithStores {
    pub(crate) async fn run(&self, place: &Place) -> anyhow::Result<ExitCode> {
        let signals = child::Signals::catch()?;
        let dir = place.dir()?;
        let run = Run::begin(&dir.join("runs"))?;
        let servers = place.locate_servers()?;
        let stores = Stores::start(&servers, run.folder())?;
        keys::make(&run.folder().join("keys"))?;
        if !self.no_migrate {
            migrate(&place.bin()?, &stores.primary.url())?;
        }
        let code = child::run(self.command(&servers, &stores, &run)?, signals).await;
        drop(stores);
        run.end()?;
        code
    }

    fn command(&self, servers: &Servers, stores: &Stores, run: &Run) -> anyhow::Result<Command> {
        let mut command = Command::new(&self.command[0]);
        command
            .args(&self.command[1..])
            .env(test_stores::REDIS_URL, stores.redis.url())
            .env(test_stores::DATABASE_URL, stores.primary.url())
            .env(test_stores::REPLICA_URL, stores.replica.url())
            .env(test_stores::KEYS, run.folder().join("keys"))
            .env(test_stores::SERVERS, serde_json::to_string(servers)?)
            .env(RUN_FOLDER_VARIABLE, run.notes())
            // The name by which sqlx's own test attribute finds the server.
            .env("DATABASE_URL", stores.primary.url());
        Ok(command)
    }
}

impl Stores {
    fn start(servers: &Servers, folder: &Path) -> anyhow::Result<Self> {
        let redis = RedisServer::start(servers, folder.join("redis"))?;
        let primary =
            Postgres::start_primary(servers, folder.join("postgres"), Durability::ProcessDeath)?;
        let replica = Postgres::start_replica(servers, folder.join("replica"), &primary)?;
        Ok(Self {
            redis,
            replica,
            primary,
        })
    }
}

fn migrate(bin: &Path, database_url: &str) -> anyhow::Result<()> {
    let program = bin.join("booking-api");
    if !program.is_file() {
        bail!(
            "{} is not built, and the migrations are in it: run `cargo build`, or pass --no-migrate",
            program.display()
        );
    }
    crate::site::migrate(&program, database_url)
}
