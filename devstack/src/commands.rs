//! The command line.

mod child;
mod demo;
mod down;
mod gateway;
mod up;
mod user_token;
mod with_stores;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use devstack::servers::{Servers, Source};

/// Private stores, keys, services and a simulated payment gateway on one machine.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Devstack {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

/// Where things are.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// Folder for everything that is started, kept or logged
    #[arg(
        long,
        env = "ONSALE_DEVSTACK_DIR",
        default_value = ".dev",
        global = true
    )]
    dir: PathBuf,
    /// Folder of fetched servers; several state folders share it
    #[arg(
        long,
        env = "ONSALE_SERVERS_DIR",
        default_value = ".dev/servers",
        global = true
    )]
    servers_dir: PathBuf,
    /// Folder of the built services [default: the folder of this program]
    #[arg(long, env = "ONSALE_BIN", global = true)]
    bin: Option<PathBuf>,
    /// Where Redis and PostgreSQL come from
    #[arg(long, env = "ONSALE_SERVERS", value_enum, default_value_t = Source::Any, global = true)]
    servers: Source,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts stores, services, a room and a concert in the background; twice is once
    Up(up::Up),
    /// Stops everything that `up` started, and throws its data away
    Down(down::Down),
    /// Sends a crowd of virtual buyers through the site, and leaves the site running
    Demo(demo::Demo),
    /// Prints a user token of the running site
    UserToken(user_token::UserToken),
    /// Runs a command with private stores, and stops them when it ends
    WithStores(with_stores::WithStores),
    /// Serves the simulated payment gateway until it is told to stop
    Gateway(gateway::Gateway),
}

impl Devstack {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Up(command) => command.run(&self.place).await,
            Command::Down(command) => command.run(&self.place),
            Command::Demo(command) => command.run(&self.place).await,
            Command::UserToken(command) => command.run(&self.place),
            Command::Gateway(command) => command.run(&self.place).await,
            Command::WithStores(command) => command.run(&self.place).await,
        }
    }
}

impl Place {
    /// The state folder as an absolute path; it is made if it does not exist.
    fn dir(&self) -> anyhow::Result<PathBuf> {
        absolute(&self.dir)
    }

    /// The folder of the built services.
    fn bin(&self) -> anyhow::Result<PathBuf> {
        match &self.bin {
            Some(bin) => bin
                .canonicalize()
                .with_context(|| format!("the folder {}", bin.display())),
            None => devstack::service::bin_folder().context("where this program is"),
        }
    }

    /// The programs of the stores, fetched if need be.
    fn locate_servers(&self) -> anyhow::Result<Servers> {
        let wheels = absolute(&self.servers_dir)?;
        Ok(Servers::locate(self.servers, &wheels)?)
    }
}

/// The absolute path of a folder, which is made if it does not exist.
fn absolute(folder: &Path) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(folder)
        .and_then(|()| folder.canonicalize())
        .with_context(|| format!("the folder {}", folder.display()))
}
