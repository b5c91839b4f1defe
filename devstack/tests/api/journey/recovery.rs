//! Redis comes back without its data while a crowd polls: nobody loses a place, nobody gains one, no number is given twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use serde_json::Value;
use tokio::task::JoinSet;

use super::people::Person;
use super::world::{LONG, Line, ROOM, World};

/// People who join, and people under way at once.
const JOINS_AT_ONCE: usize = 50;

/// Whoever waits, polling as told.
struct Crowd {
    people: Vec<Arc<Person>>,
    polls: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    tasks: JoinSet<()>,
}

impl Crowd {
    /// Joins `count` people over both gatekeepers, in the order of their numbers, which begin at `first`.
    async fn join(world: &World, first: u64, count: u64) -> Self {
        let mut people: Vec<(u64, Person)> = stream::iter(0..count)
            .map(|index| async move {
                let mut person = world.person(&format!("person-{first}-{index}"));
                let document = person.join(world.gatekeeper((index % 2) as usize)).await;
                (document["number"].as_u64().unwrap(), person)
            })
            .buffered(JOINS_AT_ONCE)
            .collect()
            .await;
        people.sort_by_key(|(number, _)| *number);
        Self {
            people: people
                .into_iter()
                .map(|(_, person)| Arc::new(person))
                .collect(),
            polls: Arc::default(),
            stop: Arc::default(),
            tasks: JoinSet::new(),
        }
    }

    /// Everybody polls as told from now on, by turns at both gatekeepers. A poll that fails ends the test.
    fn poll(&mut self, world: &World) {
        for (index, person) in self.people.iter().enumerate() {
            let (person, polls, stop) = (
                Arc::clone(person),
                Arc::clone(&self.polls),
                Arc::clone(&self.stop),
            );
            let gates = [
                world.gatekeeper(0).to_owned(),
                world.gatekeeper(1).to_owned(),
            ];
            self.tasks.spawn(async move {
                for turn in index.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let document = person.poll(&gates[turn % 2]).await;
                    polls.fetch_add(1, Ordering::Relaxed);
                    if document["state"] == "admitted" {
                        break;
                    }
                    assert_eq!(document["state"], "waiting", "{document}");
                    let after = document["poll_after_ms"].as_u64().unwrap();
                    tokio::time::sleep(Duration::from_millis(after)).await;
                }
            });
        }
    }

    async fn stop(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.tasks.join_next().await {
            ended.expect("every poll was answered");
        }
    }
}

async fn until_position(person: &Person, world: &World, position: u64) {
    let began = Instant::now();
    loop {
        let document = person.poll(world.gatekeeper(0)).await;
        if document["position"] == position && document["stale"] == false {
            return;
        }
        assert!(
            began.elapsed() < LONG,
            "{} should be at {position}: {document}",
            person.name
        );
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

#[expect(clippy::print_stdout, reason = "the full size says how long it took")]
async fn empty_redis_under(count: u64, away: Duration) {
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
    let mut crowd = Crowd::join(&world, 3, count).await;
    crowd.poll(&world);
    until_position(&crowd.people[0], &world, 1).await;
    // A moment in which every process has read the last of it.
    tokio::time::sleep(Duration::from_secs(2)).await;

    let Line::Server(redis) = &mut world.line else {
        panic!("a single server")
    };
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
    let polls = crowd.polls.load(Ordering::Relaxed);
    assert!(polls >= count, "only {polls} polls of {count} people");

    // Everybody is where they were, and nobody else is.
    let last = crowd.people.len() - 1;
    for index in [0, last / 3, last / 2, last] {
        until_position(&crowd.people[index], &world, index as u64 + 1).await;
    }
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
    let resumed = Instant::now();
    let mut before: Option<jiff::Timestamp> = None;
    for person in &crowd.people[..20] {
        let document = until_admitted(person, &world).await;
        let at: jiff::Timestamp = document["admitted_at"].as_str().unwrap().parse().unwrap();
        assert!(
            before.is_none_or(|before| before <= at),
            "{} went before the one in front",
            person.name
        );
        before = Some(at);
    }
    println!(
        "{count} people, Redis away for {away:?}: written back {written:?} after it was there, {polls} polls answered meanwhile, the first 20 in after {:?}",
        resumed.elapsed()
    );
    crowd.stop().await;
}

async fn until_admitted(person: &Person, world: &World) -> Value {
    let began = Instant::now();
    loop {
        let document = person.poll(world.gatekeeper(1)).await;
        if document["state"] == "admitted" {
            return document;
        }
        assert!(
            began.elapsed() < LONG,
            "{} is not let in: {document}",
            person.name
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_comes_back_empty_and_everybody_is_where_they_were() {
    empty_redis_under(200, Duration::from_secs(4)).await;
}

/// The same at full size; `cargo nextest run --run-ignored only` runs it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes, and ten thousand descriptors"]
async fn redis_comes_back_empty_under_ten_thousand() {
    empty_redis_under(10_000, Duration::from_secs(45)).await;
}
