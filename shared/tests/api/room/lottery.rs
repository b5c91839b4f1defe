//! The opening by lottery: nobody twice, nobody lost, and everybody let in in the order that was drawn.

mod lost;
mod model;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use shared::ids::Number;
use shared::lottery::{Permutation, Secret};
use shared::room::{
    Beat, Beaten, ClaimOutcome, ClaimRequest, Committed, JoinHashing, Joined, Leaver, Line,
    Lottery, Moved, NewRoom, Promise, PromotionLimits, PublicPart, RoomState, Transition, ValueSet,
};

use crate::{PRESENT, field, kept_for_ever, new_room, redis, set_field, visitor};

const FAR_AHEAD_MS: i64 = 4_000_000_000_000;

fn scheduled() -> NewRoom {
    NewRoom {
        rate_per_second: Some(100_000.0),
        opens_at_ms: Some(FAR_AHEAD_MS),
        ..NewRoom::default()
    }
}

fn secret() -> Secret {
    Secret::generate(&mut rand::rng())
}

fn value() -> PublicPart {
    PublicPart::Value("the value".to_owned())
}

/// A scheduled room that opens by lottery.
async fn lottery_room() -> Line {
    let line = new_room(&scheduled()).await;
    let committed = line.commit_lottery(&secret(), &value()).await.unwrap();
    assert!(matches!(committed, Committed::Done(_)));
    line
}

async fn join(line: &Line, who: &[u64]) -> Vec<Joined> {
    let visitors: Vec<_> = who.iter().map(|who| visitor(*who)).collect();
    line.join(&visitors, PRESENT).await.unwrap().visitors
}

async fn lottery(line: &Line) -> Lottery {
    let snapshot = line.snapshot(0).await.unwrap().unwrap();
    snapshot.settings.lottery.unwrap()
}

/// What the daemons do when it is time to open.
async fn draw(line: &Line) {
    assert!(
        !line.close_lottery().await.unwrap(),
        "it is not time to open"
    );
    set_field(line, "opens_at_ms", "1").await;
    assert!(line.close_lottery().await.unwrap());
    loop {
        let state = line.lottery().await.unwrap().unwrap();
        if line.hash_joins(&state).await.unwrap() == JoinHashing::Complete {
            assert!(
                !line.draw(&state).await.unwrap(),
                "the list is not published"
            );
            assert!(line.publish_list(&state).await.unwrap());
            assert!(line.draw(&state).await.unwrap());
            return;
        }
    }
}

/// The places drawn, as everybody can compute them from what is shown.
async fn places(line: &Line) -> Permutation {
    let lottery = lottery(line).await;
    Permutation::new(&lottery.seed.unwrap(), lottery.size.unwrap()).unwrap()
}

async fn move_some(line: &Line, places: &Permutation) -> Moved {
    let moved = field(line, "moved").await;
    match moved {
        Some(moved) => line
            .move_from_lobby(places, moved.parse().unwrap())
            .await
            .unwrap(),
        None => Moved::All,
    }
}

async fn move_all(line: &Line, places: &Permutation) {
    while move_some(line, places).await != Moved::All {}
}

/// Who was let in, by place.
async fn admitted(line: &Line) -> BTreeMap<u64, String> {
    let mut read = redis::cmd("HGETALL");
    read.arg(format!("onsale:{{{}}}:admissions", line.room()));
    let found: BTreeMap<String, String> = redis().await.query(&read).await.unwrap();
    let by_place = found.into_iter().map(|(visitor, admission)| {
        let place = admission.split(' ').next().unwrap().parse().unwrap();
        (place, visitor)
    });
    by_place.collect()
}

async fn waiting(line: &Line) -> Vec<(String, u64)> {
    let mut read = redis::cmd("ZRANGE");
    read.arg(format!("onsale:{{{}}}:waiting", line.room()));
    read.arg(0).arg(-1).arg("WITHSCORES");
    redis().await.query(&read).await.unwrap()
}

