//! Tidies what has outlived its day. Nothing depends on it: what is old is ignored by predicate.

use std::error::Error;
use std::time::Duration;

use shared::shutdown::Shutdown;
use tracing::{info, warn};

use super::store;
use crate::database::Primary;

const EVERY: Duration = Duration::from_mins(1);
/// Rows per look, so that tidying never holds anybody up: 10,000 a minute is more than a big sale makes.
const MOST: i64 = 10_000;

/// Sweeps until the soft shutdown.
pub(crate) async fn sweep(primary: Primary, shutdown: Shutdown) {
    while shutdown
        .run_until_stopped(tokio::time::sleep(EVERY))
        .await
        .is_some()
    {
        match store::forget_old(&primary, MOST).await {
            Ok(0) => {}
            Ok(rows) => info!(rows, "old keys and sessions are gone"),
            Err(error) => warn!(
                error = &error as &dyn Error,
                "old keys could not be removed"
            ),
        }
    }
}
