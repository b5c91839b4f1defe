//! The body of a stream's answer.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame};

use super::outbox::Outbox;
use super::places::Place;

/// Server-sent events, as they come. Dropped with its connection, whereupon its place is free again.
#[derive(Debug)]
pub struct EventStream {
    outbox: Arc<Outbox>,
    _place: Place,
}

impl EventStream {
    pub(super) fn new(outbox: Arc<Outbox>, place: Place) -> Self {
        Self {
            outbox,
            _place: place,
        }
    }
}

impl Body for EventStream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let frame = self.outbox.poll_take(context);
        frame.map(|frame| frame.map(|bytes| Ok(Frame::data(bytes))))
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        self.outbox.abandon();
    }
}
