//! `devstack up`: everything in the background, ready when the command returns.

use std::process::ExitCode;

use clap::Args;
use devstack::stack_file::Stack;

use super::Place;
use crate::{
    say::say,
    site::{Ports, Site},
};

/// Starts what does not run.
#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Take any free ports, not the usual ones: for several sites on one machine
    #[arg(long)]
    any_ports: bool,
}

impl Up {
    pub(crate) async fn run(&self, place: &Place) -> anyhow::Result<ExitCode> {
        let stack = bring_up(
            place,
            if self.any_ports {
                Ports::Any
            } else {
                Ports::Usual
            },
        )
        .await?;
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
pub(super) async fn bring_up(place: &Place, ports: Ports) -> anyhow::Result<Stack> {
    let mut site = Site::open(place.dir()?)?;
    site.up(&place.bin()?, ports, || place.locate_servers())
        .await
}
