//! Whether admissions have ended. Other sites ask for every request of theirs, and Redis hears of it once a second for
//! each admission: somebody who asks in a loop cannot turn that into its load.

use std::convert::Infallible;
use std::fmt;

use quick_cache::sync::Cache;
use shared::clock;
use shared::ids::Jti;

/// Most answers that are remembered, each of some hundred bytes. More admissions in the same second ask Redis each time.
const REMEMBERED: usize = 50_000;

/// The answers of this second.
pub(crate) struct AdmissionChecks {
    told: Cache<(Jti, i64), bool>,
}

impl AdmissionChecks {
    pub(crate) fn new() -> Self {
        Self {
            told: Cache::new(REMEMBERED),
        }
    }

    /// Whether the admission has ended. Those who want to know at the same moment wait for one answer.
    pub(crate) async fn has_ended(&self, jti: Jti, ask: impl Future<Output = bool>) -> bool {
        let key = (jti, clock::now_seconds());
        let asking = async { Ok::<_, Infallible>(ask.await) };
        let Ok(has_ended) = self.told.get_or_insert_async(&key, asking).await;
        has_ended
    }
}

impl fmt::Debug for AdmissionChecks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AdmissionChecks")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use futures_util::future::join_all;

    use super::*;

    #[tokio::test]
    async fn an_admission_is_asked_for_once_a_second_and_each_by_itself() {
        let checks = AdmissionChecks::new();
        let asked = AtomicUsize::new(0);
        let ask = async |has_ended| {
            asked.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(10)).await;
            has_ended
        };
        let (ended, live) = (Jti::mint(), Jti::mint());
        let began = clock::now_seconds();
        let told = join_all((0..100).map(|_| checks.has_ended(ended, ask(true)))).await;
        assert!(told.iter().all(|has_ended| *has_ended));
        assert!(!checks.has_ended(live, ask(false)).await);
        // A second may have begun meanwhile.
        let seconds = usize::try_from(clock::now_seconds() - began).unwrap() + 1;
        assert!((2..=2 * seconds).contains(&asked.load(Ordering::Relaxed)));
        while checks.has_ended(live, ask(false)).await || asked.load(Ordering::Relaxed) < 3 {
            assert!(clock::now_seconds() < began + 60, "never asked again");
        }
    }
}
