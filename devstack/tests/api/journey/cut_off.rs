//! One gatekeeper of several is cut off from Redis: its clients are sent to the others, by its readiness.

use std::time::{Duration, Instant};

use super::cable::Cable;
use super::people::Person;
use super::world::{LONG, Line, ROOM, World};

/// Waits until the probe of the process at this admin port says so.
async fn until_ready(world: &World, admin: &str, expected: bool) {
    let began = Instant::now();
    loop {
        let probe = world.get(&format!("{admin}/readyz")).await;
        if (probe.status() == 200) == expected {
            break;
        }
        assert!(began.elapsed() < LONG, "ready is never {expected}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Polls at one gatekeeper until its answer is, or is not, of an old look at Redis.
async fn until_stale(person: &Person, url: &str, expected: bool) {
    let began = Instant::now();
    while person.poll(url).await["stale"] != expected {
        assert!(began.elapsed() < LONG, "stale is never {expected}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gatekeeper_that_alone_has_lost_redis_sends_its_clients_to_the_others() {
    let world = World::start().await;
    world.admitter(&["pause", ROOM]);
    let Line::Server(server) = &world.line else {
        panic!("one server")
    };
    let cable = Cable::to(([127, 0, 0, 1], server.port()).into()).await;
    let redis_url = format!("redis://{}", cable.address);
    let (_gatekeeper, url, admin) = world.gatekeeper_with_redis(&redis_url).await;
    let mut ada = world.person("ada");
    ada.join(&url).await;
    until_stale(&ada, &url, false).await;
    until_ready(&world, &admin, true).await;
    // Neighbours are read once a second.
    tokio::time::sleep(Duration::from_secs(3)).await;
    cable.cut();
    until_ready(&world, &admin, false).await;
    // Whoever still asks there is answered.
    until_stale(&ada, &url, true).await;
    until_stale(&ada, world.gatekeeper(0), false).await;
    cable.mend();
    until_ready(&world, &admin, true).await;
    until_stale(&ada, &url, false).await;
}
