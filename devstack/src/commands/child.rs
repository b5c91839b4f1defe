//! Runs the user's command as our child, so that a signal ends both in the right order: the command
//! first, then what we started for it.

use std::{
    os::unix::process::ExitStatusExt,
    process::{Command, ExitCode, ExitStatus},
    time::Duration,
};

use anyhow::Context;
use nix::{sys::signal::Signal, unistd::Pid};
use tokio::{
    process::Child,
    signal::unix::{SignalKind, signal},
    time::timeout,
};

/// How long the command may take to end by itself after Ctrl-C before it is asked to.
const LEAVE_WITHIN: Duration = Duration::from_secs(10);

/// How long it may take when asked before it is killed.
const END_WITHIN: Duration = Duration::from_secs(30);

/// The signals that end us. Caught from the start, because stores are started before the command.
pub(crate) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

impl Signals {
    pub(crate) fn catch() -> anyhow::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for any of them.
    pub(crate) async fn any(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}

/// Runs the command and returns its exit code as a shell would: 128 + signal when one ended it.
pub(crate) async fn run(command: Command, mut signals: Signals) -> anyhow::Result<ExitCode> {
    let program = command.get_program().display().to_string();
    let child = tokio::process::Command::from(command).spawn();
    let mut child = child.with_context(|| format!("running {program}"))?;
    let status = tokio::select! {
        status = child.wait() => status?,
        // The terminal has sent it to the command too, which may need a moment to end well.
        _ = signals.interrupt.recv() => match timeout(LEAVE_WITHIN, child.wait()).await {
            Ok(status) => status?,
            Err(_) => end(&mut child).await?,
        },
        _ = signals.terminate.recv() => end(&mut child).await?,
        _ = signals.hang_up.recv() => end(&mut child).await?,
    };
    Ok(exit_code(status))
}

async fn end(child: &mut Child) -> anyhow::Result<ExitStatus> {
    if let Some(id) = child.id() {
        nix::sys::signal::kill(Pid::from_raw(i32::try_from(id)?), Signal::SIGTERM)?;
    }
    if let Ok(status) = timeout(END_WITHIN, child.wait()).await {
        return Ok(status?);
    }
    child.kill().await?;
    Ok(child.wait().await?)
}

fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from)
}
