//! The master of Redis dies under a crowd, and its replica takes over.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::waiting::{Crowd, first_ones_go_in_order};
use super::world::{LONG, Line, ROOM, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_costs_nobody_a_place_and_gives_no_number_twice() {
    let mut world = World::behind_sentinels().await;
    world.admitter(&["pause", ROOM]);
    let mut crowd = Crowd::join(&world, "person", 300).await;
    crowd.poll(&world);
    crowd.all_at_their_places(&world).await;
    let Line::Sentinels(redis) = &mut world.line else {
        panic!("behind sentinels")
    };
    redis.servers()[0].kill().unwrap();
    let polls = crowd.polls.load(Ordering::Relaxed);

    // The operator's command finds the new master, as all services do.
    let began = Instant::now();
    while world.try_admitter(&["status", ROOM]).is_none() {
        assert!(began.elapsed() < LONG, "nobody took over");
    }
    assert_eq!(world.admitter(&["status", ROOM])["state"], "paused");
    crowd.all_at_their_places(&world).await;
    // And whoever asked in between was answered, or the crowd would have ended.
    let began = Instant::now();
    while crowd.polls.load(Ordering::Relaxed) < polls + 300 {
        assert!(began.elapsed() < LONG, "the crowd does not poll any more");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut newcomer = world.person("newcomer");
    let number = newcomer.join(world.gatekeeper(1)).await["number"].as_u64();
    assert!(number > Some(300), "{number:?} was given already");
    world.admitter(&["resume", ROOM]);
    first_ones_go_in_order(&crowd, 20, &world).await;
    crowd.stop().await;
}
