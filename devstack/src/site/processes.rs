//! The processes of a site: brought up in order, taken down in the opposite one.

use std::{
    fs,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use devstack::process::{Identity, Launch, NOTE_EXTENSION, Note, Running};

use super::Site;
use crate::say::say;

/// How long a service may take to finish what it does. Its own deadline is shorter.
const STOP_WITHIN: Duration = Duration::from_secs(30);

impl Site {
    /// Makes sure that a process runs and is ready: as it was started before, or as `launch` says if
    /// it never was.
    pub(super) fn bring_up(&mut self, launch: &Launch) -> anyhow::Result<()> {
        if self.state.launch(&launch.name).is_some() {
            return self.bring_back(&launch.name);
        }
        // Written down before it runs, so that nothing runs that nobody knows of.
        self.state.processes.push(launch.clone());
        self.save()?;
        start(launch)
    }

    /// Makes sure that a process that was started before runs and is ready.
    pub(super) fn bring_back(&mut self, name: &str) -> anyhow::Result<()> {
        let launch = self
            .state
            .launch(name)
            .with_context(|| format!("{name} was never started"))?;
        if let Some(running) = launch.still_running()
            && becomes_ready(launch, &running)?
        {
            return Ok(());
        }
        say(&format!("{name} does not run any more; starting it again"));
        start(launch)
    }

    /// Stops all processes of the site, the youngest first. Says whether any was running.
    pub(super) fn stop_all(&mut self) -> anyhow::Result<bool> {
        let mut any = false;
        while let Some(launch) = self.state.processes.pop() {
            if let Some(identity) = launch.still_running() {
                any = true;
                identity
                    .stop(launch.stop_signal, STOP_WITHIN)
                    .with_context(|| format!("stopping {}", launch.name))?;
                say(&format!("  {:<14} stopped", launch.name));
            }
            super::remove_file(&launch.note())?;
            self.save()?;
        }
        Ok(any)
    }

    /// Stops what was started here by a command that was killed before it could write it down.
    pub(super) fn stop_strangers(&self) -> anyhow::Result<()> {
        let known: Vec<_> = self.state.processes.iter().map(Launch::note).collect();
        for entry in fs::read_dir(self.folder.join("logs"))
            .into_iter()
            .flatten()
            .flatten()
        {
            let path = entry.path();
            let is_note = path
                .extension()
                .is_some_and(|extension| extension == NOTE_EXTENSION);
            if is_note
                && !known.contains(&path)
                && let Some(note) = Note::read(&path)
            {
                note.settle(&path)
                    .with_context(|| format!("settling {}", path.display()))?;
            }
        }
        Ok(())
    }
}

fn start(launch: &Launch) -> anyhow::Result<()> {
    let identity = launch.start_again().map(Running::let_go)?;
    say(&format!("  {:<14} process {}", launch.name, identity.pid));
    Ok(())
}

/// Waits until a process that runs is ready. False if it ends meanwhile: one that was killed a moment ago still seems to run.
fn becomes_ready(launch: &Launch, running: &Identity) -> anyhow::Result<bool> {
    let deadline = Instant::now() + Duration::from_secs(launch.ready_within_seconds);
    while !launch.ready.check() {
        if !running.is_alive() {
            return Ok(false);
        }
        if Instant::now() > deadline {
            bail!(
                "{} runs (process {}) but is not ready; its log is {}. `make down`, then `make up`, \
                 begins anew",
                launch.name,
                running.pid,
                launch.log.display()
            );
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(true)
}
