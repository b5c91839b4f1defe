//! Random joins, leaves, absences, returns and promotions over two gatekeepers. Whenever things stand still: every position is
//! the rank in the sorted set plus one at both, and the bitmap says exactly who waits. Who is present goes in order (I7).

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use shared::ids::{Number, VisitorId};
use shared::redis_handle::Redis;
use shared::room::{Beat, CHUNK_PLACES, Joined, Leaver, Line, NewRoom, Promise, PromotionLimits};

use crate::gate::{Gate, LONG, Process, text};

const PROMISED: Promise = Promise::of(Duration::from_secs(60));
const LIMITS: PromotionLimits = PromotionLimits {
    tick: Duration::from_millis(50),
    at_once: 1_000,
};
/// Visitors who joined over HTTP, so that they can ask for their positions.
const WITH_TOKENS: usize = 60;
/// Steps between two moments of standing still.
const STEPS_A_ROUND: u64 = 2_500;

struct Walk {
    gate: Gate,
    other: Process,
    redis: Redis,
    life: u64,
    rng: StdRng,
    named: u64,
    /// Everybody whom the walk has joined and not seen leave, by number.
    people: BTreeMap<u64, VisitorId>,
    tokens: BTreeMap<u64, String>,
}

impl Walk {
    async fn start(seed: u64) -> Self {
        let url = devstack::test_stores::redis_url();
        let room = NewRoom {
            rate_per_second: Some(100_000.0),
            ..NewRoom::default()
        };
        let gate = Gate::with(&url, &room, &[]).await;
        let other = Process::start(&url, &[]).await;
        let life = gate.line.snapshot(0).await.unwrap().unwrap().settings.life;
        let mut walk = Self {
            redis: crate::outage::redis(&url).await,
            gate,
            other,
            life,
            rng: StdRng::seed_from_u64(seed),
            named: 0,
            people: BTreeMap::new(),
            tokens: BTreeMap::new(),
        };
        for index in 0..WITH_TOKENS {
            let document = walk.gate.join(&format!("asks-{index}")).await;
            let number = document["number"].as_u64().unwrap();
            walk.tokens.insert(number, text(&document, "token"));
            let visitor = format!("asks-{index}").parse().unwrap();
            walk.people.insert(number, visitor);
            walk.join(5).await;
        }
        walk
    }

    fn line(&self) -> &Line {
        &self.gate.line
    }

    fn key(&self, name: &str) -> String {
        format!("onsale:{{{}}}:{name}", self.line().room())
    }

    async fn join(&mut self, count: u64) {
        let visitors: Vec<VisitorId> = (0..count)
            .map(|index| format!("v-{}", self.named + index).parse().unwrap())
            .collect();
        self.named += count;
        let joined = self
            .line()
            .join(&visitors, PROMISED)
            .await
            .unwrap()
            .unwrap();
        for (visitor, joined) in visitors.into_iter().zip(joined.visitors) {
            let Joined::New(number) = joined else {
                panic!("{joined:?}")
            };
            let before = self.people.insert(number.0, visitor);
            assert_eq!(before, None, "number {} was given twice", number.0);
        }
    }

    fn some(&mut self, count: usize) -> Vec<(u64, VisitorId)> {
        let numbers: Vec<u64> = self.people.keys().copied().collect();
        let picked: BTreeSet<u64> = (0..count)
            .map(|_| numbers[self.rng.random_range(0..numbers.len())])
            .collect();
        picked
            .into_iter()
            .map(|number| (number, self.people[&number].clone()))
            .collect()
    }

    async fn leave(&mut self, count: usize) {
        let leaving = self.some(count);
        let leavers: Vec<Leaver> = leaving
            .iter()
            .map(|(number, visitor)| Leaver {
                visitor: visitor.clone(),
                number: Number(*number),
                life: self.life,
            })
            .collect();
        self.line().leave(&leavers).await.unwrap();
        for (number, _) in leaving {
            self.people.remove(&number);
            self.tokens.remove(&number);
        }
    }

    async fn beat(&self, who: impl Iterator<Item = (u64, VisitorId)>) {
        let beats: Vec<Beat> = who
            .map(|(number, visitor)| Beat {
                visitor,
                number: Number(number),
                seen_ago: Duration::ZERO,
                promised: PROMISED,
            })
            .collect();
        for beats in beats.chunks(1_000) {
            self.line()
                .beat(self.life, "the walk", beats)
                .await
                .unwrap();
        }
    }

    /// A minute and more passes in which `count` people are silent and everybody else polls. Returns who is silent.
    async fn fall_silent(&mut self, count: usize) -> BTreeSet<u64> {
        let silent: BTreeSet<u64> = self
            .some(count)
            .into_iter()
            .map(|(number, _)| number)
            .collect();
        let mut later = redis::cmd("HINCRBY");
        later.arg(self.key("room")).arg("clock_ms").arg(70_000);
        // The clock begins with the first beat.
        let first = self.some(1);
        self.beat(first.into_iter()).await;
        self.redis.query::<i64>(&later).await.unwrap();
        let others = self
            .people
            .iter()
            .filter(|(number, _)| !silent.contains(number));
        self.beat(others.map(|(number, visitor)| (*number, visitor.clone())))
            .await;
        silent
    }

