//! The life of a room and of an admission, step by step.

use std::time::Duration;

use shared::ids::Number;
use shared::redis_handle::StoreError;
use shared::room::{
    AdmissionCheck, Change, ClaimOutcome, ClaimRequest, Joined, Line, NewRoom, PromotionLimits,
    Registry, RoomState, Transition,
};

use crate::tokens::admission_claims;
use crate::{PRESENT, claim, kept_for_ever, life, new_room, redis, visitor};

const LIMITS: PromotionLimits = PromotionLimits {
    tick: Duration::from_millis(50),
    at_once: 100,
};

fn fast() -> NewRoom {
    NewRoom {
        rate_per_second: Some(1_000.0),
        ..NewRoom::default()
    }
}

/// Lets visitors in until `count` more have been.
async fn promote(line: &Line, count: u64) {
    let mut promoted = 0;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    while promoted < count {
        assert!(
            tokio::time::Instant::now() < deadline,
            "only {promoted} of {count} let in"
        );
        promoted += line.promote(LIMITS).await.unwrap().unwrap().promoted;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn admitted(line: &Line, who: u64, number: u64) -> shared::room::Admission {
    match claim(line, who, number).await {
        ClaimOutcome::Admitted(admission) => admission,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_room_that_is_made_twice_is_left_as_it_is() {
    let line = new_room(&fast()).await;
    line.join(&[visitor(1)], PRESENT).await.unwrap();
    let before = life(&line).await;
    assert!(
        !line
            .create(&NewRoom {
                rate_per_second: Some(7.0),
                ..NewRoom::default()
            })
            .await
            .unwrap()
    );
    let settings = line.snapshot(0).await.unwrap().unwrap().settings;
    assert_eq!(
        (settings.life, settings.rate_per_second, settings.next),
        (before, Some(1_000.0), 2)
    );
    assert!(
        Registry::new(redis().await)
            .list()
            .await
            .unwrap()
            .contains(line.room())
    );
}

#[tokio::test]
async fn removing_and_making_a_room_voids_its_tokens() {
    let line = new_room(&fast()).await;
    line.join(&[visitor(1)], PRESENT).await.unwrap();
    let earlier = life(&line).await;
    assert!(line.remove().await.unwrap());
    assert!(!line.remove().await.unwrap());
    assert!(matches!(
        line.join(&[visitor(1)], PRESENT).await,
        Err(StoreError::NoRoom)
    ));
    assert_eq!(line.snapshot(0).await.unwrap(), None);
    assert_eq!(line.promote(LIMITS).await.unwrap(), None);
    assert!(
        !Registry::new(redis().await)
            .list()
            .await
            .unwrap()
            .contains(line.room())
    );
    line.create(&fast()).await.unwrap();
    let joined = line.join(&[visitor(1)], PRESENT).await.unwrap();
    assert_ne!(joined.life, earlier);
    let old = ClaimRequest {
        visitor: visitor(1),
        number: Number(1),
        life: earlier,
    };
    assert_eq!(line.claim(&[old]).await.unwrap(), [ClaimOutcome::Void]);
}

#[tokio::test]
async fn removing_and_making_a_room_voids_its_admissions() {
    let line = new_room(&fast()).await;
    line.join(&[visitor(1)], PRESENT).await.unwrap();
    promote(&line, 1).await;
    let old = admission_claims(line.room(), visitor(1), 1, &admitted(&line, 1, 1).await);
    line.remove().await.unwrap();
    let check = async |claims| line.check_admission(claims).await.unwrap();
    assert_eq!(
        check(&old).await,
        AdmissionCheck::Ended,
        "nor without a room"
    );
    line.create(&fast()).await.unwrap();
    assert_eq!(check(&old).await, AdmissionCheck::Ended);
    assert_eq!(line.snapshot(0).await.unwrap().unwrap().active, 0);
    let joined = line.join(&[visitor(1)], PRESENT).await.unwrap();
    assert_eq!(joined.visitors, [Joined::New(Number(1))]);
    assert_eq!(
        check(&old).await,
        AdmissionCheck::Ended,
        "nor while waiting in the new life"
    );
    promote(&line, 1).await;
    let new = admission_claims(line.room(), visitor(1), 1, &admitted(&line, 1, 1).await);
    assert_eq!(check(&new).await, AdmissionCheck::Live);
    assert_eq!(check(&old).await, AdmissionCheck::Ended);
}

/// As a Redis that was emptied leaves it: no room, and no mark of a removal.
async fn lose(line: &Line) {
    line.remove().await.unwrap();
    let mark = format!("onsale:{{{}}}:removed", line.room());
    let deleted: u64 = redis()
        .await
        .query(redis::cmd("DEL").arg(mark))
        .await
        .unwrap();
    assert_eq!(deleted, 1);
}

#[tokio::test]
async fn a_room_that_redis_lost_and_that_is_made_again_throws_nobody_out() {
    let line = new_room(&fast()).await;
    line.join(&[visitor(1)], PRESENT).await.unwrap();
    promote(&line, 1).await;
    let claims = admission_claims(line.room(), visitor(1), 1, &admitted(&line, 1, 1).await);
    lose(&line).await;
    // The new life begins in a later second than the admission.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    line.create(&fast()).await.unwrap();
    assert_eq!(
        line.check_admission(&claims).await.unwrap(),
        AdmissionCheck::Live
    );
    // The number is given to somebody else, and so not to the one who is still in.
    let joined = line.join(&[visitor(2), visitor(1)], PRESENT).await.unwrap();
    assert_eq!(
        joined.visitors,
        [Joined::New(Number(1)), Joined::New(Number(2))]
    );
}

#[tokio::test]
async fn what_is_finished_while_its_room_is_lost_stays_refused_when_it_is_made_again() {
    let line = new_room(&fast()).await;
    line.join(&[visitor(1)], PRESENT).await.unwrap();
    promote(&line, 1).await;
    let claims = admission_claims(line.room(), visitor(1), 1, &admitted(&line, 1, 1).await);
    lose(&line).await;
    assert!(matches!(
        line.finish(&claims).await,
        Err(StoreError::NoRoom)
    ));
    line.create(&fast()).await.unwrap();
    assert_eq!(
        line.check_admission(&claims).await.unwrap(),
        AdmissionCheck::Ended
    );
}

#[tokio::test]
async fn what_is_finished_after_its_room_was_removed_leaves_nothing_for_ever() {
    let line = new_room(&fast()).await;
    line.join(&[visitor(1)], PRESENT).await.unwrap();
    promote(&line, 1).await;
    let claims = admission_claims(line.room(), visitor(1), 1, &admitted(&line, 1, 1).await);
    line.remove().await.unwrap();
    assert!(
        !line.finish(&claims).await.unwrap(),
        "it will not come back"
    );
    assert_eq!(
        line.check_admission(&claims).await.unwrap(),
        AdmissionCheck::Ended
    );
    assert_eq!(kept_for_ever(&line).await, [] as [String; 0]);
}

#[tokio::test]
async fn a_draining_room_gives_no_new_numbers_and_keeps_the_old_ones() {
    let line = new_room(&fast()).await;
    line.join(&[visitor(1)], PRESENT).await.unwrap();
    let moved = line
        .transition(RoomState::Draining, &[RoomState::Open])
        .await
        .unwrap();
    assert_eq!(moved, Transition::Done(RoomState::Open));
    let joined = line.join(&[visitor(1), visitor(2)], PRESENT).await.unwrap();
    assert_eq!(joined.visitors, [Joined::Again(Number(1)), Joined::Refused]);
    let refused = line
        .transition(RoomState::Open, &[RoomState::Paused])
        .await
        .unwrap();
    assert_eq!(refused, Transition::Refused(RoomState::Draining));
}

#[tokio::test]
async fn defaults_fill_only_what_is_unset() {
    let line = new_room(&NewRoom::default()).await;
    line.fill(&[Change::Rate(10.0), Change::Capacity(Some(5))])
        .await
        .unwrap();
    line.fill(&[Change::Rate(99.0), Change::Capacity(Some(9))])
        .await
        .unwrap();
    let settings = line.snapshot(0).await.unwrap().unwrap().settings;
    assert_eq!(
        (settings.rate_per_second, settings.capacity),
        (Some(10.0), Some(5))
    );
    line.change(&[Change::Capacity(None)]).await.unwrap();
    let later = line.snapshot(0).await.unwrap().unwrap().settings;
    assert_eq!(later.capacity, None);
    assert!(
        later.version > settings.version,
        "every change raises the version"
    );
}

#[tokio::test]
async fn an_admission_ends_when_its_time_is_over_unless_a_hold_stretches_it() {
    let line = new_room(&NewRoom {
        admission_ttl_ms: Some(400),
        ..fast()
    })
    .await;
    line.join(&[visitor(1), visitor(2)], PRESENT).await.unwrap();
    promote(&line, 2).await;
    let (first, second) = (admitted(&line, 1, 1).await, admitted(&line, 2, 2).await);
    let until = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(60);
    assert!(line.stretch(&visitor(2), &second.jti, until).await.unwrap());
    assert!(
        !line.stretch(&visitor(1), &second.jti, until).await.unwrap(),
        "another's admission"
    );
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    while line.promote(LIMITS).await.unwrap().unwrap().active > 1 {
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(claim(&line, 1, 1).await, ClaimOutcome::Lapsed);
    let stretched = admitted(&line, 2, 2).await;
    assert_eq!(stretched.jti, second.jti);
    assert_eq!(stretched.until_ms, until.as_millisecond());
    assert!(first.until_ms < stretched.until_ms);
}

#[tokio::test]
async fn an_ended_admission_is_refused_and_a_late_call_ends_no_later_one() {
    let line = new_room(&fast()).await;
    line.join(&[visitor(1)], PRESENT).await.unwrap();
    promote(&line, 1).await;
    let first = admission_claims(line.room(), visitor(1), 1, &admitted(&line, 1, 1).await);
    assert_eq!(
        line.check_admission(&first).await.unwrap(),
        AdmissionCheck::Live
    );
    assert!(line.finish(&first).await.unwrap());
    assert_eq!(
        line.check_admission(&first).await.unwrap(),
        AdmissionCheck::Ended
    );
    assert_eq!(claim(&line, 1, 1).await, ClaimOutcome::Finished);

    line.join(&[visitor(1)], PRESENT).await.unwrap();
    promote(&line, 1).await;
    let second = admission_claims(line.room(), visitor(1), 2, &admitted(&line, 1, 2).await);
    assert!(
        !line.finish(&first).await.unwrap(),
        "the call of the first admission came late"
    );
    assert_eq!(
        line.check_admission(&second).await.unwrap(),
        AdmissionCheck::Live
    );
    assert_eq!(
        claim(&line, 1, 1).await,
        ClaimOutcome::Finished,
        "the first number stays finished"
    );
}

#[tokio::test]
async fn a_good_token_that_the_active_set_forgot_puts_its_owner_back_in() {
    let line = new_room(&fast()).await;
    line.join(&[visitor(1)], PRESENT).await.unwrap();
    promote(&line, 1).await;
    let claims = admission_claims(line.room(), visitor(1), 1, &admitted(&line, 1, 1).await);
    let room = line.room();
    let mut forget = redis::cmd("DEL");
    forget
        .arg(format!("onsale:{{{room}}}:active"))
        .arg(format!("onsale:{{{room}}}:admissions"));
    redis().await.query::<u64>(&forget).await.unwrap();
    assert_eq!(line.snapshot(0).await.unwrap().unwrap().active, 0);
    assert_eq!(
        line.check_admission(&claims).await.unwrap(),
        AdmissionCheck::Live
    );
    assert_eq!(line.snapshot(0).await.unwrap().unwrap().active, 1);
    assert_eq!(admitted(&line, 1, 1).await.jti, claims.jti);
}

#[tokio::test]
async fn a_room_that_no_admitter_has_ever_looked_after_is_halted() {
    let line = new_room(&fast()).await;
    let is_halted = async || line.snapshot(0).await.unwrap().unwrap().is_halted();
    let began = tokio::time::Instant::now();
    while !is_halted().await {
        assert!(began.elapsed() < Duration::from_secs(60), "never halted");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    line.promote(LIMITS).await.unwrap().unwrap();
    assert!(!is_halted().await);
}
