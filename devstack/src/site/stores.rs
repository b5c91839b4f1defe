//! The stores of a site: Redis, a primary of PostgreSQL, and its replica.

use anyhow::Context;
use devstack::{
    process::{Identity, Launch},
    servers::Servers,
    stores::{Durability, Folders, Postgres, RedisServer},
};

use super::{Site, remove_folder};
use crate::say::say;

/// Where the stores are.
pub(super) struct Urls {
    pub(super) redis: String,
    pub(super) postgres: String,
    pub(super) replica: String,
}

impl Site {
    /// Starts the stores that do not run. A store is made once; later it is only brought back.
    pub(super) fn bring_up_stores(
        &mut self,
        servers: impl FnOnce() -> anyhow::Result<Servers>,
    ) -> anyhow::Result<()> {
        let known = |name: &str| self.state.launch(name).is_some();
        let (has_redis, has_postgres) = (known("redis"), known("replica"));
        if has_redis {
            self.bring_back("redis")?;
        }
        if has_postgres {
            self.bring_back("postgres")?;
            self.bring_back("replica")?;
        }
        if has_redis && has_postgres {
            return Ok(());
        }
        let servers = servers()?;
        say(&format!("Stores: {servers}"));
        if !has_redis {
            self.make_redis(&servers)?;
        }
        if !has_postgres {
            self.make_postgres(&servers)?;
        }
        Ok(())
    }

    fn make_redis(&mut self, servers: &Servers) -> anyhow::Result<()> {
        let redis = RedisServer::start(servers, self.empty_folders("redis")?)?;
        self.state.redis = Some(redis.url());
        let (launch, identity) = redis.let_go();
        self.started(launch, identity.as_ref());
        self.save()
    }

    /// Primary and replica are made together: a replica is a copy of a primary that we hold.
    fn make_postgres(&mut self, servers: &Servers) -> anyhow::Result<()> {
        let primary = Postgres::start_primary(
            servers,
            self.empty_folders("postgres")?,
            Durability::PowerLoss,
        )?;
        let replica = Postgres::start_replica(servers, self.empty_folders("replica")?, &primary)?;
        self.state.postgres = Some(primary.url());
        self.state.replica = Some(replica.url());
        for server in [primary, replica] {
            let (launch, identity, outside) = server.let_go();
            self.state.outside.extend(outside);
            self.started(launch, identity.as_ref());
        }
        self.save()
    }

    fn started(&mut self, launch: Launch, identity: Option<&Identity>) {
        let pid = identity.map_or(0, |identity| identity.pid);
        say(&format!("  {:<14} process {pid}", launch.name));
        self.state.processes.push(launch);
    }

    /// A folder for a store in which nothing of an earlier attempt is left.
    fn empty_folders(&self, name: &str) -> anyhow::Result<Folders> {
        let data = self.data_folder().join(name);
        remove_folder(&data)?;
        Ok(Folders {
            data,
            logs: self.folder.join("logs"),
        })
    }

    pub(super) fn stores(&self) -> anyhow::Result<Urls> {
        let known = |url: &Option<String>| url.clone().context("the stores are not up");
        Ok(Urls {
            redis: known(&self.state.redis)?,
            postgres: known(&self.state.postgres)?,
            replica: known(&self.state.replica)?,
        })
    }
}
