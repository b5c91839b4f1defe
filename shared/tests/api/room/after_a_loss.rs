//! What holds of those who were let in, who leave, and of the shop, when Redis has lost a room and it is written back.

use shared::ids::Number;
use shared::redis_handle::StoreError;
use shared::room::{
    AdmissionCheck, Beaten, ClaimOutcome, ClaimRequest, Joined, Leaver, Line, NewRoom, RoomMemory,
    Seen, ShopBeat,
};
use shared::tokens::admission::AdmissionClaims;

use super::memory::{
    LIMITS, beat, join, look_until_there, lose, lost_and_written_back, open, promote,
};
use crate::tokens::admission_claims;
use crate::{PRESENT, claim, field, kept_for_ever, life, new_room, redis, set_field, visitor};

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
async fn who_finishes_or_leaves_after_a_loss_is_not_let_in_again() {
    let line = new_room(&open()).await;
    join(&line, 1, 4).await;
    let claims = let_in(&line, 4).await;
    let mut memory = RoomMemory::new(line.clone(), "a gatekeeper");
    memory.look().await.unwrap();
    lose(&line).await;
    // One pays before the room is back, and the shop says so again when it is.
    assert!(line.finish(&claims[3]).await.is_err());
    look_until_there(&mut memory).await;
    let life = life(&line).await;
    for finished in [&claims[0], &claims[3]] {
        assert!(line.finish(finished).await.unwrap());
        assert!(!line.finish(finished).await.unwrap());
    }
    let leaver = Leaver {
        visitor: visitor(2),
        number: Number(2),
        life,
    };
    assert_eq!(line.leave(&[leaver]).await.unwrap(), [true]);
    // This one has asked for the admission anew before paying by the old one.
    assert!(matches!(
        claim(&line, 3, 3).await,
        ClaimOutcome::Admitted(_)
    ));
    assert!(line.finish(&claims[2]).await.unwrap());
    for (who, expected) in [
        (1, ClaimOutcome::Finished),
        (2, ClaimOutcome::Left),
        (3, ClaimOutcome::Finished),
        (4, ClaimOutcome::Finished),
    ] {
        assert_eq!(claim(&line, who, who).await, expected, "{who}");
    }
    for claims in &claims {
        let check = line.check_admission(claims).await.unwrap();
        assert_eq!(check, AdmissionCheck::Ended, "{claims:?}");
    }
    assert_eq!(line.snapshot(0).await.unwrap().unwrap().active, 0);
}

#[tokio::test]
async fn who_was_in_the_shop_at_a_loss_counts_against_the_capacity() {
    let line = new_room(&NewRoom {
        capacity: Some(3),
        ..open()
    })
    .await;
    join(&line, 1, 10).await;
    let claims = let_in(&line, 3).await;
    line.promote(LIMITS).await.unwrap();
    lost_and_written_back(&line).await;
    set_field(&line, "restored_at_ms", "1").await;
    let life = life(&line).await;
    for who in 4..=10 {
        beat(&line, life, who, who).await;
    }
    let promoted = async || {
        set_field(&line, "bucket", "10").await;
        line.promote(LIMITS).await.unwrap().unwrap().promoted
    };
    assert_eq!(promoted().await, 0, "all three are still in");
    // One comes with the token, one polls; both are known again, and in.
    check_after_a_loss(&line, &claims[0]).await;
    claim(&line, 2, 2).await;
    set_field(&line, "restored_at_ms", "1").await;
    assert_eq!(promoted().await, 0);
    for claims in &claims {
        assert!(line.finish(claims).await.unwrap());
    }
    assert_eq!(promoted().await, 3);
}

/// A room with a capacity of one, whose admissions last a minute: one visitor is in, one waits.
async fn full_room_of_one() -> Line {
    let line = new_room(&NewRoom {
        capacity: Some(1),
        admission_ttl_ms: Some(60_000),
        ..open()
    })
    .await;
    join(&line, 1, 2).await;
    let_in(&line, 1).await;
    line
}

#[tokio::test]
async fn who_does_not_show_up_after_a_loss_holds_no_slot_for_ever() {
    let line = full_room_of_one().await;
    line.promote(LIMITS).await.unwrap();
    lost_and_written_back(&line).await;
    set_field(&line, "restored_at_ms", "1").await;
    let life = life(&line).await;
    beat(&line, life, 2, 2).await;
    let until: i64 = field(&line, "lost_active_until_ms")
        .await
        .unwrap()
        .parse()
        .unwrap();
    // As long as the longest admission, whatever has been promoted since it was given.
    let left = until - jiff::Timestamp::now().as_millisecond();
    assert!((1..=60_000).contains(&left), "{left}");
    set_field(&line, "lost_active_until_ms", "1").await;
    promote(&line, 1).await;
}

