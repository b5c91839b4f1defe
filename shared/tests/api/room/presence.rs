//! Presence: who misses a promise is absent, and comes back to the old place; the presence clock, not the wall, decides.

use std::time::Duration;

use shared::ids::Number;
use shared::room::{
    Beat, Beaten, ClaimOutcome, Joined, Line, NewRoom, Promise, PromotionLimits, RoomState,
};

use crate::{PRESENT, claim, field, life, new_room, set_field, visitor};

const LIMITS: PromotionLimits = PromotionLimits {
    tick: Duration::from_millis(50),
    at_once: 1_000,
};
const SHORT: Promise = Promise::of(Duration::from_secs(3));

fn open() -> NewRoom {
    NewRoom {
        rate_per_second: Some(100_000.0),
        ..NewRoom::default()
    }
}

async fn beat(line: &Line, who: u64, promised: Promise, seen_ago: Duration) -> Beaten {
    let beat = Beat {
        visitor: visitor(who),
        number: Number(who),
        seen_ago,
        promised,
    };
    line.beat(life(line).await, "a gatekeeper", &[beat])
        .await
        .unwrap()
}

/// As if beats of others had come for so long.
async fn pass(line: &Line, time: Duration) {
    let clock: u64 = field(line, "clock_ms")
        .await
        .map_or(3_600_000, |clock| clock.parse().unwrap());
    let later = clock + u64::try_from(time.as_millis()).unwrap();
    set_field(line, "clock_ms", &later.to_string()).await;
}

/// Joins visitors 1 to `count`, who get these numbers.
async fn join(line: &Line, count: u64, promised: Promise) {
    let visitors: Vec<_> = (1..=count).map(visitor).collect();
    line.join(&visitors, promised).await.unwrap();
}

async fn sweep(line: &Line) -> u64 {
    let Some(chunk) = line.promised(0).await.unwrap() else {
        return 0;
    };
    line.sweep(&chunk.overdue(500)).await.unwrap()
}

/// Promotes once with the bucket full.
async fn promote(line: &Line) -> shared::room::Promoted {
    set_field(line, "bucket", "1000").await;
    line.promote(LIMITS).await.unwrap().unwrap()
}

#[tokio::test]
async fn who_stops_polling_is_passed_over_and_those_behind_are_let_in() {
    let line = new_room(&open()).await;
    join(&line, 10, SHORT).await;
    pass(&line, Duration::from_secs(10)).await;
    for who in [4, 7] {
        beat(&line, who, SHORT, Duration::ZERO).await;
    }
    let promoted = promote(&line).await;
    assert_eq!(
        (promoted.promoted, promoted.absent, promoted.waiting),
        (2, 8, 0)
    );
    assert!(matches!(
        claim(&line, 4, 4).await,
        ClaimOutcome::Admitted(_)
    ));
    assert!(matches!(
        claim(&line, 7, 7).await,
        ClaimOutcome::Admitted(_)
    ));
}

#[tokio::test]
async fn a_sweep_finds_the_absent_wherever_they_stand_and_no_others() {
    let line = new_room(&open()).await;
    join(&line, 300, SHORT).await;
    pass(&line, Duration::from_secs(10)).await;
    for who in (1..=300).step_by(3) {
        beat(&line, who, SHORT, Duration::ZERO).await;
    }
    assert_eq!(sweep(&line).await, 200);
    assert_eq!(sweep(&line).await, 0, "once");
    let snapshot = line.snapshot(1_000).await.unwrap().unwrap();
    assert_eq!((snapshot.waiting, snapshot.absent), (100, 200));
    assert_eq!(snapshot.lowest_absent, Some(2));
}

#[tokio::test]
async fn an_absent_visitor_comes_back_to_the_old_place_by_a_beat() {
    let line = new_room(&open()).await;
    join(&line, 3, SHORT).await;
    pass(&line, Duration::from_secs(10)).await;
    assert_eq!(sweep(&line).await, 3);
    for who in [3, 1] {
        assert_eq!(
            beat(&line, who, PRESENT, Duration::ZERO).await,
            Beaten::Returned(1)
        );
    }
    let snapshot = line.snapshot(0).await.unwrap().unwrap();
    assert_eq!(
        (snapshot.lowest_waiting, snapshot.waiting, snapshot.absent),
        (Some(1), 2, 1)
    );
    // At the very front, because the turn has passed.
    promote(&line).await;
    assert_eq!(
        beat(&line, 2, PRESENT, Duration::ZERO).await,
        Beaten::Returned(1)
    );
    assert_eq!(
        line.snapshot(0).await.unwrap().unwrap().lowest_waiting,
        Some(2)
    );
}

