//! `devstack up`: everything in the background, ready when the command returns.

use std::process::ExitCode;

use clap::Args;
use devstack::stack_file::Stack;

use super::Place;
use crate::{say::say, site::Site};

/// Starts what does not run.
#[derive(Debug, Args)]
pub(crate) struct Up {}

impl Up {
    pub(crate) async fn run(&self, place: &Place) -> anyhow::Result<ExitCode> {
        let stack = bring_up(place).await?;
        say("");
        say(&format!(
            "The site is up. Gatekeeper {}, shop {}.",
            stack.gatekeeper, stack.booking_api
        ));
        say(&format!(
            "Where everything is: {}",
            place.dir()?.join("stack.json").display()
        ));
        Ok(ExitCode::SUCCESS)
    }
}

/// Brings the site up and lets it run.
pub(super) async fn bring_up(place: &Place) -> anyhow::Result<Stack> {
    let dir = place.dir()?;
    let mut site = Site::open(dir.clone())?;
    site.up(&place.bin()?, || place.locate_servers(&dir)).await
}
