//! `devstack demo`: the site, a crowd that buys, its report, and what to try next.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::bail;
use clap::Args;
use devstack::stack_file::Stack;

use super::{Place, child, up};
use crate::{say::say, site::Ports};

/// What a newcomer may try, with the facts of the site left open.
const NEXT_STEPS: &str = include_str!("demo/next_steps.txt");

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
        let stack = up::bring_up(place, Ports::Usual).await?;
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
    let (bin, dir) = (stack.bin.display().to_string(), dir.display().to_string());
    let facts = [
        ("<gatekeeper>", &stack.gatekeeper),
        ("<gatekeeper-admin>", &stack.gatekeeper_admin),
        ("<shop>", &stack.booking_api),
        ("<shop-admin>", &stack.booking_admin),
        ("<admitter-admin>", &stack.admitter_admin),
        ("<room>", &stack.room),
        ("<performance>", &stack.performance),
        ("<bin>", &bin),
        ("<dir>", &dir),
    ];
    let text = facts
        .iter()
        .fold(NEXT_STEPS.to_owned(), |text, (name, fact)| {
            text.replace(name, fact)
        });
    say(&text);
}
