//! What a buyer asks to hold: named seats, or the best ones.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use shared::problem::Problem;
use utoipa::ToSchema;

use crate::layouts::Layout;
use crate::performances::Performance;
use crate::problems;
use crate::seats::SeatName;

/// Either `seats` or `best_available`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewHold {
    /// Names of seats.
    seats: Option<Vec<String>>,
    /// Let the server choose neighbouring seats.
    best_available: Option<BestAvailable>,
}

/// So many neighbouring seats of a tier.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BestAvailable {
    pub(super) count: u32,
    pub(super) tier: String,
}

/// A request that makes sense for its performance.
#[derive(Debug)]
pub(super) enum Wanted {
    /// Distinct, ascending.
    Seats(Vec<i32>),
    Best {
        count: usize,
        tier: String,
    },
}

impl NewHold {
    pub(super) fn check(
        self,
        performance: &Performance,
        layout: &Layout,
    ) -> Result<Wanted, Problem> {
        match (self.seats, self.best_available) {
            (Some(seats), None) => check_seats(&seats, performance, layout),
            (None, Some(best)) => check_best(best, performance),
            _ => Err(problems::invalid_request(
                "seats",
                "Send either seats or best_available.",
            )),
        }
    }
}

fn check_seats(
    seats: &[String],
    performance: &Performance,
    layout: &Layout,
) -> Result<Wanted, Problem> {
    let most = performance.seats_per_buyer_max;
    if seats.is_empty() {
        return Err(problems::invalid_request(
            "seats",
            "Name at least one seat.",
        ));
    }
    if i32::try_from(seats.len()).is_ok_and(|count| count > most) || seats.len() > 1_000 {
        return Err(problems::too_many_seats(most.into()));
    }
    let mut numbers = BTreeSet::new();
    let mut unknown = Vec::new();
    for (index, text) in seats.iter().enumerate() {
        let field = format!("seats[{index}]");
        let name: SeatName = text
            .parse()
            .map_err(|error| problems::invalid_request(&field, format!("{error}")))?;
        match layout.number(&name) {
            Some(number) if !numbers.insert(number) => {
                return Err(problems::invalid_request(
                    &field,
                    format!("The seat {name} is named twice."),
                ));
            }
            Some(_) => {}
            None => unknown.push(text.clone()),
        }
    }
    if unknown.is_empty() {
        Ok(Wanted::Seats(numbers.into_iter().collect()))
    } else {
        Err(problems::unknown_seat(&unknown))
    }
}

fn check_best(best: BestAvailable, performance: &Performance) -> Result<Wanted, Problem> {
    let most = performance.seats_per_buyer_max;
    let count = i32::try_from(best.count).unwrap_or(i32::MAX);
    if count == 0 {
        return Err(problems::invalid_request(
            "best_available.count",
            "Ask for at least one seat.",
        ));
    }
    if count > most {
        return Err(problems::too_many_seats(most.into()));
    }
    if !performance
        .prices
        .iter()
        .any(|(tier, _)| *tier == best.tier)
    {
        let tiers: Vec<_> = performance
            .prices
            .iter()
            .map(|(tier, _)| tier.as_str())
            .collect();
        let detail = format!("This performance has the tiers {}.", tiers.join(", "));
        return Err(problems::invalid_request("best_available.tier", detail));
    }
    Ok(Wanted::Best {
        count: usize::try_from(count).unwrap_or(1),
        tier: best.tier,
    })
}
