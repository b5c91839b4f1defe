//! Two commands that change the same site take turns.

use std::{
    fs::{File, TryLockError},
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

use crate::say::say;

/// Longest that we wait for another command: an `up` that fetches servers first takes this long.
const WAIT_WITHIN: Duration = Duration::from_mins(3);

/// Held until dropped; the system frees it when we are killed.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    pub(super) fn take(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join("lock");
        let file = File::create(&path).with_context(|| format!("making {}", path.display()))?;
        let deadline = Instant::now() + WAIT_WITHIN;
        let mut has_said = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::Error(error)) => return Err(error).context("locking the site"),
                Err(TryLockError::WouldBlock) if Instant::now() > deadline => bail!(
                    "another devstack command works on {} for {WAIT_WITHIN:?} already; end that one \
                     first",
                    folder.display()
                ),
                Err(TryLockError::WouldBlock) => {}
            }
            if !has_said {
                say("Another devstack command works on this site; waiting for it …");
                has_said = true;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}
