//! The services of a site, and the migrations before them.

use std::{path::Path, process::Command};

use anyhow::{Context, bail};
use devstack::{keys::Keys, process::Launch};

use super::{
    Site,
    addresses::{Addresses, Ports, listen},
    settings::Settings,
};

/// Visitors let in per second in every room that sets no rate of its own.
const RATE_PER_SECOND: &str = "100";

impl Site {
    /// Brings the database to the newest form. Doing it again changes nothing.
    pub(super) fn migrate(&self) -> anyhow::Result<()> {
        let program = self.state.bin.join("booking-api");
        migrate(&program, &self.stores()?.postgres)
    }

    /// Starts the services that do not run.
    pub(super) fn bring_up_services(&mut self, keys: &Keys, ports: Ports) -> anyhow::Result<()> {
        if self.state.addresses.is_none() {
            self.state.addresses = Some(Addresses::choose(ports)?);
            self.save()?;
        }
        self.service_launches(keys)?
            .into_iter()
            .try_for_each(|launch| self.bring_up(&launch))
    }

    /// How each service is started: what others call comes first.
    fn service_launches(&self, keys: &Keys) -> anyhow::Result<[Launch; 4]> {
        let ports = self.addresses()?;
        let settings = self.settings(keys)?;
        let logs = self.folder.join("logs");
        let service = |name: &str, program: &str, admin_port: u16| {
            let launch = Launch::service(name, self.state.bin.join(program), admin_port, &logs);
            with_settings(launch, &settings).env("ONSALE_ADMIN_LISTEN", listen(admin_port))
        };
        let ledger = self.data_folder().join("gateway/ledger.jsonl");
        Ok([
            gateway(ports.gateway, &ledger, &logs)?,
            service("admitter-1", "admitter", ports.admitter_admin).args([
                "run",
                "--rate",
                RATE_PER_SECOND,
            ]),
            service("gatekeeper-1", "gatekeeper", ports.gatekeeper_admin)
                .args(["--listen", &listen(ports.gatekeeper)])
                .port(ports.gatekeeper),
            service("booking-api-1", "booking-api", ports.booking_admin)
                .args(["serve", "--listen", &listen(ports.booking)])
                .port(ports.booking),
        ])
    }

    /// Where the services listen.
    pub(super) fn addresses(&self) -> anyhow::Result<Addresses> {
        self.state.addresses.context("the services are not up")
    }
}

/// Runs the migrations, which are part of booking-api.
pub(crate) fn migrate(program: &Path, database_url: &str) -> anyhow::Result<()> {
    let output = Command::new(program)
        .arg("migrate")
        .env("ONSALE_DATABASE_URL", database_url)
        .output()
        .with_context(|| format!("running {}", program.display()))?;
    if !output.status.success() {
        let said = [&output.stdout[..], &output.stderr[..]].concat();
        let said = String::from_utf8_lossy(&said);
        bail!(
            "{} migrate failed ({}):\n{}",
            program.display(),
            output.status,
            said.trim()
        );
    }
    Ok(())
}

/// The gateway is this very program.
fn gateway(port: u16, ledger: &Path, logs: &Path) -> anyhow::Result<Launch> {
    let myself = std::env::current_exe().context("where this program is")?;
    let ledger = ledger.display().to_string();
    Ok(Launch::service("gateway", myself, port, logs).args([
        "gateway",
        "--listen",
        &listen(port),
        "--ledger",
        &ledger,
    ]))
}

fn with_settings(launch: Launch, settings: &Settings) -> Launch {
    settings.iter().fold(launch, |launch, (name, value)| {
        launch.env(name, value.as_str())
    })
}
