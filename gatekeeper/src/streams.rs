//! Streams: what a visitor would see by polling, pushed as server-sent events.
//!
//! A stream is a hint. It is no beat, because a phone that died behind a load balancer looks alive for
//! minutes; and it claims nothing: `admitted` tells the client to poll. Each room with open streams has one
//! task (`fanout`) that walks over them with every new snapshot, so that N streams never mean N reads of
//! Redis. A client that reads slowly finds the newest state, not a queue (`outbox`).

mod entry;
mod event_stream;
mod facts;
mod fanout;
mod frame;
mod outbox;
mod places;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use shared::ids::RoomName;
use shared::shutdown::Shutdown;
use shared::tokens::waiting::WaitingClaims;
use tokio::sync::Notify;

use self::entry::Entry;
pub use self::event_stream::EventStream;
use self::fanout::Fanout;
use self::outbox::Outbox;
pub use self::places::Full;
use self::places::Places;
use crate::rooms::Room;

/// What streams may use.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most streams of the process.
    pub most: usize,
    /// Most streams of one visitor in one room: a few tabs.
    pub most_per_visitor: usize,
    /// A stream on which nothing happens says so at least this often.
    pub heartbeat: Duration,
}

/// Why a stream was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// A limit is reached.
    Full(Full),
    /// The process is stopping.
    Stopping,
}

/// All streams of the process.
#[derive(Debug)]
pub struct Streams {
    places: Arc<Places>,
    hubs: Arc<Hubs>,
    heartbeat: Duration,
    shutdown: Shutdown,
}

/// The rooms with open streams.
#[derive(Debug, Default)]
struct Hubs {
    by_room: Mutex<HashMap<RoomName, Hub>>,
}

/// How new streams reach the task that serves those of their room.
#[derive(Debug)]
struct Hub {
    room: Weak<Room>,
    newcomers: Vec<Entry>,
    bell: Arc<Notify>,
}

impl Streams {
    /// Without any yet. They end with the soft shutdown: else a drain would wait for them.
    pub fn new(limits: Limits, shutdown: &Shutdown) -> Self {
        Self {
            places: Arc::new(Places::new(limits.most, limits.most_per_visitor)),
            hubs: Arc::default(),
            heartbeat: limits.heartbeat,
            shutdown: shutdown.clone(),
        }
    }

    /// Opens a stream for the visitor of `claims`, which were verified.
    pub fn open(
        &self,
        room: &Arc<Room>,
        claims: Arc<WaitingClaims>,
    ) -> Result<EventStream, Refused> {
        let place = self.places.take(&claims).map_err(Refused::Full)?;
        let outbox = Arc::new(Outbox::new(frame::retry_soon()));
        let entry = Entry::new(claims, Arc::clone(&outbox));
        let mut hubs = self.hubs.lock();
        // Asked under the lock under which fan-outs end: later nobody would end this stream.
        if self.shutdown.soft().is_cancelled() {
            return Err(Refused::Stopping);
        }
        let name = room.line().room();
        let is_served = |hub: &Hub| std::ptr::eq(hub.room.as_ptr(), Arc::as_ptr(room));
        if !hubs.get(name).is_some_and(is_served) {
            hubs.insert(name.clone(), self.start_fanout(room));
        }
        if let Some(hub) = hubs.get_mut(name) {
            hub.newcomers.push(entry);
            hub.bell.notify_one();
        }
        Ok(EventStream::new(outbox, place))
    }

    fn start_fanout(&self, room: &Arc<Room>) -> Hub {
        let hub = Hub {
            room: Arc::downgrade(room),
            newcomers: Vec::new(),
            bell: Arc::default(),
        };
        let fanout = Fanout::new(room, &hub, Arc::clone(&self.hubs), self.heartbeat);
        let (soft, hard) = (self.shutdown.soft().clone(), self.shutdown.hard().clone());
        self.shutdown.spawn_background("stream hub", async move {
            hard.run_until_cancelled(fanout.run(soft)).await;
        });
        hub
    }
}

impl Hubs {
    fn lock(&self) -> MutexGuard<'_, HashMap<RoomName, Hub>> {
        let locked = self.by_room.lock();
        locked.expect("nobody panics while holding this lock")
    }

    /// The streams of `room` that were opened since this was last called.
    fn newcomers(&self, name: &RoomName, room: &Weak<Room>) -> Vec<Entry> {
        let mut hubs = self.lock();
        let hub = hubs.get_mut(name).filter(|hub| hub.room.ptr_eq(room));
        hub.map_or_else(Vec::new, |hub| std::mem::take(&mut hub.newcomers))
    }

    /// Forgets the room, and ends the streams that nobody serves yet.
    fn close(&self, name: &RoomName, room: &Weak<Room>) {
        let mut hubs = self.lock();
        if hubs.get(name).is_some_and(|hub| hub.room.ptr_eq(room)) {
            hubs.remove(name);
        }
    }

    /// Forgets the room unless streams have been opened meanwhile. Returns whether it is forgotten.
    fn close_if_idle(&self, name: &RoomName, room: &Weak<Room>) -> bool {
        let mut hubs = self.lock();
        let own = hubs.get(name).filter(|hub| hub.room.ptr_eq(room));
        let is_idle = own.is_none_or(|hub| hub.newcomers.is_empty());
        if own.is_some() && is_idle {
            hubs.remove(name);
        }
        is_idle
    }
}
