//! What holds of those who were let in, who leave, and of the shop, when Redis has lost a room and it is written back.

use shared::ids::Number;
use shared::room::{AdmissionCheck, Beaten, ClaimOutcome, Leaver, Line, RoomMemory, ShopBeat};
use shared::tokens::admission::AdmissionClaims;

use super::memory::{
    LIMITS, beat, join, look_until_there, lose, lost_and_written_back, open, promote,
};
use crate::tokens::admission_claims;
use crate::{claim, kept_for_ever, life, new_room, set_field, visitor};

/// Lets the first `count` visitors in, who have these numbers. What their admission tokens say.
async fn let_in(line: &Line, count: u64) -> Vec<AdmissionClaims> {
    promote(line, count).await;
    let mut claims = Vec::new();
    for who in 1..=count {
        let ClaimOutcome::Admitted(admission) = claim(line, who, who).await else {
            panic!("{who} is not let in");
        };
        claims.push(admission_claims(line.room(), visitor(who), who, &admission));
    }
    claims
}

#[tokio::test]
async fn whose_admission_had_ended_before_a_loss_is_not_in_after_it() {
    let line = new_room(&open()).await;
    join(&line, 1, 3).await;
    let claims = let_in(&line, 3).await;
    assert!(line.finish(&claims[0]).await.unwrap());
    let leaver = Leaver {
        visitor: visitor(2),
        number: Number(2),
        life: life(&line).await,
    };
    assert_eq!(line.leave(&[leaver]).await.unwrap(), [true]);
    lost_and_written_back(&line).await;
    let mut checks = Vec::new();
    for claims in &claims {
        checks.push(line.check_admission(claims).await.unwrap());
    }
    let (ended, live) = (AdmissionCheck::Ended, AdmissionCheck::Live);
    assert_eq!(checks, [ended, ended, live]);
    assert_eq!(line.snapshot(0).await.unwrap().unwrap().active, 1);
    assert_eq!(claim(&line, 1, 1).await, ClaimOutcome::Finished);
    assert_eq!(claim(&line, 2, 2).await, ClaimOutcome::Left);
}

#[tokio::test]
async fn what_ends_while_its_room_is_lost_does_not_end_the_refusal_of_others() {
    let line = new_room(&open()).await;
    join(&line, 1, 2).await;
    let claims = let_in(&line, 2).await;
    let mut memory = RoomMemory::new(line.clone(), "a gatekeeper");
    memory.look().await.unwrap();
    lose(&line).await;
    line.finish(&claims[0]).await.unwrap();
    look_until_there(&mut memory).await;
    line.finish(&claims[1]).await.unwrap();
    let ended = format!("onsale:{{{}}}:ended", line.room());
    assert!(kept_for_ever(&line).await.contains(&ended));
}

#[tokio::test]
async fn a_shop_that_died_with_redis_is_waited_for() {
    let line = new_room(&open()).await;
    join(&line, 1, 2).await;
    let life = life(&line).await;
    let well = ShopBeat {
        is_well: true,
        count_every: None,
    };
    line.shop_beat(well).await.unwrap();
    lost_and_written_back(&line).await;
    beat(&line, life, 1, 1).await;
    set_field(&line, "restored_at_ms", "1").await;
    set_field(&line, "bucket", "1").await;
    let is_busy = async || {
        let snapshot = line.snapshot(0).await.unwrap().unwrap();
        snapshot.shop.unwrap().is_busy
    };
    assert!(is_busy().await, "people are told");
    assert_eq!(line.promote(LIMITS).await.unwrap().unwrap().promoted, 0);
    line.shop_beat(well).await.unwrap();
    assert!(!is_busy().await);
    promote(&line, 1).await;
}

#[tokio::test]
async fn who_leaves_before_they_are_back_is_gone() {
    let line = new_room(&open()).await;
    join(&line, 1, 3).await;
    let life = life(&line).await;
    lost_and_written_back(&line).await;
    beat(&line, life, 1, 1).await;
    let leave = async |who| {
        let leaver = Leaver {
            visitor: visitor(who),
            number: Number(who),
            life,
        };
        line.leave(&[leaver]).await.unwrap()
    };
    assert_eq!(leave(2).await, [true]);
    assert_eq!(leave(2).await, [false]);
    assert_eq!(beat(&line, life, 2, 2).await, Beaten::Returned(0));
    assert_eq!(claim(&line, 2, 2).await, ClaimOutcome::Left);
    assert_eq!(leave(4).await, [false], "a number that nobody had");
    assert_eq!(beat(&line, life, 3, 3).await, Beaten::Returned(1));
}
