//! From the line to a paid seat.

use std::time::Instant;

use serde_json::{Value, json};

use super::people::expect;
use super::world::{LONG, ROOM, World};

#[tokio::test(flavor = "multi_thread")]
async fn from_the_line_to_a_paid_seat() {
    walk(&World::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_line_to_a_paid_seat_on_a_cluster_of_three_nodes() {
    walk(&World::on_a_cluster().await).await;
}

async fn walk(world: &World) {
    let mut ada = world.person("ada");
    let joined = ada.join(world.gatekeeper(0)).await;
    assert_eq!(
        (&joined["state"], &joined["number"]),
        (&json!("waiting"), &json!(1))
    );
    // The other gatekeeper knows as much as the first.
    let admitted = ada.poll_until(world.gatekeeper(1), "admitted").await;
    assert_eq!(
        admitted["booking_url"]
            .as_str()
            .map(|url| url.starts_with("http")),
        Some(true)
    );

    let outside = world.person("eve");
    let refused = expect(outside.seats(world).await, 403).await;
    assert_eq!(refused["type"], "/problems/admission-required");
    assert!(
        refused["waiting_room"]
            .as_str()
            .unwrap()
            .ends_with(&format!("/rooms/{ROOM}")),
        "{refused}"
    );

    let seats = expect(ada.seats(world).await, 200).await;
    let status = |seats: &Value, name: &str| {
        let seat = seats["seats"]
            .as_array()
            .unwrap()
            .iter()
            .find(|seat| seat["seat"] == name)
            .unwrap();
        seat["status"].as_str().unwrap().to_owned()
    };
    assert_eq!(seats["seats"].as_array().unwrap().len(), 100);
    assert_eq!(status(&seats, "A-1"), "AVAILABLE");

    let hold = ada.hold(world, &["A-1", "A-2"]).await;
    assert_eq!(
        (&hold["state"], &hold["amount"]["amount"]),
        (&json!("ACTIVE"), &json!(220_000))
    );
    let mut bob = world.person("bob");
    bob.enter(world.gatekeeper(1)).await;
    let taken = expect(bob.try_hold(world, &["A-2", "A-3"]).await, 409).await;
    assert_eq!(taken["type"], "/problems/seat-taken");
    assert_eq!(taken["seats"][0]["seat"], "A-2");

    let order = ada.pay(world, &hold).await;
    assert_eq!(
        (&order["state"], &order["seats"]),
        (&json!("CONFIRMED"), &json!(["A-1", "A-2"]))
    );
    assert_eq!(ada.order(world, &order).await["state"], "CONFIRMED");
    let began = Instant::now();
    while status(&expect(bob.seats(world).await, 200).await, "A-1") != "RESERVED" {
        assert!(began.elapsed() < LONG);
    }
    // Having bought, she is out of the shop, and her slot is free for the next one.
    ada.poll_until(world.gatekeeper(0), "finished").await;
    let ended = expect(ada.seats(world).await, 403).await;
    assert_eq!(ended["type"], "/problems/admission-expired");

    let captured = async || {
        let ledger = world.ledger().await;
        ledger
            .iter()
            .filter_map(|entry| entry["captured"].as_i64())
            .sum::<i64>()
    };
    let began = Instant::now();
    while captured().await != 220_000 {
        assert!(
            began.elapsed() < LONG,
            "the money was not captured: {:?}",
            world.ledger().await
        );
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
