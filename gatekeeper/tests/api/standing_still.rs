//! Random joins, leaves, absences, returns and promotions over two gatekeepers. Whenever things stand still: every position is
//! the rank in the sorted set plus one at both, and the bitmap says exactly who waits. Who is present goes in order (I7).
//!
//! People join, leave, come back and ask over HTTP, each time at either gatekeeper. Only what passes with time is done by hand.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use devstack::stores::RedisServer;
use futures_util::{StreamExt, stream};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use shared::ids::{Number, VisitorId};
use shared::redis_handle::Redis;
use shared::room::{Beat, CHUNK_PLACES, Line, NewRoom, Promise, PromotionLimits};

use crate::gate::{Gate, LONG, Process, text};

const PROMISED: Promise = Promise::of(Duration::from_secs(60));
const LIMITS: PromotionLimits = PromotionLimits {
    tick: Duration::from_millis(50),
    at_once: 1_000,
};
/// Steps between two moments of standing still.
const STEPS_A_ROUND: u64 = 2_500;
/// People, spread through the line, whose positions are compared at both gatekeepers then.
const COMPARED: usize = 200;
const REQUESTS_AT_ONCE: usize = 16;
/// What the walk calls itself among the gatekeepers.
const MYSELF: &str = "the walk";

struct Person {
    visitor: VisitorId,
    token: String,
    /// From then on no gatekeeper keeps a beat of theirs any more.
    flushed: u64,
}

/// Counts flushes of beats: a generation is over when every gatekeeper has flushed.
#[derive(Default)]
struct Flushes {
    generation: u64,
    last: HashMap<String, u64>,
    flushed: BTreeSet<String>,
}

impl Flushes {
    /// A beat of now is kept by nobody after that: the present generation may have begun before it, and a flush that was under
    /// way may end in the next one.
    fn past_now(&self) -> u64 {
        self.generation + 3
    }

    fn take(&mut self, times: Vec<(String, u64)>) {
        for (gatekeeper, at) in times {
            if self.last.insert(gatekeeper.clone(), at) != Some(at) {
                self.flushed.insert(gatekeeper);
            }
        }
        if self.flushed.len() >= 2 && self.flushed.len() == self.last.len() {
            self.generation += 1;
            self.flushed.clear();
        }
    }
}

struct Walk {
    gate: Gate,
    other: Process,
    /// Of the walk's own, so that no other gatekeepers flush beats.
    _server: RedisServer,
    redis: Redis,
    life: u64,
    rng: StdRng,
    named: u64,
    flushes: Flushes,
    /// Everybody who has joined and not left, by number.
    people: BTreeMap<u64, Person>,
    compared: usize,
    /// How many fell silent, came back by a beat, and by asking.
    silent: usize,
    beating: usize,
    asking: usize,
}

