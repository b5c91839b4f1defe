//! The token bucket: never faster than the rate, whoever and however many call (I8).

use std::time::Duration;

use shared::room::{Change, ClaimOutcome, ClaimRequest, Line, NewRoom, PromotionLimits, RoomState};

use crate::{PRESENT, new_room, visitor};

const TICK: Duration = Duration::from_millis(50);
const LIMITS: PromotionLimits = PromotionLimits {
    tick: TICK,
    at_once: 1_000,
};

async fn fill(line: &Line, count: u64) {
    for first in (0..count).step_by(200) {
        let visitors: Vec<_> = (first..count.min(first + 200)).map(visitor).collect();
        line.join(&visitors, PRESENT).await.unwrap();
    }
}

/// Milliseconds at which visitors were let in, by Redis' own clock, in order of number.
async fn admitted_at(line: &Line, count: u64) -> Vec<i64> {
    let life = line.snapshot(0).await.unwrap().unwrap().settings.life;
    let mut times = Vec::new();
    for first in (1..=count).step_by(200) {
        let requests: Vec<_> = (first..=count.min(first + 199))
            .map(|number| ClaimRequest {
                visitor: visitor(number - 1),
                number: shared::ids::Number(number),
                life,
            })
            .collect();
        for outcome in line.claim(&requests).await.unwrap() {
            match outcome {
                ClaimOutcome::Admitted(admission) => times.push(admission.since_ms),
                other => assert_eq!(other, ClaimOutcome::Waiting),
            }
        }
    }
    times
}

/// No window holds more than rate × its length + the bucket.
fn assert_pace(times: &[i64], rate: f64) {
    let bucket = (0.3 * rate).max(2.0 * TICK.as_secs_f64() * rate).max(1.0);
    for (first, &start) in times.iter().enumerate() {
        for (last, &end) in times.iter().enumerate().skip(first) {
            #[expect(clippy::cast_precision_loss, reason = "small figures")]
            let (seconds, count) = ((end - start + 1) as f64 / 1000.0, (last - first + 1) as f64);
            assert!(
                count <= rate * seconds + bucket + 1e-6,
                "{count} within {seconds} s at {rate}/s"
            );
        }
    }
}

#[tokio::test]
async fn five_admitters_at_once_give_the_rate_of_one() {
    let rate = 200.0;
    let line = new_room(&NewRoom {
        rate_per_second: Some(rate),
        ..NewRoom::default()
    })
    .await;
    fill(&line, 2_000).await;
    let began = tokio::time::Instant::now();
    let admitters = (0..5).map(|_| {
        let line = line.clone();
        async move {
            let mut promoted = 0;
            while began.elapsed() < Duration::from_secs(2) {
                promoted += line.promote(LIMITS).await.unwrap().unwrap().promoted;
                tokio::time::sleep(Duration::from_millis(7)).await;
            }
            promoted
        }
    });
    let promoted: u64 = futures_util::future::join_all(admitters)
        .await
        .into_iter()
        .sum();
    let times = admitted_at(&line, 2_000).await;
    assert_eq!(times.len() as u64, promoted);
    assert!(times.is_sorted(), "let in by order of place");
    assert!(
        promoted >= 200,
        "two seconds at 200/s let in only {promoted}"
    );
    assert_pace(&times, rate);
}

#[tokio::test]
async fn an_outage_is_not_followed_by_a_burst() {
    let rate = 100.0;
    let line = new_room(&NewRoom {
        rate_per_second: Some(rate),
        ..NewRoom::default()
    })
    .await;
    fill(&line, 300).await;
    line.promote(LIMITS).await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let after = line.promote(LIMITS).await.unwrap().unwrap();
    assert_eq!(after.promoted, 30, "0.3 s of the rate, whatever the pause");
}

#[tokio::test]
async fn a_rate_below_one_a_second_still_admits() {
    let line = new_room(&NewRoom {
        rate_per_second: Some(5.0),
        ..NewRoom::default()
    })
    .await;
    fill(&line, 3).await;
    let mut promoted = 0;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    line.change(&[Change::Rate(0.9)]).await.unwrap();
    while promoted < 2 && tokio::time::Instant::now() < deadline {
        promoted += line.promote(LIMITS).await.unwrap().unwrap().promoted;
        tokio::time::sleep(TICK).await;
    }
    assert_eq!(promoted, 2);
}

#[tokio::test]
async fn only_an_open_or_draining_room_admits() {
    let line = new_room(&NewRoom {
        rate_per_second: Some(1_000.0),
        ..NewRoom::default()
    })
    .await;
    fill(&line, 10).await;
    let wait = || tokio::time::sleep(Duration::from_millis(20));
    line.promote(LIMITS).await.unwrap();
    for (state, admits) in [
        (RoomState::Paused, false),
        (RoomState::Closed, false),
        (RoomState::Scheduled, false),
        (RoomState::Draining, true),
    ] {
        line.transition(
            state,
            &[
                RoomState::Open,
                RoomState::Paused,
                RoomState::Closed,
                RoomState::Scheduled,
            ],
        )
        .await
        .unwrap();
        wait().await;
        let promoted = line.promote(LIMITS).await.unwrap().unwrap().promoted;
        assert_eq!(promoted > 0, admits, "{state}");
    }
}

#[tokio::test]
async fn a_call_lets_in_what_a_high_rate_needs_and_a_late_tick_is_made_up_for() {
    let line = new_room(&NewRoom {
        rate_per_second: Some(50_000.0),
        ..NewRoom::default()
    })
    .await;
    fill(&line, 6_000).await;
    let limits = PromotionLimits {
        at_once: 10_000,
        ..LIMITS
    };
    line.promote(limits).await.unwrap().unwrap();
    // Fills the bucket; longer makes no difference.
    tokio::time::sleep(Duration::from_millis(400)).await;
    let promoted = line.promote(limits).await.unwrap().unwrap().promoted;
    assert_eq!(promoted, 5_000, "two ticks of the rate");
}

fn opening_at(opens_at_ms: i64) -> NewRoom {
    NewRoom {
        rate_per_second: Some(1_000.0),
        opens_at_ms: Some(opens_at_ms),
        ..NewRoom::default()
    }
}

#[tokio::test]
async fn a_scheduled_room_admits_nobody_before_its_time() {
    let in_an_hour = jiff::Timestamp::now().as_millisecond() + 3_600_000;
    let line = new_room(&opening_at(in_an_hour)).await;
    fill(&line, 5).await;
    for _ in 0..3 {
        tokio::time::sleep(TICK).await;
        assert_eq!(line.promote(LIMITS).await.unwrap().unwrap().promoted, 0);
    }
    assert_eq!(
        line.snapshot(0).await.unwrap().unwrap().settings.state,
        RoomState::Scheduled
    );
}

#[tokio::test]
async fn a_scheduled_room_opens_at_its_time() {
    let soon = jiff::Timestamp::now().as_millisecond() + 300;
    let line = new_room(&opening_at(soon)).await;
    fill(&line, 5).await;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    let mut promoted = 0;
    while promoted < 5 && tokio::time::Instant::now() < deadline {
        promoted += line.promote(LIMITS).await.unwrap().unwrap().promoted;
        tokio::time::sleep(TICK).await;
    }
    assert_eq!(promoted, 5);
    assert!(admitted_at(&line, 5).await.iter().all(|at| *at >= soon));
    assert_eq!(
        line.snapshot(0).await.unwrap().unwrap().settings.state,
        RoomState::Open
    );
}