#[tokio::test]
async fn an_outage_that_outlasts_the_admissions_leaves_no_slot_taken() {
    let line = full_room_of_one().await;
    let long_ago = jiff::Timestamp::now().as_millisecond() - 61_000;
    set_field(&line, "claimed_until_ms", &long_ago.to_string()).await;
    lost_and_written_back(&line).await;
    set_field(&line, "restored_at_ms", "1").await;
    let life = life(&line).await;
    beat(&line, life, 2, 2).await;
    promote(&line, 1).await;
    assert_eq!(claim(&line, 1, 1).await, ClaimOutcome::Lapsed);
    assert_eq!(active(&line).await, 1);
}

#[tokio::test]
async fn a_lost_admission_is_given_again_only_until_it_is_over() {
    let line = new_room(&open()).await;
    join(&line, 1, 2).await;
    let_in(&line, 2).await;
    lost_and_written_back(&line).await;
    let request = ClaimRequest {
        visitor: visitor(2),
        number: Number(2),
        life: life(&line).await,
    };
    let look = async || line.look(std::slice::from_ref(&request)).await.unwrap();
    assert_eq!(look().await, [Seen::Admitted]);
    let given = claim(&line, 1, 1).await;
    assert!(matches!(given, ClaimOutcome::Admitted(_)));
    set_field(&line, "lost_active_until_ms", "1").await;
    line.promote(LIMITS).await.unwrap();
    assert_eq!(look().await, [Seen::Unknown]);
    assert_eq!(claim(&line, 2, 2).await, ClaimOutcome::Lapsed);
    assert_eq!(look().await, [Seen::Lapsed]);
    assert_eq!(claim(&line, 1, 1).await, given, "one that is not lost");
}

#[tokio::test]
async fn what_an_earlier_loss_has_lost_is_over_after_the_next_one_too() {
    let line = new_room(&open()).await;
    join(&line, 1, 4).await;
    let_in(&line, 2).await;
    lost_and_written_back(&line).await;
    // 1 has come back when what was lost is over, 2 has not.
    let given = claim(&line, 1, 1).await;
    assert!(matches!(given, ClaimOutcome::Admitted(_)));
    set_field(&line, "lost_active_until_ms", "1").await;
    set_field(&line, "restored_at_ms", "1").await;
    let life = life(&line).await;
    beat(&line, life, 3, 3).await;
    promote(&line, 1).await;
    claim(&line, 3, 3).await;
    lost_and_written_back(&line).await;
    assert_eq!(claim(&line, 2, 2).await, ClaimOutcome::Lapsed);
    assert_eq!(active(&line).await, 2);
    for who in [1, 3] {
        let given = claim(&line, who, who).await;
        assert!(matches!(given, ClaimOutcome::Admitted(_)), "{who}");
    }
    assert_eq!(active(&line).await, 2);
}

#[tokio::test]
async fn two_losses_one_soon_after_the_other_end_no_admission() {
    let line = new_room(&open()).await;
    join(&line, 1, 3).await;
    let claims = let_in(&line, 3).await;
    lost_and_written_back(&line).await;
    // One comes with the token, one asks, one has not come back yet.
    assert_eq!(
        check_after_a_loss(&line, &claims[0]).await,
        AdmissionCheck::Live
    );
    claim(&line, 2, 2).await;
    lost_and_written_back(&line).await;
    assert_eq!(active(&line).await, 3);
    for who in 1..=3 {
        let given = claim(&line, who, who).await;
        assert!(matches!(given, ClaimOutcome::Admitted(_)), "{who}");
    }
    assert_eq!(active(&line).await, 3);
}

/// Three visitors have claimed when Redis is lost, and one of them, 2, joins anew from another device. The admissions' claims,
/// and the new number.
async fn rejoined_after_a_loss(line: &Line) -> (Vec<AdmissionClaims>, u64) {
    join(line, 1, 3).await;
    let claims = let_in(line, 3).await;
    lost_and_written_back(line).await;
    let joined = line.join(&[visitor(2)], PRESENT).await.unwrap();
    let [Joined::New(number)] = joined.visitors[..] else {
        panic!("{joined:?}");
    };
    set_field(line, "restored_at_ms", "1").await;
    (claims, number.0)
}

/// A visitor is let in at the place `later`, and buys.
async fn buys_by(line: &Line, who: u64, later: u64) {
    promote(line, 1).await;
    let ClaimOutcome::Admitted(admission) = claim(line, who, later).await else {
        panic!("not let in");
    };
    let claims = admission_claims(line.room(), visitor(who), later, &admission);
    assert!(line.finish(&claims).await.unwrap());
}

/// What the shop hears of an admission from before the loss.
async fn check_after_a_loss(line: &Line, claims: &AdmissionClaims) -> AdmissionCheck {
    let now = jiff::Timestamp::now().as_millisecond();
    set_field(line, "restored_at_ms", &now.to_string()).await;
    line.check_admission(claims).await.unwrap()
}

/// The same admission, had its time run out.
fn over(claims: &AdmissionClaims) -> AdmissionClaims {
    AdmissionClaims {
        exp: claims.iat - 1,
        ..claims.clone()
    }
}

