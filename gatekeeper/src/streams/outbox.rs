//! What waits to be sent on one stream: a place for the newest of each kind, not a queue. Whoever reads
//! slowly misses what is out of date, and takes no memory.

use std::sync::{Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

/// Between the room's fan-out, which puts frames in, and the connection, which takes them out.
#[derive(Debug)]
pub(super) struct Outbox {
    slots: Mutex<Slots>,
}

#[derive(Debug)]
struct Slots {
    /// Sent before anything else.
    opening: Option<Bytes>,
    /// What has changed for everybody; never replaced by anything less.
    room: Option<Bytes>,
    /// The newest position, a sign of life, or the last frame of all.
    newest: Option<Bytes>,
    /// Nothing more follows what is in here.
    ended: bool,
    /// The connection is gone.
    abandoned: bool,
    waker: Option<Waker>,
}

impl Outbox {
    /// With what is sent first.
    pub(super) fn new(opening: Bytes) -> Self {
        let slots = Slots {
            opening: Some(opening),
            room: None,
            newest: None,
            ended: false,
            abandoned: false,
            waker: None,
        };
        Self {
            slots: Mutex::new(slots),
        }
    }

    /// Puts a position in, in place of one that was not sent.
    pub(super) fn put_position(&self, frame: Bytes) {
        self.change(|slots| slots.newest = Some(frame));
    }

    /// Puts news of the room in. They carry the position too, so that one unsent is out of date.
    pub(super) fn put_room(&self, frame: Bytes) {
        self.change(|slots| {
            slots.room = Some(frame);
            slots.newest = None;
        });
    }

    /// Puts a sign of life in, unless something else is about to be one.
    pub(super) fn put_beat(&self, frame: Bytes) {
        self.change(|slots| {
            if slots.room.is_none() && slots.newest.is_none() {
                slots.newest = Some(frame);
            }
        });
    }

    /// Puts the last frame in: whatever was not sent is out of date.
    pub(super) fn end(&self, frame: Bytes) {
        self.change(|slots| {
            slots.room = None;
            slots.newest = Some(frame);
            slots.ended = true;
        });
    }

    /// Whether nothing need be put in any more.
    pub(super) fn is_over(&self) -> bool {
        let slots = self.lock();
        slots.ended || slots.abandoned
    }

    /// The next frame to send; `None` after the last one.
    pub(super) fn poll_take(&self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let mut slots = self.lock();
        let slots = &mut *slots;
        let next = slots.opening.take().or_else(|| slots.room.take());
        if let Some(frame) = next.or_else(|| slots.newest.take()) {
            return Poll::Ready(Some(frame));
        }
        if slots.ended {
            return Poll::Ready(None);
        }
        match &mut slots.waker {
            Some(waker) => waker.clone_from(context.waker()),
            None => slots.waker = Some(context.waker().clone()),
        }
        Poll::Pending
    }

    /// Says that nobody will take anything out any more.
    pub(super) fn abandon(&self) {
        self.lock().abandoned = true;
    }

    fn change(&self, change: impl FnOnce(&mut Slots)) {
        let waker = {
            let mut slots = self.lock();
            change(&mut slots);
            slots.waker.take()
        };
        // Outside of the lock, which whoever is woken takes.
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        let locked = self.slots.lock();
        locked.expect("nobody panics while holding this lock")
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    /// All that is there to be sent.
    async fn take_all(outbox: &Outbox) -> Vec<Bytes> {
        let mut taken = Vec::new();
        poll_fn(|context| {
            while let Poll::Ready(Some(frame)) = outbox.poll_take(context) {
                taken.push(frame);
            }
            Poll::Ready(())
        })
        .await;
        taken
    }

    #[tokio::test]
    async fn what_was_not_sent_is_replaced_by_what_is_newer() {
        let outbox = Outbox::new("opening".into());
        outbox.put_position("one".into());
        outbox.put_beat("beat".into());
        outbox.put_room("room".into());
        outbox.put_position("two".into());
        outbox.put_position("three".into());
        assert_eq!(take_all(&outbox).await, ["opening", "room", "three"]);
        outbox.put_position("four".into());
        outbox.put_room("room again".into());
        assert_eq!(take_all(&outbox).await, ["room again"]);
        outbox.put_beat("beat".into());
        assert_eq!(take_all(&outbox).await, ["beat"]);
    }

    #[tokio::test]
    async fn the_last_frame_is_sent_and_then_the_end() {
        let outbox = Outbox::new("opening".into());
        outbox.put_room("room".into());
        outbox.end("bye".into());
        assert!(outbox.is_over());
        assert_eq!(take_all(&outbox).await, ["opening", "bye"]);
        let end = poll_fn(|context| outbox.poll_take(context)).await;
        assert_eq!(end, None);
    }

    #[tokio::test]
    async fn whoever_waits_is_woken() {
        let outbox = Outbox::new("opening".into());
        take_all(&outbox).await;
        let waiting = poll_fn(|context| outbox.poll_take(context));
        let putting = async { outbox.put_position("one".into()) };
        let (taken, ()) = futures_util::future::join(waiting, putting).await;
        assert_eq!(taken, Some("one".into()));
    }
}
