//! PostgreSQL: a primary with everything durable, and streaming replicas of it.
//!
//! TCP on 127.0.0.1 only: paths of sockets may have at most 107 bytes, which a folder deep in
//! somebody's home exceeds. A random password keeps other users of this machine out.

mod tools;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use self::tools::Tools;
use super::{Folders, Server, StoreError};
use crate::{
    process::{Identity, Launch, Ready, RunAs, StopSignal},
    servers::Servers,
};

/// The superuser, and the database that every server has from the start.
const NAME: &str = "onsale";

/// Seconds until a server must take connections; recovery after a crash is what takes time.
const READY_WITHIN_SECONDS: u64 = 60;

/// Settings of every server. The rest is PostgreSQL's default.
const SETTINGS: [&str; 10] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "wal_level=replica",
    "max_wal_senders=10",
    // What a replica may miss while it is away before it has to be made anew.
    "wal_keep_size=512MB",
    "hot_standby=on",
    // Tests run in parallel, each in a process with pools of its own.
    "max_connections=200",
    "shared_buffers=128MB",
    "timezone=UTC",
    "log_timezone=UTC",
];

/// What a server survives. Both survive being killed: what was written is the kernel's by then.
#[derive(Clone, Copy, Debug)]
pub enum Durability {
    /// A loss of power, too: every commit waits for the disk.
    PowerLoss,
    /// Not more: commits do not wait for the disk. For tests, which make hundreds of databases.
    ProcessDeath,
}

/// A private PostgreSQL server.
#[derive(Debug)]
pub struct Postgres {
    server: Server,
    port: u16,
    password: String,
    durability: Durability,
    home: Home,
}

/// Where a server keeps its files, and as whom it does so.
#[derive(Debug)]
struct Home {
    run_as: RunAs,
    data: PathBuf,
    /// A folder outside of the one we were given, which is ours to remove.
    outside: Option<PathBuf>,
}

impl Postgres {
    /// Makes and starts a primary with an empty database `onsale`. Its data is kept in `folders`,
    /// or, when a root without user namespaces has to become somebody else, where that user can reach.
    pub fn start_primary(
        servers: &Servers,
        folders: impl Into<Folders>,
        durability: Durability,
    ) -> Result<Self, StoreError> {
        let folders = folders.into();
        let home = Home::make(servers, &folders.data)?;
        let password = format!("{:032x}", rand::random::<u128>());
        let tools = Tools {
            servers,
            run_as: home.run_as,
            password: &password,
        };
        tools.initdb(&home.data, NAME)?;
        let primary = Self::start(
            servers,
            &folders,
            "postgres",
            password.clone(),
            durability,
            home,
        )?;
        tools.createdb(primary.port, NAME, NAME)?;
        Ok(primary)
    }

    /// Copies a running primary into `folders` and starts the copy, which follows by streaming.
    pub fn start_replica(
        servers: &Servers,
        folders: impl Into<Folders>,
        primary: &Self,
    ) -> Result<Self, StoreError> {
        let folders = folders.into();
        let home = Home::make(servers, &folders.data)?;
        let password = primary.password.clone();
        let tools = Tools {
            servers,
            run_as: home.run_as,
            password: &password,
        };
        tools.basebackup(&home.data, primary.port, NAME)?;
        Self::start(
            servers,
            &folders,
            "replica",
            password,
            primary.durability,
            home,
        )
    }

    fn start(
        servers: &Servers,
        folders: &Folders,
        name: &str,
        password: String,
        durability: Durability,
        home: Home,
    ) -> Result<Self, StoreError> {
        let (server, port) =
            Server::on_a_free_port(|port| launch(servers, folders, name, port, durability, &home))?;
        Ok(Self {
            server,
            port,
            password,
            durability,
            home,
        })
    }

    /// `postgres://onsale:PASSWORD@127.0.0.1:PORT/onsale`, as superuser.
    pub fn url(&self) -> String {
        self.url_of(NAME)
    }

    /// The URL of another database of this server.
    pub fn url_of(&self, database: &str) -> String {
        let Self { port, password, .. } = self;
        format!("postgres://{NAME}:{password}@127.0.0.1:{port}/{database}?sslmode=disable")
    }

    /// Its port on 127.0.0.1, the same after every restart.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process id of its first process while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.server.pid()
    }

    /// Ends it in good order, without waiting for its clients to leave.
    pub fn stop(&mut self) -> Result<(), StoreError> {
        self.server.stop()
    }

    /// Kills its first process as a crash would; the others see that and end too.
    pub fn kill(&mut self) -> Result<(), StoreError> {
        self.server.kill()
    }

    /// Starts it again with its data, on the same port; ends it first if it runs.
    pub fn restart(&mut self) -> Result<(), StoreError> {
        self.server.restart()
    }

    /// Lets it run on without us: how to start it again, who it is, and the folder that somebody
    /// has to remove after it, if it is not in the one that was given.
    pub fn let_go(self) -> (Launch, Option<Identity>, Option<PathBuf>) {
        let Self {
            server, mut home, ..
        } = self;
        let (launch, identity) = server.let_go();
        (launch, identity, home.outside.take())
    }
}

impl Home {
    fn make(servers: &Servers, folder: &Path) -> Result<Self, StoreError> {
        let program = servers.postgres_program("postgres");
        let (run_as, home) = RunAs::for_postgres(&program, folder)?;
        let outside = (home != folder).then(|| home.clone());
        Ok(Self {
            run_as,
            data: home.join("data"),
            outside,
        })
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Some(folder) = &self.outside {
            // Best effort: the system empties its folder for temporary files anyway.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

fn launch(
    servers: &Servers,
    folders: &Folders,
    name: &str,
    port: u16,
    durability: Durability,
    home: &Home,
) -> Launch {
    let mut args = vec!["-D".to_owned(), home.data.display().to_string()];
    args.extend(["-p".to_owned(), port.to_string()]);
    args.extend(
        SETTINGS
            .iter()
            .flat_map(|setting| ["-c".to_owned(), (*setting).to_owned()]),
    );
    if matches!(durability, Durability::ProcessDeath) {
        args.extend(["-c".to_owned(), "fsync=off".to_owned()]);
    }
    Launch {
        name: name.to_owned(),
        program: servers.postgres_program("postgres"),
        args,
        env: BTreeMap::from([("LC_ALL".to_owned(), "C".to_owned())]),
        run_as: home.run_as,
        log: folders.logs.join(format!("{name}.log")),
        ports: vec![port],
        stop_signal: StopSignal::Interrupt,
        ready: Ready::Postgres {
            port,
            pg_isready: servers.postgres_program("pg_isready"),
        },
        ready_within_seconds: READY_WITHIN_SECONDS,
    }
}