async fn forget_outcome(line: &Line, place: u64) {
    let mut forget = redis::cmd("BITFIELD");
    forget.arg(format!("onsale:{{{}}}:outcomes", line.room()));
    forget.arg(&["SET", "u4", &format!("#{place}"), "0"]);
    redis().await.query::<Vec<u64>>(&forget).await.unwrap();
}

async fn active(line: &Line) -> u64 {
    line.snapshot(0).await.unwrap().unwrap().active
}

#[tokio::test]
async fn who_was_in_and_joins_again_after_a_loss_is_in_once() {
    let line = new_room(&open()).await;
    let (claims, later) = rejoined_after_a_loss(&line).await;
    let given = claim(&line, 2, 2).await;
    assert!(matches!(given, ClaimOutcome::Admitted(_)), "{given:?}");
    assert_eq!(claim(&line, 2, later).await, ClaimOutcome::Lapsed);
    let snapshot = line.snapshot(0).await.unwrap().unwrap();
    assert_eq!((snapshot.waiting, snapshot.active), (0, 3));
    assert!(line.finish(&claims[1]).await.unwrap());
    assert_eq!(active(&line).await, 2);
    assert_eq!(claim(&line, 2, 2).await, ClaimOutcome::Finished);
}

#[tokio::test]
async fn who_was_in_and_buys_by_a_later_place_is_not_let_in_by_the_old_one() {
    let line = new_room(&open()).await;
    let (_, later) = rejoined_after_a_loss(&line).await;
    buys_by(&line, 2, later).await;
    assert_eq!(claim(&line, 2, 2).await, ClaimOutcome::Lapsed);
    assert_eq!(active(&line).await, 2, "the slot at the loss is free, too");

    let line = new_room(&open()).await;
    let (lost, later) = rejoined_after_a_loss(&line).await;
    buys_by(&line, 2, later).await;
    assert_eq!(
        check_after_a_loss(&line, &lost[1]).await,
        AdmissionCheck::Ended
    );
    assert_eq!(
        check_after_a_loss(&line, &lost[0]).await,
        AdmissionCheck::Live
    );
    assert_eq!(active(&line).await, 2, "the slot at the loss is free, too");
}

#[tokio::test]
async fn the_old_place_is_over_for_whom_a_later_one_has_let_in() {
    let line = new_room(&open()).await;
    let (claims, later) = rejoined_after_a_loss(&line).await;
    promote(&line, 1).await;
    let given = claim(&line, 2, later).await;
    assert!(matches!(given, ClaimOutcome::Admitted(_)), "{given:?}");
    assert_eq!(
        check_after_a_loss(&line, &claims[1]).await,
        AdmissionCheck::Ended
    );
    assert_eq!(active(&line).await, 3);
    assert_eq!(claim(&line, 2, 2).await, ClaimOutcome::Lapsed);
    assert_eq!(claim(&line, 2, later).await, given);
    assert_eq!(active(&line).await, 3);
}

#[tokio::test]
async fn a_later_place_that_nobody_has_come_in_by_does_not_end_the_old_one() {
    let line = new_room(&open()).await;
    let (claims, later) = rejoined_after_a_loss(&line).await;
    promote(&line, 1).await;
    let given = claim(&line, 2, 2).await;
    assert!(matches!(given, ClaimOutcome::Admitted(_)), "{given:?}");
    assert_eq!(claim(&line, 2, later).await, ClaimOutcome::Lapsed);
    assert_eq!(claim(&line, 2, 2).await, given);
    assert_eq!(active(&line).await, 3);
    assert!(line.finish(&claims[1]).await.unwrap());
    assert_eq!(claim(&line, 2, later).await, ClaimOutcome::Lapsed);
}

#[tokio::test]
async fn who_buys_after_a_loss_has_no_later_place_left() {
    let line = new_room(&open()).await;
    let (claims, later) = rejoined_after_a_loss(&line).await;
    assert!(line.finish(&claims[1]).await.unwrap());
    assert_eq!(line.snapshot(0).await.unwrap().unwrap().waiting, 0);
    assert_eq!(claim(&line, 2, later).await, ClaimOutcome::Lapsed);

    let line = new_room(&open()).await;
    let (claims, later) = rejoined_after_a_loss(&line).await;
    promote(&line, 1).await;
    claim(&line, 2, later).await;
    assert!(line.finish(&claims[1]).await.unwrap());
    assert_eq!(claim(&line, 2, later).await, ClaimOutcome::Finished);
    assert_eq!(claim(&line, 2, 2).await, ClaimOutcome::Finished);
    assert_eq!(active(&line).await, 2);
}

#[tokio::test]
async fn who_buys_after_two_losses_does_not_wait_again_at_the_later_place() {
    let line = new_room(&open()).await;
    let (claims, later) = rejoined_after_a_loss(&line).await;
    lost_and_written_back(&line).await;
    assert!(line.finish(&claims[1]).await.unwrap());
    assert_eq!(claim(&line, 2, later).await, ClaimOutcome::Lapsed);
    assert_eq!(line.snapshot(0).await.unwrap().unwrap().waiting, 0);
}

