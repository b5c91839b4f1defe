//! In the shop: look, think, ask for seats, and again, until seats are paid for or nothing is left.

use rand::RngExt;

use crate::choice;
use crate::clock::Moment;
use crate::journal::Ended;
use crate::seat_map::SeatMap;

use super::hold::Holding;
use super::pay::Payment;
use super::{Lost, Visitor};

/// Rounds of looking and asking, whatever the patience.
const ROUNDS_MAX: u32 = 1_000;

impl Visitor {
    pub(super) async fn shop(&mut self) -> Result<Ended, Lost> {
        let clock = self.crowd.clock;
        let plan = self.crowd.scenario.buyer;
        let patient_until = clock.now() + plan.patience_seconds.seconds();
        let mut look_at = None;
        let mut thinking = plan.think_ms;
        let mut map = self.look(None).await?;
        self.probe_the_shop().await;
        for _ in 0..ROUNDS_MAX {
            if map.sold_out() {
                return Ok(Ended::SoldOut);
            }
            let wished = self.choose(&map);
            if wished.is_empty() {
                // Somebody is paying for what is left. Should a payment fail, it is free again.
                look_at = Some(clock.now() + plan.look_again_ms.draw(&mut self.rng));
            } else {
                let decided_at = clock.now() + thinking.draw(&mut self.rng);
                if self.hold_and_pay(wished, decided_at).await? {
                    return Ok(Ended::Bought);
                }
                thinking = plan.rethink_ms;
            }
            if clock.now() > patient_until {
                return Ok(Ended::OutOfPatience);
            }
            map = self.look(look_at.take()).await?;
        }
        Ok(Ended::OutOfPatience)
    }

    /// True when the seats are bought, false when others were faster.
    async fn hold_and_pay(&mut self, wished: Vec<String>, due: Moment) -> Result<bool, Lost> {
        match self.hold(wished, due).await? {
            Holding::Taken => Ok(false),
            Holding::Held(held) => Ok(matches!(self.pay(held).await?, Payment::Confirmed)),
        }
    }

    fn choose(&mut self, map: &SeatMap) -> Vec<String> {
        let plan = self.crowd.scenario.buyer;
        let wanted = self
            .rng
            .random_range(plan.seats_min.get()..=plan.seats_max.get());
        let house = &self.crowd.house;
        let free = map.free();
        choice::choose(
            &free,
            house.seats_per_row(),
            wanted as usize,
            plan.front_share,
            &mut self.rng,
        )
        .into_iter()
        .map(|seat| house.name(seat).to_owned())
        .collect()
    }
}
