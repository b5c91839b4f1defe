//! `devstack gateway`: the simulated payment gateway as a process of its own.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::Context;
use clap::Args;
use tokio::net::TcpListener;

use super::{Place, child::Signals};

/// Where it listens and keeps its books.
#[derive(Debug, Args)]
pub(crate) struct Gateway {
    /// Address to listen on
    #[arg(long, env = "ONSALE_GATEWAY_LISTEN", default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 8090)))]
    listen: SocketAddr,
    /// File of the books [default: `gateway/ledger.jsonl` in the state folder]
    #[arg(long, env = "ONSALE_GATEWAY_LEDGER")]
    ledger: Option<PathBuf>,
}

impl Gateway {
    pub(crate) async fn run(self, place: &Place) -> anyhow::Result<ExitCode> {
        let mut signals = Signals::catch()?;
        let ledger = match self.ledger {
            Some(ledger) => ledger,
            None => place.dir()?.join("gateway/ledger.jsonl"),
        };
        let listener = TcpListener::bind(self.listen)
            .await
            .with_context(|| format!("the payment gateway cannot listen on {}", self.listen))?;
        tracing::info!(listen = %self.listen, ledger = %ledger.display(), "payment gateway is up");
        devstack::gateway::serve(listener, &ledger, async move { signals.any().await }).await?;
        Ok(ExitCode::SUCCESS)
    }
}
