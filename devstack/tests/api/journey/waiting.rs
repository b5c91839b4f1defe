//! A crowd that waits, and polls as it is told.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use serde_json::Value;
use tokio::task::JoinSet;

use super::people::Person;
use super::world::{LONG, World};

/// People who join, or are asked where they stand, at once.
const AT_ONCE: usize = 50;

/// Whoever waits, polling as told.
pub(super) struct Crowd {
    /// In the order of their numbers.
    pub(super) people: Vec<Arc<Person>>,
    pub(super) polls: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    tasks: JoinSet<(usize, Option<Timestamp>)>,
}

impl Crowd {
    /// Joins `count` people over both gatekeepers. Nobody gets another one's number.
    pub(super) async fn join(world: &World, name: &str, count: u64) -> Self {
        let mut people: Vec<(u64, Person)> = stream::iter(0..count)
            .map(|index| async move {
                let mut person = world.person(&format!("{name}-{index}"));
                let document = person.join(world.gatekeeper((index % 2) as usize)).await;
                (document["number"].as_u64().unwrap(), person)
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
        people.sort_by_key(|(number, _)| *number);
        let numbers: BTreeSet<u64> = people.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers.len(), people.len(), "a number was given twice");
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

    /// Everybody polls as told from now on, by turns at both gatekeepers, until let in. A poll that fails ends the test.
    pub(super) fn poll(&mut self, world: &World) {
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
                        return (index, Some(admitted_at(&document)));
                    }
                    assert_eq!(document["state"], "waiting", "{document}");
                    let after = document["poll_after_ms"].as_u64().unwrap();
                    tokio::time::sleep(Duration::from_millis(after)).await;
                }
                (index, None)
            });
        }
    }

    /// Waits until everybody is told the position in which they joined: 1, 2, ….
    pub(super) async fn all_at_their_places(&self, world: &World) {
        stream::iter(self.people.iter().zip(1..))
            .for_each_concurrent(AT_ONCE, async |(person, position)| {
                until_position(person, world, position).await;
            })
            .await;
    }

    /// Ends the polls, every one of which was answered. When each of the people was let in, by their order in line.
    pub(super) async fn stop(mut self) -> Vec<Option<Timestamp>> {
        self.stop.store(true, Ordering::Relaxed);
        self.until_over().await
    }

    /// Waits until everybody has been let in.
    pub(super) async fn until_over(&mut self) -> Vec<Option<Timestamp>> {
        let mut admitted = vec![None; self.people.len()];
        while let Some(ended) = self.tasks.join_next().await {
            let (index, at) = ended.expect("every poll was answered");
            admitted[index] = at;
        }
        admitted
    }
}

pub(super) async fn until_position(person: &Person, world: &World, position: u64) {
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

/// The first of the crowd are let in, in their order. How long that took.
pub(super) async fn first_ones_go_in_order(crowd: &Crowd, count: usize, world: &World) -> Duration {
    let (began, mut before) = (Instant::now(), None);
    for person in &crowd.people[..count] {
        let at = admitted_at(&until_admitted(person, world).await);
        assert!(
            before.is_none_or(|before| before <= at),
            "{} went before the one in front",
            person.name
        );
        before = Some(at);
    }
    began.elapsed()
}

fn admitted_at(document: &Value) -> Timestamp {
    document["admitted_at"].as_str().unwrap().parse().unwrap()
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