#[tokio::test]
async fn an_absent_visitor_comes_back_by_a_claim_or_by_joining_again_too() {
    let line = new_room(&open()).await;
    join(&line, 2, SHORT).await;
    pass(&line, Duration::from_secs(10)).await;
    assert_eq!(sweep(&line).await, 2);
    assert_eq!(claim(&line, 2, 2).await, ClaimOutcome::Waiting);
    let joined = line.join(&[visitor(1)], PRESENT).await.unwrap();
    assert_eq!(joined.visitors, [Joined::Again(Number(1))]);
    let snapshot = line.snapshot(0).await.unwrap().unwrap();
    assert_eq!((snapshot.waiting, snapshot.absent), (2, 0));
}

#[tokio::test]
async fn the_newest_beat_wins_whatever_the_order_of_flushes() {
    let line = new_room(&open()).await;
    join(&line, 1, SHORT).await;
    pass(&line, Duration::from_secs(60)).await;
    beat(&line, 1, SHORT, Duration::ZERO).await;
    // Kept by another gatekeeper for a while: an older sight with a longer promise.
    beat(
        &line,
        1,
        Promise::of(Duration::from_secs(300)),
        Duration::from_secs(30),
    )
    .await;
    pass(&line, Duration::from_secs(10)).await;
    assert_eq!(
        sweep(&line).await,
        1,
        "the promise of the newest beat was missed"
    );
    // And a beat from before the absence does not bring back who has gone.
    assert_eq!(
        beat(&line, 1, PRESENT, Duration::from_secs(40)).await,
        Beaten::Returned(0)
    );
}

#[tokio::test]
async fn the_presence_clock_stands_still_without_beats_and_goes_on_by_a_second_at_most() {
    let line = new_room(&open()).await;
    join(&line, 2, SHORT).await;
    // A minute away, by the clock of Redis.
    let clock = async || -> u64 { field(&line, "clock_ms").await.unwrap().parse().unwrap() };
    beat(&line, 1, SHORT, Duration::ZERO).await;
    let before = clock().await;
    let at: i64 = field(&line, "clock_at_ms").await.unwrap().parse().unwrap();
    set_field(&line, "clock_at_ms", &(at - 60_000).to_string()).await;
    beat(&line, 1, SHORT, Duration::ZERO).await;
    assert_eq!(clock().await, before + 1_000);
    // Put back, or another host's.
    set_field(&line, "clock_at_ms", &(at + 3_600_000).to_string()).await;
    beat(&line, 1, SHORT, Duration::ZERO).await;
    assert_eq!(clock().await, before + 1_000);
    assert_eq!(sweep(&line).await, 0, "nobody is absent");
}

