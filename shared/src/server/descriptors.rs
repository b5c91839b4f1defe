//! File descriptors: each connection has one, and the usual limit is 1,024. A process may raise it up to a hard limit by itself.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// What a process needs besides connections: log, keys, Redis, the database, the admin port.
const OTHERS: u64 = 256;

/// How many open files `connections` connections need.
pub fn needed_for(connections: u64) -> u64 {
    connections.saturating_add(OTHERS)
}

/// Why there may not be so many connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoRoom {
    /// The hard limit is too low.
    #[error(
        "{needed} open files are needed, this process may have {most}; raise it (ulimit -Hn {needed}, LimitNOFILE={needed})"
    )]
    TooFew {
        /// For the connections and what a process has besides.
        needed: u64,
        /// The hard limit.
        most: u64,
    },
    /// The kernel refuses.
    #[error("the limit of open files cannot be read or raised")]
    Refused(#[from] nix::Error),
}

impl NoRoom {
    /// For how many connections there is room all the same; what the kernel does not say is not bounded here.
    pub fn possible(&self) -> u64 {
        match self {
            Self::TooFew { most, .. } => most.saturating_sub(OTHERS),
            Self::Refused(_) => u64::MAX,
        }
    }
}

/// Raises the limit of this process as far as `connections` connections need it. Where that is not possible, as far as it is.
pub fn make_room_for(connections: u64) -> Result<(), NoRoom> {
    let needed = needed_for(connections);
    let (soft, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < needed {
        setrlimit(Resource::RLIMIT_NOFILE, needed.min(most), most)?;
    }
    if most < needed {
        return Err(NoRoom::TooFew { needed, most });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_gets_what_it_may_have_and_is_told_when_that_is_too_little() {
        let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        let all_but_others = most.saturating_sub(OTHERS);
        assert_eq!(make_room_for(all_but_others), Ok(()));
        let (soft, _) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        assert_eq!(soft, needed_for(all_but_others));
        let Some(needed) = most.checked_add(1) else {
            return; // No limit that could be exceeded.
        };
        let refused = make_room_for(all_but_others + 1);
        assert_eq!(refused, Err(NoRoom::TooFew { needed, most }));
        assert_eq!(refused.unwrap_err().possible(), all_but_others);
    }
}