async fn promote(line: &Line, most: u32) {
    let limits = PromotionLimits {
        tick: Duration::from_millis(50),
        at_once: most,
    };
    line.promote(limits).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_lottery_is_committed_to_once_and_before_the_room_opens() {
    let line = new_room(&scheduled()).await;
    let first = secret();
    let committed = line.commit_lottery(&first, &value()).await.unwrap();
    assert_eq!(committed, Committed::Done(first.commitment()));
    let again = line.commit_lottery(&secret(), &value()).await.unwrap();
    assert_eq!(again, Committed::Already);
    let shown = lottery(&line).await;
    assert_eq!(
        (shown.commitment, shown.size, shown.seed),
        (first.commitment(), None, None)
    );

    let open = new_room(&NewRoom::default()).await;
    let late = open.commit_lottery(&secret(), &value()).await.unwrap();
    assert_eq!(late, Committed::NotScheduled);
    open.remove().await.unwrap();
    let gone = open.commit_lottery(&secret(), &value()).await.unwrap();
    assert_eq!(gone, Committed::NoRoom);
}

#[tokio::test]
async fn neither_time_nor_an_operator_opens_the_room_before_the_draw() {
    let line = lottery_room().await;
    join(&line, &[1, 2]).await;
    set_field(&line, "opens_at_ms", "1").await;
    promote(&line, 10).await;
    let state = async || line.snapshot(0).await.unwrap().unwrap().settings.state;
    assert_eq!(state().await, RoomState::Scheduled);
    set_field(&line, "opens_at_ms", &FAR_AHEAD_MS.to_string()).await;
    let opened = line
        .transition(RoomState::Open, &[RoomState::Scheduled])
        .await
        .unwrap();
    assert_eq!(opened, Transition::ToBeDrawn);
    assert_eq!(state().await, RoomState::Scheduled);
    // Nor is the draw left out when the room was closed meanwhile.
    for (to, from, expected) in [
        (
            RoomState::Closed,
            RoomState::Scheduled,
            Transition::Done(RoomState::Scheduled),
        ),
        (RoomState::Open, RoomState::Closed, Transition::ToBeDrawn),
    ] {
        assert_eq!(line.transition(to, &[from]).await.unwrap(), expected);
    }
    assert_eq!(state().await, RoomState::Scheduled);
    // It is time now.
    assert!(line.close_lottery().await.unwrap());
}

#[tokio::test]
async fn a_public_value_is_said_once_and_not_while_people_join() {
    let line = new_room(&scheduled()).await;
    assert_eq!(
        line.set_public_value("7").await.unwrap(),
        ValueSet::NoLottery
    );
    let source = PublicPart::Source("round 7 of the beacon".to_owned());
    line.commit_lottery(&secret(), &source).await.unwrap();
    assert_eq!(
        line.set_public_value("7").await.unwrap(),
        ValueSet::ListOpen
    );
    set_field(&line, "opens_at_ms", "1").await;
    assert!(line.close_lottery().await.unwrap());
    let state = line.lottery().await.unwrap().unwrap();
    assert!(
        !line.draw(&state).await.unwrap(),
        "the value is not known yet"
    );
    assert_eq!(line.set_public_value("7").await.unwrap(), ValueSet::Done);
    assert_eq!(line.set_public_value("7").await.unwrap(), ValueSet::Done);
    assert_eq!(
        line.set_public_value("8").await.unwrap(),
        ValueSet::OtherValue
    );
}

#[tokio::test]
async fn everybody_stands_at_the_place_drawn_and_who_comes_later_behind_them() {
    let line = lottery_room().await;
    let who: Vec<u64> = (1..=2_000).collect();
    for some in who.chunks(500) {
        join(&line, some).await;
    }
    draw(&line).await;
    let places = places(&line).await;
    assert_eq!(places.size(), 2_000);
    assert_eq!(join(&line, &[2_001]).await, [Joined::New(Number(2_001))]);
    assert_eq!(
        join(&line, &[7]).await,
        [Joined::Again(Number(7))],
        "from the lobby"
    );
    let moved = line.move_from_lobby(&places, 0).await.unwrap();
    assert_eq!(moved, Moved::UpTo(100));
    let again = line.move_from_lobby(&places, 0).await.unwrap();
    assert_eq!(again, Moved::UpTo(100), "repeated, it moves nobody");
    move_all(&line, &places).await;
    let expected: Vec<_> = (1..=2_001)
        .map(|place| (format!("visitor-{}", places.number_of(place)), place))
        .collect();
    assert_eq!(waiting(&line).await, expected);
    let number = places.number_of(1);
    assert_eq!(
        join(&line, &[number]).await,
        [Joined::Again(Number(number))],
        "from the line"
    );
    line.remove().await.unwrap();
    assert_eq!(kept_for_ever(&line).await, [] as [String; 0]);
}

#[tokio::test]
async fn a_process_that_has_not_heard_of_the_draw_learns_the_places() {
    let line = lottery_room().await;
    join(&line, &(1..=50).collect::<Vec<_>>()).await;
    let life = line.snapshot(0).await.unwrap().unwrap().settings.life;
    let request = |who| ClaimRequest {
        visitor: visitor(who),
        number: Number(who),
        life,
    };
    // Of their own, they know of no lottery.
    let other = || async { Line::new(redis().await, line.room().clone()) };
    let (leaving, claiming, beating) = (other().await, other().await, other().await);
    draw(&line).await;
    assert_eq!(
        claiming.claim(&[request(5)]).await.unwrap(),
        [ClaimOutcome::Waiting],
        "in the lobby"
    );
    let places = places(&line).await;
    move_all(&line, &places).await;
    let outcomes = other().await.claim(&[request(5), request(6)]).await;
    assert_eq!(
        outcomes.unwrap(),
        [ClaimOutcome::Waiting, ClaimOutcome::Waiting]
    );
    let leaver = Leaver {
        visitor: visitor(5),
        number: Number(5),
        life,
    };
    assert_eq!(leaving.leave(&[leaver]).await.unwrap(), [true]);
    assert_eq!(
        claiming.claim(&[request(5)]).await.unwrap(),
        [ClaimOutcome::Left]
    );
    let beat = Beat {
        visitor: visitor(6),
        number: Number(6),
        seen_ago: Duration::ZERO,
        promised: PRESENT,
    };
    let beaten = beating.beat(life, "a gatekeeper", &[beat]).await.unwrap();
    assert_eq!(beaten, Beaten::Returned(0), "nobody was restored");
    let left: BTreeSet<u64> = waiting(&line)
        .await
        .into_iter()
        .map(|(_, place)| place)
        .collect();
    let expected = (1..=50).filter(|place| *place != places.place_of(5));
    assert!(left.into_iter().eq(expected));
}

#[tokio::test]
async fn who_was_absent_at_the_draw_may_come_back_to_the_place_drawn() {
    let line = lottery_room().await;
    let who: Vec<u64> = (1..=20).collect();
    let visitors: Vec<_> = who.iter().map(|who| visitor(*who)).collect();
    let short = Promise::of(Duration::from_secs(3));
    line.join(&visitors, short).await.unwrap();
    let life = line.snapshot(0).await.unwrap().unwrap().settings.life;
    let beat = |who| Beat {
        visitor: visitor(who),
        number: Number(who),
        seen_ago: Duration::ZERO,
        promised: PRESENT,
    };
    set_field(&line, "clock_ms", "3700000").await;
    let beats: Vec<Beat> = (4..=20).map(beat).collect();
    line.beat(life, "a gatekeeper", &beats).await.unwrap();
    assert_eq!(line.sweep(&who).await.unwrap(), 3, "1, 2 and 3 are absent");
    let counted = async || {
        let snapshot = line.snapshot(0).await.unwrap().unwrap();
        (snapshot.waiting, snapshot.absent)
    };
    draw(&line).await;
    assert_eq!(counted().await, (17, 3), "in the lobby they count");
    // One comes back before being moved, one afterwards, one never.
    line.beat(life, "a gatekeeper", &[beat(1)]).await.unwrap();
    let places = places(&line).await;
    move_all(&line, &places).await;
    assert_eq!(counted().await, (18, 2));
    let back = line.beat(life, "a gatekeeper", &[beat(2)]).await.unwrap();
    assert_eq!(back, Beaten::Returned(1));
    let mut expected: Vec<_> = (1..=20)
        .filter(|number| *number != 3)
        .map(|number| (format!("visitor-{number}"), places.place_of(number)))
        .collect();
    expected.sort_by_key(|(_, place)| *place);
    assert_eq!(waiting(&line).await, expected);
}

#[tokio::test]
async fn who_misses_a_promise_in_the_lobby_and_beats_again_stands_in_line() {
    let line = lottery_room().await;
    join(&line, &(1..=20).collect::<Vec<_>>()).await;
    let life = line.snapshot(0).await.unwrap().unwrap().settings.life;
    draw(&line).await;
    let places = places(&line).await;
    let beat = async |promised| {
        let beat = Beat {
            visitor: visitor(7),
            number: Number(7),
            seen_ago: Duration::ZERO,
            promised,
        };
        line.beat(life, "a gatekeeper", &[beat]).await.unwrap()
    };
    beat(Promise::of(Duration::from_secs(3))).await;
    set_field(&line, "clock_ms", "3700000").await;
    let place = places.place_of(7);
    assert_eq!(line.sweep(&[place]).await.unwrap(), 0);
    beat(PRESENT).await;
    move_all(&line, &places).await;
    assert!(
        waiting(&line)
            .await
            .contains(&("visitor-7".to_owned(), place))
    );
    assert_eq!(line.sweep(&[place]).await.unwrap(), 0, "and is present");
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while admitted(&line)
        .await
        .get(&place)
        .is_none_or(|who| who != "visitor-7")
    {
        assert!(tokio::time::Instant::now() < deadline, "passed over");
        promote(&line, 100).await;
    }
}

/// Large enough for many chunks of the list and many steps out of the lobby.
#[tokio::test]
async fn fifty_thousand_are_listed_drawn_and_moved() {
    const COUNT: u64 = 50_000;
    let line = lottery_room().await;
    let who: Vec<u64> = (1..=COUNT).collect();
    for some in who.chunks(500) {
        join(&line, some).await;
    }
    draw(&line).await;
    let state = line.lottery().await.unwrap().unwrap();
    assert_eq!((state.joins, state.hashed.joins()), (COUNT, COUNT));
    let places = places(&line).await;
    move_all(&line, &places).await;
    let line_up = waiting(&line).await;
    assert_eq!(line_up.len(), who.len());
    for (visitor, place) in line_up {
        assert_eq!(visitor, format!("visitor-{}", places.number_of(place)));
    }
    line.remove().await.unwrap();
}

#[tokio::test]
async fn who_commits_says_the_value_and_opens_is_in_the_log() {
    let line = new_room(&scheduled()).await;
    let ada = line.clone().signed("ada@desk".parse().unwrap());
    let source = PublicPart::Source("round 7 of the beacon".to_owned());
    let secret = secret();
    ada.commit_lottery(&secret, &source).await.unwrap();
    join(&line, &[1, 2]).await;
    ada.transition(RoomState::Open, &[RoomState::Scheduled])
        .await
        .unwrap();
    assert!(line.close_lottery().await.unwrap());
    ada.set_public_value("7").await.unwrap();
    let state = line.lottery().await.unwrap().unwrap();
    line.hash_joins(&state).await.unwrap();
    let state = line.lottery().await.unwrap().unwrap();
    let admitter = line.clone().signed("admitter".parse().unwrap());
    assert!(admitter.publish_list(&state).await.unwrap());
    assert!(admitter.draw(&state).await.unwrap());
    let log = line.changes().await.unwrap();
    let logged: Vec<_> = log
        .iter()
        .skip(1)
        .map(|change| (change.by.as_str(), change.what.as_str(), change.to.clone()))
        .collect();
    let opened_at = field(&line, "opens_at_ms").await;
    assert_eq!(
        logged,
        [
            ("ada@desk", "lottery", Some(secret.commitment().to_string())),
            ("ada@desk", "opens_at_ms", opened_at),
            ("ada@desk", "lottery_value", Some("7".to_owned())),
            ("admitter", "state", Some("open".to_owned())),
        ]
    );
}
