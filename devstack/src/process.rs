//! A process that we started: how it is started, when it counts as ready, how it ends.
//!
//! [`Launch`] is plain data, so that `devstack up` can write it down and a later `devstack up` can
//! bring back exactly what has died. Each process leads a group of its own, so that Ctrl-C in the
//! terminal of the command that started it does not reach it: stores must outlive the services.

mod identity;
mod note;
mod ready;
mod run_as;
mod running;

use std::{
    collections::BTreeMap,
    fs::File,
    io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use crate::ports;

pub(crate) use self::running::STOP_WITHIN;
pub use self::{
    identity::Identity,
    note::{EXTENSION as NOTE_EXTENSION, Note, RUN_FOLDER_VARIABLE},
    ready::Ready,
    run_as::{RunAs, RunAsError},
    running::Running,
};

/// How often a condition is looked at again while we wait for it.
pub(crate) const POLL_EVERY: Duration = Duration::from_millis(20);

/// Lines of a log shown when a process did not come up.
const LOG_LINES_SHOWN: usize = 12;

/// How long a store that was killed may refuse to start again, because what it left behind (child
/// processes, shared memory) is still on its way out.
const START_AGAIN_WITHIN: Duration = Duration::from_secs(10);

/// The signal by which a program ends in good order.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum StopSignal {
    /// SIGTERM
    Terminate,
    /// SIGINT: the "fast" shutdown of PostgreSQL, which does not wait for its clients to leave.
    Interrupt,
}

/// Everything needed to start a program, now or again later.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Launch {
    /// What we call it: `redis`, `booking-api-1`.
    pub name: String,
    /// Absolute path of the program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Variables added to the environment it inherits.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// The user it runs as.
    pub run_as: RunAs,
    /// Standard output and error are appended here.
    pub log: PathBuf,
    /// The ports of 127.0.0.1 that it listens on.
    pub ports: Vec<u16>,
    /// How it is asked to end.
    pub stop_signal: StopSignal,
    /// What tells that it is up.
    pub ready: Ready,
    /// How long that may take, in seconds.
    pub ready_within_seconds: u64,
}

/// Why a process is not running.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The program could not be executed at all.
    #[error("{name} cannot be started ({}): {source}", program.display())]
    Spawn {
        /// Name of the launch.
        name: String,
        /// The program.
        program: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Somebody else listens on its port.
    #[error(
        "port {port} of 127.0.0.1, which {name} needs, is taken by another program: stop that one. \
         `devstack down`, then `devstack up`, takes other ports"
    )]
    PortTaken {
        /// Name of the launch.
        name: String,
        /// The port.
        port: u16,
    },
    /// It ended before it was ready.
    #[error("{name} ended at once ({status}). The end of {}:\n{tail}", log.display())]
    Ended {
        /// Name of the launch.
        name: String,
        /// Its exit status.
        status: String,
        /// Where it logs.
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },
    /// It runs but is not ready.
    #[error("{name} was not ready within {within:?}. The end of {}:\n{tail}", log.display())]
    NotReady {
        /// Name of the launch.
        name: String,
        /// The deadline.
        within: Duration,
        /// Where it logs.
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },
}

impl Launch {
    /// Starts the program and waits, blocking, until it is ready.
    pub fn start(&self) -> Result<Running, StartError> {
        let mut running = self.spawn()?;
        let within = Duration::from_secs(self.ready_within_seconds);
        let deadline = Instant::now() + within;
        while !self.ready.check() {
            if let Some(error) = self.ended(&mut running) {
                return Err(error);
            }
            if Instant::now() > deadline {
                return Err(self.not_ready(within));
            }
            std::thread::sleep(POLL_EVERY);
        }
        Ok(running)
    }

    /// Like [`Launch::start`], for a program that was killed a moment ago: an early end is tried
    /// again for a while.
    pub fn start_again(&self) -> Result<Running, StartError> {
        let deadline = Instant::now() + START_AGAIN_WITHIN;
        loop {
            match self.start() {
                Err(StartError::Ended { .. } | StartError::PortTaken { .. })
                    if Instant::now() < deadline =>
                {
                    std::thread::sleep(POLL_EVERY * 5);
                }
                done => return done,
            }
        }
    }

    /// Starts the program without waiting for it.
    pub fn spawn(&self) -> Result<Running, StartError> {
        if let Some(port) = self
            .ports
            .iter()
            .copied()
            .find(|port| !ports::is_free(*port))
        {
            return Err(StartError::PortTaken {
                name: self.name.clone(),
                port,
            });
        }
        self.try_spawn().map_err(|source| StartError::Spawn {
            name: self.name.clone(),
            program: self.program.clone(),
            source,
        })
    }

    fn try_spawn(&self) -> io::Result<Running> {
        let log = open_log(&self.log)?;
        let child = self
            .run_as
            .command(&self.program)
            .args(&self.args)
            .envs(&self.env)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()?;
        Running::of(child, self)
    }

    /// Where the note of the process is: beside its log.
    pub fn note(&self) -> PathBuf {
        self.log.with_extension(NOTE_EXTENSION)
    }

    /// The process that was started from this launch, by whomever, if it still runs.
    pub fn still_running(&self) -> Option<Identity> {
        Note::read(&self.note())
            .map(|note| note.identity)
            .filter(Identity::is_alive)
    }

    /// The error to report when the program has ended although it should run.
    pub(crate) fn ended(&self, running: &mut Running) -> Option<StartError> {
        let status = running.exit_status()?;
        Some(StartError::Ended {
            name: self.name.clone(),
            status: status.to_string(),
            log: self.log.clone(),
            tail: tail(&self.log),
        })
    }

    /// The error to report when the program is not ready in time.
    pub(crate) fn not_ready(&self, within: Duration) -> StartError {
        StartError::NotReady {
            name: self.name.clone(),
            within,
            log: self.log.clone(),
            tail: tail(&self.log),
        }
    }
}

fn open_log(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    File::options().create(true).append(true).open(path)
}

fn tail(path: &Path) -> String {
    let text = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].join("\n")
}
