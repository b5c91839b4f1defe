//! In the shop: look, think, ask for seats, and again, until seats are paid for or nothing is left.

use rand::RngExt;

use crate::choice;
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
        let first_map = self.look(None).await?;
        if first_map.sold_out() {
            return Ok(Ended::SoldOut);
        }
        self.probe_the_shop().await;
        let mut pause = plan.think_ms;
        for _ in 0..ROUNDS_MAX {
            // Pages keep their map fresh: what has gone while the visitor thought is not clicked on.
            let decided_at = clock.now() + pause.draw(&mut self.rng);
            let map = self.look(Some(decided_at)).await?;
            if map.sold_out() {
                return Ok(Ended::SoldOut);
            }
            let wished = self.choose(&map);
            if wished.is_empty() {
                // Somebody is paying for what is left. Should a payment fail, it is free again.
                pause = plan.look_again_ms;
            } else if self.hold_and_pay(wished).await? {
                return Ok(Ended::Bought);
            } else {
                pause = plan.rethink_ms;
            }
            if clock.now() > patient_until {
                return Ok(Ended::OutOfPatience);
            }
        }
        Ok(Ended::OutOfPatience)
    }

    /// True when the seats are bought, false when others were faster.
    async fn hold_and_pay(&mut self, wished: Vec<String>) -> Result<bool, Lost> {
        match self.hold(wished).await? {
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
        let front = plan.front_share.of_count(house.seat_count());
        let (free, row) = (map.free(), house.seats_per_row());
        choice::choose(&free, row, wanted as usize, front, &mut self.rng)
            .into_iter()
            .map(|seat| house.name(seat).to_owned())
            .collect()
    }
}
