//! `onsale_booking_seats{performance,status}`: how the sale goes, for operators. Read from the replica.

use std::collections::HashSet;
use std::error::Error;
use std::time::Duration;

use metrics::gauge;
use shared::shutdown::Shutdown;
use tracing::warn;

use super::store;
use crate::database::Replica;

/// Between two counts; scrapers come every 15 s or so.
const EVERY: Duration = Duration::from_secs(5);
/// Most performances counted; more labels would be too many for Prometheus.
const PERFORMANCES_MOST: i64 = 20;

/// Publishes the counts until the soft shutdown.
pub(crate) async fn publish(replica: Replica, shutdown: Shutdown) {
    let mut shown: HashSet<(i64, String)> = HashSet::new();
    loop {
        match store::count_on_sale(&replica, PERFORMANCES_MOST).await {
            Ok(counts) => show(&mut shown, counts),
            Err(error) => warn!(error = &error as &dyn Error, "seats could not be counted"),
        }
        if shutdown.run_until_stopped(tokio::time::sleep(EVERY)).await.is_none() {
            return;
        }
    }
}

/// What is no longer counted goes to zero rather than staying as it was.
fn show(shown: &mut HashSet<(i64, String)>, counts: Vec<store::Count>) {
    let mut gone = std::mem::take(shown);
    for count in counts {
        set(count.performance, &count.status, count.seats);
        let key = (count.performance, count.status);
        gone.remove(&key);
        shown.insert(key);
    }
    for (performance, status) in gone {
        set(performance, &status, 0);
    }
}

#[expect(clippy::cast_precision_loss, reason = "a performance has far fewer than 2^52 seats")]
fn set(performance: i64, status: &str, seats: i64) {
    let labels = [("performance", performance.to_string()), ("status", status.to_owned())];
    gauge!("onsale_booking_seats", &labels).set(seats as f64);
}
