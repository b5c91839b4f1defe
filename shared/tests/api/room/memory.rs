//! What Redis forgets is told to it again: a lost room is written back, lost numbers are jumped over, and whoever waited
//! comes back to the old place (I6, I10).

use std::time::Duration;

use shared::ids::Number;
use shared::redis_handle::StoreError;
use shared::room::{
    Beat, Beaten, ClaimOutcome, ClaimRequest, Fate, Joined, Leaver, Line, NewRoom, PromotionLimits,
    Registry, RoomMemory, RoomState,
};

use crate::{PRESENT, claim, field, life, new_room, redis, set_field, visitor};

pub(super) const LIMITS: PromotionLimits = PromotionLimits {
    tick: Duration::from_millis(50),
    at_once: 1_000,
};
/// What numbers jump over (`GAP` of prelude.lua).
const GAP: u64 = 65_536;

pub(super) fn open() -> NewRoom {
    NewRoom {
        rate_per_second: Some(100.0),
        ..NewRoom::default()
    }
}

pub(super) async fn join(line: &Line, from: u64, to: u64) {
    let visitors: Vec<_> = (from..=to).map(visitor).collect();
    line.join(&visitors, PRESENT).await.unwrap();
}

pub(super) async fn beat(line: &Line, life: u64, who: u64, number: u64) -> Beaten {
    let beat = Beat {
        visitor: visitor(who),
        number: Number(number),
        seen_ago: Duration::ZERO,
        promised: PRESENT,
    };
    line.beat(life, "a gatekeeper", &[beat]).await.unwrap()
}

pub(super) async fn promote(line: &Line, count: u64) {
    let mut promoted = 0;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while promoted < count {
        assert!(
            tokio::time::Instant::now() < deadline,
            "only {promoted} of {count}"
        );
        // One, however long the last call was ago.
        set_field(line, "bucket", "1").await;
        let later = jiff::Timestamp::now().as_millisecond() + 60_000;
        set_field(line, "bucket_at_ms", &later.to_string()).await;
        promoted += line.promote(LIMITS).await.unwrap().unwrap().promoted;
    }
}

/// As a Redis leaves it that was restarted without its data.
pub(super) async fn lose(line: &Line) {
    let redis = redis().await;
    redis.query::<u64>(&deletion(line)).await.unwrap();
    let mut forget = redis::cmd("SREM");
    forget.arg("onsale:rooms").arg(line.room().as_str());
    redis.query::<u64>(&forget).await.unwrap();
}

/// Of all keys of the room at once, whatever is written meanwhile.
fn deletion(line: &Line) -> redis::Cmd {
    let mut deletion = redis::cmd("EVAL");
    deletion
        .arg("return redis.call('DEL', unpack(redis.call('KEYS', ARGV[1])))")
        .arg(0)
        .arg(format!("onsale:{{{}}}:*", line.room()));
    deletion
}