impl Walk {
    async fn start(seed: u64) -> Self {
        let server = crate::outage::own_server();
        let url = server.url();
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
            _server: server,
            life,
            rng: StdRng::seed_from_u64(seed),
            named: 0,
            flushes: Flushes::default(),
            people: BTreeMap::new(),
            compared: 0,
            silent: 0,
            beating: 0,
            asking: 0,
        };
        let began = Instant::now();
        while walk
            .gate
            .http
            .get(walk.url(1, ""))
            .send()
            .await
            .unwrap()
            .status()
            != StatusCode::OK
        {
            assert!(began.elapsed() < LONG, "the room is not known everywhere");
        }
        walk.join(500).await;
        walk
    }

    fn line(&self) -> &Line {
        &self.gate.line
    }

    fn key(&self, name: &str) -> String {
        format!("onsale:{{{}}}:{name}", self.line().room())
    }

    fn address(&self, gatekeeper: usize) -> SocketAddr {
        [self.gate.address, self.other.address][gatekeeper]
    }

    fn url(&self, gatekeeper: usize, below: &str) -> String {
        let address = self.address(gatekeeper);
        format!("http://{address}{}{below}", self.gate.room_path())
    }

    /// Sends requests to either gatekeeper in turn, several at once, and returns what they answer, in order.
    async fn ask(
        &self,
        method: Method,
        below: &str,
        tokens: &[String],
    ) -> Vec<(StatusCode, Value)> {
        let ask = async |(index, token): (usize, &String)| {
            let url = self.url(index % 2, below);
            let request = self.gate.http.request(method.clone(), url);
            let answer = request.bearer_auth(token).send().await.unwrap();
            let status = answer.status();
            (status, answer.json().await.unwrap_or(Value::Null))
        };
        stream::iter(tokens.iter().enumerate())
            .map(ask)
            .buffered(REQUESTS_AT_ONCE)
            .collect()
            .await
    }

    async fn look_at_flushes(&mut self) {
        let mut range = redis::cmd("ZRANGE");
        range
            .arg(self.key("gatekeepers"))
            .arg(0)
            .arg(-1)
            .arg("WITHSCORES");
        let times: Vec<(String, u64)> = self.redis.query(&range).await.unwrap();
        let times = times.into_iter().filter(|(name, _)| name != MYSELF);
        self.flushes.take(times.collect());
    }

    async fn join(&mut self, count: u64) {
        let named = self.named..self.named + count;
        self.named += count;
        let visitors: Vec<String> = named.map(|name| format!("v-{name}")).collect();
        let tokens: Vec<String> = visitors
            .iter()
            .map(|visitor| self.gate.user_token(visitor))
            .collect();
        let answers = self.ask(Method::POST, "/visitors", &tokens).await;
        let flushed = self.flushes.past_now();
        for (visitor, (status, document)) in visitors.into_iter().zip(answers) {
            assert_eq!(status, StatusCode::CREATED, "{document}");
            let person = Person {
                visitor: visitor.parse().unwrap(),
                token: text(&document, "token"),
                flushed,
            };
            let number = document["number"].as_u64().unwrap();
            assert!(
                self.people.insert(number, person).is_none(),
                "number {number} was given twice"
            );
        }
    }

    /// So many of those whom `may` takes, at most.
    fn some(&mut self, count: usize, may: impl Fn(&Person) -> bool) -> BTreeSet<u64> {
        let numbers: Vec<u64> = self
            .people
            .iter()
            .filter(|(_, person)| may(person))
            .map(|(number, _)| *number)
            .collect();
        if numbers.is_empty() {
            return BTreeSet::new();
        }
        (0..count)
            .map(|_| numbers[self.rng.random_range(0..numbers.len())])
            .collect()
    }

    fn tokens(&self, numbers: &BTreeSet<u64>) -> Vec<String> {
        numbers
            .iter()
            .map(|number| self.people[number].token.clone())
            .collect()
    }

    async fn leave(&mut self, count: usize) {
        let leaving = self.some(count, |_| true);
        let answers = self
            .ask(Method::DELETE, "/visitors/me", &self.tokens(&leaving))
            .await;
        assert!(
            answers
                .iter()
                .all(|(status, _)| *status == StatusCode::NO_CONTENT)
        );
        for number in leaving {
            self.people.remove(&number);
        }
    }

    async fn beat(&self, who: impl Iterator<Item = u64>) {
        let beats: Vec<Beat> = who
            .map(|number| Beat {
                visitor: self.people[&number].visitor.clone(),
                number: Number(number),
                seen_ago: Duration::ZERO,
                promised: PROMISED,
            })
            .collect();
        for beats in beats.chunks(1_000) {
            self.line().beat(self.life, MYSELF, beats).await.unwrap();
        }
    }

    /// A minute and more passes in which at most `count` people are silent and everybody else polls. Returns who is silent.
    async fn fall_silent(&mut self, count: usize) -> BTreeSet<u64> {
        self.look_at_flushes().await;
        let generation = self.flushes.generation;
        let silent = self.some(count, |person| person.flushed <= generation);
        let mut later = redis::cmd("HINCRBY");
        later.arg(self.key("room")).arg("clock_ms").arg(70_000);
        // The clock begins with the first beat.
        let first = self.some(1, |_| true);
        self.beat(first.into_iter()).await;
        self.redis.query::<i64>(&later).await.unwrap();
        let others = self.people.keys().copied();
        self.beat(others.filter(|number| !silent.contains(number)))
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
        let gone = before
            .iter()
            .copied()
            .filter(|place| !after.contains(place));
        let let_in: Vec<u64> = gone.filter(|place| !silent.contains(place)).collect();
        let present = before
            .iter()
            .copied()
            .filter(|place| !silent.contains(place));
        let expected: Vec<u64> = present.take(usize::try_from(count).unwrap()).collect();
        assert_eq!(let_in, expected, "not the first in order of place");
        assert_eq!(promoted, let_in.len() as u64);
        for place in let_in {
            self.people.remove(&place);
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

    /// Some are silent until they are absent; half of them come back, by a beat or by asking for themselves.
    async fn go_and_return(&mut self, count: usize) {
        let silent = self.fall_silent(count).await;
        self.sweep().await;
        let waiting: BTreeSet<u64> = self.waiting().await.into_iter().collect();
        assert!(silent.is_disjoint(&waiting), "who was silent is absent");
        let part = |rest: u64| -> BTreeSet<u64> {
            silent
                .iter()
                .copied()
                .filter(|number| number % 4 == rest)
                .collect()
        };
        let (beating, asking) = (part(0), part(2));
        self.silent += silent.len();
        self.beating += beating.len();
        self.asking += asking.len();
        self.beat(beating.into_iter()).await;
        let began = Instant::now();
        loop {
            let answers = self
                .ask(Method::GET, "/visitors/me", &self.tokens(&asking))
                .await;
            for (status, document) in answers {
                assert_eq!(
                    (status, &document["state"]),
                    (StatusCode::OK, &"waiting".into())
                );
            }
            let waiting: BTreeSet<u64> = self.waiting().await.into_iter().collect();
            if asking.is_subset(&waiting) {
                break;
            }
            assert!(began.elapsed() < LONG, "who asks is not back");
        }
        let flushed = self.flushes.past_now();
        for number in asking {
            self.people.get_mut(&number).unwrap().flushed = flushed;
        }
    }

    /// Waits until no gatekeeper keeps a beat of so far.
    async fn until_flushed(&mut self) {
        let (began, past) = (Instant::now(), self.flushes.past_now());
        while self.flushes.generation < past {
            assert!(began.elapsed() < LONG, "beats are not flushed");
            tokio::time::sleep(Duration::from_millis(50)).await;
            self.look_at_flushes().await;
        }
    }

    async fn round(&mut self) {
        self.until_flushed().await;
        let mut steps = 0;
        while steps < STEPS_A_ROUND {
            let count = self.rng.random_range(1..60);
            match self.rng.random_range(0..6) {
                0..=2 => self.join(count).await,
                3 => self.leave(usize::try_from(count).unwrap()).await,
                4 => self.promote(count.min(20)).await,
                _ => self.go_and_return(usize::try_from(count).unwrap()).await,
            }
            self.look_at_flushes().await;
            steps += count;
        }
    }

    /// Bits against the sorted set, then positions of both gatekeepers against ranks.
    async fn compare(&mut self) {
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
        let every = (ranks.len() / COMPARED).max(1);
        let sample: BTreeMap<u64, u64> = ranks.into_iter().step_by(every).collect();
        assert!(
            sample.len() >= COMPARED.min(100),
            "too few to compare: {}",
            sample.len()
        );
        for gatekeeper in [0, 1] {
            for (&number, &rank) in &sample {
                self.until_told(gatekeeper, number, rank).await;
            }
        }
        self.compared += sample.len();
        let flushed = self.flushes.past_now();
        for number in sample.keys() {
            self.people.get_mut(number).unwrap().flushed = flushed;
        }
    }

    /// Snapshots follow within a second.
    async fn until_told(&self, gatekeeper: usize, number: u64, rank: u64) {
        let began = Instant::now();
        loop {
            let url = self.url(gatekeeper, "/visitors/me");
            let request = self
                .gate
                .http
                .get(url)
                .bearer_auth(&self.people[&number].token);
            let document: Value = request.send().await.unwrap().json().await.unwrap();
            if document["position"] == rank {
                return;
            }
            assert!(
                began.elapsed() < LONG,
                "number {number}, of rank {rank}, is told {document}"
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
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
    println!(
        "{} joined, {} positions compared at both, {} silent, {} back by a beat, {} by asking",
        walk.named, walk.compared, walk.silent, walk.beating, walk.asking
    );
    let least = usize::try_from(steps / 200).unwrap();
    for count in [walk.silent, walk.beating, walk.asking] {
        assert!(count >= least, "fewer than {least}");
    }
    walk.other.shutdown.soft().cancel();
    walk.other.shutdown.hard().cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_are_ranks_whenever_things_stand_still() {
    walk(10_000).await;
}

/// The same at full length; `make test-full` runs it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute"]
async fn positions_are_ranks_after_a_hundred_thousand_steps() {
    walk(100_000).await;
}
