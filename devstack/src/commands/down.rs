//! `devstack down`: stops everything that `devstack up` started, and nothing else.

use std::process::ExitCode;

use clap::Args;

use super::Place;
use crate::{say::say, site::Site};

/// Stops the site and throws its data away.
#[derive(Debug, Args)]
pub(crate) struct Down {
    /// Stop what is noted in the logs folder even if the state file is damaged
    #[arg(long)]
    force: bool,
}

impl Down {
    pub(crate) fn run(&self, place: &Place) -> anyhow::Result<ExitCode> {
        let dir = place.dir()?;
        let site = if self.force {
            Site::open_damaged(dir)?
        } else {
            Site::open(dir)?
        };
        if site.down()? {
            say("The site is down.");
        } else {
            say("Nothing was running.");
        }
        Ok(ExitCode::SUCCESS)
    }
}
