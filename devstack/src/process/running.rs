//! A process that is our child: stopped when dropped, unless it was let go.

use std::{
    io,
    path::PathBuf,
    process::{Child, ExitStatus},
    time::{Duration, Instant},
};

use nix::sys::signal::kill;

use super::{Identity, Launch, Note, POLL_EVERY, StopSignal, identity, note};

/// How long a process may take to end in good order before it is killed.
pub(crate) const STOP_WITHIN: Duration = Duration::from_secs(10);

/// A process that runs as our child.
#[derive(Debug)]
pub struct Running {
    child: Child,
    identity: Identity,
    stop_signal: StopSignal,
    notes: Vec<PathBuf>,
    let_go: bool,
}

impl Running {
    pub(super) fn of(child: Child, launch: &Launch) -> io::Result<Self> {
        let identity = Identity::of_child(child.id())
            .ok_or_else(|| io::Error::other("the system does not show its own child"))?;
        let stop_signal = launch.stop_signal;
        let mut running = Self {
            child,
            identity,
            stop_signal,
            notes: Vec::new(),
            let_go: false,
        };
        let note = Note {
            identity: running.identity.clone(),
            stop_signal,
        };
        running.notes = note.leave(launch)?;
        Ok(running)
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.identity.pid
    }

    /// Its identity.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// How it ended, if it has.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Asks it to end and waits; kills it when it does not within `patience`.
    pub fn stop(&mut self, patience: Duration) -> io::Result<ExitStatus> {
        self.signal(self.stop_signal)?;
        match self.wait(patience)? {
            Some(status) => Ok(status),
            None => self.kill(),
        }
    }

    /// Asks it to end without waiting.
    pub fn signal(&mut self, signal: StopSignal) -> io::Result<()> {
        if self.child.try_wait()?.is_none() {
            // Not reaped yet, so the id is still its own.
            kill(
                identity::pid(self.child.id()),
                nix::sys::signal::Signal::from(signal),
            )?;
        }
        Ok(())
    }

    /// Kills it with SIGKILL, as a crash would, and waits for its end.
    pub fn kill(&mut self) -> io::Result<ExitStatus> {
        self.child.kill()?;
        self.child.wait()
    }

    /// Waits until it has ended, none if it has not within `patience`.
    pub fn wait(&mut self, patience: Duration) -> io::Result<Option<ExitStatus>> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            if Instant::now() > deadline {
                return Ok(None);
            }
            std::thread::sleep(POLL_EVERY);
        }
    }

    /// Lets it run on after this handle, and this process, have gone.
    pub fn let_go(mut self) -> Identity {
        self.let_go = true;
        self.identity.clone()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.let_go {
            return;
        }
        // Nobody is left to whom a failure could be told. The notes then stay for others to see.
        if self.stop(STOP_WITHIN).is_ok() {
            for path in &self.notes {
                let _ = note::remove(path);
            }
        }
    }
}
