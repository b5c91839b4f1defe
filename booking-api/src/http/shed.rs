//! Turns requests away at once when too many are in work: a few refused are better than all slow.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use metrics::counter;
use tokio::sync::Semaphore;

use crate::error::respond;
use crate::problems;

/// Places for requests in work.
#[derive(Debug, Clone)]
pub(super) struct Places(Arc<Semaphore>);

impl Places {
    pub(super) fn new(count: u32) -> Self {
        Self(Arc::new(Semaphore::new(
            usize::try_from(count).unwrap_or(usize::MAX),
        )))
    }
}

/// Lets a request in if there is a place.
pub(super) async fn shed(State(places): State<Places>, request: Request, next: Next) -> Response {
    let Ok(_place) = places.0.try_acquire() else {
        counter!("onsale_booking_shed_total").increment(1);
        return respond(problems::overloaded());
    };
    next.run(request).await
}
