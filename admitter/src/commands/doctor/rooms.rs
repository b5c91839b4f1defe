//! The rooms: looked after by an admitter, let in as fast as they are told to, before a shop that is well.

use shared::ids::RoomName;
use shared::redis_handle::{Redis, StoreError};
use shared::room::{Line, Registry, RoomState};

use super::finding::Finding;
use crate::room_status::RoomStatus;

/// Nobody chooses a seat and pays in less; capacity that needs it would be what lets people in, not the rate.
const SHORTEST_VISIT_SECONDS: f64 = 60.0;

pub(super) async fn check(redis: &Redis) -> Vec<Finding> {
    match check_all(redis).await {
        Ok(findings) => findings,
        Err(error) => vec![Finding::problem(
            "rooms",
            format!("cannot be read: {error}"),
            "look at the log of Redis; of a Cluster all masters must be up",
        )],
    }
}

async fn check_all(redis: &Redis) -> Result<Vec<Finding>, StoreError> {
    let mut findings = Vec::new();
    for name in Registry::new(redis.clone()).list().await? {
        let line = Line::new(redis.clone(), name.clone());
        findings.extend(match line.snapshot(0).await? {
            Some(snapshot) => judge(&RoomStatus::new(name, snapshot)),
            None => vec![lost(&name)],
        });
    }
    if findings.is_empty() {
        findings.push(Finding::ok("rooms", "there are none yet"));
    }
    Ok(findings)
}

/// It is in the list and nowhere else: Redis lost it, and nobody who remembers it is there to write it back.
fn lost(room: &RoomName) -> Finding {
    Finding::problem(
        format!("room {room}"),
        "is listed and not there: it was lost",
        "start a gatekeeper or an admitter that knew it, or make it again with `admitter rooms create`",
    )
}

fn judge(status: &RoomStatus) -> Vec<Finding> {
    let about = format!("room {}", status.room);
    if status.state == RoomState::Closed {
        return vec![Finding::ok(about, "is closed")];
    }
    let mut findings = vec![judge_admitter(&about, status)];
    findings.extend(judge_rate(&about, status));
    findings.extend(judge_capacity(&about, status));
    findings.extend(
        status
            .shop_is_busy
            .map(|is_busy| judge_shop(&about, is_busy)),
    );
    findings
}

fn judge_admitter(about: &str, status: &RoomStatus) -> Finding {
    let found = match status.since_promotion {
        _ if status.has_admitter => return Finding::ok(about, "an admitter looks after it"),
        Some(since) => format!(
            "no admitter has looked after it for {} s: nobody is let in",
            since.as_secs()
        ),
        None => "no admitter has looked after it yet: nobody is let in".to_owned(),
    };
    Finding::problem(
        about,
        found,
        "start `admitter run`; any number of them may run",
    )
}

fn judge_rate(about: &str, status: &RoomStatus) -> Option<Finding> {
    let room = &status.room;
    let change =
        format!("admitter rate {room} 100, or `admitter pause {room}` if nobody is to come in");
    (status.state.admits() && status.rate_per_second == Some(0.0))
        .then(|| Finding::warn(about, "its rate is 0: nobody is let in", change))
}

fn judge_capacity(about: &str, status: &RoomStatus) -> Option<Finding> {
    let throttle = status.throttle.as_ref()?;
    let found = throttle.to_string();
    let needed = throttle.capacity_for_visits_of(SHORTEST_VISIT_SECONDS);
    let wanted = if throttle.is_full {
        // All slots are taken: visits are longer than what the rate and so many slots allow.
        needed.max(throttle.capacity * 2)
    } else {
        needed
    };
    let change = format!(
        "admitter capacity {} {}, if the shop can take so many, or a lower rate",
        status.room, wanted
    );
    let is_short = throttle.visit_seconds() < SHORTEST_VISIT_SECONDS;
    Some(if throttle.is_full || is_short {
        Finding::warn(about, found, change)
    } else {
        Finding::ok(about, found)
    })
}

fn judge_shop(about: &str, is_busy: bool) -> Finding {
    if !is_busy {
        return Finding::ok(about, "the shop behind it is well");
    }
    Finding::problem(
        about,
        "the shop behind it is busy or away: nobody is let in",
        "look at booking-api and its database; people come in by themselves when it is well again",
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::finding::Level;
    use super::*;
    use crate::throttle::Throttle;

    fn status(room: &str) -> RoomStatus {
        RoomStatus::example(room)
    }

    /// A room at 100 a second with so many slots.
    fn with_capacity(slots: u64) -> RoomStatus {
        let room = status("main");
        let throttle = Throttle::of(Some(slots), room.rate_per_second, 0, 0);
        RoomStatus {
            capacity: Some(slots),
            throttle,
            ..room
        }
    }

    /// The worst of what is found, and what to change then.
    fn worst(status: &RoomStatus) -> (Level, String) {
        let found = judge(status);
        let worst = found
            .into_iter()
            .max_by_key(|finding| finding.level)
            .unwrap();
        (worst.level, worst.change.unwrap_or_default())
    }

    #[test]
    fn a_room_that_is_looked_after_is_well() {
        assert_eq!(worst(&status("main")).0, Level::Ok);
    }

    #[test]
    fn a_room_without_an_admitter_is_a_problem_unless_it_is_over() {
        for since_promotion in [None, Some(Duration::from_secs(60))] {
            let alone = RoomStatus {
                has_admitter: false,
                since_promotion,
                ..status("main")
            };
            let (level, change) = worst(&alone);
            assert_eq!(level, Level::Problem);
            assert!(change.contains("admitter run"), "{change}");
            let closed = RoomStatus {
                state: RoomState::Closed,
                ..alone
            };
            assert_eq!(worst(&closed).0, Level::Ok);
        }
    }

    #[test]
    fn a_rate_of_nought_is_a_warning_while_the_room_is_open() {
        let stopped = RoomStatus {
            rate_per_second: Some(0.0),
            ..status("main")
        };
        assert_eq!(worst(&stopped).0, Level::Warn);
        let paused = RoomStatus {
            state: RoomState::Paused,
            ..stopped
        };
        assert_eq!(worst(&paused).0, Level::Ok);
    }

    #[test]
    fn a_capacity_that_throttles_is_a_warning_with_the_one_that_would_not() {
        let throttled = with_capacity(300);
        let (level, change) = worst(&throttled);
        assert_eq!(level, Level::Warn);
        assert!(change.contains("admitter capacity main 6000"), "{change}");
        let full = |slots| RoomStatus {
            throttle: Throttle::of(Some(slots), Some(100.0), slots, 1),
            ..with_capacity(slots)
        };
        let (level, change) = worst(&full(10_000));
        assert_eq!(level, Level::Warn);
        assert!(change.contains("admitter capacity main 20000"), "{change}");
        let ample = with_capacity(100_000);
        assert_eq!(worst(&ample).0, Level::Ok);
    }

    #[test]
    fn a_shop_that_is_not_well_is_a_problem() {
        let shop = |is_busy| RoomStatus {
            shop_is_busy: Some(is_busy),
            ..status("main")
        };
        assert_eq!(worst(&shop(false)).0, Level::Ok);
        assert_eq!(worst(&shop(true)).0, Level::Problem);
    }
}
