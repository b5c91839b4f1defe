//! The beats: each instance says twice a second how it is, to every room that leads here.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use metrics::{counter, gauge};
use shared::ids::RoomName;
use shared::room::{CountTurn, Line, ShopBeat};
use shared::shutdown::Shutdown;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tracing::{info, warn};

use super::count::{self, ToCount};
use super::health::{self, Ailment, Signs};
use super::rooms::Rooms;
use super::store;
use crate::app::SharedApp;
use crate::database::DatabaseError;

/// Most rooms that are told. A site has a few sales at a time.
const ROOMS_MOST: i64 = 200;
/// A primary that takes longer is away: buyers, whose steps are longer, would wait for seconds.
const PROBE_WITHIN: Duration = Duration::from_secs(1);
/// Rooms told at once. They may be on different nodes, of which one that is away must not hold up the others.
const AT_ONCE: usize = 16;
/// Beats until the soft shutdown.
pub(crate) async fn beat(app: SharedApp, shutdown: Shutdown) {
    let Some(interval) = app.settings.shop.beat_interval() else {
        return;
    };
    let pulse = Pulse::new(app, interval);
    shutdown.run_until_stopped(pulse.go_on(interval)).await;
}

struct Pulse {
    app: SharedApp,
    rooms: Rooms,
    /// Whether rooms have been looked for whose sale ended before this instance began.
    has_looked_back: bool,
    ailment: Option<Ailment>,
    count_every_least: Duration,
    counts: HashMap<RoomName, Count>,
    counts_at_once: Arc<Semaphore>,
}

/// How the seats behind one room are counted: by itself, so that a large house does not keep the line of a small one waiting.
struct Count {
    every: Duration,
    running: Option<JoinHandle<Duration>>,
}

impl Pulse {
    fn new(app: SharedApp, interval: Duration) -> Self {
        // A little less than a beat, so that an instance that is alone counts at each.
        let least = interval.mul_f64(0.8);
        Self {
            app,
            rooms: Rooms::default(),
            has_looked_back: false,
            ailment: None,
            count_every_least: least,
            counts: HashMap::new(),
            counts_at_once: Arc::new(Semaphore::new(count::AT_ONCE)),
        }
    }

    async fn go_on(mut self, interval: Duration) {
        loop {
            self.beat().await;
            tokio::time::sleep(interval).await;
        }
    }

    async fn beat(&mut self) {
        let database_answers = self.look_around().await;
        self.judge(database_answers);
        self.take_note_of_counts().await;
        for turn in self.tell(database_answers).await {
            self.count(turn);
        }
        self.close_rooms().await;
    }

    /// Lists the rooms, which is the probe of the primary, too. Whether it answered in time.
    async fn look_around(&mut self) -> bool {
        let looked = tokio::time::timeout(PROBE_WITHIN, self.list()).await;
        let failure: &dyn Error = match &looked {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => error,
            Err(elapsed) => elapsed,
        };
        if self.ailment != Some(Ailment::Database) {
            warn!(error = failure, "the primary does not serve the shop");
        }
        false
    }

    async fn list(&mut self) -> Result<(), DatabaseError> {
        let primary = &self.app.primary;
        self.rooms.renew(store::on_sale(primary, ROOMS_MOST).await?);
        if !self.has_looked_back {
            self.rooms
                .close(store::lately_ended(primary, ROOMS_MOST).await?);
            self.has_looked_back = true;
        }
        Ok(())
    }

    fn judge(&mut self, database_answers: bool) {
        let ailment = health::ailment(&Signs {
            database_answers,
            turned_away: self.app.turned_away.take(),
            circuit_open_for: self.app.gateway.circuit_open_for(),
        });
        for kind in Ailment::ALL {
            let has_it = if ailment == Some(kind) { 1.0 } else { 0.0 };
            gauge!("onsale_booking_shop_ailment", "kind" => kind.as_str()).set(has_it);
        }
        if ailment != self.ailment {
            if let Some(kind) = ailment {
                warn!(kind = kind.as_str(), "the shop is not well");
            } else {
                info!("the shop is well again");
            }
            self.ailment = ailment;
        }
    }

    /// A count that took long is repeated more seldom.
    async fn take_note_of_counts(&mut self) {
        let rooms = &self.rooms;
        self.counts.retain(|room, _| rooms.is_open(room));
        for count in self.counts.values_mut() {
            let ended = count.running.take_if(|running| running.is_finished());
            if let Some(ended) = ended
                && let Ok(took) = ended.await
            {
                count.every = count::every(took, self.count_every_least);
            }
        }
    }

    /// Beats in every room; those where it is this instance's turn to count.
    async fn tell(&self, can_count: bool) -> Vec<(RoomName, CountTurn)> {
        let beats: Vec<(Line, ShopBeat)> = self
            .rooms
            .open()
            .map(|room| {
                let every = match self.counts.get(room) {
                    None => Some(self.count_every_least),
                    Some(count) => count.running.is_none().then_some(count.every),
                };
                let beat = ShopBeat {
                    is_well: self.ailment.is_none(),
                    count_every: every.filter(|_| can_count),
                };
                (self.line(room), beat)
            })
            .collect();
        let told = stream::iter(beats).map(|(line, beat)| async move {
            let answer = line.shop_beat(beat).await;
            let result = if answer.is_ok() { "done" } else { "failed" };
            counter!("onsale_booking_shop_beats_total", "result" => result).increment(1);
            // Redis away: nobody is let in there either.
            let turn = answer.ok().flatten()?;
            Some((line.room().clone(), turn))
        });
        let turns: Vec<Option<_>> = told.buffer_unordered(AT_ONCE).collect().await;
        turns.into_iter().flatten().collect()
    }

    /// Beside the beats, which a slow count must not hold up.
    fn count(&mut self, (room, turn): (RoomName, CountTurn)) {
        let due = ToCount {
            performances: self.rooms.performances(&room).to_vec(),
            room: room.clone(),
            turn,
        };
        let count = count::count(Arc::clone(&self.app), due, Arc::clone(&self.counts_at_once));
        let running = Some(self.app.tasks.run_aside(count));
        let every = self.count_every_least;
        let counts = self.counts.entry(room);
        counts
            .or_insert(Count {
                every,
                running: None,
            })
            .running = running;
    }

    async fn close_rooms(&mut self) {
        let closing: Vec<RoomName> = self.rooms.closing().cloned().collect();
        for room in closing {
            // The next beat tries again what fails: its node of a Cluster may be away.
            if self.line(&room).shop_closed().await.is_ok() {
                self.rooms.closed(&room);
            }
        }
    }

    fn line(&self, room: &RoomName) -> Line {
        Line::new(self.app.redis.clone(), room.clone())
    }
}