/// Looks until the room is there.
pub(super) async fn look_until_there(memory: &mut RoomMemory) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while memory.look().await.unwrap() != Fate::There {
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_lost_room_is_written_back_and_everybody_is_where_they_were() {
    let line = new_room(&open()).await;
    join(&line, 1, 9).await;
    promote(&line, 4).await;
    // 1 has finished, 2 is in the shop, 3 and 4 have not claimed, 5 has left, 6 to 9 wait.
    let ClaimOutcome::Admitted(first) = claim(&line, 1, 1).await else {
        panic!("let in");
    };
    let claims = crate::tokens::admission_claims(line.room(), visitor(1), 1, &first);
    assert!(line.finish(&claims).await.unwrap());
    assert!(matches!(
        claim(&line, 2, 2).await,
        ClaimOutcome::Admitted(_)
    ));
    assert!(line.evict(&visitor(5)).await.unwrap());
    let life = life(&line).await;
    let mut memory = RoomMemory::new(line.clone(), "a gatekeeper");
    assert_eq!(memory.look().await.unwrap(), Fate::There);

    lose(&line).await;
    look_until_there(&mut memory).await;
    assert!(
        Registry::new(redis().await)
            .list()
            .await
            .unwrap()
            .contains(line.room())
    );
    let settings = line.snapshot(0).await.unwrap().unwrap().settings;
    assert_eq!(
        (
            settings.life,
            settings.state,
            settings.rate_per_second,
            settings.next
        ),
        (life, RoomState::Open, Some(100.0), 10 + GAP)
    );
    // Positions count everybody who waited, before anybody has come back.
    assert_eq!(
        line.snapshot(0).await.unwrap().unwrap().lowest_waiting,
        Some(6)
    );

    for who in [9, 6, 7] {
        assert_eq!(beat(&line, life, who, who).await, Beaten::Returned(1));
    }
    for gone in [1, 2, 5] {
        assert_eq!(beat(&line, life, gone, gone).await, Beaten::Returned(0));
    }
    assert_eq!(claim(&line, 1, 1).await, ClaimOutcome::Finished);
    assert_eq!(claim(&line, 5, 5).await, ClaimOutcome::Left);
    assert!(
        matches!(claim(&line, 2, 2).await, ClaimOutcome::Admitted(_)),
        "was let in, and is"
    );
    assert_eq!(
        claim(&line, 4, 4).await,
        ClaimOutcome::Waiting,
        "at the very front again"
    );
    let joined = line
        .join(&[visitor(10), visitor(7)], PRESENT)
        .await
        .unwrap();
    assert_eq!(
        joined.visitors,
        [Joined::New(Number(10 + GAP)), Joined::Again(Number(7))]
    );
    promote(&line, 1).await;
    assert!(
        matches!(claim(&line, 4, 4).await, ClaimOutcome::Admitted(_)),
        "in order of place"
    );
}

#[tokio::test]
async fn promotion_waits_until_the_beats_have_arrived_and_a_pause_stays_a_pause() {
    let line = new_room(&open()).await;
    join(&line, 1, 2).await;
    let life = life(&line).await;
    let mut memory = RoomMemory::new(line.clone(), "a gatekeeper");
    memory.look().await.unwrap();
    lose(&line).await;
    look_until_there(&mut memory).await;
    beat(&line, life, 2, 2).await;
    set_field(&line, "bucket", "5").await;
    // Written back just now: as far as Redis' clock says, so the test says so too.
    let now = jiff::Timestamp::now().as_millisecond();
    set_field(&line, "restored_at_ms", &now.to_string()).await;
    assert_eq!(line.promote(LIMITS).await.unwrap().unwrap().promoted, 0);
    beat(&line, life, 1, 1).await;
    set_field(&line, "restored_at_ms", &(now - 2_000).to_string()).await;
    promote(&line, 1).await;
    assert!(matches!(
        claim(&line, 1, 1).await,
        ClaimOutcome::Admitted(_)
    ));

    line.transition(RoomState::Paused, &[RoomState::Open])
        .await
        .unwrap();
    memory.look().await.unwrap();
    lose(&line).await;
    look_until_there(&mut memory).await;
    let settings = line.snapshot(0).await.unwrap().unwrap().settings;
    assert_eq!(settings.state, RoomState::Paused);
}

#[tokio::test]
async fn of_several_memories_the_newest_is_written_back() {
    let line = new_room(&open()).await;
    join(&line, 1, 3).await;
    let mut older = RoomMemory::new(line.clone(), "an older one");
    older.look().await.unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert!(line.evict(&visitor(2)).await.unwrap());
    let mut newer = RoomMemory::new(line.clone(), "a newer one");
    newer.look().await.unwrap();
    lose(&line).await;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    loop {
        let fates = (older.look().await.unwrap(), newer.look().await.unwrap());
        if fates == (Fate::There, Fate::There) {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(claim(&line, 2, 2).await, ClaimOutcome::Left);
}

#[tokio::test]
async fn who_claims_while_a_memory_is_taken_is_not_turned_away_after_a_loss() {
    let line = new_room(&open()).await;
    join(&line, 1, 3).await;
    promote(&line, 1).await;
    // What had become of somebody else is read anew in the same look.
    assert!(line.evict(&visitor(2)).await.unwrap());
    let request = [ClaimRequest {
        visitor: visitor(1),
        number: Number(1),
        life: life(&line).await,
    }];
    let mut memory = RoomMemory::new(line.clone(), "a gatekeeper");
    // On one connection: the claim comes right behind the first question of the look.
    let (fate, outcomes) = tokio::join!(memory.look(), line.claim(&request));
    assert_eq!(fate.unwrap(), Fate::There);
    assert!(matches!(outcomes.unwrap()[..], [ClaimOutcome::Admitted(_)]));
    lose(&line).await;
    look_until_there(&mut memory).await;
    let again = claim(&line, 1, 1).await;
    assert!(
        matches!(again, ClaimOutcome::Admitted(_) | ClaimOutcome::Waiting),
        "{again:?}"
    );
}

#[tokio::test]
async fn a_room_that_is_lost_while_a_memory_is_taken_is_remembered_as_it_was_before() {
    let line = new_room(&open()).await;
    join(&line, 1, 3).await;
    assert!(line.evict(&visitor(1)).await.unwrap());
    let connection = redis().await;
    let read_by = Line::new(connection.clone(), line.room().clone());
    let mut memory = RoomMemory::new(read_by, "a gatekeeper");
    memory.look().await.unwrap();
    assert!(line.evict(&visitor(2)).await.unwrap());
    let deletion = deletion(&line);
    // On one connection: the room is lost right behind the first question of the look.
    let (_, lost) = tokio::join!(memory.look(), connection.query::<u64>(&deletion));
    lost.unwrap();
    look_until_there(&mut memory).await;
    assert_eq!(claim(&line, 1, 1).await, ClaimOutcome::Left);
    assert_eq!(
        line.snapshot(0).await.unwrap().unwrap().lowest_waiting,
        Some(2)
    );
}

#[tokio::test]
async fn a_removed_room_is_not_written_back() {
    let line = new_room(&open()).await;
    join(&line, 1, 1).await;
    let mut memory = RoomMemory::new(line.clone(), "a gatekeeper");
    memory.look().await.unwrap();
    line.remove().await.unwrap();
    assert_eq!(memory.look().await.unwrap(), Fate::Removed);
    assert_eq!(line.snapshot(0).await.unwrap(), None);
}

#[tokio::test]
async fn after_another_run_of_redis_numbers_jump_over_what_may_be_lost() {
    let line = new_room(&open()).await;
    join(&line, 1, 3).await;
    let life = life(&line).await;
    set_field(&line, "run", "another").await;
    let joined = line.join(&[visitor(10)], PRESENT).await.unwrap();
    assert_eq!(joined.visitors, [Joined::New(Number(4 + GAP))]);
    let again = line.join(&[visitor(11)], PRESENT).await.unwrap();
    assert_eq!(again.visitors, [Joined::New(Number(5 + GAP))], "once a run");
    // Whom the lost tail had given numbers come back with their tokens; in between is nobody.
    assert_eq!(claim(&line, 5, 5).await, ClaimOutcome::Waiting);
    assert_eq!(
        beat(&line, life, 5, 5).await,
        Beaten::Returned(0),
        "stands there already"
    );
    let snapshot = line.snapshot(200_000).await.unwrap().unwrap();
    assert_eq!((snapshot.waiting, snapshot.lowest_waiting), (6, Some(1)));
    let departed: u32 = snapshot
        .near
        .iter()
        .flat_map(|chunk| &chunk.bits)
        .map(|byte| byte.count_ones())
        .sum();
    assert_eq!(
        u64::from(departed),
        GAP - 1,
        "the gap counts as gone, but for number 5"
    );
    // Somebody else's number is never taken.
    assert_eq!(claim(&line, 99, 2).await, ClaimOutcome::Lapsed);
}

#[tokio::test]
async fn after_another_run_of_redis_no_version_of_a_chunk_comes_again() {
    let line = new_room(&open()).await;
    join(&line, 1, 3).await;
    promote(&line, 1).await;
    let version = async || line.snapshot(0).await.unwrap().unwrap().versions[&0];
    let before = version().await;
    set_field(&line, "run", "another").await;
    join(&line, 10, 10).await;
    // As many as can have changed in the moment that is lost.
    assert!(version().await > before + GAP);
}

#[tokio::test]
async fn a_number_that_redis_forgot_before_anybody_joined_again_comes_back_by_its_beat() {
    let line = new_room(&open()).await;
    join(&line, 1, 1).await;
    let life = life(&line).await;
    set_field(&line, "run", "another").await;
    // Redis thinks that 2 is the next number; it had been given.
    assert_eq!(claim(&line, 2, 2).await, ClaimOutcome::Waiting);
    assert_eq!(beat(&line, life, 2, 2).await, Beaten::Returned(0));
    let joined = line.join(&[visitor(3), visitor(2)], PRESENT).await.unwrap();
    assert_eq!(
        joined.visitors,
        [Joined::New(Number(2 + GAP)), Joined::Again(Number(2))]
    );
}

#[tokio::test]
async fn who_waited_at_a_loss_and_never_comes_back_stops_counting_but_keeps_the_place() {
    let line = new_room(&open()).await;
    join(&line, 1, 4).await;
    let life = life(&line).await;
    let mut memory = RoomMemory::new(line.clone(), "a gatekeeper");
    memory.look().await.unwrap();
    lose(&line).await;
    look_until_there(&mut memory).await;
    for who in [2, 4] {
        beat(&line, life, who, who).await;
    }
    assert!(!line.end_recovery().await.unwrap(), "they still may come");
    let until: u64 = field(&line, "restored_until_ms")
        .await
        .unwrap()
        .parse()
        .unwrap();
    set_field(&line, "clock_ms", &(until + 1).to_string()).await;
    assert!(line.end_recovery().await.unwrap());
    let snapshot = line.snapshot(1_000).await.unwrap().unwrap();
    assert_eq!((snapshot.lowest_waiting, snapshot.waiting), (Some(2), 2));
    let first = snapshot.near[0].bits[0];
    assert_eq!(
        first & 0b0111_1000,
        0b0101_0000,
        "1 and 3 have gone, 2 and 4 wait"
    );
    assert_eq!(claim(&line, 3, 3).await, ClaimOutcome::Waiting);
}

/// As Redis leaves a room whose data it has lost and which was written back.
pub(super) async fn lost_and_written_back(line: &Line) {
    let mut memory = RoomMemory::new(line.clone(), "a gatekeeper");
    memory.look().await.unwrap();
    lose(line).await;
    look_until_there(&mut memory).await;
}

#[tokio::test]
async fn who_joins_again_before_their_place_is_known_again_gets_it_back() {
    let line = new_room(&open()).await;
    join(&line, 1, 4).await;
    let life = life(&line).await;
    lost_and_written_back(&line).await;
    // From a device that does not know the token.
    let joined = line.join(&[visitor(2), visitor(3)], PRESENT).await.unwrap();
    assert_eq!(
        joined.visitors,
        [Joined::New(Number(5 + GAP)), Joined::New(Number(6 + GAP))]
    );
    // The first one of theirs to ask says where they stood: by a beat, or by a claim.
    assert_eq!(beat(&line, life, 2, 2).await, Beaten::Returned(1));
    assert_eq!(claim(&line, 3, 3).await, ClaimOutcome::Waiting);
    let snapshot = line.snapshot(0).await.unwrap().unwrap();
    assert_eq!((snapshot.waiting, snapshot.lowest_waiting), (2, Some(1)));
    for (who, later) in [(2, 5 + GAP), (3, 6 + GAP)] {
        assert_eq!(claim(&line, who, later).await, ClaimOutcome::Lapsed);
        assert_eq!(beat(&line, life, who, later).await, Beaten::Returned(0));
    }
    let again = line.join(&[visitor(2), visitor(3)], PRESENT).await.unwrap();
    assert_eq!(
        again.visitors,
        [Joined::Again(Number(2)), Joined::Again(Number(3))]
    );
}

#[tokio::test]
async fn after_a_loss_the_line_begins_where_promotion_has_come_to() {
    let line = new_room(&open()).await;
    join(&line, 1, 6).await;
    let life = life(&line).await;
    lost_and_written_back(&line).await;
    for who in [2, 3, 6] {
        beat(&line, life, who, who).await;
    }
    set_field(&line, "restored_at_ms", "1").await;
    promote(&line, 2).await;
    let head = line.snapshot(0).await.unwrap().unwrap().head();
    assert_eq!(head, 3, "1 has not come back, and may be in front again");
    assert_eq!(beat(&line, life, 1, 1).await, Beaten::Returned(1));
    assert_eq!(line.snapshot(0).await.unwrap().unwrap().head(), 0);
}

#[tokio::test]
async fn while_a_lost_room_is_not_back_nothing_is_said_of_its_visitors() {
    let line = new_room(&open()).await;
    join(&line, 1, 1).await;
    let life = life(&line).await;
    let mut memory = RoomMemory::new(line.clone(), "a gatekeeper");
    memory.look().await.unwrap();
    lose(&line).await;
    let request = ClaimRequest {
        visitor: visitor(1),
        number: Number(1),
        life,
    };
    let leaver = Leaver {
        visitor: visitor(1),
        number: Number(1),
        life,
    };
    assert!(matches!(
        line.claim(&[request]).await,
        Err(StoreError::NoRoom)
    ));
    assert!(matches!(
        line.leave(&[leaver]).await,
        Err(StoreError::NoRoom)
    ));
    assert!(matches!(
        line.join(&[visitor(2)], PRESENT).await,
        Err(StoreError::NoRoom)
    ));
    // Read as chunks of a room that is there, everybody would stand further behind.
    assert!(matches!(line.chunks(&[0]).await, Err(StoreError::NoRoom)));
    // Somebody who would make it anew waits until those who remember it have written it back.
    assert_eq!(memory.look().await.unwrap(), Fate::Lost);
    let room = open();
    let (made, ()) = tokio::join!(line.create(&room), look_until_there(&mut memory));
    assert!(!made.unwrap(), "it was there");
    let snapshot = line.snapshot(0).await.unwrap().unwrap();
    assert_eq!(
        (snapshot.settings.life, snapshot.settings.next),
        (life, 2 + GAP)
    );
}

#[tokio::test]
async fn a_number_far_beyond_what_redis_knows_leaves_nobody_in_between() {
    let line = new_room(&open()).await;
    join(&line, 1, 1).await;
    set_field(&line, "run", "another").await;
    let far = 3 * GAP;
    assert_eq!(claim(&line, 2, far).await, ClaimOutcome::Waiting);
    let joined = line.join(&[visitor(3)], PRESENT).await.unwrap();
    assert_eq!(joined.visitors, [Joined::New(Number(far + 1 + GAP))]);
    let chunks: Vec<u64> = (0..=4).collect();
    let departed: u32 = line
        .chunks(&chunks)
        .await
        .unwrap()
        .iter()
        .flat_map(|chunk| &chunk.bits)
        .map(|byte| byte.count_ones())
        .sum();
    assert_eq!(u64::from(departed), far + GAP - 2, "all but 1, 2 and 3");
    let versions = line.snapshot(0).await.unwrap().unwrap().versions;
    assert!(
        chunks.iter().all(|chunk| versions.contains_key(chunk)),
        "{versions:?}"
    );
}

#[tokio::test]
async fn two_losses_one_after_the_other_do_not_give_a_number_twice() {
    let line = new_room(&open()).await;
    assert!(
        field(&line, "run").await.is_some(),
        "known before anybody joins"
    );
    join(&line, 1, 3).await;
    set_field(&line, "run", "another").await;
    let joined = line.join(&[visitor(4)], PRESENT).await.unwrap();
    assert_eq!(joined.visitors, [Joined::New(Number(4 + GAP))]);
    // Neither the jump nor the number has reached whoever is the master now.
    set_field(&line, "run", "yet another").await;
    set_field(&line, "next", "4").await;
    let joined = line.join(&[visitor(5)], PRESENT).await.unwrap();
    assert_eq!(joined.visitors, [Joined::New(Number(5 + 2 * GAP))]);
}

#[tokio::test]
async fn a_room_that_is_not_listed_any_more_is_listed_again() {
    let line = new_room(&open()).await;
    let mut memory = RoomMemory::new(line.clone(), "a gatekeeper");
    assert_eq!(memory.look().await.unwrap(), Fate::There);
    let is_listed = async || {
        let listed = Registry::new(redis().await).list().await.unwrap();
        listed.contains(line.room())
    };
    let mut forget = redis::cmd("SREM");
    forget.arg("onsale:rooms").arg(line.room().as_str());
    redis().await.query::<u64>(&forget).await.unwrap();
    memory.keep_listed().await.unwrap();
    assert!(!is_listed().await, "it may be about to be removed");
    memory.keep_listed().await.unwrap();
    assert!(is_listed().await);
}
