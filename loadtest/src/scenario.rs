//! A scenario file: who comes, how fast they are let in, what is sold, how the buyers behave, and what
//! must come out. A mistake in it is told with its line.

mod bounds;

use std::path::Path;

use anyhow::{Context, bail};
use serde::Deserialize;

pub(crate) use bounds::{Share, SpanMs, Whole};

/// Everything that a scenario file says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// Part of the name of the room that the run makes.
    pub name: String,
    pub description: String,
    /// The same seed makes the same arrivals and the same choices.
    pub seed: u64,
    pub crowd: CrowdPlan,
    pub room: RoomPlan,
    pub house: HousePlan,
    #[serde(default)]
    pub buyer: BuyerPlan,
    #[serde(default)]
    pub probes: ProbePlan,
    #[serde(default)]
    pub expect: Expectations,
    #[serde(default)]
    pub limits: RunLimits,
}

/// How many come, and when.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CrowdPlan {
    pub visitors: Whole<1, 18_000>,
    pub arrivals: Arrivals,
    pub arrive_within_seconds: Whole<1, 3_600>,
}

/// The shape of the crowd's arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Arrivals {
    /// Any instant is as likely as any other.
    Uniform,
    /// Half of them come in the first fifth of the time, as when a sale opens.
    Burst,
}

/// The waiting room that the run makes.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoomPlan {
    pub rate_per_second: Whole<1, 100_000>,
    pub capacity: Option<Whole<1, 1_000_000>>,
}

/// The house that is sold: a rectangle of seats, row `A` in front.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HousePlan {
    pub rows: Whole<1, 1_000>,
    pub seats_per_row: Whole<1, 500>,
    /// How long seats stay reserved for who does not pay.
    #[serde(default = "hold_ttl")]
    pub hold_ttl_seconds: Whole<1, 900>,
}

/// Long enough for paying, short enough that a patient visitor sees it pass.
fn hold_ttl() -> Whole<1, 900> {
    Whole::of(60)
}

/// How a buyer behaves once admitted.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct BuyerPlan {
    pub seats_min: Whole<1, 4>,
    pub seats_max: Whole<1, 4>,
    /// From seeing the map to asking for seats.
    pub think_ms: SpanMs<600_000>,
    /// The same, after a refusal.
    pub rethink_ms: SpanMs<600_000>,
    /// How long to look away when nothing is free but something may become free.
    pub look_again_ms: SpanMs<600_000>,
    /// The choice falls among the free seats nearest to the stage, as many as this share of the house.
    pub front_share: Share,
    /// This share tries a card first that is declined.
    pub declined_share: Share,
    /// Longest stay in the shop without a hold.
    pub patience_seconds: Whole<1, 3_600>,
    /// Longest wait in line.
    pub waiting_patience_seconds: Whole<1, 36_000>,
}

/// How many visitors also do what must not work.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ProbePlan {
    /// Join a second time, at the same moment, over another connection.
    pub second_join_share: Share,
    /// Call both services with missing, forged, borrowed and ended tokens.
    pub token_share: Share,
}

/// Bounds whose breach fails the run.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Expectations {
    pub join_p99_ms: Option<Whole<1, 600_000>>,
    pub poll_p99_ms: Option<Whole<1, 600_000>>,
    pub seats_p99_ms: Option<Whole<1, 600_000>>,
    pub hold_p99_ms: Option<Whole<1, 600_000>>,
    pub payment_p99_ms: Option<Whole<1, 600_000>>,
    /// What must be reached of the rate while people wait, in percent, over any ten seconds.
    pub rate_reached_percent: Option<Whole<1, 100>>,
    /// Seats that must be sold in the end, at least.
    pub sold_seats: Option<Whole<1, 500_000>>,
    /// Most unexpected answers in all steps together.
    pub errors: Whole<0, 1_000_000>,
    /// Above it the machine was too busy for the figures to mean anything: the run is invalid.
    pub generator_lag_p99_ms: Whole<1, 60_000>,
}

/// When to give up.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RunLimits {
    /// Longest that the crowd may be on its way.
    pub run_seconds: Whole<1, 36_000>,
    /// Longest wait, after that, for captures to arrive.
    pub settle_seconds: Whole<1, 600>,
}

impl Default for BuyerPlan {
    fn default() -> Self {
        Self {
            seats_min: Whole::of(1),
            seats_max: Whole::of(4),
            think_ms: SpanMs::of(500, 2_500),
            rethink_ms: SpanMs::of(200, 800),
            look_again_ms: SpanMs::of(1_000, 3_000),
            front_share: Share::of(0.1),
            declined_share: Share::of(0.0),
            patience_seconds: Whole::of(120),
            waiting_patience_seconds: Whole::of(600),
        }
    }
}

impl Default for ProbePlan {
    fn default() -> Self {
        Self {
            second_join_share: Share::of(0.02),
            token_share: Share::of(0.02),
        }
    }
}

impl Default for Expectations {
    fn default() -> Self {
        Self {
            join_p99_ms: None,
            poll_p99_ms: None,
            seats_p99_ms: None,
            hold_p99_ms: None,
            payment_p99_ms: None,
            rate_reached_percent: None,
            sold_seats: None,
            errors: Whole::of(0),
            generator_lag_p99_ms: Whole::of(10),
        }
    }
}

impl Default for RunLimits {
    fn default() -> Self {
        Self {
            run_seconds: Whole::of(900),
            settle_seconds: Whole::of(60),
        }
    }
}

impl HousePlan {
    pub(crate) fn seats(self) -> u32 {
        self.rows.get() * self.seats_per_row.get()
    }
}

impl Scenario {
    /// Reads and checks a scenario file.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the scenario {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("in the scenario {}", path.display()))
    }

    /// Reads and checks the text of a scenario file.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let scenario: Self = toml::from_str(text)?;
        scenario.check()?;
        Ok(scenario)
    }

    /// What no single field can know.
    fn check(&self) -> anyhow::Result<()> {
        let name_fits = (1..=20).contains(&self.name.len())
            && self
                .name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !name_fits {
            bail!(
                "name: must be 1 to 20 of a-z, 0-9 and -, not {:?}",
                self.name
            );
        }
        if self.buyer.seats_min.get() > self.buyer.seats_max.get() {
            bail!("buyer.seats_min: must not be more than buyer.seats_max");
        }
        if self
            .expect
            .sold_seats
            .is_some_and(|sold| sold.get() > self.house.seats())
        {
            bail!(
                "expect.sold_seats: the house has only {} seats",
                self.house.seats()
            );
        }
        if self.room.capacity.is_some() && self.expect.rate_reached_percent.is_some() {
            bail!(
                "expect.rate_reached_percent: with room.capacity the rate is reached only while slots are free; leave one of them out"
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
