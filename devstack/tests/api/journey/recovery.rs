//! Redis comes back without its data while a crowd polls: nobody loses a place, nobody gains one, no number is given twice.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::waiting::{Crowd, first_ones_go_in_order, until_position};
use super::world::{LONG, Line, ROOM, World};

/// At the size of the promise, on a machine that does nothing else.
const BACK_WITHIN: Duration = Duration::from_secs(2);

/// Returns how long after its return Redis had the room again, and how long after the pause the first twenty were in.
#[expect(clippy::print_stdout, reason = "the full size says how long it took")]
async fn empty_redis_under(count: u64, away: Duration) -> [Duration; 2] {
    let mut world = World::start().await;
    // One has finished, one has left, before the others wait.
    let mut finished = world.person("finished");
    finished.enter(world.gatekeeper(0)).await;
    let hold = finished.hold(&world, &["A-1"]).await;
    finished.pay(&world, &hold).await;
    finished.poll_until(world.gatekeeper(0), "finished").await;
    world.admitter(&["pause", ROOM]);
    let mut left = world.person("left");
    left.join(world.gatekeeper(1)).await;
    left.leave(world.gatekeeper(1)).await;
    let mut crowd = Crowd::join(&world, "person", count).await;
    crowd.poll(&world);
    until_position(&crowd.people[0], &world, 1).await;
    // A moment in which every process has read the last of it.
    tokio::time::sleep(Duration::from_secs(2)).await;

    let Line::Server(redis) = &mut world.line else {
        panic!("a single server")
    };
    let before = crowd.polls.load(Ordering::Relaxed);
    redis.kill().unwrap();
    tokio::time::sleep(away).await;
    redis.restart_empty().unwrap();
    let back = Instant::now();
    while world.try_admitter(&["status", ROOM]).is_none() {
        assert!(back.elapsed() < LONG, "the room is not written back");
    }
    let written = back.elapsed();
    assert_eq!(
        world.admitter(&["status", ROOM])["state"],
        "paused",
        "a pause stays a pause"
    );
    let polls = crowd.polls.load(Ordering::Relaxed) - before;
    assert!(polls > 0, "nobody polled meanwhile");

    // Everybody is where they were, and nobody else is.
    crowd.all_at_their_places(&world).await;
    let began = Instant::now();
    loop {
        let waiting = world.admitter(&["status", ROOM])["waiting"]
            .as_u64()
            .unwrap();
        if waiting == count {
            break;
        }
        assert!(
            began.elapsed() < LONG,
            "{waiting} of {count} are in line again"
        );
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert_eq!(
        finished.poll(world.gatekeeper(1)).await["state"],
        "finished"
    );
    assert_eq!(left.poll(world.gatekeeper(0)).await["state"], "left");
    let mut newcomer = world.person("newcomer");
    let number = newcomer.join(world.gatekeeper(0)).await["number"]
        .as_u64()
        .unwrap();
    assert!(number > count + 2, "number {number} was given already");

    world.admitter(&["resume", ROOM]);
    let first_in = first_ones_go_in_order(&crowd, 20, &world).await;
    println!(
        "{count} people, Redis away for {away:?}: written back {written:?} after it was there, {polls} polls answered meanwhile, the first 20 in after {first_in:?}"
    );
    crowd.stop().await;
    [written, first_in]
}

/// In an open room. Returns how long after its return somebody is let in.
#[expect(clippy::print_stdout, reason = "says how long it took")]
async fn let_in_again_after(away: Duration) -> Duration {
    let mut world = World::start().await;
    world.admitter(&["pause", ROOM]);
    let mut crowd = Crowd::join(&world, "person", 600).await;
    crowd.poll(&world);
    world.admitter(&["resume", ROOM]);
    let admitted = || -> Option<u64> {
        let status = world.try_admitter(&["status", ROOM])?;
        status["admitted_total"].as_u64()
    };
    let began = Instant::now();
    while admitted() < Some(20) {
        assert!(began.elapsed() < LONG, "nobody is let in");
    }
    let before = admitted();
    let Line::Server(redis) = &mut world.line else {
        panic!("a single server")
    };
    redis.kill().unwrap();
    tokio::time::sleep(away).await;
    redis.restart_empty().unwrap();
    let back = Instant::now();
    let admitted = || -> Option<u64> {
        let status = world.try_admitter(&["status", ROOM])?;
        status["admitted_total"].as_u64()
    };
    while admitted() <= before {
        assert!(back.elapsed() < LONG, "nobody is let in any more");
    }
    let again = back.elapsed();
    println!("admissions again {again:?} after Redis came back empty");
    crowd.stop().await;
    again
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_comes_back_empty_and_people_are_let_in_again() {
    let_in_again_after(Duration::from_secs(3)).await;
}

/// The same within the time promised; `make test-full` runs it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a quiet machine"]
async fn redis_comes_back_empty_and_people_are_let_in_again_within_two_seconds() {
    let again = let_in_again_after(Duration::from_secs(10)).await;
    assert!(again < BACK_WITHIN, "after {again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_comes_back_empty_and_everybody_is_where_they_were() {
    empty_redis_under(200, Duration::from_secs(4)).await;
}

/// The same at full size, and within the time promised; `make test-full` runs it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes, and ten thousand descriptors"]
async fn redis_comes_back_empty_under_ten_thousand() {
    let [written, first_in] = empty_redis_under(10_000, Duration::from_secs(45)).await;
    assert!(written < BACK_WITHIN, "written back after {written:?}");
    assert!(first_in < BACK_WITHIN, "let in after {first_in:?}");
}
