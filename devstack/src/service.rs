//! One of our services as a process: started from its binary, ready when its `/readyz` says so.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitStatus,
    time::{Duration, Instant},
};

use crate::process::{
    Identity, Launch, POLL_EVERY, Ready, RunAs, Running, STOP_WITHIN, StartError, StopSignal,
};

/// Seconds until a service must be ready. They start in a moment; a busy machine takes longer.
const READY_WITHIN_SECONDS: u64 = 30;

/// A running service. Dropped, it is asked to end.
#[derive(Debug)]
pub struct Service {
    launch: Launch,
    running: Running,
}

/// The folder of the built services: that of the current program, or, for a test, the one above.
pub fn bin_folder() -> std::io::Result<PathBuf> {
    let myself = std::env::current_exe()?;
    let folder = myself.parent().unwrap_or(Path::new("/"));
    let folder = if folder.ends_with("deps") {
        folder.parent().unwrap_or(folder)
    } else {
        folder
    };
    Ok(folder.to_owned())
}

impl Launch {
    /// A service called `name`, from the program `program`, whose admin port is `admin_port`. Its log
    /// is `<logs>/<name>.log`. Add arguments and settings, then [`Service::start`] it.
    pub fn service(name: &str, program: PathBuf, admin_port: u16, logs: &Path) -> Self {
        Self {
            name: name.to_owned(),
            program,
            args: Vec::new(),
            env: BTreeMap::new(),
            run_as: RunAs::Myself,
            log: logs.join(format!("{name}.log")),
            stop_signal: StopSignal::Terminate,
            ports: vec![admin_port],
            ready: Ready::Http {
                port: admin_port,
                path: "/readyz".to_owned(),
            },
            ready_within_seconds: READY_WITHIN_SECONDS,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<String>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Adds a port that it listens on besides.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.ports.push(port);
        self
    }

    /// Adds a setting to its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.insert(name.to_owned(), value.into());
        self
    }
}

impl Service {
    /// Starts a service and waits until it is ready.
    pub async fn start(launch: Launch) -> Result<Self, StartError> {
        let mut service = Self::start_unready(launch)?;
        service.until_ready().await?;
        Ok(service)
    }

    /// Starts a service without waiting: one that cannot become ready, say, because a store is away.
    pub fn start_unready(launch: Launch) -> Result<Self, StartError> {
        let running = launch.spawn()?;
        Ok(Self { launch, running })
    }

    /// Waits until it is ready, or has ended, or time is over.
    pub async fn until_ready(&mut self) -> Result<(), StartError> {
        let within = Duration::from_secs(self.launch.ready_within_seconds);
        let deadline = Instant::now() + within;
        while !self.is_ready().await {
            if let Some(error) = self.launch.ended(&mut self.running) {
                return Err(error);
            }
            if Instant::now() > deadline {
                return Err(self.launch.not_ready(within));
            }
            tokio::time::sleep(POLL_EVERY).await;
        }
        Ok(())
    }

    /// Asks once.
    pub async fn is_ready(&self) -> bool {
        let ready = self.launch.ready.clone();
        tokio::task::spawn_blocking(move || ready.check())
            .await
            .unwrap_or(false)
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// Where it logs.
    pub fn log(&self) -> &Path {
        &self.launch.log
    }

    /// Sends SIGTERM and does not wait.
    pub fn terminate(&mut self) -> std::io::Result<()> {
        self.running.signal(StopSignal::Terminate)
    }

    /// Kills it as a crash would, and waits for its end.
    pub fn kill(&mut self) -> std::io::Result<ExitStatus> {
        self.running.kill()
    }

    /// Waits for its end, none if it still runs after `within`.
    pub async fn until_ended(&mut self, within: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + within;
        loop {
            let status = self.running.exit_status();
            if status.is_some() || Instant::now() > deadline {
                return status;
            }
            tokio::time::sleep(POLL_EVERY).await;
        }
    }

    /// Starts it again with the same settings; ends it first if it runs.
    pub async fn restart(&mut self) -> Result<(), StartError> {
        // Whether it ends well is of no interest to whoever wants a new one.
        let _ = self.running.stop(STOP_WITHIN);
        self.running = self.launch.spawn()?;
        self.until_ready().await
    }

    /// Lets it run on without us: how to start it again, and who it is.
    pub fn let_go(self) -> (Launch, Identity) {
        (self.launch, self.running.let_go())
    }
}
