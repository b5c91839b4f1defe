//! Something read from files that an operator may replace while the process runs, such as keys.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use tracing::{info, warn};

use crate::shutdown::Shutdown;

/// Between two looks at the files. Kubernetes itself takes up to a minute to bring a changed Secret.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Reads `T` from a path.
type Load<T, E> = fn(&Path) -> Result<T, E>;

/// The newest good version of what a path holds.
#[derive(Debug)]
pub struct Reloaded<T, E> {
    path: PathBuf,
    load: Load<T, E>,
    current: ArcSwap<T>,
    version: AtomicU64,
}

impl<T, E> Reloaded<T, E>
where
    T: PartialEq + Send + Sync + 'static,
    E: std::error::Error + 'static,
{
    /// Reads it for the first time; then an error is final.
    pub fn open(path: &Path, load: Load<T, E>) -> Result<Arc<Self>, E> {
        let current = ArcSwap::from_pointee(load(path)?);
        Ok(Arc::new(Self {
            path: path.to_owned(),
            load,
            current,
            version: AtomicU64::new(0),
        }))
    }

    /// The newest good version.
    pub fn current(&self) -> Guard<Arc<T>> {
        self.current.load()
    }

    /// Changes after each change, for whoever remembers what followed from an earlier version: read before
    /// [`Self::current`], it is never newer than that.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Looks again now and then. What cannot be read is reported, and the version before stays.
    pub fn keep_fresh(self: &Arc<Self>, shutdown: &Shutdown) {
        let this = Arc::clone(self);
        let stopping = shutdown.clone();
        shutdown.spawn("reload", async move {
            while stopping
                .run_until_stopped(tokio::time::sleep(LOOK_EVERY))
                .await
                .is_some()
            {
                this.look();
            }
        });
    }

    /// Looks once. Returns whether there was something new.
    pub fn look(&self) -> bool {
        match (self.load)(&self.path) {
            Ok(fresh) if fresh == **self.current.load() => false,
            Ok(fresh) => {
                self.current.store(Arc::new(fresh));
                self.version.fetch_add(1, Ordering::Release);
                info!(path = %self.path.display(), "read anew");
                true
            }
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                warn!(path = %self.path.display(), error, "cannot be read; keeping what was read before");
                false
            }
        }
    }
}