#[tokio::test]
async fn a_place_lapses_late_return_after_the_last_beat_and_some_time_after_the_turn() {
    let room = NewRoom {
        late_return_ms: Some(60_000),
        after_turn_ms: Some(20_000),
        ..open()
    };
    let line = new_room(&room).await;
    join(&line, 4, SHORT).await;
    pass(&line, Duration::from_secs(50)).await;
    beat(&line, 4, PRESENT, Duration::ZERO).await;
    assert_eq!(sweep(&line).await, 3);
    // Before their turn there is no end to it.
    pass(&line, Duration::from_secs(30)).await;
    assert_eq!(line.lapse(0, 100).await.unwrap(), (0, None));
    assert_eq!(
        beat(&line, 1, SHORT, Duration::ZERO).await,
        Beaten::Returned(1)
    );
    pass(&line, Duration::from_secs(10)).await;
    assert_eq!(sweep(&line).await, 1);
    // The turn of all three comes with number 4.
    assert_eq!(promote(&line).await.promoted, 1);
    pass(&line, Duration::from_secs(15)).await;
    assert_eq!(
        line.lapse(0, 100).await.unwrap(),
        (0, None),
        "within the time after the turn"
    );
    assert_eq!(claim(&line, 2, 2).await, ClaimOutcome::Waiting);
    pass(&line, Duration::from_secs(10)).await;
    assert_eq!(
        line.lapse(0, 100).await.unwrap(),
        (1, None),
        "number 3 alone"
    );
    assert_eq!(claim(&line, 3, 3).await, ClaimOutcome::Lapsed);
    assert_eq!(
        beat(&line, 3, SHORT, Duration::ZERO).await,
        Beaten::Returned(0)
    );
    assert_eq!(
        claim(&line, 1, 1).await,
        ClaimOutcome::Waiting,
        "late_return counts from the last beat"
    );
    let joined = line.join(&[visitor(3)], PRESENT).await.unwrap();
    assert_eq!(
        joined.visitors,
        [Joined::New(Number(5))],
        "joining again gives a new number"
    );
}

#[tokio::test]
async fn no_place_lapses_while_the_room_is_paused_nor_right_after() {
    let room = NewRoom {
        late_return_ms: Some(60_000),
        after_turn_ms: Some(20_000),
        ..open()
    };
    let line = new_room(&room).await;
    join(&line, 2, SHORT).await;
    pass(&line, Duration::from_secs(10)).await;
    beat(&line, 2, PRESENT, Duration::ZERO).await;
    assert_eq!(promote(&line).await.promoted, 1);
    line.transition(RoomState::Paused, &[RoomState::Open])
        .await
        .unwrap();
    pass(&line, Duration::from_secs(600)).await;
    assert_eq!(line.lapse(0, 100).await.unwrap(), (0, None));
    // Somebody polls, so that the room knows how long it was paused.
    beat(&line, 2, PRESENT, Duration::ZERO).await;
    line.transition(RoomState::Open, &[RoomState::Paused])
        .await
        .unwrap();
    pass(&line, Duration::from_secs(50)).await;
    assert_eq!(line.lapse(0, 100).await.unwrap(), (0, None));
    pass(&line, Duration::from_secs(20)).await;
    assert_eq!(line.lapse(0, 100).await.unwrap(), (1, None));
}

