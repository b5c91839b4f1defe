//! A process id alone says little: the system gives it to somebody else once its owner has gone.
//! The id together with the moment at which the process started is an identity, and only a process
//! that still has the recorded identity is ever signalled.

use std::{
    io,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde::{Deserialize, Serialize};

use super::{POLL_EVERY, StopSignal};

/// A process that cannot be mistaken for a later one with the same id.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Identity {
    /// The process id.
    pub pid: u32,
    /// When it started, in the system's own words. Only compared, never read.
    pub started: String,
}

impl Identity {
    /// The identity of a running process, none if there is no such process.
    pub fn of(pid: u32) -> Option<Self> {
        Self::of_child(pid).filter(Self::is_alive)
    }

    /// The identity of a child that nobody has waited for yet: it has one even if it has ended.
    pub(super) fn of_child(pid: u32) -> Option<Self> {
        let (_, started) = system::look_at(pid)?;
        Some(Self { pid, started })
    }

    /// The identity of this very process.
    ///
    /// # Panics
    /// Never: a process that asks is running.
    pub fn of_myself() -> Self {
        Self::of(std::process::id()).expect("a process that asks is running")
    }

    /// Whether this process, and not another with its id, still runs. A zombie does not.
    pub fn is_alive(&self) -> bool {
        system::look_at(self.pid)
            .is_some_and(|(life, started)| life == Life::Running && started == self.started)
    }

    /// Sends a signal if the process is still the one recorded. Says whether it was.
    pub fn signal(&self, signal: Signal) -> io::Result<bool> {
        if !self.is_alive() {
            return Ok(false);
        }
        match kill(pid(self.pid), signal) {
            Ok(()) => Ok(true),
            Err(Errno::ESRCH) => Ok(false),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Asks the process to end, waits, and kills it if it has not ended within `patience`.
    pub fn stop(&self, signal: StopSignal, patience: Duration) -> io::Result<()> {
        self.signal(signal.into())?;
        if !self.gone_within(patience) {
            self.signal(Signal::SIGKILL)?;
            self.gone_within(patience);
        }
        Ok(())
    }

    fn gone_within(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        while self.is_alive() {
            if Instant::now() > deadline {
                return false;
            }
            std::thread::sleep(POLL_EVERY);
        }
        true
    }
}

/// Whether a process does anything any more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    Running,
    /// A zombie, which waits for its parent to notice.
    Over,
}

impl From<StopSignal> for Signal {
    fn from(signal: StopSignal) -> Self {
        match signal {
            StopSignal::Terminate => Self::SIGTERM,
            StopSignal::Interrupt => Self::SIGINT,
        }
    }
}

/// The id in the type that the system calls take.
pub(crate) fn pid(id: u32) -> Pid {
    Pid::from_raw(i32::try_from(id).expect("the system gives out ids that fit"))
}

#[cfg(target_os = "linux")]
mod system {
    use std::fs;

    use super::Life;

    /// Fields of `/proc/<pid>/stat` behind the name of the command (see proc(5), where they are
    /// counted from 1 and the name is the second).
    const STATE: usize = 0;
    const START_TIME_TICKS: usize = 19;

    pub(super) fn look_at(pid: u32) -> Option<(Life, String)> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name stands in parentheses and may itself contain spaces and parentheses.
        let (_, behind_name) = stat.rsplit_once(") ")?;
        let fields: Vec<&str> = behind_name.split(' ').collect();
        let is_over = matches!(*fields.get(STATE)?, "Z" | "X");
        // Ticks count from the boot, so the boot belongs to the identity too.
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let started = format!("{}@{}", fields.get(START_TIME_TICKS)?, boot.trim());
        Some((if is_over { Life::Over } else { Life::Running }, started))
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::process::Command;

    use super::Life;

    pub(super) fn look_at(pid: u32) -> Option<(Life, String)> {
        let output = Command::new("ps")
            .args(["-o", "stat=,lstart=", "-p", &pid.to_string()])
            .output()
            .ok()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let (state, started) = text.trim().split_once(' ')?;
        let life = if state.starts_with('Z') {
            Life::Over
        } else {
            Life::Running
        };
        Some((life, started.trim().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_with_another_start_is_somebody_else() {
        let me = Identity::of_myself();
        let former = Identity {
            started: "long ago".to_owned(),
            ..me.clone()
        };
        assert!(me.is_alive());
        assert!(!former.is_alive());
        assert!(
            !former.signal(Signal::SIGKILL).unwrap(),
            "this test would be dead otherwise"
        );
    }
}
