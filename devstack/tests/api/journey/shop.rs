//! What those who wait hear of the shop: that it is dead, that it is back, that nothing is left.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;
use sqlx::Connection;

use super::people::Person;
use super::world::{LONG, ROOM, World};

/// Polls until `expected` holds; each at another gatekeeper.
async fn all_hear(people: &[Person], world: &World, what: &str, expected: impl Fn(&Value) -> bool) {
    for (index, person) in people.iter().enumerate() {
        let began = Instant::now();
        loop {
            let document = person.poll(world.gatekeeper(index % 2)).await;
            assert_eq!(document["state"], "waiting", "places are kept");
            if expected(&document) {
                break;
            }
            assert!(began.elapsed() < LONG, "{what}: {document}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Until the line has heard of the shop behind it at both gatekeepers.
async fn until_shop_is_known(person: &Person, world: &World) {
    for index in 0..2 {
        let began = Instant::now();
        loop {
            let url = format!("{}/v1/rooms/{ROOM}", world.gatekeeper(index));
            let answer = person.request(Method::GET, &url).send().await.unwrap();
            let room: Value = answer.json().await.unwrap();
            if room["inventory"].is_u64() {
                break;
            }
            assert!(began.elapsed() < LONG, "no shop: {room}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn waiting_people(world: &World) -> Vec<Person> {
    let mut people = Vec::new();
    for index in 0..6 {
        let mut person = world.person(&format!("waiting-{index}"));
        person.join(world.gatekeeper(0)).await;
        people.push(person);
    }
    people
}

/// Takes all seats but the first `left` off sale, or puts them back.
async fn block_all_but(world: &World, left: i32) {
    let mut books = sqlx::PgConnection::connect(&world.books.primary_url())
        .await
        .unwrap();
    let block = "UPDATE seat SET blocked = seat_no >= $1 WHERE status = 'AVAILABLE'";
    sqlx::query(block)
        .bind(left)
        .execute(&mut books)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_who_waits_hears_that_nothing_is_left_and_that_something_is_again() {
    let world = World::start().await;
    let (mut ada, mut bob) = (world.person("ada"), world.person("bob"));
    ada.enter(world.gatekeeper(0)).await;
    bob.enter(world.gatekeeper(1)).await;
    world.admitter(&["pause", ROOM]);
    let people = waiting_people(&world).await;
    block_all_but(&world, 2).await;
    let sold = ada.hold(&world, &["A-1"]).await;
    let held = bob.hold(&world, &["A-2"]).await;
    ada.pay(&world, &sold).await;
    all_hear(&people, &world, "one seat is only held", |document| {
        document["sold_out"] == false && document["busy"] == false
    })
    .await;
    bob.pay(&world, &held).await;
    all_hear(&people, &world, "sold out", |document| {
        document["sold_out"] == true
    })
    .await;
    block_all_but(&world, 4).await;
    all_hear(&people, &world, "something is left again", |document| {
        document["sold_out"] == false
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_sent_to_a_dead_shop_and_everybody_hears_why() {
    let mut world = World::start().await;
    world.admitter(&["pause", ROOM]);
    let mut people = waiting_people(&world).await;
    until_shop_is_known(&people[0], &world).await;
    all_hear(&people, &world, "the shop is well", |document| {
        document["busy"] == false
    })
    .await;
    world.booking.kill().unwrap();
    all_hear(&people, &world, "the shop is dead", |document| {
        document["busy"] == true
    })
    .await;
    let admitted_total = || world.admitter(&["status", ROOM])["admitted_total"].clone();
    let before = admitted_total();
    world.admitter(&["resume", ROOM]);
    // Several looks of every gatekeeper and dozens of ticks of the admitters: all see the room open, and nobody goes.
    for _ in 0..20 {
        all_hear(&people, &world, "still dead", |document| {
            document["busy"] == true
        })
        .await;
    }
    assert_eq!(admitted_total(), before, "nobody is let in");
    world.booking.restart().await.unwrap();
    for person in &mut people {
        person.poll_until(world.gatekeeper(0), "admitted").await;
    }
}
