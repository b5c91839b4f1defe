//! Turns requests away at once when too many are in work: a few refused are better than all slow.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use metrics::counter;
use tokio::sync::Semaphore;

use crate::error::respond;
use crate::problems;

/// Places for requests in work.
#[derive(Debug, Clone)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    turned_away: TurnedAway,
}

/// How many requests found no place.
#[derive(Debug, Clone, Default)]
pub(crate) struct TurnedAway(Arc<AtomicU64>);

impl Places {
    pub(super) fn new(count: u32, turned_away: TurnedAway) -> Self {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        Self {
            free: Arc::new(Semaphore::new(count)),
            turned_away,
        }
    }
}

impl TurnedAway {
    fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
        counter!("onsale_booking_shed_total").increment(1);
    }

    /// How many since this was asked last.
    pub(crate) fn take(&self) -> u64 {
        self.0.swap(0, Ordering::Relaxed)
    }
}

/// Lets a request in if there is a place.
pub(super) async fn shed(State(places): State<Places>, request: Request, next: Next) -> Response {
    let Ok(_place) = places.free.try_acquire() else {
        places.turned_away.add_one();
        return respond(problems::overloaded());
    };
    next.run(request).await
}
