//! Open streams of many visitors, and when each has told something.

use std::net::SocketAddr;

use anyhow::{Context, bail};
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::requests;
use super::sources;
use super::visitors::Visitor;
use super::wire::Wire;

const OPENING_AT_ONCE: usize = 16;

/// Streams that are read for as long as this is there.
pub(super) struct Events {
    tasks: JoinSet<anyhow::Result<()>>,
    told: mpsc::UnboundedReceiver<(usize, Timestamp)>,
}

impl Events {
    /// Opens a stream for everybody, from several addresses of this machine. Each is read until `mark` comes by.
    pub(super) async fn open(
        gatekeeper: SocketAddr,
        room: &str,
        visitors: &[Visitor],
        mark: &'static str,
    ) -> anyhow::Result<Self> {
        let (tell, told) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        let mut sources = sources::all();
        let visitors: Vec<_> = visitors.iter().enumerate().collect();
        for together in visitors.chunks(OPENING_AT_ONCE) {
            let mut opening = JoinSet::new();
            for &(index, visitor) in together {
                let request = requests::events(room, &visitor.waiting_token);
                let from = sources.next();
                opening.spawn(async move {
                    let mut wire = Wire::open(gatekeeper, from).await?;
                    match wire.open_stream(&request).await? {
                        200 => Ok((index, wire)),
                        status => bail!("a stream was answered {status}"),
                    }
                });
            }
            while let Some(opened) = opening.join_next().await {
                let (index, wire) = opened.context("an opener died")??;
                tasks.spawn(hear(wire, mark, index, tell.clone()));
            }
        }
        Ok(Self { tasks, told })
    }

    /// Whose stream told next what is waited for, as an index of all visitors, and when.
    pub(super) async fn next(&mut self) -> anyhow::Result<(usize, Timestamp)> {
        loop {
            tokio::select! {
                told = self.told.recv() => return told.context("all streams have ended"),
                Some(ended) = self.tasks.join_next() => ended.context("a stream's reader died")??,
            }
        }
    }
}

async fn hear(
    mut wire: Wire,
    mark: &'static str,
    index: usize,
    tell: mpsc::UnboundedSender<(usize, Timestamp)>,
) -> anyhow::Result<()> {
    let heard = wire.read_until(mark.as_bytes()).await;
    heard.with_context(|| format!("a stream ended without telling {mark:?}"))?;
    // Whoever measures may have what it wants.
    let _ = tell.send((index, Timestamp::now()));
    Ok(())
}
