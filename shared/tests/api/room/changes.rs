//! Changes of a room: who made them, and how soon they count.

use std::time::Duration;

use shared::room::{Change, Line, NewRoom, PromotionLimits, RoomState};

use crate::{PRESENT, new_room, visitor};

const LIMITS: PromotionLimits = PromotionLimits {
    tick: Duration::from_millis(50),
    at_once: 1_000,
};

/// What is written in the log, without the times.
async fn logged(line: &Line) -> Vec<String> {
    let changes = line.changes().await.unwrap();
    assert!(changes.is_sorted_by_key(|change| change.at_ms));
    let lines = changes.iter().map(|change| {
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        let (from, to) = (text(&change.from), text(&change.to));
        format!("{} {} {from} {to}", change.by, change.what)
    });
    lines.collect()
}

#[tokio::test]
async fn every_change_is_written_down_and_nothing_else() {
    let line = new_room(&NewRoom {
        rate_per_second: Some(5.0),
        ..NewRoom::default()
    })
    .await;
    let ada = line.clone().signed("ada@desk".parse().unwrap());
    let admitter = line.clone().signed("admitter".parse().unwrap());
    let defaults = [Change::Rate(100.0), Change::Capacity(Some(7))];
    admitter.fill(&defaults).await.unwrap();
    admitter.fill(&defaults).await.unwrap();
    ada.change(&[Change::Rate(5.0)]).await.unwrap();
    ada.change(&[Change::Rate(9.0)]).await.unwrap();
    ada.change(&[Change::Capacity(None)]).await.unwrap();
    // An operator who wants no bound is not overruled by a daemon.
    admitter.fill(&defaults).await.unwrap();
    let capacity = line.snapshot(0).await.unwrap().unwrap().settings.capacity;
    assert_eq!(capacity, None);
    ada.change(&[Change::Message(String::new())]).await.unwrap();
    ada.transition(RoomState::Paused, &[RoomState::Open])
        .await
        .unwrap();
    ada.transition(RoomState::Paused, &[RoomState::Open])
        .await
        .unwrap();
    ada.transition(RoomState::Open, &[RoomState::Closed])
        .await
        .unwrap();
    ada.join(&[visitor(1)], PRESENT).await.unwrap();
    assert!(ada.evict(&visitor(1)).await.unwrap());
    assert!(!ada.evict(&visitor(1)).await.unwrap());
    assert!(!ada.create(&NewRoom::default()).await.unwrap());
    let expected = [
        "unnamed created - state=open rate=5".to_owned(),
        "admitter capacity - 7".to_owned(),
        "ada@desk rate 5 9".to_owned(),
        "ada@desk capacity 7 none".to_owned(),
        "ada@desk state open paused".to_owned(),
        format!("ada@desk evicted - {}", visitor(1)),
    ];
    assert_eq!(logged(&line).await, expected);
}

#[tokio::test]
async fn the_log_outlives_its_room_and_goes_on_when_it_is_made_again() {
    let line = new_room(&NewRoom::default()).await;
    line.remove().await.unwrap();
    assert!(!line.remove().await.unwrap());
    let made_and_removed = ["unnamed created - state=open", "unnamed removed - -"];
    assert_eq!(logged(&line).await, made_and_removed);
    line.create(&NewRoom::default()).await.unwrap();
    assert_eq!(logged(&line).await.len(), 3);
}

#[tokio::test]
async fn the_log_is_bounded() {
    let line = new_room(&NewRoom::default()).await;
    let rates: Vec<Change> = (1_u32..=11_000)
        .map(|rate| Change::Rate(rate.into()))
        .collect();
    for some in rates.chunks(1_000) {
        line.change(some).await.unwrap();
    }
    let changes = line.changes().await.unwrap();
    assert_eq!(changes.len(), 10_000);
    assert_eq!(
        changes[9_999].to.as_deref(),
        Some("11000"),
        "the newest is last"
    );
}

#[tokio::test]
async fn rate_and_capacity_count_from_the_next_promotion_on() {
    let line = new_room(&NewRoom {
        rate_per_second: Some(0.0),
        capacity: Some(2),
        ..NewRoom::default()
    })
    .await;
    let visitors: Vec<_> = (0..50).map(visitor).collect();
    line.join(&visitors, PRESENT).await.unwrap();
    let promoted = async || {
        // A tick, in which a thousand a second fill the bucket with more than there are visitors.
        tokio::time::sleep(LIMITS.tick).await;
        line.promote(LIMITS).await.unwrap().unwrap().promoted
    };
    assert_eq!(promoted().await, 0);
    line.change(&[Change::Rate(1_000.0)]).await.unwrap();
    assert_eq!(promoted().await, 2, "the new rate, up to the capacity");
    line.change(&[Change::Capacity(Some(7))]).await.unwrap();
    assert_eq!(promoted().await, 5, "the slots of the new capacity");
    line.change(&[Change::Capacity(Some(3))]).await.unwrap();
    assert_eq!(promoted().await, 0, "more are in than the new one allows");
    line.change(&[Change::Rate(0.0), Change::Capacity(None)])
        .await
        .unwrap();
    assert_eq!(promoted().await, 0, "what was in the bucket is not let in");
}
