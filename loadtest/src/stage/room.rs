//! Rooms are made by the operator's own tool, as an operator would.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use devstack::stack_file::Stack;
use jiff::Timestamp;
use tokio::process::Command;

/// Longest that one command of the operator may take.
const COMMAND_DEADLINE: Duration = Duration::from_secs(30);

/// The `admitter` program of the stack.
#[derive(Debug)]
pub(crate) struct Admitter {
    program: PathBuf,
    redis: String,
}

impl Admitter {
    pub(crate) fn of(stack: &Stack) -> Self {
        Self {
            program: stack.bin.join("admitter"),
            redis: stack.redis.clone(),
        }
    }

    /// Makes a room and opens it at once.
    pub(crate) async fn create(
        &self,
        room: &str,
        rate: u32,
        capacity: Option<u32>,
    ) -> anyhow::Result<()> {
        let rate = rate.to_string();
        let capacity = capacity.map(|capacity| capacity.to_string());
        let mut arguments = vec!["rooms", "create", room, "--rate", &rate];
        if let Some(capacity) = &capacity {
            arguments.extend(["--capacity", capacity]);
        }
        self.run(&arguments).await
    }

    /// Makes a room that opens at a time.
    pub(crate) async fn schedule(
        &self,
        room: &str,
        rate: u32,
        opens_at: Timestamp,
    ) -> anyhow::Result<()> {
        let (rate, opens_at) = (rate.to_string(), opens_at.to_string());
        let arguments = [
            "rooms",
            "create",
            room,
            "--rate",
            &rate,
            "--opens-at",
            &opens_at,
        ];
        self.run(&arguments).await
    }

    /// A scheduled room opens by lottery, by itself.
    pub(crate) async fn commit_lottery(
        &self,
        room: &str,
        public_value: &str,
    ) -> anyhow::Result<()> {
        let arguments = ["lottery", "commit", room, "--public-value", public_value];
        self.run(&arguments).await
    }

    /// Writes the proof of a draw.
    pub(crate) async fn publish_lottery(&self, room: &str, file: &Path) -> anyhow::Result<()> {
        let file = file.display().to_string();
        self.run(&["lottery", "publish", room, "--out", &file])
            .await
    }

    /// Recomputes a draw from its proof.
    pub(crate) async fn verify_lottery(&self, file: &Path) -> anyhow::Result<()> {
        self.run(&["lottery", "verify", &file.display().to_string()])
            .await
    }

    pub(crate) async fn remove(&self, room: &str) -> anyhow::Result<()> {
        self.run(&["rooms", "remove", room]).await
    }

    /// Nobody is admitted until the room is resumed.
    pub(crate) async fn pause(&self, room: &str) -> anyhow::Result<()> {
        self.run(&["pause", room]).await
    }

    /// Admissions go on.
    pub(crate) async fn resume(&self, room: &str) -> anyhow::Result<()> {
        self.run(&["resume", room]).await
    }

    async fn run(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let said = || format!("`{} {}`", self.program.display(), arguments.join(" "));
        let running = Command::new(&self.program)
            .args(arguments)
            .arg("--json")
            .env("ONSALE_REDIS_URL", &self.redis)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(COMMAND_DEADLINE, running)
            .await
            .with_context(|| format!("{} took too long", said()))?
            .with_context(|| format!("cannot start {}", said()))?;
        if !output.status.success() {
            let complaint = String::from_utf8_lossy(&output.stderr);
            bail!(
                "{} failed ({}): {}",
                said(),
                output.status,
                complaint.trim()
            );
        }
        Ok(())
    }
}
