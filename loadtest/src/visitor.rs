//! One virtual visitor: joins the line, waits, is let in, chooses, holds, pays, and leaves.

mod asking;
mod hold;
mod join;
mod leave;
mod look;
mod pay;
mod probe;
mod shop;
mod wait;

use std::sync::Arc;

use http::HeaderValue;
use rand::RngExt;
use rand::rngs::StdRng;
use tokio_util::sync::CancellationToken;

use crate::client::Client;
use crate::clock::Moment;
use crate::crowd::Crowd;
use crate::journal::{Ended, Visit};

use wait::Turn;

/// What was decided about a visitor before the run.
pub(crate) struct VisitorPlan {
    pub visitor: String,
    pub bearer: HeaderValue,
    pub arrival: Moment,
    pub rng: StdRng,
}

/// A visitor on its way.
pub(crate) struct Visitor {
    crowd: Arc<Crowd>,
    rng: StdRng,
    arrival: Moment,
    /// `Bearer` and the user token.
    user: HeaderValue,
    /// `Bearer` and the waiting token, once joined.
    waiting: Option<HeaderValue>,
    /// The admission token, once admitted.
    admission: Option<HeaderValue>,
    gatekeeper: Client,
    booking: Client,
    seen: Option<look::Seen>,
    probing: bool,
    visit: Visit,
}

/// A step failed for good; the journal says how.
#[derive(Debug)]
struct Lost;

impl Visitor {
    pub(crate) fn new(crowd: Arc<Crowd>, plan: VisitorPlan) -> Self {
        let VisitorPlan {
            visitor,
            bearer,
            arrival,
            mut rng,
        } = plan;
        Self {
            probing: crowd.scenario.probes.token_share.draw(&mut rng),
            gatekeeper: Client::new(&crowd.gatekeeper),
            booking: Client::new(&crowd.booking),
            crowd,
            rng,
            arrival,
            user: bearer,
            waiting: None,
            admission: None,
            seen: None,
            visit: Visit {
                visitor,
                ..Visit::default()
            },
        }
    }

    /// The whole journey. What was lived until `stop` is kept.
    pub(crate) async fn journey(mut self, stop: CancellationToken) -> Visit {
        if let Some(ended) = stop.run_until_cancelled(Box::pin(self.walk())).await {
            self.visit.ended = ended;
        }
        self.visit.reconnections = self.gatekeeper.reconnections() + self.booking.reconnections();
        self.visit
    }

    async fn walk(&mut self) -> Ended {
        let ended = self.wait_and_buy().await.unwrap_or(Ended::Failed);
        // Who bought has left by buying; who was dropped has nothing to leave.
        if !matches!(ended, Ended::Bought | Ended::Dropped) {
            self.leave().await;
        }
        ended
    }

    async fn wait_and_buy(&mut self) -> Result<Ended, Lost> {
        let document = self.join().await?;
        self.probe_the_door().await;
        match self.wait_for_turn(document).await? {
            Turn::Come => self.shop().await,
            Turn::Tired => Ok(Ended::TiredOfWaiting),
            Turn::Dropped => Ok(Ended::Dropped),
        }
    }

    /// A fresh key for something that must happen once however often it is sent.
    fn idempotency_key(&mut self) -> HeaderValue {
        let key = uuid::Builder::from_random_bytes(self.rng.random()).into_uuid();
        HeaderValue::from_str(&key.to_string()).expect("a UUID is visible ASCII")
    }
}
