//! `devstack demo`: the site, a crowd that buys, its report, and what to try next.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::bail;
use clap::Args;
use devstack::stack_file::Stack;

use super::{Place, child, up};
use crate::say::say;

/// Sends a crowd through a site that is left running.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// What the crowd does
    #[arg(long, default_value = "loadtest/scenarios/demo.toml")]
    scenario: PathBuf,
}

impl Demo {
    pub(crate) async fn run(&self, place: &Place) -> anyhow::Result<ExitCode> {
        if !self.scenario.is_file() {
            bail!(
                "there is no scenario {}: run this in the folder of the repository, or name one with \
                 --scenario",
                self.scenario.display()
            );
        }
        let stack = up::bring_up(place).await?;
        let code = self.send_crowd(&place.dir()?, &stack).await?;
        show_what_next(&place.dir()?, &stack);
        Ok(code)
    }

    async fn send_crowd(&self, dir: &Path, stack: &Stack) -> anyhow::Result<ExitCode> {
        let reports = dir.join("reports");
        std::fs::create_dir_all(&reports)?;
        let mut crowd = Command::new(stack.bin.join("loadtest"));
        crowd.arg("run").arg(&self.scenario);
        crowd.arg("--stack").arg(dir.join("stack.json"));
        crowd.arg("--json").arg(reports.join("demo.json"));
        say("");
        child::run(crowd, child::Signals::catch()?).await
    }
}

fn show_what_next(dir: &Path, stack: &Stack) {
    let Stack {
        gatekeeper,
        booking_api,
        room,
        performance,
        bin,
        ..
    } = stack;
    let (bin, dir) = (bin.display(), dir.display());
    say(&format!(
        "
The site is still running.
  waiting room   {gatekeeper}/rooms/{room}
  shop           {booking_api}/v1/performances/{performance}
  metrics        {}/metrics  {}/metrics  {}/metrics
  logs           {dir}/logs

Walk in yourself:
  TOKEN=$({bin}/devstack user-token alice --dir {dir})
  curl -s -X POST -H \"Authorization: Bearer $TOKEN\" {gatekeeper}/v1/rooms/{room}/visitors
  curl -s -H \"Authorization: Bearer <token of that answer>\" {gatekeeper}/v1/rooms/{room}/visitors/me
  curl -s -H \"Authorization: Bearer $TOKEN\" -H \"Admission-Token: <admission_token of that answer>\" \\
    {booking_api}/v1/performances/{performance}/seats

Be the operator:
  set -a; . {dir}/env; set +a
  $bin/admitter status
  $bin/admitter rate {room} 500

Stop everything: make down",
        stack.gatekeeper_admin, stack.booking_admin, stack.admitter_admin,
    ));
}
