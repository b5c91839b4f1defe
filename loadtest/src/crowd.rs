//! The crowd: all virtual visitors of a run, each a task of its own, and what they have in common.

mod outsider;
mod tally;

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use http::HeaderValue;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub(crate) use tally::Tally;

use crate::client::Service;
use crate::clock::{Moment, RunClock};
use crate::journal::Journal;
use crate::scenario::Scenario;
use crate::schedule;
use crate::stage::House;
use crate::tokens::{self, Minter};
use crate::visitor::{Visitor, VisitorPlan};

/// What every visitor knows.
pub(crate) struct Crowd {
    pub clock: RunClock,
    pub scenario: Scenario,
    pub seed: u64,
    pub gatekeeper: Arc<Service>,
    pub booking: Arc<Service>,
    pub room: String,
    /// A room in which an admission is worth nothing here.
    pub other_room: String,
    pub house: House,
    pub minter: Minter,
    /// All visitors of this run, and only they, begin with this.
    pub visitor_prefix: String,
    pub tally: Tally,
    /// The admission token of some other visitor, for the probes.
    lent: Mutex<Option<HeaderValue>>,
}

/// What a crowd is made of.
pub(crate) struct CrowdParts {
    pub clock: RunClock,
    pub scenario: Scenario,
    pub seed: u64,
    pub gatekeeper: Arc<Service>,
    pub booking: Arc<Service>,
    pub room: String,
    pub other_room: String,
    pub house: House,
    pub minter: Minter,
    pub visitor_prefix: String,
}

impl Crowd {
    pub(crate) fn new(parts: CrowdParts) -> Self {
        Self {
            clock: parts.clock,
            scenario: parts.scenario,
            seed: parts.seed,
            gatekeeper: parts.gatekeeper,
            booking: parts.booking,
            room: parts.room,
            other_room: parts.other_room,
            house: parts.house,
            minter: parts.minter,
            visitor_prefix: parts.visitor_prefix,
            tally: Tally::default(),
            lent: Mutex::new(None),
        }
    }

    /// Gives away one admission token and gets the one that somebody else gave before, if any.
    pub(crate) fn swap_admission(&self, own: HeaderValue) -> Option<HeaderValue> {
        self.lent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .replace(own)
    }

    /// Sends everybody on their way and waits until all are back or `stop` is called.
    pub(crate) async fn go(self: &Arc<Self>, stop: &CancellationToken) -> anyhow::Result<Journal> {
        let plans = self.plans()?;
        let mut journal = Journal {
            probes: outsider::probe(self, stop).await?,
            ..Journal::default()
        };
        // Everybody is ready before the first one starts: the schedule begins a moment from now.
        let beginning = self.clock.now() + std::time::Duration::from_millis(500);
        let mut visits = JoinSet::new();
        for plan in plans {
            let plan = VisitorPlan {
                arrival: beginning + plan.arrival,
                ..plan
            };
            visits.spawn(Visitor::new(Arc::clone(self), plan).journey(stop.clone()));
        }
        while let Some(visit) = visits.join_next().await {
            match visit {
                Ok(visit) => journal.visits.push(visit),
                Err(_) => journal.crashed += 1,
            }
            self.tally.back.add(1);
        }
        Ok(journal)
    }

    /// Everything about the visitors that can be decided, and signed, before the run.
    fn plans(&self) -> anyhow::Result<Vec<VisitorPlan>> {
        let mut rng = StdRng::seed_from_u64(self.seed);
        let arrivals = schedule::arrivals(&self.scenario.crowd, &mut rng);
        (0_u64..)
            .zip(arrivals)
            .map(|(index, arrival)| self.plan(index, arrival))
            .collect()
    }

    fn plan(&self, index: u64, arrival: Moment) -> anyhow::Result<VisitorPlan> {
        let visitor = format!("{}{index}", self.visitor_prefix);
        let token = self.minter.buyer(&visitor)?;
        let bearer = tokens::bearer(&token).context("a token of ours is no header value")?;
        // Mixed, so that neighbouring seeds do not share visitors.
        let own_seed = self.seed.rotate_left(32) ^ index.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Ok(VisitorPlan {
            visitor,
            bearer,
            arrival,
            rng: StdRng::seed_from_u64(own_seed),
        })
    }
}