#[tokio::test]
async fn who_was_not_waiting_at_a_loss_and_leaves_before_being_back_is_gone() {
    let line = new_room(&open()).await;
    join(&line, 1, 2).await;
    promote(&line, 1).await;
    lost_and_written_back(&line).await;
    let leaver = [Leaver {
        visitor: visitor(1),
        number: Number(1),
        life: life(&line).await,
    }];
    assert_eq!(line.leave(&leaver).await.unwrap(), [true]);
    assert_eq!(line.leave(&leaver).await.unwrap(), [false]);
    assert_eq!(claim(&line, 1, 1).await, ClaimOutcome::Left);
}

#[tokio::test]
async fn who_had_not_claimed_at_a_loss_stands_in_line_and_holds_no_slot() {
    let line = new_room(&NewRoom {
        capacity: Some(2),
        ..open()
    })
    .await;
    join(&line, 1, 3).await;
    promote(&line, 2).await;
    assert!(matches!(
        claim(&line, 1, 1).await,
        ClaimOutcome::Admitted(_)
    ));
    lost_and_written_back(&line).await;
    set_field(&line, "restored_at_ms", "1").await;
    assert_eq!(claim(&line, 2, 2).await, ClaimOutcome::Waiting);
    let snapshot = line.snapshot(0).await.unwrap().unwrap();
    assert_eq!((snapshot.waiting, snapshot.active), (1, 1));
    promote(&line, 1).await;
    assert!(matches!(
        claim(&line, 2, 2).await,
        ClaimOutcome::Admitted(_)
    ));
}

