//! The lottery of a room that Redis has lost.

use std::collections::BTreeSet;
use std::time::Duration;

use shared::ids::Number;
use shared::room::{
    Beat, Beaten, CHUNK_PLACES, ClaimOutcome, JoinHashing, Joined, Leaver, Line, LotteryState,
    Moved, RoomMemory,
};

use super::super::memory::{look_until_there, lose};
use super::{draw, join, lottery_room, move_all, move_some, places, waiting};
use crate::{PRESENT, claim, field, life, redis, set_field, visitor};

/// The room is lost and written back, its secret with it.
async fn lost_and_written_back(line: &Line) {
    let secret = line.lottery().await.unwrap().unwrap().secret.unwrap();
    let mut memory = RoomMemory::new(line.clone(), "a gatekeeper");
    memory.look().await.unwrap();
    lose(line).await;
    look_until_there(&mut memory).await;
    line.restore_secret(&secret).await.unwrap();
}

async fn beat(line: &Line, life: u64, who: &[u64]) -> Beaten {
    let beats: Vec<Beat> = who
        .iter()
        .map(|who| Beat {
            visitor: visitor(*who),
            number: Number(*who),
            seen_ago: Duration::ZERO,
            promised: PRESENT,
        })
        .collect();
    line.beat(life, "a gatekeeper", &beats).await.unwrap()
}

/// A short list, hashed to its end.
async fn hashed(line: &Line) -> LotteryState {
    let state = line.lottery().await.unwrap().unwrap();
    line.hash_joins(&state).await.unwrap();
    line.lottery().await.unwrap().unwrap()
}

/// The numbers that visitors get whom Redis has forgotten.
async fn join_again(line: &Line, who: &[u64]) -> Vec<u64> {
    let number = |joined| match joined {
        Joined::New(number) => number.0,
        other => panic!("{other:?}"),
    };
    join(line, who).await.into_iter().map(number).collect()
}

/// Of all numbers given, the bit is 0 at the places of those who stand in line, and nowhere else.
async fn assert_that_the_bits_are_those_of_the_line(line: &Line) {
    let next: u64 = field(line, "next").await.unwrap().parse().unwrap();
    let chunks: Vec<u64> = (0..=next / CHUNK_PLACES).collect();
    let bits: Vec<u8> = line
        .chunks(&chunks)
        .await
        .unwrap()
        .into_iter()
        .flat_map(|mut chunk| {
            chunk
                .bits
                .resize(usize::try_from(CHUNK_PLACES / 8).unwrap(), 0);
            chunk.bits
        })
        .collect();
    let is_there = |place: &u64| {
        let place = usize::try_from(*place).unwrap();
        bits[place / 8] & (0x80 >> (place % 8)) == 0
    };
    let seen: Vec<u64> = (1..next).filter(is_there).collect();
    let there: Vec<u64> = waiting(line)
        .await
        .into_iter()
        .map(|(_, place)| place)
        .collect();
    assert_eq!(seen, there);
}

