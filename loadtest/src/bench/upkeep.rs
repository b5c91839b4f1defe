//! Life in a line while it is measured: newcomers take the places of those who were let in, and somebody leaves ten
//! times a second.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::room::{BenchRoom, Member, PRESENT_THROUGHOUT};
use super::visitors::{Joiner, Visitor};

const TICK: Duration = Duration::from_millis(100);
/// Ten a second.
const DEPARTURES_PER_TICK: u32 = 1;
/// Newcomers of a tick, several times what is let in meanwhile: after a pause the line is full again in a moment.
const NEWCOMERS_PER_TICK: u64 = 50;
/// Members asked whether they are still there before a departure is given up for this tick.
const TRIES: u32 = 50;

/// Visitors of whom several tasks know: each newcomer is added to it.
pub(super) type Known = Arc<Mutex<Vec<Visitor>>>;

/// What keeps a line at its length.
pub(super) struct Upkeep<'room> {
    room: &'room BenchRoom,
    length: u64,
    /// How many of them poll.
    pollers: u64,
    /// Newcomers who are to poll, in parts of `length`.
    polling_due: u64,
    joiner: Joiner,
    /// Who may leave.
    members: Vec<Member>,
    /// Who can poll in the stead of those who have gone, and whose positions can be checked.
    told: [Known; 2],
    pub departures: u64,
}

impl<'room> Upkeep<'room> {
    pub(super) fn new(
        room: &'room BenchRoom,
        (length, pollers): (u64, u64),
        joiner: Joiner,
        members: Vec<Member>,
        told: [Known; 2],
    ) -> Self {
        Self {
            room,
            length,
            pollers,
            polling_due: 0,
            joiner,
            members,
            told,
            departures: 0,
        }
    }

    /// Goes on until `over`; nothing is left half done then.
    pub(super) async fn go_on(&mut self, over: &CancellationToken) -> anyhow::Result<()> {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while over.run_until_cancelled(ticks.tick()).await.is_some() {
            for _ in 0..DEPARTURES_PER_TICK {
                self.let_one_leave().await?;
            }
            let missing = self.length.saturating_sub(self.room.waiting().await?);
            self.fill_up(missing.min(NEWCOMERS_PER_TICK)).await?;
        }
        Ok(())
    }

    /// As many of the newcomers poll as in the line at large. The others join past the HTTP port and are present
    /// throughout: all would be swept out together otherwise when their first promise is over.
    async fn fill_up(&mut self, newcomers: u64) -> anyhow::Result<()> {
        self.polling_due += newcomers * self.pollers;
        let polling = self.polling_due / self.length;
        self.polling_due %= self.length;
        for _ in 0..polling {
            let newcomer = self.joiner.join().await?;
            self.members.push(newcomer.member.clone());
            for known in &self.told {
                let mut known = known.lock().expect("nobody panics with it");
                known.push(newcomer.clone());
            }
        }
        let silent = newcomers.saturating_sub(polling);
        let silent = self.room.fill(silent, PRESENT_THROUGHOUT).await?;
        self.members.extend(silent);
        Ok(())
    }

    async fn let_one_leave(&mut self) -> anyhow::Result<()> {
        for _ in 0..TRIES {
            if self.members.is_empty() {
                break;
            }
            let chosen = rand::random_range(0..self.members.len());
            let member = self.members.swap_remove(chosen);
            // Who was let in meanwhile is no longer in the line, and does not leave it.
            if self.room.rank(&member.visitor).await?.is_some() && self.room.leave(&member).await? {
                self.departures += 1;
                break;
            }
        }
        Ok(())
    }
}
