//! Visitors of a paused room who poll as they are told there, over a few connections, as behind a balancer.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail};
use http::{HeaderValue, Method, Request, header};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use crate::client::{Client, Outgoing, Service};
use crate::tokens::{self, Minter};

pub(super) const VISITORS: u32 = 5_000;
/// What visitors of a short line are told where nobody is let in.
const EVERY: Duration = Duration::from_secs(5);
/// Far more than the five seconds that it takes.
const ONCE_WITHIN: Duration = Duration::from_secs(60);
pub(super) const POLLS_PER_SECOND: u32 = VISITORS / 5;
const CONNECTIONS: u32 = 20;
const BODY_MAX: usize = 16 << 10;

/// Visitors with their waiting tokens, shared out among connections.
pub(super) struct Pollers {
    lines: Vec<Line>,
}

/// One connection and the visitors that poll over it.
struct Line {
    client: Client,
    polls: Vec<Outgoing>,
}

impl Pollers {
    pub(super) async fn join(
        gatekeeper: SocketAddr,
        minter: &Minter,
        room: &str,
    ) -> anyhow::Result<Self> {
        let gatekeeper = Service::at(&format!("http://{gatekeeper}"))?;
        let mut lines = Vec::new();
        for line in 0..CONNECTIONS {
            let mut client = Client::new(&gatekeeper);
            let mut polls = Vec::new();
            for visitor in 0..VISITORS / CONNECTIONS {
                let user = minter.buyer(&format!("{room}-{line}-{visitor}"))?;
                let waiting = join(&mut client, room, &user).await?;
                polls.push(poll(room, &waiting));
            }
            lines.push(Line { client, polls });
        }
        Ok(Self { lines })
    }

    /// Everybody polls once in five seconds. Returns how many polls were answered.
    pub(super) async fn poll_for(&mut self, time: Duration) -> anyhow::Result<u32> {
        self.poll(time, usize::MAX).await
    }

    /// Everybody polls once, at the same pace.
    pub(super) async fn poll_once(&mut self) -> anyhow::Result<()> {
        let polls = self
            .poll(ONCE_WITHIN, (VISITORS / CONNECTIONS) as usize)
            .await?;
        if polls < VISITORS {
            bail!(
                "{polls} of {VISITORS} visitors polled within {} s: this machine is too slow",
                ONCE_WITHIN.as_secs()
            );
        }
        Ok(())
    }

    /// `most`: how many polls over each connection.
    async fn poll(&mut self, time: Duration, most: usize) -> anyhow::Result<u32> {
        let until = Instant::now() + time;
        let mut tasks = JoinSet::new();
        for line in self.lines.drain(..) {
            tasks.spawn(line.poll_until(until, most));
        }
        let mut polls = 0;
        while let Some(done) = tasks.join_next().await {
            let (line, answered) = done.context("a poller died")??;
            polls += answered;
            self.lines.push(line);
        }
        Ok(polls)
    }
}

impl Line {
    async fn poll_until(mut self, until: Instant, most: usize) -> anyhow::Result<(Self, u32)> {
        let pause = EVERY / (VISITORS / CONNECTIONS);
        let mut ticks = tokio::time::interval(pause);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut answered = 0;
        for request in self.polls.iter().cycle().take(most) {
            if ticks.tick().await >= until {
                break;
            }
            let answer = self.client.send(request.clone(), BODY_MAX).await?;
            if !answer.status.is_success() {
                bail!(
                    "a poll was answered {} {:?}",
                    answer.status,
                    answer.problem()
                );
            }
            answered += 1;
        }
        Ok((self, answered))
    }
}

async fn join(client: &mut Client, room: &str, user: &str) -> anyhow::Result<HeaderValue> {
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("/v1/rooms/{room}/visitors"))
        .header(
            header::AUTHORIZATION,
            tokens::bearer(user).context("no header value")?,
        )
        .body(http_body_util::Full::default())?;
    let answer = client.send(request, BODY_MAX).await?;
    let document: serde_json::Value = answer.json().context("a join was not answered in JSON")?;
    let token = document.get("token").and_then(serde_json::Value::as_str);
    let token = token.with_context(|| format!("a join was answered {}", answer.status))?;
    tokens::bearer(token).context("the waiting token is no header value")
}

fn poll(room: &str, waiting: &HeaderValue) -> Outgoing {
    Request::get(format!("/v1/rooms/{room}/visitors/me"))
        .header(header::AUTHORIZATION, waiting.clone())
        .body(http_body_util::Full::default())
        .expect("a room name makes a path")
}
