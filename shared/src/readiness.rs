//! Whether a load balancer should send clients here.
//!
//! Each part that must be up holds a [`Latch`]; the service is ready when every latch says so.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

type Condition = (&'static str, Arc<AtomicBool>);

/// All conditions of one process.
#[derive(Debug, Clone, Default)]
pub struct Readiness {
    conditions: Arc<Mutex<Vec<Condition>>>,
}

/// One condition, owned by the part that knows about it. Starts as "not ready".
#[derive(Debug, Clone)]
pub struct Latch {
    met: Arc<AtomicBool>,
}

impl Readiness {
    /// A new condition called `name`, not met yet.
    pub fn latch(&self, name: &'static str) -> Latch {
        let met = Arc::new(AtomicBool::new(false));
        self.lock().push((name, Arc::clone(&met)));
        Latch { met }
    }

    /// The names of the conditions that are not met; empty means ready.
    pub fn unmet(&self) -> Vec<&'static str> {
        let conditions = self.lock();
        let unmet = conditions
            .iter()
            .filter(|(_, met)| !met.load(Ordering::Acquire));
        unmet.map(|(name, _)| *name).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Condition>> {
        self.conditions
            .lock()
            .expect("nobody panics while holding this lock")
    }
}

impl Latch {
    /// Says whether the condition is met.
    pub fn set(&self, met: bool) {
        self.met.store(met, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_ready_when_every_latch_is_met() {
        let readiness = Readiness::default();
        let (redis, snapshot) = (readiness.latch("redis"), readiness.latch("snapshot"));
        assert_eq!(readiness.unmet(), ["redis", "snapshot"]);
        redis.set(true);
        snapshot.set(true);
        assert!(readiness.unmet().is_empty());
        redis.set(false);
        assert_eq!(readiness.unmet(), ["redis"]);
    }
}
