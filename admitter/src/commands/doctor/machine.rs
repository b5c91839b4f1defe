//! Limits of this machine: descriptors and the queues of connections that nobody has accepted yet.

use nix::sys::resource::{Resource, getrlimit};
use shared::server::{BACKLOG, descriptors};

use super::finding::Finding;

const SOMAXCONN: &str = "/proc/sys/net/core/somaxconn";
const SYN_BACKLOG: &str = "/proc/sys/net/ipv4/tcp_max_syn_backlog";
const NETSTAT: &str = "/proc/net/netstat";

pub(super) fn check(max_connections: u64, dropped_before: Option<u64>) -> Vec<Finding> {
    // Services raise what they have by themselves, up to this.
    let descriptors = getrlimit(Resource::RLIMIT_NOFILE).map(|(_soft, hard)| hard);
    let queues = [
        judge_queue("accept queue", "net.core.somaxconn", read_number(SOMAXCONN)),
        judge_queue(
            "half-open connections",
            "net.ipv4.tcp_max_syn_backlog",
            read_number(SYN_BACKLOG),
        ),
    ];
    let descriptors = descriptors
        .ok()
        .map(|most| judge_descriptors(most, max_connections));
    let dropped = dropped_before
        .zip(connections_dropped())
        .map(|(before, after)| judge_dropped(before, after));
    descriptors
        .into_iter()
        .chain(queues.into_iter().flatten())
        .chain(dropped)
        .collect()
}

/// Connections that found an accept queue of this machine full, since it started. `None` where the kernel
/// does not say.
pub(super) fn connections_dropped() -> Option<u64> {
    parse_dropped(&std::fs::read_to_string(NETSTAT).ok()?)
}

fn read_number(path: &str) -> Option<u64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn judge_descriptors(most: u64, max_connections: u64) -> Finding {
    let needed = descriptors::needed_for(max_connections);
    let found = format!(
        "a process of this shell may have {most} open files, a service has up to {max_connections} connections"
    );
    if most >= needed {
        return Finding::ok("descriptors", found);
    }
    Finding::problem(
        "descriptors",
        found,
        format!(
            "where services get as little, allow {needed} (ulimit -Hn, LimitNOFILE=), or lower --max-connections"
        ),
    )
}

fn judge_queue(about: &str, setting: &str, most: Option<u64>) -> Option<Finding> {
    let most = most?;
    let wanted = u64::from(BACKLOG);
    let found = format!("{setting} is {most}");
    Some(if most >= wanted {
        Finding::ok(about, found)
    } else {
        Finding::warn(
            about,
            format!("{found}: what connects beyond it at an opening waits a second or more"),
            format!("sysctl -w {setting}={wanted}"),
        )
    })
}

fn judge_dropped(before: u64, after: u64) -> Finding {
    let about = "accept queue";
    if after > before {
        return Finding::warn(
            about,
            format!(
                "{} connections were dropped while this was checked",
                after - before
            ),
            "start more services or raise their CPU: they accept too slowly",
        );
    }
    Finding::ok(
        about,
        format!(
            "{after} connections were dropped since this machine started, none while this was checked"
        ),
    )
}

/// The file has pairs of lines: names and figures.
fn parse_dropped(netstat: &str) -> Option<u64> {
    let mut lines = netstat.lines().filter(|line| line.starts_with("TcpExt:"));
    let (names, figures) = (lines.next()?, lines.next()?);
    let mut pairs = names.split_whitespace().zip(figures.split_whitespace());
    let (_, figure) = pairs.find(|(name, _)| *name == "ListenOverflows")?;
    figure.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    #[test]
    fn connections_need_descriptors_and_something_besides() {
        assert_eq!(judge_descriptors(20_000, 18_000).level, Level::Ok);
        let short = judge_descriptors(1_024, 18_000);
        assert_eq!(short.level, Level::Problem);
        assert!(short.change.is_some_and(|change| change.contains("18256")));
        assert_eq!(judge_descriptors(18_000, 18_000).level, Level::Problem);
    }

    #[test]
    fn a_short_queue_is_a_warning_and_an_unknown_one_nothing() {
        let level = |most| judge_queue("queue", "a.b", most).map(|finding| finding.level);
        assert_eq!(level(Some(128)), Some(Level::Warn));
        assert_eq!(level(Some(65_536)), Some(Level::Ok));
        assert_eq!(level(None), None);
    }

    #[test]
    fn only_drops_that_go_on_are_a_warning() {
        assert_eq!(judge_dropped(17, 17).level, Level::Ok);
        assert_eq!(judge_dropped(17, 19).level, Level::Warn);
    }

    #[test]
    fn the_figure_is_found_by_its_name() {
        let text = "TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 1 2 3\nIpExt: A\nIpExt: 9\n";
        assert_eq!(parse_dropped(text), Some(2));
        assert_eq!(parse_dropped("TcpExt: A\n"), None);
    }
}
