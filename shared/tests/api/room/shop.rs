//! What the shop tells of itself.

use std::collections::HashMap;
use std::time::Duration;

use shared::room::{CountTurn, Line, NewRoom, SeatsLeft, ShopBeat};

use crate::{kept_for_ever, new_room, redis};

const COUNTING: ShopBeat = ShopBeat {
    is_well: true,
    count_every: Some(Duration::ZERO),
};

async fn fields(line: &Line) -> HashMap<String, String> {
    let mut read = redis::cmd("HGETALL");
    read.arg(format!("onsale:{{{}}}:shop", line.room()));
    redis().await.query(&read).await.unwrap()
}

async fn turn(line: &Line) -> CountTurn {
    line.shop_beat(COUNTING).await.unwrap().unwrap()
}

fn left(performance: i64, sellable: u64, held: u64) -> SeatsLeft {
    SeatsLeft {
        performance,
        sellable,
        held,
    }
}

#[tokio::test]
async fn performances_that_are_not_named_any_more_vanish() {
    let line = new_room(&NewRoom::default()).await;
    let first = turn(&line).await;
    let both = [left(1, 10, 2), left(2, 5, 0)];
    assert!(line.shop_count(first, &both).await.unwrap());
    let told = fields(&line).await;
    assert_eq!(
        (told["p:1"].as_str(), told["p:2"].as_str()),
        ("10 2", "5 0")
    );
    let second = turn(&line).await;
    assert!(line.shop_count(second, &[left(2, 4, 1)]).await.unwrap());
    let told = fields(&line).await;
    assert_eq!((told.get("p:1"), told["p:2"].as_str()), (None, "4 1"));
    line.shop_closed().await.unwrap();
    assert!(fields(&line).await.is_empty());
}

#[tokio::test]
async fn a_slow_count_does_not_hide_a_later_one() {
    let line = new_room(&NewRoom::default()).await;
    let (slow, quick) = (turn(&line).await, turn(&line).await);
    assert!(line.shop_count(quick, &[left(1, 1, 0)]).await.unwrap());
    assert!(!line.shop_count(slow, &[left(1, 9, 0)]).await.unwrap());
    assert_eq!(fields(&line).await["p:1"], "1 0");
}

#[tokio::test]
async fn one_instance_at_a_time_counts() {
    let line = new_room(&NewRoom::default()).await;
    let seldom = ShopBeat {
        is_well: true,
        count_every: Some(Duration::from_hours(1)),
    };
    assert!(line.shop_beat(seldom).await.unwrap().is_some());
    assert_eq!(line.shop_beat(seldom).await.unwrap(), None);
    assert_eq!(
        line.shop_beat(ShopBeat {
            count_every: None,
            ..COUNTING
        })
        .await
        .unwrap(),
        None,
        "it cannot"
    );
    assert!(
        line.shop_beat(COUNTING).await.unwrap().is_some(),
        "the time is over"
    );
}

#[tokio::test]
async fn an_instance_that_is_not_well_does_not_take_the_health_of_another() {
    let line = new_room(&NewRoom::default()).await;
    let unwell = ShopBeat {
        is_well: false,
        count_every: None,
    };
    line.shop_beat(unwell).await.unwrap();
    assert_eq!(
        fields(&line).await["healthy_at_ms"],
        "0",
        "known, and never well"
    );
    line.shop_beat(COUNTING).await.unwrap();
    let healthy_at = fields(&line).await["healthy_at_ms"].clone();
    assert_ne!(healthy_at, "0");
    line.shop_beat(unwell).await.unwrap();
    assert_eq!(fields(&line).await["healthy_at_ms"], healthy_at);
}

#[tokio::test]
async fn a_room_that_is_removed_keeps_nothing_of_its_shop() {
    let line = new_room(&NewRoom::default()).await;
    let late = turn(&line).await;
    line.shop_count(late, &[left(1, 1, 1)]).await.unwrap();
    line.remove().await.unwrap();
    assert_eq!(line.shop_beat(COUNTING).await.unwrap(), None);
    assert!(!line.shop_count(late, &[left(1, 1, 1)]).await.unwrap());
    assert!(fields(&line).await.is_empty());
    assert_eq!(kept_for_ever(&line).await, [] as [String; 0]);
}
