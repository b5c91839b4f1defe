//! `devstack user-token NAME`: a user token of the running site, to try calls with.

use std::process::ExitCode;

use clap::Args;

use super::Place;
use crate::say::say;

/// Whose token.
#[derive(Debug, Args)]
pub(crate) struct UserToken {
    /// The visitor or buyer, any name
    subject: String,
    /// A role: organiser or operator
    #[arg(long)]
    role: Option<String>,
}

impl UserToken {
    pub(crate) fn run(&self, place: &Place) -> anyhow::Result<ExitCode> {
        let keys = place.dir()?.join("data/keys");
        say(&devstack::user_token::mint(
            &keys,
            &self.subject,
            self.role.as_deref(),
        )?);
        Ok(ExitCode::SUCCESS)
    }
}
