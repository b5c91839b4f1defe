//! Private stores: each listens on a free port of 127.0.0.1, keeps its files in a folder of its own,
//! and ends when its handle is dropped. Everything here blocks, so that any test can use it.

mod cluster;
mod postgres;
mod redis_server;
mod sentinel;

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitStatus,
};

pub use self::{
    cluster::RedisCluster,
    postgres::{Durability, Postgres},
    redis_server::RedisServer,
    sentinel::RedisSentinels,
};
use crate::{
    ports::{self, NoFreePort},
    process::{Identity, Launch, RunAsError, Running, STOP_WITHIN, StartError},
};

/// Where a store keeps its files.
#[derive(Clone, Debug)]
pub struct Folders {
    /// Its data.
    pub data: PathBuf,
    /// Its log, and the note of its process.
    pub logs: PathBuf,
}

impl<P: AsRef<Path>> From<P> for Folders {
    /// Everything in one folder.
    fn from(folder: P) -> Self {
        let folder = folder.as_ref().to_owned();
        Self {
            data: folder.clone(),
            logs: folder,
        }
    }
}

/// A free port may be taken by somebody else before our server listens on it; then another is tried.
const PORTS_TRIED: usize = 3;

/// Why a store is not there.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The server does not run.
    #[error(transparent)]
    Start(#[from] StartError),
    /// There is no port for it.
    #[error(transparent)]
    Port(#[from] NoFreePort),
    /// PostgreSQL cannot be run by this user.
    #[error(transparent)]
    RunAs(#[from] RunAsError),
    /// A file or a process did not do what it should.
    #[error("{doing}: {source}")]
    Io {
        /// What we were doing.
        doing: String,
        /// What went wrong.
        source: io::Error,
    },
    /// A program that prepares a store failed.
    #[error("{} failed ({status}):\n{said}", program.display())]
    Tool {
        /// The program.
        program: PathBuf,
        /// How it ended.
        status: ExitStatus,
        /// What it printed.
        said: String,
    },
    /// Redis refused a command of ours.
    #[error("Redis refused to {doing}: {source}")]
    Redis {
        /// What we were doing.
        doing: &'static str,
        /// What it said.
        source: redis::RedisError,
    },
    /// Something that should happen by itself did not.
    #[error("{what} did not happen within {seconds} s")]
    Late {
        /// What we waited for.
        what: &'static str,
        /// How long.
        seconds: u64,
    },
}

impl StoreError {
    /// For `map_err`: what we were doing when the system said no.
    fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}

/// A launched program that can be stopped, killed and started again at the same address.
#[derive(Debug)]
struct Server {
    launch: Launch,
    running: Option<Running>,
}

impl Server {
    /// Starts what `launch` describes for a port, on a port that is free.
    fn on_a_free_port(launch: impl Fn(u16) -> Launch) -> Result<(Self, u16), StoreError> {
        let mut attempt = 1;
        loop {
            let port = ports::free()?;
            let launch = launch(port);
            match launch.start() {
                Ok(running) => {
                    return Ok((
                        Self {
                            launch,
                            running: Some(running),
                        },
                        port,
                    ));
                }
                Err(StartError::Ended { .. } | StartError::PortTaken { .. })
                    if attempt < PORTS_TRIED =>
                {
                    attempt += 1;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn pid(&self) -> Option<u32> {
        self.running.as_ref().map(Running::pid)
    }

    fn stop(&mut self) -> Result<(), StoreError> {
        self.end(|running| running.stop(STOP_WITHIN))
    }

    fn kill(&mut self) -> Result<(), StoreError> {
        self.end(Running::kill)
    }

    fn restart(&mut self) -> Result<(), StoreError> {
        self.stop()?;
        self.running = Some(self.launch.start_again()?);
        Ok(())
    }

    fn let_go(mut self) -> (Launch, Option<Identity>) {
        let identity = self.running.take().map(Running::let_go);
        (self.launch, identity)
    }

    fn end(&mut self, how: fn(&mut Running) -> io::Result<ExitStatus>) -> Result<(), StoreError> {
        match self.running.take() {
            None => Ok(()),
            Some(mut running) => how(&mut running)
                .map(drop)
                .map_err(StoreError::io(format!("ending {}", self.launch.name))),
        }
    }
}
