//! What a stream tells while its visitor waits.

use std::time::Duration;

use serde_json::json;
use shared::room::{Change, NewRoom, RoomState, SeatsLeft, ShopBeat};

use super::reader::{Frame, Reader};
use crate::gate::{Gate, fast_room, text};

#[tokio::test]
async fn the_state_is_told_at_once_and_when_to_come_back() {
    let gate = Gate::start().await;
    let document = gate.join("ada").await;
    let mut stream = Reader::open(&gate, &text(&document, "token")).await;
    let Some(Frame::Retry(retry)) = stream.frame().await else {
        panic!("no retry");
    };
    assert!((1_000..=5_000).contains(&retry), "{retry}");
    let (event, told) = stream.event().await.unwrap();
    assert_eq!(event, "position");
    for member in [
        "state", "room", "number", "position", "stale", "busy", "sold_out",
    ] {
        assert_eq!(told[member], document[member], "{member}");
    }
    assert!(told["poll_after_ms"].is_u64(), "{told}");
    assert!(told["token"].is_null(), "a stream hands no tokens out");
}

#[tokio::test]
async fn the_position_is_told_as_others_leave() {
    let gate = Gate::start().await;
    let mut tokens = Vec::new();
    for visitor in 0..6 {
        tokens.push(text(&gate.join(&format!("user-{visitor}")).await, "token"));
    }
    let mut last = Reader::open(&gate, &tokens[5]).await;
    let mut first = Reader::open(&gate, &tokens[0]).await;
    last.until("position", |told| told["position"] == 6).await;
    gate.leave(&tokens[1]).await;
    gate.leave(&tokens[2]).await;
    let told = last.until("position", |told| told["position"] == 4).await;
    assert_eq!(told["number"], 6, "the number never changes");
    gate.leave(&tokens[3]).await;
    last.until("position", |told| told["position"] == 3).await;
    gate.leave(&tokens[4]).await;
    last.until("position", |told| told["position"] == 2).await;
    let (event, told) = first.event().await.unwrap();
    assert_eq!((event.as_str(), &told["position"]), ("position", &json!(1)));
    gate.leave(&tokens[0]).await;
    let (event, told) = first.event().await.unwrap();
    let seen = (event.as_str(), &told["state"]);
    assert_eq!(
        seen,
        ("room", &json!("left")),
        "nothing changed for the first in between"
    );
}

#[tokio::test]
async fn everybody_is_told_at_once_what_the_operator_changes() {
    let gate = Gate::start().await;
    let mut streams = Vec::new();
    for visitor in 0..5 {
        let token = text(&gate.join(&format!("user-{visitor}")).await, "token");
        let mut stream = Reader::open(&gate, &token).await;
        stream.until("position", |_| true).await;
        streams.push(stream);
    }
    let message = "Ten minutes more.\nPlease stay.";
    let changes = [Change::Message(message.to_owned())];
    gate.line.change(&changes).await.unwrap();
    for (index, stream) in streams.iter_mut().enumerate() {
        let told = stream
            .until("room", |told| told["message"] == message)
            .await;
        assert_eq!(told["state"], "waiting");
        assert_eq!(told["position"], index + 1);
        assert_eq!(told["room_state"], "open");
    }
    let open = [RoomState::Open];
    gate.line
        .transition(RoomState::Paused, &open)
        .await
        .unwrap();
    for stream in &mut streams {
        let told = stream
            .until("room", |told| told["room_state"] == "paused")
            .await;
        assert!(told["eta_seconds"].is_null(), "{told}");
        assert_eq!(told["message"], message);
    }
    let paused = [RoomState::Paused];
    gate.line
        .transition(RoomState::Open, &paused)
        .await
        .unwrap();
    gate.line.change(&[Change::Rate(7.0)]).await.unwrap();
    for stream in &mut streams {
        stream.until("room", |told| told["eta_seconds"] == 1).await;
    }
}

#[tokio::test]
async fn who_comes_to_a_room_that_is_not_open_yet_is_told_so_first() {
    let opens_at = jiff::Timestamp::now().as_millisecond() + 3_600_000;
    let gate = Gate::with_room(&NewRoom {
        opens_at_ms: Some(opens_at),
        ..fast_room()
    })
    .await;
    let token = text(&gate.join("ada").await, "token");
    let (event, told) = Reader::open(&gate, &token).await.event().await.unwrap();
    assert_eq!(event, "room");
    assert_eq!(told["room_state"], "scheduled");
    assert_eq!(told["position"], 1);
}

#[tokio::test]
async fn a_stream_on_which_nothing_happens_gives_signs_of_life() {
    let url = devstack::test_stores::redis_url();
    let gate = Gate::with(&url, &fast_room(), &["--stream-heartbeat-ms", "1000"]).await;
    let token = text(&gate.join("ada").await, "token");
    let mut stream = Reader::open(&gate, &token).await;
    stream.until("position", |_| true).await;
    for _ in 0..3 {
        assert_eq!(stream.frame().await, Some(Frame::Beat));
    }
}

#[tokio::test]
async fn that_the_shop_is_sold_out_or_busy_is_told_to_everybody() {
    let gate = Gate::start().await;
    let token = text(&gate.join("ada").await, "token");
    let mut stream = Reader::open(&gate, &token).await;
    stream.until("position", |_| true).await;
    let beat = ShopBeat {
        is_well: true,
        count_every: Some(Duration::ZERO),
    };
    let turn = gate.line.shop_beat(beat).await.unwrap().unwrap();
    let left = SeatsLeft {
        performance: 1,
        sellable: 0,
        held: 0,
    };
    assert!(gate.line.shop_count(turn, &[left]).await.unwrap());
    let told = stream.until("room", |told| told["sold_out"] == true).await;
    assert_eq!(
        (&told["state"], &told["busy"]),
        (&json!("waiting"), &json!(false))
    );
    // No further beat comes.
    let told = stream.until("room", |told| told["busy"] == true).await;
    assert_eq!(told["position"], 1, "places are kept");
}
