//! What a run makes for itself and puts away: a room, another room whose admissions are worth nothing
//! here, and a performance with a house of its own.

mod house;
mod performance;
mod room;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use devstack::stack_file::Stack;
use http::{HeaderValue, Request};
use http_body_util::Full;

pub(crate) use house::House;
pub(crate) use room::Admitter;

use crate::client::{Client, Service};
use crate::scenario::{Scenario, Whole};
use crate::tokens::{self, Minter};

/// Admissions of the other room: one visitor is all that comes.
const OTHER_ROOM_RATE: u32 = 10;

/// By then every gatekeeper knows a new room.
pub(crate) const ROOM_SPREADS: Duration = Duration::from_secs(1);
/// Longest description of a room.
const BODY_MAX: usize = 16 << 10;

/// The stage of one run, and how far it stands.
pub(crate) struct Stage {
    admitter: Admitter,
    gatekeeper: Arc<Service>,
    booking: Arc<Service>,
    organiser: HeaderValue,
    scenario: Scenario,
    room: String,
    other_room: String,
    rooms_made: Vec<String>,
    performance: Option<String>,
}

impl Stage {
    pub(crate) fn new(stack: &Stack, scenario: &Scenario, minter: &Minter) -> anyhow::Result<Self> {
        let room = fresh_name(&scenario.name);
        let organiser = minter.organiser(&format!("{room}-organiser"))?;
        Ok(Self {
            admitter: Admitter::of(stack),
            gatekeeper: Service::at(&stack.gatekeeper)?,
            booking: Service::at(&stack.booking_api)?,
            organiser: tokens::bearer(&organiser).context("a token of ours is no header value")?,
            scenario: scenario.clone(),
            other_room: format!("{room}-x"),
            room,
            rooms_made: Vec::new(),
            performance: None,
        })
    }

    pub(crate) fn room(&self) -> &str {
        &self.room
    }

    pub(crate) fn other_room(&self) -> &str {
        &self.other_room
    }

    pub(crate) fn performance(&self) -> Option<&str> {
        self.performance.as_deref()
    }

    /// Makes everything. What was made before a failure is known, and removed by [`Stage::remove`].
    pub(crate) async fn make(&mut self) -> anyhow::Result<House> {
        let plan = self.scenario.room;
        let capacity = plan.capacity.map(Whole::get);
        let rooms = [
            (self.room.clone(), plan.rate_per_second.get(), capacity),
            (self.other_room.clone(), OTHER_ROOM_RATE, None),
        ];
        for (room, rate, capacity) in rooms {
            self.admitter.create(&room, rate, capacity).await?;
            self.rooms_made.push(room);
        }
        self.wait_for_rooms().await?;
        let made =
            performance::make(&self.booking, &self.organiser, &self.room, &self.scenario).await?;
        self.performance = Some(made.clone());
        Ok(House::of(self.scenario.house, made))
    }

    /// A new room is joinable at every gatekeeper within a second; here they are asked for a sign of it.
    async fn wait_for_rooms(&self) -> anyhow::Result<()> {
        tokio::time::sleep(ROOM_SPREADS).await;
        let mut gatekeeper = Client::new(&self.gatekeeper);
        for room in &self.rooms_made {
            let request = Request::get(format!("/v1/rooms/{room}")).body(Full::default())?;
            let answer = gatekeeper.send(request, BODY_MAX).await?;
            if !answer.status.is_success() {
                bail!(
                    "a second after it was made, room {room} is answered {}",
                    answer.status
                );
            }
        }
        Ok(())
    }

    /// Removes what was made, all of it even when one part resists.
    pub(crate) async fn remove(&mut self) -> anyhow::Result<()> {
        let mut outcome = Ok(());
        if let Some(performance) = self.performance.take() {
            outcome = performance::remove(&self.booking, &self.organiser, &performance).await;
        }
        for room in self.rooms_made.drain(..) {
            outcome = outcome.and(self.admitter.remove(&room).await);
        }
        outcome
    }
}

/// A room name that no other run has: `lt-<scenario>-<8 hex digits>`.
fn fresh_name(scenario: &str) -> String {
    let unique = uuid::Uuid::now_v7().simple().to_string();
    format!("lt-{scenario}-{}", &unique[unique.len() - 8..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_of_the_longest_scenario_name_has_a_name_that_fits() {
        let name = format!("{}-x", fresh_name(&"n".repeat(20)));
        assert!(name.len() <= 40, "{name}");
        assert_ne!(fresh_name("a"), fresh_name("a"));
    }
}
