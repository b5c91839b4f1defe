//! The servers behind the address of Redis: version, durability, memory, replicas, latency, clock.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use shared::clock;
use shared::redis_handle::{Redis, ServerReport};

use super::finding::Finding;

const SETTINGS: [&str; 4] = [
    "appendonly",
    "appendfsync",
    "maxmemory-policy",
    "min-replicas-to-write",
];
/// Calls that latency is measured by.
const CALLS: usize = 20;
/// A script of ours takes a millisecond or two; what takes longer between two hosts is felt at every join.
const GOOD_LATENCY: Duration = Duration::from_millis(5);
/// Tokens tolerate that much between two clocks.
const TOLERATED_SKEW: SignedDuration = SignedDuration::from_secs(5);
const GOOD_SKEW: SignedDuration = SignedDuration::from_secs(1);

/// What to say when there is nothing to check.
pub(super) fn unreachable() -> Finding {
    Finding::problem(
        "redis",
        "cannot be reached",
        "check --redis-url (or ONSALE_REDIS_URL), and that the server runs",
    )
}

pub(super) async fn check(redis: &Redis, deadline: Duration) -> Vec<Finding> {
    let asked_at = clock::now();
    let Ok(reports) = redis.server_reports(&SETTINGS).await else {
        return vec![unreachable()];
    };
    let answered_at = clock::now();
    let mut findings: Vec<Finding> = reports
        .iter()
        .flat_map(|report| judge(report, asked_at, answered_at))
        .collect();
    findings.push(judge_latency(median_latency(redis).await, deadline));
    findings
}

/// `None` when a call failed.
async fn median_latency(redis: &Redis) -> Option<Duration> {
    let mut times = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        let began = Instant::now();
        shared::room::Registry::new(redis.clone())
            .list()
            .await
            .ok()?;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    times.get(CALLS / 2).copied()
}

fn judge(report: &ServerReport, asked_at: Timestamp, answered_at: Timestamp) -> Vec<Finding> {
    let about = match report.address.as_str() {
        "" => "redis".to_owned(),
        address => format!("redis {address}"),
    };
    vec![
        judge_version(&about, report),
        judge_durability(&about, report),
        judge_memory(&about, report),
        judge_replicas(&about, report),
        judge_clock(&about, report, asked_at, answered_at),
    ]
}

/// A setting, as the server tells it or, where it does not tell settings, as `INFO` has it.
fn setting<'report>(
    report: &'report ServerReport,
    name: &str,
    in_info: &str,
) -> Option<&'report str> {
    let told = report.settings.as_ref().and_then(|all| all.get(name));
    told.or_else(|| report.info.get(in_info))
        .map(String::as_str)
}

