//! Whether the positions that polls tell are right: equal to the rank in the line, plus one, when things stand still, and
//! within a bound while people are let in and leave.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::room::BenchRoom;
use super::upkeep::Known;
use super::visitors::{Document, Visitor};
use super::wire::Wire;

/// Near the front a snapshot is at most 250 ms old, far behind it a second and a tick more: 110 a second are let in or
/// leave. The rest is for a gatekeeper that has to wait for a processor.
const ERROR_MAX: u64 = 330;
const SAMPLES_AT_REST: usize = 200;
/// Far parts of the bitmap are read once a second, and newcomers of a moment ago who do not poll become absent.
const REST: Duration = Duration::from_secs(6);
const SAMPLE_EVERY: Duration = Duration::from_millis(100);

/// Compares what polls say with the line.
pub(super) struct Positions<'room> {
    room: &'room BenchRoom,
    gatekeeper: Wire,
    visitors: Known,
    at_rest: u64,
    moving: u64,
    largest_error: u64,
}

impl<'room> Positions<'room> {
    pub(super) async fn new(
        room: &'room BenchRoom,
        gatekeeper: SocketAddr,
        visitors: &Known,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            room,
            gatekeeper: Wire::open(gatekeeper, None).await?,
            visitors: Arc::clone(visitors),
            at_rest: 0,
            moving: 0,
            largest_error: 0,
        })
    }

    /// While nobody moves: exactly right, or the benchmark is void.
    pub(super) async fn check_at_rest(&mut self) -> anyhow::Result<()> {
        tokio::time::sleep(REST).await;
        for _ in 0..SAMPLES_AT_REST {
            let (visitor, before) = self.somebody().await?;
            if let Some(position) = self.poll(&visitor).await?
                && position != before + 1
            {
                bail!(
                    "number {} was told position {position}, and is at {}",
                    visitor.member.number.0,
                    before + 1
                );
            }
            self.at_rest += 1;
        }
        Ok(())
    }

    /// Until `over`, while people are let in and leave: between where the visitor was before and after the poll, or a little beside.
    pub(super) async fn watch(&mut self, over: &CancellationToken) -> anyhow::Result<()> {
        let pause = || tokio::time::sleep(SAMPLE_EVERY);
        while over.run_until_cancelled(pause()).await.is_some() {
            let (visitor, before) = self.somebody().await?;
            let Some(position) = self.poll(&visitor).await? else {
                continue;
            };
            let Some(after) = self.room.rank(&visitor.member.visitor).await? else {
                continue;
            };
            let error = (after + 1)
                .saturating_sub(position)
                .max(position.saturating_sub(before + 1));
            self.moving += 1;
            self.largest_error = self.largest_error.max(error);
            if error > ERROR_MAX {
                bail!(
                    "position {position} was told between {} and {}",
                    before + 1,
                    after + 1
                );
            }
        }
        Ok(())
    }

    /// What was checked, for the report.
    pub(super) fn observed(&self) -> Value {
        json!({
            "positions_exact_at_rest": self.at_rest,
            "positions_checked_while_moving": self.moving,
            "largest_error_while_moving": self.largest_error,
        })
    }

    /// Anybody who is in the line, and how many stand in front. Who has gone is forgotten.
    async fn somebody(&mut self) -> anyhow::Result<(Visitor, u64)> {
        while let Some(visitor) = self.anybody() {
            if let Some(rank) = self.room.rank(&visitor.member.visitor).await? {
                return Ok((visitor, rank));
            }
            self.forget(&visitor);
        }
        bail!("nobody whose position could be checked is left in the line")
    }

    fn anybody(&self) -> Option<Visitor> {
        let visitors = self.visitors.lock().expect("nobody panics with it");
        let chosen = rand::random_range(0..visitors.len().max(1));
        visitors.get(chosen).cloned()
    }

    fn forget(&self, gone: &Visitor) {
        let mut visitors = self.visitors.lock().expect("nobody panics with it");
        visitors.retain(|visitor| visitor.member.number != gone.member.number);
    }

    /// The position that a poll tells; `None` when the visitor was let in just now.
    async fn poll(&mut self, visitor: &Visitor) -> anyhow::Result<Option<u64>> {
        let reply = self.gatekeeper.ask(&visitor.poll).await?;
        let document: Document = serde_json::from_slice(reply.body).context("a poll's answer")?;
        Ok((document.state == "waiting").then_some(document.position))
    }
}
