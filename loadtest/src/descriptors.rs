//! File descriptors: each visitor has a connection, and the usual limit of a shell is 1,024.

use anyhow::{Context, bail};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// For the stores, the terminal, the report and the runtime.
const SPARE: u64 = 500;

/// Makes room for so many connections at once, or says how to.
pub(crate) fn make_room_for(connections: u32) -> anyhow::Result<()> {
    let needed = u64::from(connections) + SPARE;
    let (soft, hard) =
        getrlimit(Resource::RLIMIT_NOFILE).context("cannot read the limit of open files")?;
    if soft >= needed {
        return Ok(());
    }
    if hard < needed {
        bail!(
            "{connections} visitors need {needed} open files, this process may have {hard}: \
             raise it with `ulimit -Hn {needed}`, or send fewer visitors"
        );
    }
    setrlimit(Resource::RLIMIT_NOFILE, needed, hard).context("cannot raise the limit of open files")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_the_machine_allows_is_refused_with_the_way_out() {
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        let Ok(too_many) = u32::try_from(hard) else {
            return; // No limit that could be exceeded.
        };
        let said = make_room_for(too_many).unwrap_err().to_string();
        assert!(said.contains("ulimit -Hn"), "{said}");
    }
}