fn number(report: &ServerReport, name: &str) -> u64 {
    let text = report.info.get(name);
    text.and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

fn judge_version(about: &str, report: &ServerReport) -> Finding {
    let valkey = report.info.get("valkey_version");
    let (kind, version) = match (valkey, report.info.get("redis_version")) {
        (Some(version), _) => ("Valkey", version.as_str()),
        (None, Some(version)) => ("Redis", version.as_str()),
        (None, None) => ("Redis", "unknown"),
    };
    let major: u64 = version
        .split('.')
        .next()
        .and_then(|major| major.parse().ok())
        .unwrap_or(0);
    if major >= 7 {
        Finding::ok(about, format!("{kind} {version}"))
    } else {
        Finding::problem(
            about,
            format!("{kind} {version} is not tested with Onsale"),
            "run Redis 7 or later, or Valkey 8 or later",
        )
    }
}

fn judge_durability(about: &str, report: &ServerReport) -> Finding {
    let appends = match setting(report, "appendonly", "aof_enabled") {
        Some("yes" | "1") => true,
        Some(_) => false,
        None => return unreadable(about, "whether writes are appended to a file"),
    };
    if !appends {
        return Finding::problem(
            about,
            "appendonly is off: a restart forgets the line",
            "CONFIG SET appendonly yes, and in the server's file: appendonly yes, appendfsync everysec",
        );
    }
    if report
        .info
        .get("aof_last_write_status")
        .is_some_and(|status| status != "ok")
    {
        return Finding::problem(
            about,
            "the last write to its file failed",
            "look at its log; its disk may be full",
        );
    }
    match setting(report, "appendfsync", "") {
        Some("everysec") => Finding::ok(about, "appends every write, to disk every second"),
        Some("always") => Finding::warn(
            about,
            "appendfsync always: every call waits for the disk",
            "CONFIG SET appendfsync everysec; tokens restore the second that a loss of power may cost",
        ),
        Some(other) => Finding::problem(
            about,
            format!("appendfsync {other}: a loss of power forgets half a minute of the line"),
            "CONFIG SET appendfsync everysec",
        ),
        None => unreadable(about, "how often writes reach the disk"),
    }
}

fn judge_memory(about: &str, report: &ServerReport) -> Finding {
    let policy = setting(report, "maxmemory-policy", "maxmemory_policy");
    let (used, most) = (number(report, "used_memory"), number(report, "maxmemory"));
    match policy {
        Some("noeviction") if most > 0 && used > most / 10 * 8 => Finding::warn(
            about,
            format!("{used} of {most} bytes of memory are used"),
            "raise maxmemory; a million waiting visitors take about 200 MB",
        ),
        Some("noeviction") => Finding::ok(about, "refuses writes rather than forget something"),
        Some(other) => Finding::problem(
            about,
            format!("maxmemory-policy {other}: when memory ends, people lose their places"),
            "CONFIG SET maxmemory-policy noeviction; keep caches on another server",
        ),
        None => unreadable(about, "what it does when memory ends"),
    }
}

fn judge_replicas(about: &str, report: &ServerReport) -> Finding {
    // Redis counts those that it has heard of lately, where it needs some.
    let connected = number(report, "connected_slaves");
    let replicas = match report.info.get("min_slaves_good_slaves") {
        Some(_) => number(report, "min_slaves_good_slaves"),
        None => connected,
    };
    let needed: Option<u64> =
        setting(report, "min-replicas-to-write", "").and_then(|text| text.parse().ok());
    match (replicas, needed) {
        (there, Some(needed)) if there < needed => Finding::problem(
            about,
            format!(
                "takes no writes: {there} of the {needed} replicas that it needs for that are there"
            ),
            "bring replicas back, or CONFIG SET min-replicas-to-write 0 for now",
        ),
        (0, _) => Finding::warn(
            about,
            "has no replica: what is lost with its disk is lost",
            "add two replicas and set min-replicas-to-write 1, or accept it for a small sale",
        ),
        (1, Some(0)) => Finding::warn(
            about,
            "has one replica: what that one has not taken over yet is lost with its master",
            "add another replica, and set min-replicas-to-write 1 on all",
        ),
        (there, Some(needed @ 1..)) if there == needed && connected > there => Finding::warn(
            about,
            format!(
                "{there} of its {connected} replicas keep up, and it takes no writes without {needed}"
            ),
            "look after those that lag or do not answer",
        ),
        (there, Some(needed @ 1..)) if there == needed => Finding::warn(
            about,
            format!(
                "takes no writes without all of its replicas ({there}): when one dies, nobody joins or is let in"
            ),
            "add another replica, or CONFIG SET min-replicas-to-write to one less",
        ),
        (1.., Some(0)) => Finding::problem(
            about,
            format!("has {replicas} replicas and would take writes that reach none of them"),
            "CONFIG SET min-replicas-to-write 1, on the replicas, too",
        ),
        (1.., Some(needed)) => Finding::ok(
            about,
            format!("{replicas} replicas; without {needed} of them it takes no writes"),
        ),
        (1.., None) => unreadable(about, "whether it takes writes without its replicas"),
    }
}

fn judge_clock(
    about: &str,
    report: &ServerReport,
    asked_at: Timestamp,
    answered_at: Timestamp,
) -> Finding {
    let micros = report.info.get("server_time_usec");
    let told = micros
        .and_then(|text| text.trim().parse().ok())
        .and_then(|micros| Timestamp::from_microsecond(micros).ok());
    let Some(told) = told else {
        return unreadable(about, "its clock");
    };
    // It was told some time between asking and the answer.
    let skew = if told < asked_at {
        asked_at.duration_since(told)
    } else if told > answered_at {
        told.duration_since(answered_at)
    } else {
        SignedDuration::ZERO
    };
    let found = format!(
        "its clock and this host's are {:.1} s apart",
        skew.as_secs_f64()
    );
    let change = "let all hosts follow one time server (chrony, systemd-timesyncd)";
    if skew > TOLERATED_SKEW {
        Finding::problem(
            about,
            format!("{found}: tokens are refused or live too long"),
            change,
        )
    } else if skew > GOOD_SKEW {
        Finding::warn(about, found, change)
    } else {
        Finding::ok(about, "its clock agrees with this host's")
    }
}

fn judge_latency(median: Option<Duration>, deadline: Duration) -> Finding {
    let about = "redis";
    let change =
        "put it nearer to the services, and look for slow commands (SLOWLOG GET) and a busy host";
    match median {
        None => Finding::problem(
            about,
            "calls fail",
            "look at its log, and at the network between",
        ),
        Some(median) if median * 3 > deadline => Finding::problem(
            about,
            format!("a call takes {median:.1?}, of {deadline:.0?} that it may take"),
            change,
        ),
        Some(median) if median > GOOD_LATENCY => {
            Finding::warn(about, format!("a call takes {median:.1?}"), change)
        }
        Some(median) => Finding::ok(about, format!("a call takes {median:.1?}")),
    }
}

fn unreadable(about: &str, what: &str) -> Finding {
    Finding::warn(
        about,
        format!("does not tell {what}"),
        "ask whoever hosts it; ARCHITECTURE.md says how it should be set",
    )
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    fn report(info: &[(&str, &str)], settings: &[(&str, &str)]) -> ServerReport {
        let map = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter();
            pairs
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect()
        };
        ServerReport {
            address: String::new(),
            info: map(info),
            settings: (!settings.is_empty()).then(|| map(settings)),
        }
    }

    #[test]
    fn versions_that_are_too_old_are_a_problem() {
        let level = |info: &[(&str, &str)]| judge_version("redis", &report(info, &[])).level;
        assert_eq!(level(&[("redis_version", "7.0.15")]), Level::Ok);
        assert_eq!(
            level(&[("redis_version", "7.2.4"), ("valkey_version", "9.0.1")]),
            Level::Ok
        );
        assert_eq!(level(&[("redis_version", "6.2.7")]), Level::Problem);
        assert_eq!(level(&[]), Level::Problem);
    }

    #[test]
    fn a_line_that_would_be_forgotten_is_a_problem() {
        let level = |info: &[(&str, &str)], settings: &[(&str, &str)]| {
            judge_durability("redis", &report(info, settings)).level
        };
        let every_second = [("appendonly", "yes"), ("appendfsync", "everysec")];
        assert_eq!(level(&[], &every_second), Level::Ok);
        assert_eq!(level(&[], &[("appendonly", "no")]), Level::Problem);
        assert_eq!(
            level(&[], &[("appendonly", "yes"), ("appendfsync", "no")]),
            Level::Problem
        );
        assert_eq!(
            level(&[], &[("appendonly", "yes"), ("appendfsync", "always")]),
            Level::Warn
        );
        assert_eq!(
            level(&[("aof_last_write_status", "err")], &every_second),
            Level::Problem
        );
        assert_eq!(
            level(&[("aof_enabled", "0")], &[]),
            Level::Problem,
            "without CONFIG"
        );
        assert_eq!(
            level(&[("aof_enabled", "1")], &[]),
            Level::Warn,
            "not known how often"
        );
    }

    #[test]
    fn memory_that_evicts_is_a_problem_and_a_full_one_a_warning() {
        let level = |info: &[(&str, &str)]| judge_memory("redis", &report(info, &[])).level;
        assert_eq!(level(&[("maxmemory_policy", "noeviction")]), Level::Ok);
        assert_eq!(
            level(&[("maxmemory_policy", "allkeys-lru")]),
            Level::Problem
        );
        let full = [
            ("maxmemory_policy", "noeviction"),
            ("maxmemory", "1000"),
            ("used_memory", "900"),
        ];
        assert_eq!(level(&full), Level::Warn);
    }

    #[test]
    fn enough_replicas_must_have_what_is_written() {
        let level = |replicas: &str, needed: &str| {
            let report = report(
                &[("connected_slaves", replicas)],
                &[("min-replicas-to-write", needed)],
            );
            judge_replicas("redis", &report).level
        };
        assert_eq!(level("0", "0"), Level::Warn);
        assert_eq!(level("0", "1"), Level::Problem);
        assert_eq!(level("1", "0"), Level::Warn, "its last moment is lost");
        assert_eq!(level("1", "1"), Level::Warn, "either one stops the sale");
        assert_eq!(level("2", "0"), Level::Problem);
        assert_eq!(level("1", "2"), Level::Problem, "nothing is written");
        assert_eq!(level("2", "1"), Level::Ok);
        assert_eq!(level("2", "2"), Level::Warn, "either one stops the sale");
        assert_eq!(level("2", "3"), Level::Problem, "nothing is written");
        assert_eq!(level("3", "2"), Level::Ok);
        let hung = report(
            &[("connected_slaves", "2"), ("min_slaves_good_slaves", "0")],
            &[("min-replicas-to-write", "1")],
        );
        assert_eq!(judge_replicas("redis", &hung).level, Level::Problem);
        let one_lags = report(
            &[("connected_slaves", "2"), ("min_slaves_good_slaves", "1")],
            &[("min-replicas-to-write", "1")],
        );
        let finding = judge_replicas("redis", &one_lags);
        assert_eq!(finding.level, Level::Warn);
        assert!(finding.found.contains("1 of its 2 replicas keep up"));
    }

    #[test]
    fn clocks_may_differ_by_the_time_that_a_call_takes_and_little_more() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let level = |told: &str| {
            let report = report(&[("server_time_usec", told)], &[]);
            judge_clock("redis", &report, at(1_000), at(1_002)).level
        };
        assert_eq!(level("1001000000"), Level::Ok);
        assert_eq!(level("1002900000"), Level::Ok);
        assert_eq!(level("997000000"), Level::Warn);
        assert_eq!(level("1008000000"), Level::Problem);
        assert_eq!(level("soon"), Level::Warn);
    }

    #[test]
    fn a_slow_call_is_told_apart_from_one_that_cannot_work() {
        let deadline = Duration::from_millis(300);
        let level = |millis| judge_latency(Some(Duration::from_millis(millis)), deadline).level;
        assert_eq!(
            [level(1), level(20), level(150)],
            [Level::Ok, Level::Warn, Level::Problem]
        );
        assert_eq!(judge_latency(None, deadline).level, Level::Problem);
    }
}