#[tokio::test]
async fn an_admission_that_nobody_claims_goes_back_once_and_then_lapses() {
    let room = NewRoom {
        claim_ttl_ms: Some(1),
        capacity: Some(1),
        ..open()
    };
    let line = new_room(&room).await;
    join(&line, 2, Promise::of(Duration::ZERO)).await;
    let until_expired = async || {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        while line.promote(LIMITS).await.unwrap().unwrap().expired == 0 {
            assert!(tokio::time::Instant::now() < deadline);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert_eq!(promote(&line).await.promoted, 1);
    until_expired().await;
    assert_eq!(line.snapshot(0).await.unwrap().unwrap().absent, 1);
    assert_eq!(
        claim(&line, 1, 1).await,
        ClaimOutcome::Waiting,
        "back at the very front"
    );
    // The slot went to the next in line, who leaves it.
    line.evict(&visitor(2)).await.unwrap();
    assert_eq!(promote(&line).await.promoted, 1);
    until_expired().await;
    assert_eq!(claim(&line, 1, 1).await, ClaimOutcome::Lapsed);
}

#[tokio::test]
async fn who_keeps_the_promise_cannot_miss_the_claim() {
    let room = NewRoom {
        claim_ttl_ms: Some(1),
        ..open()
    };
    let line = new_room(&room).await;
    join(&line, 1, PRESENT).await;
    assert_eq!(promote(&line).await.promoted, 1);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(line.promote(LIMITS).await.unwrap().unwrap().expired, 0);
    assert!(matches!(
        claim(&line, 1, 1).await,
        ClaimOutcome::Admitted(_)
    ));
}

#[tokio::test]
async fn beats_of_another_life_change_nothing() {
    let line = new_room(&open()).await;
    join(&line, 1, SHORT).await;
    assert_eq!(
        line.beat(7, "a gatekeeper", &[]).await.unwrap(),
        Beaten::OtherLife
    );
    line.remove().await.unwrap();
    assert_eq!(
        line.beat(7, "a gatekeeper", &[]).await.unwrap(),
        Beaten::NoRoom
    );
}

#[tokio::test]
async fn who_was_let_in_and_did_not_claim_keeps_the_late_return_of_the_last_beat() {
    let line = new_room(&NewRoom {
        claim_ttl_ms: Some(1),
        ..open()
    })
    .await;
    join(&line, 1, SHORT).await;
    beat(&line, 1, SHORT, Duration::ZERO).await;
    assert_eq!(promote(&line).await.promoted, 1);
    // The promise is missed, and the sweeper sees it before the claim's deadline is over.
    pass(&line, Duration::from_secs(10)).await;
    assert_eq!(sweep(&line).await, 0, "nobody waits there");
    tokio::time::sleep(Duration::from_millis(10)).await;
    let mut expired = 0;
    let began = tokio::time::Instant::now();
    while expired == 0 {
        assert!(began.elapsed() < Duration::from_secs(60), "never expired");
        // Looked after all the time: only the claim is late.
        let now = jiff::Timestamp::now().as_millisecond();
        set_field(&line, "bucket_at_ms", &now.to_string()).await;
        expired = line.promote(LIMITS).await.unwrap().unwrap().expired;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Later than two minutes after the turn, sooner than ten after the last beat.
    pass(&line, Duration::from_secs(300)).await;
    assert_eq!(claim(&line, 1, 1).await, ClaimOutcome::Waiting);
}

#[tokio::test]
async fn an_outage_is_not_held_against_those_who_could_not_claim() {
    let line = new_room(&NewRoom {
        claim_ttl_ms: Some(1),
        ..open()
    })
    .await;
    join(&line, 1, SHORT).await;
    beat(&line, 1, Promise::of(Duration::ZERO), Duration::ZERO).await;
    assert_eq!(promote(&line).await.promoted, 1);
    // The deadline is over; meanwhile no admitter came, because Redis was away.
    let active = format!("onsale:{{{}}}:active", line.room());
    let mut long_ago = redis::cmd("ZADD");
    long_ago.arg(&active).arg(1).arg(visitor(1).as_str());
    crate::redis().await.query::<i64>(&long_ago).await.unwrap();
    let mut admission = redis::cmd("HSET");
    let admissions = format!("onsale:{{{}}}:admissions", line.room());
    admission
        .arg(admissions)
        .arg(visitor(1).as_str())
        .arg("1 1 - 1");
    crate::redis().await.query::<i64>(&admission).await.unwrap();
    let before = jiff::Timestamp::now().as_millisecond() - 30_000;
    set_field(&line, "bucket_at_ms", &before.to_string()).await;
    line.promote(LIMITS).await.unwrap().unwrap();
    let mut till = redis::cmd("ZSCORE");
    till.arg(&active).arg(visitor(1).as_str());
    let till: Option<i64> = crate::redis().await.query(&till).await.unwrap();
    assert!(till > Some(before), "the deadline begins anew: {till:?}");
}

#[tokio::test]
async fn a_room_may_stand_for_longer_than_times_of_sight_can_count() {
    let line = new_room(&open()).await;
    // 97 days of half seconds are over in a moment.
    let around = (1_u64 << 24) * 500;
    set_field(&line, "clock_ms", &(around - 1_000).to_string()).await;
    join(&line, 2, SHORT).await;
    beat(&line, 1, PRESENT, Duration::ZERO).await;
    beat(&line, 2, SHORT, Duration::ZERO).await;
    pass(&line, Duration::from_secs(5)).await;
    beat(&line, 2, SHORT, Duration::ZERO).await;
    assert_eq!(sweep(&line).await, 0, "both have kept their promise");
    pass(&line, Duration::from_secs(30)).await;
    assert_eq!(sweep(&line).await, 1, "and one has not since");
    assert_eq!(
        beat(&line, 2, SHORT, Duration::ZERO).await,
        Beaten::Returned(1)
    );
    assert_eq!(promote(&line).await.promoted, 2);
}
