//! In whose name a command changes a room.

use nix::unistd::{Uid, User, gethostname};
use shared::room::Author;

/// The user who runs this process and the name of this machine, as the operating system knows them: user@host. Who has no
/// name here, as in most containers, is `uid-<number>`.
pub(super) fn of_the_process() -> Author {
    let uid = Uid::current();
    let user = User::from_uid(uid)
        .ok()
        .flatten()
        .map_or_else(|| format!("uid-{uid}"), |user| user.name);
    let host = gethostname().map_or_else(
        |_unknown| "unknown".to_owned(),
        |host| host.to_string_lossy().into_owned(),
    );
    // A host whose name is longer than a log has room for is left to `--by`.
    format!("{user}@{host}").parse().unwrap_or_default()
}

/// The daemon, which fills in what nobody has set.
pub(super) fn of_the_daemon() -> Author {
    "admitter".parse().expect("a short word is a name")
}
