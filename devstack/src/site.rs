//! The site: all stores and services of `devstack up`, kept in one state folder.
//!
//! ```text
//!   .dev/state.json   what was started and how (written after each step, so that a killed `up` can be
//!                     continued or undone)          .dev/stack.json   where it is, for everybody else
//!   .dev/logs/        a log and a note of each process     .dev/env   the same as shell variables
//!   .dev/data/        files of the stores, of the payment gateway, and the keys
//! ```

mod addresses;
mod concert;
mod lock;
mod processes;
mod room;
mod services;
mod settings;
mod state;
mod stores;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use devstack::{
    keys::{self, Keys},
    servers::Servers,
    stack_file::Stack,
};

use self::room::ROOM;
pub(crate) use self::{addresses::Ports, services::migrate};
use self::{lock::Lock, state::State};
use crate::say::say;

/// A site that nobody else changes while we hold it.
pub(crate) struct Site {
    folder: PathBuf,
    state: State,
    _lock: Lock,
}

impl Site {
    /// Opens the site in a state folder, and settles what an `up` that was killed left behind.
    pub(crate) fn open(folder: PathBuf) -> anyhow::Result<Self> {
        let lock = Lock::take(&folder)?;
        let state = State::load(&folder.join("state.json"))?;
        let site = Self {
            folder,
            state,
            _lock: lock,
        };
        site.stop_strangers()?;
        Ok(site)
    }

    /// Opens a site whose state cannot be read: what is noted beside the logs is stopped.
    pub(crate) fn open_damaged(folder: PathBuf) -> anyhow::Result<Self> {
        let lock = Lock::take(&folder)?;
        let state = State::load(&folder.join("state.json")).unwrap_or_default();
        let site = Self {
            folder,
            state,
            _lock: lock,
        };
        site.stop_strangers()?;
        Ok(site)
    }

    /// Starts what does not run. What runs already stays as it is.
    pub(crate) async fn up(
        &mut self,
        bin: &Path,
        ports: Ports,
        servers: impl FnOnce() -> anyhow::Result<Servers>,
    ) -> anyhow::Result<Stack> {
        self.begin(bin)?;
        self.bring_up_stores(servers)?;
        let keys = keys::make(&self.keys_folder())?;
        self.migrate()?;
        self.bring_up_services(&keys, ports)?;
        self.make_room()?;
        self.until_room_is_known().await?;
        self.make_concert().await?;
        self.publish(&keys)
    }

    /// Stops everything that was started here, and nothing else. Says whether there was anything.
    pub(crate) fn down(mut self) -> anyhow::Result<bool> {
        // First of all, so that nobody is led to a site that is going away.
        remove_file(&self.stack_file())?;
        remove_file(&self.folder.join("env"))?;
        let was_up = self.stop_all()?;
        for outside in &self.state.outside {
            remove_folder(outside)?;
        }
        remove_folder(&self.data_folder())?;
        self.state = State::default();
        remove_file(&self.folder.join("state.json"))?;
        Ok(was_up)
    }

    /// Where `stack.json` is.
    pub(crate) fn stack_file(&self) -> PathBuf {
        self.folder.join("stack.json")
    }

    /// Fixes the build that runs, when nothing does yet.
    fn begin(&mut self, bin: &Path) -> anyhow::Result<()> {
        if self.state.processes.is_empty() {
            remove_folder(&self.folder.join("logs"))?;
            remove_folder(&self.data_folder())?;
            bin.clone_into(&mut self.state.bin);
        } else if self.state.bin != bin {
            say(&format!(
                "What runs already was built in {}; it stays. `make down` first to run another build.",
                self.state.bin.display()
            ));
        }
        for program in ["gatekeeper", "admitter", "booking-api"] {
            let path = self.state.bin.join(program);
            if !path.is_file() {
                bail!(
                    "{} is not built: run `cargo build --workspace` first",
                    path.display()
                );
            }
        }
        self.save()
    }

    /// Tells everybody else where things are.
    fn publish(&self, keys: &Keys) -> anyhow::Result<Stack> {
        let stack = self.stack(keys)?;
        let env = settings::as_shell(&self.settings(keys)?, &self.state.bin);
        devstack::whole_file::write(&self.folder.join("env"), env.as_bytes())
            .context("writing the settings for shells")?;
        stack
            .write(&self.stack_file())
            .context("writing stack.json")?;
        Ok(stack)
    }

    fn stack(&self, keys: &Keys) -> anyhow::Result<Stack> {
        let addresses = self.addresses()?;
        let (kid, key) = keys.user_signing_key()?;
        let pids: BTreeMap<String, u32> = self
            .state
            .processes
            .iter()
            .filter_map(|launch| Some((launch.name.clone(), launch.still_running()?.pid)))
            .collect();
        let stores = self.stores()?;
        Ok(Stack {
            gatekeeper: addresses.gatekeeper(),
            gatekeeper_admin: addresses.gatekeeper_admin(),
            booking_api: addresses.booking_api(),
            booking_admin: addresses.booking_admin(),
            admitter_admin: addresses.admitter_admin(),
            gateway: addresses.gateway(),
            redis: stores.redis,
            postgres: stores.postgres,
            replica: stores.replica,
            user_token_key: key,
            user_token_kid: kid,
            room: ROOM.to_owned(),
            performance: self
                .state
                .performance
                .clone()
                .context("the demo performance is missing")?,
            bin: self.state.bin.clone(),
            pids,
        })
    }

    fn data_folder(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn keys_folder(&self) -> PathBuf {
        self.data_folder().join("keys")
    }

    fn save(&self) -> anyhow::Result<()> {
        self.state.save(&self.folder.join("state.json"))
    }
}

fn remove_file(path: &Path) -> anyhow::Result<()> {
    fine_if_missing(fs::remove_file(path)).with_context(|| format!("removing {}", path.display()))
}

fn remove_folder(path: &Path) -> anyhow::Result<()> {
    fine_if_missing(fs::remove_dir_all(path))
        .with_context(|| format!("removing {}", path.display()))
}

fn fine_if_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