    async fn waiting(&self) -> Vec<u64> {
        let mut range = redis::cmd("ZRANGE");
        range
            .arg(self.key("waiting"))
            .arg(0)
            .arg(-1)
            .arg("WITHSCORES");
        let pairs: Vec<(String, u64)> = self.redis.query(&range).await.unwrap();
        pairs.into_iter().map(|(_, place)| place).collect()
    }

    /// Lets some in while others are silent: exactly the first of those who are present.
    async fn promote(&mut self, count: u64) {
        let silent = self.fall_silent(20).await;
        let before = self.waiting().await;
        let mut fill = redis::cmd("HSET");
        let now = jiff::Timestamp::now().as_millisecond();
        fill.arg(self.key("room"))
            .arg("bucket")
            .arg(count)
            .arg("bucket_at_ms")
            .arg(now + 60_000);
        self.redis.query::<i64>(&fill).await.unwrap();
        let promoted = self.line().promote(LIMITS).await.unwrap().unwrap().promoted;
        let after: BTreeSet<u64> = self.waiting().await.into_iter().collect();
        let gone: Vec<u64> = before
            .iter()
            .copied()
            .filter(|place| !after.contains(place))
            .collect();
        let let_in: Vec<u64> = gone
            .into_iter()
            .filter(|place| !silent.contains(place))
            .collect();
        let present = before.into_iter().filter(|place| !silent.contains(place));
        let expected: Vec<u64> = present.take(usize::try_from(promoted).unwrap()).collect();
        assert_eq!(let_in, expected, "not in order of place");
        for place in let_in {
            self.people.remove(&place);
            self.tokens.remove(&place);
        }
    }

    async fn sweep(&self) {
        let mut index = 0;
        while let Some(chunk) = self.line().promised(index).await.unwrap() {
            for places in chunk.overdue(10_000).chunks(500) {
                self.line().sweep(places).await.unwrap();
            }
            index = chunk.index + 1;
            if index * CHUNK_PLACES >= chunk.next {
                break;
            }
        }
    }

    async fn round(&mut self) {
        let mut steps = 0;
        while steps < STEPS_A_ROUND {
            let count = self.rng.random_range(1..60);
            match self.rng.random_range(0..6) {
                0..=2 => self.join(count).await,
                3 => self.leave(usize::try_from(count).unwrap()).await,
                4 => self.promote(count.min(20)).await,
                _ => {
                    let silent = self.fall_silent(usize::try_from(count).unwrap()).await;
                    self.sweep().await;
                    // Half of them come back.
                    let back = silent.into_iter().filter(|number| number % 2 == 0);
                    let back: Vec<_> = back
                        .map(|number| (number, self.people[&number].clone()))
                        .collect();
                    self.beat(back.into_iter()).await;
                }
            }
            steps += count;
        }
    }

    async fn position(&self, address: std::net::SocketAddr, token: &str) -> u64 {
        let url = format!("http://{address}{}/visitors/me", self.gate.room_path());
        let answer = self
            .gate
            .http
            .get(url)
            .bearer_auth(token)
            .send()
            .await
            .unwrap();
        let document: serde_json::Value = answer.json().await.unwrap();
        document["position"]
            .as_u64()
            .unwrap_or_else(|| panic!("{document}"))
    }

    /// Bits against the sorted set, then positions of both gatekeepers against ranks.
    async fn compare(&self) {
        let waiting: BTreeSet<u64> = self.waiting().await.into_iter().collect();
        let snapshot = self.line().snapshot(0).await.unwrap().unwrap();
        let (head, next) = (snapshot.head(), snapshot.settings.next);
        for index in head / CHUNK_PLACES..=next / CHUNK_PLACES {
            let bits = self.line().chunks(&[index]).await.unwrap().remove(0).bits;
            for place in (index * CHUNK_PLACES..(index + 1) * CHUNK_PLACES)
                .filter(|place| (head + 1..next).contains(place))
            {
                let offset = usize::try_from(place % CHUNK_PLACES).unwrap();
                let bit = bits
                    .get(offset / 8)
                    .is_some_and(|byte| byte & (0x80 >> (offset % 8)) != 0);
                assert_eq!(bit, !waiting.contains(&place), "bit of place {place}");
            }
        }
        let ranks: BTreeMap<u64, u64> = waiting.into_iter().zip(1..).collect();
        for (number, token) in &self.tokens {
            let Some(&rank) = ranks.get(number) else {
                continue;
            };
            for address in [self.gate.address, self.other.address] {
                let began = Instant::now();
                loop {
                    let position = self.position(address, token).await;
                    if position == rank {
                        break;
                    }
                    assert!(
                        began.elapsed() < LONG,
                        "number {number} is told {position}, the rank is {rank}"
                    );
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

#[expect(clippy::print_stdout, reason = "a failed walk is repeated by its seed")]
async fn walk(steps: u64) {
    let seed = rand::random();
    println!("seed {seed}");
    let mut walk = Walk::start(seed).await;
    for _ in 0..steps.div_ceil(STEPS_A_ROUND) {
        walk.round().await;
        walk.compare().await;
    }
    walk.other.shutdown.soft().cancel();
    walk.other.shutdown.hard().cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_are_ranks_whenever_things_stand_still() {
    walk(10_000).await;
}

/// The same at full length; `cargo nextest run --run-ignored only` runs it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute"]
async fn positions_are_ranks_after_a_hundred_thousand_steps() {
    walk(100_000).await;
}