#[tokio::test]
async fn a_list_that_was_lost_is_made_anew_by_those_who_come_back_and_the_proof_says_so() {
    let line = lottery_room().await;
    join(&line, &[1, 2, 3, 4]).await;
    let life = life(&line).await;
    lost_and_written_back(&line).await;
    assert_eq!(beat(&line, life, &[3, 1]).await, Beaten::Returned(2));
    let again = beat(&line, life, &[3, 1]).await;
    assert_eq!(again, Beaten::Returned(0), "listed once");
    let listed = line.listed_joins(0).await.unwrap();
    assert_eq!(listed, [(3, visitor(3)), (1, visitor(1))]);
    set_field(&line, "opens_at_ms", "1").await;
    assert!(
        !line.close_lottery().await.unwrap(),
        "more may come back in this moment"
    );
    set_field(&line, "restored_at_ms", "1").await;
    assert!(line.close_lottery().await.unwrap());
    let state = hashed(&line).await;
    assert!(state.list_was_lost);
    // Somebody comes back between the last look at the list and its end.
    assert_eq!(beat(&line, life, &[2]).await, Beaten::Returned(1));
    assert!(!line.publish_list(&state).await.unwrap());
    assert!(!line.draw(&state).await.unwrap());
    let state = hashed(&line).await;
    assert!(line.publish_list(&state).await.unwrap());
    // What is published does not change any more.
    assert_eq!(beat(&line, life, &[4]).await, Beaten::Returned(1));
    assert_eq!(line.listed_joins(0).await.unwrap().len(), 3);
    assert!(line.draw(&state).await.unwrap());
    // Who came too late is not listed, and has a place all the same.
    assert_eq!(claim(&line, 4, 4).await, ClaimOutcome::Waiting);
    assert_eq!(line.listed_joins(0).await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_list_that_is_lost_in_the_moment_of_its_publication_is_not_published() {
    let line = lottery_room().await;
    join(&line, &[1, 2]).await;
    let mut memory = RoomMemory::new(line.clone(), "a gatekeeper");
    set_field(&line, "opens_at_ms", "1").await;
    assert!(line.close_lottery().await.unwrap());
    let before = line.lottery().await.unwrap().unwrap();
    memory.look().await.unwrap();
    lose(&line).await;
    assert_eq!(line.hash_joins(&before).await.unwrap(), JoinHashing::Goes);
    assert!(!line.publish_list(&before).await.unwrap());
    assert!(!line.draw(&before).await.unwrap());
    // Nothing was written that would pass for the room or for a hashed list.
    let mut exists = redis::cmd("EXISTS");
    exists.arg(format!("onsale:{{{}}}:lottery", line.room()));
    assert!(!redis().await.query::<bool>(&exists).await.unwrap());
    look_until_there(&mut memory).await;
    assert_eq!(line.lottery().await.unwrap().unwrap().hashed.joins(), 0);
}

#[tokio::test]
async fn a_recovery_does_not_end_before_everybody_has_left_the_lobby() {
    let line = lottery_room().await;
    let who: Vec<u64> = (1..=20).collect();
    join(&line, &who).await;
    let life = life(&line).await;
    lost_and_written_back(&line).await;
    beat(&line, life, &who).await;
    set_field(&line, "restored_at_ms", "1").await;
    draw(&line).await;
    set_field(&line, "clock_ms", "9000000").await;
    assert!(!line.end_recovery().await.unwrap(), "they are on their way");
    let places = places(&line).await;
    move_all(&line, &places).await;
    assert!(line.end_recovery().await.unwrap());
    assert_eq!(waiting(&line).await.len(), 20);
    assert_that_the_bits_are_those_of_the_line(&line).await;
}

#[tokio::test]
async fn who_joined_again_and_shows_the_older_token_too_stands_once_at_the_better_place() {
    let line = lottery_room().await;
    let who: Vec<u64> = (1..=20).collect();
    join(&line, &who).await;
    lost_and_written_back(&line).await;
    let again = join_again(&line, &who).await;
    set_field(&line, "restored_at_ms", "1").await;
    draw(&line).await;
    let places = places(&line).await;
    let mut asked = BTreeSet::new();
    while let Moved::UpTo(moved) = move_some(&line, &places).await {
        for who in &who {
            if places.place_of(*who) <= moved && asked.insert(*who) {
                claim(&line, *who, *who).await;
            }
        }
    }
    for who in who.iter().filter(|who| !asked.contains(who)) {
        claim(&line, *who, *who).await;
    }
    let better = |(who, again): (&u64, &u64)| {
        let place = places.place_of(*who).min(places.place_of(*again));
        (format!("visitor-{who}"), place)
    };
    let mut expected: Vec<_> = who.iter().zip(&again).map(better).collect();
    expected.sort_by_key(|(_, place)| *place);
    assert_eq!(waiting(&line).await, expected);
    assert_that_the_bits_are_those_of_the_line(&line).await;
}

#[tokio::test]
async fn an_older_token_does_not_give_up_the_number_in_the_lobby() {
    let line = lottery_room().await;
    join(&line, &[1]).await;
    let life = life(&line).await;
    lost_and_written_back(&line).await;
    let again = Number(join_again(&line, &[1]).await[0]);
    set_field(&line, "restored_at_ms", "1").await;
    draw(&line).await;
    let leave = async |number| {
        let leaver = Leaver {
            visitor: visitor(1),
            number,
            life,
        };
        line.leave(&[leaver]).await.unwrap()
    };
    assert_eq!(leave(Number(1)).await, [false]);
    assert_eq!(leave(again).await, [true]);
}
