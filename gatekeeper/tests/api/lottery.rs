//! The opening by lottery, as visitors see it.

use std::time::Instant;

use serde_json::Value;
use shared::ids::Number;
use shared::lottery::{Permutation, Secret};
use shared::room::{Moved, NewRoom, PublicPart};

use crate::gate::{Gate, LONG, text};

/// A little later than everybody has joined; the draw itself is made by hand.
fn scheduled() -> NewRoom {
    NewRoom {
        rate_per_second: Some(0.0),
        opens_at_ms: Some(1),
        ..NewRoom::default()
    }
}

/// Draws, and takes the first of those who joined to their places.
async fn draw(gate: &Gate) -> Permutation {
    assert!(gate.line.close_lottery().await.unwrap());
    let state = gate.line.lottery().await.unwrap().unwrap();
    gate.line.hash_joins(&state).await.unwrap();
    let state = gate.line.lottery().await.unwrap().unwrap();
    assert!(gate.line.publish_list(&state).await.unwrap());
    assert!(gate.line.draw(&state).await.unwrap());
    let drawn = gate.line.lottery().await.unwrap().unwrap().public;
    Permutation::new(&drawn.seed.unwrap(), drawn.size.unwrap()).unwrap()
}

async fn room(gate: &Gate) -> Value {
    gate.get("").await.json().await.unwrap()
}

#[tokio::test]
async fn positions_follow_the_places_that_were_drawn_and_the_room_says_how() {
    let gate = Gate::with_room(&scheduled()).await;
    let secret = Secret::generate(&mut rand::rng());
    let source = PublicPart::Value("the value".to_owned());
    gate.line.commit_lottery(&secret, &source).await.unwrap();
    let mut tokens = Vec::new();
    for visitor in 1..=30 {
        tokens.push(text(&gate.join(&format!("user-{visitor}")).await, "token"));
    }
    // Until then nobody stands anywhere, and nobody is told so.
    gate.poll_until(&tokens[7], |document| document["lobby"] == true)
        .await;
    let places = draw(&gate).await;
    for (number, token) in (1..).zip(&tokens) {
        let place = places.place_of(number);
        let drawn =
            |document: &Value| document["position"] == place && document.get("lobby").is_none();
        let document = gate.poll_until(token, drawn).await;
        assert_eq!(document["number"], number, "the number never changes");
    }
    let moved = gate.line.move_from_lobby(&places, 0).await.unwrap();
    assert_eq!(moved, Moved::All);

    // Whoever has drawn the first place goes; everybody else is one further in front.
    let first = usize::try_from(places.number_of(1)).unwrap();
    gate.leave(&tokens[first - 1]).await;
    for (number, token) in (1..).zip(&tokens) {
        if number != places.number_of(1) {
            let position = places.place_of(number) - 1;
            gate.poll_until(token, |document| document["position"] == position)
                .await;
        }
    }
    let late = gate.join("user-late").await;
    assert_eq!(
        late["number"],
        Number(31).0,
        "behind everybody who was drawn"
    );

    let began = Instant::now();
    loop {
        let document = room(&gate).await;
        if document["lottery"]["seed"] == places.seed().to_string() {
            let lottery = &document["lottery"];
            assert_eq!(lottery["commitment"], secret.commitment().to_string());
            assert_eq!(lottery["size"], 30);
            assert_eq!(document["state"], "open");
            break;
        }
        assert!(began.elapsed() < LONG, "{document}");
    }
}