#[tokio::test]
async fn what_ends_while_its_room_is_lost_does_not_end_the_refusal_of_others() {
    let line = new_room(&open()).await;
    join(&line, 1, 2).await;
    let claims = let_in(&line, 2).await;
    let mut memory = RoomMemory::new(line.clone(), "a gatekeeper");
    memory.look().await.unwrap();
    lose(&line).await;
    assert!(matches!(
        line.finish(&claims[0]).await,
        Err(StoreError::NoRoom)
    ));
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

#[tokio::test]
async fn who_waited_and_buys_by_a_later_place_does_not_stand_there_again() {
    let line = new_room(&open()).await;
    join(&line, 1, 4).await;
    let_in(&line, 1).await;
    lost_and_written_back(&line).await;
    set_field(&line, "restored_at_ms", "1").await;
    // What was lost of admissions is over long before the tokens of those who waited.
    set_field(&line, "lost_active_until_ms", "1").await;
    let joined = line.join(&[visitor(2), visitor(3)], PRESENT).await.unwrap();
    for (who, joined) in [2, 3].into_iter().zip(joined.visitors) {
        let Joined::New(number) = joined else {
            panic!("{joined:?}");
        };
        buys_by(&line, who, number.0).await;
    }
    let life = life(&line).await;
    assert_eq!(claim(&line, 2, 2).await, ClaimOutcome::Lapsed);
    assert_eq!(beat(&line, life, 3, 3).await, Beaten::Returned(0));
    // Nor when nobody knows any more that they have been in.
    let mut forget = redis::cmd("ZREM");
    forget.arg(format!("onsale:{{{}}}:ended", line.room()));
    forget.arg(format!("visitor {}", visitor(2)));
    assert_eq!(redis().await.query::<u64>(&forget).await.unwrap(), 1);
    assert_eq!(claim(&line, 2, 2).await, ClaimOutcome::Lapsed);
    assert_eq!(beat(&line, life, 4, 4).await, Beaten::Returned(1));
    assert_eq!(line.snapshot(0).await.unwrap().unwrap().waiting, 1);
}

#[tokio::test]
async fn a_purchase_ends_the_later_admission_also_when_the_old_place_is_given_up() {
    for is_told_by_the_shop in [true, false] {
        let line = new_room(&open()).await;
        let (claims, later) = rejoined_after_a_loss(&line).await;
        promote(&line, 1).await;
        claim(&line, 2, later).await;
        if is_told_by_the_shop {
            let check = check_after_a_loss(&line, &claims[1]).await;
            assert_eq!(check, AdmissionCheck::Ended);
        } else {
            assert_eq!(claim(&line, 2, 2).await, ClaimOutcome::Lapsed);
        }
        assert!(line.finish(&claims[1]).await.unwrap());
        assert_eq!(claim(&line, 2, later).await, ClaimOutcome::Finished);
        assert_eq!(active(&line).await, 2);
        assert!(!line.finish(&claims[1]).await.unwrap());
    }
}

#[tokio::test]
async fn who_buys_by_a_claim_that_redis_forgot_does_not_come_in_again() {
    let line = new_room(&open()).await;
    join(&line, 1, 4).await;
    let mut memory = RoomMemory::new(line.clone(), "a gatekeeper");
    memory.look().await.unwrap();
    let claims = let_in(&line, 4).await;
    lose(&line).await;
    look_until_there(&mut memory).await;
    // 1 stands in line again, 2 has been promoted again, 3 and 4 have not been heard of.
    let life = life(&line).await;
    assert_eq!(claim(&line, 2, 2).await, ClaimOutcome::Waiting);
    set_field(&line, "restored_at_ms", "1").await;
    promote(&line, 1).await;
    assert_eq!(beat(&line, life, 1, 1).await, Beaten::Returned(1));
    let now = jiff::Timestamp::now().as_millisecond();
    set_field(&line, "restored_at_ms", &now.to_string()).await;
    for claims in &claims[..3] {
        assert!(line.finish(claims).await.unwrap());
        assert!(!line.finish(claims).await.unwrap());
    }
    for who in 1..=3 {
        assert_eq!(beat(&line, life, who, who).await, Beaten::Returned(0));
        assert_eq!(claim(&line, who, who).await, ClaimOutcome::Finished);
    }
    let snapshot = line.snapshot(0).await.unwrap().unwrap();
    assert_eq!((snapshot.waiting, snapshot.active), (0, 0));
    assert_eq!(claim(&line, 4, 4).await, ClaimOutcome::Waiting);
}

#[tokio::test]
async fn who_buys_by_a_claim_that_a_failover_forgot_does_not_come_in_again() {
    let line = new_room(&open()).await;
    join(&line, 1, 2).await;
    let claims = let_in(&line, 2).await;
    // 1 is let in and has not claimed; 2 still waits.
    let redis = redis().await;
    let key = |name: &str| format!("onsale:{{{}}}:{name}", line.room());
    let unclaimed = field(&line, "claimed_until_ms").await.unwrap();
    let unclaimed = format!("1 {} - {unclaimed}", claims[0].iat * 1000);
    let mut commands = [
        redis::cmd("HSET"),
        redis::cmd("HDEL"),
        redis::cmd("ZREM"),
        redis::cmd("ZADD"),
    ];
    commands[0]
        .arg(key("admissions"))
        .arg(visitor(1).as_str())
        .arg(unclaimed);
    commands[1].arg(key("admissions")).arg(visitor(2).as_str());
    commands[2].arg(key("active")).arg(visitor(2).as_str());
    commands[3]
        .arg(key("waiting"))
        .arg(2)
        .arg(visitor(2).as_str());
    for command in &commands {
        redis.query::<u64>(command).await.unwrap();
    }
    for (who, claims) in (1..).zip(&claims) {
        assert!(line.finish(claims).await.unwrap());
        assert_eq!(claim(&line, who, who).await, ClaimOutcome::Finished);
    }
    let snapshot = line.snapshot(0).await.unwrap().unwrap();
    assert_eq!((snapshot.waiting, snapshot.active), (0, 0));
}

#[tokio::test]
async fn whom_an_operator_evicts_after_a_loss_does_not_come_back_at_an_older_place() {
    let line = new_room(&open()).await;
    join(&line, 1, 2).await;
    lost_and_written_back(&line).await;
    join(&line, 1, 1).await;
    assert!(line.evict(&visitor(1)).await.unwrap());
    assert_eq!(claim(&line, 1, 1).await, ClaimOutcome::Lapsed);
    assert_eq!(claim(&line, 2, 2).await, ClaimOutcome::Waiting);
}

#[tokio::test]
async fn who_waited_stands_there_again_though_a_later_place_has_its_turn() {
    let line = new_room(&open()).await;
    join(&line, 1, 1).await;
    lost_and_written_back(&line).await;
    set_field(&line, "restored_at_ms", "1").await;
    let joined = line.join(&[visitor(1)], PRESENT).await.unwrap();
    let [Joined::New(later)] = joined.visitors[..] else {
        panic!("{joined:?}");
    };
    promote(&line, 1).await;
    assert_eq!(claim(&line, 1, 1).await, ClaimOutcome::Waiting);
    assert_eq!(claim(&line, 1, later.0).await, ClaimOutcome::Lapsed);
    assert_eq!(active(&line).await, 0);
    promote(&line, 1).await;
    let given = claim(&line, 1, 1).await;
    assert!(matches!(given, ClaimOutcome::Admitted(_)), "{given:?}");
}

#[tokio::test]
async fn who_waited_and_has_come_in_by_a_later_place_stays_in() {
    let line = new_room(&open()).await;
    join(&line, 1, 1).await;
    lost_and_written_back(&line).await;
    set_field(&line, "restored_at_ms", "1").await;
    let joined = line.join(&[visitor(1)], PRESENT).await.unwrap();
    let [Joined::New(later)] = joined.visitors[..] else {
        panic!("{joined:?}");
    };
    promote(&line, 1).await;
    let given = claim(&line, 1, later.0).await;
    assert!(matches!(given, ClaimOutcome::Admitted(_)), "{given:?}");
    assert_eq!(claim(&line, 1, 1).await, ClaimOutcome::Lapsed);
    assert_eq!(claim(&line, 1, later.0).await, given);
}

#[tokio::test]
async fn a_late_purchase_does_not_end_what_its_visitor_joined_for_since() {
    let line = new_room(&open()).await;
    join(&line, 1, 1).await;
    let claims = let_in(&line, 1).await;
    // The admission is over before the purchase is known, and its visitor joins again.
    let mut overdue = redis::cmd("ZADD");
    overdue.arg(format!("onsale:{{{}}}:active", line.room()));
    overdue.arg(1).arg(visitor(1).as_str());
    redis().await.query::<u64>(&overdue).await.unwrap();
    line.promote(LIMITS).await.unwrap();
    assert_eq!(active(&line).await, 0);
    join(&line, 1, 1).await;
    lost_and_written_back(&line).await;
    set_field(&line, "restored_at_ms", "1").await;
    assert_eq!(claim(&line, 1, 2).await, ClaimOutcome::Waiting);
    promote(&line, 1).await;
    let given = claim(&line, 1, 2).await;
    assert!(matches!(given, ClaimOutcome::Admitted(_)), "{given:?}");
    let now = jiff::Timestamp::now().as_millisecond();
    set_field(&line, "restored_at_ms", &now.to_string()).await;
    assert!(!line.finish(&over(&claims[0])).await.unwrap());
    assert_eq!(claim(&line, 1, 2).await, given);
}

#[tokio::test]
async fn a_late_purchase_by_what_was_lost_and_is_over_does_not_end_it_either() {
    let line = new_room(&open()).await;
    join(&line, 1, 1).await;
    let claims = let_in(&line, 1).await;
    lost_and_written_back(&line).await;
    set_field(&line, "lost_active_until_ms", "1").await;
    assert_eq!(claim(&line, 1, 1).await, ClaimOutcome::Lapsed);
    let joined = line.join(&[visitor(1)], PRESENT).await.unwrap();
    let [Joined::New(later)] = joined.visitors[..] else {
        panic!("{joined:?}");
    };
    set_field(&line, "restored_at_ms", "1").await;
    promote(&line, 1).await;
    let given = claim(&line, 1, later.0).await;
    assert!(matches!(given, ClaimOutcome::Admitted(_)), "{given:?}");
    assert!(!line.finish(&over(&claims[0])).await.unwrap());
    assert_eq!(claim(&line, 1, later.0).await, given);
}

#[tokio::test]
async fn a_claim_that_redis_forgot_is_lost_and_not_forgotten_the_next_time() {
    let line = new_room(&open()).await;
    join(&line, 1, 1).await;
    let mut memory = RoomMemory::new(line.clone(), "a gatekeeper");
    memory.look().await.unwrap();
    let claims = let_in(&line, 1).await;
    lose(&line).await;
    look_until_there(&mut memory).await;
    let check = line.check_admission(&claims[0]).await.unwrap();
    assert_eq!(check, AdmissionCheck::Live);
    lost_and_written_back(&line).await;
    let given = claim(&line, 1, 1).await;
    assert!(matches!(given, ClaimOutcome::Admitted(_)), "{given:?}");
}

#[tokio::test]
async fn who_has_bought_is_not_in_by_an_admission_that_a_failover_forgot() {
    let line = new_room(&open()).await;
    join(&line, 1, 1).await;
    let claims = let_in(&line, 1).await;
    // Forgotten: the claim, so that another one gives another admission.
    let entry = format!("1 {} - {}", claims[0].iat * 1000, claims[0].exp * 1000);
    let mut command = redis::cmd("HSET");
    command.arg(format!("onsale:{{{}}}:admissions", line.room()));
    command.arg(visitor(1).as_str()).arg(entry);
    redis().await.query::<u64>(&command).await.unwrap();
    let ClaimOutcome::Admitted(second) = claim(&line, 1, 1).await else {
        panic!("not let in");
    };
    let second = admission_claims(line.room(), visitor(1), 1, &second);
    assert!(line.finish(&second).await.unwrap());
    let check = line.check_admission(&claims[0]).await.unwrap();
    assert_eq!(check, AdmissionCheck::Ended);
    assert_eq!(active(&line).await, 0);
}

/// The first visitor has claimed, Redis has forgotten it, and nobody claims in time, for the second time.
async fn lapses_unclaimed(line: &Line, claims: &AdmissionClaims) {
    let key = |name: &str| format!("onsale:{{{}}}:{name}", line.room());
    let who = visitor(1);
    let entry = format!("1 {} - 1", claims.iat * 1000);
    let mut commands = [redis::cmd("HSET"), redis::cmd("ZADD"), redis::cmd("SADD")];
    commands[0]
        .arg(key("admissions"))
        .arg(who.as_str())
        .arg(entry);
    commands[1].arg(key("active")).arg(1).arg(who.as_str());
    commands[2].arg(key("missed")).arg(who.as_str());
    for command in &commands {
        redis().await.query::<u64>(command).await.unwrap();
    }
    line.promote(LIMITS).await.unwrap();
    assert_eq!(claim(line, 1, 1).await, ClaimOutcome::Lapsed);
}

#[tokio::test]
async fn whose_claim_a_failover_forgot_stays_in_though_the_place_has_lapsed() {
    let line = new_room(&open()).await;
    join(&line, 1, 1).await;
    let claims = let_in(&line, 1).await;
    lapses_unclaimed(&line, &claims[0]).await;
    assert_eq!(active(&line).await, 0);
    let check = line.check_admission(&claims[0]).await.unwrap();
    assert_eq!(check, AdmissionCheck::Live);
    assert_eq!(active(&line).await, 1);
}

#[tokio::test]
async fn whose_claim_a_failover_forgot_is_not_in_twice() {
    let line = new_room(&open()).await;
    join(&line, 1, 1).await;
    let claims = let_in(&line, 1).await;
    lapses_unclaimed(&line, &claims[0]).await;
    join(&line, 1, 1).await;
    promote(&line, 1).await;
    let given = claim(&line, 1, 2).await;
    assert!(matches!(given, ClaimOutcome::Admitted(_)), "{given:?}");
    let check = line.check_admission(&claims[0]).await.unwrap();
    assert_eq!(check, AdmissionCheck::Ended);
}

#[tokio::test]
async fn who_buys_by_an_admission_that_redis_forgot_does_not_wait_to_buy_again() {
    let line = new_room(&open()).await;
    join(&line, 1, 1).await;
    let claims = let_in(&line, 1).await;
    lapses_unclaimed(&line, &claims[0]).await;
    join(&line, 1, 1).await;
    assert_eq!(claim(&line, 1, 2).await, ClaimOutcome::Waiting);
    assert!(line.finish(&claims[0]).await.unwrap());
    assert_eq!(line.snapshot(0).await.unwrap().unwrap().waiting, 0);
    assert_eq!(claim(&line, 1, 2).await, ClaimOutcome::Lapsed);
    assert_eq!(claim(&line, 1, 1).await, ClaimOutcome::Finished);
}

#[tokio::test]
async fn who_buys_by_an_admission_that_redis_forgot_has_no_other_one_left() {
    let line = new_room(&open()).await;
    join(&line, 1, 1).await;
    let claims = let_in(&line, 1).await;
    lapses_unclaimed(&line, &claims[0]).await;
    join(&line, 1, 1).await;
    promote(&line, 1).await;
    let given = claim(&line, 1, 2).await;
    assert!(matches!(given, ClaimOutcome::Admitted(_)), "{given:?}");
    assert!(line.finish(&claims[0]).await.unwrap());
    assert_eq!(active(&line).await, 0);
    assert_eq!(claim(&line, 1, 2).await, ClaimOutcome::Finished);
}

#[tokio::test]
async fn a_token_whose_stretch_redis_forgot_buys_nothing_after_a_late_purchase() {
    let line = new_room(&open()).await;
    join(&line, 1, 1).await;
    let stretched = let_in(&line, 1).await.remove(0);
    lapses_unclaimed(&line, &stretched).await;
    // The shop tells of it with the end that it knew; what is over is swept.
    assert!(!line.finish(&over(&stretched)).await.unwrap());
    let mut sweep = redis::cmd("ZREM");
    sweep.arg(format!("onsale:{{{}}}:ended", line.room()));
    sweep.arg(stretched.jti.to_string());
    assert_eq!(redis().await.query::<u64>(&sweep).await.unwrap(), 1);
    let check = line.check_admission(&stretched).await.unwrap();
    assert_eq!(check, AdmissionCheck::Ended);
    assert_eq!(claim(&line, 1, 1).await, ClaimOutcome::Finished);
}

#[tokio::test]
async fn whose_claim_was_lost_with_redis_stays_in_though_the_place_has_lapsed() {
    let line = new_room(&open()).await;
    join(&line, 1, 1).await;
    let mut memory = RoomMemory::new(line.clone(), "a gatekeeper");
    memory.look().await.unwrap();
    let claims = let_in(&line, 1).await;
    lose(&line).await;
    look_until_there(&mut memory).await;
    // They poll once more, and stand in line again beside being in the shop.
    assert_eq!(claim(&line, 1, 1).await, ClaimOutcome::Waiting);
    set_field(&line, "restored_at_ms", "1").await;
    promote(&line, 1).await;
    lapses_unclaimed(&line, &claims[0]).await;
    let check = check_after_a_loss(&line, &claims[0]).await;
    assert_eq!(check, AdmissionCheck::Live);
    assert_eq!(active(&line).await, 1);
}

#[tokio::test]
async fn what_is_over_by_the_clock_of_redis_has_ended_for_every_other_clock() {
    let line = new_room(&NewRoom {
        admission_ttl_ms: Some(1_000),
        ..open()
    })
    .await;
    join(&line, 1, 1).await;
    let claims = let_in(&line, 1).await;
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    while active(&line).await > 0 {
        assert!(tokio::time::Instant::now() < deadline);
        line.promote(LIMITS).await.unwrap();
        tokio::time::sleep(LIMITS.tick).await;
    }
    let mut forget = redis::cmd("DEL");
    forget.arg(format!("onsale:{{{}}}:ended", line.room()));
    assert_eq!(redis().await.query::<u64>(&forget).await.unwrap(), 1);
    let check = line.check_admission(&claims[0]).await.unwrap();
    assert_eq!(check, AdmissionCheck::Ended);
}

/// A visitor waits when Redis is lost, joins anew, comes in by the later place, and Redis is lost again.
async fn in_by_a_later_place_at_a_loss(line: &Line, is_known: bool) -> AdmissionClaims {
    join(line, 1, 1).await;
    lost_and_written_back(line).await;
    set_field(line, "restored_at_ms", "1").await;
    let joined = line.join(&[visitor(1)], PRESENT).await.unwrap();
    let [Joined::New(Number(later))] = joined.visitors[..] else {
        panic!("{joined:?}");
    };
    promote(line, 1).await;
    let ClaimOutcome::Admitted(admission) = claim(line, 1, later).await else {
        panic!("not let in");
    };
    if !is_known {
        forget_outcome(line, later).await;
    }
    lost_and_written_back(line).await;
    admission_claims(line.room(), visitor(1), later, &admission)
}

#[tokio::test]
async fn a_lost_admission_is_given_up_for_a_place_further_in_front() {
    let line = new_room(&open()).await;
    let claims = in_by_a_later_place_at_a_loss(&line, true).await;
    let life = life(&line).await;
    assert_eq!(beat(&line, life, 1, 1).await, Beaten::Returned(1));
    assert_eq!(claim(&line, 1, claims.num.0).await, ClaimOutcome::Lapsed);
    let check = line.check_admission(&claims).await.unwrap();
    assert_eq!(check, AdmissionCheck::Ended);
}

#[tokio::test]
async fn an_admission_whose_claim_was_lost_is_given_up_with_its_place() {
    let line = new_room(&open()).await;
    let claims = in_by_a_later_place_at_a_loss(&line, false).await;
    assert_eq!(claim(&line, 1, claims.num.0).await, ClaimOutcome::Waiting);
    assert_eq!(claim(&line, 1, 1).await, ClaimOutcome::Waiting);
    assert_eq!(claim(&line, 1, claims.num.0).await, ClaimOutcome::Lapsed);
    let check = line.check_admission(&claims).await.unwrap();
    assert_eq!(check, AdmissionCheck::Ended);
}

#[tokio::test]
async fn who_comes_in_again_after_a_loss_stays_in_though_a_failover_forgot_all_of_it() {
    let line = new_room(&open()).await;
    let (_, later) = rejoined_after_a_loss(&line).await;
    buys_by(&line, 2, later).await;
    let joined = line.join(&[visitor(2)], PRESENT).await.unwrap();
    let [Joined::New(Number(again))] = joined.visitors[..] else {
        panic!("{joined:?}");
    };
    promote(&line, 1).await;
    let ClaimOutcome::Admitted(admission) = claim(&line, 2, again).await else {
        panic!("not let in");
    };
    let claims = admission_claims(line.room(), visitor(2), again, &admission);
    // Forgotten: that they joined again, and what followed.
    let key = |name: &str| format!("onsale:{{{}}}:{name}", line.room());
    let mut commands = [redis::cmd("HDEL"), redis::cmd("ZREM")];
    commands[0].arg(key("admissions")).arg(visitor(2).as_str());
    commands[1].arg(key("active")).arg(visitor(2).as_str());
    for command in &commands {
        redis().await.query::<u64>(command).await.unwrap();
    }
    forget_outcome(&line, again).await;
    let before = active(&line).await;
    assert_eq!(claim(&line, 2, again).await, ClaimOutcome::Lapsed);
    let check = line.check_admission(&claims).await.unwrap();
    assert_eq!(check, AdmissionCheck::Live);
    assert_eq!(active(&line).await, before + 1);
}

#[tokio::test]
async fn what_is_remembered_of_the_ended_is_forgotten_bit_by_bit() {
    let line = new_room(&open()).await;
    let ended = format!("onsale:{{{}}}:ended", line.room());
    let mut add = redis::cmd("ZADD");
    add.arg(&ended);
    for who in 0..2_500 {
        add.arg(1).arg(format!("visitor {who}"));
    }
    redis().await.query::<u64>(&add).await.unwrap();
    let mut count = redis::cmd("ZCARD");
    count.arg(&ended);
    let mut left = Vec::new();
    for _ in 0..3 {
        line.promote(LIMITS).await.unwrap();
        left.push(redis().await.query::<u64>(&count).await.unwrap());
    }
    assert_eq!(left, [1_500, 500, 0]);
}
