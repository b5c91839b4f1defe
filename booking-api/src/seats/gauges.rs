//! How the sale goes, for operators. Read from the replica.
//!
//! `onsale_booking_seats{performance,status}` counts seats; `onsale_booking_reservations_without_partition` should be 0, and
//! deserves an alert when it is not: the partition of a month could not be made, and moving its rows later takes a lock.

use std::collections::HashSet;
use std::error::Error;
use std::time::Duration;

use metrics::gauge;
use shared::shutdown::Shutdown;
use tracing::warn;

use super::store;
use crate::database::{DatabaseError, Replica};

/// Between two counts; scrapers come every 15 s or so.
const EVERY: Duration = Duration::from_secs(5);
/// Most performances counted; more labels would be too many for Prometheus.
const PERFORMANCES_MOST: i64 = 20;

/// Publishes the counts until the soft shutdown.
pub(crate) async fn publish(replica: Replica, shutdown: Shutdown) {
    let mut shown: HashSet<(i64, String)> = HashSet::new();
    loop {
        if let Err(error) = count(&replica, &mut shown).await {
            warn!(error = &error as &dyn Error, "seats could not be counted");
        }
        if shutdown
            .run_until_stopped(tokio::time::sleep(EVERY))
            .await
            .is_none()
        {
            return;
        }
    }
}

async fn count(replica: &Replica, shown: &mut HashSet<(i64, String)>) -> Result<(), DatabaseError> {
    show(
        shown,
        store::count_on_sale(replica, PERFORMANCES_MOST).await?,
    );
    let strays = store::count_without_partition(replica).await?;
    gauge!("onsale_booking_reservations_without_partition").set(to_gauge(strays));
    Ok(())
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

fn set(performance: i64, status: &str, seats: i64) {
    let labels = [
        ("performance", performance.to_string()),
        ("status", status.to_owned()),
    ];
    gauge!("onsale_booking_seats", &labels).set(to_gauge(seats));
}

#[expect(clippy::cast_precision_loss, reason = "nobody has 2^52 seats")]
fn to_gauge(count: i64) -> f64 {
    count as f64
}
