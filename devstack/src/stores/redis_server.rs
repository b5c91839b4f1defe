//! One Redis (or Valkey) server, set as production sets it: it appends every write to a file, and
//! refuses writes rather than forget something when memory ends.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use redis::{Connection, RedisResult};

use super::{Folders, Server, StoreError};
use crate::{
    process::{Identity, Launch, Ready, RunAs, StopSignal},
    servers::Servers,
};

/// Seconds until a server must answer; loading a large append-only file is what takes time.
const READY_WITHIN_SECONDS: u64 = 30;

/// The longest that a server of ours may take to answer one command of ours.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// A private Redis server.
#[derive(Debug)]
pub struct RedisServer {
    server: Server,
    port: u16,
    data: PathBuf,
}

impl RedisServer {
    /// Starts a server that keeps its files in `folders`.
    pub fn start(servers: &Servers, folders: impl Into<Folders>) -> Result<Self, StoreError> {
        Self::start_with(servers, &folders.into(), "redis", |_| Vec::new())
    }

    /// Starts a server with settings of its own, which may depend on its port.
    pub(super) fn start_with(
        servers: &Servers,
        folders: &Folders,
        name: &str,
        settings: impl Fn(u16) -> Vec<String>,
    ) -> Result<Self, StoreError> {
        std::fs::create_dir_all(&folders.data)
            .map_err(StoreError::io("making the folder of Redis"))?;
        let (server, port) = Server::on_a_free_port(|port| {
            let mut launch = launch(servers, folders, name, port);
            launch.args.extend(settings(port));
            launch
        })?;
        let data = folders.data.clone();
        Ok(Self { server, port, data })
    }

    /// `redis://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Its port on 127.0.0.1, the same after every restart.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process id while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.server.pid()
    }

    /// From now on an answered write survives [`Self::kill`], at the price of speed: for tests of what must
    /// come back, which are not about what an outage may lose.
    pub fn keep_every_write(&self) -> Result<(), StoreError> {
        let mut set = redis::cmd("CONFIG");
        set.arg("SET").arg("appendfsync").arg("always");
        let done = connect(self.port).and_then(|mut server| set.query::<()>(&mut server));
        done.map_err(|source| StoreError::Redis {
            doing: "keep every write",
            source,
        })
    }

    /// Ends it in good order.
    pub fn stop(&mut self) -> Result<(), StoreError> {
        self.server.stop()
    }

    /// Kills it as a crash would: up to a second of writes is lost.
    pub fn kill(&mut self) -> Result<(), StoreError> {
        self.server.kill()
    }

    /// Starts it again with its data, on the same port; ends it first if it runs.
    pub fn restart(&mut self) -> Result<(), StoreError> {
        self.server.restart()
    }

    /// Kills it and starts it again without its data, as a lost disk would.
    pub fn restart_empty(&mut self) -> Result<(), StoreError> {
        self.server.kill()?;
        let emptied =
            std::fs::remove_dir_all(&self.data).and_then(|()| std::fs::create_dir_all(&self.data));
        emptied.map_err(StoreError::io("emptying the folder of Redis"))?;
        self.server.restart()
    }

    /// Lets it run on without us: how to start it again, and who it is.
    pub fn let_go(self) -> (Launch, Option<Identity>) {
        self.server.let_go()
    }
}

fn launch(servers: &Servers, folders: &Folders, name: &str, port: u16) -> Launch {
    let settings = [
        ("--port", port.to_string()),
        // Loopback only, hence no password: everybody on this machine can reach it, nobody else.
        ("--bind", "127.0.0.1".to_owned()),
        ("--dir", folders.data.display().to_string()),
        ("--appendonly", "yes".to_owned()),
        ("--appendfsync", "everysec".to_owned()),
        ("--save", String::new()),
        ("--maxmemory-policy", "noeviction".to_owned()),
        ("--daemonize", "no".to_owned()),
    ];
    Launch {
        name: name.to_owned(),
        program: servers.redis.clone(),
        args: settings
            .into_iter()
            .flat_map(|(flag, value)| [flag.to_owned(), value])
            .collect(),
        // An unknown LANG of the caller would make Valkey refuse to start.
        env: BTreeMap::from([("LC_ALL".to_owned(), "C".to_owned())]),
        run_as: RunAs::Myself,
        log: folders.logs.join(format!("{name}.log")),
        ports: vec![port],
        stop_signal: StopSignal::Terminate,
        ready: Ready::Redis { port },
        ready_within_seconds: READY_WITHIN_SECONDS,
    }
}

/// A connection to a server of ours.
pub(super) fn connect(port: u16) -> RedisResult<Connection> {
    let url = format!("redis://127.0.0.1:{port}");
    let connection = redis::Client::open(url)?.get_connection_with_timeout(ANSWER_WITHIN)?;
    connection.set_read_timeout(Some(ANSWER_WITHIN))?;
    connection.set_write_timeout(Some(ANSWER_WITHIN))?;
    Ok(connection)
}
